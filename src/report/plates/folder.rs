//! The folder of a report on the curves of a plate file.

use super::document::{CurveRow, GrowthRow, Measure, OnsetRow, PlateReport, PlateRow, RatioRow};
use super::page::{experiments, page, pictured, pictured_maps, pictured_onsets};
use super::pictures;
use crate::Result;
use crate::report::folder::{optional, summary, table, whole};
use crate::report::number::number;
use crate::report::plot::Layout;
use std::path::Path;

/// Writes the report of `report` as the folder `path`, and gives back the names of its files. A folder that is there
/// already is replaced if it is an earlier report; anything else is refused.
///
/// # Errors
/// [`Error::File`] if the folder cannot be written; then nothing is changed. A process killed at the wrong moment leaves
/// work for [`crate::report::recover`].
pub fn write(report: &PlateReport, path: &Path) -> Result<Vec<String>> {
    whole(path, "curve", || render(report))
}

fn render(report: &PlateReport) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("report.html".to_string(), page(report)?),
        summary(report)?,
        ("curves.csv".to_string(), curves(report)?),
        ("wells.csv".to_string(), wells(report)?),
        ("plates.csv".to_string(), plates(report)?),
    ];
    if !report.ratios.is_empty() {
        files.push(("ratios.csv".into(), ratios(report)?));
    }
    if !report.growth.is_empty() {
        files.push(("growth.csv".into(), growth(report)?));
    }
    if !report.onsets.is_empty() {
        files.push(("onsets.csv".into(), onsets(report)?));
    }
    // The pictures of the page and no others: a screen has thousands of curves.
    let rows = pictured(report);
    let experiments = experiments(&rows);
    for (at, row) in rows.iter().enumerate() {
        let figure = pictures::curve(row, report, &experiments);
        files.push((format!("curve-{}.svg", at + 1), figure.standalone(Layout::WIDE)));
    }
    for (at, rows) in pictured_onsets(report).iter().enumerate() {
        let figure = pictures::onset(rows, &report.time_unit);
        files.push((format!("onset-{}.svg", at + 1), figure.standalone(Layout::WIDE)));
    }
    for (at, map) in pictured_maps(report).enumerate() {
        files.push((format!("plate-{}-readings.svg", at + 1), pictures::plate_values(map).standalone()));
        if let Some(residuals) = pictures::plate_residuals(map) {
            files.push((format!("plate-{}-residuals.svg", at + 1), residuals.standalone()));
        }
    }
    Ok(files)
}

/// The columns of a measure.
fn names(measure: &str) -> [String; 8] {
    ["", "_lower_95", "_upper_95", "_shown", "_note", "_without_outliers", "_bootstrap_lower_95", "_bootstrap_upper_95"]
        .map(|end| format!("{measure}{end}"))
}

fn fields(measure: &Measure) -> [String; 8] {
    [
        optional(measure.value),
        optional(measure.lower),
        optional(measure.upper),
        measure.shown.clone(),
        measure.note.clone(),
        optional(measure.without_outliers),
        optional(measure.bootstrap.and_then(|ends| ends.0)),
        optional(measure.bootstrap.and_then(|ends| ends.1)),
    ]
}

/// A header of plain columns and the columns of measures between or behind them.
fn header(before: &[&str], measures: &[&str], behind: &[&str]) -> Vec<String> {
    let plain = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut header = plain(before);
    header.extend(measures.iter().flat_map(|measure| names(measure)));
    header.extend(plain(behind));
    header
}

