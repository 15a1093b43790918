//! How many nodes a population of cells needs.

use super::problem_run::{Choice, Simulator, Wanted};
use crate::engine::Engine;
use crate::study::Study;
use crate::{Error, Result};

/// Predictions of shares may move by this against four times as many nodes.
pub const NODE_TOLERANCE: f64 = 0.01;

/// More nodes than this are not tried.
const MOST_NODES: usize = 4096;

/// A number of nodes, and the furthest that a share of cells moves when there are four times as many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeCheck {
    pub nodes: usize,
    pub moved: f64,
}

/// Raises the number of nodes of `study` until its predictions at `values` (parameters as estimated, not on the
/// estimation scale) stand still, by factors of four. Returns every number that was looked at, the last of which is
/// the study's; nothing for a study whose cells are alike.
///
/// # Errors
/// If no lane could be integrated at these values, or the engine failed.
pub fn settle_nodes(study: &mut Study, engine: &dyn Engine, choice: Choice, values: &[f64]) -> Result<Vec<NodeCheck>> {
    let Some(first) = study.cells.as_ref().map(|cells| cells.nodes) else { return Ok(Vec::new()) };
    let mut checks = Vec::new();
    let mut nodes = first;
    let mut before = predictions(study, engine, choice, values)?;
    loop {
        let mut finer = study.clone();
        if let Some(cells) = &mut finer.cells {
            cells.nodes = 4 * nodes;
        }
        let after = predictions(&finer, engine, choice, values)?;
        let share = |i: &usize| study.observables[study.data[*i].observable].reading.is_share();
        let moved = (0..before.len()).filter(share).map(|i| (before[i] - after[i]).abs()).fold(0.0, f64::max);
        checks.push(NodeCheck { nodes, moved });
        if moved < NODE_TOLERANCE || 4 * nodes > MOST_NODES {
            return Ok(checks);
        }
        (*study, before, nodes) = (finer, after, 4 * nodes);
    }
}

fn predictions(study: &Study, engine: &dyn Engine, choice: Choice, values: &[f64]) -> Result<Vec<f64>> {
    let problem = study.problem();
    let simulator = Simulator::new(&problem, engine, engine, choice);
    let simulated = simulator.run(&[values.to_vec()], Wanted::default(), false)?.remove(0);
    if let Some((status, count)) = simulated.failures.first() {
        return Err(Error::Run(format!("{count} cells could not be integrated: {}", status.advice())));
    }
    Ok(problem.predict(values, &simulated.slots))
}
