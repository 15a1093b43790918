//! How many cells a study with spread needs: enough that its predictions stand still.

use fenton::engine::Engine;
use fenton::inference::{Choice, NODE_TOLERANCE, NodeCheck, settle_nodes};
use fenton::study::Study;

/// Raises the number of cells until the predictions at the study's own values stand still. Returns what is to be told
/// of it.
pub fn raise(study: &mut Study, engine: &dyn Engine, choice: Choice) -> Option<String> {
    let values: Vec<f64> = study.problem().parameters.iter().map(|p| p.start).collect();
    match settle_nodes(study, engine, choice, &values) {
        Ok(checks) => {
            let (first, last) = (checks.first()?, checks.last()?);
            (first.moved >= NODE_TOLERANCE).then(|| match last.moved < NODE_TOLERANCE {
                true => format!("{}: {} are taken", too_few(first), last.nodes),
                false => format!(
                    "{}, and still by {:.3} with {} cells, which are taken",
                    too_few(first),
                    last.moved,
                    last.nodes
                ),
            })
        }
        Err(why) => Some(format!("whether there are cells enough could not be told: {why}")),
    }
}

/// A doubt about the number of cells at the end of a fit, where it has not been raised.
pub fn doubt(study: &Study, engine: &dyn Engine, choice: Choice, values: &[f64]) -> Option<String> {
    let checks = settle_nodes(&mut study.clone(), engine, choice, values).ok()?;
    let (first, last) = (checks.first()?, checks.last()?);
    (first.moved >= NODE_TOLERANCE).then(|| match last.nodes > first.nodes {
        true => {
            format!("at the fitted values {}. Set nodes = {} under [cells] and fit again", too_few(first), last.nodes)
        }
        false => format!("at the fitted values {}, and more are not tried", too_few(first)),
    })
}

fn too_few(check: &NodeCheck) -> String {
    format!("{} cells are too few, readings move by {:.3} with more of them", check.nodes, check.moved)
}
