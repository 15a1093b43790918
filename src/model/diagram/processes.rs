//! What turns into what. Reactions say so themselves; in rate rules a term that stands in two of them with opposite
//! signs is a conversion, and a named rate that stands by itself in one is a source or a sink.

use super::formulas::Formulas;
use super::{Kind, Sign};
use crate::expr::{Graph, Id, Node, Symbol};
use crate::model::Network;
use crate::model::network::Rule;
use std::collections::{BTreeMap, HashMap};

/// A rate that is multiplied out into more terms than this is left as it is.
const MOST_TERMS: usize = 64;
/// What so many states lose in the same proportion is dilution.
const DILUTED: usize = 3;

#[derive(Debug, Default)]
pub struct Found {
    pub processes: Vec<Flow>,
    /// For each state, what changes it and is no process of its own.
    pub rest: BTreeMap<usize, Vec<(f64, Id)>>,
    /// Names that are rates of processes.
    pub fluxes: Vec<usize>,
}

#[derive(Debug)]
pub struct Flow {
    pub name: String,
    /// Where in the text it is defined.
    pub place: usize,
    pub rate: Id,
    pub from: Vec<usize>,
    pub to: Vec<usize>,
}

/// Something that is influenced, and how it is computed: a sum of terms, whose sizes say what counts as small.
#[derive(Debug)]
pub struct Aim {
    pub on: Goal,
    pub terms: Vec<(f64, Id)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Quantity(usize),
    Process(usize),
}

impl Flow {
    /// More of what is used up speeds a process up, and what it makes slows it down.
    pub fn goes_without_saying(&self, from: usize, sign: Sign) -> bool {
        self.from.contains(&from) && sign == Sign::Raises || self.to.contains(&from) && sign == Sign::Lowers
    }
}

impl Found {
    pub fn targets(&self) -> Vec<Aim> {
        let flows = self.processes.iter().enumerate();
        flows
            .map(|(at, flow)| Aim { on: Goal::Process(at), terms: vec![(1.0, flow.rate)] })
            .chain(self.rest.iter().map(|(&at, terms)| Aim { on: Goal::Quantity(at), terms: terms.clone() }))
            .collect()
    }
}

/// One term of one rate rule.
struct Term {
    state: usize,
    coefficient: f64,
    id: Id,
    /// Without the constants in it: what two rules share.
    key: Id,
    place: usize,
}

pub fn find(network: &Network, formulas: &mut Formulas, roles: &[Option<Kind>]) -> Found {
    let is_state = |at: usize| roles.get(at).copied().flatten() == Some(Kind::State);
    let varies: Vec<bool> = (0..formulas.assigned.len()).map(|at| is_state(at) || formulas.is_assigned(at)).collect();
    let mut found = Found::default();
    let mut terms = Vec::new();
    for (state, quantity) in network.quantities.iter().enumerate() {
        if let (Rule::Rate(rule), Some(rate)) = (&quantity.rule, formulas.rates[state]) {
            for (coefficient, id) in expand(&mut formulas.graph, rate) {
                let key = key(&mut formulas.graph, id, &varies);
                terms.push(Term { state, coefficient, id, key, place: rule.span.start });
            }
        }
    }
    let mut losses: HashMap<Id, Vec<usize>> = HashMap::new();
    for term in &terms {
        if let Some(share) = share(&mut formulas.graph, term.id, term.state).filter(|_| term.coefficient < 0.0) {
            losses.entry(share).or_default().push(term.state);
        }
    }
    let quantities = network.quantities.len();
    for at in 0..network.reactions.len() {
        let [from, to] = sides(network, roles, at);
        if let (Some(rate), [state], []) = (formulas.assigned[quantities + at], &from[..], &to[..])
            && let Some(share) = share(&mut formulas.graph, rate, *state)
        {
            losses.entry(share).or_default().push(*state);
        }
    }
    losses.retain(|_, states| {
        states.dedup();
        states.len() >= DILUTED
    });
    terms.retain(|term| !share(&mut formulas.graph, term.id, term.state).is_some_and(|s| losses.contains_key(&s)));

    for (at, reaction) in network.reactions.iter().enumerate() {
        let Some(rate) = formulas.assigned[quantities + at] else { continue };
        let [from, to] = sides(network, roles, at);
        let alone = if let ([state], []) = (&from[..], &to[..]) { Some(*state) } else { None };
        if let Some(state) = alone
            && let Some(share) = share(&mut formulas.graph, rate, state)
            && (losses.contains_key(&share) || !formulas.names(share).iter().any(|&at| interesting(&varies, roles, at)))
        {
            continue;
        }
        if !from.is_empty() || !to.is_empty() {
            let place = reaction.span.start;
            found.processes.push(Flow { name: reaction.name.clone(), place, rate, from, to });
        }
    }
    conversions(network, formulas, terms, &mut found);
    found
}

/// Whether a name in a rate is worth an arrow.
fn interesting(varies: &[bool], roles: &[Option<Kind>], at: usize) -> bool {
    varies[at] || roles.get(at).copied().flatten().is_some_and(|kind| kind != Kind::State)
}

/// What a reaction uses and makes, without what it gives back.
fn sides(network: &Network, roles: &[Option<Kind>], at: usize) -> [Vec<usize>; 2] {
    let reaction = &network.reactions[at];
    let states = |terms: &[crate::model::network::Term]| -> Vec<usize> {
        let known = terms.iter().filter_map(|term| network.position(&term.species.name));
        let mut list: Vec<usize> = known.filter(|&at| roles[at] == Some(Kind::State)).collect();
        list.dedup();
        list
    };
    let (from, to) = (states(&reaction.reactants), states(&reaction.products));
    let only = |list: &[usize], other: &[usize]| list.iter().copied().filter(|at| !other.contains(at)).collect();
    [only(&from, &to), only(&to, &from)]
}

