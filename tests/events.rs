//! Events as SBML Level 3 means them: delays, priorities, persistence, values of the trigger or of the execution, and
//! rows at the very time of a turn. Values are closed forms, or those of libRoadRunner 2.10.0 for the same text at
//! tolerances of 1e-10.

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Segment, Settings, Status};
use fenton::expr::Id;
use fenton::inference::{Choice, FitSettings, StudyObjective, fit};
use fenton::model::antimony;
use fenton::program::wgsl::declines;
use fenton::program::{Lowering, Program};
use fenton::study::Study;
use memory::Memory;

/// The program of a model with the named outputs; the parameters in `inputs` are what lanes bring along.
fn program(text: &str, outputs: &[&str], inputs: &[&str]) -> Program {
    let system = antimony::read(text, "m.ant").and_then(|n| n.system()).unwrap_or_else(|error| panic!("{error}"));
    let outputs: Vec<Id> = outputs.iter().map(|name| system.variable(name).expect("a variable").value).collect();
    let inputs = inputs.iter().map(|name| system.parameter(name).expect("a parameter")).collect();
    Program::new(&system, &Lowering { outputs, inputs, fixed: vec![] })
}

fn run_all(program: &Program, rows: &[f64], protocol: Protocol, precision: Precision, method: Method) -> Outcomes {
    let rtol = if precision == Precision::F64 { 1e-10 } else { 1e-5 };
    let atol = vec![rtol * 1e-2; program.states.len()];
    let settings = Settings { method, rtol, atol, max_steps: 1_000_000, caution: 1.0 };
    let count = (rows.len() / program.inputs.len().max(1)).max(1);
    let lanes: Vec<Lane> = (0..count as u32).map(|row| Lane { row, protocol: 0 }).collect();
    let batch = Batch { program, lanes: &lanes, rows, protocols: &[protocol], tangents: &[], settings: &settings };
    CpuEngine::new(precision).run(&batch).expect("the CPU runs")
}

fn until(outputs: &[f64]) -> Protocol {
    let until = outputs.last().copied().unwrap_or_default();
    Protocol { start: 0.0, segments: vec![Segment { until, ..Segment::default() }], outputs: outputs.to_vec() }
}

/// Runs `text` in every precision and by every method; each row of `wanted` is a time and the outputs there.
#[track_caller]
fn rows(text: &str, outputs: &[&str], wanted: &[&[f64]]) {
    let times: Vec<f64> = wanted.iter().map(|row| row[0]).collect();
    let program = program(text, outputs, &[]);
    for (precision, tolerance) in [(Precision::F64, 1e-8), (Precision::F32, 2e-4)] {
        for method in [Method::Rodas5P, Method::Rodas4P, Method::Tsit5] {
            let found = run_all(&program, &[], until(&times), precision, method);
            assert_eq!(found.reports[0].status, Status::Finished, "{text}, {precision:?}, {method:?}");
            for (row, found) in wanted.iter().zip(found.outputs.chunks(outputs.len())) {
                for ((name, &wanted), &found) in outputs.iter().zip(&row[1..]).zip(found) {
                    assert!(
                        (found - wanted).abs() <= tolerance * (1.0 + wanted.abs()),
                        "{text}, {precision:?}, {method:?}: {name} at {} is {found}, not {wanted}",
                        row[0]
                    );
                }
            }
        }
    }
}

