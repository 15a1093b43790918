//! A whole report on curves of made-up data.

use super::document::{Headline, Severity, Warning};
use super::sheet::*;
use std::fs;

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
        shown: super::shown(value),
        note: format!("{}{note}", super::interval_text((value / 1.3, value * 1.3))),
        without_outliers: None,
    }
}

fn none(shown: &str, note: &str) -> Measure {
    Measure { shown: shown.into(), note: note.into(), ..Measure::default() }
}

fn line(ec50: f64, slope: f64, floor: f64) -> Vec<(f64, f64)> {
    let doses = std::iter::once(0.0).chain((0..=80).map(|i| 0.01 * 2000f64.powf(i as f64 / 80.0)));
    doses.map(|dose| (dose, hill(dose, ec50, slope, floor))).collect()
}

fn curve(cell_line: &str, compound: &str, background: &str, ec50: f64, experiments: usize) -> CurveRow {
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
            .then(|| if at == 40 { 1.4 } else { 0.5 * wobble(at) - 0.1 * (column == 1) as u8 as f64 })
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
fn example() -> Sheet {
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
    Sheet {
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

/// The page without its script.
fn text(page: &str) -> &str {
    page.split("<script>").next().unwrap_or_default()
}

fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("<h2>{heading}</h2>")).unwrap_or_else(|| panic!("no section {heading}"));
    &page[start..start + page[start..].find("</section>").unwrap()]
}

#[test]
fn the_folder_holds_every_file_and_the_page_needs_no_network() {
    let place = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("FENTON_LOOK").map_or(place.path().join("out"), Into::into);
    let files = super::write_sheet(&example(), &folder).unwrap();
    let wanted = [
        "report.html",
        "summary.json",
        "curves.csv",
        "wells.csv",
        "plates.csv",
        "ratios.csv",
        "onsets.csv",
        "curve-4.svg",
        "onset-1.svg",
        "plate-2-residuals.svg",
    ];
    for name in wanted {
        assert!(files.iter().any(|file| file == name), "{name}");
        assert!(folder.join(name).metadata().unwrap().len() > 100, "{name}");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    let outside = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for word in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!outside.contains(word), "the page refers to something outside: {word}");
    }
    assert!(page.contains("Synthetic data") && page.contains("<title>[synthetic data] "));
    assert!(!text(&page).contains("NaN") && !page.contains(">inf<"));
    // A report may take the place of a report.
    super::write_sheet(&Sheet::default(), &folder).unwrap_or_default();
    if std::env::var_os("FENTON_LOOK").is_some() {
        super::write_sheet(&example(), &folder).unwrap();
    }
}

#[test]
fn the_tables_have_a_row_for_each_thing() {
    let page = super::sheet_page(&example()).unwrap();
    let rows = |heading: &str| section(&page, heading).matches("<th scope=\"row\">").count();
    assert_eq!((rows("All curves"), rows("Ratios of EC50"), rows("Onset of death"), rows("Plates")), (5, 1, 4, 2));
    // A curve without points and without a line has no figure.
    assert_eq!(section(&page, "Curves").matches("<figure").count(), 4);
    assert_eq!(section(&page, "Onset of death").matches("<figure").count(), 1);
    let cells: usize =
        example().heat_maps.iter().flat_map(|map| map.values.iter().chain(&map.residuals)).flatten().count();
    assert_eq!(section(&page, "Plates").matches("<rect").count(), cells);
    assert!(page.contains("BMD (10 % effect)") && page.contains("without outliers 0.33"));
    assert!(page.contains("An effect below 18 % at a single dose would not have been seen."));
    assert!(page.contains("2 wells are flagged as an outlier") || page.contains("2 wells are flagged as outliers"));
    assert_eq!(section(&page, "Plates").matches("pill bad").count(), 2);
}

