//! Moves of a member of a population, given others that stand still meanwhile.
//!
//! Each leaves the target distribution as it is: the others are of a half that does not move, so that proposals depend on
//! nothing that follows from them.

use super::clouds::{Clouds, student};
use super::population::{Member, Spread};
use crate::random::Stream;
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

/// Degrees of freedom of the independent proposal: its tails are to be heavier than the target's.
const FREEDOM: f64 = 5.0;
/// How often differential evolution jumps by the whole difference, from one mode into another.
const WHOLE: f64 = 0.2;
/// Decades over which the steps of single coordinates are spread.
const NARROW: f64 = 3.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kernel {
    /// Normal steps as wide as the others lie apart.
    Walk,
    /// One coordinate alone, by a step between three standard deviations and a thousandth: where the target is narrow in some
    /// directions and not in others, steps in all of them at once get nowhere.
    Single,
    /// The difference of two others (C. J. F. ter Braak, Statistics and Computing 16:239, 2006).
    Evolution,
    /// A fresh point of Student's t with the mean and covariance of the others: where it is taken, nothing is remembered.
    Fresh,
    /// A fresh point of a mixture that follows the shape of the others: the same in few dimensions, where they are bent, narrow
    /// in places or in several groups.
    Cloud,
}

impl Kernel {
    pub const ALL: [Kernel; 5] = [Kernel::Walk, Kernel::Single, Kernel::Evolution, Kernel::Fresh, Kernel::Cloud];
}

/// The half of a population that stands still.
pub struct Others<'m> {
    members: Vec<&'m Member>,
    pub spread: Spread,
    clouds: Option<Clouds>,
}

impl<'m> Others<'m> {
    /// `None` for others that have collapsed onto a point.
    pub fn new(members: Vec<&'m Member>) -> Option<Self> {
        let spread = Spread::of(members.iter().copied())?;
        let clouds = Clouds::of(&members, &spread);
        Some(Others { members, spread, clouds })
    }
}

/// Where to, and what the ratio of densities is multiplied by (its logarithm) to make up for a lopsided proposal.
pub struct Proposal {
    pub point: Vec<f64>,
    pub correction: f64,
}

impl Kernel {
    /// `scale` widens or narrows a step.
    pub fn propose(self, from: &[f64], others: &Others, scale: f64, stream: &mut Stream) -> Proposal {
        let dimensions = from.len() as f64;
        let Others { members, spread, clouds } = others;
        match self {
            Kernel::Walk => {
                let step = spread.step(stream) * (scale * 2.38 / dimensions.sqrt());
                Proposal { point: from.iter().zip(step.iter()).map(|(x, s)| x + s).collect(), correction: 0.0 }
            }
            Kernel::Single => {
                let i = stream.below(from.len());
                let mut point = from.to_vec();
                point[i] += spread.deviation(i) * 10f64.powf(0.5 - NARROW * stream.uniform()) * stream.normal();
                Proposal { point, correction: 0.0 }
            }
            Kernel::Evolution => {
                let first = stream.below(members.len());
                let mut second = stream.below(members.len() - 1);
                second += usize::from(second >= first);
                let whole = stream.uniform() < WHOLE;
                let factor = if whole { 1.0 } else { scale * 2.38 / (2.0 * dimensions).sqrt() };
                let jitter = spread.step(stream) * 1e-3;
                let point = (0..from.len())
                    .map(|i| from[i] + factor * (members[first].point[i] - members[second].point[i]) + jitter[i])
                    .collect();
                Proposal { point, correction: 0.0 }
            }
            Kernel::Fresh => {
                let point = &spread.mean + student(spread, FREEDOM, stream);
                let point: Vec<f64> = point.iter().copied().collect();
                let density = |x: &[f64]| -0.5 * (FREEDOM + dimensions) * (spread.distance(x) / FREEDOM).ln_1p();
                let correction = density(from) - density(&point);
                Proposal { point, correction }
            }
            Kernel::Cloud => match clouds {
                Some(clouds) => {
                    let point = clouds.draw(stream);
                    let correction = clouds.density(from) - clouds.density(&point);
                    Proposal { point, correction }
                }
                None => Kernel::Fresh.propose(from, others, scale, stream),
            },
        }
    }
}

/// How well each kernel has done lately, which says how often it is used and how far its steps go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    records: [Record; 5],
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Record {
    share: f64,
    scale: f64,
    tried: u64,
    accepted: u64,
    /// Sum of the squared ways gone.
    moved: f64,
}

/// No kernel is used less than this.
const LEAST: f64 = 0.08;

impl Default for Tuning {
    fn default() -> Self {
        Tuning { records: [Record { share: 0.2, scale: 1.0, tried: 0, accepted: 0, moved: 0.0 }; 5] }
    }
}

impl Tuning {
    pub fn pick(&self, stream: &mut Stream) -> (Kernel, f64) {
        let mut u = stream.uniform();
        for (kernel, record) in Kernel::ALL.iter().zip(&self.records) {
            if u < record.share {
                return (*kernel, record.scale);
            }
            u -= record.share;
        }
        (Kernel::Fresh, 1.0)
    }

    /// A proposal of `kernel` and the squared way it went, 0 where it was refused.
    pub fn note(&mut self, kernel: Kernel, accepted: bool, way: f64) {
        let record = &mut self.records[kernel as usize];
        record.tried += 1;
        record.accepted += u64::from(accepted);
        // A step further than across the population decorrelates no better.
        record.moved += if accepted { way.min(4.0) } else { 0.0 };
    }

    /// The squared distance in standard deviations, for each dimension.
    pub fn way(spread: &Spread, from: &[f64], to: &[f64]) -> f64 {
        let step = DVector::from_fn(from.len(), |i, _| to[i] - from[i]);
        spread.length(&step) / from.len() as f64
    }

    /// Takes in what was noted: more of the kernels that go far, and steps of which about a quarter is accepted.
    pub fn adapt(&mut self) {
        let merit = |record: &Record| record.moved / record.tried.max(1) as f64;
        let total: f64 = self.records.iter().map(merit).sum();
        for (kernel, record) in Kernel::ALL.iter().zip(&mut self.records) {
            if record.tried > 0 && matches!(kernel, Kernel::Walk | Kernel::Evolution) {
                let rate = record.accepted as f64 / record.tried as f64;
                record.scale = (record.scale * (2.0 * (rate - 0.25)).exp()).clamp(1e-3, 2.0);
            }
            if total > 0.0 {
                let wanted = LEAST + (1.0 - 5.0 * LEAST) * merit(record) / total;
                record.share = 0.5 * (record.share + wanted);
            }
            (record.tried, record.accepted, record.moved) = (0, 0, 0.0);
        }
    }
}
