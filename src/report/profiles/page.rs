//! The page on profiles: one file that needs nothing else.

use super::document::{Profiled, ProfilesReport};
use super::pictures;
use crate::Result;
use crate::report::number::{interval_text, shown};
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

#[derive(Template)]
#[template(path = "profiles.html")]
struct Page<'a> {
    report: &'a ProfilesReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    /// A profile, and the others along it.
    panels: Vec<Panel>,
    rows: Vec<Row<'a>>,
    facts: Vec<(&'static str, String)>,
}

struct Row<'a> {
    profiled: &'a Profiled,
    value: String,
    good: bool,
    error: String,
    prior: String,
    shrinkage: Option<(String, f64)>,
}

pub fn page(report: &ProfilesReport) -> Result<String> {
    let figures = report.parameters.iter().flat_map(|profiled| {
        let others = pictures::paths(report, profiled);
        std::iter::once(pictures::profile(profiled)).chain(others)
    });
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        panels: figures.map(|figure| Panel::of(&figure)).collect(),
        rows: report.parameters.iter().map(row).collect(),
        facts: facts(report),
    };
    rendered(&page)
}

fn row(profiled: &Profiled) -> Row<'_> {
    let percent = |share: f64| (format!("{:.0} %", 100.0 * share).replace('-', "−"), 100.0 * share.clamp(0.0, 1.0));
    Row {
        profiled,
        value: shown(profiled.value),
        good: profiled.label == "practically identifiable",
        error: profiled.standard_error.map_or("–".into(), shown),
        prior: interval_text(profiled.prior_interval),
        shrinkage: profiled.shrinkage.map(percent),
    }
}

fn facts(report: &ProfilesReport) -> Vec<(&'static str, String)> {
    let (run, facts) = (&report.run, &report.facts);
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Profiles of", if report.of == "likelihood" { "the likelihood" } else { "likelihood and priors" }.into()),
        ("Intervals hold for", report.scope.clone()),
        ("Objective at the optimum", format!("{:.4}", report.objective).replace('-', "−")),
        ("Optimum", facts.optimum.clone()),
        ("Points", facts.points.to_string()),
        ("Points with derivatives", facts.expansions.to_string()),
        ("Lanes", format!("{} ({:.0} a second)", facts.lanes, facts.lanes_per_second)),
        ("Time on the profiles", wall_time(facts.seconds)),
        ("Points without a likelihood", facts.failed_points.to_string()),
        ("Integrator", format!("{}, rtol {:e}, atol {:e}", run.integrator, run.rtol, run.atol)),
        ("Engine", run.engine.clone()),
        ("Adapter", run.adapter.clone()),
        ("Precision", run.precision.clone()),
        ("Population nodes", run.nodes.map_or(String::new(), |nodes| nodes.to_string())),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
