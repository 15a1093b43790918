//! A lane that fails is tried again: with a smaller first step, by the other method, on the reference. Only then it
//! counts.

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, EngineError, Method, Outcomes, Precision, Reduced, Reduction, Status};
use fenton::inference::{Choice, Objective, Simulator, StudyObjective, Wanted};
use fenton::program::Program;
use fenton::study::Study;
use fenton::study::problem::Problem;
use memory::Memory;
use std::sync::Mutex;

/// How one batch was asked for.
#[derive(Debug, Clone, PartialEq)]
struct Attempt {
    method: Method,
    caution: f64,
    max_steps: u32,
    /// The protocols of its lanes.
    runs: Vec<u32>,
}

/// The CPU, but the lanes of run `run` fail with `status` at the first `times` attempts on it.
struct Stubborn {
    engine: CpuEngine,
    fails: Vec<(u32, Status, u32)>,
    attempts: Mutex<Vec<Attempt>>,
}

impl Stubborn {
    fn new(precision: Precision, fails: &[(u32, Status, u32)]) -> Stubborn {
        Stubborn { engine: CpuEngine::new(precision), fails: fails.to_vec(), attempts: Mutex::default() }
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
}

impl Engine for Stubborn {
    fn name(&self) -> String {
        "stubborn".into()
    }
    fn detail(&self) -> String {
        String::new()
    }
    fn precision(&self) -> Precision {
        self.engine.precision()
    }
    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        self.engine.declines(program, tangents)
    }
    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        let mut attempts = self.attempts.lock().unwrap();
        let so_far = attempts.len() as u32;
        attempts.push(Attempt {
            method: batch.settings.method,
            caution: batch.settings.caution,
            max_steps: batch.settings.max_steps,
            runs: batch.lanes.iter().map(|lane| lane.protocol).collect(),
        });
        let mut outcomes = self.engine.run(batch)?;
        for (at, lane) in batch.lanes.iter().enumerate() {
            for &(_, status, _) in self.fails.iter().filter(|f| f.0 == lane.protocol && so_far < f.2) {
                outcomes.reports[at].status = status;
                // What a lane that failed leaves behind must reach nobody.
                let range = outcomes.offsets[at]..outcomes.offsets[at + 1];
                outcomes.outputs[range].fill(f64::NAN);
            }
        }
        Ok(outcomes)
    }
    fn reduce(&self, _: &Batch, _: &Reduction) -> Result<Option<Reduced>, EngineError> {
        Ok(None)
    }
}

const MODEL: &str = "
model killing
  Drug = 0; K = 10; k_death = 0.1;
  live = 1;
  live' = -k_death * Drug / (K + Drug) * live;
end
";

const STUDY: &str = r#"
model = "killing"
[compounds.Drug]
unit = "uM"
target_unit = "uM"
[assay]
kind = "live_count"
reading = "signal"
live = "live"
[data]
file = "p.csv"
[noise]
sd = 0.1
[parameters.k_death]
bounds = [0.001, 10]
[parameters.K]
bounds = [0.1, 1000]
"#;

const DOSES: [f64; 5] = [0.0, 1.0, 3.0, 10.0, 30.0];

fn problem() -> Problem {
    let rows: String = DOSES.iter().map(|dose| format!("{dose},24,0.5\n")).collect();
    let plate = format!("Drug,time,signal\n{rows}");
    Study::read("study.toml", STUDY, &Memory::of(MODEL, plate)).unwrap_or_else(|e| panic!("{e}")).problem()
}

const VALUES: [f64; 2] = [0.1, 10.0];
const CHOICE: Choice = Choice { method: Some(Method::Rodas4P), rtol: None, atol: None };

/// Runs one point on `device` with `reference` behind it.
fn simulate(problem: &Problem, device: &Stubborn, reference: &Stubborn) -> fenton::inference::Simulated {
    let simulator = Simulator::new(problem, device, reference, CHOICE);
    simulator.run(&[VALUES.to_vec()], Wanted::default(), false).unwrap().remove(0)
}

fn check_values(slots: &[f64]) {
    for (slot, dose) in slots.iter().zip(DOSES) {
        let exact = (-0.1_f64 * dose / (10.0 + dose) * 24.0).exp();
        assert!((slot - exact).abs() < 1e-3 * exact, "{dose}: {slot} for {exact}");
    }
}

