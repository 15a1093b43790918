//! One integration step as a tape: the stages, the factorisation, the error norm, and forward sensitivities.

mod tangent;

pub use tangent::Tangents;

use super::emit::{Emitter, Environment, Sum};
use super::tape::{NONE, Slot, Tape};
use crate::engine::Settings;
use crate::engine::method::{Explicit, Rosenbrock, Tableau};
use crate::expr::{Binary, Function, Graph, Id, Symbol};
use crate::program::{Program, lu};
use std::collections::HashMap;
use tangent::Direction;

/// Slots at the head of a step's storage.
pub const TIME: Slot = 0;
pub const STEP: Slot = 1;
pub const STATES: Slot = 2;

/// A step, with where its results are among `tape.outputs`: the new states, `error` (the mean square of the scaled
/// error), `factor` (what the step may be multiplied with), `rest` (the largest scaled
/// derivative at the beginning of the step), then the new tangents, and where readings are wanted the stages of what is
/// read.
pub struct Step {
    pub tape: Tape,
    /// The static expressions whose values follow the states (and tangents) in the inputs, with their graph.
    pub graph: Graph,
    pub statics: Vec<Id>,
    pub tangents: Tangents,
}

/// With `settles` the tape also computes whether the states have come to rest. For readings inside the step it keeps the
/// stages of the states `read`, then those of their tangents.
pub fn build(program: &Program, settings: &Settings, inputs: &[u32], settles: bool, read: &[usize]) -> Step {
    let mut graph = program.graph.clone();
    let tangents = Tangents::new(program, inputs);
    let implicit = matches!(settings.method.tableau(), Tableau::Rosenbrock(_));
    let directions: Vec<Direction> = (0..inputs.len())
        .map(|d| Direction {
            f: program.derivative.iter().map(|&id| tangents.along(&mut graph, id, d)).collect(),
            jacobian: if implicit {
                program.jacobian.iter().map(|&(_, _, id)| tangents.along(&mut graph, id, d)).collect()
            } else {
                Vec::new()
            },
            time: if implicit {
                program.time_derivative.iter().map(|&id| tangents.along(&mut graph, id, d)).collect()
            } else {
                Vec::new()
            },
        })
        .collect();
    let mut roots = program.derivative.clone();
    if implicit {
        roots.extend(program.jacobian.iter().map(|&(_, _, id)| id));
        roots.extend(&program.time_derivative);
    }
    for direction in &directions {
        roots.extend(direction.f.iter().chain(&direction.jacobian).chain(&direction.time));
    }
    let n = program.states.len();
    let head = STATES as usize + n + tangents.components.len();
    let mut builder = Builder {
        emitter: Emitter::new(graph, &roots, head, true),
        program,
        settings,
        settles,
        read,
        kept: Vec::new(),
        tangents: &tangents,
        directions: &directions,
        states: (STATES..STATES + n as Slot).collect(),
    };
    let outputs = match settings.method.tableau() {
        Tableau::Rosenbrock(method) => builder.rosenbrock(method),
        Tableau::Explicit(method) => builder.explicit(method),
    };
    let (tape, graph, statics) = builder.emitter.finish(head, outputs);
    Step { tape, graph, statics, tangents }
}

struct Builder<'a> {
    emitter: Emitter,
    program: &'a Program,
    settings: &'a Settings,
    settles: bool,
    read: &'a [usize],
    /// Stages that are kept, in their order.
    kept: Vec<Slot>,
    tangents: &'a Tangents,
    directions: &'a [Direction],
    states: Vec<Slot>,
}

/// The factors in place, each as a sign and a slot.
struct Factors {
    places: Vec<Option<(f64, Slot)>>,
    /// 0, and not a number where a pivot is infinite, undefined or 0.
    flaw: Slot,
}

