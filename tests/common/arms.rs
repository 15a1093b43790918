//! Arms of an experiment, as the tables of the library write them: `GPX4_expression=0.4 RSL3=0.1 BSO=100@-24`.
//!
//! Factors and media hold from the start, and cells come to rest with them, unless they change at a time (`@0`); doses act
//! from t = 0, from another time (`@-24`) or for a while (`@0:2`).
#![allow(dead_code, reason = "each test file uses some of it")]

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, Settings, Status};
use fenton::model::{System, antimony};
use fenton::program::{Lowering, Program};
use fenton::random::Stream;
use std::collections::HashMap;

pub type Row = HashMap<String, String>;

/// Hours without a dose before the first one. Long enough for all that has a rest; a draw whose lipids are oxidised
/// again and again without any dose has none.
const SETTLE: f64 = 1000.0;
/// Lanes in one batch: bounds the memory for their rows.
const BATCH: usize = 20_000;

pub fn table(text: &str) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row of the table")).collect()
}

pub fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is no number in {row:?}"))
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arm {
    pub factors: Vec<(String, f64)>,
    pub doses: Vec<Dose>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    pub name: String,
    pub value: f64,
    pub from: f64,
    pub until: Option<f64>,
}

impl Arm {
    /// `parameters` is the table of evidence, which says what is a dose.
    pub fn read(text: &str, parameters: &[Row]) -> Arm {
        let mut arm = Arm::default();
        for item in text.split_whitespace() {
            let (name, rest) = item.split_once('=').unwrap_or_else(|| panic!("'{item}' is no name=value"));
            let (value, when) = rest.split_once('@').unwrap_or((rest, "0"));
            let (from, until) = when.split_once(':').map_or((when, None), |(from, until)| (from, Some(until)));
            let parse = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("'{item}': no number"));
            let name = name.to_string();
            // A medium that changes at a time is given like a dose.
            if rest.contains('@') || parameters.iter().any(|row| row["name"] == name && row["source"] == "dose") {
                let dose = Dose { name, value: parse(value), from: parse(from), until: until.map(parse) };
                arm.doses.push(dose);
            } else {
                arm.factors.push((name, parse(value)));
            }
        }
        arm
    }

    /// This arm with what `other` changes.
    pub fn with(&self, other: &Arm) -> Arm {
        let mut arm = self.clone();
        arm.factors.retain(|(name, _)| other.factors.iter().all(|(changed, _)| changed != name));
        arm.doses.retain(|dose| other.doses.iter().all(|changed| changed.name != dose.name));
        arm.factors.extend(other.factors.iter().cloned());
        arm.doses.extend(other.doses.iter().cloned());
        arm
    }

    pub fn dosed(&self, name: &str, value: f64) -> Arm {
        let dose = Dose { name: name.into(), value, from: 0.0, until: None };
        self.with(&Arm { factors: vec![], doses: vec![dose] })
    }
}

/// One parameter vector under one arm, read at one time.
#[derive(Debug, Clone)]
pub struct Trial {
    pub draw: usize,
    pub arm: Arm,
    pub time: f64,
}

/// A model whose parameters are all inputs, read at `outputs`.
pub struct Model {
    pub program: Program,
    pub nominal: Vec<f64>,
    pub inputs: HashMap<String, usize>,
    outputs: Vec<String>,
}

impl Model {
    pub fn new(text: &str, outputs: &[&str]) -> Model {
        let system: System = antimony::read(text, "model").and_then(|n| n.system()).expect("a model");
        let ids = outputs.iter().map(|name| {
            let variable = system.variable(name).unwrap_or_else(|| panic!("no variable {name}"));
            variable.value
        });
        let ids = ids.collect();
        let inputs: Vec<u32> = (0..system.parameters.len() as u32).collect();
        let nominal = system.parameters.iter().map(|p| p.value).collect();
        let names = system.parameters.iter().enumerate().map(|(i, p)| (p.name.clone(), i)).collect();
        let program = Program::new(&system, &Lowering { inputs, outputs: ids, fixed: vec![] });
        Model { program, nominal, inputs: names, outputs: outputs.iter().map(|o| (*o).to_string()).collect() }
    }

    pub fn output(&self, name: &str) -> usize {
        self.outputs.iter().position(|o| o == name).unwrap_or_else(|| panic!("{name} is not read"))
    }

    fn input(&self, name: &str) -> usize {
        *self.inputs.get(name).unwrap_or_else(|| panic!("the model has no {name}"))
    }

    fn row(&self, draw: &[f64], arm: &Arm) -> Vec<f64> {
        let mut row = draw.to_vec();
        for (name, value) in &arm.factors {
            // A cell's growth is a factor of the model's.
            let at = self.input(name);
            row[at] = if name == "growth" { row[at] * value } else { *value };
        }
        row
    }

