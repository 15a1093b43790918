//! Least squares for one curve: Levenberg and Marquardt on the curve's parameters, the shifts of its experiments and the
//! scales and blanks of its units at once.
//!
//! The normal equations are an arrow: units touch only themselves and the curve, so each is eliminated when its groups
//! have been seen, and what is solved is as small as the curve and its shifts. Errors of shares are binomial: then the
//! sum of squares is the deviance and the steps are those of Fisher scoring.

use super::problem::{Group, Link, Problem, Spot};
use super::shape::Theta;
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

const STEPS: usize = 200;

/// Normal equations on the way.
struct Equations {
    size: usize,
    /// Curve and shifts.
    matrix: Vec<f64>,
    right: Vec<f64>,
    /// For each unit its factor, its coupling to the curve and its right-hand side.
    units: Vec<Eliminated>,
}

#[derive(Default)]
struct Eliminated {
    width: usize,
    factor: Vec<f64>,
    coupling: Vec<f64>,
    right: Vec<f64>,
}

/// Improves `state` to the nearest optimum. `None` where nothing finite can be had from there.
pub fn improve(problem: &Problem, task: &Task, mut state: State) -> Option<State> {
    let mut lambda = 1e-3;
    state.shifts.resize(if task.spread.is_some() { problem.experiments } else { 0 }, 0.0);
    if !settle(problem, task, &mut state) {
        return None;
    }
    let mut calm = 0;
    for _ in 0..STEPS {
        let (step, unit_steps, gain) = loop {
            let mut equations = equations(problem, task, &state, lambda);
            match equations.solve() {
                Some((step, unit_steps)) => {
                    let gain: f64 = step.iter().zip(&equations.right).map(|(a, b)| a * b).sum();
                    break (step, unit_steps, gain);
                }
                None if lambda < 1e12 => lambda = (lambda * 10.0).max(1e-6),
                None => return Some(state),
            }
        };
        let mut next = state.clone();
        advance(&mut next, &step, &unit_steps);
        let better = settle(problem, task, &mut next) && next.objective <= state.objective;
        let scale = state.objective.abs() + 1e-300;
        let moved = (0..3).map(|i| (next.theta[i] - state.theta[i]).abs()).fold(0.0, f64::max);
        let gained = state.objective - next.objective;
        if better {
            state = next;
            lambda = (lambda * 0.2).max(1e-15);
        } else {
            lambda = (lambda * 8.0).max(1e-10);
        }
        let still = moved < 1e-9 && (!better || gained <= 1e-12 * scale);
        calm = if still { calm + 1 } else { 0 };
        if calm >= 2 || lambda > 1e15 || !gain.is_finite() || state.objective < 1e-26 {
            break;
        }
    }
    Some(state)
}

/// Clamps, holds and evaluates; `false` where that is not possible.
fn settle(problem: &Problem, task: &Task, state: &mut State) -> bool {
    if problem.no_floor {
        state.theta[2] = 0.0;
    }
    problem.shape.clamp(&mut state.theta, problem.range);
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

fn advance(state: &mut State, step: &[f64], unit_steps: &[f64]) {
    // A jump over the whole range of doses says that the linear picture does not hold so far.
    let longest = (0..3).map(|i| step[i].abs() / [4.0, 2.0, 1.0][i]).fold(1.0, f64::max);
    for i in 0..3 {
        state.theta[i] += step[i] / longest;
    }
    state.shifts.iter_mut().zip(&step[3..]).for_each(|(shift, step)| *shift += step / longest);
    state.units.iter_mut().zip(unit_steps).for_each(|(value, step)| *value += step / longest);
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
        at += width;
    });
    sum
}

/// What shifts cost.
pub fn penalty(task: &Task, state: &State) -> f64 {
    task.spread.map_or(0.0, |spread| state.shifts.iter().map(|shift| (shift / spread).powi(2)).sum())
}

