//! Least squares for one curve: Levenberg and Marquardt on the curve's parameters, the shifts of its experiments and the
//! scales and blanks of its units at once.
//!
//! The normal equations are an arrow: units touch only themselves and the curve, so each is eliminated when its groups
//! have been seen, and what is solved is as small as the curve and its shifts. Errors of shares are binomial: then the
//! sum of squares is the deviance and the steps are those of Fisher scoring.

use super::cholesky::{backward, factorise, forward};
use super::problem::{Group, Link, Problem, Spot};
use super::shape::{Shape, Theta};
use super::target::Target;

/// What a fit holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Task {
    /// A target at a value.
    pub hold: Option<(Target, f64)>,
    /// The sd of the shifts of experiments in location, in units of the error's sd; `None`: no shifts.
    pub spread: Option<f64>,
    /// A cluster that is left out.
    pub without: Option<usize>,
    /// A gain in the objective that is not worth a step; 0 where every digit counts.
    pub accuracy: f64,
}

#[derive(Debug, Clone)]
pub struct State {
    pub theta: Theta,
    pub shifts: Vec<f64>,
    /// Of all units, one after the other: scales, then blanks.
    pub units: Vec<f64>,
    /// Weighted squares, deviance and penalty of shifts.
    pub objective: f64,
}

/// The information on curve and shifts at the optimum, all else eliminated: row by row, in the order of `theta`, shifts.
#[derive(Debug, Clone)]
pub struct Information {
    pub size: usize,
    pub matrix: Vec<f64>,
}

const STEPS: usize = 500;

/// Which parameters a step moves.
#[derive(Clone, Copy, PartialEq)]
enum Moving {
    All,
    /// All but location and slope.
    Linear,
}

/// Normal equations, and room for their solution.
struct Equations {
    size: usize,
    /// Curve and shifts.
    matrix: Vec<f64>,
    right: Vec<f64>,
    factor: Vec<f64>,
    step: Vec<f64>,
    /// For each unit its factor, its coupling to the curve and its right-hand side.
    units: Vec<Eliminated>,
    unit_steps: Vec<f64>,
    singular: bool,
}

struct Eliminated {
    width: usize,
    factor: Vec<f64>,
    coupling: Vec<f64>,
    right: Vec<f64>,
}

/// Improves `state` to the nearest optimum. `None` where nothing finite can be had from there.
///
/// An onset between two frames has an optimum of its own between each two: the neighbours are tried too.
pub fn improve(problem: &Problem, task: &Task, state: State) -> Option<State> {
    if problem.shape == Shape::Dose || task.hold.is_some() {
        return descend(problem, task, state);
    }
    let frame = (problem.range.1 - problem.range.0) / (problem.levels.len() as f64 - 1.0).max(1.0);
    let beside = |by: f64| {
        let mut start = state.clone();
        start.theta[0] += by * frame;
        descend(problem, task, start)
    };
    let found = [0.0, -0.7, 0.7].into_iter().filter_map(beside);
    found.min_by(|a, b| a.objective.total_cmp(&b.objective))
}

fn descend(problem: &Problem, task: &Task, mut state: State) -> Option<State> {
    // Damping after Nielsen (1999): it follows how well the last step was foretold.
    let (mut lambda, mut growth) = (1e-4, 2.0);
    state.shifts.resize(if task.spread.is_some() { problem.experiments } else { 0 }, 0.0);
    if !settle(problem, task, &mut state) {
        return None;
    }
    let mut calm = 0;
    let mut equations = Equations::new(problem, &state);
    let mut next = state.clone();
    for _ in 0..STEPS {
        equations.fill(problem, task, &state, lambda, Moving::All);
        if !equations.solve() {
            lambda = (lambda * 10.0).max(1e-9);
            if lambda > 1e12 {
                break;
            }
            continue;
        }
        let foretold: f64 = equations.step.iter().zip(&equations.right).map(|(a, b)| a * b).sum();
        next.clone_from(&state);
        advance(&mut next, &equations);
        let possible = settle(problem, task, &mut next);
        if possible && state.objective - next.objective < 0.25 * foretold {
            follow(problem, task, &mut next, &mut equations);
        }
        let gained = state.objective - next.objective;
        let moved = (0..3).map(|i| (next.theta[i] - state.theta[i]).abs()).fold(0.0, f64::max);
        if possible && gained >= 0.0 {
            std::mem::swap(&mut state, &mut next);
            let ratio = (gained / foretold.max(1e-300)).min(1.5);
            lambda = (lambda * (1.0 - (2.0 * ratio - 1.0).powi(3)).max(0.1)).max(1e-15);
            growth = 2.0;
        } else {
            lambda *= growth;
            growth *= 2.0;
        }
        let enough = task.accuracy.max(1e-13 * state.objective);
        calm = if gained.abs() <= enough && (moved < 1e-8 || task.accuracy > 0.0) { calm + 1 } else { 0 };
        if calm >= 2 || lambda > 1e15 || !foretold.is_finite() || state.objective < 1e-26 {
            break;
        }
    }
    Some(state)
}

