//! Thresholds and kinetics of single draws: at which dose, after what time and how fast cells die.
//!
//! Each draw of an ensemble answers for itself; what many answers say together is for the report. A draw in which
//! something does not happen within the doses or the time looked at answers with that, never with a number. All runs of
//! all draws go to the engine together. The search runs in the engine's precision; every answer rests on runs in f64.

mod answer;
mod course;
mod dose;
mod fold;
pub mod level;
mod no_return;
mod order;
mod turn;

pub use answer::{Answer, Answers, Distribution, Edge};
pub use course::{Course, LagExponential};
pub use order::{Order, Side, order};

use super::problem_run::Simulator;
use super::trials::Trial;
use crate::Result;
use crate::engine::Protocol;
use crate::study::{Kind, Study};
use level::Level;

/// A curve over the dose of one compound, and what is asked about it.
#[derive(Debug, Clone)]
pub struct Case {
    pub condition: usize,
    pub observable: usize,
    pub compound: usize,
    /// In the study's units; the place of `compound` is not looked at.
    pub doses: Vec<f64>,
    pub time: ReadOut,
    /// The doses looked at, in the study's unit.
    pub range: (f64, f64),
    /// The smallest effect that counts, as a share of the control.
    pub effect: f64,
    /// At which dose kinetics are asked for, in the study's unit, and until when, in the model's.
    pub dose: f64,
    pub until: f64,
    /// Outputs that are levels of labile metal.
    pub labile: Vec<usize>,
}

/// When a viability is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadOut {
    /// In the model's unit.
    At(f64),
    /// An estimated parameter, times a factor that leads to the model's unit.
    Parameter(usize, f64),
}

/// What is asked of each draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// The dose with the effect asked about: the minimum effective concentration.
    Benchmark,
    /// The dose with this share of the effect: of all cells, or of the way to the lower plateau.
    Effective { share: f64, relative: bool },
    /// The dose at which the resting state of few peroxides, few aggregates ends: a saddle-node.
    Fold,
    /// The level of a labile metal (its place in [`Case::labile`]) at the benchmark dose and the time of reading.
    Labile { metal: usize },
    /// The rest is in the model's unit of time: the lag of lag-exponential death.
    Lag(Dose),
    /// The time at which the effect asked about is there as a lethal fraction.
    TimeToEffect(Dose),
    /// The time from which on a wash-out no longer prevents half of the deaths.
    NoReturn(Dose),
    /// The rate of lag-exponential death.
    Rate(Dose),
    /// The steepest rise of the lethal fraction.
    Steepest(Dose),
    /// The highest hazard: rise of the lethal fraction among those that are left.
    Hazard(Dose),
}

/// The dose of a kinetic quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dose {
    /// [`Case::dose`].
    Stated,
    /// That at which half of the viability is left at the time of reading, each draw its own: effects are matched.
    Matched,
}

