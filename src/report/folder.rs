//! The output folder: written beside its place and moved there when it is complete.

use super::document::{Chart, Document, ParameterResult, Side};
use super::number::number;
use super::plot::{Figure, Layout};
use super::{html, optima, pictures};
use crate::files::{Standing, WholeFolder, may_write};
use crate::{Error, Result};
use serde::Serialize;
use std::io;
use std::path::Path;

/// Writes the report of `document` as the folder `path`, and gives back the names of its files. An earlier report of a
/// fit is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed. A process killed at the wrong moment leaves
/// work for [`crate::files::recover`].
pub fn write(document: &Document, path: &Path) -> Result<Vec<String>> {
    whole(path, "fit", || render(document))
}

/// The file in which a report stands as one JSON document.
pub(super) fn summary(report: &impl Serialize) -> Result<(String, String)> {
    let unwritable = |error| Error::Run(format!("cannot write the summary: {error}"));
    Ok(("summary.json".into(), serde_json::to_string_pretty(report).map_err(unwritable)? + "\n"))
}

/// Writes what `render` gives as the folder `path`, whole or not at all.
pub(super) fn whole<C: AsRef<[u8]>>(
    path: &Path,
    report: &str,
    render: impl FnOnce() -> Result<Vec<(String, C)>>,
) -> Result<Vec<String>> {
    let fault = |source| Error::file(path, source);
    free(path, report).map_err(fault)?;
    let files = render()?;
    put(path, report, &files).map_err(fault)?;
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn put<C: AsRef<[u8]>>(path: &Path, report: &str, files: &[(String, C)]) -> io::Result<()> {
    let mut folder = WholeFolder::create(path, Some(report))?;
    files.iter().try_for_each(|(name, content)| folder.write(name, content.as_ref()))?;
    folder.finish()
}

/// Whether the report of the command `report` may be written as the folder `path`: told before hours of work and not after
/// them, by doing on a small scale what the last step will do. Gives back the files that stand there and will stay.
///
/// # Errors
/// [`Error::File`] if the place cannot be written to, or holds something that is no report of that command.
pub fn writable(path: &Path, report: &str) -> Result<Vec<String>> {
    let fault = |source| Error::file(path, source);
    let stay = free(path, report).map_err(fault)?;
    // Made, tried and dropped again.
    WholeFolder::create(path, Some(report)).and_then(|mut folder| folder.try_out()).map_err(fault)?;
    Ok(stay)
}

fn free(path: &Path, report: &str) -> io::Result<Vec<String>> {
    let message = match may_write(path, report)? {
        Standing::Free(stay) => return Ok(stay),
        Standing::Taken => "it is there already and is no fenton report; choose another name with --output".to_string(),
        Standing::Other(other) => {
            format!("it is the report of 'fenton {other}'; choose another name with --output, or remove it first")
        }
    };
    Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
}

/// Every file by name.
fn render(document: &Document) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("report.html".to_string(), html::page(document)?),
        summary(document)?,
        ("parameters.csv".to_string(), parameters(document)?),
        ("optima.csv".to_string(), optima::csv(&document.optima)?),
        ("starts.csv".to_string(), starts(document)?),
        ("predictions.csv".to_string(), predictions(document)?),
        ("simulations.csv".to_string(), simulations(document)?),
    ];
    let mut picture = |name: String, figure: &Figure| files.push((name, figure.standalone(Layout::WIDE)));
    for (kind, charts) in [("dose-response", &document.dose_responses), ("time-course", &document.time_courses)] {
        for (at, chart) in charts.iter().enumerate() {
            picture(format!("{kind}-{}.svg", at + 1), &pictures::chart(chart));
        }
    }
    if let Some(figure) = pictures::residuals(document) {
        picture("residuals.svg".into(), &figure);
    }
    if let Some(figure) = pictures::waterfall(document) {
        picture("waterfall.svg".into(), &figure);
    }
    Ok(files)
}

