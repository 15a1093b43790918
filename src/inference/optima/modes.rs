//! Separate modes of a posterior, found among its draws: as ends of a search are optima, so are places to which draws lead
//! downhill modes, unless a path joins them.
//!
//! Optima within 1.92 of the best are told apart as in a fit. A mode may be narrow and high or low and wide, so that others
//! count too: those from which each path to a lower one rises by more than 1.92.

use super::{Groups, ROUGH, WITHIN, descend, join, path};
use crate::Result;
use crate::inference::Objective;
use crate::inference::boxed::Boxed;
use crate::inference::bridge::{Bridge, Spent};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Draws far from one another that are followed downhill to see whether there are several modes.
const SCOUTS: usize = 48;
/// Draws that are, where there are; the others go with the nearest of them.
const FOLLOWED: usize = 400;
/// Places further above the best than a fit looks, between which and lower ones bent paths are tried, the lowest.
const BANDED: usize = 8;
/// Ends closer than this on the unit box in each dimension are one; they are not followed as far down as those of a search.
const SAME: f64 = 1e-3;
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
    let (places, of_scouts) = search.places(&search.follow(&scouts)?)?;
    let mut kept: Vec<usize> = places.labels.clone();
    kept.sort_unstable();
    kept.dedup();
    let mut known: Vec<(usize, usize)> = scouts.into_iter().zip(of_scouts).collect();
    if kept.len() > 1 {
        // Every so many of the draws as well, for the weights.
        let stride = search.draws.len().div_ceil(FOLLOWED).max(1);
        let further: Vec<usize> = (0..search.draws.len()).step_by(stride).collect();
        known.extend(further.iter().copied().zip(search.labels(&search.follow(&further)?, &places)?));
    }
    loop {
        let labelled: Vec<(usize, usize)> = known.iter().copied().filter(|(_, label)| kept.contains(label)).collect();
        let of: Vec<usize> = (0..search.draws.len()).map(|at| search.nearest(at, &labelled)).collect();
        let share = |label: usize| of.iter().filter(|own| **own == label).count() as f64 / of.len() as f64;
        let smallest = kept.iter().copied().min_by(|&a, &b| share(a).total_cmp(&share(b)));
        match smallest.filter(|&label| share(label) < LEAST && kept.len() > 1) {
            Some(label) => kept.retain(|other| *other != label),
            None => {
                kept.sort_by(|&a, &b| share(b).total_cmp(&share(a)));
                return Ok(search.named(chains, &kept, &of, &places));
            }
        }
    }
}

