//! Plate maps: what is in each well, as a table of the plate's shape or as a list of wells.

use super::Role;
use super::build::Builder;
use super::grid::{self, Block};
use super::names;
use super::number::{is_missing, parse, split_unit, well};
use super::sheet::{Cell, Sheet};
use super::tidy::{Column, Columns};
use crate::Diagnostic;
use std::collections::HashMap;

/// What is in one well.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub role: Role,
    pub doses: Vec<(usize, f64)>,
    pub cell_line: Option<String>,
    pub experiment: Option<String>,
    pub time: Option<f64>,
    /// Where the map says so.
    pub place: String,
}

pub struct PlateMap {
    pub rows: usize,
    pub columns: usize,
    /// Row by row; `None` for wells that nobody used.
    pub wells: Vec<Option<Content>>,
}

/// The maps of one file, by plate.
pub struct Map {
    pub file: String,
    by_plate: Vec<(Option<String>, PlateMap)>,
}

impl Map {
    /// The map of a plate. The only one of a file is that of every plate, unless it bears the name of another.
    pub fn of(&self, plate: Option<&str>) -> Option<&PlateMap> {
        let named = |name: &str| {
            self.by_plate.iter().find(|(of, _)| of.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(name)))
        };
        match (plate.and_then(named), &self.by_plate[..]) {
            (Some((_, map)), _) => Some(map),
            (None, [(None, map)]) => Some(map),
            (None, [(Some(_), map)]) if plate.is_none() => Some(map),
            _ => None,
        }
    }

    pub fn plates(&self) -> Vec<&str> {
        self.by_plate.iter().map(|(name, _)| name.as_deref().unwrap_or("one without a name")).collect()
    }
}

/// Reads a map; what is wrong goes to `sheet`.
pub fn read(sheet: &Sheet, builder: &mut Builder) -> Map {
    let mut map = Map { file: sheet.file().to_string(), by_plate: Vec::new() };
    if !grid::fits(sheet) {
        listed(sheet, builder, &mut map);
        return map;
    }
    let blocks = grid::blocks(sheet, &mut Vec::new());
    let only = blocks.len() == 1;
    for block in &blocks {
        let wells = contents(sheet, block, builder);
        // A lone block without a label counts as plate 1, but is the map of all plates.
        let name = block.labels.plate.clone().filter(|name| !(only && name == "1"));
        map.by_plate.push((name, PlateMap { rows: block.rows, columns: block.columns, wells }));
    }
    map
}

fn contents(sheet: &Sheet, block: &Block, builder: &mut Builder) -> Vec<Option<Content>> {
    let read = |cell: &Option<&Cell>| {
        let cell = cell.filter(|cell| !cell.text.is_empty())?;
        let mut content = content(sheet, cell, builder)?;
        content.experiment = block.labels.experiment.clone();
        content.cell_line =
            content.cell_line.or_else(|| block.labels.cell_line.clone().filter(|_| content.role != Role::Blank));
        Some(content)
    };
    block.wells.iter().map(read).collect()
}

/// `vehicle`, `FAC 5 mM`, `FAC 5 mM + BSO 100 uM`, `HT-1080: FAC 5 mM`, `blank FAC 5 mM`.
fn content(sheet: &Sheet, cell: &Cell, builder: &mut Builder) -> Option<Content> {
    let mut content = Content { place: sheet.place(cell.line as usize, cell.column as usize), ..Content::default() };
    let mut text = cell.text.as_ref();
    if let Some((line, rest)) = text.split_once(':') {
        content.cell_line = Some(line.trim().to_string()).filter(|line| !line.is_empty());
        text = rest.trim();
    }
    let lower = text.to_lowercase();
    if is_missing(&lower) || ["", "x", "skip", "unused", "."].contains(&lower.as_str()) {
        return None;
    }
    if let Some(role) = names::role(text) {
        content.role = role;
        return Some(content);
    }
    // A role before the doses.
    if let Some((first, rest)) = text.split_once(char::is_whitespace)
        && let Some(role) = names::role(first)
        && rest.chars().any(|c| c.is_ascii_digit())
    {
        (content.role, text) = (role, rest.trim());
    }
    for part in text.split(" + ").flat_map(|part| part.split(" & ")) {
        let (compound, amount, unit) = dose(part).or_else(|| {
            let message = format!("`{}` does not say what is in the well", cell.text);
            let expected = "vehicle, blank, positive, t0, empty, or compound, dose and unit such as `FAC 5 mM`";
            sheet.add(cell, Diagnostic::new(message).expected(expected));
            None
        })?;
        let compound = builder.compound(compound);
        super::tidy::not_negative(sheet, cell, amount)?;
        let factor = builder.unit(sheet, cell, compound, unit)?;
        content.doses.push((compound, amount * factor));
    }
    Some(content)
}

