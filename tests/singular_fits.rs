//! Studies whose states start at 0 under a root or a Hill law with an exponent below one: they are fitted, whichever
//! method integrates, without a failed evaluation, to the same optimum.

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Method, Precision, Status};
use fenton::inference::{Choice, FitResult, FitSettings, StudyObjective, Wanted, fit};
use fenton::study::Study;
use std::path::PathBuf;

fn study(name: &str) -> Study {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/studies/singular");
    Study::open(&folder.join(format!("{name}.toml"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn fitted(name: &str, precision: Precision, method: Option<Method>) -> FitResult {
    let problem = study(name).problem();
    let (engine, reference) = (CpuEngine::new(precision), CpuEngine::new(Precision::F64));
    let choice = Choice { method, ..Choice::default() };
    let objective = StudyObjective::new(&problem, &engine, &reference, choice).expect("an objective");
    let settings = FitSettings { starts: 100, refine: Some(10), ..FitSettings::default() };
    fit(&objective, &settings, &mut ()).expect("a fit")
}

fn check(name: &str, objective: f64, expected: &[(&str, f64)], methods: &[Option<Method>]) {
    for precision in [Precision::F64, Precision::F32] {
        for &method in methods {
            let result = fitted(name, precision, method);
            assert!((result.value - objective).abs() < 0.01, "{name} {precision:?} {method:?}: {}", result.value);
            assert!(result.failures.is_empty(), "{name} {precision:?} {method:?}: {:?}", result.failures);
            for &(parameter, value) in expected {
                let at = result.names.iter().position(|name| name == parameter).expect("a parameter of this name");
                let found = 10f64.powf(result.point[at]);
                assert!((found / value - 1.0).abs() < 0.01, "{name} {precision:?} {method:?}: {parameter} = {found}");
            }
        }
    }
}

const EACH: [Option<Method>; 4] = [None, Some(Method::Rodas4P), Some(Method::Rodas5P), Some(Method::Tsit5)];
const UPTAKE: [(&str, f64); 3] = [("h", 0.58), ("kd", 0.0878), ("K", 4.22)];

#[test]
fn a_tank_that_fills_from_nothing() {
    check("tank", -72.088, &[("c", 0.518), ("kd", 0.0528), ("sigma", 0.0327)], &EACH);
}

#[test]
fn a_hill_law_with_an_exponent_below_one() {
    check("uptake", -137.305, &UPTAKE, &EACH);
}

/// With a fast reaction beside it. It takes a third of the drug, so that its optimum is another one: that of Tsit5 in
/// 2 million steps is the same.
#[test]
fn a_hill_law_beside_a_fast_reaction() {
    check("uptake_stiff", -139.712, &[("h", 0.584), ("kd", 0.0891), ("K", 4.04)], &EACH[..3]);
}

/// `1/(1 + (K/D)^h)` has no slope by `K` and `h` where `D` is 0: differences serve.
#[test]
fn a_law_without_a_slope_is_fitted_by_differences() {
    check("uptake_ratio", -137.305, &UPTAKE, &EACH[..2]);
    let problem = study("uptake_ratio").problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).expect("an objective");
    let values: Vec<f64> = problem.parameters.iter().map(|parameter| parameter.start).collect();
    let tangents: Vec<u32> = (0..problem.program.inputs.len() as u32)
        .filter(|&i| ["K", "h"].contains(&problem.program.inputs[i as usize].as_str()))
        .collect();
    let wanted = Wanted { tangents: &tangents, ..Wanted::default() };
    let simulated = objective.simulator.run(&[values], wanted, false).expect("the engine runs").remove(0);
    assert!(matches!(simulated.failures[..], [(Status::NoSlope, count)] if count >= 1), "{:?}", simulated.failures);
}
