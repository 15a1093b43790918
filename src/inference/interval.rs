//! 95 % intervals by the likelihood ratio: how far a parameter can go, the others following, before the objective has
//! risen by 1.92. Where the objective is not a parabola these hold the truth as often as they say, and intervals from
//! standard errors do not.
//!
//! An end is followed outwards from the optimum. Between its moves the other parameters are brought back to their best by
//! damped Gauss-Newton steps (D. W. Marquardt, SIAM Journal 11, 1963), taken only downhill: along a bent ridge the undamped
//! steps of the usual scheme (D. J. Venzon, S. H. Moolgavkar, Applied Statistics 37, 1988) swing to and fro for ever. The
//! next place is where the root of the rise, which is nearly straight, would reach its limit. All ends advance together:
//! an iteration is one batch.

use super::Expansion;
use super::boxed::Boxed;
use super::bridge::Bridge;
use crate::Result;
use nalgebra::{DMatrix, DVector};

/// Half of the 95 % quantile of chi-squared with one degree of freedom.
const RISE: f64 = 1.920_729;
/// An end is found when the height is this near, and the other parameters could gain no more than half of it.
const NEAR: f64 = 0.01;
/// Iterations after which an end is given up.
const MOST: usize = 80;
/// A move outwards after which the objective is so far above the limit was too long.
const ABOVE: f64 = 4.0;
/// A parameter's own curvature on the unit box, added so that a flat direction does not make a step endless.
const FLAT: f64 = 1.0;

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
    let start = Model::new(expansion, &boxed);
    let begin =
        |&parameter: &usize| [-1.0, 1.0].map(|sign| End::new(parameter, sign, boxed.unit(point), start.clone()));
    let mut ends: Vec<End> = parameters.iter().flat_map(begin).collect();
    for _ in 0..MOST {
        let open: Vec<usize> = (0..ends.len()).filter(|&at| ends[at].place.is_none()).collect();
        if open.is_empty() || stops(ends.len() - open.len(), ends.len()) {
            break;
        }
        let points: Vec<Vec<f64>> = open.iter().map(|&at| boxed.point(&ends[at].trial)).collect();
        for (&at, expansion) in open.iter().zip(bridge.expand(&points)?) {
            ends[at].advance(expansion.map(|expansion| Model::new(&expansion, &boxed)));
        }
    }
    let scaled = |end: &End| {
        let unit = end.place?;
        Some(boxed.lower[end.parameter] + unit * boxed.width(end.parameter))
    };
    Ok(ends.chunks(2).map(|pair| [scaled(&pair[0]), scaled(&pair[1])]).collect())
}

/// The objective about a point of the unit box.
#[derive(Clone)]
struct Model {
    value: f64,
    gradient: DVector<f64>,
    curvature: DMatrix<f64>,
}

impl Model {
    fn new(expansion: &Expansion, boxed: &Boxed) -> Self {
        let n = expansion.gradient.len();
        let flat = |r, c| if r == c { FLAT } else { 0.0 };
        Model {
            value: expansion.value,
            gradient: DVector::from_fn(n, |i, _| expansion.gradient[i] * boxed.width(i)),
            curvature: DMatrix::from_fn(n, n, |r, c| {
                expansion.fisher[(r, c)] * boxed.width(r) * boxed.width(c) + flat(r, c)
            }),
        }
    }
}

/// One end on its way, on the unit box.
struct End {
    parameter: usize,
    sign: f64,
    /// The objective at the optimum.
    least: f64,
    here: Vec<f64>,
    model: Model,
    /// Marquardt's damping of steps of the other parameters.
    damping: f64,
    trial: Vec<f64>,
    /// How far the trial moves the parameter itself; 0 for a step of the others.
    moved: f64,
    /// The furthest place that lies below the limit for certain, and the nearest above it.
    below: f64,
    above: Option<f64>,
    place: Option<f64>,
}

impl End {
    fn new(parameter: usize, sign: f64, here: Vec<f64>, model: Model) -> Self {
        let (least, below) = (model.value, here[parameter]);
        let (damping, moved, trial) = (1e-3, 0.0, here.clone());
        let mut end =
            End { parameter, sign, least, here, model, damping, trial, moved, below, above: None, place: None };
        end.proceed();
        end
    }

    /// Takes in the model at the trial, `None` where it is not finite, and either has arrived or tries on.
    fn advance(&mut self, model: Option<Model>) {
        let limit = self.least + RISE;
        match model {
            Some(model) if self.moved == 0.0 && model.value < self.model.value => {
                self.damping = (self.damping / 5.0).max(1e-9);
                self.accept(model);
            }
            Some(model) if self.moved != 0.0 && model.value <= limit.max(self.model.value) + ABOVE => {
                self.accept(model)
            }
            _ if self.moved == 0.0 => {
                self.damping *= 8.0;
                self.settle();
            }
            _ => self.move_by(0.4 * self.moved),
        }
    }

