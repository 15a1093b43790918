//! One suite of checks that every engine has to pass.

mod common;

use common::Problem;
use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Race, Segment, Settings, Status};
use fenton::expr::Symbol;
use fenton::program::{Lowering, Program};

fn program(problem: &Problem) -> Program {
    let mut system = problem.system.clone();
    let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
    Program::new(&system, &Lowering { outputs, inputs: vec![0], fixed: vec![] })
}

fn settings(problem: &Problem, method: Method, rtol: f64) -> Settings {
    let atol = problem.scale.iter().map(|scale| scale * rtol * 1e-3).collect();
    Settings { method, rtol, atol, max_steps: 1_000_000, caution: 1.0 }
}

/// Runs `lanes` equal lanes to the end and returns the first one's worst error, relative to the solution or, where
/// that is smaller, to a thousandth of the state's scale, with its report.
fn error(engine: &dyn Engine, problem: &Problem, method: Method, rtol: f64) -> (f64, fenton::engine::LaneReport) {
    let program = program(problem);
    let settings = settings(problem, method, rtol);
    let protocol = Protocol {
        start: 0.0,
        segments: vec![Segment { until: problem.end, ..Segment::default() }],
        outputs: vec![problem.end],
    };
    let row = [problem.system.parameters[0].value];
    let outcomes = engine
        .run(&Batch {
            program: &program,
            lanes: &[Lane { row: 0, protocol: 0 }],
            rows: &row,
            protocols: &[protocol],
            tangents: &[],
            settings: &settings,
        })
        .expect("the engine runs");
    let worst = problem
        .solution
        .iter()
        .zip(&outcomes.outputs)
        .zip(&problem.scale)
        .map(|((exact, found), scale)| (exact - found).abs() / exact.abs().max(1e-3 * scale))
        .fold(0.0, f64::max);
    (worst, outcomes.reports[0])
}

fn engines() -> Vec<Box<dyn Engine>> {
    let both = [Precision::F64, Precision::F32];
    let cpu = both.map(|precision| Box::new(CpuEngine::new(precision)) as Box<dyn Engine>);
    let tape = both.map(|precision| Box::new(CpuEngine::interpreting(precision)) as Box<dyn Engine>);
    let gpu = both.into_iter().filter_map(common::gpu).map(|engine| Box::new(engine) as Box<dyn Engine>);
    cpu.into_iter().chain(tape).chain(gpu).collect()
}

/// The tightest tolerance, as a power of ten, that a precision is asked for: single precision has seven digits, and
/// rounding in the stages takes up to two of them.
fn tightest(precision: Precision) -> i32 {
    match precision {
        Precision::F32 => 4,
        Precision::F64 => 9,
    }
}

fn check(problem: &Problem, methods: &[Method], factor: f64) {
    for engine in engines() {
        for &method in methods {
            for exponent in 3..=tightest(engine.precision()) {
                let rtol = 10f64.powi(-exponent);
                let (error, report) = error(engine.as_ref(), problem, method, rtol);
                println!(
                    "{} {} {:?} {method:?} rtol {rtol:e}: error {error:.2e}, {} steps, {} rejected",
                    problem.system.name,
                    engine.name(),
                    engine.precision(),
                    report.steps,
                    report.rejected
                );
                assert_eq!(report.status, Status::Finished);
                assert!(error <= factor * rtol, "error {error:e} at rtol {rtol:e}");
            }
        }
    }
}

const STIFF: [Method; 2] = [Method::Rodas4P, Method::Rodas5P];
const ALL: [Method; 3] = [Method::Rodas4P, Method::Rodas5P, Method::Tsit5];

#[test]
fn decay() {
    check(&common::decay(0.7), &ALL, 10.0);
}

#[test]
fn prothero_robinson() {
    check(&common::prothero_robinson(), &STIFF, 10.0);
}

#[test]
fn robertson() {
    check(&common::robertson(), &STIFF, 10.0);
}

#[test]
fn hires() {
    check(&common::hires(), &STIFF, 10.0);
}

#[test]
fn van_der_pol() {
    check(&common::van_der_pol(), &STIFF, 10.0);
}

#[test]
fn lorenz() {
    check(&common::lorenz(), &ALL, 10.0);
}

/// The program's own choice: explicit where nothing is stiff.
#[test]
fn the_method_is_chosen_by_the_work_it_takes() {
    for (problem, precision, expected) in [
        (common::lorenz(), Precision::F64, Method::Tsit5),
        (common::hires(), Precision::F64, Method::Rodas5P),
        (common::robertson(), Precision::F32, Method::Rodas4P),
        (common::van_der_pol(), Precision::F64, Method::Rodas5P),
    ] {
        let program = program(&problem);
        let settings = settings(&problem, Method::Rodas5P, 1e-5);
        let segments = vec![Segment { until: problem.end, ..Segment::default() }];
        let chosen = fenton::engine::choose(
            &Batch {
                program: &program,
                lanes: &[Lane { row: 0, protocol: 0 }],
                rows: &[problem.system.parameters[0].value],
                protocols: &[Protocol { start: 0.0, segments, outputs: vec![problem.end] }],
                tangents: &[],
                settings: &settings,
            },
            precision,
        );
        assert_eq!(chosen, Ok(Race { method: expected, doubt: None }), "{}", problem.system.name);
    }
}

/// Accepted and rejected steps at rtol 1e-6, pinned: a change of the controller or of a method shows here. Fused
/// multiply-adds differ between instruction sets, so a count may move a little.
#[test]
fn step_counts_are_as_recorded() {
    let recorded = [
        (common::hires(), Method::Rodas4P, 318, 6),
        (common::hires(), Method::Rodas5P, 234, 2),
        (common::robertson(), Method::Rodas4P, 173, 0),
        (common::robertson(), Method::Rodas5P, 94, 2),
        (common::van_der_pol(), Method::Rodas4P, 1016, 13),
        (common::van_der_pol(), Method::Rodas5P, 624, 25),
        (common::lorenz(), Method::Rodas4P, 145, 1),
        (common::lorenz(), Method::Rodas5P, 79, 3),
        (common::lorenz(), Method::Tsit5, 56, 3),
    ];
    for (problem, method, steps, rejected) in recorded {
        let (_, report) = error(&CpuEngine::new(Precision::F64), &problem, method, 1e-6);
        let near = |found: u32, recorded: u32| found.abs_diff(recorded) <= 2 + recorded / 100;
        assert!(
            near(report.steps, steps) && near(report.rejected, rejected),
            "{} {method:?}: {} + {}, recorded {steps} + {rejected}",
            problem.system.name,
            report.steps,
            report.rejected
        );
    }
}
