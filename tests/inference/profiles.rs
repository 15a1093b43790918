//! Profiles against parabolas, closed forms and brute force; ridges, plateaus, failures, stairs, better optima.

use crate::objectives::*;
use fenton::inference::*;
use std::time::Duration;

/// Half of the 95 % quantile of chi-squared with one degree of freedom.
const LIMIT: f64 = 1.920_729_41;

fn settings(parameters: &[usize]) -> ProfileSettings {
    let fit = FitSettings { starts: 256, refine: Some(32), seed: 1, ..FitSettings::default() };
    ProfileSettings { fit, parameters: parameters.to_vec(), start: None }
}

fn run(objective: &dyn Objective) -> Profiles {
    let all: Vec<usize> = (0..objective.names().len()).collect();
    profile(objective, &settings(&all), &mut ()).expect("profiles").expect("an optimum")
}

fn from(objective: &dyn Objective, point: &[f64]) -> Profiles {
    let all: Vec<usize> = (0..objective.names().len()).collect();
    let start = Some(Start { point: point.to_vec(), spreads: Vec::new(), ends: Vec::new() });
    profile(objective, &ProfileSettings { start, ..settings(&all) }, &mut ()).expect("profiles").expect("an optimum")
}

/// Three residuals in three parameters that are strongly tied.
fn gaussian() -> (LeastSquares, [[f64; 3]; 3]) {
    let rows = [[2.0, 1.0, 0.0], [0.0, 3.0, -2.5], [0.5, 0.0, 1.0]];
    let centre = [0.4, -0.3, 0.7];
    let model: Model = Box::new(move |x| {
        let residual = |row: &[f64; 3]| (0..3).map(|i| row[i] * (x[i] - centre[i])).sum::<f64>();
        (rows.iter().map(residual).collect(), rows.iter().map(|row| row.to_vec()).collect())
    });
    (LeastSquares::new(&["a", "b", "c"], &[(-9.0, 9.0); 3], model), rows)
}

#[test]
fn the_profile_of_a_gaussian_is_the_parabola_of_its_standard_error() {
    let (objective, rows) = gaussian();
    let found = run(&objective);
    // The inverse of the information, entry by entry.
    let information = nalgebra::Matrix3::from_fn(|r, c| (0..3).map(|k| rows[k][r] * rows[k][c]).sum::<f64>());
    let covariance = information.try_inverse().expect("an inverse");
    for profile in &found.profiles {
        let i = profile.parameter;
        let (variance, centre) = (covariance[(i, i)], found.point[i]);
        assert_eq!(profile.label(), Label::Identifiable);
        for (side, sign) in profile.sides.iter().zip([-1.0, 1.0]) {
            assert!(side.points.len() >= 6, "{} points", side.points.len());
            for pair in side.points.windows(2) {
                let rise = pair[1].value - pair[0].value;
                assert!((0.0..0.6).contains(&rise), "a step of {rise}");
            }
            for point in &side.points {
                let expected = 0.5 * (point.point[i] - centre).powi(2) / variance;
                assert!(point.settled);
                // The others are settled to a thousandth.
                approx::assert_abs_diff_eq!(point.value - found.value, expected, epsilon = 1e-3);
            }
            let end = centre + sign * (2.0 * LIMIT * variance).sqrt();
            approx::assert_abs_diff_eq!(side.crossing.expect("an end"), end, epsilon = 1e-3 * variance.sqrt());
        }
    }
    assert!(found.ties.is_empty());
}

#[test]
fn a_ridge_is_followed_to_both_bounds_and_named() {
    let found = run(&product());
    for profile in &found.profiles[..2] {
        assert_eq!(profile.label(), Label::NotIdentifiable, "{:?}", profile.sides.each_ref().map(|s| s.end));
        for point in profile.sides.iter().flat_map(|side| &side.points) {
            assert!(point.settled);
            // The other one has the same bounds, so that 600 and 0.001 is where the ridge leaves the box.
            if point.point[..2].iter().all(|k| k.abs() < 3.0) {
                approx::assert_abs_diff_eq!(point.point[0] + point.point[1], 0.6_f64.log10(), epsilon = 1e-3);
                assert!(point.value < found.value + 1e-3);
            }
        }
        assert_eq!(profile.sides.each_ref().map(|side| side.end), [PathEnd::Bound, PathEnd::Held]);
        assert_eq!(profile.ends(), [None, None]);
    }
    assert_eq!(found.profiles[2].label(), Label::Identifiable);
    let [tie] = &found.ties[..] else { panic!("{:?}", found.ties) };
    assert_eq!(tie.text, "only 'k1' x 'k2' is determined, neither of them alone");
}

