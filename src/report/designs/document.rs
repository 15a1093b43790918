//! Everything that a report on possible experiments shows, as plain data.

use crate::report::document::{RunFacts, Warning};
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub struct DesignReport {
    pub title: String,
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    /// What is to be narrowed, and how wide it is today: factor between the ends of its 95 % interval.
    pub quantity: String,
    pub definition: String,
    pub today: String,
    /// Wells of each reading.
    pub replicates: usize,
    /// The best first.
    pub experiments: Vec<Experiment>,
    /// The best one in a sentence.
    pub best: String,
    pub ensemble: String,
    pub draws: usize,
    pub run: RunFacts,
}

/// One experiment that could be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Experiment {
    pub condition: String,
    pub assay: String,
    /// "5 mM FAC"; of a paired experiment both series.
    pub doses: String,
    pub time: f64,
    pub time_unit: String,
    /// What is expected to be left of the quantity's standard deviation (on a logarithmic scale), 0 to 1.
    pub left: f64,
    /// For an order: the probability with which it will be known, on average.
    pub decided: Option<f64>,
    /// Draws behind the figure.
    pub effective: f64,
}
