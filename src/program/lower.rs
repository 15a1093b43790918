//! From a system to a program: numbers folded in, Jacobian taken, factorisation planned.

use super::lu;
use crate::expr::{Graph, Id};

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
    /// `(row, column, value)` of the entries that are not structurally zero, by row, then column.
    pub jacobian: Vec<(u32, u32, Id)>,
    /// `df/dt` with the states held, for methods that need it; constants 0 for an autonomous system.
    pub time_derivative: Vec<Id>,
    /// Recorded at each output time.
    pub outputs: Vec<Id>,
    /// How `I/(h gamma) - J` is factorised and solved.
    pub lu: lu::Plan,
    pub switches: Vec<ProgramSwitch>,
    pub events: Vec<crate::model::Event>,
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
