//! Parameter vectors that together stand for what is known, or for what was believed before.

use super::sample::{Sample, StudyTarget, Target};
use crate::random::Points;

/// Draws of equal weight. What is sampled beside the parameters of the problem (sds between experiments) is left out: an
/// ensemble speaks of the typical experiment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ensemble {
    /// Parameters, not estimates, in the order of the problem; chain after chain.
    pub draws: Vec<Vec<f64>>,
    /// Of equal length.
    pub chains: usize,
}

impl Ensemble {
    pub fn of_sample(target: &StudyTarget, sample: &Sample) -> Ensemble {
        let parameters = target.objective().problem().parameters.len();
        let own = |draw: &super::Draw| {
            let mut values = target.values(&draw.point);
            values.truncate(parameters);
            values
        };
        Ensemble { draws: sample.draws().map(own).collect(), chains: sample.chains.len() }
    }

    /// Draws from the priors within the bounds, evenly spread.
    pub fn of_priors(target: &StudyTarget, count: usize, seed: u64) -> Ensemble {
        let parameters = target.objective().problem().parameters.len();
        let points = Points::new(target.names().len(), count, seed);
        let draw = |at| {
            let mut values = target.values(&target.prior_point(&points.point(at)));
            values.truncate(parameters);
            values
        };
        Ensemble { draws: (0..count).map(draw).collect(), chains: 1 }
    }

    /// At most `most` of the draws, evenly over each chain.
    pub fn thinned(&self, most: usize) -> Ensemble {
        let length = self.draws.len() / self.chains.max(1);
        let kept = (most / self.chains.max(1)).clamp(1, length.max(1));
        let of = |chain: &[Vec<f64>]| (0..kept).map(|i| chain[i * length / kept].clone()).collect::<Vec<_>>();
        if kept == length || length == 0 {
            return self.clone();
        }
        Ensemble { draws: self.draws.chunks(length).flat_map(of).collect(), chains: self.chains }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_chains_of_equal_length() {
        let draws: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i)]).collect();
        let thin = Ensemble { draws: draws.clone(), chains: 2 }.thinned(6);
        assert_eq!(thin.draws.concat(), [0.0, 3.0, 6.0, 10.0, 13.0, 16.0]);
        assert_eq!(Ensemble { draws, chains: 2 }.thinned(100).draws.len(), 20);
    }
}
