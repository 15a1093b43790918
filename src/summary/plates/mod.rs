//! From the curves of a plate file to what a report shows.

mod controls;
mod measures;
mod words;

use crate::curve::{Analysis, Curve, Growth, PooledNoise, Quantity, Reading, Series, Verdict, growth, picture, ratios};
use crate::plate::Readings;
use crate::report::plates::{
    CurveParameters, CurveRow, GrowthRow, OnsetRow, PlateReport, RatioRow, TimePoint, WellPoint,
};
use crate::report::shown;
use measures::{Basis, measure, of_estimate};

/// Points of a drawn curve.
const STEPS: usize = 121;
/// More curves than this are drawn without the lines of their experiments and with fewer points.
const MANY: usize = 200;

/// What was asked, beside the settings of the analyses.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub title: String,
    pub command: String,
    pub synthetic: Option<String>,
}

/// The report of all analyses of one file: curves over dose, of one reading each, and onsets.
pub fn report_on(readings: &Readings, analyses: &[Analysis], onsets: Option<&Analysis>, asked: &Asked) -> PlateReport {
    let Some(main) = analyses.first() else { return PlateReport::default() };
    let many = analyses.iter().map(|a| a.curves.len()).sum::<usize>() > MANY;
    let mut report = PlateReport {
        title: asked.title.clone(),
        about: words::about(readings, main),
        assay: main.settings.assay.name().into(),
        reading: main.settings.reading.axis().into(),
        synthetic: asked.synthetic.clone(),
        effect: main.settings.effect,
        time_unit: readings.time_unit.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        command: asked.command.clone(),
        noise: words::noise(main),
        ..PlateReport::default()
    };
    for analysis in analyses {
        report.curves.extend(analysis.curves.iter().map(|curve| curve_row(readings, analysis, curve, many)));
        report.ratios.extend(ratio_rows(readings, analysis));
    }
    if let Some(onsets) = onsets {
        report.onsets = onsets.curves.iter().map(|curve| onset_row(readings, onsets, curve)).collect();
    }
    if analyses.iter().any(|a| a.settings.reading == Reading::GrowthRate) {
        report.growth = growth(readings, main.settings.at).iter().map(|row| growth_row(readings, row)).collect();
    }
    (report.plates, report.heat_maps) = controls::plates(readings, main);
    report.warnings = words::warnings(readings, analyses, onsets, &report);
    report.headlines = words::headlines(&report);
    report.methods = words::methods(readings, analyses, onsets.is_some());
    report.references = words::references(onsets.is_some());
    report
}

