//! Draws of new observations from the law that an observation is taken to follow.

use super::counts;
use super::likelihood::total_sd;
use super::noise::{Noise, logarithm};
use super::problem::{Correlation, Counted, ErrorModel, Frame, Observation, Problem, Scatter};
use crate::random::Stream;
use std::collections::BTreeMap;

/// Below so many cells a binomial draw is made cell by cell.
const FEW: u64 = 32;

impl Problem {
    /// Observations like those of the problem, drawn around `predictions` (those of its layout) at `values`.
    ///
    /// Readings follow their noise and wells their correlation. A reading that is known to lie between bounds is drawn
    /// and then cut up in the same way: beyond a limit of detection it is a value, and a bounded interval is one of a
    /// tiling of intervals as wide. Rows of one joint observation share one error. Cells that died between two readings
    /// keep their number in each of `groups`, which says for each prediction where it belongs.
    pub fn draw(&self, values: &[f64], predictions: &[f64], groups: &[usize], stream: &mut Stream) -> Vec<Observation> {
        let mut left: BTreeMap<usize, Dying> = BTreeMap::new();
        for observation in &self.observations {
            if let Observation::Count { prediction, count } = observation {
                let group = left.entry(groups[*prediction]).or_default();
                group.cells += count.round().max(0.0) as u64;
                group.share += predictions[*prediction].max(0.0);
            }
        }
        let draw = |observation: &Observation| match observation {
            Observation::Value { prediction, value: _, error } => {
                let value = reading(error, values, predictions[*prediction], stream);
                Observation::Value { prediction: *prediction, value, error: error.clone() }
            }
            Observation::Interval { prediction, lower, upper, error } => {
                let value = reading(error, values, predictions[*prediction], stream);
                let (prediction, error) = (*prediction, error.clone());
                match censored(value, (*lower, *upper)) {
                    Some((lower, upper)) => Observation::Interval { prediction, lower, upper, error },
                    None => Observation::Value { prediction, value, error },
                }
            }
            Observation::Joint { predictions: rows, bounds, sd } => {
                let error = sd * stream.normal();
                let bounds = rows.iter().zip(bounds).map(|(&row, &(lower, upper))| {
                    // Where a statement in one direction is not so, its opposite is.
                    let opposite = if lower.is_finite() { (f64::NEG_INFINITY, lower) } else { (upper, f64::INFINITY) };
                    censored(predictions[row] + error, (lower, upper)).unwrap_or(opposite)
                });
                Observation::Joint { predictions: rows.clone(), bounds: bounds.collect(), sd: *sd }
            }
            Observation::Count { prediction, count: _ } => {
                let share = predictions[*prediction].max(0.0);
                let count = left.get_mut(&groups[*prediction]).map_or(0, |group| group.take(share, stream));
                Observation::Count { prediction: *prediction, count: count as f64 }
            }
            Observation::Share { prediction, hits: _, counted } => {
                let hits = hits(counted, values, predictions[*prediction], stream);
                Observation::Share { prediction: *prediction, hits, counted: counted.clone() }
            }
            Observation::Well { frames, correlation } => {
                let frames = well(frames, correlation, values, predictions, stream);
                Observation::Well { frames, correlation: correlation.clone() }
            }
        };
        self.observations.iter().map(draw).collect()
    }
}

/// A draw in units of the sd. A Student's t one is by the polar method of R. W. Bailey, Math. Comput. 62:779 (1994).
fn standard(noise: Noise, stream: &mut Stream) -> f64 {
    match noise {
        Noise::Normal | Noise::LogNormal => stream.normal(),
        Noise::StudentT { df } => {
            let (u, v) = (stream.uniform(), stream.uniform());
            (df * (u.powf(-2.0 / df) - 1.0)).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
        }
        Noise::Laplace => {
            let u = stream.uniform() - 0.5;
            -u.signum() * (-2.0 * u.abs()).ln_1p() / std::f64::consts::SQRT_2
        }
    }
}

fn reading(error: &ErrorModel, values: &[f64], mean: f64, stream: &mut Stream) -> f64 {
    scattered(error, values, mean, standard(error.noise, stream))
}

/// The reading that lies `z` sds from its prediction.
fn scattered(error: &ErrorModel, values: &[f64], mean: f64, z: f64) -> f64 {
    let off = total_sd(error, values, mean) * z;
    if error.noise == Noise::LogNormal { (logarithm(mean).0 + off).exp() } else { mean + off }
}

