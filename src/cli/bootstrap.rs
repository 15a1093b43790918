//! `fenton bootstrap`: a fit refitted to replicates of its data.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::long_run::{Claim, NoResult, checkpoint, ending, facts, identity, name_of, place, seconds, unkept, written};
use super::{cells, check, output, progress, terminal};
use clap::{Args, ValueEnum};
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{
    BootstrapSettings, CheckpointSettings, Ended, FitSettings, Kind, Optimum, Refitting, StudyObjective, bootstrap, fit,
};
use fenton::report::bootstrap::{self as page, BootstrapReport};
use fenton::report::document::RunFacts;
use fenton::report::{interval_text, shown};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton bootstrap fac-ht1080                       readings drawn from the fitted model, 1000 times
  fenton bootstrap study.toml --kind cases          experiments, or else replicate wells, drawn with replacement
  fenton bootstrap study.toml --from fenton-study   begin at the optimum of an earlier 'fenton fit'
  fenton bootstrap study.toml --max-time 600        ten minutes; the same command goes on from there

The study is fitted first, as 'fenton fit' does with the same --starts and --seed. Each replicate is then refitted from
the optimum, and a share of them (--modes) from other good ends of the fit too; all of them together make up the
batches.

parametric draws every reading from the fitted model and its noise. Censored readings are drawn and censored again,
wells keep their correlation, counts are drawn as counts. cases draws units of the data: whole experiments where the
data name several, else the wells (or readings) of each condition, dose and time. Draws are weighted so that the variance
is right for few units too. Rows of one joint observation stay as they are.

Priors stay in every replicate, and their centres are not drawn anew: where a prior holds a parameter, its interval is
that of a penalised estimate and no confidence interval. Standard deviations between experiments stay as fitted.

The output folder holds report.html, summary.json, parameters.csv, pictures as SVG, and the replicates as draws-1.csv in
the format of CmdStan, as 'fenton sample' writes draws. A run that is stopped leaves a checkpoint beside the folder.")]
pub struct BootstrapArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The folder for the report [default: fenton-NAME-bootstrap]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What is drawn
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Drawn::Parametric)]
    kind: Drawn,
    /// Replicates of the data
    #[arg(long, value_name = "N", default_value_t = 1000)]
    repeats: usize,
    /// The share of replicates that are searched from other good ends of the fit too
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    modes: f64,
    /// With experiments as cases, draw wells within them too: wider than it should be by the scatter of wells
    #[arg(long)]
    nested: bool,
    /// Begin at the optimum in the folder of an earlier 'fenton fit' of this study
    #[arg(long, value_name = "DIR", conflicts_with = "starts")]
    from: Option<PathBuf>,
    /// Points of the fit that are scored before the best tenth of them is refined
    #[arg(long, value_name = "N", default_value_t = 1000)]
    starts: usize,
    /// The same seed gives the same fit and the same replicates
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds; the same command goes on from there
    #[arg(long, value_name = "S")]
    max_time: Option<f64>,
    /// Write the replicates as draws.parquet too, one table
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
enum Drawn {
    /// Readings from the fitted model and its noise
    Parametric,
    /// Experiments, or wells, from the data
    Cases,
}

impl From<Drawn> for Kind {
    fn from(drawn: Drawn) -> Self {
        match drawn {
            Drawn::Parametric => Kind::Parametric,
            Drawn::Cases => Kind::Cases,
        }
    }
}

