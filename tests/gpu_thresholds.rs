//! What draws answer does not depend on the engine that the search ran on: f64 on the CPU has the last word.

mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Engine, Precision};
use fenton::inference::threshold::{Answer, Answers, What};
use fenton::inference::{Choice, Ensemble, StudyObjective, StudyTarget};
use fenton::study::Study;
use fenton::summary::thresholds::{Asked, Engines, Wanted, ask};

const DRAWS: usize = 8;
/// Brackets of doses end 0.11 % wide, those of times 1/512 of the whole.
const DOSES: f64 = 1.2e-3;
const TIMES: f64 = 2.0 / 512.0;

fn asked(study: &Study, engine: &dyn Engine) -> Asked {
    let reference = CpuEngine::new(Precision::F64);
    let problem = study.problem();
    let objective = StudyObjective::new(&problem, &reference, &reference, Choice::default()).unwrap();
    let draws = Ensemble::of_priors(&StudyTarget::new(&objective), DRAWS, 3);
    let engines = Engines { engine, reference: &reference, choice: Choice::default() };
    let wanted = Wanted { effect: 0.1, wider: 3.0, ..Wanted::default() };
    ask(study, engines, (&draws, &Ensemble::default()), &wanted, &mut |_| true).unwrap().unwrap()
}

/// How many numbers there were to compare.
fn same(found: &Asked, wanted: &Asked, engine: &str) -> usize {
    let pairs = found.posterior.iter().flatten().zip(wanted.posterior.iter().flatten());
    let mut numbers = 0;
    for (Answers { what, of: found }, Answers { of: wanted, .. }) in pairs {
        for (draw, pair) in found.iter().zip(wanted).enumerate() {
            let place = || format!("{engine}, draw {draw}, {what:?}: {pair:?}");
            let (Answer::Value(found), Answer::Value(wanted)) = pair else {
                assert_eq!(pair.0, pair.1, "{}", place());
                continue;
            };
            numbers += 1;
            let off = match what {
                What::NoReturn(_) => (found - wanted).abs() / 72.0 / TIMES,
                _ => (found / wanted - 1.0).abs() / DOSES,
            };
            assert!(off < 1.0, "{}", place());
        }
    }
    numbers
}

#[test]
fn thresholds_are_the_same_wherever_they_were_searched_for() {
    let study = Study::embedded("fac-ht1080").unwrap();
    let wanted = asked(&study, &CpuEngine::new(Precision::F64));
    let single = CpuEngine::new(Precision::F32);
    assert!(same(&asked(&study, &single), &wanted, "f32 lanes") > 10 * DRAWS);
    let Some(gpu) = common::gpu(Precision::F32) else { return };
    assert!(same(&asked(&study, &gpu), &wanted, "a device in f32") > 10 * DRAWS);
}
