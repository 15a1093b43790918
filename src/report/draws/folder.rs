//! The folder of a report on draws. The draws are tables as CmdStan writes them, one a chain, which ArviZ, posterior and
//! their like read as they are.

use super::document::{DrawsReport, Marginal};
use super::{corner, page, pictures};
use crate::report::folder::{optional, table, whole};
use crate::report::number::number;
use crate::report::plot::Layout;
use crate::{Error, Result};
use std::fmt::Write;
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. A folder that is there already is
/// replaced if it is an earlier report; anything else is refused.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &DrawsReport, path: &Path) -> Result<Vec<String>> {
    whole(path, || render(report))
}

fn render(report: &DrawsReport) -> Result<Vec<(String, String)>> {
    let json = |error: serde_json::Error| Error::Run(format!("cannot write the summary: {error}"));
    let mut files = vec![
        ("report.html".to_string(), page::page(report)?),
        ("summary.json".to_string(), serde_json::to_string_pretty(report).map_err(json)? + "\n"),
        ("parameters.csv".to_string(), parameters(report)?),
    ];
    for chain in 0..report.chains.len() {
        files.push((format!("draws-{}.csv", chain + 1), draws(report, chain)));
    }
    for (at, marginal) in report.parameters.iter().enumerate().take(page::MOST) {
        files.push((format!("marginal-{}.svg", at + 1), pictures::marginal(marginal).standalone(Layout::WIDE)));
    }
    files.push(("corner.svg".into(), corner::standalone(report)));
    Ok(files)
}

/// One chain in the format of CmdStan.
fn draws(report: &DrawsReport, chain: usize) -> String {
    let (draws, densities) = (&report.chains[chain], &report.densities[chain]);
    let mut text = format!(
        "# fenton {}\n# model = {}\n# method = {}\n# num_samples = {}\n# num_warmup = 0\n# save_warmup = 0\n# thin = 1\n# id = {}\n# seed = {}\n",
        report.run.version,
        word(&report.title),
        word(&report.facts.method),
        draws.len(),
        chain + 1,
        report.run.seed
    );
    text += "lp__,log_lik__";
    names(report).iter().for_each(|name| text += &format!(",{name}"));
    text.push('\n');
    for (values, [posterior, likelihood]) in draws.iter().zip(densities) {
        let _ = write!(text, "{posterior:e},{likelihood:e}");
        values.iter().for_each(|value| text += &format!(",{value:e}"));
        text.push('\n');
    }
    text
}

/// Names that no reader of such tables splits or takes for an array, each once.
fn names(report: &DrawsReport) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for parameter in &report.parameters {
        let mut name = word(&parameter.name);
        // Two underscores at the end mark what the sampler says of itself.
        while names.contains(&name) || name.ends_with("__") {
            name += "x";
        }
        names.push(name);
    }
    names
}

/// A name without what readers of such tables split at.
pub fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>().trim_matches('_').to_string()
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
            number(m.mean),
            number(m.sd),
            number(m.median),
            number(m.median_error),
            number(m.interval.0),
            number(m.interval_errors.0),
            number(m.interval.1),
            number(m.interval_errors.1),
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
