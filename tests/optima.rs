//! Several optima as a user meets them: models that say the same in several ways, and valleys that are one place however
//! long and bent. The data of `tests/studies/optima` were made up with known values.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(command: &str, study: &str, folder: &Path, more: &[&str]) -> Output {
    let study = format!("{}/tests/studies/optima/{study}/study.toml", env!("CARGO_MANIFEST_DIR"));
    let folder = folder.display().to_string();
    let run = Command::new(env!("CARGO_BIN_EXE_fenton"))
        .args([command, &study, "--engine", "cpu", "--output", &folder])
        .args(more)
        .output()
        .expect("the binary runs");
    assert!(run.status.success(), "{command} {study}: {}", String::from_utf8_lossy(&run.stderr));
    run
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

fn out(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// A parameter of the study at each optimum, in order of size.
fn at_each(summary: &Value, name: &str) -> Vec<f64> {
    let value = |optimum: &Value| {
        let values = optimum["values"].as_array().unwrap();
        values.iter().find(|value| value["parameter"] == name).unwrap()["value"].as_f64().unwrap()
    };
    let mut found: Vec<f64> = summary["optima"].as_array().unwrap().iter().map(value).collect();
    found.sort_by(f64::total_cmp);
    found
}

/// Names of the parameters with a verdict or label.
fn with<'a>(summary: &'a Value, key: &str, word: &str) -> Vec<&'a str> {
    let parameters = summary["parameters"].as_array().unwrap();
    parameters.iter().filter(|p| p[key] == word).map(|p| p["name"].as_str().unwrap()).collect()
}

struct Case {
    study: &'static str,
    /// Of one parameter at all optima.
    parameter: &'static str,
    values: &'static [f64],
    differ: &'static [&'static str],
}

/// Made with k = 1 and 0.15; with s^2 = 0.2; with w = 1 at whole hours, so that w + 2 pi says the same; and the values of
/// the two orders of absorption and elimination from a fit by SciPy.
const CASES: [Case; 4] = [
    Case { study: "two-decays", parameter: "k1", values: &[0.15, 1.0], differ: &["a", "b", "k1", "k2"] },
    Case { study: "sign", parameter: "s", values: &[-0.449, 0.449], differ: &["s"] },
    Case { study: "alias", parameter: "w", values: &[1.0, 7.283, 13.566, 19.850], differ: &["w"] },
    Case { study: "flip-flop", parameter: "ka", values: &[0.251, 1.18], differ: &["ka", "ke", "V"] },
];

#[test]
fn a_fit_lists_all_optima_and_identifies_nothing_that_differs() {
    let place = tempfile::tempdir().unwrap();
    for Case { study, parameter, values, differ } in CASES {
        let folder = place.path().join(study);
        let run = fenton("fit", study, &folder, &["--starts", "400"]);
        let found = summary(&folder);
        let at = at_each(&found, parameter);
        assert_eq!(at.len(), values.len(), "{study}: {at:?}");
        for (at, value) in at.iter().zip(values) {
            assert!((at / value - 1.0).abs() < 0.08, "{study}: {at} beside {value}");
        }
        assert_eq!(with(&found, "verdict", "differs between optima"), *differ, "{study}");
        assert_eq!(with(&found, "verdict", "identified"), ["sigma"], "{study}");
        for p in found["parameters"].as_array().unwrap().iter().filter(|p| p["verdict"] != "identified") {
            assert!(p["interval"].is_null() && p["standard_error"].is_null(), "{study}: {p}");
        }
        let optima = found["optima"].as_array().unwrap();
        let shares: f64 = optima.iter().map(|optimum| optimum["share"].as_f64().unwrap()).sum();
        assert!(shares > 0.3 && shares <= 1.0 + 1e-9, "{study}: {shares}");
        assert!(optima.iter().all(|optimum| optimum["above_best"].as_f64().unwrap() < 1.93), "{study}");
        let title = format!("{} optima explain the data alike", values.len());
        assert!(out(&run).contains(&title), "{}", out(&run));
        let rows = fs::read_to_string(folder.join("optima.csv")).unwrap();
        let estimated = found["parameters"].as_array().unwrap().iter().filter(|p| p["estimated"] == true).count();
        assert_eq!(rows.lines().count(), 1 + values.len() * estimated, "{study}: {rows}");
        let page = fs::read_to_string(folder.join("report.html")).unwrap();
        assert!(page.contains("<h2>Optima</h2>") && page.contains(&title), "{study}");
    }
}

/// Only a product is known; only a ratio beyond the bend of a valley; and of two terms for one decay the second may be nothing,
/// or the first, or both have one rate: a valley with corners, at each of which some parameter looks well known.
#[test]
fn a_sloppy_valley_is_one_place() {
    let place = tempfile::tempdir().unwrap();
    for study in ["sloppy-product", "banana", "one-decay-behind-two"] {
        let folder = place.path().join(study);
        let run = fenton("fit", study, &folder, &["--starts", "200"]);
        let found = summary(&folder);
        assert_eq!(found["optima"].as_array().unwrap().len(), 1, "{study}: {}", found["optima"]);
        assert_eq!(with(&found, "verdict", "differs between optima"), [""; 0], "{study}");
        assert!(!out(&run).contains("optima explain"), "{study}");
        assert_eq!(with(&found, "verdict", "identified"), ["sigma"], "{study}");
        let starts: Vec<f64> =
            found["starts"]["list"].as_array().unwrap().iter().filter_map(|s| s["parameters"][0].as_f64()).collect();
        let (low, high) = starts.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), x| (l.min(*x), h.max(*x)));
        assert!(high > 20.0 * low, "{study}: the ends lie along a valley, {low} to {high}");
    }
}

