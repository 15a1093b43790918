//! What only the CPU engine does: sensitivities, located discontinuities, events; and that results do not depend on
//! how the work was divided.

mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Segment, Settings, Status};
use fenton::expr::{Relation, Symbol};
use fenton::model::{Assignment, Event, Switch, System};
use fenton::program::{Lowering, Program};

fn lower(system: &System, inputs: &[u32]) -> Program {
    let mut system = system.clone();
    let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
    Program::new(&system, &Lowering { outputs, inputs: inputs.to_vec(), fixed: vec![] })
}

fn run(program: &Program, rows: &[f64], protocol: Protocol, tangents: &[u32], method: Method, rtol: f64) -> Outcomes {
    let settings =
        Settings { method, rtol, atol: vec![rtol * 1e-4; program.states.len()], max_steps: 1_000_000, caution: 1.0 };
    let count = rows.len() / program.inputs.len().max(1);
    let lanes: Vec<Lane> = (0..count.max(1) as u32).map(|row| Lane { row, protocol: 0 }).collect();
    CpuEngine::new(Precision::F64)
        .run(&Batch { program, lanes: &lanes, rows, protocols: &[protocol], tangents, settings: &settings })
        .expect("the CPU runs")
}

fn until(end: f64, outputs: &[f64]) -> Protocol {
    Protocol { start: 0.0, segments: vec![Segment { until: end, ..Segment::default() }], outputs: outputs.to_vec() }
}

/// Sensitivities against sixth-order central differences, both at rtol 1e-11, to 1e-6.
#[test]
fn sensitivities_agree_with_differences() {
    for (problem, inputs) in
        [(common::lorenz(), vec![0u32, 1, 2]), (common::hires(), vec![0]), (common::robertson(), vec![0, 1, 2])]
    {
        let program = lower(&problem.system, &inputs);
        let nominal: Vec<f64> = inputs.iter().map(|&i| problem.system.parameters[i as usize].value).collect();
        let times = [0.3 * problem.end, problem.end];
        for method in [Method::Rodas5P, Method::Rodas4P, Method::Tsit5] {
            if method == Method::Tsit5 && problem.system.name != "lorenz" {
                continue;
            }
            let exact = run(&program, &nominal, until(problem.end, &times), &inputs_of(&inputs), method, 1e-11);
            for direction in 0..inputs.len() {
                let step = 1e-3 * nominal[direction];
                let weights = [(1.0, 0.75), (2.0, -0.15), (3.0, 1.0 / 60.0)];
                let mut rows = Vec::new();
                for (k, _) in weights {
                    for sign in [1.0, -1.0] {
                        let mut row = nominal.clone();
                        row[direction] += sign * k * step;
                        rows.extend(row);
                    }
                }
                let around = run(&program, &rows, until(problem.end, &times), &[], method, 1e-11);
                let lane = |i: usize| &around.outputs[around.offsets[i]..around.offsets[i + 1]];
                for k in 0..exact.outputs.len() {
                    let difference: f64 = weights
                        .iter()
                        .enumerate()
                        .map(|(w, (_, weight))| weight * (lane(2 * w)[k] - lane(2 * w + 1)[k]) / step)
                        .sum();
                    let found = exact.tangents[k * inputs.len() + direction];
                    // In units of the output's own size and the parameter's.
                    let scale = (exact.outputs[k] / nominal[direction]).abs().max(difference.abs());
                    assert!(
                        (found - difference).abs() <= 1e-6 * scale,
                        "{} {method:?}: output {k} by {direction}: {found} against {difference}",
                        problem.system.name
                    );
                }
            }
        }
    }
}

fn inputs_of(inputs: &[u32]) -> Vec<u32> {
    (0..inputs.len() as u32).collect()
}

/// `y' = 1` before the switch, `-k y` after.
fn switched(indicator: impl Fn(&mut fenton::expr::Graph) -> fenton::expr::Id, time: Option<f64>) -> System {
    let mut system = common::system("switched", &[0.0], &[("k", 2.0)], |g, y, p, _| {
        let on = g.symbol(Symbol::Switch(0));
        let one = g.constant(1.0);
        let decay = common::poly(g, &[(-1.0, &[p[0], y[0]])]);
        vec![g.select(on, decay, one)]
    });
    let indicator = indicator(&mut system.graph);
    let time = time.map(|time| system.graph.constant(time));
    system.switches.push(Switch { indicator, inclusive: true, time, text: "the switch".into() });
    system
}

