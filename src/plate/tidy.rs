//! Tidy tables: a header, then one reading a line.

use super::build::{Builder, Draft};
use super::names::{self, key};
use super::sheet::{Cell, Sheet};
use super::{Assay, Limit, Role, Seen};
use crate::Diagnostic;
use crate::model::math::closest;
use crate::study::units::Unit;

/// What a column holds. Numbers tell first, second and further compounds of a well apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Experiment,
    Plate,
    Well,
    CellLine,
    Compound(usize),
    Dose(usize),
    Unit(usize),
    Basis(usize),
    /// Doses of the compound that the header names.
    Named,
    Time,
    Signal,
    Live,
    Dead,
    Count,
    Censored,
    Role,
    Replicate,
    Medium,
}

const KNOWN: &[(&str, Column)] = &[
    ("experiment", Column::Experiment),
    ("exp", Column::Experiment),
    ("biological_replicate", Column::Experiment),
    ("plate", Column::Plate),
    ("plate_id", Column::Plate),
    ("plate_name", Column::Plate),
    ("well", Column::Well),
    ("well_id", Column::Well),
    ("cell_line", Column::CellLine),
    ("cell_lines", Column::CellLine),
    ("cells", Column::CellLine),
    ("cell", Column::CellLine),
    ("compound", Column::Compound(0)),
    ("drug", Column::Compound(0)),
    ("dose", Column::Dose(0)),
    ("concentration", Column::Dose(0)),
    ("conc", Column::Dose(0)),
    ("unit", Column::Unit(0)),
    ("units", Column::Unit(0)),
    ("dose_unit", Column::Unit(0)),
    ("basis", Column::Basis(0)),
    ("time", Column::Time),
    ("timepoint", Column::Time),
    ("time_point", Column::Time),
    ("hours", Column::Time),
    ("days", Column::Time),
    ("signal", Column::Signal),
    ("value", Column::Signal),
    ("viability", Column::Signal),
    ("relative_viability", Column::Signal),
    ("reading", Column::Signal),
    ("rlu", Column::Signal),
    ("rfu", Column::Signal),
    ("od", Column::Signal),
    ("absorbance", Column::Signal),
    ("fluorescence", Column::Signal),
    ("luminescence", Column::Signal),
    ("counts", Column::Signal),
    ("live", Column::Live),
    ("live_cells", Column::Live),
    ("alive", Column::Live),
    ("dead", Column::Dead),
    ("dead_cells", Column::Dead),
    ("count", Column::Count),
    ("censored", Column::Censored),
    ("limit", Column::Censored),
    ("role", Column::Role),
    ("well_type", Column::Role),
    ("type", Column::Role),
    ("replicate", Column::Replicate),
    ("rep", Column::Replicate),
    ("medium", Column::Medium),
    ("media", Column::Medium),
];

/// The column that a header names, and the unit beside the name.
fn column(header: &str) -> Option<(Column, Option<&str>)> {
    let (name, unit) = names::header(header);
    let of = |text: &str| {
        let word = text.to_lowercase().replace([' ', '-'], "_");
        let exact = |word: &str| KNOWN.iter().find(|(known, _)| *known == word).map(|(_, column)| *column);
        exact(&word).or_else(|| {
            // "compound2", "dose_2", "unit 2": a second compound in the same well.
            let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let number: usize = word[stem.len()..].parse().ok().filter(|n| (1..=20).contains(n))?;
            Some(match exact(stem.trim_end_matches('_'))? {
                Column::Compound(_) => Column::Compound(number - 1),
                Column::Dose(_) => Column::Dose(number - 1),
                Column::Unit(_) => Column::Unit(number - 1),
                Column::Basis(_) => Column::Basis(number - 1),
                _ => return None,
            })
        })
    };
    // "dose_unit" is a name of its own, "dose_uM" a name and a unit.
    if let Some(column) = of(header) {
        let lower = header.trim().to_lowercase();
        return Some((
            column,
            matches!(lower.as_str(), "hours" | "days").then_some(if lower == "days" { "d" } else { "h" }),
        ));
    }
    of(name).map(|column| (column, unit))
}

/// Whether a header is that of a tidy table: a column holds what was read, or others say what a row is.
pub fn fits(header: &[Cell]) -> bool {
    let of = |cell: &Cell| column(&cell.text).map(|(column, _)| column);
    let read = [Column::Signal, Column::Live, Column::Dead, Column::Count];
    header.iter().filter_map(of).any(|column| read.contains(&column))
        || header.iter().skip(1).filter_map(of).any(|column| column != Column::Replicate)
}

/// A column of tidy tables that `word` may have been meant for.
pub fn near(word: &str) -> Option<&'static str> {
    // No name of a column is long; comparing a long one with all would take its time.
    let word = Some(word).filter(|word| word.len() < 40)?.to_lowercase().replace([' ', '-'], "_");
    closest(&word, KNOWN.iter().map(|(known, _)| *known))
}

