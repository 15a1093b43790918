//! Estimates with intervals for one curve.
//!
//! The interval of a target is its profile: all values at which the best fit loses less than a threshold. Wells of one
//! experiment share whatever went differently that day, so with two experiments or more the threshold is scaled by how
//! far experiments disagree, and compared with Student's t on as many degrees of freedom as there are experiments less
//! one:
//!
//! `Q(g) - Q(best) <= t²(K - 1) * V_jackknife / V_model`
//!
//! Here `V_jackknife` is the variance of the target over fits that each leave one experiment out, and `V_model` is what
//! the curvature of `Q` says. For experiments of equal design this is the t interval over one estimate an experiment,
//! whatever differs between experiments, in the shape of the profile. Over time a curve has a kink at its onset, where a
//! profile has corners that say nothing: there the interval is the t interval itself. Within one experiment wells are the replicates:
//! the threshold is `t²(df) s²`.

use super::fit::{self, Information, State, Task, improve};
use super::problem::Problem;
use super::shape::{LOG_STEEPEST, Shape};
use super::target::Target;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Variance about the pooled variance function, and the degrees of freedom it was estimated on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion {
    pub variance: f64,
    pub df: f64,
}

#[derive(Debug, Clone)]
pub struct Fitted {
    pub(super) state: State,
    pub(super) task: Task,
    /// Sd of the location between experiments.
    pub between: f64,
    /// Of this curve alone.
    pub dispersion: Dispersion,
}

/// One end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    At(f64),
    /// The data do not bound it on this side.
    Open,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// `None` where the fitted curve never gets there.
    pub value: Option<f64>,
    pub lower: End,
    pub upper: End,
    /// Of the estimate, as scaled for the interval.
    pub se: Option<f64>,
    /// Value of the target with each cluster left out.
    pub without: Vec<Option<f64>>,
}

/// Sds of the location between experiments that are tried: of the natural logarithm of doses, or in parts of a
/// [`TENTH`] of the time that was watched.
const SPREADS: [f64; 10] = [0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 1.0, 1.8];

const TENTH: f64 = 0.1;

/// A Hill exponent times the distance of doses (in ln) from which on a curve passes between them: a well at either dose
/// sees less than 5 % of the fall.
const STEP: f64 = 6.0;

/// The best fit from `near` (an optimum under other weights), with the spread between experiments where there are several.
pub fn fit_curve(problem: &Problem, near: &State) -> Option<Fitted> {
    let plain = Task::default();
    let state = improve(problem, &plain, near.clone())?;
    if problem.experiments < 2 {
        let dispersion = dispersion(problem, &plain, &state);
        return Some(Fitted { state, task: plain, between: 0.0, dispersion });
    }
    let unit = match problem.shape {
        Shape::Dose => 1.0,
        Shape::Lag => TENTH * (problem.range.1 - problem.range.0),
    };
    let free = Task { spread: Some(5.0 * unit), ..plain };
    let loose = improve(problem, &free, state.clone())?;
    let inside = dispersion(problem, &free, &loose);
    let s2 = if inside.df >= 1.0 && inside.variance > 0.0 { inside.variance } else { 1.0 };
    // Restricted likelihood over the spread, by Laplace's approximation; the first one is no spread at all.
    let mut best = (restricted(problem, &plain, &state, s2, 0.0), plain, state, 0.0);
    for between in SPREADS.map(|spread| spread * unit) {
        let task = Task { spread: Some(between / s2.sqrt()), ..plain };
        let Some(state) = improve(problem, &task, loose.clone()) else { continue };
        let criterion = restricted(problem, &task, &state, s2, between);
        if criterion < best.0 {
            best = (criterion, task, state, between);
        }
    }
    let (_, task, state, between) = best;
    let dispersion = dispersion(problem, &task, &state);
    Some(Fitted { state, task, between, dispersion })
}

/// Minus twice the restricted log likelihood, up to a constant.
fn restricted(problem: &Problem, task: &Task, state: &State, s2: f64, between: f64) -> f64 {
    let Information { size, matrix } = fit::information(problem, task, state);
    let scaled = nalgebra::DMatrix::from_row_slice(size, size, &matrix) / s2;
    let Some(factor) = scaled.cholesky() else { return f64::INFINITY };
    let log_det: f64 = 2.0 * (0..size).map(|i| factor.l_dirty()[(i, i)].ln()).sum::<f64>();
    let shifts = if task.spread.is_some() { 2.0 * problem.experiments as f64 * between.ln() } else { 0.0 };
    state.objective / s2 + log_det + shifts
}

