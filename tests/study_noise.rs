//! Error models against SciPy 1.17 (`scipy.stats`) and mpmath (50 digits), and their derivatives against differences.

use approx::assert_relative_eq;
use fenton::study::noise::{Noise, Score, joint};
use fenton::study::special::{ln_normal_cdf, ln_normal_mass};
use fenton::study::{Prior, Scale};

const KINDS: [Noise; 4] = [Noise::Normal, Noise::LogNormal, Noise::StudentT { df: 4.0 }, Noise::Laplace];

#[test]
fn densities_are_those_of_scipy() {
    // norm.logpdf(0.7, 0.9, 0.15), lognorm.logpdf(0.7, s=0.15, scale=0.9), t.logpdf(0.7, 4, 0.9, 0.15),
    // laplace.logpdf(0.7, 0.9, 0.15 / sqrt(2))
    let expected = [0.0892925627923189, -0.06867564576136448, -0.0030212184391389396, -0.335071688558219];
    for (noise, expected) in KINDS.into_iter().zip(expected) {
        assert_relative_eq!(noise.reading(0.7, 0.9, 0.15).value, expected, max_relative = 1e-12);
    }
}

#[test]
fn normal_tails_are_those_of_mpmath() {
    for (a, b, expected) in [
        (-1.0, 2.0, -0.20016629432446258),
        (3.0, 4.0, -6.6314677865382251),
        (10.0, 11.0, -53.231310225583125),
        (-41.0, -40.0, -804.60844201375379),
        (35.0, 35.001, -620.34414293625353),
        (-0.3, f64::INFINITY, -0.48141016158848121),
        (f64::NEG_INFINITY, -38.5, -745.69527029041108),
    ] {
        assert_relative_eq!(ln_normal_mass(a, b), expected, max_relative = 1e-12);
        assert_relative_eq!(ln_normal_mass(-b, -a), expected, max_relative = 1e-12);
    }
    assert_relative_eq!(ln_normal_mass(-6.0, 6.0), -1.9731752920221066e-9, max_relative = 1e-12);
    for (x, expected) in [(-29.9, -451.32291245852863), (-30.1, -457.32956441638226), (7.0, -1.279812543886654e-12)] {
        assert_relative_eq!(ln_normal_cdf(x), expected, max_relative = 1e-12);
    }
}

#[test]
fn interval_probabilities_are_those_of_scipy() {
    let interval = |noise: Noise, lower, upper| noise.interval(lower, upper, 0.0, 1.0).value;
    let t = Noise::StudentT { df: 4.0 };
    assert_relative_eq!(interval(t, -1.0, 2.0), -0.2810491124603737, max_relative = 1e-12);
    assert_relative_eq!(interval(t, 30.0, 50.0), -12.653077078509071, max_relative = 1e-9);
    // The scale of a Laplace distribution with sd sqrt(2) is 1.
    let laplace = |lower, upper| Noise::Laplace.interval(lower, upper, 0.0, 2f64.sqrt()).value;
    assert_relative_eq!(laplace(-1.0, 2.0), -0.2898275218887762, max_relative = 1e-12);
    assert_relative_eq!(laplace(40.0, 41.0), -41.151822325947027, max_relative = 1e-12);
    assert_relative_eq!(
        Noise::LogNormal.interval(0.7, 1.1, 0.9, 0.15).value,
        -0.14781005988451423,
        max_relative = 1e-11
    );
}

/// Value and first derivatives of a score by central differences.
fn check(score: impl Fn(f64, f64) -> Score, mean: f64, sd: f64, label: &str) {
    let exact = score(mean, sd);
    let step = 1e-6;
    let by_mean = (score(mean + step, sd).value - score(mean - step, sd).value) / (2.0 * step);
    let by_sd = (score(mean, sd + step).value - score(mean, sd - step).value) / (2.0 * step);
    let scale = 1.0 + exact.by_mean.abs() + exact.by_sd.abs();
    assert!((exact.by_mean - by_mean).abs() < 2e-7 * scale, "{label}: {} {by_mean}", exact.by_mean);
    assert!((exact.by_sd - by_sd).abs() < 2e-7 * scale, "{label}: {} {by_sd}", exact.by_sd);
    let [mm, ms, ss] = exact.information;
    assert!(mm >= 0.0 && ss >= 0.0 && ms * ms <= mm * ss * (1.0 + 1e-12), "{label}: {:?}", exact.information);
}

#[test]
fn derivatives_agree_with_differences() {
    for noise in KINDS {
        for y in [0.05, 0.7, 1.4] {
            check(|mean, sd| noise.reading(y, mean, sd), 0.9, 0.2, &format!("{noise:?} {y}"));
        }
        for (lower, upper) in [(0.7, 1.2), (f64::NEG_INFINITY, 0.3), (1.1, f64::INFINITY), (1.9, 2.2), (0.0, 0.1)] {
            check(|mean, sd| noise.interval(lower, upper, mean, sd), 0.8, 0.2, &format!("{noise:?} {lower} {upper}"));
        }
        // A narrow interval is the density times the width.
        let (narrow, density) = (noise.interval(0.7, 0.7 + 1e-7, 0.9, 0.2), noise.reading(0.7, 0.9, 0.2));
        assert_relative_eq!(narrow.value, density.value + 1e-7f64.ln(), max_relative = 1e-6);
    }
}

