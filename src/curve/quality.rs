//! What the controls say about the plates, before anybody believes a curve.
//!
//! Limits are those in use for screens: Z' at least 0 and better 0.5 (Zhang, Chung and Oldenburg 1999, J. Biomol. Screen.
//! 4:67), a coefficient of variation of vehicle wells up to 20 %.

use super::analysis::Analysis;
use super::fit;
use super::problem::{Link, Spot};
use crate::plate::{Readings, Role, Seen};
use std::collections::BTreeMap;

/// One plate at one time.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    pub plate: usize,
    pub time: Option<f64>,
    pub vehicle: Moments,
    pub blank: Moments,
    pub positive: Moments,
    /// `1 - 3 (sd + sd) / |mean - mean|` of vehicle against positive, or against blank where nothing was killed.
    pub z_prime: Option<f64>,
    /// The vehicle's mean over that of the positive (or blank).
    pub window: Option<f64>,
    /// Mean residual of outer wells less that of inner wells, as a fraction of the expectation, and its probability
    /// by chance.
    pub edge: Option<(f64, f64)>,
    pub failures: Vec<String>,
    /// Whether wells were treated: a plate that was read at the start alone needs no vehicle.
    treated: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    pub count: usize,
    pub mean: f64,
    /// Sum of squared deviations.
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
    }

    pub fn sd(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count as f64 - 1.0)).sqrt())
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }
}

/// Where a reading lies relative to its expectation under its curve, less one; by index of the reading.
pub fn residuals(analysis: &Analysis) -> BTreeMap<usize, f64> {
    let mut out = BTreeMap::new();
    for curve in &analysis.curves {
        let Some(found) = &curve.fit else { continue };
        let means = fit::means(&found.problem, &found.fitted.state);
        for well in &curve.series.wells {
            let place = found.problem.groups.iter().position(|group| well.is_of(group));
            if let (Some(at), Spot::Curve) = (place, well.spot)
                && means[at].abs() > 1e-12
            {
                out.entry(well.reading).or_insert(well.value / means[at] - 1.0);
            }
        }
    }
    out
}

/// The controls of all plates; `residuals` are those of [`residuals`].
pub fn controls(readings: &Readings, link: Link, residuals: &BTreeMap<usize, f64>) -> Vec<Controls> {
    let mut found: BTreeMap<(usize, Option<u64>), Controls> = BTreeMap::new();
    let mut by_place: BTreeMap<(usize, Option<u64>), [Vec<f64>; 2]> = BTreeMap::new();
    for (number, reading) in readings.readings.iter().enumerate() {
        let key = (reading.plate, reading.time.map(f64::to_bits));
        let entry = found.entry(key).or_insert_with(|| Controls {
            plate: reading.plate,
            time: reading.time,
            ..Controls::default()
        });
        let value = match reading.seen {
            Seen::Signal(value) | Seen::Deaths(value) => value,
            Seen::Counts { live, dead } if link.is_share() => live / (live + dead),
            Seen::Counts { live, .. } => live,
        };
        match reading.role {
            Role::Sample | Role::Vehicle if reading.doses.is_empty() => entry.vehicle.add(value),
            Role::Blank if reading.doses.is_empty() => entry.blank.add(value),
            Role::Positive => entry.positive.add(value),
            Role::Sample => entry.treated = true,
            _ => {}
        }
        if let (Some((row, column)), Some(residual)) = (reading.well, residuals.get(&number)) {
            let (rows, columns) = shape(readings);
            let outer = row == 0 || column == 0 || row + 1 == rows || column + 1 == columns;
            by_place.entry(key).or_default()[usize::from(outer)].push(*residual);
        }
    }
    let mut out: Vec<Controls> = found
        .into_iter()
        .map(|(key, mut controls)| {
            controls.judge(link, by_place.get(&key));
            controls
        })
        .collect();
    drift(readings, &mut out);
    out
}