/// Weighted squares over degrees of freedom.
fn dispersion(problem: &Problem, task: &Task, state: &State) -> Dispersion {
    let means = fit::means(problem, state);
    let scatter = problem.scatter(|at| means[at]);
    let curve = if problem.no_floor { 2 } else { 3 };
    let shifts = state.shifts.len().saturating_sub(1);
    let df = problem.groups.len() as f64 + problem.scatter_df() - (curve + shifts + problem.unit_parameters()) as f64;
    let squares = state.objective - fit::penalty(task, state) - fit::cost_of_bounds(problem, state) + scatter;
    Dispersion { variance: if df > 0.0 { squares / df } else { 1.0 }, df: df.max(0.0) }
}

/// The two-sided quantile of Student's t at 95 %.
pub fn t_quantile(df: f64) -> f64 {
    if df > 1e6 {
        return 1.959963984540054;
    }
    StudentsT::new(0.0, 1.0, df).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

/// A fit with what its intervals need: the fits without each cluster, the covariance, the threshold's parts.
pub struct Inference<'p> {
    problem: &'p Problem,
    fitted: &'p Fitted,
    covariance: Option<Vec<f64>>,
    without: Vec<Option<State>>,
    /// The moderated one.
    dispersion: Dispersion,
}

impl<'p> Inference<'p> {
    pub fn new(problem: &'p Problem, fitted: &'p Fitted, dispersion: Dispersion) -> Self {
        let covariance = fit::information(problem, &fitted.task, &fitted.state).covariance();
        let clusters = if problem.clusters > 1 { problem.clusters } else { 0 };
        let without = (0..clusters)
            .map(|cluster| improve(problem, &Task { without: Some(cluster), ..fitted.task }, fitted.state.clone()))
            .collect();
        Inference { problem, fitted, covariance, without, dispersion }
    }

    /// Variance of a target by the curvature of the objective, with errors as the variance function has them.
    fn model_variance(&self, target: Target) -> Option<f64> {
        let covariance = self.covariance.as_ref()?;
        let size = 3 + self.fitted.state.shifts.len();
        let gradient = target.gradient(&self.fitted.state.theta);
        let mut sum = 0.0;
        for i in 0..3 {
            for j in 0..3 {
                sum += gradient[i] * gradient[j] * covariance[i * size + j];
            }
        }
        (sum.is_finite() && sum > 0.0).then_some(sum)
    }

    pub fn estimate(&self, target: Target) -> Estimate {
        let theta = &self.fitted.state.theta;
        let value = target.value(theta);
        let (low, high) = self.limits(target);
        let without: Vec<Option<f64>> = self.without.iter().map(|state| target.value(&state.as_ref()?.theta)).collect();
        let Some(center) = value else {
            return self.unreached(target, without);
        };
        let model = self.model_variance(target);
        let count = without.len() as f64;
        let (threshold, variance) = if without.len() > 1 {
            // A fit that never gets there lies beyond all doses.
            let kept: Vec<f64> = without.iter().map(|v| v.unwrap_or(high).clamp(low, high)).collect();
            let mean = kept.iter().sum::<f64>() / count;
            let jackknife = (count - 1.0) / count * kept.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let ratio = match model {
                Some(model) if jackknife > 0.0 => jackknife / model,
                _ => self.dispersion.variance,
            };
            // On a step between two doses all experiments may agree on a place that none of them determines: there the
            // wells' own error is the least that counts. Elsewhere values within half a standard error of it are kept.
            let quantile = t_quantile(count - 1.0).powi(2);
            let least = self.dispersion.variance * if self.is_step() { quantile } else { 0.25 };
            ((quantile * ratio).max(least), Some(jackknife))
        } else {
            let variance = model.map(|model| model * self.dispersion.variance);
            (t_quantile(self.dispersion.df.max(1.0)).powi(2) * self.dispersion.variance, variance)
        };
        if self.problem.shape == Shape::Lag && without.len() > 1 {
            let by = model.map_or(0.0, |model| (threshold * model).sqrt());
            let end = |at: f64| if (low..=high).contains(&at) && by > 0.0 { End::At(at) } else { End::Open };
            return Estimate {
                value,
                lower: end(center - by),
                upper: end(center + by),
                se: variance.map(f64::sqrt),
                without,
            };
        }
        let step = model.map_or(0.3, |model| (threshold * model).sqrt()).clamp(1e-12, 3.0);
        let end = |direction: f64| self.end(target, center, threshold, direction * step, (low, high));
        Estimate { value, lower: end(-1.0), upper: end(1.0), se: variance.map(f64::sqrt), without }
    }

