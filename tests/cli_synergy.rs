//! `fenton synergy` as a user meets it: on studies of two hazards that are known to be independent, or one drug under two
//! names; files, messages, exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn synergy(study: &str, folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command.args(["synergy", study, "--engine", "cpu", "--output"]).arg(folder).args(more);
    command.output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

const DOSES: [f64; 5] = [0.0, 1.0, 2.0, 4.0, 8.0];
const H: f64 = 0.05;
const K: f64 = 3.0;

/// Hazards that add up: cells die of either drug whatever the other does. The loss of cells over 24 h is known.
const INDEPENDENT: &str = "h*A^2/(K^2 + A^2) + h*B/(K + B)";
/// b is a dilution of a.
const SHAM: &str = "h*(A + 0.5*B)^2/(K^2 + (A + 0.5*B)^2)";
/// b does nothing and makes a more potent.
const HELPER: &str = "h*(A*(1 + 0.5*B))^2/(K^2 + (A*(1 + 0.5*B))^2)";

fn hazard(kind: &str, a: f64, b: f64) -> f64 {
    let square = |x: f64| x * x / (K * K + x * x);
    match kind {
        INDEPENDENT => square(a) + b / (K + b),
        SHAM => square(a + 0.5 * b),
        _ => square(a * (1.0 + 0.5 * b)),
    }
}

/// A study whose readings are the model's own at 24 h, give or take a known pattern, in three experiments; `keep` says
/// which pairs of doses were read.
fn study(folder: &Path, kind: &str, keep: impl Fn(f64, f64) -> bool) -> String {
    let model =
        format!("model two\n  live = 1\n  h = {H}\n  K = {K}\n  A = 0\n  B = 0\n  J: live -> ; ({kind})*live\nend\n");
    fs::write(folder.join("two.ant"), model).unwrap();
    let toml = "title = \"Two drugs\"\nsource = \"made up for a test\"\nmodel = \"two.ant\"\n[time]\nunit = \"h\"\n\
                [compounds.A]\nunit = \"uM\"\n[compounds.B]\nunit = \"nM\"\ntarget_unit = \"nM\"\n\
                [assay]\nkind = \"atp\"\nlive = \"live\"\ndead = \"1 - live\"\nreading = \"relative viability\"\n\
                [conditions.parental]\n[data]\nfile = \"two.csv\"\nvalues = \"fraction\"\n\
                [noise]\nkind = \"normal\"\nsd = 0.01\n\
                [parameters.h]\nvalue = 0.05\nbounds = [0.01, 1]\nsource = \"assumed\"\n";
    fs::write(folder.join("two.toml"), toml.replace("[compounds.A]\n", "[compounds.A]\ntarget_unit = \"uM\"\n"))
        .unwrap();
    let mut rows = String::from("A (uM),B (nM),time (h),experiment,viability\n");
    for (at, experiment) in ["mon", "tue", "wed"].iter().enumerate() {
        for (i, a) in DOSES.iter().enumerate() {
            for (j, b) in DOSES.iter().enumerate().filter(|(_, b)| keep(*a, **b)) {
                let error = 0.01 * (2.1 * (7 * at + 3 * i + 5 * j) as f64).sin();
                let viability = (-24.0 * H * 2.0 * hazard(kind, *a, *b)).exp() + error;
                rows += &format!("{a},{b},24,{experiment},{viability}\n");
            }
        }
    }
    fs::write(folder.join("two.csv"), rows).unwrap();
    folder.join("two.toml").display().to_string()
}

fn mean(list: &serde_json::Value, name: &str) -> (f64, f64, f64) {
    let mean = &list.as_array().unwrap().iter().find(|r| r["name"] == name).unwrap()["mean"];
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or_else(|| panic!("{name}: {mean}"));
    (number(&mean["value"]), number(&mean["interval"][0]), number(&mean["interval"][1]))
}

