//! A bounded trust region with Fisher scoring, for one start.
//!
//! The model is the gradient and the Fisher information on the unit box; where noise is normal with a fixed standard
//! deviation that is Levenberg-Marquardt. Values are much cheaper than derivatives and come in batches, so each
//! iteration tries several dampings at once, and beside them a second model whose curvature is corrected by secants
//! (J. E. Dennis, D. M. Gay, R. E. Welsch, "An adaptive nonlinear least-squares algorithm", ACM TOMS 7 (1981) 348-368):
//! the best trial wins, and with it its damping. Steps end on the faces of the box, never beyond.
//!
//! A start may come to rest on a plateau, where some parameters have no influence (a rate so fast that its process is
//! over before the first reading). If others have found better values by then, it draws those parameters anew, keeps
//! the rest, and goes on.

use super::boxed::{Boxed, best_step};
use super::lockstep::{Local, Rules};
use super::{Expansion, StartRecord, Stop};
use crate::random::Stream;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Dampings tried at once, as multiples of the one that won last.
const LADDER: [f64; 3] = [0.1, 1.0, 10.0];
/// Dampings tried with the corrected model.
const CORRECTED: [f64; 1] = [0.3];
/// No trial goes further than this in any dimension of the unit box.
const LONGEST: f64 = 0.2;
/// The least damping, against the largest curvature: keeps flat directions where they are.
const FLOOR: f64 = 1e-10;
/// Iterations over which a start that hardly improves is stalled.
const WINDOW: usize = 15;
/// A parameter with less curvature than this on the unit box has no say where the start stands: over a quarter of its
/// range the objective changes by less than 1/2.
const FLAT: f64 = 16.0;
/// Escapes from a plateau for one start, and points tried for each.
const ESCAPES: u32 = 3;
const ESCAPE_POINTS: usize = 8;
/// Streams from here on belong to the escapes, one for each start.
const STREAMS: u64 = 4 << 48;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trust {
    /// On the unit box.
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// Row by row; empty until the first expansion.
    fisher: Vec<f64>,
    /// What secants add to the Fisher information.
    correction: Vec<f64>,
    damping: f64,
    /// Values of the last iterations, the oldest first.
    history: Vec<f64>,
    /// A trial that was better and waits for its expansion.
    accepted: Option<Accepted>,
    #[serde(skip)]
    trials: Vec<Trial>,
    /// No step was better, however short.
    exhausted: bool,
    escapes: u32,
    /// The next trials are for an escape: one of them is taken, better or not.
    escaping: bool,
    /// The best place before an escape.
    left: Option<(Vec<f64>, f64)>,
    stream: Stream,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Accepted {
    at: Vec<f64>,
    value: f64,
    damping: f64,
}

#[derive(Debug, Clone)]
struct Trial {
    at: Vec<f64>,
    damping: f64,
}

impl Trust {
    fn best(&self) -> (&[f64], f64) {
        let here = self.accepted.as_ref().map_or((&self.at[..], self.value), |a| (&a.at[..], a.value));
        match &self.left {
            Some((at, value)) if *value <= here.1 => (at, *value),
            _ => here,
        }
    }

    fn model(&self) -> (DVector<f64>, DMatrix<f64>) {
        let n = self.at.len();
        (DVector::from_column_slice(&self.gradient), DMatrix::from_row_slice(n, n, &self.fisher))
    }

    /// Bends the correction so that the corrected curvature maps the last step onto the change of the gradient.
    fn learn_curvature(&mut self, step: &DVector<f64>, change: &DVector<f64>, fisher: &DMatrix<f64>) {
        let n = step.len();
        let along = change.dot(step);
        if along <= 1e-8 * change.norm() * step.norm() {
            return;
        }
        let mut correction = DMatrix::from_row_slice(n, n, &self.correction);
        let wanted = change - fisher * step;
        let had = &correction * step;
        let size = step.dot(&had).abs();
        if size > 0.0 {
            correction *= (step.dot(&wanted).abs() / size).min(1.0);
        }
        let miss = wanted - &correction * step;
        let both = &miss * change.transpose();
        correction +=
            (&both + both.transpose()) / along - change * change.transpose() * (miss.dot(step) / (along * along));
        if correction.iter().all(|c| c.is_finite()) {
            self.correction = correction.as_slice().to_vec();
        }
    }

    fn improved_over_window(&self) -> Option<f64> {
        (self.history.len() > WINDOW).then(|| self.history[self.history.len() - 1 - WINDOW] - self.value)
    }
}

impl Local for Trust {
    fn new(record: &StartRecord, rules: &Rules, boxed: &Boxed) -> Self {
        let (at, value) = (boxed.unit(&record.last_point), record.last_value);
        let accepted = Some(Accepted { at: at.clone(), value, damping: 0.0 });
        let n = at.len();
        Trust {
            at,
            value,
            gradient: Vec::new(),
            fisher: Vec::new(),
            correction: vec![0.0; n * n],
            damping: 0.0,
            history: Vec::new(),
            accepted,
            trials: Vec::new(),
            exhausted: false,
            escapes: 0,
            escaping: false,
            left: None,
            stream: Stream::new(rules.seed, STREAMS + record.start as u64),
            stop: None,
        }
    }

    fn value(&self) -> f64 {
        self.best().1
    }

    fn point(&self, boxed: &Boxed) -> Vec<f64> {
        boxed.point(self.best().0)
    }

    fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    fn wants_expansion(&self, boxed: &Boxed) -> Option<Vec<f64>> {
        self.accepted.as_ref().map(|accepted| boxed.point(&accepted.at))
    }

    fn learn(&mut self, expansion: Option<&Expansion>, boxed: &Boxed) {
        let Some(accepted) = self.accepted.take() else { return };
        let n = accepted.at.len();
        let Some(expansion) = expansion else {
            // No derivatives there: the better value is not worth being stuck at.
            if self.fisher.is_empty() {
                self.stop = Some(Stop::NoDerivatives);
            } else {
                self.damping = 1e3 * accepted.damping.max(self.damping);
            }
            return;
        };
        let gradient = DVector::from_fn(n, |i, _| expansion.gradient[i] * boxed.width(i));
        let fisher = DMatrix::from_fn(n, n, |r, c| expansion.fisher[(r, c)] * boxed.width(r) * boxed.width(c));
        if self.fisher.is_empty() {
            self.damping = 1e-2 * fisher.diagonal().max().max(1e-8);
        } else {
            let step = DVector::from_fn(n, |i, _| accepted.at[i] - self.at[i]);
            let change = &gradient - DVector::from_column_slice(&self.gradient);
            self.learn_curvature(&step, &change, &fisher);
            self.damping = accepted.damping;
        }
        self.at = accepted.at;
        self.value = accepted.value;
        self.gradient = gradient.as_slice().to_vec();
        self.fisher = fisher.as_slice().to_vec();
    }

    fn propose(&mut self, rules: &Rules) {
        if self.exhausted {
            self.stop = Some(Stop::NoDescent);
            return;
        }
        let (gradient, fisher) = self.model();
        let n = self.at.len();
        let least = FLOOR * fisher.diagonal().max().max(1e-8);
        let whole: (Vec<f64>, Vec<f64>) = self.at.iter().map(|&u| (-u, 1.0 - u)).unzip();
        let promise = |step: &DVector<f64>| -(gradient.dot(step) + 0.5 * step.dot(&(&fisher * step)));
        match best_step(&fisher, least, &gradient, &whole.0, &whole.1) {
            Some(step) if promise(&step) > rules.tolerance => {}
            _ => {
                self.stop = Some(Stop::Converged);
                return;
            }
        }
        if self.improved_over_window().is_some_and(|gain| gain < rules.stall) {
            self.stop = Some(Stop::Stalled);
            return;
        }
        let lower: Vec<f64> = whole.0.iter().map(|l| l.max(-LONGEST)).collect();
        let upper: Vec<f64> = whole.1.iter().map(|u| u.min(LONGEST)).collect();
        let mut trials: Vec<Trial> = Vec::new();
        let mut add = |matrix: &DMatrix<f64>, damping: f64| {
            let damping = damping.max(least);
            let Some(step) = best_step(matrix, damping, &gradient, &lower, &upper) else { return };
            let place = |i: usize| match step[i] {
                s if s == whole.0[i] => 0.0,
                s if s == whole.1[i] => 1.0,
                s => (self.at[i] + s).clamp(0.0, 1.0),
            };
            let at: Vec<f64> = (0..n).map(place).collect();
            if at != self.at && trials.iter().all(|trial| trial.at != at) {
                trials.push(Trial { at, damping });
            }
        };
        for rung in LADDER {
            add(&fisher, rung * self.damping);
        }
        if self.correction.iter().any(|&c| c != 0.0) {
            let corrected = positive(&fisher + DMatrix::from_column_slice(n, n, &self.correction));
            for rung in CORRECTED {
                add(&corrected, rung * self.damping);
            }
        }
        self.trials = trials;
        if self.trials.is_empty() {
            self.stop = Some(Stop::NoDescent);
        }
    }

    fn trials(&self, boxed: &Boxed) -> Vec<Vec<f64>> {
        self.trials.iter().map(|trial| boxed.point(&trial.at)).collect()
    }

    fn judge(&mut self, values: &[f64], _rules: &Rules) {
        let best = self.trials.iter().zip(values).min_by(|a, b| a.1.total_cmp(b.1));
        if std::mem::take(&mut self.escaping) {
            if let Some((trial, &value)) = best.filter(|(_, value)| value.is_finite()) {
                let (at, least) = self.best();
                self.left = Some((at.to_vec(), least));
                self.accepted = Some(Accepted { at: trial.at.clone(), value, damping: 0.0 });
                self.fisher.clear();
                self.correction.fill(0.0);
                self.history.clear();
                self.exhausted = false;
            } else {
                self.exhausted = true;
            }
            self.trials.clear();
            return;
        }
        match best {
            Some((trial, &value)) if value < self.value => {
                self.accepted = Some(Accepted { at: trial.at.clone(), value, damping: trial.damping });
                self.history.push(value);
            }
            _ => {
                self.history.push(self.value);
                self.damping *= 1e3;
                let steepest = self.gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
                // The damped step is about gradient / damping: shorter than this, rounding decides.
                if steepest < 1e-11 * self.damping {
                    self.exhausted = true;
                }
            }
        }
        self.trials.clear();
    }

    fn escape(&mut self) -> bool {
        let n = self.at.len();
        let flat: Vec<usize> = (0..n).filter(|&i| self.fisher.get(i * n + i).is_some_and(|&h| h < FLAT)).collect();
        if self.escapes == ESCAPES || flat.is_empty() {
            return false;
        }
        self.escapes += 1;
        self.escaping = true;
        self.stop = None;
        self.trials = (0..ESCAPE_POINTS)
            .map(|_| {
                let mut at = self.at.clone();
                flat.iter().for_each(|&i| at[i] = self.stream.uniform());
                Trial { at, damping: 0.0 }
            })
            .collect();
        true
    }
}

/// The same matrix with the signs of its negative curvatures turned round.
fn positive(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let symmetric = 0.5 * (&matrix + matrix.transpose());
    let eigen = symmetric.symmetric_eigen();
    let turned = eigen.eigenvalues.map(f64::abs);
    &eigen.eigenvectors * DMatrix::from_diagonal(&turned) * eigen.eigenvectors.transpose()
}
