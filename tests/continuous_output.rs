//! Readings inside steps: what they cost, how far off they are, and what happens around them.

mod common;

use common::Problem;
use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Segment, Settings, Status};
use fenton::expr::Symbol;
use fenton::model::{Switch, System, antimony};
use fenton::program::{Lowering, Program};

const METHODS: [Method; 3] = [Method::Rodas4P, Method::Rodas5P, Method::Tsit5];
const READINGS: usize = 1000;

struct Case {
    name: String,
    program: Program,
    row: Vec<f64>,
    end: f64,
    scale: Vec<f64>,
    readings: Vec<f64>,
}

fn evenly(end: f64) -> Vec<f64> {
    (1..=READINGS).map(|i| end * i as f64 / READINGS as f64).collect()
}

fn by_decades(from: f64, end: f64) -> Vec<f64> {
    let share = |i: usize| i as f64 / (READINGS - 1) as f64;
    (0..READINGS).map(|i| if i + 1 == READINGS { end } else { from * (end / from).powf(share(i)) }).collect()
}

fn reference(problem: Problem, readings: Vec<f64>) -> Case {
    let row = problem.system.parameters.iter().map(|p| p.value).collect();
    let program = common::program(&problem.system);
    Case { name: problem.system.name, program, row, end: problem.end, scale: problem.scale, readings }
}

fn embedded(name: &str, text: &str, doses: &[(&str, f64)]) -> Case {
    let system = antimony::read(text, "model").and_then(|network| network.system()).expect("a model");
    let dose = |name: &str| doses.iter().find(|dose| dose.0 == name).map(|dose| dose.1);
    let row = system.parameters.iter().map(|p| dose(&p.name).unwrap_or(p.value)).collect();
    let program = common::program(&system);
    let scale = vec![1e-2; program.states.len()];
    Case { name: name.to_string(), program, row, end: 72.0, scale, readings: evenly(72.0) }
}

fn robertson() -> Case {
    reference(common::robertson(), by_decades(1e-4, 1e4))
}

fn hires() -> Case {
    reference(common::hires(), evenly(321.8122))
}

fn van_der_pol() -> Case {
    reference(common::van_der_pol(), evenly(2000.0))
}

fn ferroptosis() -> Case {
    embedded("ferroptosis", include_str!("../data/models/ferroptosis.ant"), &[("RSL3", 0.3)])
}

fn cuproptosis() -> Case {
    embedded("cuproptosis", include_str!("../data/models/cuproptosis.ant"), &[("elesclomol", 0.03)])
}

fn crosstalk() -> Case {
    let doses = [("RSL3", 0.3), ("elesclomol", 0.03)];
    embedded("crosstalk", include_str!("../data/models/crosstalk.ant"), &doses)
}

fn run(engine: &dyn Engine, case: &Case, method: Method, rtol: f64, protocols: &[Protocol], by: &[u32]) -> Outcomes {
    let atol = case.scale.iter().map(|scale| rtol * 1e-2 * scale).collect();
    let settings = Settings { method, rtol, atol, max_steps: 200_000, caution: 1.0 };
    let lanes: Vec<Lane> = (0..protocols.len() as u32).map(|protocol| Lane { row: 0, protocol }).collect();
    let (program, rows) = (&case.program, &case.row[..]);
    let batch = Batch { program, lanes: &lanes, rows, protocols, tangents: by, settings: &settings };
    engine.run(&batch).expect("the engine runs")
}

fn until(end: f64, outputs: &[f64]) -> Protocol {
    Protocol { start: 0.0, segments: vec![Segment { until: end, ..Segment::default() }], outputs: outputs.to_vec() }
}

/// Every reading ends a segment, and so a step.
fn forced(readings: &[f64]) -> Protocol {
    let segments = readings.iter().map(|&until| Segment { until, ..Segment::default() }).collect();
    Protocol { start: 0.0, segments, outputs: readings.to_vec() }
}

