//! Plates as readers export them: blocks with row letters and column numbers, and lines around them that name them.

use super::build::{Builder, Draft};
use super::map::{Content, Map};
use super::names::{self, key};
use super::number::{split_unit, well_name};
use super::sheet::{Cell, Sheet};
use super::{Role, Seen};
use crate::Diagnostic;
use crate::study::units::Unit;

/// What lines above a block say of it.
#[derive(Debug, Clone, Default)]
pub struct Labels<'b, 's> {
    pub plate: Option<String>,
    pub experiment: Option<String>,
    pub cell_line: Option<String>,
    pub medium: Option<&'b Cell<'s>>,
    /// The number, its unit, and where it stands.
    pub time: Option<(f64, Option<String>, &'b Cell<'s>)>,
}

/// One block; its wells row by row, `None` where the file has no cell.
pub struct Block<'b, 's> {
    pub labels: Labels<'b, 's>,
    pub rows: usize,
    pub columns: usize,
    pub wells: Vec<Option<&'b Cell<'s>>>,
    pub start: &'b Cell<'s>,
}

pub const SHAPES: &str = "8 x 12 (rows A to H, columns 1 to 12) or 16 x 24 (A to P, 1 to 24)";

/// What stands above any block and names none.
const TITLES: [&str; 9] =
    ["results", "result", "rawdata", "data", "luminescence", "fluorescence", "absorbance", "measuredvalues", "values"];

/// Where in a row the numbers 1, 2, 3, … stand, at least two of them, and how many there are.
fn numbers(row: &[Cell]) -> Option<(usize, usize)> {
    let number = |cell: &Cell| cell.text.parse::<f64>().ok();
    let first = row.iter().position(|cell| !cell.text.is_empty() && number(cell) == Some(1.0))?;
    let count = row[first..].iter().enumerate().take_while(|(i, c)| number(c) == Some((i + 1) as f64)).count();
    // A corner that is empty or says something stands before them.
    (first > 0 && count > 1).then_some((first, count))
}

fn letter(cell: Option<&Cell>) -> Option<usize> {
    let mut chars = cell?.text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_alphabetic() => Some(c.to_ascii_uppercase() as usize - 'A' as usize),
        _ => None,
    }
}

/// Whether row `at` begins a block.
fn begins(rows: &[Vec<Cell>], at: usize) -> Option<(usize, usize)> {
    let (first, count) = numbers(&rows[at])?;
    let below = rows.get(at + 1)?;
    (letter(below.get(first - 1)) == Some(0)).then_some((first, count))
}

pub fn fits(sheet: &Sheet) -> bool {
    (0..sheet.rows.len()).any(|at| begins(&sheet.rows, at).is_some())
}

/// All blocks of a sheet. A label holds for the blocks below it until another one takes its place; a block without any
/// new label, behind others, is another plate.
pub fn blocks<'b, 's>(sheet: &'b Sheet<'s>, notes: &mut Vec<String>) -> Vec<Block<'b, 's>> {
    let rows = &sheet.rows;
    let (mut blocks, mut labels, mut at, mut behind) = (Vec::<Block>::new(), Labels::default(), 0, 0);
    let mut unnamed = 0;
    while at < rows.len() {
        let Some((first, columns)) = begins(rows, at) else {
            at += 1;
            continue;
        };
        let new = read_labels(&rows[behind..at], &mut labels);
        if !new && labels.plate.is_none() | !blocks.is_empty() {
            unnamed += 1;
            labels.plate = Some(unnamed.to_string());
        }
        let count =
            rows[at + 1..].iter().enumerate().take_while(|(i, row)| letter(row.get(first - 1)) == Some(*i)).count();
        let wells = rows[at + 1..=at + count].iter().flat_map(|row| (first..first + columns).map(|c| row.get(c)));
        let start = &rows[at][first - 1];
        if !matches!((count, columns), (8, 12) | (16, 24)) {
            let corner = Cell { length: 1, ..rows[at][first].clone() };
            let diagnostic = Diagnostic::new(format!("a block of {count} x {columns} wells")).expected(SHAPES);
            sheet.add(&corner, diagnostic.hint("give the whole plate; wells that were not used are left empty"));
        }
        blocks.push(Block { labels: labels.clone(), rows: count, columns, wells: wells.collect(), start });
        at += count + 1;
        behind = at;
    }
    if unnamed > 1 {
        notes.push(format!("{unnamed} blocks have no label: they are taken as plates 1 to {unnamed}"));
    }
    blocks
}

