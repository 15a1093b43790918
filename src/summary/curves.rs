//! The fitted model between and beyond the readings, with what the data leave open.

use super::statements::Weighted;
use crate::Result;
use crate::inference::{Choice, FitResult, Objective, Simulator, StudyObjective, Wanted};
use crate::random::{Sobol, normal_quantile};
use crate::study::design::Request;
use crate::study::problem::Problem;
use nalgebra::{DMatrix, DVector};
use std::sync::Mutex;

/// The model at the optimum, and at points drawn around it.
///
/// Draws rather than derivatives make the bands: where viability falls off a cliff, a straight line through the
/// optimum says nothing about a dose beside it.
pub struct Model<'a> {
    objective: &'a StudyObjective<'a>,
    pub problem: &'a Problem,
    /// The fitted parameters; for statements in words the middle of what they leave.
    pub values: Vec<f64>,
    /// Parameters drawn from the normal approximation at the optimum, cut at the bounds; or what statements leave.
    draws: Vec<Vec<f64>>,
    pub middle: Middle,
    /// What could not be integrated since this was last asked for.
    lost: Mutex<Lost>,
}

/// Draws that could not be integrated, and how many were tried; of several predictions, of the one that lost most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    pub failed: usize,
    pub of: usize,
}

/// What a predicted value is, in the middle of its draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Middle {
    /// That of the best fit.
    Fit,
    /// The median of what statements in words leave of the priors.
    Statements,
    /// The median of draws from the posterior.
    Posterior,
}

/// A predicted value, and the same at each draw (NaN where a draw could not be integrated).
#[derive(Debug, Clone)]
pub struct Predicted {
    pub value: f64,
    pub draws: Vec<f64>,
}

/// Enough for 95 % quantiles.
const DRAWS: u32 = 128;
/// Fewer draws have no 95 % quantiles.
const FEWEST: usize = 20;
/// Lanes that the draws of one curve may take.
const MOST_LANES: usize = 200_000;

impl<'a> Model<'a> {
    pub fn new(objective: &'a StudyObjective<'a>, fit: &FitResult) -> Result<Self> {
        Model::at(objective, &fit.point)
    }

    /// The model at an optimum on the estimation scale.
    pub fn at(objective: &'a StudyObjective<'a>, point: &[f64]) -> Result<Self> {
        let problem = objective.problem();
        let expansion = objective.expand_exactly(&[point.to_vec()])?.remove(0);
        let draws = if expansion.value.is_finite() { draws(objective, point, expansion.fisher) } else { Vec::new() };
        let draws = draws.iter().map(|point| problem.values(point)).collect();
        let values = problem.values(point);
        Ok(Model { objective, problem, values, draws, middle: Middle::Fit, lost: Mutex::default() })
    }

    /// The model under statements in words.
    pub fn of_statements(objective: &'a StudyObjective<'a>, weighted: &Weighted) -> Self {
        let problem = objective.problem();
        let middle: Vec<f64> = (0..problem.parameters.len()).map(|at| weighted.quantiles(at).1[1]).collect();
        let draws = weighted.resampled().iter().map(|point| problem.values(point)).collect();
        let values = problem.values(&middle);
        Model { objective, problem, values, draws, middle: Middle::Statements, lost: Mutex::default() }
    }

    /// The model under draws from the posterior (parameters, not estimates).
    pub fn of_draws(objective: &'a StudyObjective<'a>, draws: Vec<Vec<f64>>) -> Self {
        let problem = objective.problem();
        let of = |at: usize| median(&draws.iter().map(|draw| draw[at]).collect::<Vec<_>>());
        let values = (0..problem.parameters.len()).map(|at| of(at).unwrap_or(problem.parameters[at].start)).collect();
        Model { objective, problem, values, draws, middle: Middle::Posterior, lost: Mutex::default() }
    }

    /// Where there is no optimum there is nothing to draw around.
    pub fn forget_draws(&mut self) {
        self.draws.clear();
    }

