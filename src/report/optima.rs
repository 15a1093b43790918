//! Several optima of one objective, as a report lists them.

use super::folder::{optional, table};
use super::number::{number, shown};
use crate::Result;
use serde::Serialize;

/// A place that explains the data as well as the best, by half a 95 % quantile, and from which no path that does leads to
/// another of the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Optimum {
    /// From 1, the best first.
    pub number: usize,
    pub objective: f64,
    pub above_best: f64,
    /// Starts that ended there; 0 for one that a path of a profile came from.
    pub starts: usize,
    /// The same as a part of all starts that were refined.
    pub share: f64,
    /// Estimated parameters.
    pub values: Vec<OptimumValue>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OptimumValue {
    pub parameter: String,
    pub value: f64,
    pub unit: String,
    /// 95 % about this optimum alone, by its standard error.
    pub interval: Option<(f64, f64)>,
    /// Whether it differs between the optima by more than its error.
    pub differs: bool,
}

impl Optimum {
    /// "57 of 100 starts" by its share alone: who lists it need not know of how many.
    pub fn ended(&self) -> String {
        match self.starts {
            0 => "met on the way".into(),
            1 => format!("1 start, {:.0} %", 100.0 * self.share),
            many => format!("{many} starts, {:.0} %", 100.0 * self.share),
        }
    }

    /// What tells it from the others: "ka 1.18 1/h, V 8.1 L"; all values where none differs.
    pub fn told(&self) -> String {
        let any = self.values.iter().any(|value| value.differs);
        let text = |v: &OptimumValue| format!("{} {} {}", v.parameter, shown(v.value), v.unit).trim_end().to_string();
        let told: Vec<String> = self.values.iter().filter(|v| v.differs || !any).map(text).collect();
        told.join(", ")
    }
}

/// The list as lines for a terminal, if there are several.
pub fn lines(optima: &[Optimum]) -> String {
    const MOST: usize = 8;
    if optima.len() < 2 {
        return String::new();
    }
    let mut text = format!("\n{} optima explain the data alike:\n", optima.len());
    for optimum in optima.iter().take(MOST) {
        let Optimum { number, objective, .. } = optimum;
        text += &format!("  {number}: objective {objective:.4} ({}): {}\n", optimum.ended(), optimum.told());
    }
    if optima.len() > MOST {
        text += &format!("  … and {} more in optima.csv\n", optima.len() - MOST);
    }
    text + "\n"
}

/// A row for each parameter at each optimum.
pub fn csv(optima: &[Optimum]) -> Result<String> {
    let header = [
        "optimum",
        "objective",
        "above_best",
        "starts",
        "share",
        "parameter",
        "value",
        "unit",
        "differs",
        "lower_95",
        "upper_95",
        "interval_from",
    ];
    let rows = optima.iter().flat_map(|optimum| {
        optimum.values.iter().map(|value| {
            let (low, high) = value.interval.unzip();
            vec![
                optimum.number.to_string(),
                number(optimum.objective),
                number(optimum.above_best),
                optimum.starts.to_string(),
                number(optimum.share),
                value.parameter.clone(),
                number(value.value),
                value.unit.clone(),
                if value.differs { "yes" } else { "no" }.into(),
                optional(low),
                optional(high),
                if low.is_some() { "standard error".into() } else { String::new() },
            ]
        })
    });
    table(&header, rows)
}