/// The columns of a table: of each, what it holds, its unit and, for [`Column::Named`], its compound.
pub struct Columns<'h> {
    list: Vec<Option<(Column, Option<&'h str>, usize)>>,
    header: &'h [Cell<'h>],
}

impl<'h> Columns<'h> {
    /// Reports columns that are unknown or there twice.
    pub fn read(sheet: &Sheet, header: &'h [Cell<'h>], builder: &mut Builder) -> Self {
        let width = header.iter().rposition(|c| !c.text.is_empty()).map_or(0, |last| last + 1);
        let mut columns = Columns { list: Vec::new(), header: &header[..width] };
        for cell in columns.header {
            let found = match column(&cell.text) {
                Some((column, unit)) => {
                    if columns.list.iter().flatten().any(|(c, ..)| *c == column) {
                        sheet.say(cell, format!("a second column for `{}`", cell.text), "keep one of them");
                    }
                    Some((column, unit, 0))
                }
                None => match names::header(&cell.text) {
                    (name, Some(unit)) if names::is_dose_unit(unit) && !name.is_empty() => {
                        let compound = builder.compound(name);
                        builder.unit(sheet, cell, compound, unit);
                        let of_it = |c: &(Column, Option<&str>, usize)| c.0 == Column::Named && c.2 == compound;
                        if columns.list.iter().flatten().any(of_it) {
                            sheet.say(cell, format!("a second column for doses of {name}"), "keep one of them");
                        }
                        Some((Column::Named, None, compound))
                    }
                    _ => {
                        unknown(sheet, cell);
                        None
                    }
                },
            };
            columns.list.push(found);
        }
        columns
    }

    pub fn has(&self, column: Column) -> bool {
        self.list.iter().flatten().any(|(c, ..)| *c == column)
    }

    /// The cell of a column, where it is there and not empty.
    pub fn get<'r, 's>(&self, row: &'r [Cell<'s>], column: Column) -> Option<&'r Cell<'s>> {
        self.cell(row, column).filter(|cell| !cell.text.is_empty())
    }

    fn cell<'r, 's>(&self, row: &'r [Cell<'s>], column: Column) -> Option<&'r Cell<'s>> {
        let at = self.list.iter().position(|found| found.is_some_and(|(c, ..)| c == column))?;
        row.get(at)
    }

    fn unit(&self, column: Column) -> Option<&'h str> {
        self.list.iter().flatten().find(|(c, ..)| *c == column).and_then(|(_, unit, _)| *unit)
    }

    /// The doses of a row; `None` if something is wrong with them.
    pub fn doses(
        &self,
        sheet: &Sheet,
        row: &[Cell],
        role: Option<Role>,
        builder: &mut Builder,
    ) -> Option<Vec<(usize, f64)>> {
        let before = sheet.count();
        let mut doses = Vec::new();
        for (at, found) in self.list.iter().enumerate() {
            match found {
                Some((Column::Named, _, compound)) => {
                    let Some(cell) = row.get(at).filter(|c| !c.text.is_empty()) else { continue };
                    doses.extend(dose(sheet, cell, *compound, None, builder));
                }
                Some((Column::Dose(number), header, _)) => {
                    let Some(cell) = row.get(at) else { continue };
                    let named = self.get(row, Column::Compound(*number));
                    if cell.text.is_empty() {
                        // Wells without a compound need no dose.
                        let sample = named.is_some_and(|c| names::role(&c.text).is_none())
                            && role.is_none_or(|r| r == Role::Sample);
                        if sample {
                            sheet.number(cell, "the dose");
                        }
                        continue;
                    }
                    let is_role = named.is_some_and(|c| names::role(&c.text).is_some());
                    let compound = match named {
                        Some(cell) if !is_role => builder.compound(&cell.text),
                        // "DMSO" as a compound of dose 0, or no name beside a dose of 0.
                        _ if matches!(super::number::parse(&cell.text, true, true), Ok(0.0)) || is_role => continue,
                        None if !self.has(Column::Compound(*number)) => builder.compound("compound"),
                        _ => {
                            sheet.say(cell, "a dose of no compound", "fill in the column `compound`");
                            continue;
                        }
                    };
                    if let Some(basis) = self.get(row, Column::Basis(*number)) {
                        builder.basis(sheet, basis, compound, &basis.text);
                    }
                    let unit = self.get(row, Column::Unit(*number)).map(|cell| (cell, cell.text.as_ref()));
                    let unit = unit.or(header.map(|unit| (&self.header[at], unit)));
                    doses.extend(dose(sheet, cell, compound, unit, builder));
                }
                Some((Column::Basis(0), ..)) if !self.has(Column::Dose(0)) => {
                    let Some(cell) = row.get(at).filter(|c| !c.text.is_empty()) else { continue };
                    for (_, _, compound) in self.list.iter().flatten().filter(|(c, ..)| *c == Column::Named) {
                        builder.basis(sheet, cell, *compound, &cell.text);
                    }
                }
                _ => {}
            }
        }
        (sheet.count() == before).then_some(doses)
    }

    pub fn time(&self, sheet: &Sheet, row: &[Cell], builder: &mut Builder) -> Option<f64> {
        let cell = self.get(row, Column::Time)?;
        let (time, own) = sheet.quantity(cell, "a time")?;
        Some(builder.time(sheet, cell, time, own.or(self.unit(Column::Time))))
    }

    /// The role of a row; `None` if none is stated. The study's own tables state it in the column `well`, and some
    /// people in place of a compound.
    pub fn role(&self, sheet: &Sheet, row: &[Cell]) -> Option<Role> {
        if let Some(cell) = self.get(row, Column::Role) {
            let role = names::role(&cell.text);
            if role.is_none() {
                sheet.add(cell, Diagnostic::new(format!("no role `{}`", cell.text)).expected(names::ROLES));
            }
            return role;
        }
        let word = |column| self.get(row, column).and_then(|cell| names::role(&cell.text));
        word(Column::Well).or_else(|| word(Column::Compound(0))).filter(|role| *role != Role::Sample)
    }
}

