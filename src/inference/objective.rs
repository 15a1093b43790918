//! What an optimiser sees: a function of points on the estimation scale, evaluated many points at a time.

use crate::Result;
use crate::random::normal_quantile;
use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A negative log-posterior (nllh minus log prior) over a box.
pub trait Objective: Sync {
    /// One name for each dimension.
    fn names(&self) -> &[String];
    /// Bounds on the estimation scale (log10 for a log parameter).
    fn lower(&self) -> &[f64];
    fn upper(&self) -> &[f64];
    /// The user's own guess, if given: always one of the starts.
    fn nominal(&self) -> Option<&[f64]> {
        None
    }
    /// What is known of a dimension beyond its bounds.
    fn dimension(&self, _index: usize) -> Dimension {
        Dimension::default()
    }
    /// How many observations the likelihood has, for the BIC; `None` where that number has no meaning.
    fn observations(&self) -> Option<usize> {
        None
    }
    /// The values at `points`, in order. A point that cannot be integrated is `+inf`, never NaN.
    fn evaluate(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>>;
    /// Values with first derivatives and the Fisher information (of the likelihood, plus the prior's curvature).
    fn expand(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>>;
    /// Standard deviations of shifts between experiments. They shape the objective and are no part of a point: at the
    /// best of both, shifts of nothing with no spread would be infinitely likely.
    fn spreads(&self) -> Vec<f64> {
        Vec::new()
    }
    fn set_spreads(&self, _spreads: &[f64]) {}
    /// Spreads of a higher marginal likelihood, by the information at the optimum for the present ones.
    fn next_spreads(&self, _point: &[f64], _fisher: &DMatrix<f64>) -> Vec<f64> {
        self.spreads()
    }
    /// The values in the precision in which results are reported (f64 on the CPU).
    fn evaluate_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        self.evaluate(points)
    }
    /// Expansions in that precision: standard errors and intervals come from them.
    fn expand_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>> {
        self.expand(points)
    }
}

/// How a parameter is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dimension {
    /// The estimation scale is log10 of the parameter.
    pub logarithmic: bool,
    /// Standard deviation of its normal prior on the estimation scale; `None` for a flat prior over the bounds.
    pub prior_deviation: Option<f64>,
    /// Degrees of freedom of Student's t for its interval: one less than the experiments that differ in it. `None` for
    /// the normal distribution.
    pub freedom: Option<f64>,
}

impl Dimension {
    /// How many standard errors a 95 % interval reaches either way.
    pub fn reach(&self) -> f64 {
        let student = self.freedom.and_then(|freedom| StudentsT::new(0.0, 1.0, freedom).ok());
        student.map_or(normal_quantile(0.975), |student| student.inverse_cdf(0.975))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// `+inf` if a lane failed after its retries, or the prior has no mass here.
    pub value: f64,
    /// Lanes that stayed failed, by status.
    pub failures: Vec<(crate::engine::Status, u32)>,
}

#[derive(Debug, Clone)]
pub struct Expansion {
    pub value: f64,
    pub gradient: DVector<f64>,
    /// Positive semi-definite.
    pub fisher: DMatrix<f64>,
}