/// What is told of a reading where another one was told to lie within bounds; `None` for the value itself.
fn censored(value: f64, (lower, upper): (f64, f64)) -> Option<(f64, f64)> {
    if (lower..=upper).contains(&value) {
        return Some((lower, upper));
    }
    let width = upper - lower;
    width.is_finite().then(|| {
        let tiles = ((value - lower) / width).floor();
        (lower + tiles * width, upper + tiles * width)
    })
}

fn hits(counted: &Counted, values: &[f64], share: f64, stream: &mut Stream) -> f64 {
    let phi = counted.overdispersion.value(values);
    let share = counts::within(share);
    let share = if phi > 0.0 {
        let size = (1.0 - phi) / phi;
        beta(share * size, (1.0 - share) * size, stream)
    } else {
        share
    };
    binomial(counted.total.round() as u64, share, stream) as f64
}

fn well(
    frames: &[Frame],
    correlation: &Correlation,
    values: &[f64],
    predictions: &[f64],
    stream: &mut Stream,
) -> Vec<Frame> {
    let effect = stream.normal();
    let mut before: Option<(f64, f64)> = None;
    let mut drawn = Vec::with_capacity(frames.len());
    for frame in frames {
        let own = stream.normal();
        let z = match correlation {
            Correlation::Shared(part) => {
                let part = part.value(values).clamp(0.0, 1.0);
                part.sqrt() * effect + (1.0 - part).sqrt() * own
            }
            Correlation::Memory(memory) => before.map_or(own, |(time, z)| {
                let rho = (-(frame.time - time) / memory.value(values)).exp();
                rho * z + (1.0 - rho * rho).max(0.0).sqrt() * own
            }),
        };
        before = Some((frame.time, z));
        let mean = predictions[frame.prediction];
        let value = match &frame.scatter {
            Scatter::Reading(error) => scattered(error, values, mean, z),
            Scatter::Counts(counted) => {
                mean + z * counts::deviation(counted.total, mean, counted.overdispersion.value(values)).0
            }
        };
        drawn.push(Frame { value, ..frame.clone() });
    }
    drawn
}

/// Cells whose time of death is still to be drawn, and the share of all that their intervals have.
#[derive(Debug, Default)]
struct Dying {
    cells: u64,
    share: f64,
}

impl Dying {
    /// So many of them fall into an interval: conditional binomials make up a multinomial draw.
    fn take(&mut self, share: f64, stream: &mut Stream) -> u64 {
        let part = if share >= self.share { 1.0 } else { share / self.share };
        let count = binomial(self.cells, part, stream);
        self.cells -= count;
        self.share -= share;
        count
    }
}

/// Successes among `total`: halved by the middle order statistic of so many uniforms while there are many (J. H. Ahrens,
/// U. Dieter, Computing 12:223, 1974), then one by one.
pub(crate) fn binomial(mut total: u64, mut share: f64, stream: &mut Stream) -> u64 {
    let mut found = 0;
    while total > FEW && share > 0.0 && share < 1.0 {
        let place = 1 + total / 2;
        let middle = beta(place as f64, (total + 1 - place) as f64, stream);
        if middle <= share {
            found += place;
            (total, share) = (total - place, ((share - middle) / (1.0 - middle)).clamp(0.0, 1.0));
        } else {
            (total, share) = (place - 1, (share / middle).clamp(0.0, 1.0));
        }
    }
    match share {
        s if s >= 1.0 => found + total,
        s if s <= 0.0 => found,
        s => found + (0..total).filter(|_| stream.uniform() < s).count() as u64,
    }
}

fn beta(a: f64, b: f64, stream: &mut Stream) -> f64 {
    let (x, y) = (log_gamma_draw(a, stream), log_gamma_draw(b, stream));
    1.0 / (1.0 + (y - x).exp())
}

