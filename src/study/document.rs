//! A TOML file as sections that remember where everything stands and what was asked for.

use crate::{Diagnostic, error::Place};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects what is wrong with one file.
pub struct Findings<'s> {
    pub file: String,
    pub source: &'s str,
    pub found: RefCell<Vec<Diagnostic>>,
    /// How many were found, those that are not kept included.
    count: Cell<usize>,
}

/// A column that is wrong is wrong in every row: as many findings are kept as anybody reads.
const MOST_FINDINGS: usize = 40;

impl<'s> Findings<'s> {
    pub fn new(file: &str, source: &'s str) -> Self {
        Findings { file: file.to_string(), source, found: RefCell::default(), count: Cell::new(0) }
    }

    pub fn add(&self, span: &Range<usize>, diagnostic: Diagnostic) {
        self.count.set(self.count.get() + 1);
        if self.count.get() > MOST_FINDINGS {
            return;
        }
        let place = Place::new(self.source, span.clone());
        self.found.borrow_mut().push(diagnostic.in_file(&self.file).at(place));
    }

    pub fn say(&self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.add(span, Diagnostic::new(message).hint(hint));
    }

    pub fn count(&self) -> usize {
        self.count.get()
    }

    pub fn is_clean(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// All that was found, by place; the last one says how much more there was.
    pub fn take(&self) -> Vec<Diagnostic> {
        let mut found = self.found.take();
        found.sort_by_key(|d| d.place.as_ref().map_or((0, 0), |p| (p.line, p.column)));
        let more = self.count.get().saturating_sub(MOST_FINDINGS);
        if let (Some(last), true) = (found.last_mut(), more > 0) {
            last.message.push_str(&format!(" (and {more} more like it or beside it, not shown)"));
        }
        found
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<T> At<T> {
    pub fn new(value: T, span: Range<usize>) -> Self {
        At { value, span }
    }
}

/// A number or the name of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    Number(f64),
    Named(String),
}

/// Key, its place, value, and whether it was asked for.
type Entry<'d, 's> = (String, Range<usize>, &'d Spanned<DeValue<'s>>, Cell<bool>);

/// A table of the file. [`Section::finish`] reports the keys that nobody asked for.
pub struct Section<'d, 's> {
    pub findings: &'d Findings<'s>,
    pub span: Range<usize>,
    name: String,
    /// In the order of the file.
    entries: Vec<Entry<'d, 's>>,
    asked: RefCell<Vec<String>>,
}

/// Parses; syntax errors go to `findings`.
pub fn parse<'s>(findings: &Findings<'s>) -> Spanned<DeTable<'s>> {
    let (table, errors) = DeTable::parse_recoverable(findings.source);
    for error in errors {
        let message = error.message().to_string();
        findings.add(&error.span().unwrap_or(0..0), Diagnostic::new(message).expected("TOML"));
    }
    table
}

