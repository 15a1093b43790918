//! Noise that readings let go to nothing, replicates that are copies, and standard errors under Student's t.

#[path = "common/memory.rs"]
mod memory;

use fenton::Result;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Objective, StudyObjective};
use fenton::study::Study;
use memory::Memory;
use std::fmt::Write;

const MODEL: &str = "const dose = 0\nlive' = 0.03*live - k*dose*live\ndead' = k*dose*live\nlive = 1; dead = 0; k = 0.02\n\
    S' = p - d*S; S = 0; p = 0.4; d = 0.3\nz = 1; z' = 0*z; m = 1\n";

const HEAD: &str = "model = \"m\"\n[time]\nunit = \"h\"\n[compounds.dose]\nunit = \"uM\"\ntarget_unit = \"uM\"\n[data]\nfile = \"d.csv\"\nvalues = \"fraction\"\n";

fn read(rest: &str, plate: &str) -> Result<Study> {
    Study::read("study.toml", &format!("{HEAD}{rest}"), &Memory::of(MODEL, plate))
}

/// Readings at three doses and two times, three replicates each that differ by what `off` says.
fn plate(off: impl Fn(usize, usize) -> f64) -> String {
    let mut text = String::from("dose (uM),time (h),replicate,viability\n");
    for (group, (dose, time)) in [0.0, 1.0, 3.0].into_iter().flat_map(|dose| [(dose, 12.0), (dose, 24.0)]).enumerate() {
        for replicate in 0..3 {
            let value: f64 = (-0.02_f64 * dose * time).exp() + off(group, replicate);
            writeln!(text, "{dose},{time},{replicate},{value}").unwrap();
        }
    }
    text
}

const VIABILITY: &str = "[assay]\nkind = \"atp\"\nlive = \"live\"\n[parameters.k]\nbounds = [0.001, 1]\n[noise]\n";

#[test]
fn copies_are_no_replicates() {
    let pooled = format!("{VIABILITY}sd = \"replicates\"\n");
    // Exactly, and as rounding leaves them.
    for size in [0.0, 1e-9] {
        let error = read(&pooled, &plate(|_, r| size * r as f64)).unwrap_err().to_string();
        assert!(error.contains("the same number") && error.contains("d.csv:2:"), "{error}");
    }
    // In some groups alone: said, and read.
    let some = read(&pooled, &plate(|g, r| if g < 2 { 0.0 } else { 0.02 * (r as f64 - 1.0) })).unwrap();
    assert!(some.notes.iter().any(|note| note.contains("at 2 of 6 doses and times")), "{:?}", some.notes);
    let none = read(&pooled, &plate(|_, r| 0.02 * (r as f64 - 1.0))).unwrap();
    assert!(!none.notes.iter().any(|note| note.contains("same number")), "{:?}", none.notes);
    // Where the sd is estimated they count as readings that they are not.
    let estimated = format!("{VIABILITY}sd = \"sigma\"\n[parameters.sigma]\nvalue = 0.05\nbounds = [0.001, 1]\n");
    let copied = read(&estimated, &plate(|_, _| 0.0)).unwrap();
    assert!(copied.notes.iter().any(|note| note.contains("make every interval too narrow")), "{:?}", copied.notes);
}

#[test]
fn an_error_that_goes_to_nothing_is_told_from_one_at_its_floor() {
    let estimated =
        |least: f64| format!("{VIABILITY}sd = \"sigma\"\n[parameters.sigma]\nvalue = 0.05\nbounds = [{least}, 1]\n");
    let problem = |least: f64| read(&estimated(least), &plate(|_, _| 0.0)).unwrap().problem();
    let errors = |least: f64, sigma: f64| {
        let problem = problem(least);
        let of = |name: &str| problem.parameters.iter().position(|p| p.name == name).unwrap();
        let mut values = vec![0.0; 2];
        (values[of("k")], values[of("sigma")]) = (0.02, sigma);
        (problem.errors_without_floor(&values) == [of("sigma")], problem.errors_at_floor(&values) == [of("sigma")])
    };
    assert_eq!(errors(1e-12, 1e-12), (true, false));
    assert_eq!(errors(1e-12, 4e-9), (true, false));
    assert_eq!(errors(0.005, 0.005), (false, true));
    assert_eq!(errors(0.005, 0.05), (false, false));
}

