//! Why what was found is no result, for whatever rests on an optimum or on draws: failures decide there, or the likelihood has
//! no maximum.

use super::{edges, endless};
use crate::Result;
use crate::inference::{Objective, Sample, StudyObjective, StudyTarget, of_draws, of_optimum};
use crate::report::document::Warning;

/// One warning for each reason.
#[derive(Debug, Clone, Default)]
pub struct NoResult {
    pub failures: Option<Warning>,
    pub no_maximum: Option<Warning>,
}

impl NoResult {
    /// Of an optimum on the estimation scale.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn at(objective: &StudyObjective, point: &[f64]) -> Result<Self> {
        let edge = of_optimum(objective, point)?;
        Ok(NoResult {
            failures: edges::warning(objective.names(), edge.as_slice()),
            no_maximum: endless::warning(&endless::at(objective.problem(), point)),
        })
    }

    /// Of draws.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn of_draws(target: &StudyTarget, sample: &Sample) -> Result<Self> {
        let edge = of_draws(target, sample)?;
        Ok(NoResult {
            failures: edges::warning(&sample.names, edge.as_slice()),
            no_maximum: endless::warning(&endless::of_draws(target.objective().problem(), sample)),
        })
    }

    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        [self.failures.clone(), self.no_maximum.clone()].into_iter().flatten()
    }
}
