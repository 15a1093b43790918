//! Trajectories of a model: one protocol, and instances that differ in their inputs.

use super::columns::columns;
use super::{SimulateArgs, assignments, csv_error, tell, times};
use crate::cli::engines::{describe, precision_name};
use crate::cli::failure::Failure;
use crate::cli::inputs::{Instances, read_model, settable};
use crate::cli::output::{self, WriteError};
use crate::cli::{progress, terminal};
use fenton::engine::{
    Batch, Engine, Lane, Outcomes, Precision, Protocol, Segment, Settings, Status, choose, magnitudes, stiff_method,
};
use fenton::model::System;
use fenton::program::{Lowering, Program};
use fenton::report::{number, number32};
use fenton::{Diagnostic, Error};
use serde_json::json;
use std::time::{Duration, Instant};

/// How many instances are in memory at a time, at most. At the end of each such batch threads wait for its slowest.
const CHUNK: usize = 16384;

/// How many values are, roughly: 256 MiB.
const VALUES: usize = 1 << 25;

pub fn run(args: &SimulateArgs) -> Result<(), Failure> {
    let start = args.start.unwrap_or(0.0);
    let times = times(args, start, 48.0)?;
    let mut system = read_model(&args.what, &assignments(&args.set)?)?;
    let instances = instances(args, &mut system)?;
    let (columns, outputs): (Vec<String>, Vec<_>) = columns(args, &system)?.into_iter().unzip();
    let lowering = Lowering { inputs: instances.inputs.clone(), fixed: Vec::new(), outputs };
    let program = Program::new(&system, &lowering);
    let engine = args.engine.open(&program, instances.count)?;
    let protocol = Protocol {
        start,
        segments: vec![Segment { until: times.last().copied().unwrap_or(start), ..Segment::default() }],
        outputs: times,
    };
    let row = instances.rows(0..1);
    let settings = settings(args, &program, &protocol, &row, engine.precision())?;
    if let Some(taken) = taken(args, &program, &settings) {
        terminal::say(&taken);
    }
    let job = Job { args, engine: &engine, program: &program, columns, protocol, settings, instances };
    let done = if args.json { job.write_json(&system) } else { job.write_csv() };
    engine.notes().iter().for_each(|note| terminal::warn(note));
    done
}

/// No absolute tolerance is so small that the numbers of an engine cannot hold it.
fn least(precision: Precision) -> f64 {
    if precision == Precision::F32 { 1e-36 } else { 1e-300 }
}

/// The absolute tolerances that were taken, in a line; nothing where they were asked for.
fn taken(args: &SimulateArgs, program: &Program, settings: &Settings) -> Option<String> {
    let least = program.states.iter().zip(&settings.atol).min_by(|a, b| a.1.total_cmp(b.1))?;
    let most = program.states.iter().zip(&settings.atol).max_by(|a, b| a.1.total_cmp(b.1))?;
    let text = match least.1 == most.1 {
        true => format!("absolute tolerance {:.1e}, from the sizes of the states", least.1),
        false => format!(
            "absolute tolerances from {:.1e} ({}) to {:.1e} ({}), from the sizes of the states",
            least.1, least.0, most.1, most.0
        ),
    };
    args.atol.is_none().then_some(text + "; --atol sets another")
}

