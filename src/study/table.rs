//! A delimited text file as rows of fields that know their places.

use super::document::Findings;
use crate::error::Place;
use crate::{Diagnostic, Error, Result};
use std::ops::Range;

/// Decodes a text file: a byte order mark is dropped, other encodings than UTF-8 are refused.
pub fn decode(file: &str, bytes: Vec<u8>) -> Result<String> {
    let refuse = |message: &str, hint: &str, place: Option<Place>| {
        let mut diagnostic = Diagnostic::new(message).in_file(file).hint(hint);
        diagnostic.place = place;
        Err(Error::input(diagnostic))
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return refuse("the file is UTF-16", "save it as \"CSV UTF-8\"", None);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return refuse(
            "the file is a spreadsheet (or an archive), not text",
            "export the sheet as \"CSV UTF-8\"",
            None,
        );
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let lossy = String::from_utf8_lossy(&error.into_bytes()).into_owned();
            let place = Place::new(&lossy, valid..valid + 1);
            return refuse("the file is not UTF-8", "save it as \"CSV UTF-8\"", Some(place));
        }
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text);
    if text.trim().is_empty() {
        return refuse("the file is empty", "one header line, then one reading a line", None);
    }
    if let Some(at) = text.find('\0') {
        return refuse("the file is not text", "export it as \"CSV UTF-8\"", Some(Place::new(&text, at..at + 1)));
    }
    Ok(text)
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
            let hint = if found > expected {
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
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == '-').collect();
    let hint = if text.is_empty() {
        "fill it in, or delete the row".to_string()
    } else if text.contains(',') && point.parse::<f64>().is_ok() {
        format!("decimals are written with a point: {point}")
    } else if text.starts_with('<') || text.starts_with('>') {
        "a reading beyond a limit goes into the columns `lower` and `upper`, one of them left empty".into()
    } else if text.ends_with('%') {
        "write the number alone, and values = \"percent\" in [data]".into()
    } else if digits.parse::<f64>().is_ok() {
        format!("write {digits} alone; the unit belongs into the study or the header")
    } else if ["na", "n/a", "nan", "null", "-", "none", "inf"].contains(&text.to_lowercase().as_str()) {
        "delete the row: what was not measured is left out".into()
    } else {
        "write a plain number such as 0.85 or 1e-3".into()
    };
    let found = if text.is_empty() { format!("{what} is empty") } else { format!("{what} is `{text}`") };
    findings.add(&field.span, Diagnostic::new(found).expected("a number").hint(hint));
    None
}
