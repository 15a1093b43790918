//! From expressions to a tape.
//!
//! What depends on the lane's inputs (and switches) alone is *static*: it is not computed in the step but handed to
//! it, and only computed when a lane enters or its inputs change. Products and sums are split so that their static
//! part is one such value.

use super::tape::{Instruction, NONE, Slot, Tape};
use crate::expr::{Binary, Function, Graph, Id, Node, Relation, Symbol};
use std::collections::{HashMap, HashSet};

/// What the symbols are at some point of the step. Expressions are remembered by environment.
#[derive(Debug, Default)]
pub struct Environment {
    symbols: HashMap<Symbol, Slot>,
    values: HashMap<Id, Slot>,
}

impl Environment {
    pub fn new(symbols: impl IntoIterator<Item = (Symbol, Slot)>) -> Self {
        Environment { symbols: symbols.into_iter().collect(), values: HashMap::new() }
    }

    /// This environment with further symbols; what was computed here is not computed again.
    pub fn with(&self, symbols: impl IntoIterator<Item = (Symbol, Slot)>) -> Self {
        let mut env = Environment { symbols: self.symbols.clone(), values: self.values.clone() };
        env.symbols.extend(symbols);
        env
    }

    /// The slot of an expression that has been computed here.
    pub fn known(&self, id: Id) -> Option<Slot> {
        self.values.get(&id).copied()
    }
}

/// A sum under construction: `constant + sum of coefficient*slot + sum of ±slot*slot`.
#[derive(Debug, Default, Clone)]
pub struct Sum {
    pub constant: f64,
    pub linear: Vec<(f64, Slot)>,
    pub plus: Vec<(Slot, Slot)>,
    pub minus: Vec<(Slot, Slot)>,
}

impl Sum {
    pub fn of(slot: Slot) -> Sum {
        Sum { linear: vec![(1.0, slot)], ..Sum::default() }
    }

    pub fn add(&mut self, coefficient: f64, slot: Slot) {
        if coefficient != 0.0 {
            self.linear.push((coefficient, slot));
        }
    }

    pub fn add_product(&mut self, sign: f64, a: Slot, b: Slot) {
        if sign > 0.0 { self.plus.push((a, b)) } else { self.minus.push((a, b)) }
    }
}

pub struct Emitter {
    pub graph: Graph,
    tape: Tape,
    /// Static expressions and the inputs of the tape that hold them; `None` where everything is computed.
    statics: Option<Statics>,
    constants: HashMap<u64, Slot>,
    /// How often an expression is used, over all that will be emitted.
    uses: HashMap<Id, u32>,
    /// How many products divide by an expression.
    divisors: HashMap<Id, u32>,
}

#[derive(Default)]
struct Statics {
    is_static: HashMap<Id, bool>,
    wanted: Vec<Id>,
    slots: HashMap<Id, Slot>,
}

impl Emitter {
    /// `inputs` slots are given from outside. With `hoist`, static expressions become further inputs, which
    /// [`Emitter::finish`] names.
    pub fn new(graph: Graph, roots: &[Id], inputs: usize, hoist: bool) -> Emitter {
        let mut emitter = Emitter {
            graph,
            tape: Tape { slots: inputs, ..Tape::default() },
            statics: hoist.then(Statics::default),
            constants: HashMap::new(),
            uses: HashMap::new(),
            divisors: HashMap::new(),
        };
        for id in emitter.graph.reachable(roots.iter().copied()) {
            for child in emitter.graph.children(id) {
                *emitter.uses.entry(child).or_default() += 1;
            }
            if let Node::Product(factors) = emitter.graph.node(id) {
                for &(factor, exponent) in factors {
                    if exponent < 0 {
                        *emitter.divisors.entry(factor).or_default() += 1;
                    }
                }
            }
        }
        for &root in roots {
            *emitter.uses.entry(root).or_default() += 1;
        }
        emitter
    }

