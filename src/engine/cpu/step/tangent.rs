//! Forward sensitivities: the derivative of the step itself, with its size held.

use super::{Builder, Factors};
use crate::engine::cpu::emit::{Environment, Sum};
use crate::engine::cpu::step::{STATES, STEP};
use crate::engine::cpu::tape::{NONE, Slot};
use crate::engine::method::{Explicit, Rosenbrock};
use crate::expr::{Binary, Function, Graph, Id, Relation, Symbol};
use crate::program::Program;

/// Which components of the sensitivities can be other than 0, by direction.
#[derive(Debug, Clone, Default)]
pub struct Tangents {
    /// The input that each direction differentiates by.
    pub inputs: Vec<u32>,
    /// `(direction, state)` of each tangent slot, in order.
    pub components: Vec<(u32, u32)>,
}

impl Tangents {
    /// A sensitivity is structurally 0 unless the input acts on the state, directly or through other states.
    pub fn new(program: &Program, inputs: &[u32]) -> Tangents {
        let graph = &program.graph;
        let mut components = Vec::new();
        for (direction, &input) in inputs.iter().enumerate() {
            let symbol = Symbol::Parameter(input);
            let acts = |id: Id| graph.symbols([id]).contains(&symbol);
            let mut reached: Vec<bool> =
                (0..program.states.len()).map(|i| acts(program.derivative[i]) || acts(program.initial[i])).collect();
            loop {
                let before = reached.iter().filter(|r| **r).count();
                for &(row, column, _) in &program.jacobian {
                    if reached[column as usize] {
                        reached[row as usize] = true;
                    }
                }
                if reached.iter().filter(|r| **r).count() == before {
                    break;
                }
            }
            for state in (0..reached.len()).filter(|&state| reached[state]) {
                components.push((direction as u32, state as u32));
            }
        }
        Tangents { inputs: inputs.to_vec(), components }
    }

    pub fn slot(&self, direction: usize, state: usize) -> Option<usize> {
        self.components.binary_search(&(direction as u32, state as u32)).ok()
    }

    /// The derivative of `id` along `direction`, with `Symbol::Tangent` for the sensitivities of the states.
    pub fn along(&self, graph: &mut Graph, id: Id, direction: usize) -> Id {
        let mut terms = Vec::new();
        for symbol in graph.symbols([id]) {
            match symbol {
                Symbol::State(state) if self.slot(direction, state as usize).is_some() => {
                    let mut partial = graph.derivative(id, symbol);
                    let tangent = graph.symbol(Symbol::Tangent(state));
                    if graph.is_wild(partial) {
                        // A state that the input does not move passes nothing on, be its slope infinite; infinite
                        // times what is not 0 stays so, and is refused as a gradient.
                        let zero = graph.constant(0.0);
                        let still = graph.compare(Relation::Equal, tangent, zero);
                        partial = graph.select(still, zero, partial);
                    }
                    terms.push((1.0, graph.mul(partial, tangent)));
                }
                Symbol::Parameter(at) if at == self.inputs[direction] => {
                    terms.push((1.0, graph.derivative(id, symbol)));
                }
                _ => {}
            }
        }
        graph.sum(0.0, &terms)
    }
}

/// Expressions of the tangent equations along one direction.
pub(super) struct Direction {
    /// Along the direction: the derivative of each right-hand side, …
    pub f: Vec<Id>,
    /// … of each Jacobian entry, and of each time derivative.
    pub jacobian: Vec<Id>,
    pub time: Vec<Id>,
}

