//! A logistic curve of viability over dose, and its least squares.

use crate::curve::Shape;
use nalgebra::{Matrix3, Vector3};

/// `bottom + (top - bottom) / (1 + (dose / ec50)^hill)`: a four-parameter logistic whose top is known. A dose of 0 is its
/// top and not left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    pub top: f64,
    pub bottom: f64,
    pub ec50: f64,
    pub hill: f64,
}

/// Doses that a curve of three parameters needs.
pub const FEWEST: usize = 3;
/// Largest Hill exponent and its inverse: steeper is a step between two doses.
const STEEPEST: f64 = 20.0;
/// The lower plateau stays below this share of the vehicle: drugs that let cells grow do so by little.
const HIGHEST: f64 = 1.5;
/// How far the EC50 may lie beyond the doses.
const BEYOND: f64 = 1e3;
const ITERATIONS: usize = 200;
/// A sum of squares that is nothing but rounding.
const ROUNDING: f64 = 1e-18;

impl Curve {
    pub fn value(&self, dose: f64) -> f64 {
        if self.top == 0.0 {
            let share = Shape::Dose.value(dose.ln(), &[self.ec50.ln(), self.hill.ln(), 0.0]).0;
            return self.bottom * (1.0 - share);
        }
        self.top * Shape::Dose.value(dose.ln(), &[self.ec50.ln(), self.hill.ln(), self.bottom / self.top]).0
    }

    /// The dose at which viability is this: 0 at the top and above, `None` at the lower plateau and below.
    pub fn dose(&self, viability: f64) -> Option<f64> {
        if self.top <= self.bottom || viability <= self.bottom {
            return None;
        }
        Some(self.ec50 * ((self.top - viability).max(0.0) / (viability - self.bottom)).powf(1.0 / self.hill))
    }

    /// Least squares; `None` with fewer than three doses above zero. The lower plateau is 0 unless Akaike's criterion asks
    /// for one: beyond a plateau that noise has put a little above 0 Loewe additivity would have no value. A stricter test
    /// would take true plateaus of a few percent for 0, and the drug with itself for an antagonist.
    pub fn fit(top: f64, doses: &[f64], viabilities: &[f64]) -> Option<Curve> {
        let [(simple, zero), (full, free)] =
            [Fit::new(top, doses, viabilities, true)?, Fit::new(top, doses, viabilities, false)?].map(|fit| fit.best());
        let needless = simple < ROUNDING || doses.len() as f64 * (simple / full).ln() < 2.0;
        Some(if needless { zero } else { free })
    }

    /// The same from a curve that is near, and with its kind of plateau.
    pub fn refit(&self, top: f64, doses: &[f64], viabilities: &[f64]) -> Option<Curve> {
        let fit = Fit::new(top, doses, viabilities, self.bottom == 0.0)?;
        let start = fit.clamped(Vector3::new(self.ec50.ln(), self.hill.ln(), self.bottom));
        let again = fit.with_bottom(start[0], start[1]);
        let (cost, found) = fit.improve(if fit.cost(&again) < fit.cost(&start) { again } else { start });
        // A repeat that lies elsewhere gets the grid.
        let scatter = (cost / doses.len() as f64).sqrt();
        Some(if scatter > 0.1 { fit.best().1 } else { fit.curve(&found) })
    }
}

/// Parameters are `ln EC50`, `ln h` and the lower plateau.
struct Fit<'d> {
    top: f64,
    logs: Vec<f64>,
    values: &'d [f64],
    /// The lower plateau is 0.
    to_zero: bool,
}

impl<'d> Fit<'d> {
    fn new(top: f64, doses: &[f64], values: &'d [f64], to_zero: bool) -> Option<Self> {
        let usable = doses.len() >= FEWEST && doses.iter().all(|dose| *dose > 0.0);
        let logs = doses.iter().map(|dose| dose.ln()).collect();
        (usable && top.is_finite()).then_some(Fit { top, logs, values, to_zero })
    }

    /// The best optimum from a grid of first guesses, with its cost.
    fn best(&self) -> (f64, Curve) {
        let (low, high) = (self.logs.iter().copied().fold(f64::INFINITY, f64::min), self.highest());
        let mut guesses: Vec<(f64, Vector3<f64>)> = Vec::new();
        for step in 0..=12 {
            let location = low + (high - low) * (f64::from(step) / 10.0 - 0.1);
            for hill in [0.6f64, 1.5, 4.0] {
                let guess = self.with_bottom(location, hill.ln());
                guesses.push((self.cost(&guess), guess));
            }
        }
        guesses.sort_by(|a, b| a.0.total_cmp(&b.0));
        let found = guesses.into_iter().take(3).map(|(_, guess)| self.improve(guess));
        let first = (f64::INFINITY, Vector3::zeros());
        let (cost, theta) = found.fold(first, |best, next| if next.0 < best.0 { next } else { best });
        (cost, self.curve(&theta))
    }

