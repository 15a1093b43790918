//! What only the GPU engine has to show: its functions, its cuts, its limits, and that it does what the CPU does.

mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::gpu::{GpuEngine, devices};
use fenton::engine::{
    Batch, Engine, EngineError, Lane, LaneReport, Method, Outcomes, Precision, Protocol, Segment, Settings, Status,
};
use fenton::expr::{Binary, Function, Id, Symbol};
use fenton::model::{Switch, System};
use fenton::program::{Lowering, Program};
use std::time::Instant;

fn settings(states: usize, method: Method, rtol: f64) -> Settings {
    Settings { method, rtol, atol: vec![rtol * 1e-4; states], max_steps: 100_000, caution: 1.0 }
}

fn plain(until: f64, outputs: &[f64]) -> Protocol {
    Protocol { start: 0.0, segments: vec![Segment { until, ..Segment::default() }], outputs: outputs.to_vec() }
}

fn run(engine: &dyn Engine, program: &Program, rows: &[f64], protocols: &[Protocol], settings: &Settings) -> Outcomes {
    let width = program.inputs.len();
    let count = rows.len().checked_div(width).unwrap_or(1);
    let lanes: Vec<Lane> = (0..count as u32)
        .flat_map(|row| (0..protocols.len() as u32).map(move |protocol| Lane { row, protocol }))
        .collect();
    engine.run(&Batch { program, lanes: &lanes, rows, protocols, tangents: &[], settings }).expect("the engine runs")
}

/// A signalling cascade with Hill terms, a slow feedback and a fast pair: stiff, `n` states, four inputs.
fn cascade(n: usize) -> System {
    let mut initial = vec![0.1; n];
    initial[0] = 1.0;
    let parameters = [("k", 1.0), ("hill", 2.5), ("half", 0.4), ("fast", 200.0)];
    common::system("cascade", &initial, &parameters, |g, y, p, _| {
        let one = g.constant(1.0);
        let half = g.power(p[2], p[1]);
        let hill: Vec<Id> = y
            .iter()
            .map(|&y| {
                let up = g.power(y, p[1]);
                let sum = g.add(up, half);
                g.div(up, sum)
            })
            .collect();
        (0..n)
            .map(|i| {
                let before = if i == 0 { hill[n - 1] } else { hill[i - 1] };
                let rate = if i % 3 == 2 { p[3] } else { p[0] };
                let made = g.sub(one, before);
                let mut terms = vec![(1.0, g.mul(rate, made)), (-1.0, g.mul(rate, y[i]))];
                let across = g.mul(y[(i + 5) % n], y[i]);
                terms.push((-0.1 / (1.0 + i as f64), across));
                g.sum(0.0, &terms)
            })
            .collect()
    })
}

/// `n` rows of the cascade's inputs, each different from the next.
fn rows(n: usize) -> Vec<f64> {
    let share = |i: usize, by: f64| (i as f64 * by).fract();
    (0..n)
        .flat_map(|i| {
            [
                0.3 + 3.0 * share(i, 0.618),
                1.0 + 3.0 * share(i, 0.414),
                0.1 + share(i, 0.732),
                50.0 + 900.0 * share(i, 0.236),
            ]
        })
        .collect()
}

/// The largest difference in units of the number or, where that is smaller, of `floor`.
fn difference(a: &[f64], b: &[f64], floor: f64) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / a.abs().max(floor)).fold(0.0, f64::max)
}

fn both(precision: Precision) -> Option<(GpuEngine, CpuEngine)> {
    Some((common::gpu(precision)?, CpuEngine::new(precision)))
}

fn bits(outcomes: &Outcomes) -> Vec<u64> {
    outcomes.outputs.iter().map(|v| v.to_bits()).collect()
}

