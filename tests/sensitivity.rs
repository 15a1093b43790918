//! Sensitivity indices against functions whose indices are known, and `fenton sensitivity` as a user meets it.

use fenton::inference::sensitivity::{Design, Indices, rank_correlations};
use fenton::random::Stream;
use std::f64::consts::PI;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn indices(inputs: usize, rows: usize, f: impl Fn(&[f64]) -> f64) -> Vec<Indices> {
    let design = Design::new(inputs, rows, 7);
    let outputs: Vec<Option<f64>> = design.points().iter().map(|point| Some(f(point))).collect();
    design.indices(&[&outputs]).expect("something varies")
}

/// Within the interval that is told, which is narrow.
fn agree(what: &str, found: &[Indices], first: &[f64], total: &[f64], narrow: f64) {
    for (i, ((found, first), total)) in found.iter().zip(first).zip(total).enumerate() {
        for (which, found, truth) in [("first", found.first, *first), ("total", found.total, *total)] {
            println!(
                "{what} {i} {which}: {:.4} ({:.4} to {:.4}) beside {truth:.4}",
                found.value, found.lower, found.upper
            );
            assert!((found.lower - 1e-12..=found.upper + 1e-12).contains(&truth), "{what} {i} {which}");
            assert!(found.upper - found.lower < 2.0 * narrow, "{what} {i} {which}");
        }
    }
}

#[test]
fn ishigami_has_its_published_indices() {
    // T. Ishigami, T. Homma, ISUMA 1990; a = 7, b = 0.1.
    let (a, b) = (7.0f64, 0.1f64);
    let f = |u: &[f64]| {
        let x = |i: usize| PI * (2.0 * u[i] - 1.0);
        x(0).sin() + a * x(1).sin().powi(2) + b * x(2).powi(4) * x(0).sin()
    };
    let v1 = 0.5 * (1.0 + b * PI.powi(4) / 5.0).powi(2);
    let v2 = a * a / 8.0;
    let v13 = b * b * PI.powi(8) * (1.0 / 18.0 - 1.0 / 50.0);
    let v = v1 + v2 + v13;
    let found = indices(3, 4096, f);
    agree("ishigami", &found, &[v1 / v, v2 / v, 0.0], &[(v1 + v13) / v, v2 / v, v13 / v], 0.06);
}

#[test]
fn the_g_function_has_its_indices() {
    // I. M. Sobol, Math. Comput. Simul. 55:271 (2001).
    let a = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0];
    let f = |u: &[f64]| u.iter().zip(a).map(|(u, a)| ((4.0 * u - 2.0).abs() + a) / (1.0 + a)).product();
    let part = |a: f64| 1.0 / (3.0 * (1.0 + a) * (1.0 + a));
    let v: f64 = a.iter().map(|a| 1.0 + part(*a)).product::<f64>() - 1.0;
    let first = a.map(|a| part(a) / v);
    let total = a.map(|a| part(a) * (v + 1.0) / (1.0 + part(a)) / v);
    agree("g", &indices(6, 4096, f), &first, &total, 0.08);
}

#[test]
fn several_outputs_are_weighted_by_their_variance() {
    // Outputs 3 u and v: variances 9 to 1.
    let design = Design::new(2, 1024, 3);
    let points = design.points();
    let [x, y] = [0, 1].map(|i| points.iter().map(|p| Some([3.0, 1.0][i] * p[i])).collect::<Vec<Option<f64>>>());
    let found = design.indices(&[&x, &y]).unwrap();
    agree("both", &found, &[0.9, 0.1], &[0.9, 0.1], 0.1);
    // Rows without an output are left out, and nothing that varies has no indices.
    let holes: Vec<Option<f64>> = x.iter().enumerate().map(|(at, x)| x.filter(|_| at % 400 != 7)).collect();
    agree("holes", &design.indices(&[&holes]).unwrap(), &[1.0, 0.0], &[1.0, 0.0], 0.1);
    assert_eq!(design.indices(&[&vec![Some(2.0); points.len()]]), None);
    assert_eq!(design.indices(&[&vec![None; points.len()]]), None);
}

