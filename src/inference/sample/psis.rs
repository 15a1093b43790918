//! Pareto smoothed importance weights (A. Vehtari, D. Simpson, A. Gelman, Y. Yao, J. Gabry, Journal of Machine Learning
//! Research 25:72, 2024): the largest weights are replaced by quantiles of a generalised Pareto distribution fitted to them,
//! whose shape k says whether the weights can be trusted at all.

/// Weights with a larger k than this are not to be used.
pub const USABLE: f64 = 0.7;
/// A tail of fewer weights is left as it is.
const FEWEST: usize = 5;

/// Log weights, smoothed and normalised so that the weights sum to 1, and Pareto k (`None` where the tail is too short, or
/// where the weights do not differ).
pub fn pareto_smoothed(log_weights: &[f64]) -> (Vec<f64>, Option<f64>) {
    let n = log_weights.len();
    let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut logs: Vec<f64> = log_weights.iter().map(|l| l - most).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| logs[a].total_cmp(&logs[b]));
    let tail = (0.2 * n as f64).min(3.0 * (n as f64).sqrt()).ceil() as usize;
    let mut shape = None;
    if tail >= FEWEST && tail < n {
        let cut = logs[order[n - tail - 1]].max(f64::MIN_POSITIVE.ln());
        let threshold = cut.exp();
        let above: Vec<f64> = order[n - tail..].iter().map(|&at| logs[at].exp() - threshold).collect();
        if above[0] > 0.0 && above[tail - 1] > above[0] {
            let (k, sigma) = pareto(&above);
            shape = Some(k);
            if k.is_finite() {
                for (rank, &at) in order[n - tail..].iter().enumerate() {
                    let p = (rank as f64 + 0.5) / tail as f64;
                    let excess =
                        if k.abs() < 1e-12 { -sigma * (-p).ln_1p() } else { sigma * (-k * (-p).ln_1p()).exp_m1() / k };
                    logs[at] = (threshold + excess).ln().min(0.0);
                }
            }
        }
    }
    let total = logs.iter().map(|l| l.exp()).sum::<f64>().ln();
    (logs.into_iter().map(|l| l - total).collect(), shape)
}

/// Shape and scale of a generalised Pareto distribution for ascending `excesses` (J. Zhang, M. A. Stephens, Technometrics
/// 51:316, 2009), the shape drawn a little towards 0.5 as the method's authors do.
fn pareto(excesses: &[f64]) -> (f64, f64) {
    const PRIOR: f64 = 3.0;
    let n = excesses.len() as f64;
    let grid = 30 + n.sqrt() as usize;
    let quartile = excesses[(n / 4.0 + 0.5) as usize - 1];
    let largest = excesses[excesses.len() - 1];
    let candidates: Vec<f64> = (1..=grid)
        .map(|i| (1.0 - (grid as f64 / (i as f64 - 0.5)).sqrt()) / (PRIOR * quartile) + 1.0 / largest)
        .collect();
    let shape = |b: f64| excesses.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n;
    let likelihoods: Vec<f64> = candidates
        .iter()
        .map(|&b| {
            let k = shape(b);
            n * ((-b / k).ln() - k - 1.0)
        })
        .collect();
    let weight = |at: usize| 1.0 / likelihoods.iter().map(|l| (l - likelihoods[at]).exp()).sum::<f64>();
    let weights: Vec<f64> = (0..candidates.len()).map(weight).collect();
    // Those that do not count are left out, as they may be anything.
    let kept = || weights.iter().zip(&candidates).filter(|(w, _)| **w >= 10.0 * f64::EPSILON);
    let total: f64 = kept().map(|(w, _)| w).sum();
    let b = kept().map(|(w, b)| w * b).sum::<f64>() / total;
    let k = shape(b);
    let sigma = -k / b;
    ((n * k + 10.0 * 0.5) / (n + 10.0), sigma)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Weights drawn from a Pareto distribution have its shape.
    #[test]
    fn the_shape_of_heavy_tails_is_found() {
        for shape in [0.2, 0.5, 0.9] {
            let mut stream = Stream::new(11, (shape * 10.0) as u64);
            let logs: Vec<f64> = (0..20_000).map(|_| -shape * stream.uniform().ln()).collect();
            let (smoothed, k) = pareto_smoothed(&logs);
            approx::assert_abs_diff_eq!(k.unwrap(), shape, epsilon = 0.12);
            approx::assert_abs_diff_eq!(smoothed.iter().map(|l| l.exp()).sum::<f64>(), 1.0, epsilon = 1e-9);
        }
    }

    #[test]
    fn equal_weights_stay_equal() {
        let (smoothed, k) = pareto_smoothed(&[-3.0; 200]);
        assert_eq!(k, None);
        smoothed.iter().for_each(|l| approx::assert_abs_diff_eq!(l.exp(), 1.0 / 200.0, epsilon = 1e-12));
    }
}
