//! Made-up data for the report on curves.

use super::document::*;
use crate::report::document::{Headline, Severity, Warning};

const DOSES: [f64; 9] = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0];

fn wobble(i: usize) -> f64 {
    ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.5
}

fn hill(dose: f64, ec50: f64, slope: f64, floor: f64) -> f64 {
    floor + (1.0 - floor) / (1.0 + (dose / ec50).powf(slope))
}

fn measure(value: f64, note: &str) -> Measure {
    Measure {
        value: Some(value),
        lower: Some(value / 1.3),
        upper: Some(value * 1.3),
        shown: crate::report::shown(value),
        note: format!("{}{note}", crate::report::interval_text((value / 1.3, value * 1.3))),
        without_outliers: None,
        bootstrap: None,
    }
}

fn none(shown: &str, note: &str) -> Measure {
    Measure { shown: shown.into(), note: note.into(), ..Measure::default() }
}

fn line(ec50: f64, slope: f64, floor: f64) -> Vec<(f64, f64)> {
    let doses = std::iter::once(0.0).chain((0..=80).map(|i| 0.01 * 2000f64.powf(i as f64 / 80.0)));
    doses.map(|dose| (dose, hill(dose, ec50, slope, floor))).collect()
}

pub fn curve(cell_line: &str, compound: &str, background: &str, ec50: f64, experiments: usize) -> CurveRow {
    let days = ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"];
    let shift = |at: usize| if experiments > 1 { 0.8 + 0.2 * at as f64 } else { 1.0 };
    let effect = ec50 < 20.0;
    let mut points = Vec::new();
    for (at, day) in days.iter().enumerate().take(experiments) {
        for (rank, &dose) in DOSES.iter().enumerate() {
            for replicate in 0..if dose == 0.0 { 6 } else { 3 } {
                let value = hill(dose, ec50 * shift(at), 1.6, 0.08) + 0.13 * wobble(at * 31 + rank * 7 + replicate);
                points.push(WellPoint {
                    dose,
                    value,
                    experiment: day.to_string(),
                    plate: format!("P{}", at + 1),
                    well: format!("{}{}", char::from(b'B' + replicate as u8), rank + 2),
                    outlier: false,
                });
            }
        }
    }
    let mut row = CurveRow {
        cell_line: cell_line.into(),
        compound: compound.into(),
        background: background.into(),
        unit: "µM".into(),
        time: Some(48.0),
        experiments,
        plates: experiments,
        wells: points.len(),
        lowest_dose: 0.01,
        highest_dose: 20.0,
        verdict: if effect { "effect" } else { "no effect found" }.into(),
        p_value: Some(if effect { 1.2e-9 } else { 0.43 }),
        points,
        ..CurveRow::default()
    };
    if effect {
        row.ec50 = measure(ec50, &format!(" ({experiments} experiments)"));
        row.absolute_ec50 = measure(ec50 * 1.1, "");
        row.benchmark_dose = measure(ec50 / 4.0, "");
        row.hill = measure(1.6, "");
        row.floor = measure(0.08, "");
        row.auc = measure(0.62, "");
        row.line = line(ec50, 1.6, 0.08);
        if experiments > 1 {
            row.experiment_lines =
                (0..experiments).map(|at| (days[at].to_string(), line(ec50 * shift(at), 1.6, 0.08))).collect();
        }
    } else {
        for measure in [&mut row.ec50, &mut row.absolute_ec50, &mut row.benchmark_dose] {
            *measure = none("> 20", "not reached");
        }
        (row.hill, row.floor, row.auc) = (none("–", ""), none("–", ""), measure(0.97, ""));
        row.smallest_effect = Some(0.18);
        row.line = vec![(0.0, 1.0), (0.01, 1.0), (20.0, 1.0)];
    }
    row
}

fn plate(rows: usize, columns: usize, title: &str) -> HeatMap {
    let cell = |at: usize| (at / columns, at % columns);
    let dose = |column: usize| column as f64 / columns as f64;
    let values = (0..rows * columns).map(|at| {
        let (row, column) = cell(at);
        let outer = row == 0 || row + 1 == rows;
        (!outer || column % 4 != 1).then(|| 42000.0 * hill(dose(column), 0.5, 3.0, 0.03) * (1.0 + 0.2 * wobble(at)))
    });
    let residuals = (0..rows * columns).map(|at| {
        let (row, column) = cell(at);
        (row > 0 && row + 1 < rows && column > 0)
            .then(|| if at == 40 { 1.4 } else { 0.5 * wobble(at) - if column == 1 { 0.1 } else { 0.0 } })
    });
    HeatMap {
        title: title.into(),
        rows,
        columns,
        values: values.collect(),
        residuals: residuals.collect(),
        caption: "Luminescence as read. Wells of the first and last row were left out here and there.".into(),
    }
}