/// Lets plateau, shifts, scales and blanks follow the location and slope of `state`: in these the curve is all but
/// linear, and a step that is judged with them in place goes along a bent valley and not across it (variable projection,
/// Golub and Pereyra 1973). Nothing is lost where they cannot.
fn follow(problem: &Problem, task: &Task, state: &mut State, equations: &mut Equations) {
    let mut next = state.clone();
    for _ in 0..3 {
        equations.fill(problem, task, state, 1e-12, Moving::Linear);
        if !equations.solve() {
            break;
        }
        next.clone_from(state);
        advance(&mut next, equations);
        if !settle(problem, task, &mut next) || next.objective >= state.objective {
            break;
        }
        let gained = state.objective - next.objective;
        std::mem::swap(state, &mut next);
        if gained < 1e-3 * state.objective {
            break;
        }
    }
}

/// Clamps, holds and evaluates; `false` where that is not possible.
fn settle(problem: &Problem, task: &Task, state: &mut State) -> bool {
    if problem.no_floor {
        state.theta[2] = 0.0;
    }
    problem.shape.clamp(&mut state.theta, problem.range);
    state.theta[2] = state.theta[2].max(problem.link.least());
    if let Some((target, value)) = task.hold
        && !target.hold(&mut state.theta, value)
    {
        return false;
    }
    if problem.link == Link::Share {
        state.units.iter_mut().for_each(|share| *share = share.clamp(1e-6, 1.0));
    }
    state.objective = objective(problem, task, state);
    state.objective.is_finite()
}

fn advance(state: &mut State, equations: &Equations) {
    let step = &equations.step;
    // A jump over the whole range of doses says that the linear picture does not hold so far.
    let longest = (0..3).map(|i| step[i].abs() / [4.0, 2.0, 1.0][i]).fold(1.0, f64::max);
    for i in 0..3 {
        state.theta[i] += step[i] / longest;
    }
    state.shifts.iter_mut().zip(&step[3..]).for_each(|(shift, step)| *shift += step / longest);
    state.units.iter_mut().zip(&equations.unit_steps).for_each(|(value, step)| *value += step / longest);
}

fn objective(problem: &Problem, task: &Task, state: &State) -> f64 {
    let mut sum = penalty(task, state);
    let mut at = 0;
    for_each_unit(problem, |unit, groups| {
        let width = problem.link.scales() + problem.units[unit].blanks;
        let values = &state.units[at..at + width];
        let shift = state.shifts.get(problem.units[unit].experiment).copied().unwrap_or(0.0);
        for group in groups.iter().filter(|group| task.without != Some(group.cluster)) {
            let share = problem.share(group, &state.theta, shift).0;
            let mean = problem.predict(group, share, values).mean;
            sum += misfit(problem, group, mean);
        }
        for bound in problem.bounds_of(unit, task.without) {
            let share = problem.share(&bound.group, &state.theta, shift).0;
            sum += bound.pull(problem.predict(&bound.group, share, values).mean, problem.scaled).cost;
        }
        at += width;
    });
    sum
}

/// What readings at limits cost.
pub fn cost_of_bounds(problem: &Problem, state: &State) -> f64 {
    let starts = unit_starts(problem);
    let cost = |bound: &super::problem::Bound| {
        let unit = bound.group.unit;
        let shift = state.shifts.get(problem.units[unit].experiment).copied().unwrap_or(0.0);
        let share = problem.share(&bound.group, &state.theta, shift).0;
        bound.pull(problem.predict(&bound.group, share, &state.units[starts[unit]..]).mean, problem.scaled).cost
    };
    problem.bounds.iter().map(cost).sum()
}

/// What shifts cost.
pub fn penalty(task: &Task, state: &State) -> f64 {
    task.spread.map_or(0.0, |spread| state.shifts.iter().map(|shift| (shift / spread).powi(2)).sum())
}

