//! Ends of intervals against profiles in closed form or by brute force.

use crate::objectives::LeastSquares;
use fenton::inference::*;

/// Of chi-squared with one degree of freedom, 95 %: the square of 1.959964.
const QUANTILE: f64 = 1.959_963_985;

/// `a` about 0 on a curved scale, and `b` that has to follow `a + a^2 / 4` closely.
fn bent(bounds: (f64, f64)) -> LeastSquares {
    bent_within(bounds, (-2.0, 4.0))
}

fn bent_within(of_a: (f64, f64), of_b: (f64, f64)) -> LeastSquares {
    let model = |p: &[f64]| {
        let (a, b) = (p[0], p[1]);
        let residuals = vec![(a.exp() - 1.0) / 0.4, (b - a - 0.25 * a * a) / 0.05];
        let rows = vec![vec![a.exp() / 0.4, 0.0], vec![-(1.0 + 0.5 * a) / 0.05, 1.0 / 0.05]];
        (residuals, rows)
    };
    LeastSquares::new(&["a", "b"], &[of_a, of_b], Box::new(model))
}

fn result_of(objective: &LeastSquares) -> FitResult {
    let settings = FitSettings { starts: 64, refine: Some(8), seed: 3, ..FitSettings::default() };
    fit(objective, &settings, &mut ()).expect("a fit")
}

#[test]
fn ends_follow_a_bent_valley() {
    let result = result_of(&bent((-4.0, 2.0)));
    let [a, b] = &result.identification.parameters[..] else { panic!("two parameters") };
    assert_eq!([a.basis, b.basis], [Basis::Likelihood; 2]);
    // `b` follows `a` at no cost, so the first residual alone decides.
    let ends = [1.0 - 0.4 * QUANTILE, 1.0 + 0.4 * QUANTILE].map(f64::ln);
    let (low, high) = a.interval.expect("an interval");
    approx::assert_abs_diff_eq!([low, high][..], ends[..], epsilon = 0.01);
    // By standard errors it would be symmetric: -0.78 to 0.78.
    assert!(low < -1.4 && high < 0.6);

    // The profile of `b`, by brute force over `a`.
    let objective = bent((-4.0, 2.0));
    let profile = |b: f64| {
        let points: Vec<Vec<f64>> = (0..20_000).map(|i| vec![-4.0 + 3e-4 * f64::from(i), b]).collect();
        let values = objective.evaluate(&points).expect("values");
        values.iter().map(|e| e.value).fold(f64::INFINITY, f64::min) - result.value
    };
    let (low, high) = b.interval.expect("an interval");
    for end in [low, high] {
        approx::assert_abs_diff_eq!(profile(end), 0.5 * QUANTILE * QUANTILE, epsilon = 0.02);
    }
}

#[test]
fn an_end_that_the_likelihood_does_not_reach_is_the_bound() {
    let result = result_of(&bent((-1.0, 2.0)));
    let (low, high) = result.identification.parameters[0].interval.expect("an interval");
    assert_eq!(low, -1.0);
    approx::assert_abs_diff_eq!(high, (1.0 + 0.4 * QUANTILE).ln(), epsilon = 0.01);
    assert_eq!(result.identification.parameters[0].basis, Basis::Likelihood);
    // It is told, and not called identified.
    assert_eq!(result.identification.parameters[0].verdict, Verdict::OneSided);
}

/// Where nothing can be integrated beyond a point, the end is not made up.
#[test]
fn an_end_behind_failures_is_none() {
    let mut objective = bent((-4.0, 2.0));
    objective.fails = |point| point[0] < -0.5;
    let result = result_of(&objective);
    let a = &result.identification.parameters[0];
    assert_eq!((a.verdict, a.interval, a.standard_error), (Verdict::AtFailures, None, None));
    let [None, Some(high)] = a.ends else { panic!("{:?}", a.ends) };
    approx::assert_abs_diff_eq!(high, (1.0 + 0.4 * QUANTILE).ln(), epsilon = 0.01);
    let edge = &result.edges[0];
    assert_eq!(edge.of, EdgeOf::End { parameter: 0, upper: false });
    assert_eq!(edge.causes, [(fenton::engine::Status::StepLimit, 1)]);
}

/// `b` cannot follow `a` beyond 0.3: what then rises is the price of that bound, and says nothing of `a`.
#[test]
fn an_end_that_the_bound_of_another_makes_is_none() {
    let result = result_of(&bent_within((-4.0, 2.0), (-2.0, 0.3)));
    let a = &result.identification.parameters[0];
    assert_eq!(a.basis, Basis::Likelihood);
    let (low, high) = a.interval.expect("an interval");
    assert_eq!(high, 2.0);
    approx::assert_abs_diff_eq!(low, (1.0 - 0.4 * QUANTILE).ln(), epsilon = 0.01);
}

/// A valley beside the one that the search ended in, behind a wall that is lower than the limit.
#[test]
fn a_better_optimum_on_the_way_to_an_end_is_taken() {
    let model = |x: &[f64]| {
        let (tilt, wave) = (0.3 * (x[0] - 1.0), 1.6 * (3.0 * x[0]).sin());
        (vec![tilt, wave, x[1] - x[0]], vec![vec![0.3, 0.0], vec![4.8 * (3.0 * x[0]).cos(), 0.0], vec![-1.0, 1.0]])
    };
    let start = Some(vec![0.1, 0.0]);
    let objective = LeastSquares {
        nominal: start,
        ..LeastSquares::new(&["a", "b"], &[(-8.0, 10.0), (-12.0, 12.0)], Box::new(model))
    };
    let settings = FitSettings { starts: 1, ..FitSettings::default() };
    let found = fit(&objective, &settings, &mut ()).expect("a fit");
    let low = std::f64::consts::PI / 3.0;
    approx::assert_abs_diff_eq!(found.point[0], low, epsilon = 0.02);
    // The fit that begins there has the same ends.
    let there = LeastSquares { nominal: Some(vec![low, low]), ..objective };
    let beside = fit(&there, &settings, &mut ()).expect("a fit");
    assert!((found.value - beside.value).abs() < 1e-6);
    for (one, other) in found.identification.parameters.iter().zip(&beside.identification.parameters) {
        let [one, other] = [one, other].map(|parameter| parameter.interval.expect("an interval"));
        approx::assert_abs_diff_eq!([one.0, one.1][..], [other.0, other.1][..], epsilon = 0.01);
    }
}