/// Asks `draws` (parameters, not estimates) everything about `case`. `simulator` integrates the problem of `study`.
/// `goes_on` is told how far it is and says whether to continue.
///
/// # Errors
/// Those of the engine.
pub fn ask(
    simulator: &Simulator,
    study: &Study,
    case: &Case,
    draws: &[Vec<f64>],
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Vec<Answers>>> {
    let inquiry = Inquiry { simulator, study, case, draws };
    let mut levels = vec![(What::Benchmark, Level::Extra(case.effect))];
    for share in [0.1, 0.5, 0.9] {
        levels.push((What::Effective { share, relative: false }, Level::Absolute(1.0 - share)));
        levels.push((What::Effective { share, relative: true }, Level::Relative(share)));
    }
    if study.observables[case.observable].reading == Kind::Signal {
        levels.retain(|(_, level)| !matches!(level, Level::Absolute(_)));
        levels.extend([0.1, 0.5, 0.9].map(|share| (What::Effective { share, relative: false }, Level::Extra(share))));
    }
    let places = inquiry.places(&levels.iter().map(|l| l.1).collect::<Vec<_>>())?;
    let mut all: Vec<Answers> = levels
        .iter()
        .zip(&places)
        .map(|(&(what, _), places)| Answers { what, of: places.iter().map(|place| place.answer).collect() })
        .collect();
    for (metal, &output) in case.labile.iter().enumerate() {
        // A dose outside of those looked at leaves open what there is at it.
        let level = |place: &dose::Place| match (place.answer, &place.outputs) {
            (Answer::Value(_), Some(outputs)) => Answer::Value(outputs[output]),
            _ => Answer::Unknown,
        };
        all.push(Answers { what: What::Labile { metal }, of: places[0].iter().map(level).collect() });
    }
    if !goes_on() {
        return Ok(None);
    }
    if study.live.is_some() && study.dead.is_some() {
        let half = levels.iter().position(|(what, _)| *what == What::Effective { share: 0.5, relative: false });
        let matched: Vec<Option<f64>> = match half {
            Some(at) => places[at].iter().map(|place| place.answer.value()).collect(),
            None => vec![None; draws.len()],
        };
        for (dose, doses) in [(Dose::Stated, vec![Some(case.dose); draws.len()]), (Dose::Matched, matched)] {
            all.extend(inquiry.kinetics(dose, &doses)?);
            if !goes_on() {
                return Ok(None);
            }
        }
    }
    Ok(Some(all))
}

/// Where the resting state ends, for `draws`. `simulator` integrates a problem that records all states of the model at
/// `states`; `None` where the study does not let cells settle, so that there is no rest to speak of.
///
/// # Errors
/// Those of the engine.
pub fn folds(
    simulator: &Simulator,
    study: &Study,
    case: &Case,
    states: std::ops::Range<usize>,
    draws: &[Vec<f64>],
) -> Result<Option<Answers>> {
    Inquiry { simulator, study, case, draws }.folds(states)
}

/// What every question needs.
struct Inquiry<'a> {
    simulator: &'a Simulator<'a>,
    study: &'a Study,
    case: &'a Case,
    draws: &'a [Vec<f64>],
}

impl Inquiry<'_> {
    fn doses(&self, dose: f64) -> Vec<f64> {
        let mut doses = self.case.doses.clone();
        doses[self.case.compound] = dose;
        doses
    }

    fn protocol(&self, doses: &[f64], times: &[f64]) -> Protocol {
        self.simulator.problem.design.protocol(self.case.condition, doses, times)
    }

    fn trial(&self, draw: usize, protocol: Protocol) -> Trial {
        Trial { point: draw, condition: self.case.condition, protocol }
    }

    /// A draw's run at `doses`, read when viability is.
    fn reading(&self, draw: usize, doses: &[f64]) -> Trial {
        self.trial(draw, self.protocol(doses, &[self.read_out(draw)]))
    }

    /// The time of reading of a draw, in the model's unit.
    fn read_out(&self, draw: usize) -> f64 {
        match self.case.time {
            ReadOut::At(time) => time,
            ReadOut::Parameter(at, factor) => factor * self.draws[draw][at],
        }
    }

    /// The viability that is read from a run's outputs and its control's; of raw signals relative to the control.
    fn viability(&self, draw: usize, doses: &[f64], own: &[f64], control: &[f64]) -> f64 {
        let form = &self.simulator.problem.design.observables[self.case.observable];
        let kind = self.study.observables[self.case.observable].reading;
        let sum = |parts: &[(f64, crate::study::design::Part)]| -> f64 {
            parts.iter().map(|(c, part)| c * if part.control { control[part.output] } else { own[part.output] }).sum()
        };
        let read = if form.below.is_empty() { sum(&form.above) } else { sum(&form.above) / sum(&form.below) };
        let terms = self.study.request(self.case.condition, doses.to_vec(), self.case.observable, 0.0);
        let values = &self.draws[draw];
        match kind {
            Kind::Signal => {
                let without: f64 = form.above.iter().map(|(c, part)| c * control[part.output]).sum();
                read / without
            }
            _ => {
                let read = terms.offset.value(values) + terms.scale.value(values) * read;
                if kind.is_viability() { read } else { 1.0 - read }
            }
        }
    }
}
