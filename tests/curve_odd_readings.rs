//! Readings that no instrument should give: never a panic, a hang or a number that is none.

use fenton::curve::{Reading, Resampling, Settings, analyse, as_counts, onsets};
use fenton::plate::{self, Assay, Limit, Readings, Role, Seen};
use fenton::random::Stream;
use fenton::report::plates::page;
use fenton::summary::plates::{Asked, report_on};
use std::time::{Duration, Instant};

const VALUES: [f64; 12] = [0.0, -5.0, 1.0, 100.0, 95.0, 50.0, 7.0, 1e-320, 1e300, -1e300, 1e12, 0.1];
const DOSES: [f64; 8] = [0.0, 0.0, 1e-9, 0.1, 1.0, 3.0, 10.0, 1e12];

/// PROPTEST_CASES asks for more.
fn cases() -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}

fn odd(draw: u64) -> Readings {
    let mut random = Stream::new(11, draw);
    let wild = random.below(3) > 0;
    let compound = |name: &str| plate::Compound { name: name.into(), unit: "uM".into(), basis: None };
    let mut out = Readings {
        file: "odd".into(),
        cell_lines: vec!["a".into(), "b".into()],
        compounds: vec![compound("X"), compound("Y")],
        time_unit: "h".into(),
        ..Readings::default()
    };
    let plates = 1 + random.below(4);
    for plate in 0..plates {
        out.experiments.push(format!("E{plate}"));
        out.plates.push(plate::Plate { name: format!("P{plate}"), experiment: random.below(plate + 1) });
    }
    let kind = random.below(3);
    for number in 0..1 + random.below(90) {
        let dose = DOSES[random.below(DOSES.len())];
        let mut number_of = || {
            let tame = 100.0 / (1.0 + dose) + random.normal();
            if wild && random.below(4) == 0 { VALUES[random.below(VALUES.len())] } else { tame }
        };
        let seen = match kind {
            0 => Seen::Signal(number_of()),
            1 => Seen::Counts { live: number_of().abs().round(), dead: number_of().abs().round() },
            _ => Seen::Deaths(number_of().abs().round()),
        };
        let mut doses = if dose > 0.0 { vec![(0, dose)] } else { Vec::new() };
        if random.below(8) == 0 {
            doses.push((1, DOSES[2 + random.below(6)]));
        }
        out.readings.push(plate::Reading {
            line: number + 1,
            column: 1,
            plate: random.below(plates),
            well: (random.below(2) == 0).then(|| (random.below(8), random.below(12))),
            well_name: (random.below(2) == 0).then(|| format!("w{}", random.below(6))),
            cell_line: usize::from(random.below(5) == 0),
            doses,
            time: (random.below(6) > 0).then(|| [0.0, 1.0, 2.0, 6.0, 24.0][random.below(5)]),
            seen,
            role: Role::ALL[[0, 0, 0, 0, 1, 2, 3, 4][random.below(8)]],
            limit: [Limit::None, Limit::None, Limit::None, Limit::Above][random.below(4)],
        });
    }
    out
}

#[test]
fn odd_readings_are_survived() {
    for draw in 0..cases() {
        let begun = Instant::now();
        let readings = as_counts(&odd(draw));
        for assay in Assay::ALL {
            let settings = Settings {
                assay,
                reading: Reading::of(assay),
                effect: 0.1,
                at: None,
                no_floor: draw % 2 == 0,
                resampling: Resampling { draws: if draw % 5 == 0 { 100 } else { 0 }, seed: draw },
            };
            let growth = Settings { reading: Reading::GrowthRate, ..settings.clone() };
            let found: Vec<_> = [&settings, &growth].into_iter().filter_map(|s| analyse(&readings, s).ok()).collect();
            let over_time = onsets(&readings, &settings).ok();
            let report = report_on(&readings, &found, over_time.as_ref(), &Asked::default());
            let text = serde_json::to_string(&report).expect("every report is a document");
            // JSON has no such numbers; in words they would still stand.
            let odd = text.split(|c: char| !c.is_alphanumeric()).find(|word| *word == "NaN" || *word == "inf");
            let around = odd.and_then(|word| text.find(word)).map(|at| &text[at.saturating_sub(80)..at + 3]);
            assert!(odd.is_none(), "draw {draw}, {assay:?}: {around:?}");
            page(&report).expect("every report is a page");
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "draw {draw}: {:?}", begun.elapsed());
    }
}
