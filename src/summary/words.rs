//! What is told in sentences.

use super::charts::short;
use crate::inference::{Basis, Ended, FitResult, Verdict};
use crate::report::document::{Effect, FitFacts, Headline, Prediction, Quantity, RunFacts, Severity, Starts, Warning};
use crate::report::interval_text;
use crate::study::Study;
use crate::study::problem::Problem;

pub fn about(study: &Study) -> String {
    let text = study.description.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { study.source.clone() } else { text }
}

pub fn synthetic(command: &str) -> String {
    format!(
        "Nobody measured these data: a computer made them ({command}). They show how the program works and support no \
         statement about cells."
    )
}

pub fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Complete => "complete",
        Ended::Time => "at the time limit, with the best so far",
        Ended::Evaluations => "at the limit of evaluations, with the best so far",
        Ended::Interrupted => "interrupted, with the best so far",
    }
}

pub fn warnings(
    study: &Study,
    fit: &FitResult,
    starts: &Starts,
    predictions: &[Prediction],
    effects: &[Effect],
    notes: &[String],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    if fit.ended != Ended::Complete {
        let text = "The same command without the limit goes on from here. Take nothing below as final.";
        say(Severity::Serious, format!("The fit ended {}", ended(fit.ended)), text.into());
    }
    if super::tables::in_words(study) {
        let text = "The data are statements in words, each one joint observation of bounds. What they teach is the \
                    difference between prior and result; there is no goodness of fit.";
        say(Severity::Caution, "This is no fit to measurements".into(), text.into());
    }
    let named = |verdict: Verdict| -> Vec<&str> {
        let parameters = fit.identification.parameters.iter();
        parameters.filter(|p| p.verdict == verdict).map(|p| p.name.as_str()).collect()
    };
    let open = named(Verdict::NotIdentified);
    if !open.is_empty() {
        let mut text = format!("{} can move without the data noticing.", open.join(", "));
        for direction in fit.identification.directions.iter().take(3) {
            text += &format!(" Free direction: {}.", direction.text.trim_end_matches('.'));
        }
        let title = format!("{} of {} parameters are not identified", open.len(), fit.estimated());
        say(Severity::Caution, title, text);
    }
    let prior = named(Verdict::Prior);
    if !prior.is_empty() {
        let title = format!("{} of {} parameters are known from their priors alone", prior.len(), fit.estimated());
        say(Severity::Note, title, format!("For {} the data say hardly more than the prior did.", prior.join(", ")));
    }
    let bound = named(Verdict::AtBound);
    if !bound.is_empty() {
        let text = "The optimum may lie outside. Widen the bounds if that is possible, or ask whether the model can \
                    explain the data at all.";
        say(Severity::Caution, format!("At a bound: {}", bound.join(", ")), text.into());
    }
    if starts.refined > 3 && starts.reached_best == 1 {
        let text = "No second start ended there, so a better optimum may exist. More starts (--starts) would tell.";
        say(Severity::Caution, "Only one start reached the best value".into(), text.into());
    }
    let residuals: Vec<f64> = predictions.iter().filter_map(|row| row.residual).collect();
    let far = residuals.iter().filter(|r| r.abs() > 3.0).count();
    if residuals.len() >= 10 && far * 20 > residuals.len() {
        let text = "More than 5 % of the readings lie over 3 standard deviations from the fit. Either the model is wrong \
                    or the noise is underestimated; intervals are then too narrow.";
        say(Severity::Serious, "The model does not describe the data".into(), text.into());
    }
    if fit.failed_points > 0 {
        let share = 100.0 * fit.failed_points as f64 / fit.evaluations.max(1) as f64;
        let severity = if share > 5.0 { Severity::Caution } else { Severity::Note };
        let title = format!("{} of {} evaluations failed ({share:.2} %)", fit.failed_points, fit.evaluations);
        say(severity, title, "They count as infinitely bad; the causes stand below.".into());
    }
    let beyond: Vec<String> = effects
        .iter()
        .filter(|e| e.measure == "EC50, absolute" && matches!(e.value, Quantity::Above { .. }))
        .map(|e| format!("{} at {} {}", e.condition, short(e.time), study.time_unit))
        .collect();
    if !beyond.is_empty() {
        let text = format!("{}: the fitted value stays above 0.5 at all doses tested.", beyond.join(", "));
        say(Severity::Note, "An EC50 lies beyond the highest dose".into(), text);
    }
    // The banner says already whether the data are synthetic.
    for note in study.notes.iter().filter(|note| !note.contains("synthetic")) {
        say(Severity::Note, "Assumed on the way".into(), note.clone());
    }
    for note in notes {
        say(Severity::Note, "From the engine".into(), note.clone());
    }
    warnings
}

