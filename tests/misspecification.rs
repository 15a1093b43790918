//! What a model that is too simple says of a threshold: plates made by `ferroptosis`, fitted with `ferroptosis-minimal`.
//! How often does its 95 % interval of the dose that halves the cells hold the true dose?
//!
//!     DRAWS=100 cargo test --release --test misspecification -- --nocapture
//!
//! What that printed last is in `data/models/README.md`. The plate is that of `fac-ht1080`: nine doses, five times, three
//! wells each. Each draw is another cell: all parameters of the full model from their priors at a third of their spread,
//! kept where the true dose lies within the doses tested.

#[path = "common/arms.rs"]
mod arms;

use arms::{Arm, Model, Trial, prior_draws, table};
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, FitSettings, StudyObjective, fit};
use fenton::random::Stream;
use fenton::report::document::{Quantity, RunFacts};
use fenton::study::problem::Observation;
use fenton::study::{ReadAt, Study};

const FULL: &str = include_str!("../data/models/ferroptosis.ant");
const PARAMETERS: &str = include_str!("../data/models/parameters.csv");
const SHRINK: f64 = 1.0 / 3.0;
const NOISE: f64 = 0.05;
/// Hours at which the threshold is asked for.
const READ: f64 = 72.0;

/// Live cells relative to no dose, for each (dose in uM, hour).
fn viability(model: &Model, truth: &[f64], asked: &[(f64, f64)]) -> Vec<f64> {
    let trial = |dose: f64, time: f64| Trial { draw: 0, arm: Arm::default().dosed("FAC", dose), time };
    let trials: Vec<Trial> = asked.iter().flat_map(|&(dose, time)| [trial(dose, time), trial(0.0, time)]).collect();
    let found = model.run(&[truth.to_vec()], &trials);
    let live: Vec<f64> = found.into_iter().map(|o| o.expect("a finished run")[0]).collect();
    live.chunks_exact(2).map(|pair| pair[0] / pair[1]).collect()
}

/// The dose (uM) that halves the cells at [`READ`], if it lies within `range`.
fn threshold(model: &Model, truth: &[f64], range: (f64, f64)) -> Option<f64> {
    let (mut low, mut high) = range;
    let halved = |dose: f64| viability(model, truth, &[(dose, READ)])[0] < 0.5;
    if halved(low) || !halved(high) {
        return None;
    }
    for _ in 0..20 {
        let middle = (low * high).sqrt();
        if halved(middle) { high = middle } else { low = middle }
    }
    Some((low * high).sqrt())
}

#[test]
fn thresholds_of_a_model_that_is_too_simple() {
    let wanted: usize = std::env::var("DRAWS").map_or(2, |draws| draws.parse().expect("DRAWS is a number"));
    let study = Study::embedded("fac-ht1080").unwrap_or_else(|error| panic!("{error}"));
    let parameters = table(PARAMETERS);
    let model = Model::new(FULL, &["live"]);
    let mut truths = prior_draws(&model, &parameters, 20 * wanted, 77);
    for truth in &mut truths {
        for (value, nominal) in truth.iter_mut().zip(&model.nominal) {
            if *nominal > 0.0 {
                *value = nominal * (*value / nominal).powf(SHRINK);
            }
        }
    }
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    // Doses of the study are in mM.
    let asked: Vec<(f64, f64)> = study
        .data
        .iter()
        .map(|datum| match datum.time {
            ReadAt::Time(time) => (1000.0 * datum.doses[0], time),
            other => panic!("a stated time, not {other:?}"),
        })
        .collect();
    let (mut covered, mut missed, mut open, mut fitted) = (0, 0, 0, 0);
    let mut ratios: Vec<f64> = Vec::new();
    for (draw, truth) in truths.iter().enumerate() {
        if fitted == wanted {
            break;
        }
        let Some(dose) = threshold(&model, truth, (1000.0, 15000.0)) else { continue };
        let mut stream = Stream::new(78, draw as u64);
        let mut drawn = problem.clone();
        let means = viability(&model, truth, &asked);
        for observation in &mut drawn.observations {
            let Observation::Value { prediction, value, .. } = observation else { panic!("single values only") };
            *value = means[*prediction] + NOISE * stream.normal();
        }
        let objective = StudyObjective::new(&drawn, &engine, &engine, Choice::default()).expect("an objective");
        let settings = FitSettings { starts: 200, refine: Some(20), seed: 1, ..FitSettings::default() };
        let result = fit(&objective, &settings, &mut ()).expect("a fit");
        let document =
            fenton::summary::document(&study, &objective, &result, RunFacts::default(), &[]).expect("a report");
        let effect = document.effects.iter().find(|e| e.measure == "EC50, absolute" && e.time == READ);
        fitted += 1;
        match effect.map(|e| &e.value) {
            Some(Quantity::Value { value, interval: Some((low, high)) }) => {
                let dose = dose / 1000.0;
                ratios.push(value / dose);
                if (*low..=*high).contains(&dose) {
                    covered += 1
                } else {
                    missed += 1
                }
                println!("truth {dose:.2} mM, found {value:.2} ({low:.2} to {high:.2})");
            }
            other => {
                open += 1;
                println!("truth {:.2} mM, no interval: {other:?}", dose / 1000.0);
            }
        }
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    println!(
        "{fitted} plates: the interval of the minimal model holds the true dose in {covered}, misses it in {missed}, \
         is open in {open}; found over true, median {median:.3}"
    );
    assert_eq!(fitted, wanted, "too few cells with a threshold within the doses");
    // Doses tested are a factor of 1.3 to 2 apart: a threshold off by more than 2 would be plainly wrong.
    assert!(ratios.iter().all(|ratio| (0.5..=2.0).contains(ratio)), "thresholds off by more than 2: {ratios:?}");
}
