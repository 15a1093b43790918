//! The reaction network that a model file describes: what the readers for Antimony and SBML both produce.
//!
//! Meanings are those of SBML Level 3. [`Network::system`] makes the initial-value problem of it.

use super::math::{Expr, Source};
use super::{System, flatten, units};
use crate::{Diagnostic, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub struct Network {
    pub name: String,
    /// The text that all places refer to.
    pub source: Arc<Source>,
    /// Everything with a value, in the order of first mention.
    pub quantities: Vec<Quantity>,
    pub reactions: Vec<Reaction>,
    pub events: Vec<Event>,
    pub functions: Vec<Function>,
    pub units: Vec<units::Definition>,
    /// The quantity that turns a rate's extent into amounts, for species without a factor of their own.
    pub conversion_factor: Option<Name>,
    /// What looks wrong but does not keep the model from being run.
    pub warnings: Vec<Diagnostic>,
    index: HashMap<String, usize>,
}

/// A name and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    pub name: String,
    pub span: Range<usize>,
}

#[derive(Debug, Clone)]
pub struct Quantity {
    pub name: String,
    /// Where it is first mentioned.
    pub span: Range<usize>,
    pub role: Role,
    /// A number or a formula for the value at the start.
    pub initial: Option<Expr>,
    pub rule: Rule,
    /// Declared `const` or `var`.
    pub constant: Option<bool>,
    pub unit: Option<Expr>,
    /// A name for people.
    pub label: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Role {
    #[default]
    Parameter,
    Compartment,
    Species(Species),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Species {
    /// Without one, a compartment of the size 1.
    pub compartment: Option<Name>,
    /// Reactions do not change it.
    pub boundary: bool,
    /// Its name in formulas means its amount, not its concentration.
    pub amount_only: bool,
    pub conversion_factor: Option<Name>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Rule {
    #[default]
    None,
    /// The value at all times.
    Assignment(Expr),
    /// The value's derivative by time.
    Rate(Expr),
    /// What is 0 at all times because the value is as it is.
    Algebraic(Expr),
}

#[derive(Debug, Clone)]
pub struct Reaction {
    pub name: String,
    pub span: Range<usize>,
    pub reactants: Vec<Term>,
    pub products: Vec<Term>,
    /// In amount per time. Without one the reaction does not run.
    pub rate: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct Term {
    pub species: Name,
    pub stoichiometry: Expr,
}

#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub span: Range<usize>,
    pub trigger: Expr,
    pub delay: Option<Expr>,
    pub priority: Option<Expr>,
    pub at_start: bool,
    pub persistent: bool,
    pub from_trigger: bool,
    pub assignments: Vec<(Name, Expr)>,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    pub span: Range<usize>,
    pub arguments: Vec<String>,
    pub body: Expr,
}

impl Network {
    pub fn new(source: Arc<Source>) -> Self {
        Network { source, ..Default::default() }
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub fn quantity(&self, name: &str) -> Option<&Quantity> {
        self.position(name).map(|at| &self.quantities[at])
    }

    /// The quantity of that name, made as a parameter if it is new.
    pub fn mention(&mut self, name: &str, span: &Range<usize>) -> &mut Quantity {
        let at = *self.index.entry(name.to_string()).or_insert_with(|| {
            self.quantities.push(Quantity {
                name: name.to_string(),
                span: span.clone(),
                role: Role::Parameter,
                initial: None,
                rule: Rule::None,
                constant: None,
                unit: None,
                label: None,
            });
            self.quantities.len() - 1
        });
        &mut self.quantities[at]
    }

    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }

    pub fn reaction(&self, name: &str) -> Option<usize> {
        self.reactions.iter().position(|r| r.name == name)
    }

    /// Another value at the start for a species, a compartment or a parameter; what follows from it follows.
    ///
    /// # Errors
    /// If there is no such quantity, or if a rule decides its value.
    pub fn set(&mut self, name: &str, value: f64) -> Result<()> {
        let Some(at) = self.position(name) else {
            let error = Diagnostic::new(format!("the model has no '{name}'")).in_file(self.source.file.clone());
            return Err(match super::math::closest(name, self.quantities.iter().map(|q| q.name.as_str())) {
                Some(close) => error.hint(format!("did you mean '{close}'?")).into(),
                None => error.into(),
            });
        };
        let quantity = &mut self.quantities[at];
        if let Rule::Assignment(formula) | Rule::Algebraic(formula) = &quantity.rule {
            let message = format!("'{name}' cannot be set: this rule decides its value");
            return Err(self.source.error(&formula.span, message).into());
        }
        quantity.initial = Some(Expr::number(value, quantity.span.clone()));
        Ok(())
    }

    /// The initial-value problem that the network means.
    ///
    /// # Errors
    /// One [`Diagnostic`] for each thing that is wrong (unknown names, missing values, cycles) or not supported
    /// (`delay()`, random functions, …), each with its place.
    pub fn system(&self) -> Result<System> {
        flatten::system(self)
    }
}
