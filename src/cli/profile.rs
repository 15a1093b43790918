//! `fenton profile`: from a study to the profile likelihoods of its parameters.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::fit::Bars;
use super::long_run::{Claim, NoResult, checkpoint, ending, facts, identity, name_of, place, seconds, written};
use super::{cells, check, output, terminal};
use clap::Args;
use fenton::Diagnostic;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{CheckpointSettings, Ended, FitSettings, ProfileSettings, Start, StudyObjective, profile};
use fenton::model::math::closest;
use fenton::report::document::RunFacts;
use fenton::report::profiles::{self, ProfilesReport};
use fenton::report::{optima, shown};
use fenton::study::Prior;
use fenton::study::problem::Problem;
use fenton::summary::SEVERAL;
use fenton::summary::earlier::optimum_in;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton profile fac-ht1080                              all parameters of the embedded synthetic study
  fenton profile study.toml --parameters k_uptake,V_max  these two; all others follow
  fenton profile study.toml --from fenton-study          begin at an earlier fit instead of a new one
  fenton profile study.toml --likelihood                 what the data alone say: without the priors

A profile is the lowest objective for each value of a parameter, all others at their best. The objective is that of
'fenton fit': likelihood and priors, as pyPESTO and Data2Dynamics profile it too, so that intervals are those of the fit.
With --likelihood the priors are left out and the bounds stay (shifts between experiments keep their law, which is part
of the model).

If the fit found several optima, profiles are followed from each: a profile is then the lowest over them, an interval may
be in pieces, and what differs between the optima is not called identifiable.

The output folder holds report.html, summary.json, profiles.csv (every point, with all parameters), parameters.csv,
optima.csv and the pictures as SVG. Work that is cut short by --max-time or Ctrl-C writes the profiles as far as they are, marked as
partial (exit codes 4 and 3), and leaves a checkpoint beside the folder: the same command goes on from there.")]
pub struct ProfileArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The parameters to follow [default: all that are estimated]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    parameters: Vec<String>,
    /// Begin at the result of 'fenton fit' in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "starts")]
    from: Option<PathBuf>,
    /// Profile the likelihood alone, without the priors; the bounds stay
    #[arg(long)]
    likelihood: bool,
    /// The folder for the report [default: fenton-NAME-profiles]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Points that the fit scores before it refines the best tenth of them
    #[arg(long, value_name = "N", default_value_t = 300)]
    starts: usize,
    /// Seed of the starts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds; the same command goes on from there
    #[arg(long, value_name = "S")]
    max_time: Option<f64>,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub fn run(args: &ProfileArgs) -> Result<(), Failure> {
    args.engine.check()?;
    let choice = args.integration.choice()?;
    if args.starts == 0 {
        return Err(Failure::Usage("--starts has to be at least 1".into()));
    }
    let max_time = args.max_time.map(seconds).transpose()?;
    let mut study = check::open(&args.study)?;
    if fenton::summary::in_words(&study) {
        return Err(Diagnostic::new("the data of this study are statements in words, which are not fitted")
            .hint("'fenton fit' weighs the priors by them")
            .into());
    }
    let claim =
        Claim { report: "profile", reads: [Path::new(&args.study)].into_iter().chain(args.from.as_deref()).collect() };
    let folder = place(&args.output, || format!("fenton-{}-profiles", name_of(&args.study, &study)), &claim)?;
    let chosen = chosen(&args.parameters, &study.problem())?;

    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let whole = study.problem();
    let mut problem = whole.clone();
    if args.likelihood {
        problem.parameters.iter_mut().for_each(|parameter| parameter.prior = Prior::Flat);
    }
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.starts;
    let engine = args.engine.open(&problem.program, lanes)?;
    // The earlier fit had the priors, whatever is profiled.
    let begin = |from: &PathBuf| {
        let fitted = StudyObjective::new(&whole, &engine, &reference, choice)?;
        optimum_in(from, &study, &fitted).map(|found| Start {
            point: found.point,
            spreads: found.spreads,
            ends: found.ends.into_iter().map(|(point, _)| point).collect(),
        })
    };
    let start = args.from.as_ref().map(begin).transpose()?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let fit = FitSettings {
        starts: args.starts,
        seed: args.seed,
        max_time,
        stop: Some(terminal::interrupted()),
        checkpoint: Some(CheckpointSettings {
            path: checkpoint(&folder),
            interval: Duration::from_secs(10),
            study: identity(&study, &objective, &choice, &engine),
        }),
        ..FitSettings::default()
    };
    let mut bars = Bars::default();
    let settings = ProfileSettings { fit, parameters: chosen, start };
    let listening = terminal::listen();
    let found = profile(&objective, &settings, &mut bars);
    bars.clear();
    drop(listening);
    // The one file that this work touches is its checkpoint, which is output of ours.
    let found = found.map_err(|error| match error {
        fenton::Error::File { .. } => Failure::Output(error),
        error => error.into(),
    })?;
    let found = found.map_err(|ended| {
        let why = if ended == Ended::Interrupted { "interrupted" } else { "the time is up" };
        Failure::Interrupted(format!("{why} before there was an optimum to begin at; the same command goes on"))
    })?;
    let used = objective.simulator.settings(&reference, true);
    let run = RunFacts {
        method: "profile likelihood".into(),
        integrator: used.method.name().into(),
        rtol: used.rtol,
        atol: used.atol.iter().copied().fold(f64::INFINITY, f64::min),
        seconds: found.wall.as_secs_f64(),
        evaluations: found.evaluations + found.expansions,
        ..facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "search for the optimum")
    };
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    let document = fenton::summary::profiles::document(&study, &objective, &found, args.likelihood, run, &notes)?;
    let complete = found.ended == Ended::Complete;
    written(profiles::write(&document, &folder), settings.fit.checkpoint.as_ref(), complete)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, &folder))?;
    }
    let place = folder.display();
    match found.ended {
        Ended::Complete => no_result(&document).check(&folder),
        Ended::Interrupted => Err(Failure::Interrupted(format!(
            "interrupted; the profiles so far are in {place}, and the same command goes on from there"
        ))),
        Ended::Time | Ended::Evaluations => Err(Failure::Unconverged(format!(
            "the time was up before the profiles were whole; what there is, is in {place}, and the same command goes on"
        ))),
    }
}

