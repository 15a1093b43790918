//! Fits of analytic objectives against published and independently computed optima.

mod intervals;
mod objectives;
mod optima;
mod profiles;
mod robustness;

use fenton::inference::*;
use objectives::*;

fn settings() -> FitSettings {
    FitSettings { starts: 256, refine: Some(64), seed: 1, ..Default::default() }
}

fn run(objective: &dyn Objective, settings: &FitSettings) -> FitResult {
    fit(objective, settings, &mut ()).unwrap()
}

/// Certified values of the NIST Statistical Reference Datasets: sum of squares, estimates, their standard deviations.
/// The residual standard deviation is certified too and taken as the noise, so that the Fisher information gives them.
#[test]
fn certified_estimates_and_standard_errors_of_nist() {
    type Case = (fn(f64) -> LeastSquares, usize, f64, &'static [(f64, f64)]);
    let cases: [Case; 3] = [
        (
            box_bod,
            6,
            1.168_008_876_6e3,
            &[(2.138_094_088_9e2, 1.235_451_517_6e1), (5.472_374_854_2e-1, 1.045_599_323_7e-1)],
        ),
        (
            mgh09,
            11,
            3.075_056_038_5e-4,
            &[
                (1.928_069_345_8e-1, 1.143_531_222_7e-2),
                (1.912_823_287_3e-1, 1.963_322_091_1e-1),
                (1.230_565_069_3e-1, 8.084_203_123_2e-2),
                (1.360_623_306_8e-1, 9.002_554_230_8e-2),
            ],
        ),
        (
            mgh10,
            16,
            8.794_585_517_1e1,
            &[
                (5.609_636_471_0e-3, 1.568_792_941_7e-4),
                (6.181_346_346_3e3, 2.330_902_910_7e1),
                (3.452_236_346_2e2, 7.848_610_350_8e-1),
            ],
        ),
    ];
    for (make, points, squares, certified) in cases {
        let freedom = (points - certified.len()) as f64;
        let result = run(&make((squares / freedom).sqrt()), &settings());
        approx::assert_relative_eq!(result.value, freedom / 2.0, max_relative = 1e-8);
        assert!(result.reached(0.05) * 100 >= result.starts.len() * 95, "{} reached", result.reached(0.05));
        for (parameter, (estimate, error)) in result.identification.parameters.iter().zip(certified) {
            let own = 10_f64.powf(parameter.value);
            approx::assert_relative_eq!(own, *estimate, max_relative = 1e-4);
            // On the log scale the error is relative.
            let Some(standard_error) = parameter.standard_error else { panic!("{parameter:?}") };
            approx::assert_relative_eq!(standard_error * std::f64::consts::LN_10 * own, *error, max_relative = 1e-3);
            // One of MGH09 is so loose that its lower end lies beyond the box.
            let open = points == 11 && parameter.name == "b3";
            assert_eq!(parameter.verdict, if open { Verdict::OneSided } else { Verdict::Identified }, "{parameter:?}");
            assert_eq!(parameter.ends[0].is_none(), open);
        }
    }
}

/// SciPy 1.17.1, `least_squares(method="trf")` to 1e-15 from 100 starts; 91 of them reached this optimum.
#[test]
fn three_exponentials_agree_with_scipy_and_nearly_every_start_gets_there() {
    let result = run(&decays(&[0.3, 2.0, 20.0], &[1.0, 2.0, 1.5], 0.003), &settings());
    approx::assert_relative_eq!(result.value, 7.649714555381627, max_relative = 1e-8);
    // The terms can change places in six ways.
    let found = result.optima.as_ref().expect("the ends were compared");
    assert_eq!((found.places.len(), &found.differ[..]), (6, &[0, 1, 2, 3, 4, 5][..]));
    assert!(result.identification.parameters.iter().all(|p| p.verdict == Verdict::Several && p.interval.is_none()));
    let best = &found.places[0];
    let mut pairs: Vec<(f64, f64)> = (0..3).map(|i| (best.point[i], best.errors[i].unwrap())).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let expected = [
        (-0.5228510781415908, 0.004680668226978762),
        (0.3035724698985642, 0.003955774567011312),
        (1.307699589583347, 0.006399927344995964),
    ];
    for ((value, error), (scipy, scipy_error)) in pairs.into_iter().zip(expected) {
        approx::assert_abs_diff_eq!(value, scipy, epsilon = 2e-5);
        approx::assert_relative_eq!(error, scipy_error, max_relative = 1e-3);
    }
    assert_eq!(result.starts.len(), 64);
    assert!(result.reached(0.05) >= 60, "{} of 64 reached the best", result.reached(0.05));
    assert_eq!(result.finished(), 64);
}

#[test]
fn every_method_finds_the_optimum() {
    for method in Method::ALL {
        let result = run(&decays(&[0.5, 5.0], &[1.0, 2.0], 0.01), &FitSettings { method, ..settings() });
        approx::assert_relative_eq!(result.value, 7.751265762137846, max_relative = 1e-8);
        let waves = run(&waves(), &FitSettings { method, starts: 4096, ..settings() });
        assert!(waves.value < 1e-6, "{}: {}", method.name(), waves.value);
        approx::assert_abs_diff_eq!(waves.point[..], [2.3, 5.1], epsilon = 1e-5);
    }
}

#[test]
fn an_optimum_on_a_bound_is_found_flagged_and_given_no_error() {
    let mut objective = rosenbrock(2, (-2.0, 2.0));
    objective.upper[0] = 0.5;
    for method in Method::ALL {
        let result = run(&objective, &FitSettings { method, ..settings() });
        // With x held at 1/2 the valley's floor is y = 1/4, and what is left is (1 - x)^2 / 2.
        approx::assert_abs_diff_eq!(result.value, 0.125, epsilon = 1e-8);
        approx::assert_abs_diff_eq!(result.point[0], 0.5, epsilon = 1e-8);
        approx::assert_abs_diff_eq!(result.point[1], 0.25, epsilon = 1e-5);
        let [x, y] = &result.identification.parameters[..] else { panic!() };
        assert_eq!((x.verdict, x.standard_error, x.interval), (Verdict::AtBound, None, None));
        // y alone has information 100.
        approx::assert_relative_eq!(y.standard_error.unwrap(), 0.1, max_relative = 1e-6);
        let best = result.starts.iter().find(|start| start.last_value == result.value).unwrap();
        assert_eq!(best.at_bounds, [0]);
    }
}

#[test]
fn a_chain_of_rosenbrock_valleys_is_followed_to_its_end() {
    let result = run(&rosenbrock(10, (-2.0, 2.0)), &settings());
    approx::assert_abs_diff_eq!(result.point[..], [1.0; 10], epsilon = 1e-4);
    // The rest end in the other minimum that the ten-dimensional chain has.
    assert!(result.reached(0.05) >= 48, "{} of 64", result.reached(0.05));
    let other: Vec<_> = result.starts.iter().filter(|s| s.last_value > result.value + 0.05).collect();
    assert!(other.iter().all(|s| (s.last_value - 1.99).abs() < 0.2), "{other:?}");
}

#[test]
fn of_a_product_only_the_product_is_determined() {
    let result = run(&product(), &settings());
    assert!(result.value < 1e-6, "{}", result.value);
    approx::assert_abs_diff_eq!(result.point[0] + result.point[1], 0.6_f64.log10(), epsilon = 1e-5);
    let [k1, k2, a] = &result.identification.parameters[..] else { panic!() };
    for k in [k1, k2] {
        assert_eq!((k.verdict, k.standard_error, k.interval), (Verdict::NotIdentified, None, None));
    }
    assert_eq!(a.verdict, Verdict::Identified);
    assert!(a.shrinkage.unwrap() > 0.99);
    let [direction] = &result.identification.directions[..] else { panic!("{:?}", result.identification) };
    assert_eq!(direction.text, "only 'k1' x 'k2' is determined, neither of them alone");
    approx::assert_abs_diff_eq!(direction.changes[0].1, -direction.changes[1].1, epsilon = 1e-3);
    assert!(result.identification.eigenvalues[0] < 1e-3);
}

#[test]
fn a_prior_determines_what_the_data_do_not_and_is_said_to() {
    let mut objective = product();
    objective.priors[0] = Some((0.0, 0.1));
    let result = run(&objective, &settings());
    let [k1, k2, a] = &result.identification.parameters[..] else { panic!() };
    assert_eq!((k1.verdict, k2.verdict, a.verdict), (Verdict::Prior, Verdict::Identified, Verdict::Identified));
    approx::assert_relative_eq!(k1.standard_error.unwrap(), 0.1, max_relative = 1e-3);
    approx::assert_relative_eq!(k2.standard_error.unwrap(), 0.1, max_relative = 0.01);
    assert!(k1.shrinkage.unwrap() < 0.01 && k2.shrinkage.unwrap() > 0.9);
    assert!(result.identification.directions.is_empty());
    let (low, high) = k1.interval.unwrap();
    // Ends are found to a hundredth in the objective, here a two-hundredth of a standard error.
    approx::assert_relative_eq!(high - low, 2.0 * 1.959963984540054 * k1.standard_error.unwrap(), max_relative = 5e-3);
}

#[test]
fn a_parameter_without_influence_is_named() {
    let mut objective = rosenbrock(2, (-2.0, 2.0));
    objective.names.push("idle".to_string());
    objective.lower.push(0.0);
    objective.upper.push(1.0);
    objective.priors.push(None);
    let plain = rosenbrock(2, (-2.0, 2.0)).model;
    objective.model = Box::new(move |x| {
        let (residuals, mut rows) = plain(&x[..2]);
        rows.iter_mut().for_each(|row| row.push(0.0));
        (residuals, rows)
    });
    let result = run(&objective, &settings());
    assert_eq!(result.identification.parameters[2].verdict, Verdict::NotIdentified);
    assert_eq!(result.identification.parameters[0].verdict, Verdict::NotIdentified, "0.25 of its box is 1.0");
    let texts: Vec<_> = result.identification.directions.iter().map(|d| d.text.as_str()).collect();
    assert!(texts.contains(&"the data do not notice 'idle' within its bounds"), "{texts:?}");
}
