//! The folder of a report on thresholds.

use super::document::{Case, End, Row, Spread, ThresholdReport};
use super::{page, pictures};
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::plot::Layout;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &ThresholdReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "threshold", || render(report))
}

fn render(report: &ThresholdReport) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("thresholds.csv".to_string(), thresholds(report)?),
    ];
    files.extend(pictures::densities(report).map(|figure| ("thresholds.svg".into(), figure.standalone(Layout::WIDE))));
    Ok(files)
}

fn thresholds(report: &ThresholdReport) -> Result<String> {
    let mut header = vec!["curve", "reading", "quantity", "name", "unit"];
    header.extend(["lower_95", "median", "upper_95", "median_mcse", "below", "above", "never", "draws", "unknown"]);
    header.extend(["prior_lower_95", "prior_median", "prior_upper_95", "prior_below", "prior_above", "prior_never"]);
    header.extend(["interval_from", "note", "definition"]);
    let row = |(case, row): (&Case, &Row)| {
        let mut cells =
            vec![case.label.clone(), case.reading.clone(), row.key.clone(), row.quantity.clone(), row.unit.clone()];
        let ends = |s: &Spread| [s.lower, s.median, s.upper].map(end).to_vec();
        let shares = |s: &Spread| [s.below, s.above, s.never].map(number).to_vec();
        let of = |spread: &Option<Spread>, cells: &dyn Fn(&Spread) -> Vec<String>| {
            spread.as_ref().map_or_else(|| vec![String::new(); cells(&Spread::default()).len()], cells)
        };
        cells.extend(of(&row.posterior, &|s| {
            let counts = vec![s.draws.to_string(), s.unknown.to_string()];
            [ends(s), vec![optional(s.error)], shares(s), counts].concat()
        }));
        cells.extend(of(&row.prior, &|s| [ends(s), shares(s)].concat()));
        let from = if row.posterior.is_some() || row.prior.is_some() { "quantiles of draws" } else { "" };
        cells.extend([from.into(), row.note.clone(), row.definition.clone()]);
        cells
    };
    table(&header, report.cases.iter().flat_map(|case| case.rows.iter().map(move |r| (case, r))).map(row))
}

/// A number, or what there is in its place: "<0.5", ">10", "never".
fn end(end: End) -> String {
    match end {
        End::Value { value } => number(value),
        End::Below { limit } => format!("<{}", number(limit)),
        End::Above { limit } => format!(">{}", number(limit)),
        End::Never => "never".into(),
        End::Absent => "none".into(),
    }
}
