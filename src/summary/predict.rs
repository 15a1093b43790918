//! Bands from draws of a posterior: over the data, and for doses, times and conditions that nobody has tried.

use super::charts::{self, capital, curve, main_compound, reading};
use super::curves::{Lost, Model};
use super::{references, words};
use crate::inference::{Ensemble, StudyObjective};
use crate::report::document::{Chart, RunFacts, Series, Severity, Warning};
use crate::report::predictions::{LostDraws, PredictReport};
use crate::report::shown;
use crate::study::{Kind, Study};
use crate::{Diagnostic, Result};

/// Steps of a course.
const STEPS: usize = 96;
/// Lines that can be told apart in one picture.
const MOST: usize = 8;

/// What is to be predicted beyond the data, in the study's units.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub condition: Option<String>,
    /// Doses by the names of compounds; several of one compound are lines of their own.
    pub doses: Vec<(String, Vec<f64>)>,
    pub until: Option<f64>,
}

/// The report on predictions of `ensemble`; `origin` says where it comes from.
///
/// # Errors
/// [`crate::Error::Input`] for a condition or compound that the study does not have; those of the engine.
pub fn document(
    study: &Study,
    objective: &StudyObjective,
    ensemble: &Ensemble,
    (origin, converged): (String, bool),
    wanted: &Wanted,
    run: RunFacts,
    notes: &[String],
) -> Result<PredictReport> {
    let model = Model::of_draws(objective, ensemble.draws.clone());
    let mut lost = Vec::new();
    let asked = asked(study, &model, wanted, &mut lost)?;
    let mut hidden = Vec::new();
    let mut data = charts::over_dose(study, &model, &mut hidden)?.0;
    data.extend(charts::over_time(study, &model, &mut hidden)?);
    lost.extend(losing("", "the data", model.lost(), false));
    let mut warnings = Vec::new();
    let mut say = |severity, title: &str, text: String| warnings.push(Warning { severity, title: title.into(), text });
    if !lost.is_empty() {
        let one = |lost: &LostDraws| {
            let end = if lost.failed { ", so there is no answer" } else { "" };
            format!("{}: {} of {} draws{end}", lost.curve, lost.draws, lost.of)
        };
        let text = format!(
            "{}. A band there is of the other draws alone, which may differ: it is no 95 % interval.",
            lost.iter().map(one).collect::<Vec<_>>().join("; ")
        );
        say(Severity::Serious, "Some draws could not be integrated", text);
    }
    if !converged {
        let text = "Its chains disagree or are too short. Take no band below as final; draw more first.";
        say(Severity::Serious, "The posterior did not converge", text.into());
    }
    let beyond = beyond(study, wanted);
    if !beyond.is_empty() {
        let text = format!(
            "{}: what is said of it is the model's opinion, and its band as wide as model and priors let it be.",
            beyond.join("; ")
        );
        say(Severity::Caution, "Beyond what was tested", text);
    }
    notes.iter().for_each(|note| say(Severity::Note, "Note", note.clone()));
    Ok(PredictReport {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        warnings,
        lost,
        asked,
        data,
        ensemble: origin,
        draws: ensemble.draws.len(),
        run,
        references: references(study),
    })
}

/// Doses above those of the data, and times after the last reading.
fn beyond(study: &Study, wanted: &Wanted) -> Vec<String> {
    let mut beyond = Vec::new();
    for (name, doses) in &wanted.doses {
        let Some(compound) = study.compounds.iter().position(|c| c.name == *name) else { continue };
        let tested = study.data.iter().map(|d| d.doses[compound]).fold(0.0, f64::max);
        for dose in doses.iter().filter(|dose| **dose > tested) {
            beyond.push(format!("{name} at {} {}", shown(*dose), study.compounds[compound].unit));
        }
    }
    let last = last(study);
    if let Some(until) = wanted.until.filter(|until| *until > last) {
        beyond.push(format!("after {} {}, until {}", shown(last), study.time_unit, shown(until)));
    }
    beyond
}

fn last(study: &Study) -> f64 {
    let time = |d: &crate::study::Datum| match d.time {
        crate::study::ReadAt::Time(time) | crate::study::ReadAt::Between(_, time) => time,
        crate::study::ReadAt::Parameter(at) => study.parameters[at].upper,
    };
    study.data.iter().map(time).fold(0.0, f64::max)
}