/// From nothing to the first result, for models of the embedded ones' size and for a large one. The driver keeps what
/// it compiled on disk, so only the very first run on a machine is cold.
#[test]
fn models_of_all_sizes_compile_and_agree_with_the_cpu() {
    for (n, precision) in [(6, Precision::F32), (15, Precision::F32), (15, Precision::F64), (40, Precision::F32)] {
        let began = Instant::now();
        let Some(engine) = common::gpu(precision) else { return };
        let opened = began.elapsed();
        let program = common::program(&cascade(n));
        let protocols = [plain(48.0, &[48.0])];
        let exact = settings(n, Method::Rodas5P, 1e-9);
        let reference = run(&CpuEngine::new(Precision::F64), &program, &rows(1), &protocols, &exact);
        let methods = [Method::Rodas4P, Method::Rodas5P, Method::Tsit5];
        for &method in if n < 40 { &methods[..] } else { &methods[..1] } {
            let began = Instant::now();
            let found = run(&engine, &program, &rows(1), &protocols, &settings(n, method, 1e-4));
            println!("{n} states {method:?} {precision:?}: opened in {opened:?}, first run {:?}", began.elapsed());
            assert_eq!(found.reports[0].status, Status::Finished);
            let error = difference(&reference.outputs, &found.outputs, 1e-2);
            assert!(error < 1e-3, "{n} states {method:?} {precision:?}: {error:e}");
        }
    }
}

/// A protocol with everything: settling, inputs that change, additions, outputs at changes and in between.
fn eventful(states: usize) -> Protocol {
    Protocol {
        start: -10.0,
        segments: vec![
            Segment { until: 0.0, settle: Some(1e3), set: vec![(0, 0.5)], ..Segment::default() },
            Segment { until: 6.0, set: vec![(0, 2.0)], add: vec![(0, 1.0)], ..Segment::default() },
            Segment { until: 6.0, add: vec![(1, 0.25), (states as u32 - 1, 0.5)], ..Segment::default() },
            Segment { until: 30.0, set: vec![(0, 0.7), (2, 0.3)], ..Segment::default() },
        ],
        outputs: vec![0.0, 1.0, 6.0, 6.0, 7.5, 29.0, 30.0],
    }
}

#[test]
fn protocols_are_followed_as_on_the_cpu() {
    for (precision, rtol, allowed) in [(Precision::F64, 1e-5, 1e-8), (Precision::F32, 1e-4, 1e-2)] {
        let Some(gpu) = common::gpu(precision) else { return };
        let cpu = CpuEngine::new(Precision::F64);
        let n = 6;
        let program = common::program(&cascade(n));
        let protocols = [eventful(n), plain(12.0, &[]), plain(3.0, &[0.0, 3.0])];
        let settings = settings(n, Method::Rodas4P, rtol);
        let (found, expected) = (
            run(&gpu, &program, &rows(100), &protocols, &settings),
            run(&cpu, &program, &rows(100), &protocols, &settings),
        );
        assert_eq!(found.offsets, expected.offsets);
        let mut differ = 0;
        for (lane, (report, expected_report)) in found.reports.iter().zip(&expected.reports).enumerate() {
            if report.status != expected_report.status {
                // In f32 a focus that attracts weakly can look like an orbit.
                println!("{precision:?} lane {lane}: {report:?}, on the CPU {expected_report:?}");
                differ += 1;
                continue;
            }
            let range = found.offsets[lane]..found.offsets[lane + 1];
            let error = difference(&expected.outputs[range.clone()], &found.outputs[range], 1e-3);
            assert!(error < allowed, "{precision:?} lane {lane}: {error:e}");
            assert_eq!(report.time, expected_report.time, "lane {lane}");
            if precision == Precision::F64 {
                let counts = |r: &LaneReport| i64::from(r.steps) + i64::from(r.rejected);
                assert!((counts(report) - counts(expected_report)).abs() <= 2, "lane {lane}: {report:?}");
            }
        }
        assert!(differ <= if precision == Precision::F64 { 0 } else { 3 });
    }
}

