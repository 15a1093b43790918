//! Two curves beside one another: what agrees, what can be compared, and which comes first.

use super::thresholds::{Asked, Curve, described, spread};
use crate::inference::threshold::{Answers, Dose, Side as Answered, What, order};
use crate::report::compare::{Odds, Pair, PairRow, Side};
use crate::report::shown;
use crate::report::thresholds::Group;
use crate::study::Study;
use std::collections::BTreeSet;

/// More pairs than this are not read.
const MOST: usize = 6;

/// A study, what its draws say, and its number: the same number, the same draws.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub study: &'a Study,
    pub asked: &'a Asked,
}

/// All curves of one study beside those of the other, or of a study beside itself each pair of its curves; and how many
/// further pairs there are.
pub fn pairs(first: Told, second: Option<Told>) -> (Vec<Pair>, usize) {
    let count = first.asked.curves.list.len();
    let places: Vec<(usize, usize)> = match second {
        Some(second) => (0..count).flat_map(|a| (0..second.asked.curves.list.len()).map(move |b| (a, b))).collect(),
        None => (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect(),
    };
    let pair = |&(a, b): &(usize, usize)| pair([first, second.unwrap_or(first)], [a, b], second.is_none());
    (places.iter().take(MOST).map(pair).collect(), places.len().saturating_sub(MOST))
}

fn pair(told: [Told; 2], at: [usize; 2], same: bool) -> Pair {
    let curves = [0, 1].map(|side| &told[side].asked.curves.list[at[side]]);
    let sides = [0, 1].map(|side| side_of(told[side].study, curves[side]));
    let missing = if same { times(&sides) } else { missing(&sides) };
    let comparable = missing.is_empty();
    let mut rows = Vec::new();
    for own in &told[0].asked.posterior[at[0]] {
        // Kinetics at a stated dose are not at the same effect.
        let stated = |dose: Dose| dose == Dose::Stated;
        let unmatched = match own.what {
            What::Lag(d)
            | What::TimeToEffect(d)
            | What::NoReturn(d)
            | What::Rate(d)
            | What::Steepest(d)
            | What::Hazard(d) => stated(d),
            What::Labile { .. } => told[0].asked.curves.labile != told[1].asked.curves.labile,
            _ => false,
        };
        let find = |side: usize, prior: bool| {
            let all = if prior { &told[side].asked.prior } else { &told[side].asked.posterior };
            all[at[side]].iter().find(|answers| answers.what == own.what)
        };
        if unmatched || find(1, false).is_none() {
            continue;
        }
        rows.push(row(told, curves, own.what, &find, comparable, same));
    }
    let settles = settles(&sides, &curves, told);
    Pair { sides, comparable, missing, settles, rows }
}

fn row<'a>(
    told: [Told<'a>; 2],
    curves: [&Curve; 2],
    what: What,
    find: &dyn Fn(usize, bool) -> Option<&'a Answers>,
    comparable: bool,
    same: bool,
) -> PairRow {
    let words = described(what, told[0].study, curves[0], &told[0].asked.curves.labile);
    let is_dose = words.group == Group::Dose;
    // Doses of different compounds stand in the unit of the model.
    let compound = |side: usize| &told[side].study.compounds[curves[side].case.compound];
    let alike = compound(0).unit == compound(1).unit;
    let unit = match (is_dose, alike) {
        (true, false) => {
            let study = told[0].study;
            study.system.parameters[compound(0).target as usize].unit.clone()
        }
        _ => words.unit,
    };
    let factor = |side: usize| match words.group {
        Group::Dose if alike => 1.0,
        Group::Dose => compound(side).factor,
        Group::Metal => 1.0,
        Group::Onset => 1.0 / told[side].study.time_factor,
        Group::Rate => told[side].study.time_factor,
    };
    let timely = matches!(words.group, Group::Onset | Group::Rate);
    let seen = |side: usize| !timely || curves[side].timed();
    let of = |side: usize, prior: bool| {
        let chains = if prior { 1 } else { told[side].asked.chains };
        let answers = find(side, prior).filter(|_| seen(side))?;
        Some(spread(&answers.distribution(chains), curves[side].case.range, factor(side)))
    };
    let odds = |prior: bool| {
        let side =
            |at: usize| Some(Answered { answers: find(at, prior)?, range: curves[at].case.range, factor: factor(at) });
        let found = order(side(0)?, side(1)?, same)?;
        Some(Odds { less: found.less, greater: found.greater, open: found.open })
    };
    let ordered = comparable && seen(0) && seen(1);
    PairRow {
        key: words.key,
        group: words.group,
        quantity: words.quantity,
        unit,
        posterior: [of(0, false), of(1, false)],
        prior: [of(0, true), of(1, true)],
        order: if ordered { odds(false) } else { None },
        prior_order: if ordered { odds(true) } else { None },
    }
}

fn side_of(study: &Study, curve: &Curve) -> Side {
    Side {
        study: study.title.clone(),
        label: curve.label.clone(),
        model: study.model.clone(),
        line: study.line.clone(),
        medium: study.medium.clone(),
        assay: study.assay.clone(),
        reading: super::thresholds::reading(study, curve),
    }
}

/// What has to agree before one can be said to be lower or earlier than the other, and does not.
fn missing(sides: &[Side; 2]) -> Vec<String> {
    let mut missing = Vec::new();
    let mut agree = |what: &str, values: [&String; 2]| match values {
        [a, b] if a.is_empty() && b.is_empty() => missing.push(format!("the {what} is not stated")),
        [a, b] if a.is_empty() || b.is_empty() => {
            let (silent, known) = if a.is_empty() { (0, b) } else { (1, a) };
            missing.push(format!("the {what} of {} is not stated (the other: {known})", sides[silent].label));
        }
        [a, b] if a != b => missing.push(format!("the {what} differs: {a} and {b}")),
        _ => {}
    };
    agree("line of cells", sides.each_ref().map(|s| &s.line));
    agree("medium", sides.each_ref().map(|s| &s.medium));
    agree("assay", sides.each_ref().map(|s| &s.assay));
    missing.extend(times(sides));
    missing
}

/// Readings at different times say different things.
fn times(sides: &[Side; 2]) -> Vec<String> {
    let [a, b] = sides.each_ref().map(|side| &side.reading);
    if a != b {
        vec![format!("the readings differ: {a}, and {b}")]
    } else if a.contains("not stated") {
        vec!["the time of reading is not stated".into()]
    } else {
        Vec::new()
    }
}

/// The paired experiment in words.
fn settles(sides: &[Side; 2], curves: &[&Curve; 2], told: [Told; 2]) -> String {
    let lines: BTreeSet<&str> = sides.iter().map(|side| side.line.as_str()).filter(|line| !line.is_empty()).collect();
    let lines: Vec<&str> = lines.into_iter().collect();
    let line = match lines[..] {
        [] => "one line of cells".to_string(),
        [one] => one.to_string(),
        _ => format!("one line ({}) or each of them", lines.join(" or ")),
    };
    let doses = |side: usize| {
        let compound = &told[side].study.compounds[curves[side].case.compound];
        let (low, high) = curves[side].case.range;
        format!("{} around {} to {} {}", compound.name, shown(low), shown(high), compound.unit)
    };
    format!(
        "both on the same plate of {line}, in one medium and one assay, read at the same times, at three or more of them: {} and \
         {}, with vehicle controls.",
        doses(0),
        doses(1)
    )
}
