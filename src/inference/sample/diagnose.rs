//! Whether draws can be trusted: rank-normalised split R-hat, bulk and tail effective sample sizes, Monte Carlo errors.
//!
//! A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Buerkner, "Rank-normalization, folding, and localization",
//! Bayesian Analysis 16:667 (2021), with the truncation of autocorrelations of C. J. Geyer, Statistical Science 7:473
//! (1992). A test compares every number with ArviZ.

use crate::random::normal_quantile;
use statrs::distribution::{Beta, ContinuousCDF};

/// What the chains of one quantity say about themselves.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Diagnosis {
    /// The larger of R-hat of the ranks and of the folded ranks; 1 for chains that agree.
    pub rhat: f64,
    /// How many independent draws the chains are worth for the middle of the distribution.
    pub bulk: f64,
    /// And for its 5 and 95 % quantiles, whichever is less.
    pub tail: f64,
    /// Monte Carlo error of the mean.
    pub mean_error: f64,
}

/// Above this R-hat, or below this many effective draws for each chain, chains are not to be believed (Vehtari et al.).
pub const RHAT: f64 = 1.01;
pub const EFFECTIVE: f64 = 100.0;

impl Diagnosis {
    /// `chains` are of equal length, at least 4 draws each. Draws that never change have R-hat NaN and nothing effective.
    pub fn of(chains: &[Vec<f64>]) -> Diagnosis {
        let halves = split(chains);
        let ranked = rank_normal(&halves);
        let all: Vec<f64> = chains.concat();
        let middle = quantile(&sorted(&all), 0.5);
        let folded = rank_normal(&map(&halves, |x| (x - middle).abs()));
        Diagnosis {
            rhat: rhat(&ranked).max(rhat(&folded)),
            bulk: effective(&ranked),
            tail: effective_at(chains, 0.05).min(effective_at(chains, 0.95)),
            mean_error: (variance(&all) / effective(&halves)).sqrt(),
        }
    }

    pub fn converged(&self, chains: usize) -> bool {
        let enough = EFFECTIVE * chains as f64;
        self.rhat <= RHAT && self.bulk >= enough && self.tail >= enough
    }
}

/// Monte Carlo error of the quantile at `share`: half the distance between the order statistics that one standard error
/// of the share is away on either side.
pub fn quantile_error(chains: &[Vec<f64>], share: f64) -> f64 {
    let ess = effective_at(chains, share);
    let order = sorted(&chains.concat());
    let one = 0.158_655_253_931_457_05;
    let Ok(beta) = Beta::new(ess * share + 1.0, ess * (1.0 - share) + 1.0) else { return f64::NAN };
    let at = |probability: f64| {
        let place = (beta.inverse_cdf(probability) * order.len() as f64).clamp(1.0, order.len() as f64);
        place - 1.0
    };
    let low = order[at(one).floor().max(0.0) as usize];
    let high = order[(at(1.0 - one).ceil() as usize).min(order.len() - 1)];
    (high - low) / 2.0
}

/// The linear quantile of sorted numbers (type 7).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn map(chains: &[Vec<f64>], f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.iter().map(|x| f(*x)).collect()).collect()
}

/// First and last half of each chain.
fn split(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let half = chains[0].len() / 2;
    chains.iter().map(|c| c[..half].to_vec()).chain(chains.iter().map(|c| c[c.len() - half..].to_vec())).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// Normal scores of the ranks over all chains; ties get their mean rank.
fn rank_normal(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let length = chains[0].len();
    let all: Vec<f64> = chains.concat();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| all[a].total_cmp(&all[b]));
    let mut scores = vec![0.0; all.len()];
    let mut first = 0;
    while first < order.len() {
        let mut last = first;
        while last + 1 < order.len() && all[order[last + 1]] == all[order[first]] {
            last += 1;
        }
        let rank = (first + last) as f64 / 2.0 + 1.0;
        let score = normal_quantile((rank - 0.375) / (all.len() as f64 + 0.25));
        order[first..=last].iter().for_each(|&at| scores[at] = score);
        first = last + 1;
    }
    scores.chunks(length).map(<[f64]>::to_vec).collect()
}

fn rhat(chains: &[Vec<f64>]) -> f64 {
    let length = chains[0].len() as f64;
    let within = mean(&chains.iter().map(|c| variance(c)).collect::<Vec<_>>());
    let between = length * variance(&chains.iter().map(|c| mean(c)).collect::<Vec<_>>());
    ((between / within + length - 1.0) / length).sqrt()
}

/// Effective draws for the share of draws below the quantile at `share`.
fn effective_at(chains: &[Vec<f64>], share: f64) -> f64 {
    let limit = quantile(&sorted(&chains.concat()), share);
    effective(&split(&map(chains, |x| f64::from(u8::from(x <= limit)))))
}

