//! Lanes of the full models at draws from their priors, under doses and genotypes at random: how many fail for good.
//!
//!     LANES=100000 cargo test --release --test prior_lanes -- --nocapture
//!
//! What that printed last is in `data/models/README.md`.

#[path = "common/arms.rs"]
mod arms;

use arms::{Arm, Dose, Model, Trial, prior_draws, table};
use fenton::random::Stream;

const PARAMETERS: &str = include_str!("../data/models/parameters.csv");
const MODELS: [(&str, &str); 3] = [
    ("ferroptosis", include_str!("../data/models/ferroptosis.ant")),
    ("cuproptosis", include_str!("../data/models/cuproptosis.ant")),
    ("crosstalk", include_str!("../data/models/crosstalk.ant")),
];
/// Highest doses, in uM; what is given lies up to four decades below.
const DOSES: [(&str, f64); 12] = [
    ("FAC", 20000.0),
    ("erastin", 50.0),
    ("BSO", 1000.0),
    ("RSL3", 10.0),
    ("Fer1", 10.0),
    ("DFO", 500.0),
    ("H2O2_added", 500.0),
    ("CuCl2", 1000.0),
    ("elesclomol", 1.0),
    ("disulfiram", 10.0),
    ("TTM", 100.0),
    ("lactate", 50000.0),
];
/// Factors from a knock-out to tenfold.
const FACTORS: [&str; 10] =
    ["xCT", "GPX4_expression", "ACSL4", "FTH1", "FPN", "CTR1", "ATP7A", "FDX1", "MT_expression", "GCL"];
const FOLDS: [f64; 5] = [0.0, 0.1, 0.5, 3.0, 10.0];
const AT_MOST: f64 = 1e-5;

#[test]
fn hardly_any_lane_fails() {
    let lanes: usize = std::env::var("LANES").map_or(1500, |lanes| lanes.parse().expect("LANES is a number"));
    let parameters = table(PARAMETERS);
    for (name, text) in MODELS {
        let model = Model::new(text, &["live"]);
        let (mut failed, mut finished) = (Vec::new(), 0);
        for first in (0..lanes).step_by(5000) {
            let count = lanes.min(first + 5000) - first;
            let draws = prior_draws(&model, &parameters, count, 1000 + first as u64);
            let trials: Vec<Trial> = (0..count).map(|draw| trial(&model, (first + draw) as u64, draw)).collect();
            for (trial, outputs) in trials.iter().zip(model.run(&draws, &trials)) {
                match outputs {
                    Some(outputs) if outputs[0].is_finite() => finished += 1,
                    _ => failed.push(format!("{:?}", trial.arm)),
                }
            }
        }
        println!("{name}: {finished} of {lanes} lanes finished, {} failed", failed.len());
        let draws = prior_draws(&model, &parameters, lanes.min(2000), 1000);
        println!("{name}: {} of {} draws have no rest without a dose", model.restless(&draws), draws.len());
        let allowed = (AT_MOST * lanes as f64) as usize;
        assert!(failed.len() <= allowed, "{name}: {} failed, {allowed} may:\n{}", failed.len(), failed.join("\n"));
    }
}

/// Up to three doses and up to two genotypes.
fn trial(model: &Model, stream: u64, draw: usize) -> Trial {
    let mut stream = Stream::new(2000, stream);
    let mut arm = Arm::default();
    let known: Vec<&(&str, f64)> = DOSES.iter().filter(|(name, _)| model.inputs.contains_key(*name)).collect();
    for _ in 0..stream.below(4) {
        let (name, highest) = known[stream.below(known.len())];
        let value = highest * 10f64.powf(-4.0 * stream.uniform());
        let from = [0.0, 0.0, -24.0][stream.below(3)];
        let until = (stream.below(4) == 0).then_some(from + 2.0);
        arm = arm.with(&Arm { factors: vec![], doses: vec![Dose { name: (*name).into(), value, from, until }] });
    }
    let known: Vec<&&str> = FACTORS.iter().filter(|name| model.inputs.contains_key(**name)).collect();
    for _ in 0..stream.below(3) {
        let factor = ((*known[stream.below(known.len())]).to_string(), FOLDS[stream.below(FOLDS.len())]);
        arm = arm.with(&Arm { factors: vec![factor], doses: vec![] });
    }
    Trial { draw, arm, time: 72.0 }
}
