//! Whether ranks are uniform, for simulation-based calibration (S. Talts, M. Betancourt, D. Simpson, A. Vehtari, A. Gelman,
//! arXiv:1804.06788, 2018).

use fenton::random::Stream;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Draws among which a true value is ranked: ranks go from 0 to this.
pub const AMONG: usize = 63;
/// Most bins of the chi-squared test, and how many ranks are to be expected in each.
const BINS: usize = 16;
const FILLED: usize = 10;
/// Samples of uniform ranks behind the simultaneous band.
const SIMULATED: u64 = 40_000;

/// The rank of `truth` among every so many of `draws`, as many as [`AMONG`]. Relatives are neighbours in them.
pub fn rank(truth: f64, draws: &[f64]) -> usize {
    (0..AMONG).filter(|i| draws[i * draws.len() / AMONG] < truth).count()
}

/// The probability that uniform ranks differ from equal bins as much as these, by chi-squared.
pub fn by_bins(ranks: &[usize]) -> f64 {
    let mut bins = BINS;
    while bins > 2 && ranks.len() < bins * FILLED {
        bins /= 2;
    }
    let expected = ranks.len() as f64 / bins as f64;
    let mut counts = vec![0.0; bins];
    ranks.iter().for_each(|rank| counts[rank * bins / (AMONG + 1)] += 1.0);
    let squared: f64 = counts.iter().map(|count| (count - expected) * (count - expected) / expected).sum();
    ChiSquared::new(bins as f64 - 1.0).expect("degrees of freedom").sf(squared)
}

/// The distribution function of so many uniform ranks, all of it at once (T. Saeilynoja, P.-C. Buerkner, A. Vehtari,
/// Statistics and Computing 32:32, 2022).
pub struct Bands {
    /// `below[at][count]`: the probability that at most so many of the ranks are at most `at`.
    below: Vec<Vec<f64>>,
    /// Of samples of uniform ranks the least probability of any point, in order.
    least: Vec<f64>,
}

impl Bands {
    pub fn new(repeats: usize) -> Bands {
        let below = (0..AMONG).map(|at| binomial(repeats, (at + 1) as f64 / (AMONG + 1) as f64)).collect();
        let mut bands = Bands { below, least: Vec::new() };
        let sample = |sample: u64| -> Vec<usize> {
            let mut stream = Stream::new(1, sample);
            (0..repeats).map(|_| stream.below(AMONG + 1)).collect()
        };
        let mut least: Vec<f64> = (0..SIMULATED).map(|at| bands.least(&sample(at))).collect();
        least.sort_by(f64::total_cmp);
        bands.least = least;
        bands
    }

    /// The two-sided probability of the point of the distribution function that is the least likely.
    fn least(&self, ranks: &[usize]) -> f64 {
        let two_sided = |(at, count): (usize, usize)| {
            let below = &self.below[at];
            let above = 1.0 - if count == 0 { 0.0 } else { below[count - 1] };
            2.0 * below[count].min(above)
        };
        cumulated(ranks).into_iter().enumerate().map(two_sided).fold(1.0, f64::min)
    }

    /// The probability that uniform ranks have a point as unlikely as the least likely one of these.
    pub fn by_shape(&self, ranks: &[usize]) -> f64 {
        let least = self.least(ranks);
        self.least.partition_point(|other| *other <= least) as f64 / self.least.len() as f64
    }

    /// Lowest and highest counts of ranks at most 0, 1 and so on within the band that uniform ranks leave with a
    /// probability of `level`.
    pub fn limits(&self, level: f64) -> Vec<(usize, usize)> {
        let tail = 0.5 * self.least[(level * self.least.len() as f64) as usize];
        let within = |below: &Vec<f64>| {
            let low = below.partition_point(|p| *p <= tail);
            (low, below.partition_point(|p| *p < 1.0 - tail))
        };
        self.below.iter().map(within).collect()
    }
}

/// How many ranks are at most 0, 1 and so on; all are at most [`AMONG`].
pub fn cumulated(ranks: &[usize]) -> Vec<usize> {
    (0..AMONG).map(|at| ranks.iter().filter(|rank| **rank <= at).count()).collect()
}

/// The distribution function of a binomial law.
fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut mass = vec![0.0; n + 1];
    mass[0] = 1.0;
    for trial in 1..=n {
        for hits in (0..=trial).rev() {
            mass[hits] = mass[hits] * (1.0 - p) + if hits > 0 { mass[hits - 1] * p } else { 0.0 };
        }
    }
    mass.iter()
        .scan(0.0, |sum, mass| {
            *sum += mass;
            Some(*sum)
        })
        .collect()
}
