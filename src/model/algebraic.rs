//! Algebraic rules, `0 = formula`: which quantity each of them is the formula for.
//!
//! SBML leaves open which one it is: of all that nothing else decides, whatever makes the rule hold. A rule with one such
//! quantity goes to it; that may leave one for another rule, and so on. Where several are left, one that has no value to
//! start with comes before one that has, and a boundary species, which is seldom meant to move, last.

use super::math::Expr;
use super::network::{Network, Role, Rule};
use crate::Diagnostic;
use std::collections::BTreeSet;

/// Gives each of `rules` to the quantity that it is solved for. What is wrong comes back.
pub fn give(network: &mut Network, rules: Vec<Expr>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut open: Vec<(Expr, BTreeSet<(u8, usize)>)> = rules
        .into_iter()
        .map(|rule| {
            let named = named(network, &rule);
            let choices = named.into_iter().filter_map(|at| Some((rank(network, at)?, at))).collect();
            (rule, choices)
        })
        .collect();
    while !open.is_empty() {
        if let Some(at) = open.iter().position(|(_, choices)| choices.is_empty()) {
            let (rule, _) = open.remove(at);
            errors.push(nothing_left(network, &rule));
        } else if let Some(at) = open.iter().position(|(_, choices)| choices.len() == 1) {
            let (rule, choices) = open.remove(at);
            for &(_, quantity) in &choices {
                network.quantities[quantity].rule = Rule::Algebraic(rule.clone());
            }
            open.iter_mut().for_each(|(_, others)| others.retain(|choice| !choices.contains(choice)));
        } else {
            let mut narrowed = false;
            for (_, choices) in &mut open {
                let best = choices.first().map(|&(rank, _)| rank);
                let before = choices.len();
                choices.retain(|&(rank, _)| Some(rank) == best);
                narrowed |= choices.len() < before;
            }
            if !narrowed {
                let (rule, choices) = open.remove(0);
                errors.push(several_left(network, &rule, &choices));
            }
        }
    }
    errors
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

fn several_left(network: &Network, rule: &Expr, choices: &BTreeSet<(u8, usize)>) -> Diagnostic {
    let names: Vec<String> = choices.iter().map(|&(_, at)| format!("'{}'", network.quantities[at].name)).collect();
    let message = format!("an algebraic rule that may decide {} is not supported", names.join(" or "));
    let error = network.source.error(&rule.span, message);
    error.hint("declare what stays as it is 'const', or write the rule as 'x := formula'")
}