/// How exactly to integrate, and by which method: unless one is named, a race on the first instance decides.
fn settings(
    args: &SimulateArgs,
    program: &Program,
    protocol: &Protocol,
    row: &[f64],
    precision: Precision,
) -> Result<Settings, Failure> {
    // Parts of the size of a state; magnitudes are millionths of it.
    let (rtol, part) = match precision {
        Precision::F64 => (1e-6, 1e-6),
        Precision::F32 => (1e-4, 1e-1),
    };
    let atol = match args.atol {
        Some(atol) => vec![atol; program.states.len()],
        None => magnitudes(program, &[(row, protocol)], 0.0).iter().map(|m| (part * m).max(least(precision))).collect(),
    };
    let mut settings = Settings {
        method: stiff_method(precision),
        rtol: args.rtol.unwrap_or(rtol),
        atol,
        max_steps: args.max_steps.unwrap_or(100_000),
        caution: 1.0,
    };
    settings.method = match args.method {
        Some(method) => method.into(),
        None => {
            let protocols = std::slice::from_ref(protocol);
            let lanes = &[Lane { row: 0, protocol: 0 }];
            let batch = Batch { program, lanes, rows: row, protocols, tangents: &[], settings: &settings };
            let race = choose(&batch, precision).map_err(|error| Error::Engine(error.to_string()))?;
            race.doubt.iter().for_each(|doubt| terminal::warn(doubt));
            race.method
        }
    };
    Ok(settings)
}

struct Job<'a> {
    args: &'a SimulateArgs,
    engine: &'a dyn Engine,
    program: &'a Program,
    columns: Vec<String>,
    protocol: Protocol,
    settings: Settings,
    instances: Instances,
}

