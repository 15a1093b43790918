//! Models whose Jacobian, or whose rates themselves, are infinite or undefined where they start: a root or a power
//! below one of a state of 0, 0^0, 0/0 and logarithms at t = 0, factors beyond f32. Every engine and method gives the
//! right answer or fails with a cause. The values are closed forms, or SciPy's by `tests/reference/singular_starts.py`.

mod common;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{
    Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Race, Segment, Settings, Status, choose,
};
use fenton::expr::Symbol;
use fenton::program::{Lowering, Program};

struct Case {
    name: &'static str,
    model: &'static str,
    end: f64,
    /// States at the end, in the order of the model.
    states: &'static [f64],
    /// Absolute tolerance; the size below which an error counts as absolute is a thousand times this at least.
    atol: f64,
}

const fn case(name: &'static str, model: &'static str, end: f64, states: &'static [f64]) -> Case {
    Case { name, model, end, states, atol: 1e-7 }
}

const CASES: &[Case] = &[
    case(
        "tank",
        "species H = 0, live = 1; fill: -> H; q; drain: H -> ; c*sqrt(H); die: live -> ; kd*H*live;
         q = 0.6; c = 0.5; kd = 0.05",
        24.0,
        &[1.43285232, 0.23652192],
    ),
    case(
        "power",
        "species H = 0, live = 1; fill: -> H; q; drain: H -> ; c*H^n; die: live -> ; kd*H*live;
         q = 0.6; c = 0.5; kd = 0.05; n = 0.75",
        24.0,
        &[1.27496172, 0.25534073],
    ),
    case("sqrt", "A = 0; A' = 1 - sqrt(A)", 5.0, &[0.9386646508]),
    case(
        "export",
        "species D = 0, live = 1; up: -> D; kin; out: D -> ; V*D^h/(K^h + D^h); die: live -> ; kd*D*live;
         kin = 0.5; V = 1.2; K = 2; h = 0.7; kd = 0.02",
        24.0,
        &[1.22209327, 0.61704028],
    ),
    // The same Hill law written as 1/(1 + (K/D)^h), and in a control, where the drug stays 0 for ever.
    case(
        "ratio",
        "D = 0; live = 1; D' = kin*(dose - D); live' = -kd/(1 + (K/D)^h)*live;
         kin = 0.4; dose = 2; kd = 0.1; K = 3; h = 0.6",
        24.0,
        &[1.9998645426, 0.36753067],
    ),
    case(
        "control",
        "D = 0; live = 1; fast = 0; D' = kin*(dose - D); live' = -kd/(1 + (K/D)^h)*live - kd*D^h/(K^h + D^h)*live;
         fast' = kf*(live - fast); kin = 0.4; dose = 0; kd = 0.1; K = 3; h = 0.6; kf = 1e3",
        24.0,
        &[0.0, 1.0, 1.0],
    ),
    // H = 0 for ever is a solution, and the one that is stated; with an inflow it grows.
    case("rest", "H = 0; H' = k*sqrt(H) + k*H^0.75; k = 1", 5.0, &[0.0]),
    case("growth", "H = 0; H' = q + sqrt(H); q = 0.1", 5.0, &[8.0544286078]),
    case("half power", "A = 0; A' = q - A^0.5; q = 1", 5.0, &[0.9386646508]),
    case("nothing to nothing", "y = 0; y' = q - y^n; q = 2; n = 0", 3.0, &[3.0]),
    // Infinite time derivatives.
    case("root of time", "y = 0; y' = k*time^0.3; k = 1.3", 6.0, &[10.2706191565]),
    case("driven", "y = 0; y' = sqrt(time) - y", 6.0, &[2.2204049916]),
    // Rates that are undefined at t = 0.
    case("sine", "y = 0; y' = sin(time)/time", 6.0, &[1.4246875513]),
    case("pole", "y = 0; y' = 1/sqrt(time)", 6.0, &[4.8989794856]),
    case("logarithm of time", "y = 0; z = 0; y' = -ln(time); z' = time*ln(time)", 6.0, &[-4.7505568154, 23.251670452]),
    // At the edge of a root that is not at 0, and within a logarithm.
    case("edge", "S = 1; P = 0; S' = -0.2*S; P' = 0.5*sqrt(1 - S)", 6.0, &[0.3011942119, 1.8580693004]),
    case("logarithm", "y = 0; y' = 1 - 0.3*ln(1 + sqrt(y))", 6.0, &[4.4303236903]),
    // A tank that runs empty: (1 - t/4)^2 and (1 - t/4)^4, then nothing.
    case("empty", "H = 1; H' = -0.5*sqrt(H)", 6.0, &[0.0]),
    case("empty, half power", "H = 1; H' = -0.5*H^0.5", 6.0, &[0.0]),
    case("empty, power", "H = 1; H' = -H^0.75", 6.0, &[0.0]),
    case("empty, another goes on", "H = 1; H' = -0.5*sqrt(H); w = 0; w' = 1 + H", 6.0, &[0.0, 6.0 + 4.0 / 3.0]),
    // Almost 0: the Jacobian is a number, but says nothing.
    case("almost", "H = 1e-30; H' = q - c*sqrt(H); q = 0.6; c = 0.5", 24.0, &[1.4328523241]),
    // Beyond f32: (K/D)^12 at the start, and squares of amounts in a femtolitre.
    case(
        "steep",
        "D = 1e-4; live = 1; D' = kin*(dose - D); live' = -kd/(1 + (K/D)^h)*live;
         kin = 0.4; dose = 5; kd = 0.1; K = 3; h = 12",
        24.0,
        &[4.9996613, 0.11602933],
    ),
    Case {
        name: "femto",
        model: "S = 1e-22; S' = -V/(1 + K/S); V = 1e-22; K = 1e-22",
        end: 2.0,
        states: &[2.7846454276e-23],
        atol: 1e-29,
    },
    // With a fast reaction beside: A follows H, 1e-6 behind.
    case(
        "stiff",
        "H = 0; A = 0; H' = q - c*sqrt(H); A' = k*(H - A); q = 0.6; c = 0.5; k = 1e6",
        24.0,
        &[1.4328523241, 1.4328523241],
    ),
];

