//! The measurement layer of mechanistic studies: counts, readings of one well over time, experiments that differ.
//!
//! Derivatives against differences, the law of counts against draws, and how often 95 % intervals hold the truth, beside
//! an analysis that takes all wells of all experiments alike. How often is a matter of some hundred:
//!
//!     DRAWS=400 cargo test --release --test study_layer -- --nocapture

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, FitResult, FitSettings, Objective, StudyObjective, fit};
use fenton::random::Stream;
use fenton::study::Study;
use fenton::study::problem::Problem;
use memory::Memory;
use std::fmt::Write;

const MODEL: &str = "
model killing
  Drug = 0; K = 10; k_death = 0.1; growth = 0.02;
  hazard := k_death * Drug / (K + Drug);
  live = 1; dead = 0;
  live' = (growth - hazard) * live;
  dead' = hazard * live;
end
";

const HEAD: &str = r#"
model = "killing"
[compounds.Drug]
unit = "uM"
target_unit = "uM"
[data]
file = "p.csv"
[parameters.k_death]
bounds = [0.01, 1]
[parameters.K]
bounds = [0.5, 200]
"#;

const COUNTS: &str = r#"
[assay]
kind = "live_dead"
live = "live"
dead = "dead"
[noise]
kind = "binomial"
overdispersion = "phi"
[parameters.phi]
value = 0.02
bounds = [0.0005, 0.5]
"#;

const SIGNALS: &str = r#"
[assay]
kind = "atp"
live = "live"
reading = "signal"
scale = "gain"
offset = "background"
[noise]
sd = 30
relative = "cv"
well_correlation = "rho"
[parameters.cv]
value = 0.08
bounds = [0.01, 0.5]
[parameters.rho]
value = 0.5
bounds = [0, 0.95]
scale = "lin"
[parameters.gain]
per = "plate"
value = 10000
bounds = [2000, 50000]
[parameters.background]
per = "plate"
value = 500
bounds = [50, 5000]
"#;

const MEMORY: &str = r#"
[noise]
kind = "binomial"
overdispersion = "phi"
well_memory = "memory"
[parameters.phi]
value = 0.02
bounds = [0.0005, 0.5]
[parameters.memory]
value = 12
bounds = [1, 100]
"#;

const BETWEEN: &str = r#"
[experiments]
spread = { K = "between" }
[parameters.between]
value = 0.2
bounds = [0.01, 1.5]
"#;

const K: f64 = 10.0;
const K_DEATH: f64 = 0.1;
/// Of the logarithm of K between experiments.
const SPREAD: f64 = 0.25;

fn study(parts: &[&str], plate: &str) -> Study {
    let text = parts.iter().fold(HEAD.to_string(), |text, part| text + part);
    Study::read("study.toml", &text, &Memory::of(MODEL, plate)).unwrap_or_else(|e| panic!("{e}"))
}

/// Live and dead cells, by the solution of the model.
fn cells(dose: f64, k: f64, time: f64) -> (f64, f64) {
    let hazard = K_DEATH * dose / (k + dose);
    let net = 0.02 - hazard;
    let live = (net * time).exp();
    (live, hazard * (live - 1.0) / net)
}

/// What a simulated file is like.
#[derive(Clone, Copy)]
struct Design {
    experiments: usize,
    wells: usize,
    /// Standard deviation of the logarithm of K.
    spread: f64,
}

fn shifts(design: Design, stream: &mut Stream) -> Vec<f64> {
    (0..design.experiments).map(|_| K * (design.spread * stream.normal()).exp()).collect()
}

const DOSES: [f64; 8] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Some 250 cells a well, whose share differs from well to well with the variance of a beta law (`phi` 0.02).
fn counts(design: Design, draw: u64) -> String {
    let mut stream = Stream::new(31, draw);
    let mut text = String::from("Drug,time,live,dead,experiment,replicate\n");
    for (e, k) in shifts(design, &mut stream).into_iter().enumerate() {
        for (d, dose) in DOSES.into_iter().enumerate() {
            for well in 0..design.wells {
                let (live, dead) = cells(dose, k, 48.0);
                let share = live / (live + dead);
                let share = (share + (0.02 * share * (1.0 - share)).sqrt() * stream.normal()).clamp(0.0, 1.0);
                let total = 200 + stream.below(100);
                let alive = (0..total).filter(|_| stream.uniform() < share).count();
                let _ = writeln!(text, "{dose},48,{alive},{},day {e},{e}-{d}-{well}", total - alive);
            }
        }
    }
    text
}

