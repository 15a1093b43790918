//! What an experiment would teach before it is done.
//!
//! Draws stand for what is believed. Each of them in turn is taken as the truth: it predicts readings, noise is added, and
//! the other draws are weighed by how well they predict the same. How far their mean then is from the truth, on average
//! over the draws, is what the experiment is expected to leave (the preposterior variance; D. V. Lindley, Ann. Math. Stat.
//! 27:986, 1956, for the idea). The truth itself has no say: where few draws resemble it, an experiment looks worse than
//! it is and never better, and the effective number of draws behind a figure stands beside it.

use crate::random::Stream;
use rayon::prelude::*;

/// A quantity with a smaller standard deviation than this is known.
const CERTAIN: f64 = 1e-6;

/// Readings of one experiment as each draw predicts them.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// `[draw][reading]`; NaN where a draw cannot be integrated, which then has no say.
    pub predictions: Vec<Vec<f64>>,
    /// Of the mean of the replicates of each reading.
    pub sds: Vec<f64>,
}

/// What is expected to be left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Of the quantity's standard deviation, as a share of today's; NaN where all draws agree on it.
    pub left: f64,
    /// Standard error of `left` from there being so many draws and no more.
    pub error: f64,
    /// How many draws of equal weight a typical outcome leaves.
    pub effective: f64,
    /// The probability with which the sign of the quantity will be known, on average.
    pub decided: f64,
}

impl Candidate {
    /// What this experiment is expected to leave of `quantity`, one value a draw; NaN has no say.
    pub fn expected(&self, quantity: &[f64], seed: u64) -> Expected {
        let known = |draw: usize| quantity[draw].is_finite() && self.predictions[draw].iter().all(|p| p.is_finite());
        let draws: Vec<usize> = (0..quantity.len()).filter(|&draw| known(draw)).collect();
        let even = vec![1.0; draws.len()];
        let today = spread(&draws, quantity, &even);
        if today.variance.is_nan() || today.variance <= CERTAIN * CERTAIN {
            return Expected {
                left: f64::NAN,
                error: f64::NAN,
                effective: today.effective,
                decided: today.positive.max(1.0 - today.positive),
            };
        }
        let outcome = |&truth: &usize| {
            let mut stream = Stream::new(seed, truth as u64);
            let seen: Vec<f64> =
                self.predictions[truth].iter().zip(&self.sds).map(|(p, sd)| p + sd * stream.normal()).collect();
            let misfit = |draw: &usize| -> f64 {
                let parts = seen.iter().zip(&self.predictions[*draw]).zip(&self.sds);
                parts.map(|((seen, p), sd)| -0.5 * ((seen - p) / sd).powi(2)).sum()
            };
            let others: Vec<usize> = draws.iter().copied().filter(|&draw| draw != truth).collect();
            let logs: Vec<f64> = others.iter().map(misfit).collect();
            let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weighed = spread(&others, quantity, &logs.iter().map(|log| (log - top).exp()).collect::<Vec<_>>());
            Spread { variance: (weighed.mean - quantity[truth]).powi(2), ..weighed }
        };
        let outcomes: Vec<Spread> = draws.par_iter().map(outcome).collect();
        let count = outcomes.len().max(1) as f64;
        let mean = |of: fn(&Spread) -> f64| outcomes.iter().map(of).sum::<f64>() / count;
        let remains = mean(|s| s.variance);
        let scatter = outcomes.iter().map(|s| (s.variance - remains).powi(2)).sum::<f64>() / count;
        let left = (remains / today.variance).sqrt();
        Expected {
            left,
            error: 0.5 * left * (scatter / count).sqrt() / remains,
            effective: mean(|s| s.effective),
            decided: mean(|s| s.positive.max(1.0 - s.positive)),
        }
    }
}

struct Spread {
    mean: f64,
    variance: f64,
    effective: f64,
    /// The share of the weight on values above 0.
    positive: f64,
}

fn spread(draws: &[usize], quantity: &[f64], weights: &[f64]) -> Spread {
    let total: f64 = weights.iter().sum();
    let mean = draws.iter().zip(weights).map(|(d, w)| w * quantity[*d]).sum::<f64>() / total;
    let variance = draws.iter().zip(weights).map(|(d, w)| w * (quantity[*d] - mean).powi(2)).sum::<f64>() / total;
    let positive = draws.iter().zip(weights).filter(|(d, _)| quantity[**d] > 0.0).map(|(_, w)| w).sum::<f64>() / total;
    Spread { mean, variance, effective: total * total / weights.iter().map(|w| w * w).sum::<f64>(), positive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::normal_quantile;

    /// A normal quantity that is read with normal noise: `1 / (1 + 1 / sd^2)` of its variance is left.
    #[test]
    fn a_normal_quantity_is_narrowed_as_conjugacy_says() {
        let quantity: Vec<f64> = (0..600).map(|i| normal_quantile((f64::from(i) + 0.5) / 600.0)).collect();
        for sd in [0.3, 1.0, 3.0] {
            let read = Candidate { predictions: quantity.iter().map(|&q| vec![q]).collect(), sds: vec![sd] };
            let left = (sd * sd / (1.0 + sd * sd)).sqrt();
            approx::assert_relative_eq!(read.expected(&quantity, 1).left, left, max_relative = 0.05);
        }
    }

    /// Several readings, with slopes and errors of their own, add their precisions `(slope / sd)^2`.
    #[test]
    fn readings_of_one_experiment_add_their_precisions() {
        let quantity: Vec<f64> = (0..600).map(|i| normal_quantile((f64::from(i) + 0.5) / 600.0)).collect();
        for readings in [vec![(1.0, 1.0); 6], vec![(0.5, 2.0), (-1.0, 0.7), (0.0, 0.1), (2.0, 3.0)]] {
            let predictions = quantity.iter().map(|q| readings.iter().map(|(slope, _)| slope * q).collect()).collect();
            let several = Candidate { predictions, sds: readings.iter().map(|&(_, sd)| sd).collect() };
            let precision: f64 = readings.iter().map(|(slope, sd)| (slope / sd).powi(2)).sum();
            let left = (1.0 / (1.0 + precision)).sqrt();
            let expected = several.expected(&quantity, 1);
            approx::assert_relative_eq!(expected.left, left, max_relative = 0.05);
            // A normal error's square has twice its variance squared.
            approx::assert_relative_eq!(expected.error, 0.5 * left * (2f64 / 600.0).sqrt(), max_relative = 0.15);
        }
    }

    #[test]
    fn a_reading_that_does_not_depend_on_the_quantity_teaches_nothing() {
        let quantity: Vec<f64> = (0..200).map(f64::from).collect();
        let read = Candidate { predictions: (0..200).map(|i| vec![f64::from(i * 73 % 200)]).collect(), sds: vec![5.0] };
        assert!(read.expected(&quantity, 1).left > 0.9);
        let blind = Candidate { predictions: vec![vec![1.0]; 200], sds: vec![0.1] };
        // The mean of the others is off by n / (n - 1) of the distance to the mean of all.
        approx::assert_relative_eq!(blind.expected(&quantity, 1).left, 200.0 / 199.0, max_relative = 1e-9);
    }
}
