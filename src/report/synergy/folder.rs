//! The folder of a report on synergy.

use super::document::{Cell, Measure, Surface, SynergyReport};
use super::{page, pictures};
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::plot::{DoseMap, Figure, Layout};
use std::path::Path;

/// Writes the report as the folder `path`, and gives back the names of its files. An earlier report of the same command
/// is replaced; anything else in the folder stays.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed.
pub fn write(report: &SynergyReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "synergy", || render(report))
}

fn render(report: &SynergyReport) -> Result<Vec<(String, String)>> {
    let mut files = vec![("report.html".to_string(), page::page(report)?), summary(report)?];
    let drawn = |name: String, map: DoseMap| (name, map.standalone(Layout::WIDE));
    let plain = |name: &str, figure: Figure| (name.to_string(), figure.standalone(Layout::WIDE));
    if let Some(data) = &report.data {
        files.push(("matrix.csv".into(), matrix(report)?));
        files.push(("shift.csv".into(), shift(report)?));
        files.push(drawn("matrix.svg".into(), pictures::matrix(report, data)));
        for (at, reference) in data.references.iter().enumerate() {
            if let Some(map) = pictures::excess(report, data, at) {
                files.push(drawn(format!("excess-{}.svg", reference.name.to_lowercase()), map));
            }
        }
        files.extend([0, 1].map(|drug| plain(&format!("alone-{}.svg", drug + 1), pictures::alone(report, data, drug))));
        files.extend(pictures::isobole(report, data).map(|figure| plain("isobologram.svg", figure)));
    }
    if let Some(surface) = &report.surface {
        files.push(("surface.csv".into(), surface_table(report, surface)?));
        files.push(drawn("surface.svg".into(), pictures::surface(report, surface)));
        for (at, reference) in surface.references.iter().enumerate() {
            if let Some(map) = pictures::surface_excess(report, surface, at) {
                files.push(drawn(format!("surface-{}.svg", reference.name.to_lowercase()), map));
            }
        }
    }
    files.extend(pictures::shift(report).map(|figure| plain("shift.svg", figure)));
    Ok(files)
}

/// How the intervals of the data are made.
const RESAMPLED: &str = "Student's t, bootstrap";

fn columns(measure: &str) -> [String; 3] {
    ["", "_lower_95", "_upper_95"].map(|end| format!("{measure}{end}"))
}

fn fields(measure: &Measure) -> [String; 3] {
    [
        optional(measure.value),
        optional(measure.interval.map(|interval| interval.0)),
        optional(measure.interval.map(|interval| interval.1)),
    ]
}

/// Doses with their units, as headers of studies have them.
fn doses(report: &SynergyReport) -> Vec<String> {
    report.drugs.iter().map(pictures::axis).collect()
}

fn matrix(report: &SynergyReport) -> Result<String> {
    let Some(data) = &report.data else { return Ok(String::new()) };
    let mut header = doses(report);
    header.push("n".into());
    header.extend(columns("viability"));
    for reference in &data.references {
        let name = reference.name.to_lowercase();
        header.push(format!("{name}_expected_viability"));
        header.extend(columns(&format!("{name}_excess")));
    }
    header.push("interval_from".into());
    let row = |cell: &Cell| {
        let mut row: Vec<String> = cell.doses.iter().map(|dose| number(*dose)).collect();
        row.push(cell.count.to_string());
        row.extend(fields(&cell.viability));
        for at in 0..data.references.len() {
            let against = cell.references.get(at).cloned().unwrap_or_default();
            row.push(optional(against.expected_viability));
            row.extend(fields(&against.excess));
        }
        row.push(RESAMPLED.into());
        row
    };
    table(&header, data.cells.iter().map(row))
}

fn shift(report: &SynergyReport) -> Result<String> {
    let Some(data) = &report.data else { return Ok(String::new()) };
    let shift = &data.shift;
    let (drug, partner) = (&report.drugs[shift.drug], &report.drugs[shift.partner]);
    let mut header = vec![pictures::axis(partner)];
    header.extend(columns(&format!("ec50 of {}", pictures::axis(drug))));
    header.extend(columns("factor"));
    header.extend(["interval_from", "note"].map(String::from));
    let row = |point: &super::ShiftPoint| {
        let mut row = vec![number(point.dose)];
        row.extend(fields(&point.ec50));
        row.extend(fields(&point.factor));
        row.extend([RESAMPLED.into(), point.note.clone()]);
        row
    };
    table(&header, shift.points.iter().map(row))
}

fn surface_table(report: &SynergyReport, surface: &Surface) -> Result<String> {
    let mut header = doses(report);
    header.extend(columns("viability"));
    surface.references.iter().for_each(|r| header.extend(columns(&format!("{}_excess", r.name.to_lowercase()))));
    header.push("interval_from".into());
    let [a, b] = &surface.doses;
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| [*a, *b]));
    let row = |(at, pair): (usize, [f64; 2])| {
        let mut row: Vec<String> = pair.iter().map(|dose| number(*dose)).collect();
        row.extend(fields(&surface.viability[at]));
        surface.references.iter().for_each(|reference| row.extend(fields(&reference.excess[at])));
        row.push("draws".into());
        row
    };
    table(&header, pairs.enumerate().map(row))
}
