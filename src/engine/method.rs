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

    /// alpha and gamma_i follow from a, c and gamma: Gamma = (I/gamma - C)^-1, alpha and gamma_i are the row sums of
    /// A Gamma and of Gamma.
    #[test]
    fn rosenbrock_tableaux_are_consistent() {
        for method in [&RODAS4P, &RODAS5P] {
            let s = method.alpha.len();
            let triangle =
                |rows: &[&[f64]]| nalgebra::DMatrix::from_fn(s, s, |i, j| if j < i { rows[i - 1][j] } else { 0.0 });
            let (a, c) = (triangle(method.a), triangle(method.c));
            let gamma = (nalgebra::DMatrix::identity(s, s) / method.gamma - c).try_inverse().unwrap();
            let alpha = &a * &gamma;
            for i in 0..s {
                assert!((alpha.row(i).sum() - method.alpha[i]).abs() < 1e-12, "alpha {i}");
                assert!((gamma.row(i).sum() - method.gammas[i]).abs() < 1e-12, "gamma {i}");
            }
        }
    }

    #[test]
    fn explicit_tableau_is_consistent() {
        for (i, row) in TSIT5.a.iter().enumerate() {
            assert!((row.iter().sum::<f64>() - TSIT5.c[i + 1]).abs() < 1e-12, "row {i}");
        }
        assert!(TSIT5.e.iter().sum::<f64>().abs() < 1e-12);
    }
}
