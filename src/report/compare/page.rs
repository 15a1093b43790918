//! The page of a comparison: one file that needs nothing else.

use super::document::{CompareReport, Odds, Pair};
use crate::Result;
use crate::report::number::shown;
use crate::report::parts::{Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use crate::report::thresholds::Spread;
use askama::Template;

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    report: &'a CompareReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    pairs: Vec<Shown<'a>>,
    models: Vec<[String; 7]>,
    facts: Vec<(&'static str, String)>,
}

struct Shown<'a> {
    pair: &'a Pair,
    conditions: Vec<(&'static str, [String; 2])>,
    rows: Vec<Line<'a>>,
}

struct Line<'a> {
    name: &'a str,
    unit: &'a str,
    posterior: [String; 2],
    prior: [String; 2],
    order: String,
    prior_order: String,
}

pub fn page(report: &CompareReport) -> Result<String> {
    let number = |value: Option<f64>| value.map_or("–".into(), |x| format!("{x:.2}").replace('-', "−"));
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        pairs: report.pairs.iter().map(show).collect(),
        models: report
            .models
            .iter()
            .map(|m| {
                let evidence = m.evidence.map_or("–".into(), |(log, error)| format!("{log:.2} ± {error:.2}"));
                [
                    format!("{}: {}", m.study, m.model),
                    m.parameters.to_string(),
                    number(m.nllh),
                    number(m.aic),
                    number(m.bic),
                    evidence.replace('-', "−"),
                    number(m.left_out),
                ]
            })
            .collect(),
        facts: facts(report),
    };
    rendered(&page)
}

fn show(pair: &Pair) -> Shown<'_> {
    let stated = |of: fn(&super::Side) -> &String| {
        pair.sides.each_ref().map(|side| if of(side).is_empty() { "not stated".to_string() } else { of(side).clone() })
    };
    let conditions = vec![
        ("Study", stated(|s| &s.study)),
        ("Model", stated(|s| &s.model)),
        ("Line", stated(|s| &s.line)),
        ("Medium", stated(|s| &s.medium)),
        ("Assay", stated(|s| &s.assay)),
        ("Reading", stated(|s| &s.reading)),
    ];
    let text = |spread: &Option<Spread>| match spread {
        None => "not observable".to_string(),
        Some(s) if s.median.text() != s.interval() => format!("{} ({})", s.median.text(), s.interval()),
        Some(s) => s.interval(),
    };
    let rows = pair.rows.iter().map(|row| Line {
        name: &row.quantity,
        unit: &row.unit,
        posterior: row.posterior.each_ref().map(text),
        prior: row.prior.each_ref().map(|s| s.as_ref().map_or(String::new(), |s| format!("prior {}", s.interval()))),
        order: row.order.map_or("–".into(), odds),
        prior_order: row.prior_order.map_or(String::new(), |o| format!("priors alone: {}", odds(o))),
    });
    Shown { pair, conditions, rows: rows.collect() }
}

/// "97 % lower, 3 % higher".
pub fn odds(odds: Odds) -> String {
    let part = |share: f64, what: &str| (share >= 0.0005).then(|| format!("{} % {what}", shown(100.0 * share)));
    [part(odds.less, "lower"), part(odds.greater, "higher"), part(odds.open, "open")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn facts(report: &CompareReport) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut list = vec![
        ("Integrator", format!("{}, f64, rtol 1e-7", run.integrator)),
        ("Engine", run.engine.clone()),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
