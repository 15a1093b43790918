//! `cargo bench --bench engines`: nanoseconds a lane-step of each engine on the reference problems.

#[path = "../tests/common/mod.rs"]
mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, Settings};
use fenton::expr::Symbol;
use fenton::program::{Lowering, Program};
use std::time::Instant;

/// The embedded model of both deaths, dosed with iron and copper, to 48 h.
fn crosstalk() -> common::Problem {
    let source = include_str!("../data/models/crosstalk-minimal.ant");
    let network = fenton::model::antimony::read(source, "crosstalk-minimal.ant").expect("an embedded model");
    let mut system = network.system().expect("an embedded model");
    for (name, value) in [("FAC", 2000.0), ("CuCl2", 20.0)] {
        let at = system.parameter(name).expect("a dose") as usize;
        system.parameters[at].value = value;
    }
    let first = system.parameter("k_branching").expect("a rate constant") as usize;
    system.parameters.swap(0, first);
    let swapped = |symbol| match symbol {
        Symbol::Parameter(0) => Some(Symbol::Parameter(first as u32)),
        Symbol::Parameter(at) if at as usize == first => Some(Symbol::Parameter(0)),
        _ => None,
    };
    let mut roots: Vec<_> = system.states.iter().flat_map(|s| [s.initial, s.derivative]).collect();
    roots = system.graph.substitute(&roots, &mut |graph, symbol| swapped(symbol).map(|s| graph.symbol(s)));
    for (state, pair) in system.states.iter_mut().zip(roots.chunks(2)) {
        (state.initial, state.derivative) = (pair[0], pair[1]);
    }
    let scale = vec![1.0; system.states.len()];
    common::Problem { system, end: 48.0, solution: Vec::new(), scale }
}

fn main() {
    let instances = 16_384;
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    for precision in [Precision::F64, Precision::F32] {
        engines.push(Box::new(CpuEngine::new(precision)));
        engines.push(Box::new(CpuEngine::interpreting(precision)));
        for device in fenton::engine::gpu::devices() {
            if let Ok(engine) = fenton::engine::gpu::GpuEngine::open(Some(&device.name), precision) {
                engines.push(Box::new(engine));
            }
        }
    }
    println!(
        "{:<18} {:<9} {:>4} {:>6} {:>9} {:>9} {:>10}",
        "problem", "method", "", "rtol", "steps", "us/inst", "ns/step"
    );
    for problem in [crosstalk(), common::hires(), common::robertson(), common::lorenz()] {
        let mut system = problem.system.clone();
        let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
        let program = Program::new(&system, &Lowering { outputs, inputs: vec![0], fixed: vec![] });
        // A spread of 20 % in the first parameter keeps the lanes apart.
        let nominal = system.parameters[0].value;
        let rows: Vec<f64> = (0..instances).map(|i| nominal * (0.9 + 0.2 * i as f64 / instances as f64)).collect();
        let lanes: Vec<Lane> = (0..instances as u32).map(|row| Lane { row, protocol: 0 }).collect();
        let segments = vec![Segment { until: problem.end, ..Segment::default() }];
        let protocols = [Protocol { start: 0.0, segments, outputs: vec![problem.end] }];
        for engine in &engines {
            let precision = engine.precision();
            for (method, rtol) in [(Method::Rodas4P, 1e-4), (Method::Rodas5P, 1e-6), (Method::Tsit5, 1e-4)] {
                if precision == Precision::F32 && rtol < 1e-5 || method == Method::Tsit5 && problem.end > 1.0 {
                    continue;
                }
                let atol = problem.scale.iter().map(|scale| scale * rtol * 1e-2).collect();
                let settings = Settings { method, rtol, atol, max_steps: 100_000, caution: 1.0 };
                let batch = Batch {
                    program: &program,
                    lanes: &lanes,
                    rows: &rows,
                    protocols: &protocols,
                    tangents: &[],
                    settings: &settings,
                };
                let mut best = f64::INFINITY;
                let mut steps = 0;
                for _ in 0..5 {
                    let start = Instant::now();
                    let outcomes = engine.run(&batch).expect("the CPU runs");
                    best = best.min(start.elapsed().as_secs_f64());
                    steps = outcomes.reports.iter().map(|r| u64::from(r.steps + r.rejected)).sum();
                }
                println!(
                    "{:<24} {:<18} {:<9} {:>4} {:>6.0e} {:>9.1} {:>9.3} {:>10.2}",
                    format!("{}, {}", engine.name(), engine.detail()).chars().take(24).collect::<String>(),
                    system.name,
                    method.name(),
                    format!("{precision:?}"),
                    rtol,
                    steps as f64 / instances as f64,
                    best * 1e6 / instances as f64,
                    best * 1e9 / steps as f64
                );
            }
        }
    }
}