fn misfit(problem: &Problem, group: &Group, mean: f64) -> f64 {
    if !problem.link.is_share() {
        return group.n * (group.mean - mean).powi(2) / group.variance;
    }
    if !(-1e-9..=1.0 + 1e-9).contains(&mean) {
        return f64::INFINITY;
    }
    let p = mean.clamp(1e-9, 1.0 - 1e-9);
    let part = |y: f64, p: f64| if y > 0.0 { y * (y / p).ln() } else { 0.0 };
    2.0 * group.n * (part(group.mean, p) + part(1.0 - group.mean, 1.0 - p)).max(0.0)
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

fn equations(problem: &Problem, task: &Task, state: &State, lambda: f64) -> Equations {
    let size = 3 + state.shifts.len();
    let mut out = Equations {
        size,
        matrix: vec![0.0; size * size],
        right: vec![0.0; size],
        units: Vec::with_capacity(problem.units.len()),
    };
    let pivot = task.hold.map(|(target, _)| (target.pivot(), target.gradient(&state.theta)));
    let mut at = 0;
    for_each_unit(problem, |unit, groups| {
        let width = problem.link.scales() + problem.units[unit].blanks;
        let values = &state.units[at..at + width];
        at += width;
        let experiment = problem.units[unit].experiment;
        let shift = state.shifts.get(experiment).copied().unwrap_or(0.0);
        let mut own = Eliminated {
            width,
            factor: vec![0.0; width * width],
            coupling: vec![0.0; width * size],
            right: vec![0.0; width],
        };
        for group in groups.iter().filter(|group| task.without != Some(group.cluster)) {
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
            let predicted = problem.predict(group, share, values);
            let weight = group.n / problem.variance(group, predicted.mean);
            let residual = group.mean - predicted.mean;
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
                out.right[places[i]] += weight * curve[i] * residual;
                for j in 0..used {
                    out.matrix[places[i] * size + places[j]] += weight * curve[i] * curve[j];
                }
            }
            for &(row, by) in &local[..locals] {
                own.right[row] += weight * by * residual;
                for &(column, other) in &local[..locals] {
                    own.factor[row * width + column] += weight * by * other;
                }
                for i in 0..used {
                    own.coupling[row * size + places[i]] += weight * by * curve[i];
                }
            }
        }
        out.eliminate(own, lambda);
    });
    if let Some(spread) = task.spread {
        for (e, shift) in state.shifts.iter().enumerate() {
            out.matrix[(3 + e) * size + 3 + e] += 1.0 / (spread * spread);
            out.right[3 + e] -= shift / (spread * spread);
        }
    }
    for i in 0..size {
        // Parameters that nothing speaks of (held, or fixed) stay where they are.
        let diagonal = &mut out.matrix[i * size + i];
        *diagonal = if *diagonal > 0.0 { *diagonal * (1.0 + lambda) } else { 1.0 };
    }
    out
}

impl Equations {
    fn eliminate(&mut self, mut own: Eliminated, lambda: f64) {
        let (width, size) = (own.width, self.size);
        for i in 0..width {
            let diagonal = &mut own.factor[i * width + i];
            *diagonal = if *diagonal > 0.0 { *diagonal * (1.0 + lambda) } else { 1.0 };
        }
        if !factorise(&mut own.factor, width) {
            self.matrix[0] = f64::NAN;
            return;
        }
        forward(&own.factor, width, &mut own.right, 1);
        forward(&own.factor, width, &mut own.coupling, size);
        for row in 0..width {
            for i in 0..size {
                let coupling = own.coupling[row * size + i];
                if coupling == 0.0 {
                    continue;
                }
                self.right[i] -= coupling * own.right[row];
                for j in 0..size {
                    self.matrix[i * size + j] -= coupling * own.coupling[row * size + j];
                }
            }
        }
        self.units.push(own);
    }

    fn solve(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        let size = self.size;
        let mut factor = self.matrix.clone();
        if !factorise(&mut factor, size) {
            return None;
        }
        let mut step = self.right.clone();
        forward(&factor, size, &mut step, 1);
        backward(&factor, size, &mut step);
        let mut unit_steps = Vec::new();
        for own in &self.units {
            let mut right = own.right.clone();
            for row in 0..own.width {
                right[row] -= (0..size).map(|i| own.coupling[row * size + i] * step[i]).sum::<f64>();
            }
            backward(&own.factor, own.width, &mut right);
            unit_steps.extend(right);
        }
        (step.iter().chain(&unit_steps).all(|v| v.is_finite())).then_some((step, unit_steps))
    }
}

/// The information on curve and shifts at `state`.
pub fn information(problem: &Problem, task: &Task, state: &State) -> Information {
    let equations = equations(problem, &Task { hold: None, ..*task }, state, 0.0);
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

/// Cholesky in place, lower triangle; `false` if not positive definite.
fn factorise(a: &mut [f64], n: usize) -> bool {
    for j in 0..n {
        let mut d = a[j * n + j];
        for k in 0..j {
            d -= a[j * n + k] * a[j * n + k];
        }
        // Rounding of the elimination: what is left of a diagonal must stand above it.
        if !(d > 1e-14 * a[j * n + j].abs()) {
            return false;
        }
        let root = d.sqrt();
        a[j * n + j] = root;
        for i in j + 1..n {
            let mut v = a[i * n + j];
            for k in 0..j {
                v -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = v / root;
        }
    }
    true
}

/// Solves with the factor for `columns` right-hand sides, row by row.
fn forward(factor: &[f64], n: usize, right: &mut [f64], columns: usize) {
    for i in 0..n {
        for c in 0..columns {
            let mut v = right[i * columns + c];
            for k in 0..i {
                v -= factor[i * n + k] * right[k * columns + c];
            }
            right[i * columns + c] = v / factor[i * n + i];
        }
    }
}

/// Solves with the transpose of the factor.
fn backward(factor: &[f64], n: usize, right: &mut [f64]) {
    for i in (0..n).rev() {
        let mut v = right[i];
        for k in i + 1..n {
            v -= factor[k * n + i] * right[k];
        }
        right[i] = v / factor[i * n + i];
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
            super::shape::Shape::Dose => vec![-0.5, 0.7, 2.0],
            super::shape::Shape::Lag => [0.5, 2.0, 8.0, 30.0].iter().map(|k: &f64| (k / width).ln()).collect(),
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
