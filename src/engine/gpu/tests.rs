//! What needs a look inside: cuts that no caller sees, and a device that goes away.

use super::*;
use crate::engine::method::Continuous;
use crate::engine::{Lane, Protocol, Segment, Settings, Status};
use crate::expr::{Graph, Id, Symbol};
use crate::model::{Parameter, State, System};
use crate::program::Lowering;

/// Van der Pol's oscillator, which needs steps of very different lengths.
fn oscillator() -> Program {
    let mut graph = Graph::new();
    let (y, v) = (graph.symbol(Symbol::State(0)), graph.symbol(Symbol::State(1)));
    let mu = graph.symbol(Symbol::Parameter(0));
    let cubic = graph.product(&[(mu, 1), (y, 2), (v, 1)]);
    let linear = graph.mul(mu, v);
    let force = graph.sum(0.0, &[(1.0, linear), (-1.0, cubic), (-1.0, y)]);
    let mut state = |name: &str, initial: f64, derivative: Id| State {
        name: name.to_string(),
        initial: graph.constant(initial),
        derivative,
        unit: String::new(),
    };
    let states = vec![state("y", 2.0, v), state("v", 0.0, force)];
    let parameters = vec![Parameter { name: "mu".to_string(), value: 1.0, unit: String::new() }];
    let system = System { graph, states, parameters, ..System::default() };
    Program::new(&system, &Lowering { inputs: vec![0], fixed: vec![], outputs: vec![y, v] })
}

fn engine(precision: Precision) -> Option<GpuEngine> {
    match GpuEngine::open(Some(""), precision) {
        Ok(engine) => Some(engine),
        Err(error) if std::env::var("FENTON_REQUIRE_GPU").is_ok_and(|v| v == "1") => panic!("{error}"),
        Err(error) => {
            println!("not run on a GPU: {error}");
            None
        }
    }
}

fn run(engine: &GpuEngine) -> Result<Outcomes, EngineError> {
    with_batch(|batch| engine.run(batch))
}

/// 200 lanes under two protocols, ten lanes each in turn.
fn with_batch<T>(job: impl FnOnce(&Batch) -> T) -> T {
    let program = oscillator();
    let rows: Vec<f64> = (0..200).map(|i| 1.5f64.powi(i % 20)).collect();
    let lanes: Vec<Lane> = (0..200).map(|row| Lane { row, protocol: row / 10 % 2 }).collect();
    let segments = vec![Segment { until: 25.0, ..Segment::default() }];
    let protocols =
        [vec![25.0], vec![0.0, 1.0, 20.0]].map(|outputs| Protocol { start: 0.0, segments: segments.clone(), outputs });
    let settings =
        Settings { method: Method::Rodas4P, rtol: 1e-4, atol: vec![1e-6; 2], max_steps: 10_000, caution: 1.0 };
    job(&Batch {
        program: &program,
        lanes: &lanes,
        rows: &rows,
        protocols: &protocols,
        tangents: &[],
        settings: &settings,
    })
}

/// The numbers of the continuous extensions stand in the shaders, too.
#[test]
fn shaders_have_the_extensions_of_the_methods() {
    let files = [
        (Method::Rodas4P, include_str!("../../../shaders/rodas4p.wgsl")),
        (Method::Rodas5P, include_str!("../../../shaders/rodas5p.wgsl")),
        (Method::Tsit5, include_str!("../../../shaders/tsit5.wgsl")),
    ];
    let readings = include_str!("../../../shaders/shared/readings.wgsl");
    assert!(readings.contains(&format!("const ALLOWED: real = {:?};", Continuous::ALLOWED)));
    for (method, text) in files {
        let number = |name: &str| -> Option<f64> {
            let line = text.lines().find(|line| line.starts_with(&format!("const {name}: real")))?;
            line.split(['=', ';']).nth(1)?.trim().parse().ok()
        };
        let continuous = method.continuous();
        for (r, row) in continuous.dense.iter().enumerate() {
            for (i, &weight) in row.iter().enumerate() {
                assert_eq!(
                    number(&format!("D{}{}", r + 1, i + 1)).unwrap_or(0.0),
                    weight,
                    "{method:?}, row {r}, stage {i}"
                );
            }
        }
        for (i, &weight) in continuous.mismatch.iter().enumerate() {
            let found = number(&format!("M{}", i + 1)).expect("a weight");
            assert!((found - weight).abs() < 1e-13, "{method:?}, stage {i}: {found}, {weight}");
        }
    }
}