/// Switches whose times are known: a pulse whose beginning and end are inputs, in the right-hand side and recorded.
fn pulsed() -> Program {
    let parameters = [("begin", 2.0), ("width", 3.0), ("rate", 1.0)];
    let mut system = common::system("pulsed", &[0.0, 1.0], &parameters, |g, y, p, t| {
        let (on, off) = (g.symbol(Symbol::Switch(0)), g.symbol(Symbol::Switch(1)));
        let not_off = g.call(Function::Not, off);
        let pulse = g.binary(Binary::And, on, not_off);
        let wave = g.call(Function::Sin, t);
        vec![
            common::poly(g, &[(1.0, &[p[2], pulse]), (-0.3, &[y[0]])]),
            common::poly(g, &[(-1.0, &[y[0], y[1], wave])]),
        ]
    });
    let g = &mut system.graph;
    let (t, begin, width) = (g.symbol(Symbol::Time), g.symbol(Symbol::Parameter(0)), g.symbol(Symbol::Parameter(1)));
    let end = g.add(begin, width);
    let mut switch = |at: Id, inclusive| Switch {
        indicator: g.sub(t, at),
        inclusive,
        time: Some(at),
        text: "time > begin".to_string(),
    };
    system.switches = vec![switch(begin, true), switch(end, false)];
    let on = system.graph.symbol(Symbol::Switch(0));
    let states = [0, 1].map(|i| system.graph.symbol(Symbol::State(i)));
    let outputs = vec![states[0], states[1], on];
    Program::new(&system, &Lowering { inputs: vec![0, 1, 2], fixed: vec![], outputs })
}

#[test]
fn switches_at_known_times_are_hit() {
    let program = pulsed();
    let outputs: Vec<f64> = (0..=20).map(|i| 0.5 * f64::from(i)).collect();
    let protocols = [plain(10.0, &outputs)];
    let rows: Vec<f64> = (0..60).flat_map(|i| [0.1 * f64::from(i), 2.0 + 0.01 * f64::from(i), 1.0]).collect();
    for (precision, rtol, allowed) in [(Precision::F64, 1e-9, 1e-7), (Precision::F32, 1e-5, 1e-4)] {
        let Some(gpu) = common::gpu(precision) else { return };
        let found = run(&gpu, &program, &rows, &protocols, &settings(2, Method::Rodas5P, rtol));
        // The first state in closed form.
        for (lane, row) in rows.chunks(3).enumerate() {
            for (i, &t) in outputs.iter().enumerate() {
                let (on, off) = (t.min(row[0] + row[1]) - row[0], (t - row[0] - row[1]).max(0.0));
                let exact = if on > 0.0 { (1.0 - (-0.3 * on).exp()) / 0.3 * (-0.3 * off).exp() } else { 0.0 };
                let at = found.offsets[lane] + 3 * i;
                let error = (found.outputs[at] - exact).abs();
                assert!(error < allowed, "{precision:?} lane {lane} at {t}: {} for {exact}", found.outputs[at]);
                // Within the rounding of the time nothing is promised.
                if (t - row[0]).abs() > 1e-5 {
                    assert_eq!(found.outputs[at + 2], f64::from(t >= row[0]), "lane {lane} at {t}");
                }
            }
        }
    }
}

#[test]
fn a_lane_says_how_it_ended() {
    // Blow-up at t = 1; a square root that ends there; an oscillator that never rests.
    let explosive = common::system("explosive", &[1.0], &[("k", 1.0)], |g, y, p, _| {
        vec![common::poly(g, &[(1.0, &[p[0], y[0], y[0]])])]
    });
    let rooted = common::system("rooted", &[1.0], &[("k", 1.0)], |g, y, p, _| {
        let root = g.call(Function::Sqrt, y[0]);
        let over = g.div(p[0], root);
        vec![g.neg(over)]
    });
    let oscillator = common::system("oscillator", &[1.0, 0.0], &[("k", 1.0)], |g, y, p, _| {
        vec![y[1], common::poly(g, &[(-1.0, &[p[0], y[0]])])]
    });
    let restless = Protocol {
        start: 0.0,
        segments: vec![Segment { until: 0.0, settle: Some(50.0), ..Segment::default() }],
        outputs: vec![],
    };
    for precision in [Precision::F64, Precision::F32] {
        let Some((gpu, cpu)) = both(precision) else { return };
        let report = |engine: &dyn Engine, system: &System, protocol: &Protocol, max_steps| {
            let settings = Settings { max_steps, ..settings(system.states.len(), Method::Rodas4P, 1e-4) };
            run(engine, &common::program(system), &[1.0], std::slice::from_ref(protocol), &settings).reports[0]
        };
        let cases = [
            (&explosive, plain(2.0, &[]), 100_000),
            (&rooted, plain(2.0, &[]), 100_000),
            (&oscillator, restless.clone(), 100_000),
            (&oscillator, plain(1e4, &[]), 77),
        ];
        for (system, protocol, max_steps) in cases {
            let (found, expected) =
                (report(&gpu, system, &protocol, max_steps), report(&cpu, system, &protocol, max_steps));
            println!("{} {precision:?}: {found:?}, on the CPU {expected:?}", system.name);
            assert_ne!(found.status, Status::Finished);
            assert!((found.time - expected.time).abs() < 0.05 * expected.time, "{}", system.name);
            assert_eq!(found.status, expected.status, "{}", system.name);
        }
        let limited = report(&gpu, &oscillator, &plain(1e4, &[]), 77);
        assert_eq!((limited.status, limited.steps + limited.rejected), (Status::StepLimit, 77));
    }
}

