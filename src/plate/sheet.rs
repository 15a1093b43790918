//! A file as rows of cells that know their places: text split at its separators, or a sheet of a workbook.

use crate::error::Place;
use crate::{Diagnostic, Error};
use std::borrow::Cow;
use std::cell::{Cell as Counter, RefCell};
use std::collections::HashMap;

#[derive(Debug, Clone, Default)]
pub struct Cell<'s> {
    /// Without white space around it.
    pub text: Cow<'s, str>,
    /// From 1. Columns of text count characters, those of a workbook cells.
    pub line: u32,
    pub column: u32,
    pub length: u32,
    pub quoted: bool,
}

pub struct Sheet<'s> {
    /// None of them empty, comments left out.
    pub rows: Vec<Vec<Cell<'s>>>,
    /// What comment lines say, without their marks.
    pub comments: Vec<String>,
    /// Whether some number of the file has a comma that can only be a decimal one.
    pub decimal_commas: bool,
    file: String,
    origin: Origin<'s>,
    found: RefCell<Vec<Diagnostic>>,
    count: Counter<usize>,
    kinds: RefCell<HashMap<String, usize>>,
}

pub enum Origin<'s> {
    Text {
        source: &'s str,
        separator: u8,
    },
    /// A sheet of a workbook, by its name.
    Book(String),
}

/// As many findings as anybody reads; and of those that begin with the same advice, which hold for every row as a rule.
const MOST_FINDINGS: usize = 40;
const MOST_OF_A_KIND: usize = 6;

impl<'s> Sheet<'s> {
    pub fn new(file: &str, origin: Origin<'s>, rows: Vec<Vec<Cell<'s>>>, comments: Vec<String>) -> Self {
        let mut sheet = Sheet {
            rows,
            comments,
            decimal_commas: false,
            file: file.to_string(),
            origin,
            found: RefCell::default(),
            count: Counter::new(0),
            kinds: RefCell::default(),
        };
        sheet.decimal_commas =
            sheet.rows.iter().flatten().any(|c| sheet.may_have_commas(c) && super::number::has_decimal_comma(&c.text));
        sheet
    }

    /// In a file whose fields are separated by commas, a comma inside a field stands between quotes.
    pub fn may_have_commas(&self, cell: &Cell) -> bool {
        cell.quoted || !matches!(self.origin, Origin::Text { separator: b',', .. })
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn add(&self, cell: &Cell, mut diagnostic: Diagnostic) {
        self.count.set(self.count.get() + 1);
        let kind: String = diagnostic.hint.as_deref().unwrap_or_default().chars().take(24).collect();
        let mut kinds = self.kinds.borrow_mut();
        if self.found.borrow().len() >= MOST_FINDINGS || kinds.get(&kind).is_some_and(|&n| n >= MOST_OF_A_KIND) {
            return;
        }
        *kinds.entry(kind).or_default() += 1;
        let mut place = Place {
            line: cell.line.max(1) as usize,
            column: cell.column.max(1) as usize,
            length: cell.length.max(1) as usize,
            text: String::new(),
        };
        match &self.origin {
            Origin::Text { source, .. } => {
                place.text = source.lines().nth(place.line - 1).unwrap_or_default().to_string();
            }
            Origin::Book(sheet) => {
                let name = cell_name(place.line - 1, place.column - 1);
                diagnostic.message = format!("sheet '{sheet}', {name}: {}", diagnostic.message);
            }
        }
        self.found.borrow_mut().push(diagnostic.in_file(&self.file).at(place));
    }

    pub fn say(&self, cell: &Cell, message: impl Into<String>, hint: impl Into<String>) {
        self.add(cell, Diagnostic::new(message).hint(hint));
    }

    /// The first cell: where a finding about the whole file is shown.
    pub fn start(&self) -> Cell<'s> {
        let first = self.rows.iter().flatten().next().cloned();
        first.unwrap_or(Cell { line: 1, column: 1, length: 1, ..Cell::default() })
    }

    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// All that was found, by place; the last one says how much more there was.
    pub fn take(&self) -> Vec<Diagnostic> {
        let mut found = self.found.take();
        found.sort_by_key(|d| d.place.as_ref().map_or((0, 0), |p| (p.line, p.column)));
        let more = self.count.get().saturating_sub(found.len());
        if let (Some(last), true) = (found.last_mut(), more > 0) {
            last.message.push_str(&format!(" (and {more} more like it or beside it, not shown)"));
        }
        found
    }

    pub fn failed(&self) -> Result<(), Error> {
        if self.count() == 0 { Ok(()) } else { Err(Error::Input(self.take())) }
    }

    /// How a place is named in a sentence.
    pub fn place(&self, line: usize, column: usize) -> String {
        match &self.origin {
            Origin::Text { .. } => format!("line {line}"),
            Origin::Book(_) => cell_name(line.saturating_sub(1), column.saturating_sub(1)),
        }
    }
}