fn conversions(network: &Network, formulas: &Formulas, terms: Vec<Term>, found: &mut Found) {
    let flux = |id: Id| match formulas.graph.node(id) {
        Node::Symbol(Symbol::Parameter(at)) if formulas.is_assigned(*at as usize) => Some(*at as usize),
        _ => None,
    };
    // A name that stands alone somewhere is a rate; elsewhere a share of it may be meant.
    let mut fluxes: Vec<usize> = terms.iter().filter_map(|term| flux(term.id)).collect();
    fluxes.sort_unstable();
    fluxes.dedup();
    let mut keys: Vec<Id> = Vec::new();
    for term in &terms {
        if !keys.contains(&term.key) {
            keys.push(term.key);
        }
    }
    for key in keys {
        let own: Vec<&Term> = terms.iter().filter(|term| term.key == key).collect();
        let side = |sign: f64| -> Vec<usize> {
            let mut states: Vec<usize> = own.iter().filter(|t| t.coefficient * sign > 0.0).map(|t| t.state).collect();
            states.dedup();
            states
        };
        let (from, to) = (side(-1.0), side(1.0));
        let name = flux(key).filter(|at| fluxes.contains(at));
        let both = !from.is_empty() && !to.is_empty() && from != to && formulas.graph.as_constant(key).is_none();
        if name.is_none() && !both {
            for term in own {
                found.rest.entry(term.state).or_default().push((term.coefficient, term.id));
            }
            continue;
        }
        let quantity = name.and_then(|at| network.quantities.get(at));
        let place = match quantity.map(|q| &q.rule) {
            Some(Rule::Assignment(formula) | Rule::Algebraic(formula)) => formula.span.start,
            _ => own[0].place,
        };
        let rate = name.and_then(|at| formulas.assigned[at]).unwrap_or(own[0].id);
        let name = quantity.map_or(String::new(), |q| q.name.clone());
        found.processes.push(Flow { name, place, rate, from, to });
    }
    found.fluxes = fluxes;
}

/// `id` as a sum, products of sums multiplied out.
fn expand(graph: &mut Graph, root: Id) -> Vec<(f64, Id)> {
    let mut done = Vec::new();
    let mut open = vec![(1.0, root)];
    while let Some((coefficient, id)) = open.pop() {
        if done.len() + open.len() > MOST_TERMS {
            return vec![(1.0, root)];
        }
        match addends(graph, id) {
            // Backwards, so that terms come out in their order.
            Some(parts) => open.extend(parts.into_iter().rev().map(|(c, id)| (c * coefficient, id))),
            None => done.push((coefficient, id)),
        }
    }
    done
}

/// The terms of a sum, or of a product with a sum in it.
fn addends(graph: &mut Graph, id: Id) -> Option<Vec<(f64, Id)>> {
    match graph.node(id).clone() {
        Node::Sum { constant, terms } => {
            let mut parts: Vec<(f64, Id)> = terms.iter().map(|(c, id)| (c.value(), *id)).collect();
            if constant.value() != 0.0 {
                parts.push((constant.value(), graph.constant(1.0)));
            }
            Some(parts)
        }
        Node::Product(factors) => {
            let sum = |(id, e): &(Id, i32)| *e == 1 && matches!(graph.node(*id), Node::Sum { .. });
            let at = factors.iter().position(sum)?;
            let mut others = factors.to_vec();
            let (inner, _) = others.remove(at);
            let others = graph.product(&others);
            let parts = addends(graph, inner)?;
            Some(parts.into_iter().map(|(c, id)| (c, graph.mul(id, others))).collect())
        }
        _ => None,
    }
}

/// `term` without the factors that are constant during a run.
fn key(graph: &mut Graph, term: Id, varies: &[bool]) -> Id {
    let (_, factors) = factors(graph, term);
    let kept: Vec<(Id, i32)> = factors
        .into_iter()
        .filter(|(id, _)| {
            graph.symbols([*id]).iter().any(|symbol| match symbol {
                Symbol::Parameter(at) => varies[*at as usize],
                _ => true,
            })
        })
        .collect();
    graph.product(&kept)
}

/// `term / state`, if `term` is proportional to the state and to nothing else that it does.
fn share(graph: &mut Graph, term: Id, state: usize) -> Option<Id> {
    let symbol = Symbol::Parameter(state as u32);
    let own = graph.symbol(symbol);
    let (coefficient, mut factors) = factors(graph, term);
    let at = factors.iter().position(|&(id, exponent)| id == own && exponent == 1)?;
    factors.remove(at);
    let share = graph.product(&factors);
    let share = graph.scale(coefficient, share);
    (!graph.symbols([share]).contains(&symbol)).then_some(share)
}

/// A number and the factors behind it.
fn factors(graph: &Graph, term: Id) -> (f64, Vec<(Id, i32)>) {
    match graph.node(term) {
        Node::Product(factors) => (1.0, factors.to_vec()),
        Node::Sum { constant, terms } if constant.value() == 0.0 && terms.len() == 1 => {
            let (coefficient, inner) = terms[0];
            (coefficient.value(), factors(graph, inner).1)
        }
        _ => (1.0, vec![(term, 1)]),
    }
}
