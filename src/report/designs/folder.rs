//! The folder of a report on possible experiments.

use super::document::{DesignReport, Experiment};
use super::page;
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &DesignReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "design", || render(report))
}

fn render(report: &DesignReport) -> Result<Vec<(String, String)>> {
    let header = [
        "condition",
        "line",
        "assay",
        "doses",
        "times",
        "time_unit",
        "wells",
        "sd_left",
        "sd_left_error",
        "order_known",
        "effective_draws",
    ];
    let row = |e: &Experiment| {
        let times = e.times.iter().map(|&time| number(time)).collect::<Vec<_>>().join(" ");
        let words = [e.condition.clone(), e.line.clone(), e.assay.clone(), e.doses.clone(), times, e.time_unit.clone()];
        let figures = [e.wells.to_string(), number(e.left), number(e.error), optional(e.decided), number(e.effective)];
        words.into_iter().chain(figures).collect::<Vec<String>>()
    };
    Ok(vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("experiments.csv".to_string(), table(&header, report.experiments.iter().map(row))?),
    ])
}
