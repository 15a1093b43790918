//! Everything that a report on two curves, studies or models beside one another shows, as plain data.

use crate::report::document::{RunFacts, Warning};
use crate::report::thresholds::{Group, Spread};
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub struct CompareReport {
    pub title: String,
    /// Set if data of either side were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    pub pairs: Vec<Pair>,
    /// The studies as models of the same data; empty where the data differ.
    pub models: Vec<Model>,
    /// Why there is no such table, or what it lacks.
    pub models_note: String,
    pub run: RunFacts,
}

/// Two curves beside one another.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pair {
    pub sides: [Side; 2],
    pub comparable: bool,
    /// What has to agree and does not, or is not stated.
    pub missing: Vec<String>,
    /// The experiment that would make them comparable.
    pub settles: String,
    pub rows: Vec<PairRow>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Side {
    pub study: String,
    pub label: String,
    pub model: String,
    pub line: String,
    pub medium: String,
    pub assay: String,
    pub reading: String,
}

/// One quantity on both sides, in one unit.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PairRow {
    pub key: String,
    pub group: Group,
    pub quantity: String,
    pub unit: String,
    /// `None` where the data of that side cannot answer.
    pub posterior: [Option<Spread>; 2],
    pub prior: [Option<Spread>; 2],
    /// Of the first beside the second; only where the two are comparable.
    pub order: Option<Odds>,
    pub prior_order: Option<Odds>,
}

/// Probabilities that the first is smaller, larger, or that it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Odds {
    pub less: f64,
    pub greater: f64,
    pub open: f64,
}

/// A study as a model of data that others model too.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Model {
    pub study: String,
    pub model: String,
    pub parameters: usize,
    /// Negative log-likelihood at the optimum.
    pub nllh: Option<f64>,
    pub aic: Option<f64>,
    pub bic: Option<f64>,
    /// Log evidence and its Monte Carlo error.
    pub evidence: Option<(f64, f64)>,
    /// The sum, over experiments, of the negative log-likelihood of one experiment under the fit to the others.
    pub left_out: Option<f64>,
}
