//! Intervals of EC50 and benchmark dose on simulated plates: how often they hold the truth, beside what the usual
//! analysis (normalise each plate, then treat all wells as independent) would have said.
//!
//! `DRAWS=1000 cargo test --release --test curve_coverage -- --nocapture` prints the table of the README in benches/.

use fenton::curve::{Curve, End, Estimate, Quantity, Reading, Resampling, Settings, Verdict, analyse, onsets};
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
    seen: Instrument,
    /// The signal beyond which the instrument says no more than that.
    ceiling: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Instrument {
    /// Light of living cells.
    Live,
    /// Light of dead cells, and of lysed wells.
    Dead,
    /// Live and dead cells.
    Counts,
    /// Light of living cells, with wells read at the start.
    Growth,
}

/// Share of the vehicle that lives, and how often it doubles.
const VEHICLE: f64 = 0.95;
const DOUBLINGS: f64 = 2.5;

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
                let light = match (lab.seen, role) {
                    (_, Role::Blank) => 0.0,
                    (Instrument::Dead, Role::Positive) => 1.0,
                    (Instrument::Dead, _) => 1.0 - VEHICLE * share,
                    (Instrument::Growth, Role::Start) => 0.2,
                    (Instrument::Growth, _) => 0.2 * (1.0 + share).powf(DOUBLINGS),
                    _ => share,
                };
                let seen = match lab.seen {
                    Instrument::Counts => counted(&mut random, share, lab.error),
                    _ => Seen::Signal(
                        gain * light * (1.0 + lab.error * random.normal()) + blank + 250.0 * random.normal(),
                    ),
                };
                let (seen, limit) = match seen {
                    Seen::Signal(value) if value > lab.ceiling => (Seen::Signal(lab.ceiling), Limit::Above),
                    seen => (seen, Limit::None),
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
                    limit,
                });
            };
            (0..if lab.seen == Instrument::Counts { 0 } else { 4 }).for_each(|_| add(Role::Blank, 0.0, 0.0));
            (0..if lab.seen == Instrument::Dead { 4 } else { 0 }).for_each(|_| add(Role::Positive, 0.0, 0.0));
            (0..if lab.seen == Instrument::Growth { 6 } else { 0 }).for_each(|_| add(Role::Start, 0.0, 0.0));
            (0..8).for_each(|_| add(Role::Vehicle, 0.0, 1.0));
            for dose in DOSES {
                let share = FLOOR + (1.0 - FLOOR) / (1.0 + (dose / ec50).powf(hill));
                (0..lab.wells).for_each(|_| add(Role::Sample, dose, share));
            }
        }
    }
    out
}

/// About 300 cells of which a well's own share lives.
fn counted(random: &mut Stream, share: f64, spread: f64) -> Seen {
    let odds = VEHICLE * share / (1.0 - VEHICLE * share) * (spread * random.normal()).exp();
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
fn naive(readings: &Readings, seen: Instrument) -> Readings {
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
        let plate = reading.plate;
        let [blank, vehicle, lysed, start] =
            [Role::Blank, Role::Vehicle, Role::Positive, Role::Start].map(|role| mean(plate, role));
        let own = value(reading.seen);
        reading.seen = Seen::Signal(match seen {
            Instrument::Dead => (lysed - own) / (lysed - vehicle),
            Instrument::Growth => {
                let grown = |signal: f64| ((signal - blank).max(1.0) / (start - blank)).log2();
                2f64.powf(grown(own) / grown(vehicle)) - 1.0
            }
            _ => (own - blank) / (vehicle - blank),
        });
    }
    for reading in &mut out.readings {
        reading.plate = 0;
    }
    out
}

fn settings(seen: Instrument, resampled: usize) -> Settings {
    let (assay, reading) = match seen {
        Instrument::Live => (Assay::Atp, Reading::RelativeViability),
        Instrument::Dead => (Assay::DeadDye, Reading::DeadShare),
        Instrument::Counts => (Assay::LiveDead, Reading::FractionalViability),
        Instrument::Growth => (Assay::LiveCount, Reading::GrowthRate),
    };
    let resampling = Resampling { draws: resampled, seed: 5 };
    Settings { assay, reading, effect: 0.1, at: None, no_floor: false, resampling }
}

fn holds([lower, upper]: [End; 2], truth: f64) -> bool {
    let above = match lower {
        End::At(low) => low <= truth,
        End::Open => true,
    };
    above
        && match upper {
            End::At(high) => truth <= high,
            End::Open => true,
        }
}