fn misfit(problem: &Problem, group: &Group, mean: f64) -> f64 {
    if !problem.link.is_share() {
        return group.n * (group.mean - mean).powi(2) / group.variance;
    }
    let p = mean.clamp(1e-9, 1.0 - 1e-9);
    let part = |y: f64, p: f64| if y > 0.0 { y * (y / p).ln() } else { 0.0 };
    // Beyond 0 and 1 a wall that leads back.
    let beyond = 1e4 * (mean - p).powi(2);
    2.0 * group.n * ((part(group.mean, p) + part(1.0 - group.mean, 1.0 - p)).max(0.0) + beyond)
}

fn for_each_unit(problem: &Problem, mut visit: impl FnMut(usize, &[Group])) {
    let mut rest = &problem.groups[..];
    for unit in 0..problem.units.len() {
        let count = rest.iter().take_while(|group| group.unit == unit).count();
        let (own, others) = rest.split_at(count);
        visit(unit, own);
        rest = others;
    }
}

impl Equations {
    fn new(problem: &Problem, state: &State) -> Self {
        let size = 3 + state.shifts.len();
        let unit = |unit: &super::problem::Unit| {
            let width = problem.link.scales() + unit.blanks;
            Eliminated {
                width,
                factor: vec![0.0; width * width],
                coupling: vec![0.0; width * size],
                right: vec![0.0; width],
            }
        };
        Equations {
            size,
            matrix: vec![0.0; size * size],
            right: vec![0.0; size],
            factor: vec![0.0; size * size],
            step: vec![0.0; size],
            units: problem.units.iter().map(unit).collect(),
            unit_steps: vec![0.0; problem.unit_parameters()],
            singular: false,
        }
    }

    fn fill(&mut self, problem: &Problem, task: &Task, state: &State, lambda: f64, moving: Moving) {
        let size = self.size;
        self.matrix.fill(0.0);
        self.right.fill(0.0);
        self.singular = false;
        let pivot = task.hold.map(|(target, _)| (target.pivot(), target.gradient(&state.theta)));
        let mut at = 0;
        for_each_unit(problem, |unit, groups| {
            let width = problem.link.scales() + problem.units[unit].blanks;
            let values = &state.units[at..at + width];
            at += width;
            let experiment = problem.units[unit].experiment;
            let shift = state.shifts.get(experiment).copied().unwrap_or(0.0);
            let own = &mut self.units[unit];
            own.factor.fill(0.0);
            own.coupling.fill(0.0);
            own.right.fill(0.0);
            let exact = groups.iter().filter(|group| task.without != Some(group.cluster)).map(|group| (group, None));
            let bounds = problem.bounds_of(unit, task.without).map(|bound| (&bound.group, Some(bound)));
            for (group, bound) in exact.chain(bounds) {
                let (share, mut by_theta) = problem.share(group, &state.theta, shift);
                let by_shift = by_theta[0];
                if problem.no_floor {
                    by_theta[2] = 0.0;
                }
                if let Some((pivot, gradient)) = &pivot {
                    let ratio = by_theta[*pivot] / gradient[*pivot];
                    for i in 0..3 {
                        by_theta[i] = if i == *pivot { 0.0 } else { by_theta[i] - ratio * gradient[i] };
                    }
                    if problem.no_floor {
                        by_theta[2] = 0.0;
                    }
                }
                if moving == Moving::Linear {
                    (by_theta[0], by_theta[1]) = (0.0, 0.0);
                }
                let predicted = problem.predict(group, share, values);
                let (weight, force) = match bound {
                    None => {
                        let weight = group.n / problem.variance(group, predicted.mean);
                        (weight, weight * (group.mean - predicted.mean))
                    }
                    Some(bound) => {
                        let pull = bound.pull(predicted.mean, problem.scaled);
                        (pull.weight, pull.force)
                    }
                };
                // What this group touches: the curve, one shift, its unit.
                let mut curve = [0.0; 4];
                for i in 0..3 {
                    curve[i] = by_theta[i] * predicted.by_share;
                }
                curve[3] = by_shift * predicted.by_share;
                let places = [0, 1, 2, 3 + experiment];
                let used = if state.shifts.is_empty() { 3 } else { 4 };
                let mut local = [(0usize, 0.0); 3];
                let mut locals = 0;
                for scale in 0..problem.link.scales() {
                    local[locals] = (scale, predicted.by_scale[scale]);
                    locals += 1;
                }
                if let Some(level) = group.blank {
                    local[locals] = (problem.link.scales() + level, predicted.by_blank);
                    locals += 1;
                }
                for i in 0..used {
                    self.right[places[i]] += curve[i] * force;
                    for j in 0..used {
                        self.matrix[places[i] * size + places[j]] += weight * curve[i] * curve[j];
                    }
                }
                for &(row, by) in &local[..locals] {
                    own.right[row] += by * force;
                    for &(column, other) in &local[..locals] {
                        own.factor[row * width + column] += weight * by * other;
                    }
                    for i in 0..used {
                        own.coupling[row * size + places[i]] += weight * by * curve[i];
                    }
                }
            }
            self.eliminate(unit, lambda);
        });
        if let Some(spread) = task.spread {
            for (e, shift) in state.shifts.iter().enumerate() {
                self.matrix[(3 + e) * size + 3 + e] += 1.0 / (spread * spread);
                self.right[3 + e] -= shift / (spread * spread);
            }
        }
        for i in 0..size {
            // Parameters that nothing speaks of (held, or fixed) stay where they are.
            let diagonal = &mut self.matrix[i * size + i];
            *diagonal = if *diagonal > 0.0 { *diagonal * (1.0 + lambda) } else { 1.0 };
        }
    }

