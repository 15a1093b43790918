//! The figures of a report on profiles.

use super::document::{Profiled, ProfilesReport};
use crate::report::number::shown;
use crate::report::plot::{Colour, Figure, Key, Mark, Scale, Series};

/// The axis goes to so many times the limit.
const TOP: f64 = 1.45;
/// Other parameters that are drawn, those that move furthest.
const MOST: usize = 6;
/// A parameter that moves less than this part of its range along a path has hardly moved.
const STILL: f64 = 0.005;

/// The profile of one parameter.
pub fn profile(profiled: &Profiled) -> Figure {
    let logarithmic = profiled.scale == "log10";
    let top = TOP * profiled.limit;
    let own = |at: &super::document::Point| at.delta.max(0.0);
    let curve: Vec<(f64, f64)> = xs(profiled).into_iter().zip(profiled.points.iter().map(own)).collect();
    let mut marks: Vec<Mark> = stretches(profiled, &curve).into_iter().map(Mark::Line).collect();
    for (&(x, y), point) in curve.iter().zip(&profiled.points).filter(|((_, y), _)| *y <= top) {
        marks.push(match point.optimised {
            true => Mark::Speck { x, y },
            false => Mark::Ring { x, y, tip: format!("{}, not optimised", shown(x)) },
        });
    }
    marks.push(Mark::Pin { x: profiled.value, y: 0.0, tip: format!("optimum {}", shown(profiled.value)) });
    let ends: Vec<f64> = curve.iter().map(|point| point.0).collect();
    if let (Some(first), Some(last)) = (ends.first(), ends.last()) {
        for [lower, upper] in profiled.pieces.iter().filter(|piece| **piece != [None, None]) {
            let (lower, upper) = (lower.unwrap_or(*first), upper.unwrap_or(*last));
            marks.push(Mark::Across { y: profiled.limit, lower, upper });
        }
    }
    let within = |line: &[(f64, f64)]| -> Vec<(f64, f64)> { line.iter().copied().filter(|p| p.1 <= top).collect() };
    let mut series = Vec::new();
    let mut add = |label: &str, colour, key, marks| {
        series.push(Series { label: label.into(), colour, key, marks });
    };
    if !profiled.prior_curve.is_empty() {
        add("prior", Colour::Muted, Key::Line, vec![Mark::Thin(within(&profiled.prior_curve))]);
    }
    if !profiled.parabola.is_empty() {
        add("standard error", Colour::Nominal(1), Key::Dashed, vec![Mark::Dashed(within(&profiled.parabola))]);
    }
    add("profile", Colour::Nominal(0), Key::Line, marks);
    // An optimum on its bound has a single point: the bounds give the axis its width.
    let axis = if ends.len() > 1 { ends } else { vec![profiled.bounds.0, profiled.bounds.1] };
    Figure {
        title: profiled.name.clone(),
        description: format!("{}: {}; {}.", profiled.name, profiled.label, profiled.known),
        x_label: with_unit(profiled),
        y_label: "rise above the optimum".into(),
        x: Some(scale(&axis, logarithmic)),
        y: Some(Scale::Linear { min: 0.0, max: top }),
        series,
        levels: vec![(profiled.limit, "95 %".into())],
    }
}

/// How the other parameters move along a profile: as folds of the optimum, or in parts of their ranges where some are
/// estimated on a linear scale.
pub fn paths(report: &ProfilesReport, profiled: &Profiled) -> Option<Figure> {
    let at = report.names.iter().position(|name| *name == profiled.name)?;
    let optimum = profiled.points.iter().min_by(|a, b| a.delta.abs().total_cmp(&b.delta.abs()))?;
    if profiled.points.len() < 3 {
        return None;
    }
    let place = |i: usize, value: f64| {
        let (low, high) = report.bounds[i];
        if report.logarithmic[i] { (value / low).log10() / (high / low).log10() } else { (value - low) / (high - low) }
    };
    let moved = |i: usize| {
        let places = profiled.points.iter().map(|point| place(i, point.values[i]));
        let (low, high) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        high - low
    };
    let mut others: Vec<(usize, f64)> =
        (0..report.names.len()).filter(|&i| i != at).map(|i| (i, moved(i))).filter(|(_, by)| *by > STILL).collect();
    others.sort_by(|a, b| b.1.total_cmp(&a.1));
    let left_out = others.len().saturating_sub(MOST);
    others.truncate(MOST);
    if others.is_empty() {
        return None;
    }
    let folds = others.iter().all(|(i, _)| report.logarithmic[*i]);
    let height = |i: usize, value: f64| match folds {
        true => value / optimum.values[i],
        false => place(i, value) - place(i, optimum.values[i]),
    };
    let all = |i: usize| -> Vec<(f64, f64)> {
        xs(profiled).into_iter().zip(profiled.points.iter().map(|p| height(i, p.values[i]))).collect()
    };
    let series: Vec<Series> = others
        .iter()
        .enumerate()
        .map(|(rank, &(i, _))| Series {
            label: report.names[i].clone(),
            colour: Colour::Nominal(rank),
            key: Key::Line,
            marks: stretches(profiled, &all(i)).into_iter().map(Mark::Line).collect(),
        })
        .collect();
    let heights: Vec<f64> = others.iter().flat_map(|&(i, _)| all(i)).map(|p| p.1).collect();
    let more = if left_out > 0 { format!(" {left_out} more that move are in profiles.csv.") } else { String::new() };
    Some(Figure {
        title: format!("The others along {}", profiled.name),
        description: format!(
            "Where the other parameters are while {} is held.{more}{}",
            profiled.name,
            if folds { " Straight lines are powers of it." } else { "" }
        ),
        x_label: with_unit(profiled),
        y_label: if folds { "fold of the optimum" } else { "move, in parts of the range" }.into(),
        x: Some(scale(&xs(profiled), profiled.scale == "log10")),
        y: Some(scale(&heights, folds)),
        series,
        levels: Vec::new(),
    })
}

/// Lines through points that belong together.
fn stretches(profiled: &Profiled, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut latest = None;
    for (point, &place) in profiled.points.iter().zip(points) {
        match lines.last_mut() {
            Some(line) if latest == Some(point.stretch) => line.push(place),
            _ => lines.push(vec![place]),
        }
        latest = Some(point.stretch);
    }
    lines
}

fn xs(profiled: &Profiled) -> Vec<f64> {
    profiled.points.iter().map(|point| point.own).collect()
}

/// Within less than a decade a logarithmic axis has hardly a tick.
fn scale(values: &[f64], logarithmic: bool) -> Scale {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    match logarithmic && low > 0.0 && high > 4.0 * low {
        true => Scale::log(values.to_vec()),
        false => Scale::linear(values.iter().copied()),
    }
}

fn with_unit(profiled: &Profiled) -> String {
    match profiled.unit.as_str() {
        "" | "dimensionless" => profiled.name.clone(),
        unit => format!("{} ({unit})", profiled.name),
    }
}
