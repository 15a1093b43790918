//! Separate modes of a posterior, as a report lists them.

use crate::Result;
use crate::report::folder::table;
use crate::report::number::{number, shown};
use serde::Serialize;

/// One of the modes: a place where draws gather, apart from others.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Mode {
    /// From 1, the heaviest first.
    pub number: usize,
    /// Share of the draws, and its standard error from the differences between chains.
    pub weight: f64,
    pub weight_error: f64,
    pub values: Vec<ModeValue>,
}

/// A parameter among the draws of one mode.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ModeValue {
    pub parameter: String,
    pub median: f64,
    pub interval: (f64, f64),
    pub unit: String,
    /// Whether the median of some mode lies outside the interval of another.
    pub differs: bool,
}

impl ModeValue {
    /// Whether a value lies within its interval.
    pub fn holds(&self, value: f64) -> bool {
        (self.interval.0..=self.interval.1).contains(&value)
    }
}

impl Mode {
    pub fn share(&self) -> String {
        format!("{:.0} % of the draws, ± {:.0}", 100.0 * self.weight, 100.0 * self.weight_error)
    }

    /// What tells it from the others: "ka 1.18 1/h, V 8.1 L"; all values where none differs.
    pub fn told(&self) -> String {
        let any = self.values.iter().any(|value| value.differs);
        let unit = |unit: &str| if unit == "dimensionless" { String::new() } else { unit.to_string() };
        let text =
            |v: &ModeValue| format!("{} {} {}", v.parameter, shown(v.median), unit(&v.unit)).trim_end().to_string();
        let told: Vec<String> = self.values.iter().filter(|v| v.differs || !any).map(text).collect();
        told.join(", ")
    }
}

/// The list as lines for a terminal, if there are several.
pub fn lines(modes: &[Mode]) -> String {
    if modes.len() < 2 {
        return String::new();
    }
    let line = |mode: &Mode| format!("  {}: {} (medians within it): {}\n", mode.number, mode.share(), mode.told());
    format!("{} separate modes:\n{}\n", modes.len(), modes.iter().map(line).collect::<String>())
}

/// A row for each parameter in each mode.
pub fn csv(modes: &[Mode]) -> Result<String> {
    let header = [
        "mode",
        "weight",
        "weight_error",
        "parameter",
        "median",
        "lower_95",
        "upper_95",
        "interval_from",
        "unit",
        "differs",
    ];
    let rows = modes.iter().flat_map(|mode| {
        mode.values.iter().map(|value| {
            vec![
                mode.number.to_string(),
                number(mode.weight),
                number(mode.weight_error),
                value.parameter.clone(),
                number(value.median),
                number(value.interval.0),
                number(value.interval.1),
                "quantiles of draws".into(),
                value.unit.clone(),
                if value.differs { "yes" } else { "no" }.into(),
            ]
        })
    });
    table(&header, rows)
}

/// Which mode each draw belongs to.
pub fn of_draws(of: &[Vec<usize>]) -> Result<String> {
    let rows = of.iter().enumerate().flat_map(|(chain, draws)| {
        draws.iter().enumerate().map(move |(draw, mode)| [chain, draw, *mode].map(|n| (n + 1).to_string()).to_vec())
    });
    table(&["chain", "draw", "mode"], rows)
}
