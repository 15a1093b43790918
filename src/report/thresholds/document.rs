//! Everything that a report on thresholds shows, as plain data.

use crate::report::document::{Headline, RunFacts, Warning};
use crate::report::number::shown;
use serde::Serialize;

/// Thresholds and kinetics as distributions, ready to be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ThresholdReport {
    pub title: String,
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    pub cases: Vec<Case>,
    /// Where the draws come from.
    pub ensemble: String,
    pub draws: usize,
    pub prior_draws: usize,
    pub time_unit: String,
    /// The unit of doses in [`Case::density`].
    pub dose_unit: String,
    pub run: RunFacts,
    pub methods: String,
    pub references: Vec<String>,
}

/// A curve over dose and what is known about it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Case {
    /// "FAC", "CuCl2, SLC31A1".
    pub label: String,
    pub compound: String,
    pub unit: String,
    /// "relative viability at 48 h".
    pub reading: String,
    /// The doses looked at, in `unit`.
    pub range: (f64, f64),
    pub rows: Vec<Row>,
    /// Densities of the benchmark dose per decade, over doses in [`ThresholdReport::dose_unit`]; for the page alone.
    #[serde(skip)]
    pub density: Vec<(f64, f64)>,
    #[serde(skip)]
    pub prior_density: Vec<(f64, f64)>,
}

/// One quantity.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// A word to ask for it by: "benchmark-dose".
    pub key: String,
    pub group: Group,
    pub quantity: String,
    pub definition: String,
    pub unit: String,
    /// `None` where the data cannot answer; `note` says why.
    pub posterior: Option<Spread>,
    pub prior: Option<Spread>,
    /// Probabilities that it lies between two readings.
    pub frames: Vec<Frame>,
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    #[default]
    Dose,
    Metal,
    Onset,
    Rate,
}

/// A distribution over draws.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Draws that answered.
    pub draws: usize,
    /// Draws that could not be integrated or have no such quantity.
    pub unknown: usize,
    /// Shares of the draws that answered: with a number, below and above what was looked at, never or without such a thing.
    pub reached: f64,
    pub below: f64,
    pub above: f64,
    pub never: f64,
    pub lower: End,
    pub median: End,
    pub upper: End,
    /// Monte Carlo error of the median.
    pub error: Option<f64>,
}

/// One end of an interval, which may lie outside of what was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum End {
    Value {
        value: f64,
    },
    Below {
        limit: f64,
    },
    Above {
        limit: f64,
    },
    #[default]
    Never,
    /// There is no such thing.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Frame {
    pub from: f64,
    pub until: f64,
    pub posterior: f64,
    pub prior: f64,
}

impl End {
    pub fn value(self) -> Option<f64> {
        if let End::Value { value } = self { Some(value) } else { None }
    }

    /// "3.1", "< 0.5", "> 10", "never".
    pub fn text(self) -> String {
        match self {
            End::Value { value } => shown(value),
            End::Below { limit } => format!("< {}", shown(limit)),
            End::Above { limit } => format!("> {}", shown(limit)),
            End::Never => "never".into(),
            End::Absent => "none".into(),
        }
    }
}

impl Spread {
    /// The middle 95 %: "2.1 to 4.5", "2.1 to > 5", "> 5".
    pub fn interval(&self) -> String {
        match (self.lower, self.upper) {
            (lower, upper) if lower == upper && lower.value().is_none() => lower.text(),
            (lower, upper) => format!("{} to {}", lower.text(), upper.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_say_where_they_are_open() {
        let of = |lower, upper| Spread { lower, upper, ..Spread::default() }.interval();
        let (two, five) = (End::Value { value: 2.0 }, End::Above { limit: 5.0 });
        assert_eq!(of(two, End::Value { value: 4.5 }), "2 to 4.5");
        assert_eq!(of(two, five), "2 to > 5");
        assert_eq!(of(five, five), "> 5");
        assert_eq!(of(End::Below { limit: 0.1 }, End::Never), "< 0.1 to never");
    }
}
