//! Damaged study and data files: never a panic or a hang, and always an error with a place to look at.

#[path = "common/damage.rs"]
mod damage;
#[path = "common/memory.rs"]
mod memory;

use damage::{cases, spliced};
use fenton::Error;
use fenton::study::Study;
use memory::Memory;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const MODEL: &str = "Drug = 0; Drug has uM; unit uM = 1e-6 mole / litre; k = 0.1; live = 1; live' = -k * Drug * live";

const STUDY: &str = r#"
model = "killing"
[time]
unit = "h"
[compounds.Drug]
unit = "mM"
[assay]
kind = "atp"
live = "live"
scale = ["gain", 1.0]
[conditions.a]
fold = { k = 0.5 }
schedule = { Drug = { from = 0, until = 2 } }
[data]
file = "plate.csv"
values = "fraction"
[noise]
kind = "student-t"
sd = "sigma"
[parameters.k]
bounds = [0.001, 10]
prior = { kind = "log-normal", median = 0.1, sd = 1 }
[parameters.sigma]
value = 0.05
bounds = [0.005, 0.5]
[parameters.gain]
per = "plate"
value = 1
bounds = [0.5, 2]
[cells]
nodes = 4
spread = { k = 0.3 }
"#;

const PLATE: &str = "condition,Drug (mM),time,viability,lower,upper,plate\na,0,24,1.01,,,p\na,0,24,0.99,,,q\n\
                     a,0.01,24,0.31,,,p\na,0.1,24,,0.05,0.2,p\n";

/// Counts of wells over time in experiments that differ.
const COUNTED: &str = r#"
model = "killing"
[time]
unit = "h"
[compounds.Drug]
unit = "mM"
[assay]
kind = "live_dead"
live = "live"
dead = "1 - live"
[data]
file = "plate.csv"
[noise]
kind = "binomial"
overdispersion = "phi"
well_memory = "memory"
[parameters.k]
bounds = [0.001, 10]
[parameters.phi]
value = 0.02
bounds = [0.001, 0.5]
[parameters.memory]
value = 6
bounds = [1, 100]
[experiments]
spread = { k = "between" }
[parameters.between]
value = 0.2
bounds = [0.01, 1]
"#;

const COUNTS: &str = "Drug (mM),time,live,dead,experiment,replicate,well\n0,24,200,3,a,1,vehicle\n0,48,210,5,a,1,\n\
                      0.01,24,80,100,a,2,\n0.01,48,20,180,a,2,\n0,24,190,9,b,3,\n0.01,24,70,110,b,4,\n0.1,24,0,0,b,5,\n";

/// Reads, and lowers what can be read.
fn survives(study: &str, plate: &[u8]) {
    let begun = Instant::now();
    match Study::read("study.toml", study, &Memory::of(MODEL, plate)) {
        Ok(study) => {
            let problem = study.problem();
            assert!(!problem.parameters.is_empty());
        }
        Err(Error::Input(found)) => {
            assert!(!found.is_empty());
            for diagnostic in found {
                assert!(!diagnostic.message.is_empty() && !diagnostic.file.is_empty(), "{diagnostic}");
                assert!(diagnostic.place.as_ref().is_some_and(|place| place.line >= 1), "no place: {diagnostic}");
            }
        }
        Err(other) => panic!("{other}"),
    }
    assert!(begun.elapsed() < LONGEST, "{:?} for\n{study}", begun.elapsed());
}

/// What no small file may take, on a busy machine without optimisation; a hang takes for ever.
const LONGEST: Duration = Duration::from_secs(30);

/// Replaces, deletes or doubles a piece of `text`, or puts something into it.
fn mutated(text: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let piece = prop_oneof![
        Just(Vec::new()),
        Just(b"-".to_vec()),
        Just(b",".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b"nan".to_vec()),
        Just(b"[".to_vec()),
        Just("µ".as_bytes().to_vec()),
        Just(b"0".to_vec()),
        Just(b"#".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"1e-320".to_vec()),
        Just(b"1e300".to_vec()),
        Just(b"99999999999999999999".to_vec()),
        Just("\u{feff}".as_bytes().to_vec()),
        Just("(".repeat(2000).into_bytes()),
        Just("{a=".repeat(500).into_bytes()),
        Just("x".repeat(5000).into_bytes()),
        Just("\n[conditions.b]\n".as_bytes().to_vec()),
        Just("\n[experiments]\nspread = { k = 0.2 }\n".as_bytes().to_vec()),
        Just("\n[cells]\nnodes = 1000000\n".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    spliced(text.as_bytes(), piece)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_studies_are_refused_or_read(study in mutated(STUDY)) {
        survives(&String::from_utf8_lossy(&study), PLATE.as_bytes());
    }

    #[test]
    fn damaged_studies_of_counts_are_refused_or_read(study in mutated(COUNTED)) {
        survives(&String::from_utf8_lossy(&study), COUNTS.as_bytes());
    }

    #[test]
    fn damaged_counts_are_refused_or_read(plate in mutated(COUNTS)) {
        survives(COUNTED, &plate);
    }

    #[test]
    fn damaged_plates_are_refused_or_read(plate in mutated(PLATE)) {
        survives(STUDY, &plate);
    }
}

#[test]
fn deep_and_long_studies_end_in_an_error_or_a_study() {
    for piece in ["[", "{a=", "(", "-", "a.", "\"", "[[", "1,", "2^"] {
        let deep = piece.repeat(100_000);
        survives(&format!("{STUDY}x = {deep}"), PLATE.as_bytes());
        survives(&format!("{deep}\n{STUDY}"), PLATE.as_bytes());
        survives(&STUDY.replace("live = \"live\"", &format!("live = '{deep}live'")), PLATE.as_bytes());
        survives(STUDY, format!("{PLATE}{deep}").as_bytes());
        survives(STUDY, format!("{deep}{PLATE}").as_bytes());
    }
    let sections: String = (0..3000).map(|i| format!("[conditions.c{i}]\nfold = {{ k = 0.5 }}\n")).collect();
    survives(&format!("{STUDY}{sections}"), PLATE.as_bytes());
}

#[test]
fn the_undamaged_study_is_read() {
    let study = Study::read("study.toml", STUDY, &Memory::of(MODEL, PLATE)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(study.problem().parameters.len(), 4);
    let study = Study::read("study.toml", COUNTED, &Memory::of(MODEL, COUNTS)).unwrap_or_else(|e| panic!("{e}"));
    // k, phi, memory and a shift for each of two experiments.
    assert_eq!(study.problem().parameters.len(), 5);
}
