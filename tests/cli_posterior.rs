//! `fenton threshold`, `predict`, `compare` and `design` as a user meets them, on the studies of statements in words: what
//! they say, what they refuse, and with which exit code.

use serde_json::Value;
use std::collections::BTreeSet;
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
        line.split(',').rev().skip(1).take(3).map(|x| x.parse::<f64>().unwrap()).collect::<Vec<_>>()
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
    // What is left is an average over draws of which few lie near the cliff: 60 of them say anything from 0.67 to 0.94.
    let run = fenton(&["design", "constraints-fac", "--against", "constraints-copper", "--draws", "1000"], &folder);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let best = found["best"].as_str().unwrap();
    assert!(["FAC", "CuCl2", "side by side"].iter().all(|word| best.contains(word)), "{best}");
    let left: Vec<f64> = found["experiments"].as_array().unwrap().iter().map(|e| e["left"].as_f64().unwrap()).collect();
    assert!(left.is_sorted() && left[0] < 0.8, "{left:?}");
}

/// The effect of the drug after a day is `0.3 xCT drug / (K + drug)` of the cells, so that its benchmark dose is K / 2 and a
/// line with twice the xCT shows K twice as well.
const SHARP: &str = "
model sharp
  unit time_unit = 86400 second;
  unit uM = 1e-6 mole / litre;
  drug = 0; drug has uM; K = 10; K has uM; xCT = 1; growth = 0.5;
  live = 1;
  live' = (growth + ln(1 - 0.3 * xCT * drug / (K + drug))) * live;
end
";
const SHARP_STUDY: &str = r#"
model = "sharp.ant"
[time]
unit = "d"
[compounds.drug]
unit = "uM"
[assay]
kind = "atp"
live = "live"
[data]
file = "sharp.csv"
values = "fraction"
[noise]
kind = "normal"
sd = 0.1
[parameters.K]
bounds = [0.01, 10000]
prior = { kind = "log-normal", median = 10, sd = 1 }
source = "assumed"
"#;
const SHARP_DOSES: [f64; 3] = [1.0, 10.0, 100.0];

/// What three readings of one dose leave of the sd of ln K, where the effect is `reach` of the cells at most: by
/// quadrature over K and the reading.
fn left_of_sharp(reach: f64, dose: f64) -> f64 {
    let effect = |reach: f64, dose: f64, x: f64| reach * dose / (10.0 * x.exp() + dose);
    let grid: Vec<f64> = (0..=160).map(|i| -4.0 + 0.05 * f64::from(i)).collect();
    let misfit = |x: f64| -> f64 {
        SHARP_DOSES.iter().map(|&dose| ((effect(0.3, dose, 0.0) - effect(0.3, dose, x)) / 0.1).powi(2)).sum()
    };
    let weights: Vec<f64> = grid.iter().map(|&x| (-0.5 * (x * x + misfit(x))).exp()).collect();
    let mean =
        |weights: &[f64]| weights.iter().zip(&grid).map(|(w, x)| w * x).sum::<f64>() / weights.iter().sum::<f64>();
    let sd = 0.1 / 3f64.sqrt();
    let (mut left, mut today) = (0.0, 0.0);
    for (&truth, weight) in grid.iter().zip(&weights) {
        today += weight * (truth - mean(&weights)).powi(2);
        for noise in (-20..=20).map(|i| 0.2 * f64::from(i)) {
            let seen = effect(reach, dose, truth) + sd * noise;
            let after = |(x, w): (&f64, &f64)| w * (-0.5 * ((seen - effect(reach, dose, *x)) / sd).powi(2)).exp();
            let after: Vec<f64> = grid.iter().zip(&weights).map(after).collect();
            let density = 0.2 * (-0.5 * noise * noise).exp() / (2.0 * std::f64::consts::PI).sqrt();
            left += weight * density * (truth - mean(&after)).powi(2);
        }
    }
    (left / today).sqrt()
}