fn curves(report: &PlateReport) -> Result<String> {
    let header = header(
        &[
            "cell_line",
            "compound",
            "background",
            "reading",
            "dose_unit",
            "time",
            "time_unit",
            "experiments",
            "plates",
            "wells",
            "lowest_dose",
            "highest_dose",
            "verdict",
            "p_value",
        ],
        &["ec50", "absolute_ec50", "benchmark_dose", "hill", "lower_plateau", "auc"],
        &[
            "fitted_log10_ec50",
            "fitted_hill",
            "fitted_lower",
            "fitted_upper",
            "benchmark_effect",
            "share_at_highest_dose",
            "smallest_effect",
            "sd_log10_ec50_between_experiments",
            "notes",
        ],
    );
    let row = |row: &CurveRow| {
        let mut out = vec![
            row.cell_line.clone(),
            row.compound.clone(),
            row.background.clone(),
            row.reading.clone(),
            row.unit.clone(),
            optional(row.time),
            report.time_unit.clone(),
            row.experiments.to_string(),
            row.plates.to_string(),
            row.wells.to_string(),
            number(row.lowest_dose),
            number(row.highest_dose),
            row.verdict.clone(),
            optional(row.p_value),
        ];
        let measures = [&row.ec50, &row.absolute_ec50, &row.benchmark_dose, &row.hill, &row.floor, &row.auc];
        out.extend(measures.into_iter().flat_map(fields));
        let fitted = row.parameters;
        out.extend([
            optional(fitted.map(|p| p.log10_ec50)),
            optional(fitted.map(|p| p.hill)),
            optional(fitted.map(|p| p.lower)),
            optional(fitted.map(|p| p.upper)),
            number(report.effect),
            optional(row.at_highest_dose),
            optional(row.smallest_effect),
            optional(row.between_experiments),
            row.notes.join(" "),
        ]);
        out
    };
    table(&header, report.curves.iter().map(row))
}

fn wells(report: &PlateReport) -> Result<String> {
    let header = [
        "cell_line",
        "compound",
        "background",
        "reading",
        "time",
        "time_unit",
        "experiment",
        "plate",
        "well",
        "dose",
        "dose_unit",
        "value",
        "outlier",
    ];
    let rows = report.curves.iter().flat_map(|row| {
        row.points.iter().map(|point| {
            vec![
                row.cell_line.clone(),
                row.compound.clone(),
                row.background.clone(),
                row.reading.clone(),
                optional(row.time),
                report.time_unit.clone(),
                point.experiment.clone(),
                point.plate.clone(),
                point.well.clone(),
                number(point.dose),
                row.unit.clone(),
                number(point.value),
                point.outlier.to_string(),
            ]
        })
    });
    table(&header, rows)
}

fn plates(report: &PlateReport) -> Result<String> {
    let header = [
        "plate",
        "experiment",
        "time",
        "time_unit",
        "vehicle_wells",
        "vehicle_mean",
        "vehicle_cv",
        "blank_wells",
        "blank_mean",
        "positive_wells",
        "positive_mean",
        "z_prime",
        "signal_window",
        "edge_effect",
        "failures",
    ];
    let row = |row: &PlateRow| {
        vec![
            row.plate.clone(),
            row.experiment.clone(),
            optional(row.time),
            report.time_unit.clone(),
            row.vehicles.to_string(),
            optional(row.vehicle_mean),
            optional(row.vehicle_cv),
            row.blanks.to_string(),
            optional(row.blank_mean),
            row.positives.to_string(),
            optional(row.positive_mean),
            optional(row.z_prime),
            optional(row.signal_window),
            optional(row.edge_effect),
            row.failures.join("; "),
        ]
    };
    table(&header, report.plates.iter().map(row))
}

fn ratios(report: &PlateReport) -> Result<String> {
    let row = |row: &RatioRow| {
        let mut out = vec![row.numerator.clone(), row.denominator.clone()];
        out.extend(fields(&row.ratio));
        out
    };
    table(&header(&["numerator", "denominator"], &["ratio"], &[]), report.ratios.iter().map(row))
}

fn growth(report: &PlateReport) -> Result<String> {
    let measures = ["division_rate", "death_rate", "gr", "gr_static", "gr_toxic"];
    let header = header(&["curve", "dose", "dose_unit", "time_unit"], &measures, &[]);
    let row = |row: &GrowthRow| {
        let mut out = vec![row.curve.clone(), number(row.dose), row.unit.clone(), report.time_unit.clone()];
        let measures = [&row.division, &row.death, &row.gr, &row.stasis, &row.toxicity];
        out.extend(measures.into_iter().flat_map(fields));
        out
    };
    table(&header, report.growth.iter().map(row))
}

fn onsets(report: &PlateReport) -> Result<String> {
    let header =
        header(&["curve", "dose", "dose_unit", "time_unit"], &["onset", "rate", "plateau", "fastest"], &["verdict"]);
    let row = |row: &OnsetRow| {
        let mut out = vec![row.curve.clone(), number(row.dose), row.unit.clone(), report.time_unit.clone()];
        out.extend([&row.onset, &row.rate, &row.plateau, &row.fastest].into_iter().flat_map(fields));
        out.push(row.verdict.clone());
        out
    };
    table(&header, report.onsets.iter().map(row))
}