/// "FAC 5 mM Fe" into compound, dose and unit; the last number is the dose, since names may hold others.
fn dose(text: &str) -> Option<(&str, f64, &str)> {
    // A unit, and what it counts, are few words.
    let mut ends = text.char_indices().rev().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at).take(8);
    ends.find_map(|at| {
        let (name, rest) = (text[..at].trim(), text[at..].trim());
        let (number, unit) = split_unit(rest);
        let amount = parse(number, true, true).ok()?;
        (!name.is_empty()).then(|| (name, amount, unit.unwrap_or_default()))
    })
}

/// Wells by row and column, and what is in them.
type List = Vec<((usize, usize), Content)>;

/// A map as a list: `well`, and the columns of a tidy table that say what is in it.
fn listed(sheet: &Sheet, builder: &mut Builder, map: &mut Map) {
    let Some((header, rows)) = sheet.rows.split_first() else {
        sheet.say(&sheet.start(), "the map is empty", "a table of the plate's shape, or a list of wells");
        return;
    };
    if !header.iter().any(|cell| cell.text.to_lowercase().starts_with("well")) {
        let message = "the map has neither the plate's rows and columns nor a column `well`";
        let diagnostic = Diagnostic::new(message).expected(grid::SHAPES);
        sheet.add(&header[0], diagnostic.hint("or a list with a header: well,compound,dose,unit,role"));
        return;
    }
    let columns = Columns::read(sheet, header, builder);
    if sheet.count() > 0 {
        return;
    }
    let mut lists: Vec<(Option<String>, List)> = Vec::new();
    let mut seen: HashMap<(usize, usize, usize), u32> = HashMap::new();
    for row in rows {
        let Some(cell) = columns.get(row, Column::Well) else {
            sheet.say(&row[0], "no well in this row of the map", "such as B7");
            continue;
        };
        let Some(position) = well(&cell.text) else {
            let diagnostic = Diagnostic::new(format!("no well `{}`", cell.text));
            sheet.add(cell, diagnostic.expected("a row letter and a column number, A1 to P24"));
            continue;
        };
        let role = columns.role(sheet, row);
        let Some(doses) = columns.doses(sheet, row, role, builder) else { continue };
        let text = |column| columns.get(row, column).map(|cell| cell.text.to_string());
        if let Some(medium) = columns.get(row, Column::Medium) {
            builder.medium(sheet, medium, &medium.text);
        }
        let time = columns.time(sheet, row, builder);
        let content = Content {
            role: role.unwrap_or_default(),
            doses,
            cell_line: text(Column::CellLine),
            experiment: text(Column::Experiment),
            time,
            place: sheet.place(cell.line as usize, cell.column as usize),
        };
        let plate = text(Column::Plate);
        let at = lists.iter().position(|(name, _)| *name == plate).unwrap_or_else(|| {
            lists.push((plate, Vec::new()));
            lists.len() - 1
        });
        if let Some(line) = seen.insert((at, position.0, position.1), cell.line) {
            sheet.say(cell, format!("well {} is in the map twice; before: line {line}", cell.text), "keep one of them");
            continue;
        }
        lists[at].1.push((position, content));
    }
    for (name, list) in lists {
        // The smaller plate, unless a well lies outside of it.
        let large = list.iter().any(|((row, column), _)| *row >= 8 || *column >= 12);
        let (rows, columns) = if large { (16, 24) } else { (8, 12) };
        let mut wells = vec![None; rows * columns];
        for ((row, column), content) in list {
            wells[row * columns + column] = Some(content);
        }
        map.by_plate.push((name, PlateMap { rows, columns, wells }));
    }
}

#[cfg(test)]
mod tests {
    use super::dose;

    #[test]
    fn the_dose_is_the_last_number_of_a_cell() {
        assert_eq!(dose("FAC 5 mM"), Some(("FAC", 5.0, "mM")));
        assert_eq!(dose("RSL3 1uM"), Some(("RSL3", 1.0, "uM")));
        assert_eq!(dose("ferric ammonium citrate 0,5 mM Fe"), Some(("ferric ammonium citrate", 0.5, "mM Fe")));
        assert_eq!(dose("U 0126 10 uM"), Some(("U 0126", 10.0, "uM")));
        assert_eq!((dose("FAC"), dose("5 mM"), dose("")), (None, None, None));
    }
}