    /// The tape with its outputs, and the static expressions in the order of the slots that follow the inputs.
    /// Slots: inputs, statics, constants, outputs, the rest.
    pub fn finish(mut self, inputs: usize, outputs: Vec<Slot>) -> (Tape, Graph, Vec<Id>) {
        self.tape.outputs = outputs;
        let wanted = self.statics.map(|s| (s.wanted, s.slots)).unwrap_or_default();
        // Statics were numbered as they were met; they become the first registers after the inputs.
        let order: HashMap<Slot, Slot> =
            wanted.0.iter().enumerate().map(|(at, id)| (wanted.1[id], (inputs + at) as Slot)).collect();
        let count = order.len();
        let mut next = (inputs + count) as Slot;
        let map: Vec<Slot> = (0..self.tape.slots as Slot)
            .map(|slot| {
                if (slot as usize) < inputs {
                    return slot;
                }
                order.get(&slot).copied().unwrap_or_else(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        self.tape.rename(&map);
        (self.tape.allocate(inputs + count), self.graph, wanted.0)
    }

    fn register(&mut self) -> Slot {
        self.tape.slots += 1;
        self.tape.slots as Slot - 1
    }

    fn push(&mut self, make: impl FnOnce(Slot) -> Instruction) -> Slot {
        let to = self.register();
        self.tape.code.push(make(to));
        to
    }

    pub fn constant(&mut self, value: f64) -> Slot {
        if let Some(&slot) = self.constants.get(&value.to_bits()) {
            return slot;
        }
        let slot = self.register();
        self.tape.constants.push((slot, value));
        self.constants.insert(value.to_bits(), slot);
        slot
    }

    pub fn sum(&mut self, sum: Sum) -> Slot {
        self.scaled_sum(sum, NONE)
    }

    /// `sum * scale`.
    pub fn scaled_sum(&mut self, sum: Sum, scale: Slot) -> Slot {
        match (&sum.linear[..], &sum.plus[..], &sum.minus[..]) {
            ([], [], []) if scale == NONE => return self.constant(sum.constant),
            (&[(1.0, a)], [], []) if sum.constant == 0.0 => {
                return if scale == NONE { a } else { self.multiply(a, scale) };
            }
            (&[(1.0, a), (1.0, b)], [], []) if sum.constant == 0.0 && scale == NONE => {
                return self.push(|to| Instruction::Add { to, a, b });
            }
            (&[(1.0, a), (-1.0, b)], [], []) if sum.constant == 0.0 && scale == NONE => {
                return self.push(|to| Instruction::Sub { to, a, b });
            }
            ([], &[(a, b)], []) if sum.constant == 0.0 && scale == NONE => return self.multiply(a, b),
            _ => {}
        }
        let at = self.tape.operands.len() as u32;
        let numbers = self.tape.numbers.len() as u32;
        self.tape.numbers.push(sum.constant);
        for &(coefficient, slot) in &sum.linear {
            self.tape.numbers.push(coefficient);
            self.tape.operands.push(slot);
        }
        for &(a, b) in sum.plus.iter().chain(&sum.minus) {
            self.tape.operands.extend([a, b]);
        }
        let (linear, plus, minus) = (sum.linear.len() as u16, sum.plus.len() as u16, sum.minus.len() as u16);
        self.push(|to| Instruction::Sum { to, at, numbers, linear, plus, minus, scale })
    }

    pub fn multiply(&mut self, a: Slot, b: Slot) -> Slot {
        self.product(&[a, b])
    }

    fn product(&mut self, factors: &[Slot]) -> Slot {
        match factors {
            [] => self.constant(1.0),
            [one] => *one,
            _ => {
                let at = self.tape.operands.len() as u32;
                self.tape.operands.extend(factors);
                self.push(|to| Instruction::Product { to, at, count: factors.len() as u16 })
            }
        }
    }

    /// A register for an output: `slot` itself if an instruction makes it and it is not yet among `taken`, else a
    /// copy.
    pub fn output(&mut self, slot: Slot, taken: &[Slot]) -> Slot {
        if !taken.contains(&slot) && (0..self.tape.code.len()).rev().any(|at| self.tape.target(at) == slot) {
            return slot;
        }
        self.product_of_one(slot)
    }

    /// [`Emitter::output`] for all of `slots`, in their order.
    pub fn outputs(&mut self, slots: Vec<Slot>) -> Vec<Slot> {
        let made: HashSet<Slot> = (0..self.tape.code.len()).map(|at| self.tape.target(at)).collect();
        let mut taken = HashSet::new();
        slots
            .into_iter()
            .map(|slot| {
                if made.contains(&slot) && taken.insert(slot) {
                    return slot;
                }
                self.product_of_one(slot)
            })
            .collect()
    }

    /// A copy.
    fn product_of_one(&mut self, slot: Slot) -> Slot {
        let at = self.tape.operands.len() as u32;
        self.tape.operands.push(slot);
        self.push(|to| Instruction::Product { to, at, count: 1 })
    }

    pub fn reciprocal(&mut self, a: Slot) -> Slot {
        self.push(|to| Instruction::Reciprocal { to, a })
    }

    pub fn subtract(&mut self, a: Slot, b: Slot) -> Slot {
        self.push(|to| Instruction::Sub { to, a, b })
    }

    pub fn binary(&mut self, op: Binary, a: Slot, b: Slot) -> Slot {
        self.push(|to| Instruction::Binary { to, op, a, b })
    }

    pub fn call(&mut self, function: Function, a: Slot) -> Slot {
        self.push(|to| Instruction::Call { to, function, a })
    }

    pub fn compare(&mut self, relation: Relation, a: Slot, b: Slot) -> Slot {
        self.push(|to| Instruction::Compare { to, relation, a, b })
    }

    pub fn scaled_error(&mut self, error: Slot, a: Slot, b: Slot, rtol: f64, atol: f64) -> Slot {
        let numbers = self.tape.numbers.len() as u32;
        self.tape.numbers.extend([rtol, atol]);
        self.push(|to| Instruction::Scaled { to, error, a, b, numbers })
    }

    /// Whether `id` depends on inputs and switches alone (and there is something to hoist).
    fn is_static(&mut self, id: Id) -> bool {
        let Some(statics) = &self.statics else { return false };
        if let Some(&known) = statics.is_static.get(&id) {
            return known;
        }
        let is_static = match self.graph.node(id) {
            Node::Constant(_) => false,
            Node::Symbol(symbol) => matches!(symbol, Symbol::Parameter(_) | Symbol::Switch(_)),
            _ => {
                let children = self.graph.children(id);
                children.into_iter().all(|child| self.graph.as_constant(child).is_some() || self.is_static(child))
            }
        };
        if let Some(statics) = &mut self.statics {
            statics.is_static.insert(id, is_static);
        }
        is_static
    }

    fn static_slot(&mut self, id: Id) -> Slot {
        if let Some(&slot) = self.statics.as_ref().and_then(|s| s.slots.get(&id)) {
            return slot;
        }
        let slot = self.register();
        if let Some(statics) = &mut self.statics {
            statics.slots.insert(id, slot);
            statics.wanted.push(id);
        }
        slot
    }

    /// The slot that holds `id` in `env`.
    pub fn value(&mut self, env: &mut Environment, id: Id) -> Slot {
        if let Some(&slot) = env.values.get(&id) {
            return slot;
        }
        let slot = if self.is_static(id) { self.static_slot(id) } else { self.compute(env, id) };
        env.values.insert(id, slot);
        slot
    }

    fn compute(&mut self, env: &mut Environment, id: Id) -> Slot {
        match self.graph.node(id).clone() {
            Node::Constant(value) => self.constant(value.value()),
            Node::Symbol(symbol) => {
                *env.symbols.get(&symbol).unwrap_or_else(|| panic!("{symbol:?} has no slot in this environment"))
            }
            Node::Sum { .. } => {
                let sum = self.sum_of(env, id);
                self.sum(sum)
            }
            Node::Product(factors) => {
                let parts = self.factors(env, &factors);
                self.product(&parts)
            }
            Node::Call(function, a) => {
                let a = self.value(env, a);
                self.call(function, a)
            }
            Node::Binary(op, a, b) => {
                let (a, b) = (self.value(env, a), self.value(env, b));
                self.binary(op, a, b)
            }
            Node::Compare(relation, a, b) => {
                let (a, b) = (self.value(env, a), self.value(env, b));
                self.compare(relation, a, b)
            }
            Node::Select { condition, then, otherwise } => {
                let condition = self.value(env, condition);
                let (then, otherwise) = (self.value(env, then), self.value(env, otherwise));
                self.push(|to| Instruction::Select { to, condition, then, otherwise })
            }
        }
    }

    /// The factors of a product as slots: the static part as one, a quotient that nobody shares as one division.
    fn factors(&mut self, env: &mut Environment, factors: &[(Id, i32)]) -> Vec<Slot> {
        let (fixed, moving): (Vec<_>, Vec<_>) = factors.iter().copied().partition(|&(id, _)| self.is_static(id));
        let mut parts = Vec::new();
        if !fixed.is_empty() {
            let part = self.graph.product(&fixed);
            parts.push(self.value(env, part));
        }
        let mut below = Vec::new();
        for (id, exponent) in moving {
            let base = self.value(env, id);
            let shared = exponent < 0 && self.divisors.get(&id).copied().unwrap_or(0) > 1;
            if exponent > 0 {
                let power = self.integer_power(base, exponent as u32);
                parts.push(power);
            } else if shared {
                let one_over = self.graph.product(&[(id, -1)]);
                let inverse = match env.values.get(&one_over) {
                    Some(&slot) => slot,
                    None => {
                        let slot = self.reciprocal(base);
                        env.values.insert(one_over, slot);
                        slot
                    }
                };
                let power = self.integer_power(inverse, (-exponent) as u32);
                parts.push(power);
            } else {
                let power = self.integer_power(base, (-exponent) as u32);
                below.push(power);
            }
        }
        if !below.is_empty() {
            let below = self.product(&below);
            let whole = if parts.is_empty() {
                self.reciprocal(below)
            } else {
                let above = self.product(&parts);
                self.push(|to| Instruction::Divide { to, a: above, b: below })
            };
            parts = vec![whole];
        }
        parts
    }

    fn integer_power(&mut self, base: Slot, exponent: u32) -> Slot {
        match exponent {
            1 => base,
            2..=4 => self.product(&vec![base; exponent as usize]),
            _ => {
                let half = self.integer_power(base, exponent / 2);
                if exponent.is_multiple_of(2) { self.multiply(half, half) } else { self.product(&[half, half, base]) }
            }
        }
    }

    /// `id` as a sum that can still be added to.
    pub fn sum_of(&mut self, env: &mut Environment, id: Id) -> Sum {
        if let Some(value) = self.graph.as_constant(id) {
            return Sum { constant: value, ..Sum::default() };
        }
        if self.is_static(id) {
            return Sum::of(self.value(env, id));
        }
        let Node::Sum { constant, terms } = self.graph.node(id).clone() else {
            let mut sum = Sum::default();
            self.add_term(env, &mut sum, 1.0, id);
            return sum;
        };
        let mut sum = Sum { constant: constant.value(), ..Sum::default() };
        let (fixed, moving): (Vec<_>, Vec<_>) = terms.iter().copied().partition(|&(_, id)| self.is_static(id));
        if !fixed.is_empty() {
            let fixed: Vec<_> = fixed.iter().map(|&(c, id)| (c.value(), id)).collect();
            let part = self.graph.sum(std::mem::take(&mut sum.constant), &fixed);
            let slot = self.value(env, part);
            sum.add(1.0, slot);
        }
        for (coefficient, id) in moving {
            self.add_term(env, &mut sum, coefficient.value(), id);
        }
        sum
    }

    /// Adds `coefficient * id`, where a product that is used nowhere else joins as a pair.
    fn add_term(&mut self, env: &mut Environment, sum: &mut Sum, coefficient: f64, id: Id) {
        let single = self.uses.get(&id).copied().unwrap_or(0) <= 1 && !env.values.contains_key(&id);
        let Node::Product(factors) = self.graph.node(id).clone() else {
            let slot = self.value(env, id);
            return sum.add(coefficient, slot);
        };
        let has_static = factors.iter().any(|&(id, _)| self.is_static(id));
        let mut factors = factors.to_vec();
        let mut sign = coefficient;
        if single && has_static && coefficient.abs() != 1.0 {
            // The number disappears in the static part.
            let (fixed, moving): (Vec<_>, Vec<_>) = factors.iter().copied().partition(|&(id, _)| self.is_static(id));
            factors = moving;
            let part = self.graph.product(&fixed);
            let part = self.graph.scale(coefficient.abs(), part);
            factors.push((part, 1));
            sign = coefficient.signum();
        }
        if !single || sign.abs() != 1.0 {
            let slot = self.value(env, id);
            return sum.add(coefficient, slot);
        }
        let parts = self.factors(env, &factors);
        match parts[..] {
            [one] => sum.add(sign, one),
            [a, b] => sum.add_product(sign, a, b),
            [first, ref rest @ ..] => {
                let rest = self.product(rest);
                sum.add_product(sign, first, rest);
            }
            [] => sum.constant += sign,
        }
    }
}
