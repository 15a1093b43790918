//! Events, and what is checked before anything is lowered.

use super::{Errors, Flattener, Form, Meaning, Mode, names};
use crate::Diagnostic;
use crate::model::lower::{lower, truth};
use crate::model::network::{self, Role, Rule};
use crate::model::system;
use crate::model::units::signed;

impl Flattener<'_> {
    /// What is wrong with the network as a whole.
    pub(super) fn check(&self) -> Errors {
        let network = self.network;
        let mut errors = Errors::new();
        for function in network.functions.iter().filter(|f| names::hides_builtin(f)) {
            let message = format!("the name '{}' has a fixed meaning", function.name);
            errors.push(self.error(&function.span, message).hint("give the function another name"));
        }
        for reaction in &network.reactions {
            for term in reaction.reactants.iter().chain(&reaction.products) {
                let Some(quantity) = network.quantity(&term.species.name) else {
                    errors.push(self.unknown(&term.species.name, &term.species.span));
                    continue;
                };
                let Role::Species(species) = &quantity.role else { continue };
                if !species.boundary && quantity.rule != Rule::None {
                    let message = format!("'{}' is changed by a reaction and by a rule", quantity.name);
                    let error = self.error(&term.species.span, message);
                    errors.push(error.hint(format!("mark it as a boundary species: ${}", quantity.name)));
                }
            }
        }
        for quantity in &network.quantities {
            if quantity.constant == Some(true) && quantity.rule != Rule::None {
                let message = format!("'{}' is declared constant, but a rule changes it", quantity.name);
                errors.push(self.error(&quantity.span, message).hint("declare it 'var' or give it a value with '='"));
            }
        }
        for event in &network.events {
            errors.extend(self.check_event(event));
        }
        errors
    }

    fn check_event(&self, event: &network::Event) -> Errors {
        let mut errors = Errors::new();
        if let Some((delay, value)) = event.delay.as_ref().and_then(|d| Some((d, signed(d)?)))
            && value < 0.0
        {
            let error = self.error(&delay.span, format!("a delay of {value}"));
            errors.push(error.expected("a time of 0 or more"));
        }
        let mut targets = Vec::new();
        for (target, _) in &event.assignments {
            let Some(quantity) = self.network.quantity(&target.name) else {
                errors.push(self.unknown(&target.name, &target.span));
                continue;
            };
            if matches!(quantity.rule, Rule::Assignment(_) | Rule::Algebraic(_)) {
                let message = format!("'{}' has an assignment rule; an event cannot change it", target.name);
                errors.push(self.error(&target.span, message).hint("change what the rule depends on"));
            } else if quantity.constant == Some(true) {
                let message = format!("'{}' is declared constant; an event cannot change it", target.name);
                errors.push(self.error(&target.span, message).hint(format!("declare it: var {}", target.name)));
            } else if targets.contains(&&target.name) {
                errors.push(self.error(&target.span, format!("a second assignment to '{}'", target.name)));
            }
            targets.push(&target.name);
        }
        errors
    }

    pub(super) fn events(&mut self) -> Result<Vec<system::Event>, Errors> {
        let network = self.network;
        let (mut events, mut errors) = (Vec::new(), Errors::new());
        self.mode = Mode::Run;
        for event in &network.events {
            match self.event(event) {
                Ok(event) => events.push(event),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(events) } else { Err(errors) }
    }

    fn event(&mut self, event: &network::Event) -> Result<system::Event, Diagnostic> {
        let trigger = lower(self, &event.trigger)?;
        let trigger = truth(self, trigger, &event.trigger.span);
        let delay = event.delay.as_ref().filter(|delay| signed(delay) != Some(0.0));
        let delay = delay.map(|delay| lower(self, delay)).transpose()?;
        let priority = event.priority.as_ref().map(|priority| lower(self, priority)).transpose()?;
        let mut assignments = Vec::new();
        for (target, formula) in &event.assignments {
            let at = self.network.position(&target.name).ok_or_else(|| self.unknown(&target.name, &target.span))?;
            let Meaning::State(state, form) = self.meanings[at] else { continue };
            let value = lower(self, formula)?;
            let size = if form == Form::Amount { Some(self.volume(at, Mode::Run)?) } else { None };
            assignments.push(system::Assignment { state, value, size });
        }
        Ok(system::Event {
            name: event.name.clone(),
            trigger,
            at_start: event.at_start,
            delay,
            priority,
            persistent: event.persistent,
            from_trigger: event.from_trigger,
            assignments,
        })
    }
}
