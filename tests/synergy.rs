//! Synergy on synthetic matrices of known curves: each reference against what it has to say by its definition, and how
//! often the intervals hold the truth.

use fenton::random::Stream;
use fenton::synergy::{Analysis, Basis, Curve, Reference, Unavailable, Wells, bootstrap};

const DOSES: [f64; 6] = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0];
const BLISS: usize = 0;
const LOEWE: usize = 1;
const HSA: usize = 2;
const ZIP: usize = 3;
const A: Curve = Curve { top: 1.0, bottom: 0.05, ec50: 2.0, hill: 1.4 };
const B: Curve = Curve { top: 1.0, bottom: 0.0, ec50: 6.0, hill: 0.9 };

/// Readings of `viability`, `wells` in each experiment and cell; an experiment multiplies all doses by a factor of its own.
fn wells(
    viability: impl Fn(f64, f64) -> f64,
    experiments: usize,
    count: usize,
    sd: f64,
    between: f64,
    seed: u64,
) -> Wells {
    let mut random = Stream::new(seed, 0);
    let mut wells = Wells::default();
    for experiment in 0..experiments {
        let factor = (between * random.normal()).exp();
        for a in DOSES {
            for b in DOSES {
                for _ in 0..count {
                    let value = viability(factor * a, factor * b) + sd * random.normal();
                    wells.push([a, b], value, experiment);
                }
            }
        }
    }
    wells
}

fn exact(viability: impl Fn(f64, f64) -> f64) -> Analysis {
    wells(viability, 1, 1, 0.0, 0.0, 1).matrix().analyse(None)
}

fn worst(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().fold(0.0, |worst, value| worst.max(value.abs()))
}

fn given(values: &[Option<f64>]) -> usize {
    values.iter().flatten().count()
}

/// One drug under two names: b is half as strong.
fn sham(a: f64, b: f64) -> f64 {
    A.value(a + 0.5 * b)
}

#[test]
fn a_drug_with_itself_has_no_loewe_excess_without_noise() {
    let found = exact(sham);
    assert_eq!(given(&found.excess[LOEWE]), 25);
    assert!(worst(&found.excess[LOEWE]) < 1e-9, "{}", worst(&found.excess[LOEWE]));
    // Bliss takes it for antagonism or synergy, which is why there are several references.
    assert!(worst(&found.excess[BLISS]) > 0.05);
}

#[test]
fn a_drug_with_itself_has_no_loewe_excess_within_its_error() {
    let (mut held, mut trials, mut means) = (0, 0, Vec::new());
    for seed in 0..40 {
        let wells = wells(sham, 4, 2, 0.04, 0.1, seed);
        let found = wells.matrix().analyse(None);
        let half = bootstrap(&wells, &found, 120, seed).half.mean[LOEWE];
        let mean = found.mean[LOEWE].unwrap();
        trials += 1;
        held += usize::from(mean.abs() <= half);
        means.push(mean);
    }
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    println!("mean of means {mean}, {held} of {trials}");
    assert!(mean.abs() < 0.004, "the mean of means is {mean}");
    // 95 % of 40 are 38, with a standard deviation of 1.4.
    assert!(held >= 34, "{held} of {trials}");
}

#[test]
fn independent_killers_have_no_bliss_excess_and_zip_agrees() {
    let found = exact(|a, b| A.value(a) * B.value(b));
    assert!(worst(&found.excess[BLISS]) < 1e-12);
    // The curves of rows and columns start where the other drug leaves viability: potency and slope are those alone.
    assert_eq!(given(&found.excess[ZIP]), 25);
    assert!(worst(&found.excess[ZIP]) < 1e-7, "{}", worst(&found.excess[ZIP]));
    assert!(worst(&found.excess[HSA]) > 0.1);
}

#[test]
fn synergy_is_positive_and_antagonism_negative() {
    // Each dose of b makes a more potent, or less.
    for (sign, power) in [(1.0, 1.0), (-1.0, -1.0)] {
        let together = |a: f64, b: f64| A.value(a * (1.0 + b).powf(power)) * B.value(b * (1.0 + a).powf(power));
        let found = exact(together);
        for reference in [BLISS, LOEWE, ZIP] {
            let mean = found.mean[reference].unwrap();
            assert!(sign * mean > 0.03, "{} {power}: {mean}", Reference::ALL[reference].name());
        }
    }
    // Together they do what the worse of them does.
    let worse = |a: f64, b: f64| if a * b > 0.0 { A.value(a).max(B.value(b)) } else { A.value(a) * B.value(b) };
    let antagonist = exact(worse);
    assert!(antagonist.mean[HSA].unwrap() < 0.0 && antagonist.mean[BLISS].unwrap() < 0.0);
}