/// What must not be answered, with the state that is to blame.
const FAILING: &[(&str, &str, Status)] = &[
    ("a pole that cannot be integrated", "y = 0; y' = 1/time", Status::Undefined),
    ("the logarithm of nothing", "N = 0; N' = 0.1 + 0.5*N*ln(10/N)", Status::Undefined),
    ("nothing by nothing", "S = 0; S' = 0.1 - S/(S + K); K = 0", Status::Undefined),
    ("one by a root of nothing", "H = 0; H' = 1/sqrt(H)", Status::Undefined),
    ("below nothing", "H = 0; H' = -1 - sqrt(H)", Status::NotFinite),
];

fn program(model: &str) -> Program {
    let text = format!("model m\n{model}\nend\n");
    let mut system = fenton::model::antimony::read(&text, "m.ant").expect("it is read").system().expect("a system");
    let inputs = (0..system.parameters.len() as u32).collect();
    let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
    Program::new(&system, &Lowering { inputs, fixed: vec![], outputs })
}

fn row(model: &str) -> Vec<f64> {
    let text = format!("model m\n{model}\nend\n");
    let system = fenton::model::antimony::read(&text, "m.ant").expect("it is read").system().expect("a system");
    system.parameters.iter().map(|parameter| parameter.value).collect()
}

fn run(
    engine: &dyn Engine,
    model: &str,
    method: Method,
    (rtol, atol): (f64, f64),
    end: f64,
    tangents: &[u32],
) -> Outcomes {
    let (program, rows) = (program(model), row(model));
    let settings = Settings { method, rtol, atol: vec![atol; program.states.len()], max_steps: 20_000, caution: 1.0 };
    let protocol =
        Protocol { start: 0.0, segments: vec![Segment { until: end, ..Segment::default() }], outputs: vec![0.0, end] };
    one_lane(engine, (&program, &rows), protocol, tangents, &settings)
}

fn one_lane(
    engine: &dyn Engine,
    (program, rows): (&Program, &[f64]),
    protocol: Protocol,
    tangents: &[u32],
    settings: &Settings,
) -> Outcomes {
    let lanes = [Lane { row: 0, protocol: 0 }];
    let protocols = [protocol];
    engine
        .run(&Batch { program, lanes: &lanes, rows, protocols: &protocols, tangents, settings })
        .expect("the engine runs")
}