fn exact(case: &Case) -> Vec<f64> {
    let exact = run(&CpuEngine::new(Precision::F64), case, Method::Rodas5P, 1e-12, &[forced(&case.readings)], &[]);
    assert_eq!(exact.reports[0].status, Status::Finished, "{}", case.name);
    exact.outputs
}

/// The largest error of the states at readings, relative to `max(|y|, atol/rtol)`, and the reading.
fn worst(case: &Case, values: &[f64], exact: &[f64]) -> (f64, usize) {
    let states = case.program.states.len();
    let mut worst = (0.0, 0);
    assert_eq!(values.len(), exact.len());
    for (i, (value, exact)) in values.iter().zip(exact).enumerate() {
        let off = (value - exact).abs() / exact.abs().max(1e-2 * case.scale[i % states]);
        if off.is_nan() || off > worst.0 {
            worst = (off, i / states);
        }
    }
    worst
}

/// 1,000 readings are as accurate as steps that end at them, and cost few steps. The bound is 10 rtol; where steps that
/// know of no reading but the worst one, and end there, are further off (the phase of Van der Pol's jumps, and where a
/// method makes tens of steps at 1e-3), twice what these are.
fn check(engine: &dyn Engine, case: &Case, methods: &[Method], tolerances: &[f64]) {
    let exact = exact(case);
    let states = case.program.states.len();
    for &method in methods {
        for &rtol in tolerances {
            let found = run(engine, case, method, rtol, &[until(case.end, &case.readings), until(case.end, &[])], &[]);
            let what = format!("{} {method:?} {:?} {rtol:e}", case.name, engine.precision());
            assert!(
                found.reports.iter().all(|report| report.status == Status::Finished),
                "{what}: {:?}",
                found.reports
            );
            let steps = |lane: usize| found.reports[lane].steps + found.reports[lane].rejected;
            let (error, at) = worst(case, &found.outputs, &exact);
            let time = case.readings[at];
            let alone = run(engine, case, method, rtol, &[until(time, &[time])], &[]).outputs;
            let alone = worst(case, &alone, &exact[at * states..][..states]).0;
            println!(
                "{what}: {} steps, {} without readings; error {:.2} rtol at {time:.4}, of a step's end there {:.2}",
                steps(0),
                steps(1),
                error / rtol,
                alone / rtol
            );
            assert!(error <= (10.0 * rtol).max(2.0 * alone), "{what}: {error:e} beside {alone:e}");
            assert!(f64::from(steps(0)) <= 2.5 * f64::from(steps(1)), "{what}: {} beside {}", steps(0), steps(1));
        }
    }
}

const TOLERANCES: [f64; 4] = [1e-3, 1e-5, 1e-7, 1e-9];
const STIFF: [Method; 2] = [Method::Rodas4P, Method::Rodas5P];

#[test]
fn robertson_is_read_inside_steps() {
    check(&CpuEngine::new(Precision::F64), &robertson(), &STIFF, &TOLERANCES);
}

#[test]
fn hires_is_read_inside_steps() {
    check(&CpuEngine::new(Precision::F64), &hires(), &METHODS, &TOLERANCES);
}

#[test]
fn van_der_pol_is_read_inside_steps() {
    check(&CpuEngine::new(Precision::F64), &van_der_pol(), &STIFF, &TOLERANCES);
}

#[test]
fn embedded_models_are_read_inside_steps() {
    for case in [ferroptosis(), cuproptosis(), crosstalk()] {
        check(&CpuEngine::new(Precision::F64), &case, &METHODS, &TOLERANCES);
    }
}

#[test]
fn single_precision_is_read_inside_steps() {
    for case in [robertson(), hires(), ferroptosis(), cuproptosis()] {
        check(&CpuEngine::new(Precision::F32), &case, &STIFF, &[1e-3, 1e-4]);
    }
}

