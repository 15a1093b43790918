//! The observed information of readings under Student's t noise.
//!
//! Scoring takes the expected information, which is never negative. Standard errors take the observed one: readings that lie
//! close together say more, and outliers less, than the law expects of them on average. For normal noise both agree at the
//! optimum of a model that is linear there; the curvature of the model itself is left out of both.

use super::likelihood::{Linear, Observed, sd_gradient, total_sd};
use super::noise::Noise;
use super::problem::{Observation, Problem};
use nalgebra::{DMatrix, DVector};

/// Minus the second derivatives of the log density of Student's t by (mean, mean), (mean, sd), (sd, sd).
fn student(y: f64, mean: f64, sd: f64, df: f64) -> [f64; 3] {
    let r = (y - mean) / sd;
    let weight = (df + 1.0) / (df + r * r);
    let curvature = (df + 1.0) * (df - r * r) / (df + r * r).powi(2);
    let by_mean = curvature;
    let crossed = r * (curvature + weight);
    let by_sd = r * r * (curvature + 2.0 * weight) - 1.0;
    [by_mean, crossed, by_sd].map(|x| x / (sd * sd))
}

impl Problem {
    /// What the observed information of `observed` has beyond the expected one, on the estimation scale; `None` where no
    /// reading has noise of Student's t.
    pub fn observed_beyond_expected(
        &self,
        observed: Observed,
        values: &[f64],
        linear: &Linear,
    ) -> Option<DMatrix<f64>> {
        let students = || {
            observed.counted().filter_map(|(observation, weight)| match observation {
                Observation::Value { prediction, value, error } => match error.noise {
                    Noise::StudentT { df } => Some((*prediction, *value, error, df, weight)),
                    _ => None,
                },
                _ => None,
            })
        };
        students().next()?;
        let (means, jacobian) = self.predict_linear(values, linear);
        let slopes = self.slopes(values);
        let mut beyond = DMatrix::zeros(values.len(), values.len());
        for (prediction, value, error, df, weight) in students() {
            let mean = means[prediction];
            let sd = total_sd(error, values, mean);
            let d_mean = DVector::from_column_slice(jacobian.column(prediction).as_slice());
            let d_sd = sd_gradient(error, values, &slopes, mean, &d_mean);
            let own = student(value, mean, sd, df);
            let expected = error.noise.reading(value, mean, sd).information;
            let [a, b, c] = [0, 1, 2].map(|i| weight * (own[i] - expected[i]));
            beyond.ger(a, &d_mean, &d_mean, 1.0);
            beyond.ger(b, &d_mean, &d_sd, 1.0);
            beyond.ger(b, &d_sd, &d_mean, 1.0);
            beyond.ger(c, &d_sd, &d_sd, 1.0);
        }
        Some(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_derivatives_are_those_of_the_density() {
        for (y, sd, df) in [(0.4, 0.3, 3.0), (2.5, 0.3, 4.0), (-0.1, 1.7, 1.0), (0.0, 0.5, 30.0)] {
            let log = |mean: f64, sd: f64| Noise::StudentT { df }.reading(y, mean, sd).value;
            let h = 1e-4 * sd;
            let second = |f: &dyn Fn(f64) -> f64| -(f(h) - 2.0 * f(0.0) + f(-h)) / (h * h);
            let found = student(y, 0.2, sd, df);
            let crossed = -(log(0.2 + h, sd + h) - log(0.2 + h, sd - h) - log(0.2 - h, sd + h) + log(0.2 - h, sd - h))
                / (4.0 * h * h);
            let wanted = [second(&|x| log(0.2 + x, sd)), crossed, second(&|x| log(0.2, sd + x))];
            for (found, wanted) in found.iter().zip(wanted) {
                approx::assert_abs_diff_eq!(found * sd * sd, wanted * sd * sd, epsilon = 1e-5);
            }
        }
    }
}
