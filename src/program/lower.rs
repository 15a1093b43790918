//! From a system to a program: numbers folded in, Jacobian taken, factorisation planned.

use super::lu;
use crate::expr::{Graph, Id, Node, Relation, Symbol};
use crate::model::{Event, System};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is left open when a system is lowered.
#[derive(Debug, Clone, Default)]
pub struct Lowering {
    /// Parameters of the system (by index) that each lane brings along; their order is the order of the inputs.
    pub inputs: Vec<u32>,
    /// Parameters with another value than the nominal one; all that are not inputs become constants.
    pub fixed: Vec<(u32, f64)>,
    /// What is recorded at the output times: expressions of the system's graph over time, states, parameters and
    /// switches.
    pub outputs: Vec<Id>,
}

/// A system ready to run. In its graph `Symbol::Parameter(i)` is the lane's input `i`.
#[derive(Debug, Clone)]
pub struct Program {
    /// Equal programs have equal ids; engines keep what they compiled under it.
    pub id: u64,
    pub name: String,
    pub graph: Graph,
    pub states: Vec<String>,
    pub inputs: Vec<String>,
    /// Over inputs and time.
    pub initial: Vec<Id>,
    pub derivative: Vec<Id>,
    /// `(row, column, value)` of the entries that are not structurally zero, by row, then column. Terms that are infinite
    /// or undefined count as 0 (see [`Graph::tame`]): a step takes them explicitly.
    pub jacobian: Vec<(u32, u32, Id)>,
    /// `df/dt` with the states held, for methods that need it; constants 0 for an autonomous system.
    pub time_derivative: Vec<Id>,
    /// Recorded at each output time.
    pub outputs: Vec<Id>,
    /// How `I/(h gamma) - J` is factorised and solved.
    pub lu: lu::Plan,
    pub switches: Vec<ProgramSwitch>,
    pub events: Vec<Event>,
}

/// See [`crate::model::Switch`].
#[derive(Debug, Clone)]
pub struct ProgramSwitch {
    pub indicator: Id,
    pub inclusive: bool,
    /// The time at which it turns, over inputs, when that is known beforehand.
    pub time: Option<Id>,
    pub text: String,
}

impl Program {
    /// The states, in their order, that outputs and conditions on the state depend on: those that are read.
    pub fn read(&self) -> Vec<usize> {
        let crossings = self.switches.iter().filter(|switch| switch.time.is_none()).map(|switch| switch.indicator);
        let seen = self.graph.reachable(self.outputs.iter().copied().chain(crossings));
        let is_read = |state: &usize| {
            seen.iter()
                .any(|&id| matches!(self.graph.node(id), Node::Symbol(Symbol::State(at)) if *at as usize == *state))
        };
        (0..self.states.len()).filter(is_read).collect()
    }

    /// Lowers `system`. Indices in `lowering` must be those of the system's parameters.
    pub fn new(system: &System, lowering: &Lowering) -> Program {
        let mut graph = Graph::new();
        let values: Vec<f64> = (0..system.parameters.len() as u32)
            .map(|at| {
                let fixed = lowering.fixed.iter().rev().find(|(parameter, _)| *parameter == at);
                fixed.map_or(system.parameters[at as usize].value, |&(_, value)| value)
            })
            .collect();
        let mut fold = |graph: &mut Graph, symbol: Symbol| match symbol {
            Symbol::Parameter(at) => Some(match lowering.inputs.iter().position(|&input| input == at) {
                Some(input) => graph.symbol(Symbol::Parameter(input as u32)),
                None => graph.constant(values[at as usize]),
            }),
            _ => None,
        };
        let switches: Vec<ProgramSwitch> = system
            .switches
            .iter()
            .map(|switch| ProgramSwitch {
                indicator: graph.import(&system.graph, &[switch.indicator], &mut fold)[0],
                inclusive: switch.inclusive,
                time: switch.time.map(|time| graph.import(&system.graph, &[time], &mut fold)[0]),
                text: switch.text.clone(),
            })
            .collect();
        // The state at the start cannot wait for a switch to be set: there a condition is what it says.
        let initial: Vec<Id> = system.states.iter().map(|s| s.initial).collect();
        let initial = graph.import(&system.graph, &initial, &mut |graph, symbol| match symbol {
            Symbol::Switch(at) => {
                let switch = &switches[at as usize];
                let zero = graph.constant(0.0);
                let relation = if switch.inclusive { Relation::LessEqual } else { Relation::Less };
                Some(graph.compare(relation, zero, switch.indicator))
            }
            _ => fold(graph, symbol),
        });
        let derivative: Vec<Id> = system.states.iter().map(|s| s.derivative).collect();
        let derivative = graph.import(&system.graph, &derivative, &mut fold);
        let outputs = graph.import(&system.graph, &lowering.outputs, &mut fold);
        let events = system
            .events
            .iter()
            .cloned()
            .map(|mut event| {
                event.formulas_mut().for_each(|id| *id = graph.import(&system.graph, &[*id], &mut fold)[0]);
                event
            })
            .collect();
        let mut jacobian = Vec::new();
        for (row, &f) in derivative.iter().enumerate() {
            for symbol in graph.symbols([f]) {
                let Symbol::State(column) = symbol else { continue };
                let entry = graph.derivative(f, symbol);
                let entry = graph.tame(entry);
                if graph.as_constant(entry) != Some(0.0) {
                    jacobian.push((row as u32, column, entry));
                }
            }
        }
        let time_derivative = derivative.iter().map(|&f| {
            let slope = graph.derivative(f, Symbol::Time);
            graph.tame(slope)
        });
        let time_derivative = time_derivative.collect();
        let pattern: Vec<(u32, u32)> = jacobian.iter().map(|&(row, column, _)| (row, column)).collect();
        let mut program = Program {
            id: 0,
            name: system.name.clone(),
            lu: lu::Plan::new(system.states.len(), &pattern),
            graph,
            states: system.states.iter().map(|s| s.name.clone()).collect(),
            inputs: lowering.inputs.iter().map(|&at| system.parameters[at as usize].name.clone()).collect(),
            initial,
            derivative,
            jacobian,
            time_derivative,
            outputs,
            switches,
            events,
        };
        program.id = program.fingerprint();
        program
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for at in 0..self.graph.len() as u32 {
            self.graph.node(Id(at)).hash(&mut hasher);
        }
        (&self.states, &self.inputs, &self.initial, &self.derivative, &self.outputs).hash(&mut hasher);
        for switch in &self.switches {
            (switch.indicator, switch.inclusive, switch.time).hash(&mut hasher);
        }
        for event in &self.events {
            (event.trigger, event.at_start, event.delay, event.priority).hash(&mut hasher);
            (event.persistent, event.from_trigger, &event.assignments).hash(&mut hasher);
        }
        hasher.finish()
    }
}
