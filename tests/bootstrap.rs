//! `fenton bootstrap` against standard errors that are known in closed form, and as a user meets it.
//!
//! The model is a straight line, `S = a + b t`, so that estimates are linear in the readings: their variance over parametric
//! replicates is that of least squares, and over resampled cases that of survey sampling, to the last digit but for Monte
//! Carlo error.

use fenton::random::Stream;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(study: &Path, folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command
        .args(["bootstrap"])
        .arg(study)
        .args(["--engine", "cpu", "--starts", "20", "--output"])
        .arg(folder)
        .args(more);
    command.output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

/// One reading: experiment, time, replicate, value.
type Reading = (String, f64, usize, f64);

/// A line with the parameters `estimated` of "a" and "b".
fn line(folder: &Path, estimated: &[&str], sd: f64, readings: &[Reading], more: &str) -> PathBuf {
    fs::write(folder.join("line.ant"), "model line\n  S = a\n  a = 0\n  b = 1\n  J: -> S; b\nend\n").unwrap();
    let mut study = format!(
        "title = \"Line\"\nsource = \"made up for a test\"\nmodel = \"line.ant\"\n[time]\nunit = \"h\"\n[observables.S]\nformula = \"S\"\n\
         [observables.S.noise]\nkind = \"normal\"\nsd = {sd}\n[conditions.only]\n[data]\nfile = \"line.csv\"\n"
    );
    for name in estimated {
        study +=
            &format!("[parameters.{name}]\nvalue = 0.5\nbounds = [-50, 50]\nscale = \"lin\"\nsource = \"assumed\"\n");
    }
    fs::write(folder.join("line.toml"), study + more).unwrap();
    let rows: String = readings.iter().map(|(e, t, r, y)| format!("{e},{t},{r},S,{y}\n")).collect();
    fs::write(folder.join("line.csv"), format!("experiment,time (h),replicate,observable,value\n{rows}")).unwrap();
    folder.join("line.toml")
}

struct Found {
    estimate: f64,
    sd: f64,
    error: f64,
    interval: [f64; 2],
    basis: String,
}

fn found(summary: &serde_json::Value, name: &str) -> Found {
    let row = summary["parameters"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    Found {
        estimate: number(&row["estimate"]),
        sd: number(&row["sd"][0]),
        error: number(&row["sd"][1]),
        interval: [0, 1].map(|end| number(&row["interval"]["ends"][end])),
        basis: row["basis"].as_str().unwrap().into(),
    }
}

fn close(what: &str, found: &Found, sd: f64) {
    let Found { sd: seen, error, .. } = found;
    println!("{what}: sd {seen:.5} ± {error:.5} beside {sd:.5}");
    assert!((seen - sd).abs() < 3.5 * error && *error < 0.05 * sd, "{what}: {seen} ± {error} beside {sd}");
}

#[test]
fn parametric_replicates_scatter_by_the_standard_errors_of_least_squares() {
    let place = tempfile::tempdir().unwrap();
    let (sd, times) = (0.4, [0.5, 1.0, 2.0, 3.0, 5.0]);
    let mut stream = Stream::new(21, 0);
    let readings: Vec<Reading> =
        times.iter().map(|&t| (String::new(), t, 1, 1.0 + 2.0 * t + sd * stream.normal())).collect();
    let study = line(place.path(), &["a", "b"], sd, &readings, "");
    let folder = place.path().join("out");
    let ran = run(&study, &folder, &["--repeats", "1200"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let told = summary(&folder);
    // The inverse of the normal equations.
    let (n, first) = (times.len() as f64, times.iter().sum::<f64>());
    let second = times.iter().map(|t| t * t).sum::<f64>();
    let determinant = n * second - first * first;
    for (name, variance) in [("a", second / determinant), ("b", n / determinant)] {
        let error = sd * variance.sqrt();
        let found = found(&told, name);
        close(name, &found, error);
        assert_eq!(found.basis, "percentile");
        for (end, z) in found.interval.into_iter().zip([-1.96, 1.96]) {
            assert!((end - found.estimate - z * error).abs() < 0.25 * error, "{name}: {end}");
        }
    }
    assert_eq!(told["facts"]["refitted"], 1200);
    assert_eq!(told["facts"]["failed"], 0);

    let draws = fs::read_to_string(folder.join("draws-1.csv")).unwrap();
    let mut rows = draws.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.next(), Some("lp__,log_lik__,a,b"));
    let of = |row: &str, at: usize| row.split(',').nth(at).unwrap().parse::<f64>().unwrap();
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), 1200);
    // The log-likelihood of a replicate's parameters is that of the data that were measured.
    for row in rows.iter().take(20) {
        let squares: f64 = readings.iter().map(|(_, t, _, y)| (y - of(row, 2) - of(row, 3) * t).powi(2)).sum();
        let expected = -0.5 * squares / (sd * sd) - n * (sd.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln());
        assert!((of(row, 1) - expected).abs() < 1e-5 * expected.abs(), "{} beside {expected}", of(row, 1));
    }
}

#[test]
fn cases_scatter_by_the_variance_within_each_dose_and_time() {
    let place = tempfile::tempdir().unwrap();
    // Triplicates whose scatter grows with time: not what the noise model says, but what cases see.
    let (times, each) = ([1.0, 2.0, 4.0, 8.0], 3);
    let mut stream = Stream::new(22, 0);
    let mut readings: Vec<Reading> = Vec::new();
    for t in times {
        readings.extend((0..each).map(|well| (String::new(), t, well, 2.0 * t + 0.3 * t * stream.normal())));
    }
    let study = line(place.path(), &["b"], 0.5, &readings, "");
    let folder = place.path().join("out");
    let ran = run(&study, &folder, &["--kind", "cases", "--repeats", "1500"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    // b = sum of t y / sum of t^2 over all wells.
    let total: f64 = times.iter().map(|t| each as f64 * t * t).sum();
    let group = |t: f64| {
        let ys: Vec<f64> = readings.iter().filter(|r| r.1 == t).map(|r| r.3).collect();
        let mean = ys.iter().sum::<f64>() / each as f64;
        let variance = ys.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (each - 1) as f64;
        each as f64 * variance * (t / total).powi(2)
    };
    let found = found(&summary(&folder), "b");
    close("b", &found, times.map(group).iter().sum::<f64>().sqrt());
    assert_eq!(found.basis, "BCa");
}

#[test]
fn experiments_drawn_as_a_whole_have_the_variance_between_them() {
    let place = tempfile::tempdir().unwrap();
    let (between, within, experiments, wells) = (0.5, 0.2, 60, 3);
    let mut stream = Stream::new(23, 0);
    let mut readings: Vec<Reading> = Vec::new();
    for experiment in 0..experiments {
        let own = 3.0 + between * stream.normal();
        readings
            .extend((0..wells).map(|well| (format!("day {experiment}"), 1.0, well, own + within * stream.normal())));
    }
    // At time 1 the line is at b: the estimate is the mean.
    let study = line(place.path(), &["b"], 0.3, &readings, "");
    let mean_of = |e: usize| readings[e * wells..][..wells].iter().map(|r| r.3).sum::<f64>() / wells as f64;
    let means: Vec<f64> = (0..experiments).map(mean_of).collect();
    let mean = means.iter().sum::<f64>() / experiments as f64;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (experiments - 1) as f64;
    let folder = place.path().join("out");
    let ran = run(&study, &folder, &["--kind", "cases", "--repeats", "1500"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let seen = found(&summary(&folder), "b");
    assert!((seen.estimate - mean).abs() < 1e-5, "{} beside {mean}", seen.estimate);
    close("of these experiments", &seen, (variance / experiments as f64).sqrt());
    // And of all experiments there might be, within what 60 of them can tell: an sd is known to 1 / sqrt(2 * 59).
    let truth = ((between * between + within * within / wells as f64) / experiments as f64).sqrt();
    assert!((seen.sd / truth - 1.0).abs() < 3.0 / 118f64.sqrt(), "{} beside {truth}", seen.sd);
}

#[test]
fn shifts_of_drawn_experiments_count_with_their_priors() {
    let place = tempfile::tempdir().unwrap();
    let (experiments, wells, noise, spread) = (12, 3, 0.1, 0.3);
    let mut stream = Stream::new(24, 0);
    let mut readings: Vec<Reading> = Vec::new();
    for experiment in 0..experiments {
        let own = 2.0 * (spread * stream.normal()).exp();
        let reading = |well| (format!("day {experiment:02}"), 1.0, well, own + noise * stream.normal());
        readings.extend((0..wells).map(reading));
    }
    let study = line(place.path(), &[], noise, &readings, "");
    let text = fs::read_to_string(&study).unwrap()
        + &format!(
            "[parameters.b]\nvalue = 2\nbounds = [0.1, 50]\nsource = \"assumed\"\n[experiments]\nspread = {{ b = {spread} }}\n"
        );
    fs::write(&study, text).unwrap();
    let folder = place.path().join("out");
    let ran = run(&study, &folder, &["--kind", "cases", "--repeats", "600"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let told = summary(&folder);
    // Shifts are small beside the spread's errors: the estimate is nearly the mean of the logarithms, whose variance is theirs.
    let mean_of = |e: usize| readings[e * wells..][..wells].iter().map(|r| r.3).sum::<f64>() / wells as f64;
    let logs: Vec<f64> = (0..experiments).map(|e| mean_of(e).log10()).collect();
    let mean = logs.iter().sum::<f64>() / experiments as f64;
    let variance = logs.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (experiments - 1) as f64;
    let seen = found(&told, "b");
    let wanted = (variance / experiments as f64).sqrt();
    println!("sd {} ± {} beside {wanted}", seen.sd, seen.error);
    assert!((seen.sd / wanted - 1.0).abs() < 0.1, "{} beside {wanted}", seen.sd);
    // A shift counts in the replicates that have its experiment.
    let row = told["parameters"].as_array().unwrap().iter().find(|row| row["name"] == "b[day 03]").unwrap();
    let share = row["used"].as_f64().unwrap() / 600.0;
    let expected = 1.0 - (1.0 - 1.0 / experiments as f64).powi(experiments as i32 - 1);
    assert!((share - expected).abs() < 0.08, "{share} beside {expected}");
}

/// The line of a few readings.
fn small(folder: &Path) -> PathBuf {
    let readings: Vec<Reading> = [(1.0, 2.2), (1.0, 1.9), (2.0, 4.3), (2.0, 3.8), (4.0, 8.1), (4.0, 7.7)]
        .iter()
        .enumerate()
        .map(|(at, &(t, y))| (String::new(), t, at % 2, y))
        .collect();
    line(folder, &["a", "b"], 0.3, &readings, "")
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bytes_on_any_number_of_threads() {
    let place = tempfile::tempdir().unwrap();
    let study = small(place.path());
    for kind in ["parametric", "cases"] {
        let (whole, cut) = (place.path().join(format!("{kind}-whole")), place.path().join(format!("{kind}-cut")));
        let arguments = ["--kind", kind, "--repeats", "100"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
        command.env("RAYON_NUM_THREADS", "1").arg("bootstrap").arg(&study);
        command.args(["--engine", "cpu", "--starts", "20", "--output"]).arg(&whole).args(arguments);
        assert!(command.output().unwrap().status.success());
        let mut stops = 0;
        while !cut.exists() {
            let limited = [&arguments[..], &["--max-time", if stops < 12 { "0.000001" } else { "1000" }]].concat();
            let ran = run(&study, &cut, &limited);
            stops += usize::from(ran.status.code() == Some(3));
            assert!(stops < 20, "{kind}: {}", err(&ran));
        }
        assert!(stops > 3, "{kind}: stopped {stops} times");
        assert!(
            !fs::read_dir(place.path()).unwrap().any(|e| e
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("checkpoint"))
        );
        for file in ["draws-1.csv", "parameters.csv"] {
            let read = |folder: &Path| fs::read_to_string(folder.join(file)).unwrap();
            assert_eq!(read(&whole), read(&cut), "{kind}, {file}");
        }
    }
}

#[test]
fn a_bootstrap_begins_where_an_earlier_fit_of_the_same_study_ended() {
    let place = tempfile::tempdir().unwrap();
    let study = small(place.path());
    let fitted = place.path().join("fitted");
    let fenton = || Command::new(env!("CARGO_BIN_EXE_fenton"));
    let ran =
        fenton().arg("fit").arg(&study).args(["--engine", "cpu", "--starts", "20", "--output"]).arg(&fitted).output();
    assert!(ran.unwrap().status.success());
    let bootstrap = |folder: &Path| {
        let mut command = fenton();
        command.arg("bootstrap").arg(&study).args(["--engine", "cpu", "--repeats", "100", "--from"]).arg(&fitted);
        command.arg("--output").arg(folder).output().unwrap()
    };
    let (from, anew) = (place.path().join("from"), place.path().join("anew"));
    let ran = bootstrap(&from);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    assert_eq!(run(&study, &anew, &["--repeats", "100"]).status.code(), Some(0));
    for name in ["a", "b"] {
        let (from, anew) = (found(&summary(&from), name), found(&summary(&anew), name));
        assert!((from.sd - anew.sd).abs() < 1e-6 && (from.estimate - anew.estimate).abs() < 1e-9);
    }
    // Other data make another fit.
    let data = place.path().join("line.csv");
    fs::write(&data, fs::read_to_string(&data).unwrap().replace("2.2", "2.6")).unwrap();
    let ran = bootstrap(&place.path().join("other"));
    assert_eq!(ran.status.code(), Some(1), "{}", err(&ran));
    assert!(err(&ran).contains("of another study"), "{}", err(&ran));
}

#[test]
fn what_makes_no_sense_is_refused_before_the_work() {
    let place = tempfile::tempdir().unwrap();
    let study = small(place.path());
    let out = place.path().join("out");
    for (arguments, code, words) in [
        (&["--repeats", "10"][..], 1, "10 replicates are too few"),
        (&["--modes", "1.5"], 2, "--modes is 1.5"),
        (&["--kind", "wells"], 2, "parametric"),
    ] {
        let ran = run(&study, &out, arguments);
        assert_eq!(ran.status.code(), Some(code), "{}", err(&ran));
        assert!(err(&ran).contains(words), "{}", err(&ran));
        assert!(!out.exists());
    }
    // Nothing was read twice: there are no cases.
    let single: Vec<Reading> = [1.0, 2.0, 3.0].map(|t| (String::new(), t, 1, 2.0 * t)).into();
    let study = line(place.path(), &["b"], 0.3, &single, "");
    let ran = run(&study, &out, &["--kind", "cases"]);
    assert_eq!(ran.status.code(), Some(1), "{}", err(&ran));
    assert!(err(&ran).contains("no cases to draw among"), "{}", err(&ran));
    let ran = run(Path::new("constraints-fac"), &out, &[]);
    assert_eq!(ran.status.code(), Some(2), "{}", err(&ran));
}
