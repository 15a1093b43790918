//! The page on thresholds: one file that needs nothing else.

use super::document::{Case, End, Group, Row, Spread, ThresholdReport};
use super::pictures;
use crate::Result;
use crate::report::number::{interval_text, shown};
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

#[derive(Template)]
#[template(path = "thresholds.html")]
struct Page<'a> {
    report: &'a ThresholdReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    panels: Vec<Panel>,
    cases: Vec<Shown<'a>>,
    facts: Vec<(&'static str, String)>,
}

struct Shown<'a> {
    case: &'a Case,
    range: String,
    groups: Vec<(&'static str, Vec<Line<'a>>)>,
    /// Onsets by frame: name, then for each frame its share under the posterior and the prior.
    frames: Vec<(&'a str, Vec<String>)>,
    frame_names: Vec<String>,
}

struct Line<'a> {
    row: &'a Row,
    median: String,
    error: String,
    interval: String,
    odds: String,
    prior: String,
    prior_odds: String,
}

pub fn page(report: &ThresholdReport) -> Result<String> {
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        panels: pictures::densities(report).iter().map(Panel::of).collect(),
        cases: report.cases.iter().map(|case| show(report, case)).collect(),
        facts: facts(report),
    };
    rendered(&page)
}

fn show<'a>(report: &ThresholdReport, case: &'a Case) -> Shown<'a> {
    let named = [
        (Group::Dose, "Doses"),
        (Group::Metal, "In the cell"),
        (Group::Onset, "When it begins"),
        (Group::Rate, "How fast it goes"),
    ];
    let groups = named.map(|(group, name)| (name, case.rows.iter().filter(|r| r.group == group).map(line).collect()));
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut frames: Vec<(&str, Vec<String>)> = Vec::new();
    let mut frame_names = Vec::new();
    for row in case.rows.iter().filter(|row| !row.frames.is_empty()) {
        if frame_names.is_empty() {
            let name = |f: &super::Frame| format!("{} to {} {}", shown(f.from), shown(f.until), report.time_unit);
            frame_names = row.frames.iter().map(name).collect();
            frame_names.push("never".into());
        }
        let both = |own: f64, prior: f64| format!("{} ({})", percent(own), percent(prior));
        let mut shares: Vec<String> = row.frames.iter().map(|f| both(f.posterior, f.prior)).collect();
        let never = |spread: &Option<Spread>| spread.as_ref().map_or(0.0, |s| s.never);
        shares.push(both(never(&row.posterior), never(&row.prior)));
        frames.push((&row.quantity, shares));
    }
    let groups: Vec<(&str, Vec<Line>)> =
        groups.into_iter().filter(|(_, lines): &(_, Vec<Line>)| !lines.is_empty()).collect();
    Shown { case, range: interval_text(case.range), groups, frames, frame_names }
}

fn line(row: &Row) -> Line<'_> {
    let text = |spread: &Option<Spread>, of: fn(&Spread) -> String| spread.as_ref().map_or("–".into(), of);
    Line {
        row,
        median: text(&row.posterior, |s| s.median.text()),
        error: row.posterior.as_ref().and_then(|s| s.error).map_or(String::new(), |e| format!("± {} (MC)", shown(e))),
        interval: text(&row.posterior, Spread::interval),
        odds: text(&row.posterior, odds),
        prior: text(&row.prior, Spread::interval),
        prior_odds: text(&row.prior, odds),
    }
}

/// What part of the draws gave no number, and why.
fn odds(spread: &Spread) -> String {
    let absent = [spread.lower, spread.median, spread.upper].contains(&End::Absent);
    let without = if absent { "without one" } else { "never" };
    let part = |share: f64, what: &str| (share >= 0.005).then(|| format!("{:.0} % {what}", 100.0 * share));
    let parts = [part(spread.below, "below"), part(spread.above, "above"), part(spread.never, without)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn facts(report: &ThresholdReport) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Posterior", report.ensemble.clone()),
        ("Draws", format!("{} of the posterior, {} of the priors", report.draws, report.prior_draws)),
        ("Integrator", format!("{}, f64, rtol 1e-7", run.integrator)),
        ("Engine", run.engine.clone()),
        ("Population nodes", run.nodes.map_or(String::new(), |nodes| nodes.to_string())),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
