//! Which variables of a model are written, and in which form.

use super::SimulateArgs;
use crate::cli::failure::Failure;
use fenton::Diagnostic;
use fenton::expr::{Id, Symbol};
use fenton::model::math::closest;
use fenton::model::{System, Variable};

/// The name and the expression of each column.
pub fn columns(args: &SimulateArgs, system: &System) -> Result<Vec<(String, Id)>, Failure> {
    let form = |variable: &Variable| match (&variable.species, args.amounts, args.concentrations) {
        (Some(species), true, _) => species.amount,
        (Some(species), _, true) => species.concentration,
        _ => variable.value,
    };
    let Some(names) = &args.columns else {
        let changing = || system.variables.iter().filter(|variable| changes(system, form(variable)));
        let integrated = |v: &&Variable| v.species.is_some() || system.state(&v.name).is_some();
        let named = |variable: &Variable| (variable.name.clone(), form(variable));
        let states: Vec<_> = changing().filter(integrated).map(named).collect();
        // A model of formulas alone has nothing else to show.
        return Ok(if states.is_empty() { changing().map(named).collect() } else { states });
    };
    names
        .iter()
        .map(|name| {
            let name = name.trim();
            let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let Some(variable) = system.variable(bracketed.unwrap_or(name)) else {
                let mut diagnostic = Diagnostic::new(format!("--columns: the model has no variable '{name}'"));
                if let Some(near) = closest(name, system.variables.iter().map(|v| v.name.as_str())) {
                    diagnostic = diagnostic.hint(format!("did you mean '{near}'?"));
                }
                return Err(diagnostic.into());
            };
            let value = match (bracketed, &variable.species) {
                (None, _) => form(variable),
                (Some(_), Some(species)) => species.concentration,
                (Some(inner), None) => {
                    let problem =
                        Diagnostic::new(format!("--columns: '{inner}' is no species and has no concentration"));
                    return Err(problem.hint(format!("write '{inner}' without brackets")).into());
                }
            };
            Ok((name.to_string(), value))
        })
        .collect()
}

/// Whether a value depends on time, directly or through the states.
fn changes(system: &System, value: Id) -> bool {
    let symbols = system.graph.symbols([value]);
    symbols.iter().any(|symbol| match symbol {
        Symbol::State(at) => {
            let state = &system.states[*at as usize];
            system.graph.as_constant(state.derivative) != Some(0.0)
                || system.events.iter().any(|event| event.assignments.iter().any(|a| a.state == *at))
        }
        Symbol::Time | Symbol::Switch(_) => true,
        _ => false,
    })
}