#[test]
fn a_condition_that_is_false_at_a_time_shows_nothing_in_the_row_there() {
    let text = |trigger: &str| format!("S = 1; S' = -0.1*S; {trigger}: S = 20");
    let decay = |t: f64, from: f64, since: f64| from * (-0.1 * (t - since)).exp();
    rows(&text("at time > 0"), &["S"], &[&[0.0, 1.0], &[1.0, decay(1.0, 20.0, 0.0)]]);
    // One that is true at the start has not turned, unless it counts as having been false.
    rows(&text("at time >= 0"), &["S"], &[&[0.0, 1.0], &[1.0, decay(1.0, 1.0, 0.0)]]);
    rows(&text("at time >= 0, t0=false"), &["S"], &[&[0.0, 20.0], &[1.0, decay(1.0, 20.0, 0.0)]]);
    rows(&text("at time > 2"), &["S"], &[&[2.0, decay(2.0, 1.0, 0.0)], &[3.0, decay(1.0, 20.0, 0.0)]]);
    rows(&text("at time >= 2"), &["S"], &[&[2.0, 20.0], &[3.0, decay(1.0, 20.0, 0.0)]]);
    // The same holds a delay later.
    rows(&text("at 2 after time > 0"), &["S"], &[&[2.0, decay(2.0, 1.0, 0.0)], &[3.0, decay(1.0, 20.0, 0.0)]]);
    rows(&text("at 2 after time >= 0, t0=false"), &["S"], &[&[0.0, 1.0], &[2.0, 20.0]]);
    rows(&text("at 2 after time > 1"), &["S"], &[&[3.0, decay(3.0, 1.0, 0.0)], &[4.0, decay(1.0, 20.0, 0.0)]]);
    rows(&text("at 2 after time >= 1"), &["S"], &[&[3.0, 20.0], &[4.0, decay(1.0, 20.0, 0.0)]]);
    // A delay of nothing is none, also if only the run knows it.
    rows(&text("d = 0; at d after time >= 1"), &["S"], &[&[1.0, 20.0], &[2.0, decay(1.0, 20.0, 0.0)]]);
}

/// When sin(t) > 0.5 turns for the `k`-th time.
fn turn(k: f64) -> f64 {
    std::f64::consts::FRAC_PI_6 + std::f64::consts::TAU * k
}

const SWING: &str = "var n; n = 0; S = 1; S' = -0.1*S; x = 0; x' = cos(time)";

#[test]
fn values_are_those_of_the_trigger_or_of_the_execution() {
    let s = |t: f64| (-0.1 * t).exp();
    let sum = |late: f64, count: u32| (0..count).map(|k| s(turn(f64::from(k)) + late)).sum::<f64>();
    let text = format!("{SWING}; at 5 after x > 0.5");
    rows(
        &format!("{text}, fromTrigger=false: n = n + S"),
        &["n"],
        &[&[5.0, 0.0], &[10.0, sum(5.0, 1)], &[15.0, sum(5.0, 2)], &[20.0, sum(5.0, 3)], &[30.0, sum(5.0, 4)]],
    );
    rows(
        &format!("{text}: n = n + S"),
        &["n"],
        &[&[5.0, 0.0], &[10.0, sum(0.0, 1)], &[15.0, sum(0.0, 2)], &[20.0, sum(0.0, 3)], &[30.0, sum(0.0, 4)]],
    );
    // A delay is that of when the trigger turned; libRoadRunner.
    rows(
        &format!("{SWING}; at 1 + 2*S after x > 0.5, fromTrigger=false: n = n + S"),
        &["n"],
        &[&[5.0, 0.710236451], &[10.0, 1.124218324], &[15.0, 1.355755436], &[30.0, 1.550924128]],
    );
}

#[test]
fn a_trigger_that_turns_again_meanwhile_puts_another_execution_into_the_queue() {
    let text = "var n; n = 0; y = 0; y' = 1; x = 0; x' = cos(3*time); at 5 after x > 0.2";
    // sin(3 t) > 0.6, three of which wait at a time.
    let turn = |k: u32| (0.6_f64.asin() + std::f64::consts::TAU * f64::from(k)) / 3.0;
    let late = |count: u32| (0..count).map(|k| turn(k) + 5.0).sum::<f64>();
    rows(
        &format!("{text}, fromTrigger=false: n = n + y"),
        &["n"],
        &[&[5.0, 0.0], &[6.0, late(1)], &[8.0, late(2)], &[10.0, late(3)], &[15.0, late(5)]],
    );
    // n itself is that of the trigger too: what was added meanwhile is lost.
    rows(
        &format!("{text}: n = n + y"),
        &["n"],
        &[&[6.0, 0.2145003695], &[8.0, 2.308895471], &[10.0, 4.403290572], &[12.0, 6.712186044], &[15.0, 10.90097625]],
    );
    rows(&format!("{text}, persistent=false: n = n + y"), &["n"], &[&[15.0, 0.0]]);
}

