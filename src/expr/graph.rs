//! The nodes and the arena that holds them.
//!
//! Two canonical forms do most of the simplification: a [`Node::Sum`] is a constant plus terms with numeric
//! coefficients, a [`Node::Product`] is a list of factors with integer exponents. Both are flat, sorted and without
//! repeats, so `a + b - a` is `b` and `k*x*y/x` is `k*y` by construction.

use std::collections::HashMap;

/// An expression in a [`Graph`]. Ids are handed out in such an order that a node's children have smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub(crate) u32);

impl Id {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A free variable of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symbol {
    Time,
    State(u32),
    /// A parameter of a system, or an input of a program: a value that a lane brings along.
    Parameter(u32),
    /// The truth (0 or 1) of the `i`-th condition of the system; constant between two switches.
    Switch(u32),
    /// The direction of a directional derivative, component of `State(i)`.
    Tangent(u32),
    /// A further vector, as the second argument of a Hessian product.
    Vector(u32),
    /// A value that a program computes beforehand (for example the entry of a factor).
    Slot(u32),
}

/// Functions of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    Exp,
    Ln,
    Sqrt,
    Abs,
    Sign,
    Floor,
    Ceil,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    /// 1 if the argument is 0, else 0.
    Not,
    /// The argument where it is a finite number, else 0: for terms of a Jacobian (see [`Graph::tame`]).
    Finite,
}

/// Functions of two arguments that are neither sums nor products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binary {
    /// `a^b` as [`crate::expr::power`] defines it, also for slightly negative `a`.
    Power,
    Min,
    Max,
    /// Truth as 0 or 1; an argument is true unless it is 0.
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    Less,
    LessEqual,
    Equal,
    NotEqual,
}

/// A number that can be a key: compared by its bits, with -0 made 0 and every NaN the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bits(u64);

impl Bits {
    pub fn new(value: f64) -> Self {
        if value == 0.0 {
            Bits(0)
        } else if value.is_nan() {
            Bits(f64::NAN.to_bits())
        } else {
            Bits(value.to_bits())
        }
    }

    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    Constant(Bits),
    Symbol(Symbol),
    /// `constant + sum of coefficient * term`, terms ascending by id, none of them a sum or a constant.
    Sum {
        constant: Bits,
        terms: Box<[(Bits, Id)]>,
    },
    /// `product of factor^exponent`, factors ascending by id, none a product or a constant, exponents not 0.
    Product(Box<[(Id, i32)]>),
    Call(Function, Id),
    Binary(Binary, Id, Id),
    Compare(Relation, Id, Id),
    /// `condition != 0 ? then : otherwise`; both sides are computed.
    Select {
        condition: Id,
        then: Id,
        otherwise: Id,
    },
}

/// The arena. It only grows; an [`Id`] stays valid.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Node, Id>,
    /// Derivatives already taken.
    pub(super) derivatives: HashMap<(Id, Symbol), Id>,
}

impl Graph {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.index()]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn intern(&mut self, node: Node) -> Id {
        if let Some(&id) = self.ids.get(&node) {
            return id;
        }
        let id = Id(u32::try_from(self.nodes.len()).expect("fewer than 2^32 expressions"));
        self.nodes.push(node.clone());
        self.ids.insert(node, id);
        id
    }

    /// The value of `id` if it is a constant.
    pub fn as_constant(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Constant(bits) => Some(bits.value()),
            _ => None,
        }
    }

    /// The direct children of `id`, in order.
    pub fn children(&self, id: Id) -> Vec<Id> {
        match self.node(id) {
            Node::Constant(_) | Node::Symbol(_) => Vec::new(),
            Node::Sum { terms, .. } => terms.iter().map(|&(_, id)| id).collect(),
            Node::Product(factors) => factors.iter().map(|&(id, _)| id).collect(),
            &Node::Call(_, a) => vec![a],
            &Node::Binary(_, a, b) | &Node::Compare(_, a, b) => vec![a, b],
            &Node::Select { condition, then, otherwise } => vec![condition, then, otherwise],
        }
    }

    /// Every node that `roots` depend on, themselves included, children first.
    pub fn reachable(&self, roots: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let mut seen = vec![false; self.len()];
        let mut stack: Vec<Id> = roots.into_iter().collect();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                stack.extend(self.children(id));
            }
        }
        (0..self.len() as u32).map(Id).filter(|id| seen[id.index()]).collect()
    }

    /// The symbols that `roots` depend on, ascending.
    pub fn symbols(&self, roots: impl IntoIterator<Item = Id>) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = self
            .reachable(roots)
            .into_iter()
            .filter_map(|id| match self.node(id) {
                Node::Symbol(symbol) => Some(*symbol),
                _ => None,
            })
            .collect();
        symbols.sort_unstable();
        symbols
    }
}
