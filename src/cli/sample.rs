//! `fenton sample`: from a study to draws of its posterior.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::long_run::{Claim, NoResult, checkpoint, ending, facts, identity, name_of, place, seconds, unkept, written};
use super::{cells, check, output, progress, terminal};
use clap::{Args, ValueEnum};
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{
    CheckpointSettings, Drawing, Ended, SampleSettings, Sampler, StudyObjective, StudyTarget, Watcher, sample,
};
use fenton::report::document::RunFacts;
use fenton::report::draws::{self, DrawsReport};
use fenton::report::interval_text;
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton sample fac-ht1080                         the posterior of the embedded synthetic study
  fenton sample study.toml --draws 8192            more draws, smaller Monte Carlo errors
  fenton sample study.toml --method stretch        an ensemble sampler, to compare with
  fenton sample study.toml --max-time 600          ten minutes; the same command goes on from there
  fenton sample study.toml --parquet               the draws as one Parquet table too

Draws may gather in separate modes, between which no path stays within a factor of exp(1.92) of their density. All are
listed with their weights (modes.csv, and mode-of-draws.csv for each draw), and no parameter that differs between them has
a single median.

The output folder holds report.html, summary.json, parameters.csv, modes.csv, the pictures as SVG, and draws-1.csv and on, one a
chain, in the format of CmdStan: arviz.from_cmdstan('DIR/draws-*.csv') reads them. It appears when it is complete.

A run whose chains do not agree says so on top of its report and ends with the exit code 4. A run that is stopped leaves
a checkpoint beside the folder, and the same command goes on from there to the same draws.")]
pub struct SampleArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The folder for the report [default: fenton-NAME-posterior]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// How to draw
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Way::Smc)]
    method: Way,
    /// Draws of all chains together; for smc the number of particles
    #[arg(long, value_name = "N", default_value_t = 2048)]
    draws: usize,
    /// Chains that know nothing of one another and are compared
    #[arg(long, value_name = "N", default_value_t = 4)]
    chains: usize,
    /// Walkers of each chain, for demc and stretch [default: by the number of parameters]
    #[arg(long, value_name = "N")]
    walkers: Option<usize>,
    /// Keep every Nth step of a walker, for demc and stretch
    #[arg(long, value_name = "N", default_value_t = 10)]
    thin: usize,
    /// The same seed gives the same draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds; the same command goes on from there
    #[arg(long, value_name = "S")]
    max_time: Option<f64>,
    /// Write the draws as draws.parquet too, one table of all chains
    #[arg(long)]
    parquet: bool,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Tempered sequential Monte Carlo: finds separate modes, gives the evidence
    Smc,
    /// Differential evolution with an archive, DE-MC(Z)
    Demc,
    /// Affine-invariant ensemble, the stretch move
    Stretch,
}

impl From<Way> for Sampler {
    fn from(way: Way) -> Self {
        match way {
            Way::Smc => Sampler::Smc,
            Way::Demc => Sampler::Demc,
            Way::Stretch => Sampler::Stretch,
        }
    }
}

pub fn run(args: &SampleArgs) -> Result<(), Failure> {
    args.engine.check()?;
    let choice = args.integration.choice()?;
    let max_time = args.max_time.map(seconds).transpose()?;
    let mut study = check::open(&args.study)?;
    let claim = Claim { report: "sample", reads: vec![Path::new(&args.study)] };
    let folder = place(&args.output, || format!("fenton-{}-posterior", name_of(&args.study, &study)), &claim)?;

    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.draws / 2;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let target = StudyTarget::new(&objective);
    let settings = SampleSettings {
        method: args.method.into(),
        draws: args.draws,
        chains: args.chains,
        walkers: args.walkers,
        thin: args.thin,
        seed: args.seed,
        max_time,
        stop: Some(terminal::interrupted()),
        checkpoint: Some(CheckpointSettings {
            path: checkpoint(&folder),
            interval: Duration::from_secs(10),
            study: identity(&study, &objective, &choice, &engine),
        }),
    };
    let mut bar = Bar::default();
    let listening = terminal::listen();
    let drawn = sample(&target, &settings, &mut bar);
    bar.clear();
    drop(listening);
    // The one file that a sampler touches is its checkpoint, which is output of ours.
    let drawn = drawn.map_err(|error| match error {
        fenton::Error::File { .. } => Failure::Output(error),
        error => error.into(),
    })?;
    let drawn = drawn.map_err(|ended| {
        let why = if ended == Ended::Time { "the time is up" } else { "interrupted" };
        let place = checkpoint(&folder);
        Failure::Interrupted(format!("{why}; the same command goes on from {}", place.display()))
    })?;
    let run = RunFacts {
        method: drawn.method.name().into(),
        seconds: drawn.wall.as_secs_f64(),
        evaluations: drawn.evaluations,
        ..facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "draws")
    };
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    let modes = drawn.modes(&target)?;
    let edge = fenton::inference::of_draws(&target, &drawn)?;
    let mut document = fenton::summary::draws::document(&study, &target, &drawn, edge, &modes, run, &notes);
    document.parquet = args.parquet;
    written(draws::write(&document, &folder), settings.checkpoint.as_ref(), true)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, &folder))?;
    }
    no_result(&document).check(&folder)?;
    match document.converged {
        true => Ok(()),
        false => {
            Err(Failure::Unconverged(format!("the run did not converge; what it found is in {}", folder.display())))
        }
    }
}

/// The result for a terminal.
fn told(document: &DrawsReport, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let facts = &document.facts;
    let (first, rest) = no_result(document).told_first(&document.warnings);
    text += &first;
    text += &format!("\n{} draws in {} chains by {}", facts.draws, facts.chains, facts.method);
    if let Some((log, error)) = facts.log_evidence {
        text += &format!("; log evidence {log:.2} (error {error:.2})");
    }
    text += &format!("; {:.1} s on {}\n\n", document.run.seconds, document.run.engine);
    text += &draws::modes::lines(&document.modes);
    let width = document.parameters.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    for m in &document.parameters {
        let rhat = m.rhat.map_or("-".into(), |r| format!("{r:.3}"));
        let ess = m.bulk_ess.map_or("-".into(), |e| format!("{e:.0}"));
        if m.median.is_none() {
            text += &format!(
                "  {:<width$}  {} {} (by mode), prior {}\n",
                m.name,
                m.middle(),
                m.unit,
                interval_text(m.prior_interval)
            );
            continue;
        }
        text += &format!(
            "  {:<width$}  {:>9} {:<13} 95 % {:<18} prior {:<18} R-hat {rhat}, {ess} effective{}\n",
            m.name,
            m.middle(),
            m.unit,
            interval_text(m.interval),
            interval_text(m.prior_interval),
            if m.converged { "" } else { "  NOT CONVERGED" }
        );
    }
    text + &ending(rest, folder)
}

fn no_result(document: &DrawsReport) -> NoResult {
    NoResult::of(&document.failures_decide, &document.no_maximum)
}

/// How far the run has come, in thousandths.
#[derive(Default)]
pub struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Watcher for Bar {
    fn unkept(&mut self, error: &fenton::Error) {
        unkept(error);
    }

    fn update(&mut self, drawing: &Drawing) {
        let bar = self.bar.get_or_insert_with(|| progress::bar(1000, "of the way"));
        bar.set_position((1000.0 * drawing.done) as u64);
        bar.set_message(format!("{} evaluations, {:.0} % accepted", drawing.evaluations, 100.0 * drawing.accepted));
    }
}