/// `1 - exp(-k t)` read when it is over already: any larger rate does as well.
#[test]
fn a_rate_that_is_too_fast_to_see_is_at_least_something() {
    let data: Vec<(f64, f64)> = (1..=8).map(|i| (f64::from(i), 1.0 + 0.02 * (12.9898 * f64::from(i)).sin())).collect();
    let rise = |x: f64, b: &[f64]| {
        let decay = (-b[0] * x).exp();
        (b[1] * (1.0 - decay), vec![b[1] * x * decay, 1.0 - decay])
    };
    let model = curve(data.clone(), 0.05, rise);
    let objective =
        LeastSquares { logarithmic: true, ..LeastSquares::new(&["k", "top"], &[(-2.0, 3.0), (-1.0, 1.0)], model) };
    let found = run(&objective);
    let [k, top] = &found.profiles[..] else { panic!() };
    assert_eq!((k.label(), top.label()), (Label::AtLeast, Label::Identifiable));
    // By brute force: for each rate the best top is a ratio of sums.
    let height = |k: f64| {
        let shape = |x: f64| 1.0 - (-k * x).exp();
        let top = data.iter().map(|(x, y)| shape(*x) * y).sum::<f64>()
            / data.iter().map(|(x, _)| shape(*x).powi(2)).sum::<f64>();
        data.iter().map(|(x, y)| 0.5 * ((top * shape(*x) - y) / 0.05).powi(2)).sum::<f64>()
    };
    let end = k.sides[0].crossing.expect("a lower end");
    approx::assert_abs_diff_eq!(height(10f64.powf(end)) - found.value, LIMIT, epsilon = 5e-3);
    assert_eq!(found.ties.len(), 1, "{:?}", found.ties);
    assert_eq!(found.ties[0].text, "towards its upper bound 'k' can go without the data noticing");
}

/// NIST "MGH09" has profiles that are far from parabolas; each point by a fit of the others alone.
#[test]
fn bent_profiles_agree_with_fits_of_the_other_parameters() {
    let objective = box_bod(13.0);
    let found = run(&objective);
    for profile in &found.profiles {
        let other = 1 - profile.parameter;
        for point in profile.sides.iter().flat_map(|side| &side.points) {
            // Golden section over the other, from well below to well above.
            let value = |x: f64| {
                let mut at = point.point.clone();
                at[other] = x;
                objective.evaluate(&[at]).expect("a value")[0].value
            };
            let (mut low, mut high) = (point.point[other] - 0.3, point.point[other] + 0.3);
            for _ in 0..60 {
                let inner = [0.381_966, 0.618_034].map(|share| low + share * (high - low));
                if value(inner[0]) < value(inner[1]) { high = inner[1] } else { low = inner[0] }
            }
            approx::assert_abs_diff_eq!(point.value, value(0.5 * (low + high)), epsilon = 2e-3);
        }
    }
}

#[test]
fn ends_are_those_of_the_fit() {
    let objective = decays_in_order();
    let fitted = fit(&objective, &settings(&[0]).fit, &mut ()).expect("a fit");
    let found = run(&objective);
    for (profile, parameter) in found.profiles.iter().zip(&fitted.identification.parameters) {
        let (low, high) = parameter.interval.expect("an interval");
        let [Some(from), Some(to)] = profile.ends() else { panic!("{:?}", profile.label()) };
        for (own, theirs) in [(from, low), (to, high)] {
            assert!((own - theirs).abs() < 0.01 * (high - low), "{own} and {theirs}");
        }
    }
}

