//! Scales and priors of parameters.

use crate::random::normal_quantile;
use statrs::function::erf::erfc;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// On which scale a parameter is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Lin,
    Log10,
}

impl Scale {
    pub fn name(self) -> &'static str {
        match self {
            Scale::Lin => "lin",
            Scale::Log10 => "log10",
        }
    }

    /// From the estimation scale to the parameter.
    pub fn value(self, estimate: f64) -> f64 {
        match self {
            Scale::Lin => estimate,
            Scale::Log10 => 10f64.powf(estimate),
        }
    }

    /// From the parameter to the estimation scale.
    pub fn estimate(self, value: f64) -> f64 {
        match self {
            Scale::Lin => value,
            Scale::Log10 => value.log10(),
        }
    }

    /// The derivative of the parameter by its estimate.
    pub fn slope(self, value: f64) -> f64 {
        match self {
            Scale::Lin => 1.0,
            Scale::Log10 => value * LN_10,
        }
    }
}

/// What is believed of a parameter before the data are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prior {
    /// Nothing but the bounds: flat on the estimation scale.
    Flat,
    Uniform,
    LogUniform,
    Normal {
        mean: f64,
        sd: f64,
    },
    /// `sd` is that of the natural logarithm.
    LogNormal {
        median: f64,
        sd: f64,
    },
}

impl Prior {
    /// The negative log density **on the estimation scale**, its first derivative and a curvature that is not
    /// negative. The mode of a posterior thus belongs to the scale it is searched on, and a sampler on that scale
    /// needs no further term. Bounds cut a prior without making up for the mass outside, which is a constant.
    pub fn negative_log(self, estimate: f64, scale: Scale) -> (f64, f64, f64) {
        let x = scale.value(estimate);
        let gaussian = |z: f64, sd: f64, dz: f64| (0.5 * z * z + sd.ln() + 0.5 * (2.0 * PI).ln(), z * dz, dz * dz);
        // The change of variables to a log10 scale: minus the log of dx/dθ.
        let jacobian = -(x * LN_10).ln();
        match (self, scale) {
            (Prior::Flat, _) | (Prior::LogUniform, Scale::Log10) | (Prior::Uniform, Scale::Lin) => (0.0, 0.0, 0.0),
            (Prior::Uniform, Scale::Log10) => (jacobian, -LN_10, 0.0),
            (Prior::LogUniform, Scale::Lin) => (x.ln(), 1.0 / x, 0.0),
            (Prior::Normal { mean, sd }, Scale::Lin) => gaussian((x - mean) / sd, sd, 1.0 / sd),
            (Prior::Normal { mean, sd }, Scale::Log10) => {
                let (value, gradient, curvature) = gaussian((x - mean) / sd, sd, x * LN_10 / sd);
                (value + jacobian, gradient - LN_10, curvature)
            }
            (Prior::LogNormal { median, sd }, Scale::Log10) => {
                let (value, gradient, curvature) = gaussian((x / median).ln() / sd, sd, LN_10 / sd);
                (value - LN_10.ln(), gradient, curvature)
            }
            (Prior::LogNormal { median, sd }, Scale::Lin) => {
                if x <= 0.0 {
                    return (f64::INFINITY, 0.0, 0.0);
                }
                let (value, gradient, curvature) = gaussian((x / median).ln() / sd, sd, 1.0 / (x * sd));
                (value + x.ln(), gradient + 1.0 / x, curvature)
            }
        }
    }

    /// [`Prior::negative_log`] of the prior cut at the bounds of the parameter, with its mass made 1; `+inf` outside.
    pub fn negative_log_within(self, estimate: f64, scale: Scale, lower: f64, upper: f64) -> f64 {
        let (low, high) = (scale.estimate(lower), scale.estimate(upper));
        if !(low..=high).contains(&estimate) {
            return f64::INFINITY;
        }
        let mass = match self {
            Prior::Flat => high - low,
            Prior::LogUniform if scale == Scale::Log10 => high - low,
            Prior::Uniform => upper - lower,
            Prior::LogUniform => (upper / lower).ln(),
            Prior::Normal { .. } | Prior::LogNormal { .. } => {
                let [from, to] = [lower, upper].map(|x| self.deviation(x));
                normal_between(from, to)
            }
        };
        self.negative_log(estimate, scale).0 + mass.ln()
    }