#[test]
fn rank_correlations_are_those_of_regressions_on_ranks() {
    // With two inputs the partial correlation is (r_1y - r_12 r_2y) / sqrt((1 - r_12^2) (1 - r_2y^2)), by hand.
    let mut stream = Stream::new(9, 0);
    let rows: Vec<[f64; 2]> = (0..200)
        .map(|_| {
            let (z, w) = (stream.normal(), stream.normal());
            [z, 0.6 * z + 0.8 * w]
        })
        .collect();
    let output: Vec<f64> = rows.iter().map(|x| (x[0] - 0.5 * x[1] + 0.7 * stream.normal()).exp()).collect();
    let rank = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|x| values.iter().filter(|y| *y < x).count() as f64).collect()
    };
    let pearson = |x: &[f64], y: &[f64]| {
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mx, my) = (mean(x), mean(y));
        let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(a, b)| f(a - mx, b - my)).sum::<f64>();
        sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
    };
    let column = |i: usize| rank(&rows.iter().map(|x| x[i]).collect::<Vec<f64>>());
    let (one, two, y) = (column(0), column(1), rank(&output));
    let (r12, r1, r2) = (pearson(&one, &two), pearson(&one, &y), pearson(&two, &y));
    let expected = [
        (r1 - r12 * r2) / ((1.0 - r12 * r12) * (1.0 - r2 * r2)).sqrt(),
        (r2 - r12 * r1) / ((1.0 - r12 * r12) * (1.0 - r1 * r1)).sqrt(),
    ];
    let inputs: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    for (found, expected) in rank_correlations(&inputs, &output).into_iter().zip(expected) {
        let found = found.unwrap();
        assert!((found.value - expected).abs() < 1e-10, "{} beside {expected}", found.value);
        // Fisher's z with 200 draws and one other input.
        let z = (found.upper.atanh() - found.lower.atanh()) / 2.0;
        assert!((z - 1.959964 / 196f64.sqrt()).abs() < 1e-6);
    }
    // Monotone and alone: 1, whatever its shape; an input that stands still has none.
    let rows: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i), 3.0]).collect();
    let inputs: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    let noisy: Vec<f64> = rows.iter().map(|x| x[0].powi(3) + if x[0] == 7.0 { 200.0 } else { 0.0 }).collect();
    let found = rank_correlations(&inputs, &noisy);
    assert!(found[0].unwrap().value > 0.999 && found[1].is_none());
}

