//! Intervals of EC50 and benchmark dose on simulated plates: how often they hold the truth, beside what the usual
//! analysis (normalise each plate, then treat all wells as independent) would have said.
//!
//! `DRAWS=1000 cargo test --release --test curve_coverage -- --nocapture` prints the table of the README in benches/.

use fenton::curve::{End, Estimate, Quantity, Reading, Settings, Verdict, analyse};
use fenton::plate::{self, Assay, Limit, Readings, Role, Seen};
use fenton::random::Stream;
use rayon::prelude::*;

/// How a laboratory works: wells, plates and what differs between days.
#[derive(Clone, Copy)]
struct Laboratory {
    experiments: usize,
    plates: usize,
    wells: usize,
    /// Sd of log10 EC50 and of ln Hill between experiments.
    shift: f64,
    slope: f64,
    /// Relative error of a well; for counts sd of the log odds between wells.
    error: f64,
    /// Live and dead cells are counted, in place of a signal.
    counts: bool,
}

const EC50: f64 = 3.0;
const HILL: f64 = 2.0;
const FLOOR: f64 = 0.08;
const DOSES: [f64; 9] = [0.1, 0.25, 0.6, 1.5, 3.0, 5.0, 10.0, 25.0, 60.0];

fn simulate(lab: &Laboratory, draw: u64) -> Readings {
    let mut random = Stream::new(77, draw);
    let mut out = Readings {
        file: "simulated".into(),
        cell_lines: vec!["HT-1080".into()],
        compounds: vec![plate::Compound { name: "FAC".into(), unit: "mM".into(), basis: Some("Fe".into()) }],
        experiments_stated: true,
        ..Readings::default()
    };
    for experiment in 0..lab.experiments {
        out.experiments.push(format!("E{experiment}"));
        let ec50 = EC50 * 10f64.powf(lab.shift * random.normal());
        let hill = HILL * (lab.slope * random.normal()).exp();
        for _ in 0..lab.plates {
            let plate = out.plates.len();
            out.plates.push(plate::Plate { name: format!("P{plate}"), experiment });
            let gain = 50_000.0 * (0.25 * random.normal()).exp();
            let blank = 1500.0 * (0.2 * random.normal()).exp();
            let mut add = |role: Role, dose: f64, share: f64| {
                let seen = if lab.counts {
                    counted(&mut random, share, lab.error)
                } else {
                    let light = gain * share * (1.0 + lab.error * random.normal());
                    Seen::Signal(light + blank + 250.0 * random.normal())
                };
                out.readings.push(plate::Reading {
                    line: 0,
                    column: 0,
                    plate,
                    well: None,
                    well_name: None,
                    cell_line: 0,
                    doses: if dose > 0.0 { vec![(0, dose)] } else { Vec::new() },
                    time: None,
                    seen,
                    role,
                    limit: Limit::None,
                });
            };
            (0..if lab.counts { 0 } else { 4 }).for_each(|_| add(Role::Blank, 0.0, 0.0));
            (0..8).for_each(|_| add(Role::Vehicle, 0.0, 1.0));
            for dose in DOSES {
                let share = FLOOR + (1.0 - FLOOR) / (1.0 + (dose / ec50).powf(hill));
                (0..lab.wells).for_each(|_| add(Role::Sample, dose, share));
            }
        }
    }
    out
}

/// About 300 cells of which a well's own share lives; 95 % of those of the vehicle do.
fn counted(random: &mut Stream, share: f64, spread: f64) -> Seen {
    let odds = 0.95 * share / (1.0 - 0.95 * share) * (spread * random.normal()).exp();
    let cells = 250 + random.below(100);
    let live = (0..cells).filter(|_| random.uniform() < odds / (1.0 + odds)).count();
    Seen::Counts { live: live as f64, dead: (cells - live) as f64 }
}

/// A signal, or the share of live cells.
fn value(seen: Seen) -> f64 {
    match seen {
        Seen::Signal(value) | Seen::Deaths(value) => value,
        Seen::Counts { live, dead } => live / (live + dead),
    }
}