#[test]
fn a_side_behind_failures_is_not_decided() {
    let (mut objective, _) = gaussian();
    objective.fails = |point| point[0] > 0.6;
    let found = from(&objective, &[0.4, -0.3, 0.7]);
    let a = &found.profiles[0];
    assert_eq!(a.sides[1].end, PathEnd::Failed);
    assert!(found.edges.contains(&Edge {
        of: EdgeOf::End { parameter: 0, upper: true },
        causes: vec![(fenton::engine::Status::StepLimit, 1)],
        failed: 1,
    }));
    assert_eq!((a.sides[0].end, a.label()), (PathEnd::Crossed, Label::Undecided));
    let last = a.sides[1].points.last().expect("a point").point[0];
    assert!((0.59..=0.6).contains(&last), "{last}");
}

/// A well beside the one that the work began in.
#[test]
fn a_path_that_falls_into_a_better_optimum_starts_everything_again_there() {
    let model: Model = Box::new(|x| {
        let (tilt, wave) = (0.3 * (x[0] - 1.0), 1.6 * (3.0 * x[0]).sin());
        (vec![tilt, wave, x[1] - x[0]], vec![vec![0.3, 0.0], vec![4.8 * (3.0 * x[0]).cos(), 0.0], vec![-1.0, 1.0]])
    });
    let objective = LeastSquares::new(&["a", "b"], &[(-2.0, 4.0), (-5.0, 5.0)], model);
    let low = std::f64::consts::PI / 3.0;
    // A path that ends above its limit sees no further: the walls between the wells are 1.3 high.
    let found = from(&objective, &[0.0, 0.0]);
    assert_eq!(found.better.len(), 1, "{:?}", found.better);
    approx::assert_abs_diff_eq!(found.point[0], low, epsilon = 0.02);
    assert!(found.better[0].1 < found.better[0].0 - 0.01);
    approx::assert_abs_diff_eq!(found.better[0].1, found.value, epsilon = 1e-9);
}

/// Readings in stairs: derivatives of what lies under them promise what no step keeps.
#[test]
fn on_stairs_the_paths_go_on_and_say_what_was_not_optimised() {
    let (plain, _) = gaussian();
    let stairs: Model = {
        let model = plain.model;
        Box::new(move |x| {
            let (residuals, rows) = model(&x.iter().map(|v| (v * 8.0).round() / 8.0).collect::<Vec<_>>());
            (residuals, rows)
        })
    };
    let objective = LeastSquares::new(&["a", "b", "c"], &[(-9.0, 9.0); 3], stairs);
    let found = run(&objective);
    let (smooth, _) = gaussian();
    let truth = run(&smooth);
    for (rough, even) in found.profiles.iter().zip(&truth.profiles) {
        assert_eq!(rough.label(), Label::Identifiable, "{:?}", rough.sides.each_ref().map(|s| s.end));
        let ([Some(low), Some(high)], [Some(from), Some(to)]) = (rough.ends(), even.ends()) else { panic!() };
        // Stairs are an eighth wide, and each parameter has its own.
        assert!((low - from).abs() < 0.3 && (high - to).abs() < 0.3, "{low} to {high}, not {from} to {to}");
    }
}

