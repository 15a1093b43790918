//! How a prior, the scale of estimation and the Jacobian between the two belong together, in words for a study.

use super::prior::{Prior, Scale};
use super::problem::Estimated;

/// What holds for all priors of a study.
pub const ALL: &str = "priors count as densities on the scale of estimation, with the Jacobian: the best fit (the mode) belongs to \
                       that scale, draws of a posterior do not depend on it";

/// Where the prior alone has its mode on the scale of estimation, as a value of the parameter; `None` for a flat one.
fn mode(parameter: &Estimated) -> Option<f64> {
    let inside = |x: f64| x.clamp(parameter.lower, parameter.upper);
    match (parameter.prior, parameter.scale) {
        (Prior::Flat, _) | (Prior::Uniform, Scale::Lin) | (Prior::LogUniform, Scale::Log10) => None,
        (Prior::Uniform, Scale::Log10) => Some(parameter.upper),
        (Prior::LogUniform, Scale::Lin) => Some(parameter.lower),
        (Prior::Normal { mean, .. }, Scale::Lin) => Some(inside(mean)),
        (Prior::Normal { mean, sd }, Scale::Log10) => Some(inside(0.5 * (mean + (mean * mean + 4.0 * sd * sd).sqrt()))),
        (Prior::LogNormal { median, .. }, Scale::Log10) => Some(inside(median)),
        (Prior::LogNormal { median, sd }, Scale::Lin) => Some(inside(median * (-sd * sd).exp())),
    }
}

/// A sentence for a parameter whose prior and scale are of different kinds, so that the mode is not the prior's centre.
pub fn remark(parameter: &Estimated) -> Option<String> {
    let (name, scale) = (&parameter.name, parameter.scale.name());
    let mode = mode(parameter)?;
    match (parameter.prior, parameter.scale) {
        (Prior::Normal { mean: centre, .. }, Scale::Log10) | (Prior::LogNormal { median: centre, .. }, Scale::Lin) => {
            Some(format!("{name}: on the {scale} scale the mode of its prior is {}, not {centre}", four(mode)))
        }
        (Prior::Uniform, Scale::Log10) | (Prior::LogUniform, Scale::Lin) => {
            Some(format!("{name}: on the {scale} scale its prior is not flat, and highest at the bound {}", four(mode)))
        }
        _ => None,
    }
}

/// Four digits, as short as they are.
fn four(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_the_density_on_the_scale() {
        let kinds = [
            (Prior::Normal { mean: 1.0, sd: 0.5 }, Scale::Log10),
            (Prior::Normal { mean: 1.0, sd: 0.5 }, Scale::Lin),
            (Prior::LogNormal { median: 2.0, sd: 0.7 }, Scale::Lin),
            (Prior::LogNormal { median: 2.0, sd: 0.7 }, Scale::Log10),
            (Prior::Uniform, Scale::Log10),
            (Prior::LogUniform, Scale::Lin),
        ];
        for (prior, scale) in kinds {
            let (name, unit, source) = (String::new(), String::new(), String::new());
            let estimated = Estimated { name, unit, source, scale, lower: 0.1, upper: 10.0, start: 1.0, prior };
            let (low, high) = (scale.estimate(0.1), scale.estimate(10.0));
            let point = |i: u32| low + (high - low) * f64::from(i) / 20000.0;
            let cost = |estimate: f64| prior.negative_log(estimate, scale).0;
            let best = (0..=20000).map(point).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap();
            approx::assert_relative_eq!(mode(&estimated).unwrap(), scale.value(best), max_relative = 2e-3);
        }
    }
}
