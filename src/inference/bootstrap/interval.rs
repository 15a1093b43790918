//! Intervals from replicates, with their Monte Carlo errors.

use super::super::{quantile, sorted};
use crate::random::{Stream, normal_quantile};
use rayon::prelude::*;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

/// Resamples of the replicates for a Monte Carlo error. (A jackknife fails at quantiles: B. Efron, "The Jackknife, the
/// Bootstrap and Other Resampling Plans", 1982, section 3.4.)
const RESAMPLES: usize = 200;
/// The seed of their streams: the replicates have one of their own.
const SEED: u64 = 5;
const ENDS: [f64; 2] = [0.025, 0.975];

/// 95 %, with the Monte Carlo error of each end.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Interval {
    pub ends: (f64, f64),
    pub errors: (f64, f64),
}

/// The middle 95 % of the replicates.
pub fn percentile(values: &[f64]) -> Interval {
    with_errors(values, |sorted| Some(ENDS.map(|share| quantile(sorted, share)))).unwrap_or_default()
}

/// Bias-corrected and accelerated (B. Efron, JASA 82:171, 1987). `None` where all replicates lie on one side of the
/// estimate.
pub fn bca(values: &[f64], estimate: f64, acceleration: f64) -> Option<Interval> {
    with_errors(values, |sorted| {
        let below = sorted.partition_point(|&x| x < estimate);
        let same = sorted.partition_point(|&x| x <= estimate) - below;
        let bias = normal_quantile((below as f64 + 0.5 * same as f64) / sorted.len() as f64);
        let share = |end: f64| {
            let z = bias + normal_quantile(end);
            Normal::standard().cdf(bias + z / (1.0 - acceleration * z))
        };
        bias.is_finite().then(|| ENDS.map(|end| quantile(sorted, share(end))))
    })
}

fn with_errors(values: &[f64], ends: impl Fn(&[f64]) -> Option<[f64; 2]> + Sync) -> Option<Interval> {
    let whole = ends(&sorted(values))?;
    let error = |end: usize| monte_carlo(values, |part| ends(&sorted(part)).map_or(f64::NAN, |ends| ends[end]));
    Some(Interval { ends: (whole[0], whole[1]), errors: (error(0), error(1)) })
}

/// How far another set of as many replicates would put `statistic`: its sd over resamples of them.
pub fn monte_carlo(values: &[f64], statistic: impl Fn(&[f64]) -> f64 + Sync) -> f64 {
    let resampled = |number: usize| {
        let mut stream = Stream::new(SEED, number as u64);
        let drawn: Vec<f64> = values.iter().map(|_| values[stream.below(values.len())]).collect();
        statistic(&drawn)
    };
    let found: Vec<f64> = (0..RESAMPLES).into_par_iter().map(resampled).collect();
    mean_and_sd(&found.into_iter().filter(|x| x.is_finite()).collect::<Vec<f64>>()).1
}

pub fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monte_carlo_errors_are_those_of_repeated_runs() {
        // Ends of a percentile interval of 1000 normal draws, 400 times over.
        let run = |number: u64| {
            let mut stream = Stream::new(11, number);
            percentile(&(0..1000).map(|_| stream.normal()).collect::<Vec<f64>>())
        };
        let runs: Vec<Interval> = (0..400).map(run).collect();
        let (mean, sd) = mean_and_sd(&runs.iter().map(|r| r.ends.0).collect::<Vec<f64>>());
        assert!((mean - normal_quantile(0.025)).abs() < 0.02, "{mean}");
        let told = (runs.iter().map(|r| r.errors.0.powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!((told / sd - 1.0).abs() < 0.2, "told {told}, found {sd}");
    }

    #[test]
    fn bca_is_exact_where_a_transformation_is_normal_with_a_bias_and_an_acceleration() {
        // With phi^ = phi + (1 + a phi) (z - b), z standard normal, the exact limit at level e solves phi^ for phi:
        // phi^ + (1 + a phi^) (b + z_e) / (1 - a (b + z_e)); Efron 1987, lemma 1. Draws are quantiles of phi^ at phi = phi^.
        let (a, b, seen) = (0.08, 0.15, 0.4);
        let draws: Vec<f64> = (0..200_001)
            .map(|i| (f64::from(i) + 0.5) / 200_001.0)
            .map(|u| seen + (1.0 + a * seen) * (normal_quantile(u) - b))
            .collect();
        let found = bca(&draws, seen, a).unwrap().ends;
        let exact = |end: f64| {
            let z = b + normal_quantile(end);
            seen + (1.0 + a * seen) * z / (1.0 - a * z)
        };
        assert!((found.0 - exact(0.025)).abs() < 1e-3 && (found.1 - exact(0.975)).abs() < 1e-3, "{found:?}");
        assert_eq!(bca(&[1.0, 2.0, 3.0], 0.0, 0.0), None);
    }
}
