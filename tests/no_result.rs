//! What is no result says so first, has no interval, and ends with exit code 4: failures that decide, likelihoods without a
//! maximum; and what a bound that binds does to the intervals of others.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(command: &str, study: &Path, folder: &Path, more: &[&str]) -> Output {
    let mut fenton = Command::new(env!("CARGO_BIN_EXE_fenton"));
    fenton.arg(command).arg(study).args(["--engine", "cpu", "--output"]).arg(folder).args(more);
    fenton.output().expect("the binary runs")
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

/// The words after the title.
fn first_words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default().into()
}

/// `p` cannot be between 0.9 and 1.1, where a logarithm of a negative number is no rate; the data want 1.
#[test]
fn an_optimum_beside_failures_is_no_result() {
    let place = tempfile::tempdir().unwrap();
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/studies/no_result/hole.toml");
    for (command, more) in [("fit", &[][..]), ("profile", &[]), ("sample", &["--draws", "256"])] {
        let folder = place.path().join(command);
        let output = run(command, &study, &folder, more);
        assert_eq!(output.status.code(), Some(4), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(first_words(&output).starts_with("! Failures decide"), "{command}: {}", first_words(&output));
        let found = summary(&folder);
        let edge = &found["failures_decide"][0];
        let cause = edge["causes"][0][0].as_str().unwrap();
        assert!(edge["failed"].as_u64().unwrap() > 0 && cause.contains("infinite or undefined"), "{edge}");
        assert!(found["warnings"][0]["title"].as_str().unwrap().starts_with("Failures decide"), "{command}");
    }
    // What rests on that estimate, or on those draws, says so too.
    let draws = place.path().join("sample").display().to_string();
    let rests = [("bootstrap", vec!["--repeats", "100"]), ("predict", vec!["--ensemble", &draws])];
    for (command, more) in rests {
        let folder = place.path().join(command);
        let output = run(command, &study, &folder, &more);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{command}: {error}");
        assert!(error.contains("failures decide, so this is no result"), "{command}: {error}");
        assert!(first_words(&output).starts_with("! Failures decide"), "{command}: {}", first_words(&output));
        assert!(summary(&folder)["warnings"][0]["title"].as_str().unwrap().starts_with("Failures decide"), "{command}");
    }
    let fitted = summary(&place.path().join("fit"));
    let p = &fitted["parameters"].as_array().unwrap().iter().find(|p| p["name"] == "p").unwrap().clone();
    assert_eq!((&p["verdict"], &p["interval"]), (&"ends at failures".into(), &serde_json::Value::Null), "{p}");
}

/// `x' = k x^2` ends at 1/k: the data, whose last time is 10, want a `k` above 0.1. The search goes over the edge, where its own
/// tolerance still finds a way and that of the report does not.
#[test]
fn an_optimum_that_only_the_search_can_integrate_is_no_result() {
    let place = tempfile::tempdir().unwrap();
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/studies/no_result/blow-up.toml");
    let output = run("fit", &study, place.path(), &[]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(first_words(&output).starts_with("! Failures decide"), "{}", first_words(&output));
    let found = summary(place.path());
    let k = found["parameters"].as_array().unwrap().iter().find(|p| p["name"] == "k").unwrap().clone();
    assert_eq!((&k["verdict"], &k["interval"]), (&"ends at failures".into(), &serde_json::Value::Null), "{k}");
    assert!((k["value"].as_f64().unwrap() - 0.1).abs() < 2e-3, "{k}");
}

const DECAY: &str = "const dose = 0\nlive' = 0.03*live - k*dose*live\ndead' = k*dose*live\nlive = 1; dead = 0; k = 0.02\n\
    S' = p - d*S; S = 0; p = 0.4; d = 0.3\n";
const HEAD: &str = "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.dose]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
    [data]\nfile = \"d.csv\"\nvalues = \"fraction\"\n";

/// Readings that a curve meets exactly, and a reading of 0 with an error that is a part of it: whatever the bound, the error
/// falls to it, and the rest of the answer hangs on where it lies.
#[test]
fn a_likelihood_without_a_maximum_is_no_result() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("m.ant"), DECAY).unwrap();
    let exact: String = [0.0, 0.5, 1.0, 2.0, 5.0]
        .iter()
        .flat_map(|dose| [12.0, 24.0].map(|time| format!("{dose},{time},{}\n", (-0.02_f64 * dose * time).exp())))
        .collect();
    let zero: String =
        [(0, 0.0), (4, 0.98), (8, 1.18), (16, 1.36), (24, 1.31)].map(|(t, y)| format!("0,{t},S,{y}\n")).concat();
    let cases = [
        (
            "[assay]\nkind = \"atp\"\nlive = \"live\"\n[noise]\nsd = \"e\"\n[parameters.k]\nbounds = [0.001, 1]\n",
            format!("dose (uM),time (h),viability\n{exact}"),
            &["fit", "profile", "bootstrap"][..],
        ),
        (
            "[observables.S]\nformula = \"S\"\n[observables.S.noise]\nkind = \"normal\"\nsd = \"e\"\nrelative = 0.05\n\
             [parameters.p]\nbounds = [0.01, 10]\n[parameters.d]\nbounds = [0.01, 10]\n",
            format!("dose (uM),time (h),observable,value\n{zero}"),
            &["fit", "profile", "bootstrap", "sample"],
        ),
    ];
    for (number, (rest, data, commands)) in cases.iter().enumerate() {
        fs::write(place.path().join("d.csv"), data).unwrap();
        let study = place.path().join("study.toml");
        fs::write(&study, format!("{HEAD}{rest}[parameters.e]\nvalue = 0.05\nbounds = [1e-12, 1]\n")).unwrap();
        for command in *commands {
            let folder = place.path().join(format!("{command}{number}"));
            let more: &[&str] = match *command {
                "sample" => &["--draws", "256"],
                "bootstrap" => &["--repeats", "100"],
                _ => &[],
            };
            let output = run(command, &study, &folder, more);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(4), "{number} {command}: {error}");
            assert!(error.contains("so this is no result"), "{error}");
            let found = summary(&folder);
            assert_eq!(found["no_maximum"], serde_json::json!(["e"]), "{number} {command}");
            assert!(found["warnings"][0]["title"].as_str().unwrap().contains("no maximum"), "{number} {command}");
            let rows = found["parameters"].as_array().unwrap();
            if *command == "fit" {
                assert!(rows.iter().all(|row| row["interval"].is_null() && row["verdict"] != "identified"), "{rows:?}");
                let effects = found["effects"].as_array().unwrap();
                assert!(effects.iter().all(|effect| effect["value"]["interval"].is_null()), "{effects:?}");
            }
            if *command == "profile" {
                assert!(rows.iter().all(|row| row["label"] == "not judged" && row["lower"].is_null()), "{rows:?}");
            }
        }
    }
}

