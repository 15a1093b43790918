//! Compounds that come and go several times, before zero and later, against closed forms.

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Simulator, Wanted};
use fenton::study::Study;
use memory::Memory;

const MODEL: &str = "const drug = 0\nlive = 1\nlive' = -k*drug*live\nk = 0.1\n";

const PLATE: &str = "condition,drug (uM),time (h),viability\nmany,1,1,1\nmany,1,2,1\nmany,1,24,1\nmany,1,25,1\nmany,1,60,1\nmany,0,60,1\n";

fn study(schedule: &str) -> String {
    format!(
        "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.drug]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
         [assay]\nkind = \"atp\"\nlive = \"live\"\n[conditions.many]\nschedule = {{ drug = {schedule} }}\n\
         [data]\nfile = \"data.csv\"\nvalues = \"fraction\"\n[noise]\nsd = 0.02\n[parameters.k]\nbounds = [0.01, 1]\n"
    )
}

/// The hours of drug before each reading: viability is exp(-0.1 * hours).
#[track_caller]
fn hours(schedule: &str, wanted: [f64; 5]) {
    let study =
        Study::read("study.toml", &study(schedule), &Memory::of(MODEL, PLATE)).unwrap_or_else(|e| panic!("{e}"));
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let simulator = Simulator::new(&problem, &engine, &engine, Choice::default());
    let values = vec![vec![0.1]];
    let simulated = simulator.run(&values, Wanted::default(), true).unwrap().remove(0);
    let predicted = problem.predict(&values[0], &simulated.slots);
    for (predicted, hours) in predicted.iter().zip(wanted.into_iter().chain([0.0])) {
        approx::assert_relative_eq!(*predicted, (-0.1 * hours).exp(), max_relative = 1e-6);
    }
}

#[test]
fn pulses_act_while_they_last() {
    // Read at 1, 2, 24, 25 and 60 h.
    hours("{ from = 0, until = 2 }", [1.0, 2.0, 2.0, 2.0, 2.0]);
    hours("[{ from = 0, until = 2 }, { from = 24, until = 26 }, { from = 48, until = 50 }]", [1.0, 2.0, 2.0, 3.0, 6.0]);
    hours("{ from = 0, until = 2, every = 24, times = 3 }", [1.0, 2.0, 2.0, 3.0, 6.0]);
    // Before zero, touching, out of order, and one that stays.
    hours("[{ from = 30 }, { from = -6, until = 0 }, { from = 0, until = 1.5 }]", [7.0, 7.5, 7.5, 7.5, 37.5]);
    // A reading at the moment of a change.
    hours("[{ from = 1, until = 2 }, { from = 24, until = 25 }]", [0.0, 1.0, 1.0, 2.0, 2.0]);
    // -12 to -10, -7 to -5, -2 to 0, 3 to 5.
    hours("{ from = -12, until = -10, every = 5, times = 4 }", [6.0, 6.0, 8.0, 8.0, 8.0]);
}

#[test]
fn what_is_no_schedule_is_refused_with_its_place() {
    for (schedule, message) in [
        ("[{ from = 0, until = 3 }, { from = 2, until = 4 }]", "two pulses overlap: 0 to 3, and 2 to 4"),
        ("[{ from = 0 }, { from = 2, until = 4 }]", "two pulses overlap: 0 to the end, and 2 to 4"),
        ("{ from = 0, until = 30, every = 24, times = 2 }", "two pulses overlap"),
        ("{ from = 0, until = 2, every = 24 }", "`every` without `times`"),
        ("{ from = 0, until = 2, times = 3 }", "`times` without `every`"),
        ("{ from = 0, every = 24, times = 3 }", "pulses that never end"),
        ("{ from = 0, until = 2, every = 24, times = 2.5 }", "whole number from 1 to 1000"),
        ("{ from = 0, until = 2, every = 0, times = 2 }", "a positive time apart"),
        ("[{ from = 5, until = 2 }]", "wash-out comes before the compound"),
    ] {
        let error = Study::read("study.toml", &study(schedule), &Memory::of(MODEL, PLATE)).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("study.toml:"), "{schedule}: {error}");
    }
}
