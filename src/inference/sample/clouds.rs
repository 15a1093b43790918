//! The shape of a population as a mixture of small clouds: what one cloud for all misses (bends, narrow necks, separate
//! modes) each of many sees for itself.

use super::population::{Member, Spread};
use crate::random::Stream;
use nalgebra::DVector;

/// Clouds at most; more cost more than they teach.
const MOST: usize = 128;
/// Degrees of freedom of each cloud's Student's t.
const FREEDOM: f64 = 5.0;
/// The neighbours of which a cloud is made: so many for each dimension, and this part of all where that is more.
const NEIGHBOURS: usize = 3;
const PART: usize = 24;
/// In more dimensions hardly a point of a mixture would be accepted.
const DIMENSIONS: usize = 10;

/// Student's t distributions of equal weight.
pub struct Clouds {
    clouds: Vec<Spread>,
    logs: Vec<f64>,
}

impl Clouds {
    /// `spread` is that of `members`. `None` where the members are too few or stand on too few points.
    pub fn of(members: &[&Member], spread: &Spread) -> Option<Clouds> {
        let dimensions = spread.mean.len();
        let wanted = (NEIGHBOURS * dimensions + 2).max(members.len() / PART);
        if dimensions > DIMENSIONS || members.len() < 2 * wanted {
            return None;
        }
        let white: Vec<DVector<f64>> = members.iter().map(|m| spread.white(&m.point)).collect();
        let step = members.len().div_ceil(MOST);
        let cloud = |at: usize| {
            let mut near: Vec<(f64, usize)> =
                white.iter().enumerate().map(|(other, w)| ((w - &white[at]).norm_squared(), other)).collect();
            near.select_nth_unstable_by(wanted - 1, |a, b| a.0.total_cmp(&b.0));
            let mut cloud = Spread::of(near[..wanted].iter().map(|(_, other)| members[*other]))?;
            cloud.mean = DVector::from_column_slice(&members[at].point);
            Some(cloud)
        };
        let clouds: Vec<Spread> = (0..members.len()).step_by(step).map(cloud).collect::<Option<_>>()?;
        let logs = clouds.iter().map(|c| -c.log_volume()).collect();
        Some(Clouds { clouds, logs })
    }

    pub fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let cloud = &self.clouds[stream.below(self.clouds.len())];
        (&cloud.mean + student(cloud, FREEDOM, stream)).iter().copied().collect()
    }

    /// Log density, up to a constant.
    pub fn density(&self, point: &[f64]) -> f64 {
        let tail = 0.5 * (FREEDOM + point.len() as f64);
        let log = |(cloud, log): (&Spread, &f64)| log - tail * (cloud.distance(point) / FREEDOM).ln_1p();
        let logs: Vec<f64> = self.clouds.iter().zip(&self.logs).map(log).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + logs.iter().map(|l| (l - most).exp()).sum::<f64>().ln()
    }
}

/// A step of Student's t with the covariance of `spread` as its scale: a normal over the root of a mean of squares.
pub fn student(spread: &Spread, freedom: f64, stream: &mut Stream) -> DVector<f64> {
    let squares = (0..freedom as usize).map(|_| stream.normal().powi(2)).sum::<f64>() / freedom;
    spread.step(stream) / squares.sqrt()
}
