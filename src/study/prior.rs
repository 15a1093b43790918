//! Scales and priors of parameters.

use std::f64::consts::{LN_10, PI};

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
