//! Files of plate readers on the command line: their options, and what was understood of them.

use super::failure::Failure;
use super::output;
use clap::Args;
use fenton::plate::{Assay, Layout, Options, Reading, Readings, Role, Seen, basis_option, read};
use fenton::report::shown;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a user says beside a file of readings.
#[derive(Debug, Clone, Default, Args)]
pub struct PlateArgs {
    /// The plate map of a grid: a grid of the same shape or a table of wells
    #[arg(long, value_name = "MAP.csv")]
    pub map: Option<PathBuf>,
    /// What a dose counts, such as "Fe", "Cu", "FAC 16.5 % Fe", or "FAC=Fe" for one of several compounds
    #[arg(long, value_name = "BASIS")]
    pub basis: Vec<String>,
    /// The sheet of a workbook [default: the first that holds anything]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// What was in the wells besides, for the report: serum, albumin, citrate
    #[arg(long, value_name = "TEXT")]
    pub medium: Option<String>,
}

/// The name of an assay, as an argument.
pub fn assay(name: &str) -> Result<Assay, String> {
    Assay::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Assay::ALL.iter().map(|assay| assay.name()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

impl PlateArgs {
    pub fn is_empty(&self) -> bool {
        let PlateArgs { map, basis, sheet, medium } = self;
        map.is_none() && basis.is_empty() && sheet.is_none() && medium.is_none()
    }

    pub fn options(&self, assay: Option<Assay>) -> Options {
        Options {
            map: self.map.clone(),
            sheet: self.sheet.clone(),
            basis: self.basis.iter().map(|text| basis_option(text)).collect(),
            medium: self.medium.clone(),
            assay,
        }
    }
}

/// Whether a name is that of a file of readings rather than of a study.
pub fn is_table(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    ["csv", "tsv", "txt", "xlsx", "xls"].contains(&end.as_str())
}

/// Prints what is in a file of readings.
pub fn check(file: &str, args: &PlateArgs, assay: Option<Assay>, as_json: bool) -> Result<(), Failure> {
    let readings = read(Path::new(file), &args.options(assay))?;
    if as_json { output::print_json(&document(&readings, assay)) } else { output::print(&text(&readings, assay)) }
}

fn layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Tidy => "one reading a line",
        Layout::Wide => "doses down, replicates or times across",
        Layout::Grid => "plates with a map",
    }
}

fn seen(readings: &Readings) -> &'static str {
    match readings.readings.first().map(|r| r.seen) {
        Some(Seen::Counts { .. }) => "counts of live and dead cells",
        Some(Seen::Deaths(_)) => "times of death",
        _ => "a signal",
    }
}

/// How many readings and how many wells have a role, for each role that is there.
fn roles(readings: &Readings) -> Vec<(Role, usize)> {
    let count = |role| readings.readings.iter().filter(|r| r.role == role).count();
    Role::ALL.into_iter().map(|role| (role, count(role))).filter(|(_, count)| *count > 0).collect()
}

fn times(readings: &Readings) -> Vec<f64> {
    let mut times: Vec<f64> = readings.readings.iter().filter_map(|r| r.time).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

/// Doses of a compound with how many readings of cells each has.
fn doses(readings: &Readings, compound: usize) -> Vec<(f64, usize)> {
    let mut doses: Vec<(f64, usize)> = Vec::new();
    let dose = |r: &Reading| r.doses.iter().find(|(c, _)| *c == compound).map(|(_, dose)| *dose);
    let mut all: Vec<f64> = readings.readings.iter().filter(|r| r.role == Role::Sample).filter_map(dose).collect();
    all.sort_by(f64::total_cmp);
    for dose in all {
        match doses.last_mut() {
            Some((last, count)) if *last == dose => *count += 1,
            _ => doses.push((dose, 1)),
        }
    }
    doses
}

/// Of each plate its readings of wells without cells.
fn blanks(readings: &Readings) -> Vec<usize> {
    let mut blanks = vec![0; readings.plates.len()];
    readings.readings.iter().filter(|r| r.role == Role::Blank).for_each(|r| blanks[r.plate] += 1);
    blanks
}

fn document(readings: &Readings, assay: Option<Assay>) -> serde_json::Value {
    json!({
        "file": readings.file,
        "layout": layout(readings.layout),
        "seen": seen(readings),
        "assay": assay.map(Assay::name),
        "synthetic": readings.synthetic,
        "readings": readings.readings.len(),
        "experiments": readings.experiments,
        "experiments_stated": readings.experiments_stated,
        "plates": readings.plates.iter().zip(blanks(readings)).map(|(plate, blanks)| json!({
            "name": plate.name, "experiment": readings.experiments[plate.experiment], "blanks": blanks,
        })).collect::<Vec<_>>(),
        "cell_lines": readings.cell_lines,
        "roles": roles(readings).into_iter().map(|(role, n)| (role.name(), n)).collect::<BTreeMap<_, _>>(),
        "compounds": readings.compounds.iter().enumerate().map(|(at, compound)| json!({
            "name": compound.name, "unit": compound.unit, "basis": compound.basis,
            "doses": doses(readings, at).into_iter().map(|(dose, n)| json!({ "dose": dose, "readings": n })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "time_unit": readings.time_unit,
        "times": times(readings),
        "medium": readings.medium,
        "notes": readings.notes,
    })
}

fn text(readings: &Readings, assay: Option<Assay>) -> String {
    let mut text = format!("{}\n", readings.file);
    if let Some(comment) = &readings.synthetic {
        text += &format!("SYNTHETIC DATA: {comment}\n");
    }
    let mut line = |name: &str, what: String| text += &format!("{name:<13}{what}\n");
    line("layout", layout(readings.layout).into());
    line("readings", format!("{} of {}", readings.readings.len(), seen(readings)));
    line("assay", assay.map_or("not stated; --assay says which".into(), |assay| assay.name().to_string()));
    let list = |names: Vec<&str>| match names.len() {
        n if n > 12 => format!("{n}: {}, …", names[..12].join(", ")),
        n => format!("{n}: {}", names.join(", ")),
    };
    line("experiments", list(readings.experiments.iter().map(String::as_str).collect()));
    line("plates", list(readings.plates.iter().map(|p| p.name.as_str()).collect()));
    line("cell lines", list(readings.cell_lines.iter().map(String::as_str).collect()));
    let roles: Vec<String> = roles(readings).into_iter().map(|(role, n)| format!("{n} {}", role.name())).collect();
    line("roles", roles.join(", "));
    let blanks: BTreeSet<usize> = blanks(readings).into_iter().collect();
    let per_plate = blanks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    line("blanks", format!("{per_plate} for each plate"));
    for (at, compound) in readings.compounds.iter().enumerate() {
        let doses = doses(readings, at);
        let list: Vec<String> = doses.iter().take(40).map(|(dose, n)| format!("{} ({n})", shown(*dose))).collect();
        let basis = compound.basis.as_ref().map_or(String::new(), |basis| format!("; a dose counts {basis}"));
        line("doses", format!("{}: {} {}{basis}", compound.name, list.join(", "), compound.unit));
    }
    let times: Vec<String> = times(readings).into_iter().take(40).map(shown).collect();
    if !times.is_empty() {
        line("times", format!("{} {}", times.join(", "), readings.time_unit));
    }
    if let Some(medium) = &readings.medium {
        line("medium", medium.clone());
    }
    for note in &readings.notes {
        text += &format!("\nnote: {note}\n");
    }
    text += "\nIn brackets: readings of that dose. Nothing is wrong with it.\n";
    text
}
