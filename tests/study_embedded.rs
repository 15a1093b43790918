//! Objectives of the embedded studies: each can be evaluated and expanded, and gradients agree with differences.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, NODE_TOLERANCE, Objective, StudyObjective, settle_nodes};
use fenton::study::{Study, embedded};

#[test]
fn every_embedded_study_can_be_evaluated_and_expanded() {
    let engine = CpuEngine::new(Precision::F64);
    for file in embedded::STUDIES {
        let study = Study::embedded(file.name).unwrap_or_else(|e| panic!("{e}"));
        let problem = study.problem();
        let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).unwrap();
        let point = objective.nominal().unwrap().to_vec();
        let evaluation = objective.evaluate(std::slice::from_ref(&point)).unwrap().remove(0);
        let expansion = objective.expand(std::slice::from_ref(&point)).unwrap().remove(0);
        assert!(evaluation.value.is_finite(), "{}: {:?}", file.name, evaluation.failures);
        assert!((evaluation.value - expansion.value).abs() < 1e-6 * (1.0 + evaluation.value.abs()));
        if problem.cells.is_some() {
            continue;
        }
        let choice = Choice { rtol: Some(1e-9), ..Choice::default() };
        let tight = StudyObjective::new(&problem, &engine, &engine, choice).unwrap();
        let moved = (0..point.len()).flat_map(|i| {
            [1e-4, -1e-4].map(|by| {
                let mut moved = point.clone();
                moved[i] += by;
                moved
            })
        });
        let values = tight.evaluate(&moved.collect::<Vec<_>>()).unwrap();
        let scale = expansion.gradient.amax().max(1.0);
        for (i, pair) in values.chunks(2).enumerate() {
            let difference = (pair[0].value - pair[1].value) / 2e-4;
            let (exact, name) = (expansion.gradient[i], &objective.names()[i]);
            assert!((exact - difference).abs() < 2e-3 * scale, "{}: {name} {exact} {difference}", file.name);
        }
    }
}

/// 64 nodes against 512: gradients by scores and common-node differences, and the predictions themselves.
#[test]
fn population_gradients_are_near_those_of_many_nodes() {
    let engine = CpuEngine::new(Precision::F64);
    let study = Study::embedded("ml210-medians").unwrap_or_else(|e| panic!("{e}"));
    let gradient = |nodes: usize| {
        let mut study = study.clone();
        study.cells.as_mut().expect("a study with spread").nodes = nodes;
        let problem = study.problem();
        let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).unwrap();
        let point = objective.nominal().unwrap().iter().map(|x| x + 0.05).collect();
        objective.expand(&[point]).unwrap().remove(0).gradient
    };
    let (few, many) = (gradient(64), gradient(512));
    let error = (&few - &many).norm() / many.norm();
    assert!(error < 0.15, "{error}: {few} {many}");
}

#[test]
fn the_number_of_nodes_is_raised_until_viability_stands_still() {
    let engine = CpuEngine::new(Precision::F64);
    let mut study = Study::embedded("ml210-medians").unwrap_or_else(|e| panic!("{e}"));
    study.cells.as_mut().expect("a study with spread").nodes = 4;
    let values: Vec<f64> = study.problem().parameters.iter().map(|p| p.start).collect();
    let checks = settle_nodes(&mut study, &engine, Choice::default(), &values).unwrap();
    assert!(checks.len() > 1 && checks[0].moved > NODE_TOLERANCE, "{checks:?}");
    assert!(checks.last().unwrap().moved < NODE_TOLERANCE, "{checks:?}");
    assert_eq!(study.cells.unwrap().nodes, checks.last().unwrap().nodes);
}
