//! `fenton fit`: from a study to a report.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::long_run::{Claim, NoResult, checkpoint, ending, facts, identity, name_of, place, seconds, unkept, written};
use super::{cells, check, output, progress, terminal};
use clap::{Args, ValueEnum};
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{CheckpointSettings, Ended, FitSettings, Method, Progress, Stage, StudyObjective, Update, fit};
use fenton::report::document::{Document, Effect, Quantity, RunFacts};
use fenton::report::{self, interval_text, shown};
use fenton::study::Study;
use fenton::summary::{BETWEEN, NO_MAXIMUM, SEVERAL};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton fit                                     the embedded study fac-ht1080 (synthetic), report in fenton-fac-ht1080/
  fenton fit study.toml --output iron            your own study
  fenton fit study.toml --starts 5000 --seed 7   more starts; the same seed gives the same result
  fenton fit study.toml --max-time 60            the best within a minute; the same command goes on later

The output folder holds report.html (open it in a browser, it needs no network), summary.json, parameters.csv,
optima.csv, starts.csv, predictions.csv, simulations.csv and the pictures as SVG. It appears when it is complete. A fit
that is cut short leaves a checkpoint beside it, and the same command resumes from there. Ctrl-C ends the search, and the
best so far is written.

Ends of starts within 1.92 of the best objective are one optimum if a path between them stays there too. If there are
several optima all are listed with their share of the starts, and what differs between them is not identified.

A study whose data are statements in words (constraints-fac, constraints-copper) is not fitted: its report shows the
priors beside what the statements leave of them.")]
pub struct FitArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml", default_value = "fac-ht1080", hide_default_value = true)]
    study: String,
    /// The folder for the report [default: fenton-NAME, by the study's name or that of its folder]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Points that are scored before the best tenth of them is refined
    #[arg(long, value_name = "N", default_value_t = 1000)]
    starts: usize,
    /// How to search
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Search::Multistart)]
    method: Search,
    /// Seed of the starts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End the search after so many seconds with the best so far
    #[arg(long, value_name = "S")]
    max_time: Option<f64>,
    /// End the search after so many evaluations with the best so far
    #[arg(long, value_name = "N")]
    max_evaluations: Option<u64>,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Search {
    /// Many starts, the best refined together by a bounded trust region
    Multistart,
    /// Particle swarm
    Swarm,
    /// Covariance matrix adaptation with restarts
    Cmaes,
    /// Many starts, the best refined by L-BFGS
    Lbfgs,
}

impl From<Search> for Method {
    fn from(search: Search) -> Self {
        match search {
            Search::Multistart => Method::Multistart,
            Search::Swarm => Method::Swarm,
            Search::Cmaes => Method::Cmaes,
            Search::Lbfgs => Method::Lbfgs,
        }
    }
}

pub fn run(args: &FitArgs) -> Result<(), Failure> {
    args.engine.check()?;
    let choice = args.integration.choice()?;
    if args.starts == 0 {
        return Err(Failure::Usage("--starts has to be at least 1".into()));
    }
    let max_time = args.max_time.map(seconds).transpose()?;
    let mut study = check::open(&args.study)?;
    let claim = Claim { report: "fit", reads: vec![Path::new(&args.study)] };
    let folder = place(&args.output, || format!("fenton-{}", name_of(&args.study, &study)), &claim)?;

    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.starts;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let settings = FitSettings {
        method: args.method.into(),
        starts: args.starts,
        seed: args.seed,
        max_time,
        max_evaluations: args.max_evaluations,
        stop: Some(terminal::interrupted()),
        checkpoint: Some(CheckpointSettings {
            path: checkpoint(&folder),
            interval: Duration::from_secs(10),
            study: identity(&study, &objective, &choice, &engine),
        }),
        ..FitSettings::default()
    };
    let run = facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "search");
    if fenton::summary::in_words(&study) {
        return weigh(args, max_time, &study, &objective, run, &folder, &notes);
    }
    let mut bars = Bars::default();
    let listening = terminal::listen();
    let result = fit(&objective, &settings, &mut bars);
    bars.clear();
    drop(listening);
    // The one file that a search touches is its checkpoint, which is output of ours.
    let result = result.map_err(|error| match error {
        fenton::Error::File { .. } => Failure::Output(error),
        error => error.into(),
    })?;
    let run = RunFacts {
        method: result.method.name().into(),
        seconds: result.wall.as_secs_f64(),
        evaluations: result.evaluations,
        ..run
    };
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    notes.extend(cells::doubt(&study, &reference, choice, &problem.values(&result.point)));
    let document = fenton::summary::document(&study, &objective, &result, run, &notes)?;
    let complete = result.ended == Ended::Complete;
    written(report::write(&document, &folder), settings.checkpoint.as_ref(), complete)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&study, &document, &folder))?;
    }
    match result.ended {
        Ended::Interrupted => Err(Failure::Interrupted(format!(
            "interrupted; the best so far is in {}, and the same command goes on from there",
            folder.display()
        ))),
        _ => no_result(&document).check(&folder),
    }
}

