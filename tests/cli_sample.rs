//! `fenton sample` as a user meets it: draws against a posterior that is known by quadrature, files, exit codes, resuming.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn sample(study: &str, folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command.args(["sample", study, "--engine", "cpu", "--output"]).arg(folder).args(more);
    command.output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const TIMES: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
const READINGS: [f64; 5] = [8.1, 7.9, 6.1, 4.2, 1.6];
const SD: f64 = 0.5;
const MEDIAN: f64 = 0.2;
const SPREAD: f64 = 0.8;
const BOUNDS: [f64; 2] = [0.05, 0.3];

/// Decay from 10 at a rate that has a log-normal prior, cut at its bounds.
fn decay(folder: &Path) -> String {
    fs::write(folder.join("decay.ant"), "model decay\n  S = 10\n  k = 0.1\n  J: S -> ; k*S\nend\n").unwrap();
    let [low, high] = BOUNDS;
    let study = format!(
        "title = \"Decay\"\nsource = \"made up for a test\"\nmodel = \"decay.ant\"\n[time]\nunit = \"h\"\n[observables.S]\nformula = \"S\"\n\
         [observables.S.noise]\nkind = \"normal\"\nsd = {SD}\n[conditions.only]\n[data]\nfile = \"decay.csv\"\n\
         [parameters.k]\nvalue = 0.1\nbounds = [{low}, {high}]\nsource = \"assumed\"\n\
         prior = {{ kind = \"log-normal\", median = {MEDIAN}, sd = {SPREAD} }}\n"
    );
    fs::write(folder.join("decay.toml"), study).unwrap();
    let rows: String = TIMES.iter().zip(READINGS).map(|(t, y)| format!("{t},S,{y}\n")).collect();
    fs::write(folder.join("decay.csv"), format!("time (h),observable,value\n{rows}")).unwrap();
    folder.join("decay.toml").display().to_string()
}

/// Mean and sd of the rate and the log evidence, by the midpoint rule over its logarithm.
fn by_quadrature() -> [f64; 3] {
    let normal = |x: f64, mean: f64, sd: f64| {
        (-0.5 * ((x - mean) / sd).powi(2)).exp() / (sd * (2.0 * std::f64::consts::PI).sqrt())
    };
    let [low, high] = BOUNDS.map(f64::ln);
    let n = 20_000;
    let width = (high - low) / f64::from(n);
    let [mut prior, mut evidence, mut first, mut second] = [0.0; 4];
    for i in 0..n {
        let log = low + (f64::from(i) + 0.5) * width;
        let k = log.exp();
        let before = normal(log, MEDIAN.ln(), SPREAD) * width;
        let likelihood: f64 = TIMES.iter().zip(READINGS).map(|(t, y)| normal(y, 10.0 * (-k * t).exp(), SD)).product();
        prior += before;
        evidence += before * likelihood;
        first += before * likelihood * k;
        second += before * likelihood * k * k;
    }
    let mean = first / evidence;
    [mean, (second / evidence - mean * mean).sqrt(), (evidence / prior).ln()]
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

#[test]
fn every_sampler_finds_the_posterior_that_quadrature_finds() {
    let place = tempfile::tempdir().unwrap();
    let study = decay(place.path());
    let [mean, sd, evidence] = by_quadrature();
    for (method, more) in [("smc", &[][..]), ("demc", &["--thin", "20"]), ("stretch", &["--thin", "20"])] {
        let folder = place.path().join(method);
        let run = sample(&study, &folder, &[&["--method", method, "--draws", "4000"], more].concat());
        assert_eq!(run.status.code(), Some(0), "{method}: {}", err(&run));
        let found = summary(&folder);
        let parameter = &found["parameters"][0];
        let number = |name: &str| parameter[name].as_f64().unwrap();
        let error = sd / number("bulk_ess").sqrt();
        assert!((number("mean") - mean).abs() < 3.5 * error, "{method}: {} beside {mean}", number("mean"));
        assert!((number("sd") / sd - 1.0).abs() < 0.1, "{method}: {} beside {sd}", number("sd"));
        if method == "smc" {
            let [log, error] = [0, 1].map(|i| found["facts"]["log_evidence"][i].as_f64().unwrap());
            assert!((log - evidence).abs() < 3.0 * error && error < 0.1, "{log} ± {error} beside {evidence}");
        }
    }
}

#[test]
fn draws_are_tables_as_cmdstan_writes_them() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let run = sample(&decay(place.path()), &folder, &["--draws", "400", "--chains", "2"]);
    // So few draws may or may not be enough.
    assert!(matches!(run.status.code(), Some(0 | 4)), "{}", err(&run));
    for chain in 1..=2 {
        let text = fs::read_to_string(folder.join(format!("draws-{chain}.csv"))).unwrap();
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.next(), Some("lp__,log_lik__,k"));
        assert!(text.contains("# num_samples = 200\n") && text.contains(&format!("# id = {chain}\n")));
        let rows: Vec<Vec<f64>> = lines.map(|l| l.split(',').map(|x| x.parse().unwrap()).collect()).collect();
        assert_eq!(rows.len(), 200);
        assert!(rows.iter().all(|row| (BOUNDS[0]..=BOUNDS[1]).contains(&row[2]) && row[0].is_finite()));
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_draws() {
    let place = tempfile::tempdir().unwrap();
    let study = decay(place.path());
    for method in ["smc", "demc", "stretch"] {
        let (whole, cut) = (place.path().join(format!("{method}-whole")), place.path().join(format!("{method}-cut")));
        let arguments = ["--method", method, "--draws", "800"];
        sample(&study, &whole, &arguments);
        let mut stops = 0;
        // Each call makes a step or two.
        while !cut.exists() {
            let limited = [&arguments[..], &["--max-time", if stops < 3 { "0.000001" } else { "1000" }]].concat();
            let run = sample(&study, &cut, &limited);
            stops += usize::from(run.status.code() == Some(3));
            assert!(stops < 5, "{method}: {}", err(&run));
        }
        assert_eq!(stops, 3, "{method}");
        assert!(!place.path().join(format!("{method}-cut.checkpoint")).exists());
        for chain in 1..=4 {
            let read = |folder: &Path| fs::read_to_string(folder.join(format!("draws-{chain}.csv"))).unwrap();
            assert_eq!(read(&whole), read(&cut), "{method}, chain {chain}");
        }
    }
}

#[test]
fn a_run_that_did_not_converge_says_so_in_its_exit_code_and_on_its_report() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let run = sample(&decay(place.path()), &folder, &["--method", "stretch", "--draws", "160", "--thin", "1"]);
    assert_eq!(run.status.code(), Some(4), "{}", err(&run));
    assert!(err(&run).contains("did not converge"), "{}", err(&run));
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains("The run did not converge"));
    assert_eq!(summary(&folder)["converged"], false);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let run = sample(&decay(place.path()), &place.path().join("out"), &["--draws", "10"]);
    assert_eq!(run.status.code(), Some(1), "{}", err(&run));
    assert!(err(&run).contains("10 draws in 4 chains"), "{}", err(&run));
    assert!(!place.path().join("out").exists());
}
