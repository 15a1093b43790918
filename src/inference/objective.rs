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
    /// The values at `points`, in order. A point that cannot be integrated is `+inf`, never NaN.
    fn evaluate(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>>;
    /// Values with first derivatives and the Fisher information (of the likelihood, plus the prior's curvature).
    fn expand(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>>;
    /// The values in the precision in which results are reported (f64 on the CPU).
    fn evaluate_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        self.evaluate(points)
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