#[test]
fn independent_hazards_have_no_bliss_excess_in_data_and_model() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let run = synergy(&study(place.path(), INDEPENDENT, |_, _| true), &folder, &["--drugs", "A,B", "--starts", "20"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let (value, low, high) = mean(&found["data"]["references"], "Bliss");
    assert!(value.abs() < 0.01 && low < 0.0 && high > 0.0, "{value} {low} {high}");
    let (value, low, high) = mean(&found["surface"]["references"], "Bliss");
    // The hazards add up for every value of the parameter: no draw has an excess.
    assert!(value.abs() < 1e-6 && low.abs() < 1e-6 && high.abs() < 1e-6, "{value} {low} {high}");
    assert!(mean(&found["surface"]["references"], "HSA").1 > 0.05);
    let matrix = fs::read_to_string(folder.join("matrix.csv")).unwrap();
    let header = matrix.lines().next().unwrap();
    assert!(
        header.starts_with("A (uM),B (nM),n,viability,viability_lower_95,viability_upper_95,bliss_expected_viability,")
    );
    assert!(matrix.lines().count() == 26 && matrix.contains("\n8,8,3,"));
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(told.contains("above 0 synergy, below 0 antagonism") && told.contains("experiments drawn anew"), "{told}");
    for file in [
        "report.html",
        "surface.csv",
        "shift.csv",
        "matrix.svg",
        "excess-bliss.svg",
        "excess-zip.svg",
        "isobologram.svg",
    ] {
        assert!(folder.join(file).exists(), "{file}");
    }
}

#[test]
fn one_drug_under_two_names_has_no_loewe_excess_in_data_and_model() {
    let place = tempfile::tempdir().unwrap();
    let (fitted, folder) = (place.path().join("fitted"), place.path().join("out"));
    let study = study(place.path(), SHAM, |_, _| true);
    let mut fit = Command::new(env!("CARGO_BIN_EXE_fenton"));
    fit.args(["fit", &study, "--starts", "20", "--engine", "cpu", "--output"]).arg(&fitted);
    assert!(fit.output().unwrap().status.success());
    // With the parameters of that fit, which an own one finds as well.
    let from = fitted.display().to_string();
    let run = synergy(&study, &folder, &["--drugs", "A,B", "--from", &from]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let (value, ..) = mean(&found["surface"]["references"], "Loewe");
    assert!(value.abs() < 1e-3, "{value}");
    assert!(mean(&found["surface"]["references"], "Bliss").0 > 0.01, "a sham is no independence");
    // An exponential of a Hill curve is no logistic: the fitted curves are off by more than the noise, but by little.
    let (value, ..) = mean(&found["data"]["references"], "Loewe");
    assert!(value.abs() < 0.02, "{value}");
    assert!(found["surface"]["source"].as_str().unwrap().starts_with("as fitted in"));
}

#[test]
fn an_inactive_partner_gives_a_shift_and_says_why_not_loewe() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let study = study(place.path(), HELPER, |_, _| true);
    let run = synergy(&study, &folder, &["--drugs", "A,B", "--data-only", "--json"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(found, summary(&folder));
    let references = found["data"]["references"].as_array().unwrap();
    for name in ["Loewe", "ZIP"] {
        let reference = references.iter().find(|r| r["name"] == name).unwrap();
        assert!(
            reference["mean"]["value"].is_null() && reference["note"].as_str().unwrap().contains("B alone"),
            "{reference}"
        );
    }
    let point = &found["data"]["shift"]["points"][1];
    let (factor, low) = (point["factor"]["value"].as_f64().unwrap(), point["factor"]["interval"][0].as_f64().unwrap());
    assert!((factor / 1.5 - 1.0).abs() < 0.1 && low > 1.0, "{point}");
    assert!(found["surface"].is_null() && !folder.join("surface.csv").exists());
}

#[test]
fn doses_of_conditions_and_shares_of_cells_make_a_matrix_relative_to_its_vehicle() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let path = study(place.path(), INDEPENDENT, |_, _| true);
    let toml = fs::read_to_string(&path).unwrap();
    let toml =
        toml.replace("kind = \"atp\"", "kind = \"live_dead\"").replace("relative viability", "fractional viability");
    let conditions =
        "[conditions.plain]\n[conditions.beside]\ndoses = { B = 2 }\n[conditions.mutant]\nset = { K = 5 }\n";
    fs::write(&path, toml.replace("[conditions.parental]\n", conditions)).unwrap();
    // A fifth of the cells is dead without any drug, on one day a quarter.
    let mut rows = String::from("A (uM),condition,time (h),experiment,value\n");
    for (experiment, alive) in [("mon", 0.8), ("tue", 0.75)] {
        for a in DOSES {
            for (condition, b) in [("plain", 0.0), ("beside", 2.0), ("mutant", 0.0)] {
                let viability = alive * (-24.0 * H * 2.0 * hazard(INDEPENDENT, a, b)).exp();
                rows += &format!("{a},{condition},24,{experiment},{viability}\n");
            }
        }
    }
    fs::write(place.path().join("two.csv"), rows).unwrap();
    let run = synergy(&path, &folder, &["--drugs", "A,B", "--data-only"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let data = &summary(&folder)["data"];
    assert_eq!(data["doses"][1], serde_json::json!([0.0, 2.0]));
    for (i, a) in DOSES.iter().enumerate() {
        for (j, b) in [0.0, 2.0].iter().enumerate() {
            let cell = &data["cells"][2 * i + j];
            let known = (-24.0 * H * 2.0 * hazard(INDEPENDENT, *a, *b)).exp();
            assert!((cell["viability"]["value"].as_f64().unwrap() - known).abs() < 1e-12, "{cell} beside {known}");
            assert_eq!(cell["count"], 2);
        }
    }
    // Two doses of b are too few for a curve of it.
    let loewe = &data["references"][1];
    assert!(loewe["note"].as_str().unwrap().contains("B was read alone at fewer than three doses"), "{loewe}");
    assert!(data["references"][0]["mean"]["value"].as_f64().unwrap().abs() < 1e-12);
}

#[test]
fn combinations_that_were_not_read_are_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let study = study(place.path(), INDEPENDENT, |a, b| !(a == 4.0 && b == 8.0 || a == 0.0 && b == 2.0));
    let run = synergy(&study, &folder, &["--drugs", "A,B", "--data-only"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(told.contains("2 of 25 cells of the matrix were not read"), "{told}");
    assert!(told.contains("B 2 nM alone; A 4 uM with B 8 nM"), "{told}");
    let bliss = &summary(&folder)["data"]["references"][0];
    // A row without its drug alone has no expectation.
    assert_eq!((bliss["given"].as_u64(), bliss["of"].as_u64()), (Some(11), Some(15)));
    assert!(bliss["note"].as_str().unwrap().contains("was not read alone"));
}

#[test]
fn without_combinations_the_model_speaks_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let study = study(place.path(), INDEPENDENT, |a, b| a == 0.0 || b == 0.0);
    let doses = ["--doses-a", "1,3,9", "--doses-b", "2,6"];
    let run = synergy(&study, &folder, &[&["--drugs", "A,B", "--starts", "20"], &doses[..]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    assert!(found["data"].is_null());
    assert_eq!(found["surface"]["doses"], serde_json::json!([[0.0, 1.0, 3.0, 9.0], [0.0, 2.0, 6.0]]));
    assert!(String::from_utf8_lossy(&run.stdout).contains("No reading has both A and B"));
    // What the model says can be computed by hand: the surviving share at 3 and 6 alone, with the rate of the data.
    let known = (-24.0 * H * 2.0 * hazard(INDEPENDENT, 3.0, 6.0)).exp();
    let viability = found["surface"]["viability"][2 * 3 + 2]["value"].as_f64().unwrap();
    assert!((viability - known).abs() < 0.01, "{viability} beside {known}");
}

#[test]
fn draws_of_an_ensemble_make_the_band() {
    let place = tempfile::tempdir().unwrap();
    let (folder, ensemble) = (place.path().join("out"), place.path().join("ensemble"));
    let study = study(place.path(), HELPER, |_, _| true);
    let path = ensemble.display().to_string();
    let sample = Command::new(env!("CARGO_BIN_EXE_fenton"))
        .args(["sample", &study, "--draws", "128", "--output", &path])
        .output()
        .unwrap();
    assert!(matches!(sample.status.code(), Some(0 | 4)), "{}", err(&sample));
    let asked = ["--drugs", "A,B", "--ensemble", &path, "--doses-a", "3", "--doses-b", "2"];
    let run = synergy(&study, &folder, &asked);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    // The hazard of every draw, and from it the band by hand.
    let mut hazards: Vec<f64> = Vec::new();
    for chain in 1..=4 {
        let text = fs::read_to_string(ensemble.join(format!("draws-{chain}.csv"))).unwrap();
        let mut rows = text.lines().filter(|line| !line.starts_with('#'));
        let column = rows.next().unwrap().split(',').position(|name| name == "h").unwrap();
        hazards.extend(rows.map(|row| row.split(',').nth(column).unwrap().parse::<f64>().unwrap()));
    }
    assert_eq!(hazards.len(), 128);
    let mut viabilities: Vec<f64> = hazards.iter().map(|h| (-24.0 * h * hazard(HELPER, 3.0, 2.0)).exp()).collect();
    viabilities.sort_by(f64::total_cmp);
    let found = &summary(&folder)["surface"]["viability"][3];
    for (end, share) in [(0, 0.025_f64), (1, 0.975)] {
        let at = share * 127.0;
        let (below, part) = (viabilities[at as usize], at.fract());
        let known = below + part * (viabilities[at as usize + 1] - below);
        assert!((found["interval"][end].as_f64().unwrap() - known).abs() < 1e-4, "{found} beside {known}");
    }
    fs::remove_file(ensemble.join("draws-2.csv")).unwrap();
    let run = synergy(&study, &folder, &asked);
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("a chain is missing"), "{}", err(&run));
}

#[test]
fn what_is_asked_wrongly_is_told_before_any_work() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let study = study(place.path(), INDEPENDENT, |_, _| true);
    let cases: [(&str, &[&str], i32, &str); 11] = [
        (&study, &["--drugs", "A,C"], 2, "no compound C in this study; it has A, B"),
        ("synthetic-crosstalk", &["--drugs", "FAC,CuCl"], 2, "did you mean CuCl2?"),
        ("synthetic-crosstalk", &["--drugs", "FAC,CuCl2", "--condition", "SLC31A"], 2, "did you mean SLC31A1?"),
        ("fac-ht1080", &["--drugs", "FAC,BSO"], 1, "this study has one compound, FAC: synergy takes two"),
        (&study, &["--drugs", "A"], 2, "two different compounds"),
        (&study, &["--drugs", "A,A"], 2, "two different compounds"),
        (&study, &["--drugs", "A,B", "--at", "12"], 1, "readings with both: parental at 24 h"),
        (&study, &["--drugs", "A,B", "--repeats", "3"], 2, "--repeats"),
        (&study, &["--drugs", "A,B", "--data-only", "--doses-a", "1"], 2, "--data-only leaves out"),
        (&study, &["--drugs", "A,B", "--doses-b", "0"], 2, "--doses-b"),
        (&study, &["--drugs", "A,B", "--from", "nowhere"], 1, "nowhere"),
    ];
    for (study, arguments, code, message) in cases {
        let run = synergy(study, &folder, arguments);
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(message), "{arguments:?}: {}", err(&run));
        assert!(!folder.exists());
    }
}
