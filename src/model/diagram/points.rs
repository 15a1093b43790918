//! Where signs are looked at: the start of the model, states moved away from it, and doses alone and together. At the
//! start itself much is 0, and with it many derivatives.

use super::Kind;
use super::formulas::Formulas;
use crate::expr::{Id, Symbol};
use std::collections::HashMap;

/// Around the potencies of compounds, in the unit of the dose.
const DOSES: [f64; 3] = [1.0, 100.0, 10_000.0];

/// How far up a state goes by itself.
const HIGH: f64 = 100.0;

pub struct Point {
    /// Of all names.
    pub values: Vec<f64>,
    /// The only one whose effects are read here: with one state far from the others, balances between these mean nothing.
    pub only: Option<usize>,
}

pub fn points(formulas: &Formulas, roles: &[Option<Kind>]) -> Vec<Point> {
    let order = order(formulas);
    let doses: Vec<usize> = (0..roles.len()).filter(|&at| roles[at] == Some(Kind::Dose)).collect();
    let states: Vec<usize> = (0..roles.len()).filter(|&at| roles[at] == Some(Kind::State)).collect();
    let start = complete(formulas, &order, &HashMap::new());
    let moved =
        |at: usize, factor: f64, instead: f64| (at, if start[at] == 0.0 { instead } else { start[at] * factor });
    // Downwards: above the start a share may leave its range.
    let places: [HashMap<usize, f64>; 3] = [
        HashMap::new(),
        states.iter().map(|&at| moved(at, 0.5, 1.0)).collect(),
        states.iter().map(|&at| moved(at, 0.25, 100.0)).collect(),
    ];
    let mut points = Vec::new();
    for place in &places {
        let mut add = |dosed: &[usize], dose: f64| {
            let mut given = place.clone();
            given.extend(dosed.iter().map(|&at| (at, dose)));
            points.push(Point { values: complete(formulas, &order, &given), only: None });
        };
        add(&[], 0.0);
        for dose in DOSES {
            add(&doses, dose);
            doses.iter().for_each(|&at| add(&[at], dose));
        }
    }
    for at in states.into_iter().filter(|&at| start[at] > 0.0) {
        let given = HashMap::from([(at, start[at] * HIGH)]);
        points.push(Point { values: complete(formulas, &order, &given), only: Some(at) });
    }
    points
}

/// What gives a name its value: a formula for all times before one for the start.
fn definition(formulas: &Formulas, at: usize) -> Option<Id> {
    formulas.assigned[at].or_else(|| formulas.initial.get(at).copied().flatten())
}

/// All names, each behind those that it needs.
pub fn order(formulas: &Formulas) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; formulas.assigned.len()];
    for root in 0..seen.len() {
        // `true` for what is left, its needs done.
        let mut open = vec![(root, false)];
        while let Some((at, left)) = open.pop() {
            if left {
                order.push(at);
            } else if !std::mem::replace(&mut seen[at], true) {
                open.push((at, true));
                let needs = definition(formulas, at).map(|id| formulas.names(id)).unwrap_or_default();
                open.extend(needs.into_iter().map(|need| (need, false)));
            }
        }
    }
    order
}

fn complete(formulas: &Formulas, order: &[usize], given: &HashMap<usize, f64>) -> Vec<f64> {
    let mut values = vec![0.0; order.len()];
    // A compartment without a size has the size 1; so has what is never given a value, which nothing computes with.
    for &at in order {
        values[at] = match (given.get(&at), definition(formulas, at)) {
            (Some(&value), _) => value,
            (None, None) => 1.0,
            (None, Some(id)) => match formulas.graph.as_constant(id) {
                Some(value) => value,
                None => formulas.graph.evaluate(&[id], &|symbol| symbol_value(&values, symbol))[0],
            },
        };
    }
    values
}

/// Time is that of the start.
pub fn symbol_value(values: &[f64], symbol: Symbol) -> f64 {
    if let Symbol::Parameter(at) = symbol { values.get(at as usize).copied().unwrap_or(0.0) } else { 0.0 }
}
