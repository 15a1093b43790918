//! The folder of a report on predictions.

use super::document::PredictReport;
use super::page;
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::pictures;
use crate::report::plot::Layout;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &PredictReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "predict", || render(report))
}

fn render(report: &PredictReport) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("predictions.csv".to_string(), predictions(report)?),
    ];
    for (at, chart) in report.asked.iter().chain(&report.data).enumerate() {
        files.push((format!("prediction-{}.svg", at + 1), pictures::chart(chart).standalone(Layout::WIDE)));
    }
    Ok(files)
}

/// One point of a curve a row.
fn predictions(report: &PredictReport) -> Result<String> {
    let header = ["picture", "curve", "over", "unit", "at", "median", "lower_95", "upper_95", "interval_from"];
    let rows = report.asked.iter().chain(&report.data).flat_map(|chart| {
        chart.series.iter().flat_map(move |series| {
            series.curve.iter().map(move |point| {
                vec![
                    chart.title.clone(),
                    series.label.clone(),
                    chart.x_label.clone(),
                    chart.x_unit.clone(),
                    number(point.x),
                    number(point.value),
                    optional(point.band.map(|band| band.0)),
                    optional(point.band.map(|band| band.1)),
                    point.band.map_or(String::new(), |_| "quantiles of draws".into()),
                ]
            })
        })
    });
    // What was asked for and has no answer is a row too.
    let failed = report.lost.iter().filter(|lost| lost.failed).map(|lost| {
        let none = String::new;
        let (picture, curve) = (lost.picture.clone(), lost.curve.clone());
        vec![picture, curve, none(), none(), none(), "failed".into(), none(), none(), none()]
    });
    table(&header, rows.chain(failed))
}
