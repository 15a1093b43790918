//! Failures that decide: where an estimate or an end of an interval stands at the edge of what could be integrated.

use crate::inference::{Edge, EdgeOf};
use crate::report::document::{self, Severity, Warning};

pub fn edges(names: &[String], edges: &[Edge]) -> Vec<document::Edge> {
    let told = |edge: &Edge| document::Edge {
        at: match edge.of {
            EdgeOf::Estimate => "the estimate".into(),
            EdgeOf::Draws => "the posterior".into(),
            EdgeOf::End { parameter, upper } => {
                format!("the {} end of {}", if upper { "upper" } else { "lower" }, names[parameter])
            }
        },
        failed: edge.failed,
        causes: edge.causes.iter().map(|(status, count)| (status.advice().to_string(), *count)).collect(),
    };
    edges.iter().map(told).collect()
}

/// Whether the estimate itself is at stake.
pub fn of_estimate(edges: &[Edge]) -> bool {
    edges.iter().any(|edge| edge.of == EdgeOf::Estimate)
}

/// What stands before everything else, if failures decide.
pub fn warning(names: &[String], found: &[Edge]) -> Option<Warning> {
    let told = edges(names, found);
    if told.is_empty() {
        return None;
    }
    let of_ends = found.iter().zip(&told).filter(|(edge, _)| matches!(edge.of, EdgeOf::End { .. }));
    let ends: Vec<&str> = of_ends.map(|(_, told)| told.at.as_str()).collect();
    let (title, mut text) = match of_estimate(found) {
        _ if found.iter().any(|edge| edge.of == EdgeOf::Draws) => (
            "Failures decide: the posterior is cut",
            "Evaluations fail right beside the draws. The posterior ends where the model can no longer be integrated, and not \
             where the data end it: medians and intervals are those of a part of it."
                .to_string(),
        ),
        true => (
            "Failures decide: this is no result",
            "Evaluations beside the estimate fail, or fail on the way to a better one. Where it stands says where the model \
             can no longer be integrated, not what the data say."
                .to_string(),
        ),
        false => (
            "Failures decide: an interval has no end that is known",
            "Evaluations fail before the objective has risen enough; how far the interval goes there is not known.".into(),
        ),
    };
    if !ends.is_empty() {
        text += &format!(" Not known: {}.", ends.join(", "));
    }
    let mut causes: Vec<(String, u64)> = Vec::new();
    for (cause, count) in told.iter().flat_map(|edge| edge.causes.iter().cloned()) {
        match causes.iter_mut().find(|known| known.0 == cause) {
            Some(known) => known.1 += count,
            None => causes.push((cause, count)),
        }
    }
    let causes: Vec<String> = causes
        .iter()
        .map(|(cause, count)| format!("{count} simulation{}: {cause}", if *count == 1 { "" } else { "s" }))
        .collect();
    text += &match causes.is_empty() {
        true => {
            " Cause: all could be integrated, but the objective or its derivatives are not finite there (a prediction \
                  outside what its noise law allows)."
                .to_string()
        }
        false => format!(" Cause: {}.", causes.join("; ")),
    };
    Some(Warning { severity: Severity::Serious, title: title.into(), text })
}
