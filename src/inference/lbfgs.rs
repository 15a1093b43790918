//! A bounded limited-memory BFGS, for one start: first derivatives alone.
//!
//! The two-loop recursion of J. Nocedal and S. J. Wright, "Numerical Optimization" (2006), algorithm 7.4, over the
//! variables that are free to move, with the path bent along the box (D. P. Bertsekas, SIAM J. Control Optim. 20
//! (1982) 221-246). The line search is a batch of step lengths.

use super::boxed::Boxed;
use super::lockstep::{Local, Rules};
use super::{Expansion, StartRecord, Stop};
use serde::{Deserialize, Serialize};

const MEMORY: usize = 12;
/// Step lengths tried at once.
const LENGTHS: [f64; 5] = [1.0, 0.4, 0.1, 0.01, 3.0];
/// Without a memory, the longest first step goes this far in the unit box.
const FIRST: f64 = 0.1;
const WINDOW: usize = 25;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lbfgs {
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// Steps and changes of the gradient, the oldest first.
    memory: Vec<(Vec<f64>, Vec<f64>)>,
    /// Shortens all trials after a line search that failed.
    shorten: f64,
    history: Vec<f64>,
    accepted: Option<(Vec<f64>, f64)>,
    #[serde(skip)]
    trials: Vec<Vec<f64>>,
    stop: Option<Stop>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Lbfgs {
    fn free(&self, i: usize) -> bool {
        !(self.at[i] <= 0.0 && self.gradient[i] > 0.0 || self.at[i] >= 1.0 && self.gradient[i] < 0.0)
    }

    /// Downhill, 0 in the variables that a bound holds.
    fn direction(&self) -> Vec<f64> {
        let masked = |v: &[f64]| -> Vec<f64> { (0..v.len()).map(|i| if self.free(i) { v[i] } else { 0.0 }).collect() };
        let pairs: Vec<(Vec<f64>, Vec<f64>, f64)> = self
            .memory
            .iter()
            .map(|(s, y)| (masked(s), masked(y)))
            .map(|(s, y)| (dot(&s, &y), s, y))
            .filter(|(curvature, s, y)| *curvature > 1e-10 * (dot(s, s) * dot(y, y)).sqrt())
            .map(|(curvature, s, y)| (s, y, curvature))
            .collect();
        let mut q = masked(&self.gradient);
        let mut factors = Vec::with_capacity(pairs.len());
        for (s, y, curvature) in pairs.iter().rev() {
            let factor = dot(s, &q) / curvature;
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= factor * y);
            factors.push(factor);
        }
        let scale = match pairs.last() {
            Some((_, y, curvature)) => curvature / dot(y, y),
            None => FIRST / q.iter().fold(f64::MIN_POSITIVE, |most, q| most.max(q.abs())),
        };
        q.iter_mut().for_each(|q| *q *= scale);
        for ((s, y, curvature), factor) in pairs.iter().zip(factors.iter().rev()) {
            let back = factor - dot(y, &q) / curvature;
            q.iter_mut().zip(s).for_each(|(q, s)| *q += back * s);
        }
        q.iter().map(|q| -q).collect()
    }
}

impl Local for Lbfgs {
    fn new(record: &StartRecord, _rules: &Rules, boxed: &Boxed) -> Self {
        let at = boxed.unit(&record.last_point);
        Lbfgs {
            accepted: Some((at.clone(), record.last_value)),
            at,
            value: record.last_value,
            gradient: Vec::new(),
            memory: Vec::new(),
            shorten: 1.0,
            history: Vec::new(),
            trials: Vec::new(),
            stop: None,
        }
    }

    fn value(&self) -> f64 {
        self.accepted.as_ref().map_or(self.value, |accepted| accepted.1)
    }

    fn point(&self, boxed: &Boxed) -> Vec<f64> {
        boxed.point(self.accepted.as_ref().map_or(&self.at, |accepted| &accepted.0))
    }

    fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    fn wants_expansion(&self, boxed: &Boxed) -> Option<Vec<f64>> {
        self.accepted.as_ref().map(|(at, _)| boxed.point(at))
    }

    fn learn(&mut self, expansion: Option<&Expansion>, boxed: &Boxed) {
        let Some((at, value)) = self.accepted.take() else { return };
        let Some(expansion) = expansion else {
            if self.gradient.is_empty() {
                self.stop = Some(Stop::NoDerivatives);
            } else {
                self.shorten *= 0.01;
            }
            return;
        };
        let gradient: Vec<f64> = (0..at.len()).map(|i| expansion.gradient[i] * boxed.width(i)).collect();
        if !self.gradient.is_empty() {
            let step = at.iter().zip(&self.at).map(|(new, old)| new - old).collect();
            let change = gradient.iter().zip(&self.gradient).map(|(new, old)| new - old).collect();
            self.memory.push((step, change));
            if self.memory.len() > MEMORY {
                self.memory.remove(0);
            }
        }
        (self.at, self.value, self.gradient) = (at, value, gradient);
    }

    fn propose(&mut self, rules: &Rules) {
        let direction = self.direction();
        let slope = dot(&direction, &self.gradient);
        let held = self.memory.is_empty() && slope == 0.0;
        if held || (!self.memory.is_empty() && -slope / 2.0 < rules.tolerance) {
            self.stop = Some(Stop::Converged);
            return;
        }
        let long = self.history.len();
        if long > WINDOW && self.history[long - 1 - WINDOW] - self.value < rules.stall {
            self.stop = Some(Stop::Stalled);
            return;
        }
        self.trials = LENGTHS
            .iter()
            .map(|length| {
                let reach = length * self.shorten;
                self.at.iter().zip(&direction).map(|(u, d)| (u + reach * d).clamp(0.0, 1.0)).collect::<Vec<f64>>()
            })
            .filter(|at| *at != self.at)
            .collect();
        if self.trials.is_empty() {
            self.stop = Some(Stop::NoDescent);
        }
    }

    fn trials(&self, boxed: &Boxed) -> Vec<Vec<f64>> {
        self.trials.iter().map(|at| boxed.point(at)).collect()
    }

    fn judge(&mut self, values: &[f64], _rules: &Rules) {
        let best = self.trials.iter().zip(values).min_by(|a, b| a.1.total_cmp(b.1));
        match best {
            Some((at, &value)) if value < self.value => {
                self.accepted = Some((at.clone(), value));
                self.shorten = 1.0;
            }
            _ if self.memory.is_empty() || self.shorten < 1.0 => {
                self.memory.clear();
                self.shorten *= 1e-3;
                if self.shorten < 1e-9 {
                    self.stop = Some(Stop::NoDescent);
                }
            }
            // An old memory may mislead: once more along the gradient.
            _ => self.memory.clear(),
        }
        self.history.push(self.value());
        self.trials.clear();
    }
}
