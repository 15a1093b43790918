//! What an optimiser sees: a function of points on the estimation scale, evaluated many points at a time.

use crate::Result;
use nalgebra::{DMatrix, DVector};

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
