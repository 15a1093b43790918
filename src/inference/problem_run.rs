//! Runs the lanes of a problem for many parameter vectors, tries failed ones again, and averages over cells.

use super::problem_reduced::Residuals;
use crate::engine::{
    Batch, Engine, Lane, LaneReport, Method, Misfit, Outcomes, Precision, Protocol, Race, Reduced, Reduction, Settings,
    Status, choose, stiff_method,
};
use crate::study::problem::{Problem, Term};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// Memory that the lanes of one batch may take on the host, roughly, in bytes.
pub(super) const BATCH_BYTES: usize = 256 << 20;

/// Lanes that decide on the method.
const RACERS: usize = 8;

/// A retry's first step is divided by this.
const CAUTION: f64 = 1e3;

/// What the user chose; the study and then the precision decide the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Choice {
    pub method: Option<Method>,
    pub rtol: Option<f64>,
    /// Relative to the magnitude of each state.
    pub atol: Option<f64>,
}

/// Integrates for one problem.
pub struct Simulator<'a> {
    pub problem: &'a Problem,
    pub engine: &'a dyn Engine,
    /// The CPU in f64.
    pub reference: &'a dyn Engine,
    pub choice: Choice,
    /// What suits the program at its nominal values, by precision of the engine and of the reference.
    suited: [Method; 2],
    /// Where methods gave different results at the nominal values.
    pub doubts: Vec<String>,
    pub(super) residuals: Option<Residuals>,
    /// Points of [`Simulator::trials`] with a run that failed.
    pub(super) lost: Mutex<BTreeSet<usize>>,
}

/// The averaged outputs of one parameter vector.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    /// See [`crate::study::problem::Layout`].
    pub slots: Vec<f64>,
    /// `tangents[slot * directions + direction]`
    pub tangents: Vec<f64>,
    /// Covariance over cells with the scores of each distributed input:
    /// `scores[(slot * distributed + i) * 2]` with `z`, the next one with `z^2 - 1`.
    pub scores: Vec<f64>,
    /// Lanes that stayed failed.
    pub failures: Vec<(Status, u32)>,
}

/// A lane that stayed failed, in words for a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub run: usize,
    pub status: Status,
    pub time: f64,
    pub state: Option<String>,
}

/// What beside the averages is wanted of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wanted<'a> {
    /// Inputs to differentiate by; for single cells only.
    pub tangents: &'a [u32],
    pub scores: bool,
}

impl<'a> Simulator<'a> {
    pub fn new(problem: &'a Problem, engine: &'a dyn Engine, reference: &'a dyn Engine, choice: Choice) -> Self {
        let suited = [engine, reference].map(|engine| stiff_method(engine.precision()));
        let residuals = Residuals::of(problem);
        let (doubts, lost) = (Vec::new(), Mutex::default());
        let mut simulator = Simulator { problem, engine, reference, choice, suited, doubts, residuals, lost };
        if choice.method.or(problem.solver.method).is_none() {
            let won = [engine, reference].map(|engine| simulator.race(engine));
            simulator.suited = [won[0].method, won[1].method];
            simulator.doubts = won.into_iter().filter_map(|race| race.doubt).collect();
            simulator.doubts.dedup();
        }
        simulator
    }

    /// A race of the methods on a few lanes at the nominal values.
    fn race(&self, engine: &dyn Engine) -> Race {
        let start: Vec<f64> = self.problem.parameters.iter().map(|p| p.start).collect();
        let (rows, lanes) = self.lanes(&[start]);
        let few: Vec<Lane> = lanes.iter().step_by(lanes.len().div_ceil(RACERS).max(1)).copied().collect();
        let settings = self.settings(engine, false);
        let batch = Batch {
            program: &self.problem.program,
            lanes: &few,
            rows: &rows,
            protocols: &self.problem.layout.protocols,
            tangents: &[],
            settings: &settings,
        };
        choose(&batch, engine.precision()).unwrap_or(Race { method: settings.method, doubt: None })
    }

    /// The settings with which `engine` runs; `exact` for numbers that are reported.
    pub fn settings(&self, engine: &dyn Engine, exact: bool) -> Settings {
        let solver = &self.problem.solver;
        let single = engine.precision() == Precision::F32;
        let mut rtol = self.choice.rtol.or(solver.rtol).unwrap_or(if single { 1e-4 } else { 1e-5 });
        if single {
            rtol = rtol.max(1e-5);
        }
        if exact {
            rtol = rtol.min(1e-7);
        }
        let usual = self.suited[usize::from(exact || !single)];
        let atol = if exact { rtol } else { self.choice.atol.unwrap_or(rtol) };
        Settings {
            method: self.choice.method.or(solver.method).unwrap_or(usual),
            rtol,
            // What single precision cannot hold would be 0.
            atol: solver.magnitudes.iter().map(|m| if single { (atol * m).max(1e-36) } else { atol * m }).collect(),
            max_steps: solver.max_steps.unwrap_or(20_000),
            caution: 1.0,
        }
    }

