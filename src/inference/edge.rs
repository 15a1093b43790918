//! Where what can be integrated ends: whether an estimate stands there, which intervals end there, and why evaluations
//! beyond fail.

use super::boxed::{Boxed, best_step};
use super::bridge::Bridge;
use super::sample::{Sample, Target};
use super::{Evaluation, Expansion, Objective};
use crate::Result;
use crate::engine::Status;
use nalgebra::{DMatrix, DVector};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An estimate that failures are this near to stands at their edge, in its own standard errors, and in parts of the box at
/// most.
const NEAR: f64 = 0.05;
const NEAREST: f64 = 0.01;
/// What the model may promise at an optimum.
const SLACK: f64 = 0.02;
/// How far along the promised step is tried.
const ALONG: [f64; 5] = [1.0, 0.3, 0.1, 0.01, 0.001];
/// Points tried beside draws, and the part of them that may fail: fewer move no end of a 95 % interval by much.
const BESIDE: usize = 256;
const CUT: f64 = 0.01;

/// A place beyond which evaluations fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    pub of: EdgeOf,
    /// Lanes by what became of them; empty where all could be integrated and the objective or its derivatives are not finite.
    pub causes: Vec<(Status, u64)>,
    /// Points that were tried there and failed.
    pub failed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeOf {
    /// The optimum: a better one may lie where nothing can be integrated.
    Estimate,
    /// One side of the interval of a parameter.
    End { parameter: usize, upper: bool },
    /// Draws from a posterior, which goes on where nothing can be integrated.
    Draws,
}

/// The failures at `points`, summed by cause. `None` if none of them fails.
pub fn failures(bridge: &Bridge, points: &[Vec<f64>], of: EdgeOf) -> Result<Option<Edge>> {
    Ok(told(&bridge.evaluate(points)?, of))
}

fn told(evaluations: &[Evaluation], of: EdgeOf) -> Option<Edge> {
    let mut causes: BTreeMap<Status, u64> = BTreeMap::new();
    let mut failed = 0;
    for evaluation in evaluations.iter().filter(|evaluation| !evaluation.value.is_finite()) {
        failed += 1;
        for &(status, count) in &evaluation.failures {
            *causes.entry(status).or_default() += u64::from(count);
        }
    }
    (failed > 0).then(|| Edge { of, causes: causes.into_iter().collect(), failed })
}

/// Whether the optimum `point` stands at the edge of failures: they are close beside it, or in the way of a better place.
/// `met` says whether any evaluation of the search has failed; without one there is nothing to look for.
pub fn of_estimate(
    bridge: &Bridge,
    boxed: &Boxed,
    point: &[f64],
    expansion: Option<&Expansion>,
    met: bool,
) -> Result<Option<Edge>> {
    let Some(expansion) = expansion else {
        return failures(bridge, &around(boxed, point, |_| 0.1 * NEAREST), EdgeOf::Estimate);
    };
    if !met {
        return Ok(None);
    }
    let n = point.len();
    let gradient = DVector::from_fn(n, |i, _| expansion.gradient[i] * boxed.width(i));
    let curvature = DMatrix::from_fn(n, n, |r, c| expansion.fisher[(r, c)] * boxed.width(r) * boxed.width(c));
    let near = |i: usize| NEAREST.min(NEAR / curvature[(i, i)].max(0.0).sqrt());
    let mut probes = around(boxed, point, near);
    // What is promised may not be had because the way there fails.
    let here = boxed.unit(point);
    let room = |to: f64| here.iter().map(|u| to - u).collect::<Vec<f64>>();
    if let Some(step) =
        best_step(&curvature, 1e-6 * curvature.diagonal().max().max(1.0), &gradient, &room(0.0), &room(1.0))
        && -(gradient.dot(&step) + 0.5 * step.dot(&(&curvature * &step))) > SLACK
    {
        let along = |share: &f64| (0..n).map(|i| (here[i] + share * step[i]).clamp(0.0, 1.0)).collect::<Vec<f64>>();
        probes.extend(ALONG.iter().map(along).map(|unit| boxed.point(&unit)));
    }
    failures(bridge, &probes, EdgeOf::Estimate)
}

/// The same for an optimum that was found elsewhere, in the precision of the report.
pub fn of_optimum(objective: &dyn Objective, point: &[f64]) -> Result<Option<Edge>> {
    let spent = RefCell::default();
    let bridge = Bridge { objective, exact: true, spent: &spent };
    let expansion = bridge.expand(&[point.to_vec()])?.pop().flatten();
    of_estimate(&bridge, &Boxed::of(objective), point, expansion.as_ref(), true)
}

/// Whether the posterior of `sample` is cut by failures: points about its draws, each one draw moved by half the difference of
/// two others, are tried. Where the search met no failure there is nothing to look for.
pub fn of_draws(target: &dyn Target, sample: &Sample) -> Result<Option<Edge>> {
    let draws: Vec<&Vec<f64>> = sample.draws().map(|draw| &draw.point).collect();
    if sample.failed_points == 0 {
        return Ok(None);
    }
    // Primes far apart choose draws that are no neighbours in a chain.
    let chosen = |at: usize, prime: usize| draws[(at * prime + prime / 2) % draws.len()];
    let place = |at: usize| {
        let [from, to, other] = [7919, 104_729, 15_485_863].map(|prime| chosen(at, prime));
        (0..from.len()).map(|i| from[i] + 0.5 * (to[i] - other[i])).collect::<Vec<f64>>()
    };
    let places: Vec<Vec<f64>> = (0..BESIDE).map(place).filter(|point| target.prior(point).is_finite()).collect();
    let evaluations = if places.is_empty() { Vec::new() } else { target.likelihoods(&places, false)? };
    let edge = told(&evaluations, EdgeOf::Draws);
    Ok(edge.filter(|edge| edge.failed as f64 > CUT * places.len() as f64))
}

/// A step either way in each dimension, within the box.
fn around(boxed: &Boxed, point: &[f64], step: impl Fn(usize) -> f64) -> Vec<Vec<f64>> {
    let here = boxed.unit(point);
    let moved = |(i, sign): (usize, f64)| {
        let mut unit = here.clone();
        unit[i] = (unit[i] + sign * step(i)).clamp(0.0, 1.0);
        (unit != here).then(|| boxed.point(&unit))
    };
    (0..here.len()).flat_map(|i| [(i, -1.0), (i, 1.0)]).filter_map(moved).collect()
}
