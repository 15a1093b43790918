//! Named numbers that a parameter vector determines: what sensitivities are of.
//!
//! A further kind is one more arm in [`Outputs::of`] with its requests and in [`Outputs::read`] with what it makes of their
//! predictions.

use crate::inference::threshold::level::{Found, Level, between, find};
use crate::study::design::Request;
use crate::study::problem::Problem;
use crate::study::{Kind, ReadAt, Study};
use crate::summary::charts::{main_compound, reading};
use std::ops::Range;

/// Doses of a curve from which an EC50 is read.
const DOSES: usize = 17;
/// A curve with fewer doses above 0 in the data has none.
const FEWEST_DOSES: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Each observable at each condition, dose and time of the data.
    Readings,
    /// The decimal logarithm of the dose at which a share of cells falls to a half.
    Ec50,
}

pub struct Outputs {
    pub requests: Vec<Request>,
    pub named: Vec<Named>,
}

pub struct Named {
    pub of: Of,
    pub observable: String,
    pub condition: String,
    pub dose: Option<f64>,
    pub dose_unit: String,
    /// In the study's unit.
    pub time: f64,
    /// Which of the requests it is made of.
    requests: Range<usize>,
    /// The doses of a curve.
    doses: Vec<f64>,
    /// Whether the observable is high for living cells.
    alive: bool,
}

impl Outputs {
    /// Of the typical experiment where experiments differ. Death times, blanks and gains of plates are left out; a time that
    /// is a parameter is taken at its own value.
    pub fn of(study: &Study, wanted: &[Of]) -> Outputs {
        let mut outputs = Outputs { requests: Vec::new(), named: Vec::new() };
        let compound = main_compound(study);
        // Condition, observable, time and doses, each once, in the order of the data.
        let mut places: Vec<(usize, usize, f64, Vec<f64>)> = Vec::new();
        for datum in study.data.iter().filter(|datum| !datum.blank) {
            let time = match datum.time {
                ReadAt::Time(time) => time,
                ReadAt::Parameter(parameter) => study.parameters[parameter].value,
                ReadAt::Between(..) => continue,
            };
            let place = (datum.condition, datum.observable, time, datum.doses.clone());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let without = |doses: &[f64]| -> Vec<f64> {
            doses.iter().enumerate().map(|(c, &dose)| if Some(c) == compound { 0.0 } else { dose }).collect()
        };
        let mut add = |of, (condition, observable, time, other): (usize, usize, f64, &[f64]), dose, doses: Vec<f64>| {
            let first = outputs.requests.len();
            for &dose in &doses {
                let mut all = other.to_vec();
                compound.into_iter().for_each(|c| all[c] = dose);
                outputs.requests.push(study.request(condition, all, observable, time * study.time_factor));
            }
            let kind = study.observables[observable].reading;
            outputs.named.push(Named {
                of,
                observable: reading(study, observable),
                condition: match study.describe(condition, other) {
                    alone if alone == "vehicle" => String::new(),
                    described => described,
                },
                dose,
                dose_unit: compound.map_or(String::new(), |c| study.compounds[c].unit.clone()),
                time,
                requests: first..outputs.requests.len(),
                doses,
                alive: kind.is_viability(),
            });
        };
        if wanted.contains(&Of::Readings) {
            // A relative viability without any compound is 1 by definition.
            let trivial = |observable: usize, doses: &[f64]| {
                study.observables[observable].reading == Kind::RelativeViability
                    && doses.iter().all(|dose| *dose == 0.0)
            };
            for (condition, observable, time, doses) in places.iter().filter(|p| !trivial(p.1, &p.3)) {
                let dose = compound.map(|c| doses[c]);
                add(Of::Readings, (*condition, *observable, *time, &without(doses)), dose, vec![dose.unwrap_or(0.0)]);
            }
        }
        let mut curves: Vec<(usize, usize, f64, Vec<f64>)> = Vec::new();
        let shares = places.iter().filter(|p| wanted.contains(&Of::Ec50) && study.observables[p.1].reading.is_share());
        for (condition, observable, time, doses) in shares {
            let curve = (*condition, *observable, *time, without(doses));
            let (false, Some(c)) = (curves.contains(&curve), compound) else { continue };
            let own =
                places.iter().filter(|p| (p.0, p.1, p.2) == (curve.0, curve.1, curve.2) && without(&p.3) == curve.3);
            let mut tested: Vec<f64> = own.map(|p| p.3[c]).filter(|dose| *dose > 0.0).collect();
            tested.sort_by(f64::total_cmp);
            tested.dedup();
            if tested.len() >= FEWEST_DOSES {
                let (low, high) = (tested[0], tested[tested.len() - 1]);
                let grid = (0..DOSES).map(|i| low * (high / low).powf(i as f64 / (DOSES - 1) as f64));
                add(Of::Ec50, (*condition, *observable, *time, &curve.3), None, grid.collect());
            }
            curves.push(curve);
        }
        outputs
    }

    /// The outputs from the predictions of the requests; `None` for what is not defined there.
    pub fn read(&self, predictions: &[f64]) -> Vec<Option<f64>> {
        let value = |named: &Named| match named.of {
            Of::Readings => predictions.get(named.requests.start).copied().filter(|x| x.is_finite()),
            Of::Ec50 => {
                let curve = &predictions[named.requests.clone()];
                let viability = |at: usize| if named.alive { curve[at] } else { 1.0 - curve[at] };
                match find(&named.doses, &viability, 1.0, Level::Absolute(0.5)) {
                    Found::Between { at, height } => {
                        let point = |at: usize| (named.doses[at], viability(at));
                        Some(between(point(at - 1), point(at), height).log10())
                    }
                    _ => None,
                }
            }
        };
        self.named.iter().map(value).collect()
    }

    /// The parameters that outputs depend on.
    pub fn involved(&self, problem: &Problem) -> Vec<usize> {
        let backgrounds = self.requests.iter().flat_map(|request| &problem.backgrounds[request.condition]);
        let spread = problem.cells.iter().flat_map(|cells| cells.spread.iter().map(|(_, sd)| sd));
        let scaled = self.requests.iter().flat_map(|request| [&request.offset, &request.scale]);
        let terms: Vec<_> = backgrounds.chain(spread).chain(scaled).collect();
        (0..problem.parameters.len()).filter(|&p| terms.iter().any(|term| term.depends_on(p))).collect()
    }
}
