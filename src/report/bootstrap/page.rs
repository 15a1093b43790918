//! The page on a bootstrap: one file that needs nothing else.

use super::document::{BootstrapReport, Interval, Row};
use crate::Result;
use crate::report::number::{interval_text, shown};
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::plot::{Colour, Figure, Key, Mark, Scale, Series, Theme, stylesheet};
use askama::Template;

/// More pictures than this make a page that nobody reads.
pub const MOST: usize = 40;

#[derive(Template)]
#[template(path = "bootstrap.html")]
struct Page<'a> {
    report: &'a BootstrapReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    panels: Vec<Panel>,
    rows: Vec<Line<'a>>,
    facts: Vec<(&'static str, String)>,
}

/// A row of the table.
struct Line<'a> {
    row: &'a Row,
    estimate: String,
    sd: String,
    bias: String,
    interval: String,
    errors: String,
    percentile: String,
    likelihood: String,
    ratio: String,
}

pub fn page(report: &BootstrapReport) -> Result<String> {
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        panels: report.parameters.iter().take(MOST).map(|row| Panel::of(&histogram(row))).collect(),
        rows: report.parameters.iter().map(line).collect(),
        facts: facts(report),
    };
    rendered(&page)
}

fn line(row: &Row) -> Line<'_> {
    let ends = |interval: Option<Interval>| interval.map_or("–".into(), |i| interval_text(i.ends));
    Line {
        row,
        estimate: shown(row.estimate),
        sd: row.sd.map_or("–".into(), |(sd, error)| format!("{} ± {}", shown(sd), shown(error))),
        bias: row.bias.map_or("–".into(), |(bias, error)| format!("{bias:+.2} ± {error:.2} sd").replace('-', "−")),
        interval: ends(row.interval),
        errors: row
            .interval
            .map_or(String::new(), |i| format!("± {} and {} (MC)", shown(i.errors.0), shown(i.errors.1))),
        percentile: ends(row.percentile),
        likelihood: row.likelihood_interval.map_or("–".into(), interval_text),
        ratio: row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
    }
}

/// Where the replicates of one parameter ended, under its intervals.
pub fn histogram(row: &Row) -> Figure {
    let unit =
        if row.unit.is_empty() || row.unit == "dimensionless" { String::new() } else { format!(" ({})", row.unit) };
    let top = row.histogram.iter().map(|bin| bin.2).max().unwrap_or(1) as f64;
    let steps = row.histogram.iter().flat_map(|&(from, to, count)| [(from, count as f64), (to, count as f64)]);
    let steps: Vec<(f64, f64)> = steps.collect();
    let (bootstrap, likelihood) = (1.1 * top, 1.2 * top);
    let across = |y: f64, (lower, upper): (f64, f64)| Mark::Across { y, lower, upper };
    let intervals = row.interval.map(|i| i.ends).into_iter().chain(row.likelihood_interval);
    let xs: Vec<f64> =
        steps.iter().map(|step| step.0).chain([row.estimate]).chain(intervals.flat_map(|(l, u)| [l, u])).collect();
    let (low, high) = xs.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &x| (l.min(x), h.max(x)));
    let mut series = vec![
        Series {
            label: "replicates".into(),
            colour: Colour::Nominal(0),
            key: Key::Line,
            marks: vec![Mark::Band(steps.iter().map(|&(x, y)| (x, 0.0, y)).collect()), Mark::Line(steps)],
        },
        Series {
            label: "estimate".into(),
            colour: Colour::Ink,
            key: Key::Line,
            marks: vec![Mark::Thin(vec![(row.estimate, 0.0), (row.estimate, 1.25 * top)])],
        },
    ];
    if let Some(interval) = row.interval {
        let marks = vec![across(bootstrap, interval.ends)];
        series.push(Series {
            label: format!("95 %, {}", row.basis),
            colour: Colour::Nominal(0),
            key: Key::Line,
            marks,
        });
    }
    if let Some(interval) = row.likelihood_interval {
        let marks = vec![across(likelihood, interval)];
        series.push(Series { label: "95 %, likelihood".into(), colour: Colour::Nominal(1), key: Key::Line, marks });
    }
    Figure {
        title: row.name.clone(),
        description: format!(
            "{}: estimate {}; 95 % from {}{}.",
            row.name,
            shown(row.estimate),
            row.interval.map_or("–".into(), |i| interval_text(i.ends)),
            row.likelihood_interval.map_or(String::new(), |i| format!(", by the likelihood {}", interval_text(i)))
        ),
        x_label: format!("{}{unit}", row.name),
        y_label: "replicates".into(),
        // Within less than a decade a logarithmic axis has hardly a tick.
        x: Some(if row.scale == "log10" && high > 10.0 * low { Scale::log(xs) } else { Scale::linear(xs) }),
        y: Some(Scale::Linear { min: 0.0, max: 1.28 * top }),
        series,
        levels: Vec::new(),
    }
}

fn facts(report: &BootstrapReport) -> Vec<(&'static str, String)> {
    let (run, facts) = (&report.run, &report.facts);
    let wide = match facts.searched_widely {
        0 => String::new(),
        wide => format!(
            "{wide} replicates, from {} ends of the fit; {} ended better from another than the optimum",
            facts.ends, facts.ended_elsewhere
        ),
    };
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Bootstrap", facts.kind.clone()),
        ("Drawn", facts.drawn.clone()),
        ("Replicates", format!("{}, of which {} were refitted", facts.replicates, facts.refitted)),
        ("At a bound", format!("{} replicates, in any parameter", facts.at_bounds)),
        ("At the limit of iterations", format!("{} replicates", facts.unfinished)),
        ("Searched more widely", wide),
        ("Objective of the fit", format!("{:.4}", facts.objective).replace('-', "−")),
        ("Integrator", format!("{}, rtol {:e}, atol {:e}", run.integrator, run.rtol, run.atol)),
        ("Engine", run.engine.clone()),
        ("Adapter", run.adapter.clone()),
        ("Precision", run.precision.clone()),
        ("Population nodes", run.nodes.map_or(String::new(), |nodes| nodes.to_string())),
        ("Evaluations", run.evaluations.to_string()),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
