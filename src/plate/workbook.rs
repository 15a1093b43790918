//! A sheet of a workbook as rows of cells.

use super::sheet::{Cell, Origin, Sheet, is_formula_error};
use crate::model::math::closest;
use crate::{Diagnostic, Error, Result, error::Place};
use calamine::{DataRef, Reader, Xlsx};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

/// A megabyte of zeros packs into a kilobyte: what a workbook may unpack to, and how many cells it may have. Far more
/// than any plate reader writes.
const MOST_BYTES: u64 = 256 << 20;
const MOST_CELLS: usize = 4_000_000;
const MOST_COLUMNS: u32 = 4096;
/// A text that many cells share stands in the file once: what the texts of all cells may add up to, and the longest one
/// that spreadsheets allow, in bytes of the longest characters.
const MOST_TEXT: usize = 64 << 20;
const LONGEST_TEXT: usize = 4 * 32_767;

pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The old format of workbooks, which nothing here reads.
pub fn is_old_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0])
}

fn refused(file: &str, message: impl Into<String>, hint: &str) -> Error {
    let place = Place { line: 1, column: 1, length: 1, text: String::new() };
    Diagnostic::new(message).in_file(file).at(place).hint(hint).into()
}

const SAVE: &str = "save it again as .xlsx, or export the sheet as \"CSV UTF-8\"";

/// Reads the sheet `wanted`, or the first one that holds anything; the other names are noted.
///
/// The crate that reads workbooks panics on some damaged ones (a cell called `A0` is enough, where overflow is
/// checked), and no file may end the program: a panic there is an error here. Nothing is shared with what it leaves.
pub fn read(file: &str, bytes: &[u8], wanted: Option<&str>, notes: &mut Vec<String>) -> Result<Sheet<'static>> {
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unguarded(file, bytes, wanted, notes)));
    read.unwrap_or_else(|_| Err(refused(file, "the workbook is damaged", SAVE)))
}

fn unguarded(file: &str, bytes: &[u8], wanted: Option<&str>, notes: &mut Vec<String>) -> Result<Sheet<'static>> {
    bounded(file, bytes)?;
    let broken = |error: calamine::XlsxError| refused(file, format!("the workbook cannot be read: {error}"), SAVE);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let names = book.sheet_names();
    if let Some(wanted) = wanted {
        if !names.iter().any(|name| name == wanted) {
            let list = names.join(", ");
            let hint = match closest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean --sheet \"{near}\"?"),
                None => format!("its sheets: {list}"),
            };
            return Err(refused(file, format!("the workbook has no sheet '{wanted}'"), &hint));
        }
        return sheet(file, &mut book, wanted, broken);
    }
    for name in &names {
        let found = sheet(file, &mut book, name, broken)?;
        if !found.rows.is_empty() {
            if names.len() > 1 {
                notes.push(format!(
                    "sheet '{name}' of {} ({}) is read: --sheet names another",
                    names.len(),
                    names.join(", ")
                ));
            }
            return Ok(found);
        }
    }
    Err(refused(file, "the workbook is empty", "one header line, then one reading a line"))
}

/// Unpacks everything once and keeps nothing: what the directory of an archive says of sizes need not be true.
fn bounded(file: &str, bytes: &[u8]) -> Result<()> {
    let broken = |error: String| refused(file, format!("the workbook cannot be unpacked: {error}"), SAVE);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let mut left = MOST_BYTES;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| broken(error.to_string()))?;
        let shares = entry.name().is_ok_and(|name| name.to_ascii_lowercase().ends_with("sharedstrings.xml"));
        let mut unpacked = Unpacked { length: 0, kept: shares.then(Vec::new) };
        std::io::copy(&mut entry.take(left + 1), &mut unpacked).map_err(|error| broken(error.to_string()))?;
        if unpacked.kept.as_deref().is_some_and(miscounted) {
            return Err(refused(file, "the workbook says that it has more texts than it has", SAVE));
        }
        let unpacked = unpacked.length;
        if unpacked > left {
            let message = format!("the workbook unpacks to more than {} MB", MOST_BYTES >> 20);
            return Err(refused(file, message, "export the sheet as \"CSV UTF-8\""));
        }
        left -= unpacked;
    }
    Ok(())
}

