//! The command line as a user meets it: the built binary, its exit codes, its words, its documents.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fenton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fenton")).args(arguments).output().expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error without what a graphics driver says.
fn err(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    text.lines().filter(|line| !line.contains("XDG_RUNTIME_DIR")).collect::<Vec<_>>().join("\n")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

/// Decay of `S` at rate `k` in a compartment of 2.
fn decay(folder: &Path) -> String {
    let path = folder.join("decay.ant");
    let model =
        "model decay\n  compartment c = 2\n  species S in c = 10, P in c = 0\n  k = 0.1\n  J: S -> P; c*k*S\nend\n";
    fs::write(&path, model).unwrap();
    path.display().to_string()
}

/// Rows of numbers under a header.
fn table(text: &str) -> (Vec<String>, Vec<Vec<f64>>) {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    (header, lines.map(|line| line.iter().map(|field| field.parse().unwrap()).collect()).collect())
}

#[test]
fn simulate_writes_the_analytic_solution() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let run = fenton(&["simulate", &model, "--until", "10", "--points", "5", "--columns", "S,P", "--rtol", "1e-9"]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    let (header, rows) = table(&out(&run));
    assert_eq!(header, ["time", "S", "P"]);
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), [0.0, 2.5, 5.0, 7.5, 10.0]);
    for row in rows {
        approx::assert_relative_eq!(row[1], 10.0 * (-0.1 * row[0]).exp(), max_relative = 1e-8);
        approx::assert_relative_eq!(row[2], 10.0 - row[1], epsilon = 1e-7);
    }
}

#[test]
fn simulate_knows_amounts_concentrations_and_other_values() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let amounts = ["simulate", &model, "--set", "S=3", "--times", "0", "--amounts", "--columns", "S,[S]"];
    assert_eq!(out(&fenton(&amounts)), "time,S,[S]\n0,6,3\n");
    let concentrations = ["simulate", &model, "--set", "S=3", "--times", "0", "--concentrations", "--columns", "S"];
    assert_eq!(out(&fenton(&concentrations)), "time,S\n0,3\n");
}

#[test]
fn instances_are_the_same_for_the_same_seed_and_differ_otherwise() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let run = |seed: &str| {
        let arguments = ["simulate", &model, "--instances", "20", "--vary", "k", "--points", "2", "--seed", seed];
        out(&fenton(&arguments))
    };
    assert_eq!(run("3"), run("3"));
    assert_ne!(run("3"), run("4"));
    assert_eq!(run("3").lines().count(), 41);
}

#[test]
fn a_table_of_parameters_gives_one_instance_a_row() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let file = place.path().join("p.csv");
    fs::write(&file, "\u{feff}k,S\r\n0,1\r\n0.1,2\r\n").unwrap();
    let file = file.display().to_string();
    let run = fenton(&["simulate", &model, "--parameters", &file, "--times", "10", "--columns", "S", "--rtol", "1e-9"]);
    let (header, rows) = table(&out(&run));
    assert_eq!(header, ["instance", "time", "S"]);
    assert_eq!(rows[0], [1.0, 10.0, 1.0]);
    approx::assert_relative_eq!(rows[1][2], 2.0 * (-1f64).exp(), max_relative = 1e-8);
}

#[test]
fn wrong_tables_of_parameters_are_refused_with_a_place() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let file = place.path().join("p.csv");
    for (content, words) in [
        ("", "empty"),
        ("k\n", "no rows"),
        ("kk\n1\n", "did you mean 'k'?"),
        ("k,k\n1,2\n", "twice"),
        ("k\nabc\n", "p.csv:2:1: 'abc' in column 'k'"),
        ("k,S\n1\n", "p.csv:2:1: "),
        ("k\n\"0,1\"\n", "decimals have a point"),
    ] {
        fs::write(&file, content).unwrap();
        let run = fenton(&["simulate", &model, "--parameters", &file.display().to_string()]);
        assert_eq!(code(&run), 1, "{content:?}");
        assert!(err(&run).contains(words), "{content:?}: {}", err(&run));
        assert_eq!(out(&run), "", "{content:?}");
    }
}