fn run(study: &str, folder: &Path, threads: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command.env("RAYON_NUM_THREADS", threads).args(["sensitivity", study, "--engine", "cpu", "--output"]);
    command.arg(folder).args(more).output().expect("the binary runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Decay from a start that is uniform, at a rate that is uniform on a logarithmic scale.
fn decay(folder: &Path) -> String {
    fs::write(folder.join("decay.ant"), "model decay\n  S = s0\n  s0 = 1\n  k = 0.1\n  J: S -> ; k*S\nend\n").unwrap();
    let study = "title = \"Decay\"\nsource = \"made up for a test\"\nmodel = \"decay.ant\"\n[time]\nunit = \"h\"\n[observables.S]\nformula = \"S\"\n\
         [observables.S.noise]\nkind = \"normal\"\nsd = \"sigma\"\n[conditions.only]\n[data]\nfile = \"decay.csv\"\n\
         [parameters.s0]\nvalue = 1\nbounds = [0.5, 1.5]\nscale = \"lin\"\nsource = \"assumed\"\n\
         [parameters.k]\nvalue = 0.1\nbounds = [0.01, 1]\nsource = \"assumed\"\n\
         [parameters.sigma]\nvalue = 0.1\nbounds = [0.01, 1]\nsource = \"assumed\"\n";
    fs::write(folder.join("decay.toml"), study).unwrap();
    fs::write(folder.join("decay.csv"), "time (h),observable,value\n1,S,0.9\n4,S,0.7\n16,S,0.3\n").unwrap();
    folder.join("decay.toml").display().to_string()
}

/// First-order indices of the start and the rate at a time, by quadrature: the output is a product of the two.
fn by_quadrature(time: f64) -> [f64; 2] {
    let n = 20_000;
    let moment = |power: i32| {
        (0..n)
            .map(|i| (-10f64.powf(2.0 * (i as f64 + 0.5) / n as f64 - 2.0) * time * f64::from(power)).exp())
            .sum::<f64>()
            / n as f64
    };
    let (mean, square) = (moment(1), moment(2));
    let (start, start_square) = (1.0, 1.0 + 1.0 / 12.0);
    let variance = start_square * square - (start * mean).powi(2);
    [mean * mean / 12.0 / variance, (square - mean * mean) / variance]
}

#[test]
fn a_study_has_the_indices_that_quadrature_finds_whatever_the_threads() {
    let place = tempfile::tempdir().unwrap();
    let study = decay(place.path());
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    for (folder, threads) in [(&one, "1"), (&two, "2")] {
        let ran = run(&study, folder, threads, &["--points", "2048"]);
        assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    }
    let table = fs::read_to_string(one.join("indices.csv")).unwrap();
    assert_eq!(table, fs::read_to_string(two.join("indices.csv")).unwrap());
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(one.join("summary.json")).unwrap()).unwrap();
    assert_eq!(told["uninvolved"], serde_json::json!(["sigma"]));
    let outputs = told["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 3);
    for (output, time) in outputs.iter().zip([1.0, 4.0, 16.0]) {
        assert_eq!(output["time"], time);
        assert!((output["nominal"].as_f64().unwrap() - f64::exp(-0.1 * time)).abs() < 1e-6);
        for (of, truth) in output["of"].as_array().unwrap().iter().zip(by_quadrature(time)) {
            let first = |what: &str| of["sobol"]["first"][what].as_f64().unwrap();
            let half = 0.5 * (first("upper") - first("lower"));
            assert!(
                (first("lower")..=first("upper")).contains(&truth) && half < 0.1,
                "{} beside {truth}",
                first("value")
            );
        }
        // More at the start is more later; a faster decay is less.
        let prcc = |i: usize| output["of"][i]["prcc"]["value"].as_f64().unwrap();
        assert!(prcc(0) > 0.5 && prcc(1) < -0.5);
    }
}

#[test]
fn an_ensemble_has_rank_correlations_and_no_sobol_indices() {
    let place = tempfile::tempdir().unwrap();
    let study = decay(place.path());
    let ensemble = place.path().join("draws");
    let fenton = |what: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
        command.args([what, &study, "--engine", "cpu", "--output"]).arg(&ensemble);
        command
    };
    let ran = fenton("sample").args(["--draws", "400"]).output().unwrap();
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", err(&ran));
    let folder = place.path().join("out");
    let draws = ensemble.display().to_string();
    let ran = run(&study, &folder, "2", &["--ensemble", &draws]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let told: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    assert!(told["outputs"][0]["of"][0]["sobol"].is_null());
    assert!(told["outputs"][0]["of"][0]["prcc"]["value"].as_f64().unwrap() > 0.5);
    assert_eq!(told["facts"]["points"], 400);

    // Draws of another study, and a folder without any.
    let first = ensemble.join("draws-1.csv");
    fs::write(&first, fs::read_to_string(&first).unwrap().replace("s0", "other")).unwrap();
    let ran = run(&study, &folder, "2", &["--ensemble", &draws]);
    assert_eq!(ran.status.code(), Some(1), "{}", err(&ran));
    assert!(err(&ran).contains("no column for the parameter 's0'"), "{}", err(&ran));
    let ran = run(&study, &folder, "2", &["--ensemble", &place.path().display().to_string()]);
    assert_eq!(ran.status.code(), Some(1), "{}", err(&ran));
    let ran = run(&study, &place.path().join("new"), "2", &["--points", "10"]);
    assert_eq!(ran.status.code(), Some(2), "{}", err(&ran));
}

#[test]
fn a_dose_response_has_indices_of_its_ec50() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let ran = run("fac-ht1080", &folder, "2", &["--points", "64", "--of", "ec50"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let told: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    let outputs = told["outputs"].as_array().unwrap();
    assert!(!outputs.is_empty() && outputs.iter().all(|output| output["kind"] == "log10 EC50"));
}