#[test]
fn hsa_and_bliss_by_hand() {
    // Viability 0.8 and 0.7 alone, 0.5 together: 56 % expected by Bliss, 70 % by the better drug.
    let mut wells = Wells::default();
    for (doses, viability) in [([0.0, 0.0], 1.0), ([2.0, 0.0], 0.8), ([0.0, 4.0], 0.7), ([2.0, 4.0], 0.5)] {
        wells.push(doses, viability, 0);
    }
    let found = wells.matrix().analyse(None);
    assert!((found.excess[BLISS][3].unwrap() - 0.06).abs() < 1e-12);
    assert!((found.excess[HSA][3].unwrap() - 0.2).abs() < 1e-12);
    assert_eq!(found.unavailable[LOEWE], Some(Unavailable::FewDoses(0)));
    assert_eq!((found.mean[LOEWE], found.mean[ZIP]), (None, None));
    let mut alone = Wells::default();
    alone.push([2.0, 4.0], 0.5, 0);
    alone.push([0.0, 4.0], 0.7, 0);
    assert_eq!(alone.matrix().analyse(None).unavailable[BLISS], Some(Unavailable::NotAlone(0)));
}

/// ZIP as Yadav et al. (2015) print it, for effects: `y = (y2 + (x / m)^h) / (1 + (x / m)^h)` along a row. Curves of a row
/// have a potency `m` and a slope `h` of their own; here they are known, and so is the delta score.
#[test]
fn zip_is_the_distance_of_the_curves_of_rows_and_columns_from_independence() {
    let single = |x: f64, m: f64, h: f64| (x / m).powf(h) / (1.0 + (x / m).powf(h));
    // The potency of a doubles beside b, whatever the dose of b, and nothing else changes.
    let row = |a: f64, b: f64| {
        let (start, m) = (single(b, 5.0, 1.0), if b > 0.0 { 1.0 } else { 2.0 });
        (start + (a / m).powf(1.5)) / (1.0 + (a / m).powf(1.5))
    };
    let found = exact(|a, b| 1.0 - row(a, b));
    for (i, a) in DOSES.iter().enumerate().skip(1) {
        for (j, b) in DOSES.iter().enumerate().skip(1) {
            // A row is fitted as it is; so is a column, whose curve begins at a's effect alone and jumps at once: its
            // fit is whatever is nearest, computed here by a search that shares nothing with the program.
            let column = nearest(
                single(*a, 2.0, 1.5),
                &DOSES[1..],
                &DOSES[1..].iter().map(|b| row(*a, *b)).collect::<Vec<_>>(),
                *b,
            );
            let observed = 0.5 * (row(*a, *b) + column);
            let expected = single(*a, 2.0, 1.5) + single(*b, 5.0, 1.0) - single(*a, 2.0, 1.5) * single(*b, 5.0, 1.0);
            let delta = found.excess[ZIP][i * 6 + j].unwrap();
            assert!((delta - (observed - expected)).abs() < 2e-3, "{a} {b}: {delta} beside {}", observed - expected);
        }
    }
    assert!(found.mean[ZIP].unwrap() > 0.02);
}

/// The value at `at` of the logistic from `start` that is nearest to effects, by grids that close in.
fn nearest(start: f64, doses: &[f64], effects: &[f64], at: f64) -> f64 {
    let value =
        |x: f64, [m, h, end]: [f64; 3]| start + (end - start) * (1.0 - 1.0 / (1.0 + (x / m.exp()).powf(h.exp())));
    let cost = |p: [f64; 3]| doses.iter().zip(effects).map(|(x, y)| (value(*x, p) - y).powi(2)).sum::<f64>();
    let bound = |p: [f64; 3]| [p[0].clamp(-8.0, 10.0), p[1].clamp(-3.0, 3.0), p[2].clamp(-0.5, 1.0)];
    let (mut best, mut width) = ([1.0, 0.0, 0.9], [6.0, 2.5, 0.6]);
    for _ in 0..60 {
        let centre = best;
        for i in -4..=4 {
            for j in -4..=4 {
                for k in -4..=4 {
                    let step = |at: usize, n: i32| centre[at] + width[at] * f64::from(n) / 4.0;
                    let tried = bound([step(0, i), step(1, j), step(2, k)]);
                    if cost(tried) < cost(best) {
                        best = tried;
                    }
                }
            }
        }
        width = width.map(|w| w * 0.8);
    }
    value(at, best)
}