/// More steps than lavapipe lets a loop run in one go: were a dispatch not bounded, the lane would stop early.
#[test]
fn many_steps_are_counted_like_on_the_cpu() {
    let oscillator = common::system("oscillator", &[1.0, 0.0], &[("k", 1.0)], |g, y, p, _| {
        vec![y[1], common::poly(g, &[(-1.0, &[p[0], y[0]])])]
    });
    let Some((gpu, cpu)) = both(Precision::F64) else { return };
    let end = 2e4 * std::f64::consts::PI;
    let settings = Settings { max_steps: 1_000_000, ..settings(2, Method::Tsit5, 1e-7) };
    let program = common::program(&oscillator);
    let found = run(&gpu, &program, &[1.0], &[plain(end, &[end])], &settings);
    let expected = run(&cpu, &program, &[1.0], &[plain(end, &[end])], &settings);
    println!("{:?}, on the CPU {:?}", found.reports[0], expected.reports[0]);
    assert_eq!(found.reports[0].status, Status::Finished);
    assert!(found.reports[0].steps > 70_000);
    assert!(found.reports[0].steps.abs_diff(expected.reports[0].steps) < 500);
    assert!(difference(&expected.outputs, &found.outputs, 1.0) < 1e-6);
}

#[test]
fn a_lane_does_not_depend_on_the_others() {
    for precision in [Precision::F32, Precision::F64] {
        let Some(gpu) = common::gpu(precision) else { return };
        let n = 6;
        let program = common::program(&cascade(n));
        let (rows, protocols) = (rows(300), [eventful(n)]);
        let settings = settings(n, Method::Rodas4P, 1e-4);
        let all = run(&gpu, &program, &rows, &protocols, &settings);
        let first = run(&gpu, &program, &rows[..4 * 37], &protocols, &settings);
        let rest = run(&gpu, &program, &rows[4 * 37..], &protocols, &settings);
        let parts: Vec<u64> = [bits(&first), bits(&rest)].concat();
        assert!(bits(&all) == parts, "{precision:?}");
        assert!(all.reports == [first.reports, rest.reports].concat(), "{precision:?}");
    }
}

#[test]
fn what_cannot_be_run_is_declined_by_name() {
    let Some(gpu) = common::gpu(Precision::F32) else { return };
    let mut system = cascade(6);
    let (y, half) = (system.graph.symbol(Symbol::State(0)), system.graph.constant(0.5));
    let indicator = system.graph.sub(y, half);
    system.switches.push(Switch { indicator, inclusive: false, time: None, text: "y0 > 0.5".to_string() });
    let reason = gpu.declines(&common::program(&system), false).expect("a state decides");
    assert!(reason.contains("y0 > 0.5"), "{reason}");
    assert!(gpu.declines(&common::program(&cascade(6)), true).is_some());
    let program = common::program(&system);
    let outcome = gpu.run(&Batch {
        program: &program,
        lanes: &[Lane { row: 0, protocol: 0 }],
        rows: &[1.0; 4],
        protocols: &[plain(1.0, &[])],
        tangents: &[],
        settings: &settings(6, Method::Rodas4P, 1e-4),
    });
    assert!(matches!(outcome, Err(EngineError::Declined(_))));
}

#[test]
fn an_unknown_adapter_is_an_error_that_lists_the_others() {
    let error = GpuEngine::open(Some("no such adapter"), Precision::F32).err().expect("nobody has it").to_string();
    assert!(error.contains("no such adapter"), "{error}");
    assert!(devices().iter().all(|device| error.contains(&device.name)));
    // Software is never taken unasked.
    if devices().iter().all(|device| device.software) {
        assert!(matches!(GpuEngine::open(None, Precision::F32), Err(EngineError::NoAdapter(_))));
    }
}
