//! The integration methods as data: one file a method, with its source. Both engines build their steps from these.

mod rodas4p;
mod rodas5p;
mod tsit5;

pub use rodas4p::RODAS4P;
pub use rodas5p::RODAS5P;
pub use tsit5::TSIT5;

use super::Method;

/// A Rosenbrock method in the transformed form of Hairer & Wanner, Solving Ordinary Differential Equations II,
/// section IV.7, which needs no product with the Jacobian. With `A = I/(h gamma) - J`, stage `i` is
///
/// ```text
/// A k_i = f(t + alpha_i h, y + sum_j a_ij k_j) + sum_j c_ij/h k_j + h gamma_i df/dt
/// ```
///
/// and the step ends at `y + sum_j a_sj k_j + k_s`, its error estimate being the last stage `k_s`.
#[derive(Debug)]
pub struct Rosenbrock {
    pub gamma: f64,
    pub alpha: &'static [f64],
    pub gammas: &'static [f64],
    /// Rows of the strictly lower triangle, without the first (empty) one.
    pub a: &'static [&'static [f64]],
    pub c: &'static [&'static [f64]],
    /// The error estimate is of this order in h; the step factor is `error^(-1/order)`.
    pub order: f64,
    /// Rows of the continuous extension, see [`Continuous`].
    pub dense: &'static [&'static [f64]],
    /// What the mismatch of slopes counts as an error of the extension, see [`Rosenbrock::mismatch`].
    pub counts: f64,
}

impl Rosenbrock {
    /// Weights of the stages in an estimate of how far the continuous extension is off: the slope that it has at the end
    /// of the step, less the slope that the last stage implies there, `h f(t + h, y_1) = k_s/gamma - sum_j c_sj k_j` up
    /// to products of the step's own error. It takes no evaluation, is of the extension's order, and grows as the
    /// extension's error does where a problem is stiff. At the share `theta` it stands for an error of
    /// `theta^2 (1 - theta)` times this: that of the polynomial with the right slope there.
    pub fn mismatch(&self) -> Vec<f64> {
        let (last, before) = (self.alpha.len() - 1, self.alpha.len() - 2);
        (0..=last)
            .map(|i| {
                let end = if i == last { 1.0 } else { self.a[before][i] };
                let slope = end - self.dense.iter().map(|row| row[i]).sum::<f64>();
                let implied = if i == last { 1.0 / self.gamma } else { -self.c[before][i] };
                self.counts * (slope - implied)
            })
            .collect()
    }
}

/// An explicit Runge-Kutta method whose last stage is the right-hand side at the end of the step.
#[derive(Debug)]
pub struct Explicit {
    pub c: &'static [f64],
    /// Rows of the strictly lower triangle, without the first (empty) one; the last row gives the step.
    pub a: &'static [&'static [f64]],
    /// Weights of the error estimate.
    pub e: &'static [f64],
    pub order: f64,
    /// Rows of the continuous extension, see [`Continuous`]; these stages are slopes, which count `h` times.
    pub dense: &'static [&'static [f64]],
}

/// The solution between the ends of a step, at the share `theta` of its length:
///
/// ```text
/// y(theta) = (1 - theta) y_0 + theta y_1 + theta (1 - theta) sum_r theta^r sum_i dense[r][i] k_i
/// ```
#[derive(Debug, Clone)]
pub struct Continuous {
    pub dense: &'static [&'static [f64]],
    /// Whether stages are slopes, to be multiplied by the step size.
    pub slopes: bool,
    /// See [`Rosenbrock::mismatch`]. Empty for a method whose extension has the slopes of the solution at both ends, and
    /// whose stages tell no more of its error than the step's own estimate: then none is made.
    pub mismatch: Vec<f64>,
}

/// Stages of any method.
pub const MOST_STAGES: usize = 8;

impl Continuous {
    /// A reading may be off by so many tolerances of its state.
    pub const ALLOWED: f64 = 2.0;

    pub fn stages(&self) -> usize {
        self.dense[0].len()
    }

    /// What stage `i` counts at the share `theta` of a step of length `h`.
    pub fn weight(&self, i: usize, theta: f64, h: f64) -> f64 {
        let sum = self.dense.iter().rev().fold(0.0, |sum, row| sum * theta + row[i]);
        theta * (1.0 - theta) * sum * if self.slopes { h } else { 1.0 }
    }

    /// The error at the share `theta` for a mismatch of slopes, in its units.
    pub fn error(theta: f64, mismatch: f64) -> f64 {
        theta * theta * (1.0 - theta) * mismatch
    }