/// A capacity of ferritin that may not be what the data want: no other parameter is then as wide as its bounds. Ends are those
/// of a fit with the wide bound, moved by what the bound costs (0.3 as a sigma would cost 180 in the objective).
#[test]
fn a_bound_that_binds_leaves_the_others_their_ends() {
    let place = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/studies");
    fs::copy(data.join("fac-ht1080.csv"), place.path().join("fac-ht1080.csv")).unwrap();
    let study = place.path().join("study.toml");
    let text = fs::read_to_string(data.join("fac-ht1080.toml")).unwrap();
    let narrow = text.replace("bounds = [30, 3000]", "value = 150\nbounds = [30, 200]");
    assert_ne!(narrow, text, "the study bounds its capacity in another way");
    fs::write(&study, narrow).unwrap();
    for command in ["fit", "profile"] {
        let folder = place.path().join(command);
        let output = run(command, &study, &folder, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let found = summary(&folder);
        let ends = |name: &str| {
            let rows = found["parameters"].as_array().unwrap();
            let row = rows.iter().find(|row| row["name"] == name).unwrap().clone();
            let end = |i: usize| match command {
                "fit" => row["interval"][i].clone(),
                _ => row[["lower", "upper"][i]].clone(),
            };
            [0, 1].map(|i| end(i).as_f64())
        };
        let near = |name: &str, low: f64, high: f64| {
            let [Some(from), Some(to)] = ends(name) else { panic!("{command}: {name} is {:?}", ends(name)) };
            assert!((from / low - 1.0).abs() < 0.1 && (to / high - 1.0).abs() < 0.1, "{command}: {name} {from} {to}");
        };
        near("sigma", 0.043, 0.054);
        near("h_ferroptosis", 0.219, 0.267);
        let verdicts = found["parameters"].as_array().unwrap().iter();
        let key = if command == "fit" { "verdict" } else { "label" };
        for row in verdicts.filter(|row| row["name"] == "ferritin_capacity" || row["name"] == "V_iron") {
            assert!(!row[key].as_str().unwrap().contains("identifi") || row[key] == "not identified", "{row}");
        }
    }
}

/// A state that blows up at `1 / (c * dose)`, of which the data say nothing: at one dose half of the draws fail before the end,
/// at another all.
#[test]
fn bands_of_surviving_draws_are_called_so_and_what_has_no_answer_is_a_row() {
    let place = tempfile::tempdir().unwrap();
    let model = "const dose = 0\nX = 1; X' = c*dose*X*X; c = 0.05\nS = 1; S' = -k*dose*S + 1e-30*X; k = 0.3\n";
    fs::write(place.path().join("m.ant"), model).unwrap();
    let rows = [(0.5, 0.88), (1.0, 0.77), (2.0, 0.52), (4.0, 0.33), (8.0, 0.07)];
    let rows: String = rows.iter().map(|(time, value)| format!("1,{time},S,{value}\n")).collect();
    fs::write(place.path().join("d.csv"), format!("dose (uM),time (h),observable,value\n{rows}")).unwrap();
    let study = place.path().join("study.toml");
    let rest = "without_control = \"made up\"\n[observables.S]\nformula = \"S\"\n[noise]\nkind = \"normal\"\nsd = 0.05\n\
        [parameters.k]\nbounds = [0.01, 10]\n[parameters.c]\nbounds = [0.001, 0.1]\n";
    fs::write(&study, format!("{HEAD}{rest}")).unwrap();
    let folder = place.path().join("bands");
    let output = run("predict", &study, &folder, &["--dose", "dose=0.1,1,1000", "--until", "20"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{error}");
    assert!(first_words(&output).contains("Some draws could not be integrated"), "{}", first_words(&output));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.lines().any(|line| line.contains("1000") && line.ends_with("failed")), "{told}");
    let found = summary(&folder);
    let title = "Some draws could not be integrated";
    assert_eq!(found["warnings"][0]["title"], title, "{}", found["warnings"]);
    let lost = found["lost"].as_array().unwrap();
    assert_eq!(lost.len(), 2, "{lost:?}");
    let of = |at: usize| lost[at]["draws"].as_f64().unwrap() / lost[at]["of"].as_f64().unwrap();
    // Flat on its logarithm from 0.001 to 0.1, c is above 1/20 in 0.15 of the draws.
    assert!((of(0) - 0.15).abs() < 0.06 && lost[0]["failed"] == false, "{lost:?}");
    assert!(of(1) == 1.0 && lost[1]["failed"] == true, "{lost:?}");
    let table = fs::read_to_string(folder.join("predictions.csv")).unwrap();
    assert!(table.lines().last().unwrap().contains("1000") && table.trim_end().ends_with(",failed,,,"), "{table}");
}

/// The same state beside a viability: within the doses tested all is well, and beyond them half of the draws have no answer.
#[test]
fn answers_of_surviving_draws_are_called_so() {
    let place = tempfile::tempdir().unwrap();
    let model = format!("{DECAY}X = 1; X' = c*dose*X*X; c = 0.001\n").replace("0.03*live", "0.03*live + 1e-30*X");
    fs::write(place.path().join("m.ant"), model).unwrap();
    let rows = [0.0_f64, 0.5, 1.0, 2.0, 5.0].map(|dose| {
        let of = |time: f64, off: f64| format!("{dose},{time},{}\n", (-0.02 * dose * time).exp() + off);
        [of(12.0, 0.04), of(12.0, -0.03), of(24.0, 0.02), of(24.0, -0.04)].concat()
    });
    fs::write(place.path().join("d.csv"), format!("dose (uM),time (h),viability\n{}", rows.concat())).unwrap();
    let study = place.path().join("study.toml");
    let rest = "[assay]\nkind = \"atp\"\nlive = \"live\"\n[noise]\nsd = 0.05\n[parameters.k]\nbounds = [0.001, 1]\n\
        [parameters.c]\nbounds = [1e-5, 0.008]\n";
    fs::write(&study, format!("{HEAD}{rest}")).unwrap();
    let draws = place.path().join("draws");
    let sampled = run("sample", &study, &draws, &["--draws", "256"]);
    assert!(matches!(sampled.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&sampled.stderr));
    let ask = |command: &str, more: &[&str]| {
        let folder = place.path().join(format!("{command}{}", more.len()));
        run(command, &study, &folder, &[&["--ensemble", &draws.display().to_string(), "--draws", "64"], more].concat())
    };
    let title = "Some draws could not be integrated";
    let within = ask("threshold", &[]);
    assert!(!first_words(&within).contains(title), "{}", first_words(&within));
    for (command, more) in [("threshold", &["--doses", "0.1,100"][..]), ("design", &[])] {
        let beyond = ask(command, more);
        assert_eq!(beyond.status.code(), Some(4), "{command}: {}", String::from_utf8_lossy(&beyond.stderr));
        assert!(first_words(&beyond).contains(title), "{command}: {}", first_words(&beyond));
    }
}
