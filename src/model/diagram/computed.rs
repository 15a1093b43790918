//! Which quantities with a formula get a box: those through which several things act on several others. The rest are
//! seen through.

use super::Kind;
use super::formulas::Formulas;
use super::processes::{Aim, Found, Goal};
use crate::expr::Id;
use std::collections::BTreeSet;

/// For each quantity whether it is shown for its formula.
pub fn shown(formulas: &Formulas, roles: &[Option<Kind>], found: &Found, targets: &[Aim]) -> Vec<bool> {
    let mut shown: Vec<bool> =
        (0..roles.len()).map(|at| formulas.is_assigned(at) && !found.fluxes.contains(&at)).collect();
    loop {
        let aims: Vec<BTreeSet<usize>> = targets
            .iter()
            .map(|aim| inputs(formulas, roles, &shown, aim.terms.iter().map(|&(_, id)| id), goal(aim)))
            .collect();
        let own: Vec<Option<BTreeSet<usize>>> = (0..roles.len())
            .map(|at| {
                let formula = formulas.assigned[at].filter(|_| shown[at])?;
                Some(inputs(formulas, roles, &shown, [formula], Some(at)))
            })
            .collect();
        let idle = own.iter().enumerate().position(|(at, inputs)| {
            let Some(inputs) = inputs else { return false };
            let causes = inputs.iter().filter(|&&input| roles[input] != Some(Kind::Gene)).count();
            let uses = aims.iter().chain(own.iter().flatten()).filter(|inputs| inputs.contains(&at)).count();
            causes < 2 || uses < 2
        });
        match idle {
            // One at a time: what it stood between may now be worth a box.
            Some(at) => shown[at] = false,
            None => return shown,
        }
    }
}

fn goal(aim: &Aim) -> Option<usize> {
    if let Goal::Quantity(at) = aim.on { Some(at) } else { None }
}

/// What is shown and goes into `formulas`, through what is not shown.
fn inputs(
    formulas: &Formulas,
    roles: &[Option<Kind>],
    shown: &[bool],
    ids: impl IntoIterator<Item = Id>,
    goal: Option<usize>,
) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = ids.into_iter().flat_map(|id| formulas.names(id)).collect();
    while let Some(at) = open.pop() {
        if Some(at) == goal || !seen.insert(at) {
            continue;
        }
        let visible = shown.get(at).copied().unwrap_or(false) || roles.get(at).is_some_and(Option::is_some);
        if visible {
            found.insert(at);
        } else if let Some(formula) = formulas.assigned[at] {
            open.extend(formulas.names(formula));
        }
    }
    found
}
