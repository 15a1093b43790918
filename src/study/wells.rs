//! Readings of one well over time: their errors are correlated, and frames are no replicates.
//!
//! The standardised residuals `z` of a well are normal with unit variance and one of two correlations: all of them
//! share a part of their variance (a well effect; compound symmetry), or neighbours in time resemble one another
//! (AR(1) in continuous time, `exp(-|t - t'| / memory)`).

use super::special::HALF_LN_TWO_PI;
use nalgebra::DMatrix;

/// How readings of a well hang together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Correlation {
    /// The part of the variance that all of them share.
    Shared(f64),
    /// The time after which the correlation has fallen to 1/e.
    Memory(f64),
}

/// Correlations nearer to 1 than this count as this: a well read twice at once would have no likelihood.
const MOST: f64 = 1.0 - 1e-9;

/// The log density of the residuals, its derivatives and its expected information.
#[derive(Debug, Clone)]
pub struct WellScore {
    pub value: f64,
    /// By each residual, negative.
    pub pull: Vec<f64>,
    /// By the number in the [`Correlation`].
    pub by_correlation: f64,
    /// The inverse `P` of the correlation matrix `R`: information on means, in their sds.
    pub precision: DMatrix<f64>,
    /// `1 + P ∘ R`: information on the logarithms of the sds.
    pub on_sds: DMatrix<f64>,
    /// Information on the logarithm of each sd and the correlation, then on the correlation alone.
    pub crossed: Vec<f64>,
    pub on_correlation: f64,
}

impl WellScore {
    fn new(n: usize) -> WellScore {
        WellScore {
            value: -HALF_LN_TWO_PI * n as f64,
            pull: vec![0.0; n],
            by_correlation: 0.0,
            precision: DMatrix::zeros(n, n),
            on_sds: DMatrix::identity(n, n),
            crossed: vec![0.0; n],
            on_correlation: 0.0,
        }
    }

    /// What follows from the residuals once `precision` is there.
    fn finish(mut self, z: &[f64]) -> WellScore {
        for i in 0..z.len() {
            self.pull[i] = (0..z.len()).map(|j| self.precision[(i, j)] * z[j]).sum();
            self.value -= 0.5 * z[i] * self.pull[i];
        }
        self
    }
}

/// `times` ascend.
pub fn score(z: &[f64], times: &[f64], correlation: Correlation) -> WellScore {
    match correlation {
        Correlation::Shared(part) => shared(z, part.min(MOST)),
        Correlation::Memory(memory) => remembered(z, times, memory),
    }
}

fn shared(z: &[f64], part: f64) -> WellScore {
    let count = z.len() as f64;
    let mut score = WellScore::new(z.len());
    // Eigenvalues of R: that of the mean, and that of all that is orthogonal to it.
    let (whole, rest) = (1.0 + (count - 1.0) * part, 1.0 - part);
    for i in 0..z.len() {
        for j in 0..z.len() {
            let same = f64::from(u8::from(i == j));
            score.precision[(i, j)] = (same - part / whole) / rest;
            score.on_sds[(i, j)] += score.precision[(i, j)] * if i == j { 1.0 } else { part };
        }
    }
    let (sum, squares) = (z.iter().sum::<f64>(), z.iter().map(|z| z * z).sum::<f64>());
    let slope_of_log = (count - 1.0) / whole - (count - 1.0) / rest;
    let quadratic = (squares - part * sum * sum / whole) / rest;
    score.value -= 0.5 * ((count - 1.0) * rest.ln() + whole.ln());
    score.by_correlation = -0.5 * ((quadratic - (sum / whole).powi(2)) / rest + slope_of_log);
    score.crossed = vec![slope_of_log / count; z.len()];
    score.on_correlation = 0.5 * (((count - 1.0) / whole).powi(2) + (count - 1.0) / (rest * rest));
    score.finish(z)
}

