//! `fenton profile` as a user meets it: ridges in words, files, exit codes, resuming, names that are nearly right.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fenton")).args(arguments).output().expect("the binary runs")
}

fn profile(study: &str, folder: &Path, more: &[&str]) -> Output {
    let folder = folder.display().to_string();
    fenton(&[&["profile", study, "--engine", "cpu", "--output", &folder], more].concat())
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

/// Decay from 10 at a rate that is a product of two parameters; `prior` is a line for one of them.
fn ridge(folder: &Path, prior: &str) -> String {
    fs::write(
        folder.join("ridge.ant"),
        "model ridge\n  S = 10\n  k_uptake = 0.5; V_max = 0.4\n  J: S -> ; k_uptake*V_max*S\nend\n",
    )
    .unwrap();
    let study = format!(
        "title = \"Ridge\"\nsource = \"made up for a test\"\nmodel = \"ridge.ant\"\n[time]\nunit = \"h\"\n[observables.S]\n\
         formula = \"S\"\n[observables.S.noise]\nkind = \"normal\"\nsd = 0.5\n[conditions.only]\n[data]\nfile = \"ridge.csv\"\n\
         [parameters.k_uptake]\nvalue = 0.5\nbounds = [0.01, 10]\nsource = \"assumed\"\n{prior}\n\
         [parameters.V_max]\nvalue = 0.4\nbounds = [0.001, 100]\nsource = \"assumed\"\n"
    );
    fs::write(folder.join("ridge.toml"), study).unwrap();
    let rows = [(1.0, 8.1), (2.0, 7.0), (4.0, 4.3), (8.0, 2.1), (16.0, 0.4)];
    let rows: String = rows.iter().map(|(t, y)| format!("{t},S,{y}\n")).collect();
    fs::write(folder.join("ridge.csv"), format!("time (h),observable,value\n{rows}")).unwrap();
    folder.join("ridge.toml").display().to_string()
}

const PRIOR: &str = "prior = { kind = \"log-normal\", median = 0.5, sd = 0.3 }";

#[test]
fn a_ridge_is_not_identifiable_and_named_in_words() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let run = profile(&ridge(place.path(), ""), &folder, &["--starts", "50"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    let labels: Vec<&str> = (0..2).map(|i| found["parameters"][i]["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["not identifiable"; 2]);
    assert_eq!(found["ties"].as_array().unwrap().len(), 1, "{}", found["ties"]);
    let words = "only 'k_uptake' x 'V_max' is determined, neither of them alone";
    assert_eq!(found["ties"][0], words);
    assert!(String::from_utf8_lossy(&run.stdout).contains(words));
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("under this model and this noise") && page.contains("<svg"));
    // The table has all parameters, and its points lie on the ridge.
    let table = fs::read_to_string(folder.join("profiles.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("parameter,value,objective,delta,nllh,optimised,k_uptake,V_max"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    // Where one of them stands on its bound the other leaves the ridge, and the objective rises.
    let flat: Vec<&Vec<&str>> = rows.iter().filter(|row| row[3].parse::<f64>().unwrap() < 0.01).collect();
    let products: Vec<f64> =
        flat.iter().map(|row| row[6].parse::<f64>().unwrap() * row[7].parse::<f64>().unwrap()).collect();
    assert!(products.len() > 30, "{} of {} points", products.len(), rows.len());
    assert!(products.iter().all(|product| (product / products[0] - 1.0).abs() < 0.02));
}

#[test]
fn a_prior_closes_a_ridge_and_the_likelihood_alone_opens_it() {
    let place = tempfile::tempdir().unwrap();
    let study = ridge(place.path(), PRIOR);
    let (with, without) = (place.path().join("with"), place.path().join("without"));
    profile(&study, &with, &["--starts", "50", "--json"]);
    let run = profile(&study, &without, &["--starts", "50", "--likelihood", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).expect("one document");
    assert_eq!(json, summary(&without));
    let label = |folder: &Path, at: usize| summary(folder)["parameters"][at]["label"].as_str().unwrap().to_string();
    assert_eq!([label(&with, 0), label(&with, 1)], ["known from the prior", "practically identifiable"]);
    assert_eq!([label(&without, 0), label(&without, 1)], ["not identifiable", "not identifiable"]);
    let found = summary(&with);
    let number = |name: &str| found["parameters"][0][name].as_f64().unwrap();
    // The rate adds nothing to what is believed of one factor: 1.96 prior standard deviations, and no shrinkage.
    approx::assert_relative_eq!((number("upper") / number("lower")).ln(), 2.0 * 1.959964 * 0.3, max_relative = 2e-3);
    assert!(number("shrinkage").abs() < 0.01);
    assert!(found["parameters"][0]["standard_error"].is_number());
    assert_eq!((&found["of"], &summary(&without)["of"]), (&"posterior".into(), &"likelihood".into()));
}

#[test]
fn profiles_begin_at_an_earlier_fit() {
    let place = tempfile::tempdir().unwrap();
    let study = ridge(place.path(), PRIOR);
    let (fit, folder) = (place.path().join("fit"), place.path().join("out"));
    let fit = fit.display().to_string();
    fenton(&["fit", &study, "--starts", "50", "--engine", "cpu", "--output", &fit]);
    let run = profile(&study, &folder, &["--from", &fit, "--parameters", "V_max"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let found = summary(&folder);
    assert_eq!(found["parameters"].as_array().unwrap().len(), 1);
    assert_eq!(found["facts"]["optimum"], "that of an earlier fit, refined");
    let both = profile(&study, &folder, &["--from", &fit, "--starts", "10"]);
    assert_eq!(both.status.code(), Some(2), "{}", err(&both));
    let nowhere = profile(&study, &folder, &["--from", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(
        err(&nowhere).contains("nowhere/summary.json") && err(&nowhere).contains("fenton fit"),
        "{}",
        err(&nowhere)
    );
}

#[test]
fn a_wrong_name_is_refused_with_the_one_that_was_meant() {
    let place = tempfile::tempdir().unwrap();
    let study = ridge(place.path(), "");
    let folder = place.path().join("out");
    let run = profile(&study, &folder, &["--parameters", "k_uptak"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("did you mean 'k_uptake'?"), "{}", err(&run));
    let run = profile(&study, &folder, &["--parameters", "V_max,V_max"]);
    assert!(run.status.code() == Some(1) && err(&run).contains("twice"), "{}", err(&run));
    let run = profile("constraints-fac", &folder, &[]);
    assert!(run.status.code() == Some(1) && err(&run).contains("statements in words"), "{}", err(&run));
    let run = profile(&study, &folder, &["--starts", "0"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(!folder.exists());
}

#[test]
fn work_that_was_stopped_is_partial_and_goes_on_to_the_same_tables() {
    let place = tempfile::tempdir().unwrap();
    let study = ridge(place.path(), PRIOR);
    let (fit, whole, cut) = (place.path().join("fit"), place.path().join("whole"), place.path().join("cut"));
    let fit = fit.display().to_string();
    fenton(&["fit", &study, "--starts", "50", "--engine", "cpu", "--output", &fit]);
    profile(&study, &whole, &["--starts", "50"]);
    // A moment is too short for a fit.
    let run = profile(&study, &cut, &["--starts", "50", "--max-time", "0.000001"]);
    assert_eq!(run.status.code(), Some(3), "{}", err(&run));
    assert!(!cut.exists() && err(&run).contains("goes on"), "{}", err(&run));
    // Longer and longer, until it is done.
    let mut partial = 0;
    let mut limit = 0.004;
    loop {
        let run = profile(&study, &cut, &["--starts", "50", "--max-time", &limit.to_string()]);
        match run.status.code() {
            Some(0) => break,
            Some(4) => {
                partial += 1;
                assert_eq!(summary(&cut)["complete"], false);
                assert!(fs::read_to_string(cut.join("report.html")).unwrap().contains("The profiles are partial"));
            }
            code => assert_eq!(code, Some(3), "{}", err(&run)),
        }
        limit *= 1.3;
        assert!(limit < 100.0);
    }
    for table in ["profiles.csv", "parameters.csv"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(table)).unwrap();
        assert_eq!(read(&whole), read(&cut), "{table} after {partial} partial reports");
    }
    let left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("checkpoint"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