    /// What of the draws could not be integrated since this was last asked.
    pub fn lost(&self) -> Lost {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Whether a prediction is the median of its draws, as nothing was fitted.
    pub fn is_median(&self) -> bool {
        self.middle != Middle::Fit
    }

    /// What the model says to `requests`, in f64; `None` if it cannot be integrated there.
    pub fn predict(&self, requests: &[Request]) -> Result<Option<Vec<Predicted>>> {
        let fitted = &self.objective.simulator;
        let problem = self.problem.with_layout(self.problem.design.lay_out(requests));
        let method = fitted.choice.method.or(Some(fitted.settings(fitted.reference, true).method));
        let choice = Choice { method, ..Choice::default() };
        let simulator = Simulator::new(&problem, fitted.reference, fitted.reference, choice);
        self.simulate(&simulator)
    }

    fn simulate(&self, simulator: &Simulator) -> Result<Option<Vec<Predicted>>> {
        let problem = simulator.problem;
        // The median of draws needs no point in their middle, where the model may fail while it does not in the draws.
        let best = match self.middle {
            Middle::Posterior => None,
            _ => {
                let best = simulator.run(std::slice::from_ref(&self.values), Wanted::default(), true)?.remove(0);
                if !best.failures.is_empty() {
                    return Ok(None);
                }
                Some(problem.predict(&self.values, &best.slots))
            }
        };
        let lanes = problem.layout.runs.len() * problem.cell_count();
        let affordable = self.draws.len().min((MOST_LANES / lanes.max(1)).max(20));
        let mut drawn = Vec::with_capacity(affordable);
        for chunk in self.draws[..affordable].chunks(simulator.chunk(Wanted::default())) {
            for (values, simulated) in chunk.iter().zip(simulator.run(chunk, Wanted::default(), false)?) {
                if simulated.failures.is_empty() {
                    drawn.push(problem.predict(values, &simulated.slots));
                }
            }
        }
        let failed = affordable - drawn.len();
        let mut lost = self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failed > lost.failed {
            *lost = Lost { failed, of: affordable };
        }
        drop(lost);
        let values = match best {
            Some(values) => values,
            None if drawn.len() < FEWEST => return Ok(None),
            None => vec![f64::NAN; drawn[0].len()],
        };
        let predicted = values
            .into_iter()
            .enumerate()
            .map(|(at, value)| Predicted { value, draws: drawn.iter().map(|draw| draw[at]).collect() })
            .map(|predicted| match self.is_median() {
                true => Predicted { value: median(&predicted.draws).unwrap_or(predicted.value), ..predicted },
                false => predicted,
            });
        Ok(Some(predicted.collect()))
    }

    /// The fitted value for each row of the data, in f64, or the median under statements in words; `None` if the model
    /// cannot be integrated there.
    pub fn fitted(&self) -> Result<Option<Vec<f64>>> {
        if self.is_median() {
            let predicted = self.simulate(&self.objective.simulator)?;
            return Ok(predicted.map(|all| all.into_iter().map(|one| one.value).collect()));
        }
        let values = std::slice::from_ref(&self.values);
        let simulated = self.objective.simulator.run(values, Wanted::default(), true)?.remove(0);
        Ok(simulated.failures.is_empty().then(|| self.problem.predict(&self.values, &simulated.slots)))
    }
}

/// Points from the normal approximation, wider by what few experiments leave open. Bounds count as a flat prior of the
/// same variance, so that no direction is infinitely wide.
fn draws(objective: &StudyObjective, point: &[f64], mut information: DMatrix<f64>) -> Vec<Vec<f64>> {
    let (lower, upper) = (objective.lower(), objective.upper());
    let few = objective.few(point, &information);
    let excess: Vec<f64> = few.iter().map(|few| few.map_or(0.0, |few| few.excess())).collect();
    for (at, (lower, upper)) in lower.iter().zip(upper).enumerate() {
        information[(at, at)] += 12.0 / (upper - lower).powi(2);
    }
    // With A = L L', the solution x of L' x = z has the covariance of the inverse of A.
    let factor = information.cholesky().map(|cholesky| cholesky.l().transpose());
    let stretched: Vec<usize> = (0..point.len()).filter(|&i| excess[i] > 0.0).collect();
    let sobol = Sobol::new(point.len() + stretched.len(), 1);
    let (Some(factor), Some(sobol)) = (factor, sobol) else { return Vec::new() };
    let draw = |index| {
        let normal = sobol.point(index).into_iter().map(|u| normal_quantile(u.clamp(1e-6, 1.0 - 1e-6)));
        let normal: Vec<f64> = normal.collect();
        let mut step = factor.solve_upper_triangular(&DVector::from_column_slice(&normal[..point.len()]))?;
        for (&i, further) in stretched.iter().zip(&normal[point.len()..]) {
            step[i] += excess[i].sqrt() * further;
        }
        let moved = point.iter().zip(step.iter()).zip(lower.iter().zip(upper));
        Some(moved.map(|((at, by), (&lower, &upper))| (at + by).clamp(lower, upper)).collect())
    };
    (0..DRAWS).filter_map(draw).collect()
}

/// The middle 95 % of `draws`; `None` if there are too few. Infinite where draws are.
pub fn middle(draws: &[f64]) -> Option<(f64, f64)> {
    Some((quantile(draws, 0.025)?, quantile(draws, 0.975)?))
}

fn median(draws: &[f64]) -> Option<f64> {
    quantile(draws, 0.5)
}

fn quantile(draws: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = draws.iter().copied().filter(|x| !x.is_nan()).collect();
    if sorted.len() < FEWEST {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(if low == high { low } else { low + (high - low) * place.fract() })
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn the_middle_is_that_of_the_finite_draws_and_infinite_where_they_are() {
        let draws: Vec<f64> = (0..=200).map(f64::from).collect();
        assert_eq!(middle(&draws), Some((5.0, 195.0)));
        let mut beyond = draws.clone();
        beyond[190..].fill(f64::INFINITY);
        assert_eq!(middle(&beyond).map(|(low, high)| (low, high.is_infinite())), Some((5.0, true)));
        assert_eq!(middle(&draws[..10]), None);
    }
}