/// The profile of each is the lowest over all optima, from a fit of its own and from that of an earlier one.
#[test]
fn a_profile_starts_from_each_optimum() {
    let place = tempfile::tempdir().unwrap();
    for Case { study, parameter, values, differ } in CASES {
        let fitted = place.path().join(format!("{study}-fit"));
        fenton("fit", study, &fitted, &["--starts", "400"]);
        let from = fitted.display().to_string();
        for (folder, more) in [("own", vec!["--starts", "400"]), ("from", vec!["--from", &from])] {
            let folder = place.path().join(format!("{study}-{folder}"));
            let run = fenton("profile", study, &folder, &more);
            let found = summary(&folder);
            let near =
                |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a / b - 1.0).abs() < 1e-3);
            let (own, before) = (at_each(&found, parameter), at_each(&summary(&fitted), parameter));
            assert!(near(&own, &before), "{study}: {own:?} beside {before:?} of the fit");
            assert_eq!(with(&found, "label", "differs between optima"), *differ, "{study}");
            assert_eq!(with(&found, "label", "practically identifiable"), ["sigma"], "{study}");
            let parameters = found["parameters"].as_array().unwrap();
            let profiled = parameters.iter().find(|p| p["name"] == parameter).unwrap();
            let pieces = profiled["pieces"].as_array().unwrap();
            assert_eq!(pieces.len(), values.len(), "{study}: {pieces:?}");
            for (piece, value) in pieces.iter().zip(&own) {
                let inside = piece[0].as_f64().is_none_or(|low| low < *value)
                    && piece[1].as_f64().is_none_or(|high| *value < high);
                assert!(inside, "{study}: {piece} about {value}");
            }
            assert!(out(&run).contains(" or "), "{}", out(&run));
            assert!(folder.join("optima.csv").is_file());
        }
    }
    // A valley has one profile.
    let folder = place.path().join("valley");
    fenton("profile", "sloppy-product", &folder, &["--starts", "200"]);
    assert_eq!(with(&summary(&folder), "label", "not identifiable"), ["a", "b"]);
}

/// Every sampler names the modes that its draws have, and gives no median between them.
#[test]
fn draws_in_separate_modes_have_no_median_between_them() {
    let place = tempfile::tempdir().unwrap();
    for (study, parameter, modes) in [("sign", "s", [-0.449, 0.449]), ("flip-flop", "ka", [0.251, 1.18])] {
        // The ensemble samplers take far longer to converge on the second.
        let methods = if study == "sign" { &["smc", "demc", "stretch"][..] } else { &["smc"] };
        for &method in methods {
            let folder = place.path().join(format!("{study}-{method}"));
            // Where walkers do not change modes the chains do not agree, which has an exit code of its own.
            let run = Command::new(env!("CARGO_BIN_EXE_fenton"))
                .args(["sample", &format!("{}/tests/studies/optima/{study}/study.toml", env!("CARGO_MANIFEST_DIR"))])
                .args(["--engine", "cpu", "--draws", "1024", "--method", method, "--output"])
                .arg(&folder)
                .output()
                .unwrap();
            assert!(matches!(run.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&run.stderr));
            let found = summary(&folder);
            let listed = found["modes"].as_array().unwrap();
            assert_eq!(listed.len(), 2, "{study} by {method}: {}", found["modes"]);
            let medians = |mode: &Value| {
                let values = mode["values"].as_array().unwrap();
                values.iter().find(|value| value["parameter"] == parameter).unwrap()["median"].as_f64().unwrap()
            };
            let mut at: Vec<f64> = listed.iter().map(medians).collect();
            at.sort_by(f64::total_cmp);
            for (at, mode) in at.iter().zip(modes) {
                assert!((at / mode - 1.0).abs() < 0.15, "{study} by {method}: {at} beside {mode}");
            }
            let weights: Vec<f64> = listed.iter().map(|mode| mode["weight"].as_f64().unwrap()).collect();
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{weights:?}");
            if method == "smc" {
                assert!(weights[1] > 0.35, "{study}: the two are alike, {weights:?}");
            }
            let marginal = found["parameters"].as_array().unwrap().iter().find(|p| p["name"] == parameter).unwrap();
            assert!(marginal["median"].is_null() && marginal["mean"].is_null(), "{marginal}");
            assert_eq!(marginal["medians"].as_array().unwrap().len(), 2);
            for headline in found["headlines"].as_array().unwrap().iter().filter(|card| card["label"] == parameter) {
                assert!(headline["value"].as_str().unwrap().contains(" or "), "{headline}");
            }
            assert!(out(&run).contains("2 separate modes"), "{}", out(&run));
            let of = fs::read_to_string(folder.join("mode-of-draws.csv")).unwrap();
            assert!(of.lines().count() > 1000 && folder.join("modes.csv").is_file());
        }
    }
    // Commands that ask draws say it before anything else.
    let draws = place.path().join("sign-smc").display().to_string();
    let folder = place.path().join("predictions");
    let run = fenton("predict", "sign", &folder, &["--ensemble", &draws]);
    assert!(out(&run).contains("separate modes"), "{}", out(&run));
    for study in ["sloppy-product", "banana"] {
        let folder = place.path().join(format!("{study}-draws"));
        fenton("sample", study, &folder, &["--draws", "1024"]);
        let found = summary(&folder);
        assert_eq!(found["modes"].as_array().unwrap().len(), 1, "{study}: {}", found["modes"]);
        assert!(found["parameters"].as_array().unwrap().iter().all(|p| p["median"].is_f64()), "{study}");
    }
}
