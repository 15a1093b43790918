//! How often the printed 95 % intervals hold the truth: `synthetic-crosstalk` with its noise drawn anew, fitted again.
//!
//! A few draws show that it works. How often is a matter of 200, which take half an hour on two cores:
//!
//!     DRAWS=200 cargo test --release --test coverage -- --nocapture
//!
//! What that printed last is in `data/studies/README.md`. Coverages of 200 draws scatter with a standard deviation of 1.5
//! points about the 95 %.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Basis, Choice, FitSettings, Objective, StudyObjective, Verdict, fit};
use fenton::random::Stream;
use fenton::study::Study;
use fenton::study::problem::{Observation, Problem};

const STUDY: &str = "synthetic-crosstalk";
/// Enough to see a fit or an interval that is plainly wrong.
const FEW: u64 = 4;
/// Enough to tell 91 to 98 % for each parameter.
const MANY: u64 = 200;

/// Of one parameter over all draws.
#[derive(Default)]
struct Tally {
    covered: u32,
    without_interval: u32,
    /// Intervals by standard errors, for want of an end of the likelihood.
    by_errors: u32,
    /// Of the interval, in natural logarithms.
    widths: Vec<f64>,
    /// Estimate minus truth in standard errors.
    scores: Vec<f64>,
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let draws = std::env::var("DRAWS").map_or(FEW, |draws| draws.parse().expect("DRAWS is a number"));
    let study = Study::embedded(STUDY).unwrap_or_else(|error| panic!("{error}"));
    let problem = study.problem();
    let truth = truth(&problem);
    let engine = CpuEngine::new(Precision::F64);
    let means: Vec<f64> = StudyObjective::new(&problem, &engine, &engine, Choice::default())
        .and_then(|objective| objective.predict(&truth))
        .expect("predictions at the truth")
        .iter()
        .map(|row| row.prediction)
        .collect();
    let mut tallies: Vec<Tally> = truth.iter().map(|_| Tally::default()).collect();
    // Twice what the best point gains on the truth: chi-squared with as many degrees of freedom as parameters.
    let mut gains: Vec<f64> = Vec::new();
    for draw in 0..draws {
        let drawn = noisy(&problem, &truth, &means, draw);
        let objective = StudyObjective::new(&drawn, &engine, &engine, Choice::default()).expect("an objective");
        let settings = FitSettings { starts: 200, refine: Some(20), seed: draw, ..FitSettings::default() };
        let result = fit(&objective, &settings, &mut ()).expect("a fit");
        let at_truth = objective.evaluate_exactly(std::slice::from_ref(&truth)).expect("a value at the truth");
        gains.push(2.0 * (at_truth[0].value - result.value));
        for (i, parameter) in result.identification.parameters.iter().enumerate() {
            let tally = &mut tallies[i];
            let (Some((low, high)), Some(error)) = (parameter.interval, parameter.standard_error) else {
                assert_ne!(parameter.verdict, Verdict::Identified);
                tally.without_interval += 1;
                continue;
            };
            tally.by_errors += u32::from(parameter.basis == Basis::Normal);
            tally.covered += u32::from((low..=high).contains(&truth[i]));
            tally.widths.push((high - low) * std::f64::consts::LN_10);
            tally.scores.push((parameter.value - truth[i]) / error);
        }
        if draw % 20 == 19 {
            eprintln!("{} of {draws}", draw + 1);
        }
    }
    println!(
        "{:<20} {:>8} {:>11} {:>12} {:>9} {:>7}",
        "parameter", "covered", "no interval", "median width", "mean z", "sd z"
    );
    let (mut wrong, mut held) = (Vec::new(), 0);
    for (tally, parameter) in tallies.iter_mut().zip(&problem.parameters) {
        tally.widths.sort_by(f64::total_cmp);
        let share = 100.0 * f64::from(tally.covered) / draws as f64;
        let n = tally.scores.len() as f64;
        let mean = tally.scores.iter().sum::<f64>() / n;
        let deviation = (tally.scores.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / n).sqrt();
        let median = tally.widths.get(tally.widths.len() / 2).copied().unwrap_or(f64::NAN);
        let (name, none, errors) = (&parameter.name, tally.without_interval, tally.by_errors);
        println!("{name:<20} {share:>7.1} % {none:>11} {errors:>10} {median:>13.3} {mean:>7.2} {deviation:>5.2}");
        held += tally.covered;
        if draws >= MANY && !(91.0..=98.0).contains(&share) {
            wrong.push(format!("{name}: {share} %"));
        }
    }
    let mean = gains.iter().sum::<f64>() / gains.len() as f64;
    let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
    println!(
        "the fit is better than the truth by chi-squared {mean:.2} (expected {}), at least {least:.2}",
        truth.len()
    );
    assert!(least > 0.0, "a fit ended above the truth: not at the best optimum");
    assert!(wrong.is_empty(), "outside 91 to 98 %: {wrong:?}");
    let share = f64::from(held) / (draws as usize * truth.len()) as f64;
    assert!(share > 0.8, "of all intervals {share:.2} hold the truth");
}

/// The parameters behind the plate, on the estimation scale. All are declared identifiable.
fn truth(problem: &Problem) -> Vec<f64> {
    let path = format!("{}/data/studies/{STUDY}.truth.csv", env!("CARGO_MANIFEST_DIR"));
    let mut table = csv::Reader::from_path(path).expect("the truth");
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    assert!(rows.iter().all(|row| &row[3] == "yes"));
    let value = |name: &str| rows.iter().find(|row| &row[0] == name).and_then(|row| row[1].parse().ok());
    problem.parameters.iter().map(|p| p.scale.estimate(value(&p.name).expect("a number"))).collect()
}

/// The same wells with other noise.
fn noisy(problem: &Problem, truth: &[f64], means: &[f64], draw: u64) -> Problem {
    let mut drawn = problem.clone();
    let values = problem.values(truth);
    let mut stream = Stream::new(20_000, draw);
    for observation in &mut drawn.observations {
        let Observation::Value { prediction, value, error } = observation else {
            panic!("{STUDY} has single values only")
        };
        let mean = means[*prediction];
        *value = mean + problem.sd(error, &values, mean) * stream.normal();
    }
    drawn
}