/// The information on the mean of an interval under normal noise is minus the second derivative.
#[test]
fn curvature_of_an_interval_agrees_with_differences() {
    for (lower, upper) in [(0.7, 1.2), (1.6, f64::INFINITY), (-1.0, 0.1)] {
        let slope = |mean: f64| Noise::Normal.interval(lower, upper, mean, 0.2).by_mean;
        let exact = Noise::Normal.interval(lower, upper, 0.8, 0.2).information[0];
        let difference = -(slope(0.8 + 1e-5) - slope(0.8 - 1e-5)) / 2e-5;
        assert_relative_eq!(exact, difference, max_relative = 1e-5);
    }
}

/// Expected information by numerical integration of the squared score.
#[test]
fn expected_information_is_the_mean_squared_score() {
    for noise in KINDS {
        let (mean, sd) = (0.9, 0.1);
        let (mut mm, mut ss) = (0.0, 0.0);
        let steps = 400_000;
        let width = 8.0 / steps as f64;
        for i in 0..steps {
            let y = -3.1 + (i as f64 + 0.5) * width;
            let score = noise.reading(y, mean, sd);
            let mass = score.value.exp() * width;
            if mass > 0.0 {
                mm += mass * score.by_mean * score.by_mean;
                ss += mass * score.by_sd * score.by_sd;
            }
        }
        let information = noise.reading(0.9, mean, sd).information;
        assert_relative_eq!(information[0], mm, max_relative = 2e-3);
        assert_relative_eq!(information[2], ss, max_relative = 2e-3);
    }
}

#[test]
fn one_error_explains_all_bounds_or_none() {
    // Viability near 1 at a low dose and below a half at a high one; the error may lie between -0.1 and 0.1.
    let bounds = [(0.9, 1.1), (0.0, 0.5)];
    let score = joint(&bounds, &[1.0, 0.3], 0.1);
    assert_relative_eq!(score.value, ln_normal_mass(-1.0, 1.0), max_relative = 1e-12);
    assert!(score.possible && score.limits == [Some(0), Some(0)]);
    // A flat curve cannot: no error makes 1 both.
    let flat = joint(&bounds, &[1.0, 1.0], 0.1);
    assert!(!flat.possible && flat.value < -50.0 && flat.value.is_finite());
    // And the way out is down.
    assert_eq!(flat.limits, [Some(0), Some(1)]);
    for predictions in [[1.0, 0.3], [1.05, 0.46], [0.8, 0.7], [1.0, 1.0], [1.0, 0.597]] {
        let score = joint(&bounds, &predictions, 0.1);
        let mut gradient = [0.0; 2];
        for (limit, slope) in score.limits.iter().zip(score.gradient) {
            gradient[limit.unwrap()] += slope;
        }
        for i in 0..2 {
            let value = |by: f64| {
                let mut moved = predictions;
                moved[i] += by;
                joint(&bounds, &moved, 0.1).value
            };
            let difference = (value(1e-7) - value(-1e-7)) / 2e-7;
            assert!((gradient[i] - difference).abs() < 1e-5 * (1.0 + difference.abs()), "{predictions:?}");
        }
        let [aa, ab, bb] = score.information;
        assert!(aa >= 0.0 && bb >= 0.0 && ab * ab <= aa * bb * (1.0 + 1e-9), "{:?}", score.information);
    }
}

#[test]
fn priors_are_densities_on_the_estimation_scale() {
    let priors = [
        Prior::Normal { mean: 2.0, sd: 0.4 },
        Prior::LogNormal { median: 2.0, sd: 0.3 },
        Prior::Uniform,
        Prior::LogUniform,
        Prior::Flat,
    ];
    for scale in [Scale::Lin, Scale::Log10] {
        for prior in priors {
            let at = scale.estimate(1.7);
            let (_, gradient, curvature) = prior.negative_log(at, scale);
            let value = |t: f64| prior.negative_log(t, scale).0;
            let difference = (value(at + 1e-6) - value(at - 1e-6)) / 2e-6;
            assert!((gradient - difference).abs() < 1e-7, "{prior:?} {scale:?}: {gradient} {difference}");
            assert!(curvature >= 0.0);
        }
        // Those that are proper integrate to 1.
        for prior in &priors[..2] {
            let (low, high) = (scale.estimate(0.05), scale.estimate(20.0));
            let step = (high - low) / 1e5;
            let mass: f64 =
                (0..100_000).map(|i| (-prior.negative_log(low + (i as f64 + 0.5) * step, scale).0).exp() * step).sum();
            assert!((mass - 1.0).abs() < 1e-5, "{prior:?} {scale:?}: {mass}");
        }
    }
}
