//! `fenton curve` as a user types it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fenton")).args(arguments).current_dir(folder).output().expect("it starts")
}

fn plate(name: &str) -> String {
    format!("{}/data/plates/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn curves(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = fenton(&[&["curve", "--json"], arguments].concat(), folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "--json writes no folder of its own");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// Whether the interval of a measure holds `truth`.
fn holds(measure: &Value, truth: f64) -> bool {
    measure["lower"].as_f64().is_some_and(|low| low <= truth)
        && measure["upper"].as_f64().is_some_and(|high| truth <= high)
}

#[test]
fn the_grid_with_its_map() {
    let (file, map) = (plate("fac-plate.csv"), plate("fac-plate-map.csv"));
    let sheet = curves(&[&file, "--map", &map, "--basis", "FAC 16.5 % Fe", "--assay", "atp"]);
    let curve = &sheet["curves"][0];
    assert_eq!(curve["verdict"], "effect");
    assert_eq!(curve["experiments"], 3);
    assert!(holds(&curve["ec50"], 4.0), "{}", curve["ec50"]);
    assert!(sheet["synthetic"].as_str().is_some_and(|text| text.contains("make.py")));
    let titles: Vec<&str> = sheet["warnings"].as_array().unwrap().iter().filter_map(|w| w["title"].as_str()).collect();
    assert!(titles.contains(&"Metabolic activity, not death"), "{titles:?}");
}

#[test]
fn live_and_dead_cells_over_time() {
    let sheet = curves(&[&plate("live-dead-times.csv"), "--assay", "live_dead"]);
    let curve = &sheet["curves"][0];
    assert!(holds(&curve["ec50"], 0.15), "{}", curve["ec50"]);
    let highest = sheet["onsets"].as_array().unwrap().iter().find(|row| row["dose"] == 3.0).unwrap();
    assert!(holds(&highest["onset"], 6.0), "{}", highest["onset"]);
    assert!(holds(&highest["rate"], 0.2), "{}", highest["rate"]);
    let ratio = &sheet["ratios"][0]["ratio"];
    assert!(ratio["value"].as_f64().is_some_and(|ratio| ratio > 3.0), "{ratio}");
}

#[test]
fn the_wide_table_becomes_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let output = fenton(&["curve", &plate("erastin-wide.csv"), "--assay", "resazurin"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("erastin") && said.contains("n = 3") && said.contains("fenton-erastin-wide"), "{said}");
    for name in ["report.html", "curves.csv", "wells.csv", "plates.csv", "summary.json"] {
        assert!(folder.path().join("fenton-erastin-wide").join(name).is_file(), "{name}");
    }
}

#[test]
fn a_bootstrap_stands_beside_the_intervals() {
    let file = plate("erastin-wide.csv");
    let drawn = |seed: &str| {
        curves(&[&file, "--assay", "resazurin", "--bootstrap", "200", "--seed", seed])["curves"][0]["ec50"].clone()
    };
    let (first, again, other) = (drawn("3"), drawn("3"), drawn("4"));
    let [low, high] = [0, 1].map(|end| first["bootstrap"][end].as_f64().expect("both ends"));
    let value = first["value"].as_f64().unwrap();
    assert!(low < value && value < high, "{first}");
    assert_eq!(first, again);
    assert_ne!(first["bootstrap"], other["bootstrap"]);
    let folder = tempfile::tempdir().unwrap();
    let few = fenton(&["curve", &file, "--assay", "resazurin", "--bootstrap", "5"], folder.path());
    assert_eq!(few.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&few.stderr).contains("at least 100 draws"));
}

/// The curve may lie anywhere beyond a limit: leaving such wells out would say that the vehicle is lower than it is.
#[test]
fn readings_at_a_limit_are_bounds() {
    let mut table = String::from("plate,compound,dose (uM),signal\n");
    for dose in [0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0f64] {
        let signal = 1000.0 * (0.02 + 0.98 / (1.0 + (dose / 3.0).powf(1.5)));
        for off in [0.99, 1.0, 1.012] {
            let signal = signal * off;
            let seen = if signal > 900.0 { ">900".to_string() } else { signal.to_string() };
            table += &format!("P,X,{dose},{seen}\n");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), &table).unwrap();
    let file = folder.path().join("x.csv").display().to_string();
    let sheet = curves(&[&file, "--assay", "atp"]);
    assert!(sheet["warnings"].to_string().contains("9 readings at a limit"), "{}", sheet["warnings"]);
    let curve = &sheet["curves"][0];
    assert_eq!(curve["wells"], 21);
    assert_eq!(curve["lowest_dose"], 0.1);
    // Without the bounds no vehicle is left and the scale of the plate is anybody's guess.
    assert!(holds(&curve["ec50"], 3.0), "{}", curve["ec50"]);
    assert!(
        curve["ec50"]["upper"].as_f64().unwrap() / curve["ec50"]["lower"].as_f64().unwrap() < 2.5,
        "{}",
        curve["ec50"]
    );
}

#[test]
fn counts_become_a_study_with_their_law() {
    let place = tempfile::tempdir().unwrap();
    let new = fenton(&["new", "rsl3", "--from", &plate("live-dead-times.csv"), "--assay", "live_dead"], place.path());
    assert!(new.status.success(), "{}", String::from_utf8_lossy(&new.stderr));
    let file = place.path().join("rsl3/study.toml");
    let study = std::fs::read_to_string(&file).unwrap();
    for part in ["kind = \"binomial\"", "well_memory", "[experiments]", "between"] {
        assert!(study.contains(part), "no {part} in\n{study}");
    }
    let targets =
        study.replace("target = \"RSL3\"", "target = \"GPX4i\"").replace("target = \"Fer-1\"", "target = \"Fer1\"");
    std::fs::write(&file, targets).unwrap();
    let check = fenton(&["check", "rsl3"], place.path());
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(said.contains("k_branching between 3 experiments"), "{said}{}", String::from_utf8_lossy(&check.stderr));
}

#[test]
fn what_is_wrong_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("single.csv", "compound,dose,unit,signal\nX,0,uM,100\nX,0,uM,101\nX,5,uM,50\n");
    write("empty.csv", "");
    write("citrate.csv", "FAC (mM),signal\n0,100\n1,90\n2,50\n5,10\n");
    for (arguments, code, message) in [
        (vec!["curve", "single.csv"], 2, "--assay"),
        (vec!["curve", "single.csv", "--assay", "magic"], 2, "live_dead"),
        (vec!["curve", "single.csv", "--assay", "atp", "--effect", "10"], 2, "between 0 and 1"),
        (vec!["curve", "single.csv", "--assay", "atp"], 1, "a single dose of X (5 uM)"),
        (vec!["curve", "empty.csv", "--assay", "atp"], 1, "empty"),
        (vec!["curve", "nowhere.csv", "--assay", "atp"], 1, "nowhere.csv"),
        (vec!["curve", "citrate.csv", "--assay", "atp"], 1, "14.5 to 22.5 %"),
        (vec!["curve", "citrate.csv", "--assay", "live_dead", "--basis", "Fe"], 1, "columns live and dead"),
        (vec!["curve", "citrate.csv", "--assay", "dead_dye", "--basis", "Fe"], 1, "no lysed well"),
        (vec!["curve", "single.csv", "--assay", "atp", "--model", "gr"], 1, "t0"),
    ] {
        let output = fenton(&arguments, folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
}