fn no_result(document: &Document) -> NoResult {
    NoResult::of(&document.failures_decide, &document.no_maximum)
}

/// Statements in words are not fitted: the priors are weighed by them, in f64 on the CPU.
fn weigh(
    args: &FitArgs,
    max_time: Option<Duration>,
    study: &Study,
    objective: &StudyObjective,
    run: RunFacts,
    folder: &Path,
    notes: &[String],
) -> Result<(), Failure> {
    let start = Instant::now();
    let reference = objective.simulator.reference;
    let used = objective.simulator.settings(reference, true);
    let run = RunFacts {
        method: "priors weighted by the statements".into(),
        integrator: used.method.name().into(),
        rtol: used.rtol,
        atol: used.atol.iter().copied().fold(f64::INFINITY, f64::min),
        engine: format!("{} ({})", reference.name(), reference.detail()),
        adapter: String::new(),
        precision: "f64".into(),
        ..run
    };
    let stop = || terminal::is_interrupted() || max_time.is_some_and(|limit| start.elapsed() >= limit);
    let listening = terminal::listen();
    let mut document = fenton::summary::statements(study, objective, run, notes, &stop)?;
    drop(listening);
    document.run.seconds = start.elapsed().as_secs_f64();
    report::write(&document, folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told_of_statements(&document, folder))?;
    }
    match terminal::is_interrupted() {
        true => Err(Failure::Interrupted(format!("interrupted; what was weighed so far is in {}", folder.display()))),
        false => Ok(()),
    }
}

/// Lines of effective concentrations on a terminal; a plate with many conditions has a table in the report.
const MOST_EFFECTS: usize = 16;

/// The result for a terminal.
fn told(study: &Study, document: &Document, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let (first, rest) = no_result(document).told_first(&document.warnings);
    text += &first;
    let starts = &document.starts;
    text += &format!(
        "\nobjective {:.4}; {} starts scored, {} refined, {} reached the best value; {:.1} s on {}\n\n",
        document.fit.objective.unwrap_or(f64::NAN),
        starts.scored,
        starts.refined,
        starts.reached_best,
        document.run.seconds,
        document.run.engine
    );
    text += report::optima::lines(&document.optima).trim_start_matches('\n');
    let width = widest(document);
    let scope = &document.fit.scope;
    for p in document.parameters.iter().filter(|p| p.verdict == BETWEEN) {
        text += &format!("  {:<width$}  {:>9} {:<12} {}\n", p.name, shown(p.value), "", p.meaning);
    }
    for p in document.parameters.iter().filter(|p| p.estimated) {
        let interval = match (p.interval, p.prior_interval) {
            _ if p.verdict == SEVERAL => p.known.clone(),
            _ if !p.known.is_empty() => format!("{}, {scope}", p.known),
            (Some(interval), _) => {
                let from =
                    if p.interval_from == "profile" { String::new() } else { format!(" (by {})", p.interval_from) };
                format!("95 % interval {}{from}, {scope}", interval_text(interval))
            }
            (None, _) if p.at_bound.is_some() => "at a bound, not identified".into(),
            (None, Some(prior)) if p.verdict == "known from the prior" => {
                format!("{}, 95 % of it {}", p.verdict, interval_text(prior))
            }
            _ if p.verdict == NO_MAXIMUM => "no best value: the likelihood rises without end as it falls".into(),
            _ if p.verdict == "not judged" => "no interval: the likelihood has no maximum".into(),
            _ => "not identified".into(),
        };
        let value = if p.verdict == SEVERAL { "several".into() } else { shown(p.value) };
        text += &format!("  {:<width$}  {value:>9} {:<12} {interval}\n", p.name, p.unit);
    }
    let half = |measure: &'static str| document.effects.iter().filter(move |effect| effect.measure == measure);
    if !document.effects.is_empty() {
        text.push('\n');
    }
    let count = half("EC50, absolute").count();
    for (absolute, relative) in half("EC50, absolute").zip(half("EC50, relative")).take(MOST_EFFECTS) {
        let (condition, time) = (&absolute.condition, shown(absolute.time));
        let unit = &study.time_unit;
        text += &format!(
            "  {condition}, {time} {unit}: EC50 absolute {}; relative {}\n",
            size(absolute, scope),
            size(relative, scope)
        );
    }
    if count > MOST_EFFECTS {
        text += &format!("  … and {} more in the report\n", count - MOST_EFFECTS);
    }
    text + &ending(rest, folder)
}

