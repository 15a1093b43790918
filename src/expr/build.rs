//! Making nodes, with the algebra that is done on the way.

use super::graph::{Binary, Bits, Function, Graph, Id, Node, Relation, Symbol};
use super::power;
use std::collections::HashMap;

/// Exponents up to this size become products; beyond, a power is called.
const LARGEST_PRODUCT_EXPONENT: f64 = 16.0;

/// Exponents in a product stay within this.
const HUGE_EXPONENT: i32 = 1 << 20;

fn whole_power(base: f64, exponent: i64) -> f64 {
    i32::try_from(exponent).map_or_else(|_| base.powf(exponent as f64), |exponent| base.powi(exponent))
}

impl Graph {
    pub fn constant(&mut self, value: f64) -> Id {
        self.intern(Node::Constant(Bits::new(value)))
    }

    pub fn symbol(&mut self, symbol: Symbol) -> Id {
        self.intern(Node::Symbol(symbol))
    }

    /// `constant + sum of coefficient * term`.
    pub fn sum(&mut self, constant: f64, terms: &[(f64, Id)]) -> Id {
        let mut constant = constant;
        let mut flat: Vec<(f64, Id)> = Vec::with_capacity(terms.len());
        for &(coefficient, id) in terms {
            match self.node(id) {
                Node::Constant(value) => constant += coefficient * value.value(),
                Node::Sum { constant: inner, terms } => {
                    constant += coefficient * inner.value();
                    flat.extend(terms.iter().map(|&(c, id)| (coefficient * c.value(), id)));
                }
                _ => flat.push((coefficient, id)),
            }
        }
        flat.sort_by_key(|&(_, id)| id);
        let mut merged: Vec<(f64, Id)> = Vec::with_capacity(flat.len());
        for (coefficient, id) in flat {
            match merged.last_mut() {
                Some(last) if last.1 == id => last.0 += coefficient,
                _ => merged.push((coefficient, id)),
            }
        }
        merged.retain(|&(coefficient, _)| coefficient != 0.0);
        match merged[..] {
            [] => self.constant(constant),
            [(1.0, id)] if constant == 0.0 => id,
            _ => self.intern(Node::Sum {
                constant: Bits::new(constant),
                terms: merged.into_iter().map(|(c, id)| (Bits::new(c), id)).collect(),
            }),
        }
    }

    pub fn add(&mut self, a: Id, b: Id) -> Id {
        self.sum(0.0, &[(1.0, a), (1.0, b)])
    }

    pub fn sub(&mut self, a: Id, b: Id) -> Id {
        self.sum(0.0, &[(1.0, a), (-1.0, b)])
    }

    pub fn neg(&mut self, a: Id) -> Id {
        self.sum(0.0, &[(-1.0, a)])
    }

    pub fn scale(&mut self, coefficient: f64, a: Id) -> Id {
        self.sum(0.0, &[(coefficient, a)])
    }

    /// `product of factor^exponent`. A factor that is a scaled single term gives its coefficient to the whole.
    pub fn product(&mut self, factors: &[(Id, i32)]) -> Id {
        let mut coefficient = 1.0;
        let mut flat: Vec<(Id, i64)> = Vec::with_capacity(factors.len());
        let mut stack: Vec<(Id, i64)> = factors.iter().rev().map(|&(id, e)| (id, i64::from(e))).collect();
        while let Some((id, exponent)) = stack.pop() {
            match self.node(id) {
                _ if exponent == 0 => {}
                Node::Constant(value) => coefficient *= whole_power(value.value(), exponent),
                Node::Sum { constant, terms } if constant.value() == 0.0 && terms.len() == 1 => {
                    coefficient *= whole_power(terms[0].0.value(), exponent);
                    stack.push((terms[0].1, exponent));
                }
                Node::Product(inner) => stack.extend(inner.iter().map(|&(id, e)| (id, i64::from(e) * exponent))),
                _ => flat.push((id, exponent)),
            }
        }
        if coefficient == 0.0 {
            return self.constant(0.0);
        }
        flat.sort_by_key(|&(id, _)| id);
        let mut merged: Vec<(Id, i64)> = Vec::with_capacity(flat.len());
        for (id, exponent) in flat {
            match merged.last_mut() {
                Some(last) if last.0 == id => last.1 += exponent,
                _ => merged.push((id, exponent)),
            }
        }
        merged.retain(|&(_, exponent)| exponent != 0);
        let mut merged: Vec<(Id, i32)> = merged.into_iter().map(|(id, e)| self.bounded(id, e)).collect();
        merged.sort_by_key(|&(id, _)| id);
        let product = match merged[..] {
            [] => return self.constant(coefficient),
            [(id, 1)] => id,
            _ => self.intern(Node::Product(merged.into())),
        };
        self.sum(0.0, &[(coefficient, product)])
    }

    /// A factor whose exponent leaves room for further products: a huge one becomes a power.
    fn bounded(&mut self, id: Id, exponent: i64) -> (Id, i32) {
        match i32::try_from(exponent) {
            Ok(small) if small.abs() <= HUGE_EXPONENT => (id, small),
            _ => {
                let exponent = self.constant(exponent as f64);
                (self.intern(Node::Binary(Binary::Power, id, exponent)), 1)
            }
        }
    }

    pub fn mul(&mut self, a: Id, b: Id) -> Id {
        self.product(&[(a, 1), (b, 1)])
    }