    /// How many parameter vectors fit into one batch.
    pub fn chunk(&self, wanted: Wanted) -> usize {
        let problem = self.problem;
        let lanes = problem.layout.runs.len() * problem.cell_count();
        let outputs = problem.layout.slots * problem.cell_count() * (1 + wanted.tangents.len());
        let rows = problem.backgrounds.len() * problem.cell_count() * problem.program.inputs.len();
        let bytes = 8 * (outputs + rows) + lanes * (size_of::<Lane>() + size_of::<LaneReport>() + 8);
        (BATCH_BYTES / bytes.max(1)).max(1)
    }

    /// Outputs for each of `values` (parameters, not estimates). Give at most [`Simulator::chunk`] of them.
    ///
    /// Where averages are all that is wanted, the engine forms them if it can; points with a lane that does not finish
    /// there at once are then run again, with their retries.
    pub fn run(&self, values: &[Vec<f64>], wanted: Wanted, exact: bool) -> Result<Vec<Simulated>> {
        self.run_lanes(values, self.lanes(values), wanted, exact)
    }

    /// [`Simulator::run`] with the rows and lanes of `values`.
    pub(super) fn run_lanes(
        &self,
        values: &[Vec<f64>],
        (rows, lanes): (Vec<f64>, Vec<Lane>),
        wanted: Wanted,
        exact: bool,
    ) -> Result<Vec<Simulated>> {
        if !exact
            && wanted == Wanted::default()
            && let Some(reduced) = self.reduce(&rows, &lanes, None)?
        {
            let slots = |point: usize| {
                reduced.values[point * self.problem.layout.slots..][..self.problem.layout.slots].to_vec()
            };
            let averaged = |point| Simulated { slots: slots(point), ..Simulated::default() };
            return self.with_failed(values, &reduced.failed, averaged, |(_, simulated)| simulated);
        }
        self.run_whole(values, &rows, &lanes, wanted, exact)
    }

    /// The same with the outputs of each lane.
    fn run_whole(
        &self,
        values: &[Vec<f64>],
        rows: &[f64],
        lanes: &[Lane],
        wanted: Wanted,
        exact: bool,
    ) -> Result<Vec<Simulated>> {
        let outcomes = self.integrate(rows, lanes, &self.problem.layout.protocols, wanted.tangents, exact)?;
        let per_point = self.problem.layout.runs.len() * self.problem.cell_count();
        Ok((0..values.len())
            .into_par_iter()
            .map(|point| self.average(&values[point], &outcomes, point * per_point, wanted))
            .collect())
    }

    /// `good` of each point, but for those that have `failed`: these are run with the outputs of each lane, and `again`
    /// is what comes of them.
    pub(super) fn with_failed<T>(
        &self,
        values: &[Vec<f64>],
        failed: &[bool],
        good: impl Fn(usize) -> T,
        again: impl Fn((&Vec<f64>, Simulated)) -> T,
    ) -> Result<Vec<T>> {
        let repeated: Vec<Vec<f64>> = values.iter().zip(failed).filter(|(_, f)| **f).map(|(v, _)| v.clone()).collect();
        let simulated = if repeated.is_empty() {
            Vec::new()
        } else {
            let (rows, lanes) = self.lanes(&repeated);
            self.run_whole(&repeated, &rows, &lanes, Wanted::default(), false)?
        };
        let mut rest = repeated.iter().zip(simulated);
        let point = |point: usize| match failed[point] {
            true => again(rest.next().expect("one for each that failed")),
            false => good(point),
        };
        Ok((0..values.len()).map(point).collect())
    }

    /// What the engine makes of the lanes by itself, if it does: slots, or misfits.
    pub(super) fn reduce(&self, rows: &[f64], lanes: &[Lane], misfit: Option<Misfit>) -> Result<Option<Reduced>> {
        let batch = Batch {
            program: &self.problem.program,
            lanes,
            rows,
            protocols: &self.problem.layout.protocols,
            tangents: &[],
            settings: &self.settings(self.engine, false),
        };
        let (runs, cells) = (self.problem.layout.runs.len(), self.problem.cell_count());
        let reduced = self.engine.reduce(&batch, &Reduction { runs, cells, misfit });
        reduced.map_err(|error| Error::Engine(error.to_string()))
    }