/// An effective concentration with its interval, or why there is none.
fn size(effect: &Effect, scope: &str) -> String {
    match &effect.value {
        Quantity::Value { value, interval } => {
            let interval =
                interval.map_or(String::new(), |i| format!(" ({} by standard errors; {scope})", interval_text(i)));
            format!("{} {}{interval}", shown(*value), effect.unit)
        }
        Quantity::Above { limit } => format!("> {} {}", shown(*limit), effect.unit),
        Quantity::Below { limit } => format!("< {} {}", shown(*limit), effect.unit),
        Quantity::Several { .. } | Quantity::Undefined => effect.note.clone(),
    }
}

/// Prior beside result, for a terminal.
fn told_of_statements(document: &Document, folder: &Path) -> String {
    let mut text = format!("{}\n\nStatements in words: nothing was fitted.\n", document.title);
    if let Some(found) = &document.statements {
        let share = shown(100.0 * found.agreement);
        text += &format!("{share} % of the prior agrees with what is stated ({} points drawn).\n\n", found.drawn);
    }
    let width = widest(document);
    text += &format!("  {:width$}  {:<20} {:<20}\n", "", "95 % of the prior", "with the statement");
    for p in document.parameters.iter().filter(|p| p.estimated) {
        let [prior, result] = [p.prior_interval, p.result_interval].map(|i| i.map_or("-".into(), interval_text));
        text += &format!("  {:<width$}  {prior:<20} {result:<20} {:<13} {}\n", p.name, p.unit, p.verdict);
    }
    text + &ending(&document.warnings, folder)
}

fn widest(document: &Document) -> usize {
    document.parameters.iter().filter(|p| p.estimated).map(|p| p.name.chars().count()).max().unwrap_or(0)
}

/// One bar for each stage.
#[derive(Default)]
pub struct Bars {
    bar: Option<(Stage, ProgressBar)>,
}

impl Bars {
    pub fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bars {
    fn unkept(&mut self, error: &fenton::Error) {
        unkept(error);
    }

    fn update(&mut self, update: &Update) {
        if self.bar.as_ref().is_none_or(|(stage, _)| *stage != update.stage) {
            self.clear();
            let what = match update.stage {
                Stage::Scoring => "starts scored",
                Stage::Searching => "refined",
                Stage::Spreading => "differences between experiments",
                Stage::Polishing => "polished",
                Stage::Optima => "ends compared",
                Stage::Intervals => "ends of intervals found",
                Stage::Profiles => "sides of profiles followed",
            };
            self.bar = Some((update.stage, progress::bar(update.total.unwrap_or(0) as u64, what)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_length(update.total.unwrap_or(update.done) as u64);
            bar.set_position(update.done as u64);
            if update.best.is_finite() {
                bar.set_message(format!("best {:.3}", update.best));
            }
        }
    }
}
