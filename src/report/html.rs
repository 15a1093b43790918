//! The page: one file that needs nothing else.

use super::document::{Document, Effect, ParameterResult, Quantity, Side};
use super::network;
use super::number::{interval_text, shown};
use super::parts::{Panel, Warning, rendered, wall_time};
use super::pictures;
use super::plot::{Theme, stylesheet};
use crate::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    document: &'a Document,
    light: String,
    dark: String,
    diagram: Option<String>,
    warnings: Vec<Warning<'a>>,
    charts: Vec<Panel>,
    residuals: Option<Panel>,
    waterfall: Option<Panel>,
    measures: Vec<&'a str>,
    effects: Vec<EffectRow<'a>>,
    estimated: Vec<ParameterRow<'a>>,
    fixed: Vec<ParameterRow<'a>>,
    parts: Vec<(&'a str, String)>,
    facts: Vec<(&'static str, String)>,
    criteria: String,
}

/// All effective concentrations of one curve.
struct EffectRow<'a> {
    condition: &'a str,
    time: String,
    unit: &'a str,
    /// One for each of the measures; value and what stands below it.
    cells: Vec<(String, String)>,
}

struct ParameterRow<'a> {
    parameter: &'a ParameterResult,
    value: String,
    standard_error: String,
    interval: String,
    /// Where 95 % of the prior and of the result lie, for statements in words.
    prior: String,
    result: String,
    identified: bool,
    bounds: (String, String),
    at_bound: &'static str,
    shrinkage: Option<(String, f64)>,
    track: Option<Track>,
}

/// In percent of the way from the lower to the upper bound.
struct Track {
    value: f64,
    prior: Option<(f64, f64)>,
    interval: Option<(f64, f64)>,
    description: String,
}

/// The report as one HTML page.
pub fn page(document: &Document) -> Result<String> {
    let (measures, effects) = effect_table(document);
    let page = Page {
        document,
        light: stylesheet(Theme::Light) + &network::stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark) + &network::stylesheet(Theme::Dark),
        diagram: document.diagram.as_ref().map(network::inline),
        warnings: document.warnings.iter().map(Warning::of).collect(),
        charts: document
            .dose_responses
            .iter()
            .chain(&document.time_courses)
            .map(|chart| Panel::of(&pictures::chart(chart)))
            .collect(),
        residuals: pictures::residuals(document).map(|figure| Panel::of(&figure)),
        waterfall: pictures::waterfall(document).map(|figure| Panel::of(&figure)),
        measures,
        effects,
        estimated: document.parameters.iter().filter(|p| p.bounds.is_some()).map(parameter_row).collect(),
        fixed: document.parameters.iter().filter(|p| p.bounds.is_none()).map(parameter_row).collect(),
        parts: document.fit.parts.iter().map(|(name, value)| (name.as_str(), shown(*value))).collect(),
        facts: facts(document),
        criteria: match (document.fit.aic, document.fit.bic) {
            (Some(aic), Some(bic)) => format!("AIC {aic:.2}, BIC {bic:.2}").replace('-', "−"),
            _ => format!("No AIC or BIC: {}", document.fit.no_criteria),
        },
    };
    rendered(&page)
}

/// The measures, in the order in which they first come, and a row for each curve.
fn effect_table(document: &Document) -> (Vec<&str>, Vec<EffectRow<'_>>) {
    let mut measures: Vec<&str> = Vec::new();
    let mut rows: Vec<EffectRow> = Vec::new();
    for effect in &document.effects {
        let column = measures.iter().position(|m| *m == effect.measure).unwrap_or_else(|| {
            measures.push(&effect.measure);
            measures.len() - 1
        });
        let time = shown(effect.time);
        let at =
            rows.iter().position(|row| row.condition == effect.condition && row.time == time).unwrap_or_else(|| {
                rows.push(EffectRow { condition: &effect.condition, time, unit: &effect.unit, cells: Vec::new() });
                rows.len() - 1
            });
        let cells = &mut rows[at].cells;
        cells.resize(cells.len().max(column + 1), ("–".into(), String::new()));
        cells[column] = effect_cell(effect, &document.fit.scope);
    }
    let width = measures.len();
    rows.iter_mut().for_each(|row| row.cells.resize(width, ("–".into(), String::new())));
    (measures, rows)
}

fn effect_cell(effect: &Effect, scope: &str) -> (String, String) {
    let note = effect.note.clone();
    match &effect.value {
        Quantity::Value { value, interval: Some(interval) } => {
            (shown(*value), format!("{}, {scope}", interval_text(*interval)))
        }
        Quantity::Value { value, interval: None } => (shown(*value), note),
        Quantity::Above { limit } => (format!("> {}", shown(*limit)), note),
        Quantity::Below { limit } => (format!("< {}", shown(*limit)), note),
        Quantity::Several { .. } | Quantity::Undefined => ("–".into(), note),
    }
}

fn parameter_row(parameter: &ParameterResult) -> ParameterRow<'_> {
    let percent = |(a, b): (f64, f64)| (a * 100.0, (b - a).max(0.0) * 100.0);
    ParameterRow {
        parameter,
        value: shown(parameter.value),
        standard_error: parameter.standard_error.map_or("–".into(), shown),
        interval: parameter.told(),
        prior: parameter.prior_interval.map_or("–".into(), interval_text),
        result: parameter.result_interval.map_or("–".into(), interval_text),
        identified: parameter.interval.is_some(),
        bounds: parameter.bounds.map(|(a, b)| (shown(a), shown(b))).unwrap_or_default(),
        at_bound: match parameter.at_bound {
            Some(Side::Lower) => "at lower bound",
            Some(Side::Upper) => "at upper bound",
            None => "",
        },
        shrinkage: parameter
            .shrinkage
            .map(|s| (format!("{:.0} %", s * 100.0).replace('-', "−"), s.clamp(0.0, 1.0) * 100.0)),
        track: pictures::track(parameter).map(|track| Track {
            value: track.value * 100.0,
            prior: track.prior.map(percent),
            interval: track.interval.map(percent),
            description: track.description,
        }),
    }
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let (run, fit, starts) = (&document.run, &document.fit, &document.starts);
    let mut facts = vec![("Model", document.model.clone())];
    match &document.statements {
        Some(found) => facts.extend([
            ("Statements", found.count.to_string()),
            ("Points drawn from the priors", found.drawn.to_string()),
            ("Worth of the weighted points", format!("{:.0} of equal weight", found.effective)),
        ]),
        None => facts.extend([
            ("Objective at the optimum", fit.objective.map_or("–".into(), |o| format!("{o:.4}").replace('-', "−"))),
            ("Observations, estimated parameters", format!("{}, {}", fit.observations, fit.estimated)),
            ("Ended", fit.ended.clone()),
            ("Search", run.method.clone()),
            (
                "Starts",
                format!(
                    "{} scored, {} refined, {} finished, {} reached the best value",
                    starts.scored, starts.refined, starts.finished, starts.reached_best
                ),
            ),
        ]),
    }
    facts.extend([
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
    ]);
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
