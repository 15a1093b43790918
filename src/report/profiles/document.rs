//! Everything that a report on profiles shows, as plain data.

use crate::report::document::{Edge, Headline, RunFacts, Warning};
use crate::report::optima::Optimum;
use serde::Serialize;

/// Profiles of a study, ready to be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProfilesReport {
    pub title: String,
    /// What was measured and where it comes from, in the study's own words.
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    /// Where failures decide; the first warning is about them then.
    pub failures_decide: Vec<Edge>,
    /// Errors that the readings let go to nothing: the likelihood has no maximum, and what is found is no result.
    pub no_maximum: Vec<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    /// All paths came to an end of their own.
    pub complete: bool,
    /// "posterior" (likelihood and priors) or "likelihood".
    pub of: String,
    /// The objective at the optimum.
    pub objective: f64,
    /// What every interval holds for.
    pub scope: String,
    /// Those that were followed.
    pub parameters: Vec<Profiled>,
    /// What the data do not determine, in words.
    pub ties: Vec<String>,
    /// The best first; more than one where the data do not say which.
    pub optima: Vec<Optimum>,
    /// Optima that were left, and the better ones that profiles led to.
    pub better: Vec<(f64, f64)>,
    pub facts: Facts,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    /// All estimated parameters, as the values of the points go.
    pub names: Vec<String>,
    /// Of each of them, whether it is estimated on a logarithmic scale.
    #[serde(skip)]
    pub logarithmic: Vec<bool>,
    /// And their bounds.
    #[serde(skip)]
    pub bounds: Vec<(f64, f64)>,
}

/// One parameter and its profile.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Profiled {
    pub name: String,
    pub unit: String,
    /// "log10" or "lin".
    pub scale: String,
    /// At the optimum.
    pub value: f64,
    pub bounds: (f64, f64),
    /// "practically identifiable", "known from the prior", "one-sided", "not identifiable", "differs between optima", "undecided"
    /// or "not judged" (the likelihood has no maximum).
    pub label: String,
    /// What is known of it: "2.1 to 3.4", "at least 0.3", "anywhere within its bounds".
    pub known: String,
    /// Ends of the 95 % interval; none where the side is open.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// The interval in its pieces: from several optima it may have gaps. An end that is missing is open.
    pub pieces: Vec<[Option<f64>; 2]>,
    /// Why each side ended.
    pub ends: [String; 2],
    /// How far the objective rises to the ends of the interval.
    pub limit: f64,
    /// On the estimation scale; only where its interval agrees with the profile's.
    pub standard_error: Option<f64>,
    pub wald: Option<(f64, f64)>,
    /// Why there is no standard error.
    pub no_wald: String,
    pub prior: String,
    pub prior_interval: (f64, f64),
    /// 1 - (width of the interval / width of the prior's) on the scale of estimation; none without a prior.
    pub shrinkage: Option<f64>,
    /// Points that could not be optimised.
    pub unsettled: usize,
    pub source: String,
    /// From the lowest value of the parameter to the highest; in the table of points and not in the summary.
    #[serde(skip)]
    pub points: Vec<Point>,
    /// The parabola of the standard error, and minus the log of the prior: the parameter and the rise.
    #[serde(skip)]
    pub parabola: Vec<(f64, f64)>,
    #[serde(skip)]
    pub prior_curve: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Default)]
pub struct Point {
    /// The parameter whose profile it is.
    pub own: f64,
    /// All estimated parameters, in their units.
    pub values: Vec<f64>,
    pub objective: f64,
    /// Above the optimum.
    pub delta: f64,
    /// Negative log-likelihood without the priors.
    pub nllh: f64,
    /// Whether the other parameters are at their best.
    pub optimised: bool,
    /// Points of different stretches are not joined: between them the profile is higher than was followed.
    pub stretch: usize,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Facts {
    /// Where the paths began.
    pub optimum: String,
    pub points: usize,
    pub expansions: u64,
    /// Integrations; one with derivatives counts once.
    pub lanes: u64,
    /// Spent on the paths, without the fit.
    pub seconds: f64,
    pub lanes_per_second: f64,
    pub failed_points: u64,
    /// Cause and count of lanes that stayed failed.
    pub failures: Vec<(String, u64)>,
}
