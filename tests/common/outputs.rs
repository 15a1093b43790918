//! What the CPU engine makes of a study at the values that its parameters start from.

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Settings, Status};
use fenton::study::problem::Problem;

/// The outputs of all runs at the values that a study starts from.
pub fn outputs(problem: &Problem) -> Vec<f64> {
    let start: Vec<f64> = problem.parameters.iter().map(|p| p.start).collect();
    let rows: Vec<Vec<f64>> =
        problem.backgrounds.iter().map(|terms| terms.iter().map(|term| term.value(&start)).collect()).collect();
    let lanes: Vec<Lane> = problem
        .layout
        .runs
        .iter()
        .enumerate()
        .map(|(protocol, run)| Lane { row: run.condition as u32, protocol: protocol as u32 })
        .collect();
    let atol = vec![1e-9; problem.program.states.len()];
    let settings = Settings { method: Method::Rodas5P, rtol: 1e-8, atol, max_steps: 10_000, caution: 1.0 };
    let batch = Batch {
        program: &problem.program,
        lanes: &lanes,
        rows: &rows.concat(),
        protocols: &problem.layout.protocols,
        tangents: &[],
        settings: &settings,
    };
    let outcomes = CpuEngine::new(Precision::F64).run(&batch).unwrap();
    assert!(outcomes.reports.iter().all(|report| report.status == Status::Finished));
    outcomes.outputs
}
