//! The folder of a report on a bootstrap.

use super::document::{BootstrapReport, Interval, Row};
use super::page;
use crate::Result;
use crate::report::draws::cmdstan::Chain;
use crate::report::draws::parquet;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::plot::Layout;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &BootstrapReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "bootstrap", || render(report))
}

fn render(report: &BootstrapReport) -> Result<Vec<(String, Vec<u8>)>> {
    let chain = Chain {
        version: &report.run.version,
        title: &report.title,
        method: &format!("{} bootstrap", report.facts.kind),
        seed: report.run.seed,
        id: 1,
        draws: &report.draws,
        densities: &report.densities,
    };
    let names = || report.names.iter().map(String::as_str);
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("parameters.csv".to_string(), parameters(report)?),
        ("draws-1.csv".to_string(), chain.table(names())),
    ];
    for (at, row) in report.parameters.iter().enumerate().take(page::MOST) {
        files.push((format!("replicates-{}.svg", at + 1), page::histogram(row).standalone(Layout::WIDE)));
    }
    let mut files: Vec<_> = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    if report.parquet {
        files.push((parquet::FILE.into(), parquet::table(&[chain], names())?));
    }
    Ok(files)
}

fn parameters(report: &BootstrapReport) -> Result<String> {
    let header = [
        "parameter",
        "unit",
        "scale",
        "estimate",
        "sd",
        "sd_mcse",
        "bias_in_sd",
        "bias_mcse",
        "lower_95",
        "lower_95_mcse",
        "upper_95",
        "upper_95_mcse",
        "basis",
        "why",
        "percentile_lower_95",
        "percentile_upper_95",
        "bca_lower_95",
        "bca_upper_95",
        "likelihood_lower_95",
        "likelihood_upper_95",
        "width_ratio",
        "replicates",
        "at_bound",
        "prior",
        "source",
    ];
    let row = |row: &Row| {
        let end = |interval: Option<Interval>| [interval.map(|i| i.ends.0), interval.map(|i| i.ends.1)].map(optional);
        let error =
            |interval: Option<Interval>| [interval.map(|i| i.errors.0), interval.map(|i| i.errors.1)].map(optional);
        let ([low, high], [low_error, high_error]) = (end(row.interval), error(row.interval));
        let likelihood = row.likelihood_interval;
        let mut cells = vec![row.name.clone(), row.unit.clone(), row.scale.clone(), number(row.estimate)];
        cells.extend(
            [row.sd.map(|s| s.0), row.sd.map(|s| s.1), row.bias.map(|b| b.0), row.bias.map(|b| b.1)].map(optional),
        );
        cells.extend([low, low_error, high, high_error, row.basis.clone(), row.why.clone()]);
        cells.extend(end(row.percentile).into_iter().chain(end(row.bca)));
        cells.extend([likelihood.map(|i| i.0), likelihood.map(|i| i.1), row.ratio].map(optional));
        cells.extend([row.used.to_string(), row.at_bound.to_string(), row.prior.clone(), row.source.clone()]);
        cells
    };
    table(&header, report.parameters.iter().map(row))
}