#[test]
fn json_is_one_document() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    for arguments in [
        vec!["simulate", &model, "--json", "--points", "2"],
        vec!["list", "--json"],
        vec!["devices", "--json"],
        vec!["check", "fac-ht1080", "--json"],
    ] {
        let run = fenton(&arguments);
        assert_eq!(code(&run), 0, "{arguments:?}: {}", err(&run));
        let document: serde_json::Value = serde_json::from_str(&out(&run)).expect("one JSON document");
        assert!(document.is_object(), "{arguments:?}");
    }
    let run = fenton(&["simulate", &model, "--json", "--times", "0", "--columns", "S"]);
    let document: serde_json::Value = serde_json::from_str(&out(&run)).unwrap();
    assert_eq!(document["instances"][0]["rows"][0][0], 10.0);
    assert_eq!(document["columns"][0], "S");
}

#[test]
fn exit_code_2_is_for_usage() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    for arguments in [
        vec![],
        vec!["fly"],
        vec!["simulate"],
        vec!["simulate", &model, "--points", "1"],
        vec!["simulate", &model, "--until", "-1"],
        vec!["simulate", &model, "--until", "inf"],
        vec!["simulate", &model, "--times", "2,1"],
        vec!["simulate", &model, "--rtol", "0"],
        vec!["simulate", &model, "--rtol", "2"],
        vec!["simulate", &model, "--set", "k"],
        vec!["simulate", &model, "--set", "k=0,5"],
        vec!["simulate", &model, "--engine", "cpu", "--adapter", "x"],
        vec!["simulate", &model, "--method", "euler"],
        vec!["fit", "--max-time", "-3"],
        vec!["fit", "--starts", "0"],
        vec!["bench", "--instances", "0"],
    ] {
        let run = fenton(&arguments);
        assert_eq!(code(&run), 2, "{arguments:?}: {}", err(&run));
        assert!(!err(&run).is_empty() && out(&run).is_empty(), "{arguments:?}");
    }
}

#[test]
fn exit_code_1_is_for_the_input_and_the_words_help() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let broken = place.path().join("broken.ant");
    fs::write(&broken, "S' = k*S\nS = 1\n").unwrap();
    let broken = broken.display().to_string();
    for (arguments, words) in [
        (vec!["simulate", "nowhere.ant"], "nowhere.ant"),
        (vec!["simulate", &broken], "broken.ant:1"),
        (vec!["simulate", &model, "--set", "kk=1"], "did you mean 'k'?"),
        (vec!["simulate", &model, "--columns", "SS"], "did you mean 'S'?"),
        (vec!["simulate", &model, "--columns", "[k]"], "no species"),
        (vec!["simulate", &model, "--instances", "2", "--vary", "x"], "'x'"),
        (vec!["fit", "nowhere.toml"], "nowhere.toml"),
        (vec!["check", "fac-ht108"], "fac-ht1080"),
        (vec!["show", "ferroptosiss"], "did you mean 'ferroptosis'?"),
        (vec!["show", "erastine"], "did you mean 'erastin'?"),
        (vec!["new", "x", "--from", "nowhere.csv"], "nowhere.csv"),
    ] {
        let run = fenton(&arguments);
        assert_eq!(code(&run), 1, "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(words), "{arguments:?}: {}", err(&run));
        assert!(!err(&run).contains('\x1b'), "no colour where there is no terminal");
    }
}

