//! Files as they come from elsewhere: other line ends and encodings, a million rows, a million letters, and what a
//! study may say by mistake. Each test is named after what went wrong once.

#[path = "common/memory.rs"]
mod memory;

use fenton::study::{Seen, Study};
use fenton::{Diagnostic, Error, Result};
use memory::Memory;
use std::time::{Duration, Instant};

const MODEL: &str = "unit uM = 1e-6 mole / litre; Drug = 0; Drug has uM; Two = 0; Two has uM; k = 0.1; growth = 0.02
live = 1; live' = (growth - k * (Drug + Two)) * live; dead = 0; dead' = k * Drug * live";

const STUDY: &str = r#"model = "killing"
[time]
unit = "h"
[compounds.Drug]
unit = "mM"
[assay]
kind = "atp"
live = "live"
[conditions.parental]
[data]
file = "plate.csv"
values = "fraction"
[noise]
sd = 0.05
[parameters.k]
bounds = [0.01, 1]
"#;

const PLATE: &str = "Drug (mM),time (h),viability\n0,24,1.0\n0,24,0.98\n0.001,24,0.85\n0.01,24,0.3\n";

fn read(study: &str, plate: &[u8]) -> Result<Study> {
    Study::read("study.toml", study, &Memory::of(MODEL, plate))
}

fn found(study: &str, plate: &[u8]) -> Vec<Diagnostic> {
    match read(study, plate) {
        Err(Error::Input(found)) => found,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted:\n{study}"),
    }
}

/// Among what is wrong, these words at this line.
#[track_caller]
fn refused(study: &str, plate: &str, line: usize, words: &str) {
    let found = found(study, plate.as_bytes());
    let told = found.iter().find(|d| d.to_string().contains(words));
    let told = told.unwrap_or_else(|| panic!("`{words}` is not in {found:#?}"));
    assert_eq!(told.place.as_ref().map(|place| place.line), Some(line), "{told}");
}

