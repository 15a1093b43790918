//! Wide tables: doses down, and across them replicates, experiments, cell lines or times.

use super::build::{Builder, Draft};
use super::names::{self, key};
use super::number::{parse, split_unit};
use super::sheet::{Cell, Sheet};
use super::tidy::not_negative;
use super::{Role, Seen};
use crate::Diagnostic;
use crate::study::units::Unit;
use std::collections::{BTreeMap, BTreeSet};

/// What the header of a column says.
#[derive(Debug, Clone, Default, PartialEq)]
struct Across {
    experiment: Option<String>,
    time: Option<(f64, String)>,
    replicate: Option<String>,
    role: Option<Role>,
    /// What is left: a cell line, or a word that says nothing.
    rest: String,
}

/// Whether a header can be that of a wide table: the first column has doses and there are others.
pub fn fits(header: &[Cell]) -> bool {
    let Some(first) = header.first() else { return false };
    let (name, unit) = names::header(&first.text);
    let is_dose = ["dose", "concentration", "conc"].contains(&key(name).as_str());
    let others = header.iter().skip(1).filter(|c| !c.text.is_empty()).count();
    others >= 1 && (is_dose || unit.is_some_and(names::is_dose_unit))
}

/// Words of a header that say nothing about what a column holds.
const SILENT: [&str; 13] =
    ["", "signal", "value", "reading", "well", "viability", "rlu", "rfu", "od", "column", "col", "y", "data"];

fn across(text: &str) -> Across {
    let mut found = Across::default();
    // "Blank 2" and "blank2" are blanks; the number of "t0" is part of its name.
    let numbered =
        |text: &str| names::role(text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ' || c == '_'));
    if let Some(role) = names::role(text).or_else(|| numbered(text)) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        found.role = Some(role).filter(|r| *r != Role::Sample);
        found.replicate = Some(digits).filter(|d| !d.is_empty() && role != Role::Start);
        return found;
    }
    let words: Vec<&str> = text.split([' ', '_', '/', ',', ';', '|', '(', ')']).filter(|w| !w.is_empty()).collect();
    let mut rest: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (word, next) = (words[at], words.get(at + 1).copied());
        let lower = word.to_lowercase();
        let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &lower[stem.len()..];
        let is_number = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit());
        let numbered = next.is_some_and(|w| is_number(w) || w.len() == 1);
        let is_experiment = ["experiment", "exp", "e", "n", "n="].contains(&stem);
        let is_replicate = ["replicate", "rep", "r", "#", "tech", "techrep"].contains(&stem);
        at += 1;
        if is_experiment && !digits.is_empty() {
            found.experiment = Some(word.to_string());
        } else if ["experiment", "exp"].contains(&stem) && numbered {
            found.experiment = Some(format!("{word} {}", next.unwrap_or_default()));
            at += 1;
        } else if is_replicate && !digits.is_empty() {
            found.replicate = Some(digits.to_string());
        } else if ["replicate", "rep", "#"].contains(&stem) && numbered {
            found.replicate = next.map(str::to_string);
            at += 1;
        } else if let Some((time, unit)) = time(lower.trim_start_matches("t="), next) {
            at += usize::from(split_unit(lower.trim_start_matches("t=")).1.is_none());
            found.time = Some((time, unit));
        } else if (lower == "time" || lower == "t")
            && next.is_some_and(|next| time(next, words.get(at + 1).copied()).is_some())
        {
        } else {
            rest.push(word);
        }
    }
    // A number behind another word counts replicates: "HT-1080 2", "signal 1", "E1_2".
    if found.replicate.is_none()
        && let Some(last) = rest.last()
        && last.bytes().all(|b| b.is_ascii_digit())
    {
        found.replicate = rest.pop().map(str::to_string);
    }
    let whole = rest.len() == words.len();
    found.rest = if whole { text.to_string() } else { rest.join(" ") };
    // Programs that want each name once number them: "HT-1080.1".
    if let Some((name, number)) = found.rest.rsplit_once('.')
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && found.replicate.is_none()
    {
        (found.rest, found.replicate) = (name.to_string(), Some(number.to_string()));
    }
    found
}

fn time(word: &str, next: Option<&str>) -> Option<(f64, String)> {
    let (number, own) = split_unit(word);
    let unit = own.or(next)?;
    let number = parse(number, true, true).ok().filter(|n| n.is_finite())?;
    Unit::parse(unit).filter(|unit| unit.is_time())?;
    Some((number, unit.to_string()))
}

