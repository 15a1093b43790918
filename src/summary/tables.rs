//! Parameters, readings, starts and figures of merit.

use super::REACHED;
use super::charts::{hours, main_compound, reading};
use super::curves::Model;
use super::statements::Weighted;
use crate::Result;
use crate::inference::{self, Basis, Failure, FitResult, StudyObjective, Verdict};
use crate::report::document::{self, FitFacts, ParameterResult, Prediction, Side, Start, Starts};
use crate::report::shown;
use crate::study::problem::{Between, Estimated, Problem};
use crate::study::{Prior, Scale, Seen, Study};

/// A statement that moves no end of what is believed of a parameter by this part of its width has taught nothing of it.
const TAUGHT: f64 = 0.1;
/// The verdict on an error that the readings let go to nothing.
pub const NO_MAXIMUM: &str = "no maximum";
/// The verdict on a parameter that is another one at each of several optima.
pub const SEVERAL: &str = "differs between optima";
/// The verdict on a parameter whose interval has one end, and on one that failures decide about.
const ONE_SIDED: &str = "one-sided";
const AT_FAILURES: &str = "ends at failures";
/// The verdict on a spread between experiments.
pub const BETWEEN: &str = "sd between experiments";

pub fn parameters(study: &Study, problem: &Problem, fit: &FitResult) -> Vec<ParameterResult> {
    let priors = problem.priors(&fit.spreads);
    let between = |at: usize| problem.between.iter().any(|between| between.shifts.contains(&at));
    let endless = problem.errors_without_floor(&problem.values(&fit.point));
    let mut rows: Vec<ParameterResult> = problem
        .parameters
        .iter()
        .zip(&fit.identification.parameters)
        .enumerate()
        .map(|(at, (estimated, result))| {
            let prior = match priors[at] {
                // An estimate, for readers: three digits.
                Prior::LogNormal { median, sd } if between(at) => {
                    Prior::LogNormal { median, sd: (sd * 1e3).round() / 1e3 }
                }
                prior => prior,
            };
            let estimated = Estimated { prior, ..estimated.clone() };
            let scale = estimated.scale;
            let (low, high) = (scale.estimate(estimated.lower), scale.estimate(estimated.upper));
            let side = if fit.point[at] - low < high - fit.point[at] { Side::Lower } else { Side::Upper };
            // Without a maximum there is nothing that an interval of any parameter could be about.
            let maximum = endless.is_empty();
            let known = matches!(result.verdict, Verdict::Identified | Verdict::OneSided) && maximum;
            let endless = endless.contains(&at);
            let interval = result.interval.filter(|_| known).map(|(a, b)| (scale.value(a), scale.value(b)));
            ParameterResult {
                name: estimated.name.clone(),
                verdict: match result.verdict {
                    _ if endless => NO_MAXIMUM,
                    Verdict::Identified | Verdict::OneSided | Verdict::Several if !maximum => "not judged",
                    Verdict::Identified => "identified",
                    Verdict::OneSided => ONE_SIDED,
                    Verdict::AtFailures => AT_FAILURES,
                    Verdict::Prior => "known from the prior",
                    Verdict::NotIdentified => "not identified",
                    Verdict::AtBound => "at a bound",
                    Verdict::Several => SEVERAL,
                }
                .into(),
                unit: estimated.unit.clone(),
                value: scale.value(fit.point[at]),
                scale: scale.name().into(),
                estimated: true,
                standard_error: result.standard_error.filter(|_| known),
                interval,
                interval_from: interval.map_or(String::new(), |_| ends(result, low, high)),
                known: match &fit.optima {
                    Some(optima) if result.verdict == Verdict::Several && maximum => {
                        format!("{} ({SEVERAL})", super::optima::values(problem, optima, at))
                    }
                    _ => missing(result, scale, endless),
                },
                bounds: Some((estimated.lower, estimated.upper)),
                at_bound: (result.verdict == Verdict::AtBound && !endless).then_some(side),
                prior: Some(estimated.prior.describe()),
                prior_interval: Some(prior_interval(&estimated)),
                shrinkage: result.shrinkage,
                source: estimated.source.clone(),
                ..ParameterResult::default()
            }
        })
        .collect();
    rows.extend(problem.between.iter().zip(&fit.spreads).filter_map(spread));
    rows.extend(fixed(study));
    rows
}