pub fn headlines(effects: &[Effect], fit: &FitResult, study: &Study, intervals_only: bool) -> Vec<Headline> {
    let time_unit = &study.time_unit;
    let last = effects.iter().map(|effect| effect.time).fold(f64::NEG_INFINITY, f64::max);
    let mut headlines: Vec<Headline> = effects
        .iter()
        .filter(|effect| effect.measure == "EC50, absolute" && effect.time == last)
        .take(3)
        .map(|effect| {
            let unit = &effect.unit;
            let (value, note) = match &effect.value {
                Quantity::Value { value, interval } => (
                    format!("{} {unit}", short(*value)),
                    interval.map_or(effect.note.clone(), |i| format!("95 % interval {} {unit}", interval_text(i))),
                ),
                Quantity::Above { limit } => (format!("> {} {unit}", short(*limit)), "the highest dose tested".into()),
                Quantity::Below { limit } => (format!("< {} {unit}", short(*limit)), "the lowest dose tested".into()),
                Quantity::Undefined => ("–".into(), effect.note.clone()),
            };
            Headline { label: format!("EC50, {}, {} {time_unit}", effect.condition, short(effect.time)), value, note }
        })
        .collect();
    let identified = fit.identification.parameters.iter().filter(|p| p.verdict == Verdict::Identified).count();
    if super::tables::in_words(study) {
        return headlines;
    }
    headlines.push(Headline {
        label: "Identified".into(),
        value: format!("{identified} of {}", fit.estimated()),
        note: if intervals_only { "parameters, from bounds alone".into() } else { "estimated parameters".into() },
    });
    headlines
}

pub fn methods(study: &Study, problem: &Problem, fit: &FitResult, facts: &FitFacts, run: &RunFacts) -> String {
    let search = match fit.method {
        crate::inference::Method::Multistart => format!(
            "From {} points of a scrambled Sobol sequence the best {} were refined together by a bounded trust region with \
             Fisher scoring on forward sensitivities; {} ended within {} of the best value",
            fit.scores.len(),
            fit.starts.len(),
            fit.reached(super::REACHED),
            super::REACHED
        ),
        crate::inference::Method::Lbfgs => format!(
            "From {} points of a scrambled Sobol sequence the best {} were refined by a bounded limited-memory BFGS; {} ended \
             within {} of the best value",
            fit.scores.len(),
            fit.starts.len(),
            fit.reached(super::REACHED),
            super::REACHED
        ),
        crate::inference::Method::Swarm => "The search was a particle swarm".into(),
        crate::inference::Method::Cmaes => "The search was CMA-ES with restarts in growing populations".into(),
    };
    let cells = problem.cells.as_ref().map_or(String::new(), |cells| {
        format!(" Cell-to-cell spread was averaged over {} quasi-Monte Carlo nodes.", cells.count)
    });
    let synthetic = if study.synthetic.is_some() { " The data are synthetic." } else { "" };
    format!(
        "The model {} ({} states) was fitted to {} observations by maximum a posteriori estimation of {} parameters with \
         fenton {}.{synthetic} {search}. Trajectories were integrated by {} at a relative tolerance of {:e} ({}, {}); reported \
         values were evaluated in double precision.{cells} Standard errors come from the Fisher information at the optimum \
         and are given, like intervals, only where its eigenvalues allow; 95 % intervals end where the profile likelihood \
         has risen by 1.92{}; bands and intervals of effective concentrations are quantiles of simulations at points drawn \
         from that information. Seed {}.",
        study.model,
        problem.program.states.len(),
        facts.observations,
        facts.estimated,
        run.version,
        run.integrator,
        run.rtol,
        run.engine,
        run.precision,
        by_errors(fit),
        run.seed,
    )
}

/// Which intervals do not come from the likelihood.
fn by_errors(fit: &FitResult) -> String {
    let names: Vec<&str> = (fit.identification.parameters.iter())
        .filter(|p| p.interval.is_some() && p.basis == Basis::Normal)
        .map(|p| p.name.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(" (1.96 standard errors either way for {}, whose likelihood could not be followed)", names.join(", "))
}
