//! `fenton threshold`: minimum effective concentrations, onset and rate of death, each as a distribution.

use super::engines::{EngineArgs, IntegrationArgs};
use super::ensemble::EnsembleArgs;
use super::failure::{Failure, on_write};
use super::long_run::{facts, name_of};
use super::{cells, check, output, progress, terminal};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{StudyObjective, StudyTarget};
use fenton::report;
use fenton::report::document::RunFacts;
use fenton::report::thresholds::{self, Group, Row, Spread, ThresholdReport};
use fenton::summary::thresholds::{Engines, Wanted, ask, document};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
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

/// What is asked of a curve.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Question")]
pub struct AskedArgs {
    /// The smallest effect that counts, as a share of the control
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    effect: f64,
    /// The time of reading [default: the last one of the data]
    #[arg(long, value_name = "T")]
    at: Option<f64>,
    /// The end of the courses in which onset and rate are looked for [default: the last reading]
    #[arg(long, value_name = "T")]
    until: Option<f64>,
    /// The dose at which onset and rate are asked for [default: the highest one tested]
    #[arg(long, value_name = "X")]
    dose: Option<f64>,
    /// The doses looked at [default: those tested; for design ten times as far either way]
    #[arg(long, value_name = "LOW,HIGH")]
    doses: Option<String>,
    /// One condition of the study alone
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// One compound alone
    #[arg(long, value_name = "NAME")]
    compound: Option<String>,
    /// Labile metals in the cell: fe, cu, or names of the model [default: those that the model has]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    of: Vec<String>,
}

impl AskedArgs {
    pub fn wanted(&self) -> Result<Wanted, Failure> {
        if !(self.effect > 0.0 && self.effect < 1.0) {
            let hint = "it has to be a share between 0 and 1, such as 0.1";
            return Err(Failure::Usage(format!("--effect is {}, {hint}", self.effect)));
        }
        for (name, value) in [("--at", self.at), ("--until", self.until), ("--dose", self.dose)] {
            if let Some(value) = value
                && !(value.is_finite() && value > 0.0)
            {
                return Err(Failure::Usage(format!("{name} is {value}, it has to be a number above 0")));
            }
        }
        let range = self.doses.as_ref().map(|text| {
            let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
            match numbers.as_deref() {
                Some(&[low, high]) if low > 0.0 && low < high && high.is_finite() => Ok((low, high)),
                _ => Err(Failure::Usage(format!(
                    "--doses is {text}, it has to be two numbers above 0, the lower one first: 0.1,100"
                ))),
            }
        });
        let range = range.transpose()?;
        Ok(Wanted {
            effect: self.effect,
            at: self.at,
            until: self.until,
            dose: self.dose,
            range,
            wider: 1.0,
            condition: self.condition.clone(),
            compound: self.compound.clone(),
            of: self.of.clone(),
        })
    }
}

pub fn run(args: &ThresholdArgs) -> Result<(), Failure> {
    args.engine.check()?;
    args.ensemble.check()?;
    let choice = args.integration.choice()?;
    let wanted = args.asked.wanted()?;
    let mut study = check::open(&args.study)?;
    let folder =
        args.output.clone().unwrap_or_else(|| format!("fenton-{}-thresholds", name_of(&args.study, &study)).into());
    for mended in report::recover(&folder).map_err(on_write(&folder.display().to_string()))? {
        terminal::warn(&mended);
    }
    report::writable(&folder).map_err(Failure::Output)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * 1000;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let drawn = args.ensemble.open(&StudyTarget::new(&objective))?;
    let bar = progress::bar(1000, "of the questions");
    let stop = terminal::interrupted();
    let asked = ask(
        &study,
        Engines { engine: &engine, reference: &reference, choice },
        (&drawn.posterior, &drawn.prior),
        &wanted,
        &mut |done| {
            bar.set_position((1000.0 * done) as u64);
            !stop.load(Ordering::Relaxed)
        },
    );
    bar.finish_and_clear();
    let asked = asked?.ok_or_else(|| Failure::Interrupted("interrupted; nothing was written".into()))?;
    let run = RunFacts {
        seconds: began.elapsed().as_secs_f64(),
        ..facts(&objective, &engine, engine.is_gpu(), args.ensemble.seed, "draws")
    };
    notes.extend(engine.notes());
    let document = document(&study, &asked, (drawn.origin, drawn.converged), run, &notes);
    thresholds::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, &folder))?;
    }
    match drawn.converged {
        true => Ok(()),
        false => Err(Failure::Unconverged(format!(
            "the posterior did not converge; what its draws say is in {}",
            folder.display()
        ))),
    }
}

/// The result for a terminal.
fn told(document: &ThresholdReport, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
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
    let warnings = document.warnings.iter().map(|warning| format!("\n! {}\n  {}\n", warning.title, warning.text));
    text + &warnings.collect::<String>() + &format!("\nreport: {}\n", folder.join("report.html").display())
}

fn line(row: &Row, width: usize) -> String {
    let of = |spread: &Option<Spread>| spread.as_ref().map_or(String::new(), Spread::interval);
    let median = row.posterior.as_ref().map_or(String::new(), |spread| spread.median.text());
    format!(
        "  {:<width$}  {median:>9} {:<6} 95 % {:<20} prior {}\n",
        row.quantity,
        row.unit,
        of(&row.posterior),
        of(&row.prior)
    )
}
