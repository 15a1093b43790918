//! Which ends of a search are one place and which are different optima.
//!
//! Ends as good as the best (within 1.92 of the objective) are one place if some path between them nowhere rises by more than
//! 1.92 above the best: a straight line on the unit box, or a band of points that have settled across its direction
//! ([`band`]). A valley along which the objective hardly changes is one place, however bent; two ways to explain the data with
//! worse ones between them are two. Lines are drawn along the shortest tree that joins all ends first, so that a valley with
//! many ends in it costs a few values each; bands are tried between what is left apart.

mod band;
mod intervals;
mod modes;

pub use intervals::{hold_ends, read, withhold};
pub use modes::{Mode, Modes, modes};

use super::Objective;
use super::bridge::Bridge;
use super::identify::identify;
use super::lockstep::{Local, Rules, bounds_hit};
use super::trust::Trust;
use super::{StartRecord, Stop};
use crate::Result;
use crate::inference::boxed::Boxed;
use band::Band;
use serde::{Deserialize, Serialize};

/// Half of the 95 % quantile of chi-squared with one degree of freedom.
pub const WITHIN: f64 = 1.920_729_41;
/// Ends closer than this on the unit box in each dimension are one: far more than what a search leaves, and far less than
/// periods are apart.
const SAME: f64 = 1e-4;
/// So many different ends are joined by lines, the best ones.
const COMPARED: usize = 200;
/// Points looked at on a straight line.
const LINE: usize = 15;
/// Rounds of bands between places that are still apart, and bands in one round.
const ROUNDS: usize = 4;
const BANDS: usize = 16;
/// Ends that lines leave apart are brought to their lowest points, the best ones.
const SETTLED: usize = 48;
/// Until the model promises less than this: to compare places, and to report them.
const ROUGH: f64 = 1e-3;
const EXACT: f64 = 1e-8;
/// Optima from which intervals are followed.
const FOLLOWED: usize = 8;
/// A value differs between optima by more than this many of its standard errors, so that one lies outside the other's 95 %
/// interval; where it has none, by more than `SAME` of its box.
const ERRORS: f64 = 1.959_964;

/// The optima of an objective that a search has found: places as good as the best that no path joins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Optima {
    /// The best first; at least one.
    pub places: Vec<Optimal>,
    /// Ends of the search, good or not.
    pub ends: usize,
    /// Dimensions whose values differ between them.
    pub differ: Vec<usize>,
    /// The lowest and the highest value in each dimension at any end within 1.92 of the best.
    pub span: Vec<(f64, f64)>,
}

/// One of the optima. The point is on the estimation scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Optimal {
    pub point: Vec<f64>,
    pub value: f64,
    /// Ends of the search in this place, within 1.92 of the best; none for one that the way along a profile led away from.
    pub ends: usize,
    /// Standard errors there, if there are several; `None` where the information says nothing of one.
    pub errors: Vec<Option<f64>>,
}

impl Optima {
    pub fn several(&self) -> bool {
        self.places.len() > 1
    }

    /// How far a place lies above the best.
    pub fn above(&self, at: usize) -> f64 {
        self.places[at].value - self.places[0].value
    }

    /// With the place of `point` as the first: of equal ones the last digits say which is the best.
    pub(super) fn led_by(mut self, point: &[f64], boxed: &Boxed) -> Self {
        let unit = boxed.unit(point);
        let far = |place: &Optimal| apart(&boxed.unit(&place.point), &unit);
        if let Some(at) = (0..self.places.len()).min_by(|&a, &b| far(&self.places[a]).total_cmp(&far(&self.places[b])))
        {
            self.places[..=at].rotate_right(1);
            self.places[0].point = point.to_vec();
        }
        self
    }

    /// With the numbers of starts of the optima that were there before.
    pub(super) fn with_ends_of(mut self, old: &Optima, boxed: &Boxed) -> Self {
        for place in &mut self.places {
            let unit = boxed.unit(&place.point);
            let here = old.places.iter().filter(|known| same(&boxed.unit(&known.point), &unit));
            place.ends = here.map(|known| known.ends).sum();
        }
        self.ends = old.ends;
        self
    }

    /// Places from which intervals are not followed: the worst of very many.
    pub fn passed_over(&self) -> usize {
        self.places.len().saturating_sub(FOLLOWED)
    }

    /// The places beside the best from which intervals are followed too, with how far they lie above it.
    pub fn others(&self) -> impl Iterator<Item = (&Optimal, f64)> {
        self.places.iter().enumerate().take(FOLLOWED).skip(1).map(|(at, place)| (place, self.above(at)))
    }
}

