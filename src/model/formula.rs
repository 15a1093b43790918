//! Formulas over the names of a system, in the syntax of Antimony: what observables are written in.

use super::System;
use super::lower::{Lowered, Scope, lower};
use super::math::{Expr, Source, closest};
use crate::Result;
use crate::expr::{Graph, Id, Relation};
use std::ops::Range;
use std::sync::Arc;

/// A formula that was read but whose names have no meaning yet.
#[derive(Debug, Clone)]
pub struct Formula {
    source: Arc<Source>,
    expr: Expr,
}

impl Formula {
    /// The names in it, each once, in order of appearance; `time` and constants among them.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.expr.names() {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
        names
    }
}

/// Reads `text` as one formula.
///
/// # Errors
/// With the place in `text`.
pub fn parse(text: &str) -> Result<Formula> {
    let source = Source::new("", text);
    Ok(Formula { expr: super::antimony::formula(&source)?, source })
}

/// The expression in the graph of `system` that `formula` means: its names are variables of the system or `time`.
/// Comparisons stay comparisons; they add no switches.
///
/// # Errors
/// Unknown names (with a close one as hint) and wrong calls, with the place in the formula.
pub fn resolve(system: &mut System, formula: &Formula) -> Result<Id> {
    resolve_with(system, formula, &mut |_, _| None)
}

/// As [`resolve`], with names of the caller's own that come before those of the system.
pub fn resolve_with(
    system: &mut System,
    formula: &Formula,
    own: &mut dyn FnMut(&mut Graph, &str) -> Option<Id>,
) -> Result<Id> {
    Ok(lower(&mut Names { system, source: &formula.source, own }, &formula.expr)?)
}

struct Names<'a> {
    system: &'a mut System,
    source: &'a Source,
    own: &'a mut dyn FnMut(&mut Graph, &str) -> Option<Id>,
}

impl Scope for Names<'_> {
    fn graph(&mut self) -> &mut Graph {
        &mut self.system.graph
    }

    fn source(&self) -> &Source {
        self.source
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered {
        if let Some(id) = (self.own)(&mut self.system.graph, name) {
            return Ok(id);
        }
        if let Some(variable) = self.system.variable(name) {
            return Ok(variable.value);
        }
        let error = self.source.error(span, format!("the model has no '{name}'"));
        let known = self.system.variables.iter().map(|v| v.name.as_str());
        Err(match closest(name, known.chain(["time", "pi"])) {
            Some(close) => error.hint(format!("did you mean '{close}'?")),
            None if self.system.variables.len() <= 12 => {
                let names: Vec<&str> = self.system.variables.iter().map(|v| v.name.as_str()).collect();
                error.hint(format!("it has {}", names.join(", ")))
            }
            None => error,
        })
    }

    fn call(&mut self, _: &str, _: &[Expr], _: &Range<usize>) -> Option<Lowered> {
        None
    }

    fn compare(&mut self, relation: Relation, a: Id, b: Id, _: &Range<usize>) -> Id {
        self.system.graph.compare(relation, a, b)
    }

    fn function_names(&self) -> Vec<String> {
        Vec::new()
    }
}
