//! 95 % intervals by the likelihood ratio: how far a parameter can go, the others following, before the objective has
//! risen by 1.92 (or by half the square of Student's t, where few experiments differ in it). Where the objective is not a parabola these hold the truth as often as they say, and intervals from
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
use super::conditional::Model;
use crate::Result;
use nalgebra::DVector;

/// An end is found when the height is this near, and the other parameters could gain no more than half of it.
const NEAR: f64 = 0.01;
/// Marquardt's damping to begin with.
const MILD: f64 = 1e-3;
/// Iterations after which an end is given up.
const MOST: usize = 250;
/// A move outwards after which the objective is so far above the limit was too long.
const ABOVE: f64 = 4.0;
/// Steps of the others that together gain nothing worth naming, after which they count as settled: at a threshold between
/// life and death the objective has cliffs, before which the model promises for ever what no step keeps.
const IDLE: u32 = 6;
/// Where the places below and above the limit are so near, as a part of the way from the optimum, the end is between.
const BETWEEN: f64 = 0.005;

/// The lower and upper end of each of `parameters` (with its reach in standard errors), on the estimation scale, within the bounds; `None` where an end
/// could not be followed. `expansion` is that at `point`, the optimum. Ends early, with `None`, when `stops` says so.
pub fn intervals(
    bridge: &Bridge,
    point: &[f64],
    expansion: &Expansion,
    parameters: &[(usize, f64)],
    mut stops: impl FnMut(usize, usize) -> bool,
) -> Result<Vec<[Option<f64>; 2]>> {
    let boxed = Boxed::of(bridge.objective);
    let start = Model::new(expansion, &boxed);
    let begin = |&(parameter, reach): &(usize, f64)| {
        // Half of the 95 % quantile of chi-squared with one degree of freedom, or of F.
        let rise = 0.5 * reach * reach;
        [-1.0, 1.0].map(|sign| End::new(parameter, sign, rise, boxed.unit(point), start.clone()))
    };
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

/// One end on its way, on the unit box.
struct End {
    parameter: usize,
    sign: f64,
    /// How far above the optimum its end lies.
    rise: f64,
    /// The objective at the optimum.
    least: f64,
    here: Vec<f64>,
    model: Model,
    /// Marquardt's damping of steps of the other parameters.
    damping: f64,
    trial: Vec<f64>,
    /// How far the trial moves the parameter itself; 0 for a step of the others.
    moved: f64,
    /// Steps of the others since they last gained something.
    idle: u32,
    /// How far a move may go: more than that was too far before.
    reach: f64,
    /// Of the parameter, at the optimum.
    origin: f64,
    /// The furthest place that lies below the limit for certain, and the nearest above it.
    below: f64,
    above: Option<f64>,
    place: Option<f64>,
}

impl End {
    fn new(parameter: usize, sign: f64, rise: f64, here: Vec<f64>, model: Model) -> Self {
        let (least, origin) = (model.value, here[parameter]);
        let mut end = End {
            parameter,
            sign,
            rise,
            least,
            trial: here.clone(),
            here,
            model,
            damping: MILD,
            moved: 0.0,
            idle: 0,
            reach: 1.0,
            origin,
            below: origin,
            above: None,
            place: None,
        };
        end.proceed();
        end
    }

    /// Takes in the model at the trial, `None` where it is not finite, and either has arrived or tries on.
    fn advance(&mut self, model: Option<Model>) {
        if self.moved != 0.0 {
            let most = (self.least + self.rise).max(self.model.value) + ABOVE;
            match model.filter(|model| model.value <= most) {
                Some(model) => {
                    (self.damping, self.idle, self.reach) = (MILD, 0, 2.5 * self.moved.abs());
                    self.accept(model);
                }
                None => self.move_by(0.4 * self.moved),
            }
            return;
        }
        let gained = model.as_ref().map_or(f64::NEG_INFINITY, |model| self.model.value - model.value);
        self.idle = if gained > 0.1 * NEAR { 0 } else { self.idle + 1 };
        match model.filter(|_| gained > 0.0) {
            Some(model) => {
                // As much as was promised: less damping. Little of it: more.
                self.damping *= if gained > 0.5 * self.gain() { 0.2 } else { 2.0 };
                self.accept(model);
            }
            None => {
                self.damping *= 8.0;
                self.proceed();
            }
        }
    }

    fn accept(&mut self, model: Model) {
        self.here.clone_from(&self.trial);
        self.model = model;
        self.proceed();
    }

    /// From a point that was accepted: arrived, further out, back, or the others first.
    fn proceed(&mut self) {
        let height = self.model.value - self.least - self.rise;
        let settled = self.gain() <= 0.5 * NEAR || self.idle >= IDLE;
        let own = self.here[self.parameter];
        let between =
            self.above.is_some_and(|above| (above - self.below).abs() <= BETWEEN * (self.below - self.origin).abs());
        let walled = height < 0.0 && own == if self.sign > 0.0 { 1.0 } else { 0.0 };
        if settled && (height.abs() <= NEAR || walled || between) {
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
        let (own, rise) = (self.here[self.parameter], (self.model.value - self.least).max(0.0));
        let near = rise <= 0.05 * self.rise;
        let growth = self.model.growth(&self.here, self.parameter, self.sign, rise, near);
        let missing = (2.0 * self.rise).sqrt() - (2.0 * rise).sqrt();
        let distance = if growth > 0.0 { missing / growth } else { 0.05 * missing.signum() };
        let mut to = own + self.sign * distance.clamp(-self.reach, self.reach);
        if let Some(above) = self.above {
            let share = ((to - self.below) / (above - self.below)).clamp(0.1, 0.9);
            to = self.below + share * (above - self.below);
        }
        self.move_by(to.clamp(0.0, 1.0) - own);
    }

    /// Tries `distance` along the parameter, the others following by the model.
    fn move_by(&mut self, distance: f64) {
        self.moved = distance;
        self.try_step(&self.step(distance, 0.0));
    }

    /// Tries a damped step of the others.
    fn settle(&mut self) {
        self.moved = 0.0;
        self.try_step(&self.step(0.0, self.damping));
    }

    fn try_step(&mut self, step: &DVector<f64>) {
        for i in 0..self.here.len() {
            self.trial[i] = (self.here[i] + step[i]).clamp(0.0, 1.0);
        }
    }

    fn step(&self, distance: f64, damping: f64) -> DVector<f64> {
        self.model.step(&self.here, self.parameter, distance, damping)
    }

    /// What the others could still take off the objective, by its quadratic model.
    fn gain(&self) -> f64 {
        self.model.gain(&self.here, self.parameter)
    }
}