/// On the embedded models readings cost next to nothing: by Rodas5P a tenth of the steps at most, mostly none. Rodas4P's
/// extension is of order 3 and pays for its errors with up to a third more steps.
#[test]
fn readings_of_embedded_models_cost_nothing() {
    for case in [ferroptosis(), cuproptosis(), crosstalk()] {
        let most = [(Method::Rodas4P, 1e-4, 1.35), (Method::Rodas5P, 1e-4, 1.1), (Method::Rodas5P, 1e-6, 1.1)];
        for (method, rtol, most) in most {
            let protocols = [until(case.end, &case.readings), until(case.end, &[])];
            let found = run(&CpuEngine::new(Precision::F64), &case, method, rtol, &protocols, &[]);
            let steps = |lane: usize| f64::from(found.reports[lane].steps + found.reports[lane].rejected);
            assert!(steps(0) <= most * steps(1), "{} {method:?}: {} beside {}", case.name, steps(0), steps(1));
        }
    }
}

#[test]
fn tape_and_native_code_read_the_same() {
    let case = ferroptosis();
    for method in METHODS {
        let protocols = [until(case.end, &case.readings)];
        let engines = [CpuEngine::new(Precision::F64), CpuEngine::interpreting(Precision::F64)];
        let [native, tape] = engines.map(|engine| run(&engine, &case, method, 1e-4, &protocols, &[0, 3, 5]));
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&native.outputs) == bits(&tape.outputs), "{method:?}");
        assert!(bits(&native.tangents) == bits(&tape.tangents), "{method:?}");
    }
}

/// A device makes the steps of the CPU: the same number, up to the last bits of their lengths, and the same readings.
#[test]
fn devices_read_inside_steps_in_double_precision() {
    let Some(engine) = common::gpu(Precision::F64) else { return };
    for case in [robertson(), hires(), ferroptosis(), cuproptosis()] {
        for method in STIFF {
            for rtol in [1e-3, 1e-6] {
                let protocols = [until(case.end, &case.readings)];
                let found = run(&engine, &case, method, rtol, &protocols, &[]);
                let expected = run(&CpuEngine::new(Precision::F64), &case, method, rtol, &protocols, &[]);
                let what = format!("{} {method:?} {rtol:e}", case.name);
                let steps = |o: &Outcomes| o.reports[0].steps + o.reports[0].rejected;
                let (found_steps, expected_steps) = (steps(&found), steps(&expected));
                let (off, at) = worst(&case, &found.outputs, &expected.outputs);
                println!("{what}: {found_steps} steps, {expected_steps} on the CPU; {off:.1e} off at reading {at}");
                assert!(found_steps.abs_diff(expected_steps) <= 1 + expected_steps / 100, "{what}");
                assert!(off < 0.3 * rtol, "{what}: {off:e}");
            }
        }
    }
    check(&engine, &ferroptosis(), &[Method::Tsit5], &[1e-3]);
}

#[test]
fn devices_read_inside_steps_in_single_precision() {
    let Some(engine) = common::gpu(Precision::F32) else { return };
    for case in [robertson(), hires(), ferroptosis(), cuproptosis()] {
        check(&engine, &case, &STIFF, &[1e-3, 1e-4]);
    }
    check(&engine, &ferroptosis(), &[Method::Tsit5], &[1e-3]);
}

/// Sensitivities at readings beside those of steps that end there, at a tight tolerance. They are under no control of
/// their own, as they are not at the ends of steps.
#[test]
fn sensitivities_are_read_inside_steps() {
    let engine = CpuEngine::new(Precision::F64);
    for (case, by) in [(robertson(), vec![0, 1, 2]), (hires(), vec![0]), (cuproptosis(), vec![2, 5, 9])] {
        let readings: Vec<f64> = case.readings.iter().copied().step_by(37).collect();
        let exact = run(&engine, &case, Method::Rodas5P, 1e-11, &[forced(&readings)], &by);
        for method in STIFF {
            for rtol in [1e-4, 1e-7] {
                let inside = run(&engine, &case, method, rtol, &[until(case.end, &readings)], &by);
                let stops = run(&engine, &case, method, rtol, &[forced(&readings)], &by);
                let error = |found: &Outcomes| -> f64 {
                    let (states, directions) = (case.program.states.len(), by.len());
                    let off = |k: usize| {
                        let (output, input) = (k / directions, case.row[by[k % directions] as usize]);
                        let size = exact.outputs[output].abs().max(1e-2 * case.scale[output % states]);
                        let slope = exact.tangents[k] * input;
                        (found.tangents[k] * input - slope).abs() / slope.abs().max(size)
                    };
                    (0..exact.tangents.len()).map(off).fold(0.0, f64::max)
                };
                let (inside, stops) = (error(&inside), error(&stops));
                println!("{} {method:?} {rtol:e}: {:.1} rtol, {:.1} at ends", case.name, inside / rtol, stops / rtol);
                assert!(
                    inside > 0.0 && inside <= (30.0 * rtol).max(3.0 * stops),
                    "{}: {inside:e} {stops:e}",
                    case.name
                );
            }
        }
    }
}

