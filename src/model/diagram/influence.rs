//! What raises and what lowers what: signs of total derivatives, through everything that has no box of its own.

use super::formulas::Formulas;
use super::processes::{Aim, Goal};
use super::{Kind, Sign, points};
use crate::expr::{Id, Symbol};
use crate::model::Network;
use std::collections::BTreeMap;

/// A relative change that changes the target less than this share of it is not drawn.
const NEGLIGIBLE: f64 = 0.005;
/// One sign counts if the other never gets beyond this share of it.
const MINOR: f64 = 0.1;

#[derive(Debug)]
pub struct Effect {
    pub from: usize,
    pub on: Goal,
    pub sign: Sign,
    pub weight: f64,
}

/// A formula with its derivatives by the names in it.
struct Slopes {
    terms: Vec<Id>,
    coefficients: Vec<f64>,
    by: Vec<(usize, Id)>,
}

type Gradient = BTreeMap<usize, f64>;

pub fn effects(
    network: &Network,
    formulas: &mut Formulas,
    roles: &[Option<Kind>],
    shown: &[bool],
    targets: &[Aim],
) -> Vec<Effect> {
    // Points first: derivatives make the graph many times as large.
    let points = points::points(formulas, roles);
    let order = points::order(formulas);
    let mut hidden = Vec::new();
    for at in order.into_iter().filter(|&at| !shown.get(at).copied().unwrap_or(false)) {
        if let Some(id) = formulas.assigned[at] {
            hidden.push((at, slopes(formulas, &[(1.0, id)])));
        }
    }
    let own: Vec<Aim> = (0..network.quantities.len())
        .filter(|&at| shown[at])
        .filter_map(|at| formulas.assigned[at].map(|id| Aim { on: Goal::Quantity(at), terms: vec![(1.0, id)] }))
        .collect();
    let aims: Vec<(Goal, Slopes)> =
        targets.iter().chain(&own).map(|aim| (aim.on, slopes(formulas, &aim.terms))).collect();
    let all = || hidden.iter().map(|(_, slopes)| slopes).chain(aims.iter().map(|(_, slopes)| slopes));
    let roots: Vec<Id> = all().flat_map(|s| s.terms.iter().copied().chain(s.by.iter().map(|&(_, id)| id))).collect();

    // The largest rise and the largest fall, as relative changes.
    let mut extremes: Vec<BTreeMap<usize, (f64, f64)>> = vec![BTreeMap::new(); aims.len()];
    for point in &points {
        let found = formulas.graph.evaluate(&roots, &|symbol| points::symbol_value(&point.values, symbol));
        let mut found = found.as_slice();
        let mut through: BTreeMap<usize, Gradient> = BTreeMap::new();
        for (at, slopes) in &hidden {
            let (_, gradient) = slopes.read(&mut found, roles, shown, &through);
            through.insert(*at, gradient);
        }
        for ((_, slopes), extremes) in aims.iter().zip(&mut extremes) {
            let (size, gradient) = slopes.read(&mut found, roles, shown, &through);
            for (from, slope) in gradient.into_iter().filter(|(from, _)| point.only.is_none_or(|only| only == *from)) {
                let effect = slope * point.values[from] / size;
                if effect.is_finite() {
                    let (rise, fall) = extremes.entry(from).or_insert((0.0, 0.0));
                    (*rise, *fall) = (rise.max(effect), fall.max(-effect));
                }
            }
        }
    }
    let mut effects = Vec::new();
    for ((on, _), extremes) in aims.iter().zip(extremes) {
        for (from, (rise, fall)) in extremes {
            let weight = rise.max(fall);
            if weight < NEGLIGIBLE || *on == Goal::Quantity(from) {
                continue;
            }
            let sign = match (fall <= MINOR * rise, rise <= MINOR * fall) {
                (true, _) => Sign::Raises,
                (_, true) => Sign::Lowers,
                _ => Sign::Either,
            };
            effects.push(Effect { from, on: *on, sign, weight });
        }
    }
    effects
}

fn slopes(formulas: &mut Formulas, terms: &[(f64, Id)]) -> Slopes {
    let sum = formulas.graph.sum(0.0, terms);
    let by = formulas
        .names(sum)
        .into_iter()
        .map(|at| (at, formulas.graph.derivative(sum, Symbol::Parameter(at as u32))))
        .collect();
    Slopes {
        terms: terms.iter().map(|&(_, id)| id).collect(),
        coefficients: terms.iter().map(|&(c, _)| c).collect(),
        by,
    }
}

impl Slopes {
    /// Takes its values off the front of `found`: how large its terms are together, and its gradient by what is drawn.
    fn read(
        &self,
        found: &mut &[f64],
        roles: &[Option<Kind>],
        shown: &[bool],
        through: &BTreeMap<usize, Gradient>,
    ) -> (f64, Gradient) {
        let (values, rest) = found.split_at(self.terms.len());
        let (slopes, rest) = rest.split_at(self.by.len());
        *found = rest;
        let size = self.coefficients.iter().zip(values).map(|(c, value)| (c * value).abs()).sum();
        let mut gradient = Gradient::new();
        for (&(at, _), &slope) in self.by.iter().zip(slopes) {
            if shown.get(at).copied().unwrap_or(false) || roles.get(at).is_some_and(Option::is_some) {
                *gradient.entry(at).or_insert(0.0) += slope;
            } else if let Some(inner) = through.get(&at) {
                for (&from, &inner) in inner {
                    *gradient.entry(from).or_insert(0.0) += slope * inner;
                }
            }
        }
        (size, gradient)
    }
}
