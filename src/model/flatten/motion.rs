//! How states start and move.

use super::{Flattener, Form, Meaning, Mode, Task};
use crate::Diagnostic;
use crate::expr::{Id, Symbol};
use crate::model::lower::{Lowered, lower};
use crate::model::network::{Role, Rule};

impl Flattener<'_> {
    /// Initial value and derivative of state `index`.
    pub(super) fn state(&mut self, index: usize) -> Result<(Id, Id), Diagnostic> {
        Ok((self.initial(index)?, self.derivative(index)?))
    }

    pub(super) fn initial(&mut self, index: usize) -> Lowered {
        let at = self.states[index];
        let value = self.value(at, Mode::Start)?;
        if self.meanings[at] == Meaning::State(index as u32, Form::Amount) {
            let volume = self.volume(at, Mode::Start)?;
            return Ok(self.graph.mul(value, volume));
        }
        Ok(value)
    }

    pub(super) fn derivative(&mut self, index: usize) -> Lowered {
        self.task(Task::Derivative(index), |f| {
            f.mode = Mode::Run;
            let at = f.states[index];
            let quantity = &f.network.quantities[at];
            let amount = f.meanings[at] == Meaning::State(index as u32, Form::Amount);
            match (&quantity.rule, &quantity.role) {
                (Rule::Rate(formula), _) => {
                    let rate = lower(f, formula)?;
                    if !amount {
                        return Ok(rate);
                    }
                    // n = c*V, so n' = c'*V + c*V'.
                    let volume = f.volume(at, Mode::Run)?;
                    let concentration = f.value(at, Mode::Run)?;
                    let growth = f.total_derivative(volume)?;
                    let (by_rule, by_growth) = (f.graph.mul(rate, volume), f.graph.mul(concentration, growth));
                    Ok(f.graph.add(by_rule, by_growth))
                }
                (_, Role::Species(species)) if !species.boundary && quantity.constant != Some(true) => {
                    let amount_rate = f.turnover(at)?;
                    if amount || species.amount_only {
                        return Ok(amount_rate);
                    }
                    let volume = f.volume(at, Mode::Run)?;
                    Ok(f.graph.div(amount_rate, volume))
                }
                _ => Ok(f.graph.constant(0.0)),
            }
        })
    }

    /// What the reactions make of species `at` and take from it, in amount per time.
    fn turnover(&mut self, at: usize) -> Lowered {
        let network = self.network;
        let name = &network.quantities[at].name;
        let mut terms = Vec::new();
        for (index, reaction) in network.reactions.iter().enumerate() {
            let sides = [(-1.0, &reaction.reactants), (1.0, &reaction.products)];
            for (sign, term) in sides.into_iter().flat_map(|(sign, terms)| terms.iter().map(move |t| (sign, t))) {
                if term.species.name == *name {
                    let rate = self.rate(index)?;
                    let stoichiometry = lower(self, &term.stoichiometry)?;
                    terms.push((sign, self.graph.mul(stoichiometry, rate)));
                }
            }
        }
        let sum = self.graph.sum(0.0, &terms);
        let factor = match &network.quantities[at].role {
            Role::Species(species) => species.conversion_factor.as_ref().or(network.conversion_factor.as_ref()),
            _ => None,
        };
        match factor {
            None => Ok(sum),
            Some(factor) => match network.position(&factor.name) {
                Some(at) => {
                    let factor = self.value(at, Mode::Run)?;
                    Ok(self.graph.mul(sum, factor))
                }
                None => Err(self.unknown(&factor.name, &factor.span)),
            },
        }
    }

    /// The derivative by time of `id`, along the motion of the states.
    pub(super) fn total_derivative(&mut self, id: Id) -> Lowered {
        let mut along = Vec::new();
        for symbol in self.graph.symbols([id]) {
            match symbol {
                Symbol::State(index) => along.push((symbol, self.derivative(index as usize)?)),
                Symbol::Time => along.push((symbol, self.graph.constant(1.0))),
                Symbol::Slot(place) => {
                    let quantity = &self.network.quantities[place as usize / 2];
                    let message = format!(
                        "an algebraic rule with the rate of '{}', which it decides, is not supported",
                        quantity.name
                    );
                    return Err(self.error(&quantity.span, message));
                }
                _ => {}
            }
        }
        Ok(self.graph.directional(id, &mut |_, symbol| {
            along.iter().find(|(known, _)| *known == symbol).map(|&(_, derivative)| derivative)
        }))
    }

    /// An expression that holds during the run, with the values of the start put in.
    pub(super) fn at_start(&mut self, id: Id) -> Lowered {
        let plain = self.conditions.without_switches(&mut self.graph, id);
        let mut initials = Vec::new();
        for symbol in self.graph.symbols([plain]) {
            if let Symbol::State(index) = symbol {
                initials.push((symbol, self.initial(index as usize)?));
            }
        }
        Ok(self.graph.substitute(&[plain], &mut |_, symbol| {
            initials.iter().find(|(known, _)| *known == symbol).map(|&(_, initial)| initial)
        })[0])
    }
}
