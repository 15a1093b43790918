//! `fenton simulate`: trajectories of a model as CSV or JSON.

use super::engines::{EngineArgs, MethodChoice, check_tolerances, describe, precision_name};
use super::failure::Failure;
use super::inputs::{Instances, read_model, settable};
use super::output::{self, WriteError};
use super::{progress, terminal};
use clap::Args;
use fenton::engine::{
    Batch, Engine, Lane, Outcomes, Precision, Protocol, Segment, Settings, Status, choose, stiff_method,
};
use fenton::model::math::closest;
use fenton::model::{System, Variable};
use fenton::program::{Lowering, Program};
use fenton::report::{number, number32};
use fenton::{Diagnostic, Error};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton simulate model.ant --until 72
      72 units of time, one row at each of 101 times, as CSV on standard output
  fenton simulate model.ant --set FAC=5000 --set k_death=0.2 --columns viability,GSH,[Fe]
      other parameter values or initial states, and only these columns
  fenton simulate model.ant --instances 1000 --vary k_death,k_gsh --spread 0.3 --seed 7 --output many.csv
      1,000 instances with drawn parameters, each row of the table marked with its instance
  fenton simulate model.ant --parameters settings.csv --times 0,24,48 --json
      one instance for each row of settings.csv, whose columns are names of parameters or states

Columns: 'time', then the variables. A species stands in the form in which its name is used in formulas (its
concentration, unless it was declared 'substanceOnly'); [S] is always the concentration of S, --amounts and
--concentrations set the form of all. With --instances or --parameters the first column is 'instance', from 1.
Numbers are the shortest decimals that read back as the same number.")]
pub struct SimulateArgs {
    /// The model, an Antimony file
    #[arg(value_name = "MODEL.ant")]
    model: PathBuf,
    /// Another value for a parameter, or for the initial state of a species (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The time at which the initial state holds, in the model's unit of time
    #[arg(long, value_name = "T", default_value_t = 0.0, allow_negative_numbers = true)]
    start: f64,
    /// The time at which the run ends, in the model's unit of time
    #[arg(long, value_name = "T", default_value_t = 48.0, allow_negative_numbers = true)]
    until: f64,
    /// Number of evenly spaced rows, the first at the start, the last at the end (as in Tellurium and libRoadRunner)
    #[arg(long, value_name = "N", default_value_t = 101)]
    points: usize,
    /// Rows at these times instead, ascending
    #[arg(long, value_name = "T,T,...", value_delimiter = ',', conflicts_with_all = ["points", "until"])]
    times: Option<Vec<f64>>,
    /// Variables to write [default: all that change in time]
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Species as amounts
    #[arg(long, conflicts_with = "concentrations")]
    amounts: bool,
    /// Species as concentrations
    #[arg(long)]
    concentrations: bool,
    /// Run N instances whose parameters are drawn around their values
    #[arg(long, value_name = "N", conflicts_with = "parameters")]
    instances: Option<usize>,
    /// The parameters to draw [default: all]
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', requires = "instances")]
    vary: Option<Vec<String>>,
    /// Standard deviation of the natural logarithm of what is drawn (0.2: about 20 %)
    #[arg(long, value_name = "SD", default_value_t = 0.2, requires = "instances")]
    spread: f64,
    /// Seed of the draws; the same seed gives the same parameters
    #[arg(long, value_name = "N", default_value_t = 1, requires = "instances")]
    seed: u64,
    /// Run one instance for each row of a CSV file whose header names parameters or states
    #[arg(long, value_name = "FILE.csv")]
    parameters: Option<PathBuf>,
    /// Write the CSV here instead of to standard output; the file appears when it is complete
    #[arg(long, short, value_name = "FILE.csv")]
    output: Option<PathBuf>,
    /// Print one JSON document instead of CSV
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Integration method: rodas5p and rodas4p for stiff models, tsit5 for others [default: a race on the first instance]
    #[arg(long, value_enum, value_name = "METHOD", help_heading = "Integration")]
    method: Option<MethodChoice>,
    /// Relative tolerance of each step [default: 1e-6 in f64, 1e-4 in f32]
    #[arg(long, value_name = "X", help_heading = "Integration")]
    rtol: Option<f64>,
    /// Absolute tolerance of each step, in the unit of the states [default: 1e-12 in f64, 1e-7 in f32]
    #[arg(long, value_name = "X", help_heading = "Integration")]
    atol: Option<f64>,
    /// Steps one instance may take before it counts as failed
    #[arg(long, value_name = "N", default_value_t = 100_000, help_heading = "Integration")]
    max_steps: u32,
    #[command(flatten)]
    engine: EngineArgs,
}