pub fn read(sheet: &Sheet, builder: &mut Builder) {
    let Some((header, rows)) = sheet.rows.split_first() else { return };
    let width = header.iter().rposition(|c| !c.text.is_empty()).map_or(0, |last| last + 1);
    let (first, header) = header[..width].split_first().unwrap_or((&header[0], &[]));
    let (name, unit) = names::header(&first.text);
    let is_dose = ["dose", "concentration", "conc"].contains(&key(name).as_str());
    let compound = builder.compound(if is_dose { "compound" } else { name });
    if let Some(unit) = unit {
        builder.unit(sheet, first, compound, unit);
    }
    let columns: Vec<Across> = header.iter().map(|cell| across(&cell.text)).collect();
    for cell in header {
        if ["mean", "sd", "sem", "average", "avg", "std", "median", "se"].contains(&key(&cell.text).as_str()) {
            let hint = "give the wells themselves: a mean and an sd do not say how many there were";
            sheet.say(cell, format!("`{}` is no reading", cell.text), hint);
        }
    }
    let lines = cell_lines(&columns);
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    columns.iter().for_each(|across| *times.entry(&across.rest).or_default() += 1);
    for (cell, across) in header.iter().zip(&columns) {
        let once = times[across.rest.as_str()] == 1;
        if let (true, Some(near)) = (once && lines.contains(&key(&across.rest)), super::tidy::near(&across.rest)) {
            let hint = format!("did you mean `{near}`? a cell line of this name goes into a column `cell line`");
            sheet.say(cell, format!("unknown column `{}`", cell.text), hint);
        }
    }
    // Wells without cells beside columns of several experiments are the blanks of each of them.
    let mut all: Vec<Option<&str>> = Vec::new();
    for across in columns.iter().filter(|a| a.experiment.is_some()) {
        if all.len() < 100 && !all.contains(&across.experiment.as_deref()) {
            all.push(across.experiment.as_deref());
        }
    }
    understood(&columns, &lines, builder);
    if rows.is_empty() {
        sheet.say(first, "the file has a header and no readings", "one dose a line");
    }
    if sheet.count() > 0 {
        return;
    }
    // The same dose in several rows, and columns that have the same header, hold replicates.
    let mut taken: BTreeMap<(usize, u64, u8), usize> = BTreeMap::new();
    let groups = groups(&columns);
    for row in rows {
        let Some((row_role, dose)) = row_head(sheet, &row[0], compound, builder) else { continue };
        let used = row.iter().rposition(|c| !c.text.is_empty()).map_or(0, |last| last + 1);
        if used > width {
            let diagnostic = Diagnostic::new(format!("{used} fields")).expected(format!("{width}, as in the header"));
            sheet.add(
                &row[used - 1],
                diagnostic.hint("decimals are written with a point, or with a comma between quotes"),
            );
            continue;
        }
        for ((cell, across), &group) in row[1..].iter().zip(&columns).zip(&groups) {
            // A dose may have been read fewer times than others.
            if cell.text.is_empty() || super::number::is_missing(&cell.text) {
                continue;
            }
            let Some((value, limit)) = sheet.signal(cell, "the reading") else { continue };
            let role = across.role.unwrap_or(row_role);
            let doses =
                if role == Role::Vehicle || across.role == Some(Role::Start) { vec![] } else { vec![(compound, dose)] };
            let number = taken.entry((group, dose.to_bits(), role as u8)).or_default();
            *number += 1;
            let replicate = number.to_string();
            let time = across.time.as_ref().map(|(time, unit)| builder.time(sheet, cell, *time, Some(unit)));
            let own = [across.experiment.as_deref()];
            let experiments = if role == Role::Blank && own == [None] && !all.is_empty() { &all[..] } else { &own[..] };
            for &experiment in experiments {
                let draft = Draft {
                    cell,
                    experiment,
                    plate: None,
                    well: None,
                    replicate: Some(&replicate),
                    cell_line: lines.contains(&key(&across.rest)).then_some(across.rest.as_str()),
                    doses: doses.clone(),
                    time,
                    seen: Seen::Signal(value),
                    role,
                    limit,
                };
                builder.add(sheet, draft);
            }
        }
    }
}

