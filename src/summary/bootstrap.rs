//! From a bootstrap to a report.

use super::{edges, endless, references, words};
use crate::inference;
use crate::inference::{Bootstrap, Edge, FEWEST, Kind, Objective, Spread, Stop, StudyObjective};
use crate::report::bootstrap::{BootstrapReport, Facts, Interval, Row};
use crate::report::document::{Headline, RunFacts, Severity, Warning};
use crate::report::{interval_text, shown};
use crate::study::problem::{Estimated, Problem};
use crate::study::{Prior, Scale, Study};

/// The most bins of a histogram.
const BINS: usize = 40;
/// Few experiments have few ways to be drawn.
const FEW_EXPERIMENTS: usize = 6;
/// A bootstrap interval that differs from the likelihood's by this factor is worth a word.
const APART: f64 = 1.25;
/// So is a bias of this many standard deviations.
const BIASED: f64 = 0.25;

/// The report on `found`, a bootstrap of `study` whose optimum stands at the `edge` of failures if there is one; `run` says how it was made, and `notes` are what the engine has to tell.
pub fn document(
    study: &Study,
    objective: &StudyObjective,
    found: &Bootstrap,
    edge: Option<Edge>,
    run: RunFacts,
    notes: &[String],
) -> BootstrapReport {
    let problem = objective.problem();
    let priors = problem.priors(&found.optimum.spreads);
    let no_maximum = endless::at(problem, &found.optimum.point);
    let mut parameters: Vec<Row> =
        (0..problem.parameters.len()).map(|at| row(problem, priors[at], found, at)).collect();
    if !no_maximum.is_empty() {
        parameters.iter_mut().for_each(|row| row.without_intervals("the likelihood has no maximum"));
    } else if edge.is_some() {
        parameters.iter_mut().for_each(|row| row.without_intervals("failures decide where the estimate is"));
    }
    let spreads: Vec<(&String, f64)> = (problem.between.iter().zip(&found.optimum.spreads))
        .filter_map(|(between, &sd)| Some((between.bounds.and(between.name.as_ref())?, sd)))
        .collect();
    let draw = |point: &Vec<f64>| problem.values(point).into_iter().chain(spreads.iter().map(|s| s.1)).collect();
    let facts = facts(found);
    BootstrapReport {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        failures_decide: edges::edges(objective.names(), edge.as_slice()),
        warnings: (edges::warning(objective.names(), edge.as_slice()).into_iter())
            .chain(endless::warning(&no_maximum))
            .chain(warnings(problem, &priors, found, &parameters, &facts, notes))
            .collect(),
        no_maximum,
        headlines: headlines(&parameters),
        parquet: false,
        methods: methods(study, found, &facts, &run),
        references: references(study),
        names: objective.names().iter().chain(spreads.iter().map(|s| s.0)).cloned().collect(),
        draws: found.replicates.iter().map(|replicate| draw(&replicate.point)).collect(),
        densities: found.replicates.iter().map(|replicate| replicate.own.map(|x| -x)).collect(),
        parameters,
        facts,
        run,
    }
}

fn row(problem: &Problem, prior: Prior, found: &Bootstrap, at: usize) -> Row {
    let Estimated { name, unit, scale, source, .. } = &problem.parameters[at];
    let scale = *scale;
    let estimate = found.optimum.point[at];
    let likelihood = found.optimum.intervals[at];
    let mut row = Row {
        name: name.clone(),
        unit: unit.clone(),
        scale: scale.name().into(),
        estimate: scale.value(estimate),
        likelihood_interval: likelihood.map(|(low, high)| (scale.value(low), scale.value(high))),
        prior: prior.describe(),
        source: source.clone(),
        why: format!("fewer than {FEWEST} replicates have data on it"),
        ..Row::default()
    };
    let Some(Spread { used, sd, sd_error, bias, bias_error, percentile, bca, at_bound }) = &found.spreads[at] else {
        return row;
    };
    let quoted = bca.as_ref().unwrap_or(percentile);
    row.basis = if bca.is_ok() { "BCa" } else { "percentile" }.into();
    row.why = bca.as_ref().err().cloned().unwrap_or_default();
    row.interval = Some(carried(quoted, scale));
    row.percentile = Some(carried(percentile, scale));
    row.bca = bca.as_ref().ok().map(|interval| carried(interval, scale));
    row.ratio = likelihood.filter(|(low, high)| high > low).map(|(l, h)| (quoted.ends.1 - quoted.ends.0) / (h - l));
    row.sd = Some((*sd, *sd_error));
    row.bias = (*sd > 0.0).then(|| (bias / sd, bias_error / sd));
    (row.used, row.at_bound) = (*used, *at_bound);
    let counts = found.replicates.iter().filter(|replicate| !replicate.absent.contains(&at));
    row.histogram = histogram(&counts.map(|replicate| replicate.point[at]).collect::<Vec<f64>>(), scale);
    row
}

