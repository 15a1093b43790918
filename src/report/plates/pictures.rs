//! The figures of a [`PlateReport`](super::PlateReport).

use super::document::{self, CurveRow, Measure, OnsetRow, WellPoint};
use crate::report::number::{number, shown};
use crate::report::plot::{Colour, Figure, HeatMap, Key, Mark, Ramp, Scale, Series, Shape};

/// Names in the order in which they first come, so that each keeps its colour and shape over all figures.
pub fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// "HT-1080, RSL3 with BSO 100 µM, 48 h"
pub fn curve_name(row: &CurveRow, time_unit: &str) -> String {
    let mut name = format!("{}, {}", row.cell_line, row.compound);
    if row.cell_line.is_empty() {
        name = row.compound.clone();
    }
    if !row.background.is_empty() {
        name = format!("{name} {}", row.background);
    }
    match row.time {
        Some(time) => format!("{name}, {}\u{a0}{time_unit}", shown(time)).trim_end().to_string(),
        None => name,
    }
}

pub fn plural(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Wells and the fitted curve over dose. `experiments` are all names of the report.
pub fn curve(row: &CurveRow, report: &document::PlateReport, experiments: &[&str]) -> Figure {
    let own = in_order(row.points.iter().map(|point| point.experiment.as_str()));
    let lines = || std::iter::once(&row.line).chain(row.experiment_lines.iter().map(|(_, line)| line)).flatten();
    let xs = row.points.iter().map(|p| p.dose).chain(lines().map(|p| p.0));
    // Wells that were flagged must not flatten the rest: the axis reaches half as far again and no farther.
    let sound = row.points.iter().filter(|p| !p.outlier).map(|p| p.value).chain(lines().map(|p| p.1));
    let (low, high) = sound
        .chain([0.0, 1.0])
        .filter(|value| value.is_finite())
        .fold((0.0f64, 1.0f64), |(low, high), v| (low.min(v), high.max(v)));
    let reach = 0.5 * (high - low);
    let flagged = row.points.iter().filter(|p| p.outlier).map(|p| p.value.clamp(low - reach, high + reach));
    let y = Scale::linear(flagged.chain([low, high]));
    let mut series: Vec<Series> = Vec::new();
    for (at, name) in own.iter().enumerate() {
        let rank = experiments.iter().position(|other| other == name).unwrap_or(at);
        // Side by side, since wells of a dose lie in one place.
        let aside = (at as f64 - (own.len() - 1) as f64 / 2.0) * (24.0 / own.len() as f64).min(7.0);
        let wells = row.points.iter().filter(|point| point.experiment == *name);
        let mut marks: Vec<Mark> =
            wells.map(|point| well(point, rank, aside, (low - reach, high + reach), row)).collect();
        let line = row.experiment_lines.iter().find(|(experiment, _)| experiment == name);
        marks.extend(line.map(|(_, line)| Mark::Thin(line.clone())));
        let label = if own.len() == 1 || name.is_empty() { "wells".into() } else { name.to_string() };
        let key = Key::Symbol(Shape::nominal(rank));
        series.push(Series { label, colour: Colour::Nominal(rank), key, marks });
    }
    // More than a dozen names would fill the figure.
    if series.len() > 12 {
        series.iter_mut().for_each(|series| series.label.clear());
    }
    let ink = |label: &str, key, marks| Series { label: label.into(), colour: Colour::Ink, key, marks };
    if row.points.iter().any(|point| point.outlier) {
        series.push(ink("flagged as outlier", Key::Outlier, Vec::new()));
    }
    if !row.line.is_empty() {
        series.push(ink("fitted curve", Key::Line, vec![Mark::Line(row.line.clone())]));
    }
    if let Some(marks) = ec50(row) {
        series.push(ink(if marks.len() > 1 { "EC50, 95 % interval" } else { "EC50" }, Key::Pin, marks));
    }
    Figure {
        title: match report.curves.iter().all(|other| other.reading == row.reading) {
            true => curve_name(row, &report.time_unit),
            false => format!("{}: {}", curve_name(row, &report.time_unit), row.reading),
        },
        description: caption(row, own.len(), (low - reach, high + reach)),
        x_label: with_unit(&row.compound, &row.unit),
        y_label: if row.reading.is_empty() { "response".into() } else { row.reading.clone() },
        x: Some(Scale::log(xs.collect::<Vec<_>>())),
        y: Some(y),
        series,
        levels: Vec::new(),
    }
}

fn well(point: &WellPoint, rank: usize, aside: f64, (low, high): (f64, f64), row: &CurveRow) -> Mark {
    let place: Vec<&str> = [&point.experiment, &point.plate, &point.well]
        .into_iter()
        .map(String::as_str)
        .filter(|t| !t.is_empty())
        .collect();
    Mark::Symbol {
        x: point.dose,
        y: point.value.clamp(low, high),
        shape: Shape::nominal(rank),
        outlier: point.outlier,
        aside,
        tip: format!("{}: {} {}: {}", place.join(", "), shown(point.dose), row.unit, shown(point.value)),
    }
}

/// A pin below the curve, and its interval at the height of the curve.
fn ec50(row: &CurveRow) -> Option<Vec<Mark>> {
    let x = row.ec50.value.filter(|x| *x > 0.0 && !row.line.is_empty())?;
    let top = row.line.iter().map(|p| p.0).fold(0.0, f64::max);
    let bottom = row.line.iter().map(|p| p.0).filter(|x| *x > 0.0).fold(f64::INFINITY, f64::min);
    if !(bottom..=top).contains(&x) {
        return None;
    }
    let near = row.line.iter().filter(|p| p.0 > 0.0).min_by(|a, b| {
        let distance = |p: &(f64, f64)| (p.0 / x).ln().abs();
        distance(a).total_cmp(&distance(b))
    })?;
    let mut marks = vec![Mark::Pin { x, y: near.1, tip: format!("EC50 {} {}", row.ec50.shown, row.unit) }];
    if let (Some(lower), Some(upper)) = (row.ec50.lower, row.ec50.upper) {
        marks.push(Mark::Across { y: near.1, lower: lower.clamp(bottom, top), upper: upper.clamp(bottom, top) });
    }
    Some(marks)
}

fn caption(row: &CurveRow, drawn: usize, (low, high): (f64, f64)) -> String {
    let plates = if row.plates > 0 { format!(" on {}", plural(row.plates, "plate")) } else { String::new() };
    let mut text = format!("{} from {}{plates}.", plural(row.wells, "well"), plural(row.experiments, "experiment"));
    if row.line.is_empty() {
        text += " No curve was fitted.";
    }
    if !row.experiment_lines.is_empty() {
        text += " Thin lines: the curve of each experiment.";
    }
    if drawn > 1 {
        text += " Points of one dose stand side by side by experiment.";
    }
    let outliers = row.points.iter().filter(|point| point.outlier).count();
    if outliers > 0 {
        let what = if outliers == 1 {
            "1 well is flagged as an outlier".into()
        } else {
            format!("{outliers} wells are flagged as outliers")
        };
        text += &format!(" {what} (crossed); the curve is fitted to all wells.");
    }
    let beyond = row.points.iter().filter(|point| point.value < low || point.value > high).count();
    if beyond > 0 {
        text += &format!(" Beyond the axis and drawn at its edge: {}.", plural(beyond, "well"));
    }
    if row.verdict != "effect" && !row.verdict.is_empty() {
        text += &format!(" Verdict: {}.", row.verdict);
    }
    text
}

/// Lethal fraction over time, a series a dose. All rows are of one curve.
pub fn onset(rows: &[&OnsetRow], time_unit: &str) -> Figure {
    let experiments = in_order(rows.iter().flat_map(|row| &row.points).map(|point| point.experiment.as_str()));
    let times = rows.iter().flat_map(|row| row.points.iter().map(|p| p.time).chain(row.line.iter().map(|p| p.0)));
    let values = rows.iter().flat_map(|row| row.points.iter().map(|p| p.value).chain(row.line.iter().map(|p| p.1)));
    let mut ordered: Vec<&&OnsetRow> = rows.iter().collect();
    ordered.sort_by(|a, b| a.dose.total_cmp(&b.dose));
    let last = (ordered.len().max(2) - 1) as f64;
    // Hundreds of full marks would hide the lines.
    let specks = rows.iter().map(|row| row.points.len()).sum::<usize>() > 150;
    let series = ordered.iter().enumerate().map(|(at, row)| {
        let mut marks = Vec::new();
        marks.extend(row.points.iter().map(|point| {
            if specks {
                return Mark::Speck { x: point.time, y: point.value };
            }
            let shape = Shape::nominal(experiments.iter().position(|name| *name == point.experiment).unwrap_or(0));
            // No tips: there are hundreds of reads.
            Mark::Symbol { x: point.time, y: point.value, shape, outlier: false, aside: 0.0, tip: String::new() }
        }));
        if !row.line.is_empty() {
            marks.push(Mark::Line(row.line.clone()));
        }
        let label = format!("{} {}", shown(row.dose), row.unit).trim_end().to_string();
        Series { label, colour: Colour::Ranked(at as f64 / last), key: Key::LineAndDot, marks }
    });
    let name = rows.first().map_or(String::new(), |row| row.curve.clone());
    let shapes = if experiments.len() > 1 && !specks {
        format!(" Shapes tell the {} experiments apart.", experiments.len())
    } else {
        String::new()
    };
    Figure {
        description: format!(
            "Reads of {} and the fitted lag-exponential death of each.{shapes}",
            plural(rows.len(), "dose")
        ),
        title: name,
        x_label: with_unit("time", time_unit),
        y_label: "lethal fraction".into(),
        x: Some(Scale::exact(times.chain([0.0]).collect::<Vec<_>>(), time_unit == "h")),
        y: Some(Scale::linear(values.chain([0.0, 1.0]))),
        series: series.collect(),
        levels: Vec::new(),
    }
}

/// A plate as it was read.
pub fn plate_values(map: &document::HeatMap) -> HeatMap<'_> {
    HeatMap {
        rows: map.rows,
        columns: map.columns,
        values: &map.values,
        ramp: Ramp::Sequential,
        text: shown,
        missing: "not read",
        title: format!("{}: readings", map.title),
    }
}