/// How many instances are in memory at a time.
const CHUNK: usize = 4096;

pub fn run(args: &SimulateArgs) -> Result<(), Failure> {
    args.engine.check()?;
    check_tolerances(args.rtol, args.atol)?;
    if args.max_steps == 0 {
        return Err(Failure::Usage("--max-steps has to be at least 1".into()));
    }
    let times = times(args)?;
    let mut system = read_model(&args.model, &assignments(&args.set)?)?;
    let instances = instances(args, &mut system)?;
    let (columns, outputs): (Vec<String>, Vec<_>) = columns(args, &system)?.into_iter().unzip();
    let lowering = Lowering { inputs: instances.inputs.clone(), fixed: Vec::new(), outputs };
    let program = Program::new(&system, &lowering);
    let engine = args.engine.open(&program, instances.count)?;
    let protocol = Protocol {
        start: args.start,
        segments: vec![Segment { until: times.last().copied().unwrap_or(args.start), ..Segment::default() }],
        outputs: times,
    };
    let row = instances.rows(0..1);
    let settings = settings(args, &program, &protocol, &row, engine.precision())?;
    let job = Job { args, engine: &engine, program: &program, columns, protocol, settings, instances };
    let done = if args.json { job.write_json(&system) } else { job.write_csv() };
    engine.notes().iter().for_each(|note| terminal::warn(note));
    done
}

