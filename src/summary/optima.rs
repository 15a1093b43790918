//! Several optima, as a report lists them, and what may be said of a number that they do not agree about.

use super::curves::Model;
use super::{charts, effects};
use crate::Result;
use crate::inference::{Optima, Optimal, StudyObjective};
use crate::report::document::{Effect, Quantity, Severity, Warning};
use crate::report::optima::{Optimum, OptimumValue};
use crate::report::shown;
use crate::study::Study;
use crate::study::problem::Problem;

/// Values without an interval agree if they are as near as this.
const NEAR: f64 = 0.01;
/// Values named in a sentence.
const NAMED: usize = 4;

pub fn optima(problem: &Problem, found: Option<&Optima>) -> Vec<Optimum> {
    let Some(found) = found else { return Vec::new() };
    found.places.iter().enumerate().map(|(at, place)| optimum(problem, found, at, place)).collect()
}

fn optimum(problem: &Problem, found: &Optima, at: usize, place: &Optimal) -> Optimum {
    let values = problem.parameters.iter().enumerate().map(|(i, parameter)| {
        let error = place.errors.get(i).copied().flatten();
        let end = |sign: f64, error: f64| {
            parameter.scale.value(place.point[i] + sign * 1.959_964 * error).clamp(parameter.lower, parameter.upper)
        };
        OptimumValue {
            parameter: parameter.name.clone(),
            value: parameter.scale.value(place.point[i]),
            unit: parameter.unit.clone(),
            interval: error.map(|error| (end(-1.0, error), end(1.0, error))),
            differs: found.differ.contains(&i),
        }
    });
    Optimum {
        number: at + 1,
        objective: place.value,
        above_best: found.above(at),
        starts: place.ends,
        share: place.ends as f64 / found.ends.max(1) as f64,
        values: values.collect(),
    }
}

/// "1.18 or 0.251": a parameter at each of the optima.
pub fn values(problem: &Problem, found: &Optima, parameter: usize) -> String {
    let scale = problem.parameters[parameter].scale;
    named(found.places.iter().map(|place| shown(scale.value(place.point[parameter]))))
}

fn named(texts: impl Iterator<Item = String>) -> String {
    let mut different: Vec<String> = Vec::new();
    texts.for_each(|text| {
        if !different.contains(&text) {
            different.push(text);
        }
    });
    let more = different.len().saturating_sub(NAMED);
    different.truncate(NAMED);
    match (different.split_last(), more) {
        (Some((last, rest)), 0) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        (_, 0) => different.join(", "),
        (_, more) => format!("{} or one of {more} more", different.join(", ")),
    }
}

/// The title of a warning.
pub fn alike(count: usize) -> String {
    format!("{count} optima explain the data alike")
}

/// What stands before the results when there are several optima; `shown` says what of them the rest of the report shows.
pub fn warning(names: &[String], found: Option<&Optima>, shown: &str) -> Option<Warning> {
    let found = found.filter(|found| found.several())?;
    let differ: Vec<&str> = found.differ.iter().map(|&i| names[i].as_str()).collect();
    let mut text =
        "Their objectives lie within 1.92 of the best, and no path was found from one to another on which all places \
                    do: the model can say the same in several ways, or these data do not tell its explanations apart."
            .to_string();
    text += &match differ.is_empty() {
        true => " No parameter differs between them by more than its error.".to_string(),
        false => format!(
            " {} differ{} between them and {} not identified. Bounds, an order or a prior that leaves one of them makes it the answer.",
            differ.join(", "),
            if differ.len() == 1 { "s" } else { "" },
            if differ.len() == 1 { "is" } else { "are" },
        ),
    };
    text += &format!(" {shown} All are in optima.csv.");
    if found.passed_over() > 0 {
        text += &format!(" Intervals leave out the {} worst of them.", found.passed_over());
    }
    Some(Warning { severity: Severity::Caution, title: alike(found.places.len()), text })
}