    /// The largest of [`Continuous::error`], which is that at 2/3.
    pub fn largest_error(mismatch: f64) -> f64 {
        4.0 / 27.0 * mismatch
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Tableau {
    Rosenbrock(&'static Rosenbrock),
    Explicit(&'static Explicit),
}

impl Method {
    pub fn tableau(self) -> Tableau {
        match self {
            Method::Rodas4P => Tableau::Rosenbrock(&RODAS4P),
            Method::Rodas5P => Tableau::Rosenbrock(&RODAS5P),
            Method::Tsit5 => Tableau::Explicit(&TSIT5),
        }
    }

    /// See [`Rosenbrock::order`].
    pub fn order(self) -> f64 {
        match self.tableau() {
            Tableau::Rosenbrock(method) => method.order,
            Tableau::Explicit(method) => method.order,
        }
    }

    pub fn continuous(self) -> Continuous {
        match self.tableau() {
            Tableau::Rosenbrock(method) => {
                Continuous { dense: method.dense, slopes: false, mismatch: method.mismatch() }
            }
            Tableau::Explicit(method) => Continuous { dense: method.dense, slopes: true, mismatch: Vec::new() },
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Method::Rodas4P => "Rodas4P",
            Method::Rodas5P => "Rodas5P",
            Method::Tsit5 => "Tsit5",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    /// alpha and gamma_i follow from a, c and gamma: Gamma = (I/gamma - C)^-1, alpha and gamma_i are the row sums of
    /// A Gamma and of Gamma.
    #[test]
    fn rosenbrock_tableaux_are_consistent() {
        for method in [&RODAS4P, &RODAS5P] {
            let s = method.alpha.len();
            let triangle = |rows: &[&[f64]]| DMatrix::from_fn(s, s, |i, j| if j < i { rows[i - 1][j] } else { 0.0 });
            let (a, c) = (triangle(method.a), triangle(method.c));
            let gamma = (DMatrix::identity(s, s) / method.gamma - c).try_inverse().unwrap();
            let alpha = &a * &gamma;
            for i in 0..s {
                assert!((alpha.row(i).sum() - method.alpha[i]).abs() < 1e-12, "alpha {i}");
                assert!((gamma.row(i).sum() - method.gammas[i]).abs() < 1e-12, "gamma {i}");
            }
        }
    }

    /// The conditions of order, up to 4, for the weights at several places inside a step: of `order` ones each holds,
    /// and one of the next does not.
    fn extension_has_order(
        alpha: &DMatrix<f64>,
        beta: &DMatrix<f64>,
        weights: &dyn Fn(f64) -> DVector<f64>,
        order: usize,
    ) {
        let n = alpha.nrows();
        let ones = DVector::from_element(n, 1.0);
        let (a, b) = (alpha * &ones, beta * &ones);
        let times = |x: &DVector<f64>, y: &DVector<f64>| x.component_mul(y);
        let trees = [
            (1, 1.0, ones.clone()),
            (2, 2.0, b.clone()),
            (3, 3.0, times(&a, &a)),
            (3, 6.0, beta * &b),
            (4, 4.0, times(&a, &times(&a, &a))),
            (4, 8.0, times(&a, &(alpha * &b))),
            (4, 12.0, beta * times(&a, &a)),
            (4, 24.0, beta * (beta * &b)),
        ];
        let mut worst_beyond = 0.0f64;
        for theta in [0.2, 0.5, 0.75, 1.0] {
            let weights = weights(theta);
            for (of, denominator, tree) in &trees {
                let off = (weights.dot(tree) - theta.powi(*of) / denominator).abs();
                if *of <= order as i32 {
                    assert!(off < 1e-11, "at {theta}, the condition 1/{denominator} of order {of}: {off}");
                } else {
                    worst_beyond = worst_beyond.max(off);
                }
            }
        }
        assert!(order == 4 || worst_beyond > 1e-4, "{worst_beyond}");
    }

    #[test]
    fn continuous_extensions_have_the_order_stated() {
        for (method, order) in [(&RODAS4P, 3), (&RODAS5P, 4)] {
            let s = method.alpha.len();
            let triangle = |rows: &[&[f64]]| DMatrix::from_fn(s, s, |i, j| if j < i { rows[i - 1][j] } else { 0.0 });
            let (a, c) = (triangle(method.a), triangle(method.c));
            let gamma = (DMatrix::identity(s, s) / method.gamma - c).try_inverse().unwrap();
            let alpha = &a * &gamma;
            let continuous = Continuous { dense: method.dense, slopes: false, mismatch: method.mismatch() };
            let weights = |theta: f64| {
                let m = DVector::from_fn(s, |i, _| {
                    let end = if i + 1 == s { 1.0 } else { method.a[s - 2][i] };
                    theta * end + continuous.weight(i, theta, 1.0)
                });
                gamma.transpose() * m
            };
            extension_has_order(&alpha, &(&alpha + &gamma), &weights, order);
        }
        let s = TSIT5.c.len();
        let a = DMatrix::from_fn(s, s, |i, j| if j < i { TSIT5.a[i - 1][j] } else { 0.0 });
        let continuous = Method::Tsit5.continuous();
        let weights = |theta: f64| {
            DVector::from_fn(s, |i, _| theta * TSIT5.a[s - 2].get(i).unwrap_or(&0.0) + continuous.weight(i, theta, 1.0))
        };
        extension_has_order(&a, &a, &weights, 4);
    }

    #[test]
    fn explicit_tableau_is_consistent() {
        for (i, row) in TSIT5.a.iter().enumerate() {
            assert!((row.iter().sum::<f64>() - TSIT5.c[i + 1]).abs() < 1e-12, "row {i}");
        }
        assert!(TSIT5.e.iter().sum::<f64>().abs() < 1e-12);
    }
}
