//! Counts of cells: the beta-binomial law, with its derivatives.
//!
//! Of `total` cells in a well so many are counted in, each with the predicted share, which differs from well to well
//! with variance `share (1 - share) phi`. The count then has the variance `n p (1 - p) (1 + (n - 1) phi)` (D. A.
//! Williams, Applied Statistics 31:144, 1982); `phi = 0` is the binomial law. Probabilities are sums of logarithms
//! that stay exact down to there, where differences of gamma functions lose every digit.

use super::noise::Score;
use super::special::ln_gamma;

/// Of a share: below it no cell is expected that the model does not know of, and one such cell does not refuse the
/// whole parameter vector.
const LEAST: f64 = 1e-6;

/// Terms of a sum that are added one by one before the Euler-Maclaurin formula takes over.
const HEAD: usize = 32;

/// A share as it counts.
pub(super) fn within(share: f64) -> f64 {
    share.clamp(LEAST, 1.0 - LEAST)
}

/// The log probability of `hits` among `total` cells; `by_sd` is the derivative by `phi`.
pub fn score(hits: f64, total: f64, share: f64, phi: f64) -> Score {
    let p = within(share);
    // Polya's urn: each cell found adds `t` to the odds of the next one of its kind.
    let t = phi / (1.0 - phi);
    let t_slope = 1.0 / ((1.0 - phi) * (1.0 - phi));
    let (inside, outside, all) = (urn(p, t, hits), urn(1.0 - p, t, total - hits), urn(1.0, t, total));
    let combinations = ln_gamma(total + 1.0) - ln_gamma(hits + 1.0) - ln_gamma(total - hits + 1.0);
    let inflation = 1.0 + (total - 1.0).max(0.0) * phi;
    let by_inflation = (total - 1.0).max(0.0) / inflation;
    let reachable = share > 0.5 * LEAST && share < 1.0 - 0.5 * LEAST;
    Score {
        value: combinations + inside.sum + outside.sum - all.sum,
        by_mean: if reachable { inside.by_start - outside.by_start } else { 0.0 },
        by_sd: (inside.by_step + outside.by_step - all.by_step) * t_slope,
        information: [total / (p * (1.0 - p) * inflation), 0.0, 0.5 * by_inflation * by_inflation],
    }
}

/// The standard deviation of a share among `total` cells, with its derivatives by the share and by `phi`. Half a cell
/// on either side keeps it above zero where all cells are expected to be alike.
pub fn deviation(total: f64, share: f64, phi: f64) -> (f64, f64, f64) {
    let p = (total * share.clamp(0.0, 1.0) + 0.5) / (total + 1.0);
    let inflation = 1.0 + (total - 1.0).max(0.0) * phi;
    let sd = (p * (1.0 - p) / total * inflation).sqrt();
    let by_share = sd * (1.0 - 2.0 * p) / (2.0 * p * (1.0 - p)) * total / (total + 1.0);
    let by_phi = 0.5 * sd * (total - 1.0).max(0.0) / inflation;
    (sd, if (0.0..=1.0).contains(&share) { by_share } else { 0.0 }, by_phi)
}

/// `sum of ln(start + k step)` over `k` from 0 to below `count`, with its derivatives.
#[derive(Debug, Clone, Copy, Default)]
struct Urn {
    sum: f64,
    by_start: f64,
    by_step: f64,
}

fn urn(start: f64, step: f64, count: f64) -> Urn {
    let mut urn = Urn::default();
    let head = (HEAD as f64).min(count);
    for k in 0..head as usize {
        let k = k as f64;
        let odds = start + k * step;
        urn.sum += odds.ln();
        urn.by_start += 1.0 / odds;
        urn.by_step += k / odds;
    }
    if count > head {
        urn.add_rest(start, step, head, count);
    }
    urn
}