fn engines() -> Vec<Box<dyn Engine>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    for precision in [Precision::F64, Precision::F32] {
        engines.push(Box::new(CpuEngine::new(precision)));
        engines.extend(common::gpu(precision).map(|gpu| Box::new(gpu) as Box<dyn Engine>));
    }
    engines
}

/// A decay at 0.5 with doses of 2: readings at the start, at doses, a rounding error beside them, twice at one time, many
/// in one step, and at the end. What is read at a dose is from after it.
#[test]
fn readings_around_doses() {
    let program = common::program(&common::decay(0.5).system);
    let case =
        Case { name: "doses".into(), program, row: vec![0.5], end: 8.0, scale: vec![1.0, 1.0], readings: vec![] };
    let mut outputs = vec![0.0, 0.0, 1e-12, 0.3, 0.3, 0.3f64.next_up()];
    outputs.extend((0..40).map(|i| 0.5 + 0.01 * f64::from(i)));
    outputs.extend([2.0f64.next_down(), 2.0, 2.0, 2.0f64.next_up(), 3.0, 6.0, 7.0, 8.0f64.next_down(), 8.0, 8.0]);
    let dose = |until: f64| Segment { until, add: vec![(0, 2.0)], ..Segment::default() };
    let segments = vec![Segment { until: 2.0, ..Segment::default() }, dose(6.0), dose(8.0)];
    let protocol = Protocol { start: 0.0, segments, outputs };
    for engine in engines() {
        for method in METHODS {
            let rtol = 1e-5;
            let found = run(&*engine, &case, method, rtol, std::slice::from_ref(&protocol), &[]);
            assert_eq!(found.reports[0].status, Status::Finished);
            for (i, &t) in protocol.outputs.iter().enumerate() {
                let dosed = |at: f64| if t >= at { 2.0 * (-0.5 * (t - at)).exp() } else { 0.0 };
                let exact = (-0.5 * t).exp() + dosed(2.0) + dosed(6.0);
                let off = (found.outputs[2 * i] - exact).abs();
                // A single number does not tell a time just before a dose from that of the dose.
                let told =
                    engine.precision() == Precision::F64 || !(t == 2.0f64.next_down() || t == 8.0f64.next_down());
                assert!(off < 10.0 * rtol || !told, "{} {method:?} at {t}: {off:e}", engine.name());
            }
        }
    }
}

/// Sine, cosine, and how long the switch has held; outputs are these and the switch.
fn counted(switch: impl Fn(&mut fenton::expr::Graph) -> Switch) -> Program {
    let mut system: System = common::system("counted", &[0.0, 1.0, 0.0], &[("rate", 1.0)], |g, y, p, _| {
        let on = g.symbol(Symbol::Switch(0));
        let (zero, one) = (g.constant(0.0), g.constant(1.0));
        let turned = common::poly(g, &[(-1.0, &[p[0], y[0]])]);
        vec![common::poly(g, &[(1.0, &[p[0], y[1]])]), turned, g.select(on, one, zero)]
    });
    let switch = switch(&mut system.graph);
    system.switches.push(switch);
    let on = system.graph.symbol(Symbol::Switch(0));
    let (zero, one) = (system.graph.constant(0.0), system.graph.constant(1.0));
    let truth = system.graph.select(on, one, zero);
    let mut outputs: Vec<_> = (0..3).map(|i| system.graph.symbol(Symbol::State(i))).collect();
    outputs.push(truth);
    Program::new(&system, &Lowering { outputs, inputs: vec![0], fixed: vec![] })
}

