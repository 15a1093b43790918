//! The affine-invariant stretch move (J. Goodman, J. Weare, Communications in Applied Mathematics and Computational Science
//! 5:65, 2010): a walker goes along the line through one of the other half, which stands still.

use super::walk::{Chain, Rule};
use crate::random::Stream;

/// The line is stretched by up to this factor, or shrunk.
const MOST: f64 = 2.0;

pub(super) struct Stretch;

impl Rule for Stretch {
    fn walkers(&self, dimensions: usize) -> usize {
        (4 * dimensions).max(32).next_multiple_of(2)
    }

    fn parts(&self) -> usize {
        2
    }

    fn propose(&self, chain: &Chain, walker: usize, stream: &mut Stream) -> (Vec<f64>, f64) {
        let here = &chain.walkers[walker].point;
        let other = 2 * stream.below((chain.walkers.len() + walker % 2) / 2) + 1 - walker % 2;
        let other = &chain.walkers[other].point;
        // Of density proportional to 1 / sqrt(z) between 1 / MOST and MOST.
        let z = ((MOST - 1.0) * stream.uniform() + 1.0).powi(2) / MOST;
        let point = other.iter().zip(here).map(|(o, h)| o + z * (h - o)).collect();
        (point, (here.len() as f64 - 1.0) * z.ln())
    }
}
