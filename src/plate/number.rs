//! Numbers as people and instruments write them: decimal commas, bounds, units behind them, and what is no number.

use super::sheet::{Cell, Sheet, is_formula_error};
use super::{Limit, sheet};
use crate::Diagnostic;

/// A comma that can only be a decimal one: "0,85" and "12,5", not "1,234".
pub fn has_decimal_comma(text: &str) -> bool {
    let text = text.trim_start_matches(['<', '>', '=', '≤', '≥', ' ', '-', '+', '−']);
    let Some((whole, fraction)) = text.split_once(',') else { return false };
    let digits = fraction.chars().take_while(char::is_ascii_digit).count();
    let behind = &fraction[digits..];
    let is_plain = !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) && digits > 0;
    // Behind the digits: nothing, an exponent or a unit.
    let goes_on = behind.is_empty() || behind.starts_with(['e', 'E', ' ']);
    is_plain && goes_on && !behind.contains(',') && (digits != 3 || whole.starts_with('0') || whole.len() > 3)
}

/// `Err` holds the hint for what is wrong with it.
pub fn parse(text: &str, commas: bool, decimal_commas: bool) -> Result<f64, String> {
    let text = text.trim().replace('−', "-");
    let plain = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)).then(|| text.parse::<f64>().ok()).flatten()
    };
    let groups = |mark: char| {
        let mut parts = text.trim_start_matches(['-', '+']).split(mark);
        let first = parts.next().unwrap_or_default();
        let is_group = |p: &str| p.bytes().all(|b| b.is_ascii_digit());
        (1..=3).contains(&first.len()) && is_group(first) && parts.clone().count() > 0 && {
            parts.all(|p| p.split(['.', ',']).next().is_some_and(|p| p.len() == 3 && is_group(p)))
        }
    };
    if let Some(number) = plain(&text) {
        if !number.is_finite() {
            return Err("no number of double precision is as large".into());
        }
        if decimal_commas && groups('.') && !text.starts_with('0') {
            return Err("the file has decimal commas: is this point a decimal one, or a mark for thousands? write it \
                        without marks for thousands"
                .into());
        }
        return Ok(number);
    }
    for mark in [' ', '\'', '’', '\u{a0}', '\u{202f}'] {
        if groups(mark) {
            return Err(format!("write it without marks for the thousands: {}", text.replace(mark, "")));
        }
    }
    if text.contains(',') && text.contains('.') {
        let without = if text.rfind(',') > text.rfind('.') {
            text.replace('.', "").replace(',', ".")
        } else {
            text.replace(',', "")
        };
        if plain(&without).is_some() {
            return Err(format!("write it without marks for the thousands: {without}"));
        }
    } else if text.contains(',') && plain(&text.replace(',', ".")).is_some() {
        let point = text.replace(',', ".");
        if commas && (decimal_commas || has_decimal_comma(&text)) {
            return plain(&point).filter(|n| n.is_finite()).ok_or_else(|| "write a plain number".into());
        }
        let without = text.replace(',', "");
        return Err(format!("write {without} if the comma marks thousands, {point} if it marks decimals"));
    } else if text.contains(',') && plain(&text.replace(',', "")).is_some() {
        return Err(format!("write it without marks for the thousands: {}", text.replace(',', "")));
    }
    let lower = text.to_lowercase();
    Err(if is_formula_error(&text) {
        "the formula in the spreadsheet failed: mend it there, or delete what it stands for".into()
    } else if is_overflow(&lower) {
        "the reading was beyond the instrument's range: read again with less gain or a diluted sample, or write the \
         bound, such as >4.0"
            .into()
    } else if lower.starts_with("date ") {
        "the spreadsheet made a date of it: format the cell as a number and type it again".into()
    } else if is_missing(&lower) {
        "what was not measured is left out: delete the row".into()
    } else if lower.ends_with('%') {
        "write the number without the per cent sign".into()
    } else {
        "write a plain number such as 0.85 or 1e-3".into()
    })
}

fn is_overflow(lower: &str) -> bool {
    let known = ["ovrflw", "over", "overflow", "ovr", "saturated", "sat", "max", "out", "out of range", "overrange"];
    known.contains(&lower.trim_matches(['<', '>', '*', '#', ' ']))
        || lower.len() > 1 && lower.bytes().all(|b| b == b'*' || b == b'#')
}

/// Words for "not measured".
pub fn is_missing(text: &str) -> bool {
    ["na", "n/a", "#n/a", "nan", "null", "-", "--", "none", "nd", "n.d.", "missing", "empty"]
        .contains(&text.to_lowercase().as_str())
}