#[test]
fn a_run_that_fails_is_exit_code_3_and_says_where() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("blow.ant");
    fs::write(&path, "x' = x*x\nx = 1\n").unwrap();
    let run = fenton(&["simulate", &path.display().to_string(), "--until", "2"]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    // The solution 1 / (1 - t) has no value at 1.
    let words = err(&run);
    let time = words.split("at time ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let time: f64 = time.parse().unwrap();
    assert!((time - 1.0).abs() < 1e-3 && words.contains("in x"), "{words}");
    assert_eq!(
        code(&fenton(&["simulate", &path.display().to_string(), "--engine", "gpu", "--adapter", "no such thing"])),
        3
    );
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let output = place.path().join("out.csv").display().to_string();
    assert_eq!(code(&fenton(&["simulate", &model, "--points", "3", "--output", &output])), 0);
    let written = fs::read_to_string(&output).unwrap();
    assert_eq!(written.lines().count(), 4);
    let failed = fenton(&["simulate", &model, "--max-steps", "1", "--output", &output]);
    assert_eq!(code(&failed), 3, "{}", err(&failed));
    assert_eq!(fs::read_to_string(&output).unwrap(), written, "an old file is left alone");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing is left behind");
    let missing = fenton(&["simulate", &model, "--output", "/nowhere/at/all.csv"]);
    assert_eq!(code(&missing), 3);
    assert!(err(&missing).contains("cannot write /nowhere/at/all.csv"), "{}", err(&missing));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_a_closed_pipe_is_no_failure() {
    let place = tempfile::tempdir().unwrap();
    let model = decay(place.path());
    let full = fenton(&["simulate", &model, "--output", "/dev/full"]);
    assert_eq!(code(&full), 3);
    assert!(err(&full).contains("disk is full"), "{}", err(&full));

    let mut child = Command::new(env!("CARGO_BIN_EXE_fenton"))
        .args(["simulate", &model, "--points", "200000", "--atol", "1e-12"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
}

#[test]
fn embedded_models_and_studies_can_be_listed_shown_and_checked() {
    let list = out(&fenton(&["list", "models"]));
    assert!(list.contains("ferroptosis-minimal") && !list.contains("fac-ht1080"), "{list}");
    assert!(out(&fenton(&["show", "crosstalk-minimal"])).contains("model"));
    assert!(out(&fenton(&["show", "fac-ht1080", "--data"])).contains("viability"));
    let names = out(&fenton(&["list", "perturbations,cells"]));
    assert!(names.contains("erastin") && names.contains("U-2 OS") && !names.contains("fac-ht1080"), "{names}");
    assert!(out(&fenton(&["list", "cells", "--json"])).contains("\"factors\""));
    assert!(out(&fenton(&["show", "ferrostatin-1"])).contains("protects from ferroptosis"));
    assert!(out(&fenton(&["show", "HT-1080"])).contains("line of cells"));
    let picture = out(&fenton(&["show", "crosstalk-minimal", "--diagram"]));
    assert!(picture.starts_with("<svg") && picture.contains("ferritin iron"), "{picture}");
    let same = out(&fenton(&["show", "data/models/crosstalk-minimal.ant", "--diagram"]));
    assert_eq!(same, picture);
    let check = out(&fenton(&["check", "fac-ht1080"]));
    assert!(check.contains("SYNTHETIC") && check.contains("V_iron") && check.contains("135"), "{check}");
}

#[test]
fn help_has_examples_and_defaults() {
    for command in ["fit", "simulate", "check", "show", "new", "bench"] {
        let help = out(&fenton(&[command, "--help"]));
        assert!(help.contains("Example"), "{command}: {help}");
    }
    assert!(out(&fenton(&["--help"])).contains("Exit codes"));
}

#[test]
fn new_makes_a_study_that_can_be_checked() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("mine.csv");
    fs::write(&data, out(&fenton(&["show", "fac-ht1080", "--data"]))).unwrap();
    let folder = place.path().join("iron").display().to_string();
    let run = fenton(&["new", &folder, "--from", &data.display().to_string()]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    assert_eq!(err(&run), "");
    let check = fenton(&["check", &format!("{folder}/study.toml")]);
    assert_eq!(code(&check), 0, "{}", err(&check));
    assert!(out(&check).contains("135"));
    let again = fenton(&["new", &folder, "--from", &data.display().to_string()]);
    assert_eq!(code(&again), 1, "what is there is not overwritten");
}

#[test]
fn readings_of_plates_are_checked_and_become_studies() {
    let place = tempfile::tempdir().unwrap();
    let here = |name: &str| format!("{}/data/plates/{name}", env!("CARGO_MANIFEST_DIR"));
    let (plate, map) = (here("fac-plate.csv"), here("fac-plate-map.csv"));
    let options = ["--map", &map, "--basis", "FAC 16.5 % Fe", "--assay", "atp"];
    let check = fenton(&[&["check", &plate, "--json"][..], &options].concat());
    assert_eq!(code(&check), 0, "{}", err(&check));
    let found: serde_json::Value = serde_json::from_str(&out(&check)).expect("one JSON document");
    assert_eq!((&found["readings"], &found["roles"]["blank"]), (&276.into(), &72.into()));
    assert_eq!(found["compounds"][0]["basis"], "FAC 16.5 % Fe");
    let bare = fenton(&["check", &plate]);
    assert_eq!(code(&bare), 1);
    assert!(err(&bare).contains("--map"), "{}", err(&bare));
    assert_eq!(code(&fenton(&["check", "fac-ht1080", "--basis", "Fe"])), 2);

    for (name, from, options) in
        [("a", plate.clone(), &options[..]), ("b", here("erastin-wide.csv"), &["--assay", "atp"][..])]
    {
        let folder = place.path().join(name).display().to_string();
        let new = fenton(&[&["new", &folder, "--from", &from][..], options].concat());
        assert_eq!((code(&new), err(&new).as_str()), (0, ""));
        let study = fs::read_to_string(format!("{folder}/study.toml")).unwrap();
        assert!(study.contains("per = \"plate\"") && study.contains("synthetic = \"python"), "{study}");
    }
    let check = fenton(&["check", &place.path().join("a").display().to_string()]);
    assert!(code(&check) == 0 && out(&check).contains("background[FAC-3]"), "{}{}", out(&check), err(&check));
}

/// The folder of a short fit of the embedded study.
fn short_fit(place: &Path, more: &[&str]) -> (Output, PathBuf) {
    let folder = place.join("out");
    let name = folder.display().to_string();
    let mut arguments = vec!["fit", "fac-ht1080", "--starts", "20", "--output", &name];
    arguments.extend(more);
    (fenton(&arguments), folder)
}

#[test]
fn fit_writes_a_report_with_the_parameters_that_made_the_data() {
    let place = tempfile::tempdir().unwrap();
    let (run, folder) = short_fit(place.path(), &["--json"]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    let summary: serde_json::Value = serde_json::from_str(&out(&run)).expect("one JSON document");
    assert!(summary["synthetic"].is_string());
    // As data/studies/fac-ht1080.truth.csv has them; the intervals are three times as wide as stated, so that chance
    // does not decide.
    for (name, truth) in [("V_iron", 36.0f64), ("ferritin_capacity", 270.0), ("h_ferroptosis", 0.25)] {
        let rows = summary["parameters"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let (low, high) = (row["interval"][0].as_f64().unwrap(), row["interval"][1].as_f64().unwrap());
        let (middle, half) = ((low * high).sqrt().ln(), 1.5 * (high / low).ln());
        assert!((truth.ln() - middle).abs() < half, "{name}: {low} to {high}");
    }
    for file in [
        "report.html",
        "summary.json",
        "parameters.csv",
        "optima.csv",
        "starts.csv",
        "predictions.csv",
        "simulations.csv",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("Synthetic data") && page.contains("fenton fit fac-ht1080 --starts 20"));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "neither checkpoint nor partial folder is left");
}

#[test]
fn fit_does_not_replace_what_is_no_report() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("out")).unwrap();
    fs::write(place.path().join("out/thesis.tex"), "years of work").unwrap();
    let (run, folder) = short_fit(place.path(), &[]);
    assert_eq!(code(&run), 3);
    assert!(err(&run).contains("no fenton report"), "{}", err(&run));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

/// The two sentences are no measurements: what they leave of the priors is shown beside these, and nothing else.
#[test]
fn statements_in_words_are_not_fitted() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let name = folder.display().to_string();
    let run = fenton(&["fit", "constraints-fac", "--output", &name]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    let told = out(&run);
    for words in ["objective", "best value", "EC50", "was fitted to"] {
        assert!(!told.contains(words), "{words}: {told}");
    }
    assert!(told.contains("nothing was fitted") && told.contains("95 % of the prior"), "{told}");

    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    assert!(summary["fit"]["objective"].is_null() && summary["fit"]["aic"].is_null());
    assert_eq!(summary["starts"]["scored"], 0);
    assert_eq!(summary["effects"].as_array().unwrap().len(), 0);
    assert!(summary["methods"].as_str().unwrap().starts_with("No data were fitted."));
    for row in summary["parameters"].as_array().unwrap().iter().filter(|row| row["estimated"] == true) {
        assert!(row["standard_error"].is_null() && row["interval"].is_null(), "{row}");
        assert!(row["prior_interval"].is_array() && row["result_interval"].is_array(), "{row}");
    }
    // Log-normal, median 48, sd of ln 0.4, cut at 12 and 120: quantiles by hand.
    let read_out = summary["parameters"].as_array().unwrap().iter().find(|row| row["name"] == "read_out").unwrap();
    for (end, wanted) in [(0, 21.8), (1, 98.0)] {
        let found = read_out["prior_interval"][end].as_f64().unwrap();
        assert!((found / wanted - 1.0).abs() < 0.03, "{found} for {wanted}");
    }
    // What is left agrees with the sentence: above 0.7 up to 2.5 mM, below at 5 mM.
    for row in summary["predictions"].as_array().unwrap() {
        let median = row["median"].as_f64().unwrap();
        assert!(row["fitted"].is_null() && (median > 0.7) == (row["dose"].as_f64().unwrap() < 3.0), "{row}");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("Prior and result") && !page.contains("How good is the fit?"));
    assert!(!page.contains("Effective concentrations") && !page.contains("was fitted to"));
}

/// Four cells are too few for this study, and a fit and a simulation take as many as it needs.
#[test]
fn a_study_with_too_few_cells_gets_more() {
    let place = tempfile::tempdir().unwrap();
    let population = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/studies/population");
    let study = fs::read_to_string(population.with_extension("toml")).unwrap().replace("nodes = 64", "nodes = 4");
    assert!(study.contains("nodes = 4\n"), "{study}");
    fs::write(place.path().join("study.toml"), study).unwrap();
    fs::copy(population.with_extension("csv"), place.path().join("population.csv")).unwrap();
    let study = place.path().join("study.toml").display().to_string();
    let folder = place.path().join("out").display().to_string();
    let fit = fenton(&["fit", &study, "--starts", "10", "--output", &folder]);
    assert_eq!(code(&fit), 0, "{}", err(&fit));
    assert!(out(&fit).contains("4 cells are too few"), "{}", out(&fit));
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path().join("out/summary.json")).unwrap()).unwrap();
    assert!(summary["run"]["nodes"].as_u64().unwrap() >= 16, "{}", summary["run"]);
    let simulation = fenton(&["simulate", &study, "--times", "96"]);
    assert_eq!(code(&simulation), 0, "{}", err(&simulation));
    assert!(err(&simulation).contains("4 cells are too few"), "{}", err(&simulation));
}

/// One Ctrl-C may arrive twice, from the terminal and from a program around this one.
#[test]
#[cfg(unix)]
fn an_interrupted_fit_leaves_its_best_so_far() {
    let place = tempfile::tempdir().unwrap();
    let script = format!(
        "{} fit synthetic-crosstalk --output out & p=$!; sleep 2; kill -INT $p; kill -INT $p; wait $p",
        env!("CARGO_BIN_EXE_fenton")
    );
    let run = Command::new("bash").args(["-c", &script]).current_dir(place.path()).output().unwrap();
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(err(&run).contains("the best so far is in out"), "{}", err(&run));
    assert!(place.path().join("out/report.html").exists() && place.path().join("out.checkpoint").exists());
}

#[test]
fn weighing_statements_ends_when_its_time_is_over() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let run = fenton(&["fit", "constraints-fac", "--max-time", "1e-9", "--output", &folder.display().to_string()]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(err(&run).contains("stopped after 0 points"), "{}", err(&run));
    assert!(!folder.exists());
}

#[test]
fn what_cannot_be_written_is_told_by_its_name() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("out.checkpoint")).unwrap();
    let (run, _) = short_fit(place.path(), &[]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(err(&run).contains("out.checkpoint"), "{}", err(&run));

    let table = place.path().join("mine.csv");
    fs::write(&table, out(&fenton(&["show", "fac-ht1080", "--data"]))).unwrap();
    let new = fenton(&["new", "/dev/null/iron", "--from", &table.display().to_string()]);
    assert_eq!(code(&new), 3, "{}", err(&new));
    assert!(err(&new).contains("/dev/null/iron"), "{}", err(&new));
}

#[test]
fn a_report_that_cannot_be_written_whole_is_not_written() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("out");
    fs::write(&file, "a letter").unwrap();
    let (run, _) = short_fit(place.path(), &[]);
    assert_eq!(code(&run), 3);
    assert!(err(&run).contains("cannot write") && err(&run).contains("no fenton report"), "{}", err(&run));
    assert_eq!(fs::read_to_string(&file).unwrap(), "a letter");
    fs::remove_file(&file).unwrap();

    let nowhere = fenton(&["fit", "--starts", "20", "--output", "/dev/null/out"]);
    assert_eq!(code(&nowhere), 3, "{}", err(&nowhere));
    let told = err(&nowhere);
    assert!(told.contains("cannot write /dev/null/out") && !told.contains("no fenton report"), "{told}");
}

