//! Exact derivatives.

use super::graph::{Binary, Function, Graph, Id, Node, Relation, Symbol};

impl Graph {
    /// The partial derivative of `root` by `symbol`. Conditions, `floor`, `ceil` and `sign` are taken as constant,
    /// kinks (`abs`, `min`, `max`) get the derivative of the side they are on.
    pub fn derivative(&mut self, root: Id, symbol: Symbol) -> Id {
        for id in self.reachable([root]) {
            if !self.derivatives.contains_key(&(id, symbol)) {
                let derivative = self.derive_node(id, symbol);
                self.derivatives.insert((id, symbol), derivative);
            }
        }
        self.derivatives[&(root, symbol)]
    }

    /// The derivative of `root` along a direction: the sum of its partial derivatives times `direction(symbol)`.
    pub fn directional(&mut self, root: Id, direction: &mut dyn FnMut(&mut Graph, Symbol) -> Option<Id>) -> Id {
        let mut terms = Vec::new();
        for symbol in self.symbols([root]) {
            if let Some(along) = direction(self, symbol) {
                let partial = self.derivative(root, symbol);
                terms.push((1.0, self.mul(partial, along)));
            }
        }
        self.sum(0.0, &terms)
    }

    /// The derivative of one node whose children have theirs.
    fn derive_node(&mut self, id: Id, symbol: Symbol) -> Id {
        let of = |graph: &Graph, id: Id| graph.derivatives[&(id, symbol)];
        let is_zero = |graph: &Graph, id: Id| graph.as_constant(id) == Some(0.0);
        match self.node(id).clone() {
            Node::Constant(_) => self.constant(0.0),
            Node::Symbol(s) => self.constant(f64::from(s == symbol)),
            Node::Sum { terms, .. } => {
                let terms: Vec<_> = terms.iter().map(|&(c, id)| (c.value(), of(self, id))).collect();
                self.sum(0.0, &terms)
            }
            Node::Product(factors) => {
                let mut terms = Vec::new();
                for (at, &(factor, exponent)) in factors.iter().enumerate() {
                    let inner = of(self, factor);
                    if is_zero(self, inner) {
                        continue;
                    }
                    let mut rest = factors.to_vec();
                    rest[at].1 -= 1;
                    rest.push((inner, 1));
                    let term = self.product(&rest);
                    terms.push((f64::from(exponent), term));
                }
                self.sum(0.0, &terms)
            }
            Node::Call(function, a) => {
                let inner = of(self, a);
                if is_zero(self, inner) {
                    return inner;
                }
                if function == Function::Finite {
                    // Where a term was replaced by 0 it stays 0, however infinite its derivative is.
                    let kept = self.compare(Relation::Equal, id, a);
                    let zero = self.constant(0.0);
                    return self.select(kept, inner, zero);
                }
                let outer = self.derive_function(function, a, id);
                self.mul(outer, inner)
            }
            Node::Binary(op, a, b) => {
                let (da, db) = (of(self, a), of(self, b));
                if is_zero(self, da) && is_zero(self, db) {
                    return da;
                }
                match op {
                    Binary::Power => self.derive_power(id, a, b, da, db),
                    Binary::Min => {
                        let first = self.compare(Relation::LessEqual, a, b);
                        self.select(first, da, db)
                    }
                    Binary::Max => {
                        let second = self.compare(Relation::Less, a, b);
                        self.select(second, db, da)
                    }
                    Binary::And | Binary::Or | Binary::Xor => self.constant(0.0),
                }
            }
            Node::Compare(..) => self.constant(0.0),
            Node::Select { condition, then, otherwise } => {
                let (dt, d_o) = (of(self, then), of(self, otherwise));
                self.select(condition, dt, d_o)
            }
        }
    }

    /// `d function(a) / d a`; `value` is `function(a)` itself.
    fn derive_function(&mut self, function: Function, a: Id, value: Id) -> Id {
        let one_plus_square = |graph: &mut Graph, sign: f64, constant: f64, x: Id| {
            let square = graph.product(&[(x, 2)]);
            graph.sum(constant, &[(sign, square)])
        };
        match function {
            Function::Exp => value,
            Function::Ln => self.product(&[(a, -1)]),
            Function::Sqrt => {
                let inverse = self.product(&[(value, -1)]);
                self.scale(0.5, inverse)
            }
            Function::Abs => self.call(Function::Sign, a),
            Function::Sign | Function::Floor | Function::Ceil | Function::Not | Function::Finite => self.constant(0.0),
            Function::Sin => self.call(Function::Cos, a),
            Function::Cos => {
                let sine = self.call(Function::Sin, a);
                self.neg(sine)
            }
            Function::Tan => one_plus_square(self, 1.0, 1.0, value),
            Function::Asin | Function::Acos => {
                let inside = one_plus_square(self, -1.0, 1.0, a);
                let root = self.call(Function::Sqrt, inside);
                let inverse = self.product(&[(root, -1)]);
                self.scale(if function == Function::Asin { 1.0 } else { -1.0 }, inverse)
            }
            Function::Atan => {
                let inside = one_plus_square(self, 1.0, 1.0, a);
                self.product(&[(inside, -1)])
            }
            Function::Sinh => self.call(Function::Cosh, a),
            Function::Cosh => self.call(Function::Sinh, a),
            Function::Tanh => one_plus_square(self, -1.0, 1.0, value),
            Function::Asinh | Function::Acosh => {
                let constant = if function == Function::Asinh { 1.0 } else { -1.0 };
                let inside = one_plus_square(self, 1.0, constant, a);
                let root = self.call(Function::Sqrt, inside);
                self.product(&[(root, -1)])
            }
            Function::Atanh => {
                let inside = one_plus_square(self, -1.0, 1.0, a);
                self.product(&[(inside, -1)])
            }
        }
    }

    /// `d a^b`. Both parts vanish where the base is not positive, as the power itself does there (a Hill term at a
    /// state of exactly 0 has no usable derivative otherwise).
    fn derive_power(&mut self, value: Id, a: Id, b: Id, da: Id, db: Id) -> Id {
        let minus_one = self.sum(-1.0, &[(1.0, b)]);
        let lower = self.power(a, minus_one);
        let by_base = self.product(&[(b, 1), (lower, 1), (da, 1)]);
        if self.as_constant(db) == Some(0.0) {
            return by_base;
        }
        let logarithm = self.call(Function::Ln, a);
        let by_exponent = self.product(&[(value, 1), (logarithm, 1), (db, 1)]);
        let zero = self.constant(0.0);
        let positive = self.compare(Relation::Less, zero, a);
        let guarded = self.select(positive, by_exponent, zero);
        self.add(by_base, guarded)
    }
}
