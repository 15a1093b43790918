//! What each operation means, in f64: the reference that every engine has to reproduce.

use super::graph::{Binary, Function, Graph, Id, Node, Relation, Symbol};

/// `base^exponent`. A base below zero gives the real power where the exponent is an integer and 0 elsewhere, so that
/// a Hill term stays defined when a state is slightly negative.
pub fn power(base: f64, exponent: f64) -> f64 {
    if base >= 0.0 || exponent == exponent.trunc() { base.powf(exponent) } else { 0.0 }
}

impl Function {
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Function::Exp => x.exp(),
            Function::Ln => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Abs => x.abs(),
            Function::Sign => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Function::Floor => x.floor(),
            Function::Ceil => x.ceil(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::Asin => x.asin(),
            Function::Acos => x.acos(),
            Function::Atan => x.atan(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Asinh => x.asinh(),
            Function::Acosh => x.acosh(),
            Function::Atanh => x.atanh(),
            Function::Not => f64::from(x == 0.0),
            Function::Finite => {
                if x.is_finite() {
                    x
                } else {
                    0.0
                }
            }
        }
    }
}

impl Binary {
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Power => power(a, b),
            Binary::Min => a.min(b),
            Binary::Max => a.max(b),
            Binary::And => f64::from(a != 0.0 && b != 0.0),
            Binary::Or => f64::from(a != 0.0 || b != 0.0),
            Binary::Xor => f64::from((a != 0.0) != (b != 0.0)),
        }
    }
}

impl Relation {
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Relation::Less => a < b,
            Relation::LessEqual => a <= b,
            Relation::Equal => a == b,
            Relation::NotEqual => a != b,
        }
    }
}

impl Graph {
    /// The values of `roots`, each node computed once.
    pub fn evaluate(&self, roots: &[Id], symbol: &dyn Fn(Symbol) -> f64) -> Vec<f64> {
        let mut values = vec![0.0; self.len()];
        for id in self.reachable(roots.iter().copied()) {
            let of = |id: Id| values[id.index()];
            values[id.index()] = match self.node(id) {
                Node::Constant(value) => value.value(),
                Node::Symbol(s) => symbol(*s),
                Node::Sum { constant, terms } => {
                    terms.iter().fold(constant.value(), |sum, &(c, id)| sum + c.value() * of(id))
                }
                Node::Product(factors) => {
                    let part = |sign: i32| {
                        factors
                            .iter()
                            .filter(|(_, e)| e * sign > 0)
                            .fold(1.0, |product, &(id, e)| product * of(id).powi(e.abs()))
                    };
                    part(1) / part(-1)
                }
                Node::Call(function, a) => function.apply(of(*a)),
                Node::Binary(op, a, b) => op.apply(of(*a), of(*b)),
                Node::Compare(relation, a, b) => f64::from(relation.holds(of(*a), of(*b))),
                Node::Select { condition, then, otherwise } => {
                    if of(*condition) != 0.0 {
                        of(*then)
                    } else {
                        of(*otherwise)
                    }
                }
            };
        }
        roots.iter().map(|id| values[id.index()]).collect()
    }
}