#[test]
fn the_line_of_cells_that_shows_a_quantity_best_comes_first() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str| place.path().join(name);
    fs::write(file("sharp.ant"), SHARP).unwrap();
    fs::write(file("sharp.toml"), SHARP_STUDY).unwrap();
    let rows = SHARP_DOSES.iter().map(|dose| format!("1,{dose},{}\n", 1.0 - 0.3 * dose / (10.0 + dose)));
    fs::write(file("sharp.csv"), format!("time,drug,viability\n1,0,1\n{}", rows.collect::<String>())).unwrap();
    let study = file("sharp.toml").display().to_string();
    let (draws, folder) = (file("draws"), file("next"));
    let run = fenton(&["sample", &study, "--draws", "1024"], &draws);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let asked = ["design", &study, "--ensemble", &draws.display().to_string(), "--draws", "800"];
    let run = fenton(&asked, &folder);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let experiments = found["experiments"].as_array().unwrap();
    let text = |e: &Value, key: &str| e[key].as_str().unwrap().to_string();
    let left = |e: &Value| e["left"].as_f64().unwrap();
    // The whole series and one reading; the other lines that are offered have less to show.
    assert_eq!(text(&experiments[0], "line"), "U-2 OS");
    assert!(text(&experiments[0], "doses").ends_with("12 doses") && experiments[0]["wells"] == 36, "{found}");
    let singles: Vec<&Value> = experiments.iter().filter(|e| e["wells"] == 3).collect();
    let best = |line: &str| *singles.iter().find(|e| text(e, "line") == line).unwrap_or_else(|| panic!("no {line}"));
    assert!(
        left(best("U-2 OS")) < left(best("as in the study")) && left(best("as in the study")) < left(best("RPE-1"))
    );
    for (line, reach) in [("U-2 OS", 0.6), ("as in the study", 0.3), ("RPE-1", 0.18)] {
        let dose = text(best(line), "doses").split(' ').next().unwrap().parse().unwrap();
        approx::assert_relative_eq!(left(best(line)), left_of_sharp(reach, dose), max_relative = 0.08);
    }
    // Growth leaves what is relative to the control alone, and there is no CTR1.
    let lines: BTreeSet<String> = experiments.iter().map(|e| text(e, "line")).collect();
    assert_eq!(lines.iter().map(String::as_str).collect::<Vec<_>>(), ["RPE-1", "U-2 OS", "as in the study"]);
    let warnings = found["warnings"].to_string();
    for words in [
        "xCT of U-2 OS is x2 (derived: half of the glutathione",
        "HEK293T (no reading differs there)",
        "HEK293T-SLC31A1 (sharp.ant has no CTR1)",
        "The study names no line of cells",
    ] {
        assert!(warnings.contains(words), "{words} in {warnings}");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("<td>U-2 OS</td>") && page.contains("<th class=\"num\">Wells</th>"));
    let table = fs::read_to_string(folder.join("experiments.csv")).unwrap();
    assert!(
        table.lines().nth(1).is_some_and(|row| row.starts_with(",U-2 OS,relative viability,") && row.contains(",36,"))
    );

    // Named lines alone, and none: the same without them.
    for (named, lines) in [("hTERT RPE-1", 2), ("none", 1)] {
        let run = fenton(&[&asked[..], &["--lines", named]].concat(), &folder);
        assert_eq!(run.status.code(), Some(0), "{}", err(&run));
        let experiments = summary(&folder)["experiments"].as_array().unwrap().clone();
        let known: BTreeSet<String> = experiments.iter().map(|e| text(e, "line")).collect();
        assert!(known.len() == lines && !known.contains("U-2 OS"), "{known:?}");
        let own = experiments.iter().find(|e| e["wells"] == 3 && text(e, "line") != "RPE-1").unwrap();
        approx::assert_relative_eq!(left(own), left(best("as in the study")), max_relative = 1e-6);
    }
}

#[test]
fn wrong_questions_are_refused_before_anything_is_drawn() {
    let place = tempfile::tempdir().unwrap();
    let cases: [(&[&str], i32, &str); 10] = [
        (&["threshold", "fac-ht1080", "--effect", "10"], 2, "share between 0 and 1"),
        (&["threshold", "fac-ht1080", "--doses", "5,1"], 2, "lower one first"),
        (&["threshold", "fac-ht1080", "--draws", "3"], 2, "at least 40"),
        (&["predict", "fac-ht1080", "--dose", "FAC"], 2, "FAC=1,5,10"),
        (&["compare", "fac-ht1080", "cucl2-slc31a1-hek293t", "--ensemble", "x"], 2, "1 folders for 2 studies"),
        (&["design", "fac-ht1080", "--wells", "0"], 2, "at least 1"),
        (&["design", "fac-ht1080", "--lines", "HAP1,HEK293"], 2, "did you mean 'HEK293T'?"),
        (&["design", "constraints-fac", "--against", "constraints-copper", "--lines", "HAP1"], 2, "--against"),
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