/// A dose in the compound's unit.
fn dose(
    sheet: &Sheet,
    cell: &Cell,
    compound: usize,
    unit: Option<(&Cell, &str)>,
    builder: &mut Builder,
) -> Option<(usize, f64)> {
    let lower = cell.text.to_lowercase();
    if names::role(&lower) == Some(Role::Vehicle) {
        return Some((compound, 0.0));
    }
    let (amount, own) = sheet.quantity(cell, "a dose")?;
    let factor = match own.map(|unit| (cell, unit)).or(unit) {
        Some((place, unit)) => builder.unit(sheet, place, compound, unit)?,
        None => 1.0,
    };
    not_negative(sheet, cell, amount)?;
    Some((compound, amount * factor))
}

pub fn not_negative(sheet: &Sheet, cell: &Cell, amount: f64) -> Option<()> {
    if amount < 0.0 {
        let hint = "doses are not negative; if these are logarithms of doses, give the doses themselves";
        sheet.say(cell, format!("a dose of {amount}"), hint);
        return None;
    }
    Some(())
}

fn unknown(sheet: &Sheet, cell: &Cell) {
    let (name, unit) = names::header(&cell.text);
    if cell.text.is_empty() {
        sheet.say(cell, "a column without a name", "name it, or delete it");
        return;
    }
    let hint = match (near(name), unit) {
        (Some(near), _) => format!("did you mean `{near}`? otherwise delete the column"),
        (None, Some(unit)) if ["um", "µm", "μm", "mm", "nm"].contains(&unit.to_lowercase().as_str()) => {
            format!("no unit of doses is `{unit}`: molar has a capital M, as in uM")
        }
        (None, Some(unit)) if Unit::parse(unit).is_none() => {
            format!("delete the column; or if these are doses, write the unit `{unit}` as M, mM, uM, nM or ug/mL")
        }
        _ => format!("delete the column; or if these are doses, add their unit: `{name} (uM)`"),
    };
    sheet.say(cell, format!("unknown column `{}`", cell.text), hint);
}

pub fn read(sheet: &Sheet, builder: &mut Builder) {
    let Some((header, rows)) = sheet.rows.split_first() else { return };
    let columns = Columns::read(sheet, header, builder);
    let deaths = !columns.has(Column::Signal)
        && !columns.has(Column::Live)
        && (builder.options.assay == Some(Assay::DeathTime)
            || columns.has(Column::Censored) && columns.has(Column::Time));
    let counted = columns.has(Column::Live) && columns.has(Column::Dead);
    if sheet.count() == 0 && !(columns.has(Column::Signal) || columns.has(Column::Count) || counted || deaths) {
        let hint = "name it `signal`, or `live` and `dead` for counts of cells";
        sheet.say(&header[0], "no column of readings", hint);
    }
    if columns.has(Column::Signal) && (columns.has(Column::Live) || columns.has(Column::Dead)) {
        sheet.say(&header[0], "a signal and counts of cells in one table", "give two files, one for each assay");
    }
    if sheet.count() > 0 {
        // Rows under a header that is not understood would say the same thing over and over.
        return;
    }
    if rows.is_empty() {
        sheet.say(&header[0], "the file has a header and no readings", "one reading a line");
        return;
    }
    let width = columns.header.len();
    for row in rows {
        let used = row.iter().rposition(|c| !c.text.is_empty()).map_or(0, |last| last + 1);
        if row.len() < width || used > width {
            fields(sheet, row, width);
            continue;
        }
        if let Some(draft) = draft(sheet, &columns, row, deaths, builder) {
            builder.add(sheet, draft);
        }
    }
}

