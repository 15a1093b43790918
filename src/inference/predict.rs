//! What the model says to each row of the data.

use super::problem::StudyObjective;
use super::problem_run::Wanted;
use crate::Result;

/// The prediction of one row of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    pub prediction: f64,
    /// Of the error; NaN for counts of deaths.
    pub sd: f64,
    /// `(value - prediction) / sd` (on a log scale for log-normal noise); NaN for intervals and counts of deaths.
    pub residual: f64,
}

impl StudyObjective<'_> {
    /// Predictions for the rows of the data, in order, in f64 on the CPU.
    pub fn predict(&self, point: &[f64]) -> Result<Vec<Predicted>> {
        let problem = self.problem();
        let values = problem.values(point);
        let simulated = self.simulator.run(std::slice::from_ref(&values), Wanted::default(), true)?.remove(0);
        let means = problem.predict(&values, &simulated.slots);
        let rows = problem.residuals(&values, &means);
        let row = |(&prediction, row): (&f64, &crate::study::Residual)| Predicted {
            prediction,
            sd: row.sd,
            residual: row.residual,
        };
        Ok(means.iter().zip(&rows).map(row).collect())
    }
}
