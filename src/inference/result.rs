//! What comes of a fit.

use super::{Edge, Method, Optima};
use crate::engine::Status;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Everything a report needs. On one engine the same study, settings and seed give the same bytes, `wall` aside.
#[derive(Debug, Clone)]
pub struct FitResult {
    pub method: Method,
    pub seed: u64,
    pub names: Vec<String>,
    /// The best point, on the estimation scale.
    pub point: Vec<f64>,
    /// Standard deviations between experiments that it is the best for; see [`super::Objective::spreads`].
    pub spreads: Vec<f64>,
    /// Its objective (negative log-posterior), in the precision of the report.
    pub value: f64,
    /// The refined starts, in the order of their numbers; for a swarm or CMA-ES their best points.
    pub starts: Vec<StartRecord>,
    /// The objective of each scored start, in order; the user's guess, where there is one, is the first.
    pub scores: Vec<f64>,
    /// Lanes that stayed failed in all evaluations, by cause.
    pub failures: Vec<(Status, u64)>,
    /// Points without a finite objective, among all that were evaluated.
    pub failed_points: u64,
    pub evaluations: u64,
    pub expansions: u64,
    pub identification: Identification,
    /// Where failures decide: at the estimate, or at ends of intervals.
    pub edges: Vec<Edge>,
    /// Places as good as the best; none where the fit was ended before they were compared.
    pub optima: Option<Optima>,
    /// For the BIC; see [`super::Objective::observations`].
    pub observations: Option<usize>,
    pub ended: Ended,
    /// Of all calls that led to this result.
    pub wall: Duration,
}

impl FitResult {
    /// Starts that could be scored at all.
    pub fn scored(&self) -> usize {
        self.scores.iter().filter(|score| score.is_finite()).count()
    }

    /// Refined starts that came to an end of their own.
    pub fn finished(&self) -> usize {
        self.starts.iter().filter(|start| !matches!(start.stop, Stop::Waiting | Stop::Interrupted)).count()
    }

    /// Refined starts that ended within `tolerance` of the best objective; 0.05 and 0.1 are customary.
    pub fn reached(&self, tolerance: f64) -> usize {
        self.starts.iter().filter(|start| start.last_value <= self.value + tolerance).count()
    }

    /// Whether there are several optima.
    pub fn several(&self) -> bool {
        self.optima.as_ref().is_some_and(Optima::several)
    }

    /// The number of estimated parameters, as AIC and BIC count them.
    pub fn estimated(&self) -> usize {
        self.names.len()
    }
}

/// How a fit came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    Complete,
    /// At the time limit: the best so far.
    Time,
    /// At the limit of evaluations: the best so far.
    Evaluations,
    /// From outside: the best so far.
    Interrupted,
}

/// One start and what became of it. Points are on the estimation scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartRecord {
    /// Its number among the scored.
    pub start: usize,
    pub first_point: Vec<f64>,
    #[serde(deserialize_with = "super::checkpoint::infinite")]
    pub first_value: f64,
    pub last_point: Vec<f64>,
    /// In the precision of the report once the search is over.
    #[serde(deserialize_with = "super::checkpoint::infinite")]
    pub last_value: f64,
    pub iterations: u32,
    pub stop: Stop,
    /// Dimensions in which it ended on a bound.
    pub at_bounds: Vec<usize>,
}

/// Why a start stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Not begun.
    Waiting,
    /// The model promises no more than the tolerance.
    Converged,
    /// Improved too little over many iterations.
    Stalled,
    /// No step was better, however short.
    NoDescent,
    /// No finite derivatives at its first point.
    NoDerivatives,
    /// The limit of iterations.
    Iterations,
    /// The fit was ended first.
    Interrupted,
}

impl Stop {
    pub fn describe(self) -> &'static str {
        match self {
            Stop::Waiting => "not begun",
            Stop::Converged => "converged",
            Stop::Stalled => "improved too little to go on",
            Stop::NoDescent => "found no better step",
            Stop::NoDerivatives => "had no finite derivatives",
            Stop::Iterations => "reached the limit of iterations",
            Stop::Interrupted => "was interrupted",
        }
    }
}

/// What the Fisher information at the optimum says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Identification {
    pub parameters: Vec<ParameterResult>,
    /// Ways to change the parameters that the data do not notice.
    pub directions: Vec<Direction>,
    /// Eigenvalues of the information on the unit box, without the parameters at bounds, ascending.
    pub eigenvalues: Vec<f64>,
}

/// One parameter at the optimum, on its estimation scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterResult {
    pub name: String,
    pub value: f64,
    pub verdict: Verdict,
    /// Only where the information at the optimum is that of an interval within the bounds.
    pub standard_error: Option<f64>,
    /// How many standard errors the interval reaches either way: 1.96, or more where few experiments differ.
    pub reach: f64,
    /// 95 %, within the bounds; a bound stands on a side that has no end. `None` where a side ends at failures.
    pub interval: Option<(f64, f64)>,
    /// The ends that are ends of the interval indeed.
    pub ends: [Option<f64>; 2],
    /// Other parameters at bounds on which an end rests: the interval is one for those bounds.
    pub leans: Vec<usize>,
    /// A side ends for the bounds of other parameters alone, which is no end.
    pub held: bool,
    /// What both ends of the interval rest on.
    pub basis: Basis,
    /// 1 - posterior / prior standard deviation, between 0 (nothing learnt) and 1; `None` at a bound.
    pub shrinkage: Option<f64>,
}

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The estimate and `reach` standard errors on its scale: the likelihood could not be followed to an end, or the fit
    /// was ended before.
    #[default]
    Normal,
    /// The profile likelihood: the objective rises by half the square of `reach` while the other parameters follow. A bound
    /// stands where it does not, or only because other parameters meet theirs on the way.
    Likelihood,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Practically identified, under this model and this noise: its interval has two ends within the bounds.
    Identified,
    /// Its interval has one end; the other is its bound.
    OneSided,
    /// Its interval is hardly narrower than its prior's: the prior determines it, not the data.
    Prior,
    NotIdentified,
    /// An end of its interval, or the estimate itself, stands where evaluations begin to fail: that end is not known.
    AtFailures,
    /// It has different values at several optima.
    Several,
    /// It ended on a bound, where the information says nothing about its error.
    AtBound,
}

/// A direction in which the objective is flat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Direction {
    /// Dimension and its change along the direction, on the estimation scale; the largest change is 1.
    pub changes: Vec<(usize, f64)>,
    pub text: String,
}

impl ParameterResult {
    /// An interval that ends on a bound is none that the data make: the verdict by the ends there are.
    pub(super) fn judge(&mut self) {
        if !matches!(self.verdict, Verdict::Identified | Verdict::OneSided) {
            return;
        }
        match self.ends {
            [Some(_), Some(_)] => self.verdict = Verdict::Identified,
            [None, None] => {
                self.verdict = Verdict::NotIdentified;
                (self.standard_error, self.interval) = (None, None);
            }
            _ => self.verdict = Verdict::OneSided,
        }
    }

    /// Failures decide where it lies: `ends` are what is known of it.
    pub(super) fn fails(&mut self, ends: [Option<f64>; 2]) {
        (self.verdict, self.ends) = (Verdict::AtFailures, ends);
        (self.standard_error, self.interval, self.shrinkage) = (None, None, None);
    }
}
