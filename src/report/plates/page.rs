//! The page on the curves of a plate file: one file that needs nothing else.

use super::document::{CurveRow, GrowthRow, HeatMap, Measure, OnsetRow, PlateReport, PlateRow, RatioRow};
use super::pictures::{self as pictures, in_order, percent, with_its_unit};
use crate::Result;
use crate::report::number::{limits_text, number, shown};
use crate::report::parts::{Panel, Warning, rendered};
use crate::report::plot::{Theme, heat_stylesheet, stylesheet};
use askama::Template;

/// More figures than this make a page that nobody reads and a browser that stalls.
const MOST_FIGURES: usize = 24;

#[derive(Template)]
#[template(path = "plates.html")]
struct Page<'a> {
    report: &'a PlateReport,
    light: String,
    dark: String,
    heat_light: String,
    heat_dark: String,
    warnings: Vec<Warning<'a>>,
    curves: Vec<Panel>,
    more_curves: String,
    benchmark: String,
    reading: &'a str,
    rows: Vec<Curve<'a>>,
    ratios: Vec<(&'a RatioRow, Cell<'a>)>,
    onsets: Vec<Panel>,
    more_onsets: String,
    onset_rows: Vec<Onset<'a>>,
    growth_rows: Vec<Growth<'a>>,
    plates: Vec<Plate<'a>>,
    maps: Vec<Map<'a>>,
    more_maps: String,
}

struct Curve<'a> {
    row: &'a CurveRow,
    /// "48 h"
    time: String,
    doses: String,
    /// EC50, absolute EC50, benchmark dose, Hill slope, lower plateau, area.
    cells: [Cell<'a>; 6],
    p: String,
    p_sort: String,
    pill: &'static str,
    note: String,
}

/// A measure as a cell of a table.
struct Cell<'a> {
    value: String,
    sort: String,
    note: &'a str,
    without: String,
    bootstrap: String,
}

struct Growth<'a> {
    row: &'a GrowthRow,
    dose: String,
    dose_sort: String,
    cells: [Cell<'a>; 5],
}

struct Onset<'a> {
    row: &'a OnsetRow,
    dose: String,
    dose_sort: String,
    cells: [Cell<'a>; 4],
}

struct Plate<'a> {
    row: &'a PlateRow,
    time: String,
    vehicle_mean: String,
    vehicle_cv: String,
    blank_mean: String,
    positive_mean: String,
    z_prime: String,
    window: String,
    edge: String,
}

struct Map<'a> {
    map: &'a HeatMap,
    values: String,
    residuals: Option<String>,
}

/// The report on a plate file as one HTML page.
///
/// # Errors
/// If the page cannot be made.
pub fn page(report: &PlateReport) -> Result<String> {
    let shown_curves = pictured(report);
    let experiments = experiments(&shown_curves);
    let page = Page {
        report,
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        heat_light: heat_stylesheet(Theme::Light),
        heat_dark: heat_stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        curves: shown_curves.iter().map(|row| Panel::of(&pictures::curve(row, report, &experiments))).collect(),
        more_curves: more_curves(report, shown_curves.len()),
        benchmark: format!("BMD ({} effect)", percent(report.effect).trim_start_matches('+')),
        reading: if report.reading.is_empty() { "response" } else { &report.reading },
        rows: report.curves.iter().map(|row| curve_row(row, report)).collect(),
        ratios: report.ratios.iter().map(|row| (row, cell(&row.ratio, ""))).collect(),
        onsets: pictured_onsets(report)
            .iter()
            .map(|rows| Panel::of(&pictures::onset(rows, &report.time_unit)))
            .collect(),
        more_onsets: more(onset_names(report).len(), "time courses", "the table"),
        growth_rows: report.growth.iter().map(|row| growth_row(row, report)).collect(),
        onset_rows: report.onsets.iter().map(|row| onset_row(row, report)).collect(),
        plates: report.plates.iter().map(|row| plate_row(row, report)).collect(),
        maps: pictured_maps(report)
            .map(|map| Map {
                map,
                values: pictures::plate_values(map).inline(),
                residuals: pictures::plate_residuals(map).map(|map| map.inline()),
            })
            .collect(),
        more_maps: more(report.heat_maps.len(), "heat maps", "summary.json"),
    };
    rendered(&page)
}

/// The curves that get a figure: those with an effect come first.
pub(super) fn pictured(report: &PlateReport) -> Vec<&CurveRow> {
    let mut rows: Vec<&CurveRow> =
        report.curves.iter().filter(|row| !row.points.is_empty() || !row.line.is_empty()).collect();
    rows.sort_by_key(|row| row.verdict != "effect");
    rows.truncate(MOST_FIGURES);
    rows
}

/// All experiments of these curves.
pub(super) fn experiments<'a>(rows: &[&'a CurveRow]) -> Vec<&'a str> {
    in_order(rows.iter().flat_map(|row| &row.points).map(|point| point.experiment.as_str()))
}