fn no_result(document: &ProfilesReport) -> NoResult {
    NoResult::of(&document.failures_decide, &document.no_maximum)
}

/// The dimensions that are named, or all.
fn chosen(names: &[String], problem: &Problem) -> Result<Vec<usize>, Failure> {
    let known = || problem.parameters.iter().map(|p| p.name.as_str());
    if names.is_empty() {
        return Ok((0..problem.parameters.len()).collect());
    }
    let mut chosen = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        match known().position(|known| known == name) {
            Some(at) if chosen.contains(&at) => wrong
                .push(Diagnostic::new(format!("--parameters names '{name}' twice")).hint("name each parameter once")),
            Some(at) => chosen.push(at),
            None => {
                let unknown = Diagnostic::new(format!("--parameters: the study estimates no '{name}'"));
                wrong.push(match closest(name, known()) {
                    Some(near) => unknown.hint(format!("did you mean '{near}'?")),
                    None => unknown.hint(format!("it estimates {}", known().collect::<Vec<_>>().join(", "))),
                });
            }
        }
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(fenton::Error::Input(wrong).into()) }
}

/// The result for a terminal.
fn told(document: &ProfilesReport, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let facts = &document.facts;
    let (first, rest) = no_result(document).told_first(&document.warnings);
    text += &first;
    text += &format!(
        "\nprofiles of the {}; objective {:.4} at the optimum; {} points, {} lanes in {:.1} s ({:.0} lanes/s) on {}\n\n",
        document.of,
        document.objective,
        facts.points,
        facts.lanes,
        facts.seconds,
        facts.lanes_per_second,
        document.run.engine
    );
    text += optima::lines(&document.optima).trim_start_matches('\n');
    let width = |of: fn(&profiles::Profiled) -> &str| {
        document.parameters.iter().map(|p| of(p).chars().count()).max().unwrap_or(0)
    };
    let [name, unit, known, label] = [width(|p| &p.name), width(|p| &p.unit), width(|p| &p.known), width(|p| &p.label)];
    for p in &document.parameters {
        let error =
            p.standard_error.map_or(format!("s.e. - ({})", p.no_wald), |error| format!("s.e. {}", shown(error)));
        let learned = p.shrinkage.map_or(String::new(), |s| format!("; {:.0} % learned", 100.0 * s));
        text += &format!(
            "  {:<name$}  {:>9} {:<unit$}  {:<known$}  {:<label$}  {error}{learned}\n",
            p.name,
            if p.label == SEVERAL { "several".into() } else { shown(p.value) },
            p.unit,
            p.known,
            p.label
        );
    }
    text += &format!(
        "\n  95 % intervals, {}, under this model and this noise; s.e. on the scale of estimation\n",
        document.scope
    );
    for tie in &document.ties {
        text += &format!("  {tie}\n");
    }
    text + &ending(rest, folder)
}
