//! Algebraic rules, `0 = formula`: which quantity each of them is the formula for.
//!
//! SBML leaves open which one it is: of all that nothing else decides, whatever makes the rules hold. So quantities find
//! their rules as in a bipartite matching: one that has no value to start with comes before one that has, and a boundary
//! species, which is seldom meant to move, last. Where two would do equally well, the rule is refused.

use super::math::Expr;
use super::network::{Network, Role, Rule};
use crate::Diagnostic;
use std::collections::BTreeSet;

/// Gives each of `rules` to the quantity that it is solved for. What is wrong comes back.
pub fn give(network: &mut Network, rules: Vec<Expr>) -> Vec<Diagnostic> {
    let mut choices: Vec<Choice> = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        for quantity in named(network, rule) {
            match choices.iter_mut().find(|choice| choice.quantity == quantity) {
                Some(choice) => choice.rules.push(at),
                None => choices.extend(rank(network, quantity).map(|rank| Choice { rank, quantity, rules: vec![at] })),
            }
        }
    }
    choices.sort_by_key(|choice| (choice.rank, choice.quantity));
    let mut pairing = Pairing { choices: &choices, taken: vec![None; rules.len()] };
    let left: Vec<usize> =
        (0..choices.len()).filter(|&choice| !pairing.place(choice, &mut vec![false; rules.len()])).collect();
    let mut errors = Vec::new();
    for (rule, taken) in rules.iter().zip(&pairing.taken) {
        let Some(choice) = *taken else {
            errors.push(nothing_left(network, rule));
            continue;
        };
        let other = left
            .iter()
            .find(|&&other| choices[other].rank == choices[choice].rank && pairing.could_replace(other, choice));
        match other {
            Some(&other) => errors.push(several_left(network, rule, &choices[choice], &choices[other])),
            None => network.quantities[choices[choice].quantity].rule = Rule::Algebraic(rule.clone()),
        }
    }
    errors
}

/// A quantity that rules may decide.
struct Choice {
    /// What speaks against it; the least is best.
    rank: u8,
    quantity: usize,
    /// The rules that it is in.
    rules: Vec<usize>,
}

/// Which choice each rule has taken. Choices are placed in order of their rank; one that has found a place keeps one,
/// though others may move it from rule to rule.
struct Pairing<'a> {
    choices: &'a [Choice],
    taken: Vec<Option<usize>>,
}

impl Pairing<'_> {
    /// Finds a rule for `choice`, where need be by moving others. `seen` are the rules that have been tried.
    fn place(&mut self, choice: usize, seen: &mut [bool]) -> bool {
        for &rule in &self.choices[choice].rules {
            if !std::mem::replace(&mut seen[rule], true)
                && self.taken[rule].is_none_or(|holder| self.place(holder, seen))
            {
                self.taken[rule] = Some(choice);
                return true;
            }
        }
        false
    }

    /// Whether all others would still find a place with `new` in that of `old`.
    fn could_replace(&self, new: usize, old: usize) -> bool {
        let mut without = Pairing { choices: self.choices, taken: self.taken.clone() };
        without.taken.iter_mut().filter(|taken| **taken == Some(old)).for_each(|taken| *taken = None);
        without.place(new, &mut vec![false; self.taken.len()])
    }
}

/// The quantities in `rule`, also by way of assignment rules and rates of reactions.
fn named(network: &Network, rule: &Expr) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut formulas = vec![rule];
    while let Some(formula) = formulas.pop() {
        for (name, _) in formula.names() {
            if let Some(at) = network.position(name) {
                if found.insert(at)
                    && let Rule::Assignment(formula) = &network.quantities[at].rule
                {
                    formulas.push(formula);
                }
            } else if let Some(at) = network.reaction(name)
                && seen.insert(at)
            {
                formulas.extend(&network.reactions[at].rate);
            }
        }
    }
    found
}

/// How much speaks against a rule deciding a quantity; `None` where something else does.
fn rank(network: &Network, at: usize) -> Option<u8> {
    let quantity = &network.quantities[at];
    let by_event = network.events.iter().flat_map(|e| &e.assignments).any(|(target, _)| target.name == quantity.name);
    if quantity.rule != Rule::None || quantity.constant == Some(true) || by_event {
        return None;
    }
    let valued = u8::from(quantity.initial.is_some());
    match &quantity.role {
        Role::Species(species) if species.boundary => Some(2 + valued),
        Role::Species(_) => {
            let terms = network.reactions.iter().flat_map(|r| r.reactants.iter().chain(&r.products));
            let moved = terms.into_iter().any(|term| term.species.name == quantity.name);
            (!moved).then_some(valued)
        }
        // A number that nobody declared 'var' is constant.
        _ if quantity.constant == Some(false) => Some(valued),
        Role::Parameter => quantity.initial.is_none().then_some(0),
        Role::Compartment => None,
    }
}

fn nothing_left(network: &Network, rule: &Expr) -> Diagnostic {
    let error = network.source.error(&rule.span, "an algebraic rule that decides nothing is not supported");
    error
        .expected("a name without a rule, a reaction or an event of its own, and not constant")
        .hint("declare what follows from it 'var', or write it as 'x := formula'")
}

fn several_left(network: &Network, rule: &Expr, one: &Choice, other: &Choice) -> Diagnostic {
    let [one, other] = [one, other].map(|choice| &network.quantities[choice.quantity].name);
    let message = format!("an algebraic rule that may decide '{one}' or '{other}' is not supported");
    let error = network.source.error(&rule.span, message);
    error.hint("declare what stays as it is 'const', or write the rule as 'x := formula'")
}