/// Signals of live cells every eight hours; a well has an error of its own that lasts, and each frame another.
fn signals(design: Design, draw: u64) -> String {
    let mut stream = Stream::new(32, draw);
    let mut text = String::from("Drug,time,value,experiment,plate,replicate,well\n");
    for (e, k) in shifts(design, &mut stream).into_iter().enumerate() {
        let (gain, blank) = (10_000.0 * (0.3 * stream.normal()).exp(), 500.0 * (0.2 * stream.normal()).exp());
        for well in 0..4 {
            let value = blank + 30.0 * stream.normal();
            let _ = writeln!(text, "0,8,{value},day {e},plate {e},blank-{e}-{well},blank");
        }
        for (d, dose) in DOSES.into_iter().enumerate() {
            for well in 0..design.wells {
                let own = 0.08 * 0.6f64.sqrt() * stream.normal();
                for time in [8.0, 16.0, 24.0, 32.0, 40.0, 48.0] {
                    let error = 1.0 + own + 0.08 * 0.4f64.sqrt() * stream.normal();
                    let value = blank + gain * cells(dose, k, time).0 * error + 30.0 * stream.normal();
                    let _ = writeln!(text, "{dose},{time},{value},day {e},plate {e},{e}-{d}-{well},sample");
                }
            }
        }
    }
    text
}

fn with_objective<T>(problem: &Problem, check: impl FnOnce(&StudyObjective) -> T) -> T {
    let engine = CpuEngine::new(Precision::F64);
    let choice = Choice { rtol: Some(1e-10), ..Choice::default() };
    check(&StudyObjective::new(problem, &engine, &engine, choice).unwrap_or_else(|e| panic!("{e}")))
}

fn fitted(study: &Study, starts: usize) -> (Problem, FitResult) {
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).expect("an objective");
    let settings = FitSettings { starts, refine: Some(3), ..FitSettings::default() };
    let result = fit(&objective, &settings, &mut ()).expect("a fit");
    (problem, result)
}

const THREE: Design = Design { experiments: 3, wells: 3, spread: SPREAD };

#[test]
fn gradients_are_those_of_the_value() {
    let cases: [(&[&str], String); 4] = [
        (&[COUNTS], counts(THREE, 1)),
        (&[COUNTS, BETWEEN], counts(THREE, 2)),
        (&[SIGNALS, BETWEEN], signals(THREE, 3)),
        (&[&COUNTS.replace("[noise]\nkind = \"binomial\"\noverdispersion = \"phi\"\n[parameters.phi]\nvalue = 0.02\nbounds = [0.0005, 0.5]\n", ""), MEMORY],
            counted_twice(4)),
    ];
    for (parts, plate) in cases {
        let problem = study(parts, &plate).problem();
        with_objective(&problem, |objective| {
            let point: Vec<f64> = (objective.lower().iter().zip(objective.upper()))
                .map(|(low, high)| low + 0.45 * (high - low))
                .collect();
            let expansion = objective.expand(std::slice::from_ref(&point)).expect("an expansion").remove(0);
            for i in 0..point.len() {
                let at = |by: f64| {
                    let mut moved = point.clone();
                    moved[i] += by;
                    objective.evaluate(&[moved]).expect("a value")[0].value
                };
                let h = 1e-4;
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let found = expansion.gradient[i];
                let name = &problem.parameters[i].name;
                assert!((found - slope).abs() < 1e-4 * slope.abs().max(1.0), "{name}: {found} {slope}");
            }
        });
    }
}

/// Counts of the same wells at two times.
fn counted_twice(draw: u64) -> String {
    let mut stream = Stream::new(33, draw);
    let mut text = String::from("Drug,time,live,dead,replicate\n");
    for (d, dose) in DOSES.into_iter().enumerate() {
        for time in [24.0, 48.0] {
            let (live, dead) = cells(dose, K, time);
            let alive = (0..200).filter(|_| stream.uniform() < live / (live + dead)).count();
            let _ = writeln!(text, "{dose},{time},{alive},{},{d}", 200 - alive);
        }
    }
    text
}

#[test]
fn the_spread_between_experiments_is_found() {
    let design = Design { experiments: 30, wells: 3, spread: SPREAD };
    let (problem, result) = fitted(&study(&[COUNTS, BETWEEN], &counts(design, 7)), 10);
    assert_eq!(problem.between[0].shifts.len(), 30);
    // Of thirty experiments the sd is known to an eighth, at best.
    let found = result.spreads[0];
    assert!((0.15..0.38).contains(&found), "{found}");
    // None where there is none: as small as its bounds allow, or too small to matter.
    let (_, alike) = fitted(&study(&[COUNTS, BETWEEN], &counts(Design { spread: 0.0, ..design }, 8)), 10);
    assert!(alike.spreads[0] < 0.06, "{}", alike.spreads[0]);
}