/// A limit on the size of files stands for a disk that is full half-way through.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_leaves_no_half_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let limited = |arguments: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {} {arguments}", env!("CARGO_BIN_EXE_fenton"));
        Command::new("bash").args(["-c", &script]).current_dir(place.path()).output().unwrap()
    };
    let fit = limited("fit erastin-gsh-ht1080 --starts 20 --output out");
    assert_eq!(code(&fit), 3, "{}", err(&fit));
    assert!(err(&fit).contains("cannot write out"), "{}", err(&fit));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left");

    let data = out(&fenton(&["show", "synthetic-crosstalk", "--data"]));
    fs::write(place.path().join("mine.csv"), data).unwrap();
    let new = limited("new iron --from mine.csv");
    assert_eq!(code(&new), 3, "{}", err(&new));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "only the table is there");
}

/// A run that was killed while it moved its files over those of an earlier report, and one that was killed before.
#[test]
fn the_next_run_ends_what_a_killed_one_began() {
    let place = tempfile::tempdir().unwrap();
    let (run, folder) = short_fit(place.path(), &[]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    let waiting = folder.join(".fenton-commit");
    fs::create_dir(&waiting).unwrap();
    for name in ["summary.json", "fenton.json"] {
        fs::copy(folder.join(name), waiting.join(name)).unwrap();
    }
    fs::create_dir(place.path().join(".out.fenton-1-1-1.partial")).unwrap();
    let (run, _) = short_fit(place.path(), &[]);
    assert_eq!(code(&run), 0, "{}", err(&run));
    assert!(
        err(&run).contains("it is whole now") && err(&run).contains("which a killed run had left"),
        "{}",
        err(&run)
    );
    assert!(!waiting.exists());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn a_bench_is_at_the_tolerance_that_is_asked_for() {
    let measure = |rtol: &str| -> serde_json::Value {
        let place = ["bench", "erastin-gsh-ht1080", "--instances", "64", "--repeats", "1", "--json"];
        let run = fenton(&[&place[..], &["--integrator", "rodas5p", "--rtol", rtol]].concat());
        assert_eq!(code(&run), 0, "{}", err(&run));
        serde_json::from_str(&out(&run)).expect("one JSON document")
    };
    let cpu = |document: &serde_json::Value, precision: &str| {
        let rows = document["measured"].as_array().unwrap();
        rows.iter().find(|row| row["engine"] == "cpu" && row["precision"] == precision).unwrap().clone()
    };
    let (coarse, fine) = (measure("1e-3"), measure("1e-6"));
    for precision in ["f32", "f64"] {
        let row = cpu(&coarse, precision);
        assert_eq!((&row["rtol"], &row["method"]), (&1e-3.into(), &"Rodas5P".into()));
    }
    let error = |document| cpu(document, "f64")["worst_error"].as_f64().unwrap();
    assert!(error(&fine) < 1e-4 && error(&fine) < error(&coarse), "{} {}", error(&fine), error(&coarse));
    for absurd in [
        &["--instances", "99999999999"][..],
        &["--instances", "1024,x"],
        &["--rtol", "0"],
        &["--rtol", "nan"],
        &["--atol", "-1"],
        &["--until", "0"],
        &["--integrator", "euler"],
        &["--repeats", "0"],
    ] {
        let run = fenton(&[&["bench"], absurd].concat());
        assert_eq!(code(&run), 2, "{absurd:?}: {}", err(&run));
    }
}
