//! From what was done and read to protocols, runs and the places of readings.

use super::problem::{Layout, Prediction, Reading, Run, Term};
use super::schedule::Schedule;
use crate::engine::{Protocol, Segment};
use std::collections::{BTreeMap, BTreeSet};

/// How a study is carried out, in the indices of a program. Times are in the model's unit.
#[derive(Debug, Clone, Default)]
pub struct Design {
    pub compounds: Vec<DosedInput>,
    pub conditions: Vec<Treatment>,
    pub observables: Vec<Form>,
    pub settle: Option<Settle>,
    /// How many outputs the program records.
    pub outputs: usize,
}

#[derive(Debug, Clone)]
pub struct DosedInput {
    pub name: String,
    /// As in the study file; doses are in this unit.
    pub unit: String,
    pub input: u32,
    /// From the unit of the study to that of the input.
    pub factor: f64,
    /// Absent from the vehicle control.
    pub removed_in_control: bool,
}

#[derive(Debug, Clone)]
pub struct Treatment {
    pub name: String,
    /// For each compound when it is there.
    pub schedule: Vec<Schedule>,
    /// Doses that the data do not state.
    pub doses: Vec<Option<f64>>,
}

#[derive(Debug, Clone)]
pub struct Settle {
    /// Inputs with another value meanwhile, and the value that they have afterwards (of each background).
    pub set: Vec<(u32, f64)>,
    pub back: Vec<Vec<f64>>,
    pub longest: f64,
}

/// Which outputs an observable is made of; see [`Prediction`].
#[derive(Debug, Clone)]
pub struct Form {
    pub name: String,
    /// What is read, for axes: "relative viability".
    pub reading: String,
    pub above: Vec<(f64, Part)>,
    pub below: Vec<(f64, Part)>,
    /// A share of cells, which stays between 0 and 1 or near it.
    pub is_share: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub output: usize,
    /// Of the vehicle control instead of the run itself.
    pub control: bool,
}

/// One thing to be predicted.
#[derive(Debug, Clone)]
pub struct Request {
    pub condition: usize,
    /// In the units of the study, one for each compound.
    pub doses: Vec<f64>,
    pub observable: usize,
    pub time: When,
    pub offset: Term,
    pub scale: Term,
}

#[derive(Debug, Clone)]
pub enum When {
    At(f64),
    /// A parameter between bounds.
    Floating {
        time: Term,
        from: f64,
        until: f64,
    },
    /// The increase from one time to another, as a share of the increase up to `last`, or of all cells.
    Between {
        from: f64,
        until: f64,
        last: Option<f64>,
    },
    /// A well without cells: the offset alone.
    Blank,
}

/// Nodes for times that are parameters.
const FLOATING_NODES: usize = 17;

/// The slot of (condition, doses, time, output).
type SlotOf<'a> = dyn Fn(usize, &[f64], f64, usize) -> usize + 'a;

/// A run's identity: condition and the bits of its doses.
type Key = (usize, Vec<u64>);

impl Design {
    pub fn lay_out(&self, requests: &[Request]) -> Layout {
        // All the times of each run first, in the order in which runs are first asked for.
        let mut order: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut known: BTreeMap<Key, (usize, BTreeSet<Time>)> = BTreeMap::new();
        for request in requests {
            for (condition, doses) in self.runs_of(request) {
                let next = known.len();
                let entry = known.entry(key(condition, &doses)).or_insert_with(|| {
                    order.push((condition, doses.clone()));
                    (next, BTreeSet::new())
                });
                entry.1.extend(times_of(&request.time).into_iter().map(Time));
            }
        }
        let mut layout = Layout::default();
        let mut times: Vec<Vec<f64>> = Vec::new();
        for (condition, doses) in order {
            let outputs: Vec<f64> = known[&key(condition, &doses)].1.iter().map(|t| t.0).collect();
            layout.protocols.push(self.protocol(condition, &doses, &outputs));
            layout.runs.push(Run { condition, doses, first_slot: layout.slots });
            layout.slots += outputs.len() * self.outputs;
            times.push(outputs);
        }
        let slot = |condition: usize, doses: &[f64], time: f64, output: usize| {
            let run = known[&key(condition, doses)].0;
            let at = times[run].partition_point(|&t| t < time);
            layout.runs[run].first_slot + at * self.outputs + output
        };
        let predictions = requests.iter().map(|request| self.prediction(request, &slot)).collect();
        layout.predictions = predictions;
        layout
    }

    /// The doses of the vehicle control that belongs to `doses`.
    pub fn control(&self, doses: &[f64]) -> Vec<f64> {
        doses.iter().zip(&self.compounds).map(|(&dose, c)| if c.removed_in_control { 0.0 } else { dose }).collect()
    }

    fn runs_of(&self, request: &Request) -> Vec<(usize, Vec<f64>)> {
        if matches!(request.time, When::Blank) {
            return Vec::new();
        }
        let form = &self.observables[request.observable];
        let needs = |control: bool| form.above.iter().chain(&form.below).any(|(_, part)| part.control == control);
        let mut runs = Vec::new();
        if needs(false) {
            runs.push((request.condition, request.doses.clone()));
        }
        if needs(true) {
            runs.push((request.condition, self.control(&request.doses)));
        }
        runs
    }