/// Writes the file of a simulated design.
type Make = fn(Design, u64) -> String;

#[test]
fn intervals_hold_the_truth_where_experiments_differ() {
    let draws: u64 = std::env::var("DRAWS").map_or(12, |draws| draws.parse().expect("DRAWS is a number"));
    let made: [(&str, &str, Make); 2] = [("counts", COUNTS, counts), ("signals", SIGNALS, signals)];
    println!("{:<30} {:>12} {:>12}", "95 % intervals of K hold it in", "experiments", "wells alike");
    for (name, layer, make) in made {
        for experiments in [3, 6] {
            let design = Design { experiments, ..THREE };
            let (mut held, mut naive) = (0, 0);
            for draw in 0..draws {
                let plate = make(design, draw);
                held += u64::from(holds(&study(&[layer, BETWEEN], &plate)));
                // The same law, but as if all wells of all experiments were of one.
                let alike = layer.replace("well_correlation = \"rho\"\n", "");
                let alike = alike.replace("[parameters.rho]\nvalue = 0.5\nbounds = [0, 0.95]\nscale = \"lin\"\n", "");
                naive += u64::from(holds(&study(&[&alike], &plate)));
            }
            let percent = |count: u64| 100.0 * count as f64 / draws as f64;
            println!("{name}, {experiments:<20} {:>12.1} {:>12.1}", percent(held), percent(naive));
            let slack = 3.0 * (0.05 * 0.95 / draws as f64).sqrt();
            assert!(percent(held) >= 100.0 * (0.94 - slack), "{name}, {experiments}: {held} of {draws}");
            assert!(naive < held, "{name}, {experiments}: taking wells alike holds as often");
        }
    }
}

fn holds(study: &Study) -> bool {
    let (problem, result) = fitted(study, 20);
    let Some(at) = problem.parameters.iter().position(|p| p.name == "K") else { return false };
    result.identification.parameters[at].interval.is_some_and(|(low, high)| (low..=high).contains(&K.log10()))
}

const LEVEL: &str = "
model level
  A = 2; k = 0;
  live = 1; dead = 0;
  live' = -k * live;
  dead' = k * live;
end
";

const LEVELS: &str = r#"
model = "level"
[data]
file = "p.csv"
without_control = "there is no compound"
[assay]
kind = "atp"
live = "A * live"
reading = "signal"
[noise]
kind = "log-normal"
sd = 0.1
[parameters.A]
bounds = [0.1, 100]
[experiments]
spread = { A = "between" }
[parameters.between]
value = 0.5
bounds = [0.001, 3]
"#;

/// One-way analysis of variance: for `n` readings in each of `K` experiments restricted maximum likelihood is
/// `sum (mean of experiment - grand mean)^2 / (K - 1) - sd^2 / n`, and the mean has that over `K` plus `sd^2 / (n K)`.
#[test]
fn a_linear_mixed_model_has_its_closed_form() {
    let (experiments, readings, sd) = (5, 4, 0.1);
    let mut stream = Stream::new(12, 0);
    let (mut text, mut means) = (String::from("time,value,experiment,replicate\n"), Vec::new());
    for e in 0..experiments {
        let own = 0.3 * stream.normal();
        let mut sum = 0.0;
        for r in 0..readings {
            let log = 2f64.ln() + own + sd * stream.normal();
            sum += log;
            let _ = writeln!(text, "24,{},day {e},{r}", log.exp());
        }
        means.push(sum / f64::from(readings));
    }
    let count = f64::from(experiments);
    let grand = means.iter().sum::<f64>() / count;
    let squares = means.iter().map(|mean| (mean - grand).powi(2)).sum::<f64>() / (count - 1.0);
    let expected = (squares - sd * sd / f64::from(readings)).sqrt();
    let study = Study::read("study.toml", LEVELS, &Memory::of(LEVEL, &text)).unwrap_or_else(|e| panic!("{e}"));
    let (problem, result) = fitted(&study, 10);
    assert!((result.spreads[0] / expected - 1.0).abs() < 0.02, "{} {expected}", result.spreads[0]);
    let at = problem.parameters.iter().position(|p| p.name == "A").expect("it is estimated");
    let found = &result.identification.parameters[at];
    assert!((found.value * 10f64.ln() - grand).abs() < 1e-3, "{} {grand}", found.value);
    // 2.776 is the 97.5 % quantile of Student's t with four degrees of freedom.
    let (low, high) = found.interval.expect("it is identified");
    let half = 2.776 * (squares / count).sqrt();
    assert!((0.5 * (high - low) * 10f64.ln() / half - 1.0).abs() < 0.05, "{low} {high} {half}");
}
