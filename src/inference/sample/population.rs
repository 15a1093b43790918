//! Points with their likelihoods, and what a sampler does with many of them.

use crate::random::Stream;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use serde::{Deserialize, Serialize};

/// A point and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub point: Vec<f64>,
    /// Negative log-likelihood.
    #[serde(deserialize_with = "crate::inference::checkpoint::infinite")]
    pub likelihood: f64,
    /// Negative log prior.
    #[serde(deserialize_with = "crate::inference::checkpoint::infinite")]
    pub prior: f64,
}

impl Member {
    /// Negative log of the posterior whose likelihood is raised to `exponent`.
    pub fn energy(&self, exponent: f64) -> f64 {
        // Nothing counts of a likelihood at the exponent 0, not even that it is nothing.
        if exponent == 0.0 { self.prior } else { self.prior + exponent * self.likelihood }
    }
}

/// Which members live on, by systematic resampling: in order, each as often as its weight says, give or take one.
pub fn systematic(weights: &[f64], count: usize, offset: f64) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let (mut at, mut sum) = (0, weights[0]);
    (0..count)
        .map(|i| {
            let wanted = (i as f64 + offset) / count as f64 * total;
            while sum < wanted && at + 1 < weights.len() {
                at += 1;
                sum += weights[at];
            }
            at
        })
        .collect()
}

/// Effective number of draws with these weights.
pub fn effective(weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    sum * sum / weights.iter().map(|w| w * w).sum::<f64>()
}

/// Mean and covariance of a population, ready to draw from.
pub struct Spread {
    pub mean: DVector<f64>,
    pub root: Cholesky<f64, Dyn>,
}

impl Spread {
    /// `None` for a population that has collapsed onto a point.
    pub fn of<'m>(members: impl Iterator<Item = &'m Member> + Clone) -> Option<Spread> {
        let count = members.clone().count() as f64;
        let dimensions = members.clone().next()?.point.len();
        let mut mean = DVector::zeros(dimensions);
        for member in members.clone() {
            mean += DVector::from_column_slice(&member.point);
        }
        mean /= count;
        let mut covariance = DMatrix::zeros(dimensions, dimensions);
        for member in members {
            let off = DVector::from_column_slice(&member.point) - &mean;
            covariance.ger(1.0 / (count - 1.0), &off, &off, 1.0);
        }
        // A floor, so that few distinct members do not make a flat cloud.
        let largest = covariance.diagonal().max();
        if largest.is_nan() || largest <= 0.0 {
            return None;
        }
        for i in 0..dimensions {
            let own = covariance[(i, i)];
            covariance[(i, i)] = own * (1.0 + 1e-9) + 1e-12 * largest;
        }
        Some(Spread { mean, root: covariance.cholesky()? })
    }

    pub fn step(&self, stream: &mut Stream) -> DVector<f64> {
        let normal = DVector::from_fn(self.mean.len(), |_, _| stream.normal());
        self.root.l_dirty().lower_triangle() * normal
    }

    /// The standard deviation of one coordinate.
    pub fn deviation(&self, i: usize) -> f64 {
        self.root.l_dirty().row(i).columns(0, i + 1).norm()
    }

    /// The squared distance of `point` from the mean in standard deviations.
    pub fn distance(&self, point: &[f64]) -> f64 {
        self.length(&(DVector::from_column_slice(point) - &self.mean))
    }

    pub fn length(&self, step: &DVector<f64>) -> f64 {
        self.solved(step.clone()).norm_squared()
    }

    /// `point` in coordinates in which the population is round and of unit size.
    pub fn white(&self, point: &[f64]) -> DVector<f64> {
        self.solved(DVector::from_column_slice(point) - &self.mean)
    }

    fn solved(&self, mut step: DVector<f64>) -> DVector<f64> {
        self.root.l_dirty().solve_lower_triangular_mut(&mut step);
        step
    }

    /// Half of the log determinant of the covariance.
    pub fn log_volume(&self) -> f64 {
        self.root.l_dirty().diagonal().iter().map(|x| x.ln()).sum()
    }
}
