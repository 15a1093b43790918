//! Effective concentrations, read from the fitted curves.

use super::charts::Trace;
use super::curves::{Model, Predicted, Z};
use crate::report::document::{Effect, Quantity};
use crate::study::{Kind, Study};
use nalgebra::DVector;

/// A smaller effect than this over the doses tested has no half.
const SMALLEST_EFFECT: f64 = 0.1;
/// A curve that still falls by more than this share of its drop over the last half decade has no lower plateau.
const PLATEAU: f64 = 0.15;

/// EC50 and EC90, relative and absolute, for each curve of a viability (or of its complement).
pub fn effects(study: &Study, model: &Model, traces: &[Trace]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for trace in traces {
        let reading = study.observables[trace.observable].reading;
        if !reading.is_share() {
            continue;
        }
        let curve = Curve::new(trace, reading);
        for (measure, level) in [("EC50, absolute", curve.absolute(0.5)), ("EC90, absolute", curve.absolute(0.1))]
            .into_iter()
            .chain([("EC50, relative", curve.relative(0.5)), ("EC90, relative", curve.relative(0.9))])
        {
            let (value, note) = match level {
                Ok(level) => curve.find(model, &level),
                Err(why) => why,
            };
            effects.push(Effect {
                condition: trace.label.clone(),
                time: trace.time,
                measure: measure.into(),
                value,
                unit: study.compounds[trace.compound].unit.clone(),
                note,
            });
        }
    }
    effects
}

/// A curve of viability over positive doses.
struct Curve<'t> {
    /// At dose zero, or at the lowest dose.
    top: Predicted,
    doses: &'t [f64],
    viability: Vec<Predicted>,
}

impl<'t> Curve<'t> {
    fn new(trace: &'t Trace, reading: Kind) -> Self {
        let viability: Vec<Predicted> = trace
            .predicted
            .iter()
            .map(|p| match reading.is_viability() {
                true => p.clone(),
                false => Predicted { value: 1.0 - p.value, gradient: -&p.gradient },
            })
            .collect();
        let first = usize::from(trace.doses[0] == 0.0).min(trace.doses.len() - 1);
        Curve { top: viability[0].clone(), doses: &trace.doses[first..], viability: viability[first..].to_vec() }
    }

    fn highest(&self) -> f64 {
        self.doses[self.doses.len() - 1]
    }

    fn absolute(&self, value: f64) -> Result<Predicted, (Quantity, String)> {
        Ok(Predicted { value, gradient: DVector::zeros(self.top.gradient.len()) })
    }

    /// A share of the way from the top to the lower plateau.
    fn relative(&self, share: f64) -> Result<Predicted, (Quantity, String)> {
        let bottom = &self.viability[self.viability.len() - 1];
        let drop = self.top.value - bottom.value;
        if drop < SMALLEST_EFFECT {
            return Err((Quantity::Above { limit: self.highest() }, "hardly any effect at the doses tested".into()));
        }
        let before = self.doses.partition_point(|&dose| dose < self.highest() / 10f64.sqrt()).min(self.doses.len() - 1);
        if self.viability[before].value - bottom.value > PLATEAU * drop && bottom.value > 0.1 * self.top.value {
            return Err((Quantity::Undefined, "no lower plateau within the doses tested".into()));
        }
        Ok(Predicted {
            value: self.top.value - share * drop,
            gradient: &self.top.gradient * (1.0 - share) + &bottom.gradient * share,
        })
    }

    /// The lowest dose at which the curve falls to the level.
    fn find(&self, model: &Model, level: &Predicted) -> (Quantity, String) {
        if self.viability[0].value <= level.value {
            return (Quantity::Below { limit: self.doses[0] }, String::new());
        }
        let Some(at) = self.viability.iter().position(|p| p.value <= level.value) else {
            return (Quantity::Above { limit: self.highest() }, String::new());
        };
        let (before, after) = (&self.viability[at - 1], &self.viability[at]);
        let share = (before.value - level.value) / (before.value - after.value);
        let width = (self.doses[at] / self.doses[at - 1]).ln();
        let log_dose = self.doses[at - 1].ln() + share * width;
        let slope = (after.value - before.value) / width;
        let gradient = (&level.gradient - &before.gradient * (1.0 - share) - &after.gradient * share) / slope;
        let sd = model.deviation(&gradient);
        let interval = sd.map(|sd| ((log_dose - Z * sd).exp(), (log_dose + Z * sd).exp()));
        // An interval over more than three decades says that nothing is known.
        let interval = interval.filter(|(low, high)| high / low < 1e3);
        let note = match interval {
            Some((_, high)) if high > self.highest() => "the interval reaches beyond the highest dose".into(),
            Some(_) => String::new(),
            None => "the data leave it open".into(),
        };
        (Quantity::Value { value: log_dose.exp(), interval }, note)
    }
}