pub fn run(args: &BootstrapArgs) -> Result<(), Failure> {
    let began = Instant::now();
    args.engine.check()?;
    let choice = args.integration.choice()?;
    if args.starts == 0 {
        return Err(Failure::Usage("--starts has to be at least 1".into()));
    }
    if !(0.0..=1.0).contains(&args.modes) {
        return Err(Failure::Usage(format!("--modes is {}, it has to be a share from 0 to 1", args.modes)));
    }
    let max_time = args.max_time.map(seconds).transpose()?;
    let mut study = check::open(&args.study)?;
    if fenton::summary::in_words(&study) {
        let why =
            "the data are statements in words, which are not fitted; 'fenton sample' draws what they leave possible";
        return Err(Failure::Usage(why.into()));
    }
    let claim = Claim {
        report: "bootstrap",
        reads: [Path::new(&args.study)].into_iter().chain(args.from.as_deref()).collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-bootstrap", name_of(&args.study, &study)), &claim)?;

    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.repeats;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let kept =
        |path: PathBuf, study: String| Some(CheckpointSettings { path, interval: Duration::from_secs(10), study });
    let made_of = identity(&study, &objective, &choice, &engine);
    let whence = match &args.from {
        Some(folder) => format!("{made_of}, from {}", folder.display()),
        None => format!("{made_of}, {} starts", args.starts),
    };
    let settings = BootstrapSettings {
        kind: args.kind.into(),
        replicates: args.repeats,
        modes: args.modes,
        nested: args.nested,
        seed: args.seed,
        max_time,
        stop: Some(terminal::interrupted()),
        checkpoint: kept(checkpoint(&folder), whence),
    };
    let find = || -> fenton::Result<Result<Optimum, Ended>> {
        if let Some(folder) = &args.from {
            return fenton::summary::earlier::optimum_in(folder, &study, &objective).map(Ok);
        }
        let settings = FitSettings {
            starts: args.starts,
            seed: args.seed,
            max_time,
            stop: Some(terminal::interrupted()),
            checkpoint: kept(checkpoint(&folder), made_of.clone()).map(|kept| kept.of_fit()),
            ..FitSettings::default()
        };
        let mut bars = super::fit::Bars::default();
        let found = fit(&objective, &settings, &mut bars);
        bars.clear();
        let found = found?;
        Ok(if found.ended == Ended::Complete { Ok(Optimum::of(&found)) } else { Err(found.ended) })
    };
    let mut bar = Bar::default();
    let listening = terminal::listen();
    let found = bootstrap(&study, &objective, find, &settings, &mut bar);
    bar.clear();
    drop(listening);
    // Of files only the checkpoints are written meanwhile; the summary of --from is read.
    let found = found.map_err(|error| match error {
        fenton::Error::File { path, source } if args.from.as_ref().is_none_or(|from| !path.starts_with(from)) => {
            Failure::Output(fenton::Error::File { path, source })
        }
        error => error.into(),
    })?;
    let found = found.map_err(|ended| {
        let why = if ended == Ended::Time { "the time is up" } else { "interrupted" };
        Failure::Interrupted(format!("{why}; the same command goes on from the checkpoint beside {}", folder.display()))
    })?;
    let run = RunFacts {
        method: format!("{} bootstrap", found.kind.name()),
        seconds: began.elapsed().as_secs_f64().max(found.wall.as_secs_f64()),
        evaluations: found.evaluations,
        ..facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "search")
    };
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    let edge = fenton::inference::of_optimum(&objective, &found.optimum.point)?;
    let mut document = fenton::summary::bootstrap::document(&study, &objective, &found, edge, run, &notes);
    document.parquet = args.parquet;
    written(page::write(&document, &folder), settings.checkpoint.as_ref(), true)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, &folder))?;
    }
    no_result(&document).check(&folder)
}

/// The result for a terminal.
fn told(document: &BootstrapReport, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let (first, rest) = no_result(document).told_first(&document.warnings);
    text += &first;
    let facts = &document.facts;
    text += &format!(
        "\n{} bootstrap, {} of {} replicates refitted, {} at a bound; {:.1} s on {}\n\n",
        facts.kind, facts.refitted, facts.replicates, facts.at_bounds, document.run.seconds, document.run.engine
    );
    let width = document.parameters.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for row in &document.parameters {
        let interval = row.interval.map_or("-".into(), |i| interval_text(i.ends));
        let likelihood = row.likelihood_interval.map_or("-".into(), interval_text);
        let bias = row.bias.map_or("-".into(), |(bias, _)| format!("{bias:+.2} sd"));
        text += &format!(
            "  {:<width$}  {:>9} {:<13} 95 % {interval:<18} {:<10} by the likelihood {likelihood:<18} bias {bias}\n",
            row.name,
            shown(row.estimate),
            row.unit,
            row.basis,
        );
    }
    text + &ending(rest, folder)
}

fn no_result(document: &BootstrapReport) -> NoResult {
    NoResult::of(&document.failures_decide, &document.no_maximum)
}

#[derive(Default)]
struct Bar {
    bar: Option<(bool, ProgressBar)>,
}

impl Bar {
    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Refitting for Bar {
    fn unkept(&mut self, error: &fenton::Error) {
        unkept(error);
    }

    fn update(&mut self, done: usize, of: usize, exact: bool) {
        if self.bar.as_ref().is_none_or(|(last, _)| *last != exact) {
            self.clear();
            let what = if exact { "refits polished" } else { "refits" };
            self.bar = Some((exact, progress::bar(of as u64, what)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(done as u64);
        }
    }
}
