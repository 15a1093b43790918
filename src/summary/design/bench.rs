//! Experiments made up on the model: each draw in each condition, run at all doses and read at all times.

use super::Known;
use crate::Result;
use crate::inference::threshold::ReadOut;
use crate::inference::{Simulator, Trial};
use crate::study::Kind;
use crate::study::problem::{Observation, Problem};
use crate::summary::charts::distinct;
use crate::summary::thresholds::{Curve, Engines, reading};
use std::ops::Range;

/// Hours at which cells are usually read.
const HOURS: [f64; 7] = [6.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0];
/// Errors of one well where the study has none: of a viability, of a lethal fraction by counting, and of a level in the cell
/// (natural logarithm). Usual for such assays; assumed.
const VIABILITY_SD: f64 = 0.1;
const COUNTED_SD: f64 = 0.05;
const LEVEL_SD: f64 = 0.15;

/// What is measured in a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Assay {
    /// The viability that the curve is of.
    Viability,
    /// Live and dead cells counted.
    Counts,
    /// A labile metal in the cell: which of those asked about.
    Level(usize),
}

/// `[draw][dose * times + time]`
pub type Table = Vec<Vec<f64>>;

/// The runs of all candidates of some conditions.
pub struct Bench<'a> {
    known: Known<'a>,
    curve: &'a Curve,
    doses: usize,
    problem: Problem,
    outputs: usize,
    labile: Vec<usize>,
    /// In the model's unit.
    pub times: Vec<f64>,
    /// For each condition and each draw its control and its doses, all outputs at all times.
    runs: Vec<Option<Vec<f64>>>,
    sd: f64,
}

impl<'a> Bench<'a> {
    /// Runs the draws in `conditions` of the study at `doses` of the curve's compound, all in one batch.
    pub fn new(
        known: Known<'a>,
        engines: Engines,
        curve: &'a Curve,
        conditions: Range<usize>,
        doses: &[f64],
    ) -> Result<Self> {
        let mut wide = known.study.clone();
        let labile: Vec<usize> = known.asked.curves.labile.iter().filter_map(|name| wide.record(name)).collect();
        let problem = wide.problem();
        let factor = known.study.time_factor;
        let usual = HOURS.iter().map(|hours| hours * factor).filter(|_| known.study.time_unit == "h");
        let stated = if let ReadOut::At(time) = curve.case.time { Some(time) } else { None };
        let times = distinct(usual.chain(curve.frames.iter().map(|time| time * factor)).chain(stated));
        let simulator = Simulator::new(&problem, engines.engine, engines.reference, engines.choice);
        let mut trials = Vec::new();
        for condition in conditions {
            for point in 0..known.ensemble.draws.len() {
                for dose in std::iter::once(0.0).chain(doses.iter().copied()) {
                    let mut all = curve.case.doses.clone();
                    all[curve.case.compound] = dose;
                    let all = if dose == 0.0 { problem.design.control(&all) } else { all };
                    trials.push(Trial { point, condition, protocol: problem.design.protocol(condition, &all, &times) });
                }
            }
        }
        let runs = simulator.trials(&known.ensemble.draws, &trials, true)?;
        let sd = noise(known, &problem, curve.case.observable);
        let outputs = problem.program.outputs.len();
        Ok(Bench { known, curve, doses: doses.len(), outputs, labile, times, runs, sd, problem })
    }

    pub fn assays(&self) -> Vec<Assay> {
        let mut assays = vec![Assay::Viability];
        let counts = self.known.study.live.is_some() && self.known.study.dead.is_some();
        assays.extend(counts.then_some(Assay::Counts));
        assays.extend((0..self.labile.len()).map(Assay::Level));
        assays
    }

    pub fn name(&self, assay: &Assay) -> String {
        match assay {
            Assay::Viability => {
                let name = reading(self.known.study, self.curve);
                name.split(" at ").next().unwrap_or_default().to_string()
            }
            Assay::Counts => "live and dead cells counted".into(),
            Assay::Level(metal) => format!("{} in the cell", self.known.asked.curves.labile[*metal]),
        }
    }

    /// Of one well.
    pub fn sd(&self, assay: &Assay) -> f64 {
        match assay {
            Assay::Viability => self.sd,
            Assay::Counts => COUNTED_SD,
            Assay::Level(_) => LEVEL_SD,
        }
    }

    /// Everything that an assay could read in one of the conditions.
    pub fn table(&self, assay: &Assay, condition: usize) -> Table {
        let read = |draw: usize, dose: usize| {
            (0..self.times.len()).map(move |time| self.read(assay, (condition, draw), dose, time))
        };
        let row = |draw: usize| (0..self.doses).flat_map(|dose| read(draw, dose)).collect();
        (0..self.known.ensemble.draws.len()).map(row).collect()
    }

    /// What a draw predicts in one of the conditions; a new experiment has a stated assay, so that no scale of an unknown
    /// one is in it.
    pub fn read(&self, assay: &Assay, (condition, draw): (usize, usize), dose: usize, time: usize) -> f64 {
        let first = (condition * self.known.ensemble.draws.len() + draw) * (self.doses + 1);
        let (Some(control), Some(own)) = (&self.runs[first], &self.runs[first + dose + 1]) else { return f64::NAN };
        let at = |run: &'_ [f64], output: usize| run[time * self.outputs + output];
        match assay {
            Assay::Viability => {
                let form = &self.problem.design.observables[self.curve.case.observable];
                let sum = |parts: &[(f64, crate::study::design::Part)]| -> f64 {
                    parts.iter().map(|(c, part)| c * at(if part.control { control } else { own }, part.output)).sum()
                };
                let kind = self.known.study.observables[self.curve.case.observable].reading;
                match kind {
                    Kind::Signal => {
                        sum(&form.above) / form.above.iter().map(|(c, p)| c * at(control, p.output)).sum::<f64>()
                    }
                    _ => sum(&form.above) / sum(&form.below),
                }
            }
            Assay::Counts => {
                let of = |output: Option<usize>| output.map_or(f64::NAN, |output| at(own, output));
                let (live, dead) = (of(self.known.study.live), of(self.known.study.dead));
                dead / (live + dead)
            }
            Assay::Level(metal) => at(own, self.labile[*metal]).ln(),
        }
    }
}

/// The error of a well in the study, at the middle of its draws.
fn noise(known: Known, problem: &Problem, observable: usize) -> f64 {
    let draw = &known.ensemble.draws[known.ensemble.draws.len() / 2];
    let of = |observation: &Observation| match observation {
        Observation::Value { prediction, error, .. } => {
            (known.study.data.get(*prediction)?.observable == observable).then(|| error.sd.value(draw))
        }
        Observation::Joint { sd, .. } => Some(*sd),
        _ => None,
    };
    problem.observations.iter().find_map(of).filter(|sd| *sd > 0.0).unwrap_or(VIABILITY_SD)
}
