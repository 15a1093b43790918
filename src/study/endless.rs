//! Likelihoods without a maximum: an error that is estimated and that the readings let go to nothing.

use super::declared::{Quantity, Sd, Seen, Study};
use super::noise::Noise;
use super::problem::{ErrorModel, Observation, Problem, Scatter};
use std::collections::{BTreeMap, BTreeSet};

/// Replicates that differ by less than this part of their size are copies of one another.
const COPIES: f64 = 1e-6;
/// Readings met more closely than this, in parts of the largest, are met by the arithmetic: nobody measures so well.
const EXACT: f64 = 1e-5;

/// What to do where a likelihood has no maximum.
pub const REMEDY: &str = "state an sd, give it a lower bound that the instrument justifies (a floor), or a prior";

/// How many doses and times were read more than once, and at how many of them all readings are the same number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Copies {
    pub groups: usize,
    pub same: usize,
}

impl Copies {
    /// Of the readings of one observable.
    pub fn of(study: &Study, observable: usize) -> Copies {
        let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for datum in study.data.iter().filter(|d| d.observable == observable && !d.blank) {
            if let Seen::Value(value) = datum.value {
                let key = format!("{} {:?} {:?} {:?}", datum.condition, datum.doses, datum.time, datum.levels);
                groups.entry(key).or_default().push(value);
            }
        }
        let mut copies = Copies::default();
        for values in groups.values().filter(|values| values.len() > 1) {
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            copies.groups += 1;
            copies.same += usize::from(most - least <= COPIES * most.abs().max(least.abs()));
        }
        copies
    }

    pub fn all(self) -> bool {
        self.groups > 0 && self.same == self.groups
    }
}

impl Study {
    /// What the files alone show of an error that nothing holds above 0, and of replicates that are none.
    pub(super) fn remark_on_noise(&mut self) {
        for at in 0..self.observables.len() {
            let copies = Copies::of(self, at);
            let observable = &self.observables[at];
            let of = if observable.name.is_empty() { String::new() } else { format!(" of {}", observable.name) };
            if copies.all() && copies.groups > 2 {
                self.notes.push(format!(
                    "the replicates{of} are the same number at each dose and time: copies count as readings of their own, and \
                     make every interval too narrow"
                ));
            } else if copies.same > 0 && observable.error.sd == Sd::Replicates {
                self.notes.push(format!(
                    "the replicates{of} are the same number at {} of {} doses and times: an sd taken from them is too small if \
                     these are copies, or were divided by themselves",
                    copies.same, copies.groups
                ));
            }
        }
        self.notes.extend(self.endless());
    }

    /// A reading of 0 whose error is a part of the prediction and an estimated sd: where the model is at 0 too, the sd can go
    /// to nothing.
    fn endless(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (at, observable) in self.observables.iter().enumerate() {
            let Sd::Is(Quantity::Parameter(sd)) = observable.error.sd else { continue };
            let parameter = &self.parameters[sd];
            let zero = |d: &&super::Datum| d.observable == at && d.value == Seen::Value(0.0) && !d.blank;
            if observable.error.relative.is_none() || !parameter.estimated || !parameter.is_unbelieved() {
                continue;
            }
            if let Some(datum) = self.data.iter().find(zero) {
                notes.push(format!(
                    "line {} reads 0, and nothing but {} is its error if the model is at 0 there: the likelihood then rises \
                     without end as {} falls; {REMEDY}",
                    datum.line, parameter.name, parameter.name
                ));
            }
        }
        notes
    }
}

impl super::Parameter {
    /// No prior holds it off 0.
    fn is_unbelieved(&self) -> bool {
        !matches!(self.prior, super::Prior::LogNormal { .. })
    }
}

impl Problem {
    /// Estimated parameters that are an error, or a factor of one, and nothing else.
    pub fn errors(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.observations.iter().flat_map(models).for_each(|error| {
            found.extend(error.sd.factors.iter().copied());
            found.extend(error.relative.iter().flat_map(|r| r.factors.iter().copied()));
        });
        let elsewhere = |&parameter: &usize| {
            self.backgrounds.iter().flatten().any(|term| term.depends_on(parameter))
                || self
                    .layout
                    .predictions
                    .iter()
                    .any(|p| p.scale.depends_on(parameter) || p.offset.depends_on(parameter))
        };
        found.into_iter().filter(|parameter| !elsewhere(parameter)).collect()
    }

    /// Errors that the readings let go to nothing at these values: as small as the arithmetic or, beside a relative error, as
    /// small as their bound lets them be.
    pub fn errors_without_floor(&self, values: &[f64]) -> Vec<usize> {
        let largest = self.observations.iter().flat_map(readings).fold(0.0, |most: f64, x| most.max(x.abs()));
        let tiny = |&parameter: &usize| {
            let of = |error: &&ErrorModel| error.sd.depends_on(parameter);
            let mut own = self.observations.iter().flat_map(models).filter(of).peekable();
            own.peek().is_some()
                && own.all(|error| {
                    let size = if error.noise == Noise::LogNormal { 1.0 } else { largest };
                    let held = error.relative.is_some() && !self.is_at_lower(parameter, values);
                    !held && error.sd.value(values) < EXACT * size
                })
        };
        self.errors().into_iter().filter(tiny).collect()
    }

    /// Errors on a lower bound that is a size which a reading may have.
    pub fn errors_at_floor(&self, values: &[f64]) -> Vec<usize> {
        let endless = self.errors_without_floor(values);
        let at_floor = |p: &usize| self.is_at_lower(*p, values) && !endless.contains(p);
        self.errors().into_iter().filter(at_floor).collect()
    }

    fn is_at_lower(&self, parameter: usize, values: &[f64]) -> bool {
        let estimated = &self.parameters[parameter];
        let [value, lower, upper] =
            [values[parameter], estimated.lower, estimated.upper].map(|x| estimated.scale.estimate(x));
        value - lower <= 1e-6 * (upper - lower)
    }
}

fn models(observation: &Observation) -> Vec<&ErrorModel> {
    match observation {
        Observation::Value { error, .. } | Observation::Interval { error, .. } => vec![error],
        Observation::Well { frames, .. } => {
            let own = frames.iter().map(|frame| &frame.scatter);
            own.filter_map(|scatter| if let Scatter::Reading(error) = scatter { Some(error) } else { None }).collect()
        }
        _ => Vec::new(),
    }
}

fn readings(observation: &Observation) -> Vec<f64> {
    match observation {
        Observation::Value { value, .. } => vec![*value],
        Observation::Well { frames, .. } => frames.iter().map(|frame| frame.value).collect(),
        _ => Vec::new(),
    }
}
