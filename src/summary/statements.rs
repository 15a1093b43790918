//! What statements in words teach: points of the prior, weighted by how likely each makes the statements.
//!
//! A statement bounds what the model may say and has no best fit. So nothing is optimised: the prior is drawn from, and
//! what is left of it where the statements hold is the result.

use crate::inference::{Evaluation, Objective, StudyObjective, effective, systematic};
use crate::random::Points;
use crate::study::problem::Estimated;
use crate::{Error, Result};

/// Points drawn from the priors within the bounds.
const DRAWN: usize = 2048;
/// Points evaluated at a time, between two looks at whether to stop.
const BATCH: usize = 128;
/// Points with equal weights that stand for the result: enough for 95 % quantiles of curves.
const KEPT: usize = 256;
/// Fewer points of equal weight than this give no quantiles.
const FEWEST: f64 = 50.0;

/// The prior and what the statements leave of it.
pub struct Weighted {
    /// On the estimation scale, within the bounds.
    points: Vec<Vec<f64>>,
    /// Their sum is 1.
    weights: Vec<f64>,
    /// The probability of the statements under the prior and the model.
    pub agreement: f64,
    /// How many points of equal weight the weighted ones are worth.
    pub effective: f64,
}

impl Weighted {
    /// Draws from the priors of `objective` and weighs, until `stop` says that it is enough.
    ///
    /// # Errors
    /// [`Error::Run`] if hardly any point agrees with the statements; those of the engine.
    pub fn draw(objective: &StudyObjective, seed: u64, stop: &dyn Fn() -> bool) -> Result<Self> {
        let parameters = &objective.problem().parameters;
        let uniform = Points::new(parameters.len(), DRAWN, seed);
        let quantile = |(p, share): (&Estimated, f64)| p.prior.quantile_within(share, p.scale, p.lower, p.upper);
        let mut points: Vec<Vec<f64>> =
            (0..DRAWN).map(|at| parameters.iter().zip(uniform.point(at)).map(quantile).collect()).collect();
        let mut likelihoods: Vec<f64> = Vec::with_capacity(points.len());
        for batch in points.chunks(BATCH) {
            if stop() {
                break;
            }
            let evaluations = objective.evaluate_exactly(batch)?;
            let likelihood = |(evaluation, point): (&Evaluation, &Vec<f64>)| {
                let likelihood = (objective.prior(point).0 - evaluation.value).exp();
                if likelihood.is_nan() { 0.0 } else { likelihood }
            };
            likelihoods.extend(evaluations.iter().zip(batch).map(likelihood));
        }
        let stopped = likelihoods.len() < points.len();
        points.truncate(likelihoods.len());
        let sum: f64 = likelihoods.iter().sum();
        let effective = effective(&likelihoods);
        if effective.is_nan() || effective < FEWEST {
            let count = points.len();
            if stopped {
                return Err(Error::Run(format!(
                    "stopped after {count} points of the priors, too few of which agree with the statements for a result"
                )));
            }
            return Err(Error::Run(format!(
                "of {count} points drawn from the priors hardly any agrees with the statements: widen or move the priors, \
                 or ask whether the model can explain them at all"
            )));
        }
        let weights = likelihoods.iter().map(|l| l / sum).collect();
        Ok(Weighted { agreement: sum / points.len() as f64, effective, weights, points })
    }

    pub fn drawn(&self) -> usize {
        self.points.len()
    }

    /// 2.5 %, 50 % and 97.5 % of one parameter on the estimation scale: under the prior, and with the statements.
    pub fn quantiles(&self, parameter: usize) -> ([f64; 3], [f64; 3]) {
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        order.sort_by(|&a, &b| self.points[a][parameter].total_cmp(&self.points[b][parameter]));
        let even = 1.0 / self.points.len() as f64;
        let of = |weight: &dyn Fn(usize) -> f64| {
            let mut sum = 0.0;
            let sums: Vec<f64> = order
                .iter()
                .map(|&at| {
                    sum += weight(at);
                    sum
                })
                .collect();
            [0.025, 0.5, 0.975].map(|share| {
                let at = sums.partition_point(|&sum| sum < share).min(order.len() - 1);
                self.points[order[at]][parameter]
            })
        };
        (of(&|_| even), of(&|at| self.weights[at]))
    }

    /// Points of equal weight, by systematic resampling.
    pub fn resampled(&self) -> Vec<Vec<f64>> {
        systematic(&self.weights, KEPT, 0.5).into_iter().map(|at| self.points[at].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::normal_quantile;

    /// A standard normal prior of which the statement leaves the upper half: quantiles of the half-normal distribution.
    #[test]
    fn weights_turn_the_prior_into_what_the_statement_leaves() {
        let points: Vec<Vec<f64>> =
            (0..4000).map(|i| vec![normal_quantile((f64::from(i * 1009 % 4000) + 0.5) / 4000.0)]).collect();
        let weights = points.iter().map(|p| if p[0] > 0.0 { 1.0 / 2000.0 } else { 0.0 }).collect();
        let weighted = Weighted { points, weights, agreement: 0.5, effective: 2000.0 };
        let (prior, result) = weighted.quantiles(0);
        let wanted = [(prior, [-1.959964, 0.0, 1.959964]), (result, [0.031338, 0.674490, 2.241403])];
        for (found, wanted) in wanted.iter().flat_map(|(found, wanted)| found.iter().zip(wanted)) {
            approx::assert_abs_diff_eq!(found, wanted, epsilon = 5e-3);
        }
        let mut kept: Vec<f64> = weighted.resampled().iter().map(|point| point[0]).collect();
        kept.sort_by(f64::total_cmp);
        assert!(kept[0] > 0.0);
        approx::assert_abs_diff_eq!(kept[KEPT / 2], 0.674490, epsilon = 0.05);
    }
}
