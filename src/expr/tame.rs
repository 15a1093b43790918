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

    /// Whether `id` can be infinite or undefined at finite states: it has a division, a power or a function with a pole
    /// or an edge, of something that moves.
    pub fn is_wild(&self, id: Id) -> bool {
        let moves = |id: Id| {
            let moving = |symbol: &Symbol| !matches!(symbol, Symbol::Parameter(_) | Symbol::Switch(_));
            self.symbols([id]).iter().any(moving)
        };
        self.reachable([id]).into_iter().any(|id| match self.node(id) {
            Node::Product(factors) => factors.iter().any(|&(factor, exponent)| exponent < 0 && moves(factor)),
            Node::Binary(Binary::Power, ..) => moves(id),
            Node::Call(function, _) => {
                use Function::*;
                let pole = matches!(function, Exp | Ln | Sqrt | Tan | Asin | Acos | Sinh | Cosh | Acosh | Atanh);
                pole && moves(id)
            }
            _ => false,
        })
    }
}
