//! Where the numbers of the embedded models come from: one row for each parameter, with its prior, its source and how far
//! it can be trusted.

use super::embedded;
use crate::{Diagnostic, Result};
use serde::{Deserialize, Serialize};

/// One parameter of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub name: String,
    pub value: f64,
    pub unit: String,
    /// `stated`, `derived`, `contested`, `assumed`, `calibrated`; or what needs no evidence: `input`, `definition`, `switch`.
    pub status: String,
    /// `log-normal` or `logit-normal`; empty without one.
    pub prior: String,
    pub median: Option<f64>,
    /// Of the natural logarithm, or of the logit.
    pub sd: Option<f64>,
    pub source: String,
    pub meaning: String,
}

impl Evidence {
    /// Those of the parameters of an embedded model, in the order of its table; none for a model of another name.
    ///
    /// # Errors
    /// If the embedded files are at fault.
    pub fn of(model: &str) -> Result<Vec<Evidence>> {
        let (Some(file), Some(table)) = (embedded::model(model), embedded::evidence(model)) else {
            return Ok(Vec::new());
        };
        let system = crate::model::antimony::read(file.text, file.name)?.system()?;
        let rows = csv::Reader::from_reader(table.text.as_bytes()).into_deserialize::<Evidence>();
        let rows = rows.collect::<std::result::Result<Vec<_>, _>>();
        let rows = rows.map_err(|error| Diagnostic::new(format!("{}: {error}", table.name)))?;
        Ok(rows.into_iter().filter(|row| system.parameter(&row.name).is_some()).collect())
    }

    /// "log-normal 70, sd 0.7", or nothing.
    pub fn prior(&self) -> String {
        match (self.median, self.sd) {
            (Some(median), Some(sd)) => format!("{} {median}, sd {sd}", self.prior),
            _ => String::new(),
        }
    }
}