/// Role and dose of a row.
fn row_head(sheet: &Sheet, cell: &Cell, compound: usize, builder: &mut Builder) -> Option<(Role, f64)> {
    if let Some(role) = names::role(&cell.text).filter(|role| *role != Role::Sample) {
        return Some((role, 0.0));
    }
    let (amount, own) = sheet.quantity(cell, "a dose")?;
    let factor = match own {
        Some(unit) => builder.unit(sheet, cell, compound, unit)?,
        None => 1.0,
    };
    not_negative(sheet, cell, amount)?;
    Some((Role::Sample, amount * factor))
}

/// Columns that differ in their replicate alone share a number.
fn groups(columns: &[Across]) -> Vec<usize> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let name = |a: &Across| format!("{:?} {:?} {:?} {}", a.experiment, a.time, a.role, key(&a.rest));
    columns
        .iter()
        .map(|a| {
            let next = seen.len();
            *seen.entry(name(a)).or_insert(next)
        })
        .collect()
}

/// The keys of what is left of headers, where that names cell lines: one that is there twice does, and so do all
/// others beside it; several different ones do if they are no mere letters or numbers.
fn cell_lines(columns: &[Across]) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for across in columns.iter().filter(|a| a.role.is_none()) {
        let word = key(&across.rest);
        if !SILENT.contains(&word.as_str()) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let repeated = counts.values().any(|&count| count > 1);
    let speaking = counts.keys().all(|word| word.chars().count() > 2 && word.chars().any(char::is_alphabetic));
    if repeated || speaking { counts.into_keys().collect() } else { BTreeSet::new() }
}

fn understood(columns: &[Across], lines: &BTreeSet<String>, builder: &mut Builder) {
    let mut parts = Vec::new();
    let distinct = |of: &dyn Fn(&Across) -> Option<String>| {
        let mut list: Vec<String> = Vec::new();
        for name in columns.iter().filter_map(of) {
            if !list.contains(&name) && list.len() < 20 {
                list.push(name);
            }
        }
        list.join(", ")
    };
    let mut say = |what: &str, names: String| {
        if !names.is_empty() {
            parts.push(format!("{what} {names}"));
        }
    };
    say("experiments", distinct(&|a| a.experiment.clone()));
    say("cell lines", distinct(&|a| lines.contains(&key(&a.rest)).then(|| a.rest.clone())));
    say("times", distinct(&|a| a.time.as_ref().map(|(time, unit)| format!("{time} {unit}"))));
    say("wells that are", distinct(&|a| a.role.map(|role| role.name().to_string())));
    let what = if parts.is_empty() { "replicates alone".to_string() } else { parts.join("; ") };
    builder.note(format!("a wide table of {} columns: doses down; across, {what}", columns.len()));
    if columns.iter().any(|a| a.role == Some(Role::Blank)) {
        builder.note("a column of blanks holds wells without cells, with the dose of their row");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_across_say_what_they_hold() {
        let parts = |text| {
            let a = across(text);
            let word = |o: Option<String>| o.unwrap_or_default();
            (word(a.experiment), a.time.map_or(0.0, |t| t.0), word(a.replicate), a.rest)
        };
        let of = |e: &str, t: f64, r: &str, rest: &str| (e.to_string(), t, r.to_string(), rest.to_string());
        assert_eq!(parts("exp1 rep2"), of("exp1", 0.0, "2", ""));
        assert_eq!(parts("exp1_rep2"), of("exp1", 0.0, "2", ""));
        assert_eq!(parts("Experiment 3"), of("Experiment 3", 0.0, "", ""));
        assert_eq!(parts("E1"), of("E1", 0.0, "", ""));
        assert_eq!(parts("n2"), of("n2", 0.0, "", ""));
        assert_eq!(parts("24 h"), of("", 24.0, "", ""));
        assert_eq!(parts("48h rep 1"), of("", 48.0, "1", ""));
        assert_eq!(parts("time 24 h"), of("", 24.0, "", ""));
        assert_eq!(parts("HT-1080 rep1"), of("", 0.0, "1", "HT-1080"));
        assert_eq!(parts("U-2 OS"), of("", 0.0, "", "U-2 OS"));
        assert_eq!(parts("HT-1080.1"), of("", 0.0, "1", "HT-1080"));
        assert_eq!(parts("2"), of("", 0.0, "2", ""));
        assert_eq!(across("Blank 2").role, Some(Role::Blank));
        assert_eq!(across("t0").role, Some(Role::Start));
        assert_eq!(across("24 h").role, None);
    }
}
