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
