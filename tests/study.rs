//! Study files and their data: what is read, and what is refused with which words.

#[path = "common/memory.rs"]
mod memory;

use fenton::expr::Id;
use fenton::model::System;
use fenton::study::{Quantity, ReadAt, Seen, Study};
use fenton::{Diagnostic, Error, Result};
use memory::Memory;

const MODEL: &str = "
model killing
  unit time_unit = 3600 second;
  unit uM = 1e-6 mole / litre;
  unit hour = 3600 second;
  unit per_hour = 1 / hour;
  Drug = 0;  Drug has uM;
  Block = 0; Block has uM;
  K = 10;    K has uM;
  k_death = 0.1; k_death has per_hour;
  counting = 1;
  hazard := counting * k_death * Drug / (K + Drug + Block);
  live = 1; dead = 0;
  live' = -hazard * live;
  dead' = hazard * live;
end
";

const STUDY: &str = r#"
title = "Killing"
model = "killing"
[time]
unit = "h"
[compounds.Drug]
unit = "mM"
[assay]
kind = "atp"
live = "live"
dead = "dead"
[data]
file = "plate.csv"
[noise]
sd = "sigma"
[parameters.k_death]
bounds = [0.001, 10]
[parameters.sigma]
value = 0.05
bounds = [0.005, 0.5]
"#;

const PLATE: &str = "Drug,time,viability\n0,24,1.01\n0,24,0.99\n0.01,24,0.31\n0.1,24,0.11\n";

fn found(study: &str, plate: &str) -> Vec<Diagnostic> {
    match Study::read("study.toml", study, &Memory::of(MODEL, plate)) {
        Err(Error::Input(found)) => found,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted:\n{study}\n{plate}"),
    }
}