impl Sheet<'_> {
    /// A plain number; what is wrong with it is reported.
    pub fn number(&self, cell: &Cell, what: &str) -> Option<f64> {
        match parse(&cell.text, self.may_have_commas(cell), self.decimal_commas) {
            Ok(number) => Some(number),
            Err(hint) => {
                self.refuse(cell, what, hint);
                None
            }
        }
    }

    fn refuse(&self, cell: &Cell, what: &str, hint: String) {
        let (found, hint) = match cell.text.is_empty() {
            true => (format!("{what} is empty"), "fill it in, or delete the row".to_string()),
            false => (format!("{what} is `{}`", cell.text), hint),
        };
        self.add(cell, Diagnostic::new(found).expected("a number").hint(hint));
    }

    /// A number that may be a bound: "<0.1", ">4.0".
    pub fn signal(&self, cell: &Cell, what: &str) -> Option<(f64, Limit)> {
        let (limit, rest) = match cell.text.chars().next() {
            Some('<' | '≤') => (Limit::Below, cell.text.trim_start_matches(['<', '≤', '=', ' '])),
            Some('>' | '≥') => (Limit::Above, cell.text.trim_start_matches(['>', '≥', '=', ' '])),
            _ => (Limit::None, cell.text.as_ref()),
        };
        match parse(rest, self.may_have_commas(cell), self.decimal_commas) {
            Ok(number) => Some((number, limit)),
            Err(hint) => {
                self.refuse(cell, what, hint);
                None
            }
        }
    }

    /// A number with or without a unit behind it: "24 h", "5mM".
    pub fn quantity<'c>(&self, cell: &'c Cell, what: &str) -> Option<(f64, Option<&'c str>)> {
        let (number, unit) = split_unit(&cell.text);
        match parse(number, self.may_have_commas(cell), self.decimal_commas) {
            Ok(number) => Some((number, unit)),
            Err(_) => self.number(cell, what).map(|n| (n, None)),
        }
    }
}

/// "5 mM" into "5" and "mM".
pub fn split_unit(text: &str) -> (&str, Option<&str>) {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || ".,+-−".contains(c);
    let mut end = text.find(|c: char| !is_number(c)).unwrap_or(text.len());
    // An exponent belongs to the number only where digits follow.
    let rest = &text[end..];
    if end > 0
        && let Some(exponent) = rest.strip_prefix(['e', 'E'])
    {
        let sign = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let digits = sign.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            end += 1 + (exponent.len() - sign.len()) + digits;
        }
    }
    let unit = text[end..].trim();
    let is_unit = end > 0 && unit.starts_with(|c: char| c.is_alphabetic() || c == '%' || c == 'µ');
    if is_unit { (text[..end].trim(), Some(unit)) } else { (text, None) }
}

/// The row and column, from 0, of a well's name such as "B07".
pub fn well(text: &str) -> Option<(usize, usize)> {
    let mut chars = text.trim().chars();
    let row = chars.next()?.to_ascii_uppercase();
    let column: usize = chars.as_str().parse().ok().filter(|_| chars.as_str().bytes().all(|b| b.is_ascii_digit()))?;
    (('A'..='P').contains(&row) && (1..=24).contains(&column)).then(|| (row as usize - 'A' as usize, column - 1))
}

/// "A1" of row 0 and column 0.
pub fn well_name((row, column): (usize, usize)) -> String {
    sheet::cell_name(column, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_decimals_only_where_they_must_be() {
        assert_eq!(parse("0,85", true, false), Ok(0.85));
        assert_eq!(parse("1,5e3", true, false), Ok(1500.0));
        assert_eq!(parse("1,234", true, true), Ok(1.234));
        assert!(parse("1,234", true, false).is_err_and(|hint| hint.contains("1234")));
        assert!(parse("1.234,5", true, true).is_err_and(|hint| hint.contains("1234.5")));
        assert!(parse("12,345,678", true, false).is_err_and(|hint| hint.contains("12345678")));
        assert!(parse("1 234", true, false).is_err_and(|hint| hint.contains("1234")));
        assert!(parse("OVRFLW", false, false).is_err_and(|hint| hint.contains("beyond")));
        assert!(parse("1e999", false, false).is_err() && parse("inf", false, false).is_err());
    }

    #[test]
    fn units_come_off_numbers_and_wells_have_places() {
        assert_eq!(split_unit("5mM"), ("5", Some("mM")));
        assert_eq!(split_unit("1e-3 uM"), ("1e-3", Some("uM")));
        assert_eq!(split_unit("24 h"), ("24", Some("h")));
        assert_eq!(split_unit("5e"), ("5", Some("e")));
        assert_eq!(split_unit("FAC"), ("FAC", None));
        assert_eq!(well("h12"), Some((7, 11)));
        assert_eq!((well("Q1"), well("A0"), well("A25"), well("A+1")), (None, None, None, None));
        assert_eq!(well_name((7, 11)), "H12");
    }
}