fn effective(chains: &[Vec<f64>]) -> f64 {
    let (count, length) = (chains.len(), chains[0].len());
    let total = (count * length) as f64;
    let first = chains[0][0];
    if length < 4 || chains.iter().flatten().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    if chains.iter().flatten().all(|x| *x == first) {
        return total;
    }
    let covariances: Vec<Autocovariance> = chains.iter().map(|c| Autocovariance::of(c)).collect();
    let at = |lag: usize| covariances.iter().map(|c| c.at(lag)).sum::<f64>() / count as f64;
    let n = length as f64;
    let within = at(0) * n / (n - 1.0);
    let mut plus = at(0);
    if count > 1 {
        plus += variance(&chains.iter().map(|c| mean(c)).collect::<Vec<_>>());
    }
    let correlation = |lag: usize| 1.0 - (within - at(lag)) / plus;
    // Pairs of neighbouring lags, as long as their sum is positive.
    let mut rho = vec![1.0, correlation(1)];
    let (mut even, mut odd) = (rho[0], rho[1]);
    let mut lag = 1;
    while lag < length - 3 && even + odd > 0.0 {
        (even, odd) = (correlation(lag + 1), correlation(lag + 2));
        let kept = if even + odd >= 0.0 { [even, odd] } else { [0.0, 0.0] };
        rho.extend(kept);
        lag += 2;
    }
    rho.resize(length.max(rho.len()), 0.0);
    // In signed numbers: a chain of the shortest length has no pair at all.
    let last = lag as isize - 2;
    if even > 0.0 {
        rho[(last + 1) as usize] = even;
    }
    // And no pair above the one before it.
    let mut lag = 1;
    while lag as isize <= last - 2 {
        if rho[lag + 1] + rho[lag + 2] > rho[lag - 1] + rho[lag] {
            rho[lag + 1] = (rho[lag - 1] + rho[lag]) / 2.0;
            rho[lag + 2] = rho[lag + 1];
        }
        lag += 2;
    }
    let end = (last + 1).max(0) as usize;
    let tau = -1.0 + 2.0 * rho[..end].iter().sum::<f64>() + rho.get(end).copied().unwrap_or(0.0);
    total / tau.max(1.0 / total.log10())
}

/// Autocovariances of one chain, with all pairs divided by its length.
struct Autocovariance {
    centred: Vec<f64>,
}

impl Autocovariance {
    fn of(chain: &[f64]) -> Self {
        let mean = mean(chain);
        Autocovariance { centred: chain.iter().map(|x| x - mean).collect() }
    }

    /// The sum is formed lag by lag, since it ends at the first pair that is not positive: seldom past a few dozen.
    fn at(&self, lag: usize) -> f64 {
        let n = self.centred.len();
        self.centred.iter().zip(&self.centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / n as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn autoregressive(phi: f64, chains: usize, length: usize, shift: f64) -> Vec<Vec<f64>> {
        (0..chains)
            .map(|chain| {
                let mut stream = Stream::new(3, chain as u64);
                let mut x = stream.normal();
                (0..length)
                    .map(|_| {
                        x = phi * x + (1.0 - phi * phi).sqrt() * stream.normal();
                        x + shift * chain as f64
                    })
                    .collect()
            })
            .collect()
    }

    /// An AR(1) chain is worth (1 - phi) / (1 + phi) of its draws.
    #[test]
    fn effective_draws_are_those_of_an_autoregressive_chain() {
        for phi in [0.0, 0.5, 0.9] {
            let chains = autoregressive(phi, 4, 20_000, 0.0);
            let found = Diagnosis::of(&chains);
            let expected = 80_000.0 * (1.0 - phi) / (1.0 + phi);
            assert!((found.bulk / expected - 1.0).abs() < 0.1, "{phi}: {} beside {expected}", found.bulk);
            assert!(found.rhat < 1.005, "{phi}: {}", found.rhat);
            assert!(found.converged(4));
        }
    }

    #[test]
    fn chains_apart_or_of_different_widths_have_a_large_rhat() {
        assert!(Diagnosis::of(&autoregressive(0.0, 4, 1000, 0.3)).rhat > 1.02);
        let mut chains = autoregressive(0.0, 4, 1000, 0.0);
        chains[3].iter_mut().for_each(|x| *x *= 3.0);
        let found = Diagnosis::of(&chains);
        assert!(found.rhat > 1.02 && !found.converged(4));
    }

    #[test]
    fn draws_that_never_move_are_not_converged() {
        let found = Diagnosis::of(&vec![vec![1.0; 100]; 4]);
        assert!(!found.converged(4));
    }

    #[test]
    fn errors_of_quantiles_shrink_with_the_root_of_the_draws() {
        let few = quantile_error(&autoregressive(0.0, 4, 500, 0.0), 0.5);
        let many = quantile_error(&autoregressive(0.0, 4, 50_000, 0.0), 0.5);
        // Of the median of normal draws: sqrt(pi / 2 / n).
        let expected = (std::f64::consts::FRAC_PI_2 / 2e5).sqrt();
        assert!((many / expected - 1.0).abs() < 0.2, "{many} beside {expected}");
        assert!(few / many > 6.0 && few / many < 16.0);
    }
}
