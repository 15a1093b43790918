//! `fenton threshold`, `predict`, `compare` and `design` as a user meets them, on the studies of statements in words: what
//! they say, what they refuse, and with which exit code.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command.args(arguments).args(["--engine", "cpu", "--output"]).arg(folder);
    command.output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

/// What stands at an end of an interval: a number, or the limit that it lies beyond.
fn end(spread: &Value, which: &str) -> (String, f64) {
    let end = &spread[which];
    let number = end["value"].as_f64().or(end["limit"].as_f64()).unwrap_or(f64::INFINITY);
    (end["kind"].as_str().unwrap().to_string(), number)
}

fn row<'v>(rows: &'v Value, key: &str) -> &'v Value {
    let found = rows.as_array().unwrap().iter().find(|row| row["key"] == key);
    found.unwrap_or_else(|| panic!("there is no {key}"))
}

#[test]
fn thresholds_of_statements_hold_what_the_review_says() {
    let place = tempfile::tempdir().unwrap();
    let draws = place.path().join("draws");
    let run = fenton(&["sample", "constraints-fac", "--draws", "512"], &draws);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let folder = place.path().join("iron");
    let ensemble = draws.display().to_string();
    let run = fenton(&["threshold", "constraints-fac", "--ensemble", &ensemble, "--draws", "120"], &folder);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let rows = &found["cases"][0]["rows"];
    // "Only at 5 mM and more": between the highest harmless dose, which is assumed, and beyond 5 mM.
    let dose = row(rows, "benchmark-dose");
    let (kind, low) = end(&dose["posterior"], "lower");
    assert!(kind == "value" && (2.0..5.0).contains(&low), "{kind} {low}");
    assert!((4.5..=5.0).contains(&end(&dose["posterior"], "upper").1), "{dose}");
    // The priors alone say less.
    assert!(end(&dose["prior"], "lower").0 == "below");
    // One time of reading, which is not even stated: no onset, no rate.
    for key in ["lag", "time-to-effect", "no-return", "rate", "hazard"] {
        let row = row(rows, key);
        assert!(row["posterior"].is_null() && row["note"].as_str().unwrap().contains("not observable"), "{row}");
    }
    assert!(row(rows, "labile_iron-at-benchmark")["note"].as_str().unwrap().contains("scale set by prior"));
    for file in ["report.html", "thresholds.csv", "thresholds.svg"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let table = fs::read_to_string(folder.join("thresholds.csv")).unwrap();
    let prior = |line: &str| line.contains("benchmark-dose") && line.contains("<1,") && line.contains(">5,");
    assert!(table.lines().any(prior), "{table}");

    // Bands from the same draws.
    let bands = place.path().join("bands");
    let asked = ["--dose", "FAC=1,5", "--until", "48"];
    let run = fenton(&[&["predict", "constraints-fac", "--ensemble", &ensemble][..], &asked].concat(), &bands);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let table = fs::read_to_string(bands.join("predictions.csv")).unwrap();
    let last = |dose: &str| {
        let line = table.lines().find(|line| line.contains(dose) && line.contains(",48,")).unwrap();
        line.split(',').rev().take(3).map(|x| x.parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let [high, low] = [last("FAC 1 mM"), last("FAC 5 mM")].map(|line| (line[0], line[1], line[2]));
    assert!(high.1 <= high.2 && high.2 <= high.0 && high.2 > 0.7 && low.2 < 0.7, "{high:?} {low:?}");
}

#[test]
fn two_statements_are_not_comparable_and_the_paired_experiment_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("both");
    let run = fenton(&["compare", "constraints-fac", "constraints-copper", "--draws", "60"], &folder);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let pair = &found["pairs"][0];
    assert_eq!(pair["comparable"], false);
    let missing = pair["missing"].to_string();
    for word in [
        "line of cells differs: HT-1080 and HEK293T",
        "medium is not stated",
        "assay is not stated",
        "time of reading is not stated",
    ] {
        assert!(missing.contains(word), "{word} in {missing}");
    }
    assert!(pair["rows"].as_array().unwrap().iter().all(|row| row["order"].is_null()));
    let copper = row(&pair["rows"], "ec50-absolute");
    assert_eq!(copper["unit"], "uM");
    let (kind, limit) = end(&copper["posterior"][1], "upper");
    assert!(limit <= 20.0, "copper: {kind} {limit}");
    for word in ["FAC", "CuCl2", "same plate", "HEK293T or HT-1080"] {
        assert!(pair["settles"].as_str().unwrap().contains(word), "{word} in {}", pair["settles"]);
    }
    let folder = place.path().join("next");
    let run = fenton(&["design", "constraints-fac", "--against", "constraints-copper", "--draws", "60"], &folder);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let best = found["best"].as_str().unwrap();
    assert!(["FAC", "CuCl2", "side by side"].iter().all(|word| best.contains(word)), "{best}");
    let left: Vec<f64> = found["experiments"].as_array().unwrap().iter().map(|e| e["left"].as_f64().unwrap()).collect();
    assert!(left.is_sorted() && left[0] < 0.8, "{left:?}");
}

#[test]
fn wrong_questions_are_refused_before_anything_is_drawn() {
    let place = tempfile::tempdir().unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["threshold", "fac-ht1080", "--effect", "10"], 2, "share between 0 and 1"),
        (&["threshold", "fac-ht1080", "--doses", "5,1"], 2, "lower one first"),
        (&["threshold", "fac-ht1080", "--draws", "3"], 2, "at least 40"),
        (&["predict", "fac-ht1080", "--dose", "FAC"], 2, "FAC=1,5,10"),
        (&["compare", "fac-ht1080", "cucl2-slc31a1-hek293t", "--ensemble", "x"], 2, "1 folders for 2 studies"),
        (&["design", "fac-ht1080", "--wells", "0"], 2, "at least 1"),
        (&["threshold", "fac-ht1080", "--ensemble", "nowhere"], 1, "nowhere"),
        (&["threshold", "no-such-study"], 1, "no-such-study"),
    ];
    for (arguments, code, words) in cases {
        let run = fenton(arguments, &place.path().join("out"));
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(words), "{arguments:?}: {}", err(&run));
        assert!(!place.path().join("out").exists(), "{arguments:?} wrote something");
    }
}
