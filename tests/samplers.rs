//! Samplers against distributions whose means, variances and evidence are known: SMC has to be right within its own Monte
//! Carlo error, the ensemble samplers have to be right or to say that they are not.
//!
//!     cargo test --test samplers -- --nocapture

use fenton::Result;
use fenton::inference::{Diagnosis, Evaluation, Sample, SampleSettings, Sampler, Target, sample};
use fenton::random::normal_quantile;
use std::f64::consts::PI;

/// A density under a prior that is uniform over a box.
struct Known {
    names: Vec<String>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// Negative log of a density that integrates to 1 (all of it within the box).
    density: fn(&[f64]) -> f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Known {
    fn new(bounds: &[(f64, f64)], moments: &[(f64, f64)], density: fn(&[f64]) -> f64) -> Known {
        Known {
            names: (0..bounds.len()).map(|i| format!("x{i}")).collect(),
            lower: bounds.iter().map(|b| b.0).collect(),
            upper: bounds.iter().map(|b| b.1).collect(),
            density,
            mean: moments.iter().map(|m| m.0).collect(),
            variance: moments.iter().map(|m| m.1).collect(),
        }
    }

    fn volume(&self) -> f64 {
        self.lower.iter().zip(&self.upper).map(|(l, u)| (u - l).ln()).sum()
    }
}

impl Target for Known {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn prior(&self, point: &[f64]) -> f64 {
        let inside = point.iter().zip(&self.lower).zip(&self.upper).all(|((x, l), u)| (l..=u).contains(&x));
        if inside { self.volume() } else { f64::INFINITY }
    }

    fn prior_point(&self, shares: &[f64]) -> Vec<f64> {
        shares.iter().zip(&self.lower).zip(&self.upper).map(|((s, l), u)| l + s * (u - l)).collect()
    }

    fn likelihoods(&self, points: &[Vec<f64>], _exact: bool) -> Result<Vec<Evaluation>> {
        Ok(points.iter().map(|p| Evaluation { value: (self.density)(p), failures: vec![] }).collect())
    }
}

fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    0.5 * ((x - mean) / sd).powi(2) + sd.ln() + 0.5 * (2.0 * PI).ln()
}

/// Neighbours are correlated by 0.7 (an autoregressive sequence); standard deviations grow from 0.2 to 2.
fn gaussian() -> Known {
    let sd = |i: usize| 0.2 + 1.8 * i as f64 / 19.0;
    let bounds: Vec<_> = (0..20).map(|i| (i as f64 - 8.0 * sd(i), i as f64 + 8.0 * sd(i))).collect();
    let moments: Vec<_> = (0..20).map(|i| (i as f64, sd(i).powi(2))).collect();
    Known::new(&bounds, &moments, |x| {
        let z = |i: usize| (x[i] - i as f64) / (0.2 + 1.8 * i as f64 / 19.0);
        let scales: f64 = (0..20).map(|i| (0.2 + 1.8 * i as f64 / 19.0).ln()).sum();
        normal(z(0), 0.0, 1.0)
            + scales
            + (1..20).map(|i| normal(z(i), 0.7 * z(i - 1), (1.0f64 - 0.49).sqrt())).sum::<f64>()
    })
}

/// y follows the square of x.
fn banana() -> Known {
    Known::new(&[(-6.0, 6.0), (-4.0, 40.0)], &[(0.0, 1.0), (1.0, 2.0 + 0.09)], |x| {
        normal(x[0], 0.0, 1.0) + normal(x[1], x[0] * x[0], 0.3)
    })
}

/// Seven tenths at (-5, ..), three at (5, ..), nothing between.
fn modes() -> Known {
    let moments = [(-2.0, 21.25), (0.0, 0.25), (0.0, 0.25)];
    Known::new(&[(-10.0, 10.0), (-10.0, 10.0), (-10.0, 10.0)], &moments, |x| {
        let at = |centre: f64| -(normal(x[0], centre, 0.5) + normal(x[1], 0.0, 0.5) + normal(x[2], 0.0, 0.5));
        let (a, b) = (0.7f64.ln() + at(-5.0), 0.3f64.ln() + at(5.0));
        -(a.max(b) + (-(a - b).abs()).exp().ln_1p())
    })
}

