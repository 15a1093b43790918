//! Runs that differ between parameter vectors: each point has doses, schedules and times of its own, as when the dose
//! of a threshold is closed in on for many draws at once.

use super::problem_run::{BATCH_BYTES, Simulator};
use crate::Result;
use crate::engine::{Lane, Protocol, Status};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

/// One run of one parameter vector.
#[derive(Debug, Clone)]
pub struct Trial {
    pub point: usize,
    /// Of the problem's backgrounds; the first ones are the conditions of the study in its typical experiment.
    pub condition: usize,
    pub protocol: Protocol,
}

impl Simulator<'_> {
    /// The outputs of each trial, averaged over cells, as `[time][output]`; `None` where a cell cannot be integrated.
    /// `values` are parameters, not estimates; `exact` as in [`Simulator::run`].
    ///
    /// # Errors
    /// Those of the engine.
    pub fn trials(&self, values: &[Vec<f64>], trials: &[Trial], exact: bool) -> Result<Vec<Option<Vec<f64>>>> {
        let (cells, inputs) = (self.problem.cell_count(), self.problem.program.inputs.len());
        let outputs = self.problem.program.outputs.len();
        let longest = trials.iter().map(|trial| trial.protocol.outputs.len()).max().unwrap_or(0);
        let bytes = cells * (8 * (longest * outputs + inputs) + 256);
        let mut found = Vec::with_capacity(trials.len());
        for part in trials.chunks((BATCH_BYTES / bytes.max(1)).max(1)) {
            found.extend(self.trials_at_once(values, part, exact)?);
        }
        Ok(found)
    }

    fn trials_at_once(&self, values: &[Vec<f64>], trials: &[Trial], exact: bool) -> Result<Vec<Option<Vec<f64>>>> {
        let cells = self.problem.cell_count();
        let (mut rows, mut lanes) = (Vec::new(), Vec::new());
        let mut known: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (protocol, trial) in trials.iter().enumerate() {
            let place = known.len();
            let place = *known.entry((trial.point, trial.condition)).or_insert_with(|| {
                self.push_rows(&values[trial.point], &self.problem.backgrounds[trial.condition], &mut rows);
                place
            });
            lanes.extend((0..cells).map(|cell| Lane { row: (place * cells + cell) as u32, protocol: protocol as u32 }));
        }
        let protocols: Vec<Protocol> = trials.iter().map(|trial| trial.protocol.clone()).collect();
        let outcomes = self.integrate(&rows, &lanes, &protocols, &[], exact)?;
        let average = |trial: usize| {
            let lanes = trial * cells..(trial + 1) * cells;
            let finished = lanes.clone().all(|lane| outcomes.reports[lane].status == Status::Finished);
            finished.then(|| {
                let mut mean = vec![0.0; outcomes.offsets[lanes.start + 1] - outcomes.offsets[lanes.start]];
                for lane in lanes {
                    let own = &outcomes.outputs[outcomes.offsets[lane]..outcomes.offsets[lane + 1]];
                    mean.iter_mut().zip(own).for_each(|(mean, own)| *mean += own / cells as f64);
                }
                mean
            })
        };
        let found: Vec<Option<Vec<f64>>> = (0..trials.len()).into_par_iter().map(average).collect();
        let failed = trials.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(trial, _)| trial.point);
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).extend(failed);
        Ok(found)
    }

    /// Points of trials that had a run that failed, since this was last asked.
    pub fn lost(&self) -> BTreeSet<usize> {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
