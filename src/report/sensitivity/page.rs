//! The page on sensitivities: one file that needs nothing else.

use super::document::{Dependence, Group, Output, SensitivityReport};
use crate::Result;
use crate::inference::sensitivity::Bounded;
use crate::report::number::shown;
use crate::report::parts::{Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

#[derive(Template)]
#[template(path = "sensitivity.html")]
struct Page<'a> {
    report: &'a SensitivityReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    groups: Vec<Bars<'a>>,
    maps: Vec<Map<'a>>,
    facts: Vec<(&'static str, String)>,
}

/// Bars of one group, the most important parameter first.
struct Bars<'a> {
    group: &'a Group,
    rows: Vec<Line<'a>>,
}

/// One parameter of a group.
struct Line<'a> {
    name: &'a str,
    total: Option<Bar>,
    first: Option<Bar>,
    prcc: Option<Bar>,
}

/// A number on a track: places in percent of its width.
struct Bar {
    text: String,
    interval: String,
    from: f64,
    width: f64,
    /// The bar from zero: where it begins and how long it is.
    bar: (f64, f64),
    dot: f64,
    /// Where nothing is.
    zero: f64,
}

/// Cells of one observable and condition.
struct Map<'a> {
    title: String,
    columns: Vec<String>,
    rows: Vec<(&'a str, Vec<Cell>)>,
}

struct Cell {
    text: String,
    /// In percent of the colour.
    strength: f64,
    negative: bool,
}

pub fn page(report: &SensitivityReport) -> Result<String> {
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        groups: report.groups.iter().map(bars).collect(),
        maps: maps(report),
        facts: facts(report),
    };
    rendered(&page)
}

/// What a parameter is sorted by.
fn weight(of: &Dependence) -> f64 {
    of.sobol.map(|s| s.total.value).or(of.prcc.map(|p| p.value.abs())).unwrap_or(-1.0)
}

fn bars(group: &Group) -> Bars<'_> {
    let mut order: Vec<&Dependence> = group.of.iter().collect();
    order.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let share = |b: Bounded| bar(b, (0.0, 1.0));
    let rows = order.iter().map(|of| Line {
        name: &of.parameter,
        total: of.sobol.map(|s| share(s.total)),
        first: of.sobol.map(|s| share(s.first)),
        prcc: of.prcc.map(|b| bar(b, (-1.0, 1.0))),
    });
    Bars { group, rows: rows.collect() }
}

/// Two digits; nothing is not "−0.00".
fn two(x: f64) -> String {
    let text = format!("{x:.2}");
    if text == "-0.00" { "0.00".into() } else { text.replace('-', "−") }
}

fn bar(of: Bounded, (low, high): (f64, f64)) -> Bar {
    let place = |x: f64| 100.0 * ((x - low) / (high - low)).clamp(0.0, 1.0);
    Bar {
        text: two(of.value),
        interval: format!("{} to {}", two(of.lower), two(of.upper)),
        from: place(of.lower),
        width: place(of.upper) - place(of.lower),
        dot: place(of.value),
        bar: (place(of.value).min(place(0.0)), (place(of.value) - place(0.0)).abs()),
        zero: place(0.0),
    }
}

fn maps(report: &SensitivityReport) -> Vec<Map<'_>> {
    let mut keys: Vec<(&str, &str, &str)> = Vec::new();
    let key =
        |o: &'_ Output| -> (String, String, String) { (o.kind.clone(), o.observable.clone(), o.condition.clone()) };
    for output in &report.outputs {
        let own = (output.kind.as_str(), output.observable.as_str(), output.condition.as_str());
        if !keys.contains(&own) {
            keys.push(own);
        }
    }
    let of = |&(kind, observable, condition): &(&str, &str, &str)| {
        let wanted = (kind.to_string(), observable.to_string(), condition.to_string());
        let outputs: Vec<&Output> = report.outputs.iter().filter(|o| key(o) == wanted).collect();
        let column = |o: &&Output| {
            let dose = o.dose.map_or(String::new(), |dose| format!("{} {}, ", shown(dose), o.dose_unit));
            format!("{dose}{} {}", shown(o.time), report.time_unit)
        };
        let cell = |of: &Dependence| {
            let value = of.sobol.map(|s| s.total.value).or(of.prcc.map(|p| p.value));
            Cell {
                text: value.map_or("–".into(), two),
                strength: value.map_or(0.0, |x| 85.0 * x.abs().min(1.0)),
                negative: value.is_some_and(|x| x < 0.0),
            }
        };
        let row =
            |(at, name): (usize, &'_ String)| (at, name.clone(), outputs.iter().map(|o| cell(&o.of[at])).collect());
        let rows: Vec<(usize, String, Vec<Cell>)> = report.parameters.iter().enumerate().map(row).collect();
        Map {
            title: [observable, condition].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", "),
            columns: outputs.iter().map(column).collect(),
            rows: rows.into_iter().map(|(at, _, cells)| (report.parameters[at].as_str(), cells)).collect(),
        }
    };
    keys.iter().filter(|key| key.0 == "reading").map(of).collect()
}

fn facts(report: &SensitivityReport) -> Vec<(&'static str, String)> {
    let (run, facts) = (&report.run, &report.facts);
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Over", facts.over.clone()),
        ("Points simulated", facts.points.to_string()),
        ("Rows of the base sample", if facts.sobol { facts.rows.to_string() } else { String::new() }),
        ("Points of rank correlations", facts.ranked.to_string()),
        ("Points that failed", facts.failed.to_string()),
        ("Not involved", report.uninvolved.join(", ")),
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
