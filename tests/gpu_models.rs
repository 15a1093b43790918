//! The embedded models on a device: quick from a cold start, and the CPU's answer.

mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Segment, Settings, Status};
use fenton::program::Program;
use fenton::study::embedded;
use std::time::Instant;

/// What is given, where the model knows it: all of them have something to do.
const GIVEN: [(&str, f64); 7] = [
    ("FAC", 1000.0),
    ("RSL3", 0.03),
    ("GPX4i", 0.03),
    ("CuCl2", 20.0),
    ("elesclomol", 0.01),
    ("erastin", 2.0),
    ("dose", 2.0),
];

fn program(name: &str, source: &str) -> (Program, Vec<f64>) {
    let system = fenton::model::antimony::read(source, name).and_then(|network| network.system()).expect("it reads");
    let given = |name: &str| GIVEN.iter().find(|(given, _)| *given == name).map(|(_, dose)| *dose);
    let row = system.parameters.iter().map(|parameter| given(&parameter.name).unwrap_or(parameter.value)).collect();
    (common::program(&system), row)
}

fn run(engine: &dyn Engine, program: &Program, row: &[f64], method: Method, rtol: f64) -> Outcomes {
    let states = program.states.len();
    let settings = Settings { method, rtol, atol: vec![rtol * 1e-3; states], max_steps: 100_000, caution: 1.0 };
    let protocols = [Protocol {
        start: 0.0,
        segments: vec![Segment { until: 48.0, ..Segment::default() }],
        outputs: vec![0.0, 6.0, 24.0, 48.0],
    }];
    let lanes = [Lane { row: 0, protocol: 0 }];
    let batch = Batch { program, lanes: &lanes, rows: row, protocols: &protocols, tangents: &[], settings: &settings };
    engine.run(&batch).expect("the engine runs")
}

#[test]
fn embedded_models_agree_with_the_reference() {
    let reference = CpuEngine::new(Precision::F64);
    for (precision, method, rtol) in [(Precision::F32, Method::Rodas4P, 1e-4), (Precision::F64, Method::Rodas5P, 1e-6)]
    {
        let Some(gpu) = common::gpu(precision) else { return };
        for file in embedded::MODELS {
            let name = file.name;
            let (program, row) = program(name, file.text);
            if program.states.is_empty() {
                continue;
            }
            if let Some(reason) = gpu.declines(&program, false) {
                println!("{name}: declined, {reason}");
                continue;
            }
            let exact = run(&reference, &program, &row, Method::Rodas5P, 1e-9);
            let began = Instant::now();
            let found = run(&gpu, &program, &row, method, rtol);
            let states = program.states.len();
            println!("{name} ({states} states) {precision:?}: first result after {:?}", began.elapsed());
            assert_eq!(found.reports[0].status, Status::Finished, "{name} {precision:?}");
            let error = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(1e-2);
            let worst = exact.outputs.iter().zip(&found.outputs).map(error).fold(0.0, f64::max);
            assert!(worst < 20.0 * rtol, "{name} {precision:?}: {worst:e}");
        }
    }
}
