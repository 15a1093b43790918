//! Logarithms of probabilities that stay exact far out in the tails.

use libm::erfc;
pub(super) use libm::lgamma as ln_gamma;
use statrs::function::beta::beta_reg;
use std::f64::consts::{LN_2, PI, SQRT_2};

/// `ln(2 pi) / 2`
pub const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_7;

/// The log of the standard normal distribution function.
pub fn ln_normal_cdf(x: f64) -> f64 {
    if x > 5.0 {
        (-0.5 * erfc(x / SQRT_2)).ln_1p()
    } else if x > -30.0 {
        (0.5 * erfc(-x / SQRT_2)).ln()
    } else {
        // erfc underflows soon; the asymptotic series is exact to rounding here.
        let q = 1.0 / (x * x);
        let series = 1.0 - q * (1.0 - 3.0 * q * (1.0 - 5.0 * q * (1.0 - 7.0 * q * (1.0 - 9.0 * q))));
        -0.5 * x * x - HALF_LN_TWO_PI - (-x).ln() + series.ln()
    }
}

/// The log of the standard normal probability of `a < x < b`.
pub fn ln_normal_mass(a: f64, b: f64) -> f64 {
    if a >= b {
        return f64::NEG_INFINITY;
    }
    let (a, b) = if a > 0.0 { (-b, -a) } else { (a, b) };
    if b > 0.0 {
        // Both complements are at most a half.
        return (-ln_normal_cdf(a).exp() - ln_normal_cdf(-b).exp()).ln_1p();
    }
    ln_difference(ln_normal_cdf(b), ln_normal_cdf(a))
}

/// `ln(exp(larger) - exp(smaller))`
fn ln_difference(larger: f64, smaller: f64) -> f64 {
    if smaller == f64::NEG_INFINITY {
        return larger;
    }
    let d = smaller - larger;
    larger + if d > -LN_2 { (-d.exp_m1()).ln() } else { (-d.exp()).ln_1p() }
}

pub fn ln_student_density(x: f64, df: f64) -> f64 {
    ln_gamma(0.5 * (df + 1.0)) - ln_gamma(0.5 * df) - 0.5 * (df * PI).ln() - 0.5 * (df + 1.0) * (x * x / df).ln_1p()
}

/// The log of the probability that Student's t with `df` lies between `a` and `b`.
pub fn ln_student_mass(a: f64, b: f64, df: f64) -> f64 {
    if a >= b {
        return f64::NEG_INFINITY;
    }
    let (a, b) = if a > 0.0 { (-b, -a) } else { (a, b) };
    // The tail below -|x|.
    let tail = |x: f64| if x.is_finite() { 0.5 * beta_reg(0.5 * df, 0.5, df / (df + x * x)) } else { 0.0 };
    if b > 0.0 { (-tail(a) - tail(b)).ln_1p() } else { (tail(b) - tail(a)).ln() }
}

/// The log of the probability of `a < x < b` under the density `exp(-|x|) / 2`.
pub fn ln_laplace_mass(a: f64, b: f64) -> f64 {
    if a >= b {
        return f64::NEG_INFINITY;
    }
    let (a, b) = if a > 0.0 { (-b, -a) } else { (a, b) };
    if b > 0.0 { (-0.5 * (a.exp_m1() + (-b).exp_m1())).ln() } else { b - LN_2 + (-(a - b).exp_m1()).ln() }
}
