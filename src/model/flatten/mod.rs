//! From the network to the initial-value problem.
//!
//! Each quantity gets one of four [`Meaning`]s. Formulas are lowered on demand, in two modes: as they hold during the
//! run, and as they hold at the start, where every state is its initial value. So initial assignments may stand in
//! any order, and a cycle is found as a name that is needed for itself.

mod conditions;
mod events;
mod motion;
mod names;

use super::lower::{Lowered, lower};
use super::math::Expr;
use super::network::{Network, Quantity, Role, Rule};
use super::system::{Parameter, SpeciesForms, State, System, Variable};
use crate::expr::{Graph, Id, Symbol};
use crate::{Diagnostic, Error, Result};
use conditions::Conditions;
use std::collections::HashMap;
use std::ops::Range;

pub use names::is_reserved;

/// How many names may depend on each other in a row.
const LONGEST_CHAIN: usize = 200;

/// How a quantity gets its value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    /// Constant, a number.
    Parameter(u32),
    /// Constant, a formula of parameters.
    Derived,
    /// An assignment rule, or an algebraic one.
    Assigned,
    /// The state of that index; the state is the value itself, or the amount behind it.
    State(u32, Form),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Value,
    Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mode {
    Run,
    Start,
}

/// What is being computed; one of these within itself is a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Task {
    Value(usize, Mode),
    Rate(usize, Mode),
    Derivative(usize),
}

struct Flattener<'a> {
    network: &'a Network,
    graph: Graph,
    meanings: Vec<Meaning>,
    /// For each state its quantity.
    states: Vec<usize>,
    done: HashMap<Task, Id>,
    under_way: Vec<Task>,
    /// What algebraic rules are being solved for.
    unknowns: Vec<(usize, Mode)>,
    /// How many have been solved within others.
    nested: usize,
    mode: Mode,
    conditions: Conditions,
    /// How many calls of user functions have been written out.
    calls: usize,
}

pub fn system(network: &Network) -> Result<System> {
    let mut system = Flattener::new(network).and_then(Flattener::finish).map_err(Error::Input)?;
    // After all else: units of a formula that has no meaning would only add noise.
    system.unit_faults = super::unit_check::check(network);
    system.warnings.extend(super::unit_check::warnings(&system.unit_faults));
    Ok(system)
}

type Errors = Vec<Diagnostic>;

impl<'a> Flattener<'a> {
    fn new(network: &'a Network) -> Result<Self, Errors> {
        let mut flattener = Flattener {
            network,
            graph: Graph::new(),
            meanings: vec![Meaning::Derived; network.quantities.len()],
            states: Vec::new(),
            done: HashMap::new(),
            under_way: Vec::new(),
            unknowns: Vec::new(),
            nested: 0,
            mode: Mode::Run,
            conditions: Conditions::default(),
            calls: 0,
        };
        let errors = flattener.check();
        if !errors.is_empty() {
            return Err(errors);
        }
        flattener.give_meanings();
        flattener.hold_what_depends_on_the_start()?;
        Ok(flattener)
    }

