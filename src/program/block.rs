//! Straight-line code in static single assignment: what a graph becomes before an engine prints or runs it.

use crate::expr::{Binary, Function, Graph, Id, Node, Relation, Symbol};
use std::collections::HashMap;

/// The result of `ops[i]` in a [`Block`].
pub type Value = u32;

/// One operation. Truth values are 0 and 1 in the block's number type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    Constant(f64),
    Symbol(Symbol),
    Add(Value, Value),
    Sub(Value, Value),
    Mul(Value, Value),
    Div(Value, Value),
    /// `a * b + c`
    MulAdd(Value, Value, Value),
    /// `c - a * b`
    NegMulAdd(Value, Value, Value),
    Neg(Value),
    Call(Function, Value),
    Binary(Binary, Value, Value),
    Compare(Relation, Value, Value),
    /// `condition != 0 ? then : otherwise`
    Select(Value, Value, Value),
}

/// Operations in order; each refers to earlier ones only. `outputs[i]` is the value of the `i`-th root.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub ops: Vec<Op>,
    pub outputs: Vec<Value>,
}

impl Block {
    /// The block that computes `roots`. Shared parts are computed once; sums become chains of fused multiply-adds
    /// that start with a positive term; a quotient is one division of two products.
    pub fn new(graph: &Graph, roots: &[Id]) -> Block {
        let mut builder = Builder { block: Block::default(), known: HashMap::new() };
        let mut values: HashMap<Id, Value> = HashMap::new();
        for id in graph.reachable(roots.iter().copied()) {
            // A product that only sums use is folded into their multiply-adds; it is made when something asks for it.
            if !matches!(graph.node(id), Node::Product(_)) || roots.contains(&id) {
                builder.value(graph, id, &mut values);
            }
        }
        builder.block.outputs = roots.iter().map(|id| values[id]).collect();
        builder.block.without_dead()
    }

    /// The operands of an operation.
    pub fn operands(op: Op) -> impl Iterator<Item = Value> {
        let operands: [Option<Value>; 3] = match op {
            Op::Constant(_) | Op::Symbol(_) => [None; 3],
            Op::Neg(a) | Op::Call(_, a) => [Some(a), None, None],
            Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) | Op::Div(a, b) => [Some(a), Some(b), None],
            Op::Binary(_, a, b) | Op::Compare(_, a, b) => [Some(a), Some(b), None],
            Op::MulAdd(a, b, c) | Op::NegMulAdd(a, b, c) | Op::Select(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        operands.into_iter().flatten()
    }

    fn without_dead(self) -> Block {
        let mut live = vec![false; self.ops.len()];
        for &output in &self.outputs {
            live[output as usize] = true;
        }
        for at in (0..self.ops.len()).rev() {
            if live[at] {
                Block::operands(self.ops[at]).for_each(|v| live[v as usize] = true);
            }
        }
        let mut map = vec![0; self.ops.len()];
        let mut ops = Vec::new();
        for (at, op) in self.ops.into_iter().enumerate() {
            if live[at] {
                map[at] = ops.len() as Value;
                ops.push(renamed(op, &map));
            }
        }
        let outputs = self.outputs.into_iter().map(|v| map[v as usize]).collect();
        Block { ops, outputs }
    }
}

fn renamed(op: Op, map: &[Value]) -> Op {
    let m = |v: Value| map[v as usize];
    match op {
        Op::Constant(_) | Op::Symbol(_) => op,
        Op::Neg(a) => Op::Neg(m(a)),
        Op::Call(f, a) => Op::Call(f, m(a)),
        Op::Add(a, b) => Op::Add(m(a), m(b)),
        Op::Sub(a, b) => Op::Sub(m(a), m(b)),
        Op::Mul(a, b) => Op::Mul(m(a), m(b)),
        Op::Div(a, b) => Op::Div(m(a), m(b)),
        Op::Binary(f, a, b) => Op::Binary(f, m(a), m(b)),
        Op::Compare(f, a, b) => Op::Compare(f, m(a), m(b)),
        Op::MulAdd(a, b, c) => Op::MulAdd(m(a), m(b), m(c)),
        Op::NegMulAdd(a, b, c) => Op::NegMulAdd(m(a), m(b), m(c)),
        Op::Select(a, b, c) => Op::Select(m(a), m(b), m(c)),
    }
}

struct Builder {
    block: Block,
    known: HashMap<(u8, u64, u32, u32, u32), Value>,
}

impl Builder {
    /// Appends `op`, or finds the same one made before.
    fn push(&mut self, op: Op) -> Value {
        let key = key(op);
        if let Some(&value) = self.known.get(&key) {
            return value;
        }
        let value = self.block.ops.len() as Value;
        self.block.ops.push(op);
        self.known.insert(key, value);
        value
    }