    /// The estimate below which lies `share` of the prior cut at the bounds of the parameter.
    pub fn quantile_within(self, share: f64, scale: Scale, lower: f64, upper: f64) -> f64 {
        let between = |low: f64, high: f64| low + share * (high - low);
        let (low, high) = (scale.estimate(lower), scale.estimate(upper));
        let estimate = match self {
            Prior::Flat => between(low, high),
            Prior::Uniform => scale.estimate(between(lower, upper)),
            Prior::LogUniform => scale.estimate(between(lower.ln(), upper.ln()).exp()),
            Prior::Normal { .. } | Prior::LogNormal { .. } => {
                let [from, to] = [lower, upper].map(|x| self.deviation(x));
                // In the tail that both bounds lie in, where shares have digits.
                let sign = if from > 0.0 { -1.0 } else { 1.0 };
                let [a, b] = [from, to].map(|z| normal_below(sign * z));
                let z = sign * normal_quantile((a + share * (b - a)).clamp(0.0, 1.0));
                scale.estimate(match self {
                    Prior::LogNormal { median, sd } => median * (sd * z).exp(),
                    Prior::Normal { mean, sd } => mean + sd * z,
                    _ => unreachable!("the arm is for these two"),
                })
            }
        };
        estimate.clamp(low, high)
    }

    /// How many standard deviations `value` lies above the middle of a normal or log-normal prior.
    fn deviation(self, value: f64) -> f64 {
        match self {
            Prior::Normal { mean, sd } => (value - mean) / sd,
            Prior::LogNormal { median, sd } => (value.max(0.0) / median).ln() / sd,
            _ => f64::NAN,
        }
    }

    /// For tables: "log-normal, median 0.5, sd 1".
    pub fn describe(self) -> String {
        match self {
            Prior::Flat => "flat within bounds".into(),
            Prior::Uniform => "uniform".into(),
            Prior::LogUniform => "log-uniform".into(),
            Prior::Normal { mean, sd } => format!("normal, mean {mean}, sd {sd}"),
            Prior::LogNormal { median, sd } => format!("log-normal, median {median}, sd of ln {sd}"),
        }
    }
}

fn normal_below(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The standard normal mass between two deviations, by the tail in which it keeps its digits.
fn normal_between(from: f64, to: f64) -> f64 {
    if from > 0.0 { normal_below(-from) - normal_below(-to) } else { normal_below(to) - normal_below(from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 7] = [
        Prior::Flat,
        Prior::Uniform,
        Prior::LogUniform,
        Prior::Normal { mean: 1.5, sd: 0.7 },
        Prior::Normal { mean: -3.0, sd: 0.7 },
        Prior::LogNormal { median: 2.0, sd: 0.5 },
        Prior::LogNormal { median: 0.01, sd: 1.0 },
    ];

    /// On both scales the density within the bounds integrates to 1, and to the share below each quantile.
    #[test]
    fn priors_within_bounds_have_a_mass_of_one_and_quantiles_that_fit() {
        let (lower, upper) = (0.3, 4.0);
        for (prior, scale) in PRIORS.iter().flat_map(|prior| [(prior, Scale::Lin), (prior, Scale::Log10)]) {
            let (low, high) = (scale.estimate(lower), scale.estimate(upper));
            let density = |x: f64| (-prior.negative_log_within(x, scale, lower, upper)).exp();
            let mass = |to: f64| {
                let n = 4000;
                let width = (to - low) / f64::from(n);
                (0..n).map(|i| density(low + (f64::from(i) + 0.5) * width) * width).sum::<f64>()
            };
            approx::assert_abs_diff_eq!(mass(high), 1.0, epsilon = 1e-5);
            for share in [0.05, 0.5, 0.9] {
                let quantile = prior.quantile_within(share, scale, lower, upper);
                approx::assert_abs_diff_eq!(mass(quantile), share, epsilon = 1e-5);
            }
            assert_eq!(prior.negative_log_within(high + 1e-9, scale, lower, upper), f64::INFINITY);
        }
    }
}