/// The doses of each curve whose death was followed over time and that gets a figure.
pub(super) fn pictured_onsets(report: &PlateReport) -> Vec<Vec<&OnsetRow>> {
    onset_names(report)
        .into_iter()
        .take(MOST_FIGURES)
        .map(|name| report.onsets.iter().filter(|row| row.curve == name).collect())
        .collect()
}

fn onset_names(report: &PlateReport) -> Vec<&str> {
    in_order(report.onsets.iter().map(|row| row.curve.as_str()))
}

pub(super) fn pictured_maps(report: &PlateReport) -> impl Iterator<Item = &HeatMap> {
    report.heat_maps.iter().take(MOST_FIGURES)
}

fn more_curves(report: &PlateReport, figures: usize) -> String {
    let all = report.curves.len();
    if figures < MOST_FIGURES || all == figures {
        return String::new();
    }
    let effects = report.curves.iter().filter(|row| row.verdict == "effect").count();
    format!(
        "{figures} of {all} curves have a figure, those with an effect first ({effects} have one); the other {} are in the \
         table only.",
        all - figures
    )
}

fn more(all: usize, what: &str, place: &str) -> String {
    if all <= MOST_FIGURES {
        return String::new();
    }
    format!("{MOST_FIGURES} of {all} {what} are drawn; the numbers of the other {} are in {place}.", all - MOST_FIGURES)
}

fn optional(value: Option<f64>) -> String {
    value.map_or("–".into(), shown)
}

fn sort_key(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

fn cell<'a>(measure: &'a Measure, unit: &str) -> Cell<'a> {
    Cell {
        value: with_its_unit(measure, unit),
        sort: sort_key(measure.value),
        note: &measure.note,
        without: measure.without_outliers.map_or(String::new(), shown),
        bootstrap: measure.bootstrap.map_or(String::new(), |(low, high)| limits_text(low, high)),
    }
}

fn time(time: Option<f64>, unit: &str) -> String {
    time.map_or(String::new(), |time| format!("{} {unit}", shown(time)).trim_end().to_string())
}

fn curve_row<'a>(row: &'a CurveRow, report: &PlateReport) -> Curve<'a> {
    let mut note = row.notes.join(" ");
    if note.is_empty() && row.verdict.starts_with("no effect") {
        note = row.smallest_effect.map_or(String::new(), |effect| {
            format!(
                "An effect below {} at a single dose would not have been seen.",
                percent(effect).trim_start_matches('+')
            )
        });
    }
    Curve {
        row,
        time: time(row.time, &report.time_unit),
        doses: format!("{} to {} {}", shown(row.lowest_dose), shown(row.highest_dose), row.unit).trim_end().to_string(),
        cells: [
            cell(&row.ec50, &row.unit),
            cell(&row.absolute_ec50, &row.unit),
            cell(&row.benchmark_dose, &row.unit),
            cell(&row.hill, ""),
            cell(&row.floor, ""),
            cell(&row.auc, ""),
        ],
        p: row.p_value.map_or("–".into(), |p| if p < 1e-4 { "< 0.0001".into() } else { shown(p) }),
        p_sort: sort_key(row.p_value),
        pill: match row.verdict.as_str() {
            "effect" => "good",
            verdict if verdict.starts_with("no effect") => "calm",
            _ => "",
        },
        note,
    }
}

fn growth_row<'a>(row: &'a GrowthRow, report: &PlateReport) -> Growth<'a> {
    let per_time = format!("per {}", report.time_unit);
    Growth {
        row,
        dose: format!("{} {}", shown(row.dose), row.unit).trim_end().to_string(),
        dose_sort: number(row.dose),
        cells: [
            cell(&row.division, &per_time),
            cell(&row.death, &per_time),
            cell(&row.gr, ""),
            cell(&row.stasis, ""),
            cell(&row.toxicity, ""),
        ],
    }
}

fn onset_row<'a>(row: &'a OnsetRow, report: &PlateReport) -> Onset<'a> {
    let per_time = if report.time_unit.is_empty() { String::new() } else { format!("per {}", report.time_unit) };
    Onset {
        row,
        dose: format!("{} {}", shown(row.dose), row.unit).trim_end().to_string(),
        dose_sort: number(row.dose),
        cells: [
            cell(&row.onset, &report.time_unit),
            cell(&row.rate, &per_time),
            cell(&row.plateau, ""),
            cell(&row.fastest, &per_time),
        ],
    }
}

fn plate_row<'a>(row: &'a PlateRow, report: &PlateReport) -> Plate<'a> {
    let mean = |value: Option<f64>| value.map_or(String::new(), |value| format!("mean {}", shown(value)));
    Plate {
        row,
        time: time(row.time, &report.time_unit),
        vehicle_mean: mean(row.vehicle_mean),
        vehicle_cv: row.vehicle_cv.map_or("–".into(), |cv| format!("{} %", shown(cv * 100.0))),
        blank_mean: mean(row.blank_mean),
        positive_mean: mean(row.positive_mean),
        z_prime: row.z_prime.map_or("–".into(), |z| format!("{z:.2}").replace('-', "−")),
        window: optional(row.signal_window),
        edge: row.edge_effect.map_or("–".into(), percent),
    }
}
