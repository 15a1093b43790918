//! `fenton threshold`: minimum effective concentrations, onset and rate of death, each as a distribution.

use super::engines::{EngineArgs, IntegrationArgs};
use super::ensemble::EnsembleArgs;
use super::failure::Failure;
use super::long_run::{Claim, NoResult, ending, name_of, place};
use super::questions::{Answered, AskedArgs, answers};
use super::{check, output};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::report::document::RunFacts;
use fenton::report::thresholds::{self, End, Group, Row, Spread, ThresholdReport};
use fenton::summary::thresholds::document;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton threshold fac-ht1080                        draws the posterior first, then asks it
  fenton threshold study.toml --ensemble DIR         asks the draws of an earlier 'fenton sample study.toml -o DIR'
  fenton threshold study.toml --effect 0.2 --at 24   the dose with 20 % effect after 24 h
  fenton threshold study.toml --doses 0.01,100       also beyond the doses tested: the model's opinion

The minimum effective concentration is the benchmark dose: the lowest dose with the stated effect over the control, at a
stated time, in the study's assay. The report holds it beside EC10, EC50 and EC90, the dose at which a bistable model
loses its healthy rest, labile metal at the threshold, three definitions of onset and three of rate; each with 95 % of the
posterior beside 95 % of the priors alone. What lies outside of the doses tested is never given as a number.

The output folder holds report.html, thresholds.csv, summary.json and the picture as SVG.")]
pub struct ThresholdArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// The folder for the report [default: fenton-NAME-thresholds]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asked: AskedArgs,
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

pub fn run(args: &ThresholdArgs) -> Result<(), Failure> {
    args.engine.check()?;
    args.ensemble.check()?;
    let choice = args.integration.choice()?;
    let wanted = args.asked.wanted()?;
    let study = check::open(&args.study)?;
    let claim = Claim {
        report: "threshold",
        reads: [Path::new(&args.study)].into_iter().chain(args.ensemble.ensemble.as_deref()).collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-thresholds", name_of(&args.study, &study)), &claim)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let answered = answers(study, &args.ensemble, &wanted, &args.engine, (&reference, choice), true)?;
    let Answered { study, asked, drawn, run, notes } = answered;
    let run = RunFacts { seconds: began.elapsed().as_secs_f64(), ..run };
    let mut document = document(&study, &asked, (drawn.origin.clone(), drawn.converged), run, &notes);
    document.warnings.splice(0..0, drawn.cautions());
    thresholds::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, (&drawn.no_result).into(), &folder))?;
    }
    drawn.check(&folder)
}

/// The result for a terminal.
fn told(document: &ThresholdReport, no_result: NoResult, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let (first, rest) = no_result.told_first(&document.warnings);
    text += &first;
    text += &format!("{}; {:.1} s on {}\n", document.ensemble, document.run.seconds, document.run.engine);
    let rows = || document.cases.iter().flat_map(|case| &case.rows);
    let width = rows().map(|row| row.quantity.chars().count()).max().unwrap_or(0);
    for case in &document.cases {
        text += &format!("\n{}, {}\n", case.label, case.reading);
        for row in case.rows.iter().filter(|row| row.posterior.is_some()) {
            text += &line(row, width);
        }
        let timely = |row: &&Row| matches!(row.group, Group::Onset | Group::Rate);
        for row in case.rows.iter().filter(|row| row.posterior.is_none() && !timely(row)) {
            text += &format!("  {:<width$}  {}\n", row.quantity, row.note);
        }
        let silent = case.rows.iter().filter(timely).find(|row| row.posterior.is_none());
        text += &silent.map_or(String::new(), |row| format!("  {:<width$}  {}\n", "Onset and rates", row.note));
    }
    text + &ending(rest, folder)
}

fn line(row: &Row, width: usize) -> String {
    let of = |spread: &Option<Spread>| spread.as_ref().map_or(String::new(), Spread::interval);
    let median = row.posterior.as_ref().map_or(String::new(), |spread| spread.median.text());
    let no_number = row.posterior.as_ref().is_some_and(|spread| matches!(spread.median, End::Never | End::Absent));
    let unit = if no_number { "" } else { &row.unit };
    format!(
        "  {:<width$}  {median:>9} {unit:<6} 95 % {:<20} prior {}\n",
        row.quantity,
        of(&row.posterior),
        of(&row.prior)
    )
}
