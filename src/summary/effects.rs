//! Effective concentrations, read from the fitted curves and from each draw around them.

use super::charts::Trace;
use super::curves::{Predicted, middle};
use crate::inference::threshold::level::{Found, Level, SMALLEST_EFFECT, between, find};
use crate::report::document::{Effect, Quantity};
use crate::study::{Kind, Study};

/// EC50 and EC90, relative and absolute, for each curve of a viability (or of its complement), or of a signal relative to
/// its control.
pub fn effects(study: &Study, traces: &[Trace]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let reading = |trace: &&Trace| study.observables[trace.observable].reading;
    for trace in traces.iter().filter(|trace| reading(trace).is_share() || reading(trace) == Kind::Signal) {
        let compound = &study.compounds[trace.compound];
        let curve = Curve::new(trace, &compound.name, study.observables[trace.observable].reading);
        for (measure, level) in [
            ("EC50, absolute", Level::Absolute(0.5)),
            ("EC90, absolute", Level::Absolute(0.1)),
            ("EC50, relative", Level::Relative(0.5)),
            ("EC90, relative", Level::Relative(0.9)),
        ] {
            let (value, note) = curve.quantity(level);
            effects.push(Effect {
                condition: trace.label.clone(),
                time: trace.time,
                measure: measure.into(),
                value,
                unit: compound.unit.clone(),
                note,
            });
        }
    }
    effects
}

/// A curve of viability over positive doses.
struct Curve<'t> {
    compound: &'t str,
    doses: &'t [f64],
    /// Where there is no compound, or at the lowest dose; then over the doses.
    top: Predicted,
    has_control: bool,
    viability: Vec<Predicted>,
}

impl<'t> Curve<'t> {
    fn new(trace: &'t Trace, compound: &'t str, reading: Kind) -> Self {
        let turned = |p: &Predicted| match reading.is_viability() || reading == Kind::Signal {
            true => p.clone(),
            false => Predicted { value: 1.0 - p.value, draws: p.draws.iter().map(|d| 1.0 - d).collect() },
        };
        let viability: Vec<Predicted> = trace.predicted.iter().map(turned).collect();
        let has_control = trace.doses[0] == 0.0;
        let first = usize::from(has_control).min(trace.doses.len() - 1);
        let (doses, top) = (&trace.doses[first..], viability[0].clone());
        Curve { compound, doses, top, has_control, viability: viability[first..].to_vec() }
    }

    /// Why no dose can answer: what else is in the wells has done it already.
    fn nothing_to_see(&self, level: Level) -> Option<String> {
        let top = self.top.value;
        match level {
            _ if !self.has_control => None,
            Level::Absolute(level) if top <= level => {
                Some(format!("none, at or below {level} without {}", self.compound))
            }
            Level::Relative(share) if share * top < SMALLEST_EFFECT => {
                Some(format!("none, too little alive without {}", self.compound))
            }
            _ => None,
        }
    }

    fn quantity(&self, level: Level) -> (Quantity, String) {
        let (lowest, highest) = (self.doses[0], self.doses[self.doses.len() - 1]);
        if let Some(note) = self.nothing_to_see(level) {
            return (Quantity::Undefined, note);
        }
        let value = match self.place(&|at| self.viability[at].value, self.top.value, level) {
            Ok(value) => value,
            Err(Found::Below) => return (Quantity::Below { limit: lowest }, String::new()),
            Err(Found::NoEffect) => {
                return (Quantity::Above { limit: highest }, "hardly any effect at the doses tested".into());
            }
            Err(Found::NoPlateau) => return (Quantity::Undefined, "no lower plateau within the doses tested".into()),
            Err(_) => return (Quantity::Above { limit: highest }, String::new()),
        };
        let draws: Vec<f64> = (0..self.top.draws.len())
            .map(|draw| match self.place(&|at| self.viability[at].draws[draw], self.top.draws[draw], level) {
                Ok(value) => value,
                Err(Found::Below) => 0.0,
                Err(_) => f64::INFINITY,
            })
            .collect();
        let interval = middle(&draws);
        let note = match interval {
            Some((0.0, f64::INFINITY)) => "the data leave it open".into(),
            Some((low, f64::INFINITY)) => {
                format!("95 % interval: above {}, and open beyond the highest dose", super::charts::short(low))
            }
            Some((0.0, high)) => {
                format!("95 % interval: below {}, and open under the lowest dose", super::charts::short(high))
            }
            Some(_) => String::new(),
            None => "too few simulations around the optimum for an interval".into(),
        };
        (Quantity::Value { value, interval: interval.filter(|(low, high)| *low > 0.0 && high.is_finite()) }, note)
    }

    /// The dose of the level, or what there is in its place.
    fn place(&self, viability: &dyn Fn(usize) -> f64, top: f64, level: Level) -> Result<f64, Found> {
        match find(self.doses, viability, top, level) {
            Found::Between { at, height } => {
                let point = |at: usize| (self.doses[at], viability(at));
                Ok(between(point(at - 1), point(at), height))
            }
            found => Err(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_that_begins_dead_has_no_dose() {
        // A Hill curve to nothing, half-way at 10.
        let doses: Vec<f64> = (0..=400).map(|i| 0.1 * 1e4f64.powf(f64::from(i) / 400.0)).collect();
        let values: Vec<f64> = doses.iter().map(|d| 1.0 / (1.0 + (d / 10.0).powi(4))).collect();
        let flat = |value: f64| Predicted { value, draws: Vec::new() };
        let of = |top: f64, level| {
            let viability = values.iter().map(|value| flat(top * value)).collect();
            Curve { compound: "Fe", doses: &doses, top: flat(top), has_control: true, viability }.quantity(level).0
        };
        assert!(matches!(of(0.6, Level::Absolute(0.5)), Quantity::Value { .. }));
        assert!(matches!(of(0.4, Level::Absolute(0.5)), Quantity::Undefined));
        assert!(matches!(of(0.4, Level::Relative(0.5)), Quantity::Value { .. }));
        assert!(matches!(of(0.1, Level::Relative(0.5)), Quantity::Undefined));
    }
}
