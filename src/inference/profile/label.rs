//! What profiles say of each parameter, and which directions flat ones show.

use super::{PathEnd, Profile, ProfilePoint, Side};
use crate::inference::Objective;
use crate::inference::boxed::Boxed;
use crate::inference::identify::in_words;

/// Another parameter takes part in a direction if it moves by more than this part of what the parameter itself does, and by
/// more than this part of its box.
const NOTABLE: f64 = 0.1;
const MOVED: f64 = 0.02;
/// A straight line explains this much of a parameter's way along a path.
const STRAIGHT: f64 = 0.98;

/// What a profile says of its parameter, under the model and the noise of the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Both ends of the interval lie within the bounds, and not because others have met theirs on the way.
    Identifiable,
    /// The interval has a lower end alone.
    AtLeast,
    /// The interval has an upper end alone.
    AtMost,
    /// Neither end lies within the bounds.
    NotIdentifiable,
    /// A side could not be followed, or was not for want of time.
    Undecided,
}

impl Profile {
    pub fn label(&self) -> Label {
        let of = |side: &Side| match side.end {
            PathEnd::Crossed => Some(true),
            PathEnd::Bound | PathEnd::Held => Some(false),
            PathEnd::Failed | PathEnd::Lost | PathEnd::Stopped => None,
        };
        // From several optima: known where it is from each, an end where each has one.
        let all = |at: usize| {
            let known: Option<Vec<bool>> = self.branches().map(|sides| of(&sides[at])).collect();
            known.map(|ends| ends.into_iter().all(|end| end))
        };
        let ends = [all(0), all(1)];
        match ends {
            [Some(true), Some(true)] => Label::Identifiable,
            [Some(true), Some(false)] => Label::AtLeast,
            [Some(false), Some(true)] => Label::AtMost,
            [Some(false), Some(false)] => Label::NotIdentifiable,
            _ => Label::Undecided,
        }
    }
}

/// Parameters that move together along a flat path.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// Dimension and change along the path, on the estimation scale; the largest is 1 in size, and the first positive.
    pub changes: Vec<(usize, f64)>,
    pub text: String,
}

/// One for each way of moving together that paths to bounds show.
pub fn ties(objective: &dyn Objective, boxed: &Boxed, profiles: &[Profile]) -> Vec<Tie> {
    let mut ties: Vec<Tie> = Vec::new();
    for profile in profiles {
        let flat = profile.label() == Label::NotIdentifiable;
        for (upwards, side) in [false, true].into_iter().zip(&profile.sides) {
            // A path with a point or two is that of an optimum on its bound.
            if ![PathEnd::Bound, PathEnd::Held].contains(&side.end) {
                continue;
            }
            // Where the bounds of others decide, only what lies before them is flat.
            let low =
                |p: &&ProfilePoint| side.end == PathEnd::Bound || p.value - side.points[0].value < 0.1 * profile.limit;
            let points: Vec<&ProfilePoint> = side.points.iter().filter(low).collect();
            if points.len() < 4 {
                continue;
            }
            let tie = tie(objective, boxed, profile.parameter, &points, (!flat).then_some(upwards));
            let same = |known: &Tie| {
                known.changes.len() == tie.changes.len()
                    && known.changes.iter().zip(&tie.changes).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 0.25)
            };
            if !ties.iter().any(same) {
                ties.push(tie);
            }
        }
    }
    ties
}

/// The outer half of a path, where the parameter has left what the data know of it. `open` is the direction where only
/// one is.
fn tie(
    objective: &dyn Objective,
    boxed: &Boxed,
    parameter: usize,
    points: &[&ProfilePoint],
    open: Option<bool>,
) -> Tie {
    let middle = 0.5 * (points[0].point[parameter] + points[points.len() - 1].point[parameter]);
    let upwards = points[points.len() - 1].point[parameter] > middle;
    let outer: Vec<&ProfilePoint> =
        points.iter().copied().filter(|p| p.settled && (p.point[parameter] > middle) == upwards).collect();
    let names = objective.names();
    let mut changes = vec![(parameter, 1.0)];
    let mut bent = Vec::new();
    for other in (0..names.len()).filter(|&other| other != parameter) {
        let (slope, explained, range) = line(outer.iter().map(|p| (p.point[parameter], p.point[other])));
        let part = slope.abs() * boxed.width(parameter) / boxed.width(other);
        if range > MOVED * boxed.width(other) && explained < STRAIGHT {
            bent.push(other);
        } else if range > MOVED * boxed.width(other) && part > NOTABLE {
            changes.push((other, slope));
        }
    }
    let own = &names[parameter];
    let towards = open.map(|upwards| if upwards { "towards its upper bound" } else { "towards its lower bound" });
    let text = match (&bent[..], &changes[..]) {
        ([], [_]) => match towards {
            Some(towards) => format!("{towards} '{own}' can go without the data noticing"),
            None => format!("the data do not notice '{own}' within its bounds"),
        },
        ([], _) => {
            changes.sort_by_key(|change| change.0);
            let text = in_words(objective, &changes);
            towards.map_or(text.clone(), |towards| format!("with '{own}' {towards}: {text}"))
        }
        _ => {
            let followers: Vec<String> = bent
                .iter()
                .chain(changes[1..].iter().map(|(other, _)| other))
                .map(|&other| {
                    let ends = [outer.first(), outer.last()].map(|p| p.map_or(f64::NAN, |p| p.point[other]));
                    let [from, to] = ends.map(|x| shown(objective, other, x));
                    format!("'{}' goes from {from} to {to}", names[other])
                })
                .collect();
            let ends = [outer.first(), outer.last()].map(|p| p.map_or(f64::NAN, |p| p.point[parameter]));
            let [from, to] = ends.map(|x| shown(objective, parameter, x));
            changes.extend(bent.iter().map(|&other| (other, 0.0)));
            format!("'{own}' can go from {from} to {to} without the data noticing, if {}", followers.join(" and "))
        }
    };
    changes.sort_by_key(|change| change.0);
    let largest = changes.iter().fold(0.0, |most: f64, c| if c.1.abs() > most.abs() { c.1 } else { most });
    let largest = largest.abs() * if changes[0].1 < 0.0 { -1.0 } else { 1.0 };
    changes.iter_mut().for_each(|change| change.1 /= largest);
    Tie { changes, text }
}

/// The parameter itself, with three digits.
fn shown(objective: &dyn Objective, dimension: usize, estimate: f64) -> String {
    let value = if objective.dimension(dimension).logarithmic { 10f64.powf(estimate) } else { estimate };
    let rounded = format!("{value:.2e}").parse().unwrap_or(value);
    if (1e-3..1e5).contains(&value.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// Least squares through points: slope, the part of the variance it explains, and the range of the second coordinate.
fn line(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64, f64) {
    let n = points.clone().count() as f64;
    let (x, y) = points.clone().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for p in points {
        xx += (p.0 - x).powi(2);
        xy += (p.0 - x) * (p.1 - y);
        yy += (p.1 - y).powi(2);
        (low, high) = (low.min(p.1), high.max(p.1));
    }
    if xx == 0.0 || yy == 0.0 {
        return (0.0, 1.0, 0.0);
    }
    (xy / xx, xy * xy / (xx * yy), high - low)
}
