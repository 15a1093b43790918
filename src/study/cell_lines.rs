//! Lines of cells: the few factors by which each differs from the line that the models stand for.
//!
//! Constants of enzymes are the same in all lines; a line has activities of its own.

use super::catalogue::plain;
use super::document::{Findings, Section, parse};
use super::embedded;
use crate::{Error, Result};

#[derive(Debug, Clone, Default)]
pub struct CellLine {
    pub name: String,
    pub names: Vec<String>,
    /// What the cells are and come from.
    pub origin: String,
    pub factors: Vec<Factor>,
}

#[derive(Debug, Clone)]
pub struct Factor {
    /// A parameter of models.
    pub parameter: String,
    /// By which it is multiplied, relative to the reference line.
    pub value: f64,
    /// A citation, or "assumed: " and why.
    pub source: String,
}

/// More could not be told apart by any data on the line.
const MOST_FACTORS: usize = 6;

impl CellLine {
    /// Those that come with the program.
    pub fn embedded() -> Result<Vec<CellLine>> {
        embedded::CELLS.iter().map(|file| CellLine::read(&format!("{}.toml", file.name), file.text)).collect()
    }

    pub fn read(file: &str, text: &str) -> Result<CellLine> {
        let findings = Findings::new(file, text);
        let parsed = parse(&findings);
        let top = Section::new(&findings, "", 0..0, parsed.get_ref());
        let needed = |key: &str| top.require(key, top.text(key), "one sentence").map(|t| t.value).unwrap_or_default();
        let mut line = CellLine { name: needed("name"), origin: needed("origin"), ..CellLine::default() };
        line.names = top.texts("names").unwrap_or_default().into_iter().map(|t| t.value).collect();
        for (parameter, section) in top.sections("factors") {
            let value = section.require("value", section.number("value"), "value = 1");
            let source = section.require("source", section.text("source"), "source = \"assumed: why\"");
            if let Some(value) = value.as_ref().filter(|value| value.value < 0.0) {
                findings.say(&value.span, "a factor is not negative", "1 is as in the reference line");
            }
            if let (Some(value), Some(source)) = (value, source) {
                line.factors.push(Factor { parameter: parameter.value, value: value.value, source: source.value });
            }
            section.finish();
        }
        if line.factors.len() > MOST_FACTORS {
            let message = format!("{} factors where {MOST_FACTORS} are the most", line.factors.len());
            top.say("factors", message, "keep those with a reason");
        }
        top.finish();
        if findings.is_clean() { Ok(line) } else { Err(Error::Input(findings.take())) }
    }

    pub fn find<'l>(lines: &'l [CellLine], name: &str) -> Option<&'l CellLine> {
        let wanted = plain(name);
        lines.iter().find(|line| line.all_names().any(|known| plain(known) == wanted))
    }

    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.names.iter().map(String::as_str))
    }
}
