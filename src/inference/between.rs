//! How much experiments differ: the standard deviations of their shifts, by restricted maximum likelihood.
//!
//! With the shifts `b` of a parameter normal around 0, the marginal likelihood of their sd (Laplace's approximation, all
//! other parameters integrated out too) is raised by the fixed point of Fellner and Schall (S. N. Wood, M. Fasiolo,
//! Biometrics 73:1071, 2017): `sd^2 <- sum b^2 / (experiments - trace of their posterior variance / sd^2)`.

use super::boxed::Boxed;
use super::problem::StudyObjective;
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

/// Whether a further round is worth its while.
pub fn moves(now: &[f64], next: &[f64]) -> bool {
    now.iter().zip(next).any(|(now, next)| (next / now).ln().abs() > SETTLED)
}
