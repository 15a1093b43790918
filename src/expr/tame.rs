//! Derivatives for a Jacobian: what is infinite or undefined in one is left out of it.

use super::graph::{Binary, Function, Graph, Id, Node, Symbol};

impl Graph {
    /// `derivative` with each of its terms that can be infinite or undefined replaced by 0 where it is. The Jacobian of
    /// `k*S - c*sqrt(H)` at `H = 0` then has nothing to say about the root, and all else still counts.
    pub fn tame(&mut self, derivative: Id) -> Id {
        let Node::Sum { constant, terms } = self.node(derivative).clone() else { return self.tame_term(derivative) };
        let terms: Vec<_> = terms.iter().map(|&(c, term)| (c.value(), self.tame_term(term))).collect();
        self.sum(constant.value(), &terms)
    }

    fn tame_term(&mut self, term: Id) -> Id {
        if self.is_wild(term) { self.call(Function::Finite, term) } else { term }
    }

    /// Whether `id` can be infinite or undefined where the function that it is a derivative of is not: it has a root, a
    /// power or a function with a pole or an edge, or a division by what can be 0 together with the states. A division
    /// by `K + S` is none: where that is 0, the rate itself is undefined.
    pub fn is_wild(&self, id: Id) -> bool {
        self.reachable([id]).into_iter().any(|id| match self.node(id) {
            Node::Product(factors) => factors.iter().any(|&(factor, exponent)| exponent < 0 && self.vanishes(factor)),
            Node::Binary(Binary::Power, ..) => self.moves(id),
            Node::Call(function, _) => {
                use Function::*;
                matches!(function, Ln | Sqrt | Tan | Asin | Acos | Acosh | Atanh) && self.moves(id)
            }
            _ => false,
        })
    }

    /// Whether `id` depends on time or states.
    fn moves(&self, id: Id) -> bool {
        let moving = |symbol: &Symbol| !matches!(symbol, Symbol::Parameter(_) | Symbol::Switch(_));
        self.symbols([id]).iter().any(moving)
    }

    /// Whether nothing but time and states keeps `id` from being 0.
    fn vanishes(&self, id: Id) -> bool {
        match self.node(id) {
            Node::Sum { constant, terms } => constant.value() == 0.0 && terms.iter().all(|&(_, term)| self.moves(term)),
            _ => self.moves(id),
        }
    }
}
