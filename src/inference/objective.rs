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
    /// Which part of each dimension's variance at the optimum rests on few experiments.
    fn few(&self, point: &[f64], _fisher: &DMatrix<f64>) -> Vec<Option<Few>> {
        vec![None; point.len()]
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
}

/// A part of a variance that is itself known from few experiments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Few {
    /// On the estimation scale.
    pub variance: f64,
    /// One less than the experiments.
    pub freedom: f64,
}

impl Few {
    /// How many standard errors a 95 % interval reaches where the whole variance is that of `error`: Student's t with the
    /// degrees of freedom of Welch and Satterthwaite (F. E. Satterthwaite, Biometrics Bulletin 2:110, 1946).
    pub fn reach(&self, error: f64) -> f64 {
        let share = (self.variance / (error * error)).clamp(1e-6, 1.0);
        student(self.freedom / (share * share))
    }

    /// What this part's being uncertain adds to it as a variance, if it is to be drawn from a normal distribution.
    pub fn excess(&self) -> f64 {
        self.variance * ((student(self.freedom) / normal_quantile(0.975)).powi(2) - 1.0)
    }
}

fn student(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(normal_quantile(0.975), |t| t.inverse_cdf(0.975))
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
