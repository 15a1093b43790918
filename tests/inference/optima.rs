//! What counts as one place and what as different optima: valleys, rings and plateaus against symmetries and periods.

use super::objectives::*;
use super::{run, settings};
use fenton::inference::*;
use fenton::random::Stream;

fn two(bounds: (f64, f64), model: Model) -> LeastSquares {
    LeastSquares::new(&["x", "y"], &[bounds; 2], model)
}

fn places(objective: &dyn Objective, settings: &FitSettings) -> Optima {
    run(objective, settings).optima.expect("the ends were compared")
}

fn count(objective: &dyn Objective) -> usize {
    places(objective, &settings()).places.len()
}

/// x y = 1 to a thousandth, between 0.01 and 100 on a linear scale: a hyperbola with a sharp bend.
fn hyperbola() -> LeastSquares {
    two((0.01, 100.0), Box::new(|x| (vec![(x[0] * x[1] - 1.0) / 1e-3], vec![vec![x[1] / 1e-3, x[0] / 1e-3]])))
}

/// A ring of radius 1 about the middle of the box.
fn ring(dimensions: usize) -> LeastSquares {
    let names: Vec<String> = (0..dimensions).map(|i| format!("x{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let model: Model = Box::new(move |x| {
        let square = x[0] * x[0] + x[1] * x[1];
        let mut residuals = vec![(square - 1.0) / 0.02];
        let mut row = vec![0.0; dimensions];
        (row[0], row[1]) = (2.0 * x[0] / 0.02, 2.0 * x[1] / 0.02);
        let mut rows = vec![row];
        for i in 2..dimensions {
            residuals.push(x[i] / 0.1);
            let mut row = vec![0.0; dimensions];
            row[i] = 1.0 / 0.1;
            rows.push(row);
        }
        (residuals, rows)
    });
    LeastSquares::new(&names, &vec![(-1.5, 1.5); dimensions], model)
}

/// Only |x| is known; y on its own.
fn sign() -> LeastSquares {
    two(
        (-3.0, 3.0),
        Box::new(|x| (vec![(x[0] * x[0] - 1.0) / 0.1, x[1] / 0.2], vec![vec![2.0 * x[0] / 0.1, 0.0], vec![0.0, 5.0]])),
    )
}

/// A double well in x whose right one lies `above` higher, and a barrier between them.
fn wells(above: f64) -> LeastSquares {
    let lift = (2.0 * above).sqrt();
    // The second residual is 0 at the left well and `lift` at the right one, flat at both.
    two(
        (-3.0, 3.0),
        Box::new(move |x| {
            let (t, dt) = (0.5 * (x[0] / 0.3).tanh() + 0.5, 0.5 / 0.3 / (x[0] / 0.3).cosh().powi(2));
            let wells = (x[0] * x[0] - 1.0) / 0.1;
            (vec![wells, lift * t, x[1] / 0.2], vec![vec![20.0 * x[0], 0.0], vec![lift * dt, 0.0], vec![0.0, 5.0]])
        }),
    )
}

#[test]
fn valleys_rings_and_plateaus_are_one_place() {
    assert_eq!(count(&product()), 1, "a product on logarithmic scales");
    assert_eq!(count(&hyperbola()), 1, "a product on linear scales");
    assert_eq!(count(&rosenbrock(2, (-2.0, 2.0))), 1, "a bent valley");
    assert_eq!(count(&rosenbrock(6, (-2.0, 2.0))), 1, "a bent valley in six dimensions");
    assert_eq!(count(&ring(2)), 1);
    assert_eq!(count(&ring(5)), 1);
    // Nothing is known of y at all.
    let plateau: Model = Box::new(|x| (vec![x[0] / 0.1], vec![vec![10.0, 0.0]]));
    assert_eq!(count(&two((-1.0, 1.0), plateau)), 1);
}