/// How exactly to integrate, and by which method: unless one is named, a race on the first instance decides.
fn settings(
    args: &SimulateArgs,
    program: &Program,
    protocol: &Protocol,
    row: &[f64],
    precision: Precision,
) -> Result<Settings, Failure> {
    let (rtol, atol) = match precision {
        Precision::F64 => (1e-6, 1e-12),
        Precision::F32 => (1e-4, 1e-7),
    };
    let mut settings = Settings {
        method: stiff_method(precision),
        rtol: args.rtol.unwrap_or(rtol),
        atol: vec![args.atol.unwrap_or(atol); program.states.len()],
        max_steps: args.max_steps,
        caution: 1.0,
    };
    settings.method = match args.method {
        Some(method) => method.into(),
        None => {
            let protocols = std::slice::from_ref(protocol);
            let lanes = &[Lane { row: 0, protocol: 0 }];
            let batch = Batch { program, lanes, rows: row, protocols, tangents: &[], settings: &settings };
            choose(&batch, precision).map_err(|error| Error::Engine(error.to_string()))?
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
    /// Runs all instances and hands each finished one to `sink`, in order; counts what failed.
    fn run(&self, mut sink: impl FnMut(usize, &[f64]) -> Result<(), WriteError>) -> Result<Failures, WriteError> {
        let count = self.instances.count;
        let bar = (count > CHUNK).then(|| progress::bar(count as u64, "instances"));
        let mut failures = Failures::default();
        for first in (0..count).step_by(CHUNK) {
            if terminal::is_interrupted() {
                return Err(Failure::Interrupted(format!("stopped after {first} of {count} instances")).into());
            }
            let size = CHUNK.min(count - first);
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
            let outcomes = self.engine.run(&batch).map_err(|error| Error::Engine(error.to_string()))?;
            self.hand_over(first, &outcomes, &mut failures, &mut sink)?;
            if let Some(bar) = &bar {
                bar.inc(size as u64);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.judge(&failures)?;
        Ok(failures)
    }

    fn hand_over(
        &self,
        first: usize,
        outcomes: &Outcomes,
        failures: &mut Failures,
        sink: &mut impl FnMut(usize, &[f64]) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        for (lane, report) in outcomes.reports.iter().enumerate() {
            if report.status == Status::Finished {
                sink(first + lane, &outcomes.outputs[outcomes.offsets[lane]..outcomes.offsets[lane + 1]])?;
            } else {
                let state = report.state.and_then(|state| self.program.states.get(state as usize)).cloned();
                failures.list.push((first + lane + 1, report.status, report.time, state));
            }
        }
        Ok(())
    }

    /// An error if nothing finished, a warning if something did not.
    fn judge(&self, failures: &Failures) -> Result<(), Failure> {
        let Some((instance, status, time, state)) = failures.list.first() else { return Ok(()) };
        let place = match state {
            Some(state) => format!("at time {} in {state}", number(*time)),
            None => format!("at time {}", number(*time)),
        };
        if failures.list.len() == self.instances.count {
            let who = if self.instances.count == 1 {
                "the run".to_string()
            } else {
                format!("all {} instances failed; the first", self.instances.count)
            };
            return Err(Error::Run(format!("{who} failed {place}: {}", status.advice())).into());
        }
        terminal::warn(&format!(
            "{} of {} instances failed and have no rows; the first is instance {instance}, {place}: {}",
            failures.list.len(),
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
            self.run(|instance, values| {
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
            Ok(table.flush()?)
        })
    }

    fn write_json(&self, system: &System) -> Result<(), Failure> {
        let mut instances = Vec::new();
        let failures = self
            .run(|instance, values| {
                let mut object = json!({ "instance": instance + 1 });
                if self.instances.listed {
                    object["parameters"] = self.instances.named(instance, system);
                }
                object["rows"] = values.chunks(self.columns.len().max(1)).map(|row| json!(row)).collect();
                instances.push(object);
                Ok(())
            })
            .map_err(|error| match error {
                WriteError::Io(source) => Failure::Output(Error::file("standard output", source)),
                WriteError::Other(failure) => failure,
            })?;
        let settings = &self.settings;
        output::print_json(&json!({
            "fenton": env!("CARGO_PKG_VERSION"),
            "model": system.name,
            "time_unit": system.time_unit,
            "engine": describe(self.engine),
            "precision": precision_name(self.engine.precision()),
            "method": settings.method.name(),
            "rtol": settings.rtol,
            "atol": settings.atol.first(),
            "seed": self.args.instances.map(|_| self.args.seed),
            "times": self.protocol.outputs,
            "columns": self.columns,
            "instances": instances,
            "failures": failures.list.iter().map(|(instance, status, time, state)| json!({
                "instance": instance, "cause": status.advice(), "time": time, "state": state,
            })).collect::<Vec<_>>(),
        }))
    }
}

/// Instance (from 1), cause, time reached, and the state that was worst.
#[derive(Debug, Default)]
struct Failures {
    list: Vec<(usize, Status, f64, Option<String>)>,
}

fn csv_error(error: csv::Error) -> WriteError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => source.into(),
        other => std::io::Error::other(format!("{other:?}")).into(),
    }
}

fn times(args: &SimulateArgs) -> Result<Vec<f64>, Failure> {
    let finite = |name: &str, value: f64| {
        if value.is_finite() { Ok(()) } else { Err(Failure::Usage(format!("{name} is {value}, not a time"))) }
    };
    finite("--start", args.start)?;
    if let Some(times) = &args.times {
        for pair in times.windows(2) {
            if pair[1] <= pair[0] {
                return Err(Failure::Usage(format!(
                    "--times have to ascend, but {} follows {}",
                    number(pair[1]),
                    number(pair[0])
                )));
            }
        }
        for &time in times {
            finite("--times", time)?;
        }
        if times.first().is_some_and(|&first| first < args.start) {
            return Err(Failure::Usage(format!("the first of --times lies before --start {}", number(args.start))));
        }
        return Ok(times.clone());
    }
    finite("--until", args.until)?;
    if args.until <= args.start {
        return Err(Failure::Usage(format!(
            "--until {} has to lie after --start {}",
            number(args.until),
            number(args.start)
        )));
    }
    if args.points < 2 {
        return Err(Failure::Usage("--points counts both ends, so it has to be at least 2".into()));
    }
    let steps = args.points - 1;
    Ok((0..=steps).map(|at| (args.start * (steps - at) as f64 + args.until * at as f64) / steps as f64).collect())
}

fn assignments(list: &[String]) -> Result<Vec<(String, f64)>, Failure> {
    list.iter()
        .map(|text| {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--set {text}: expected NAME=VALUE, such as k_death=0.2")))?;
            let value = value.trim();
            match value.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok((name.trim().to_string(), number)),
                _ if value.contains(',') => Err(Failure::Usage(format!(
                    "--set {text}: '{value}' is not a number; decimals have a point: {}",
                    value.replace(',', ".")
                ))),
                _ => Err(Failure::Usage(format!("--set {text}: '{value}' is not a number"))),
            }
        })
        .collect()
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
    if count == 0 {
        return Err(Failure::Usage("--instances has to be at least 1".into()));
    }
    if !(args.spread.is_finite() && args.spread >= 0.0) {
        return Err(Failure::Usage(format!("--spread is {}, it has to be 0 or more", args.spread)));
    }
    let inputs = match &args.vary {
        Some(names) => names
            .iter()
            .map(|name| settable(system, name).map_err(|hint| unknown("--vary", name, hint)))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..system.parameters.len() as u32).collect(),
    };
    Ok(Instances::drawn(count, inputs, system, args.spread, args.seed))
}

/// The name and the expression of each column.
fn columns(args: &SimulateArgs, system: &System) -> Result<Vec<(String, fenton::expr::Id)>, Failure> {
    let form = |variable: &Variable| match (&variable.species, args.amounts, args.concentrations) {
        (Some(species), true, _) => species.amount,
        (Some(species), _, true) => species.concentration,
        _ => variable.value,
    };
    let Some(names) = &args.columns else {
        let changing = system.variables.iter().filter(|variable| changes(system, form(variable)));
        return Ok(changing.map(|variable| (variable.name.clone(), form(variable))).collect());
    };
    names
        .iter()
        .map(|name| {
            let name = name.trim();
            let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let Some(variable) = system.variable(bracketed.unwrap_or(name)) else {
                let mut diagnostic = Diagnostic::new(format!("--columns: the model has no variable '{name}'"));
                if let Some(near) = closest(name, system.variables.iter().map(|v| v.name.as_str())) {
                    diagnostic = diagnostic.hint(format!("did you mean '{near}'?"));
                }
                return Err(diagnostic.into());
            };
            let value = match (bracketed, &variable.species) {
                (None, _) => form(variable),
                (Some(_), Some(species)) => species.concentration,
                (Some(inner), None) => {
                    let problem =
                        Diagnostic::new(format!("--columns: '{inner}' is no species and has no concentration"));
                    return Err(problem.hint(format!("write '{inner}' without brackets")).into());
                }
            };
            Ok((name.to_string(), value))
        })
        .collect()
}

/// Whether a value depends on time, directly or through the states.
fn changes(system: &System, value: fenton::expr::Id) -> bool {
    use fenton::expr::Symbol;
    let symbols = system.graph.symbols([value]);
    symbols.iter().any(|symbol| match symbol {
        Symbol::State(at) => {
            let state = &system.states[*at as usize];
            system.graph.as_constant(state.derivative) != Some(0.0)
                || system.events.iter().any(|event| event.assignments.iter().any(|(target, _)| target == at))
        }
        Symbol::Time | Symbol::Switch(_) => true,
        _ => false,
    })
}
