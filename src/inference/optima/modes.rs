//! Separate modes of a posterior, found among its draws: as ends of a search are optima, so are places to which draws lead
//! downhill modes, unless a path joins them.
//!
//! Optima within 1.92 of the best are told apart as in a fit. A mode may be narrow and high or low and wide, so that others
//! count too; for them a path has to rise by 1.92 above the higher end.

use super::{End, Groups, SAME, WITHIN, descend, join};
use crate::Result;
use crate::inference::Objective;
use crate::inference::boxed::Boxed;
use crate::inference::bridge::{Bridge, Spent};
use std::cell::RefCell;

/// Draws far from one another that are followed downhill to see whether there are several modes.
const SCOUTS: usize = 48;
/// Draws that are, where there are; the others go with the nearest of them.
const FOLLOWED: usize = 400;
/// A smaller part of the draws is no mode of its own.
const LEAST: f64 = 0.01;

/// The modes of a posterior.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Modes {
    /// The heaviest first.
    pub modes: Vec<Mode>,
    /// `[chain][draw]`: the mode it belongs to.
    pub of: Vec<Vec<usize>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mode {
    /// Where the density is highest, on the estimation scale, and minus its logarithm as far as it is known.
    pub point: Vec<f64>,
    pub value: f64,
    /// Share of the draws, and its standard error from the differences between chains.
    pub weight: f64,
    pub error: f64,
}

impl Modes {
    pub fn several(&self) -> bool {
        self.modes.len() > 1
    }
}

/// The modes of the density exp(-`objective`) from draws of it, `[chain][draw]` on the estimation scale.
///
/// # Errors
/// Those of the objective.
pub fn modes(objective: &dyn Objective, chains: &[Vec<Vec<f64>>], seed: u64) -> Result<Modes> {
    let (boxed, spent) = (Boxed::of(objective), RefCell::new(Spent::default()));
    let bridge = Bridge { objective, exact: true, spent: &spent };
    let draws: Vec<Vec<f64>> = chains.iter().flatten().map(|draw| boxed.unit(draw)).collect();
    let search = Search { bridge, scale: spread(&draws), boxed, draws, seed };
    let scouts = search.scouts();
    let (ends, labels) = search.follow(&scouts)?;
    let one = |end: Option<&End>| {
        let (point, value) = end.map_or((Vec::new(), f64::NAN), |end| (end.point.clone(), end.value));
        let of = chains.iter().map(|chain| vec![0; chain.len()]).collect();
        Modes { modes: vec![Mode { point, value, weight: 1.0, error: 0.0 }], of }
    };
    if labels.iter().all(|label| *label == labels[0]) {
        return Ok(one(ends.iter().min_by(|a, b| a.value.total_cmp(&b.value))));
    }
    // Every so many of the draws as well, for the weights.
    let stride = search.draws.len().div_ceil(FOLLOWED).max(1);
    let mut followed = scouts;
    followed.extend((0..search.draws.len()).step_by(stride));
    followed.sort_unstable();
    followed.dedup();
    let (ends, labels) = search.follow(&followed)?;
    let mut kept: Vec<usize> = labels.clone();
    kept.sort_unstable();
    kept.dedup();
    loop {
        let known: Vec<(usize, usize)> =
            followed.iter().copied().zip(labels.iter().copied()).filter(|(_, label)| kept.contains(label)).collect();
        let of: Vec<usize> = (0..search.draws.len()).map(|at| search.nearest(at, &known)).collect();
        let share = |label: usize| of.iter().filter(|own| **own == label).count() as f64 / of.len() as f64;
        let smallest = kept.iter().copied().min_by(|&a, &b| share(a).total_cmp(&share(b)));
        match smallest.filter(|&label| share(label) < LEAST && kept.len() > 1) {
            Some(label) => kept.retain(|other| *other != label),
            None => {
                kept.sort_by(|&a, &b| share(b).total_cmp(&share(a)));
                return Ok(named(chains, &kept, &of, &ends, &labels));
            }
        }
    }
}

