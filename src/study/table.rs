//! A delimited text file as rows of fields that know their places.

use super::document::Findings;
use crate::error::Place;
use crate::{Diagnostic, Error, Result};
use std::ops::Range;

/// Decodes a text file: a byte order mark is dropped, other encodings than UTF-8 are refused.
pub fn decode(file: &str, bytes: Vec<u8>) -> Result<String> {
    let is_table = !file.ends_with(".toml") && !file.ends_with(".ant");
    let save = if is_table { "save it as \"CSV UTF-8\"" } else { "save it as UTF-8 text" };
    let start = Place { line: 1, column: 1, length: 1, text: String::new() };
    let refuse = |message: &str, hint: &str, place: Place| {
        Err(Error::input(Diagnostic::new(message).in_file(file).at(place).hint(hint)))
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return refuse("the file is UTF-16", save, start);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return refuse(
            "the file is a spreadsheet (or an archive), not text",
            "export the sheet as \"CSV UTF-8\"",
            start,
        );
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let lossy = String::from_utf8_lossy(&error.into_bytes()).into_owned();
            let place = Place::new(&lossy, valid..valid + 1);
            return refuse("the file is not UTF-8", save, place);
        }
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text);
    if text.trim().is_empty() {
        let hint = match file.rsplit_once('.') {
            Some((_, "ant")) => "a model has at least one reaction or rule: A -> B; k*A",
            Some((_, "toml")) => "a study names at least a model and data; 'fenton new' writes one from a table",
            _ => "one header line, then one reading a line",
        };
        return refuse("the file is empty", hint, start);
    }
    if let Some(at) = text.find('\0') {
        return refuse("the file is not text", save, Place::new(&text, at..at + 1));
    }
    Ok(if lone_return(text.as_bytes()) { ended_by_newlines(&text) } else { text })
}

/// Old programs end lines with a carriage return alone.
fn lone_return(bytes: &[u8]) -> bool {
    // The quick search goes first: most files have none at all.
    bytes.contains(&b'\r')
        && bytes.iter().enumerate().any(|(at, &byte)| byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

/// With a newline in place of each carriage return that has none behind it.
fn ended_by_newlines(text: &str) -> String {
    let mut rest = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        out.push(if c == '\r' && rest.peek() != Some(&'\n') { '\n' } else { c });
    }
    out
}

#[derive(Debug)]
pub struct Table {
    pub header: Vec<Field>,
    pub rows: Vec<Vec<Field>>,
}

#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Without white space around it.
    pub text: String,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// Splits the text of `findings`; rows with another number of fields than the header are reported and left out.
pub fn read(findings: &Findings, separator: u8) -> Table {
    let source = findings.source;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(separator)
        .from_reader(source.as_bytes());
    let mut table = Table { header: Vec::new(), rows: Vec::new() };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let at = error.position().map_or(0, |p| p.byte() as usize);
                findings.say(&(at..at + 1), format!("the line cannot be read: {error}"), "check its quotes");
                break;
            }
        };
        if record.iter().all(|text| text.trim().is_empty()) {
            continue;
        }
        let start = first_byte(source, record.position().map_or(0, |p| p.byte() as usize));
        let spans = spans(source, start, separator);
        let field = |(i, text): (usize, &str)| Field {
            text: text.trim().to_string(),
            span: spans.get(i).cloned().unwrap_or(start..start + 1),
        };
        let fields: Vec<Field> = record.iter().enumerate().map(field).collect();
        if table.header.is_empty() {
            table.header = fields;
            continue;
        }
        if fields.len() != table.header.len() {
            let (found, expected) = (fields.len(), table.header.len());
            let last = fields.last().map_or(start..start + 1, |f| f.span.clone());
            // By bytes: an unclosed quote leaves fields without a place of their own, which may end within a letter.
            let row = source.as_bytes().get(start..last.end).unwrap_or_default();
            let opened = row.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            let hint = if opened {
                "a quotation mark is opened in this row and not closed"
            } else if found > expected {
                "decimals are written with a point; text with a comma needs quotes"
            } else {
                "an empty field still needs its separator"
            };
            let diagnostic = Diagnostic::new(format!("{found} fields"));
            findings.add(&last, diagnostic.expected(format!("{expected}, as in the header")).hint(hint));
            continue;
        }
        table.rows.push(fields);
    }
    table
}

/// The reader's position of a record is that of the comments and empty lines before it.
fn first_byte(source: &str, mut at: usize) -> usize {
    loop {
        let rest = &source[at.min(source.len())..];
        if rest.starts_with('\n') || rest.starts_with('\r') {
            at += 1;
        } else if rest.starts_with('#') {
            at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        } else {
            return at;
        }
    }
}

/// The place of a field of the record that begins at byte `record`, or behind comments there.
pub fn place_of(source: &str, record: u64, field: usize) -> Place {
    let spans = spans(source, first_byte(source, record as usize), b',');
    let last = spans.len() - 1;
    Place::new(source, spans[field.min(last)].clone())
}

/// The places of the fields of the record that begins at `start`.
fn spans(source: &str, start: usize, separator: u8) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let (mut spans, mut begin, mut quoted, mut at) = (Vec::new(), start, false, start);
    while at < bytes.len() && (quoted || (bytes[at] != b'\n' && bytes[at] != b'\r')) {
        match bytes[at] {
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => {
                spans.push(begin..at);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    spans.push(begin..at);
    for span in &mut spans {
        let text = &source[span.clone()];
        let leading = text.len() - text.trim_start().len();
        if leading < text.len() {
            *span = span.start + leading..span.start + text.trim_end().len();
        }
    }
    spans
}

/// A number as every field of data should be: finite, with a decimal point, without a unit.
pub fn number(findings: &Findings, field: &Field, what: &str) -> Option<f64> {
    let text = field.text.as_str();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => return Some(number),
        _ => {}
    }
    let point = text.replace(',', ".");
    let thousands = text.replace(',', "");
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == '-').collect();
    let hint = if text.is_empty() {
        "fill it in, or delete the row".to_string()
    } else if text.parse::<f64>().is_ok_and(f64::is_infinite) && digits.parse::<f64>().is_ok() {
        "no number of double precision is as large".into()
    } else if text.contains(',') && text.contains('.') && thousands.parse::<f64>().is_ok() {
        format!("write it without marks for the thousands: {thousands}")
    } else if text.contains(',') && point.parse::<f64>().is_ok() {
        format!("decimals are written with a point: {point}")
    } else if text.starts_with('<') || text.starts_with('>') {
        "a reading beyond a limit goes into the columns `lower` and `upper`, one of them left empty".into()
    } else if text.ends_with('%') {
        "write the number alone, and values = \"percent\" in [data]".into()
    } else if digits.parse::<f64>().is_ok()
        && text[digits.len()..].trim_start().starts_with(char::is_alphabetic)
        && !text.starts_with("0x")
    {
        format!("write {digits} alone; the unit belongs into the study or the header")
    } else if ["control", "vehicle", "untreated", "dmso", "ctrl"].contains(&text.to_lowercase().as_str()) {
        "the dose of a control is 0".into()
    } else if ["na", "n/a", "#n/a", "nan", "null", "-", "none", "inf"].contains(&text.to_lowercase().as_str()) {
        "delete the row: what was not measured is left out".into()
    } else {
        "write a plain number such as 0.85 or 1e-3".into()
    };
    let found = if text.is_empty() { format!("{what} is empty") } else { format!("{what} is `{text}`") };
    findings.add(&field.span, Diagnostic::new(found).expected("a number").hint(hint));
    None
}
