//! How far each row of the data lies from its prediction.

use super::noise::Noise;
use super::problem::{ErrorModel, Observation, Problem, Scatter};
use super::{counts, likelihood};

/// Of one row; NaN where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// Of its error: on the log scale for log-normal noise, of the share for counts of live and dead cells.
    pub sd: f64,
    /// `(reading - prediction) / sd`; only of readings with a value.
    pub residual: f64,
}

impl Problem {
    /// For each prediction.
    pub fn residuals(&self, values: &[f64], predictions: &[f64]) -> Vec<Residual> {
        let mut rows = vec![Residual { sd: f64::NAN, residual: f64::NAN }; predictions.len()];
        let reading = |value: f64, error: &ErrorModel, mean: f64| {
            let sd = likelihood::total_sd(error, values, mean);
            let off = if error.noise == Noise::LogNormal { (value / mean).ln() } else { value - mean };
            Residual { sd, residual: off / sd }
        };
        let counted = |share: f64, counted: &super::problem::Counted, mean: f64| {
            let sd = counts::deviation(counted.total, mean, counted.overdispersion.value(values)).0;
            Residual { sd, residual: (share - mean) / sd }
        };
        for observation in &self.observations {
            match observation {
                Observation::Value { prediction: p, value, error } => {
                    rows[*p] = reading(*value, error, predictions[*p])
                }
                Observation::Interval { prediction: p, error, .. } => {
                    rows[*p].sd = likelihood::total_sd(error, values, predictions[*p]);
                }
                Observation::Joint { predictions, sd, .. } => predictions.iter().for_each(|&p| rows[p].sd = *sd),
                Observation::Count { .. } => {}
                Observation::Share { prediction: p, hits, counted: cells } => {
                    rows[*p] = counted(hits / cells.total, cells, predictions[*p]);
                }
                Observation::Well { frames, .. } => {
                    for frame in frames {
                        let mean = predictions[frame.prediction];
                        rows[frame.prediction] = match &frame.scatter {
                            Scatter::Reading(error) => reading(frame.value, error, mean),
                            Scatter::Counts(cells) => counted(frame.value, cells, mean),
                        };
                    }
                }
            }
        }
        rows
    }
}
