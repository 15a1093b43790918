//! Differential evolution with an archive and snooker updates, DE-MC(Z) (C. J. F. ter Braak, J. A. Vrugt, Statistics and
//! Computing 18:435, 2008): a walker goes by the difference of two points that walkers have been at.

use super::walk::{Chain, Rule};
use crate::random::Stream;

/// Points of the prior that the archive begins with, for each dimension.
const FIRST: usize = 10;
/// Walkers enter the archive every so many steps.
const EVERY: u64 = 10;
const SNOOKER: f64 = 0.1;
/// How often the whole difference is gone, from one mode into another.
const WHOLE: f64 = 0.1;
/// Of the noise that makes every point reachable, on the estimation scale.
const JITTER: f64 = 1e-6;

pub(super) struct DifferentialEvolution;

impl Rule for DifferentialEvolution {
    fn walkers(&self, dimensions: usize) -> usize {
        (2 * dimensions).max(16)
    }

    fn archive(&self, dimensions: usize) -> usize {
        (FIRST * dimensions).max(40)
    }

    fn parts(&self) -> usize {
        1
    }

    fn propose(&self, chain: &Chain, walker: usize, stream: &mut Stream) -> (Vec<f64>, f64) {
        let here = &chain.walkers[walker].point;
        let archive = &chain.archive;
        let first = stream.below(archive.len());
        let mut second = stream.below(archive.len() - 1);
        second += usize::from(second >= first);
        let (a, b) = (&archive[first], &archive[second]);
        let dimensions = here.len() as f64;
        if stream.uniform() < SNOOKER {
            // Along the line through a third point, by the difference of the two projected onto it.
            let third = &archive[stream.below(archive.len())];
            let line: Vec<f64> = here.iter().zip(third).map(|(x, z)| x - z).collect();
            let length: f64 = line.iter().map(|x| x * x).sum();
            if length > 0.0 {
                let along = |point: &[f64]| point.iter().zip(&line).map(|(p, l)| p * l).sum::<f64>() / length;
                let factor = (1.2 + stream.uniform()) * (along(a) - along(b));
                let point: Vec<f64> = here.iter().zip(&line).map(|(x, l)| x + factor * l).collect();
                return (point, (dimensions - 1.0) * (1.0 + factor).abs().ln());
            }
        }
        let factor = if stream.uniform() < WHOLE { 1.0 } else { 2.38 / (2.0 * dimensions).sqrt() };
        let point = (0..here.len()).map(|i| here[i] + factor * (a[i] - b[i]) + JITTER * stream.normal()).collect();
        (point, 0.0)
    }

    fn remember(&self, chain: &mut Chain, step: u64) {
        if step.is_multiple_of(EVERY) {
            chain.archive.extend(chain.walkers.iter().map(|walker| walker.point.clone()));
        }
    }
}