    /// The lanes of one parameter vector that cannot be integrated, for a report.
    pub fn failures(&self, values: &[f64]) -> Result<Vec<Failure>> {
        let (rows, lanes) = self.lanes(&[values.to_vec()]);
        let outcomes = self.integrate(&rows, &lanes, &self.problem.layout.protocols, &[], true)?;
        let cells = self.problem.cell_count();
        let failed = outcomes.reports.iter().enumerate().filter(|(_, r)| r.status != Status::Finished);
        Ok(failed
            .map(|(lane, report)| Failure {
                run: lane / cells,
                status: report.status,
                time: report.time,
                state: report.state.map(|s| self.problem.program.states[s as usize].clone()),
            })
            .collect())
    }

    /// Rows of inputs for each (point, background, cell) and lanes for each (point, run, cell).
    pub(super) fn lanes(&self, values: &[Vec<f64>]) -> (Vec<f64>, Vec<Lane>) {
        let problem = self.problem;
        let cells = problem.cell_count();
        let backgrounds = problem.backgrounds.len();
        let mut rows = Vec::with_capacity(values.len() * backgrounds * cells * problem.program.inputs.len());
        let mut lanes = Vec::with_capacity(values.len() * problem.layout.runs.len() * cells);
        for (point, values) in values.iter().enumerate() {
            problem.backgrounds.iter().for_each(|background| self.push_rows(values, background, &mut rows));
            for (protocol, run) in problem.layout.runs.iter().enumerate() {
                for cell in 0..cells {
                    let row = (point * backgrounds + run.condition) * cells + cell;
                    lanes.push(Lane { row: row as u32, protocol: protocol as u32 });
                }
            }
        }
        (rows, lanes)
    }

    /// Rows of inputs of each cell in one background.
    pub(super) fn push_rows(&self, values: &[f64], background: &[Term], rows: &mut Vec<f64>) {
        let median: Vec<f64> = background.iter().map(|term| term.value(values)).collect();
        for cell in 0..self.problem.cell_count() {
            let first = rows.len();
            rows.extend_from_slice(&median);
            if let Some(spread) = &self.problem.cells {
                let nodes = &spread.nodes[cell * spread.spread.len()..];
                for ((input, sd), node) in spread.spread.iter().zip(nodes) {
                    rows[first + *input as usize] *= (sd.value(values) * node).exp();
                }
            }
        }
    }

    /// One batch, then failed lanes with a smaller first step, with the other method, and on the reference.
    pub(super) fn integrate(
        &self,
        rows: &[f64],
        lanes: &[Lane],
        protocols: &[Protocol],
        tangents: &[u32],
        exact: bool,
    ) -> Result<Outcomes> {
        let first = if exact { self.reference } else { self.engine };
        let settings = self.settings(first, exact);
        let batch = |engine: &dyn Engine, lanes: &[Lane], settings: &Settings| {
            let program = &self.problem.program;
            run_batch(engine, &Batch { program, lanes, rows, protocols, tangents, settings })
        };
        let mut outcomes = batch(first, lanes, &settings)?;
        let careful = Settings { caution: CAUTION, max_steps: settings.max_steps.saturating_mul(4), ..settings };
        let method = match careful.method {
            Method::Rodas5P => Method::Rodas4P,
            Method::Rodas4P => Method::Rodas5P,
            Method::Tsit5 => stiff_method(first.precision()),
        };
        let other = Settings { method, ..careful.clone() };
        let mut last = Settings { caution: CAUTION, ..self.settings(self.reference, exact) };
        last.max_steps = careful.max_steps;
        for (engine, settings) in [(first, careful), (first, other), (self.reference, last)] {
            // Without a slope the values are right, and no method has one.
            let fails = |status: Status| !matches!(status, Status::Finished | Status::NoSlope);
            let failed: Vec<usize> = (0..lanes.len()).filter(|&lane| fails(outcomes.reports[lane].status)).collect();
            if failed.is_empty() {
                break;
            }
            let again: Vec<Lane> = failed.iter().map(|&lane| lanes[lane]).collect();
            // A method that an engine lacks is one way less to try again.
            let Ok(second) = batch(engine, &again, &settings) else { continue };
            for (at, &lane) in failed.iter().enumerate() {
                if second.reports[at].status == Status::Finished {
                    take_over(&mut outcomes, lane, &second, at, tangents.len());
                }
            }
        }
        Ok(outcomes)
    }

