//! Curves and wells on one scale, for pictures.

use super::analysis::{Curve, Fit};
use super::fit;
use super::problem::{Link, Problem, Spot};
use super::series::Well;

/// A well's reading as a share, its plate's scale and blank taken off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Index of the reading.
    pub reading: usize,
    pub x: f64,
    pub dose: f64,
    pub share: f64,
    pub experiment: usize,
}

/// All treated and vehicle wells of a curve.
pub fn wells(curve: &Curve) -> Vec<Seen> {
    let Some(found) = &curve.fit else { return Vec::new() };
    let starts = fit::unit_starts(&found.problem);
    let units = &found.fitted.state.units;
    let shown = |well: &&Well| well.spot == Spot::Curve;
    let seen = |well: &Well| {
        let unit = &units[starts[well.unit]..];
        Seen {
            reading: well.reading,
            x: well.x,
            dose: well.dose,
            share: share(&found.problem, well, unit),
            experiment: curve.series.experiments[well.experiment],
        }
    };
    curve.series.wells.iter().filter(shown).map(seen).collect()
}

/// The share that a reading stands for, by the parameters of its unit.
pub(super) fn share(problem: &Problem, well: &Well, unit: &[f64]) -> f64 {
    let blank = well.blank.map_or(0.0, |level| unit[problem.link.scales() + level]);
    let above = well.value - blank;
    match problem.link {
        Link::Signal | Link::Share => above / unit[0],
        Link::Dead => (1.0 - above / unit[0]) / unit[1],
        Link::Growth => (above / unit[0]).max(1e-9).powf(1.0 / unit[1]) - 1.0,
    }
}

/// The fitted curve at `steps` points from one end of the tested range to the other; with an experiment's number, as
/// that experiment shifts it.
pub fn line(found: &Fit, experiment: Option<usize>, steps: usize) -> Vec<(f64, f64)> {
    let theta = found.fitted.state.theta;
    let shift = experiment.and_then(|e| found.fitted.state.shifts.get(e)).copied().unwrap_or(0.0);
    let (low, high) = found.problem.range;
    let at = |step: usize| low + (high - low) * step as f64 / (steps - 1).max(1) as f64;
    let value = |x: f64| (x, found.problem.shape.value(x, &[theta[0] + shift, theta[1], theta[2]]).0);
    (0..steps).map(|step| value(at(step))).collect()
}

/// Mean share of the vehicle over the units: what a curve of shares starts from (1 for signals).
pub fn level_of_vehicle(found: &Fit) -> f64 {
    if found.problem.link != Link::Share {
        return 1.0;
    }
    let units = &found.fitted.state.units;
    units.iter().sum::<f64>() / units.len().max(1) as f64
}

/// The share at the highest dose, by the fitted curve.
pub fn at_highest(found: &Fit) -> f64 {
    found.problem.shape.value(found.problem.range.1, &found.fitted.state.theta).0
}

/// Signal of unaffected cells above the blank, mean over the units.
pub fn mean_reference(found: &Fit) -> f64 {
    let starts = fit::unit_starts(&found.problem);
    let units = &found.fitted.state.units;
    let of = |start: &usize| found.problem.reference(&units[*start..]);
    starts.iter().map(of).sum::<f64>() / starts.len().max(1) as f64
}

/// Sd of a well of unaffected cells, as a share.
pub fn residual_sd(found: &Fit) -> f64 {
    let control = found.problem.groups.iter().filter(|g| g.spot == Spot::Curve);
    let Some(group) = control.min_by(|a, b| a.x.total_cmp(&b.x)) else { return 0.0 };
    let starts = fit::unit_starts(&found.problem);
    let reference = found.problem.reference(&found.fitted.state.units[starts[group.unit]..]);
    (found.problem.variance(group, group.mean) * found.dispersion.variance).sqrt() / reference
}

/// The curve's parameters: logarithm of the EC50 (or the onset), logarithm of the Hill exponent (or the rate), lower
/// plateau.
pub fn parameters(found: &Fit) -> [f64; 3] {
    found.fitted.state.theta
}

/// Whether experiments have curves of their own.
pub fn has_shifts(found: &Fit) -> bool {
    !found.fitted.state.shifts.is_empty()
}