/// With few ends far apart the straight lines leave the valley, and bands have to find it.
#[test]
fn few_ends_of_a_bent_valley_are_joined_by_bands() {
    for seed in 0..8 {
        let few = FitSettings { starts: 3, refine: Some(3), seed, ..settings() };
        for (name, objective) in
            [("hyperbola", hyperbola()), ("ring", ring(2)), ("ring in 5", ring(5)), ("product", product())]
        {
            let found = places(&objective, &few);
            assert_eq!(found.places.len(), 1, "{name}, seed {seed}: {:?}", found.places);
            assert_eq!(found.ends, 3);
        }
    }
}

#[test]
fn a_sign_is_two_optima_and_only_what_differs_is_not_identified() {
    let result = run(&sign(), &settings());
    let found = result.optima.clone().expect("compared");
    let mut at: Vec<f64> = found.places.iter().map(|place| place.point[0]).collect();
    at.sort_by(f64::total_cmp);
    approx::assert_abs_diff_eq!(at[..], [-1.0, 1.0], epsilon = 1e-4);
    assert_eq!(found.differ, [0]);
    assert_eq!(found.places.iter().map(|place| place.ends).sum::<usize>(), 64);
    let [x, y] = &result.identification.parameters[..] else { panic!() };
    assert_eq!((x.verdict, x.standard_error, x.interval), (Verdict::Several, None, None));
    assert_eq!(y.verdict, Verdict::Identified);
    let (low, high) = y.interval.expect("an interval");
    approx::assert_abs_diff_eq!(low, -0.2 * 1.959_964, epsilon = 2e-3);
    approx::assert_abs_diff_eq!(high, 0.2 * 1.959_964, epsilon = 2e-3);
}

/// Two decays of the same kind can change their names; so can three, in six ways.
#[test]
fn alike_processes_that_change_names_are_as_many_optima_as_there_are_orders() {
    let names = |rates: &[f64], sizes: &[f64], start: usize| {
        let fit = FitSettings { starts: 16 * start, refine: Some(start), ..settings() };
        places(&decays(rates, sizes, 0.002), &fit)
    };
    let found = names(&[0.3, 2.0], &[1.0, 1.0], 64);
    assert_eq!(found.places.len(), 2, "{:?}", found.places);
    assert!(found.places.iter().all(|place| place.ends > 5), "{:?}", found.places);
}

#[test]
fn a_period_makes_an_optimum_for_each_turn() {
    let turn = std::f64::consts::TAU;
    let model: Model = Box::new(move |x| {
        let (s, c) = (turn * x[0]).sin_cos();
        (
            vec![(c - 1.0) / 0.1, s / 0.1, x[1]],
            vec![vec![-turn * s / 0.1, 0.0], vec![turn * c / 0.1, 0.0], vec![0.0, 1.0]],
        )
    });
    let found = places(&two((-1.6, 1.4), model), &settings());
    let mut at: Vec<f64> = found.places.iter().map(|place| place.point[0]).collect();
    at.sort_by(f64::total_cmp);
    approx::assert_abs_diff_eq!(at[..], [-1.0, 0.0, 1.0], epsilon = 1e-4);
}

/// A worse optimum counts as long as it lies within 1.92 of the best.
#[test]
fn an_optimum_a_little_worse_counts_and_a_much_worse_one_does_not() {
    let found = places(&wells(1.5), &settings());
    assert_eq!(found.places.len(), 2);
    approx::assert_abs_diff_eq!(found.above(1), 1.5, epsilon = 0.01);
    assert!(found.places[1].point[0] > 0.0);
    assert_eq!(count(&wells(2.5)), 1);
}

/// Half of each optimum lies outside the box.
#[test]
fn optima_on_walls_are_optima() {
    let walled = LeastSquares { lower: vec![-1.0, -3.0], upper: vec![1.0, 3.0], ..sign() };
    let found = places(&walled, &settings());
    assert_eq!(found.places.len(), 2);
    assert_eq!(found.places[0].point[0].abs(), 1.0);
}

