//! How many times the EC50 of one curve is that of another, with experiments that hold both compared in pairs.

use super::analysis::{Curve, Verdict};
use super::infer::{End, Estimate, t_quantile};
use super::quantity::Quantity;

/// The logarithm of a ratio of EC50s.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// Indices of curves.
    pub numerator: usize,
    pub denominator: usize,
    pub estimate: Estimate,
    /// Experiments that hold both curves; 0 if the interval is of wells within experiments.
    pub experiments: usize,
}

/// Each curve against the first one of the same compound and time: another cell line, or another background.
pub fn ratios(curves: &[Curve]) -> Vec<Ratio> {
    let mut out = Vec::new();
    for (at, curve) in curves.iter().enumerate() {
        let like = |other: &Curve| {
            other.series.compound == curve.series.compound
                && other.series.time == curve.series.time
                && (other.series.cell_line == curve.series.cell_line
                    || other.series.background == curve.series.background)
        };
        let first = curves[..at].iter().position(|other| like(other) && other.verdict == Verdict::Effect);
        if let Some(first) = first.filter(|_| curve.verdict == Verdict::Effect) {
            out.extend(ratio(curves, at, first));
        }
    }
    out
}

fn ratio(curves: &[Curve], numerator: usize, denominator: usize) -> Option<Ratio> {
    let ec50 = |at: usize| curves[at].estimates.iter().find(|(q, _)| *q == Quantity::RelativeEc50).map(|(_, e)| e);
    let (above, below) = (ec50(numerator)?, ec50(denominator)?);
    let value = above.value? - below.value?;
    let of = |at: usize, estimate: &Estimate, experiment: usize| -> Option<f64> {
        let place = curves[at].series.experiments.binary_search(&experiment).ok()?;
        let count = estimate.without.len() as f64;
        Some(count * estimate.value? - (count - 1.0) * (*estimate.without.get(place)?)?)
    };
    let shared: Vec<f64> = curves[numerator]
        .series
        .experiments
        .iter()
        .filter_map(|e| Some(of(numerator, above, *e)? - of(denominator, below, *e)?))
        .collect();
    let count = shared.len() as f64;
    let (se, df, experiments) = if shared.len() > 1 {
        let mean = shared.iter().sum::<f64>() / count;
        let variance = shared.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0) / count;
        (variance.sqrt(), count - 1.0, shared.len())
    } else {
        let df = |at: usize, estimate: &Estimate| match estimate.without.len() {
            0 | 1 => curves[at].fit.as_ref().map_or(1.0, |fit| fit.dispersion.df.max(1.0)),
            several => several as f64 - 1.0,
        };
        (above.se?.hypot(below.se?), df(numerator, above).min(df(denominator, below)), 0)
    };
    // An open end of either curve leaves the ratio open on that side.
    let open = |end: End| end == End::Open;
    let reach = t_quantile(df) * se;
    let lower = if open(above.lower) || open(below.upper) { End::Open } else { End::At(value - reach) };
    let upper = if open(above.upper) || open(below.lower) { End::Open } else { End::At(value + reach) };
    let estimate = Estimate { value: Some(value), lower, upper, se: Some(se), without: Vec::new() };
    Some(Ratio { numerator, denominator, estimate, experiments })
}