impl Job<'_> {
    /// Runs all instances and hands each finished one to `sink`, in order.
    fn run(&self, mut sink: impl FnMut(usize, &[f64]) -> Result<(), WriteError>) -> Result<Ran, WriteError> {
        let count = self.instances.count;
        let chunk = (VALUES / (self.protocol.outputs.len() * self.columns.len()).max(1)).clamp(1, CHUNK);
        let bar = (count > chunk).then(|| progress::bar(count as u64, "instances"));
        let _listening = (count > chunk).then(terminal::listen);
        let mut ran = Ran::default();
        for first in (0..count).step_by(chunk) {
            if terminal::is_interrupted() {
                return Err(Failure::Interrupted(format!("stopped after {first} of {count} instances")).into());
            }
            let size = chunk.min(count - first);
            let lanes: Vec<Lane> = (0..size as u32).map(|row| Lane { row, protocol: 0 }).collect();
            let rows = self.instances.rows(first..first + size);
            let batch = Batch {
                program: self.program,
                lanes: &lanes,
                rows: &rows,
                protocols: std::slice::from_ref(&self.protocol),
                tangents: &[],
                settings: &self.settings,
            };
            let start = Instant::now();
            let outcomes = self.engine.run(&batch).map_err(|error| Error::Engine(error.to_string()))?;
            ran.integration += start.elapsed();
            self.hand_over(first, &outcomes, &mut ran, &mut sink)?;
            if let Some(bar) = &bar {
                bar.inc(size as u64);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.judge(&ran)?;
        Ok(ran)
    }

    fn hand_over(
        &self,
        first: usize,
        outcomes: &Outcomes,
        ran: &mut Ran,
        sink: &mut impl FnMut(usize, &[f64]) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        for (lane, report) in outcomes.reports.iter().enumerate() {
            if report.status == Status::Finished {
                sink(first + lane, &outcomes.outputs[outcomes.offsets[lane]..outcomes.offsets[lane + 1]])?;
            } else {
                let state = report.state.and_then(|state| self.program.states.get(state as usize)).cloned();
                ran.failures.push((first + lane + 1, report.status, report.time, state));
            }
        }
        Ok(())
    }

    /// An error if nothing finished, a warning if something did not.
    fn judge(&self, ran: &Ran) -> Result<(), Failure> {
        let Some((instance, status, time, state)) = ran.failures.first() else { return Ok(()) };
        let place = match state {
            Some(state) => format!("at time {} in {state}", number(*time)),
            None => format!("at time {}", number(*time)),
        };
        if ran.failures.len() == self.instances.count {
            let who = if self.instances.count == 1 {
                "the run".to_string()
            } else {
                format!("all {} instances failed; the first", self.instances.count)
            };
            return Err(Error::Run(format!("{who} failed {place}: {}", status.advice())).into());
        }
        terminal::warn(&format!(
            "{} of {} instances failed and have no rows; the first is instance {instance}, {place}: {}",
            ran.failures.len(),
            self.instances.count,
            status.advice()
        ));
        Ok(())
    }

    fn write_csv(&self) -> Result<(), Failure> {
        let text = match self.engine.precision() {
            Precision::F32 => number32,
            Precision::F64 => number,
        };
        let many = self.instances.listed;
        output::to_file_or_stdout(self.args.output.as_deref(), |out| {
            let mut table = csv::Writer::from_writer(out);
            let lead = many.then_some("instance").into_iter().chain(["time"]);
            table.write_record(lead.chain(self.columns.iter().map(String::as_str))).map_err(csv_error)?;
            let ran = self.run(|instance, values| {
                for (row, time) in self.protocol.outputs.iter().enumerate() {
                    if many {
                        table.write_field((instance + 1).to_string()).map_err(csv_error)?;
                    }
                    table.write_field(number(*time)).map_err(csv_error)?;
                    for value in &values[row * self.columns.len()..(row + 1) * self.columns.len()] {
                        table.write_field(text(*value)).map_err(csv_error)?;
                    }
                    table.write_record(None::<&[u8]>).map_err(csv_error)?;
                }
                Ok(())
            })?;
            table.flush()?;
            if self.args.output.is_some() {
                tell(self.instances.count, ran.integration, &self.settings, self.engine);
            }
            Ok(())
        })
    }

    fn write_json(&self, system: &System) -> Result<(), Failure> {
        let settings = &self.settings;
        let head = json!({
            "fenton": env!("CARGO_PKG_VERSION"),
            "model": system.name,
            "time_unit": system.time_unit,
            "engine": describe(self.engine),
            "precision": precision_name(self.engine.precision()),
            "method": settings.method.name(),
            "rtol": settings.rtol,
            "atol": self.program.states.iter().zip(&settings.atol).map(|(state, atol)| (state.clone(), json!(atol)))
                .collect::<serde_json::Map<_, _>>(),
            "seed": self.args.instances.map(|_| self.args.seed),
            "times": self.protocol.outputs,
            "columns": self.columns,
        });
        output::print_json_list(&head, "instances", |add| {
            let ran = self.run(|instance, values| {
                let mut object = json!({ "instance": instance + 1 });
                if self.instances.listed {
                    object["parameters"] = self.instances.named(instance, system);
                }
                object["rows"] = values.chunks(self.columns.len().max(1)).map(|row| json!(row)).collect();
                add(&object)
            })?;
            let failures = ran.failures.iter().map(|(instance, status, time, state)| {
                json!({ "instance": instance, "cause": status.advice(), "time": time, "state": state })
            });
            Ok(json!({ "failures": failures.collect::<Vec<_>>() }))
        })
    }
}

#[derive(Debug, Default)]
struct Ran {
    /// Instance (from 1), cause, time reached, and the state that was worst.
    failures: Vec<(usize, Status, f64, Option<String>)>,
    /// Time spent on integration.
    integration: Duration,
}

fn unknown(option: &str, name: &str, nearest: Option<String>) -> Failure {
    let mut diagnostic = Diagnostic::new(format!("{option}: the model has nothing called '{name}' that can be set"))
        .expected("a parameter, or a species or variable with an initial value");
    if let Some(nearest) = nearest {
        diagnostic = diagnostic.hint(format!("did you mean '{nearest}'?"));
    }
    diagnostic.into()
}

fn instances(args: &SimulateArgs, system: &mut System) -> Result<Instances, Failure> {
    if let Some(path) = &args.parameters {
        return Instances::read(path, system);
    }
    let Some(count) = args.instances else { return Ok(Instances::single()) };
    let inputs = match &args.vary {
        Some(names) => names
            .iter()
            .map(|name| settable(system, name).map_err(|hint| unknown("--vary", name, hint)))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..system.parameters.len() as u32).collect(),
    };
    Ok(Instances::drawn(count, inputs, system, args.spread, args.seed))
}
