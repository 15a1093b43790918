//! The initial-value problem that a model means, in symbols: what every reader produces and the program lowers.

use crate::Diagnostic;
use crate::expr::{Graph, Id, Symbol};

/// `dy/dt = f(t, y, p)` with `y(start) = y0(p)`, its conditions and its events.
///
/// In all expressions `Symbol::State(i)` is `states[i]`, `Symbol::Parameter(i)` is `parameters[i]` and
/// `Symbol::Switch(i)` is the truth of `switches[i]`. Functions are inlined, assignment rules are substituted.
#[derive(Debug, Clone, Default)]
pub struct System {
    pub name: String,
    pub graph: Graph,
    pub states: Vec<State>,
    pub parameters: Vec<Parameter>,
    /// Everything with a name that can be asked for: species, compartments, parameters, assignment rules, reaction
    /// rates. Names are unique.
    pub variables: Vec<Variable>,
    pub switches: Vec<Switch>,
    pub events: Vec<Event>,
    /// The unit of time as written, for labels ("h"); empty if not declared.
    pub time_unit: String,
    /// What is allowed in the model and may be a slip.
    pub warnings: Vec<Diagnostic>,
    /// Where units do not agree or are not known; `warnings` says so in short.
    pub unit_faults: Vec<Diagnostic>,
}

/// One differential equation. A species in a compartment of constant size is a concentration, unless it was declared
/// as an amount; in a compartment that changes it is an amount.
#[derive(Debug, Clone)]
pub struct State {
    pub name: String,
    /// Over parameters (and time, which is the start time) only.
    pub initial: Id,
    pub derivative: Id,
    pub unit: String,
}

/// A number that is constant during a run, at its nominal value unless somebody sets it.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    /// As the name is used in formulas (a species: its concentration unless it is substance-only).
    pub value: Id,
    /// For a species, its amount and its concentration.
    pub species: Option<SpeciesForms>,
    pub unit: String,
}

#[derive(Debug, Clone, Copy)]
pub struct SpeciesForms {
    pub amount: Id,
    pub concentration: Id,
}

/// A condition `indicator > 0` (or `>= 0`) on which the right-hand side or an event depends.
#[derive(Debug, Clone)]
pub struct Switch {
    /// Over time, states and parameters (never over switches).
    pub indicator: Id,
    /// True at `indicator == 0` too.
    pub inclusive: bool,
    /// If the indicator depends on time and parameters alone and changes sign once at most: that time.
    pub time: Option<Id>,
    /// As written, for messages.
    pub text: String,
}

/// `at delay after trigger: assignments`: done each time the trigger turns from false to true.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    /// A truth value over switches (and parameters).
    pub trigger: Id,
    /// Whether a trigger that is true at the start counts as having been false before.
    pub at_start: bool,
    /// How long after its trigger it is done, as of the trigger; at once without one.
    pub delay: Option<Id>,
    /// Of what is due at one time the greatest goes first; 0 without one.
    pub priority: Option<Id>,
    /// Whether it is done also if the trigger turns false while it waits.
    pub persistent: bool,
    /// Whether new values are those of when the trigger turned, not those of when it is done.
    pub from_trigger: bool,
    pub assignments: Vec<Assignment>,
}

/// A new value of a state, computed from the values before the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Assignment {
    pub state: u32,
    pub value: Id,
    /// What the value is multiplied by when it is put in: the size of the compartment if the state is an amount.
    pub size: Option<Id>,
}

impl Event {
    /// All its formulas.
    pub fn formulas(&self) -> impl Iterator<Item = Id> + '_ {
        let values = self.assignments.iter().flat_map(|a| std::iter::once(a.value).chain(a.size));
        std::iter::once(self.trigger).chain(self.delay).chain(self.priority).chain(values)
    }

    pub fn formulas_mut(&mut self) -> impl Iterator<Item = &mut Id> {
        let values = self.assignments.iter_mut().flat_map(|a| std::iter::once(&mut a.value).chain(&mut a.size));
        std::iter::once(&mut self.trigger).chain(&mut self.delay).chain(&mut self.priority).chain(values)
    }
}

impl System {
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    pub fn parameter(&self, name: &str) -> Option<u32> {
        self.parameters.iter().position(|p| p.name == name).map(|at| at as u32)
    }

    /// Puts `with(graph, parameter)` in the place of each parameter for which it is something, wherever parameters are
    /// used. What it returns may use that parameter again.
    pub fn replace_parameters(&mut self, with: &mut dyn FnMut(&mut Graph, u32) -> Option<Id>) {
        let mut places: Vec<&mut Id> = Vec::new();
        places.extend(self.states.iter_mut().flat_map(|s| [&mut s.initial, &mut s.derivative]));
        for variable in &mut self.variables {
            places.push(&mut variable.value);
            places.extend(variable.species.iter_mut().flat_map(|s| [&mut s.amount, &mut s.concentration]));
        }
        places.extend(self.switches.iter_mut().flat_map(|s| std::iter::once(&mut s.indicator).chain(&mut s.time)));
        places.extend(self.events.iter_mut().flat_map(Event::formulas_mut));
        let roots: Vec<Id> = places.iter().map(|id| **id).collect();
        let replaced = self.graph.substitute(&roots, &mut |graph, symbol| match symbol {
            Symbol::Parameter(parameter) => with(graph, parameter),
            _ => None,
        });
        places.into_iter().zip(replaced).for_each(|(place, id)| *place = id);
    }

    /// What makes the equations depend on time itself: a rate, a condition or an event.
    pub fn tells_time(&self) -> Option<String> {
        let timed = |id: Id| self.graph.symbols([id]).contains(&Symbol::Time);
        let switch = self.switches.iter().find(|switch| timed(switch.indicator)).map(|s| format!("'{}'", s.text));
        let event =
            || self.events.iter().find(|event| event.formulas().any(timed)).map(|e| format!("event '{}'", e.name));
        let rate =
            || self.states.iter().find(|state| timed(state.derivative)).map(|s| format!("the rate of '{}'", s.name));
        switch.or_else(event).or_else(rate)
    }

    pub fn state(&self, name: &str) -> Option<u32> {
        self.states.iter().position(|s| s.name == name).map(|at| at as u32)
    }
}