impl Urn {
    /// The terms from `head` to below `count`: integral, half of the ends, first and third derivatives at the ends.
    fn add_rest(&mut self, start: f64, step: f64, head: f64, count: f64) {
        let (from, length) = (start + head * step, count - head);
        let grown = step * length / from;
        // ln(1 + g) / g, and what remains of it after 1 and after 1 - g/2; series where digits would cancel.
        let (first, second) = if grown < 1e-3 {
            let g = grown;
            (1.0 - g * (0.5 - g * (1.0 / 3.0 - g * 0.25)), 0.5 - g * (1.0 / 3.0 - g * (0.25 - g * 0.2)))
        } else {
            let first = grown.ln_1p() / grown;
            (first, (1.0 - first) / grown)
        };
        let integral = [
            length * (from.ln() + (1.0 + grown) * first - 1.0),
            length / from * first,
            head * length / from * first + length * length / from * second,
        ];
        // Value, first and third derivative by k of each summand.
        let at = |k: f64| {
            let u = start + k * step;
            let r = step / u;
            [
                [u.ln(), r, 2.0 * r * r * r],
                [1.0 / u, -r / u, -6.0 * r * r * r / u],
                [k / u, start / (u * u), 6.0 * start * r * r / (u * u)],
            ]
        };
        let (low, high) = (at(head), at(count));
        let mut rest = [0.0; 3];
        for i in 0..3 {
            let change = |order: usize| high[i][order] - low[i][order];
            rest[i] = integral[i] - 0.5 * change(0) + change(1) / 12.0 - change(2) / 720.0;
        }
        self.sum += rest[0];
        self.by_start += rest[1];
        self.by_step += rest[2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_their_terms() {
        for (start, step, count) in
            [(0.3, 0.0, 5000.0), (0.3, 1e-9, 5000.0), (0.01, 0.02, 900.0), (0.7, 0.5, 33.0), (1e-6, 2.0, 400.0)]
        {
            let found = urn(start, step, count);
            let terms = |f: &dyn Fn(f64) -> f64| -> f64 { (0..count as usize).map(|k| f(k as f64)).sum() };
            let expected = [
                terms(&|k| (start + k * step).ln()),
                terms(&|k| 1.0 / (start + k * step)),
                terms(&|k| k / (start + k * step)),
            ];
            for (found, expected) in [found.sum, found.by_start, found.by_step].into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-10 * expected.abs().max(1.0), "{found} {expected}");
            }
        }
    }

    #[test]
    fn probabilities_sum_to_one_with_williams_variance() {
        for (n, p, phi) in [(40.0, 0.3, 0.05), (100.0, 0.9, 0.3), (7.0, 0.5, 0.0)] {
            let chance = |hits: usize| score(hits as f64, n, p, phi).value.exp();
            let moment = |power: i32| (0..=n as usize).map(|h| chance(h) * (h as f64).powi(power)).sum::<f64>();
            let variance = moment(2) - moment(1).powi(2);
            assert!((moment(0) - 1.0).abs() < 1e-10 && (moment(1) - n * p).abs() < 1e-8);
            assert!((variance - n * p * (1.0 - p) * (1.0 + (n - 1.0) * phi)).abs() < 1e-7 * variance);
        }
    }

    #[test]
    fn derivatives_are_those_of_the_value() {
        for (hits, n, p, phi) in [(3.0, 20.0, 0.3, 0.05), (700.0, 1000.0, 0.6, 0.01), (0.0, 50.0, 0.1, 0.2)] {
            let found = score(hits, n, p, phi);
            let h = 1e-6;
            let by_mean = (score(hits, n, p + h, phi).value - score(hits, n, p - h, phi).value) / (2.0 * h);
            let by_phi = (score(hits, n, p, phi + h).value - score(hits, n, p, phi - h).value) / (2.0 * h);
            assert!((found.by_mean - by_mean).abs() < 1e-5 * by_mean.abs().max(1.0));
            assert!((found.by_sd - by_phi).abs() < 1e-5 * by_phi.abs().max(1.0));
            let (_, by_share, by_spread) = deviation(n, p, phi);
            let difference = |a: f64, b: f64| (a - b) / (2.0 * h);
            let share = difference(deviation(n, p + h, phi).0, deviation(n, p - h, phi).0);
            let spread = difference(deviation(n, p, phi + h).0, deviation(n, p, phi - h).0);
            assert!((by_share - share).abs() < 1e-6 && (by_spread - spread).abs() < 1e-6);
        }
    }
}
