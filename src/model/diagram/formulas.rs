//! The formulas of a network with every name kept as a symbol: `Symbol::Parameter(i)` is the quantity `i`, or behind
//! these the rate of a reaction. A [`crate::model::System`] has names written out, which hides what goes through what.

use crate::expr::{Graph, Id, Relation, Symbol};
use crate::model::Network;
use crate::model::lower::{Lowered, Scope, lower};
use crate::model::math::{Expr, Source};
use crate::model::network::Rule;
use crate::{Diagnostic, Result};
use std::collections::HashMap;
use std::ops::Range;

/// Calls of functions within functions that are followed.
const DEEPEST: usize = 64;

#[derive(Debug, Default)]
pub struct Formulas {
    pub graph: Graph,
    /// Of quantities with an assignment rule and of reactions: what their symbol stands for.
    pub assigned: Vec<Option<Id>>,
    pub rates: Vec<Option<Id>>,
    pub initial: Vec<Option<Id>>,
}

impl Formulas {
    pub fn of(network: &Network) -> Result<Self> {
        let mut names = Names { network, graph: Graph::new(), arguments: Vec::new() };
        let mut formulas = Formulas::default();
        for quantity in &network.quantities {
            let (mut assigned, mut rate) = (None, None);
            match &quantity.rule {
                Rule::Assignment(formula) => assigned = Some(lower(&mut names, formula)?),
                Rule::Algebraic(formula) => {
                    let zero = lower(&mut names, formula)?;
                    let symbol = Symbol::Parameter(formulas.assigned.len() as u32);
                    assigned = names.graph.solve(zero, symbol);
                }
                Rule::Rate(formula) => rate = Some(lower(&mut names, formula)?),
                Rule::None => {}
            }
            formulas.assigned.push(assigned);
            formulas.rates.push(rate);
            formulas.initial.push(match &quantity.initial {
                Some(formula) => Some(lower(&mut names, formula)?),
                None => None,
            });
        }
        for reaction in &network.reactions {
            formulas.assigned.push(match &reaction.rate {
                Some(formula) => Some(lower(&mut names, formula)?),
                None => None,
            });
        }
        formulas.graph = names.graph;
        Ok(formulas)
    }

    /// The places of the names in `id`.
    pub fn names(&self, id: Id) -> Vec<usize> {
        let place = |symbol| if let Symbol::Parameter(at) = symbol { Some(at as usize) } else { None };
        self.graph.symbols([id]).into_iter().filter_map(place).collect()
    }

    pub fn is_assigned(&self, at: usize) -> bool {
        self.assigned.get(at).is_some_and(Option::is_some)
    }
}

struct Names<'a> {
    network: &'a Network,
    graph: Graph,
    /// Of the functions that are being written out.
    arguments: Vec<HashMap<String, Id>>,
}

impl Names<'_> {
    fn unknown(&self, span: &Range<usize>, name: &str) -> Diagnostic {
        self.network.source.error(span, format!("'{name}' has no meaning here"))
    }
}

impl Scope for Names<'_> {
    fn graph(&mut self) -> &mut Graph {
        &mut self.graph
    }

    fn source(&self) -> &Source {
        &self.network.source
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered {
        if let Some(arguments) = self.arguments.last() {
            return arguments.get(name).copied().ok_or_else(|| self.unknown(span, name));
        }
        let reaction = || self.network.reaction(name).map(|at| self.network.quantities.len() + at);
        match self.network.position(name).or_else(reaction) {
            Some(at) => Ok(self.graph.symbol(Symbol::Parameter(at as u32))),
            None => Err(self.unknown(span, name)),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], span: &Range<usize>) -> Option<Lowered> {
        let function = self.network.function(name)?;
        if self.arguments.len() >= DEEPEST || arguments.len() != function.arguments.len() {
            return Some(Err(self.unknown(span, name)));
        }
        let mut values = HashMap::new();
        for (name, argument) in function.arguments.iter().zip(arguments) {
            match lower(self, argument) {
                Ok(value) => values.insert(name.clone(), value),
                Err(error) => return Some(Err(error)),
            };
        }
        self.arguments.push(values);
        let body = lower(self, &function.body);
        self.arguments.pop();
        Some(body)
    }

    fn compare(&mut self, relation: Relation, a: Id, b: Id, _: &Range<usize>) -> Id {
        self.graph.compare(relation, a, b)
    }

    fn function_names(&self) -> Vec<String> {
        Vec::new()
    }
}
