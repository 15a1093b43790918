//! Streams of random numbers that any thread can reproduce, and point sets that fill a box evenly.
//!
//! Nothing here has state that is shared: a draw is a function of (seed, stream, position), a point of (seed, index).
//! So a run that is cut up, spread over threads or resumed sees the same numbers.

mod joe_kuo;
mod philox;
mod points;

pub use philox::{Rand09, Stream, philox};
pub use points::{Points, Sobol, latin_hypercube};

use statrs::distribution::{ContinuousCDF, Normal};

/// The standard normal quantile of `probability` in [0, 1]: -inf at 0, +inf at 1.
pub fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_matches_published_values() {
        // NIST/SEMATECH e-Handbook and R's qnorm.
        for (probability, value) in [
            (0.5, 0.0),
            (0.975, 1.959963984540054),
            (0.995, 2.5758293035489004),
            (1e-10, -6.361340902404056),
            (0.001, -3.090232306167813),
        ] {
            approx::assert_abs_diff_eq!(normal_quantile(probability), value, epsilon = 1e-9);
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    }
}