/// Rows and columns of the plates of a file.
pub fn shape(readings: &Readings) -> (usize, usize) {
    let wells = || readings.readings.iter().filter_map(|r| r.well);
    let small = wells().all(|(row, column)| row < 8 && column < 12);
    if small { (8, 12) } else { (16, 24) }
}

impl Controls {
    fn judge(&mut self, link: Link, places: Option<&[Vec<f64>; 2]>) {
        let low = if self.positive.count > 1 { &self.positive } else { &self.blank };
        if let (Some(high), Some(low_sd), Some(mean)) = (self.vehicle.sd(), low.sd(), low.mean()) {
            let distance = (self.vehicle.mean - mean).abs();
            self.z_prime = (distance > 0.0).then(|| 1.0 - 3.0 * (high + low_sd) / distance);
            self.window = (mean.abs() > 1e-12).then(|| self.vehicle.mean / mean);
        }
        if self.vehicle.count == 0 && self.treated {
            self.failures.push("no vehicle well".into());
        }
        let cv = self.vehicle.sd().map(|sd| sd / self.vehicle.mean.abs());
        if let Some(cv) = cv.filter(|cv| *cv > 0.2 && cv.is_finite() && link != Link::Dead) {
            self.failures.push(format!("vehicle wells differ by {:.0} % (CV; up to 20 % is usual)", 100.0 * cv));
        }
        if let Some(z) = self.z_prime.filter(|z| *z < 0.0 && z.is_finite()) {
            self.failures.push(format!("Z' is {z:.2}: controls overlap (at least 0, better 0.5)"));
        }
        if let Some([inner, outer]) = places.filter(|[inner, outer]| inner.len() > 5 && outer.len() > 5) {
            let (difference, p) = welch(outer, inner);
            self.edge = Some((difference, p));
            if p < 0.001 && difference.abs() > 0.05 && difference.is_finite() {
                self.failures.push(format!("outer wells read {:+.0} % against inner ones", 100.0 * difference));
            }
        }
    }
}

/// Vehicle wells that move steadily from plate to plate of one experiment and time.
fn drift(readings: &Readings, controls: &mut [Controls]) {
    let mut runs: BTreeMap<(usize, Option<u64>), Vec<usize>> = BTreeMap::new();
    for (at, found) in controls.iter().enumerate().filter(|(_, c)| c.vehicle.count > 0) {
        let key = (readings.plates[found.plate].experiment, found.time.map(f64::to_bits));
        runs.entry(key).or_default().push(at);
    }
    for run in runs.values().filter(|run| run.len() >= 4) {
        let means: Vec<f64> = run.iter().map(|at| controls[*at].vehicle.mean).collect();
        let falling = means.windows(2).all(|pair| pair[1] < pair[0]);
        let rising = means.windows(2).all(|pair| pair[1] > pair[0]);
        let change = means[means.len() - 1] / means[0] - 1.0;
        if (falling || rising) && change.abs() > 0.2 && change.is_finite() {
            for at in run {
                controls[*at].failures.push(format!("vehicle wells drift by {:+.0} % over the plates", 100.0 * change));
            }
        }
    }
}

/// Difference of means and the two-sided probability of Welch's t.
fn welch(a: &[f64], b: &[f64]) -> (f64, f64) {
    use statrs::distribution::{ContinuousCDF, StudentsT};
    let moments = |values: &[f64]| {
        let mut out = Moments::default();
        values.iter().for_each(|v| out.add(*v));
        (out.mean, out.sd().unwrap_or(0.0).powi(2) / values.len() as f64)
    };
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(a), moments(b));
    let variance = var_a + var_b;
    let difference = mean_a - mean_b;
    if variance <= 0.0 {
        return (difference, 1.0);
    }
    let df = variance.powi(2)
        / (var_a.powi(2) / (a.len() as f64 - 1.0) + var_b.powi(2) / (b.len() as f64 - 1.0)).max(f64::MIN_POSITIVE);
    let p = StudentsT::new(0.0, 1.0, df).map_or(1.0, |t| 2.0 * t.sf((difference / variance.sqrt()).abs()));
    (difference, p)
}
