//! How many cells a study with spread needs: enough that its predictions stand still.

use fenton::engine::Engine;
use fenton::inference::{Choice, NODE_TOLERANCE, NodeCheck, settle_nodes};
use fenton::study::Study;

/// Raises the number of cells until the predictions at the start of a fit stand still. Returns what is to be told of it.
pub fn raise(study: &mut Study, engine: &dyn Engine, choice: Choice) -> Option<String> {
    let values: Vec<f64> = study.problem().parameters.iter().map(|p| p.start).collect();
    match settle_nodes(study, engine, choice, &values) {
        Ok(checks) => match checks[..] {
            [NodeCheck { nodes: first, moved }, .., last] => Some(format!(
                "{first} cells are too few, readings move by {moved:.2} with more of them: {} are taken",
                last.nodes
            )),
            _ => None,
        },
        Err(why) => Some(format!("whether there are cells enough could not be told at the start: {why}")),
    }
}

/// A doubt about the number of cells at the end of a fit, where it has not been raised.
pub fn doubt(study: &Study, engine: &dyn Engine, choice: Choice, values: &[f64]) -> Option<String> {
    let checks = settle_nodes(&mut study.clone(), engine, choice, values).ok()?;
    let (first, last) = (checks.first()?, checks.last()?);
    (first.moved >= NODE_TOLERANCE).then(|| {
        format!(
            "at the fitted values {} cells are too few: readings move by {:.2} with more. Set nodes = {} under [cells] \
             and fit again",
            first.nodes, first.moved, last.nodes
        )
    })
}