fn engines() -> Vec<Box<dyn Engine>> {
    let both = [Precision::F64, Precision::F32];
    let cpu = both.map(|precision| Box::new(CpuEngine::new(precision)) as Box<dyn Engine>);
    let tape = both.map(|precision| Box::new(CpuEngine::interpreting(precision)) as Box<dyn Engine>);
    let gpu = both.into_iter().filter_map(common::gpu).map(|engine| Box::new(engine) as Box<dyn Engine>);
    cpu.into_iter().chain(tape).chain(gpu).collect()
}

const STIFF: [Method; 2] = [Method::Rodas4P, Method::Rodas5P];
const ALL: [Method; 3] = [Method::Rodas4P, Method::Rodas5P, Method::Tsit5];

#[test]
fn every_engine_and_method_leaves_a_singular_start() {
    let mut wrong = Vec::new();
    for engine in engines() {
        let single = engine.precision() == Precision::F32;
        for case in CASES {
            let (rtol, allowed) = if single { (1e-4, 1e-3) } else { (1e-6, 1e-5) };
            let methods = if ["stiff", "control"].contains(&case.name) { &STIFF[..] } else { &ALL };
            for &method in methods {
                let outcomes = run(&*engine, case.model, method, (rtol, case.atol), case.end, &[]);
                let report = outcomes.reports[0];
                let found = &outcomes.outputs[case.states.len()..];
                // What lags behind by a part of a million is within all of these.
                let error = found.iter().zip(case.states).map(|(x, y)| (x - y).abs() / y.abs().max(1e3 * case.atol));
                let error = error.fold(0.0, f64::max);
                let absolute = case.states == [0.0];
                let allowed = if absolute { 1e-1 } else { allowed };
                let right = error <= allowed && found.iter().all(|value| value.is_finite());
                if report.status != Status::Finished || !right {
                    let engine = format!("{} {} {:?}", engine.name(), engine.detail(), engine.precision());
                    wrong.push(format!(
                        "{} {method:?} on {engine}: {found:?}, error {error:.1e}, {report:?}",
                        case.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_has_no_answer_fails_with_a_cause() {
    for engine in engines() {
        for &(name, model, status) in FAILING {
            for method in ALL {
                let report = run(&*engine, model, method, (1e-4, 1e-7), 5.0, &[]).reports[0];
                assert_eq!(
                    (report.status, report.state, report.time),
                    (status, Some(0), 0.0),
                    "{name}: {method:?} on {} {:?}",
                    engine.name(),
                    engine.precision()
                );
                assert!(status.advice().contains("undefined") || status.advice().contains("not finite"));
            }
        }
    }
}

/// By the outflow's constant of a tank that fills from 0: against differences.
#[test]
fn sensitivities_leave_a_singular_start() {
    for (model, end) in [(CASES[0].model, 24.0), (CASES[1].model, 24.0), (CASES[3].model, 24.0), (CASES[21].model, 6.0)]
    {
        let tangents: Vec<u32> = (0..row(model).len() as u32).collect();
        for engine in [CpuEngine::new(Precision::F64), CpuEngine::interpreting(Precision::F64)] {
            for method in ALL {
                let found = run(&engine, model, method, (1e-9, 1e-12), end, &tangents);
                let (program, nominal) = (program(model), row(model));
                let states = program.states.len();
                for &input in &tangents {
                    let at = |factor: f64| {
                        let mut rows = nominal.clone();
                        rows[input as usize] *= factor;
                        let settings = Settings {
                            method: Method::Tsit5,
                            rtol: 1e-11,
                            atol: vec![1e-13; states],
                            max_steps: 1_000_000,
                            caution: 1.0,
                        };
                        let segments = vec![Segment { until: end, ..Segment::default() }];
                        let protocol = Protocol { start: 0.0, segments, outputs: vec![end] };
                        one_lane(&engine, (&program, &rows), protocol, &[], &settings).outputs
                    };
                    let (above, below) = (at(1.001), at(0.999));
                    for state in 0..states {
                        let difference = (above[state] - below[state]) / (0.002 * nominal[input as usize]);
                        let tangent = found.tangents[(states + state) * tangents.len() + input as usize];
                        let error = (tangent - difference).abs() / difference.abs().max(1e-3);
                        assert!(error < 2e-5, "{method:?}, input {input}, state {state}: {tangent}, {difference}");
                    }
                }
            }
        }
    }
}

/// The sensitivity to a start value of 0 is infinite for a moment: it must not come out as a number.
#[test]
fn an_infinite_sensitivity_is_no_number() {
    for method in ALL {
        let model = "H = h0; H' = q - c*sqrt(H); h0 = 0; q = 0.6; c = 0.5";
        let inputs = program(model).inputs;
        let start = inputs.iter().position(|name| name == "h0").expect("an input") as u32;
        let found = run(&CpuEngine::new(Precision::F64), model, method, (1e-6, 1e-9), 5.0, &[start]);
        assert_eq!(found.reports[0].status, Status::Finished);
        assert!(!found.tangents[1].is_finite(), "{method:?}: {:?}", found.tangents);
    }
}

/// A lane that settles is not taken for one at rest because it cannot move, and one at rest is.
#[test]
fn rest_is_told_from_being_stuck() {
    for (model, rest) in
        [("H = 0; H' = q - c*sqrt(H); q = 0.6; c = 0.5", 1.44), ("H = 0; H' = q - c*sqrt(H); q = 0; c = 0.5", 0.0)]
    {
        for engine in engines() {
            for method in STIFF {
                let (program, rows) = (program(model), row(model));
                let settings = Settings { method, rtol: 1e-4, atol: vec![1e-7], max_steps: 20_000, caution: 1.0 };
                let settle = Segment { until: 0.0, settle: Some(1e4), ..Segment::default() };
                let protocol = Protocol { start: -1.0, segments: vec![settle], outputs: vec![0.0] };
                let found = one_lane(&*engine, (&program, &rows), protocol, &[], &settings);
                assert_eq!(found.reports[0].status, Status::Finished);
                assert!((found.outputs[0] - rest).abs() < 1e-3, "{method:?} on {}: {found:?}", engine.name());
            }
        }
    }
}

/// The race takes the method that finishes, and looks closer where results differ.
#[test]
fn the_race_compares_results() {
    let race = |model: &str, rtol: f64, end: f64| -> Race {
        let (program, rows) = (program(model), row(model));
        let settings = Settings {
            method: Method::Rodas5P,
            rtol,
            atol: vec![rtol; program.states.len()],
            max_steps: 20_000,
            caution: 1.0,
        };
        let segments = vec![Segment { until: end, ..Segment::default() }];
        let protocol = Protocol { start: 0.0, segments, outputs: vec![0.5 * end, end] };
        let lanes = [Lane { row: 0, protocol: 0 }];
        let batch = Batch {
            program: &program,
            lanes: &lanes,
            rows: &rows,
            protocols: &[protocol],
            tangents: &[],
            settings: &settings,
        };
        choose(&batch, Precision::F64).expect("the CPU runs")
    };
    for case in [&CASES[0], &CASES[1], &CASES[3]] {
        assert_eq!(race(case.model, 1e-6, case.end).doubt, None, "{}", case.name);
    }
    // Chaos: no tolerance makes the two agree for long, and that is said.
    let lorenz = "x = 1; y = 1; z = 1; x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z";
    assert_eq!(race(lorenz, 1e-6, 1.0).doubt, None);
    let doubt = race(lorenz, 1e-4, 100.0).doubt.expect("they differ");
    assert!(doubt.contains("do not trust either"), "{doubt}");
    // A loose tolerance at which one method is right: a clock of ten turns.
    let clock = "x = 1; y = 0; x' = w*y; y' = -w*x; w = 6.283185307179586";
    for (r, e) in [(1e-2, 40.0), (1e-2, 10.0), (1e-2, 100.0), (3e-3, 40.0), (3e-3, 100.0), (1e-3, 100.0), (1e-3, 400.0)]
    {
        println!("{r} {e} {:?}", race(clock, r, e));
    }
    let found = race(clock, 1e-2, 100.0);
    assert!(found.doubt.as_ref().is_some_and(|doubt| doubt.contains("right")), "{found:?}");
}