/// What is to be said of a curve, if anything of it was lost.
fn losing(picture: &str, curve: &str, lost: Lost, failed: bool) -> Option<LostDraws> {
    (lost.failed > 0 || failed).then(|| LostDraws {
        picture: picture.into(),
        curve: curve.into(),
        draws: lost.failed,
        of: lost.of,
        failed,
    })
}

/// Courses over time for the doses asked for, one picture for each observable and condition.
fn asked(study: &Study, model: &Model, wanted: &Wanted, lost: &mut Vec<LostDraws>) -> Result<Vec<Chart>> {
    if wanted.doses.is_empty() && wanted.until.is_none() && wanted.condition.is_none() {
        return Ok(Vec::new());
    }
    let unknown = |what: &str, name: &str, known: Vec<&str>| {
        Diagnostic::new(format!("the study has no {what} '{name}'")).expected(known.join(", "))
    };
    let conditions: Vec<usize> = match &wanted.condition {
        None => (0..study.conditions.len()).collect(),
        Some(name) => {
            let known = || study.conditions.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect();
            let at = study.conditions.iter().position(|c| c.name == *name);
            vec![at.ok_or_else(|| unknown("condition", name, known()))?]
        }
    };
    // Every combination of the doses asked for; those of other compounds are the condition's own.
    let mut combinations: Vec<Vec<Option<f64>>> = vec![vec![None; study.compounds.len()]];
    for (name, doses) in &wanted.doses {
        let known = || study.compounds.iter().map(|c| c.name.as_str()).collect();
        let compound = study.compounds.iter().position(|c| c.name == *name);
        let compound = compound.ok_or_else(|| unknown("compound", name, known()))?;
        let with = |all: &Vec<Option<f64>>| {
            doses
                .iter()
                .map(|&dose| {
                    let mut all = all.clone();
                    all[compound] = Some(dose);
                    all
                })
                .collect::<Vec<_>>()
        };
        combinations = combinations.iter().flat_map(with).collect();
    }
    if let (true, Some(compound)) = (wanted.doses.is_empty(), main_compound(study)) {
        let tested = charts::distinct(study.data.iter().map(|d| d.doses[compound]));
        combinations = tested
            .into_iter()
            .map(|dose| {
                let mut all = vec![None; study.compounds.len()];
                all[compound] = Some(dose);
                all
            })
            .collect();
    }
    let left_out = combinations.len().saturating_sub(MOST);
    combinations.truncate(MOST);
    let until = wanted.until.unwrap_or_else(|| last(study));
    let times: Vec<f64> = (0..=STEPS).map(|i| until * i as f64 / STEPS as f64).collect();
    let mut charts = Vec::new();
    for condition in conditions {
        for observable in (0..study.observables.len()).filter(|&o| study.observables[o].reading != Kind::DeathTime) {
            let name = &study.conditions[condition].name;
            let of = if name.is_empty() { String::new() } else { format!(", {name}") };
            let title = capital(&format!("{} over time{of}", reading(study, observable)));
            let mut series = Vec::new();
            for (at, doses) in combinations.iter().enumerate() {
                let doses: Vec<f64> = doses
                    .iter()
                    .zip(&study.conditions[condition].doses)
                    .map(|(dose, own)| dose.or(*own).unwrap_or(0.0))
                    .collect();
                let request =
                    |&time: &f64| study.request(condition, doses.clone(), observable, time * study.time_factor);
                let predicted = model.predict(&times.iter().map(request).collect::<Vec<_>>())?;
                let label = study.describe(condition, &doses);
                lost.extend(losing(&title, &label, model.lost(), predicted.is_none()));
                let label = if predicted.is_some() { label } else { format!("{label}: failed") };
                let predicted = predicted.unwrap_or_default();
                series.push(Series {
                    label,
                    rank: Some(at as f64 / (combinations.len() - 1).max(1) as f64),
                    curve: curve(&times, &predicted),
                    ..Series::default()
                });
            }
            let rest = match left_out {
                0 => String::new(),
                more => format!(" {more} further combinations of doses are left out."),
            };
            charts.push(Chart {
                title,
                x_label: "time".into(),
                x_unit: study.time_unit.clone(),
                y_label: reading(study, observable),
                caption: format!("Median of the posterior with its 95 % band.{rest}"),
                series,
                ..Chart::default()
            });
        }
    }
    Ok(charts)
}
