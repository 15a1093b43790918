//! `fenton simulate`: trajectories of a model or of a study's conditions, as CSV or JSON.

mod columns;
mod model;
mod study;

use super::engines::{EngineArgs, MethodChoice, check_tolerances, describe};
use super::failure::Failure;
use super::output::WriteError;
use super::terminal;
use clap::Args;
use fenton::engine::{Engine, Settings};
use fenton::report::number;
use fenton::study::embedded;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
  fenton simulate fac-ht1080 --points 25
      every condition and dose of a study, settled and dosed as it says, at the values it starts from

Columns: 'time', then the variables. A species stands in the form in which its name is used in formulas (its
concentration, unless it was declared 'substanceOnly'); [S] is always the concentration of S, --amounts and
--concentrations set the form of all. With --instances or --parameters the first column is 'instance', from 1.
A study's table has its condition, doses and time in the study's units, then species and other states, then what the
study reads (its observables). --set, --vary and --parameters then name what the study estimates; drawn values stay
within its bounds. A study of differing cells gives their mean.
Numbers are the shortest decimals that read back as the same number.

Events may have delays, priorities, 'persistent' and 'fromTrigger', and rules may be algebraic (0 = formula) where they
can be solved for one name each. A row at the time of 'at time > 5' shows the values before the event, one of
'at time >= 5' those after it. docs/antimony.md says what is read and how.")]
pub struct SimulateArgs {
    /// A model (Antimony) or study file, or the name of an embedded one
    #[arg(value_name = "MODEL.ant or STUDY.toml")]
    what: String,
    /// Another value for a parameter, or for the initial state of a species (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The time at which the initial state holds, in the model's unit of time [default: 0]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    start: Option<f64>,
    /// The time at which the run ends, in the unit of the model or study [default: 48, or a study's last reading]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    until: Option<f64>,
    /// Number of evenly spaced rows, the first at the start, the last at the end (as in Tellurium and libRoadRunner)
    #[arg(long, value_name = "N", default_value_t = 101)]
    points: usize,
    /// Rows at these times instead, ascending
    #[arg(long, value_name = "T,T,...", value_delimiter = ',', allow_negative_numbers = true, conflicts_with_all = ["points", "until"])]
    times: Option<Vec<f64>>,
    /// Variables to write [default: species and other states that change in time]
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
    /// The parameters to draw [default: all, of a study those it estimates]
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
    /// Absolute tolerance of each step, in the unit of the states [default: 1e-12 of the size of each state in f64, 1e-7
    /// in f32, told on standard error; of a study relative to what is small for each state, and as --rtol]
    #[arg(long, value_name = "X", help_heading = "Integration")]
    atol: Option<f64>,
    /// Steps one instance may take before it counts as failed [default: 100000, or as a study says]
    #[arg(long, value_name = "N", help_heading = "Integration")]
    max_steps: Option<u32>,
    #[command(flatten)]
    engine: EngineArgs,
}

pub fn run(args: &SimulateArgs) -> Result<(), Failure> {
    args.engine.check()?;
    check_tolerances(args.rtol, args.atol)?;
    if args.max_steps == Some(0) {
        return Err(Failure::Usage("--max-steps has to be at least 1".into()));
    }
    if args.instances == Some(0) {
        return Err(Failure::Usage("--instances has to be at least 1".into()));
    }
    if !(args.spread.is_finite() && args.spread >= 0.0) {
        return Err(Failure::Usage(format!("--spread is {}, it has to be 0 or more", args.spread)));
    }
    if is_study(&args.what) { study::run(args) } else { model::run(args) }
}

/// Rows of one instance are in memory at once.
const MOST_POINTS: usize = 10_000_000;

/// What is there as a file goes first; a folder holds a study.
fn is_study(what: &str) -> bool {
    let path = Path::new(what);
    path.is_dir() || what.ends_with(".toml") || (!path.exists() && embedded::study(what).is_some())
}

/// The times of the rows; `start` and `until` are where neither option nor `--times` says otherwise.
fn times(args: &SimulateArgs, start: f64, until: f64) -> Result<Vec<f64>, Failure> {
    let (start, until) = (args.start.unwrap_or(start), args.until.unwrap_or(until));
    let finite = |name: &str, value: f64| {
        if value.is_finite() { Ok(()) } else { Err(Failure::Usage(format!("{name} is {value}, not a time"))) }
    };
    finite("--start", start)?;
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
        if times.first().is_some_and(|&first| first < start) {
            return Err(Failure::Usage(format!("the first of --times lies before --start {}", number(start))));
        }
        return Ok(times.clone());
    }
    finite("--until", until)?;
    if until <= start {
        return Err(Failure::Usage(format!("--until {} has to lie after --start {}", number(until), number(start))));
    }
    if args.points < 2 {
        return Err(Failure::Usage("--points counts both ends, so it has to be at least 2".into()));
    }
    if args.points > MOST_POINTS {
        return Err(Failure::Usage(format!("--points is {}, the most that fits is {MOST_POINTS}", args.points)));
    }
    let steps = args.points - 1;
    Ok((0..=steps).map(|at| (start * (steps - at) as f64 + until * at as f64) / steps as f64).collect())
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
                _ => Err(Failure::Usage(format!(
                    "--set {text}: '{value}' is not a number; it stands alone, in the unit that the model gives it"
                ))),
            }
        })
        .collect()
}

/// What was done, for somebody whose numbers go to a file.
fn tell(count: usize, integration: Duration, settings: &Settings, engine: &dyn Engine) {
    let what = if count == 1 { "1 instance".to_string() } else { format!("{count} instances") };
    let (seconds, method) = (integration.as_secs_f64(), settings.method.name());
    let (rtol, engine) = (settings.rtol, describe(engine));
    terminal::say(&format!("{what} integrated in {seconds:.4} s with {method} at rtol {rtol:e} on {engine}"));
}

fn csv_error(error: csv::Error) -> WriteError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => source.into(),
        other => std::io::Error::other(format!("{other:?}")).into(),
    }
}
