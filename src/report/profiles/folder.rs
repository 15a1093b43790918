//! The folder of a report on profiles.

use super::document::{Profiled, ProfilesReport};
use super::{page, pictures};
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::optima;
use crate::report::plot::Layout;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &ProfilesReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "profile", || render(report))
}

fn render(report: &ProfilesReport) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("parameters.csv".to_string(), parameters(report)?),
        ("profiles.csv".to_string(), points(report)?),
        ("optima.csv".to_string(), optima::csv(&report.optima)?),
    ];
    for (at, profiled) in report.parameters.iter().enumerate() {
        files.push((format!("profile-{}.svg", at + 1), pictures::profile(profiled).standalone(Layout::WIDE)));
        if let Some(figure) = pictures::paths(report, profiled) {
            files.push((format!("paths-{}.svg", at + 1), figure.standalone(Layout::WIDE)));
        }
    }
    Ok(files)
}

fn points(report: &ProfilesReport) -> Result<String> {
    let own = ["parameter", "value", "objective", "delta", "nllh", "optimised"];
    let header: Vec<&str> = own.into_iter().chain(report.names.iter().map(String::as_str)).collect();
    let rows = report.parameters.iter().flat_map(|profiled| {
        profiled.points.iter().map(|point| {
            let mut row = vec![profiled.name.clone()];
            row.extend([point.own, point.objective, point.delta, point.nllh].map(number));
            row.push(point.optimised.to_string());
            row.extend(point.values.iter().copied().map(number));
            row
        })
    });
    table(&header, rows)
}

fn parameters(report: &ProfilesReport) -> Result<String> {
    let header = [
        "parameter",
        "value",
        "unit",
        "scale",
        "label",
        "lower_95",
        "upper_95",
        "interval",
        "lower_end",
        "upper_end",
        "lower_bound",
        "upper_bound",
        "standard_error",
        "no_standard_error",
        "prior",
        "prior_lower_95",
        "prior_upper_95",
        "shrinkage",
        "points_not_optimised",
        "source",
    ];
    let row = |p: &Profiled| {
        vec![
            p.name.clone(),
            number(p.value),
            p.unit.clone(),
            p.scale.clone(),
            p.label.clone(),
            optional(p.lower),
            optional(p.upper),
            p.known.clone(),
            p.ends[0].clone(),
            p.ends[1].clone(),
            number(p.bounds.0),
            number(p.bounds.1),
            optional(p.standard_error),
            p.no_wald.clone(),
            p.prior.clone(),
            number(p.prior_interval.0),
            number(p.prior_interval.1),
            optional(p.shrinkage),
            p.unsettled.to_string(),
            p.source.clone(),
        ]
    };
    table(&header, report.parameters.iter().map(row))
}