#[test]
fn a_reading_of_zero_with_a_relative_error_is_told_before_a_fit() {
    let plate =
        "observable,dose (uM),time (h),value\nmarker,0,0,0\nmarker,0,1,0.36\nmarker,0,2,0.58\nmarker,0,4,0.95\n";
    let study = |sd: &str, more: &str| {
        format!(
            "[observables.marker]\nformula = \"S\"\n[observables.marker.noise]\nsd = {sd}\nrelative = 0.05\n\
             [parameters.p]\nbounds = [0.01, 10]\n[parameters.d]\nbounds = [0.01, 10]\n{more}"
        )
    };
    let free = "[parameters.s0]\nvalue = 0.01\nbounds = [1e-12, 1]\n";
    let endless = read(&study("\"s0\"", free), plate).unwrap();
    assert!(
        endless.notes.iter().any(|note| note.contains("line 2") && note.contains("without end")),
        "{:?}",
        endless.notes
    );
    let held = format!("{free}prior = {{ kind = \"log-normal\", median = 0.01, sd = 0.5 }}\n");
    let held = read(&study("\"s0\"", &held), plate).unwrap();
    assert!(!held.notes.iter().any(|note| note.contains("without end")), "{:?}", held.notes);
    let refused = read(&study("0", ""), plate).unwrap_err().to_string();
    assert!(refused.contains("a relative error is none"), "{refused}");
}

/// Of a model that is linear in its parameter the observed information is the second derivative of the objective.
#[test]
fn standard_errors_under_students_t_are_of_the_observed_information() {
    let values = [0.93, 1.08, 1.01, 0.97, 1.04, 1.9, 0.99, 1.02, 0.55];
    let mut plate = String::from("observable,dose (uM),time (h),replicate,value\n");
    values.iter().enumerate().for_each(|(at, value)| writeln!(plate, "marker,0,1,{at},{value}").unwrap());
    let text = "[observables.marker]\nformula = \"z\"\nscale = \"gain\"\n[observables.marker.noise]\nkind = \"student-t\"\ndf = 4\n\
         sd = \"sigma\"\n[parameters.gain]\nvalue = 1\nbounds = [0.1, 3]\nscale = \"lin\"\n\
         [parameters.sigma]\nvalue = 0.05\nbounds = [0.001, 2]\nscale = \"lin\"\n";
    let problem = read(text, &plate).unwrap().problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).unwrap();
    // The optimum, by Newton steps on the observed information itself.
    let mut point = vec![1.0, 0.06];
    for _ in 0..40 {
        let expansion = objective.expand_exactly(std::slice::from_ref(&point)).unwrap().remove(0);
        let step = expansion.fisher.lu().solve(&expansion.gradient).unwrap();
        point.iter_mut().zip(step.iter()).for_each(|(x, step)| *x -= step);
    }
    let at = |i: usize, by: f64| {
        let mut moved = point.clone();
        moved[i] += by;
        objective.expand_exactly(&[moved]).unwrap().remove(0).gradient
    };
    let found = objective.expand_exactly(std::slice::from_ref(&point)).unwrap().remove(0);
    assert!(found.gradient.amax() < 1e-6, "{}", found.gradient);
    for i in 0..2 {
        let wanted = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
        for j in 0..2 {
            approx::assert_relative_eq!(found.fisher[(i, j)], wanted[j], max_relative = 1e-4, epsilon = 0.05);
        }
    }
    // The expected information, which scoring takes, is another.
    let expected = objective.expand(std::slice::from_ref(&point)).unwrap().remove(0).fisher;
    assert!((expected[(0, 0)] / found.fisher[(0, 0)] - 1.0).abs() > 0.03);
}
