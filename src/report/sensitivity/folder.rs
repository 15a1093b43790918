//! The folder of a report on sensitivities.

use super::document::{Dependence, Output, SensitivityReport};
use super::page;
use crate::Result;
use crate::inference::sensitivity::Bounded;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &SensitivityReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "sensitivity", || {
        Ok(vec![
            ("report.html".to_string(), page::page(report)?),
            summary(report)?,
            ("indices.csv".to_string(), indices(report)?),
        ])
    })
}

/// One row for each output and parameter; summaries of observables have no condition, dose and time.
fn indices(report: &SensitivityReport) -> Result<String> {
    let header = [
        "kind",
        "observable",
        "condition",
        "dose",
        "dose_unit",
        "time",
        "parameter",
        "first_order",
        "first_order_lower_95",
        "first_order_upper_95",
        "total",
        "total_lower_95",
        "total_upper_95",
        "prcc",
        "prcc_lower_95",
        "prcc_upper_95",
        "interval_from",
    ];
    let row = |mut cells: Vec<String>, of: &Dependence| {
        cells.push(of.parameter.clone());
        let bounded = |b: Option<Bounded>| [b.map(|b| b.value), b.map(|b| b.lower), b.map(|b| b.upper)].map(optional);
        for of in [of.sobol.map(|s| s.first), of.sobol.map(|s| s.total), of.prcc] {
            cells.extend(bounded(of));
        }
        let made = [of.sobol.map(|_| "resampled rows (Sobol)"), of.prcc.map(|_| "Fisher's z (prcc)")];
        cells.push(made.into_iter().flatten().collect::<Vec<_>>().join("; "));
        cells
    };
    let output = |output: &Output| {
        let unit = if output.dose.is_some() { output.dose_unit.clone() } else { String::new() };
        let own =
            [output.kind.clone(), output.observable.clone(), output.condition.clone(), optional(output.dose), unit];
        own.into_iter().chain([number(output.time)]).collect::<Vec<String>>()
    };
    let single = report.outputs.iter().flat_map(|o| o.of.iter().map(move |of| row(output(o), of)));
    let mut summaries = Vec::new();
    for group in &report.groups {
        let own = ["summary".to_string(), group.title.clone()].into_iter().chain(vec![String::new(); 4]);
        let own: Vec<String> = own.collect();
        summaries.extend(group.of.iter().map(|of| row(own.clone(), of)));
    }
    table(&header, single.chain(summaries))
}
