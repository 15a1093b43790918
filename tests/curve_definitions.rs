//! What a reading means: definitions against cases whose answer is known.

use fenton::curve::{self, End, Quantity, Reading, Resampling, Settings, Verdict, analyse, onsets};
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, cpu::CpuEngine};
use fenton::expr::Symbol;
use fenton::plate::{Assay, Options, Readings, read_bytes};
use fenton::program::{Lowering, Program};
use fenton::random::Stream;
use std::fmt::Write;

fn readings(table: &str) -> Readings {
    read_bytes("made.csv", table.as_bytes().to_vec(), None, &Options::default()).expect("a good table")
}

fn settings(assay: Assay) -> Settings {
    Settings {
        assay,
        reading: Reading::of(assay),
        effect: 0.1,
        at: None,
        no_floor: false,
        resampling: Resampling::default(),
    }
}

const GROWTH: f64 = std::f64::consts::LN_2 / 24.0;
const HAZARD: [f64; 5] = [0.0, 0.0025, 0.005, 0.01, 0.02];

/// Live and dead cells after 72 h under each hazard, by the formula.
fn by_formula() -> Vec<(f64, f64)> {
    let cells = |hazard: f64| {
        let net = GROWTH - hazard;
        let live = (net * 72.0).exp();
        (live, hazard / net * (live - 1.0))
    };
    HAZARD.into_iter().map(cells).collect()
}

