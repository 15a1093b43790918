//! Profiles of the study `fac-ht1080`: their ends beside those of the fit, and beside brute force where the objective has stairs.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::*;
use fenton::study::Study;

const LIMIT: f64 = 1.920_729_41;

#[test]
fn ends_are_those_of_the_fit_and_of_brute_force() {
    let study = Study::embedded("fac-ht1080").unwrap_or_else(|error| panic!("{error}"));
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).expect("an objective");
    let settings = FitSettings { starts: 300, seed: 1, ..FitSettings::default() };
    let fitted = fit(&objective, &settings, &mut ()).expect("a fit");
    let start = Some(Start { point: fitted.point.clone(), spreads: fitted.spreads.clone(), ends: Vec::new() });
    let settings = ProfileSettings { fit: settings, parameters: (0..fitted.names.len()).collect(), start };
    let found = profile(&objective, &settings, &mut ()).expect("profiles").expect("an optimum");
    assert!((found.value - fitted.value).abs() < 2e-3 && found.better.is_empty());
    for (profile, parameter) in found.profiles.iter().zip(&fitted.identification.parameters) {
        let name = &parameter.name;
        assert_eq!((profile.label(), parameter.basis), (Label::Identifiable, Basis::Likelihood), "{name}");
        let [Some(low), Some(high)] = profile.ends() else { panic!("{name}") };
        let (from, to) = parameter.interval.expect("an interval");
        for (own, theirs) in [(low, from), (high, to)] {
            assert!((own - theirs).abs() < 0.01 * (high - low), "{name}: {own} and {theirs}");
        }
    }

    // The death rate, whose upper end lies where the objective has stairs: a grid over the two others of the ridge and the
    // error, about the path.
    let at = fitted.names.iter().position(|name| name == "h_ferroptosis").expect("the parameter");
    let [iron, ferritin] =
        ["V_iron", "ferritin_capacity"].map(|name| fitted.names.iter().position(|n| n == name).expect("the parameter"));
    for side in &found.profiles[at].sides {
        let end = side.crossing.expect("an end");
        let nearest = side.points.iter().min_by(|a, b| (a.point[at] - end).abs().total_cmp(&(b.point[at] - end).abs()));
        let mut middle = nearest.expect("a point").point.clone();
        middle[at] = end;
        let moved = |along: i32, across: i32| {
            let mut point = middle.clone();
            point[iron] += 2e-3 * f64::from(along);
            point[ferritin] += 2e-3 * 2.35 * f64::from(along) + 1e-3 * f64::from(across);
            point
        };
        let grid: Vec<Vec<f64>> =
            (-15..=15).flat_map(|along| (-8..=8).map(move |across| moved(along, across))).collect();
        let values = objective.evaluate_exactly(&grid).expect("values");
        let lowest = values.iter().map(|e| e.value).fold(f64::INFINITY, f64::min);
        // A grid meets the bottom of stairs to a few hundredths.
        assert!((lowest - found.value - LIMIT).abs() < 0.05, "{end}: {}", lowest - found.value);
    }
}

#[test]
fn the_priors_can_be_left_out() {
    let study = Study::embedded("fac-ht1080").unwrap_or_else(|error| panic!("{error}"));
    let problem = study.problem();
    let mut flat = problem.clone();
    flat.parameters.iter_mut().for_each(|parameter| parameter.prior = fenton::study::Prior::Flat);
    let engine = CpuEngine::new(Precision::F64);
    let [with, without] = [&problem, &flat].map(|problem| {
        let objective = StudyObjective::new(problem, &engine, &engine, Choice::default()).expect("an objective");
        let fit = FitSettings { starts: 100, ..FitSettings::default() };
        let settings = ProfileSettings { fit, parameters: vec![0], start: None };
        let found = profile(&objective, &settings, &mut ()).expect("profiles").expect("an optimum");
        let likelihood = objective.likelihood_exactly(&found.point).expect("a likelihood");
        (found, likelihood)
    });
    // The optimum of the likelihood has the higher likelihood, and its value is nothing else.
    assert!(without.1 < with.1);
    approx::assert_abs_diff_eq!(without.0.value, without.1, epsilon = 1e-3);
    // A prior narrows what the data leave.
    let width = |found: &Profiles| {
        let [Some(low), Some(high)] = found.profiles[0].ends() else { panic!("two ends") };
        high - low
    };
    assert!(width(&with.0) < width(&without.0));
}