fn fields(sheet: &Sheet, row: &[Cell], width: usize) {
    let hint = if row.len() > width {
        "decimals are written with a point, or with a comma between quotes; text with a comma needs quotes"
    } else {
        "an empty field still needs its separator"
    };
    let diagnostic = Diagnostic::new(format!("{} fields", row.len()));
    let last = row.last().cloned().unwrap_or_default();
    sheet.add(&last, diagnostic.expected(format!("{width}, as in the header")).hint(hint));
}

fn draft<'r, 's>(
    sheet: &Sheet,
    columns: &Columns,
    row: &'r [Cell<'s>],
    deaths: bool,
    builder: &mut Builder,
) -> Option<Draft<'r, 's>> {
    let before = sheet.count();
    let text = |column| columns.get(row, column).map(|cell| cell.text.as_ref());
    let role = columns.role(sheet, row);
    let doses = columns.doses(sheet, row, role, builder);
    let time = columns.time(sheet, row, builder);
    if time.is_none() && columns.has(Column::Time) && role != Some(Role::Blank) && sheet.count() == before {
        sheet.say(&row[0], "no time for this reading", "fill it in, or delete the column");
    }
    if let Some(cell) = columns.get(row, Column::Medium) {
        builder.medium(sheet, cell, &cell.text);
    }
    if columns.has(Column::CellLine) && text(Column::CellLine).is_none() && role != Some(Role::Blank) {
        sheet.say(&row[0], "no cell line for this reading", "fill it in, or mark the well as blank in a column `role`");
    }
    let (cell, seen, limit) = seen(sheet, columns, row, deaths)?;
    // Where wells state roles, `well` names none.
    let well = text(Column::Well).filter(|well| columns.has(Column::Role) || names::role(well).is_none());
    let doses = doses?;
    if sheet.count() > before {
        return None;
    }
    Some(Draft {
        cell,
        experiment: text(Column::Experiment),
        plate: text(Column::Plate),
        well,
        replicate: text(Column::Replicate),
        cell_line: text(Column::CellLine),
        doses,
        time,
        seen,
        role: role.unwrap_or_default(),
        limit,
    })
}

fn seen<'r, 's>(
    sheet: &Sheet,
    columns: &Columns,
    row: &'r [Cell<'s>],
    deaths: bool,
) -> Option<(&'r Cell<'s>, Seen, Limit)> {
    let word = columns.get(row, Column::Censored).map(|cell| (cell, key(&cell.text)));
    let stated = match &word {
        None => Limit::None,
        Some((cell, word)) => match word.as_str() {
            "<" | "below" | "lower" | "left" | "<=" => Limit::Below,
            ">" | "above" | "upper" | "right" | ">=" => Limit::Above,
            "no" | "false" | "0" | "none" | "n" => Limit::None,
            "yes" | "true" | "1" | "y" | "censored" | "alive" if deaths => Limit::Above,
            _ => {
                let expected = if deaths { "yes or no" } else { "<, >, below or above" };
                sheet.add(cell, Diagnostic::new(format!("a limit of `{}`", cell.text)).expected(expected));
                return None;
            }
        },
    };
    let count = |column, what: &str| {
        let cell = columns.cell(row, column)?;
        let count = sheet.number(cell, what)?;
        if count < 0.0 || count.fract() != 0.0 {
            let hint = "cells are counted in whole numbers; a fraction or a mean goes into a column `signal`";
            sheet.say(cell, format!("a count of {count}"), hint);
            return None;
        }
        Some((cell, count))
    };
    if deaths {
        let (cell, deaths) = match columns.has(Column::Count) {
            true => count(Column::Count, "a count")?,
            // One line for each cell.
            false => (columns.get(row, Column::Time)?, 1.0),
        };
        return Some((cell, Seen::Deaths(deaths), stated));
    }
    if columns.has(Column::Live) {
        let (live, dead) = (count(Column::Live, "a count of live cells"), count(Column::Dead, "a count of dead cells"));
        let ((cell, live), (_, dead)) = (live?, dead?);
        return Some((cell, Seen::Counts { live, dead }, stated));
    }
    let column = if columns.has(Column::Signal) { Column::Signal } else { Column::Count };
    let cell = columns.cell(row, column)?;
    let (value, own) = sheet.signal(cell, "the reading")?;
    if own != Limit::None && stated != Limit::None && own != stated {
        sheet.say(cell, format!("`{}` beside a limit that says otherwise", cell.text), "leave one of them out");
        return None;
    }
    Some((cell, Seen::Signal(value), if own == Limit::None { stated } else { own }))
}
