//! The folder of a comparison.

use super::document::{CompareReport, Odds, Pair, PairRow};
use super::page;
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::thresholds::Spread;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &CompareReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "compare", || render(report))
}

fn render(report: &CompareReport) -> Result<Vec<(String, String)>> {
    Ok(vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("comparison.csv".to_string(), rows(report)?),
    ])
}

fn rows(report: &CompareReport) -> Result<String> {
    let header = [
        "first",
        "second",
        "comparable",
        "quantity",
        "name",
        "unit",
        "first_95",
        "second_95",
        "first_prior_95",
        "second_prior_95",
        "first_less",
        "first_greater",
        "open",
        "prior_first_less",
        "prior_first_greater",
        "prior_open",
    ];
    let row = |(pair, row): (&Pair, &PairRow)| {
        let spread = |spread: &Option<Spread>| spread.as_ref().map_or(String::new(), Spread::interval);
        let mut cells: Vec<String> = pair.sides.iter().map(|side| side.label.clone()).collect();
        cells.extend([pair.comparable.to_string(), row.key.clone(), row.quantity.clone(), row.unit.clone()]);
        cells.extend(row.posterior.iter().chain(&row.prior).map(spread));
        for odds in [row.order, row.prior_order] {
            let of = |part: fn(&Odds) -> f64| optional(odds.as_ref().map(part));
            cells.extend([of(|o| o.less), of(|o| o.greater), of(|o| o.open)]);
        }
        cells
    };
    table(&header, report.pairs.iter().flat_map(|pair| pair.rows.iter().map(move |r| (pair, r))).map(row))
}
