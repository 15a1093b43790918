//! Studies as models of the same data: criteria against their formulas, and experiments predicted by the fit to the others.

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::Choice;
use fenton::random::Stream;
use fenton::study::Study;
use fenton::summary::models::{same_data, score};
use memory::Memory;
use std::f64::consts::PI;
use std::sync::Arc;

const SD: f64 = 0.05;
const RATE: f64 = 0.02;
const DOSES: [f64; 3] = [1.0, 2.0, 5.0];
const TIMES: [f64; 3] = [6.0, 12.0, 24.0];

/// Readings of three experiments of cells that die at the rate `RATE * drug`: experiment, dose, time, value.
fn readings() -> Vec<(usize, f64, f64, f64)> {
    let mut noise = Stream::new(5, 0);
    let wells = (0..3).flat_map(|e| DOSES.into_iter().flat_map(move |d| TIMES.map(|t| (e, d, t))));
    wells.map(|(e, d, t)| (e, d, t, (-RATE * d * t).exp() + SD * noise.normal())).collect()
}

fn study(law: &str, readings: &[(usize, f64, f64, f64)]) -> Study {
    let model = format!("model dying\n  drug = 0; k = 0.02;\n  live = 1;\n  live' = -{law}*live;\nend\n");
    let text = format!(
        "model = \"dying\"\ntitle = \"{law}\"\n[time]\nunit = \"h\"\n[compounds.drug]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
         [observables.live]\nformula = \"live\"\n[observables.live.noise]\nkind = \"normal\"\nsd = {SD}\n\
         [data]\nfile = \"plate.csv\"\n[parameters.k]\nbounds = [0.0001, 1]\n"
    );
    let rows: String = readings.iter().map(|(e, d, t, y)| format!("{e},{d},{t},live,{y}\n")).collect();
    let model: &'static str = model.leak();
    let plate = format!("experiment,drug (uM),time (h),observable,value\n{rows}");
    Study::read("study.toml", &text, &Memory::of(model, &plate)).unwrap_or_else(|error| panic!("{error}"))
}

/// The negative log-likelihood of readings at the rate `k`, by formula.
fn by_hand(readings: &[&(usize, f64, f64, f64)], k: f64) -> f64 {
    let of = |(_, d, t, y): &&(usize, f64, f64, f64)| {
        0.5 * ((y - (-k * d * t).exp()) / SD).powi(2) + SD.ln() + 0.5 * (2.0 * PI).ln()
    };
    readings.iter().map(of).sum()
}

/// The best rate, by a fine grid about the true one.
fn best(readings: &[&(usize, f64, f64, f64)]) -> f64 {
    let grid = (0..20_000).map(|i| 0.01 + 1e-6 * f64::from(i));
    grid.min_by(|a, b| by_hand(readings, *a).total_cmp(&by_hand(readings, *b))).unwrap()
}

#[test]
fn criteria_and_left_out_experiments_are_those_of_their_formulas() {
    let all = readings();
    let [right, wrong] = ["k*drug", "k"].map(|law| study(law, &all));
    assert!(same_data(&right, &wrong));
    assert!(!same_data(&right, &study("k*drug", &all[1..])));
    let engine = CpuEngine::new(Precision::F64);
    let engines: (&dyn fenton::engine::Engine, _, _) = (&engine, &engine as _, Choice::default());
    let stop = Arc::default();
    let [(right, note), (wrong, _)] = [&right, &wrong].map(|study| score(study, engines, None, 1, &stop).unwrap());
    assert_eq!(note, "");

    let every: Vec<&(usize, f64, f64, f64)> = all.iter().collect();
    let nllh = by_hand(&every, best(&every));
    approx::assert_abs_diff_eq!(right.nllh.unwrap(), nllh, epsilon = 1e-4);
    approx::assert_abs_diff_eq!(right.aic.unwrap(), 2.0 * nllh + 2.0, epsilon = 1e-3);
    approx::assert_abs_diff_eq!(right.bic.unwrap(), 2.0 * nllh + (all.len() as f64).ln(), epsilon = 1e-3);
    let left_out: f64 = (0..3)
        .map(|out| {
            let (held, others): (Vec<_>, Vec<_>) = all.iter().partition(|reading| reading.0 == out);
            by_hand(&held, best(&others))
        })
        .sum();
    approx::assert_abs_diff_eq!(right.left_out.unwrap(), left_out, epsilon = 1e-3);
    // Death that does not know the dose explains less of it, seen or not.
    assert!(wrong.aic.unwrap() > right.aic.unwrap() + 10.0 && wrong.left_out.unwrap() > right.left_out.unwrap() + 10.0);
}

#[test]
fn one_experiment_cannot_be_left_out() {
    let one: Vec<_> = readings().into_iter().filter(|reading| reading.0 == 0).collect();
    let engine = CpuEngine::new(Precision::F64);
    let (model, note) =
        score(&study("k*drug", &one), (&engine, &engine, Choice::default()), None, 1, &Arc::default()).unwrap();
    assert!(model.left_out.is_none() && note.contains("fewer than two"), "{note}");
}