    fn accept(&mut self, model: Model) {
        self.here.clone_from(&self.trial);
        self.model = model;
        self.proceed();
    }

    /// From a point that was accepted: arrived, further out, back, or the others first.
    fn proceed(&mut self) {
        let height = self.model.value - self.least - RISE;
        let settled = self.gain() <= 0.5 * NEAR;
        let own = self.here[self.parameter];
        if settled && (height.abs() <= NEAR || height < 0.0 && self.at_wall(self.parameter, self.sign)) {
            self.place = Some(own);
        } else if height <= 0.0 {
            self.below = own;
            // A place that is only nearly settled is good enough to leave it.
            if settled || self.gain() < -0.2 * height { self.outwards() } else { self.settle() }
        } else if settled {
            self.above = Some(own);
            self.outwards();
        } else {
            self.settle();
        }
    }

    /// To where the limit is expected.
    fn outwards(&mut self) {
        let own = self.here[self.parameter];
        let across = self.follow();
        let slope = self.sign * (self.model.gradient[self.parameter] + self.model.gradient.dot(&across));
        let bend = self.model.curvature[(self.parameter, self.parameter)]
            + self.model.curvature.column(self.parameter).dot(&across);
        let rise = (self.model.value - self.least).max(0.0);
        // The root of the rise grows by this much on the way of 1; at the optimum itself its square is the curvature.
        let growth = if rise > 0.05 * RISE { slope / (2.0 * rise).sqrt() } else { bend.max(FLAT).sqrt() };
        let missing = (2.0 * RISE).sqrt() - (2.0 * rise).sqrt();
        let mut to = own + self.sign * missing / growth;
        if growth.is_nan() || growth <= 0.0 {
            to = own + self.sign * missing.signum() * 0.05;
        }
        if let Some(above) = self.above {
            let share = ((to - self.below) / (above - self.below)).clamp(0.1, 0.9);
            to = self.below + share * (above - self.below);
        }
        self.move_by(to.clamp(0.0, 1.0) - own);
    }

    /// Tries `distance` along the parameter, the others following by the model.
    fn move_by(&mut self, distance: f64) {
        let (across, rest) = (self.follow(), self.step(0.0));
        self.moved = distance;
        for i in 0..self.here.len() {
            let change = if i == self.parameter { distance } else { distance * across[i] + rest[i] };
            self.trial[i] = (self.here[i] + change).clamp(0.0, 1.0);
        }
    }

    /// Tries a damped step of the others.
    fn settle(&mut self) {
        let step = self.step(self.damping);
        self.moved = 0.0;
        for i in 0..self.here.len() {
            self.trial[i] = (self.here[i] + step[i]).clamp(0.0, 1.0);
        }
    }

    fn at_wall(&self, i: usize, direction: f64) -> bool {
        if direction > 0.0 { self.here[i] >= 1.0 } else { self.here[i] <= 0.0 }
    }

    /// The others that may move downhill.
    fn free(&self) -> Vec<usize> {
        let gradient = &self.model.gradient;
        (0..self.here.len()).filter(|&i| i != self.parameter && !self.at_wall(i, -gradient[i])).collect()
    }

    /// `-(curvature + damping)^-1 right` in the free others, 0 elsewhere.
    fn solve(&self, right: impl Fn(usize) -> f64, damping: f64) -> DVector<f64> {
        let free = self.free();
        let mut solution = DVector::zeros(self.here.len());
        let curvature = |r: usize, c: usize| {
            let own = self.model.curvature[(free[r], free[c])];
            if r == c { own * (1.0 + damping) } else { own }
        };
        let matrix = DMatrix::from_fn(free.len(), free.len(), curvature);
        if !free.is_empty()
            && let Some(factor) = matrix.cholesky()
        {
            let solved = factor.solve(&DVector::from_fn(free.len(), |r, _| right(free[r])));
            free.iter().enumerate().for_each(|(r, &i)| solution[i] = -solved[r]);
        }
        solution
    }

    fn step(&self, damping: f64) -> DVector<f64> {
        self.solve(|i| self.model.gradient[i], damping)
    }

    /// How the others follow the parameter along the valley.
    fn follow(&self) -> DVector<f64> {
        self.solve(|i| self.model.curvature[(i, self.parameter)], 0.0)
    }

    /// What the others could still take off the objective, by its quadratic model.
    fn gain(&self) -> f64 {
        -0.5 * self.model.gradient.dot(&self.step(0.0))
    }
}
