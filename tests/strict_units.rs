//! Faults of a model's units: warnings that say what was assumed, and with `--strict-units` errors of every command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fenton(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fenton")).args(arguments).current_dir(folder).output().expect("the binary runs")
}

fn write(folder: &Path) {
    let model = "unit uM = 1e-6 mole/litre; unit nM = 1e-9 mole/litre; unit time_unit = 3600 second
unit per_h = 1/3600 second; const drug = 0; drug has uM; other = 0; other has uM; K = 10; K has nM; k = 0.1 per_h
live = 1; live' = -k*drug/(K + drug)*live - 0.01*other*live\n";
    let study = "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.drug]\nunit = \"uM\"\n[compounds.other]\nunit = \"uM\"\n[assay]\nkind = \"atp\"\n\
                 live = \"live\"\n[data]\nfile = \"data.csv\"\nvalues = \"fraction\"\n[noise]\nsd = 0.05\n\
                 [parameters.k]\nbounds = [0.01, 1]\n";
    fs::write(folder.join("m.ant"), model).unwrap();
    fs::write(folder.join("s.toml"), study).unwrap();
    fs::write(
        folder.join("data.csv"),
        "drug (uM),other (uM),time (h),viability\n0,0,24,1\n10,0,24,0.3\n100,2,24,0.1\n",
    )
    .unwrap();
}

#[test]
fn faults_of_units_are_errors_of_every_command_that_reads_a_model_if_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    for arguments in [
        &["simulate", "m.ant"][..],
        &["simulate", "s.toml"],
        &["bench", "m.ant"],
        &["bench", "s.toml"],
        &["show", "m.ant", "--diagram"],
        &["check", "s.toml"],
        &["fit", "s.toml"],
        &["sample", "s.toml"],
        &["profile", "s.toml"],
        &["predict", "s.toml"],
        &["threshold", "s.toml"],
        &["compare", "s.toml"],
        &["design", "s.toml", "--for", "ec50"],
        &["synergy", "s.toml", "--drugs", "drug,other"],
        &["bootstrap", "s.toml"],
        &["sensitivity", "s.toml"],
    ] {
        let output = fenton(folder.path(), &[arguments, &["--strict-units"]].concat());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {err}");
        let expected = "m.ant:3:32: units do not agree: 'K' is in nM, 'drug' in uM";
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn without_that_they_are_warnings_which_say_what_was_assumed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let assumed =
        "units do not agree: 'K' is in nM, 'drug' in uM; the numbers are taken as they stand, and nothing is converted";
    let output = fenton(folder.path(), &["simulate", "m.ant", "--set", "drug=10", "--times", "0,10"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(err.contains("warning: m.ant:3:32: ") && err.contains(assumed), "{err}");
    // As they stand: half of k, exp(-0.05 * 10).
    let last: f64 = out.trim().lines().last().and_then(|row| row.split(',').nth(1)).unwrap().parse().unwrap();
    assert!((last - (-0.5_f64).exp()).abs() < 1e-5, "{out}");
    let output = fenton(folder.path(), &["check", "s.toml"]);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(out.contains(&format!("line 3 of the model: {assumed}")), "{out}");
}