/// Different ends of descents on the unit box, the lowest first, with the number of the mode that each belongs to.
#[derive(Default)]
struct Places {
    units: Vec<Vec<f64>>,
    values: Vec<f64>,
    labels: Vec<usize>,
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
        self.between(&self.draws[a], &self.draws[b])
    }

    fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).zip(&self.scale).map(|((x, y), scale)| ((x - y) / scale).powi(2)).sum()
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

    /// Where draws lead downhill.
    fn follow(&self, draws: &[usize]) -> Result<Vec<(Vec<f64>, f64)>> {
        let points: Vec<Vec<f64>> = draws.iter().map(|&at| self.boxed.point(&self.draws[at])).collect();
        let values = self.bridge.values(&points)?;
        let begin: Vec<(Vec<f64>, f64)> = points.into_iter().zip(values).collect();
        let ends = descend(&begin, ROUGH, &self.bridge, &self.boxed, &mut || false)?;
        Ok(ends.into_iter().map(|(point, value)| (self.boxed.unit(&point), value)).collect())
    }

    /// The different ones of `ends`, and the mode of each end.
    fn places(&self, ends: &[(Vec<f64>, f64)]) -> Result<(Places, Vec<usize>)> {
        let mut order: Vec<usize> = (0..ends.len()).filter(|&at| ends[at].1.is_finite()).collect();
        order.sort_by(|&a, &b| ends[a].1.total_cmp(&ends[b].1));
        let mut places = Places::default();
        let mut place = vec![0; ends.len()];
        for at in order {
            let (unit, value) = &ends[at];
            place[at] = places.units.iter().position(|known| same(known, unit)).unwrap_or_else(|| {
                places.units.push(unit.clone());
                places.values.push(*value);
                places.units.len() - 1
            });
        }
        let Some(best) = places.values.first().copied() else { return Ok((places, place)) };
        // Those as good as the best as in a fit.
        let good = places.values.iter().take_while(|value| **value <= best + WITHIN).count();
        let mut groups = Groups::new(good);
        let level = |_, _| best + WITHIN;
        join(&places.units[..good], &mut groups, &level, &self.bridge, &self.boxed, self.seed, &mut || false)?;
        places.labels = (0..good).map(|at| groups.root(at)).collect();
        // Each of the others goes with a lower one, and joins no two of those: a pass between hills is no hill.
        for at in good..places.units.len() {
            let lower = self.one_of_each(&places.units[at], &places);
            let level = places.values[at] + WITHIN;
            let mut label = None;
            for &(_, other) in &lower {
                let bands = at < good + BANDED;
                if label.is_none()
                    && path(&places.units, (other, at), level, bands, &self.bridge, &self.boxed, self.seed)?
                {
                    label = Some(places.labels[other]);
                }
            }
            let untried = (at >= good + BANDED).then(|| places.labels[lower[0].1]);
            places.labels.push(label.or(untried).unwrap_or(at));
        }
        let labels = place.into_iter().map(|at| places.labels[at]).collect();
        Ok((places, labels))
    }

    /// The modes of further ends.
    fn labels(&self, ends: &[(Vec<f64>, f64)], places: &Places) -> Result<Vec<usize>> {
        let label = |(unit, value): &(Vec<f64>, f64)| {
            if let Some(at) = places.units.iter().position(|known| same(known, unit)) {
                return Ok(places.labels[at]);
            }
            let near = self.one_of_each(unit, places);
            for &(_, other) in near.iter().filter(|_| value.is_finite()) {
                let both = [places.units[other].clone(), unit.clone()];
                let level = value.max(places.values[other]) + WITHIN;
                if path(&both, (0, 1), level, false, &self.bridge, &self.boxed, self.seed)? {
                    return Ok(places.labels[other]);
                }
            }
            Ok(near.first().map_or(0, |(_, other)| places.labels[*other]))
        };
        ends.iter().map(label).collect()
    }

    /// The nearest labelled place of each mode, with how far it is, the nearest first.
    fn one_of_each(&self, unit: &[f64], places: &Places) -> Vec<(f64, usize)> {
        let mut nearest: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for (at, &label) in places.labels.iter().enumerate() {
            let far = self.between(&places.units[at], unit);
            let known = nearest.entry(label).or_insert((far, at));
            if far < known.0 {
                *known = (far, at);
            }
        }
        let mut nearest: Vec<(f64, usize)> = nearest.into_values().collect();
        nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
        nearest
    }

    fn named(&self, chains: &[Vec<Vec<f64>>], kept: &[usize], of: &[usize], places: &Places) -> Modes {
        let mut rest = of.iter().map(|label| kept.iter().position(|kept| kept == label).unwrap_or(0));
        let of: Vec<Vec<usize>> = chains.iter().map(|chain| rest.by_ref().take(chain.len()).collect()).collect();
        let mode = |(number, label): (usize, &usize)| {
            let best = places.labels.iter().position(|own| own == label);
            let share =
                |chain: &Vec<usize>| chain.iter().filter(|own| **own == number).count() as f64 / chain.len() as f64;
            let shares: Vec<f64> = of.iter().map(share).collect();
            let count = shares.len() as f64;
            let weight = shares.iter().sum::<f64>() / count;
            let square = shares.iter().map(|share| (share - weight).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
            Mode {
                point: best.map_or(Vec::new(), |at| self.boxed.point(&places.units[at])),
                value: best.map_or(f64::NAN, |at| places.values[at]),
                weight,
                error: (square / count).sqrt(),
            }
        };
        Modes { modes: kept.iter().enumerate().map(mode).collect(), of }
    }

    /// The label of the nearest draw that has one.
    fn nearest(&self, at: usize, known: &[(usize, usize)]) -> usize {
        let nearest = known.iter().min_by(|a, b| self.far(at, a.0).total_cmp(&self.far(at, b.0)));
        nearest.map_or(0, |(_, label)| *label)
    }
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() < SAME)
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
