//! What each quantity is to a reader: a state, an input, or a number inside a formula.

use super::{Kind, sections};
use crate::model::Network;
use crate::model::math;
use crate::model::network::{Quantity, Role, Rule};

/// For each quantity what it is drawn as; `None` for constants of rates and for what has a formula.
pub fn of(network: &Network) -> Vec<Option<Kind>> {
    let marks = sections::marks(&network.source.text);
    let place = |quantity: &Quantity| {
        let written = quantity.initial.as_ref().map_or(quantity.span.start, |formula| formula.span.start);
        sections::at(&marks, written)
    };
    let inner = |at: usize| network.quantities.get(at).is_some_and(|q| q.role == Role::Parameter);
    let moved = moved(network);
    let is_state = |at: usize| matches!(network.quantities[at].rule, Rule::Rate(_)) || moved[at];
    // A part of the file that holds nothing but numbers is a list of inputs, or one of constants.
    let busy: Vec<Option<usize>> = network
        .quantities
        .iter()
        .filter_map(|q| match &q.rule {
            Rule::Assignment(formula) | Rule::Rate(formula) | Rule::Algebraic(formula) => {
                Some(sections::at(&marks, formula.span.start))
            }
            Rule::None => None,
        })
        .chain(network.reactions.iter().map(|r| sections::at(&marks, r.span.start)))
        .collect();
    network
        .quantities
        .iter()
        .enumerate()
        .map(|(at, quantity)| {
            if is_state(at) {
                return Some(Kind::State);
            }
            let value = quantity.initial.as_ref().and_then(number)?;
            if !inner(at) || quantity.rule != Rule::None {
                return None;
            }
            let section = place(quantity);
            let listed = section.is_some() && !busy.contains(&section);
            let title = section.map_or("", |section| marks[section].1.as_str()).to_lowercase();
            match value {
                0.0 if listed || marks.is_empty() => Some(Kind::Dose),
                _ if quantity.name.ends_with("_medium") || listed && title.contains("medium") => Some(Kind::Medium),
                1.0 if is_gene(&quantity.name) => Some(Kind::Gene),
                _ => None,
            }
        })
        .collect()
}

/// Which quantities reactions change.
fn moved(network: &Network) -> Vec<bool> {
    let mut moved = vec![false; network.quantities.len()];
    for term in network.reactions.iter().flat_map(|r| r.reactants.iter().chain(&r.products)) {
        if let Some(at) = network.position(&term.species.name) {
            let quantity = &network.quantities[at];
            let free = matches!(&quantity.role, Role::Species(species) if !species.boundary);
            moved[at] |= free && quantity.constant != Some(true) && quantity.rule == Rule::None;
        }
    }
    moved
}

/// Genes are factors of 1, as some constants are. They are told apart as people do: by the capital letters and figures
/// of their symbols.
fn is_gene(name: &str) -> bool {
    let symbol = name.strip_suffix("_expression").unwrap_or(name);
    symbol.len() > 2 && !symbol.contains('_') && symbol.contains(|c: char| c.is_ascii_uppercase())
}

fn number(formula: &math::Expr) -> Option<f64> {
    match formula.kind {
        math::Kind::Number(value, _) => Some(value),
        _ => None,
    }
}
