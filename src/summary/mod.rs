//! From a fit to a report: curves with bands, effective concentrations, residuals, verdicts and words. All of it is
//! computed by the reference engine in f64.

mod charts;
mod curves;
mod effects;
mod tables;
mod words;

use crate::Result;
use crate::inference::{FitResult, StudyObjective};
use crate::report::Document;
use crate::report::document::{Effect, Quantity, RunFacts};
use crate::study::Study;
use curves::Model;

/// Starts whose objective is within this of the best count as having reached it.
const REACHED: f64 = 0.1;

/// The document for a fit of `study`; `objective` is the one that was fitted, `run` says how, and `notes` are what the
/// engine has to tell.
///
/// # Errors
/// Those of the engine.
pub fn document(
    study: &Study,
    objective: &StudyObjective,
    fit: &FitResult,
    run: RunFacts,
    notes: &[String],
) -> Result<Document> {
    let model = Model::new(objective, fit)?;
    let (mut dose_charts, traces) = charts::over_dose(study, &model)?;
    // Statements in words carry a bound: an effective concentration read from such a curve would come from the priors.
    let effects = if tables::in_words(study) { Vec::new() } else { effects::effects(study, &traces) };
    for trace in &traces {
        let own = |e: &&Effect| e.measure == "EC50, absolute" && e.condition == trace.label && e.time == trace.time;
        if let Some(Quantity::Value { value, .. }) = effects.iter().find(own).map(|effect| &effect.value) {
            dose_charts[trace.chart].series[trace.series].mark = Some(*value);
        }
    }
    let time_charts = charts::over_time(study, &model)?;
    let predictions = tables::predictions(study, &model)?;
    let parameters = tables::parameters(study, objective.problem(), fit);
    let facts = tables::fit_facts(objective, fit)?;
    let failures = objective.simulator.failures(&model.values)?;
    let starts = tables::starts(study, objective.problem(), fit, &failures);
    Ok(Document {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        warnings: words::warnings(study, fit, &starts, &predictions, &effects, notes),
        headlines: words::headlines(&effects, fit, study, objective.problem().intervals_only()),
        methods: words::methods(study, objective.problem(), fit, &facts, &run),
        references: if study.source.is_empty() { Vec::new() } else { vec![study.source.clone()] },
        dose_responses: dose_charts,
        time_courses: time_charts,
        effects,
        parameters,
        predictions,
        starts,
        fit: facts,
        run,
        time_unit: study.time_unit.clone(),
    })
}
