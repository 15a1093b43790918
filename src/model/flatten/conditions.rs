//! Comparisons that can change during a run become switches.

use crate::expr::{Function, Graph, Id, Relation, Symbol};
use crate::model::system::Switch;
use std::collections::HashMap;

#[derive(Default)]
pub struct Conditions {
    switches: Vec<Switch>,
    /// The comparison behind each switch, without switches in it.
    plain: Vec<Id>,
    known: HashMap<(Id, bool), u32>,
}

impl Conditions {
    /// The truth of `a relation b`: a comparison if it is constant during a run, else over switches.
    pub fn compare(&mut self, graph: &mut Graph, relation: Relation, a: Id, b: Id, text: &str) -> Id {
        let moves = |s: &Symbol| matches!(s, Symbol::Time | Symbol::State(_) | Symbol::Switch(_));
        if a == b || !graph.symbols([a, b]).iter().any(moves) {
            return graph.compare(relation, a, b);
        }
        match relation {
            Relation::Less => self.positive(graph, a, b, false, text),
            Relation::LessEqual => self.positive(graph, a, b, true, text),
            Relation::Equal | Relation::NotEqual => {
                let at_least = self.positive(graph, b, a, true, text);
                let at_most = self.positive(graph, a, b, true, text);
                let equal = graph.binary(crate::expr::Binary::And, at_least, at_most);
                if relation == Relation::Equal { equal } else { graph.call(Function::Not, equal) }
            }
        }
    }

    /// The truth of `high - low > 0`, or of `>= 0`.
    fn positive(&mut self, graph: &mut Graph, low: Id, high: Id, inclusive: bool, text: &str) -> Id {
        let low = self.without_switches(graph, low);
        let high = self.without_switches(graph, high);
        let indicator = graph.sub(high, low);
        if let Some(value) = graph.as_constant(indicator) {
            return graph.constant(f64::from(value > 0.0 || inclusive && value == 0.0));
        }
        if let Some(&switch) = self.known.get(&(indicator, inclusive)) {
            return graph.symbol(Symbol::Switch(switch));
        }
        let opposite = graph.neg(indicator);
        if let Some(&switch) = self.known.get(&(opposite, !inclusive)) {
            let switch = graph.symbol(Symbol::Switch(switch));
            return graph.call(Function::Not, switch);
        }
        let index = self.switches.len() as u32;
        let relation = if inclusive { Relation::LessEqual } else { Relation::Less };
        self.plain.push(graph.compare(relation, low, high));
        self.known.insert((indicator, inclusive), index);
        let time = crossing(graph, indicator);
        self.switches.push(Switch { indicator, inclusive, time, text: text.to_string() });
        graph.symbol(Symbol::Switch(index))
    }

    /// `id` with comparisons in the place of switches.
    pub fn without_switches(&self, graph: &mut Graph, id: Id) -> Id {
        graph.substitute(&[id], &mut |_, symbol| match symbol {
            Symbol::Switch(index) => Some(self.plain[index as usize]),
            _ => None,
        })[0]
    }

    pub fn count(&self) -> usize {
        self.switches.len()
    }

    /// Whether any of the switches from number `first` on depends on `symbol`.
    pub fn depend_on(&self, graph: &Graph, symbol: Symbol, first: usize) -> bool {
        graph.symbols(self.switches[first..].iter().map(|switch| switch.indicator)).contains(&symbol)
    }

    pub fn into_switches(self) -> Vec<Switch> {
        self.switches
    }
}

/// The time at which `indicator` is 0, if it is a straight line in time and no state is in it.
fn crossing(graph: &mut Graph, indicator: Id) -> Option<Id> {
    let over_parameters = |s: &Symbol| matches!(s, Symbol::Parameter(_));
    if graph.symbols([indicator]).iter().any(|s| *s != Symbol::Time && !over_parameters(s)) {
        return None;
    }
    if jumps(graph, indicator) {
        return None;
    }
    let slope = graph.derivative(indicator, Symbol::Time);
    if graph.as_constant(slope) == Some(0.0) || !graph.symbols([slope]).iter().all(over_parameters) {
        return None;
    }
    let zero = graph.constant(0.0);
    let offset = graph.substitute(&[indicator], &mut |_, symbol| (symbol == Symbol::Time).then_some(zero))[0];
    let ratio = graph.div(offset, slope);
    Some(graph.neg(ratio))
}

/// Whether `id` holds an operation whose derivative does not tell all about it.
fn jumps(graph: &Graph, id: Id) -> bool {
    use crate::expr::{Binary, Node};
    graph.reachable([id]).into_iter().any(|id| match graph.node(id) {
        Node::Call(function, _) => {
            matches!(function, Function::Floor | Function::Ceil | Function::Sign | Function::Abs | Function::Not)
        }
        Node::Binary(op, ..) => *op != Binary::Power,
        Node::Compare(..) | Node::Select { .. } => true,
        _ => false,
    })
}
