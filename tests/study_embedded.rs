//! Objectives of the embedded studies: each can be evaluated and expanded, and gradients agree with differences.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, NODE_TOLERANCE, Objective, StudyObjective, settle_nodes};
use fenton::study::{Study, embedded};
use std::path::Path;

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

/// Cells that live or die: gradients by scores and common-node differences, at the number of nodes at which viability
/// stands still, against those at many more. Parameters of the noise have no part in it.
#[test]
fn population_gradients_are_near_those_of_many_nodes() {
    let engine = CpuEngine::new(Precision::F64);
    for (name, spread, most) in [("fac-ht1080", "V_iron", 16_384), ("population", "V_GPX4", 2048)] {
        let mut study = match name {
            "fac-ht1080" => with_spread(name, spread),
            _ => population(),
        };
        let values: Vec<f64> = study.problem().parameters.iter().map(|p| p.start).collect();
        settle_nodes(&mut study, &engine, Choice::default(), &values).unwrap();
        let gradient = |nodes: usize| {
            let mut study = study.clone();
            study.cells.as_mut().expect("a study with spread").nodes = nodes;
            let problem = study.problem();
            let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).unwrap();
            let point = objective.nominal().unwrap().iter().map(|x| x + 0.05).collect();
            let mut gradient = objective.expand(&[point]).unwrap().remove(0).gradient;
            let noise = objective.names().iter().position(|name| name == "sigma");
            noise.into_iter().for_each(|at| gradient[at] = 0.0);
            gradient
        };
        let nodes = study.cells.as_ref().expect("a study with spread").nodes;
        let (few, many) = (gradient(nodes), gradient(most));
        let error = (&few - &many).norm() / many.norm();
        println!("{name}, spread of {spread}: {nodes} nodes, error {error:.3}");
        assert!(error < 0.15, "{name}, {spread}, {nodes} nodes: {error}: {few} {many}");
    }
}

/// An embedded study whose cells differ in `input`.
fn with_spread(name: &str, input: &str) -> Study {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/studies");
    let text = std::fs::read_to_string(source.join(format!("{name}.toml"))).unwrap();
    let cells = format!(
        "\n[cells]\nnodes = 64\nspread = {{ {input} = \"spread\" }}\n[parameters.spread]\nvalue = 0.3\n\
         bounds = [0.05, 1.0]\nsource = \"assumed\"\n"
    );
    std::fs::copy(source.join(format!("{name}.csv")), folder.path().join(format!("{name}.csv"))).unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, text + &cells).unwrap();
    Study::open(&path).unwrap_or_else(|e| panic!("{e}"))
}

/// A study with a population of cells, on a minimal model.
fn population() -> Study {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/studies/population.toml");
    Study::open(&path).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_number_of_nodes_is_raised_until_viability_stands_still() {
    let engine = CpuEngine::new(Precision::F64);
    let mut study = population();
    study.cells.as_mut().expect("a study with spread").nodes = 4;
    let values: Vec<f64> = study.problem().parameters.iter().map(|p| p.start).collect();
    let checks = settle_nodes(&mut study, &engine, Choice::default(), &values).unwrap();
    assert!(checks.len() > 1 && checks[0].moved > NODE_TOLERANCE, "{checks:?}");
    assert!(checks.last().unwrap().moved < NODE_TOLERANCE, "{checks:?}");
    assert_eq!(study.cells.unwrap().nodes, checks.last().unwrap().nodes);
}
