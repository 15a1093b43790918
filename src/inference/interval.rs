//! 95 % intervals by the likelihood ratio: how far a parameter can go, the others following, before the objective has
//! risen by 1.92. Where the objective is not a parabola these hold the truth as often as they say, and intervals from
//! standard errors do not.
//!
//! An end is where the objective is at that height and flat in all other parameters. It is found by Newton steps with
//! the Fisher information for the Hessian (D. J. Venzon, S. H. Moolgavkar, "A method for computing profile-likelihood-
//! based confidence intervals", Applied Statistics 37, 1988), each kept short and within the box. All ends advance
//! together: an iteration is one batch.

use super::Expansion;
use super::boxed::Boxed;
use super::bridge::Bridge;
use crate::Result;
use nalgebra::{DMatrix, DVector};

/// Half of the 95 % quantile of chi-squared with one degree of freedom.
const RISE: f64 = 1.920_729;
/// An end is found when the height, and what the other parameters could still gain, are this near.
const NEAR: f64 = 0.01;
/// Iterations after which an end is given up.
const MOST: usize = 40;
/// Of a first step, in standard deviations.
const REACH: f64 = 1.0;
/// A parameter's own curvature on the unit box, added so that a flat direction does not make a step endless.
const DAMPING: f64 = 1.0;

/// The lower and upper end of each of `parameters`, on the estimation scale, within the bounds; `None` where an end
/// could not be followed. `expansion` is that at `point`, the optimum. Ends early, with `None`, when `stops` says so.
pub fn intervals(
    bridge: &Bridge,
    point: &[f64],
    expansion: &Expansion,
    parameters: &[usize],
    mut stops: impl FnMut(usize, usize) -> bool,
) -> Result<Vec<[Option<f64>; 2]>> {
    let boxed = Boxed::of(bridge.objective);
    let target = expansion.value + RISE;
    let begin = |&parameter: &usize| [-1.0, 1.0].map(|sign| End::new(parameter, sign, boxed.unit(point)));
    let mut ends: Vec<End> = parameters.iter().flat_map(begin).collect();
    for end in &mut ends {
        end.advance(Some(expansion), target, &boxed);
    }
    for _ in 0..MOST {
        let open: Vec<usize> = (0..ends.len()).filter(|&at| ends[at].place.is_none()).collect();
        if open.is_empty() || stops(ends.len() - open.len(), ends.len()) {
            break;
        }
        let points: Vec<Vec<f64>> = open.iter().map(|&at| boxed.point(&ends[at].here)).collect();
        for (&at, expansion) in open.iter().zip(bridge.expand(&points)?) {
            ends[at].advance(expansion.as_ref(), target, &boxed);
        }
    }
    let scaled = |end: &End| {
        let unit = end.place?;
        let parameter = end.parameter;
        Some(boxed.lower[parameter] + unit * boxed.width(parameter))
    };
    Ok(ends.chunks(2).map(|pair| [scaled(&pair[0]), scaled(&pair[1])]).collect())
}

/// One end on its way, on the unit box.
struct End {
    parameter: usize,
    sign: f64,
    here: Vec<f64>,
    /// Where the last expansion was finite.
    before: Vec<f64>,
    /// The longest step, in standard deviations.
    reach: f64,
    misfit: f64,
    place: Option<f64>,
}

impl End {
    fn new(parameter: usize, sign: f64, here: Vec<f64>) -> Self {
        let before = here.clone();
        End { parameter, sign, here, before, reach: REACH, misfit: f64::INFINITY, place: None }
    }