/// What is unpacked: its length, and itself where it is looked at.
struct Unpacked {
    length: u64,
    kept: Option<Vec<u8>>,
}

impl Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.length += bytes.len() as u64;
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether a table of texts states a number of them that its length cannot hold: the crate makes room for as many.
fn miscounted(table: &[u8]) -> bool {
    const NAME: &[u8] = b"uniqueCount";
    let numbers = table.windows(NAME.len()).enumerate().filter(|(_, found)| *found == NAME).map(|(at, _)| {
        let digits = table[at + NAME.len()..].iter().skip_while(|byte| b" \t\r\n=\"'+".contains(byte));
        digits
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    });
    // The shortest text is "<si/>".
    numbers.max().is_some_and(|most| most > table.len() as u64 / 5)
}

fn sheet(
    file: &str,
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    broken: impl Fn(calamine::XlsxError) -> Error,
) -> Result<Sheet<'static>> {
    // Cells one by one: as a block, two of them in far corners would fill the memory with what is between.
    let mut rows: BTreeMap<u32, Vec<(u32, String)>> = BTreeMap::new();
    let (mut count, mut length) = (0, 0);
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        // A sheet of charts alone has no cells.
        Err(calamine::XlsxError::WorksheetNotFound(_)) => {
            return Ok(Sheet::new(file, Origin::Book(name.into()), vec![], vec![]));
        }
        Err(error) => return Err(broken(error)),
    };
    while let Some(cell) = cells.next_cell().map_err(&broken)? {
        let (row, column) = cell.get_position();
        let value = cell.get_value();
        let whole = match value {
            DataRef::String(text) => text.len(),
            DataRef::SharedString(text) => text.len(),
            _ => 0,
        };
        length += whole;
        if whole > LONGEST_TEXT || length > MOST_TEXT {
            let message =
                format!("sheet '{name}' has a text of more than 32767 characters, or {} MB of them", MOST_TEXT >> 20);
            return Err(refused(file, message, "give the readings alone"));
        }
        let text = text(value);
        if text.is_empty() {
            continue;
        }
        count += 1;
        if count > MOST_CELLS || column >= MOST_COLUMNS {
            let message = format!("sheet '{name}' has more than {MOST_CELLS} cells or {MOST_COLUMNS} columns");
            return Err(refused(file, message, "give the readings alone"));
        }
        rows.entry(row).or_default().push((column, text));
    }
    let mut comments = Vec::new();
    rows.retain(|_, cells| {
        cells.sort_by_key(|(column, _)| *column);
        cells.dedup_by_key(|(column, _)| *column);
        let comment =
            cells[0].1.strip_prefix('#').filter(|_| !is_formula_error(&cells[0].1)).map(|c| c.trim().to_string());
        let is_comment = comment.is_some();
        comments.extend(comment);
        !is_comment
    });
    // Tables need not begin in A1.
    let first = rows.values().filter_map(|cells| cells.first()).map(|(column, _)| *column).min().unwrap_or(0);
    let last = rows.values().filter_map(|cells| cells.last()).map(|(column, _)| *column).max().unwrap_or(0);
    let width = (last - first + 1) as usize;
    if width.saturating_mul(rows.len()) > MOST_CELLS {
        return Err(refused(
            file,
            format!("sheet '{name}' is too large"),
            "give the readings alone, without empty rows or columns",
        ));
    }
    let filled = rows.into_iter().map(|(row, cells)| {
        let place = |column: u32| Cell { line: row + 1, column: column + 1, length: 1, ..Cell::default() };
        let mut line: Vec<Cell> = (first..=last).map(place).collect();
        cells.into_iter().for_each(|(column, text)| line[(column - first) as usize].text = Cow::Owned(text));
        line
    });
    Ok(Sheet::new(file, Origin::Book(name.to_string()), filled.collect(), comments))
}

fn text(value: &DataRef) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.trim().to_string(),
        DataRef::SharedString(text) => text.trim().to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(date) => format!("date {}", date.as_f64()),
        DataRef::DateTimeIso(date) | DataRef::DurationIso(date) => format!("date {date}"),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