    fn average(&self, values: &[f64], outcomes: &Outcomes, first_lane: usize, wanted: Wanted) -> Simulated {
        let layout = &self.problem.layout;
        let cells = self.problem.cell_count();
        let directions = wanted.tangents.len();
        let mut simulated = Simulated {
            slots: vec![0.0; layout.slots],
            tangents: vec![0.0; layout.slots * directions],
            ..Simulated::default()
        };
        let mut counts: Vec<(Status, u32)> = Vec::new();
        for run in 0..layout.runs.len() {
            let first_slot = layout.runs[run].first_slot;
            for cell in 0..cells {
                let lane = first_lane + run * cells + cell;
                let status = outcomes.reports[lane].status;
                if status != Status::Finished {
                    match counts.iter_mut().find(|c| c.0 == status) {
                        Some(count) => count.1 += 1,
                        None => counts.push((status, 1)),
                    }
                }
                let range = outcomes.offsets[lane]..outcomes.offsets[lane + 1];
                for (slot, at) in range.clone().enumerate() {
                    simulated.slots[first_slot + slot] += outcomes.outputs[at] / cells as f64;
                }
                let tangents = &outcomes.tangents[(range.start * directions).min(outcomes.tangents.len())..];
                for (at, tangent) in tangents.iter().take(range.len() * directions).enumerate() {
                    simulated.tangents[first_slot * directions + at] += tangent / cells as f64;
                }
            }
        }
        counts.sort();
        simulated.failures = counts;
        if wanted.scores {
            simulated.scores = self.scores(values, outcomes, first_lane, &simulated.slots);
        }
        simulated
    }

    fn scores(&self, values: &[f64], outcomes: &Outcomes, first_lane: usize, slots: &[f64]) -> Vec<f64> {
        let Some(population) = &self.problem.cells else { return Vec::new() };
        let distributed = population.spread.len();
        let cells = population.count;
        let mut scores = vec![0.0; slots.len() * distributed * 2];
        for (run, layout) in self.problem.layout.runs.iter().enumerate() {
            for cell in 0..cells {
                let lane = first_lane + run * cells + cell;
                let nodes = &population.nodes[cell * distributed..][..distributed];
                for (slot, at) in (layout.first_slot..).zip(outcomes.offsets[lane]..outcomes.offsets[lane + 1]) {
                    let centred = (outcomes.outputs[at] - slots[slot]) / cells as f64;
                    for (i, z) in nodes.iter().enumerate() {
                        scores[(slot * distributed + i) * 2] += centred * z;
                        scores[(slot * distributed + i) * 2 + 1] += centred * (z * z - 1.0);
                    }
                }
            }
        }
        // Derivatives by the log of the median and by the sd.
        for (at, score) in scores.iter_mut().enumerate() {
            *score /= population.spread[(at / 2) % distributed].1.value(values);
        }
        scores
    }
}

fn run_batch(engine: &dyn Engine, batch: &Batch) -> Result<Outcomes> {
    let mut outcomes = engine.run(batch).map_err(|error| Error::Engine(error.to_string()))?;
    // What an engine calls finished must be finite to count.
    let directions = batch.tangents.len();
    for (lane, report) in outcomes.reports.iter_mut().enumerate() {
        let range = outcomes.offsets[lane]..outcomes.offsets[lane + 1];
        let tangents = range.start * directions..range.end * directions;
        if report.status != Status::Finished {
            continue;
        }
        if outcomes.outputs[range].iter().any(|x| !x.is_finite()) {
            report.status = Status::NotFinite;
        } else if outcomes.tangents[tangents].iter().any(|x| !x.is_finite()) {
            report.status = Status::NoSlope;
        }
    }
    Ok(outcomes)
}

fn take_over(outcomes: &mut Outcomes, lane: usize, from: &Outcomes, at: usize, directions: usize) {
    let target = outcomes.offsets[lane]..outcomes.offsets[lane + 1];
    let source = from.offsets[at]..from.offsets[at + 1];
    outcomes.outputs[target.clone()].copy_from_slice(&from.outputs[source.clone()]);
    if directions > 0 {
        let source = &from.tangents[source.start * directions..source.end * directions];
        outcomes.tangents[target.start * directions..target.end * directions].copy_from_slice(source);
    }
    outcomes.reports[lane] = from.reports[at];
}
