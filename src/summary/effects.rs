//! Effective concentrations, read from the fitted curves and from each draw around them.

use super::charts::Trace;
use super::curves::{Predicted, middle};
use crate::report::document::{Effect, Quantity};
use crate::study::{Kind, Study};

/// A smaller effect than this over the doses tested has no half.
const SMALLEST_EFFECT: f64 = 0.1;
/// A curve that still falls by more than this share of its drop over the last half decade has no lower plateau.
const PLATEAU: f64 = 0.15;

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

/// Which height of a curve is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    /// Of the reading itself.
    Absolute(f64),
    /// A share of the way from the top to the lower plateau.
    Relative(f64),
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

/// What one curve, the fitted one or a drawn one, says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    At(f64),
    Below,
    Above,
    NoPlateau,
    NoEffect,
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
        let value = match find(self.doses, &|at| self.viability[at].value, self.top.value, level) {
            Found::At(value) => value,
            Found::Below => return (Quantity::Below { limit: lowest }, String::new()),
            Found::Above => return (Quantity::Above { limit: highest }, String::new()),
            Found::NoEffect => {
                return (Quantity::Above { limit: highest }, "hardly any effect at the doses tested".into());
            }
            Found::NoPlateau => return (Quantity::Undefined, "no lower plateau within the doses tested".into()),
        };
        let draws: Vec<f64> = (0..self.top.draws.len())
            .map(|draw| match find(self.doses, &|at| self.viability[at].draws[draw], self.top.draws[draw], level) {
                Found::At(value) => value,
                Found::Below => 0.0,
                Found::Above | Found::NoEffect | Found::NoPlateau => f64::INFINITY,
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
}

/// The lowest dose at which a curve falls to the level, between doses by interpolation in their logarithms.
pub(super) fn find(doses: &[f64], viability: &dyn Fn(usize) -> f64, top: f64, level: Level) -> Found {
    let last = doses.len() - 1;
    let level = match level {
        Level::Absolute(value) => value,
        Level::Relative(share) => {
            let drop = top - viability(last);
            if drop < SMALLEST_EFFECT {
                return Found::NoEffect;
            }
            let before = doses.partition_point(|&dose| dose < doses[last] / 10f64.sqrt()).min(last);
            if viability(before) - viability(last) > PLATEAU * drop && viability(last) > 0.1 * top {
                return Found::NoPlateau;
            }
            top - share * drop
        }
    };
    if viability(0) <= level {
        return Found::Below;
    }
    match (1..=last).find(|&at| viability(at) <= level) {
        None => Found::Above,
        Some(at) => {
            let (before, after) = (viability(at - 1), viability(at));
            let share = (before - level) / (before - after);
            Found::At(doses[at - 1] * (doses[at] / doses[at - 1]).powf(share))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Hill curve from 1 down to `bottom`, half-way at 10, over doses to `highest`.
    fn hill(bottom: f64, highest: f64) -> (Vec<f64>, Vec<f64>) {
        let doses: Vec<f64> = (0..=400).map(|i| 0.1 * (highest / 0.1).powf(f64::from(i) / 400.0)).collect();
        let values = doses.iter().map(|d| bottom + (1.0 - bottom) / (1.0 + (d / 10.0).powi(4))).collect();
        (doses, values)
    }

    fn at((doses, values): &(Vec<f64>, Vec<f64>), level: Level) -> Found {
        find(doses, &|i| values[i], 1.0, level)
    }

    #[test]
    fn relative_and_absolute_concentrations_are_those_of_the_hill_curve() {
        let curve = hill(0.2, 1000.0);
        let close = |found, wanted: f64| match found {
            Found::At(dose) => approx::assert_relative_eq!(dose, wanted, max_relative = 2e-3),
            other => panic!("{other:?}"),
        };
        close(at(&curve, Level::Relative(0.5)), 10.0);
        close(at(&curve, Level::Relative(0.9)), 10.0 * 9f64.powf(0.25));
        // 0.5 = 0.2 + 0.8 / (1 + x^4)
        close(at(&curve, Level::Absolute(0.5)), 10.0 * (0.8f64 / 0.3 - 1.0).powf(0.25));
        assert_eq!(at(&curve, Level::Absolute(0.1)), Found::Above);
    }

    #[test]
    fn a_curve_that_begins_dead_has_no_dose() {
        let (doses, values) = hill(0.0, 1000.0);
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

    #[test]
    fn what_was_not_tested_is_no_number() {
        assert_eq!(at(&hill(0.0, 5.0), Level::Absolute(0.5)), Found::Above);
        assert_eq!(at(&hill(0.0, 5.0), Level::Relative(0.5)), Found::NoEffect);
        assert_eq!(at(&hill(0.0, 12.0), Level::Relative(0.5)), Found::NoPlateau);
        let (doses, values) = hill(0.0, 1000.0);
        let late = doses.iter().position(|&d| d > 50.0).unwrap();
        assert_eq!(at(&(doses[late..].to_vec(), values[late..].to_vec()), Level::Absolute(0.5)), Found::Below);
    }
}
