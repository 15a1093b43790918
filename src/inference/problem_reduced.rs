//! Likelihoods where they can be formed on a device: the tables of an [`engine::Misfit`](crate::engine::Misfit), and
//! what of a likelihood stays on the host.

use super::problem_run::{Simulator, Wanted};
use crate::Result;
use crate::engine::{Law, Misfit, Number, Residual, Status};
use crate::study::noise::Noise;
use crate::study::problem::{Observation, Problem, Reading, Term};
use rayon::prelude::*;

/// The observations of a problem as residuals, for problems that have nothing but values at fixed times.
#[derive(Debug)]
pub struct Residuals {
    residuals: Vec<Residual>,
    /// What each point brings along.
    terms: Vec<Term>,
    /// The negative log-likelihood of readings that are as predicted, without the logarithms of their sds.
    constant: f64,
    /// Sds, and how many readings have them.
    sds: Vec<(Term, f64)>,
}

impl Residuals {
    /// `None` where a likelihood needs more than a residual.
    pub fn of(problem: &Problem) -> Option<Residuals> {
        let mut all = Residuals { residuals: Vec::new(), terms: Vec::new(), constant: 0.0, sds: Vec::new() };
        for observation in &problem.observations {
            let Observation::Value { prediction, value, error } = observation else { return None };
            let prediction = &problem.layout.predictions[*prediction];
            let slots = |parts: &[(f64, Reading)]| -> Option<Vec<(f64, usize)>> {
                let slot = |(c, reading): &(f64, Reading)| match reading {
                    Reading::Slot(slot) => Some((*c, *slot)),
                    Reading::Floating { .. } => None,
                };
                parts.iter().map(slot).collect()
            };
            let residual = Residual {
                law: match error.noise {
                    Noise::Normal => Law::Normal,
                    Noise::LogNormal => Law::LogNormal,
                    Noise::StudentT { df } => Law::StudentT { df },
                    Noise::Laplace => Law::Laplace,
                },
                value: *value,
                offset: all.number(&prediction.offset),
                scale: all.number(&prediction.scale),
                sd: all.number(&error.sd),
                relative: error.relative.as_ref().map(|relative| all.number(relative)),
                above: slots(&prediction.above)?,
                below: slots(&prediction.below)?,
            };
            all.residuals.push(residual);
            all.constant -= error.noise.reading(*value, *value, 1.0).value;
            match all.sds.iter_mut().find(|(sd, _)| *sd == error.sd) {
                Some((_, count)) => *count += 1.0,
                None => all.sds.push((error.sd.clone(), 1.0)),
            }
        }
        // A reading that its noise cannot have makes every point impossible: nothing to hurry about.
        (all.constant.is_finite() && !all.residuals.is_empty()).then_some(all)
    }

    fn number(&mut self, term: &Term) -> Number {
        if term.factors.is_empty() {
            return Number::Constant(term.constant);
        }
        let known = self.terms.iter().position(|known| known == term);
        Number::OfPoint(known.unwrap_or_else(|| {
            self.terms.push(term.clone());
            self.terms.len() - 1
        }))
    }

    /// What the device leaves out.
    fn constant(&self, values: &[f64]) -> f64 {
        self.constant + self.sds.iter().map(|(sd, count)| count * sd.value(values).ln()).sum::<f64>()
    }
}

/// A negative log-likelihood (`+inf` where a lane stayed failed or it is not finite), and the lanes that stayed failed.
pub type Likelihood = (f64, Vec<(Status, u32)>);

impl Simulator<'_> {
    /// The negative log-likelihood at each of `values`, formed on the engine where it can do that. Points with a lane
    /// that does not finish there at once are run again like [`Simulator::run`] does. Give at most
    /// [`Simulator::chunk`] of them; `exact` as there.
    pub fn likelihoods(&self, values: &[Vec<f64>], exact: bool) -> Result<Vec<Likelihood>> {
        let (rows, lanes) = self.lanes(values);
        let on_host = |(values, simulated): (&Vec<f64>, super::Simulated)| {
            let value = self.problem.negative_log_likelihood(values, &simulated.slots);
            (if simulated.failures.is_empty() { value } else { f64::INFINITY }, simulated.failures)
        };
        if let (Some(all), false) = (&self.residuals, exact) {
            let count = all.terms.len();
            let numbers: Vec<f64> =
                values.iter().flat_map(|values| all.terms.iter().map(|term| term.value(values))).collect();
            let misfit = Misfit { residuals: &all.residuals, numbers: &numbers, count };
            if let Some(mut reduced) = self.reduce(&rows, &lanes, Some(misfit))? {
                let constants: Vec<f64> = values.iter().map(|values| all.constant(values)).collect();
                for (failed, constant) in reduced.failed.iter_mut().zip(&constants) {
                    *failed |= !constant.is_finite();
                }
                let point = |point: usize| (constants[point] + reduced.values[point], Vec::new());
                return self.with_failed(values, &reduced.failed, point, on_host);
            }
        }
        let simulated = self.run_lanes(values, (rows, lanes), Wanted::default(), exact)?;
        Ok(values.par_iter().zip(simulated).map(on_host).collect())
    }
}
