//! Covariance matrix adaptation, for one start: no derivatives, a population an iteration.
//!
//! N. Hansen, "The CMA evolution strategy: a tutorial" (2016), arXiv:1604.00772, with its default constants. The box is
//! kept by folding: outside the unit box the objective repeats in mirror images, so nothing pushes against a bound.
//! Starts differ in the size of their population, which doubles from one to the next, four sizes in turn.

use super::boxed::Boxed;
use super::lockstep::{Local, Rules};
use super::{Expansion, StartRecord, Stop};
use crate::random::Stream;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Streams from here on belong to this search, one for each start.
const STREAMS: u64 = 2 << 48;
/// First step, as a part of the unit box.
const STEP: f64 = 0.2;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cma {
    mean: Vec<f64>,
    step: f64,
    covariance: Vec<f64>,
    path: Vec<f64>,
    step_path: Vec<f64>,
    generation: u32,
    population: usize,
    stream: Stream,
    best: Vec<f64>,
    value: f64,
    /// Best values of the last generations; `None` where a whole generation failed.
    history: Vec<Option<f64>>,
    /// Standardised draws of the generation under way, and where they lead.
    #[serde(skip)]
    draws: Vec<(DVector<f64>, Vec<f64>)>,
    #[serde(skip)]
    axes: Option<(DMatrix<f64>, DVector<f64>)>,
    stop: Option<Stop>,
}

struct Constants {
    weights: Vec<f64>,
    mass: f64,
    path: f64,
    step_path: f64,
    rank_one: f64,
    rank_many: f64,
    damping: f64,
    expected_length: f64,
}

impl Constants {
    fn new(dimensions: usize, population: usize) -> Self {
        let n = dimensions as f64;
        let parents = population / 2;
        let raw: Vec<f64> = (1..=parents).map(|i| ((population as f64 + 1.0) / 2.0).ln() - (i as f64).ln()).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / sum).collect();
        let mass = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let step_path = (mass + 2.0) / (n + mass + 5.0);
        let rank_one = 2.0 / ((n + 1.3).powi(2) + mass);
        Constants {
            mass,
            path: (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n),
            step_path,
            rank_one,
            rank_many: (1.0 - rank_one).min(2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0).powi(2) + mass)),
            damping: 1.0 + 2.0 * (((mass - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + step_path,
            expected_length: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
            weights,
        }
    }
}

/// Into the unit box by reflection.
fn fold(u: f64) -> f64 {
    let t = u.rem_euclid(2.0);
    if t > 1.0 { 2.0 - t } else { t }
}

impl Local for Cma {
    fn new(record: &StartRecord, rules: &Rules, boxed: &Boxed) -> Self {
        let n = boxed.dimensions();
        let least = rules.population.unwrap_or(4 + (3.0 * (n as f64).ln()) as usize).max(4);
        let at = boxed.unit(&record.last_point);
        Cma {
            mean: at.clone(),
            step: STEP,
            covariance: DMatrix::<f64>::identity(n, n).as_slice().to_vec(),
            path: vec![0.0; n],
            step_path: vec![0.0; n],
            generation: 0,
            population: least << (record.start % 4),
            stream: Stream::new(rules.seed, STREAMS + record.start as u64),
            best: at,
            value: record.last_value,
            history: Vec::new(),
            draws: Vec::new(),
            axes: None,
            stop: None,
        }
    }

    fn value(&self) -> f64 {
        self.value
    }

    fn point(&self, boxed: &Boxed) -> Vec<f64> {
        boxed.point(&self.best)
    }

    fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    fn wants_expansion(&self, _boxed: &Boxed) -> Option<Vec<f64>> {
        None
    }

    fn learn(&mut self, _expansion: Option<&Expansion>, _boxed: &Boxed) {}

    fn propose(&mut self, rules: &Rules) {
        let n = self.mean.len();
        let covariance = DMatrix::from_column_slice(n, n, &self.covariance);
        let eigen = covariance.symmetric_eigen();
        let lengths = eigen.eigenvalues.map(|e| e.max(0.0).sqrt());
        if self.step * lengths.max() < 1e-10 || lengths.max() > 1e7 * lengths.min() {
            self.stop = Some(Stop::NoDescent);
            return;
        }
        let window = 10 + 30 * n / self.population;
        if self.history.len() > window {
            let recent: Vec<f64> = self.history[self.history.len() - window..].iter().flatten().copied().collect();
            let (low, high) = recent.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |r, &v| (r.0.min(v), r.1.max(v)));
            if recent.is_empty() || high - low < rules.tolerance {
                self.stop = Some(if recent.is_empty() { Stop::NoDescent } else { Stop::Converged });
                return;
            }
        }
        self.draws = (0..self.population)
            .map(|_| {
                let z = DVector::from_fn(n, |_, _| self.stream.normal());
                let y = &eigen.eigenvectors * z.component_mul(&lengths);
                let unit = (0..n).map(|i| fold(self.mean[i] + self.step * y[i])).collect();
                (y, unit)
            })
            .collect();
        self.axes = Some((eigen.eigenvectors, lengths));
    }

    fn trials(&self, boxed: &Boxed) -> Vec<Vec<f64>> {
        self.draws.iter().map(|(_, unit)| boxed.point(unit)).collect()
    }

    fn judge(&mut self, values: &[f64], _rules: &Rules) {
        let (Some((basis, lengths)), n) = (self.axes.take(), self.mean.len()) else { return };
        let constants = Constants::new(n, self.population);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        let leader = order[0];
        self.history.push(values[leader].is_finite().then_some(values[leader]));
        if values[leader] < self.value {
            (self.value, self.best) = (values[leader], self.draws[leader].1.clone());
        }
        self.generation += 1;

        let mut shift = DVector::zeros(n);
        for (weight, &at) in constants.weights.iter().zip(&order) {
            shift += &self.draws[at].0 * *weight;
        }
        for i in 0..n {
            self.mean[i] += self.step * shift[i];
        }
        let whitened = &basis * (basis.transpose() * &shift).component_div(&lengths);
        let keep = 1.0 - constants.step_path;
        let gain = (constants.step_path * (2.0 - constants.step_path) * constants.mass).sqrt();
        let step_path = DVector::from_column_slice(&self.step_path) * keep + whitened * gain;
        let settled = (1.0 - keep.powi(2 * self.generation as i32)).sqrt();
        let length = step_path.norm();
        let moving = length / settled < (1.4 + 2.0 / (n as f64 + 1.0)) * constants.expected_length;
        let gain = (constants.path * (2.0 - constants.path) * constants.mass).sqrt();
        let path =
            DVector::from_column_slice(&self.path) * (1.0 - constants.path) + &shift * if moving { gain } else { 0.0 };
        let lost = if moving { 0.0 } else { constants.path * (2.0 - constants.path) };
        let old = 1.0 - constants.rank_one - constants.rank_many + constants.rank_one * lost;
        let mut covariance =
            DMatrix::from_column_slice(n, n, &self.covariance) * old + &path * path.transpose() * constants.rank_one;
        for (weight, &at) in constants.weights.iter().zip(&order) {
            let y = &self.draws[at].0;
            covariance += y * y.transpose() * (constants.rank_many * weight);
        }
        let by = constants.step_path / constants.damping * (length / constants.expected_length - 1.0);
        self.step = (self.step * by.min(1.0).exp()).min(1.0);
        self.covariance = (0.5 * (&covariance + covariance.transpose())).as_slice().to_vec();
        self.path = path.as_slice().to_vec();
        self.step_path = step_path.as_slice().to_vec();
        self.draws.clear();
    }
}