    fn eliminate(&mut self, unit: usize, lambda: f64) {
        let size = self.size;
        let own = &mut self.units[unit];
        let width = own.width;
        for i in 0..width {
            let diagonal = &mut own.factor[i * width + i];
            *diagonal = if *diagonal > 0.0 { *diagonal * (1.0 + lambda) } else { 1.0 };
        }
        if !factorise(&mut own.factor, width) {
            self.singular = true;
            return;
        }
        forward(&own.factor, width, &mut own.right, 1);
        forward(&own.factor, width, &mut own.coupling, size);
        for row in 0..width {
            let couplings = &own.coupling[row * size..(row + 1) * size];
            for i in 0..size {
                if couplings[i] != 0.0 {
                    self.right[i] -= couplings[i] * own.right[row];
                    for j in 0..size {
                        self.matrix[i * size + j] -= couplings[i] * couplings[j];
                    }
                }
            }
        }
    }

    /// Fills in the steps; `false` if the equations are singular.
    fn solve(&mut self) -> bool {
        let size = self.size;
        self.factor.copy_from_slice(&self.matrix);
        if self.singular || !factorise(&mut self.factor, size) {
            return false;
        }
        self.step.copy_from_slice(&self.right);
        forward(&self.factor, size, &mut self.step, 1);
        backward(&self.factor, size, &mut self.step);
        let mut at = 0;
        for own in &self.units {
            let steps = &mut self.unit_steps[at..at + own.width];
            steps.copy_from_slice(&own.right);
            for row in 0..own.width {
                steps[row] -= (0..size).map(|i| own.coupling[row * size + i] * self.step[i]).sum::<f64>();
            }
            backward(&own.factor, own.width, steps);
            at += own.width;
        }
        self.step.iter().chain(&self.unit_steps).all(|v| v.is_finite())
    }
}

/// The information on curve and shifts at `state`.
pub fn information(problem: &Problem, task: &Task, state: &State) -> Information {
    let mut equations = Equations::new(problem, state);
    equations.fill(problem, &Task { hold: None, ..*task }, state, 0.0, Moving::All);
    Information { size: equations.size, matrix: equations.matrix }
}

impl Information {
    /// Its inverse; `None` where something is not determined.
    pub fn covariance(&self) -> Option<Vec<f64>> {
        let size = self.size;
        // Scaled to a unit diagonal, so that singular means singular and not small.
        let root: Vec<f64> = (0..size).map(|i| self.matrix[i * size + i].max(0.0).sqrt()).collect();
        let mut factor: Vec<f64> =
            (0..size * size).map(|at| self.matrix[at] / (root[at / size] * root[at % size])).collect();
        if root.iter().any(|r| *r == 0.0 || !r.is_finite()) || !factorise(&mut factor, size) {
            return None;
        }
        let smallest = (0..size).map(|i| factor[i * size + i]).fold(f64::INFINITY, f64::min);
        if smallest < 1e-7 {
            return None;
        }
        let mut inverse = vec![0.0; size * size];
        for column in 0..size {
            let mut unit = vec![0.0; size];
            unit[column] = 1.0;
            forward(&factor, size, &mut unit, 1);
            backward(&factor, size, &mut unit);
            for row in 0..size {
                inverse[row * size + column] = unit[row] / (root[row] * root[column]);
            }
        }
        Some(inverse)
    }
}

