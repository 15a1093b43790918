//! Profiles from several optima: the profile of a parameter is the lowest over them, and its interval may be in pieces.

use super::{Aim, Course, Path, Profile, ProfilePoint, Side, Work, paths};
use crate::inference::identify::identify;
use crate::inference::optima::{self, End, Optima};
use crate::inference::watch::{Stage, Watch};
use crate::{Error, Result};

/// A value is lower than another by more than this.
const LOWER: f64 = 1e-6;

impl Profile {
    /// The sides from each optimum, those from the best first.
    pub fn branches(&self) -> impl Iterator<Item = &[Side; 2]> {
        std::iter::once(&self.sides).chain(&self.others)
    }

    /// The interval on the estimation scale, from the lowest piece to the highest: from each optimum one, joined where they
    /// overlap. `None` for an end as in [`Profile::ends`].
    pub fn pieces(&self) -> Vec<[Option<f64>; 2]> {
        let low = |piece: &[Option<f64>; 2]| piece[0].unwrap_or(f64::NEG_INFINITY);
        let high = |piece: &[Option<f64>; 2]| piece[1].unwrap_or(f64::INFINITY);
        let mut found: Vec<[Option<f64>; 2]> =
            self.branches().map(|sides| sides.each_ref().map(Side::own_end)).collect();
        found.sort_by(|a, b| low(a).total_cmp(&low(b)));
        let mut joined: Vec<[Option<f64>; 2]> = Vec::new();
        for piece in found {
            match joined.last_mut() {
                Some(last) if low(&piece) <= high(last) => {
                    if high(&piece) > high(last) {
                        last[1] = piece[1];
                    }
                }
                _ => joined.push(piece),
            }
        }
        joined
    }

    /// The side that goes furthest down or up, or that has no end.
    pub fn outermost(&self, side: usize) -> &Side {
        let reach = |sides: &[Side; 2]| match (sides[side].own_end(), side) {
            (None, _) => f64::INFINITY,
            (Some(end), 0) => -end,
            (Some(end), _) => end,
        };
        let first = &self.sides;
        let furthest =
            self.others.iter().fold(first, |most, sides| if reach(sides) > reach(most) { sides } else { most });
        &furthest[side]
    }

    /// The lowest points of all branches, from the lowest value of the parameter to the highest, in stretches that belong
    /// together: between two of them the profile is higher than was followed.
    pub fn envelope(&self) -> Vec<Vec<&ProfilePoint>> {
        let own = |point: &ProfilePoint| point.point[self.parameter];
        let rows: Vec<Vec<&ProfilePoint>> = self.branches().map(in_order).collect();
        let below = |row: &[&ProfilePoint], at: &ProfilePoint| {
            row.windows(2).any(|pair| {
                let (from, to) = (own(pair[0]), own(pair[1]));
                let share = (own(at) - from) / (to - from);
                (0.0..=1.0).contains(&share)
                    && pair[0].value + share * (pair[1].value - pair[0].value) < at.value - LOWER
            })
        };
        let mut stretches: Vec<Vec<&ProfilePoint>> = Vec::new();
        let mut kept: Vec<(usize, &ProfilePoint)> = Vec::new();
        for (branch, row) in rows.iter().enumerate() {
            let others = || rows.iter().enumerate().filter(|(other, _)| *other != branch);
            let lowest = row.iter().filter(|point| !others().any(|(_, other)| below(other, point)));
            kept.extend(lowest.map(|point| (branch, *point)));
        }
        kept.sort_by(|a, b| own(a.1).total_cmp(&own(b.1)));
        let spans: Vec<(f64, f64)> =
            rows.iter().filter_map(|row| Some((own(row.first()?), own(row.last()?)))).collect();
        let joined = |from: f64, to: f64| spans.iter().any(|(low, high)| *low <= from && to <= *high);
        for (at, (_, point)) in kept.iter().enumerate() {
            match stretches.last_mut() {
                Some(stretch) if joined(own(kept[at - 1].1), own(point)) => stretch.push(point),
                _ => stretches.push(vec![point]),
            }
        }
        stretches
    }
}

/// From the lowest value to the highest, the optimum once.
fn in_order([lower, upper]: &[Side; 2]) -> Vec<&ProfilePoint> {
    lower.points.iter().rev().chain(upper.points.iter().skip(usize::from(!lower.points.is_empty()))).collect()
}

impl Course<'_> {
    /// All paths, at each of the optima; `value` is the objective at the best.
    pub(super) fn paths(&self, work: &Work, value: f64) -> Result<Vec<Path>> {
        let mut all = self.paths_at(&work.point, value)?.ok_or_else(no_derivatives)?;
        for (place, _) in work.optima.iter().flat_map(Optima::others) {
            all.extend(self.paths_at(&place.point, value)?.into_iter().flatten());
        }
        Ok(all)
    }

    fn paths_at(&self, point: &[f64], best: f64) -> Result<Option<Vec<Path>>> {
        let expansion = self.bridge.expand(std::slice::from_ref(&point.to_vec()))?.pop().flatten();
        let Some(expansion) = expansion else { return Ok(None) };
        let identification = identify(self.objective, point, Some(&expansion.fisher));
        let above = (expansion.value - best).max(0.0);
        let (from, seed) = ((point, &expansion, above), self.settings.fit.seed);
        let parameters = &self.settings.parameters;
        let among = (&self.bridge, &self.boxed);
        Ok(Some(paths::begin(parameters, from, &identification, among, Aim::Course, seed)?))
    }

    /// Which of the ends of an earlier fit are optima of their own. Whether there was time for it.
    pub(super) fn compare(&self, work: &mut Work, value: f64, watch: &mut Watch) -> Result<bool> {
        if work.ends.is_empty() {
            return Ok(true);
        }
        let points: Vec<Vec<f64>> = std::iter::once(&work.point).chain(&work.ends).cloned().collect();
        let values = self.bridge.values(&points)?;
        let end = |(at, (point, value))| End { point, value, start: at > 0 };
        let ends: Vec<End> = points.into_iter().zip(values).enumerate().map(end).collect();
        let count = ends.len();
        let found = optima::optima(&ends, &self.bridge, &self.boxed, self.settings.fit.seed, &mut || {
            watch.tell(Stage::Optima, 0, Some(count), value);
            watch.stops()
        })?;
        if watch.ended.is_some() {
            return Ok(false);
        }
        work.ends.clear();
        work.optima = found.map(|found| found.led_by(&work.point, &self.boxed));
        Ok(true)
    }

    /// The optima once a path has led to a better one, which is `work`'s now: those that were left are others, if they are as
    /// good and no path joins them.
    pub(super) fn renew(&self, work: &mut Work, value: f64, watch: &mut Watch) -> Result<()> {
        let Some(old) = work.optima.take() else { return Ok(()) };
        let left = old.places.iter().map(|place| End { point: place.point.clone(), value: place.value, start: false });
        let best = End { point: work.point.clone(), value, start: false };
        let ends: Vec<End> = std::iter::once(best).chain(left).collect();
        let found = optima::optima(&ends, &self.bridge, &self.boxed, self.settings.fit.seed, &mut || watch.stops())?;
        let found = found.map(|found| found.with_ends_of(&old, &self.boxed).led_by(&work.point, &self.boxed));
        work.optima = found;
        Ok(())
    }
}

pub(super) fn no_derivatives() -> Error {
    Error::Run("the objective has no finite derivatives at its optimum".to_string())
}
