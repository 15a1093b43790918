//! `fenton sensitivity`: which parameters the outputs of a study depend on.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::long_run::{Claim, ending, facts, name_of, place};
use super::{cells, check, output, progress, terminal};
use clap::{Args, ValueEnum};
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::StudyObjective;
use fenton::inference::sensitivity::FEWEST_ROWS;
use fenton::report::document::RunFacts;
use fenton::report::sensitivity::{self as page, SensitivityReport};
use fenton::summary::sensitivity::{Of, SensitivitySettings, document};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton sensitivity fac-ht1080                            Sobol indices and rank correlations over the priors
  fenton sensitivity study.toml --points 4096              narrower intervals
  fenton sensitivity study.toml --ensemble fenton-study-posterior    over draws: rank correlations alone
  fenton sensitivity study.toml --of ec50                  of effective concentrations alone

Outputs are the readings of each observable at each condition, dose and time of the study, together (weighted by their
variance) and one by one, and the EC50 of each curve over dose.

Sobol indices assume that parameters are independent, as priors are. Draws of a posterior or replicates of a bootstrap are
not: over them (--ensemble, the folder of 'fenton sample' or 'fenton bootstrap') partial rank correlations alone are given.

The output folder holds report.html, summary.json and indices.csv. N points make N x (parameters + 2) simulations.")]
pub struct SensitivityArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The folder for the report [default: fenton-NAME-sensitivity]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// A folder with draws-1.csv and on, in place of the priors
    #[arg(long, value_name = "DIR")]
    ensemble: Option<PathBuf>,
    /// Which outputs [default: all]
    #[arg(long, value_enum, value_name = "KIND")]
    of: Vec<Which>,
    /// Rows of the base sample (a power of two is best), or the most draws of an ensemble
    #[arg(long, value_name = "N", default_value_t = 1024)]
    points: usize,
    /// The same seed gives the same points
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Observables at each condition, dose and time of the data
    Readings,
    /// The logarithm of the dose at which a share of cells falls to a half
    Ec50,
}

pub fn run(args: &SensitivityArgs) -> Result<(), Failure> {
    let began = Instant::now();
    args.engine.check()?;
    let choice = args.integration.choice()?;
    if args.points < FEWEST_ROWS {
        return Err(Failure::Usage(format!("--points is {}, it has to be at least {FEWEST_ROWS}", args.points)));
    }
    let mut study = check::open(&args.study)?;
    let claim = Claim {
        report: "sensitivity",
        reads: [Path::new(&args.study)].into_iter().chain(args.ensemble.as_deref()).collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-sensitivity", name_of(&args.study, &study)), &claim)?;

    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.points;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let settings = SensitivitySettings {
        points: args.points,
        ensemble: args.ensemble.clone(),
        of: match args.of.is_empty() {
            true => vec![Of::Readings, Of::Ec50],
            false => args.of.iter().map(|which| if *which == Which::Ec50 { Of::Ec50 } else { Of::Readings }).collect(),
        },
        seed: args.seed,
    };
    let bar = progress::bar(0, "points");
    let mut watch = |done: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        terminal::is_interrupted()
    };
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    let run = RunFacts {
        method: "sensitivity".into(),
        ..facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "points")
    };
    let listening = terminal::listen();
    let found = document(&study, &objective, &settings, run, &notes, &mut watch);
    drop(listening);
    bar.finish_and_clear();
    let mut found = found?.map_err(|_| Failure::Interrupted("interrupted; nothing was written".into()))?;
    found.run.seconds = began.elapsed().as_secs_f64();
    found.run.evaluations = found.facts.points as u64;
    page::write(&found, &folder).map_err(Failure::Output)?;
    if args.json { output::print_json(&found) } else { output::print(&told(&found, &folder)) }
}

/// The summaries for a terminal.
fn told(document: &SensitivityReport, folder: &Path) -> String {
    let facts = &document.facts;
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    text.push('\n');
    text += &format!(
        "{} points over {}, {} failed; {:.1} s on {}\n",
        facts.points, facts.over, facts.failed, document.run.seconds, document.run.engine
    );
    let width = document.parameters.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for group in &document.groups {
        text += &format!("\n{}\n", group.title);
        for of in &group.of {
            text += &format!("  {:<width$}", of.parameter);
            if let Some(sobol) = of.sobol {
                let (total, first) = (sobol.total, sobol.first);
                text += &format!("  total {:5.2} ({:.2} to {:.2})", total.value, total.lower, total.upper);
                text += &format!("  first {:5.2} ({:.2} to {:.2})", first.value, first.lower, first.upper);
            }
            if let Some(prcc) = of.prcc {
                text += &format!("  rank correlation {:+.2} ({:+.2} to {:+.2})", prcc.value, prcc.lower, prcc.upper);
            }
            text.push('\n');
        }
    }
    text + &ending(&document.warnings, folder)
}