#[test]
fn an_execution_is_called_off_where_its_trigger_turns_back() {
    // sin(t) > 0.5 lasts for 2 pi / 3 = 2.094.
    for (delay, count) in [("2", 5.0_f64), ("2.1", 0.0)] {
        let text = format!("{SWING}; at {delay} after x > 0.5, persistent=false: n = n + 1");
        rows(&text, &["n"], &[&[5.0, count.min(1.0)], &[30.0, count]]);
        let text = text.replace(", persistent=false", "");
        rows(&text, &["n"], &[&[5.0, 1.0], &[30.0, 5.0]]);
    }
}

#[test]
fn the_greatest_priority_goes_first_and_what_it_does_counts_for_the_rest() {
    let text = "var a, b; a = 0; b = 0; A: at time >= 1, priority = 1 FROM: a = b + 1, b = b + 10
                B: at time >= 1, priority = 2 FROM: a = b + 2, b = b + 100";
    rows(&text.replace("FROM", ""), &["a", "b"], &[&[0.0, 0.0, 0.0], &[1.0, 1.0, 10.0], &[2.0, 1.0, 10.0]]);
    rows(&text.replace("FROM", ", fromTrigger=false"), &["a", "b"], &[&[0.0, 0.0, 0.0], &[1.0, 101.0, 110.0]]);
    // A formula, which an event of the same time changes: after A, C comes before B.
    let text = "var x, p; x = 0; p = 1; A: at time >= 1, priority = 9: p = 5
                B: at time >= 1, priority = 3, fromTrigger=false: x = 10*x + 2
                C: at time >= 1, priority = p, fromTrigger=false: x = 10*x + 3";
    rows(text, &["x"], &[&[1.0, 32.0]]);
    // One sets off another, and calls off a third; libRoadRunner.
    let text = "var a, b; a = 0; b = 0; A: at time >= 1, priority = 2: a = 1, b = b + 1
                B: at time >= 1 && a < 0.5, priority = 1, persistent = KEPT, fromTrigger=false: b = b + 10
                C: at a > 0.5, fromTrigger=false: b = b + 100";
    rows(&text.replace("KEPT", "true"), &["a", "b"], &[&[1.0, 1.0, 111.0], &[2.0, 1.0, 111.0]]);
    rows(&text.replace("KEPT", "false"), &["a", "b"], &[&[1.0, 1.0, 101.0], &[2.0, 1.0, 101.0]]);
    // Without priorities: in the order of the triggers, then of the text; a delayed one was there first.
    let text = "var x; x = 0; A: at time >= 3, fromTrigger=false: x = 10*x + 1
                B: at 2 after time >= 1, fromTrigger=false: x = 10*x + 2; C: at time >= 3, fromTrigger=false: x = 10*x + 3";
    rows(text, &["x"], &[&[3.0, 213.0]]);
}

#[test]
fn which_of_equal_priorities_goes_first_is_drawn_alike_in_every_lane() {
    let text = "var Q, R, last, k; Q = 0; R = 0; last = 0; k = 0
                A: at time - last >= 1, priority = 7, persistent = false: last = time, Q = Q + 1
                B: at time - last >= 1, priority = 7, persistent = false: last = time, R = R + 1";
    let program = program(text, &["Q", "R"], &["k"]);
    let found = run_all(&program, &[1.0; 40], until(&[2000.5]), Precision::F64, Method::Rodas5P);
    let (q, r) = (found.outputs[0], found.outputs[1]);
    assert_eq!(q + r, 2000.0);
    // Binomial: within four standard deviations of a half.
    assert!((q - 1000.0).abs() < 90.0 && q != r, "{q} of 2000");
    assert!(found.outputs.chunks(2).all(|pair| pair == [q, r]), "lanes differ: {:?}", found.outputs);
}

