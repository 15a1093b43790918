//! One equation, solved for one symbol in closed form.

use super::graph::{Function, Graph, Id, Node, Symbol};

impl Graph {
    /// What `symbol` has to be for `id` to be 0: where it enters linearly, or once within reciprocals, exponentials and
    /// logarithms. `None` where it enters in another way, or not at all.
    pub fn solve(&mut self, id: Id, symbol: Symbol) -> Option<Id> {
        let zero = self.constant(0.0);
        self.solve_for(id, zero, symbol)
    }

    /// What `symbol` has to be for `id` to be `target`, in which it does not occur.
    fn solve_for(&mut self, id: Id, target: Id, symbol: Symbol) -> Option<Id> {
        match self.node(id).clone() {
            Node::Symbol(found) if found == symbol => Some(target),
            Node::Sum { constant, terms } => {
                let (own, rest): (Vec<_>, Vec<_>) = terms.iter().partition(|(_, term)| self.depends(*term, symbol));
                let &[(coefficient, term)] = &own[..] else { return self.solve_linear(id, target, symbol) };
                let rest: Vec<_> =
                    rest.into_iter().map(|(c, term)| (-c.value(), term)).chain([(1.0, target)]).collect();
                let rest = self.sum(-constant.value(), &rest);
                let target = self.scale(coefficient.value().recip(), rest);
                self.solve_for(term, target, symbol)
            }
            Node::Product(factors) => {
                let (own, rest): (Vec<_>, Vec<_>) =
                    factors.iter().partition(|(factor, _)| self.depends(*factor, symbol));
                let &[(factor, exponent @ (1 | -1))] = &own[..] else { return None };
                let rest: Vec<_> = rest.into_iter().map(|(factor, e)| (factor, -e * exponent)).collect();
                let rest = self.product(&rest);
                let target = self.product(&[(target, exponent), (rest, 1)]);
                self.solve_for(factor, target, symbol)
            }
            Node::Call(Function::Exp, inner) => {
                let target = self.call(Function::Ln, target);
                self.solve_for(inner, target, symbol)
            }
            Node::Call(Function::Ln, inner) => {
                let target = self.call(Function::Exp, target);
                self.solve_for(inner, target, symbol)
            }
            _ => self.solve_linear(id, target, symbol),
        }
    }

    /// From `id = offset + slope * symbol`.
    fn solve_linear(&mut self, id: Id, target: Id, symbol: Symbol) -> Option<Id> {
        if !self.is_linear(id, symbol) {
            return None;
        }
        let slope = self.derivative(id, symbol);
        if self.as_constant(slope) == Some(0.0) || self.depends(slope, symbol) {
            return None;
        }
        let zero = self.constant(0.0);
        let offset = self.substitute(&[id], &mut |_, found| (found == symbol).then_some(zero))[0];
        let difference = self.sub(target, offset);
        Some(self.div(difference, slope))
    }

    /// Whether nothing between `id` and `symbol` bends or jumps. (Products of it with itself show in the slope.)
    fn is_linear(&self, id: Id, symbol: Symbol) -> bool {
        self.reachable([id]).into_iter().filter(|&id| self.depends(id, symbol)).all(|id| match self.node(id) {
            Node::Symbol(_) | Node::Sum { .. } | Node::Product(_) => true,
            &Node::Select { condition, .. } => !self.depends(condition, symbol),
            _ => false,
        })
    }

    fn depends(&self, id: Id, symbol: Symbol) -> bool {
        self.symbols([id]).contains(&symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{antimony, formula};

    /// The solution for `x`, at y = 3 and z = 2, and the rest that it leaves.
    fn solved(text: &str) -> Option<(f64, f64)> {
        let mut system = antimony::read("x = 7; y = 3; z = 2", "m").unwrap().system().unwrap();
        let equation = formula::resolve(&mut system, &formula::parse(text).unwrap()).unwrap();
        let graph = &mut system.graph;
        let x = graph.solve(equation, Symbol::Parameter(0))?;
        let rest = graph.substitute(&[equation], &mut |_, symbol| (symbol == Symbol::Parameter(0)).then_some(x))[0];
        let values = [f64::NAN, 3.0, 2.0];
        let found = graph.evaluate(&[x, rest], &|symbol| match symbol {
            Symbol::Parameter(i) => values[i as usize],
            _ => f64::NAN,
        });
        Some((found[0], found[1]))
    }

    #[test]
    fn solutions_solve() {
        for (text, x) in [
            ("2*x - y", 1.5),
            ("x*y + z*(x - 5) + x", 10.0 / 6.0),
            ("(x + 1)*(y + z) - 10", 1.0),
            ("piecewise(x, y > z, 2*x) - 4", 4.0),
            ("y/x - z", 1.5),
            ("1/(x + 1) - 1/y", 2.0),
            ("exp(2*x) - y", 0.5 * 3.0_f64.ln()),
            ("z*ln(x - y) + 4", 3.0 + (-2.0_f64).exp()),
            ("x/y - x + 1", 1.5),
        ] {
            let (found, rest) = solved(text).unwrap_or_else(|| panic!("{text}"));
            assert!((found - x).abs() < 1e-12 && rest.abs() < 1e-12, "{text}: {found}, which leaves {rest}");
        }
        for text in [
            "x^2 - y",
            "x*x - y",
            "abs(x) - y",
            "floor(x)",
            "x/(x + y) - z",
            "piecewise(x, x > 1, 2*x)",
            "y - z",
            "x - x + y",
            "x^y - 2",
            "max(x, y)",
            "x + exp(x)",
        ] {
            assert!(solved(text).is_none(), "{text}");
        }
    }
}