/// One thing wrong, at a line and column, with these words in the message or the hint.
#[track_caller]
fn refused(study: &str, plate: &str, line: usize, column: usize, words: &str) {
    let found = found(study, plate);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{texts:#?}");
    let place = found[0].place.as_ref().expect("a place");
    assert!(texts[0].contains(words), "{}", texts[0]);
    assert!(found[0].hint.is_some(), "no hint: {}", texts[0]);
    assert_eq!((place.line, place.column), (line, column), "{}", texts[0]);
}

#[test]
fn a_study_is_read() {
    let study = Study::read("killing.toml", STUDY, &Memory::of(MODEL, PLATE)).unwrap();
    assert_eq!((study.name.as_str(), study.data.len()), ("killing", 4));
    assert_eq!(study.compounds[0].factor, 1000.0);
    assert_eq!(study.data[2].doses, [0.01]);
    assert_eq!(study.data[2].value, Seen::Value(0.31));
    assert_eq!(study.data[2].time, ReadAt::Time(24.0));
    assert_eq!(study.parameters[0].value, 0.1);
    assert!(study.notes.iter().any(|note| note.contains("fractions")), "{:?}", study.notes);
    let problem = study.problem();
    assert_eq!(problem.parameters.len(), 2);
    assert_eq!(problem.layout.runs.len(), 3);
    assert_eq!(problem.program.inputs, ["Drug", "k_death"]);
}

#[test]
fn windows_line_ends_marks_comments_and_header_units_are_understood() {
    let plate = "\u{feff}# a plate\r\nDrug (mM),time [h],viability (%),note\r\n0,24,99,\r\n\r\n0.01,24,31,\"a, b\"\r\n";
    let study = STUDY.replace("file = \"plate.csv\"", "file = \"plate.csv\"\nignore = [\"note\"]");
    let study = Study::read("study.toml", &study, &Memory::of(MODEL, plate)).unwrap();
    assert_eq!(study.data[1].value, Seen::Value(0.31));
    assert_eq!(study.data[1].line, 5);
}

#[test]
fn long_tables_convert_doses() {
    let plate = "compound,dose,dose_unit,time,viability\nvehicle,0,,24,1\nDrug,10,uM,24,0.3\n";
    let study = STUDY.replace("[noise]", "values = \"fraction\"\n[noise]");
    let study = Study::read("study.toml", &study, &Memory::of(MODEL, plate)).unwrap();
    assert!((study.data[1].doses[0] - 0.01).abs() < 1e-15);
}

#[test]
fn data_are_refused_with_a_place_and_a_fix() {
    let plate = |from: &str, to: &str| PLATE.replacen(from, to, 1);
    refused(STUDY, &plate("0.31", "\"0,31\""), 4, 9, "0.31");
    refused(STUDY, &plate("0.31", "0,31"), 4, 11, "decimals are written with a point");
    refused(STUDY, &plate("0.01,24", "10 uM,24"), 4, 1, "write 10 alone");
    refused(STUDY, &plate("0.01,24", "0.01,-24"), 4, 6, "a time of -24");
    refused(STUDY, &plate("0.01,24", "-2,24"), 4, 1, "not negative");
    refused(STUDY, &plate("0.31", "NA"), 4, 9, "delete the row");
    refused(STUDY, &plate("0.31", "<0.1"), 4, 9, "`lower` and `upper`");
    refused(STUDY, &plate("0.31", ""), 4, 9, "is empty");
    refused(STUDY, &plate("Drug,time", "Drugs,time"), 1, 1, "did you mean `Drug`?");
    refused(STUDY, &plate("Drug,time", "Drug (uM),time"), 1, 1, "units do not agree");
    refused(STUDY, &plate("0.1,24,0.11\n", "0.1,24,0.11\n0.1,24,0.11\n"), 6, 1, "the same row as line 5");
    refused(STUDY, &PLATE.replace(',', ";"), 1, 1, "separator = \";\"");
    refused(STUDY, "Drug,time,viability\n", 1, 1, "no readings");
    refused(STUDY, "Drug,time,viability\n0.01,24,0.9\n0.1,24,0.5\n1,24,0.2\n2,24,0.1\n", 2, 1, "without compound");
    let percent = "Drug,time,viability\n0,24,101\n0.01,24,31\n0.1,24,11\n";
    refused(STUDY, percent, 1, 11, "values = \"percent\"");
    let inhibition = "Drug,time,viability\n0,24,0.01\n0.01,24,0.69\n0.1,24,0.89\n1,24,0.95\n";
    refused(STUDY, inhibition, 2, 6, "reading = \"inhibition\"");
}

#[test]
fn files_that_are_no_text_are_refused() {
    for (bytes, words) in [("", "empty"), ("\n \n", "empty"), ("PK\u{3}\u{4}", "spreadsheet"), ("a\0b", "not text")] {
        let found = found(STUDY, bytes);
        assert!(found[0].to_string().contains(words), "{found:?}");
        assert_eq!(found[0].file, "plate.csv");
    }
}

#[test]
fn studies_are_refused_with_a_place_and_a_fix() {
    let study = |from: &str, to: &str| STUDY.replacen(from, to, 1);
    refused(&study("bounds = [0.001, 10]", "bonds = [0.001, 10]"), PLATE, 17, 1, "did you mean `bounds`?");
    refused(&study("unit = \"mM\"", "unit = \"mg\""), PLATE, 7, 8, "units do not agree");
    refused(&study("unit = \"mM\"", "unit = \"mg/mL\""), PLATE, 7, 8, "molar_mass");
    refused(&study("bounds = [0.001, 10]", "bounds = [1, 10]"), PLATE, 17, 1, "exclude the model's value, 0.1");
    refused(
        &study("bounds = [0.001, 10]", "bounds = [0.001, 10]\nunit = \"1/min\""),
        PLATE,
        18,
        8,
        "units do not agree",
    );
    refused(&study("\"sigma\"", "0.1"), PLATE, 18, 13, "in no equation");
    refused(&study("live = \"live\"", "live = \"lives\""), PLATE, 10, 9, "lives");
    refused(&study("kind = \"atp\"", "kind = \"mtt\""), PLATE, 9, 8, "no assay `mtt`");
    refused(&study("[compounds.Drug]", "[compounds.Drugs]"), PLATE, 6, 12, "did you mean `Drug`?");
    refused(&study("unit = \"h\"", "unit = \"hh\""), PLATE, 5, 8, "write s, min, h or d");
    refused(&study("bounds = [0.001, 10]", "bounds = [0.001, ]"), PLATE, 17, 10, "lower and a higher");
}

#[test]
fn all_that_is_wrong_comes_at_once() {
    let study = STUDY.replace("unit = \"mM\"", "unit = \"mg\"").replace("kind = \"atp\"", "kind = \"mtt\"");
    assert_eq!(found(&study, PLATE).len(), 2);
    let plate = PLATE.replace("0.31", "x").replace("0.11", "y").replace("0.99", "z");
    let found = found(STUDY, &plate);
    let lines: Vec<usize> = found.iter().filter_map(|d| d.place.as_ref()).map(|p| p.line).collect();
    assert_eq!(lines, [3, 4, 5]);
}

#[test]
fn joint_readings_need_a_stated_sd() {
    let plate = "Drug,time,lower,upper,joint\n0.001,24,0.9,1.1,statement\n1,24,,0.5,statement\n";
    let study = STUDY.replace("[noise]", "values = \"fraction\"\nwithout_control = \"a statement\"\n[noise]");
    let found = found(&study, plate);
    assert!(found[0].to_string().contains("the sd of a joint reading is estimated"), "{}", found[0]);
    let end = study.find("[parameters.sigma]").unwrap();
    let fixed = study[..end].replace("\"sigma\"", "0.1");
    let problem = Study::read("study.toml", &fixed, &Memory::of(MODEL, plate)).unwrap().problem();
    assert_eq!(problem.observation_count(), 1.0);
    assert!(problem.intervals_only());
}

#[test]
fn schedules_become_segments() {
    let study = STUDY.to_string()
        + r#"
[compounds.Block]
unit = "uM"
[conditions.pulse]
set = { K = "K_low" }
fold = { k_death = 0.5 }
doses = { Block = 3 }
schedule = { Block = { from = -24 }, Drug = { from = 0, until = 2 } }
[parameters.K_low]
value = 5
bounds = [1, 20]
[settle]
set = { counting = 0 }
longest = 1000
"#;
    let study = Study::read("study.toml", &study, &Memory::of(MODEL, PLATE)).unwrap();
    assert_eq!(study.conditions[0].set[0].1, Quantity::Parameter(2));
    let problem = study.problem();
    // The vehicle control lacks both compounds, and is as old as the treated cells.
    assert_eq!(problem.layout.runs[1].doses, [0.0, 0.0]);
    assert_eq!(problem.layout.protocols[1].start, -24.0);
    assert_eq!(problem.layout.runs[2].doses, [0.01, 3.0]);
    let protocol = &problem.layout.protocols[2];
    assert_eq!(protocol.start, -24.0);
    let untils: Vec<f64> = protocol.segments.iter().map(|s| s.until).collect();
    assert_eq!(untils, [-24.0, 0.0, 2.0, 24.0]);
    assert_eq!(protocol.segments[0].settle, Some(1000.0));
    let input = |name: &str| problem.program.inputs.iter().position(|i| i == name).unwrap() as u32;
    let has = |segment: usize, name: &str, value: f64| protocol.segments[segment].set.contains(&(input(name), value));
    assert!(has(0, "counting", 0.0) && has(1, "counting", 1.0) && has(1, "Block", 3.0));
    assert!(has(2, "Drug", 10.0) && has(3, "Drug", 0.0));
}

/// The example in the documentation, read against the embedded model.
#[test]
fn the_documented_example_is_read() {
    struct Files;
    impl fenton::study::Sources for Files {
        fn model(&self, name: &str) -> Result<fenton::model::Network> {
            fenton::study::Embedded.model(name)
        }
        fn data(&self, _: &str) -> Result<Vec<u8>> {
            let plate = "condition,hours,FAC (mM),viability\nparental,24,0,1\nparental,24,5,0.4\nparental,48,5,0.1\n\
                         low-ferritin,24,0,0.9\nlow-ferritin,24,5,0.2\n";
            Ok(plate.as_bytes().to_vec())
        }
        fn formula(&self, system: &mut System, text: &str) -> Result<Id> {
            fenton::study::Embedded.formula(system, text)
        }
    }
    let docs = include_str!("../src/study/mod.rs");
    let start = docs.find("```toml").unwrap() + 7;
    let end = start + docs[start..].find("```").unwrap();
    let example: String =
        docs[start..end].lines().map(|line| line.trim_start_matches("//!").to_string() + "\n").collect();
    let study = Study::read("example.toml", &example, &Files).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<String> = study.problem().parameters.into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["k_store", "capacity_low", "sigma", "spread"]);
}
