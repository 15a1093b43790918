//! Where an earlier fit ended, read from its folder: what a bootstrap, profiles and a surface begin at.

use crate::inference::{Objective, Optimum, StudyObjective};
use crate::study::problem::{Between, Estimated};
use crate::{Diagnostic, Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;

/// A folder's objective is that of the study if it is as near as this, relative to 1 or to itself.
const SAME_OBJECTIVE: f64 = 1e-5;

/// What of the summary of a fit is needed.
#[derive(Deserialize)]
struct Earlier {
    parameters: Vec<EarlierParameter>,
    fit: EarlierFit,
    starts: EarlierStarts,
    #[serde(default)]
    optima: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct EarlierParameter {
    name: String,
    value: f64,
    #[serde(default)]
    interval: Option<(f64, f64)>,
}

#[derive(Deserialize)]
struct EarlierFit {
    objective: Option<f64>,
}

#[derive(Deserialize)]
struct EarlierStarts {
    list: Vec<EarlierStart>,
}

#[derive(Deserialize)]
struct EarlierStart {
    objective: Option<f64>,
    parameters: Vec<f64>,
}

/// The optimum in the folder of an earlier `fenton fit` of the same study.
///
/// # Errors
/// [`Error::File`] or [`Error::Input`] where there is no summary of a fit; [`Error::Input`] if the objective at its optimum is
/// another one for this study: the study, its data or its priors have changed.
pub fn optimum_in(folder: &Path, objective: &StudyObjective) -> Result<Optimum> {
    let path = folder.join("summary.json");
    let refuse = |message: String, hint: &str| {
        let found = Diagnostic::new(message).in_file(path.display().to_string());
        Err(Error::input(found.expected("the summary of a fit of this study").hint(hint)))
    };
    if !path.exists() {
        return refuse("there is no such file".into(), "give the folder of a 'fenton fit'");
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
    let earlier: Earlier = match serde_json::from_str(&text) {
        Ok(earlier) => earlier,
        Err(error) => {
            return refuse(format!("this is no summary of a fit: {error}"), "give the folder of a 'fenton fit'");
        }
    };
    let problem = objective.problem();
    let known = |name: &str| earlier.parameters.iter().find(|p| p.name == name);
    let missing: Vec<&str> =
        problem.parameters.iter().map(|p| p.name.as_str()).filter(|name| known(name).is_none()).collect();
    if !missing.is_empty() {
        return refuse(format!("it has no {}", missing.join(", ")), "fit the study as it is now");
    }
    let own =
        |p: &Estimated, value: f64| p.scale.estimate(value).clamp(p.scale.estimate(p.lower), p.scale.estimate(p.upper));
    let point: Vec<f64> =
        problem.parameters.iter().map(|p| own(p, known(&p.name).map_or(p.start, |found| found.value))).collect();
    let spread = |between: &Between| between.name.as_deref().and_then(known).map_or(between.sd, |found| found.value);
    let spreads: Vec<f64> = problem.between.iter().map(spread).collect();
    objective.set_spreads(&spreads);
    let value = objective.evaluate_exactly(std::slice::from_ref(&point))?[0].value;
    let told = earlier.fit.objective.unwrap_or(f64::NAN);
    if (value - told).abs() <= SAME_OBJECTIVE * told.abs().max(1.0) {
        let interval = |p: &Estimated| {
            known(&p.name).and_then(|found| found.interval).map(|(l, u)| (p.scale.estimate(l), p.scale.estimate(u)))
        };
        let end = |start: &EarlierStart| {
            let parameters = problem.parameters.iter().zip(&start.parameters);
            let point: Vec<f64> = parameters.map(|(p, &value)| own(p, value)).collect();
            Some((point, start.objective?)).filter(|(point, _)| point.len() == problem.parameters.len())
        };
        let intervals = problem.parameters.iter().map(interval).collect();
        return Ok(Optimum {
            point,
            spreads,
            value,
            intervals,
            ends: earlier.starts.list.iter().filter_map(end).collect(),
            optima: earlier.optima.len().max(1),
        });
    }
    let message = format!("its objective is {told}, and {value} for the study as it is here");
    refuse(message, "fit the study as it is now, or leave --from away to have it fitted first")
}