#[track_caller]
fn noted(study: &str, words: &str) {
    let study = read(study, PLATE.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert!(study.notes.iter().any(|note| note.contains(words)), "{:?}", study.notes);
}

fn with(from: &str, to: &str) -> String {
    assert!(STUDY.contains(from));
    STUDY.replacen(from, to, 1)
}

#[test]
fn line_ends_of_every_system_read_the_same() {
    let plain = read(STUDY, PLATE.as_bytes()).unwrap();
    for end in ["\r\n", "\r"] {
        for mark in ["", "\u{feff}"] {
            let plate = format!("{mark}{}", PLATE.replace('\n', end));
            let study = format!("{mark}{}", STUDY.replace('\n', end));
            let other = read(&study, plate.as_bytes()).unwrap_or_else(|error| panic!("{end:?}: {error}"));
            for (a, b) in plain.data.iter().zip(&other.data) {
                assert_eq!((a.line, &a.doses, a.time, a.value), (b.line, &b.doses, b.time, b.value));
            }
            assert_eq!(plain.data.len(), other.data.len());
        }
    }
    refused(STUDY, &PLATE.replace("0.3", "x").replace('\n', "\r"), 5, "a value is `x`");
}

#[test]
fn a_file_that_is_no_text_is_refused_at_its_first_line() {
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(PLATE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, words) in
        [(&utf16[..], "UTF-16"), (b"PK\x03\x04", "spreadsheet"), (b"", "is empty"), (b" \n\n", "is empty")]
    {
        let found = found(STUDY, bytes);
        assert!(
            found[0].message.contains(words) && found[0].place.is_some() && found[0].hint.is_some(),
            "{}",
            found[0]
        );
    }
}

#[test]
fn two_hundred_thousand_rows_are_read_in_linear_time() {
    let mut plate = String::from("Drug (mM),time (h),replicate,viability\n");
    for i in 0..200_000 {
        plate += &format!("{},24,{i},0.{}\n", ["0", "0.001"][i % 2], 7 + i % 3);
    }
    let begun = Instant::now();
    let study = read(&with("0.05", "\"replicates\""), plate.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((study.data.len(), study.data[199_999].line), (200_000, 200_001));
    // A wrong column is wrong in every row.
    let many = found(STUDY, plate.replace(",24,", ",a day,").as_bytes());
    assert!(many.len() <= 40 && many[many.len() - 1].message.contains("199960 more"), "{}", many[many.len() - 1]);
    // Quadratic, this took minutes.
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

#[test]
fn a_line_of_a_million_letters_does_not_flood_the_terminal() {
    let long = "9".repeat(1_000_000);
    for found in [
        found(STUDY, format!("{PLATE}0.1,24,{long}\n").as_bytes()),
        found(STUDY, PLATE.replace("viability", &long).as_bytes()),
        found(&format!("{STUDY}[parameters.{long}]\nbounds = [1, 2]\n"), PLATE.as_bytes()),
        found(&format!("{STUDY}x = {}", "[".repeat(100_000)), PLATE.as_bytes()),
    ] {
        let length: usize = found.iter().map(|d| d.to_string().len()).sum();
        assert!(length < 2500 * found.len(), "{length} letters for {} errors", found.len());
    }
}

#[test]
fn numbers_in_disguise_get_a_hint_that_fits() {
    for (cell, words) in [
        ("\"1,000.5\"", "without marks for the thousands: 1000.5"),
        ("1e400", "as large"),
        ("#N/A", "delete the row"),
        ("0x10", "plain number"),
        ("1_0", "plain number"),
        ("5 uM", "write 5 alone"),
    ] {
        refused(STUDY, &PLATE.replace("0.3", cell), 5, words);
    }
    refused(STUDY, &PLATE.replace("0,24,1.0", "control,24,1.0"), 2, "the dose of a control is 0");
    refused(STUDY, &format!("{PLATE}\"0.1,24,0.3\n"), 6, "not closed");
}

#[test]
fn what_contradicts_itself_is_refused() {
    refused(STUDY, &PLATE.replace("viability", "viability (%)"), 1, "the header says percent");
    refused(&with("sd = 0.05", "sd = 0.05\ndf = 3"), PLATE, 15, "no degrees of freedom");
    refused(&with("sd = 0.05", "sd = 0.05\nrelative = -0.1"), PLATE, 15, "not negative");
    refused(&with("sd = 0.05", "sd = \"0.05\""), PLATE, 14, "without quotes: 0.05");
    let sigma = with("sd = 0.05", "sd = \"sigma\"");
    refused(&format!("{sigma}[parameters.sigma]\nvalue = 0.1\nbounds = [-1, 1]\n"), PLATE, 14, "may be -1");
    refused(&format!("{sigma}[parameters.sigma]\nvalue = -1\n"), PLATE, 14, "may be -1");
    refused(
        &with("[assay]", "[compounds.Other]\ntarget = \"Drug\"\nunit = \"mM\"\n[assay]"),
        PLATE,
        7,
        "same parameter",
    );
    refused(&format!("{STUDY}[solver]\nrtol = 10\n"), PLATE, 18, "gives no digit");
    refused(&format!("{STUDY}[solver]\nmax_steps = 0.5\n"), PLATE, 18, "whole number");
    refused(&with("bounds = [0.01, 1]", "bounds = [0.01, inf]"), PLATE, 16, "an element of `bounds` is the number inf");
    refused(&with("file = \"plate.csv\"", "file = 3"), PLATE, 11, "is the number 3");
}

#[test]
fn hints_do_not_guess_wildly() {
    let plate = "Drug (mM),time (h),observable,viability\n0,24,,1.0\n0.01,24,ATP,0.3\n";
    refused(STUDY, plate, 3, "add [observables.ATP]");
    let two = with("[conditions.parental]", "[conditions.a]\n[conditions.b]");
    refused(&two, PLATE, 2, "known here: a, b");
    let prior = "bounds = [0.01, 1]\nprior = { kind = \"normal\", sd = 0.1 }";
    let told = found(&with("bounds = [0.01, 1]", prior), PLATE.as_bytes());
    assert_eq!(told.len(), 1, "`sd` is a key of a prior, whatever else is missing: {told:#?}");
}

/// Where nothing but the study says nM, a slip for uM can only be shown.
#[test]
fn a_header_without_a_unit_is_noted() {
    let study = read(STUDY, PLATE.replace("Drug (mM)", "Drug").as_bytes()).unwrap();
    assert!(
        study.notes.iter().any(|note| note.contains("no unit for Drug") && note.contains("mM")),
        "{:?}",
        study.notes
    );
    let study = read(STUDY, PLATE.as_bytes()).unwrap();
    assert!(!study.notes.iter().any(|note| note.contains("no unit for")), "{:?}", study.notes);
}

#[test]
fn what_is_idle_is_noted() {
    noted(STUDY.split("[parameters").next().unwrap(), "nothing to fit");
    let two = with("[conditions.parental]", "[conditions.parental]\n[conditions.unused]");
    let row = |line: &str| format!("{line},{}\n", if line.starts_with("Drug") { "condition" } else { "parental" });
    let plate: String = PLATE.lines().map(row).collect();
    let study = read(&two, plate.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert!(study.notes.iter().any(|note| note.contains("condition unused")), "{:?}", study.notes);
    noted(&with("[assay]", "[compounds.Two]\nunit = \"uM\"\n[assay]"), "dose of Two");
    let prior = "bounds = [0.01, 1]\nprior = { kind = \"log-normal\", median = 50, sd = 0.1 }";
    noted(&with("bounds = [0.01, 1]", prior), "outside the bounds");
}

#[test]
fn scientific_notation_and_any_order_of_columns_read_the_same() {
    let plain = read(STUDY, PLATE.as_bytes()).unwrap();
    let other = "viability,time (h),Drug (mM)\n1.0,2.4e1,0\n9.8E-1,24.0,0e0\n8.5e-1,24,1E-3\n+3e-1,24,1e-2\n";
    let other = read(STUDY, other.as_bytes()).unwrap();
    for (a, b) in plain.data.iter().zip(&other.data) {
        assert_eq!((&a.doses, a.time, a.value), (&b.doses, b.time, b.value));
    }
    assert_eq!(other.data[3].value, Seen::Value(0.3));
}

#[test]
fn a_mark_of_three_bytes_before_a_quote_that_stays_open_is_no_end_of_a_field() {
    let plate = "condition,Drug (mM),time,viability,lower,upper,plate\n\u{feff}4,1.01,,,p\"0,24,0.99,,,q\na,0.01,24,0.31,,,p\na,0.1,24,,0.05,0.2,p\n";
    let found = found(STUDY, plate.as_bytes());
    assert!(found.iter().all(|d| d.place.as_ref().is_some_and(|place| place.line >= 1)), "{found:#?}");
    refused(STUDY, "Drug (mM),time (h),viability\n\u{feff}0,24,1.0,p\"0,1\n", 2, "fields");
}

#[test]
fn counts_have_a_reading_that_is_a_share() {
    let counts = with("sd = 0.05", "kind = \"binomial\"");
    let told = found(&counts, b"Drug (mM),time (h),live,dead\n0,24,90,3\n");
    assert!(told.iter().any(|d| d.message.contains("are no relative viability")), "{told:#?}");
}

#[test]
fn experiments_that_differ_are_named_in_every_row_and_their_sd_is_theirs_alone() {
    let differ =
        "\n[experiments]\nspread = { k = \"between\" }\n[parameters.between]\nvalue = 0.2\nbounds = [0.01, 1]\n";
    let plate = "Drug (mM),time (h),viability,experiment\n0,24,1.0,a\n0,24,0.98,b\n0.001,24,0.85,\n0.01,24,0.3,b\n";
    refused(&format!("{STUDY}{differ}"), plate, 4, "no experiment");
    let twice = with("sd = 0.05", "sd = \"between\"");
    let told = found(&format!("{twice}{differ}"), plate.as_bytes());
    assert!(told.iter().any(|d| d.message.contains("something else too")), "{told:#?}");
}
