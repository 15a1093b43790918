//! The folder of a report on draws.

use super::cmdstan::{Chain, file};
use super::document::{DrawsReport, Marginal};
use super::{corner, modes, page, parquet, pictures};
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
pub fn write(report: &DrawsReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "sample", || render(report))
}

fn render(report: &DrawsReport) -> Result<Vec<(String, Vec<u8>)>> {
    let chains: Vec<Chain> = (0..report.chains.len()).map(|chain| of(report, chain)).collect();
    let names = || report.parameters.iter().map(|parameter| parameter.name.as_str());
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        summary(report)?,
        ("parameters.csv".to_string(), parameters(report)?),
        ("modes.csv".to_string(), modes::csv(&report.modes)?),
    ];
    if report.modes.len() > 1 {
        files.push(("mode-of-draws.csv".into(), modes::of_draws(&report.of_modes)?));
    }
    files.extend(chains.iter().enumerate().map(|(at, chain)| (file(at), chain.table(names()))));
    for (at, marginal) in report.parameters.iter().enumerate().take(page::MOST) {
        files.push((format!("marginal-{}.svg", at + 1), pictures::marginal(marginal).standalone(Layout::WIDE)));
    }
    files.push(("corner.svg".into(), corner::standalone(report)));
    let mut files: Vec<_> = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    if report.parquet {
        files.push((parquet::FILE.into(), parquet::table(&chains, names())?));
    }
    Ok(files)
}

fn of(report: &DrawsReport, chain: usize) -> Chain<'_> {
    Chain {
        version: &report.run.version,
        title: &report.title,
        method: &report.facts.method,
        seed: report.run.seed,
        id: chain + 1,
        draws: &report.chains[chain],
        densities: &report.densities[chain],
    }
}

fn parameters(report: &DrawsReport) -> Result<String> {
    let header = [
        "parameter",
        "unit",
        "mean",
        "sd",
        "median",
        "median_mcse",
        "lower_95",
        "lower_95_mcse",
        "upper_95",
        "upper_95_mcse",
        "interval_from",
        "prior",
        "prior_lower_95",
        "prior_upper_95",
        "shrinkage",
        "rhat",
        "ess_bulk",
        "ess_tail",
        "converged",
        "source",
    ];
    let row = |m: &Marginal| {
        vec![
            m.name.clone(),
            m.unit.clone(),
            optional(m.mean),
            optional(m.sd),
            optional(m.median),
            optional(m.median_error),
            number(m.interval.0),
            number(m.interval_errors.0),
            number(m.interval.1),
            number(m.interval_errors.1),
            "quantiles of draws".into(),
            m.prior.clone(),
            number(m.prior_interval.0),
            number(m.prior_interval.1),
            number(m.shrinkage),
            optional(m.rhat),
            optional(m.bulk_ess),
            optional(m.tail_ess),
            m.converged.to_string(),
            m.source.clone(),
        ]
    };
    table(&header, report.parameters.iter().map(row))
}
