//! Everything that a report on sensitivities shows, as plain data.

use crate::inference::sensitivity::{Bounded, Indices};
use crate::report::document::{Headline, RunFacts, Warning};
use serde::Serialize;

/// Which parameters the outputs of a study depend on.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SensitivityReport {
    pub title: String,
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    /// Those that outputs depend on, in the order of every `of`.
    pub parameters: Vec<String>,
    /// Estimated parameters that no output depends on: noise, gains, shifts of experiments.
    pub uninvolved: Vec<String>,
    /// Each observable over all its readings, and each effective concentration.
    pub groups: Vec<Group>,
    pub outputs: Vec<Output>,
    pub facts: Facts,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    pub time_unit: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Group {
    pub title: String,
    /// What the numbers are of.
    pub note: String,
    pub of: Vec<Dependence>,
}

/// One number that a parameter vector determines.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Output {
    /// "reading" or "log10 EC50".
    pub kind: String,
    pub observable: String,
    pub condition: String,
    /// Of the compound with the most doses, where there is one.
    pub dose: Option<f64>,
    pub dose_unit: String,
    pub time: f64,
    /// At the study's own values, in f64.
    pub nominal: Option<f64>,
    /// Over the points.
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    /// Share of the points at which it is not defined.
    pub undefined: f64,
    pub of: Vec<Dependence>,
}

/// On one parameter.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dependence {
    pub parameter: String,
    pub sobol: Option<Indices>,
    /// Partial rank correlation.
    pub prcc: Option<Bounded>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Facts {
    /// "the priors", or the folder of draws.
    pub over: String,
    pub sobol: bool,
    /// Points that were simulated, rows of the base sample of Sobol indices, points of rank correlations.
    pub points: usize,
    pub rows: usize,
    pub ranked: usize,
    /// Points that could not be integrated.
    pub failed: usize,
}