/// What is known where an end is missing.
fn missing(result: &inference::ParameterResult, scale: Scale, endless: bool) -> String {
    let ends = result.ends.map(|end| end.map(|end| shown(scale.value(end))));
    let why = |side: &str| match result.held {
        true => format!("only the bounds of others end it {side}"),
        false => format!("nothing but its bound ends it {side}"),
    };
    match (result.verdict, ends) {
        _ if endless => String::new(),
        (Verdict::OneSided, [Some(low), None]) => format!("at least {low}, {}", why("above")),
        (Verdict::OneSided, [None, Some(high)]) => format!("at most {high}, {}", why("below")),
        (Verdict::AtFailures, [Some(low), None]) => format!("at least {low}, upper end not known: evaluations fail"),
        (Verdict::AtFailures, [None, Some(high)]) => format!("at most {high}, lower end not known: evaluations fail"),
        (Verdict::AtFailures, _) => "not known: evaluations fail".into(),
        _ => String::new(),
    }
}

/// How an interval was made, and which of its ends are none that the data make.
fn ends(result: &inference::ParameterResult, low: f64, high: f64) -> String {
    let Some((from, to)) = result.interval else { return String::new() };
    let made = match result.basis {
        Basis::Likelihood => "profile",
        Basis::Normal => "standard error",
    };
    match (from <= low, to >= high) {
        (true, true) => "bounds".into(),
        (true, false) => format!("{made}, lower end is a bound"),
        (false, true) => format!("{made}, upper end is a bound"),
        (false, false) => made.into(),
    }
}

/// The row of an estimated spread between experiments.
fn spread((between, &sd): (&Between, &f64)) -> Option<ParameterResult> {
    let (lower, upper) = between.bounds?;
    let end = if sd <= lower { Some(Side::Lower) } else { (sd >= upper).then_some(Side::Upper) };
    Some(ParameterResult {
        name: between.name.clone()?,
        meaning: format!("standard deviation of the logarithm of {} between experiments", between.of),
        value: sd,
        scale: Scale::Lin.name().into(),
        verdict: BETWEEN.into(),
        bounds: Some((lower, upper)),
        at_bound: end,
        source: format!("restricted maximum likelihood, {} experiments", between.shifts.len()),
        ..ParameterResult::default()
    })
}

/// Prior beside result: statements in words teach bounds and have no standard errors.
pub fn bounded(study: &Study, problem: &Problem, weighted: &Weighted) -> Vec<ParameterResult> {
    let row = |(at, estimated): (usize, &Estimated)| {
        let scale = estimated.scale;
        let (before, after) = weighted.quantiles(at);
        let width = before[2] - before[0];
        let moved = before.iter().zip(&after).any(|(before, after)| (after - before).abs() >= TAUGHT * width);
        ParameterResult {
            name: estimated.name.clone(),
            verdict: if moved { "bounded by the statement" } else { "known from the prior" }.into(),
            unit: estimated.unit.clone(),
            value: scale.value(after[1]),
            scale: scale.name().into(),
            estimated: true,
            bounds: Some((estimated.lower, estimated.upper)),
            prior: Some(estimated.prior.describe()),
            prior_interval: Some((scale.value(before[0]), scale.value(before[2]))),
            result_interval: Some((scale.value(after[0]), scale.value(after[2]))),
            interval_from: "quantiles of weighted draws".into(),
            shrinkage: Some(1.0 - (after[2] - after[0]) / width),
            source: estimated.source.clone(),
            ..ParameterResult::default()
        }
    };
    problem.parameters.iter().enumerate().map(row).chain(fixed(study)).collect()
}

fn fixed(study: &Study) -> impl Iterator<Item = ParameterResult> {
    study.parameters.iter().filter(|p| !p.estimated).map(|p| ParameterResult {
        name: p.name.clone(),
        unit: p.unit.clone(),
        value: p.value,
        scale: p.scale.name().into(),
        verdict: "fixed".into(),
        source: p.source.clone(),
        ..ParameterResult::default()
    })
}

/// Where 95 % of the prior lies within the bounds.
fn prior_interval(parameter: &Estimated) -> (f64, f64) {
    let &Estimated { scale, lower, upper, prior, .. } = parameter;
    let end = |share: f64| scale.value(prior.quantile_within(share, scale, lower, upper));
    (end(0.025), end(0.975))
}

