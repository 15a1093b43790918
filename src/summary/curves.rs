//! The fitted model between and beyond the readings, with what the data leave open.

use crate::Result;
use crate::inference::{Choice, FitResult, Objective, StudyObjective};
use crate::study::Linear;
use crate::study::design::Request;
use crate::study::problem::Problem;
use nalgebra::{DMatrix, DVector};

/// The model at the optimum.
pub struct Model<'a> {
    objective: &'a StudyObjective<'a>,
    pub problem: &'a Problem,
    /// On the estimation scale.
    pub point: Vec<f64>,
    pub values: Vec<f64>,
    /// Of the point; bounds count as a flat prior of the same variance, so that no direction is infinitely wide.
    covariance: Option<DMatrix<f64>>,
}

/// A predicted value and its derivatives on the estimation scale.
#[derive(Debug, Clone)]
pub struct Predicted {
    pub value: f64,
    pub gradient: DVector<f64>,
}

/// 97.5 % quantile of the standard normal distribution.
pub const Z: f64 = 1.959963984540054;

impl<'a> Model<'a> {
    pub fn new(objective: &'a StudyObjective<'a>, fit: &FitResult) -> Result<Self> {
        let problem = objective.problem();
        let expansion = objective.expand(std::slice::from_ref(&fit.point))?.remove(0);
        let mut information = expansion.fisher;
        for (at, (lower, upper)) in objective.lower().iter().zip(objective.upper()).enumerate() {
            information[(at, at)] += 12.0 / (upper - lower).powi(2);
        }
        let covariance = expansion.value.is_finite().then(|| information.cholesky()).flatten().map(|c| c.inverse());
        Ok(Model { objective, problem, point: fit.point.clone(), values: problem.values(&fit.point), covariance })
    }

    /// What the model says to `requests`; `None` if it cannot be integrated there.
    pub fn predict(&self, requests: &[Request]) -> Result<Option<Vec<Predicted>>> {
        let simulator = &self.objective.simulator;
        let problem = self.problem.with_layout(self.problem.design.lay_out(requests));
        let choice = Choice { method: simulator.choice.method, ..Choice::default() };
        let reference = StudyObjective::new(&problem, simulator.reference, simulator.reference, choice)?;
        let (simulated, jacobian) = reference.linearise(std::slice::from_ref(&self.point))?.remove(0);
        if !simulated.failures.is_empty() {
            return Ok(None);
        }
        let linear = Linear { slots: &simulated.slots, jacobian: &jacobian };
        let (values, jacobian) = problem.predict_linear(&self.values, &linear);
        let pairs = values.into_iter().zip(jacobian.column_iter());
        Ok(Some(pairs.map(|(value, gradient)| Predicted { value, gradient: gradient.into_owned() }).collect()))
    }

    /// The standard deviation that the uncertainty of the point gives to something with this gradient.
    pub fn deviation(&self, gradient: &DVector<f64>) -> Option<f64> {
        let covariance = self.covariance.as_ref()?;
        let variance = gradient.dot(&(covariance * gradient));
        Some(variance.max(0.0).sqrt()).filter(|sd| sd.is_finite())
    }

    /// The 95 % band around a prediction.
    pub fn band(&self, predicted: &Predicted) -> Option<(f64, f64)> {
        let sd = self.deviation(&predicted.gradient)?;
        Some((predicted.value - Z * sd, predicted.value + Z * sd))
    }
}

impl Model<'_> {
    /// The fitted value for each row of the data, in f64.
    pub fn fitted(&self) -> Result<Option<Vec<f64>>> {
        let wanted = crate::inference::Wanted::default();
        let simulated = self.objective.simulator.run(std::slice::from_ref(&self.values), wanted, true)?.remove(0);
        Ok(simulated.failures.is_empty().then(|| self.problem.predict(&self.values, &simulated.slots)))
    }
}
