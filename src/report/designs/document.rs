//! Everything that a report on possible experiments shows, as plain data.

use crate::report::document::{RunFacts, Warning};
use crate::report::shown;
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
    /// Of cells; empty where none is named.
    pub line: String,
    pub assay: String,
    /// "5 mM FAC", or a series; of a paired experiment both series.
    pub doses: String,
    /// Every dose is read at each of them; ascending.
    pub times: Vec<f64>,
    pub time_unit: String,
    /// All of them, without vehicle controls: each dose at each time has its own.
    pub wells: usize,
    /// What is expected to be left of the quantity's standard deviation (on a logarithmic scale), 0 to 1.
    pub left: f64,
    /// Its standard error from the number of draws.
    pub error: f64,
    /// For an order: the probability with which it will be known, on average.
    pub decided: Option<f64>,
    /// Draws behind the figure.
    pub effective: f64,
}

impl Experiment {
    /// When it is read: "24 h", or "6 to 96 h, 8 times".
    pub fn read(&self) -> String {
        match self.times[..] {
            [one] => format!("{} {}", shown(one), self.time_unit),
            [first, .., last] => {
                format!("{} to {} {}, {} times", shown(first), shown(last), self.time_unit, self.times.len())
            }
            [] => String::new(),
        }
    }
}

impl DesignReport {
    /// The best `most`, and the best one of each number of wells that none of those takes.
    pub fn foremost(&self, most: usize) -> impl Iterator<Item = &Experiment> {
        let best_of_its_size = |at: usize| self.experiments[..at].iter().all(|e| e.wells != self.experiments[at].wells);
        let shown = move |at: &usize| *at < most || best_of_its_size(*at);
        (0..self.experiments.len()).filter(shown).map(|at| &self.experiments[at])
    }
}