#[test]
fn every_method_with_several_searches_finds_both() {
    for method in [Method::Multistart, Method::Lbfgs, Method::Cmaes] {
        assert_eq!(places(&sign(), &FitSettings { method, ..settings() }).places.len(), 2, "{method:?}");
    }
    // A swarm has one end, so that nothing is known of others.
    let swarm = places(&sign(), &FitSettings { method: Method::Swarm, ..settings() });
    assert_eq!((swarm.places.len(), swarm.ends), (1, 1));
}

/// Between the two is a place that cannot be integrated.
#[test]
fn a_failing_wall_keeps_optima_apart() {
    let valley: Model = Box::new(|x| (vec![x[1] / 0.1], vec![vec![0.0, 10.0]]));
    let walled = LeastSquares { fails: |x| x[0].abs() < 0.2, ..two((-1.0, 1.0), valley) };
    assert_eq!(count(&walled), 2);
}

fn profiled(objective: &dyn Objective, start: Option<Start>) -> Profiles {
    let parameters = (0..objective.names().len()).collect();
    let settings = ProfileSettings { fit: settings(), parameters, start };
    profile(objective, &settings, &mut ()).expect("profiles").expect("an optimum")
}

fn assert_pieces(profile: &Profile, expected: &[[f64; 2]]) {
    let pieces = profile.pieces();
    assert_eq!(pieces.len(), expected.len(), "{pieces:?}");
    for (piece, expected) in pieces.iter().zip(expected) {
        let [Some(low), Some(high)] = *piece else { panic!("{pieces:?}") };
        approx::assert_abs_diff_eq!([low, high][..], expected[..], epsilon = 5e-3);
    }
}

/// x^2 is within 0.196 of 1, on either side of 0.
#[test]
fn a_profile_is_the_lowest_over_the_optima_and_its_interval_in_pieces() {
    let (low, high) = (0.804_f64.sqrt(), 1.196_f64.sqrt());
    let both = [[-high, -low], [low, high]];
    let found = profiled(&sign(), None);
    let optima = found.optima.clone().expect("compared");
    assert_eq!((optima.places.len(), &optima.differ[..]), (2, &[0][..]));
    assert_eq!(optima.places[0].point, found.point);
    let [x, y] = &found.profiles[..] else { panic!() };
    assert_pieces(x, &both);
    assert_pieces(y, &[[-0.392, 0.392]]);
    assert_eq!((x.others.len(), x.ends()[0] < Some(-1.0), x.ends()[1] > Some(1.0)), (1, true, true));
    let stretches = x.envelope();
    assert_eq!(stretches.len(), 2, "what lies between was not followed");
    for point in stretches.concat() {
        approx::assert_abs_diff_eq!(point.value, 0.5 * ((point.point[0].powi(2) - 1.0) / 0.1).powi(2), epsilon = 1e-3);
    }
    // From an earlier fit: where its starts ended tells of both.
    let start = |ends| Some(Start { point: vec![1.0, 0.0], spreads: Vec::new(), ends });
    let again = profiled(&sign(), start(vec![vec![-1.0, 0.01], vec![1.0, 0.0], vec![-1.0, 0.0]]));
    let optima = again.optima.clone().expect("compared");
    assert_eq!((optima.places.len(), optima.ends, optima.places[0].ends, optima.places[1].ends), (2, 3, 1, 2));
    assert!((again.point[0] - 1.0).abs() < 1e-4);
    assert_pieces(&again.profiles[0], &both);
    assert_pieces(&profiled(&sign(), start(Vec::new())).profiles[0], &both[1..]);
}

/// The right well lies 1.5 higher, so that its piece of the interval ends 0.42 above its own lowest point.
#[test]
fn a_worse_optimum_has_a_narrower_piece() {
    let found = profiled(&wells(1.5), None);
    let of = |rise: f64| [-1.0, 1.0].map(|sign| (1.0 + sign * 0.1 * (2.0 * rise).sqrt()).sqrt());
    let ([a, b], [c, d]) = (of(WITHIN), of(WITHIN - 1.5));
    assert_pieces(&found.profiles[0], &[[-b, -a], [c, d]]);
}

