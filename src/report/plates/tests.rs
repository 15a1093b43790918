//! A whole report on curves of made-up data.

use super::document::*;
use super::example::{curve, example};
use crate::report::tests::{needs_no_network, text};
use std::fs;

fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("<h2>{heading}</h2>")).unwrap_or_else(|| panic!("no section {heading}"));
    &page[start..start + page[start..].find("</section>").unwrap()]
}

#[test]
fn the_folder_holds_every_file_and_the_page_needs_no_network() {
    let place = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("FENTON_EXAMPLE_PLATES").map_or(place.path().join("out"), Into::into);
    let files = super::write(&example(), &folder).unwrap();
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
    needs_no_network(&page);
    assert!(page.contains("Synthetic data") && page.contains("<title>[synthetic data] "));
    assert!(!text(&page).contains("NaN") && !page.contains(">inf<"));
}

#[test]
fn the_tables_have_a_row_for_each_thing() {
    let page = super::page(&example()).unwrap();
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
    assert!(page.contains("2 wells are flagged as outliers (crossed)"));
    assert_eq!(section(&page, "Plates").matches("pill bad").count(), 2);
}

#[test]
fn wells_differ_by_shape_and_outliers_are_crossed() {
    let report = example();
    let figure = super::pictures::curve(&report.curves[0], &report, &["2026-03-02", "2026-03-09", "2026-03-16"]);
    let svg = figure.inline(crate::report::plot::Layout::WIDE);
    // Wells and the key of each of three experiments; two outliers and their key.
    assert_eq!(svg.matches("opacity=\"0.78\"").count(), 3 * 30 - 2 + 3);
    assert_eq!(svg.matches("l11 11m0 -11l-11 11").count(), 3);
    assert!(svg.contains("class=\"n0\"") && svg.contains("class=\"n1\"") && svg.contains("class=\"n2\""));
}

#[test]
fn what_a_user_wrote_is_text_on_the_page_and_in_the_tables() {
    let mut report = example();
    report.title = "<script>alert(1)</script>".into();
    report.curves[0].compound = "a<b>, \"c\"".into();
    report.curves[0].points[0].experiment = "<i>".into();
    report.curves[0].p_value = None;
    report.heat_maps[0].title = "<u>plate".into();
    report.onsets[0].unit = "<s>".into();
    let page = super::page(&report).unwrap();
    for markup in ["<script>alert", "a<b>", "<i>", "<u>", "<s>"] {
        assert!(!text(&page).contains(markup), "{markup}");
    }
    let place = tempfile::tempdir().unwrap();
    super::write(&report, &place.path().join("out")).unwrap();
    let read = |name: &str| fs::read_to_string(place.path().join("out").join(name)).unwrap();
    let curves = read("curves.csv");
    assert!(curves.lines().nth(1).unwrap().starts_with("HT-1080,\"a<b>, \"\"c\"\"\",,,µM,48,h,3,3,90,"), "{curves}");
    assert!(curves.lines().nth(1).unwrap().contains(",effect,,0.31,"), "a missing number is an empty field: {curves}");
    let wells = read("wells.csv");
    assert_eq!(wells.lines().count(), 1 + report.curves.iter().map(|row| row.points.len()).sum::<usize>());
    let mut reader = csv::Reader::from_reader(curves.as_bytes());
    let width = reader.headers().unwrap().len();
    assert!(reader.records().all(|record| record.unwrap().len() == width));
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(summary["curves"][0]["ec50"]["value"], 0.31);
}

#[test]
fn a_sheet_with_nothing_in_it_still_makes_a_report() {
    let page = super::page(&PlateReport::default()).unwrap();
    assert!(page.contains("</html>") && page.contains("There are no curves.") && !text(&page).contains("NaN"));
    let place = tempfile::tempdir().unwrap();
    let files = super::write(&PlateReport::default(), &place.path().join("out")).unwrap();
    assert_eq!(files, ["report.html", "summary.json", "curves.csv", "wells.csv", "plates.csv"]);
    // Rows with no numbers in them, too.
    let report = PlateReport {
        curves: vec![CurveRow { line: vec![(0.0, 1.0)], ..CurveRow::default() }],
        onsets: vec![OnsetRow::default()],
        plates: vec![PlateRow::default()],
        heat_maps: vec![HeatMap::default()],
        ratios: vec![RatioRow::default()],
        ..PlateReport::default()
    };
    assert!(!text(&super::page(&report).unwrap()).contains("NaN"));
}

#[test]
fn a_screen_of_thousands_of_curves_makes_a_page_that_opens() {
    let mut report = example();
    let quiet = curve("HT-1080", "vehicle-like", "", 100.0, 2);
    report.curves = vec![quiet; 4990];
    report.curves.extend((0..10).map(|_| curve("HT-1080", "active", "", 1.0, 2)));
    let start = std::time::Instant::now();
    let page = super::page(&report).unwrap();
    let taken = start.elapsed();
    assert!(taken.as_secs_f64() < 2.0, "{taken:?}");
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    assert_eq!(section(&page, "All curves").matches("<th scope=\"row\">").count(), 5000);
    let figures = section(&page, "Curves");
    assert_eq!(figures.matches("<figure").count(), 24);
    assert_eq!(figures.matches("<h3>HT-1080, active, 48\u{a0}h</h3>").count(), 10, "effects come first");
    assert!(
        figures.contains("24 of 5000 curves have a figure") && figures.contains("the other 4976 are in the table only")
    );
}