fn remembered(z: &[f64], times: &[f64], memory: f64) -> WellScore {
    let mut score = WellScore::new(z.len());
    if !z.is_empty() {
        score.precision[(0, 0)] = 1.0;
    }
    for i in 1..z.len() {
        let apart = times[i] - times[i - 1];
        let rho = (-apart / memory).exp().min(MOST);
        let rho_slope = rho * apart / (memory * memory);
        let c = 1.0 / (1.0 - rho * rho);
        score.precision[(i - 1, i - 1)] += rho * rho * c;
        score.precision[(i, i)] += c;
        score.precision[(i - 1, i)] = -rho * c;
        score.precision[(i, i - 1)] = -rho * c;
        score.value += 0.5 * c.ln();
        let off = z[i] - rho * z[i - 1];
        score.by_correlation += rho_slope * c * (off * z[i - 1] - off * off * rho * c + rho);
        score.on_correlation += (1.0 + rho * rho) * (c * rho_slope).powi(2);
        for (at, other) in [(i - 1, i), (i, i - 1)] {
            score.on_sds[(at, other)] -= rho * rho * c;
            score.crossed[at] -= rho * c * rho_slope;
        }
    }
    for i in 0..z.len() {
        score.on_sds[(i, i)] += score.precision[(i, i)];
    }
    score.finish(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    /// By the matrices themselves.
    fn plainly(z: &[f64], times: &[f64], correlation: Correlation) -> f64 {
        let r = matrix(times, correlation);
        let z = DVector::from_column_slice(z);
        let solved = r.clone().lu().solve(&z).unwrap_or_else(|| z.clone());
        -0.5 * (z.dot(&solved) + r.determinant().ln()) - HALF_LN_TWO_PI * z.len() as f64
    }

    fn matrix(times: &[f64], correlation: Correlation) -> DMatrix<f64> {
        DMatrix::from_fn(times.len(), times.len(), |i, j| match correlation {
            _ if i == j => 1.0,
            Correlation::Shared(part) => part,
            Correlation::Memory(memory) => (-(times[i] - times[j]).abs() / memory).exp(),
        })
    }

    #[test]
    fn densities_derivatives_and_information_are_those_of_the_matrices() {
        let (z, times) = ([0.3, -1.2, 0.8, 2.0], [1.0, 2.0, 6.0, 7.5]);
        for (correlation, step) in [
            (Correlation::Shared(0.4), Correlation::Shared as fn(f64) -> Correlation),
            (Correlation::Memory(3.0), Correlation::Memory as fn(f64) -> Correlation),
        ] {
            let (Correlation::Shared(x) | Correlation::Memory(x)) = correlation;
            let found = score(&z, &times, correlation);
            assert!((found.value - plainly(&z, &times, correlation)).abs() < 1e-12);
            let h = 1e-5;
            let slope = (plainly(&z, &times, step(x + h)) - plainly(&z, &times, step(x - h))) / (2.0 * h);
            assert!((found.by_correlation - slope).abs() < 1e-6, "{correlation:?}");
            for i in 0..z.len() {
                let moved = |by: f64| {
                    let mut z = z;
                    z[i] += by;
                    plainly(&z, &times, correlation)
                };
                assert!((found.pull[i] + (moved(h) - moved(-h)) / (2.0 * h)).abs() < 1e-6);
            }
            let r = matrix(&times, correlation);
            let by = (matrix(&times, step(x + h)) - matrix(&times, step(x - h))) / (2.0 * h);
            let Some(inverse) = r.clone().try_inverse() else { panic!("singular") };
            let product = &inverse * &by;
            assert!((found.on_correlation - 0.5 * (&product * &product).trace()).abs() < 1e-6);
            for i in 0..z.len() {
                assert!((found.crossed[i] - product[(i, i)]).abs() < 1e-6);
                for j in 0..z.len() {
                    assert!((found.precision[(i, j)] - inverse[(i, j)]).abs() < 1e-10);
                    let same = f64::from(u8::from(i == j));
                    assert!((found.on_sds[(i, j)] - same - inverse[(i, j)] * r[(i, j)]).abs() < 1e-10);
                }
            }
        }
    }
}