fn onset(curve: &str, dose: f64, onset: f64) -> OnsetRow {
    let fraction = |time: f64| if time <= onset { 0.03 } else { 0.03 + 0.85 * (1.0 - (-0.2 * (time - onset)).exp()) };
    let reads = (0..=24).map(|i| 2.0 * i as f64);
    OnsetRow {
        curve: curve.into(),
        dose,
        unit: "µM".into(),
        onset: measure(onset, ""),
        rate: measure(0.2, ""),
        plateau: measure(0.88, ""),
        fastest: measure(0.17, ""),
        points: reads
            .flat_map(|time| {
                (0..2).map(move |at| TimePoint {
                    time,
                    value: fraction(time) + 0.05 * wobble(time as usize * 3 + at),
                    experiment: format!("day {}", at + 1),
                })
            })
            .collect(),
        line: (0..=96).map(|i| i as f64 / 2.0).map(|time| (time, fraction(time))).collect(),
        verdict: "death after a lag".into(),
    }
}

/// What two days at the reader might give.
pub fn example() -> PlateReport {
    let mut curves = vec![
        curve("HT-1080", "RSL3", "", 0.31, 3),
        curve("HT-1080", "RSL3", "with Fer-1 1 µM", 100.0, 3),
        curve("HT-1080", "Erastin", "", 1.9, 1),
        curve("Calu-1", "ML162", "with BSO 100 µM", 0.09, 2),
    ];
    for at in [14, 40] {
        curves[0].points[at].outlier = true;
        curves[0].points[at].value = if at == 14 { 0.35 } else { 2.6 };
    }
    curves[0].ec50.without_outliers = Some(0.33);
    curves[0].between_experiments = Some(0.1);
    curves[3].notes = vec!["Two experiments only: the interval says little about a third.".into()];
    curves.push(CurveRow {
        cell_line: "Calu-1".into(),
        compound: "Elesclomol".into(),
        unit: "nM".into(),
        experiments: 1,
        plates: 1,
        wells: 12,
        lowest_dose: 10.0,
        highest_dose: 100.0,
        verdict: "too few doses".into(),
        notes: vec!["A curve needs 4 doses; there are 2.".into()],
        ec50: none("–", "too few doses"),
        ..CurveRow::default()
    });
    let row = |plate: &str, z: f64, failures: &[&str]| PlateRow {
        plate: plate.into(),
        experiment: "2026-03-02".into(),
        time: Some(48.0),
        vehicles: 6,
        vehicle_mean: Some(41230.0),
        vehicle_cv: Some(0.064),
        blanks: 3,
        blank_mean: Some(212.0),
        positives: 0,
        positive_mean: None,
        z_prime: Some(z),
        signal_window: Some(194.0),
        edge_effect: Some(-0.12),
        failures: failures.iter().map(ToString::to_string).collect(),
    };
    PlateReport {
        title: "Viability of HT-1080 and Calu-1 under RSL3, erastin and ML162".into(),
        about: "screen.csv: 214 readings of 3 plates in 3 experiments, a tidy table; ATP luminescence relative to the vehicle \
                of the same plate."
            .into(),
        assay: "atp".into(),
        reading: "relative viability".into(),
        synthetic: Some("These readings were made by a computer. They are no measurement.".into()),
        warnings: vec![Warning {
            severity: Severity::Caution,
            title: "1 curve rests on a single experiment".into(),
            text: "Its interval holds for the wells of that day alone. Repeat it on another day.".into(),
        }],
        headlines: vec![
            Headline { label: "EC50 of RSL3 on HT-1080".into(), value: "0.31 µM".into(), note: "0.24 to 0.4 (3 experiments)".into() },
            Headline { label: "Curves with an effect".into(), value: "3 of 5".into(), note: "1 without, 1 with too few doses".into() },
            Headline { label: "Plates".into(), value: "2 of 3 good".into(), note: "Z′ 0.31 to 0.72".into() },
        ],
        ratios: vec![RatioRow {
            numerator: "HT-1080, Erastin".into(),
            denominator: "HT-1080, RSL3".into(),
            ratio: measure(6.1, ""),
        }],
        growth: vec![GrowthRow {
            curve: "erastin HT-1080".into(),
            dose: 3.0,
            unit: "uM".into(),
            division: measure(0.029, "n = 3"),
            death: measure(0.011, "n = 3"),
            gr: measure(0.41, "n = 3"),
            stasis: measure(0.98, "n = 3"),
            toxicity: measure(-0.33, "n = 3"),
        }],
        onsets: [0.1, 0.3, 1.0, 3.0].iter().map(|&dose| onset("HT-1080, RSL3", dose, 14.0 - 3.0 * f64::ln(dose))).collect(),
        plates: vec![
            row("P1", 0.72, &[]),
            row("P2", 0.31, &["Z′ is 0.31, below 0.5", "outer wells read 12 % less than inner ones"]),
        ],
        heat_maps: vec![plate(8, 12, "P1, 48 h"), plate(16, 24, "P2, 48 h")],
        noise: "The sd of a well is 6 % of its signal, pooled over 3 plates.".into(),
        methods: "Four-parameter log-logistic curves were fitted to raw signals of all wells, vehicle included, by maximum \
                  likelihood with fenton 0.1.0; intervals are profile-likelihood intervals at 95 %."
            .into(),
        references: vec!["Inde Z et al., Cell Death Discovery 2020.".into()],
        effect: 0.1,
        time_unit: "h".into(),
        version: "0.1.0".into(),
        command: "fenton curves screen.csv --assay atp --output screen".into(),
        curves,
    }
}