/// An end of a search on the estimation scale, with its value; whether it is that of a start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    pub point: Vec<f64>,
    #[serde(deserialize_with = "super::checkpoint::infinite")]
    pub value: f64,
    pub start: bool,
}

/// The optima among `ends`. `None` if `stop` said so before it was known.
pub fn optima(
    ends: &[End],
    bridge: &Bridge,
    boxed: &Boxed,
    seed: u64,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Optima>> {
    let starts = ends.iter().filter(|end| end.start).count();
    let mut good: Vec<&End> = ends.iter().filter(|end| end.value.is_finite()).collect();
    good.sort_by(|a, b| a.value.total_cmp(&b.value));
    let Some(best) = good.first().map(|end| end.value) else { return Ok(Some(Optima::default())) };
    let level = best + WITHIN;
    // Different ends with how many fell together there; those beyond the number compared count where they are nearest.
    let mut places: Vec<Vec<f64>> = Vec::new();
    let mut firsts: Vec<&End> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut span = vec![(f64::INFINITY, f64::NEG_INFINITY); boxed.dimensions()];
    for end in good.into_iter().take_while(|end| end.value <= level) {
        span.iter_mut().zip(&end.point).for_each(|(span, x)| *span = (span.0.min(*x), span.1.max(*x)));
        let unit = boxed.unit(&end.point);
        let nearest = (0..places.len()).min_by(|&a, &b| apart(&places[a], &unit).total_cmp(&apart(&places[b], &unit)));
        match nearest.filter(|&at| places.len() == COMPARED || same(&places[at], &unit)) {
            Some(at) => counts[at] += usize::from(end.start),
            None => {
                places.push(unit);
                firsts.push(end);
                counts.push(usize::from(end.start));
            }
        }
    }
    let mut groups = Groups::new(places.len());
    let count = places.len();
    lines(&places, &tree(&places), &mut groups, &|_, _| level, bridge, boxed)?;
    let apart = groups.firsts();
    if apart.len() > 1 {
        // The best end of each is brought to its lowest point: one that stopped early would be a place of its own.
        let begin: Vec<(Vec<f64>, f64)> =
            apart.iter().take(SETTLED).map(|&at| (firsts[at].point.clone(), firsts[at].value)).collect();
        for (&at, (point, _)) in apart.iter().zip(descend(&begin, ROUGH, bridge, boxed, stop)?) {
            places.push(boxed.unit(&point));
            groups.join_new(at);
        }
        if stop() || !join(&places, &mut groups, &|_, _| level, bridge, boxed, seed, stop)? {
            return Ok(None);
        }
    }
    let mut found: Vec<Optimal> = Vec::new();
    let mut roots: Vec<usize> = Vec::new();
    for at in 0..count {
        let root = groups.root(at);
        // Places come in the order of their values, so that the first of a group is its best.
        match roots.iter().position(|&known| known == root) {
            Some(place) => found[place].ends += counts[at],
            None => {
                roots.push(root);
                let (point, value) = (firsts[at].point.clone(), firsts[at].value);
                found.push(Optimal { point, value, ends: counts[at], errors: Vec::new() });
            }
        }
    }
    if found.len() > 1 {
        refine(&mut found, bridge, boxed, stop)?;
    }
    let differ = differ(&mut found, bridge)?;
    Ok(Some(Optima { places: found, ends: starts, differ, span }))
}

/// The objective that a path between two places has to stay below.
type Level<'a> = &'a dyn Fn(usize, usize) -> f64;

/// Joins what paths below their `level` join; `false` if it was stopped.
fn join(
    places: &[Vec<f64>],
    groups: &mut Groups,
    level: Level,
    bridge: &Bridge,
    boxed: &Boxed,
    seed: u64,
    stop: &mut dyn FnMut() -> bool,
) -> Result<bool> {
    lines(places, &tree(places), groups, level, bridge, boxed)?;
    let mut tried: Vec<(usize, usize)> = Vec::new();
    for round in 0..ROUNDS {
        // The nearest ends of the groups that have not been tried, along the shortest tree again.
        let apart: Vec<(usize, usize)> = between(places, groups, &tried).into_iter().take(BANDS).collect();
        if apart.is_empty() {
            break;
        }
        // A long way round may be open where the short one is not.
        lines(places, &apart, groups, level, bridge, boxed)?;
        tried.extend(&apart);
        for bow in [&[0.0][..], &[1.0, -1.0]] {
            let mut bands: Vec<Band> = Vec::new();
            for (at, &(a, b)) in apart.iter().enumerate().filter(|(_, (a, b))| groups.root(*a) != groups.root(*b)) {
                let stream = (round * BANDS + at) as u64;
                let band = |&bow: &f64| Band::new((a, b), places, level(a, b), bow, (seed, stream));
                bands.extend(bow.iter().map(band));
            }
            while bands.iter().any(Band::goes_on) {
                if stop() {
                    return Ok(false);
                }
                band::advance(&mut bands, bridge, boxed)?;
                for band in bands.iter().filter(|band| band.joins()) {
                    groups.join(band.pair.0, band.pair.1);
                }
                bands.retain(|band| groups.root(band.pair.0) != groups.root(band.pair.1));
            }
        }
    }
    Ok(true)
}

/// Whether a path between two of `places` stays below `level`: a straight line or, if `bands` says so, a bent one.
fn path(
    places: &[Vec<f64>],
    pair: (usize, usize),
    level: f64,
    bands: bool,
    bridge: &Bridge,
    boxed: &Boxed,
    seed: u64,
) -> Result<bool> {
    let mut groups = Groups::new(places.len());
    lines(places, &[pair], &mut groups, &|_, _| level, bridge, boxed)?;
    if !bands || groups.root(pair.0) == groups.root(pair.1) {
        return Ok(groups.root(pair.0) == groups.root(pair.1));
    }
    let mut bands: Vec<Band> =
        [0.0, 1.0, -1.0].iter().map(|&bow| Band::new(pair, places, level, bow, (seed, 0))).collect();
    while bands.iter().any(Band::goes_on) && !bands.iter().any(Band::joins) {
        band::advance(&mut bands, bridge, boxed)?;
    }
    Ok(bands.iter().any(Band::joins))
}

/// Joins the pairs between which the straight line stays below their `level`.
fn lines(
    places: &[Vec<f64>],
    pairs: &[(usize, usize)],
    groups: &mut Groups,
    level: Level,
    bridge: &Bridge,
    boxed: &Boxed,
) -> Result<()> {
    let on = |&(a, b): &(usize, usize)| {
        (1..=LINE).map(move |k| boxed.point(&mixed(&places[a], &places[b], k as f64 / (LINE + 1) as f64)))
    };
    let pairs: Vec<(usize, usize)> = pairs.iter().copied().filter(|&(a, b)| groups.root(a) != groups.root(b)).collect();
    let points: Vec<Vec<f64>> = pairs.iter().flat_map(on).collect();
    let values = bridge.values(&points)?;
    for (&(a, b), values) in pairs.iter().zip(values.chunks(LINE)) {
        if values.iter().all(|value| *value <= level(a, b)) {
            groups.join(a, b);
        }
    }
    Ok(())
}

/// The shortest tree over all places.
fn tree(places: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let mut nearest: Vec<(f64, usize)> = vec![(f64::INFINITY, 0); places.len()];
    let mut inside = vec![false; places.len()];
    let mut edges = Vec::new();
    let mut latest = 0;
    for _ in 1..places.len() {
        inside[latest] = true;
        for at in (0..places.len()).filter(|&at| !inside[at]) {
            let distance = apart(&places[latest], &places[at]);
            if distance < nearest[at].0 {
                nearest[at] = (distance, latest);
            }
        }
        let next = (0..places.len()).filter(|&at| !inside[at]).min_by(|&a, &b| nearest[a].0.total_cmp(&nearest[b].0));
        let Some(next) = next else { break };
        edges.push((nearest[next].1, next));
        latest = next;
    }
    edges
}

/// For each two groups their nearest places, unless they have been tried; the shortest first.
fn between(places: &[Vec<f64>], groups: &mut Groups, tried: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let roots: Vec<usize> = (0..places.len()).map(|at| groups.root(at)).collect();
    let mut nearest: std::collections::BTreeMap<(usize, usize), (f64, (usize, usize))> = Default::default();
    for b in 0..places.len() {
        for a in (0..b).filter(|&a| roots[a] != roots[b]) {
            let key = (roots[a].min(roots[b]), roots[a].max(roots[b]));
            let distance = apart(&places[a], &places[b]);
            let known = nearest.entry(key).or_insert((f64::INFINITY, (a, b)));
            if distance < known.0 {
                *known = (distance, (a, b));
            }
        }
    }
    let mut pairs: Vec<(f64, (usize, usize))> =
        nearest.into_values().filter(|(_, pair)| !tried.contains(pair)).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.into_iter().map(|(_, pair)| pair).collect()
}

/// Brings each of several optima to its lowest point: only the best ends of a search have been polished.
fn refine(found: &mut [Optimal], bridge: &Bridge, boxed: &Boxed, stop: &mut dyn FnMut() -> bool) -> Result<()> {
    let ends: Vec<(Vec<f64>, f64)> = found.iter().map(|place| (place.point.clone(), place.value)).collect();
    for (place, (point, value)) in found.iter_mut().zip(descend(&ends, EXACT, bridge, boxed, stop)?) {
        (place.point, place.value) = (point, value);
    }
    // The first is that of the best end, whatever the last digits say.
    found[1..].sort_by(|a, b| a.value.total_cmp(&b.value));
    Ok(())
}

/// The lowest points below `points`, in the precision of the bridge, until the model promises less than `tolerance`.
pub fn descend(
    points: &[(Vec<f64>, f64)],
    tolerance: f64,
    bridge: &Bridge,
    boxed: &Boxed,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Vec<(Vec<f64>, f64)>> {
    let rules = Rules { tolerance, stall: 10.0 * tolerance, max_iterations: 60, seed: 0, population: None };
    let record = |(start, (point, value)): (usize, &(Vec<f64>, f64))| StartRecord {
        start,
        first_point: point.clone(),
        first_value: *value,
        last_point: point.clone(),
        last_value: *value,
        iterations: 0,
        stop: Stop::Waiting,
        at_bounds: bounds_hit(point, boxed),
    };
    let mut searches: Vec<Trust> = points.iter().enumerate().map(|at| Trust::new(&record(at), &rules, boxed)).collect();
    for _ in 0..rules.max_iterations {
        if searches.iter().all(|search| search.stopped().is_some()) || stop() {
            break;
        }
        let on: Vec<usize> = (0..searches.len()).filter(|&at| searches[at].stopped().is_none()).collect();
        let wanting: Vec<(usize, Vec<f64>)> =
            on.iter().filter_map(|&at| searches[at].wants_expansion(boxed).map(|point| (at, point))).collect();
        let expansions = bridge.expand(&wanting.iter().map(|(_, point)| point.clone()).collect::<Vec<_>>())?;
        for ((at, _), expansion) in wanting.iter().zip(&expansions) {
            searches[*at].learn(expansion.as_ref(), boxed);
        }
        for &at in on.iter() {
            if searches[at].stopped().is_none() {
                searches[at].propose(&rules);
            }
        }
        let trials: Vec<Vec<Vec<f64>>> = on.iter().map(|&at| searches[at].trials(boxed)).collect();
        let mut values = bridge.values(&trials.concat())?.into_iter();
        for (&at, trials) in on.iter().zip(&trials) {
            let values: Vec<f64> = values.by_ref().take(trials.len()).collect();
            if searches[at].stopped().is_none() {
                searches[at].judge(&values, &rules);
            }
        }
    }
    Ok(searches.iter().map(|search| (search.point(boxed), search.value())).collect())
}

/// The dimensions in which places differ by more than their errors, which are noted.
fn differ(places: &mut [Optimal], bridge: &Bridge) -> Result<Vec<usize>> {
    if places.len() < 2 {
        return Ok(Vec::new());
    }
    let objective: &dyn Objective = bridge.objective;
    let points: Vec<Vec<f64>> = places.iter().map(|place| place.point.clone()).collect();
    for (place, expansion) in places.iter_mut().zip(bridge.expand(&points)?) {
        let found = identify(objective, &place.point, expansion.as_ref().map(|e| &e.fisher));
        place.errors = found.parameters.iter().map(|p| p.standard_error).collect();
    }
    let differs = |&i: &usize| {
        let width = objective.upper()[i] - objective.lower()[i];
        let error = places.iter().filter_map(|place| place.errors[i]).min_by(f64::total_cmp);
        let slack = error.map_or(SAME * width, |error| ERRORS * error);
        let range = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p[i]), h.max(p[i])));
        range.1 - range.0 > slack
    };
    Ok((0..objective.names().len()).filter(differs).collect())
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() < SAME)
}

/// The point at `share` of the way from one to another.
fn mixed(a: &[f64], b: &[f64], share: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x + share * (y - x)).collect()
}

/// Disjoint sets.
pub struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    pub fn new(count: usize) -> Self {
        Groups { parents: (0..count).collect() }
    }

    /// Adds one, which belongs to `at`.
    fn join_new(&mut self, at: usize) {
        self.parents.push(at);
    }

    /// The first of each set.
    fn firsts(&mut self) -> Vec<usize> {
        (0..self.parents.len()).filter(|&at| self.root(at) == at).collect()
    }

    pub fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    /// The lower number becomes the root of both.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}
