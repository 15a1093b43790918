//! What is asked of draws of a posterior, and the asking: shared by the commands whose answers are thresholds.

use super::engines::EngineArgs;
use super::ensemble::{Drawn, EnsembleArgs};
use super::failure::Failure;
use super::long_run::facts;
use super::{cells, progress, terminal};
use clap::Args;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Ensemble, StudyObjective, StudyTarget};
use fenton::report::document::{RunFacts, Severity, Warning};
use fenton::study::Study;
use fenton::summary::thresholds::{Asked, Engines, Wanted, ask};
use std::sync::atomic::Ordering;

/// Draws look like so many lanes when an engine is chosen.
const LANES: usize = 1000;

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

/// A study with what its draws say.
pub struct Answered {
    /// With as many cells as its population needs.
    pub study: Study,
    pub asked: Asked,
    pub drawn: Drawn,
    /// Without the time that it took.
    pub run: RunFacts,
    pub notes: Vec<String>,
}

/// Draws the posterior of `study`, or reads draws of it, and asks them; the priors too, where `priors` says so.
pub fn answers(
    mut study: Study,
    ensemble: &EnsembleArgs,
    wanted: &Wanted,
    engine: &EngineArgs,
    (reference, choice): (&CpuEngine, Choice),
    priors: bool,
) -> Result<Answered, Failure> {
    let mut notes: Vec<String> = cells::raise(&mut study, reference, choice).into_iter().collect();
    let problem = study.problem();
    let engine = engine.open(&problem.program, problem.layout.runs.len() * problem.cell_count() * LANES)?;
    let objective = StudyObjective::new(&problem, &engine, reference, choice)?;
    let mut drawn = ensemble.open(&study, &StudyTarget::new(&objective))?;
    let bar = progress::bar(1000, "of the questions");
    let stop = terminal::interrupted();
    let engines = Engines { engine: &engine, reference, choice };
    let nobody = Ensemble::default();
    let prior = if priors { &drawn.prior } else { &nobody };
    let listening = terminal::listen();
    let asked = ask(&study, engines, (&drawn.posterior, prior), wanted, &mut |done| {
        bar.set_position((1000.0 * done) as u64);
        !stop.load(Ordering::Relaxed)
    });
    drop(listening);
    bar.finish_and_clear();
    let asked = asked?.ok_or_else(|| Failure::Interrupted("interrupted; nothing was written".into()))?;
    if asked.lost > 0 && drawn.no_result.failures.is_none() {
        let curves = asked.curves.list.len();
        let over = if curves > 1 { format!(", over {curves} curves") } else { String::new() };
        drawn.no_result.failures = Some(Warning {
            severity: Severity::Serious,
            title: "Some draws could not be integrated".into(),
            text: format!(
                "{} of {} draws{over} have no answer to some question: the model could not be integrated at a dose or time that it \
                 takes. What stands below is of the other draws alone, which may differ.",
                asked.lost, asked.of
            ),
        });
    }
    let run = facts(&study, &objective, &engine, engine.is_gpu(), ensemble.seed, "draws");
    notes.extend(engine.notes());
    Ok(Answered { asked, drawn, run, notes, study })
}