    /// Whether the curve falls between two neighbouring doses.
    fn is_step(&self) -> bool {
        let levels = self.problem.levels.iter().filter(|x| x.is_finite()).count();
        let spacing = (self.problem.range.1 - self.problem.range.0) / (levels as f64 - 1.0).max(1.0);
        self.problem.shape == Shape::Dose && self.fitted.state.theta[1].exp() * spacing > STEP
    }

    /// A share that the best curve never reaches may still be reached by a curve that the data allow: the lower end.
    fn unreached(&self, target: Target, without: Vec<Option<f64>>) -> Estimate {
        let mut lower = End::Open;
        if let Target::DoseAt(_) = target {
            let threshold = t_quantile(match without.len() {
                0 | 1 => self.dispersion.df.max(1.0),
                count => count as f64 - 1.0,
            })
            .powi(2)
                * self.dispersion.variance;
            let (low, high) = self.limits(target);
            let from = self.problem.range.1 + 0.5 * (high - self.problem.range.1);
            lower = self.end(target, from, threshold, -0.5, (low, high));
        }
        Estimate { value: None, lower, upper: End::Open, se: None, without }
    }

    /// How far a target is looked for.
    fn limits(&self, target: Target) -> (f64, f64) {
        let (low, high) = self.problem.range;
        let beyond = if self.problem.shape == Shape::Dose { 12.0 } else { high - low };
        match target {
            Target::Parameter(0) | Target::DoseAt(_) => (low - beyond, high + beyond),
            Target::Parameter(1) if self.problem.shape == Shape::Dose => (-LOG_STEEPEST, LOG_STEEPEST),
            Target::Parameter(1) | Target::FastestLoss => (-16.0, 16.0),
            Target::Parameter(_) => (-2.0, 10.0),
            Target::Area(..) => (-2.0, 10.0),
        }
    }

    /// Where the profile crosses the threshold, going from `center` with a first step of the expected length.
    fn end(&self, target: Target, center: f64, threshold: f64, step: f64, limits: (f64, f64)) -> End {
        let best = self.fitted.state.objective;
        let goal = threshold.sqrt();
        let mut state = self.fitted.state.clone();
        let loss = |value: f64, from: &mut State| -> Option<f64> {
            let task = Task { hold: Some((target, value)), accuracy: 2e-5 * threshold, ..self.fitted.task };
            // A hold may need a plateau that leaves room for it.
            let mut start = from.clone();
            if let Target::DoseAt(share) = target {
                start.theta[2] = start.theta[2].min(share - 0.02);
            }
            let found = improve(self.problem, &task, start).or_else(|| {
                let mut plain = self.fitted.state.clone();
                (plain.theta[1], plain.theta[2]) = (0.5, 0.1);
                improve(self.problem, &task, plain)
            })?;
            let loss = (found.objective - best).max(0.0).sqrt();
            *from = found;
            Some(loss)
        };
        // Outside in: `near` is allowed, `far` is not.
        let (mut near, mut near_loss) = (center, 0.0);
        let mut reach = step;
        let (mut far, mut far_loss);
        loop {
            let at = (center + reach).clamp(limits.0, limits.1);
            match loss(at, &mut state) {
                Some(found) if found < goal => {
                    (near, near_loss) = (at, found);
                    if at == limits.0 || at == limits.1 {
                        return End::Open;
                    }
                    reach *= if found > 0.5 * goal { (1.15 * goal / found).clamp(1.05, 2.0) } else { 2.0 };
                }
                Some(found) => {
                    (far, far_loss) = (at, found);
                    break;
                }
                None => return End::Open,
            }
        }
        for _ in 0..40 {
            if (far - near).abs() <= 1e-4 * step.abs() || (far_loss - near_loss).abs() < 1e-9 * goal {
                break;
            }
            // Between the secant and the middle: profiles are near to straight lines in the root of the loss.
            let fraction = ((goal - near_loss) / (far_loss - near_loss)).clamp(0.02, 0.98);
            let at = near + fraction * (far - near);
            let Some(found) = loss(at, &mut state) else { break };
            if (found - goal).abs() < 1e-4 * goal {
                return End::At(at);
            }
            if found < goal { (near, near_loss) = (at, found) } else { (far, far_loss) = (at, found) }
        }
        End::At(near + (goal - near_loss) / (far_loss - near_loss).max(1e-300) * (far - near))
    }
}
