//! `fenton predict`: bands over the data and beyond them.

use super::engines::{EngineArgs, IntegrationArgs};
use super::ensemble::EnsembleArgs;
use super::failure::Failure;
use super::long_run::{Claim, NoResult, ending, facts, name_of, place};
use super::{cells, check, output};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{StudyObjective, StudyTarget};
use fenton::report::document::RunFacts;
use fenton::report::{interval_text, predictions, shown};
use fenton::summary::predict::{Wanted, document};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton predict fac-ht1080                             bands over the data
  fenton predict study.toml --ensemble DIR              from the draws of an earlier 'fenton sample study.toml -o DIR'
  fenton predict study.toml --dose FAC=1,3,10 --until 96
  fenton predict study.toml --dose FAC=5 --dose BSO=100 --condition protected

A condition that was never measured is written into the study file like any other ([conditions.NAME]); it needs no rows in
the data. The output folder holds report.html, predictions.csv, summary.json and the pictures as SVG.")]
pub struct PredictArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The folder for the report [default: fenton-NAME-predictions]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Doses of a compound in the study's unit, each a line; may be given for several compounds
    #[arg(long, value_name = "NAME=X,Y")]
    dose: Vec<String>,
    /// One condition of the study, measured or not [default: all]
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// The end of the courses, in the study's unit of time [default: the last reading]
    #[arg(long, value_name = "T")]
    until: Option<f64>,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ensemble: EnsembleArgs,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

fn doses(text: &str) -> Result<(String, Vec<f64>), Failure> {
    let wrong = || Failure::Usage(format!("--dose {text}: expected a compound and its doses, such as FAC=1,5,10"));
    let (name, values) = text.split_once('=').ok_or_else(wrong)?;
    let value = |v: &str| v.trim().parse::<f64>().ok().filter(|dose| dose.is_finite() && *dose >= 0.0);
    let values: Option<Vec<f64>> = values.split(',').map(value).collect();
    Ok((name.trim().to_string(), values.ok_or_else(wrong)?))
}

pub fn run(args: &PredictArgs) -> Result<(), Failure> {
    args.engine.check()?;
    args.ensemble.check()?;
    let choice = args.integration.choice()?;
    if let Some(until) = args.until.filter(|until| !(until.is_finite() && *until > 0.0)) {
        return Err(Failure::Usage(format!("--until is {until}, it has to be a number above 0")));
    }
    let wanted = Wanted {
        condition: args.condition.clone(),
        doses: args.dose.iter().map(|text| doses(text)).collect::<Result<_, _>>()?,
        until: args.until,
    };
    let mut study = check::open(&args.study)?;
    let claim = Claim {
        report: "predict",
        reads: [Path::new(&args.study)].into_iter().chain(args.ensemble.ensemble.as_deref()).collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-predictions", name_of(&args.study, &study)), &claim)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * 1000;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let mut drawn = args.ensemble.open(&study, &StudyTarget::new(&objective))?;
    notes.extend(objective.simulator.doubts.iter().cloned());
    notes.extend(engine.notes());
    let run = facts(&study, &objective, &engine, engine.is_gpu(), args.ensemble.seed, "draws");
    let ensemble = (drawn.origin.clone(), drawn.converged);
    let mut document = document(&study, &objective, &drawn.posterior, ensemble, &wanted, run, &notes)?;
    // What the survivors say is no result of all draws, and is called so before all else.
    if !document.lost.is_empty() && drawn.no_result.failures.is_none() {
        drawn.no_result.failures = Some(document.warnings.remove(0));
    }
    document.warnings.splice(0..0, drawn.cautions());
    document.run = RunFacts { seconds: began.elapsed().as_secs_f64(), ..document.run };
    predictions::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        let (first, rest) = NoResult::from(&drawn.no_result).told_first(&document.warnings);
        let mut text = format!("{}\n{first}{}; {:.1} s\n", document.title, document.ensemble, document.run.seconds);
        for chart in &document.asked {
            text += &format!("\n{}\n", chart.title);
            for series in &chart.series {
                let Some(end) = series.curve.last() else {
                    text += &format!("  {}\n", series.label);
                    continue;
                };
                let band = end.band.map_or(String::new(), |band| format!("95 % {}", interval_text(band)));
                let (x, unit) = (shown(end.x), &chart.x_unit);
                text += &format!("  {:<28} at {x} {unit}: {} {band}\n", series.label, shown(end.value));
            }
        }
        output::print(&(text + &ending(rest, &folder)))?;
    }
    drawn.check(&folder)
}