/// Four chains of draws, each coordinate made from uniform and normal numbers.
fn draws(count: usize, make: impl Fn(&mut Stream) -> Vec<f64>) -> Vec<Vec<Vec<f64>>> {
    let chain = |number: u64| {
        let mut stream = Stream::new(7, number);
        (0..count).map(|_| make(&mut stream)).collect()
    };
    (0..4).map(chain).collect()
}

#[test]
fn modes_of_a_sign_have_the_weights_of_their_draws() {
    let chains = draws(250, |stream| {
        let size = (1.0 + 0.1 * stream.normal()).max(0.1).sqrt();
        vec![if stream.uniform() < 0.7 { size } else { -size }, 0.2 * stream.normal()]
    });
    let found = modes(&sign(), &chains, 1).expect("modes");
    assert_eq!(found.modes.len(), 2);
    approx::assert_abs_diff_eq!(found.modes[0].point[0], 1.0, epsilon = 1e-3);
    approx::assert_abs_diff_eq!(found.modes[1].point[0], -1.0, epsilon = 1e-3);
    let positive = chains.iter().flatten().filter(|draw| draw[0] > 0.0).count() as f64 / 1000.0;
    approx::assert_abs_diff_eq!(found.modes[0].weight, positive, epsilon = 1e-9);
    assert!(found.modes[0].error > 0.002 && found.modes[0].error < 0.05, "{}", found.modes[0].error);
    for (draw, of) in chains.iter().flatten().zip(found.of.iter().flatten()) {
        assert_eq!(*of, usize::from(draw[0] < 0.0), "{draw:?}");
    }
}

/// A mode that lies too far above the best for a fit to list it still holds draws.
#[test]
fn a_light_mode_is_a_mode_and_a_handful_of_draws_is_none() {
    let chains = |share: f64| {
        draws(500, move |stream| {
            let size = (1.0 + 0.1 * stream.normal()).max(0.1).sqrt();
            vec![if stream.uniform() < share { size } else { -size }, 0.2 * stream.normal()]
        })
    };
    assert_eq!(count(&wells(3.0)), 1);
    let found = modes(&wells(3.0), &chains(0.05), 1).expect("modes");
    assert_eq!(found.modes.len(), 2);
    assert!(found.modes[1].point[0] > 0.9 && (found.modes[1].weight - 0.05).abs() < 0.02, "{:?}", found.modes);
    let few = modes(&wells(3.0), &chains(0.004), 1).expect("modes");
    assert_eq!(few.modes.len(), 1);
    assert!(few.of.iter().flatten().all(|of| *of == 0));
}

#[test]
fn valleys_and_rings_are_one_mode() {
    let one = |name: &str, objective: &dyn Objective, chains: Vec<Vec<Vec<f64>>>| {
        let found = modes(objective, &chains, 1).expect("modes");
        assert_eq!(found.modes.len(), 1, "{name}: {:?}", found.modes);
        assert_eq!(found.modes[0].weight, 1.0);
    };
    let valley = draws(250, |stream| {
        let at = 5.0 * stream.uniform() - 2.5;
        vec![at, 0.6_f64.log10() - at + 0.01 * stream.normal(), 2.0_f64.log10() + 0.005 * stream.normal()]
    });
    one("a product", &product(), valley);
    let banana = draws(250, |stream| {
        let x = (1.0 + stream.normal()).clamp(-1.3, 1.39);
        vec![x, x * x + 0.1 * stream.normal()]
    });
    one("a banana", &rosenbrock(2, (-2.0, 2.0)), banana);
    let around = draws(250, |stream| {
        let (s, c) = (std::f64::consts::TAU * stream.uniform()).sin_cos();
        let radius = 1.0 + 0.01 * stream.normal();
        vec![radius * c, radius * s]
    });
    one("a ring", &ring(2), around);
}