impl Builder<'_> {
    /// One direction of the tangent-linear method of Sandu, Daescu & Carmichael (Atmospheric Environment 37, 5083,
    /// 2003): the derivative of the step itself, sharing its factors.
    #[allow(clippy::too_many_arguments, reason = "all of them are parts of the step being built")]
    pub(super) fn rosenbrock_tangent(
        &mut self,
        method: &Rosenbrock,
        direction: usize,
        factors: &Factors,
        over_h: Slot,
        stages: &[Vec<Slot>],
        environments: &[Environment],
        rest: &mut Slot,
    ) -> Vec<Slot> {
        let n = self.states.len();
        let along = &self.directions[direction];
        let start = self.tangent_slots(direction);
        let mut at_start = environments[0].with(self.tangent_symbols(&start));
        self.tangent_rest(&mut at_start, direction, rest);
        let jacobian: Vec<Option<Slot>> = along
            .jacobian
            .iter()
            .map(|&id| {
                let zero = self.emitter.graph.as_constant(id) == Some(0.0);
                (!zero).then(|| self.emitter.value(&mut at_start, id))
            })
            .collect();
        let time: Vec<Option<Slot>> = along
            .time
            .iter()
            .map(|&id| {
                let zero = self.emitter.graph.as_constant(id) == Some(0.0);
                (!zero).then(|| self.emitter.value(&mut at_start, id))
            })
            .collect();
        let mut tangent_stages: Vec<Vec<Slot>> = Vec::new();
        let mut end = start.clone();
        for i in 0..method.alpha.len() {
            let states = match i {
                0 => start.clone(),
                _ => self.stage_states(method.a, i, &tangent_stages, &end, &start),
            };
            let mut env = environments[i].with(self.tangent_symbols(&states));
            let correction =
                if i == 0 { vec![NONE; n] } else { self.correction(method.c[i - 1], &tangent_stages, over_h) };
            let mut right: Vec<Sum> = (0..n).map(|row| self.emitter.sum_of(&mut env, along.f[row])).collect();
            for (&(row, column, _), &slope) in self.program.jacobian.iter().zip(&jacobian) {
                if let (Some(slope), true) = (slope, stages[i][column as usize] != NONE) {
                    right[row as usize].add_product(1.0, slope, stages[i][column as usize]);
                }
            }
            for row in 0..n {
                if let (Some(slope), true) = (time[row], method.gammas[i] != 0.0) {
                    let mut scaled = Sum::default();
                    scaled.add(method.gammas[i], STEP);
                    let scaled = self.emitter.sum(scaled);
                    right[row].add_product(1.0, scaled, slope);
                }
                if correction[row] != NONE {
                    right[row].add(1.0, correction[row]);
                }
            }
            tangent_stages.push(self.solve(factors, right));
            end = states;
        }
        let components = self.components(direction);
        self.keep(&tangent_stages, components);
        let last = tangent_stages.pop().expect("a last stage");
        let new = self.combine(&end, &[1.0], &[last], NONE);
        self.tangent_outputs(direction, &new)
    }

    /// One direction of an explicit step.
    pub(super) fn explicit_tangent(
        &mut self,
        method: &Explicit,
        direction: usize,
        environments: &[Environment],
        rest: &mut Slot,
    ) -> Vec<Slot> {
        let start = self.tangent_slots(direction);
        let mut stages: Vec<Vec<Slot>> = Vec::new();
        let mut states = start.clone();
        // The last stage serves the error estimate, and readings inside the step.
        let last = method.c.len() - 1;
        for i in 0..=last {
            if i > 0 {
                states = self.combine(&start, method.a[i - 1], &stages, STEP);
            }
            if i == last && self.read.is_empty() {
                break;
            }
            let mut env = environments[i].with(self.tangent_symbols(&states));
            if i == 0 {
                self.tangent_rest(&mut env, direction, rest);
            }
            let f: Vec<Id> = self.directions[direction].f.clone();
            let k = f
                .into_iter()
                .map(|id| match self.emitter.graph.as_constant(id) {
                    Some(0.0) => NONE,
                    _ => self.emitter.value(&mut env, id),
                })
                .collect();
            stages.push(k);
        }
        let components = self.components(direction);
        self.keep(&stages, components);
        self.tangent_outputs(direction, &states)
    }

    /// Raises `rest` to the largest derivative of a sensitivity, per relative change of its input, in units of the
    /// state's tolerance: a state may stand still before its sensitivities do.
    fn tangent_rest(&mut self, env: &mut Environment, direction: usize, rest: &mut Slot) {
        if !self.settles {
            return;
        }
        let input = self.emitter.graph.symbol(Symbol::Parameter(self.tangents.inputs[direction]));
        let input = self.emitter.value(env, input);
        for state in 0..self.states.len() {
            if self.tangents.slot(direction, state).is_none() {
                continue;
            }
            let slope = self.emitter.value(env, self.directions[direction].f[state]);
            let change = self.emitter.multiply(slope, input);
            let at = self.states[state];
            let scaled = self.emitter.scaled_error(change, at, at, self.settings.rtol, self.settings.atol[state]);
            let size = self.emitter.call(Function::Abs, scaled);
            *rest = self.emitter.binary(Binary::Max, *rest, size);
        }
    }

    fn tangent_slots(&self, direction: usize) -> Vec<Slot> {
        let first = STATES as usize + self.states.len();
        (0..self.states.len())
            .map(|state| self.tangents.slot(direction, state).map_or(NONE, |at| (first + at) as Slot))
            .collect()
    }

    fn tangent_symbols(&self, slots: &[Slot]) -> Vec<(Symbol, Slot)> {
        let symbols = slots.iter().enumerate().filter(|(_, slot)| **slot != NONE);
        symbols.map(|(state, &slot)| (Symbol::Tangent(state as u32), slot)).collect()
    }

    /// The states whose sensitivity along `direction` can be other than 0.
    fn components(&self, direction: usize) -> Vec<usize> {
        (0..self.states.len()).filter(|&state| self.tangents.slot(direction, state).is_some()).collect()
    }

    fn tangent_outputs(&mut self, direction: usize, new: &[Slot]) -> Vec<Slot> {
        self.components(direction)
            .into_iter()
            .map(|state| if new[state] == NONE { self.emitter.constant(0.0) } else { new[state] })
            .collect()
    }
}