    fn value(&mut self, graph: &Graph, id: Id, values: &mut HashMap<Id, Value>) -> Value {
        if let Some(&value) = values.get(&id) {
            return value;
        }
        let value = match graph.node(id) {
            Node::Constant(value) => self.push(Op::Constant(value.value())),
            Node::Symbol(symbol) => self.push(Op::Symbol(*symbol)),
            Node::Sum { constant, terms } => {
                let terms: Vec<(f64, Id)> = terms.iter().map(|&(c, id)| (c.value(), id)).collect();
                self.sum(graph, constant.value(), &terms, values)
            }
            Node::Product(factors) => {
                let above: Vec<_> = factors.iter().filter(|f| f.1 > 0).copied().collect();
                let below: Vec<_> = factors.iter().filter(|f| f.1 < 0).map(|f| (f.0, -f.1)).collect();
                let above = self.product(graph, &above, values);
                if below.is_empty() {
                    above
                } else {
                    let below = self.product(graph, &below, values);
                    self.push(Op::Div(above, below))
                }
            }
            &Node::Call(function, a) => {
                let a = self.value(graph, a, values);
                self.push(Op::Call(function, a))
            }
            &Node::Binary(op, a, b) => {
                let (a, b) = (self.value(graph, a, values), self.value(graph, b, values));
                self.push(Op::Binary(op, a, b))
            }
            &Node::Compare(relation, a, b) => {
                let (a, b) = (self.value(graph, a, values), self.value(graph, b, values));
                self.push(Op::Compare(relation, a, b))
            }
            &Node::Select { condition, then, otherwise } => {
                let condition = self.value(graph, condition, values);
                let (then, otherwise) = (self.value(graph, then, values), self.value(graph, otherwise, values));
                self.push(Op::Select(condition, then, otherwise))
            }
        };
        values.insert(id, value);
        value
    }

    /// The product of all factors with positive exponents; 1 if there is none.
    fn product(&mut self, graph: &Graph, factors: &[(Id, i32)], values: &mut HashMap<Id, Value>) -> Value {
        let mut product = None;
        for &(id, exponent) in factors {
            let factor = self.value(graph, id, values);
            let factor = self.integer_power(factor, exponent as u32);
            product = Some(match product {
                None => factor,
                Some(product) => self.push(Op::Mul(product, factor)),
            });
        }
        product.unwrap_or_else(|| self.push(Op::Constant(1.0)))
    }

    fn integer_power(&mut self, base: Value, exponent: u32) -> Value {
        if exponent == 1 {
            return base;
        }
        let half = self.integer_power(base, exponent / 2);
        let square = self.push(Op::Mul(half, half));
        if exponent.is_multiple_of(2) { square } else { self.push(Op::Mul(square, base)) }
    }

    fn sum(&mut self, graph: &Graph, constant: f64, terms: &[(f64, Id)], values: &mut HashMap<Id, Value>) -> Value {
        // Plain terms start the chain, products with two plain parts join as multiply-adds.
        let mut total: Option<Value> = (constant != 0.0).then(|| self.push(Op::Constant(constant)));
        let mut ordered: Vec<(f64, Id)> = terms.to_vec();
        ordered.sort_by_key(|&(c, id)| (c < 0.0, matches!(graph.node(id), Node::Product(_)), id));
        for (coefficient, id) in ordered {
            let split = match graph.node(id) {
                Node::Product(factors)
                    if !values.contains_key(&id) && factors.len() > 1 && factors.iter().all(|f| f.1 > 0) =>
                {
                    let (last, first) = factors.split_last().expect("not empty");
                    Some((self.product(graph, first, values), self.product(graph, &[*last], values)))
                }
                _ => None,
            };
            let unit = coefficient.abs() == 1.0;
            let (a, b) = match (split, unit) {
                (Some((a, b)), true) => (a, Some(b)),
                (Some((a, b)), false) => {
                    let c = self.push(Op::Constant(coefficient.abs()));
                    (self.push(Op::Mul(a, b)), Some(c))
                }
                (None, true) => (self.value(graph, id, values), None),
                (None, false) => {
                    let c = self.push(Op::Constant(coefficient.abs()));
                    (self.value(graph, id, values), Some(c))
                }
            };
            total = Some(match (total, b, coefficient > 0.0) {
                (None, None, true) => a,
                (None, None, false) => self.push(Op::Neg(a)),
                (None, Some(b), true) => self.push(Op::Mul(a, b)),
                (None, Some(b), false) => {
                    let a = self.push(Op::Mul(a, b));
                    self.push(Op::Neg(a))
                }
                (Some(total), None, true) => self.push(Op::Add(total, a)),
                (Some(total), None, false) => self.push(Op::Sub(total, a)),
                (Some(total), Some(b), true) => self.push(Op::MulAdd(a, b, total)),
                (Some(total), Some(b), false) => self.push(Op::NegMulAdd(a, b, total)),
            });
        }
        total.unwrap_or_else(|| self.push(Op::Constant(0.0)))
    }
}

/// What makes two operations the same.
fn key(op: Op) -> (u8, u64, u32, u32, u32) {
    let symbol = |s: Symbol| match s {
        Symbol::Time => (0, 0),
        Symbol::State(i) => (1, i),
        Symbol::Parameter(i) => (2, i),
        Symbol::Switch(i) => (3, i),
        Symbol::Tangent(i) => (4, i),
        Symbol::Vector(i) => (5, i),
        Symbol::Slot(i) => (6, i),
    };
    match op {
        Op::Constant(v) => (0, v.to_bits(), 0, 0, 0),
        Op::Symbol(s) => (1, 0, symbol(s).0, symbol(s).1, 0),
        Op::Add(a, b) => (2, 0, a.min(b), a.max(b), 0),
        Op::Sub(a, b) => (3, 0, a, b, 0),
        Op::Mul(a, b) => (4, 0, a.min(b), a.max(b), 0),
        Op::Div(a, b) => (5, 0, a, b, 0),
        Op::MulAdd(a, b, c) => (6, 0, a.min(b), a.max(b), c),
        Op::NegMulAdd(a, b, c) => (7, 0, a.min(b), a.max(b), c),
        Op::Neg(a) => (8, 0, a, 0, 0),
        Op::Call(f, a) => (9, f as u64, a, 0, 0),
        Op::Binary(f, a, b) => (10, f as u64, a, b, 0),
        Op::Compare(f, a, b) => (11, f as u64, a, b, 0),
        Op::Select(a, b, c) => (12, 0, a, b, c),
    }
}