#[test]
fn work_that_was_stopped_goes_on_to_the_same_bytes() {
    let place = tempfile::tempdir().expect("a folder");
    let objective = decays(&[0.5, 5.0], &[1.0, 2.0], 0.01);
    let fitted = fit(&objective, &settings(&[0]).fit, &mut ()).expect("a fit");
    let nearby: Vec<f64> = fitted.point.iter().map(|x| x + 0.03).collect();
    for start in [None, Some(Start { point: nearby, spreads: Vec::new(), ends: Vec::new() })] {
        let uncut = ProfileSettings { start, ..settings(&[0, 1, 2, 3]) };
        let whole = profile(&objective, &uncut, &mut ()).expect("profiles").expect("an optimum");
        let mut cut = uncut.clone();
        cut.fit.checkpoint = Some(CheckpointSettings {
            path: place.path().join("x.checkpoint"),
            interval: Duration::ZERO,
            study: String::new(),
        });
        let (mut before, mut partial) = (0, 0);
        // The fit alone takes some 20,000.
        let step = if uncut.start.is_some() { 12 } else { 1000 };
        let found = (1..200).find_map(|call| {
            cut.fit.max_evaluations = Some(step * call);
            match profile(&objective, &cut, &mut ()).expect("profiles") {
                Ok(found) if found.ended == Ended::Complete => return Some(found),
                Ok(found) => {
                    partial += 1;
                    assert!(found.profiles.iter().any(|p| p.sides.iter().any(|side| side.end == PathEnd::Stopped)));
                }
                Err(ended) => {
                    before += 1;
                    assert_eq!(ended, Ended::Evaluations);
                }
            }
            None
        });
        let found = found.expect("an end");
        assert!(before > 1 && (partial > 5 || uncut.start.is_none()), "{before} {partial}");
        assert_eq!(found.profiles, whole.profiles);
        assert_eq!((&found.point, found.value.to_bits()), (&whole.point, whole.value.to_bits()));
        assert_eq!((found.evaluations, found.expansions), (whole.evaluations, whole.expansions));
        cut.fit.checkpoint.as_ref().expect("a checkpoint").remove().expect("removed");
        assert!(std::fs::read_dir(place.path()).expect("the folder").next().is_none());
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (objective, _) = gaussian();
    let with = |parameters: &[usize], point: Option<Vec<f64>>| {
        let start = point.map(|point| Start { point, spreads: Vec::new(), ends: Vec::new() });
        profile(&objective, &ProfileSettings { start, ..settings(parameters) }, &mut ()).unwrap_err().to_string()
    };
    assert!(with(&[], None).contains("at least one"));
    assert!(with(&[0, 0], None).contains("each once"));
    assert!(with(&[3], None).contains("of 3"));
    assert!(with(&[0], Some(vec![0.0])).contains("3 parameters"));
    assert!(with(&[0], Some(vec![0.0, 99.0, 0.0])).contains("outside the bounds of 'b'"));
}

/// Nine parameters in a row along a ridge that the first derivatives hardly see: its curvature is that of a prediction which is
/// far off, 24 times what the Fisher information says. Ends follow from all second derivatives.
#[test]
fn a_ridge_that_first_derivatives_hardly_see_is_followed() {
    const N: usize = 9;
    const STIFF: f64 = 30.0;
    const WEAK: f64 = 4.0;
    const OFF: f64 = 20.0;
    let model: Model = Box::new(|x| {
        let pair = |k: usize| {
            let mut row = vec![0.0; N];
            (row[k], row[k + 1]) = (STIFF, -STIFF);
            (STIFF * (x[k] - x[k + 1]), row)
        };
        let mut weak = vec![0.0; N];
        weak[0] = WEAK;
        let bent = (OFF + x.iter().map(|x| x * x).sum::<f64>(), x.iter().map(|x| 2.0 * x).collect());
        (0..N - 1).map(pair).chain([(WEAK * x[0], weak), bent]).unzip()
    });
    let names: Vec<String> = (0..N).map(|i| format!("x{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let objective = LeastSquares::new(&names, &[(-5.0, 5.0); N], model);
    let found = from(&objective, &[0.0; N]);
    let second = nalgebra::DMatrix::from_fn(N, N, |r, c| {
        let chain = if r.abs_diff(c) == 1 { -STIFF * STIFF } else { 0.0 };
        let pairs = if r == 0 || r == N - 1 { 1.0 } else { 2.0 };
        let first = if r == 0 { WEAK * WEAK } else { 0.0 };
        if r == c { pairs * STIFF * STIFF + 2.0 * OFF + first } else { chain }
    });
    let variances = second.try_inverse().expect("an inverse").diagonal();
    for profile in &found.profiles {
        assert_eq!(profile.label(), Label::Identifiable, "{:?}", profile.sides.each_ref().map(|side| side.end));
        let reach = (2.0 * LIMIT * variances[profile.parameter]).sqrt();
        for (end, sign) in profile.ends().into_iter().zip([-1.0, 1.0]) {
            approx::assert_relative_eq!(end.expect("an end"), sign * reach, max_relative = 0.02);
        }
    }
    // By Gauss-Newton steps alone it takes several times as many.
    assert!(found.expansions < 400, "{} expansions", found.expansions);
}