/// "B7" of row 6 and column 1.
pub fn cell_name(row: usize, column: usize) -> String {
    let (mut letters, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        rest -= 1;
        letters.insert(0, (b'A' + (rest % 26) as u8) as char);
        rest /= 26;
    }
    format!("{letters}{}", row + 1)
}

/// Errors that a spreadsheet writes where a formula failed.
pub fn is_formula_error(text: &str) -> bool {
    ["#DIV/0!", "#N/A", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"]
        .iter()
        .any(|error| text.trim().eq_ignore_ascii_case(error))
}

/// Splits text into a sheet. The separator is the one of comma, semicolon and tab that stands in the most lines: where
/// decimals have commas, a semicolon is in at least as many.
pub fn split<'s>(file: &str, source: &'s str) -> Sheet<'s> {
    let separator = separator(source);
    let (mut rows, mut comments) = (Vec::new(), Vec::new());
    let mut splitter = Splitter { source, separator, at: 0, line: 1, column: 1 };
    let mut unclosed = None;
    while splitter.at < source.len() {
        let start = splitter.at;
        let rest = &source[start..];
        let end = rest.find('\n').unwrap_or(rest.len());
        let text = rest[..end].trim_end_matches('\r');
        let first = text.split(separator as char).next().unwrap_or_default();
        if let Some(comment) =
            text.trim_start().trim_start_matches('"').strip_prefix('#').filter(|_| !is_formula_error(first))
        {
            comments.push(comment.trim_end_matches([',', ';', '\t', '"']).trim().to_string());
            splitter.at = (start + end + 1).min(source.len());
            splitter.line += 1;
            continue;
        }
        let row = splitter.row(&mut unclosed);
        if row.iter().any(|cell| !cell.text.is_empty()) {
            rows.push(row);
        }
    }
    let sheet = Sheet::new(file, Origin::Text { source, separator }, rows, comments);
    if let Some(cell) = unclosed {
        sheet.say(&cell, "a quotation mark is opened here and not closed", "close it, or delete it");
    }
    sheet
}

fn separator(source: &str) -> u8 {
    let mut lines = [0usize; 3];
    for line in source.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let (mut quoted, mut seen) = (false, [false; 3]);
        for byte in line.bytes() {
            match byte {
                b'"' => quoted = !quoted,
                b'\t' if !quoted => seen[0] = true,
                b';' if !quoted => seen[1] = true,
                b',' if !quoted => seen[2] = true,
                _ => {}
            }
        }
        lines.iter_mut().zip(seen).for_each(|(count, seen)| *count += usize::from(seen));
    }
    let most = lines.into_iter().max().unwrap_or(0);
    match lines.iter().position(|&count| count == most) {
        Some(0) if most > 0 => b'\t',
        Some(1) => b';',
        _ => b',',
    }
}

struct Splitter<'s> {
    source: &'s str,
    separator: u8,
    at: usize,
    line: u32,
    column: u32,
}

impl<'s> Splitter<'s> {
    /// The cells of the next row; a quoted cell may run over several lines.
    fn row(&mut self, unclosed: &mut Option<Cell<'s>>) -> Vec<Cell<'s>> {
        let mut row = Vec::new();
        self.column = 1;
        loop {
            let (cell, ended) = self.cell(unclosed);
            row.push(cell);
            if ended {
                return row;
            }
        }
    }

    fn step(&mut self) -> Option<char> {
        let c = self.source[self.at..].chars().next()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn cell(&mut self, unclosed: &mut Option<Cell<'s>>) -> (Cell<'s>, bool) {
        while self.peek().is_some_and(|b| (b == b' ' || b == b'\t') && b != self.separator) {
            self.step();
        }
        let (line, column, begin) = (self.line, self.column, self.at);
        let quoted = self.peek() == Some(b'"');
        let (mut open, mut doubled) = (quoted, false);
        if quoted {
            self.step();
        }
        let (mut text_end, mut last) = (self.at, column);
        let ended = loop {
            match self.peek() {
                None => break true,
                Some(b'"') if open => {
                    self.step();
                    if self.peek() == Some(b'"') {
                        doubled = true;
                        self.step();
                        text_end = self.at;
                    } else {
                        open = false;
                        last = self.column;
                    }
                    continue;
                }
                Some(b'\n') if !open => {
                    self.step();
                    break true;
                }
                Some(byte) if byte == self.separator && !open => {
                    self.step();
                    break false;
                }
                Some(_) => {}
            }
            let c = self.step();
            // White space behind a cell, and behind a closing quote, belongs to nobody.
            if open || !quoted {
                text_end = self.at;
                if c.is_some_and(|c| !c.is_whitespace()) {
                    last = self.column;
                }
            }
        };
        let raw = self.source[begin + usize::from(quoted)..text_end.max(begin + usize::from(quoted))].trim();
        let text = if doubled { Cow::Owned(raw.replace("\"\"", "\"")) } else { Cow::Borrowed(raw) };
        let length = if last > column { last - column } else { 1 };
        let cell = Cell { text, line, column, length, quoted };
        if open && unclosed.is_none() {
            *unclosed = Some(Cell { length: 1, ..cell.clone() });
        }
        (cell, ended)
    }
}