    fn protocol(&self, arm: &Arm, time: f64) -> Protocol {
        let counting = self.inputs.get("counting").map(|at| *at as u32);
        let mut changes: Vec<(f64, (u32, f64))> = counting.map(|at| (0.0, (at, 1.0))).into_iter().collect();
        for dose in &arm.doses {
            let at = self.input(&dose.name) as u32;
            changes.push((dose.from, (at, dose.value)));
            changes.extend(dose.until.map(|until| (until, (at, 0.0))));
        }
        let mut times: Vec<f64> = changes.iter().map(|change| change.0).filter(|t| *t <= time).collect();
        times.push(time);
        times.sort_by(f64::total_cmp);
        times.dedup();
        let set = counting.map(|at| (at, 0.0)).into_iter().collect();
        let mut segments = vec![Segment { set, until: times[0], ..Segment::default() }];
        for pair in times.windows(2) {
            let set = changes.iter().filter(|change| change.0 == pair[0]).map(|change| change.1).collect();
            segments.push(Segment { set, until: pair[1], ..Segment::default() });
        }
        Protocol { start: times[0] - SETTLE, segments, outputs: vec![time] }
    }

    /// The outputs of each trial; `None` where a lane stayed failed by both methods.
    pub fn run(&self, draws: &[Vec<f64>], trials: &[Trial]) -> Vec<Option<Vec<f64>>> {
        let mut found: Vec<Option<Vec<f64>>> = vec![None; trials.len()];
        for first in (0..trials.len()).step_by(BATCH) {
            let chunk: Vec<usize> = (first..trials.len().min(first + BATCH)).collect();
            let mut open = chunk;
            for (method, caution) in [(Method::Rodas5P, 1.0), (Method::Rodas5P, 1e3), (Method::Rodas4P, 1e3)] {
                if open.is_empty() {
                    break;
                }
                open = self.attempt(draws, trials, &open, method, caution, &mut found);
            }
        }
        found
    }

    /// How many of the draws have no rest without a dose, as a study that lets cells settle asks of them.
    pub fn restless(&self, draws: &[Vec<f64>]) -> usize {
        let counting = self.inputs.get("counting").map(|at| (*at as u32, 0.0)).into_iter().collect();
        let protocols = [Protocol {
            start: 0.0,
            segments: vec![
                Segment { set: counting, until: 0.0, settle: Some(5.0 * SETTLE), ..Segment::default() },
                Segment { until: 1.0, ..Segment::default() },
            ],
            outputs: vec![1.0],
        }];
        let lanes: Vec<Lane> = (0..draws.len() as u32).map(|row| Lane { row, protocol: 0 }).collect();
        let settings = self.settings(Method::Rodas5P, 1.0);
        let rows = draws.concat();
        let batch = Batch {
            program: &self.program,
            lanes: &lanes,
            rows: &rows,
            protocols: &protocols,
            tangents: &[],
            settings: &settings,
        };
        let outcomes = CpuEngine::new(Precision::F64).run(&batch).expect("the engine runs");
        outcomes.reports.iter().filter(|report| report.status != Status::Finished).count()
    }

    fn settings(&self, method: Method, caution: f64) -> Settings {
        Settings { method, rtol: 1e-5, atol: vec![1e-7; self.program.states.len()], max_steps: 100_000, caution }
    }

    /// Which of `open` failed.
    fn attempt(
        &self,
        draws: &[Vec<f64>],
        trials: &[Trial],
        open: &[usize],
        method: Method,
        caution: f64,
        found: &mut [Option<Vec<f64>>],
    ) -> Vec<usize> {
        let (mut rows, mut protocols, mut lanes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut row_of, mut protocol_of) = (HashMap::new(), HashMap::new());
        for &at in open {
            let Trial { draw, arm, time } = &trials[at];
            let row = *row_of.entry((draw, format!("{:?}", arm.factors))).or_insert_with(|| {
                rows.push(self.row(&draws[*draw], arm));
                rows.len() as u32 - 1
            });
            let protocol = *protocol_of.entry(format!("{:?} {time}", arm.doses)).or_insert_with(|| {
                protocols.push(self.protocol(arm, *time));
                protocols.len() as u32 - 1
            });
            lanes.push(Lane { row, protocol });
        }
        let settings = self.settings(method, caution);
        let batch = Batch {
            program: &self.program,
            lanes: &lanes,
            rows: &rows.concat(),
            protocols: &protocols,
            tangents: &[],
            settings: &settings,
        };
        let outcomes = CpuEngine::new(Precision::F64).run(&batch).expect("the engine runs");
        let mut failed = Vec::new();
        for (lane, &at) in open.iter().enumerate() {
            if outcomes.reports[lane].status == Status::Finished {
                found[at] = Some(outcomes.outputs[outcomes.offsets[lane]..outcomes.offsets[lane + 1]].to_vec());
            } else {
                failed.push(at);
            }
        }
        failed
    }
}

/// `count` parameter vectors from the priors of the table of evidence; what has no prior stays as it is.
pub fn prior_draws(model: &Model, parameters: &[Row], count: usize, seed: u64) -> Vec<Vec<f64>> {
    let draw = |index: usize| {
        let mut row = model.nominal.clone();
        for (at, parameter) in parameters.iter().enumerate().filter(|(_, p)| !p["prior"].is_empty()) {
            let Some(&input) = model.inputs.get(&parameter["name"]) else { continue };
            // The same number for a parameter in every model.
            let z = Stream::new(seed, index as u64).at(4 * at as u64).normal();
            let (median, sd) = (number(parameter, "median"), number(parameter, "sd"));
            row[input] = match parameter["prior"].as_str() {
                "logit-normal" => 1.0 / (1.0 + (1.0 / median - 1.0) * (-sd * z).exp()),
                _ => median * (sd * z).exp(),
            };
        }
        row
    };
    (0..count).map(draw).collect()
}
