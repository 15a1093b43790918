//! The page on two drugs: one file that needs nothing else.

use super::document::{Data, Measure, Reference, SynergyReport};
use super::pictures;
use crate::Result;
use crate::report::number::{interval_text, shown};
use crate::report::parts::{Panel, Warning, rendered, wall_time};
use crate::report::plot::{DoseMap, Layout, Theme, dose_stylesheet, stylesheet};
use askama::Template;

#[derive(Template)]
#[template(path = "synergy.html")]
struct Page<'a> {
    report: &'a SynergyReport,
    /// "HT-1080, 24 h"
    place: String,
    light: String,
    dark: String,
    dose_light: String,
    dose_dark: String,
    warnings: Vec<Warning<'a>>,
    matrix: Option<Panel>,
    excesses: Vec<Panel>,
    rows: Vec<Row<'a>>,
    singles: Vec<Panel>,
    curves: Vec<Curve>,
    isobole: Option<Panel>,
    shift: Option<Panel>,
    shifts: Vec<[String; 3]>,
    surfaces: Vec<Panel>,
    surface_rows: Vec<[String; 2]>,
    facts: Vec<(&'static str, String)>,
}

struct Row<'a> {
    reference: &'a Reference,
    mean: String,
    interval: String,
    framed: String,
}

/// A drug alone, as cells of a table.
struct Curve {
    name: String,
    cells: [(String, String); 4],
}

pub fn page(report: &SynergyReport) -> Result<String> {
    let data = report.data.as_ref();
    let surface = report.surface.as_ref();
    let excesses =
        data.iter().flat_map(|data| (0..data.references.len()).filter_map(|at| pictures::excess(report, data, at)));
    let surfaces = surface.iter().flat_map(|surface| {
        let excess = (0..surface.references.len()).filter_map(|at| pictures::surface_excess(report, surface, at));
        std::iter::once(pictures::surface(report, surface)).chain(excess)
    });
    let figures = data.into_iter().flat_map(|data| [0, 1].map(|drug| pictures::alone(report, data, drug)));
    let time = format!("{} {}", shown(report.time), report.time_unit);
    let page = Page {
        report,
        place: if report.condition.is_empty() { time } else { format!("{}, {time}", report.condition) },
        light: stylesheet(Theme::Light),
        dark: stylesheet(Theme::Dark),
        dose_light: dose_stylesheet(Theme::Light),
        dose_dark: dose_stylesheet(Theme::Dark),
        warnings: report.warnings.iter().map(Warning::of).collect(),
        matrix: data.map(|data| panel(&pictures::matrix(report, data))),
        excesses: excesses.map(|map| panel(&map)).collect(),
        rows: data.iter().flat_map(|data| data.references.iter().map(row)).collect(),
        singles: figures.map(|figure| Panel::of(&figure)).collect(),
        curves: data.iter().flat_map(|data| [curve(report, data, 0), curve(report, data, 1)]).collect(),
        isobole: data.and_then(|data| pictures::isobole(report, data)).map(|figure| Panel::of(&figure)),
        shift: pictures::shift(report).map(|figure| Panel::of(&figure)),
        shifts: data.map_or(Vec::new(), |data| shifts(report, data)),
        surfaces: surfaces.map(|map| panel(&map)).collect(),
        surface_rows: surface.map_or(Vec::new(), |surface| {
            surface.references.iter().map(|r| [r.name.clone(), told(&r.mean, signed)]).collect()
        }),
        facts: facts(report),
    };
    rendered(&page)
}

fn panel(map: &DoseMap) -> Panel {
    Panel {
        title: map.title.clone(),
        caption: map.caption.clone(),
        wide: map.inline(Layout { width: 560.0, height: 420.0, text: 14.0 }),
        narrow: map.inline(Layout::NARROW),
    }
}

fn signed(value: f64) -> String {
    format!("{value:+.3}").replace('-', "−")
}

/// "+0.12 (0.05 to 0.19)"
fn told(measure: &Measure, text: fn(f64) -> String) -> String {
    let interval = measure.interval.map_or(String::new(), |(low, high)| format!(" ({} to {})", text(low), text(high)));
    measure.value.map_or("–".into(), |value| text(value) + &interval)
}

fn row(reference: &Reference) -> Row<'_> {
    let mean = &reference.mean;
    Row {
        reference,
        mean: mean.value.map_or("–".into(), signed),
        interval: mean.interval.map_or("–".into(), |(low, high)| format!("{} to {}", signed(low), signed(high))),
        framed: match mean.value {
            Some(_) => format!("{} above, {} below, of {}", reference.above, reference.below, reference.given),
            None => "–".into(),
        },
    }
}

fn curve(report: &SynergyReport, data: &Data, drug: usize) -> Curve {
    let (about, own) = (&data.alone[drug], &report.drugs[drug]);
    let cell = |measure: &Measure, unit: &str| {
        let value =
            measure.value.map_or("–".into(), |value| format!("{} {unit}", shown(value)).trim_end().to_string());
        (value, measure.interval.map_or(String::new(), interval_text))
    };
    Curve {
        name: own.name.clone(),
        cells: [cell(&about.ec50, &own.unit), cell(&about.hill, ""), cell(&about.bottom, ""), cell(&about.effect, "")],
    }
}

fn shifts(report: &SynergyReport, data: &Data) -> Vec<[String; 3]> {
    let shift = &data.shift;
    let (drug, partner) = (&report.drugs[shift.drug], &report.drugs[shift.partner]);
    let row = |point: &super::ShiftPoint| {
        let ec50 = if point.note.is_empty() { told(&point.ec50, shown) } else { point.note.clone() };
        let unit = if point.note.is_empty() { format!(" {}", drug.unit) } else { String::new() };
        [format!("{} {}", shown(point.dose), partner.unit), ec50 + &unit, told(&point.factor, shown)]
    };
    shift.points.iter().map(row).collect()
}

fn facts(report: &SynergyReport) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let data = report.data.as_ref();
    let mut list = vec![
        ("Wells", data.map_or(String::new(), |data| data.wells.to_string())),
        ("Experiments", data.map_or(String::new(), |data| data.experiments.to_string())),
        ("Intervals", data.map_or(String::new(), |data| data.basis.clone())),
        ("Model", if report.surface.is_some() { report.model.clone() } else { String::new() }),
        ("Its parameters", report.surface.as_ref().map_or(String::new(), |surface| surface.source.clone())),
        ("Draws behind bands", report.surface.as_ref().map_or(String::new(), |surface| surface.draws.to_string())),
        ("Engine", run.engine.clone()),
        ("Seed", run.seed.to_string()),
        ("Wall time", wall_time(run.seconds)),
        ("Version", format!("fenton {}", run.version)),
        ("Date", run.date.clone()),
    ];
    list.retain(|(_, value)| !value.is_empty());
    list
}