#[test]
fn an_inactive_partner_gives_the_factor_by_which_it_shifts_the_ec50() {
    // b alone does nothing; beside it a is up to five times as potent.
    let factor = |b: f64| 1.0 + 4.0 * b / (1.0 + b);
    let potent = |a: f64, b: f64| A.value(a * factor(b));
    let found = exact(potent);
    assert_eq!(found.unavailable[LOEWE], Some(Unavailable::Inactive(1)));
    assert_eq!(found.unavailable[ZIP], Some(Unavailable::Inactive(1)));
    assert_eq!((found.shift.drug, found.plan.active), (0, [true, false]));
    for (b, found) in DOSES.iter().zip(&found.shift.factors) {
        assert!((found.unwrap() / factor(*b) - 1.0).abs() < 1e-6, "{b}: {found:?} beside {}", factor(*b));
    }
    // The other way round the other drug is followed.
    assert_eq!(exact(|a, b| potent(b, a)).shift.drug, 1);
    let (mut held, mut trials) = (0, 0);
    for seed in 0..30 {
        let wells = wells(potent, 4, 2, 0.04, 0.2, seed);
        let found = wells.matrix().analyse(None);
        let half = bootstrap(&wells, &found, 120, seed).half;
        for (at, b) in DOSES.iter().enumerate().skip(1) {
            trials += 1;
            held += usize::from((found.shift.factors[at].unwrap() / factor(*b)).ln().abs() <= half.factors[at]);
        }
    }
    // Factors of one matrix share the EC50 alone, so that this is worth fewer than 150 trials.
    assert!(held * 100 >= trials * 87, "{held} of {trials}");
}

#[test]
fn a_partner_at_one_dose_still_shifts() {
    let mut wells = Wells::default();
    for a in DOSES {
        for b in [0.0, 100.0] {
            wells.push([a, b], A.value(if b > 0.0 { 3.0 * a } else { a }), 0);
        }
    }
    let found = wells.matrix().analyse(None);
    assert_eq!(found.unavailable[LOEWE], Some(Unavailable::Inactive(1)));
    assert!((found.shift.factors[1].unwrap() / 3.0 - 1.0).abs() < 1e-6, "{:?}", found.shift);
    assert_eq!(bootstrap(&wells, &found, 100, 1).basis, Basis::Nothing);
}

#[test]
fn the_same_seed_gives_the_same_intervals_whatever_the_threads() {
    let wells = wells(sham, 3, 2, 0.05, 0.1, 3);
    let found = wells.matrix().analyse(None);
    let once = || bootstrap(&wells, &found, 60, 7);
    let few = rayon_pool(1, once);
    let many = rayon_pool(4, once);
    assert_eq!(format!("{few:?}"), format!("{many:?}"));
    assert_ne!(format!("{few:?}"), format!("{:?}", bootstrap(&wells, &found, 60, 8)));
}

fn rayon_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// How often the 95 % interval of the mean Bliss excess holds the true one, over matrices of a pair with synergy. Of 200:
/// 96 % with 4 experiments of 2 wells a cell, 97 % with 3 wells of one experiment.
fn coverage(experiments: usize, count: usize, matrices: u64) -> (f64, usize) {
    let together = |a: f64, b: f64| A.value(a * (1.0 + 0.5 * b).powf(0.6)) * B.value(b);
    // The truth is that of typical days: the mean over days differs from it by less than 0.001 at this spread.
    let truth = exact(together).mean[BLISS].unwrap();
    let (mut held, mut cells) = (0, 0);
    for seed in 0..matrices {
        let wells = wells(together, experiments, count, 0.05, if experiments > 1 { 0.1 } else { 0.0 }, 1000 + seed);
        let found = wells.matrix().analyse(None);
        let intervals = bootstrap(&wells, &found, 120, seed);
        held += u64::from((found.mean[BLISS].unwrap() - truth).abs() <= intervals.half.mean[BLISS]);
        cells += usize::from(matches!(intervals.basis, Basis::Experiments(n) if n == experiments));
    }
    (held as f64 / matrices as f64, cells)
}

#[test]
fn intervals_of_the_mean_bliss_excess_hold_the_truth() {
    for (experiments, count) in [(4, 2), (1, 3)] {
        let (share, by_experiment) = coverage(experiments, count, 200);
        println!("{experiments} experiments of {count} wells: {share}");
        assert_eq!(by_experiment, if experiments > 1 { 200 } else { 0 });
        // Of 200, 95 % with a standard deviation of 1.5 %.
        assert!((0.905..=0.99).contains(&share), "{experiments} experiments: {share}");
    }
}
