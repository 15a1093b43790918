//! `fenton design`: which next experiment would narrow a quantity most.

use super::engines::{EngineArgs, IntegrationArgs};
use super::ensemble::{Drawn, EnsembleArgs};
use super::failure::{Failure, on_write};
use super::long_run::{facts, name_of};
use super::threshold::AskedArgs;
use super::{cells, check, output, progress, terminal};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Ensemble, StudyObjective, StudyTarget};
use fenton::report::document::{RunFacts, Severity, Warning};
use fenton::report::{self, designs, shown};
use fenton::study::Study;
use fenton::summary::design::{Known, paired, single};
use fenton::summary::thresholds::{Asked, Engines, Wanted, ask};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton design study.toml --for benchmark-dose      which dose, time, assay and condition would narrow the threshold
  fenton design study.toml --for lag --wells 6       for the onset of death, with six wells a reading
  fenton design constraints-fac --against constraints-copper
                                                     the paired experiment that would tell which threshold is lower

Each draw of the posterior in turn is taken as the truth; readings are made from it with the noise of the study, and the
other draws, weighed by them, have to say what the quantity is. How far off they are is averaged. Quantities are those of 'fenton threshold':
benchmark-dose, ec50-absolute, ec50-relative, saddle-node, lag, time-to-effect, no-return, rate, hazard, ...")]
pub struct DesignArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// What is to be narrowed
    #[arg(long = "for", value_name = "QUANTITY", default_value = "benchmark-dose")]
    quantity: String,
    /// Another study: which of the two has the lower value is what is to be known
    #[arg(long, value_name = "OTHER.toml")]
    against: Option<String>,
    /// Wells of each reading
    #[arg(long, value_name = "N", default_value_t = 3)]
    wells: usize,
    /// The folder for the report [default: fenton-NAME-design]
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

/// Beyond the doses tested by this factor either way: what is not known often lies there.
const WIDER: f64 = 10.0;

/// One study, asked.
struct Side {
    study: Study,
    asked: Asked,
    drawn: Drawn,
    run: RunFacts,
}

pub fn run(args: &DesignArgs) -> Result<(), Failure> {
    args.engine.check()?;
    args.ensemble.check()?;
    let wanted = Wanted { wider: WIDER, ..args.asked.wanted()? };
    let choice = args.integration.choice()?;
    if args.wells == 0 {
        return Err(Failure::Usage("--wells has to be at least 1".into()));
    }
    let studies = std::iter::once(&args.study).chain(&args.against).map(|name| check::open(name));
    let studies = studies.collect::<Result<Vec<Study>, _>>()?;
    let folder =
        args.output.clone().unwrap_or_else(|| format!("fenton-{}-design", name_of(&args.study, &studies[0])).into());
    for mended in report::recover(&folder).map_err(on_write(&folder.display().to_string()))? {
        terminal::warn(&mended);
    }
    report::writable(&folder).map_err(Failure::Output)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let engines = Engines { engine: &reference, reference: &reference, choice };
    let mut sides = Vec::new();
    for (at, study) in studies.into_iter().enumerate() {
        let mut ensemble = args.ensemble.clone();
        ensemble.seed += at as u64;
        ensemble.ensemble = ensemble.ensemble.filter(|_| at == 0);
        sides.push(ask_one(args, study, &ensemble, &wanted, &reference, choice)?);
    }
    let known = |side: &'_ Side| -> Result<(), Failure> {
        (!side.asked.curves.list.is_empty()).then_some(()).ok_or(Failure::Usage("the study has no curve".into()))
    };
    sides.iter().try_for_each(known)?;
    let of = |side: usize| Known {
        study: &sides[side].study,
        asked: &sides[side].asked,
        ensemble: &sides[side].drawn.posterior,
    };
    let mut document = match sides.len() {
        1 => single(of(0), engines, &args.quantity, args.wells, args.ensemble.seed)?,
        _ => paired([of(0), of(1)], engines, &args.quantity, args.wells, args.ensemble.seed)?,
    };
    let converged = sides.iter().all(|side| side.drawn.converged);
    if !converged {
        document.warnings.push(Warning {
            severity: Severity::Serious,
            title: "The posterior did not converge".into(),
            text: "Take nothing below as final; draw more first.".into(),
        });
    }
    document.ensemble = sides.iter().map(|side| side.drawn.origin.as_str()).collect::<Vec<_>>().join("; ");
    document.run = RunFacts { seconds: began.elapsed().as_secs_f64(), ..sides.swap_remove(0).run };
    designs::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        let mut text = format!(
            "{}\n\n{}: {}. Today {}.\n\n",
            document.title, document.quantity, document.definition, document.today
        );
        for e in document.experiments.iter().take(10) {
            let (left, time) = (100.0 * (1.0 - e.left), shown(e.time));
            let condition = if e.condition.is_empty() { String::new() } else { format!("{}, ", e.condition) };
            text +=
                &format!("  {left:>5.1} % narrower: {condition}{}, {} at {time} {}\n", e.doses, e.assay, e.time_unit);
        }
        text += &format!("\n{}\n", document.best);
        let warnings = document.warnings.iter().map(|warning| format!("\n! {}\n  {}\n", warning.title, warning.text));
        text += &warnings.collect::<String>();
        output::print(&(text + &format!("\nreport: {}\n", folder.join("report.html").display())))?;
    }
    match converged {
        true => Ok(()),
        false => Err(Failure::Unconverged(format!(
            "the posterior did not converge; the designs are in {}",
            folder.display()
        ))),
    }
}

/// Asks the draws; the priors have no say here.
fn ask_one(
    args: &DesignArgs,
    mut study: Study,
    ensemble: &EnsembleArgs,
    wanted: &Wanted,
    reference: &CpuEngine,
    choice: Choice,
) -> Result<Side, Failure> {
    cells::raise(&mut study, reference, choice);
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * 1000;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, reference, choice)?;
    let drawn = ensemble.open(&StudyTarget::new(&objective))?;
    let bar = progress::bar(1000, "of the questions");
    let stop = terminal::interrupted();
    let engines = Engines { engine: &engine, reference, choice };
    let none = Ensemble::default();
    let asked = ask(&study, engines, (&drawn.posterior, &none), wanted, &mut |done| {
        bar.set_position((1000.0 * done) as u64);
        !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let asked = asked?.ok_or_else(|| Failure::Interrupted("interrupted; nothing was written".into()))?;
    let run = facts(&objective, &engine, engine.is_gpu(), ensemble.seed, "draws");
    Ok(Side { asked, drawn, run, study })
}
