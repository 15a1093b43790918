//! Studies as models of the same data: information criteria, and experiments predicted by the fit to the others.

use super::no_result::NoResult;
use crate::engine::Engine;
use crate::inference::{Choice, FitSettings, StudyObjective, fit};
use crate::report::compare::Model;
use crate::study::Study;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Starts of each fit.
const STARTS: usize = 200;

/// Whether two studies are about the same readings, whatever their models.
pub fn same_data(a: &Study, b: &Study) -> bool {
    let readings = |study: &Study| -> Vec<String> {
        let names: Vec<String> = study.compounds.iter().map(|c| format!("{} {}", c.name, c.unit)).collect();
        let row = |d: &crate::study::Datum| {
            let condition = &study.conditions[d.condition].name;
            format!("{condition} {names:?} {:?} {:?} {:?} {}", d.doses, d.time, d.value, d.experiment)
        };
        study.data.iter().map(row).collect()
    };
    readings(a) == readings(b)
}

/// Where a fit ended.
struct Best {
    /// Its parameters by name.
    named: Vec<(String, f64)>,
    nllh: f64,
    no_result: NoResult,
}

/// Scores one model; `evidence` comes from its sampler. The note says what could not be had.
///
/// # Errors
/// Those of the engine; [`Error::Run`] when stopped.
pub fn score(
    study: &Study,
    (engine, reference, choice): (&dyn Engine, &dyn Engine, Choice),
    evidence: Option<(f64, f64)>,
    seed: u64,
    stop: &Arc<AtomicBool>,
) -> Result<(Model, String)> {
    let settings = FitSettings { starts: STARTS, seed, stop: Some(stop.clone()), ..FitSettings::default() };
    let fitted = |study: &Study| -> Result<Best> {
        let problem = study.problem();
        let objective = StudyObjective::new(&problem, engine, reference, choice)?;
        let found = fit(&objective, &settings, &mut ())?;
        let values = problem.values(&found.point);
        let named = problem.parameters.iter().zip(values).map(|(p, value)| (p.name.clone(), value)).collect();
        let nllh = objective.likelihood_exactly(&found.point)?;
        Ok(Best { named, nllh, no_result: NoResult::at(&objective, &found.point)? })
    };
    let problem = study.problem();
    let Best { nllh, no_result, .. } = fitted(study)?;
    let (parameters, count) = (problem.parameters.len(), problem.observation_count());
    let criterion = |penalty: f64| {
        (nllh.is_finite() && no_result.warnings().next().is_none() && !problem.intervals_only())
            .then_some(2.0 * nllh + penalty * parameters as f64)
    };
    let experiments: Vec<&str> = study.experiments().into_iter().filter(|name| !name.is_empty()).collect();
    let mut left_out = None;
    let mut note = String::new();
    if experiments.len() < 2 {
        note = "Experiments could not be left out in turn: the data name fewer than two.".into();
    } else {
        let mut sum = 0.0;
        for name in &experiments {
            let mut others = study.clone();
            others.data.retain(|datum| datum.experiment != *name);
            let mut held = study.clone();
            held.data.retain(|datum| datum.experiment == *name);
            let known = fitted(&others)?.named;
            let problem = held.problem();
            let objective = StudyObjective::new(&problem, engine, reference, choice)?;
            // What belongs to that experiment alone stays where nothing is known of it.
            let value = |p: &crate::study::problem::Estimated| {
                known.iter().find(|(name, _)| *name == p.name).map_or(p.start, |(_, value)| *value)
            };
            let point: Vec<f64> = problem.parameters.iter().map(|p| p.scale.estimate(value(p))).collect();
            sum += objective.likelihood_exactly(&point)?;
        }
        left_out = Some(sum).filter(|sum| sum.is_finite());
    }
    for warning in no_result.warnings() {
        note = format!("{}. {}", warning.title, warning.text);
    }
    if stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(Error::Run("interrupted while the models were fitted".into()));
    }
    let model = Model {
        study: study.title.clone(),
        model: study.model.clone(),
        parameters,
        nllh: Some(nllh).filter(|x| x.is_finite()),
        aic: criterion(2.0),
        bic: criterion(count.ln()),
        evidence,
        left_out,
    };
    Ok((model, note))
}