/// Predictions of all groups.
pub fn means(problem: &Problem, state: &State) -> Vec<f64> {
    let mut out = Vec::with_capacity(problem.groups.len());
    let mut at = 0;
    for_each_unit(problem, |unit, groups| {
        let width = problem.link.scales() + problem.units[unit].blanks;
        let values = &state.units[at..at + width];
        let shift = state.shifts.get(problem.units[unit].experiment).copied().unwrap_or(0.0);
        for group in groups {
            let share = problem.share(group, &state.theta, shift).0;
            out.push(problem.predict(group, share, values).mean);
        }
        at += width;
    });
    out
}

/// Where the parameters of each unit begin in [`State::units`].
pub fn unit_starts(problem: &Problem) -> Vec<usize> {
    let width = |unit: &super::problem::Unit| problem.link.scales() + unit.blanks;
    let sums = problem.units.iter().scan(0, |at, unit| {
        let start = *at;
        *at += width(unit);
        Some(start)
    });
    sums.collect()
}

/// First guesses: scales and blanks from the controls, the curve from a grid. The best few, best first.
pub fn starts(problem: &Problem) -> Vec<State> {
    let units = first_units(problem);
    let (low, high) = problem.range;
    let width = (high - low).max(1e-3);
    let floors: &[f64] = if problem.no_floor { &[0.0] } else { &[0.0, 0.3, 0.6, 0.9, 1.2] };
    let mut found: Vec<State> = Vec::new();
    for step in 0..=12 {
        let location = low + width * (f64::from(step) / 10.0 - 0.1);
        let logs: Vec<f64> = match problem.shape {
            Shape::Dose => vec![-0.5, 0.7, 2.0],
            Shape::Lag => [0.5, 2.0, 8.0, 30.0].iter().map(|k: &f64| (k / width).ln()).collect(),
        };
        for log_shape in logs {
            for &floor in floors {
                let mut state = State {
                    theta: [location, log_shape, floor],
                    shifts: Vec::new(),
                    units: units.clone(),
                    objective: 0.0,
                };
                if settle(problem, &Task::default(), &mut state) {
                    found.push(state);
                }
            }
        }
    }
    found.sort_by(|a, b| a.objective.total_cmp(&b.objective));
    // Neighbours on the grid lead to the same optimum.
    let mut kept: Vec<State> = Vec::new();
    for state in found {
        let near = |other: &State| {
            (other.theta[0] - state.theta[0]).abs() < 0.15 * width && (other.theta[1] - state.theta[1]).abs() < 1.0
        };
        if kept.len() < 3 && !kept.iter().any(near) {
            kept.push(state);
        }
    }
    kept
}

fn first_units(problem: &Problem) -> Vec<f64> {
    let mut units = Vec::with_capacity(problem.unit_parameters());
    for_each_unit(problem, |unit, groups| {
        let mean = |wanted: &dyn Fn(&&Group) -> bool| {
            let chosen = groups.iter().filter(wanted);
            let (sum, n) = chosen.fold((0.0, 0.0), |(s, n), g| (s + g.n * g.mean, n + g.n));
            (n > 0.0).then(|| sum / n)
        };
        let levels: Vec<f64> = (0..problem.units[unit].blanks)
            .map(|level| mean(&|g| g.spot == Spot::Blank && g.blank == Some(level)).unwrap_or(0.0))
            .collect();
        let blank = levels.first().copied().unwrap_or(0.0);
        let lowest = groups.iter().filter(|g| g.spot == Spot::Curve).map(|g| g.x).fold(f64::INFINITY, f64::min);
        let control = mean(&|g| g.spot == Spot::Curve && g.x <= lowest).unwrap_or(1.0) - blank;
        match problem.link {
            Link::Signal => units.push(nonzero(control)),
            Link::Share => units.push(control.clamp(0.01, 1.0)),
            Link::Dead => {
                let full = nonzero(mean(&|g| g.spot == Spot::Full).map_or(2.0 * control, |full| full - blank));
                units.extend([full, (1.0 - control / full).clamp(0.05, 1.0)]);
            }
            Link::Growth => {
                let start = mean(&|g| g.spot == Spot::Start).map_or(0.5 * control, |start| start - blank);
                let start = if start > 0.0 { start } else { nonzero(control).abs() };
                units.extend([start, (control / start).max(1.01).log2()]);
            }
        }
        units.extend(levels);
    });
    units
}

fn nonzero(value: f64) -> f64 {
    if value.abs() > 1e-12 { value } else { 1e-12 }
}

/// The best optimum from the first guesses.
pub fn best(problem: &Problem, task: &Task) -> Option<State> {
    let found = starts(problem).into_iter().filter_map(|start| improve(problem, task, start));
    found.min_by(|a, b| a.objective.total_cmp(&b.objective))
}