#[test]
fn a_switch_at_a_known_time_is_hit() {
    let system = switched(
        |g| {
            let t = g.symbol(Symbol::Time);
            g.sum(-0.7, &[(1.0, t)])
        },
        Some(0.7),
    );
    let outcomes = run(&lower(&system, &[0]), &[2.0], until(2.0, &[0.5, 0.7, 2.0]), &[], Method::Rodas5P, 1e-9);
    let exact = [0.5, 0.7, 0.7 * (-2.0_f64 * 1.3).exp()];
    for (found, exact) in outcomes.outputs.iter().zip(exact) {
        assert!((found - exact).abs() < 1e-8, "{found} {exact}");
    }
}

/// Each time `y` reaches 1 it is set to 0: a saw tooth whose crossings have to be located.
#[test]
fn events_fire_at_crossings() {
    let mut system = common::system("saw", &[0.0, 0.0], &[("slope", 1.0)], |g, _, p, _| {
        let zero = g.constant(0.0);
        vec![p[0], zero]
    });
    let g = &mut system.graph;
    let (y, count) = (g.symbol(Symbol::State(0)), g.symbol(Symbol::State(1)));
    let indicator = g.sum(-1.0, &[(1.0, y)]);
    let (zero, more) = (g.constant(0.0), g.sum(1.0, &[(1.0, count)]));
    let trigger = g.symbol(Symbol::Switch(0));
    system.switches.push(Switch { indicator, inclusive: true, time: None, text: "y >= 1".into() });
    let assignments = [(0, zero), (1, more)].map(|(state, value)| Assignment { state, value, size: None }).to_vec();
    system.events.push(Event {
        name: "reset".into(),
        trigger,
        at_start: false,
        delay: None,
        priority: None,
        persistent: true,
        from_trigger: true,
        assignments,
    });
    let program = lower(&system, &[0]);
    for method in [Method::Rodas4P, Method::Tsit5] {
        let outcomes = run(&program, &[1.0, 0.37], until(10.5, &[10.5]), &[], method, 1e-6);
        assert!(outcomes.reports.iter().all(|r| r.status == Status::Finished), "{:?}", outcomes.reports);
        let found = &outcomes.outputs;
        assert!((found[0] - 0.5).abs() < 1e-9 && found[1] == 10.0, "{found:?}");
        assert!((found[2] - (0.37 * 10.5 - 3.0)).abs() < 1e-9 && found[3] == 3.0, "{found:?}");
    }
}

/// A condition in the start value is evaluated there and then.
#[test]
fn a_condition_in_an_initial_value() {
    let mut system = common::decay(0.5).system;
    let g = &mut system.graph;
    let (k, limit) = (g.symbol(Symbol::Parameter(0)), g.constant(1.0));
    let (low, high) = (g.constant(3.0), g.constant(7.0));
    let condition = g.compare(Relation::Less, k, limit);
    system.states[0].initial = g.select(condition, low, high);
    let outcomes = run(&lower(&system, &[0]), &[0.5, 2.0], until(1.0, &[0.0, 1.0]), &[], Method::Rodas5P, 1e-8);
    assert_eq!((outcomes.outputs[0], outcomes.outputs[4]), (3.0, 7.0));
}

/// A dose of 2 in a decay: before, at and after; then the input changes.
#[test]
fn doses_are_step_boundaries() {
    let program = lower(&common::decay(0.5).system, &[0]);
    let protocol = Protocol {
        start: -1.0,
        segments: vec![
            Segment { until: 0.0, ..Segment::default() },
            Segment { until: 1.0, add: vec![(0, 2.0)], ..Segment::default() },
            Segment { until: 2.0, set: vec![(0, 3.0)], ..Segment::default() },
        ],
        outputs: vec![-1.0, 0.0, 1.0, 2.0],
    };
    let outcomes = run(&program, &[0.5], protocol, &[], Method::Rodas5P, 1e-9);
    let dosed = (-0.5_f64).exp() + 2.0;
    let exact = [1.0, dosed, dosed * (-0.5_f64).exp(), dosed * (-3.5_f64).exp()];
    for (at, exact) in exact.into_iter().enumerate() {
        assert!((outcomes.outputs[2 * at] - exact).abs() < 1e-8, "{at}");
    }
}