/// What many do: percent of the vehicle of each plate, all wells alike.
fn naive(readings: &Readings) -> Readings {
    let mean = |plate: usize, role: Role| {
        let own: Vec<f64> =
            readings.readings.iter().filter(|r| r.plate == plate && r.role == role).map(|r| value(r.seen)).collect();
        own.iter().sum::<f64>() / own.len().max(1) as f64
    };
    let mut out = readings.clone();
    out.experiments.truncate(1);
    out.plates = vec![plate::Plate { name: "all".into(), experiment: 0 }];
    out.readings.retain(|r| r.role == Role::Sample);
    for reading in &mut out.readings {
        let (blank, vehicle) = (mean(reading.plate, Role::Blank), mean(reading.plate, Role::Vehicle));
        reading.seen = Seen::Signal((value(reading.seen) - blank) / (vehicle - blank));
    }
    for reading in &mut out.readings {
        reading.plate = 0;
    }
    out
}

fn settings(counts: bool) -> Settings {
    let (assay, reading) =
        if counts { (Assay::LiveDead, Reading::FractionalViability) } else { (Assay::Atp, Reading::RelativeViability) };
    Settings { assay, reading, effect: 0.1, at: None, no_floor: false }
}

fn holds(estimate: &Estimate, truth: f64) -> bool {
    let above = match estimate.lower {
        End::At(low) => low <= truth,
        End::Open => true,
    };
    above
        && match estimate.upper {
            End::At(high) => truth <= high,
            End::Open => true,
        }
}

/// Shares of intervals that hold the truth, and the median factor between their ends.
fn coverage(lab: &Laboratory, draws: u64, naively: bool) -> [(f64, f64); 2] {
    let truth = [EC50.ln(), EC50.ln() + (0.1f64 / (0.9 - FLOOR)).ln() / HILL];
    let results: Vec<[(bool, f64); 2]> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let readings = simulate(lab, draw);
            let readings = if naively { naive(&readings) } else { readings };
            let analysis = analyse(&readings, &settings(lab.counts && !naively)).expect("there are curves");
            let curve = &analysis.curves[0];
            assert_eq!(curve.verdict, Verdict::Effect);
            let one = |wanted: Quantity, truth: f64| {
                let found =
                    curve.estimates.iter().find(|(q, _)| *q == wanted).map(|(_, e)| e).expect("it was asked for");
                let width = match (found.lower, found.upper) {
                    (End::At(low), End::At(high)) => (high - low).exp(),
                    _ => f64::INFINITY,
                };
                (holds(found, truth), width)
            };
            [one(Quantity::RelativeEc50, truth[0]), one(Quantity::BenchmarkDose, truth[1])]
        })
        .collect();
    [0, 1].map(|i| {
        let mut widths: Vec<f64> = results.iter().map(|r| r[i].1).collect();
        widths.sort_by(f64::total_cmp);
        let held = results.iter().filter(|r| r[i].0).count() as f64 / draws as f64;
        (held, widths[widths.len() / 2])
    })
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let draws: u64 = std::env::var("DRAWS").ok().and_then(|d| d.parse().ok()).unwrap_or(60);
    let base = Laboratory { experiments: 3, plates: 1, wells: 3, shift: 0.08, slope: 0.0, error: 0.06, counts: false };
    let cases = [
        ("3 experiments", base),
        ("3, no difference between days", Laboratory { shift: 0.0, ..base }),
        ("3, two plates each", Laboratory { plates: 2, ..base }),
        ("3, far apart", Laboratory { shift: 0.2, slope: 0.1, ..base }),
        ("3, two wells, noisy", Laboratory { wells: 2, error: 0.1, ..base }),
        ("3, live and dead counts", Laboratory { counts: true, error: 0.3, ..base }),
        ("6 experiments", Laboratory { experiments: 6, ..base }),
        ("6, noisy", Laboratory { experiments: 6, error: 0.12, ..base }),
        ("6, two plates each", Laboratory { experiments: 6, plates: 2, slope: 0.1, ..base }),
    ];
    println!("{:32} {:>16} {:>16} | {:>16} {:>16}", "", "EC50", "BMD10", "naive EC50", "naive BMD10");
    for (name, lab) in cases {
        let [ec, bmd] = coverage(&lab, draws, false);
        let [naive_ec, naive_bmd] = coverage(&lab, draws, true);
        let shown = |(held, width): (f64, f64)| format!("{:.1} % x{width:.2}", 100.0 * held);
        println!("{name:32} {:>16} {:>16} | {:>16} {:>16}", shown(ec), shown(bmd), shown(naive_ec), shown(naive_bmd));
        // Three standard errors of a share of this many draws.
        let slack = 3.0 * (0.95 * 0.05 / draws as f64).sqrt();
        for (held, _) in [ec, bmd] {
            assert!((held - 0.95).abs() <= 0.01 + slack, "{name}: {held}");
        }
    }
}
