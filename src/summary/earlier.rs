//! What an earlier run found, read from its folder: where a fit ended, which a bootstrap, profiles and a surface begin at, and
//! draws, which are asked for thresholds and the like. Nothing is taken from a folder that is of another study, or in which
//! something is missing or has changed.

use crate::files::Manifest;
use crate::inference::{Objective, Optimum, StudyObjective, StudyTarget, Target};
use crate::report::draws;
use crate::study::Study;
use crate::study::problem::{Between, Estimated};
use crate::{Diagnostic, Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;

/// A folder's objective is that of the study if it is as near as this, relative to 1 or to itself.
const SAME_OBJECTIVE: f64 = 1e-5;

/// So many draws, evenly over all, are computed again; their log-likelihoods are those told if they are as near as this,
/// relative to 1 or to themselves. (On another machine the last digits may differ, and what they do to a step's length.)
const CHECKED: usize = 8;
const SAME_LIKELIHOOD: f64 = 1e-3;

/// What of the summary of a fit is needed.
#[derive(Deserialize)]
struct Earlier {
    parameters: Vec<EarlierParameter>,
    run: EarlierRun,
    fit: EarlierFit,
    starts: EarlierStarts,
    #[serde(default)]
    optima: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct EarlierRun {
    #[serde(default)]
    study: String,
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
/// [`Error::File`] or [`Error::Input`] where there is no summary of a fit; [`Error::Input`] if it is of another study (the
/// study, its data or its priors have changed), or the objective at its optimum is another one.
pub fn optimum_in(folder: &Path, study: &Study, objective: &StudyObjective) -> Result<Optimum> {
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
    if earlier.run.study != study.fingerprint() {
        return refuse("it is of another study, or of this one before something in it changed".into(), OTHER);
    }
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

/// What to do about a folder of another study.
const OTHER: &str =
    "the model, the data, bounds and priors have to be those it was made with; run the study as it is now";

/// The draws of an earlier run.
pub struct EarlierDraws {
    /// `[chain][draw][parameter]`, of the problem's parameters.
    pub chains: Vec<Vec<Vec<f64>>>,
    pub summary: serde_json::Value,
}

/// The draws in the folder of an earlier `fenton sample` or `fenton bootstrap` of the same study.
///
/// # Errors
/// [`Error::File`] for a file that cannot be read. [`Error::Input`] if the folder is no report of draws, or of another study; if
/// a chain is missing, or its summary cannot be read; if a draw lies outside the bounds, or the log-likelihood of one is
/// another than it says.
pub fn draws_in(folder: &Path, study: &Study, target: &StudyTarget) -> Result<EarlierDraws> {
    let refuse = |file: &str, message: String, hint: &str| -> Error {
        let found = Diagnostic::new(message).in_file(folder.join(file).display().to_string());
        Error::input(found.expected("draws of this study").hint(hint))
    };
    let manifest = Manifest::read(folder).map_err(|error| Error::file(folder, error))?;
    let made = "give the folder of a 'fenton sample' or 'fenton bootstrap'";
    let manifest = manifest
        .filter(|found| ["sample", "bootstrap"].contains(&found.report.as_str()))
        .ok_or_else(|| refuse("fenton.json", "this is no report of draws that this version wrote".into(), made))?;
    let again = "a file was lost or changed; make the draws again";
    if let Some(lost) = manifest.files.iter().find(|name| name.starts_with("draws-") && !folder.join(name).exists()) {
        return Err(refuse(lost, "a chain is missing".into(), again));
    }
    let path = folder.join("summary.json");
    let text = std::fs::read(&path).map_err(|error| Error::file(&path, error))?;
    let summary: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| refuse("summary.json", format!("the summary cannot be read: {error}"), again))?;
    if summary["run"]["study"].as_str() != Some(&study.fingerprint()) {
        let message = "the draws are of another study, or of this one before something in it changed";
        return Err(refuse("summary.json", message.into(), OTHER));
    }
    let problem = target.objective().problem();
    let names: Vec<String> = problem.parameters.iter().map(|p| p.name.clone()).collect();
    let chains = draws::read(folder, &names)?;
    let all = || chains.iter().flatten();
    for (at, p) in problem.parameters.iter().enumerate() {
        // The last digit may be lost between a value and its logarithm.
        let slack = 1e-9 * p.lower.abs().max(p.upper.abs());
        if let Some(draw) = all().find(|draw| !(p.lower - slack..=p.upper + slack).contains(&draw.values[at])) {
            let message = format!("a draw of {} is {}, outside its bounds", p.name, draw.values[at]);
            return Err(refuse("draws-1.csv", message, again));
        }
    }
    let count = all().count();
    let some: Vec<_> = all().step_by(count.div_ceil(CHECKED).max(1)).collect();
    // Spreads between experiments that are sampled too are part of a likelihood that is not known from a point alone.
    if target.names().len() == problem.parameters.len() {
        let estimate = |values: &[f64]| -> Vec<f64> {
            problem.parameters.iter().zip(values).map(|(p, &value)| p.scale.estimate(value)).collect()
        };
        let points: Vec<Vec<f64>> = some.iter().map(|draw| estimate(&draw.values)).collect();
        for (draw, found) in some.iter().zip(target.likelihoods(&points, true)?) {
            let (told, here) = (draw.log_likelihood, -found.value);
            // What is no number is not near either.
            let near = (told - here).abs() <= SAME_LIKELIHOOD * here.abs().max(1.0);
            if !near {
                let message = format!("the log-likelihood of a draw is {told}, and {here} as computed here");
                return Err(refuse("draws-1.csv", message, again));
            }
        }
    }
    let values = |chain: Vec<draws::Drawn>| chain.into_iter().map(|draw| draw.values).collect();
    Ok(EarlierDraws { chains: chains.into_iter().map(values).collect(), summary })
}