/// Draws of a bootstrap: enough for its coverage over many data sets, fewer where there are few anyway.
fn resampled() -> usize {
    if draws() < 200 { 100 } else { 200 }
}

/// Of intervals of one quantity over many data sets.
struct Held {
    /// The share that holds the truth.
    share: f64,
    /// The median factor (of onsets, difference) between their ends.
    width: f64,
    /// The share of percentile intervals of the bootstrap that does, where they were made.
    bootstrap: f64,
}

/// Of each quantity with its true value, over data sets that `curve` makes and analyses.
fn held<const N: usize>(truth: [(Quantity, f64); N], draws: u64, curve: impl Fn(u64) -> Curve + Sync) -> [Held; N] {
    let results: Vec<[(bool, f64, bool); N]> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let curve = curve(draw);
            assert_eq!(curve.verdict, Verdict::Effect);
            truth.map(|(wanted, truth)| {
                let of = |(q, _): &&(Quantity, Estimate)| *q == wanted;
                let found = curve.estimates.iter().find(of).map(|(_, e)| e).expect("it was asked for");
                let width = match (found.lower, found.upper) {
                    (End::At(low), End::At(high)) if wanted.is_log() => (high - low).exp(),
                    (End::At(low), End::At(high)) => high - low,
                    _ => f64::INFINITY,
                };
                let drawn = curve.bootstrapped.iter().find(|(q, _)| *q == wanted);
                let bootstrap = drawn.is_some_and(|(_, ends)| holds(*ends, truth));
                (holds([found.lower, found.upper], truth), width, bootstrap)
            })
        })
        .collect();
    std::array::from_fn(|i| {
        let mut widths: Vec<f64> = results.iter().map(|r| r[i].1).collect();
        widths.sort_by(f64::total_cmp);
        let share =
            |of: fn(&(bool, f64, bool)) -> bool| results.iter().filter(|r| of(&r[i])).count() as f64 / draws as f64;
        Held { share: share(|r| r.0), width: widths[widths.len() / 2], bootstrap: share(|r| r.2) }
    })
}

fn coverage(lab: &Laboratory, draws: u64, naively: bool) -> [Held; 2] {
    let benchmark = EC50.ln() + (0.1f64 / (0.9 - FLOOR)).ln() / HILL;
    held([(Quantity::RelativeEc50, EC50.ln()), (Quantity::BenchmarkDose, benchmark)], draws, |draw| {
        let readings = simulate(lab, draw);
        let (readings, settings) = match naively {
            true => (naive(&readings, lab.seen), settings(Instrument::Live, 0)),
            false => (readings, settings(lab.seen, resampled())),
        };
        analyse(&readings, &settings).expect("there are curves").curves.remove(0)
    })
}

/// Checks that ours lie within so much of 95 %, and prints a line of the table: ours, by the bootstrap, and naively.
fn line(name: &str, draws: u64, own: &[Held], naive: &[Held], within: f64) {
    let shown = |held: &Held| format!("{:.1} % x{:.2}", 100.0 * held.share, held.width);
    let bootstrap = |held: &Held| format!("{:.1} %", 100.0 * held.bootstrap);
    println!(
        "{name:32} {:>16} {:>16} | {:>9} {:>9} | {:>16} {:>16}",
        shown(&own[0]),
        shown(&own[1]),
        bootstrap(&own[0]),
        bootstrap(&own[1]),
        shown(&naive[0]),
        shown(&naive[1])
    );
    // Three standard errors of a share of this many draws.
    let slack = 3.0 * (0.95 * 0.05 / draws as f64).sqrt();
    for held in own {
        assert!((held.share - 0.95).abs() <= within + slack, "{name}: {}", held.share);
    }
}

fn draws() -> u64 {
    std::env::var("DRAWS").ok().and_then(|d| d.parse().ok()).unwrap_or(60)
}

/// When death sets in and how fast it then is (per hour); what is alive in the end.
const ONSET: f64 = 12.0;
const RATE: f64 = 0.12;
const SURVIVORS: f64 = 0.15;

