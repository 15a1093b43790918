//! From a fit to a report: curves with bands, effective concentrations, residuals, verdicts and words. All of it is
//! computed by the reference engine in f64.

pub mod bootstrap;
mod charts;
pub mod compare;
mod curves;
mod density;
pub mod design;
pub mod draws;
pub mod earlier;
mod edges;
mod effects;
mod endless;
mod gains;
mod lack;
pub mod models;
mod modes;
pub mod no_result;
mod optima;
pub mod plates;
pub mod predict;
pub mod profiles;
pub mod sensitivity;
mod statements;
pub mod synergy;
mod tables;
pub mod thresholds;
mod words;

use crate::Result;
use crate::inference::{FitResult, StudyObjective};
use crate::model::Diagram;
use crate::report::Document;
use crate::report::document::{Effect, FitFacts, Quantity, RunFacts, Starts, Statements};
use crate::study::Study;
use crate::study::evidence::Evidence;
use curves::Model;
use statements::Weighted;
pub use tables::{BETWEEN, NO_MAXIMUM, SEVERAL};

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
    let mut model = Model::new(objective, fit)?;
    let no_maximum = endless::at(objective.problem(), &fit.point);
    let no_result = edges::of_estimate(&fit.edges) || !no_maximum.is_empty();
    if no_result {
        model.forget_draws();
    }
    let mut hidden = Vec::new();
    let (mut dose_charts, traces) = charts::over_dose(study, &model, &mut hidden)?;
    // Without a maximum there are no optima either.
    let found = fit.optima.as_ref().filter(|_| no_maximum.is_empty());
    let mut effects = optima::compared(study, objective, found, effects::effects(study, &traces))?;
    if no_result {
        effects.iter_mut().for_each(|effect| effect.note_if_value("no interval: the first warning says why"));
    }
    for trace in &traces {
        let own = |e: &&Effect| e.measure == "EC50, absolute" && e.condition == trace.label && e.time == trace.time;
        if let Some(Quantity::Value { value, .. }) = effects.iter().find(own).map(|effect| &effect.value) {
            dose_charts[trace.chart].series[trace.series].mark = Some(*value);
        }
    }
    let time_charts = charts::over_time(study, &model, &mut hidden)?;
    let predictions = tables::predictions(study, &model)?;
    let parameters = tables::parameters(study, objective.problem(), fit);
    let facts = tables::fit_facts(study, objective, fit)?;
    let failures = objective.simulator.failures(&model.values)?;
    let starts = tables::starts(study, objective.problem(), fit, &failures);
    Ok(Document {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        failures_decide: edges::edges(&fit.names, &fit.edges),
        no_maximum,
        optima: optima::optima(objective.problem(), found),
        warnings: words::warnings(study, objective.problem(), fit, &starts, &predictions, &effects, &hidden, notes),
        headlines: match no_result {
            true => Vec::new(),
            false => words::headlines(&effects, fit, study, objective.problem(), &facts.scope),
        },
        methods: words::methods(study, objective.problem(), fit, &facts, &run),
        references: references(study),
        dose_responses: dose_charts,
        time_courses: time_charts,
        effects,
        parameters,
        predictions,
        starts,
        fit: facts,
        statements: None,
        run,
        time_unit: study.time_unit.clone(),
        diagram: Diagram::of(&study.network).ok(),
        evidence: Evidence::of(&study.model)?,
    })
}

/// The document for a study of statements in words ([`in_words`]): the priors beside what the statements leave of them.
/// Nothing is fitted, and no effective concentration is read from a curve that would come from the priors. When `stop`
/// says so, the points of the priors weighed by then are the result.
///
/// # Errors
/// [`crate::Error::Run`] if hardly any point of the priors agrees with the statements; those of the engine.
pub fn statements(
    study: &Study,
    objective: &StudyObjective,
    run: RunFacts,
    notes: &[String],
    stop: &dyn Fn() -> bool,
) -> Result<Document> {
    let problem = objective.problem();
    let weighted = Weighted::draw(objective, run.seed, stop)?;
    let model = Model::of_statements(objective, &weighted);
    let found = Statements {
        count: problem.observation_count() as usize,
        drawn: weighted.drawn(),
        effective: weighted.effective,
        agreement: weighted.agreement,
    };
    let parameters = tables::bounded(study, problem, &weighted);
    let mut hidden = Vec::new();
    Ok(Document {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        warnings: words::cautions(study, &parameters, notes),
        headlines: words::agreement(&found, &parameters),
        methods: words::methods_of_statements(study, problem, &found, &run),
        references: references(study),
        dose_responses: charts::over_dose(study, &model, &mut hidden)?.0,
        time_courses: charts::over_time(study, &model, &mut hidden)?,
        predictions: tables::predictions(study, &model)?,
        parameters,
        fit: FitFacts { observations: found.count, no_criteria: words::NO_FIT.into(), ..FitFacts::default() },
        starts: Starts::default(),
        statements: Some(found),
        run,
        time_unit: study.time_unit.clone(),
        diagram: Diagram::of(&study.network).ok(),
        evidence: Evidence::of(&study.model)?,
        ..Document::default()
    })
}

/// Whether all the data are joint intervals: statements in words and no measurements.
pub fn in_words(study: &Study) -> bool {
    study.data.iter().all(|datum| datum.joint.is_some())
}

fn references(study: &Study) -> Vec<String> {
    if study.source.is_empty() { Vec::new() } else { vec![study.source.clone()] }
}