impl Builder<'_> {
    fn environment(&self, time: Slot, states: &[Slot]) -> Environment {
        let states = states.iter().enumerate().map(|(i, &slot)| (Symbol::State(i as u32), slot));
        Environment::new(states.chain([(Symbol::Time, time)]))
    }

    /// `t + alpha h`
    fn stage_time(&mut self, alpha: f64) -> Slot {
        let mut sum = Sum::of(TIME);
        sum.add(alpha, STEP);
        self.emitter.sum(sum)
    }

    /// `base + sum of coefficients * stages`, for each state.
    fn combine(&mut self, base: &[Slot], coefficients: &[f64], stages: &[Vec<Slot>], scale: Slot) -> Vec<Slot> {
        (0..base.len())
            .map(|i| {
                let mut sum = Sum::default();
                for (&coefficient, stage) in coefficients.iter().zip(stages) {
                    if stage[i] != NONE {
                        sum.add(coefficient, stage[i]);
                    }
                }
                if scale == NONE {
                    if base[i] != NONE {
                        sum.add(1.0, base[i]);
                    } else if sum.linear.is_empty() {
                        return NONE;
                    }
                    return self.emitter.sum(sum);
                }
                // Sums of increments h * f: the sum first, so that one product with h serves.
                if sum.linear.is_empty() {
                    return base[i];
                }
                let increment = self.emitter.sum(sum);
                let mut total = if base[i] == NONE { Sum::default() } else { Sum::of(base[i]) };
                total.add_product(1.0, increment, scale);
                self.emitter.sum(total)
            })
            .collect()
    }

    fn rosenbrock(&mut self, method: &Rosenbrock) -> Vec<Slot> {
        let n = self.states.len();
        let program = self.program;
        let start_states = self.states.clone();
        let mut start = self.environment(TIME, &start_states);
        let over_h = self.emitter.reciprocal(STEP);
        let factors = self.factorise(&mut start, method.gamma, over_h);
        let mut rest = self.rest(&mut start);

        let mut stages: Vec<Vec<Slot>> = Vec::new();
        let mut environments = Vec::new();
        let mut end = Vec::new();
        for i in 0..method.alpha.len() {
            let mut env = if i == 0 {
                std::mem::take(&mut start)
            } else {
                let states = self.stage_states(method.a, i, &stages, &end, &start_states);
                let time = self.stage_time(method.alpha[i]);
                end.clone_from(&states);
                self.environment(time, &states)
            };
            let correction = if i == 0 { vec![NONE; n] } else { self.correction(method.c[i - 1], &stages, over_h) };
            let right: Vec<Sum> = (0..n)
                .map(|row| {
                    let mut sum = self.emitter.sum_of(&mut env, program.derivative[row]);
                    self.add_time_term(
                        &mut sum,
                        program.time_derivative[row],
                        method.gammas[i],
                        i == 0,
                        &mut env,
                        &environments,
                    );
                    if correction[row] != NONE {
                        sum.add(1.0, correction[row]);
                    }
                    sum
                })
                .collect();
            let k = self.solve(&factors, right);
            stages.push(k);
            environments.push(env);
        }
        let error = stages.pop().expect("a last stage");
        let new = self.combine(&end, &[1.0], std::slice::from_ref(&error), NONE);
        stages.push(error.clone());
        self.keep(&stages, 0..n);
        let mut fresh = Vec::new();
        for direction in 0..self.directions.len() {
            fresh.extend(self.rosenbrock_tangent(
                method,
                direction,
                &factors,
                over_h,
                &stages,
                &environments,
                &mut rest,
            ));
        }
        self.outputs(new, &error, method.order, rest, fresh, factors.flaw)
    }

    /// The states at stage `i`. A row of `a` that is the one before plus 1 for the newest stage (as in stiffly
    /// accurate methods) takes that shortcut, which saves work and is exact.
    fn stage_states(
        &mut self,
        a: &[&[f64]],
        i: usize,
        stages: &[Vec<Slot>],
        before: &[Slot],
        start: &[Slot],
    ) -> Vec<Slot> {
        let row = a[i - 1];
        if i >= 2 && row[..i - 1] == *a[i - 2] && row[i - 1] == 1.0 {
            self.combine(before, &[1.0], &stages[i - 1..], NONE)
        } else {
            self.combine(start, row, stages, NONE)
        }
    }

    /// `sum of c_ij k_j / h`
    fn correction(&mut self, c: &[f64], stages: &[Vec<Slot>], over_h: Slot) -> Vec<Slot> {
        (0..self.states.len())
            .map(|row| {
                let mut sum = Sum::default();
                for (&coefficient, stage) in c.iter().zip(stages) {
                    if stage[row] != NONE {
                        sum.add(coefficient, stage[row]);
                    }
                }
                if sum.linear.is_empty() { NONE } else { self.emitter.scaled_sum(sum, over_h) }
            })
            .collect()
    }

    /// Adds `h gamma_i df/dt`, the derivative being that at the beginning of the step.
    fn add_time_term(
        &mut self,
        sum: &mut Sum,
        derivative: Id,
        gamma: f64,
        first: bool,
        env: &mut Environment,
        environments: &[Environment],
    ) {
        if gamma == 0.0 || self.emitter.graph.as_constant(derivative) == Some(0.0) {
            return;
        }
        let value = if first {
            self.emitter.value(env, derivative)
        } else {
            environments[0].known(derivative).expect("taken at the first stage")
        };
        let mut scaled = Sum::default();
        scaled.add(gamma, STEP);
        let scaled = self.emitter.sum(scaled);
        sum.add_product(1.0, scaled, value);
    }

    /// Emits the factorisation of `I/(h gamma) - J` at the beginning of the step.
    fn factorise(&mut self, env: &mut Environment, gamma: f64, over_h: Slot) -> Factors {
        let plan = &self.program.lu;
        let mut pending: Vec<Sum> = vec![Sum::default(); plan.places.len()];
        let mut places: Vec<Option<(f64, Slot)>> = vec![None; plan.places.len()];
        let mut diagonal = Sum::default();
        diagonal.add(1.0 / gamma, over_h);
        let diagonal = self.emitter.sum(diagonal);
        // A pivot times its reciprocal is about 1, and not a number where one of the two is infinite. Added up on the way:
        // a pivot need not be kept.
        let mut shares = Sum::default();
        let index: HashMap<(u32, u32), usize> = plan.places.iter().enumerate().map(|(at, &e)| (e, at)).collect();
        for &(row, column, id) in &self.program.jacobian {
            let slot = self.emitter.value(env, id);
            pending[index[&(row, column)]].add(-1.0, slot);
        }
        for i in 0..plan.size as u32 {
            pending[index[&(i, i)]].add(1.0, diagonal);
        }
        for &step in &plan.factor {
            match step {
                lu::Step::Update { place, left, right } => {
                    let (left, right) =
                        (self.settle(&mut pending, &mut places, left), self.settle(&mut pending, &mut places, right));
                    pending[place as usize].add_product(-left.0 * right.0, left.1, right.1);
                }
                lu::Step::Invert { place } => {
                    let (sign, pivot) = self.settle(&mut pending, &mut places, place);
                    debug_assert!(sign > 0.0);
                    let inverse = self.emitter.reciprocal(pivot);
                    shares.add_product(1.0, pivot, inverse);
                    shares = Sum::of(self.emitter.sum(shares));
                    places[place as usize] = Some((1.0, inverse));
                }
                lu::Step::Scale { place, pivot } => {
                    let (_, inverse) = places[pivot as usize].expect("inverted before");
                    let sum = std::mem::take(&mut pending[place as usize]);
                    places[place as usize] =
                        Some(match (&sum.linear[..], sum.plus.is_empty() && sum.minus.is_empty()) {
                            (&[(sign, slot)], true) if sign.abs() == 1.0 => {
                                (sign, self.emitter.multiply(slot, inverse))
                            }
                            _ => (1.0, self.emitter.scaled_sum(sum, inverse)),
                        });
                }
            }
        }
        for place in 0..places.len() as u32 {
            self.settle(&mut pending, &mut places, place);
        }
        let shares = self.emitter.sum(shares);
        let flaw = self.emitter.subtract(shares, shares);
        Factors { places, flaw }
    }

    /// The value of a place that no further update will change.
    fn settle(&mut self, pending: &mut [Sum], places: &mut [Option<(f64, Slot)>], place: u32) -> (f64, Slot) {
        let at = place as usize;
        if let Some(value) = places[at] {
            return value;
        }
        let sum = std::mem::take(&mut pending[at]);
        let value = match (&sum.linear[..], sum.plus.is_empty() && sum.minus.is_empty()) {
            (&[(sign, slot)], true) if sign.abs() == 1.0 => (sign, slot),
            _ => (1.0, self.emitter.sum(sum)),
        };
        places[at] = Some(value);
        value
    }

    /// Solves with the factors. The forward substitution joins the sums of the right-hand side.
    fn solve(&mut self, factors: &Factors, mut right: Vec<Sum>) -> Vec<Slot> {
        let plan = &self.program.lu;
        let value = |place: u32| factors.places[place as usize].expect("factorised");
        let mut x: Vec<Slot> = vec![NONE; plan.size];
        let mut forward = plan.forward.iter().peekable();
        for (at, &column) in plan.order.iter().enumerate() {
            let sum = &right[column as usize];
            let empty = sum.constant == 0.0 && sum.linear.is_empty() && sum.plus.is_empty() && sum.minus.is_empty();
            // The last row of the forward pass goes straight into the back substitution.
            if !empty && at + 1 < plan.size {
                x[column as usize] = self.emitter.sum(sum.clone());
                right[column as usize] = Sum::of(x[column as usize]);
            }
            while let Some(update) = forward.next_if(|update| update.column == column) {
                if x[column as usize] != NONE {
                    let (sign, slot) = value(update.place);
                    right[update.row as usize].add_product(-sign, slot, x[column as usize]);
                }
            }
        }
        for row in &plan.backward {
            let mut sum = std::mem::take(&mut right[row.row as usize]);
            for update in &row.updates {
                if x[update.column as usize] != NONE {
                    let (sign, slot) = value(update.place);
                    sum.add_product(-sign, slot, x[update.column as usize]);
                }
            }
            let empty = sum.constant == 0.0 && sum.linear.is_empty() && sum.plus.is_empty() && sum.minus.is_empty();
            let (_, inverse) = value(row.pivot);
            x[row.row as usize] = if empty { NONE } else { self.emitter.scaled_sum(sum, inverse) };
        }
        x
    }

    fn explicit(&mut self, method: &Explicit) -> Vec<Slot> {
        let start_states = self.states.clone();
        let mut stages: Vec<Vec<Slot>> = Vec::new();
        let mut environments = Vec::new();
        let mut new = start_states.clone();
        let mut rest = NONE;
        for i in 0..method.c.len() {
            if i > 0 {
                new = self.combine(&start_states, method.a[i - 1], &stages, STEP);
            }
            let time = if i == 0 { TIME } else { self.stage_time(method.c[i]) };
            let mut env = self.environment(time, &new);
            let k = self.program.derivative.iter().map(|&id| self.emitter.value(&mut env, id)).collect();
            if i == 0 {
                rest = self.rest(&mut env);
            }
            stages.push(k);
            environments.push(env);
        }
        self.keep(&stages, 0..start_states.len());
        let none = vec![NONE; start_states.len()];
        let error = self.combine(&none, method.e, &stages, STEP);
        let mut fresh = Vec::new();
        for direction in 0..self.directions.len() {
            fresh.extend(self.explicit_tangent(method, direction, &environments, &mut rest));
        }
        self.outputs(new, &error, method.order, rest, fresh, NONE)
    }

    /// The mean over states of `(e / (atol + rtol max(|y|, |new|)))^2`.
    fn mean_square(&mut self, error: &[Slot], new: &[Slot]) -> Slot {
        let mut squares = Sum::default();
        for i in 0..new.len() {
            if error[i] == NONE {
                continue;
            }
            let scaled =
                self.emitter.scaled_error(error[i], self.states[i], new[i], self.settings.rtol, self.settings.atol[i]);
            squares.add_product(1.0, scaled, scaled);
        }
        let total = self.emitter.sum(squares);
        let mut mean = Sum::default();
        mean.add(1.0 / new.len().max(1) as f64, total);
        self.emitter.sum(mean)
    }

    /// `0.9 * error^(-1/order)`, the error being the root of the mean square.
    fn factor(&mut self, mean_square: Slot, order: f64) -> Slot {
        let least = self.emitter.constant(1e-30);
        let positive = self.emitter.binary(Binary::Max, mean_square, least);
        let logarithm = self.emitter.call(Function::Ln, positive);
        let mut exponent = Sum { constant: 0.9_f64.ln(), ..Sum::default() };
        exponent.add(-0.5 / order, logarithm);
        let exponent = self.emitter.sum(exponent);
        self.emitter.call(Function::Exp, exponent)
    }

    /// The largest derivative at the beginning of the step, each in units of its tolerance.
    fn rest(&mut self, start: &mut Environment) -> Slot {
        let mut largest = self.emitter.constant(0.0);
        if !self.settles {
            return largest;
        }
        for (i, &id) in self.program.derivative.iter().enumerate() {
            let f = self.emitter.value(start, id);
            let state = self.states[i];
            let scaled = self.emitter.scaled_error(f, state, state, self.settings.rtol, self.settings.atol[i]);
            let size = self.emitter.call(Function::Abs, scaled);
            largest = self.emitter.binary(Binary::Max, largest, size);
        }
        largest
    }

    /// All outputs in their order, each in a slot of its own. The step's factor comes last: its logarithm is a call,
    /// across which no value stays in a register.
    fn outputs(
        &mut self,
        new: Vec<Slot>,
        error: &[Slot],
        order: f64,
        rest: Slot,
        fresh: Vec<Slot>,
        flaw: Slot,
    ) -> Vec<Slot> {
        let mut mean_square = self.mean_square(error, &new);
        if flaw != NONE {
            // A stage behind an infinite pivot is 0, and so is its error: such a step must not pass.
            let mut sum = Sum::of(mean_square);
            sum.add(1.0, flaw);
            mean_square = self.emitter.sum(sum);
        }
        let mut outputs = new;
        outputs.push(mean_square);
        outputs.push(self.factor(mean_square, order));
        outputs.push(rest);
        outputs.extend(fresh);
        outputs.append(&mut self.kept);
        self.emitter.outputs(outputs)
    }

    /// Keeps the stages of those of the states `which`, or of their tangents, that are read.
    fn keep(&mut self, stages: &[Vec<Slot>], which: impl IntoIterator<Item = usize>) {
        let read = self.read;
        for at in which.into_iter().filter(|at| read.contains(at)) {
            for stage in stages {
                let slot = if stage[at] == NONE { self.emitter.constant(0.0) } else { stage[at] };
                self.kept.push(slot);
            }
        }
    }
}
