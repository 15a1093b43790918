//! Likelihoods without a maximum: an error that the readings let go to nothing. What a search, a profile or a sampler then
//! finds says where it stopped or where a bound lies, and is no result.

use super::charts::capital;
use crate::inference::{Sample, quantile, sorted};
use crate::report::document::{Severity, Warning};
use crate::study::endless::REMEDY;
use crate::study::problem::{Estimated, Problem};

/// Draws whose median is this near to a lower bound, in parts of the box, are heaped up on it.
const HEAPED: f64 = 0.05;

/// The errors that go to nothing at the optimum `point`, by name.
pub fn at(problem: &Problem, point: &[f64]) -> Vec<String> {
    let names = |found: Vec<usize>| found.into_iter().map(|at| problem.parameters[at].name.clone()).collect();
    names(problem.errors_without_floor(&problem.values(point)))
}

/// The errors that go to nothing in the draws, by name.
pub fn of_draws(problem: &Problem, sample: &Sample) -> Vec<String> {
    let middle = |(at, p): (usize, &Estimated)| {
        let [lower, upper] = [p.lower, p.upper].map(|bound| p.scale.estimate(bound));
        let median = quantile(&sorted(&sample.of(at).concat()), 0.5);
        if median - lower < HEAPED * (upper - lower) { lower } else { median }
    };
    let middle: Vec<f64> = problem.parameters.iter().enumerate().map(middle).collect();
    at(problem, &middle)
}

pub fn warning(names: &[String]) -> Option<Warning> {
    let named = names.join(", ");
    let text = format!(
        "Readings are met exactly where {named} is the only error, so that the likelihood rises without end as it falls: there is \
         no best value, and where the search stopped says nothing. No bound, interval, standard error or figure of merit here \
         means anything; a wider bound does not help. {}.",
        capital(REMEDY)
    );
    let title = format!("The likelihood has no maximum: {named} goes to nothing");
    (!names.is_empty()).then_some(Warning { severity: Severity::Serious, title, text })
}