#[test]
fn a_species_gets_the_value_as_a_concentration_of_the_size_it_meets() {
    // libRoadRunner: V grows, and jumps while the event waits.
    let text = "compartment V; V = 2; V' = 1; species S in V; S = 3; at time >= 2.5: V = 8; at 2 after time >= 1";
    rows(&format!("{text}: S = 5"), &["S", "V"], &[&[2.0, 1.5, 4.0], &[3.0, 5.0, 8.5], &[4.0, 42.5 / 9.5, 9.5]]);
    rows(
        &format!("{text}, fromTrigger=false: S = V"),
        &["S", "V"],
        &[&[2.0, 1.5, 4.0], &[3.0, 8.5, 8.5], &[4.0, 72.25 / 9.5, 9.5]],
    );
    rows(&format!("{text}: S = V"), &["S", "V"], &[&[3.0, 3.0, 8.5], &[5.0, 25.5 / 10.5, 10.5]]);
}

#[test]
fn what_waits_outlasts_doses_and_keeps_a_lane_from_coming_to_rest() {
    let program = program("S = 0; S' = d; d = 0; at 5 after time >= 1: S = S + 10", &["S"], &["d"]);
    let dose = |until: f64, d: f64| Segment { until, set: vec![(0, d)], ..Segment::default() };
    let protocol = Protocol {
        start: 0.0,
        segments: vec![dose(2.0, 0.0), dose(4.0, 1.0), dose(8.0, 0.0)],
        outputs: vec![5.9, 8.0],
    };
    let found = run_all(&program, &[0.0], protocol, Precision::F64, Method::Rodas5P);
    // From the trigger: S was 0 then, so the dose is overwritten.
    assert!((found.outputs[0] - 2.0).abs() < 1e-12 && found.outputs[1] == 10.0, "{:?}", found.outputs);

    // Cells would be at rest at 1, but for the event that waits.
    let program = self::program("k = 1; S = 5; S' = k - S; at 30 after S < 1.5: k = 3", &["S"], &[]);
    let settle = Segment { until: 0.0, settle: Some(1000.0), ..Segment::default() };
    let segments = vec![settle, Segment { until: 1.0, ..Segment::default() }];
    let protocol = Protocol { start: 0.0, segments, outputs: vec![0.5] };
    let found = run_all(&program, &[], protocol, Precision::F64, Method::Rodas5P);
    assert_eq!(found.reports[0].status, Status::Finished);
    assert!((found.outputs[0] - 3.0).abs() < 1e-6, "{:?}", found.outputs);
}

#[test]
fn delays_that_are_none_and_queues_without_end_stop_a_lane() {
    let program = program("S = 1; S' = 0; d = 1; at d after time >= 1: S = 2", &["S"], &["d"]);
    let found = run_all(&program, &[1.0, -1.0, f64::NAN], until(&[3.0]), Precision::F64, Method::Rodas5P);
    let statuses: Vec<Status> = found.reports.iter().map(|report| report.status).collect();
    assert_eq!(statuses, [Status::Finished, Status::BadDelay, Status::BadDelay]);
    assert_eq!((found.outputs[0], found.reports[1].time), (2.0, 1.0));
    assert!(Status::BadDelay.advice().contains("delay"), "{}", Status::BadDelay.advice());

    // A thousand that wait are done in their order.
    let text = "var n; n = 0; x = 0; x' = 50*cos(50*time); at 100 after x > 0.5, fromTrigger=false: n = n + 1";
    let program = self::program(text, &["n"], &[]);
    let turns = |t: f64| ((50.0 * t - std::f64::consts::FRAC_PI_6) / std::f64::consts::TAU).floor() + 1.0;
    let found = run_all(&program, &[], until(&[100.0, 150.0, 250.0]), Precision::F64, Method::Tsit5);
    assert_eq!(found.outputs, [0.0, turns(50.0), turns(150.0)]);
    // And one that sets itself off for ever ends.
    let program = self::program("S = 0; S' = 0; at S < 1: S = 2; at S > 1: S = 0; at time >= 1: S = 2", &["S"], &[]);
    let found = run_all(&program, &[], until(&[2.0]), Precision::F64, Method::Rodas5P);
    assert_eq!(found.reports[0].status, Status::StepTooSmall);
}