/// Settling runs until the states stand still, then the clock is where the protocol says.
#[test]
fn settling_finds_the_steady_state() {
    let system = common::system("pool", &[0.0], &[("k", 0.5)], |g, y, p, _| {
        let loss = common::poly(g, &[(-1.0, &[p[0], y[0]])]);
        vec![g.sum(1.0, &[(1.0, loss)])]
    });
    let protocol = |longest| Protocol {
        start: 0.0,
        segments: vec![
            Segment { until: 0.0, settle: Some(longest), ..Segment::default() },
            Segment { until: 1.0, set: vec![(0, 1.0)], ..Segment::default() },
        ],
        outputs: vec![0.0, 1.0],
    };
    let program = lower(&system, &[0]);
    let outcomes = run(&program, &[0.5, 0.2], protocol(1000.0), &[], Method::Rodas5P, 1e-8);
    assert!(outcomes.reports.iter().all(|r| r.status == Status::Finished), "{:?}", outcomes.reports);
    for (lane, steady) in [(0, 2.0), (1, 5.0)] {
        let found = &outcomes.outputs[outcomes.offsets[lane]..];
        assert!((found[0] / steady - 1.0).abs() < 1e-7, "{found:?}");
        assert!((found[1] - (1.0 + (steady - 1.0) * (-1.0_f64).exp())).abs() < 1e-6, "{found:?}");
    }
    // In single precision the derivatives at rest are noise; what counts then is that nothing moves.
    let settings = Settings { method: Method::Rodas4P, rtol: 1e-4, atol: vec![1e-8], max_steps: 10_000, caution: 1.0 };
    let single = CpuEngine::new(Precision::F32)
        .run(&Batch {
            program: &program,
            lanes: &[Lane { row: 0, protocol: 0 }],
            rows: &[0.5],
            protocols: &[protocol(1e5)],
            tangents: &[],
            settings: &settings,
        })
        .expect("the CPU runs");
    assert_eq!(single.reports[0].status, Status::Finished);
    assert!((single.outputs[0] / 2.0 - 1.0).abs() < 1e-3);
    let hurried = run(&program, &[0.5], protocol(3.0), &[], Method::Rodas5P, 1e-8);
    assert_eq!(hurried.reports[0].status, Status::Unsettled);
}

#[test]
fn failures_have_a_cause() {
    // y' = y^2 blows up at t = 1.
    let blow_up = common::system("blow up", &[1.0], &[("k", 1.0)], |g, y, p, _| {
        vec![common::poly(g, &[(1.0, &[p[0], y[0], y[0]])])]
    });
    let outcomes = run(&lower(&blow_up, &[0]), &[1.0], until(2.0, &[0.5, 2.0]), &[], Method::Rodas5P, 1e-6);
    let report = outcomes.reports[0];
    assert!(matches!(report.status, Status::StepTooSmall | Status::NotFinite), "{report:?}");
    assert!((report.time - 1.0).abs() < 1e-3 && report.state == Some(0), "{report:?}");
    assert!((outcomes.outputs[0] - 2.0).abs() < 1e-4, "what was reached is kept");
}

/// The same bytes, lane by lane, whatever else is in the batch and however many threads there are.
#[test]
fn results_do_not_depend_on_the_division_of_work() {
    let program = lower(&common::hires().system, &[0]);
    let rows: Vec<f64> = (0..700).map(|i| 100.0 + i as f64).collect();
    let protocol = until(300.0, &[10.0, 300.0]);
    let whole = run(&program, &rows, protocol.clone(), &[], Method::Rodas4P, 1e-5);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for cut in [1, 9, 130, 700] {
            let parts: Vec<f64> = pool.install(|| {
                rows.chunks(cut)
                    .flat_map(|part| run(&program, part, protocol.clone(), &[], Method::Rodas4P, 1e-5).outputs)
                    .collect()
            });
            assert!(parts.iter().zip(&whole.outputs).all(|(a, b)| a.to_bits() == b.to_bits()), "{threads} {cut}");
            assert_eq!(parts.len(), whole.outputs.len());
        }
    }
}