/// A condition that turns at a known time: readings at that time are from after it, those beside it are not.
#[test]
fn readings_around_a_switch_at_a_known_time() {
    let program = counted(|g| {
        let t = g.symbol(Symbol::Time);
        let time = Some(g.constant(2.5));
        Switch { indicator: g.sum(-2.5, &[(1.0, t)]), inclusive: true, time, text: "t >= 2.5".into() }
    });
    let case = Case { name: "timed".into(), program, row: vec![1.0], end: 6.0, scale: vec![1.0; 3], readings: vec![] };
    let outputs = [0.0, 1.0, 2.25, 2.5, 2.5, 2.75, 4.0, 6.0];
    for engine in engines() {
        for method in METHODS {
            let found = run(&*engine, &case, method, 1e-5, &[until(6.0, &outputs)], &[]);
            for (values, t) in found.outputs.chunks(4).zip(outputs) {
                let exact = [t.sin(), t.cos(), (t - 2.5).max(0.0), f64::from(t >= 2.5)];
                for (value, exact) in values.iter().zip(exact) {
                    assert!((value - exact).abs() < 1e-4, "{} {method:?} at {t}: {values:?}", engine.name());
                }
            }
        }
    }
}

/// A condition on the state that holds for a moment, turns on and off within one step, and is seen because of a reading.
#[test]
fn a_reading_sees_a_condition_that_holds_for_a_moment() {
    let limit: f64 = 0.9999;
    let program = counted(|g| {
        let y = g.symbol(Symbol::State(0));
        Switch { indicator: g.sum(-limit, &[(1.0, y)]), inclusive: true, time: None, text: "y >= limit".into() }
    });
    let case = Case { name: "moment".into(), program, row: vec![1.0], end: 3.0, scale: vec![1.0; 3], readings: vec![] };
    let top = std::f64::consts::FRAC_PI_2;
    for method in METHODS {
        let engine = CpuEngine::new(Precision::F64);
        let found = run(&engine, &case, method, 1e-6, &[until(3.0, &[0.5, top, 3.0])], &[]);
        let held = 2.0 * limit.acos();
        let values = &found.outputs;
        assert_eq!((values[3], values[7], values[11]), (0.0, 1.0, 0.0), "{method:?}: {values:?}");
        assert!((values[6] - 0.5 * held).abs() < 1e-3 && (values[10] - held).abs() < 1e-3, "{method:?}: {values:?}");
    }
}

/// `y' = y^2` from 1 has no value from 1 on. What was read before stands, and the lane says where it ended.
#[test]
fn what_is_read_before_a_failure_stands() {
    let system = common::system("blow-up", &[1.0], &[("k", 1.0)], |g, y, p, _| {
        vec![common::poly(g, &[(1.0, &[p[0], y[0], y[0]])])]
    });
    let program = common::program(&system);
    let case = Case { name: "blow-up".into(), program, row: vec![1.0], end: 2.0, scale: vec![1.0], readings: vec![] };
    for engine in engines() {
        for method in METHODS {
            let outputs = [0.0, 0.1, 0.25, 0.5, 0.8, 1.2, 1.5, 2.0];
            let found = run(&*engine, &case, method, 1e-5, &[until(2.0, &outputs)], &[]);
            let report = found.reports[0];
            assert!(report.status != Status::Finished && (report.time - 1.0).abs() < 1e-3, "{report:?}");
            for (value, t) in found.outputs.iter().zip(outputs) {
                let exact = if t < 1.0 { 1.0 / (1.0 - t) } else { 0.0 };
                assert!((value - exact).abs() < 1e-3, "{} {method:?} at {t}: {value}", engine.name());
            }
        }
    }
}