    fn finish(mut self) -> Result<System, Errors> {
        let network = self.network;
        let mut errors = Errors::new();
        let mut system = System {
            name: network.name.clone(),
            time_unit: network.time_text(),
            warnings: network.warnings.clone(),
            ..Default::default()
        };
        for (at, quantity) in network.quantities.iter().enumerate() {
            if let Meaning::Parameter(_) = self.meanings[at] {
                let value = self.number(quantity).unwrap_or_default();
                let unit = network.unit_text(quantity);
                system.parameters.push(Parameter { name: quantity.name.clone(), value, unit });
            }
        }
        for state in 0..self.states.len() {
            let quantity = &network.quantities[self.states[state]];
            match self.state(state) {
                Ok((initial, derivative)) => {
                    let of_value = self.meanings[self.states[state]] == Meaning::State(state as u32, Form::Value);
                    let unit = if of_value { network.unit_text(quantity) } else { String::new() };
                    system.states.push(State { name: quantity.name.clone(), initial, derivative, unit });
                }
                Err(error) => errors.push(error),
            }
        }
        for at in 0..network.quantities.len() {
            // A name that nobody gave a value is an error only where it is used.
            if self.network.quantities[at].has_value() {
                match self.variable(at) {
                    Ok(variable) => system.variables.push(variable),
                    Err(error) => errors.push(error),
                }
            }
        }
        for at in 0..network.reactions.len() {
            self.mode = Mode::Run;
            match self.rate(at) {
                Ok(value) => system.variables.push(Variable {
                    name: network.reactions[at].name.clone(),
                    value,
                    species: None,
                    unit: String::new(),
                }),
                Err(error) => errors.push(error),
            }
        }
        match self.events() {
            Ok(events) => system.events = events,
            Err(mut more) => errors.append(&mut more),
        }
        let mut seen = Vec::new();
        errors.retain(|error| {
            !seen.contains(error) && {
                seen.push(error.clone());
                true
            }
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        system.switches = self.conditions.into_switches();
        system.graph = self.graph;
        Ok(system)
    }

    fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.network.source.error(span, message)
    }

    /// The number that `quantity` starts with, if a number was written (or a formula of numbers).
    fn number(&mut self, quantity: &Quantity) -> Option<f64> {
        let formula = quantity.initial.as_ref()?;
        if !formula.names().iter().all(|(name, _)| super::lower::constant(name).is_some()) || calls(formula) {
            return None;
        }
        let id = lower(self, formula).ok()?;
        self.graph.as_constant(id)
    }

    fn give_meanings(&mut self) {
        let network = self.network;
        let mut moved = vec![false; network.quantities.len()];
        for event in &network.events {
            for (target, _) in &event.assignments {
                network.position(&target.name).into_iter().for_each(|at| moved[at] = true);
            }
        }
        for term in network.reactions.iter().flat_map(|r| r.reactants.iter().chain(&r.products)) {
            if let Some(at) = network.position(&term.species.name) {
                let fixed = network.quantities[at].constant == Some(true);
                moved[at] |= matches!(&network.quantities[at].role, Role::Species(s) if !s.boundary && !fixed);
            }
        }
        let varies = |at: usize| moved[at] || network.quantities[at].rule != Rule::None;
        let mut parameters = 0;
        for (at, quantity) in network.quantities.iter().enumerate() {
            let in_varying = match &quantity.role {
                Role::Species(species) if !species.amount_only => {
                    species.compartment.as_ref().and_then(|c| network.position(&c.name)).is_some_and(&varies)
                }
                _ => false,
            };
            self.meanings[at] = match quantity.rule {
                Rule::Assignment(_) | Rule::Algebraic(_) => Meaning::Assigned,
                Rule::Rate(_) => self.new_state(at, in_varying),
                Rule::None if moved[at] || in_varying => self.new_state(at, in_varying),
                Rule::None
                    if self.number(quantity).is_some() || quantity.initial.is_none() && !quantity.has_value() =>
                {
                    if quantity.has_value() {
                        parameters += 1;
                        Meaning::Parameter(parameters - 1)
                    } else {
                        Meaning::Derived
                    }
                }
                Rule::None => Meaning::Derived,
            };
        }
    }

    fn new_state(&mut self, quantity: usize, amount: bool) -> Meaning {
        self.states.push(quantity);
        Meaning::State(self.states.len() as u32 - 1, if amount { Form::Amount } else { Form::Value })
    }

    /// A constant whose formula has the time in it keeps the value of the start: it becomes a state at rest.
    fn hold_what_depends_on_the_start(&mut self) -> Result<(), Errors> {
        let mut held = Vec::new();
        for at in 0..self.network.quantities.len() {
            if self.meanings[at] == Meaning::Derived && self.network.quantities[at].has_value() {
                let value = self.value(at, Mode::Start).map_err(|error| vec![error])?;
                if self.graph.symbols([value]).contains(&Symbol::Time) {
                    held.push(at);
                }
            }
        }
        for at in held {
            self.meanings[at] = self.new_state(at, false);
        }
        self.done.clear();
        Ok(())
    }

    fn variable(&mut self, at: usize) -> Result<Variable, Diagnostic> {
        let quantity = &self.network.quantities[at];
        let value = self.value(at, Mode::Run)?;
        let species = match &quantity.role {
            Role::Species(species) => {
                let volume = self.volume(at, Mode::Run)?;
                Some(if species.amount_only {
                    SpeciesForms { amount: value, concentration: self.graph.div(value, volume) }
                } else if let Meaning::State(index, Form::Amount) = self.meanings[at] {
                    SpeciesForms { amount: self.graph.symbol(Symbol::State(index)), concentration: value }
                } else {
                    SpeciesForms { amount: self.graph.mul(value, volume), concentration: value }
                })
            }
            _ => None,
        };
        Ok(Variable { name: quantity.name.clone(), value, species, unit: self.network.unit_text(quantity) })
    }

    /// The size of the compartment of species `at`.
    fn volume(&mut self, at: usize, mode: Mode) -> Lowered {
        match &self.network.quantities[at].role {
            Role::Species(species) => match &species.compartment {
                Some(compartment) => match self.network.position(&compartment.name) {
                    Some(at) => self.value(at, mode),
                    None => Err(self.unknown(&compartment.name, &compartment.span)),
                },
                None => Ok(self.graph.constant(1.0)),
            },
            _ => Ok(self.graph.constant(1.0)),
        }
    }
}

/// Whether a formula calls a function of the user's (whose body the numbers do not show).
fn calls(formula: &Expr) -> bool {
    use super::math::{Kind, Operator};
    matches!(&formula.kind, Kind::Apply(Operator::Function(name), _) if !super::lower::is_function(name))
        || formula.children().into_iter().any(calls)
}

impl Quantity {
    /// Whether anything gives it a value: a species starts at 0 and a compartment has the size 1 if nothing does.
    fn has_value(&self) -> bool {
        self.initial.is_some()
            || matches!(self.rule, Rule::Assignment(_) | Rule::Algebraic(_))
            || self.role != Role::Parameter
    }
}