fn named(chains: &[Vec<Vec<f64>>], kept: &[usize], of: &[usize], ends: &[End], labels: &[usize]) -> Modes {
    let mut rest = of.iter().map(|label| kept.iter().position(|kept| kept == label).unwrap_or(0));
    let of: Vec<Vec<usize>> = chains.iter().map(|chain| rest.by_ref().take(chain.len()).collect()).collect();
    let mode = |(number, label): (usize, &usize)| {
        let own = ends.iter().zip(labels).filter(|(_, own)| *own == label).map(|(end, _)| end);
        let best = own.min_by(|a, b| a.value.total_cmp(&b.value));
        let share = |chain: &Vec<usize>| chain.iter().filter(|own| **own == number).count() as f64 / chain.len() as f64;
        let shares: Vec<f64> = of.iter().map(share).collect();
        let count = shares.len() as f64;
        let weight = shares.iter().sum::<f64>() / count;
        let square = shares.iter().map(|share| (share - weight).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        Mode {
            point: best.map_or(Vec::new(), |end| end.point.clone()),
            value: best.map_or(f64::NAN, |end| end.value),
            weight,
            error: (square / count).sqrt(),
        }
    };
    Modes { modes: kept.iter().enumerate().map(mode).collect(), of }
}

struct Search<'a> {
    bridge: Bridge<'a>,
    boxed: Boxed,
    /// On the unit box.
    draws: Vec<Vec<f64>>,
    /// How wide they are in each dimension.
    scale: Vec<f64>,
    seed: u64,
}

impl Search<'_> {
    fn far(&self, a: usize, b: usize) -> f64 {
        let both = self.draws[a].iter().zip(&self.draws[b]);
        both.zip(&self.scale).map(|((x, y), scale)| ((x - y) / scale).powi(2)).sum()
    }

    /// The first draw, and again and again the one that is furthest from all before.
    fn scouts(&self) -> Vec<usize> {
        let mut chosen = vec![0];
        let mut distance: Vec<f64> = (0..self.draws.len()).map(|at| self.far(0, at)).collect();
        while chosen.len() < SCOUTS {
            let furthest = (0..distance.len()).max_by(|&a, &b| distance[a].total_cmp(&distance[b]));
            let Some(next) = furthest.filter(|&at| distance[at] > 0.0) else { break };
            chosen.push(next);
            distance.iter_mut().enumerate().for_each(|(at, known)| *known = known.min(self.far(next, at)));
        }
        chosen
    }

    /// Where draws lead downhill, and for each a number that it shares with those of its mode.
    fn follow(&self, draws: &[usize]) -> Result<(Vec<End>, Vec<usize>)> {
        let points: Vec<Vec<f64>> = draws.iter().map(|&at| self.boxed.point(&self.draws[at])).collect();
        let values = self.bridge.values(&points)?;
        let begin: Vec<(Vec<f64>, f64)> = points.into_iter().zip(values).collect();
        let ends = descend(&begin, &self.bridge, &self.boxed, &mut || false)?;
        let ends: Vec<End> = ends.into_iter().map(|(point, value)| End { point, value, start: true }).collect();
        let mut order: Vec<usize> = (0..ends.len()).filter(|&at| ends[at].value.is_finite()).collect();
        order.sort_by(|&a, &b| ends[a].value.total_cmp(&ends[b].value));
        // Ends that fell together are one place, from the lowest.
        let (mut places, mut values): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut place = vec![0; ends.len()];
        for at in order {
            let unit = self.boxed.unit(&ends[at].point);
            let known = places.iter().position(|known| known.iter().zip(&unit).all(|(a, b)| (a - b).abs() < SAME));
            place[at] = known.unwrap_or_else(|| {
                places.push(unit);
                values.push(ends[at].value);
                places.len() - 1
            });
        }
        let best = values.first().copied().unwrap_or(f64::INFINITY);
        let level = |a: usize, b: usize| {
            let higher = values[a].max(values[b]);
            WITHIN + if higher <= best + WITHIN { best } else { higher }
        };
        let mut groups = Groups::new(places.len());
        join(&places, &mut groups, &level, &self.bridge, &self.boxed, self.seed, &mut || false)?;
        let labels = place.iter().map(|&at| if places.is_empty() { 0 } else { groups.root(at) }).collect();
        Ok((ends, labels))
    }

    /// The label of the nearest draw that has one.
    fn nearest(&self, at: usize, known: &[(usize, usize)]) -> usize {
        let nearest = known.iter().min_by(|a, b| self.far(at, a.0).total_cmp(&self.far(at, b.0)));
        nearest.map_or(0, |(_, label)| *label)
    }
}

/// The standard deviation of each dimension; 1 where nothing moves.
fn spread(draws: &[Vec<f64>]) -> Vec<f64> {
    let count = draws.len() as f64;
    let of = |i: usize| {
        let mean = draws.iter().map(|draw| draw[i]).sum::<f64>() / count;
        let square = draws.iter().map(|draw| (draw[i] - mean).powi(2)).sum::<f64>() / count;
        if square > 0.0 { square.sqrt() } else { 1.0 }
    };
    (0..draws.first().map_or(0, Vec::len)).map(of).collect()
}