/// "with BSO 100 uM", or nothing.
fn background(readings: &Readings, series: &Series) -> String {
    let parts = series.background.iter().map(|(compound, dose)| {
        let compound = &readings.compounds[*compound];
        format!("{} {} {}", compound.name, shown(*dose), compound.unit)
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!("with {}", parts.join(" and ")) }
}

/// What tells a curve from the others.
fn name(readings: &Readings, curve: &Curve) -> String {
    series_name(readings, &curve.series)
}

fn series_name(readings: &Readings, series: &Series) -> String {
    let parts = [
        readings.compounds[series.compound].name.clone(),
        readings.cell_lines[series.cell_line].clone(),
        background(readings, series),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn verdict(curve: &Curve) -> String {
    match &curve.verdict {
        Verdict::Effect => "effect".into(),
        Verdict::NoEffect => "no effect found".into(),
        Verdict::TooFewDoses(1) => "a single dose".into(),
        Verdict::TooFewDoses(count) => format!("{count} doses are too few"),
        Verdict::Failed(why) => format!("not fitted: {why}"),
    }
}

fn curve_row(readings: &Readings, analysis: &Analysis, curve: &Curve, many: bool) -> CurveRow {
    let compound = &readings.compounds[curve.series.compound];
    let of = |quantity| measure(curve, quantity, analysis.settings.effect);
    let experiment = |at: usize| readings.experiments[curve.series.experiments[at]].clone();
    let mut row = CurveRow {
        cell_line: readings.cell_lines[curve.series.cell_line].clone(),
        compound: compound.name.clone(),
        reading: analysis.settings.reading.axis().into(),
        background: background(readings, &curve.series),
        unit: compound.unit.clone(),
        time: curve.series.time,
        experiments: curve.series.experiments.len(),
        plates: curve.series.plates.len(),
        wells: curve.series.wells.len() + curve.series.limited.len(),
        lowest_dose: curve.series.doses.first().copied().unwrap_or(0.0),
        highest_dose: curve.series.doses.last().copied().unwrap_or(0.0),
        verdict: verdict(curve),
        notes: words::curve_notes(readings, analysis, curve),
        p_value: curve.p_value,
        adjusted_p: curve.adjusted_p,
        ec50: of(Quantity::RelativeEc50),
        absolute_ec50: of(Quantity::AbsoluteEc50),
        benchmark_dose: of(Quantity::BenchmarkDose),
        hill: of(Quantity::Hill),
        floor: of(Quantity::Floor),
        auc: of(Quantity::Area),
        smallest_effect: curve.smallest_effect,
        ..CurveRow::default()
    };
    let Some(fit) = &curve.fit else { return row };
    let theta = picture::parameters(fit);
    let upper = picture::mean_reference(fit);
    row.parameters = Some(CurveParameters {
        log10_ec50: theta[0] / std::f64::consts::LN_10,
        hill: theta[1].exp(),
        floor: theta[2],
        upper,
        lower: upper * theta[2],
        residual_sd: picture::residual_sd(fit),
    });
    row.at_highest_dose = Some(picture::at_highest(fit));
    row.between_experiments = (row.experiments > 1).then_some(fit.fitted.between / std::f64::consts::LN_10);
    let flagged = |reading: usize| curve.outliers.contains(&reading);
    row.points = picture::wells(curve)
        .into_iter()
        .map(|seen| {
            let reading = &readings.readings[seen.reading];
            WellPoint {
                dose: seen.dose,
                value: seen.share,
                experiment: readings.experiments[seen.experiment].clone(),
                plate: readings.plates[reading.plate].name.clone(),
                well: reading.well_name.clone().unwrap_or_default(),
                outlier: flagged(seen.reading),
            }
        })
        .collect();
    let steps = if many { 31 } else { STEPS };
    let doses = |line: Vec<(f64, f64)>| line.into_iter().map(|(x, y)| (x.exp(), y)).collect::<Vec<_>>();
    row.line = doses(picture::line(fit, None, steps));
    if !many && picture::has_shifts(fit) {
        row.experiment_lines =
            (0..row.experiments).map(|e| (experiment(e), doses(picture::line(fit, Some(e), steps)))).collect();
    }
    row
}

fn ratio_rows(readings: &Readings, analysis: &Analysis) -> Vec<RatioRow> {
    let label = |at: usize| {
        let name = name(readings, &analysis.curves[at]);
        if analysis.settings.reading == Reading::GrowthRate { format!("{name} (GR)") } else { name }
    };
    ratios(&analysis.curves)
        .into_iter()
        .map(|ratio| RatioRow {
            numerator: label(ratio.numerator),
            denominator: label(ratio.denominator),
            ratio: of_estimate(&ratio.estimate, Quantity::RelativeEc50, Basis { experiments: ratio.experiments }, None),
        })
        .collect()
}

fn growth_row(readings: &Readings, growth: &Growth) -> GrowthRow {
    let basis = Basis { experiments: growth.experiments };
    let of = |estimate| of_estimate(estimate, Quantity::Floor, basis, None);
    GrowthRow {
        curve: series_name(readings, &growth.series),
        dose: growth.dose,
        unit: readings.compounds[growth.series.compound].unit.clone(),
        division: of(&growth.division),
        death: of(&growth.death),
        gr: of(&growth.gr),
        stasis: of(&growth.stasis),
        toxicity: of(&growth.toxicity),
    }
}

fn onset_row(readings: &Readings, analysis: &Analysis, curve: &Curve) -> OnsetRow {
    let compound = &readings.compounds[curve.series.compound];
    let of = |quantity| measure(curve, quantity, analysis.settings.effect);
    let mut row = OnsetRow {
        curve: name(readings, curve),
        dose: curve.series.doses.first().copied().unwrap_or(0.0),
        unit: compound.unit.clone(),
        onset: of(Quantity::Onset),
        rate: of(Quantity::Rate),
        plateau: of(Quantity::Floor),
        fastest: of(Quantity::Fastest),
        verdict: verdict(curve),
        ..OnsetRow::default()
    };
    let Some(fit) = &curve.fit else { return row };
    // Of the share that is lost, what was dead from the start included.
    let level = picture::level_of_vehicle(fit);
    let dead = |share: f64| 1.0 - level * share;
    let basis = Basis { experiments: curve.series.experiments.len() };
    measures::turn(&mut row.plateau, basis, dead);
    measures::turn(&mut row.fastest, basis, |rate| rate * level);
    row.points = picture::wells(curve)
        .into_iter()
        .filter(|seen| seen.x.is_finite())
        .map(|seen| TimePoint {
            time: seen.x,
            value: dead(seen.share),
            experiment: readings.experiments[seen.experiment].clone(),
        })
        .collect();
    row.line = picture::line(fit, None, STEPS).into_iter().map(|(x, y)| (x, dead(y))).collect();
    row
}

/// How the noise of an analysis was found to be.
fn is_even(analysis: &Analysis) -> bool {
    matches!(analysis.noise, PooledNoise::Function(function) if function.proportional == 0.0)
}