#[test]
fn a_failed_lane_is_tried_in_three_further_ways() {
    let problem = problem();
    assert_eq!(problem.layout.runs.len(), DOSES.len());
    let all: Vec<u32> = (0..5).collect();
    let (method, caution, max_steps) = (Method::Rodas4P, 1.0, 20_000);
    let first = Attempt { method, caution, max_steps, runs: all };
    let retry = Attempt { caution: 1e3, max_steps: 80_000, ..first.clone() };
    for times in 0..=3_u32 {
        // Runs 1 and 4 fail so often; run 2 once less.
        let fails = [1, 4].map(|run| (run, Status::StepTooSmall, times));
        let fails = [&fails[..], &[(2, Status::NotFinite, times.saturating_sub(1))]].concat();
        let (device, reference) = (Stubborn::new(Precision::F32, &fails), Stubborn::new(Precision::F64, &[]));
        let simulated = simulate(&problem, &device, &reference);
        let lanes = |attempt: u32| if attempt < times { vec![1, 2, 4] } else { vec![1, 4] };
        let careful = Attempt { runs: lanes(1), ..retry.clone() };
        let other = Attempt { runs: lanes(2), method: Method::Rodas5P, ..retry.clone() };
        let last = Attempt { runs: lanes(3), ..retry.clone() };
        let asked = [first.clone(), careful, other];
        assert_eq!(device.attempts(), asked[..(times as usize + 1).min(3)], "{times} failures");
        assert_eq!(reference.attempts(), if times == 3 { vec![last] } else { vec![] }, "{times} failures");
        assert_eq!(simulated.failures, []);
        check_values(&simulated.slots);
        // Lanes that did not fail are untouched.
        let plain = simulate(&problem, &Stubborn::new(Precision::F32, &[]), &Stubborn::new(Precision::F64, &[]));
        assert_eq!([simulated.slots[0], simulated.slots[3]], [plain.slots[0], plain.slots[3]]);
    }
}

#[test]
fn explicit_steps_give_way_to_stiff_ones() {
    let problem = problem();
    for (precision, stiff) in [(Precision::F32, Method::Rodas4P), (Precision::F64, Method::Rodas5P)] {
        let device = Stubborn::new(precision, &[(3, Status::StepLimit, 2)]);
        let reference = Stubborn::new(Precision::F64, &[]);
        let choice = Choice { method: Some(Method::Tsit5), ..CHOICE };
        let simulator = Simulator::new(&problem, &device, &reference, choice);
        let simulated = simulator.run(&[VALUES.to_vec()], Wanted::default(), false).unwrap().remove(0);
        let methods: Vec<Method> = device.attempts().iter().map(|attempt| attempt.method).collect();
        assert_eq!(methods, [Method::Tsit5, Method::Tsit5, stiff]);
        check_values(&simulated.slots);
    }
}

#[test]
fn a_lane_that_stays_failed_is_counted_by_its_cause() {
    let problem = problem();
    let always = u32::MAX;
    let fails = [
        (0, Status::StepLimit, always),
        (2, Status::NotFinite, always),
        (3, Status::StepLimit, always),
        (4, Status::Unsettled, 3),
    ];
    let (device, reference) = (Stubborn::new(Precision::F32, &fails), Stubborn::new(Precision::F64, &fails[..3]));
    let objective = StudyObjective::new(&problem, &device, &reference, CHOICE).unwrap();
    let point: Vec<f64> = VALUES.iter().map(|value| value.log10()).collect();
    let evaluation = objective.evaluate(std::slice::from_ref(&point)).unwrap().remove(0);
    assert_eq!(evaluation.value, f64::INFINITY);
    assert_eq!(evaluation.failures, [(Status::StepLimit, 2), (Status::NotFinite, 1)]);
    let expansion = objective.expand(&[point]).unwrap().remove(0);
    assert_eq!(expansion.value, f64::INFINITY);
    assert!(expansion.gradient.iter().chain(expansion.fisher.iter()).all(|&x| x == 0.0));
}

/// Regression: the race of the methods asked for a hundred steps at least, of whatever a study allowed.
#[test]
fn a_study_may_allow_few_steps() {
    let mut problem = problem();
    problem.solver.max_steps = Some(16);
    let engine = CpuEngine::new(Precision::F64);
    let simulator = Simulator::new(&problem, &engine, &engine, Choice::default());
    let simulated = simulator.run(&[VALUES.to_vec()], Wanted::default(), false).unwrap().remove(0);
    assert_eq!(simulated.failures, []);
    check_values(&simulated.slots);
}