/// From the estimation scale to the parameter.
fn carried(interval: &inference::Interval, scale: Scale) -> Interval {
    let (low, high) = (scale.value(interval.ends.0), scale.value(interval.ends.1));
    Interval {
        ends: (low, high),
        errors: (interval.errors.0 * scale.slope(low), interval.errors.1 * scale.slope(high)),
    }
}

/// Bins of equal width on the estimation scale, with ends in the parameter's unit.
fn histogram(points: &[f64], scale: Scale) -> Vec<(f64, f64, usize)> {
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
    if low >= high {
        return Vec::new();
    }
    // Rice's rule.
    let bins = ((2.0 * (points.len() as f64).cbrt()) as usize).clamp(1, BINS);
    let width = (high - low) / bins as f64;
    let mut counts = vec![0; bins];
    points.iter().for_each(|x| counts[(((x - low) / width) as usize).min(bins - 1)] += 1);
    let end = |bin: usize| scale.value(low + width * bin as f64);
    counts.iter().enumerate().map(|(bin, &count)| (end(bin), end(bin + 1), count)).collect()
}

fn facts(found: &Bootstrap) -> Facts {
    let observations = found.drawn.observations;
    let drawn = match (found.kind, found.drawn.experiments) {
        (Kind::Parametric, _) => format!("{observations} observations anew from the fitted model and its noise"),
        (Kind::Cases, Some(experiments)) => format!("{experiments} experiments as a whole"),
        (Kind::Cases, None) => format!(
            "wells within each condition, dose and time, {} of {observations} observations",
            observations - found.drawn.kept
        ),
    };
    let count = |which: &dyn Fn(&inference::Replicate) -> bool| found.replicates.iter().filter(|r| which(r)).count();
    Facts {
        kind: found.kind.name().into(),
        drawn: if found.nested { format!("{drawn}, and wells within them") } else { drawn },
        replicates: found.asked,
        refitted: found.replicates.len(),
        failed: found.asked - found.replicates.len(),
        at_bounds: count(&|replicate| !replicate.at_bounds.is_empty()),
        unfinished: count(&|replicate| replicate.stop == Stop::Iterations),
        searched_widely: found.searched_widely,
        ends: found.modes,
        ended_elsewhere: found.ended_elsewhere,
        objective: found.optimum.value,
        failures: found.failures.iter().map(|(status, count)| (status.advice().to_string(), *count)).collect(),
    }
}

fn headlines(parameters: &[Row]) -> Vec<Headline> {
    // The narrowest intervals first, on the scale of estimation.
    let mut order: Vec<&Row> = parameters.iter().filter(|row| row.interval.is_some()).collect();
    let sd = |row: &Row| row.sd.map_or(f64::INFINITY, |sd| sd.0);
    order.sort_by(|a, b| sd(a).total_cmp(&sd(b)));
    let card = |row: &&Row| Headline {
        label: row.name.clone(),
        value: format!("{} {}", shown(row.estimate), if row.unit == "dimensionless" { "" } else { &row.unit })
            .trim()
            .into(),
        note: format!("95 % {} ({})", row.interval.map_or("–".into(), |i| interval_text(i.ends)), row.basis),
    };
    order.iter().take(4).map(card).collect()
}

