//! What a fitted study looks like: predictions of the data, dose-response curves, time courses, effective doses.

use super::problem::StudyObjective;
use super::problem_run::{Simulator, Wanted};
use crate::Result;
use crate::study::effect::{Course, EffectiveDose, course, effective_doses};
use crate::study::problem::Observation;
use crate::study::{Kind, ReadAt, Study};

/// How finely curves are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Doses of a dose-response curve, beside 0.
    pub doses: usize,
    /// Times of a time course.
    pub times: usize,
}

impl Default for Grid {
    fn default() -> Self {
        Grid { doses: 64, times: 81 }
    }
}

/// One curve, before or after it is computed. Doses and times are in the units of the study.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub observable: usize,
    pub condition: usize,
    /// All doses; that of the varied compound is not used in a dose-response curve.
    pub doses: Vec<f64>,
    pub along: Along,
    /// Doses, ascending from 0, or times.
    pub x: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Along {
    Dose { compound: usize, time: f64 },
    Time,
}

/// The prediction of one row of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    pub prediction: f64,
    /// Of the error; NaN for counts.
    pub sd: f64,
    /// `(value - prediction) / sd` (on a log scale for log-normal noise); NaN for intervals and counts.
    pub residual: f64,
}

/// The curves that the data suggest: for each compound that varies a dose-response curve at every reading time, and for
/// each combination of doses that was read more than once in time a time course.
pub fn planned(study: &Study, grid: &Grid) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    let end = study.data.iter().filter_map(|d| time(study, d.time)).fold(0.0, f64::max);
    for datum in study.data.iter().filter(|d| !d.blank) {
        let observable = datum.observable;
        if study.observables[observable].reading == Kind::DeathTime {
            continue;
        }
        let Some(time) = time(study, datum.time) else { continue };
        for compound in 0..study.compounds.len() {
            let mut doses = datum.doses.clone();
            doses[compound] = 0.0;
            let others = |d: &&crate::study::Datum| {
                d.observable == observable
                    && d.condition == datum.condition
                    && (0..doses.len()).all(|i| i == compound || d.doses[i] == doses[i])
            };
            let mut tested: Vec<f64> =
                study.data.iter().filter(others).map(|d| d.doses[compound]).filter(|&d| d > 0.0).collect();
            tested.sort_by(f64::total_cmp);
            tested.dedup();
            let (Some(&lowest), Some(&highest), true) = (tested.first(), tested.last(), tested.len() > 1) else {
                continue;
            };
            let ratio = (highest / lowest).powf(1.0 / (grid.doses.max(2) - 1) as f64);
            let x = (0..grid.doses.max(2)).map(|i| lowest * ratio.powi(i as i32));
            let mut x: Vec<f64> = std::iter::once(0.0).chain(x).collect();
            *x.last_mut().expect("not empty") = highest;
            let along = Along::Dose { compound, time };
            push(&mut curves, Curve { observable, condition: datum.condition, doses, along, x });
        }
        let times = grid.times.max(2);
        let x = (0..times).map(|i| end * i as f64 / (times - 1) as f64).collect();
        let (condition, doses) = (datum.condition, datum.doses.clone());
        push(&mut curves, Curve { observable, condition, doses, along: Along::Time, x });
    }
    curves
}

fn push(curves: &mut Vec<Curve>, curve: Curve) {
    if !curves.contains(&curve) {
        curves.push(curve);
    }
}

/// A time, or that of a parameter where it stands now.
fn time(study: &Study, time: ReadAt) -> Option<f64> {
    match time {
        ReadAt::Time(time) => Some(time),
        ReadAt::Parameter(i) => Some(study.parameters[i].value),
        ReadAt::Between(..) => None,
    }
}

impl Curve {
    /// Effective doses of a dose-response curve with these values; `None` for time courses and for readings that are
    /// no share of cells.
    pub fn effective_doses(&self, study: &Study, values: &[f64], levels: &[f64]) -> Option<Vec<EffectiveDose>> {
        let reading = study.observables[self.observable].reading;
        let end = if reading.is_viability() { 0.0 } else { 1.0 };
        (reading.is_share() && matches!(self.along, Along::Dose { .. }))
            .then(|| effective_doses(&self.x, values, end, levels))
    }

    /// Onset and rate of a time course.
    pub fn course(&self, study: &Study, values: &[f64]) -> Option<Course> {
        let reading = study.observables[self.observable].reading;
        let end = if reading.is_viability() { 0.0 } else { 1.0 };
        (reading.is_share() && self.along == Along::Time).then(|| course(&self.x, values, end))
    }
}

impl StudyObjective<'_> {
    /// The values of `curves` at each of `points` (estimates), in f64 on the CPU, as exactly as reported numbers are:
    /// `[point][curve][x]`. A point that
    /// cannot be integrated gives NaN.
    pub fn curves(&self, study: &Study, curves: &[Curve], points: &[Vec<f64>]) -> Result<Vec<Vec<Vec<f64>>>> {
        let factor = study.time_factor;
        let mut requests = Vec::new();
        for curve in curves {
            for &x in &curve.x {
                let mut doses = curve.doses.clone();
                let time = match curve.along {
                    Along::Dose { compound, time } => {
                        doses[compound] = x;
                        time
                    }
                    Along::Time => x,
                };
                requests.push(study.request(curve.condition, doses, curve.observable, time * factor));
            }
        }
        let problem = self.problem().with_layout(self.problem().design.lay_out(&requests));
        let simulator =
            Simulator::new(&problem, self.simulator.reference, self.simulator.reference, self.simulator.choice);
        let mut all = Vec::with_capacity(points.len());
        for chunk in points.chunks(simulator.chunk(Wanted::default())) {
            let values: Vec<Vec<f64>> = chunk.iter().map(|point| problem.values(point)).collect();
            for (values, simulated) in values.iter().zip(simulator.run(&values, Wanted::default(), true)?) {
                let mut predictions = problem.predict(values, &simulated.slots);
                if !simulated.failures.is_empty() {
                    predictions.fill(f64::NAN);
                }
                let mut rest = predictions.as_slice();
                let mut split = Vec::with_capacity(curves.len());
                for curve in curves {
                    let (first, second) = rest.split_at(curve.x.len());
                    split.push(first.to_vec());
                    rest = second;
                }
                all.push(split);
            }
        }
        Ok(all)
    }

    /// Predictions for the rows of the data, in order, in f64 on the CPU.
    pub fn predict(&self, point: &[f64]) -> Result<Vec<Predicted>> {
        let problem = self.problem();
        let values = problem.values(point);
        let simulated = self.simulator.run(std::slice::from_ref(&values), Wanted::default(), true)?.remove(0);
        let means = problem.predict(&values, &simulated.slots);
        let mut rows: Vec<Predicted> =
            means.iter().map(|&prediction| Predicted { prediction, sd: f64::NAN, residual: f64::NAN }).collect();
        for observation in &problem.observations {
            match observation {
                Observation::Value { prediction, value, error } => {
                    let mean = means[*prediction];
                    let sd = problem.sd(error, &values, mean);
                    rows[*prediction].sd = sd;
                    rows[*prediction].residual = match error.noise {
                        crate::study::noise::Noise::LogNormal => (value / mean).ln() / sd,
                        _ => (value - mean) / sd,
                    };
                }
                Observation::Interval { prediction, error, .. } => {
                    rows[*prediction].sd = problem.sd(error, &values, means[*prediction]);
                }
                Observation::Joint { predictions, sd, .. } => predictions.iter().for_each(|&p| rows[p].sd = *sd),
                Observation::Count { .. } => {}
            }
        }
        Ok(rows)
    }
}