impl<'d, 's> Section<'d, 's> {
    pub fn new(findings: &'d Findings<'s>, name: &str, span: Range<usize>, table: &'d DeTable<'s>) -> Self {
        let mut entries: Vec<Entry> =
            table.iter().map(|(key, value)| (key.get_ref().to_string(), key.span(), value, Cell::new(false))).collect();
        entries.sort_by_key(|entry| entry.1.start);
        Section { findings, span, name: name.to_string(), entries, asked: RefCell::default() }
    }

    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'s>>> {
        self.asked.borrow_mut().push(key.to_string());
        let (.., value, taken) = self.entries.iter().find(|e| e.0 == key)?;
        taken.set(true);
        Some(value)
    }

    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|e| e.0 == key)
    }

    /// Where `key` stands, or else the section.
    pub fn place(&self, key: &str) -> Range<usize> {
        self.entries.iter().find(|e| e.0 == key).map_or(self.span.clone(), |e| e.1.clone())
    }

    fn mismatch(&self, key: &str, value: &Spanned<DeValue>, expected: &str) {
        self.mismatch_in(key, value, expected, |_| true);
    }

    /// Of a list, the first element that does not fit.
    fn mismatch_in(
        &self,
        key: &str,
        value: &Spanned<DeValue>,
        expected: &str,
        fits: impl Fn(&Spanned<DeValue>) -> bool,
    ) {
        let wrong = value.get_ref().as_array().and_then(|list| list.iter().find(|element| !fits(element)));
        let (found, whose) = match wrong {
            Some(element) => (element, "an element of "),
            None => (value, ""),
        };
        let kind = match found.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => format!("the number {}", &self.findings.source[found.span()]),
            other => format!("{} {}", if other.type_str().starts_with('a') { "an" } else { "a" }, other.type_str()),
        };
        let message = format!("{whose}`{key}` is {kind}");
        self.findings.add(&found.span(), Diagnostic::new(message).expected(expected));
    }

    pub fn text(&self, key: &str) -> Option<At<String>> {
        self.text_that_is(key, "text in quotes")
    }

    /// A text; `expected` says what it should have been where it is none.
    pub fn text_that_is(&self, key: &str, expected: &str) -> Option<At<String>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(At::new(text.to_string(), value.span())),
            None => {
                self.mismatch(key, value, expected);
                None
            }
        }
    }

    pub fn number(&self, key: &str) -> Option<At<f64>> {
        let value = self.get(key)?;
        match number(value) {
            Some(number) => Some(At::new(number, value.span())),
            None => {
                self.mismatch(key, value, "a finite number");
                None
            }
        }
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        value.get_ref().as_bool().or_else(|| {
            self.mismatch(key, value, "true or false");
            None
        })
    }

    pub fn amount(&self, key: &str) -> Option<At<Amount>> {
        let value = self.get(key)?;
        let amount = amount(value);
        if amount.is_none() {
            self.mismatch(key, value, "a number or the name of a parameter");
        }
        amount
    }

    /// One amount or a list of them.
    pub fn amounts(&self, key: &str) -> Option<Vec<At<Amount>>> {
        let value = self.get(key)?;
        let list: Option<Vec<_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().map(amount).collect(),
            None => amount(value).map(|one| vec![one]),
        };
        if list.is_none() {
            self.mismatch_in(key, value, "a number, the name of a parameter, or a list of these", |v| {
                amount(v).is_some()
            });
        }
        list
    }

    pub fn numbers(&self, key: &str) -> Option<At<Vec<f64>>> {
        let value = self.get(key)?;
        let list: Option<Vec<f64>> = value.get_ref().as_array().and_then(|array| array.iter().map(number).collect());
        if list.is_none() {
            self.mismatch_in(key, value, "a list of numbers", |v| number(v).is_some());
        }
        list.map(|list| At::new(list, value.span()))
    }

    pub fn texts(&self, key: &str) -> Option<Vec<At<String>>> {
        let value = self.get(key)?;
        let text = |v: &Spanned<DeValue>| v.get_ref().as_str().map(|t| At::new(t.to_string(), v.span()));
        let list: Option<Vec<_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().map(text).collect(),
            None => text(value).map(|one| vec![one]),
        };
        if list.is_none() {
            self.mismatch_in(key, value, "a list of texts", |v| v.get_ref().as_str().is_some());
        }
        list
    }

    pub fn section(&self, key: &str) -> Option<Section<'d, 's>> {
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(table) => {
                let span = self.place(key);
                Some(Section::new(self.findings, &self.path(key), span, table))
            }
            None => {
                self.mismatch(key, value, "a table");
                None
            }
        }
    }

    pub fn is_table(&self, key: &str) -> bool {
        self.entries.iter().any(|e| e.0 == key && e.2.get_ref().as_table().is_some())
    }

    /// One table or a list of them.
    pub fn tables(&self, key: &str) -> Vec<Section<'d, 's>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let each = |v: &'d Spanned<DeValue<'s>>| {
            Some(Section::new(self.findings, &self.path(key), v.span(), v.get_ref().as_table()?))
        };
        let list: Option<Vec<_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().map(each).collect(),
            None => each(value).map(|one| vec![one]),
        };
        list.unwrap_or_else(|| {
            self.mismatch_in(key, value, "a table or a list of tables", |v| v.get_ref().as_table().is_some());
            Vec::new()
        })
    }

    /// The tables under `key`, by name.
    pub fn sections(&self, key: &str) -> Vec<(At<String>, Section<'d, 's>)> {
        let Some(parent) = self.section(key) else { return Vec::new() };
        parent.names().into_iter().filter_map(|name| parent.section(&name.value).map(|s| (name, s))).collect()
    }

    /// The amounts under `key`, by name.
    pub fn table_of_amounts(&self, key: &str) -> Vec<(At<String>, At<Amount>)> {
        let Some(parent) = self.section(key) else { return Vec::new() };
        parent.names().into_iter().filter_map(|name| parent.amount(&name.value).map(|a| (name, a))).collect()
    }

    pub fn names(&self) -> Vec<At<String>> {
        self.entries.iter().map(|e| At::new(e.0.clone(), e.1.clone())).collect()
    }

    pub fn say(&self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.say(&self.place(key), message, hint);
    }

    /// A key that has to be there.
    pub fn require<T>(&self, key: &str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() && !self.has(key) {
            let message = format!("{} lacks `{key}`", self.title());
            self.findings.say(&self.span, message, format!("add, for instance, {example}"));
        }
        value
    }

    pub fn title(&self) -> String {
        if self.name.is_empty() { "the study".into() } else { format!("[{}]", self.name) }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_string() } else { format!("{}.{key}", self.name) }
    }

    /// Ends without a word about keys that were not asked for, because something made asking pointless.
    pub fn abandon(self) {
        self.entries.iter().for_each(|entry| entry.3.set(true));
    }

    /// Reports unknown keys. Call it after everything has been asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, span, _, taken) in &self.entries {
            if !taken.get() {
                let diagnostic = Diagnostic::new(format!("unknown key `{key}` in {}", self.title()));
                self.findings.add(span, diagnostic.hint(suggest(key, asked.iter().map(String::as_str))));
            }
        }
    }
}

fn number(value: &Spanned<DeValue>) -> Option<f64> {
    let parsed: f64 = match value.get_ref() {
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok()? as f64,
        DeValue::Float(f) => f.as_str().parse().ok()?,
        _ => return None,
    };
    parsed.is_finite().then_some(parsed)
}

fn amount(value: &Spanned<DeValue>) -> Option<At<Amount>> {
    let amount = match value.get_ref().as_str() {
        Some(name) => Amount::Named(name.to_string()),
        None => Amount::Number(number(value)?),
    };
    Some(At::new(amount, value.span()))
}

/// "did you mean" for a name that is not among `known`.
pub fn suggest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.retain(|k| !k.is_empty());
    known.sort_unstable();
    known.dedup();
    let lower = name.to_lowercase();
    let best = known.iter().map(|k| (distance(&lower, &k.to_lowercase()), *k)).min();
    match best {
        Some((d, nearest)) if d <= 1 + name.chars().count() / 3 && d < name.chars().count() => {
            format!("did you mean `{nearest}`?")
        }
        _ if known.is_empty() => "nothing of this kind is known here".into(),
        _ => {
            let more = if known.len() > 12 { ", …" } else { "" };
            format!("known here: {}{more}", known.iter().take(12).copied().collect::<Vec<_>>().join(", "))
        }
    }
}

/// How many letters have to be changed, added or dropped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