/// Killing that starts a lag after the drug comes, to be found from survivors: 1 until the lag, then exp(-k drug (t - lag)).
#[test]
fn a_study_with_a_delayed_event_is_fitted() {
    let model = "const drug = 0; live = 1; kill = 0; live' = -kill*live; lag = 3; k = 0.3
                 at lag after drug > 0, t0=false, fromTrigger=false: kill = k*drug";
    let mut plate = String::from("drug (uM),time (h),viability\n");
    for time in [2.0, 8.0, 12.0, 24.0_f64] {
        plate += &format!("0,{time},1\n");
        for dose in [1.0, 2.0, 4.0] {
            plate += &format!("{dose},{time},{}\n", (-0.05 * dose * (time - 6.0).max(0.0)).exp());
        }
    }
    let text = "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.drug]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
                [assay]\nkind = \"atp\"\nlive = \"live\"\n[data]\nfile = \"data.csv\"\nvalues = \"fraction\"\n[noise]\nsd = 0.02\n\
                [parameters.k]\nbounds = [0.005, 1]\n[parameters.lag]\nbounds = [1, 20]\n";
    let study = Study::read("study.toml", text, &Memory::of(model, &plate)).unwrap_or_else(|error| panic!("{error}"));
    let problem = study.problem();
    assert!(declines(&problem.program).is_some_and(|why| why.contains("event")), "a device would run it");
    let reference = CpuEngine::new(Precision::F64);
    assert!(reference.declines(&problem.program, true).is_some_and(|why| why.contains("sensitivities")));
    for precision in [Precision::F64, Precision::F32] {
        let engine = CpuEngine::new(precision);
        let objective = StudyObjective::new(&problem, &engine, &reference, Choice::default()).expect("an objective");
        let settings = FitSettings { starts: 20, refine: Some(5), ..FitSettings::default() };
        let result = fit(&objective, &settings, &mut ()).expect("a fit");
        assert!(result.failures.is_empty(), "{:?}", result.failures);
        for (name, wanted) in [("k", 0.05), ("lag", 6.0)] {
            let at = result.names.iter().position(|n| n == name).expect("a parameter of this name");
            let found = 10f64.powf(result.point[at]);
            assert!((found / wanted - 1.0).abs() < 0.01, "{precision:?}: {name} = {found}");
        }
    }
}

#[test]
fn cells_do_not_settle_under_a_model_that_tells_the_time() {
    let plate = "drug (uM),time (h),viability\n0,24,1\n1,24,0.5\n";
    let study = "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.drug]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
                 [assay]\nkind = \"atp\"\nlive = \"live\"\n[settle]\nlongest = 1000\n[data]\nfile = \"data.csv\"\n\
                 values = \"fraction\"\n[noise]\nsd = 0.02\n[parameters.k]\nbounds = [0.005, 1]\n";
    for (change, what) in [
        ("at time >= 5: k = 1", "'time >= 5' depends on time"),
        ("at time/5 after live < 0.5: k = 1", "event '_E0' depends on time"),
        ("S = 1; S' = -S*sin(time)", "the rate of 'S' depends on time"),
    ] {
        let model = format!("const drug = 0; live = 1; live' = -k*drug*live; k = 0.1; {change}");
        let error = Study::read("study.toml", study, &Memory::of(&model, plate)).unwrap_err().to_string();
        assert!(error.contains("study.toml:") && error.contains(what), "{change}: {error}");
    }
}