/// A pool and what it feeds, ten times slower: the sensitivities of the settled state come from `1/k` and `1/(k q)`.
#[test]
fn sensitivities_settle_too() {
    let system = common::system("pools", &[1.9, 20.1], &[("k", 0.5), ("q", 0.1)], |g, y, p, _| {
        let loss = common::poly(g, &[(-1.0, &[p[0], y[0]])]);
        let feed = common::poly(g, &[(1.0, &[y[0]]), (-1.0, &[p[1], y[1]])]);
        vec![g.sum(1.0, &[(1.0, loss)]), feed]
    });
    let protocol = Protocol {
        start: 0.0,
        segments: vec![
            Segment { until: 0.0, settle: Some(5000.0), ..Segment::default() },
            Segment { until: 1.0, ..Segment::default() },
        ],
        outputs: vec![0.0, 1.0],
    };
    let (k, q) = (0.4, 0.1);
    let program = lower(&system, &[0, 1]);
    // An explicit method hovers about a steady state instead of coming to rest there.
    let hovering = run(&program, &[k, q], protocol.clone(), &[], Method::Tsit5, 1e-8);
    assert_eq!(hovering.reports[0].status, Status::Unsettled);
    for method in [Method::Rodas5P, Method::Rodas4P] {
        let outcomes = run(&program, &[k, q], protocol.clone(), &[0, 1], method, 1e-8);
        assert_eq!(outcomes.reports[0].status, Status::Finished);
        let exact = [-1.0 / (k * k), 0.0, -1.0 / (k * k * q), -1.0 / (k * q * q)];
        for (at, exact) in exact.into_iter().enumerate() {
            let found = outcomes.tangents[at];
            assert!((found - exact).abs() <= 1e-6 * exact.abs() + 1e-9, "{method:?} {at}: {found} {exact}");
        }
    }
}

/// Lanes of one row and one way of settling come to rest together: the same bytes as when each is alone, and the same
/// end where one does not come to rest.
#[test]
fn lanes_that_settle_together_do_as_if_alone() {
    let system = common::system("pools", &[1.9, 20.1], &[("k", 0.5), ("q", 0.1), ("feed", 1.0)], |g, y, p, _| {
        let loss = common::poly(g, &[(-1.0, &[p[0], y[0]])]);
        let feed = common::poly(g, &[(1.0, &[y[0]]), (-1.0, &[p[1], y[1]])]);
        vec![g.sum(0.0, &[(1.0, p[2]), (1.0, loss)]), feed]
    });
    let program = lower(&system, &[0, 1, 2]);
    // Two ways of settling, three treatments after each, and one lane that does not settle at all.
    let settled = |rest: f64, feed: f64| {
        let first = Segment { until: 0.0, settle: Some(5000.0), set: vec![(2, rest)], ..Segment::default() };
        let then = Segment { until: 4.0, set: vec![(2, feed)], add: vec![(0, 0.3)], ..Segment::default() };
        Protocol { start: 0.0, segments: vec![first, then], outputs: vec![0.0, 1.0, 4.0] }
    };
    let mut protocols: Vec<Protocol> =
        [(1.0, 0.0), (1.0, 2.0), (1.0, 5.0), (2.0, 0.0), (2.0, 2.0), (2.0, 5.0)].map(|(a, b)| settled(a, b)).into();
    protocols.push(until(4.0, &[0.0, 1.0, 4.0]));
    // The last row loses nothing of the first pool, which grows for ever.
    let rows = [0.4, 0.1, 1.0, 0.7, 0.2, 1.0, 0.0, 0.2, 1.0];
    let lanes: Vec<Lane> =
        (0..3).flat_map(|row| (0..7).map(move |protocol| Lane { row, protocol: (protocol * 3) % 7 })).collect();
    let run = |lanes: &[Lane], tangents: &[u32]| {
        let settings =
            Settings { method: Method::Rodas4P, rtol: 1e-6, atol: vec![1e-10; 2], max_steps: 10_000, caution: 1.0 };
        let batch =
            Batch { program: &program, lanes, rows: &rows, protocols: &protocols, tangents, settings: &settings };
        CpuEngine::new(Precision::F64).run(&batch).expect("the CPU runs")
    };
    for tangents in [&[][..], &[0, 1]] {
        let together = run(&lanes, tangents);
        for (at, lane) in lanes.iter().enumerate() {
            let alone = run(std::slice::from_ref(lane), tangents);
            assert_eq!(alone.reports[0], together.reports[at]);
            let range = together.offsets[at]..together.offsets[at + 1];
            assert_eq!(alone.outputs, together.outputs[range.clone()]);
            let directions = tangents.len();
            assert_eq!(alone.tangents, together.tangents[range.start * directions..range.end * directions]);
            let unsettled = lane.row == 2 && lane.protocol != 6;
            assert_eq!(alone.reports[0].status, if unsettled { Status::Unsettled } else { Status::Finished });
            if lane.row == 0 && lane.protocol == 1 {
                // At rest at feed / k, then 0.3 more, and towards 2 / k.
                let exact = |t: f64| 2.0 / 0.4 + (1.0 / 0.4 + 0.3 - 2.0 / 0.4) * (-0.4 * t).exp();
                assert!((alone.outputs[4] - exact(4.0)).abs() < 1e-4, "{:?}", alone.outputs);
            }
        }
    }
}
