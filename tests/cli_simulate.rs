//! `fenton simulate` with a study: its conditions, doses, times and readings against the solution in closed form.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fenton")).args(arguments).output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Cells die at the rate `k * fold * Drug / (10 + Drug)` from the time that the drug is there, and grow at 0.02 meanwhile.
fn killing(folder: &Path) -> String {
    let model = "
model killing
  unit time_unit = 3600 second; unit uM = 1e-6 mole / litre;
  unit hour = 3600 second; unit per_hour = 1 / hour;
  Drug = 0; Drug has uM;
  K = 10; K has uM;
  k = 0.1; k has per_hour;
  growth = 0.02; growth has per_hour;
  fold = 1;
  hazard := k * fold * Drug / (K + Drug);
  live = 1; dead = 0;
  live' = growth * live - hazard * live;
  dead' = hazard * live;
end
";
    let study = r#"
title = "Killing"
model = "killing.ant"
[time]
unit = "h"
[compounds.Drug]
unit = "mM"
[assay]
kind = "atp"
live = "live"
dead = "dead"
[conditions.parental]
[conditions.high]
set = { fold = 2 }
[data]
file = "plate.csv"
values = "fraction"
[noise]
sd = 0.05
[parameters.k]
bounds = [0.01, 1]
"#;
    let plate = "condition,Drug (mM),time (h),viability\n\
                 parental,0,24,1.0\nparental,0.01,24,0.3\nhigh,0,24,1.0\nhigh,0.03,12,0.2\n";
    fs::write(folder.join("killing.ant"), model).unwrap();
    fs::write(folder.join("plate.csv"), plate).unwrap();
    fs::write(folder.join("killing.toml"), study).unwrap();
    folder.join("killing.toml").display().to_string()
}

/// Live cells and their viability relative to the vehicle.
fn exact(k: f64, fold: f64, dose: f64, time: f64) -> [f64; 2] {
    let drug = 1000.0 * dose;
    let survival = (-k * fold * drug / (10.0 + drug) * time).exp();
    [(0.02 * time).exp() * survival, survival]
}

