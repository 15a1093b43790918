//! Everything that a report on predictions shows, as plain data.

use crate::report::document::{Chart, RunFacts, Warning};
use serde::Serialize;

/// Draws that could not be integrated.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LostDraws {
    pub picture: String,
    pub curve: String,
    pub draws: usize,
    pub of: usize,
    /// Too few are left for a band: there is no answer.
    pub failed: bool,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct PredictReport {
    pub title: String,
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    /// Curves for which draws could not be integrated, with how many of how many; none of the curve is left where `failed`.
    pub lost: Vec<LostDraws>,
    /// What was asked for beyond the data.
    pub asked: Vec<Chart>,
    /// Bands over the data.
    pub data: Vec<Chart>,
    /// Where the draws come from.
    pub ensemble: String,
    pub draws: usize,
    pub run: RunFacts,
    pub references: Vec<String>,
}