    pub fn div(&mut self, a: Id, b: Id) -> Id {
        self.product(&[(a, 1), (b, -1)])
    }

    pub fn power(&mut self, base: Id, exponent: Id) -> Id {
        match (self.as_constant(base), self.as_constant(exponent)) {
            (Some(base), Some(exponent)) => self.constant(power(base, exponent)),
            (_, Some(0.5)) => self.half_power(base),
            (_, Some(e)) if e == e.trunc() && e.abs() <= LARGEST_PRODUCT_EXPONENT => self.product(&[(base, e as i32)]),
            (Some(1.0), _) => base,
            _ => self.intern(Node::Binary(Binary::Power, base, exponent)),
        }
    }

    /// `base^0.5`: a root, but 0 below 0 like every other power that is not whole.
    fn half_power(&mut self, base: Id) -> Id {
        let (zero, root) = (self.constant(0.0), self.call(Function::Sqrt, base));
        let negative = self.compare(Relation::Less, base, zero);
        self.select(negative, zero, root)
    }

    pub fn call(&mut self, function: Function, a: Id) -> Id {
        if let Some(value) = self.as_constant(a) {
            return self.constant(function.apply(value));
        }
        match (function, self.node(a)) {
            (Function::Exp, &Node::Call(Function::Ln, inner)) => inner,
            (Function::Ln, &Node::Call(Function::Exp, inner)) => inner,
            (Function::Not, &Node::Compare(Relation::Less, x, y)) => self.compare(Relation::LessEqual, y, x),
            (Function::Not, &Node::Compare(Relation::LessEqual, x, y)) => self.compare(Relation::Less, y, x),
            _ => self.intern(Node::Call(function, a)),
        }
    }

    pub fn binary(&mut self, op: Binary, a: Id, b: Id) -> Id {
        if op == Binary::Power {
            return self.power(a, b);
        }
        let (x, y) = (self.as_constant(a), self.as_constant(b));
        if let (Some(x), Some(y)) = (x, y) {
            return self.constant(op.apply(x, y));
        }
        match (op, x, y) {
            (Binary::And, Some(0.0), _) | (Binary::And, _, Some(0.0)) => self.constant(0.0),
            (Binary::Or, Some(v), _) | (Binary::Or, _, Some(v)) if v != 0.0 => self.constant(1.0),
            (Binary::Min | Binary::Max, ..) if a == b => a,
            _ => self.intern(Node::Binary(op, a.min(b), a.max(b))),
        }
    }

    pub fn compare(&mut self, relation: Relation, a: Id, b: Id) -> Id {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(x), Some(y)) => self.constant(f64::from(relation.holds(x, y))),
            _ if a == b => self.constant(f64::from(matches!(relation, Relation::LessEqual | Relation::Equal))),
            _ => self.intern(Node::Compare(relation, a, b)),
        }
    }

    pub fn select(&mut self, condition: Id, then: Id, otherwise: Id) -> Id {
        match self.as_constant(condition) {
            Some(value) if value != 0.0 => then,
            Some(_) => otherwise,
            None if then == otherwise => then,
            None => self.intern(Node::Select { condition, then, otherwise }),
        }
    }

    /// The expressions `roots` of `source` as expressions of this graph. `replace` says what a symbol becomes;
    /// where it says nothing the symbol stays.
    pub fn import(
        &mut self,
        source: &Graph,
        roots: &[Id],
        replace: &mut dyn FnMut(&mut Graph, Symbol) -> Option<Id>,
    ) -> Vec<Id> {
        let mut map: HashMap<Id, Id> = HashMap::new();
        for id in source.reachable(roots.iter().copied()) {
            let new = match source.node(id) {
                Node::Symbol(symbol) => match replace(self, *symbol) {
                    Some(new) => new,
                    None => self.symbol(*symbol),
                },
                node => self.rebuild(node, &map),
            };
            map.insert(id, new);
        }
        roots.iter().map(|id| map[id]).collect()
    }

    /// As [`Graph::import`], within this graph.
    pub fn substitute(&mut self, roots: &[Id], replace: &mut dyn FnMut(&mut Graph, Symbol) -> Option<Id>) -> Vec<Id> {
        let mut map: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(roots.iter().copied()) {
            let node = self.node(id).clone();
            let new = match &node {
                Node::Symbol(symbol) => replace(self, *symbol).unwrap_or(id),
                node => self.rebuild(node, &map),
            };
            map.insert(id, new);
        }
        roots.iter().map(|id| map[id]).collect()
    }

    /// `node` of another graph with its children mapped; the algebra is done anew.
    fn rebuild(&mut self, node: &Node, map: &HashMap<Id, Id>) -> Id {
        match node {
            Node::Constant(value) => self.constant(value.value()),
            Node::Symbol(symbol) => self.symbol(*symbol),
            Node::Sum { constant, terms } => {
                let terms: Vec<_> = terms.iter().map(|(c, id)| (c.value(), map[id])).collect();
                self.sum(constant.value(), &terms)
            }
            Node::Product(factors) => {
                let factors: Vec<_> = factors.iter().map(|(id, e)| (map[id], *e)).collect();
                self.product(&factors)
            }
            Node::Call(function, a) => self.call(*function, map[a]),
            Node::Binary(op, a, b) => self.binary(*op, map[a], map[b]),
            Node::Compare(relation, a, b) => self.compare(*relation, map[a], map[b]),
            Node::Select { condition, then, otherwise } => self.select(map[condition], map[then], map[otherwise]),
        }
    }
}