/// How far its wells lie from what was expected; nothing if that is known of none.
pub fn plate_residuals(map: &document::HeatMap) -> Option<HeatMap<'_>> {
    map.residuals.iter().any(Option::is_some).then(|| HeatMap {
        rows: map.rows,
        columns: map.columns,
        values: &map.residuals,
        ramp: Ramp::Diverging,
        text: percent,
        missing: "no expectation",
        title: format!("{}: residuals", map.title),
    })
}

/// "+12 %"
pub fn percent(fraction: f64) -> String {
    let rounded = (fraction * 100.0).round();
    let sign = if rounded > 0.0 {
        "+"
    } else if rounded < 0.0 {
        "−"
    } else {
        ""
    };
    format!("{sign}{} %", number(rounded.abs()))
}

/// As shown, with its unit where that makes sense.
pub fn with_its_unit(measure: &Measure, unit: &str) -> String {
    let text = if measure.shown.is_empty() { "–" } else { &measure.shown };
    let is_number =
        text.trim_start_matches(['<', '>', '≤', '≥', ' ', '−', '-']).starts_with(|c: char| c.is_ascii_digit());
    if is_number && !unit.is_empty() { format!("{text} {unit}") } else { text.to_string() }
}

fn with_unit(label: &str, unit: &str) -> String {
    if unit.is_empty() { label.to_string() } else { format!("{label} ({unit})") }
}