    /// Takes in the expansion at `here`, and either has arrived or steps on.
    fn advance(&mut self, expansion: Option<&Expansion>, target: f64, boxed: &Boxed) {
        let Some(expansion) = expansion else {
            self.reach *= 0.5;
            self.here = self.before.iter().zip(&self.here).map(|(a, b)| 0.5 * (a + b)).collect();
            return;
        };
        let n = self.here.len();
        let gradient = DVector::from_fn(n, |i, _| expansion.gradient[i] * boxed.width(i));
        let curvature = DMatrix::from_fn(n, n, |r, c| {
            expansion.fisher[(r, c)] * boxed.width(r) * boxed.width(c) + if r == c { DAMPING } else { 0.0 }
        });
        let height = expansion.value - target;
        let Some(gain) = self.gain(&gradient, &curvature) else { return };
        let arrived = height.abs() <= NEAR && self.sign * gradient[self.parameter] > 0.0;
        let walled = self.at_wall(self.parameter, self.sign) && height <= NEAR;
        if gain <= 0.5 * NEAR && (arrived || walled) {
            self.place = Some(self.here[self.parameter]);
            return;
        }
        let misfit = height.abs() + gain;
        self.reach = if misfit < self.misfit { (1.5 * self.reach).min(2.0) } else { (0.5 * self.reach).max(0.02) };
        self.misfit = misfit;
        let Some(step) = self.step(&gradient, &curvature, height) else { return };
        let length = (step.dot(&(&curvature * &step))).sqrt();
        let part = if length > self.reach { self.reach / length } else { 1.0 };
        self.before.clone_from(&self.here);
        for i in 0..n {
            self.here[i] = (self.here[i] + part * step[i]).clamp(0.0, 1.0);
        }
    }

    fn at_wall(&self, i: usize, direction: f64) -> bool {
        if direction > 0.0 { self.here[i] >= 1.0 } else { self.here[i] <= 0.0 }
    }

    /// What the other parameters could still take off the objective, by its quadratic model.
    fn gain(&self, gradient: &DVector<f64>, curvature: &DMatrix<f64>) -> Option<f64> {
        let free: Vec<usize> =
            (0..self.here.len()).filter(|&i| i != self.parameter && !self.at_wall(i, -gradient[i])).collect();
        let slope = DVector::from_fn(free.len(), |r, _| gradient[free[r]]);
        let matrix = DMatrix::from_fn(free.len(), free.len(), |r, c| curvature[(free[r], free[c])]);
        Some(if free.is_empty() { 0.0 } else { 0.5 * slope.dot(&matrix.cholesky()?.solve(&slope)) })
    }

    /// The step to where the quadratic model has the target's height and is flat in the others. Parameters that would
    /// leave the box are stopped at its face, the worst first.
    fn step(&self, gradient: &DVector<f64>, curvature: &DMatrix<f64>, height: f64) -> Option<DVector<f64>> {
        let n = self.here.len();
        let mut step = DVector::zeros(n);
        let mut free = vec![true; n];
        loop {
            let inner: Vec<usize> = (0..n).filter(|&i| free[i]).collect();
            // The model about the point to which the stopped parameters have moved.
            let stopped = DVector::from_fn(n, |i, _| if free[i] { 0.0 } else { step[i] });
            let bent = curvature * &stopped;
            let rise = height + gradient.dot(&stopped) + 0.5 * stopped.dot(&bent);
            if !inner.is_empty() {
                let slope = DVector::from_fn(inner.len(), |r, _| gradient[inner[r]] + bent[inner[r]]);
                let matrix = DMatrix::from_fn(inner.len(), inner.len(), |r, c| curvature[(inner[r], inner[c])]);
                let factor = matrix.cholesky()?;
                let newton = factor.solve(&slope);
                let mut part = -&newton;
                if let Some(own) = inner.iter().position(|&i| i == self.parameter) {
                    let mut axis = DVector::zeros(inner.len());
                    axis[own] = 1.0;
                    let along = factor.solve(&axis);
                    let room = 2.0 * (0.5 * slope.dot(&newton) - rise) / along[own];
                    part += along * (self.sign * room.max(0.0).sqrt());
                }
                inner.iter().enumerate().for_each(|(r, &i)| step[i] = part[r]);
            }
            let outside = |&i: &usize| (-self.here[i] - step[i]).max(self.here[i] + step[i] - 1.0);
            let worst = inner.iter().copied().max_by(|a, b| outside(a).total_cmp(&outside(b)));
            match worst.filter(|i| outside(i) > 0.0) {
                None => return Some(step),
                Some(i) => {
                    free[i] = false;
                    step[i] = if step[i] > 0.0 { 1.0 - self.here[i] } else { -self.here[i] };
                }
            }
        }
    }
}
