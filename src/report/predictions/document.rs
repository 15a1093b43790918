//! Everything that a report on predictions shows, as plain data.

use crate::report::document::{Chart, RunFacts, Warning};
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub struct PredictReport {
    pub title: String,
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
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
