//! The quadratic model of an objective about a point of the unit box, for steps in which one coordinate is given and the
//! others are at their best: what profiles are followed with.

use super::bend::Bend;
use crate::inference::Expansion;
use crate::inference::boxed::{Boxed, best_step};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// A parameter's own curvature on the unit box, added so that a flat direction does not make a step endless.
const FLAT: f64 = 1.0;

/// A face of the unit box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    pub dimension: usize,
    pub upper: bool,
}

impl Wall {
    /// The walls of other parameters on which `at` stands.
    pub fn at(at: &[f64], parameter: usize) -> Vec<Wall> {
        let others = (0..at.len()).filter(|&i| i != parameter && (at[i] == 0.0 || at[i] == 1.0));
        others.map(|dimension| Wall { dimension, upper: at[dimension] == 1.0 }).collect()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    pub value: f64,
    pub gradient: Vec<f64>,
    /// Row by row; positive definite.
    curvature: Vec<f64>,
    /// The Fisher information alone.
    information: Vec<f64>,
}

impl Model {
    pub fn new(expansion: &Expansion, boxed: &Boxed) -> Self {
        let n = expansion.gradient.len();
        let entry = |r, c| expansion.fisher[(r, c)] * boxed.width(r) * boxed.width(c);
        let information: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let mut curvature = information.clone();
        (0..n).for_each(|i| curvature[i * n + i] += FLAT);
        Model {
            value: expansion.value,
            gradient: (0..n).map(|i| expansion.gradient[i] * boxed.width(i)).collect(),
            curvature,
            information,
        }
    }

    /// An entry of the Fisher information.
    pub fn information(&self, row: usize, column: usize) -> f64 {
        self.information[row * self.gradient.len() + column]
    }

    /// A parameter's own curvature.
    pub fn own(&self, parameter: usize) -> f64 {
        self.curvature[parameter * (self.gradient.len() + 1)]
    }

    /// With what Gauss-Newton leaves out. Where the objective bends downwards it is taken to bend upwards as much.
    pub fn bent(mut self, bend: &Bend) -> Self {
        let Some(entries) = bend.entries() else { return self };
        let n = self.gradient.len();
        let entry = |r: usize, c: usize| self.information[r * n + c] + entries[r * n + c];
        let mut eigen = DMatrix::from_fn(n, n, entry).symmetric_eigen();
        eigen.eigenvalues.apply(|value| *value = value.abs() + FLAT);
        let whole = eigen.recompose();
        self.curvature = (0..n * n).map(|at| whole[(at / n, at % n)]).collect();
        self
    }

    /// The step from `here` of the given length along `parameter` that is best in the others and stays in the box.
    /// `damping` is Marquardt's.
    pub fn step(&self, here: &[f64], parameter: usize, distance: f64, damping: f64) -> DVector<f64> {
        self.step_within(here, parameter, distance, damping, &|_| false)
    }

    /// The same where the box is wider by its own width behind the walls that are `open`.
    fn step_within(
        &self,
        here: &[f64],
        parameter: usize,
        distance: f64,
        damping: f64,
        open: &dyn Fn(Wall) -> bool,
    ) -> DVector<f64> {
        let n = here.len();
        let mut curvature = DMatrix::from_row_slice(n, n, &self.curvature);
        let slope = DVector::from_fn(n, |i, _| match i == parameter {
            true => 0.0,
            false => self.gradient[i] + curvature[(i, parameter)] * distance,
        });
        (0..n).for_each(|i| curvature[(i, i)] *= 1.0 + damping);
        let held = |i: usize, room: f64| if i == parameter { 0.0 } else { room };
        let low = |i| if open(Wall { dimension: i, upper: false }) { -1.0 } else { 0.0 };
        let high = |i| if open(Wall { dimension: i, upper: true }) { 2.0 } else { 1.0 };
        let lower: Vec<f64> = (0..n).map(|i| held(i, low(i) - here[i])).collect();
        let upper: Vec<f64> = (0..n).map(|i| held(i, high(i) - here[i])).collect();
        let mut step = best_step(&curvature, 0.0, &slope, &lower, &upper).unwrap_or_else(|| DVector::zeros(n));
        step[parameter] = distance;
        step
    }

    /// What the others could still take off the objective.
    pub fn gain(&self, here: &[f64], parameter: usize) -> f64 {
        self.promise(&self.step(here, parameter, 0.0, 0.0))
    }

    /// What they could take off it if the walls that are `open` were not there.
    pub fn gain_beyond(&self, here: &[f64], parameter: usize, open: &dyn Fn(Wall) -> bool) -> f64 {
        self.promise(&self.step_within(here, parameter, 0.0, 0.0, open))
    }

    /// A change of the others, drawn from the normal distribution of this curvature: `normal` gives standard normal numbers.
    /// Along a narrow valley it goes far, across it hardly.
    pub fn draw(&self, parameter: usize, mut normal: impl FnMut() -> f64) -> Vec<f64> {
        let n = self.gradient.len();
        let others: Vec<usize> = (0..n).filter(|&i| i != parameter).collect();
        let entry = |r: usize, c: usize| self.curvature[others[r] * n + others[c]];
        let eigen = DMatrix::from_fn(n - 1, n - 1, entry).symmetric_eigen();
        let lengths = DVector::from_fn(n - 1, |k, _| normal() / eigen.eigenvalues[k].max(FLAT).sqrt());
        let change = eigen.eigenvectors * lengths;
        let mut all = vec![0.0; n];
        others.iter().zip(change.iter()).for_each(|(&i, by)| all[i] = *by);
        all
    }

    fn promise(&self, step: &DVector<f64>) -> f64 {
        let n = step.len();
        let curvature = DMatrix::from_row_slice(n, n, &self.curvature);
        -(step.dot(&DVector::from_column_slice(&self.gradient)) + 0.5 * step.dot(&(curvature * step)))
    }

    /// How fast the root of twice the rise above the optimum grows outwards (`sign`) along the profile. That root is nearly
    /// straight; at the optimum itself, where it has no slope, its square is the curvature along the valley.
    pub fn growth(&self, here: &[f64], parameter: usize, sign: f64, rise: f64, at_optimum: bool) -> f64 {
        if !at_optimum {
            return sign * self.gradient[parameter] / (2.0 * rise).sqrt();
        }
        let n = here.len();
        let across = (self.step(here, parameter, 1e-3 * sign, 0.0) - self.step(here, parameter, 0.0, 0.0)) * 1e3 * sign;
        let row = &self.curvature[parameter * n..(parameter + 1) * n];
        row.iter().zip(across.iter()).map(|(c, s)| c * s).sum::<f64>().max(FLAT).sqrt()
    }
}
