//! What the model says to each row of the data.

use super::problem::StudyObjective;
use super::problem_run::Wanted;
use crate::Result;
use crate::study::noise::Noise;
use crate::study::problem::Observation;

/// The prediction of one row of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    pub prediction: f64,
    /// Of the error; NaN for counts.
    pub sd: f64,
    /// `(value - prediction) / sd` (on a log scale for log-normal noise); NaN for intervals and counts.
    pub residual: f64,
}

impl StudyObjective<'_> {
    /// Predictions for the rows of the data, in order, in f64 on the CPU.
    pub fn predict(&self, point: &[f64]) -> Result<Vec<Predicted>> {
        let problem = self.problem();
        let values = problem.values(point);
        let simulated = self.simulator.run(std::slice::from_ref(&values), Wanted::default(), true)?.remove(0);
        let means = problem.predict(&values, &simulated.slots);
        let mut rows: Vec<Predicted> =
            means.iter().map(|&prediction| Predicted { prediction, sd: f64::NAN, residual: f64::NAN }).collect();
        for observation in &problem.observations {
            match observation {
                Observation::Value { prediction, value, error } => {
                    let mean = means[*prediction];
                    let sd = problem.sd(error, &values, mean);
                    rows[*prediction].sd = sd;
                    rows[*prediction].residual = match error.noise {
                        Noise::LogNormal => (value / mean).ln() / sd,
                        _ => (value - mean) / sd,
                    };
                }
                Observation::Interval { prediction, error, .. } => {
                    rows[*prediction].sd = problem.sd(error, &values, means[*prediction]);
                }
                Observation::Joint { predictions, sd, .. } => predictions.iter().for_each(|&p| rows[p].sd = *sd),
                Observation::Count { .. } => {}
            }
        }
        Ok(rows)
    }
}