#[test]
fn cuts_do_not_show() {
    for precision in [Precision::F32, Precision::F64] {
        let Some(mut engine) = engine(precision) else { return };
        let whole = run(&engine).unwrap();
        assert!(whole.reports.iter().all(|report| report.status == Status::Finished));
        // Parts of a few lanes, and dispatches of a few steps.
        for (lanes, budget) in [(usize::MAX, 1), (7, 5), (64, 3)] {
            engine.most_lanes = lanes;
            for compiled in lock(&engine.compiled).values() {
                compiled.budget.store(budget, std::sync::atomic::Ordering::Relaxed);
            }
            let cut = run(&engine).unwrap();
            let bits = |o: &Outcomes| o.outputs.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert!(bits(&whole) == bits(&cut), "{precision:?}, {lanes} lanes, {budget} steps");
            assert!(whole.reports == cut.reports, "{precision:?}, {lanes} lanes, {budget} steps");
        }
    }
}

#[test]
fn cuts_do_not_show_in_what_is_reduced() {
    use crate::engine::{Law, Misfit, Number, Residual};
    let numbers: Vec<f64> = (0..10).map(|point| 0.1 + f64::from(point)).collect();
    let residuals: Vec<Residual> = (0..200)
        .map(|i| Residual {
            law: Law::Normal,
            value: 0.01 * i as f64,
            offset: Number::OfPoint(0),
            scale: Number::Constant(0.3),
            sd: Number::Constant(0.2),
            relative: Some(Number::OfPoint(0)),
            above: vec![(1.0, i % 8), (-0.5, (i + 3) % 8)],
            below: vec![(2.0, 0), (1.0, 2)],
        })
        .collect();
    for precision in [Precision::F32, Precision::F64] {
        let Some(mut engine) = engine(precision) else { return };
        for misfit in [None, Some(Misfit { residuals: &residuals, numbers: &numbers, count: 1 })] {
            // Ten points of two runs of ten cells.
            let reduction = Reduction { runs: 2, cells: 10, misfit };
            let mut reduce = |most| {
                engine.most_lanes = most;
                with_batch(|batch| engine.reduce(batch, &reduction))
            };
            let whole = reduce(usize::MAX).unwrap().expect("it is offered");
            assert!(whole.failed == [false; 10] && whole.values.iter().all(|value| value.is_finite()));
            assert_eq!(whole.values.len(), if misfit.is_some() { 10 } else { 80 });
            for most in [20, 79, 60] {
                let cut = reduce(most).unwrap().expect("it is offered");
                let bits = |r: &Reduced| r.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(bits(&whole) == bits(&cut), "{precision:?}, {most} lanes");
            }
            // Not a single point: the caller goes another way.
            assert!(reduce(19).unwrap().is_none());
        }
    }
}

#[test]
fn a_lost_device_is_an_error() {
    let Some(engine) = engine(Precision::F32) else { return };
    run(&engine).unwrap();
    engine.device.device.destroy();
    let error = run(&engine).unwrap_err();
    assert!(matches!(error, EngineError::Device(_)), "{error:?}");
}

#[test]
fn a_kernel_that_does_not_compile_is_an_error() {
    let Some(engine) = engine(Precision::F32) else { return };
    let error = Integration::new(&engine.device, "fn prepare() { nonsense }").err().unwrap();
    assert!(matches!(error, EngineError::Device(_)), "{error:?}");
}