#[test]
fn every_condition_and_dose_of_a_study_is_simulated() {
    let place = tempfile::tempdir().unwrap();
    let study = killing(place.path());
    let run = fenton(&["simulate", &study, "--times", "0,6,24", "--rtol", "1e-9"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let text = String::from_utf8(run.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("condition,Drug (mM),time (h),live,dead,relative viability"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let treatments = [("parental", 0.0), ("parental", 0.01), ("high", 0.0), ("high", 0.03)];
    assert_eq!(rows.len(), treatments.len() * 3);
    for (row, at) in rows.iter().zip(0..) {
        let ((condition, dose), time) = (treatments[at / 3], [0.0, 6.0, 24.0][at % 3]);
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        assert_eq!((row[0], number(1), number(2)), (condition, dose, time));
        let [live, viability] = exact(0.1, if condition == "high" { 2.0 } else { 1.0 }, dose, time);
        assert!((number(3) - live).abs() < 1e-7 && (number(5) - viability).abs() < 1e-7, "{row:?}: {live} {viability}");
    }
}

/// The model counts in hours, the study in whatever its readings are in.
#[test]
fn readings_in_minutes_and_days_are_those_in_hours() {
    let place = tempfile::tempdir().unwrap();
    let study = killing(place.path());
    let hours = (fs::read_to_string(&study).unwrap(), fs::read_to_string(place.path().join("plate.csv")).unwrap());
    for (unit, per_hour) in [("min", 60.0), ("d", 1.0 / 24.0)] {
        let plate = [12.0, 24.0].iter().fold(hours.1.replace("(h)", &format!("({unit})")), |plate, time| {
            plate.replace(&format!(",{time},"), &format!(",{},", time * per_hour))
        });
        fs::write(&study, hours.0.replace("unit = \"h\"", &format!("unit = \"{unit}\""))).unwrap();
        fs::write(place.path().join("plate.csv"), plate).unwrap();
        let times = format!("{}", 12.0 * per_hour);
        let run = fenton(&["simulate", &study, "--times", &times, "--rtol", "1e-9", "--columns", "live", "--json"]);
        assert_eq!(run.status.code(), Some(0), "{}", err(&run));
        let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(json["time_unit"], unit);
        let live = json["instances"][0]["runs"][1]["rows"][0][0].as_f64().unwrap();
        assert!((live - exact(0.1, 1.0, 0.01, 12.0)[0]).abs() < 1e-7, "{unit}: {live}");
    }
}

#[test]
fn other_values_draws_and_tables_of_the_estimated_parameters() {
    let place = tempfile::tempdir().unwrap();
    let study = killing(place.path());
    let json = |more: &[&str]| -> serde_json::Value {
        let mut arguments = vec!["simulate", &study, "--times", "12", "--rtol", "1e-9", "--columns", "live", "--json"];
        arguments.extend(more);
        let run = fenton(&arguments);
        assert_eq!(run.status.code(), Some(0), "{}", err(&run));
        serde_json::from_slice(&run.stdout).expect("one JSON document")
    };
    let live = |instance: &serde_json::Value| instance["runs"][1]["rows"][0][0].as_f64().unwrap();
    let set = json(&["--set", "k=0.3"]);
    assert!((live(&set["instances"][0]) - exact(0.3, 1.0, 0.01, 12.0)[0]).abs() < 1e-7);

    let table = place.path().join("rows.csv").display().to_string();
    fs::write(&table, "k\n0.05\n0.2\n").unwrap();
    let rows = json(&["--parameters", &table]);
    for (at, k) in [0.05, 0.2].into_iter().enumerate() {
        assert!((live(&rows["instances"][at]) - exact(k, 1.0, 0.01, 12.0)[0]).abs() < 1e-7);
    }

    let drawn = json(&["--instances", "50", "--spread", "5"]);
    let values: Vec<f64> = (0..50).map(|i| drawn["instances"][i]["parameters"]["k"].as_f64().unwrap()).collect();
    assert!(values.iter().all(|k| (0.01..=1.0).contains(k)), "draws stay within the bounds: {values:?}");
    assert!(values.iter().any(|&k| k < 0.1) && values.iter().any(|&k| k > 0.1));
    for (at, &k) in values.iter().enumerate() {
        assert!((live(&drawn["instances"][at]) - exact(k, 1.0, 0.01, 12.0)[0]).abs() < 1e-7);
    }
}

#[test]
fn what_a_study_cannot_do_is_said() {
    let place = tempfile::tempdir().unwrap();
    let study = killing(place.path());
    for (more, code, words) in [
        (["--start", "1"], 2, "time 0 is when the compound is added"),
        (["--set", "Drug=3"], 1, "dose of Drug"),
        (["--set", "growh=3"], 1, "did you mean 'growth'?"),
        (["--times", "-1"], 2, "lies before 0 h"),
        (["--columns", "alive"], 1, "did you mean 'live'?"),
    ] {
        let run = fenton(&["simulate", &study, more[0], more[1]]);
        assert_eq!(run.status.code(), Some(code), "{more:?}: {}", err(&run));
        assert!(err(&run).contains(words), "{more:?}: {}", err(&run));
    }
}

/// A million instances are drawn, run and written in blocks; where the blocks end shows nowhere.
#[test]
fn rows_do_not_depend_on_how_many_instances_there_are() {
    let place = tempfile::tempdir().unwrap();
    let model = place.path().join("decay.ant").display().to_string();
    fs::write(&model, "S -> P; k*S; S = 1; P = 0; k = 0.1\n").unwrap();
    let study = killing(place.path());
    for (what, few, many) in [(&model, "16387", "20001"), (&study, "3", "40")] {
        let rows = |count: &str| {
            let run = fenton(&["simulate", what, "--instances", count, "--seed", "7", "--times", "1,24"]);
            assert_eq!(run.status.code(), Some(0), "{}", err(&run));
            run.stdout
        };
        let (few, many) = (rows(few), rows(many));
        assert!(many.len() > few.len() && many.starts_with(&few), "{what}");
    }
}

#[test]
fn a_wrong_table_of_parameters_is_told_with_line_and_column() {
    let place = tempfile::tempdir().unwrap();
    let model = place.path().join("decay.ant").display().to_string();
    fs::write(&model, "S -> P; k*S; S = 1; P = 0; k = 0.1\n").unwrap();
    let table = place.path().join("table.csv").display().to_string();
    for (text, at, words) in [
        ("k,Q\n1,2\n", ":1:3", "no parameter or state 'Q'"),
        ("k;S\n1;2\n", ":1:1", "separate the columns with commas"),
        ("k,S\n1,\n", ":2:3", "'' in column 'S'"),
        ("k,S\n1,2\n3\n", ":3:1", "another number of fields"),
        ("k,S\n1,2\nx,3\n", ":3:1", "'x' in column 'k'"),
        ("k,k\n1,2\n", ":1:3", "there twice"),
        ("k,S\n", ":1:1", "no rows"),
        ("", ":1:1", "is empty"),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            fs::write(&table, text.replace('\n', end)).unwrap();
            let run = fenton(&["simulate", &model, "--parameters", &table]);
            assert_eq!(run.status.code(), Some(1), "{text}");
            let told = err(&run);
            assert!(told.contains(&format!("table.csv{at}: ")) && told.contains(words), "{text:?}: {told}");
        }
    }
}

#[test]
fn more_points_than_memory_and_reactions_that_do_not_run_are_told() {
    let place = tempfile::tempdir().unwrap();
    let model = place.path().join("idle.ant").display().to_string();
    fs::write(&model, "S -> P; ; S = 1; P = 0; x' = 1; x = 0\n").unwrap();
    let run = fenton(&["simulate", &model, "--points", "100000000000"]);
    assert_eq!(run.status.code(), Some(2), "{}", err(&run));
    assert!(err(&run).contains("the most that fits"), "{}", err(&run));
    let run = fenton(&["simulate", &model, "--points", "3"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    assert!(err(&run).contains("idle.ant:1:1: the reaction '_J0' has no rate law"), "{}", err(&run));
}
