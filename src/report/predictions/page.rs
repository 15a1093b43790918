//! The page on predictions: one file that needs nothing else.

use super::document::PredictReport;
use crate::Result;
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::pictures;
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

#[derive(Template)]
#[template(path = "predictions.html")]
struct Page<'a> {
    report: &'a PredictReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    asked: Vec<Panel>,
    data: Vec<Panel>,
    facts: Vec<(&'static str, String)>,
}

pub fn page(report: &PredictReport) -> Result<String> {
    let panels = |charts: &[crate::report::document::Chart]| -> Vec<Panel> {
        charts.iter().map(|chart| Panel::of(&pictures::chart(chart))).collect()
    };
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        asked: panels(&report.asked),
        data: panels(&report.data),
        facts: facts(report),
    };
    rendered(&page)
}

fn facts(report: &PredictReport) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Posterior", report.ensemble.clone()),
        ("Draws", report.draws.to_string()),
        ("Engine", run.engine.clone()),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