/// Live and dead cells of the same wells every four hours, at one dose. The onset differs between days by `shift`, and
/// each well has odds of its own.
fn watched(experiments: usize, shift: f64, draw: u64) -> Readings {
    let mut random = Stream::new(78, draw);
    let lab = Laboratory {
        experiments: 0,
        plates: 1,
        wells: 4,
        shift,
        slope: 0.0,
        error: 0.0,
        seen: Instrument::Counts,
        ceiling: f64::INFINITY,
    };
    let mut out = simulate(&lab, 0);
    out.time_unit = "h".into();
    for experiment in 0..experiments {
        out.experiments.push(format!("E{experiment}"));
        out.plates.push(plate::Plate { name: format!("P{experiment}"), experiment });
        let onset = ONSET + shift * random.normal();
        for well in 0..8 {
            let own = 0.2 * random.normal();
            for frame in 0..13 {
                let time = 4.0 * f64::from(frame);
                let treated = well < 4;
                let since = (time - onset).max(0.0);
                let share = if treated { SURVIVORS + (1.0 - SURVIVORS) * (-RATE * since).exp() } else { 1.0 };
                let odds = (VEHICLE * share / (1.0 - VEHICLE * share)).ln() + own;
                let share = 1.0 / (1.0 + (-odds).exp()) / VEHICLE;
                out.readings.push(plate::Reading {
                    line: 0,
                    column: 0,
                    plate: experiment,
                    well: None,
                    well_name: Some(format!("{well}")),
                    cell_line: 0,
                    doses: if treated { vec![(0, 10.0)] } else { Vec::new() },
                    time: Some(time),
                    seen: counted(&mut random, share, 0.0),
                    role: if treated { Role::Sample } else { Role::Vehicle },
                    limit: Limit::None,
                });
            }
        }
    }
    out
}

#[test]
fn intervals_of_onsets_hold_the_truth_as_often_as_they_say() {
    let draws = draws();
    println!("{:32} {:>16} {:>16} (onset and rate; width of the onset in hours)", "death over time", "", "");
    for (name, experiments, shift) in [("3 experiments", 3, 1.0), ("3, alike", 3, 0.0), ("6 experiments", 6, 1.0)] {
        let of = |naively: bool| {
            held([(Quantity::Onset, ONSET), (Quantity::Rate, RATE.ln())], draws, |draw| {
                let mut readings = watched(experiments, shift, draw);
                if naively {
                    readings.experiments.truncate(1);
                    readings.plates.iter_mut().for_each(|plate| plate.experiment = 0);
                    readings.readings.iter_mut().enumerate().for_each(|(at, r)| r.well_name = Some(at.to_string()));
                }
                let resampled = if naively { 0 } else { resampled() };
                let analysis = onsets(&readings, &settings(Instrument::Counts, resampled)).expect("there are curves");
                let treated = analysis.curves.into_iter().find(|curve| !curve.series.doses.is_empty());
                treated.expect("wells were treated")
            })
        };
        line(name, draws, &of(false), &of(true), 0.03);
    }
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let draws = draws();
    let base = Laboratory {
        experiments: 3,
        plates: 1,
        wells: 3,
        shift: 0.08,
        slope: 0.0,
        error: 0.06,
        seen: Instrument::Live,
        ceiling: f64::INFINITY,
    };
    let cases = [
        ("3 experiments", base),
        ("3, no difference between days", Laboratory { shift: 0.0, ..base }),
        ("3, two plates each", Laboratory { plates: 2, ..base }),
        ("3, far apart", Laboratory { shift: 0.2, slope: 0.1, ..base }),
        ("3, two wells, noisy", Laboratory { wells: 2, error: 0.1, ..base }),
        ("3, live and dead counts", Laboratory { seen: Instrument::Counts, error: 0.3, ..base }),
        ("3, dead dye and lysed wells", Laboratory { seen: Instrument::Dead, ..base }),
        ("3, growth rates", Laboratory { seen: Instrument::Growth, ..base }),
        ("3, saturated instrument", Laboratory { ceiling: 48_000.0, ..base }),
        ("6 experiments", Laboratory { experiments: 6, ..base }),
        ("6, noisy", Laboratory { experiments: 6, error: 0.12, ..base }),
        ("6, two plates each", Laboratory { experiments: 6, plates: 2, slope: 0.1, ..base }),
        ("6, dead dye and lysed wells", Laboratory { experiments: 6, seen: Instrument::Dead, ..base }),
        ("6, growth rates", Laboratory { experiments: 6, seen: Instrument::Growth, ..base }),
    ];
    println!(
        "{:32} {:>16} {:>16} | {:>9} {:>9} | {:>16} {:>16}",
        "", "EC50", "BMD10", "bootstrap", "BMD10", "naive EC50", "naive BMD10"
    );
    for (name, lab) in cases {
        line(name, draws, &coverage(&lab, draws, false), &coverage(&lab, draws, true), 0.01);
    }
}