/// The width of the others is the exponential of the first: narrow where it is low (after R. M. Neal, Annals of Statistics
/// 31:705, 2003, with four others and half the standard deviation; with all of it, and a prior as wide as its mouth, SMC
/// finds the draws but not the evidence).
fn funnel() -> Known {
    let variance = (0.5f64 * 2.25).exp();
    let mut bounds = vec![(-9.0, 9.0)];
    bounds.extend([(-60.0, 60.0); 4]);
    let mut moments = vec![(0.0, 2.25)];
    moments.extend([(0.0, variance); 4]);
    Known::new(&bounds, &moments, |x| {
        normal(x[0], 0.0, 1.5) + (1..5).map(|i| normal(x[i], 0.0, (x[0] / 2.0).exp())).sum::<f64>()
    })
}

fn drawn(known: &Known, method: Sampler, draws: usize, seed: u64) -> Sample {
    let settings = SampleSettings { method, draws, chains: 8, thin: 60, seed, ..SampleSettings::default() };
    sample(known, &settings, &mut ()).expect("a run").expect("an end of its own")
}

/// How many standard errors each mean and variance is off, and the evidence where there is one.
fn off(known: &Known, found: &Sample) -> Vec<(String, f64)> {
    let mut off = Vec::new();
    for (i, name) in known.names.iter().enumerate() {
        let chains = found.of(i);
        let squares: Vec<Vec<f64>> =
            chains.iter().map(|c| c.iter().map(|x| (x - known.mean[i]).powi(2)).collect()).collect();
        for (what, chains, truth) in [("mean", &chains, known.mean[i]), ("variance", &squares, known.variance[i])] {
            let all = chains.concat();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            off.push((format!("{what} of {name}"), (mean - truth) / Diagnosis::of(chains).mean_error));
        }
    }
    if let Some(evidence) = found.evidence {
        off.push(("evidence".into(), (evidence.log + known.volume()) / evidence.error));
    }
    off
}

fn right(name: &str, known: &Known, found: &Sample) -> bool {
    let off = off(known, found);
    // All of them together are wrong by chance once in a hundred.
    let limit = normal_quantile(1.0 - 0.005 / off.len() as f64);
    let worst = off.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).expect("some");
    let rhat = found.diagnoses.iter().map(|d| d.rhat).fold(0.0, f64::max);
    let bulk = found.diagnoses.iter().map(|d| d.bulk.min(d.tail)).fold(f64::INFINITY, f64::min);
    println!(
        "{name}, {}: worst {} off by {:.2} of {limit:.2} errors; R-hat {rhat:.3}, {bulk:.0} effective of {}; log evidence {:?} \
         where {:.3} is true; {} temperatures, {} evaluations, {:.2} s",
        found.method.name(),
        worst.0,
        worst.1,
        found.draws().count(),
        found.evidence.map(|e| (e.log, e.error)),
        -known.volume(),
        found.ladder.len(),
        found.evaluations,
        found.wall.as_secs_f64()
    );
    worst.1.abs() <= limit
}

#[test]
fn smc_is_right_within_its_own_error() {
    for (name, known) in [("gaussian", gaussian()), ("banana", banana()), ("modes", modes()), ("funnel", funnel())] {
        let found = drawn(&known, Sampler::Smc, 8192, 1);
        assert!(right(name, &known, &found), "{name}: {:?}", off(&known, &found));
    }
}

#[test]
fn ensembles_are_right_or_say_that_they_are_not() {
    for method in [Sampler::Demc, Sampler::Stretch] {
        for (name, known, must) in [
            ("gaussian", gaussian(), true),
            ("banana", banana(), true),
            ("modes", modes(), false),
            ("funnel", funnel(), false),
        ] {
            let found = drawn(&known, method, 16384, 1);
            let right = right(name, &known, &found);
            assert!(right || !must && !found.converged(), "{name}, {}: {:?}", method.name(), off(&known, &found));
        }
    }
}
