//! How much experiments differ: the standard deviations of their shifts, by restricted maximum likelihood.
//!
//! With the shifts `b` of a parameter normal around 0, the marginal likelihood of their sd (Laplace's approximation, all
//! other parameters integrated out too) is raised by the fixed point of Fellner and Schall (S. N. Wood, M. Fasiolo,
//! Biometrics 73:1071, 2017): `sd^2 <- sum b^2 / (experiments - trace of their posterior variance / sd^2)`.

use super::Few;
use super::boxed::Boxed;
use super::problem::StudyObjective;
use crate::study::Scale;
use crate::study::problem::Between;
use nalgebra::DMatrix;
use std::f64::consts::LN_10;

/// Spreads that change by less than this part have settled.
pub const SETTLED: f64 = 0.01;
/// Rounds after which they are taken as they are.
pub const ROUNDS: usize = 40;

/// The spreads after one round at the optimum `point` for `now`.
pub fn next(objective: &StudyObjective, now: &[f64], point: &[f64], fisher: &DMatrix<f64>) -> Vec<f64> {
    let boxed = Boxed::of(objective);
    let inner: Vec<usize> = (0..point.len()).filter(|&i| !boxed.at_bound(i, point[i])).collect();
    // Bounds count as a flat prior of the same variance, so that no direction is infinitely wide.
    let information = DMatrix::from_fn(inner.len(), inner.len(), |r, c| {
        let (i, j) = (inner[r], inner[c]);
        fisher[(i, j)] + if r == c { 12.0 / boxed.width(i).powi(2) } else { 0.0 }
    });
    let Some(covariance) = information.cholesky().map(|factor| factor.inverse()) else { return now.to_vec() };
    let variance = |i: usize| {
        let at = inner.iter().position(|&inner| inner == i);
        at.map_or(0.0, |at| covariance[(at, at)] * LN_10 * LN_10)
    };
    let update = |(between, &sd): (&Between, &f64)| {
        let Some((lower, upper)) = between.bounds else { return sd };
        let squares: f64 = between.shifts.iter().map(|&i| (point[i] * LN_10).powi(2)).sum();
        let left: f64 = between.shifts.iter().map(|&i| variance(i)).sum::<f64>() / (sd * sd);
        let known = between.shifts.len() as f64 - left;
        (squares / known.max(1e-3)).sqrt().clamp(lower, upper)
    };
    objective.problem().between.iter().zip(now).map(update).collect()
}

/// The part of variances that rests on few experiments.
///
/// The mean of a parameter over experiments has the variance `(sd^2 + error^2) / experiments`, where `error` is that of
/// the shift of one. It is as uncertain as a sum of squares with one degree of freedom less than there are experiments.
/// What all wells tell together, such as how two constants hang together, has no part in it.
pub fn few(objective: &StudyObjective, spreads: &[f64], point: &[f64], fisher: &DMatrix<f64>) -> Vec<Option<Few>> {
    let problem = objective.problem();
    let mut few = vec![None; problem.parameters.len()];
    for (between, sd) in problem.between.iter().zip(spreads) {
        let Some(at) = problem.parameters.iter().position(|p| p.name == between.of) else { continue };
        let count = between.shifts.len() as f64;
        let of_shift = |&i: &usize| fisher[(i, i)] / (LN_10 * LN_10) - 1.0 / (sd * sd);
        let known = between.shifts.iter().map(of_shift).sum::<f64>() / count;
        if known > 0.0 {
            // On the estimation scale of the parameter, whose logarithm is shifted.
            let slope = if problem.parameters[at].scale == Scale::Log10 { 1.0 / LN_10 } else { point[at] };
            let variance = (sd * sd + 1.0 / known) / count * slope * slope;
            few[at] = Some(Few { variance, freedom: count - 1.0 });
        }
    }
    few
}

/// Whether a further round is worth its while.
pub fn moves(now: &[f64], next: &[f64]) -> bool {
    now.iter().zip(next).any(|(now, next)| (next / now).ln().abs() > SETTLED)
}