    fn highest(&self) -> f64 {
        self.logs.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn curve(&self, theta: &Vector3<f64>) -> Curve {
        Curve { top: self.top, bottom: theta[2], ec50: theta[0].exp(), hill: theta[1].exp() }
    }

    /// The share of the way from bottom to top, with its slopes by the first two parameters.
    fn share(&self, log: f64, theta: &Vector3<f64>) -> (f64, [f64; 2]) {
        let (share, slopes) = Shape::Dose.value(log, &[theta[0], theta[1], 0.0]);
        (share, [slopes[0], slopes[1]])
    }

    /// The lower plateau that is best for the other two.
    fn with_bottom(&self, location: f64, log_hill: f64) -> Vector3<f64> {
        let theta = Vector3::new(location, log_hill, 0.0);
        let (mut above, mut below) = (0.0, 0.0);
        for (log, value) in self.logs.iter().zip(self.values) {
            let share = self.share(*log, &theta).0;
            above += (value - self.top * share) * (1.0 - share);
            below += (1.0 - share) * (1.0 - share);
        }
        self.clamped(Vector3::new(location, log_hill, if below > 0.0 { above / below } else { 0.0 }))
    }

    fn clamped(&self, mut theta: Vector3<f64>) -> Vector3<f64> {
        let low = self.logs.iter().copied().fold(f64::INFINITY, f64::min);
        theta[0] = theta[0].clamp(low - BEYOND.ln(), self.highest() + BEYOND.ln());
        theta[1] = theta[1].clamp(-STEEPEST.ln(), STEEPEST.ln());
        theta[2] = if self.to_zero { 0.0 } else { theta[2].clamp(0.0, HIGHEST) };
        theta
    }

    fn cost(&self, theta: &Vector3<f64>) -> f64 {
        let rows = self.logs.iter().zip(self.values);
        rows.map(|(log, value)| (value - self.mean(*log, theta)).powi(2)).sum()
    }

    fn mean(&self, log: f64, theta: &Vector3<f64>) -> f64 {
        theta[2] + (self.top - theta[2]) * self.share(log, theta).0
    }

    /// Levenberg and Marquardt within bounds: what a step would carry through a bound stays on it.
    fn improve(&self, start: Vector3<f64>) -> (f64, Vector3<f64>) {
        let (mut theta, mut cost, mut lambda) = (start, self.cost(&start), 1e-3);
        for _ in 0..ITERATIONS {
            let (mut matrix, mut right) = (Matrix3::zeros(), Vector3::zeros());
            for (log, value) in self.logs.iter().zip(self.values) {
                let (share, slopes) = self.share(*log, &theta);
                let span = self.top - theta[2];
                let row = Vector3::new(span * slopes[0], span * slopes[1], 1.0 - share);
                matrix += row * row.transpose();
                right += row * (value - self.mean(*log, &theta));
            }
            // A parameter on a bound that the data push outwards is held there.
            for i in 0..3 {
                let moved = self.clamped(theta + Vector3::ith(i, right[i].signum() * 1e-6));
                if moved[i] == theta[i] {
                    right[i] = 0.0;
                    for k in 0..3 {
                        matrix[(i, k)] = 0.0;
                        matrix[(k, i)] = 0.0;
                    }
                }
            }
            let mut better = false;
            while lambda < 1e12 {
                let mut damped = matrix;
                for i in 0..3 {
                    damped[(i, i)] += if matrix[(i, i)] > 0.0 { lambda * matrix[(i, i)] } else { 1.0 };
                }
                let step = damped.cholesky().map(|factor| factor.solve(&right));
                let tried = step.map(|step| self.clamped(theta + step));
                if let Some(next) = tried.filter(|next| self.cost(next) < cost) {
                    (theta, cost, better) = (next, self.cost(&next), true);
                    lambda = (lambda * 0.1).max(1e-15);
                    break;
                }
                lambda *= 10.0;
            }
            if !better {
                break;
            }
        }
        (cost, theta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOSES: [f64; 7] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

    #[test]
    fn a_curve_is_found_again_whatever_its_top_and_plateau() {
        for (top, bottom, ec50, hill) in [(1.0, 0.0, 3.0, 1.2), (1.0, 0.4, 0.5, 3.0), (0.3, 0.9, 8.0, 1.0)] {
            let curve = Curve { top, bottom, ec50, hill };
            let values = DOSES.map(|dose| curve.value(dose));
            let found = Curve::fit(top, &DOSES, &values).unwrap();
            for (a, b) in [(found.bottom, bottom), (found.ec50 / ec50, 1.0), (found.hill / hill, 1.0)] {
                assert!((a - b).abs() < 1e-7, "{found:?} beside {curve:?}");
            }
            let near = Curve { ec50: 2.0 * ec50, hill: 0.8 * hill, ..curve };
            let again = near.refit(top, &DOSES, &values).unwrap();
            assert!((again.ec50 / ec50 - 1.0).abs() < 1e-7, "{again:?}");
        }
    }

    #[test]
    fn doses_lead_to_viabilities_and_back_and_zero_is_the_top() {
        let curve = Curve { top: 0.8, bottom: 0.1, ec50: 2.0, hill: 1.7 };
        for dose in DOSES {
            assert!((curve.dose(curve.value(dose)).unwrap() / dose - 1.0).abs() < 1e-9);
        }
        assert_eq!((curve.value(0.0), curve.dose(0.8), curve.dose(0.1)), (0.8, Some(0.0), None));
        assert!((Curve { top: 0.0, bottom: 0.5, ..curve }.value(2.0) - 0.25).abs() < 1e-12);
        assert_eq!(Curve::fit(1.0, &[1.0, 2.0], &[0.5, 0.2]), None);
    }
}