/// The same by integrating a model.
fn by_simulation() -> Vec<(f64, f64)> {
    let text =
        format!("grow: -> live; {GROWTH}*live\ndie: live -> dead; hazard*live\nlive = 1\ndead = 0\nhazard = 0\n");
    let mut system = fenton::model::antimony::read(&text, "growth").unwrap().system().unwrap();
    let state = |system: &fenton::model::System, name: &str| system.state(name).unwrap();
    let (live, dead) = (state(&system, "live"), state(&system, "dead"));
    let outputs = vec![system.graph.symbol(Symbol::State(live)), system.graph.symbol(Symbol::State(dead))];
    let inputs = system.parameter("hazard").into_iter().collect();
    let program = Program::new(&system, &Lowering { inputs, fixed: Vec::new(), outputs });
    let lanes: Vec<Lane> = (0..HAZARD.len() as u32).map(|row| Lane { row, protocol: 0 }).collect();
    let segments = vec![Segment { until: 72.0, ..Segment::default() }];
    let settings = fenton::engine::Settings {
        method: Method::Tsit5,
        rtol: 1e-9,
        atol: vec![1e-12; 2],
        max_steps: 10_000,
        caution: 1.0,
    };
    let batch = Batch {
        program: &program,
        lanes: &lanes,
        rows: &HAZARD,
        protocols: &[Protocol { start: 0.0, segments, outputs: vec![72.0] }],
        tangents: &[],
        settings: &settings,
    };
    let outcomes = CpuEngine::new(Precision::F64).run(&batch).unwrap();
    outcomes.outputs.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

#[test]
fn a_growing_population_under_a_constant_hazard() {
    for cells in [by_formula(), by_simulation()] {
        let mut table = String::from("plate,well,cell_line,compound,dose,unit,time (h),live,dead\n");
        for (at, (live, dead)) in cells.iter().enumerate() {
            // Many cells, so that whole numbers lose nothing.
            for well in 0..2 {
                let (live, dead) = ((1e6 * live).round(), (1e6 * dead).round());
                writeln!(table, "P,{}{},HT-1080,X,{},uM,72,{live},{dead}", ["A", "B"][well], at + 1, at).unwrap();
            }
        }
        let readings = readings(&table);
        for (reading, expected) in [(Reading::FractionalViability, 0.4845), (Reading::RelativeViability, 0.2369)] {
            let analysis = analyse(&readings, &Settings { reading, ..settings(Assay::LiveDead) }).unwrap();
            let wells = curve::picture::wells(&analysis.curves[0]);
            let at = |dose: f64| {
                let own: Vec<f64> = wells.iter().filter(|w| w.dose == dose).map(|w| w.share).collect();
                assert_eq!(own.len(), 2);
                own.iter().sum::<f64>() / 2.0
            };
            // Scales are fitted; relative to the vehicle's own wells no fit is left in it.
            let found = at(4.0) / at(0.0);
            assert!((found - expected).abs() < 1e-4, "{reading:?}: {found}");
        }
    }
}

#[test]
fn growth_is_taken_apart_into_division_and_death() {
    let mut table = String::from("experiment,plate,role,compound,dose,unit,time (h),live,dead\n");
    for experiment in ["E1", "E2"] {
        writeln!(table, "{experiment},{experiment},t0,X,0,uM,0,1000000,0").unwrap();
        for (at, (live, dead)) in by_formula().iter().enumerate() {
            let (live, dead) = ((1e6 * live).round(), (1e6 * dead).round());
            writeln!(table, "{experiment},{experiment},sample,X,{at},uM,72,{live},{dead}").unwrap();
        }
    }
    let rows = curve::growth(&readings(&table), None);
    let row = rows.iter().find(|row| row.dose == 4.0).unwrap();
    for (found, truth) in [
        (&row.division, GROWTH),
        (&row.death, 0.02),
        (&row.gr, ((GROWTH - 0.02) / GROWTH).exp2() - 1.0),
        (&row.stasis, 1.0),
        (&row.toxicity, (-1.44f64).exp() - 1.0),
    ] {
        assert!((found.value.unwrap() - truth).abs() < 1e-5, "{found:?}, truth {truth}");
    }
}

#[test]
fn noise_alone_is_no_effect() {
    let mut random = Stream::new(5, 0);
    let mut found = 0;
    for _ in 0..200 {
        let mut table = String::from("experiment,plate,compound,dose,unit,signal\n");
        for plate in 0..3 {
            let gain = 1000.0 * (0.3 * random.normal()).exp();
            for dose in [0.0, 0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0] {
                for _ in 0..3 {
                    let signal = gain * (1.0 + 0.08 * random.normal());
                    writeln!(table, "E{plate},P{plate},X,{dose},uM,{signal}").unwrap();
                }
            }
        }
        let analysis = analyse(&readings(&table), &settings(Assay::Atp)).unwrap();
        found += usize::from(analysis.curves[0].verdict != Verdict::NoEffect);
    }
    // One in twenty is what the test promises; 21 of 200 would be three standard errors above it.
    assert!(found <= 20, "{found} of 200");
}

#[test]
fn a_single_dose_is_refused() {
    let table = "compound,dose,unit,signal\nX,0,uM,100\nX,0,uM,101\nX,5,uM,50\nX,5,uM,48\n";
    let error = analyse(&readings(table), &settings(Assay::Atp)).unwrap_err().to_string();
    assert!(error.contains("a single dose of X (5 uM)") && error.contains("at least three doses"), "{error}");
}

#[test]
fn lag_exponential_death_is_found_again() {
    let mut random = Stream::new(6, 0);
    let mut table = String::from("experiment,plate,well,compound,dose,unit,time (h),live,dead\n");
    for experiment in 0..3 {
        let onset = 8.0 + 0.5 * random.normal();
        for (column, dose) in [0.0, 1.0, 2.0, 3.0].into_iter().enumerate() {
            for row in ["A", "B", "C"] {
                for time in [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 36.0] {
                    let since = f64::max(time - onset, 0.0);
                    let dead = 0.02 + 0.3 * dose * 0.98 * (1.0 - (-0.15 * since).exp());
                    let cells = 800.0;
                    let dead = (cells * dead + (cells * dead * (1.0 - dead)).sqrt() * random.normal()).round().max(0.0);
                    let name = format!("{row}{}", column + 1);
                    writeln!(table, "E{experiment},P{experiment},{name},X,{dose},uM,{time},{},{dead}", cells - dead)
                        .unwrap();
                }
            }
        }
    }
    let analysis = onsets(&readings(&table), &settings(Assay::LiveDead)).unwrap();
    assert_eq!(analysis.curves.len(), 4);
    let curve = analysis.curves.iter().find(|c| c.series.doses == [3.0]).unwrap();
    // How near they come; how often intervals hold the truth is counted in curve_coverage.rs.
    for (quantity, truth, near) in [
        (Quantity::Onset, 8.0, 1.0),
        (Quantity::Rate, 0.15f64.ln(), 0.06),
        (Quantity::Floor, 0.1, 0.02),
        (Quantity::Fastest, (0.15f64 * 0.9).ln(), 0.06),
    ] {
        let (_, found) = curve.estimates.iter().find(|(q, _)| *q == quantity).unwrap();
        let (End::At(low), End::At(high)) = (found.lower, found.upper) else { panic!("{quantity:?}: {found:?}") };
        let value = found.value.unwrap();
        assert!((value - truth).abs() < near, "{quantity:?}: {value}, truth {truth}");
        assert!(low < value && value < high && high - low < 4.0, "{quantity:?}: {low} to {high}");
    }
    let vehicle = analysis.curves.iter().find(|c| c.series.doses.is_empty()).unwrap();
    assert_eq!(vehicle.verdict, Verdict::NoEffect);
}