/// For a methods section.
pub fn methods(found: Option<&Optima>) -> String {
    found.filter(|found| found.several()).map_or(String::new(), |found| {
        format!(
            "Ends within 1.92 of the best objective were taken as one optimum where a straight path, or one bent by optimising \
             points across its direction, stays within 1.92; {} optima remained. ",
            found.places.len()
        )
    })
}

/// Effective concentrations of the best optimum, and of the others where they say otherwise.
pub fn compared(
    study: &Study,
    objective: &StudyObjective,
    found: Option<&Optima>,
    mut best: Vec<Effect>,
) -> Result<Vec<Effect>> {
    let mut others: Vec<Vec<Effect>> = Vec::new();
    for (place, _) in found.iter().flat_map(|found| found.others()) {
        let traces = charts::over_dose(study, &Model::at(objective, &place.point)?, &mut Vec::new())?.1;
        others.push(effects::effects(study, &traces));
    }
    for effect in &mut best {
        let own = |other: &&Effect| {
            (&other.measure, &other.condition, other.time) == (&effect.measure, &effect.condition, effect.time)
        };
        let there: Vec<Effect> = others.iter().filter_map(|other| other.iter().find(own).cloned()).collect();
        join(effect, &there);
    }
    Ok(best)
}

/// One value where all agree, with an interval from the lowest end to the highest; else all values.
fn join(effect: &mut Effect, others: &[Effect]) {
    if others.iter().all(|other| agree(&effect.value, &other.value)) {
        for other in others {
            if let (Quantity::Value { interval: own, .. }, Quantity::Value { interval, .. }) =
                (&mut effect.value, &other.value)
            {
                *own = own.zip(*interval).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
            }
        }
        return;
    }
    let all = || std::iter::once(&*effect).chain(others);
    let text = |effect: &Effect| match &effect.value {
        Quantity::Value { value, .. } => shown(*value),
        Quantity::Above { limit } => format!("> {}", shown(*limit)),
        Quantity::Below { limit } => format!("< {}", shown(*limit)),
        Quantity::Several { .. } | Quantity::Undefined => "none".into(),
    };
    let note = format!("{} {}: differs between optima", named(all().map(text)), effect.unit);
    let values = all().map(|effect| match effect.value {
        Quantity::Value { value, .. } => Some(value),
        _ => None,
    });
    (effect.value, effect.note) = (Quantity::Several { values: values.collect() }, note);
}

fn agree(a: &Quantity, b: &Quantity) -> bool {
    let inside = |value: f64, other: f64, interval: Option<(f64, f64)>| {
        (value / other).ln().abs() < NEAR || interval.is_some_and(|(low, high)| low <= value && value <= high)
    };
    match (a, b) {
        (Quantity::Value { value: a, interval: of_a }, Quantity::Value { value: b, interval: of_b }) => {
            inside(*a, *b, *of_b) && inside(*b, *a, *of_a)
        }
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(value: f64, interval: Option<(f64, f64)>) -> Effect {
        Effect { value: Quantity::Value { value, interval }, unit: "uM".into(), ..Effect::default() }
    }

    #[test]
    fn values_that_agree_are_one_and_others_are_all_told() {
        let mut same = effect(3.0, Some((2.5, 3.5)));
        join(&mut same, &[effect(3.2, Some((2.7, 3.9)))]);
        let Quantity::Value { value, interval } = same.value else { panic!("{same:?}") };
        assert_eq!((value, interval), (3.0, Some((2.5, 3.9))));
        let mut apart = effect(3.0, Some((2.5, 3.5)));
        let above = Effect { value: Quantity::Above { limit: 50.0 }, ..Effect::default() };
        join(&mut apart, &[effect(7.0, Some((6.0, 8.0))), above]);
        assert_eq!(apart.note, "3, 7 or > 50 uM: differs between optima");
        assert!(matches!(apart.value, Quantity::Several { values } if values == [Some(3.0), Some(7.0), None]));
    }
}