#[test]
fn wells_differ_by_shape_and_outliers_are_crossed() {
    let sheet = example();
    let figure = super::sheet_pictures::curve(&sheet.curves[0], &sheet, &["2026-03-02", "2026-03-09", "2026-03-16"]);
    let svg = figure.inline(super::plot::Layout::WIDE);
    // Wells and the key of each of three experiments; two outliers and their key.
    assert_eq!(svg.matches("opacity=\"0.78\"").count(), 3 * 30 - 2 + 3);
    assert_eq!(svg.matches("l11 11m0 -11l-11 11").count(), 3);
    assert!(svg.contains("class=\"n0\"") && svg.contains("class=\"n1\"") && svg.contains("class=\"n2\""));
}

#[test]
fn what_a_user_wrote_is_text_on_the_page_and_in_the_tables() {
    let mut sheet = example();
    sheet.title = "<script>alert(1)</script>".into();
    sheet.curves[0].compound = "a<b>, \"c\"".into();
    sheet.curves[0].points[0].experiment = "<i>".into();
    sheet.curves[0].p_value = None;
    sheet.heat_maps[0].title = "<u>plate".into();
    sheet.onsets[0].unit = "<s>".into();
    let page = super::sheet_page(&sheet).unwrap();
    for markup in ["<script>alert", "a<b>", "<i>", "<u>", "<s>"] {
        assert!(!text(&page).contains(markup), "{markup}");
    }
    let place = tempfile::tempdir().unwrap();
    super::write_sheet(&sheet, &place.path().join("out")).unwrap();
    let read = |name: &str| fs::read_to_string(place.path().join("out").join(name)).unwrap();
    let curves = read("curves.csv");
    assert!(curves.lines().nth(1).unwrap().starts_with("HT-1080,\"a<b>, \"\"c\"\"\",,µM,48,h,3,3,90,"), "{curves}");
    assert!(curves.lines().nth(1).unwrap().contains(",effect,,0.31,"), "a missing number is an empty field: {curves}");
    let wells = read("wells.csv");
    assert_eq!(wells.lines().count(), 1 + sheet.curves.iter().map(|row| row.points.len()).sum::<usize>());
    let mut reader = csv::Reader::from_reader(curves.as_bytes());
    let width = reader.headers().unwrap().len();
    assert!(reader.records().all(|record| record.unwrap().len() == width));
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(summary["curves"][0]["ec50"]["value"], 0.31);
}

#[test]
fn a_sheet_with_nothing_in_it_still_makes_a_report() {
    let page = super::sheet_page(&Sheet::default()).unwrap();
    assert!(page.contains("</html>") && page.contains("There are no curves.") && !text(&page).contains("NaN"));
    let place = tempfile::tempdir().unwrap();
    let files = super::write_sheet(&Sheet::default(), &place.path().join("out")).unwrap();
    assert_eq!(files, ["report.html", "summary.json", "curves.csv", "wells.csv", "plates.csv"]);
    // Rows with no numbers in them, too.
    let sheet = Sheet {
        curves: vec![CurveRow { line: vec![(0.0, 1.0)], ..CurveRow::default() }],
        onsets: vec![OnsetRow::default()],
        plates: vec![PlateRow::default()],
        heat_maps: vec![HeatMap::default()],
        ratios: vec![RatioRow::default()],
        ..Sheet::default()
    };
    assert!(!text(&super::sheet_page(&sheet).unwrap()).contains("NaN"));
}

#[test]
fn a_screen_of_thousands_of_curves_makes_a_page_that_opens() {
    let mut sheet = example();
    let quiet = curve("HT-1080", "vehicle-like", "", 100.0, 2);
    sheet.curves = vec![quiet; 4990];
    sheet.curves.extend((0..10).map(|_| curve("HT-1080", "active", "", 1.0, 2)));
    let start = std::time::Instant::now();
    let page = super::sheet_page(&sheet).unwrap();
    let taken = start.elapsed();
    assert!(taken.as_secs_f64() < 2.0, "{taken:?}");
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    assert_eq!(section(&page, "All curves").matches("<th scope=\"row\">").count(), 5000);
    let figures = section(&page, "Curves");
    assert_eq!(figures.matches("<figure").count(), 24);
    assert_eq!(figures.matches("<h3>HT-1080, active, 48 h</h3>").count(), 10, "effects come first");
    assert!(
        figures.contains("24 of 5000 curves have a figure") && figures.contains("the other 4976 are in the table only")
    );
}
