//! The figures of a report on thresholds.

use super::document::{Case, ThresholdReport};
use crate::report::plot::{Colour, Figure, Key, Mark, Scale, Series};

/// Minimum effective concentrations of all curves on one axis; `None` where no draw gave one.
pub fn densities(report: &ThresholdReport) -> Option<Figure> {
    let shown: Vec<&Case> = report.cases.iter().filter(|case| !case.density.is_empty()).collect();
    let alone = shown.len() == 1;
    let all = || shown.iter().flat_map(|case| case.density.iter().chain(&case.prior_density));
    if shown.is_empty() {
        return None;
    }
    let mut series = Vec::new();
    for (at, case) in shown.iter().enumerate() {
        if !case.prior_density.is_empty() {
            series.push(Series {
                label: if at == 0 { "priors alone".into() } else { String::new() },
                colour: if alone { Colour::Muted } else { Colour::Nominal(at) },
                key: Key::Line,
                marks: vec![Mark::Thin(to_its_top(&case.prior_density))],
            });
        }
        series.push(Series {
            label: if alone { "posterior".into() } else { case.label.clone() },
            colour: Colour::Nominal(at),
            key: Key::Line,
            marks: vec![
                Mark::Band(to_its_top(&case.density).into_iter().map(|(x, y)| (x, 0.0, y)).collect()),
                Mark::Line(to_its_top(&case.density)),
            ],
        });
    }
    Some(Figure {
        title: "Minimum effective concentration".into(),
        description:
            "Density of the benchmark dose over the doses looked at: filled what the data leave, thin what the priors \
                      alone say, each to its own highest point."
                .into(),
        x_label: format!("dose ({})", report.dose_unit),
        y_label: "density, relative to its highest".into(),
        x: Some(Scale::log(all().map(|point| point.0).collect::<Vec<_>>())),
        y: Some(Scale::linear([0.0, 1.0])),
        series,
        levels: Vec::new(),
    })
}

/// A posterior may be a hundred times as high as its priors: each curve is drawn to its own highest point.
fn to_its_top(density: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let top = density.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    density.iter().map(|&(x, y)| (x, y / top)).collect()
}
