//! How readings scatter: one function of the mean for the whole file, and how far single curves keep to it.
//!
//! Triplicates say next to nothing about their own variance; all groups of a file together say much. The variance of a
//! well is `S² (a + r m²)` with `S` the signal of unaffected cells of its plate and `m` its own signal above the blank
//! over `S`: an additive and a proportional part (Rocke and Durbin 2001). The proportional part is taken up only where
//! a likelihood ratio speaks for it at 1 %, so that evenly scattered data are fitted by ordinary least squares.

use super::infer::Dispersion;
use statrs::function::gamma::digamma;

/// What one group of wells says about the variance.
#[derive(Debug, Clone, Copy)]
pub struct Scatter {
    /// Signal above the blank over that of unaffected cells.
    pub level: f64,
    /// Sum of squares over `S²`.
    pub squares: f64,
    pub df: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceFunction {
    /// `a`: variance at no signal.
    pub additive: f64,
    /// `r`.
    pub proportional: f64,
}

/// Twice the log likelihood ratio that one parameter on its boundary must gain at 1 %.
const GAIN: f64 = 5.41;
/// No instrument is better than this part of its signal: keeps noise-free data from infinite weights.
const FINEST: f64 = 1e-24;

impl VarianceFunction {
    pub const EVEN: VarianceFunction = VarianceFunction { additive: 1.0, proportional: 0.0 };

    /// Over `S²`.
    pub fn at(&self, level: f64) -> f64 {
        (self.additive + self.proportional * level * level).max(FINEST)
    }

    /// The one under which `groups` are most likely.
    pub fn fitted(groups: &[Scatter]) -> VarianceFunction {
        let df: f64 = groups.iter().map(|g| g.df).sum();
        if df <= 0.0 {
            return VarianceFunction::EVEN;
        }
        // For a given ratio of the parts the common factor has a formula.
        let factor = |shape: &dyn Fn(f64) -> f64| groups.iter().map(|g| g.squares / shape(g.level)).sum::<f64>() / df;
        let cost = |shape: &dyn Fn(f64) -> f64| {
            df * factor(shape).max(FINEST).ln() + groups.iter().map(|g| g.df * shape(g.level).ln()).sum::<f64>()
        };
        let even = cost(&|_| 1.0);
        let ratio = |log: f64| move |level: f64| 1.0 + log.exp() * level * level;
        let mut best = (even, f64::NEG_INFINITY);
        for step in 0..=60 {
            let log = -3.0 + 0.2 * f64::from(step);
            let value = cost(&ratio(log));
            if value < best.0 {
                best = (value, log);
            }
        }
        if best.0 > even - GAIN {
            return VarianceFunction { additive: factor(&|_| 1.0), proportional: 0.0 };
        }
        let additive = factor(&ratio(best.1));
        VarianceFunction { additive, proportional: additive * best.1.exp() }
    }
}

/// What a curve's own variance is taken for, given those of all curves: Smyth's moderation (2004, Stat. Appl. Genet. Mol.
/// Biol. 3:3). One curve alone keeps its own.
pub struct Moderation {
    prior: Option<Dispersion>,
}

impl Moderation {
    pub fn new(curves: &[Dispersion]) -> Moderation {
        let usable: Vec<&Dispersion> = curves.iter().filter(|c| c.df >= 1.0 && c.variance > 0.0).collect();
        if usable.len() < 5 {
            return Moderation { prior: None };
        }
        let logs: Vec<f64> = usable.iter().map(|c| c.variance.ln() - digamma(0.5 * c.df) + (0.5 * c.df).ln()).collect();
        let count = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / count;
        let spread = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (count - 1.0)
            - usable.iter().map(|c| trigamma(0.5 * c.df)).sum::<f64>() / count;
        let df = if spread > 1e-3 { 2.0 * inverse_trigamma(spread) } else { 1e4 };
        let variance = (mean + digamma(0.5 * df) - (0.5 * df).ln()).exp();
        Moderation { prior: Some(Dispersion { variance, df: df.min(1e4) }) }
    }

    pub fn of(&self, own: Dispersion) -> Dispersion {
        match self.prior {
            None => own,
            Some(prior) => {
                let df = prior.df + own.df;
                Dispersion { variance: (prior.df * prior.variance + own.df * own.variance) / df, df }
            }
        }
    }
}

fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    sum + 1.0 / x + 0.5 * inverse + inverse / x * (1.0 / 6.0 - inverse * (1.0 / 30.0 - inverse / 42.0))
}

fn inverse_trigamma(y: f64) -> f64 {
    let (mut low, mut high) = (1e-6f64, 1e9f64);
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if trigamma(middle) > y { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

/// The overdispersion of counts of cells: wells of `n` cells scatter as `p (1 - p) / n * (1 + (n - 1) phi)` (Williams 1982,
/// Appl. Stat. 31:144). `wells` are `(squared Pearson residual as a plain binomial, cells)`, `parameters` were fitted.
pub fn overdispersion(wells: &[(f64, f64)], parameters: f64) -> f64 {
    let df = wells.len() as f64 - parameters;
    if df < 1.0 {
        return 0.0;
    }
    let chi = |phi: f64| wells.iter().map(|(x2, n)| x2 / (1.0 + (n - 1.0).max(0.0) * phi)).sum::<f64>();
    if chi(0.0) <= df {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if chi(middle) > df { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigamma_has_its_known_values() {
        let pi2 = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - pi2 / 6.0).abs() < 1e-10);
        assert!((trigamma(0.5) - pi2 / 2.0).abs() < 1e-10);
        assert!((inverse_trigamma(pi2 / 6.0) - 1.0).abs() < 1e-8);
    }

    #[test]
    fn a_proportional_part_is_found_where_it_is_and_only_there() {
        let groups = |variance: fn(f64) -> f64| -> Vec<Scatter> {
            (0..40)
                .map(|i| f64::from(i) / 39.0)
                .map(|level| Scatter { level, squares: 4.0 * variance(level), df: 4.0 })
                .collect()
        };
        let even = VarianceFunction::fitted(&groups(|_| 0.01));
        assert!(even.proportional == 0.0 && (even.additive - 0.01).abs() < 1e-12);
        let rising = VarianceFunction::fitted(&groups(|level| 0.001 + 0.01 * level * level));
        assert!((rising.at(1.0) / 0.011 - 1.0).abs() < 0.05 && (rising.at(0.0) / 0.001 - 1.0).abs() < 0.1);
    }

    #[test]
    fn overdispersion_is_what_makes_the_residuals_fit() {
        let wells: Vec<(f64, f64)> = (0..50).map(|_| (1.0 + 99.0 * 0.05, 100.0)).collect();
        assert!((overdispersion(&wells, 0.0) - 0.05).abs() < 1e-9);
        assert_eq!(overdispersion(&wells, 49.5), 0.0);
    }
}