/// The logarithm of a gamma draw of unit scale, which does not underflow for a small shape: G. Marsaglia, W. W. Tsang, ACM
/// TOMS 26:363 (2000).
fn log_gamma_draw(shape: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let smaller = stream.uniform().ln() / shape;
        return log_gamma_draw(shape + 1.0, stream) + smaller;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && stream.uniform().ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return (d * v).ln();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 40_000;

    /// Mean and variance of so many draws, with the standard error of each.
    fn moments(mut draw: impl FnMut(&mut Stream) -> f64) -> [(f64, f64); 2] {
        let mut stream = Stream::new(3, 0);
        let all: Vec<f64> = (0..DRAWS).map(|_| draw(&mut stream)).collect();
        let n = DRAWS as f64;
        let mean = all.iter().sum::<f64>() / n;
        let power = |p: i32| all.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
        [(mean, (power(2) / n).sqrt()), (power(2), ((power(4) - power(2).powi(2)) / n).sqrt())]
    }

    fn agree(what: &str, found: [(f64, f64); 2], mean: f64, variance: f64) {
        for ((found, error), wanted) in found.into_iter().zip([mean, variance]) {
            assert!((found - wanted).abs() < 4.0 * error, "{what}: {found} ± {error} beside {wanted}");
        }
    }

    #[test]
    fn draws_have_the_means_and_variances_of_their_laws() {
        agree("normal", moments(|s| standard(Noise::Normal, s)), 0.0, 1.0);
        agree("laplace", moments(|s| standard(Noise::Laplace, s)), 0.0, 1.0);
        // The variance of Student's t is df / (df - 2).
        agree("t", moments(|s| standard(Noise::StudentT { df: 9.0 }, s)), 0.0, 9.0 / 7.0);
        for (n, p) in [(7, 0.4), (500, 0.02), (12_000, 0.7)] {
            let (count, share) = (n as f64, p);
            agree("binomial", moments(|s| binomial(n, p, s) as f64), count * share, count * share * (1.0 - share));
        }
        for (a, b) in [(0.02, 0.05), (3.0, 1.5)] {
            let variance = a * b / ((a + b) * (a + b) * (a + b + 1.0));
            agree("beta", moments(|s| beta(a, b, s)), a / (a + b), variance);
        }
        let (n, p, phi) = (200.0, 0.3, 0.05);
        let counted = Counted { total: n, overdispersion: super::super::problem::Term::number(phi) };
        let variance = n * p * (1.0 - p) * (1.0 + (n - 1.0) * phi);
        agree("beta-binomial", moments(|s| hits(&counted, &[], p, s)), n * p, variance);
    }

    #[test]
    fn frames_of_a_well_have_its_correlation() {
        let error = ErrorModel { noise: Noise::Normal, sd: super::super::problem::Term::number(0.5), relative: None };
        let frame = |time| Frame { prediction: 0, value: 0.0, time, scatter: Scatter::Reading(error.clone()) };
        let frames = [frame(0.0), frame(2.0), frame(5.0)];
        let term = super::super::problem::Term::number;
        for (correlation, expected) in [
            (Correlation::Shared(term(0.6)), [0.6, 0.6]),
            (Correlation::Memory(term(3.0)), [(-2.0f64 / 3.0).exp(), (-5.0f64 / 3.0).exp()]),
        ] {
            let mut stream = Stream::new(8, 0);
            let mut sums = [0.0; 2];
            for _ in 0..DRAWS {
                let drawn = well(&frames, &correlation, &[], &[1.0], &mut stream);
                let z = |i: usize| (drawn[i].value - 1.0) / 0.5;
                sums[0] += z(0) * z(1) / DRAWS as f64;
                sums[1] += z(0) * z(2) / DRAWS as f64;
            }
            for (found, wanted) in sums.into_iter().zip(expected) {
                let error = ((1.0 + wanted * wanted) / DRAWS as f64).sqrt();
                assert!((found - wanted).abs() < 4.0 * error, "{correlation:?}: {found} beside {wanted}");
            }
        }
    }

    #[test]
    fn a_latent_value_is_cut_up_as_the_reading_was() {
        let limit = (f64::NEG_INFINITY, 0.1);
        assert_eq!(censored(0.05, limit), Some(limit));
        assert_eq!(censored(0.3, limit), None);
        let (low, high) = censored(1.05, (0.25, 0.5)).unwrap();
        assert!((low - 1.0).abs() < 1e-12 && (high - 1.25).abs() < 1e-12);
        let (low, high) = censored(-0.1, (0.25, 0.5)).unwrap();
        assert!((low + 0.25).abs() < 1e-12 && high.abs() < 1e-12);
    }

    #[test]
    fn cells_that_die_keep_their_number() {
        let mut stream = Stream::new(5, 0);
        for _ in 0..100 {
            let mut left = Dying { cells: 1000, share: 1.0 };
            let taken: u64 = [0.2, 0.5, 0.3].into_iter().map(|share| left.take(share, &mut stream)).sum();
            assert_eq!(taken, 1000);
        }
    }
}