fn warnings(
    problem: &Problem,
    priors: &[Prior],
    found: &Bootstrap,
    parameters: &[Row],
    facts: &Facts,
    notes: &[String],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    if found.optimum.optima > 1 {
        let text = "Replicates were fitted from each and go to whichever is lower by chance. Where a parameter differs between the \
                    optima, its interval and its standard deviation are of several values together and no measure of how \
                    sure one of them is; 'fenton fit' lists the optima.";
        say(Severity::Caution, super::optima::alike(found.optimum.optima), text.into());
    }
    if let Some(experiments) = found.drawn.experiments.filter(|&count| count < FEW_EXPERIMENTS) {
        let severity = if experiments < 4 { Severity::Serious } else { Severity::Caution };
        let text = format!(
            "{experiments} experiments can be drawn in few ways, so that the ends of the intervals are rough whatever the \
             number of replicates. The standard deviation is right on average and itself uncertain. The likelihood interval of \
             a study with [experiments] spread is the better one here."
        );
        say(severity, "Few experiments".into(), text);
    }
    if facts.failed * 50 > facts.replicates {
        let text =
            "They are left out, and what is left may be a selection. Widen bounds or loosen tolerances with care.";
        say(Severity::Serious, format!("{} of {} replicates failed", facts.failed, facts.replicates), text.into());
    }
    if found.kind == Kind::Cases && found.drawn.kept > 0 {
        let text = format!(
            "{} of {} observations have no other of the same condition, dose and time, and are in every replicate as they \
             are: their scatter is not in the intervals. --kind parametric draws all of them.",
            found.drawn.kept, found.drawn.observations
        );
        say(Severity::Caution, "Not all observations could be drawn".into(), text);
    }
    if facts.ended_elsewhere > 0 {
        let text = format!(
            "{} of {} replicates that were searched from {} ends of the fit did better from another than the optimum. The others \
             were searched from the optimum alone: --modes 1 searches all of them widely.",
            facts.ended_elsewhere, facts.searched_widely, facts.ends
        );
        say(Severity::Caution, "There are other modes".into(), text);
    }
    let named = |which: &dyn Fn(&Row) -> bool| -> String {
        parameters.iter().filter(|row| which(row)).map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let bound = named(&|row| row.at_bound * 40 > row.used);
    if !bound.is_empty() {
        let text = format!(
            "{bound}: more than 2.5 % of the replicates ended on a bound, which is then an end of the interval."
        );
        say(Severity::Caution, "Replicates at bounds".into(), text);
    }
    let biased = named(&|row| row.bias.is_some_and(|(bias, error)| bias.abs() - 2.0 * error > BIASED));
    if !biased.is_empty() {
        let text =
            format!("{biased}: the mean of the replicates is off the estimate by over {BIASED} standard deviations.");
        say(Severity::Note, "Biased estimates".into(), text);
    }
    let apart = named(&|row| row.ratio.is_some_and(|ratio| !(1.0 / APART..=APART).contains(&ratio)));
    if !apart.is_empty() {
        let why = match found.kind {
            Kind::Parametric => {
                "Data are as the model says in both, so that the likelihood is not quadratic there, a bound is near, or a \
                 prior holds the parameter."
            }
            Kind::Cases => {
                "The data scatter otherwise than the noise model says, or the likelihood is not quadratic there."
            }
        };
        say(Severity::Note, "Other widths than by the likelihood".into(), format!("{apart}. {why}"));
    }
    let informed = priors.iter().any(|prior| matches!(prior, Prior::Normal { .. } | Prior::LogNormal { .. }));
    if informed {
        let text = "Priors stay in every replicate and their centres are not drawn anew: intervals of parameters that a prior \
                    holds are those of a penalised estimate, and no confidence intervals.";
        say(Severity::Note, "The fit has informative priors".into(), text.into());
    }
    if !problem.between.is_empty() {
        let text = "They stay at those of the fit, so that intervals leave out how uncertain they are.";
        say(Severity::Note, "Standard deviations between experiments".into(), text.into());
    }
    if facts.unfinished > 0 {
        let text = "They count with where they were.";
        say(Severity::Note, format!("{} replicates reached the limit of iterations", facts.unfinished), text.into());
    }
    for note in notes {
        say(Severity::Note, "Note".into(), note.clone());
    }
    warnings
}

fn methods(study: &Study, found: &Bootstrap, facts: &Facts, run: &RunFacts) -> String {
    let how = match found.kind {
        Kind::Parametric => "intervals are the middle 95 % of the replicates".to_string(),
        Kind::Cases => {
            "units were drawn with rescaled weights (Rao and Wu 1988), and intervals are bias-corrected and \
                        accelerated (BCa, Efron 1987) where the estimate is inside its bounds"
                .to_string()
        }
    };
    let wide = match facts.searched_widely {
        0 => String::new(),
        wide => format!(", {wide} of them also from {} other ends of the fit", facts.ends - 1),
    };
    format!(
        "{} replicates of the data of {} were drawn by a {} bootstrap ({}) and refitted from the optimum{wide} with fenton {} \
         ({}, rtol {:e}; seed {}); {how}. Priors were kept.",
        facts.replicates, study.title, facts.kind, facts.drawn, run.version, run.integrator, run.rtol, run.seed
    )
}
