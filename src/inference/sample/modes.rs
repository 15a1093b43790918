//! The separate modes among the draws of a study's posterior.

use super::{Sample, StudyTarget, quantile, sorted};
use crate::Result;
use crate::inference::{Modes, Objective, modes};

impl Sample {
    /// The modes of the draws. Where experiments differ by a sampled sd, it counts with its median: what tells modes apart is
    /// the parameters of the model.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn modes(&self, target: &StudyTarget) -> Result<Modes> {
        let objective = target.objective();
        let own = objective.problem().parameters.len();
        let middle: Vec<f64> = (0..self.names.len()).map(|i| quantile(&sorted(&self.of(i).concat()), 0.5)).collect();
        let before = objective.spreads();
        objective.set_spreads(&target.spreads_at(&middle));
        let chains: Vec<Vec<Vec<f64>>> =
            self.chains.iter().map(|chain| chain.iter().map(|draw| draw.point[..own].to_vec()).collect()).collect();
        let found = modes(objective, &chains, self.seed);
        objective.set_spreads(&before);
        found
    }
}
