//! What Gauss-Newton's curvature leaves out: second derivatives of predictions times residuals, and what ties a parameter to an
//! error that is estimated with it. Along a ridge that the first derivatives hardly see this is most of the curvature; without
//! it steps of the others promise for ever what none of them keeps.
//!
//! At the optimum it comes from differences of gradients; along a path it is learned from the gradients that are there anyway
//! (the structured secant update of J. E. Dennis, D. M. Gay and R. E. Welsch, ACM TOMS 7:348, 1981).

use super::conditional::Model;
use crate::Result;
use crate::inference::boxed::Boxed;
use crate::inference::bridge::Bridge;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Differences are taken over this part of a standard error, and over this part of the box at most.
const APART: f64 = 0.1;
const FARTHEST: f64 = 1e-3;
/// Second derivatives that differ by more than this with the order they are taken in, in parts of the curvatures of the two
/// parameters, are noise: the objective has stairs.
const NOISE: f64 = 0.05;

/// A symmetric matrix on the unit box, to be added to the information.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bend {
    /// Row by row; `None` where gradients are too rough to tell.
    entries: Option<Vec<f64>>,
}

impl Bend {
    /// That at the optimum `at` with its model, and nothing if gradients around it do not agree with one another.
    pub fn about(at: &[f64], model: &Model, bridge: &Bridge, boxed: &Boxed) -> Result<Bend> {
        let n = at.len();
        let length = |i: usize| FARTHEST.min(APART / model.own(i).sqrt());
        let moved = |i: usize, by: f64| {
            let mut to = at.to_vec();
            to[i] = (to[i] + by).clamp(0.0, 1.0);
            to
        };
        let ends: Vec<Vec<f64>> = (0..n).flat_map(|i| [moved(i, -length(i)), moved(i, length(i))]).collect();
        let points: Vec<Vec<f64>> = ends.iter().map(|end| boxed.point(end)).collect();
        let expansions = bridge.expand(&points)?;
        let gradient = |end: usize, i: usize| Some(expansions[end].as_ref()?.gradient[i] * boxed.width(i));
        let second = |r: usize, c: usize| {
            let apart = ends[2 * r + 1][r] - ends[2 * r][r];
            Some((gradient(2 * r + 1, c)? - gradient(2 * r, c)?) / apart)
        };
        let mut entries = vec![0.0; n * n];
        for r in 0..n {
            for c in 0..=r {
                let (Some(one), Some(other)) = (second(r, c), second(c, r)) else { return Ok(Bend { entries: None }) };
                let agree = (one - other).abs() <= NOISE * (model.own(r) * model.own(c)).sqrt();
                if !agree {
                    return Ok(Bend { entries: None });
                }
                let entry = 0.5 * (one + other) - model.information(r, c);
                (entries[r * n + c], entries[c * n + r]) = (entry, entry);
            }
        }
        Ok(Bend { entries: Some(entries) })
    }

    /// Takes in how the gradient has changed over `step`, at whose end `model` is that of Gauss-Newton.
    pub fn learn(&mut self, step: &DVector<f64>, change: &DVector<f64>, model: &Model) {
        let Some(entries) = &mut self.entries else { return };
        let n = step.len();
        let mut bend = DMatrix::from_row_slice(n, n, entries);
        let along = change.dot(step);
        // Downhill and up again on a stair teaches nothing.
        if along <= 0.0 || !change.iter().all(|x| x.is_finite()) {
            return;
        }
        let information = DMatrix::from_fn(n, n, |r, c| model.information(r, c));
        let wanted = change - information * step;
        let (own, sought) = (step.dot(&(&bend * step)), step.dot(&wanted));
        if own != 0.0 {
            bend *= (sought / own).abs().min(1.0);
        }
        let missing = wanted - &bend * step;
        let both = &missing * change.transpose();
        bend +=
            (&both + both.transpose()) / along - change * change.transpose() * (step.dot(&missing) / (along * along));
        if bend.iter().all(|x| x.is_finite()) {
            *entries = (0..n * n).map(|at| bend[(at / n, at % n)]).collect();
        }
    }

    /// Row by row.
    pub fn entries(&self) -> Option<&[f64]> {
        self.entries.as_deref()
    }
}
