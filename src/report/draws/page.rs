//! The page on draws: one file that needs nothing else.

use super::document::{DrawsReport, Marginal};
use super::{corner, pictures};
use crate::Result;
use crate::report::number::{interval_text, shown};
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::plot::{Theme, stylesheet};
use askama::Template;

/// More marginals than this make a page that nobody reads.
pub const MOST: usize = 40;
/// Parameters whose ranks and traces are shown, those that mix worst.
const WORST: usize = 2;

#[derive(Template)]
#[template(path = "draws.html")]
struct Page<'a> {
    report: &'a DrawsReport,
    light: String,
    dark: String,
    warnings: Vec<Warning<'a>>,
    marginals: Vec<Panel>,
    corner: String,
    mixing: Vec<Panel>,
    rows: Vec<Row<'a>>,
    ties: Vec<(&'a str, &'a str, String)>,
    facts: Vec<(&'static str, String)>,
}

struct Row<'a> {
    marginal: &'a Marginal,
    median: String,
    error: Option<String>,
    interval: String,
    prior: String,
    shrinkage: (String, f64),
    rhat: String,
    bulk: String,
    tail: String,
}

pub fn page(report: &DrawsReport) -> Result<String> {
    let mut order: Vec<usize> = (0..report.parameters.len()).collect();
    let bulk = |at: &usize| report.parameters[*at].bulk_ess.unwrap_or(0.0);
    order.sort_by(|a, b| bulk(a).total_cmp(&bulk(b)));
    let mixing = order.iter().take(WORST).flat_map(|&at| [pictures::ranks(report, at), pictures::trace(report, at)]);
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        marginals: report.parameters.iter().take(MOST).map(|m| Panel::of(&pictures::marginal(m))).collect(),
        corner: corner::inline(report),
        mixing: mixing.map(|figure| Panel::of(&figure)).collect(),
        rows: report.parameters.iter().map(row).collect(),
        ties: report
            .ties
            .iter()
            .map(|(a, b, r)| (a.as_str(), b.as_str(), format!("{r:.2}").replace('-', "−")))
            .collect(),
        facts: facts(report),
    };
    rendered(&page)
}

fn row(marginal: &Marginal) -> Row<'_> {
    let whole = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.0}"));
    Row {
        marginal,
        median: marginal.middle(),
        error: marginal.median_error.map(shown),
        interval: interval_text(marginal.interval),
        prior: interval_text(marginal.prior_interval),
        shrinkage: (
            format!("{:.0} %", 100.0 * marginal.shrinkage).replace('-', "−"),
            100.0 * marginal.shrinkage.clamp(0.0, 1.0),
        ),
        rhat: marginal.rhat.map_or("–".into(), |r| format!("{r:.3}")),
        bulk: whole(marginal.bulk_ess),
        tail: whole(marginal.tail_ess),
    }
}

fn facts(report: &DrawsReport) -> Vec<(&'static str, String)> {
    let (run, facts) = (&report.run, &report.facts);
    let mut list = vec![
        ("Model", report.model.clone()),
        ("Sampler", facts.method.clone()),
        ("Draws", format!("{} in {} chains", facts.draws, facts.chains)),
        (
            "Log evidence",
            facts.log_evidence.map_or(String::new(), |(log, error)| format!("{log:.2} ± {error:.2}").replace('-', "−")),
        ),
        ("Temperatures", if facts.temperatures > 0 { facts.temperatures.to_string() } else { String::new() }),
        ("Proposals accepted", format!("{:.0} %", 100.0 * facts.accepted)),
        (
            "Weighted to f64",
            facts.weights.map_or("draws agree with f64".into(), |(k, worth)| {
                format!("Pareto k {k:.2}, worth {:.0} % of the draws", 100.0 * worth).replace('-', "−")
            }),
        ),
        ("Points without a likelihood", facts.failed_points.to_string()),
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