pub fn predictions(study: &Study, model: &Model) -> Result<Vec<Prediction>> {
    let Some(fitted) = model.fitted()? else { return Ok(Vec::new()) };
    let residuals = model.problem.residuals(&model.values, &fitted);
    let compound = main_compound(study);
    let rows = study.data.iter().enumerate().map(|(at, datum)| {
        let (measured, lower, upper) = match datum.value {
            Seen::Value(value) | Seen::Count(value) => (Some(value), None, None),
            Seen::Interval(low, high) => {
                (None, Some(low).filter(|x| x.is_finite()), Some(high).filter(|x| x.is_finite()))
            }
            Seen::Share { .. } => (datum.value.number(), None, None),
        };
        Prediction {
            condition: study.describe(datum.condition, &other_doses(&datum.doses, compound)),
            observable: reading(study, datum.observable),
            dose: compound.map(|c| datum.doses[c]),
            time: hours(datum.time, model, study),
            replicate: datum.replicate.clone(),
            measured,
            lower,
            upper,
            fitted: Some(fitted[at]).filter(|_| !model.is_median()),
            median: Some(fitted[at]).filter(|_| model.is_median()),
            sd: if residuals[at].sd.is_finite() { residuals[at].sd } else { 0.0 },
            residual: Some(residuals[at].residual).filter(|x| x.is_finite()),
        }
    });
    Ok(rows.collect())
}

fn other_doses(doses: &[f64], compound: Option<usize>) -> Vec<f64> {
    doses.iter().enumerate().map(|(at, &dose)| if Some(at) == compound { 0.0 } else { dose }).collect()
}

pub fn starts(study: &Study, problem: &Problem, fit: &FitResult, failures: &[Failure]) -> Starts {
    let mut list: Vec<_> = fit.starts.iter().collect();
    list.sort_by(|a, b| a.last_value.total_cmp(&b.last_value).then(a.start.cmp(&b.start)));
    let example = |status| {
        let failure = failures.iter().find(|failure| failure.status == status);
        failure.map_or(String::new(), |failure| {
            let run = &problem.layout.runs[failure.run];
            let state = failure.state.as_ref().map_or(String::new(), |state| format!(", state {state}"));
            // Each experiment has the conditions over again.
            let what = study.describe(run.condition % study.conditions.len(), &run.doses);
            format!("{what}, time {}{state}", super::charts::short(failure.time / study.time_factor))
        })
    };
    Starts {
        scored: fit.scored(),
        refined: fit.starts.len(),
        finished: fit.finished(),
        reached_best: fit.reached(REACHED),
        list: list
            .into_iter()
            .map(|start| Start {
                number: start.start + 1,
                objective: Some(start.last_value).filter(|value| value.is_finite()),
                iterations: start.iterations as usize,
                stopped: start.stop.describe().into(),
                parameters: problem.values(&start.last_point),
            })
            .collect(),
        failures: fit
            .failures
            .iter()
            .map(|&(status, count)| document::Failure {
                cause: status.advice().into(),
                count,
                example: example(status),
            })
            .collect(),
    }
}

pub fn fit_facts(study: &Study, objective: &StudyObjective, fit: &FitResult) -> Result<FitFacts> {
    let problem = objective.problem();
    let likelihood = objective.likelihood_exactly(&fit.point)?;
    let prior = objective.prior(&fit.point).0;
    let (count, parameters) = (problem.observation_count(), fit.estimated() as f64);
    let no_criteria = if problem.intervals_only() {
        "all readings are intervals, so the likelihood is a bound and no measure of fit"
    } else if !likelihood.is_finite() {
        "the likelihood at the optimum is not finite"
    } else {
        ""
    };
    let criterion = |penalty: f64| (no_criteria.is_empty()).then_some(2.0 * likelihood + penalty * parameters);
    Ok(FitFacts {
        objective: Some(fit.value),
        parts: vec![("readings (negative log-likelihood)".into(), likelihood), ("priors".into(), prior)],
        observations: count as usize,
        scope: super::words::scope(study, problem),
        estimated: fit.estimated(),
        aic: criterion(2.0),
        bic: criterion(count.ln()),
        no_criteria: no_criteria.into(),
        ended: super::words::ended(fit.ended).into(),
    })
}