/// Takes in what the lines between two blocks say; whether that is anything new about plate or time.
fn read_labels<'b, 's>(rows: &'b [Vec<Cell<'s>>], labels: &mut Labels<'b, 's>) -> bool {
    // The time of another plate is not that of this one.
    let before = labels.time.take();
    let (mut plate, mut new) = (false, false);
    for (at, row) in rows.iter().enumerate() {
        let filled: Vec<&Cell> = row.iter().filter(|cell| !cell.text.is_empty()).collect();
        let mut pairs: Vec<(&str, &str, &'b Cell<'s>)> = Vec::new();
        for (i, cell) in filled.iter().enumerate() {
            for part in cell.text.split([',', ';']) {
                match part.split_once([':', '=']) {
                    Some((name, value)) if !value.trim().is_empty() => pairs.push((name, value.trim(), cell)),
                    // "Plate,P1": the name in one cell, what it says in the next.
                    _ => pairs
                        .extend(filled.get(i + 1).map(|next| (part.trim_end_matches(':'), next.text.as_ref(), *next))),
                }
            }
        }
        for (name, value, cell) in &pairs {
            let (name, unit) = names::header(name);
            match key(name).as_str() {
                "plate" | "plateid" | "platename" | "barcode" => {
                    (labels.plate, plate) = (Some(value.to_string()), true);
                }
                "experiment" | "exp" | "experimentid" => labels.experiment = Some(value.to_string()),
                "cellline" | "cells" => labels.cell_line = Some(value.to_string()),
                "medium" => labels.medium = Some(*cell),
                "time" | "timepoint" | "readtime" | "elapsed" | "incubation" | "t" => {
                    // The time of day is no time since compounds were added.
                    if let Some(time) = time(value) {
                        let unit = time.1.or(unit.map(str::to_string));
                        (labels.time, new) = (Some((time.0, unit, *cell)), true);
                    }
                }
                _ => {}
            }
        }
        // A word alone right above the block is its name.
        if let ([cell], true, true) = (&filled[..], pairs.is_empty(), at + 1 == rows.len()) {
            match time(&cell.text).filter(|(_, unit)| unit.is_some()) {
                Some((value, unit)) => labels.time = Some((value, unit, *cell)),
                None if TITLES.contains(&key(&cell.text).as_str()) => continue,
                None => (labels.plate, plate) = (Some(cell.text.to_string()), true),
            }
            new = true;
        }
    }
    if !plate && labels.time.is_none() {
        labels.time = before;
    }
    plate || new
}

fn time(text: &str) -> Option<(f64, Option<String>)> {
    let (number, unit) = split_unit(text);
    let number = super::number::parse(number, true, true).ok()?;
    match unit {
        Some(unit) => Unit::parse(unit).filter(|u| u.is_time()).map(|_| (number, Some(unit.to_string()))),
        None => Some((number, None)),
    }
}

pub fn read(sheet: &Sheet, map: Option<&Map>, builder: &mut Builder) {
    let mut notes = Vec::new();
    let blocks = blocks(sheet, &mut notes);
    notes.into_iter().for_each(|note| builder.note(note));
    let Some(map) = map else {
        let message = format!("{} of wells, and nothing says what is in them", counted(blocks.len(), "block"));
        let hint = "give a plate map, a table of the same shape: --map map.csv, whose cells are such as `vehicle`, \
                    `blank`, `FAC 5 mM` or `empty`";
        let cell = blocks.first().map_or_else(|| sheet.start(), |block| Cell { length: 1, ..block.start.clone() });
        sheet.add(&cell, Diagnostic::new(message).expected("a map of the wells").hint(hint));
        return;
    };
    if sheet.count() > 0 {
        return;
    }
    for block in &blocks {
        let labels = &block.labels;
        let corner = Cell { length: 1, ..block.start.clone() };
        let name = labels.plate.as_deref();
        let Some(layout) = map.of(name) else {
            let message = format!("the map has no plate `{}`", name.unwrap_or_default());
            let diagnostic = Diagnostic::new(message).expected(map.plates().join(", "));
            sheet.add(&corner, diagnostic.hint("name plates alike in both files, or give one map for all plates"));
            continue;
        };
        if (layout.rows, layout.columns) != (block.rows, block.columns) {
            let shape = |rows, columns| format!("{rows} x {columns}");
            let message = format!(
                "the plate is {}, its map in {} {}",
                shape(block.rows, block.columns),
                map.file,
                shape(layout.rows, layout.columns)
            );
            sheet.say(&corner, message, "plate and map need the same shape");
            continue;
        }
        if let Some(medium) = labels.medium {
            let text = medium.text.rsplit(':').next().unwrap_or_default().trim();
            builder.medium(sheet, medium, text);
        }
        let block_time =
            labels.time.as_ref().map(|(time, unit, cell)| builder.time(sheet, cell, *time, unit.as_deref()));
        for (at, well) in block.wells.iter().enumerate() {
            let position = well_name((at / block.columns, at % block.columns));
            let cell = well.filter(|cell| !cell.text.is_empty());
            let (content, cell) = match (&layout.wells[at], cell) {
                (Some(content), Some(cell)) => (content, cell),
                (Some(content), None) => {
                    let place = well.cloned().unwrap_or(corner.clone());
                    let message =
                        format!("well {position} is empty here; the map ({}) says what is in it", content.place);
                    sheet.say(&place, message, "write `empty` into the map for a well that was not read");
                    continue;
                }
                (None, _) => continue,
            };
            add(sheet, block, content, (cell, &position), block_time, builder);
        }
        let unmapped = block
            .wells
            .iter()
            .zip(&layout.wells)
            .filter(|(well, content)| content.is_none() && well.is_some_and(|cell| !cell.text.is_empty()));
        let unmapped = unmapped.count();
        if unmapped > 0 {
            let plate = name.map_or(String::new(), |name| format!(" of plate {name}"));
            builder.note(format!("{}{plate} left out: the map says nothing of them", counted(unmapped, "well")));
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn add(
    sheet: &Sheet,
    block: &Block,
    content: &Content,
    (cell, position): (&Cell, &str),
    time: Option<f64>,
    builder: &mut Builder,
) {
    let Some((value, limit)) = sheet.signal(cell, &format!("well {position}")) else { return };
    let labels = &block.labels;
    builder.add(
        sheet,
        Draft {
            cell,
            experiment: labels.experiment.as_deref().or(content.experiment.as_deref()),
            plate: labels.plate.as_deref(),
            well: Some(position),
            replicate: None,
            cell_line: match content.role {
                Role::Blank => content.cell_line.as_deref(),
                _ => content.cell_line.as_deref().or(labels.cell_line.as_deref()),
            },
            doses: content.doses.clone(),
            time: content.time.or(time),
            seen: Seen::Signal(value),
            role: content.role,
            limit,
        },
    );
}