/// A table as CSV text.
pub(super) fn table(header: &[impl AsRef<[u8]>], rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let fault = |error: csv::Error| Error::Run(format!("cannot write a table: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(fault)?;
    for row in rows {
        writer.write_record(row).map_err(fault)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Run(format!("cannot write a table: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

fn parameters(document: &Document) -> Result<String> {
    let pair = |pair: Option<(f64, f64)>| [optional(pair.map(|p| p.0)), optional(pair.map(|p| p.1))];
    let row = |p: &ParameterResult| {
        let [low, high] = pair(p.interval);
        let [lower, upper] = pair(p.bounds);
        let [prior_low, prior_high] = pair(p.prior_interval);
        let [result_low, result_high] = pair(p.result_interval);
        let at_bound = match p.at_bound {
            Some(Side::Lower) => "lower",
            Some(Side::Upper) => "upper",
            None => "",
        };
        vec![
            p.name.clone(),
            number(p.value),
            p.unit.clone(),
            p.scale.clone(),
            p.verdict.clone(),
            optional(p.standard_error),
            low,
            high,
            p.interval_from.clone(),
            lower,
            upper,
            at_bound.into(),
            p.prior.clone().unwrap_or_default(),
            prior_low,
            prior_high,
            result_low,
            result_high,
            optional(p.shrinkage),
            p.source.clone(),
        ]
    };
    let header = [
        "parameter",
        "value",
        "unit",
        "scale",
        "verdict",
        "standard_error",
        "lower_95",
        "upper_95",
        "interval_from",
        "lower_bound",
        "upper_bound",
        "at_bound",
        "prior",
        "prior_lower_95",
        "prior_upper_95",
        "result_lower_95",
        "result_upper_95",
        "shrinkage",
        "source",
    ];
    table(&header, document.parameters.iter().map(row))
}

fn starts(document: &Document) -> Result<String> {
    let names = document.parameters.iter().filter(|p| p.estimated).map(|p| p.name.as_str());
    let header: Vec<&str> = ["start", "objective", "iterations", "stopped"].into_iter().chain(names).collect();
    let width = header.len();
    table(
        &header,
        document.starts.list.iter().map(|start| {
            let mut row = vec![
                start.number.to_string(),
                optional(start.objective),
                start.iterations.to_string(),
                start.stopped.clone(),
            ];
            row.extend(start.parameters.iter().copied().map(number));
            row.resize(width, String::new());
            row
        }),
    )
}

fn predictions(document: &Document) -> Result<String> {
    let header = [
        "condition",
        "observable",
        "dose",
        "time",
        "replicate",
        "measured",
        "lower",
        "upper",
        // Nothing is fitted to statements in words: there it is the median of what they leave.
        if document.statements.is_some() { "median" } else { "fitted" },
        "sd",
        "residual",
    ];
    table(
        &header,
        document.predictions.iter().map(|p| {
            vec![
                p.condition.clone(),
                p.observable.clone(),
                optional(p.dose),
                number(p.time),
                p.replicate.clone(),
                optional(p.measured),
                optional(p.lower),
                optional(p.upper),
                optional(p.fitted.or(p.median)),
                number(p.sd),
                optional(p.residual),
            ]
        }),
    )
}

/// How bands and the intervals of effective concentrations were made: no profile is followed for them.
pub(super) fn band_from(document: &Document) -> &'static str {
    if document.statements.is_some() { "quantiles of weighted draws" } else { "standard errors, by draws" }
}

fn simulations(document: &Document) -> Result<String> {
    let from = band_from(document);
    let rows = |chart: &Chart| {
        let mut rows = Vec::new();
        for series in &chart.series {
            for point in &series.curve {
                let (low, high) = point.band.unzip();
                rows.push(vec![
                    chart.title.clone(),
                    series.label.clone(),
                    chart.x_label.clone(),
                    number(point.x),
                    chart.x_unit.clone(),
                    chart.y_label.clone(),
                    number(point.value),
                    optional(low),
                    optional(high),
                    if low.is_some() { from.into() } else { String::new() },
                ]);
            }
        }
        rows
    };
    let header = ["picture", "series", "x_name", "x", "x_unit", "y_name", "y", "lower_95", "upper_95", "interval_from"];
    table(&header, document.dose_responses.iter().chain(&document.time_courses).flat_map(rows))
}