    fn prediction(&self, request: &Request, slot: &SlotOf) -> Prediction {
        let form = &self.observables[request.observable];
        let control = self.control(&request.doses);
        let doses = |part: &Part| if part.control { &control } else { &request.doses };
        let at = |part: &Part, time: f64| slot(request.condition, doses(part), time, part.output);
        let fixed = |parts: &[(f64, Part)], sign: f64, time: f64| -> Vec<(f64, Reading)> {
            parts.iter().map(|(c, part)| (sign * c, Reading::Slot(at(part, time)))).collect()
        };
        let (above, below) = match &request.time {
            When::Blank => (Vec::new(), Vec::new()),
            &When::At(time) => (fixed(&form.above, 1.0, time), fixed(&form.below, 1.0, time)),
            When::Floating { time, from, until } => {
                let step = (until - from) / (FLOATING_NODES - 1) as f64;
                let floating = |parts: &[(f64, Part)]| -> Vec<(f64, Reading)> {
                    let reading = |part: &Part| Reading::Floating {
                        slots: (0..FLOATING_NODES).map(|i| at(part, node(*from, step, i))).collect(),
                        start: *from,
                        step,
                        time: time.clone(),
                    };
                    parts.iter().map(|(c, part)| (*c, reading(part))).collect()
                };
                (floating(&form.above), floating(&form.below))
            }
            &When::Between { from, until, last } => {
                let mut above = fixed(&form.above, 1.0, until);
                above.extend(fixed(&form.above, -1.0, from));
                let below = match last {
                    Some(last) => {
                        let mut below = fixed(&form.above, 1.0, last);
                        below.extend(fixed(&form.above, -1.0, 0.0));
                        below
                    }
                    None => fixed(&form.below, 1.0, until),
                };
                (above, below)
            }
        };
        Prediction { above, below, offset: request.offset.clone(), scale: request.scale.clone() }
    }

    /// What is done in `condition` with `doses`, read at `outputs`.
    pub fn protocol(&self, condition: usize, doses: &[f64], outputs: &[f64]) -> Protocol {
        self.protocol_by(condition, &self.conditions[condition].schedule, doses, outputs)
    }

    /// The same with another schedule of each compound.
    pub fn protocol_by(&self, condition: usize, schedule: &[Schedule], doses: &[f64], outputs: &[f64]) -> Protocol {
        let level = |compound: usize, time: f64| {
            if schedule[compound].is_there(time) { doses[compound] * self.compounds[compound].factor } else { 0.0 }
        };
        let dosed = (0..self.compounds.len()).filter(|&c| doses[c] != 0.0);
        let mut changes: BTreeSet<Time> = BTreeSet::from([Time(0.0)]);
        // All runs of a condition begin with its earliest compound, also those without it: growth counts from there.
        changes.extend(schedule.iter().map(|s| Time(s.first().min(0.0))));
        for compound in dosed {
            let ends = schedule[compound].pulses().iter().flat_map(|&(from, until)| [from, until]);
            changes.extend(ends.filter(|t| t.is_finite()).map(Time));
        }
        let changes: Vec<f64> = changes.into_iter().map(|t| t.0).collect();
        let start = changes[0];
        let end = outputs.last().map_or(start, |&t| t).max(0.0);
        let end = if end > start { end } else { start + 1.0 };
        let mut segments = Vec::new();
        if let Some(settle) = &self.settle {
            let mut set: Vec<(u32, f64)> = self.compounds.iter().map(|c| (c.input, 0.0)).collect();
            set.extend(settle.set.iter().copied());
            segments.push(Segment { set, add: Vec::new(), until: start, settle: Some(settle.longest) });
        }
        let mut current: Vec<f64> = vec![0.0; self.compounds.len()];
        for (at, &time) in changes.iter().enumerate().filter(|(_, time)| **time < end) {
            let mut set = Vec::new();
            if at == 0
                && let Some(settle) = &self.settle
            {
                let back = &settle.back[condition];
                set.extend(settle.set.iter().zip(back).map(|(&(input, _), &value)| (input, value)));
            }
            for (compound, current) in current.iter_mut().enumerate() {
                let level = level(compound, time);
                if level != *current {
                    *current = level;
                    set.push((self.compounds[compound].input, level));
                }
            }
            let until = changes.get(at + 1).copied().unwrap_or(end).min(end);
            segments.push(Segment { set, add: Vec::new(), until, settle: None });
        }
        Protocol { start, segments, outputs: outputs.to_vec() }
    }
}

fn key(condition: usize, doses: &[f64]) -> Key {
    (condition, doses.iter().map(|d| d.to_bits()).collect())
}

fn node(from: f64, step: f64, i: usize) -> f64 {
    from + step * i as f64
}

fn times_of(when: &When) -> Vec<f64> {
    match when {
        When::Blank => Vec::new(),
        When::At(time) => vec![*time],
        When::Floating { from, until, .. } => {
            let step = (until - from) / (FLOATING_NODES - 1) as f64;
            (0..FLOATING_NODES).map(|i| node(*from, step, i)).collect()
        }
        When::Between { from, until, last } => {
            [Some(*from), Some(*until), *last, last.map(|_| 0.0)].into_iter().flatten().collect()
        }
    }
}

/// A time that can be sorted; times are never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
