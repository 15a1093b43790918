//! The page on possible experiments: one file that needs nothing else.

use super::document::{DesignReport, Experiment};
use crate::Result;
use crate::report::parts::{Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

/// Rows of the page; all of them are in experiments.csv.
const MOST: usize = 25;
/// Fewer effective draws than this are too few for a figure to be taken at its word.
const FEW: f64 = 10.0;

#[derive(Template)]
#[template(path = "designs.html")]
struct Page<'a> {
    report: &'a DesignReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    rows: Vec<Row<'a>>,
    /// Which columns there is something in.
    conditions: bool,
    lines: bool,
    orders: bool,
    /// Of the first figure, in per cent.
    error: f64,
    facts: Vec<(&'static str, String)>,
}

struct Row<'a> {
    experiment: &'a Experiment,
    gain: String,
    bar: f64,
    decided: String,
    effective: String,
}

pub fn page(report: &DesignReport) -> Result<String> {
    let row = |experiment: &'_ Experiment| {
        let gain = 100.0 * (1.0 - experiment.left);
        let few = if experiment.effective < FEW { ", few" } else { "" };
        (format!("{gain:.0} %").replace('-', "−"), gain.clamp(0.0, 100.0), format!("{:.0}{few}", experiment.effective))
    };
    let rows = report.foremost(MOST).map(|experiment| {
        let (gain, bar, effective) = row(experiment);
        Row {
            experiment,
            gain,
            bar,
            decided: experiment.decided.map_or(String::new(), |d| format!("{:.0} %", 100.0 * d)),
            effective,
        }
    });
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        rows: rows.collect(),
        conditions: report.experiments.iter().any(|e| !e.condition.is_empty()),
        lines: report.experiments.iter().any(|e| !e.line.is_empty()),
        error: 100.0 * report.experiments.first().map_or(0.0, |e| e.error),
        orders: report.experiments.iter().any(|e| e.decided.is_some()),
        facts: facts(report),
    };
    rendered(&page)
}

fn facts(report: &DesignReport) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Posterior", report.ensemble.clone()),
        ("Draws", report.draws.to_string()),
        ("Wells of each dose and time", report.replicates.to_string()),
        ("Experiments weighed", report.experiments.len().to_string()),
        ("Engine", run.engine.clone()),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
