//! Numbers with their intervals, as they are said.

use crate::curve::{Curve, End, Estimate, Quantity, Verdict};
use crate::report::limits_text;
use crate::report::plates::Measure;
use crate::report::shown;

/// What an interval stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    pub experiments: usize,
}

impl Basis {
    fn words(self) -> String {
        match self.experiments {
            0 | 1 => "within this experiment".into(),
            count => format!("n = {count}"),
        }
    }
}

/// The measure of one quantity of a curve; `tested` are the lowest and highest dose, or time.
pub fn measure(curve: &Curve, quantity: Quantity, effect: f64) -> Measure {
    let find = |list: &[(Quantity, Estimate)]| list.iter().find(|(q, _)| *q == quantity).map(|(_, e)| e.clone());
    let none = |note: &str| Measure { shown: "–".into(), note: note.into(), ..Measure::default() };
    let Some(estimate) = find(&curve.estimates) else {
        return none(match curve.verdict {
            Verdict::NoEffect => "no effect found",
            _ => "",
        });
    };
    if quantity == Quantity::BenchmarkDose
        && let Some(smallest) = curve.smallest_effect.filter(|smallest| *smallest > effect)
    {
        let least = shown((1000.0 * smallest).ceil() / 10.0);
        return none(&format!(
            "{} % is within the noise; these wells could show {least} % at one dose",
            shown(100.0 * effect)
        ));
    }
    let basis = Basis { experiments: curve.series.experiments.len() };
    let mut found = of_estimate(&estimate, quantity, basis, tested(curve, quantity));
    let back = |value: f64| if quantity.is_log() { value.exp() } else { value };
    let drawn = curve.bootstrapped.iter().find(|(q, _)| *q == quantity);
    found.bootstrap = drawn.map(|(_, ends)| {
        let [low, high] = ends.map(|end| if let End::At(value) = end { Some(back(value)) } else { None });
        (low, high)
    });
    found.without_outliers = find(&curve.without_outliers).and_then(|e| e.value).map(back);
    found
}

/// The tested range of what a quantity is measured along, if it is.
fn tested(curve: &Curve, quantity: Quantity) -> Option<(f64, f64)> {
    let range = curve.fit.as_ref()?.problem_range();
    match quantity {
        _ if quantity.is_dose() => Some((range.0.exp(), range.1.exp())),
        Quantity::Onset => Some(range),
        _ => None,
    }
}

pub fn of_estimate(estimate: &Estimate, quantity: Quantity, basis: Basis, tested: Option<(f64, f64)>) -> Measure {
    let back = |value: f64| if quantity.is_log() { value.exp() } else { value };
    let end = |end: End| match end {
        End::At(value) => Some(back(value)).filter(|v| v.is_finite()),
        End::Open => None,
    };
    let (lower, upper) = (end(estimate.lower), end(estimate.upper));
    let value = estimate.value.map(back);
    let note = note(lower, upper, basis);
    let beyond = |text: String, value: Option<f64>| Measure {
        value,
        lower,
        upper,
        shown: text,
        note: note.clone(),
        ..Measure::default()
    };
    match (value, tested) {
        (None, Some((_, high))) if lower.is_some_and(|low| low > high) => {
            Measure { value: None, lower, upper: None, shown: format!("> {}", shown(high)), note, ..Measure::default() }
        }
        (None, Some((_, high))) => beyond(format!("> {}", shown(high)), None),
        (None, None) => beyond("–".into(), None),
        (Some(value), Some((_, high))) if value > high * (1.0 + 1e-9) => beyond(format!("> {}", shown(high)), None),
        (Some(value), Some((low, _))) if value < low * (1.0 - 1e-9) => beyond(format!("< {}", shown(low)), None),
        (Some(value), _) => beyond(shown(value), Some(value)),
    }
}

/// The measure of what `by` makes of its numbers, which rises or falls throughout.
pub fn turn(measure: &mut Measure, basis: Basis, by: impl Fn(f64) -> f64) {
    let falls = by(1.0) < by(0.0);
    let both = |(low, high): (Option<f64>, Option<f64>)| {
        let (low, high) = (low.map(&by), high.map(&by));
        if falls { (high, low) } else { (low, high) }
    };
    measure.value = measure.value.map(&by);
    (measure.lower, measure.upper) = both((measure.lower, measure.upper));
    measure.without_outliers = measure.without_outliers.map(&by);
    measure.bootstrap = measure.bootstrap.map(both);
    if let Some(value) = measure.value {
        measure.shown = shown(value);
        measure.note = note(measure.lower, measure.upper, basis);
    }
}

fn note(lower: Option<f64>, upper: Option<f64>, basis: Basis) -> String {
    format!("{} ({})", limits_text(lower, upper), basis.words())
}
