//! Numbers with their intervals, as they are said.

use crate::curve::{Curve, End, Estimate, Quantity, Verdict};
use crate::report::interval_text;
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
    let limits = match (lower, upper) {
        (Some(low), Some(high)) => interval_text((low, high)),
        (Some(low), None) => format!("above {}", shown(low)),
        (None, Some(high)) => format!("below {}", shown(high)),
        (None, None) => "not bounded by these data".into(),
    };
    let note = format!("{limits} ({})", basis.words());
    let beyond = |text: String, value: Option<f64>| Measure {
        value,
        lower,
        upper,
        shown: text,
        note: note.clone(),
        without_outliers: None,
    };
    match (value, tested) {
        (None, Some((_, high))) if lower.is_some_and(|low| low > high) => Measure {
            value: None,
            lower,
            upper: None,
            shown: format!("> {}", shown(high)),
            note,
            without_outliers: None,
        },
        (None, Some((_, high))) => beyond(format!("> {}", shown(high)), None),
        (None, None) => beyond("–".into(), None),
        (Some(value), Some((_, high))) if value > high * (1.0 + 1e-9) => beyond(format!("> {}", shown(high)), None),
        (Some(value), Some((low, _))) if value < low * (1.0 - 1e-9) => beyond(format!("< {}", shown(low)), None),
        (Some(value), _) => beyond(shown(value), Some(value)),
    }
}

/// Words for a measure whose numbers were turned into others.
pub fn say_again(measure: &mut Measure, basis: Basis) {
    let Some(value) = measure.value else { return };
    let end = |value: Option<f64>| value.map_or(End::Open, End::At);
    let estimate = Estimate {
        value: Some(value),
        lower: end(measure.lower),
        upper: end(measure.upper),
        se: None,
        without: Vec::new(),
    };
    let said = of_estimate(&estimate, Quantity::Floor, basis, None);
    (measure.shown, measure.note) = (said.shown, said.note);
}
