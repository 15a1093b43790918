//! Densities of draws, for pictures.

use crate::inference::quantile;

/// Points of a density.
pub const GRID: usize = 128;

/// A Gaussian kernel density of sorted numbers with Silverman's width, mirrored at `low` and `high`.
pub fn smoothed(order: &[f64], (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let n = order.len() as f64;
    let mean = order.iter().sum::<f64>() / n;
    let sd = (order.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let spread = sd.min((quantile(order, 0.75) - quantile(order, 0.25)) / 1.34);
    let width = (0.9 * if spread > 0.0 { spread } else { sd } * n.powf(-0.2)).max(1e-12);
    let (from, to) = ((order[0] - 2.0 * width).max(low), (order[order.len() - 1] + 2.0 * width).min(high));
    let kernel = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let at = |x: f64| {
        let own = |draw: &f64| {
            kernel((x - draw) / width)
                + kernel((x + draw - 2.0 * low) / width)
                + kernel((x + draw - 2.0 * high) / width)
        };
        order.iter().map(own).sum::<f64>() / (n * width)
    };
    (0..GRID).map(|i| from + (to - from) * i as f64 / (GRID - 1) as f64).map(|x| (x, at(x))).collect()
}
