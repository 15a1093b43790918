//! Lines of cells: the few factors by which each differs from the line that the models stand for.
//!
//! Constants of enzymes are the same in all lines; a line has activities of its own.

use super::catalogue::plain;
use super::declared::{Condition, Quantity, Study};
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
            if let Some(value) = value.as_ref().filter(|value| value.value <= 0.0) {
                findings.say(&value.span, "a factor is positive", "1 is as in the reference line");
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

/// A condition of a study in other cells.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    pub condition: Condition,
    /// The factors by which it differs from the condition that there is, each with its source.
    pub rests_on: Vec<String>,
}

impl Study {
    /// The line of cells of a condition, where it is one of `lines`: by its `cell`, by its name, alone or after the study's
    /// `line` (HEK293T, SLC31A1), or by that `line`.
    pub fn line_of<'l>(&self, condition: &Condition, lines: &'l [CellLine]) -> Option<&'l CellLine> {
        let both = format!("{} {}", self.line, condition.name);
        let names = [&condition.cell, &condition.name, &both, &self.line];
        names.into_iter().find_map(|name| CellLine::find(lines, name))
    }

    /// The condition `of` in cells of another line, one of `lines`. Where the study file names a `cell`, values are those
    /// of the reference line, and the factors of one line take the place of the other's. Where it does not, values are
    /// those of its own cells, and what is multiplied is by how much the lines differ. All else of the condition stays:
    /// its folds multiply too.
    ///
    /// # Errors
    /// Why there is no such experiment, or none that could teach anything else than those of the study.
    pub fn on_line(&self, of: usize, line: &CellLine, lines: &[CellLine]) -> std::result::Result<Elsewhere, String> {
        let own = &self.conditions[of];
        let is_there = |c: &Condition| {
            let same = c.doses == own.doses && c.schedule == own.schedule && c.fold == own.fold;
            same && self.line_of(c, lines).is_some_and(|known| known.name == line.name)
        };
        if self.conditions.iter().any(is_there) {
            return Err("the study has it".into());
        }
        let used = self.used_parameters();
        let home = self.line_of(own, lines);
        let both = || std::iter::once(line).chain(home);
        let value = |line: &CellLine, name: &str| {
            line.factors.iter().find(|factor| factor.parameter == name).map_or(1.0, |factor| factor.value)
        };
        let mut condition = Condition { cell: line.name.clone(), ..own.clone() };
        let mut rests_on = Vec::new();
        let mut names: Vec<&str> = both().flat_map(|line| &line.factors).map(|f| f.parameter.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (to, from) = (value(line, name), home.map_or(1.0, |home| value(home, name)));
            if to == from {
                continue;
            }
            let Some(index) = self.in_model(name).filter(|index| used.contains(index)) else {
                return Err(format!("{} has no {name}", self.model));
            };
            if own.set.iter().any(|(set, _)| *set == index) || self.compounds.iter().any(|c| c.target == index) {
                return Err(format!("the study sets {name} itself"));
            }
            // Nothing is left of it to be multiplied.
            if own.fold.contains(&(index, Quantity::Number(0.0))) {
                continue;
            }
            condition.factors.retain(|(multiplied, _)| *multiplied != index);
            condition.factors.push((index, if own.cell.is_empty() { to / from } else { to }));
            for line in both() {
                let factors = line.factors.iter().filter(|factor| factor.parameter == name);
                rests_on.extend(factors.map(|f| format!("{name} of {} is x{} ({})", line.name, f.value, f.source)));
            }
        }
        if rests_on.is_empty() {
            return Err(format!("for {} it does not differ from the cells of the study", self.model));
        }
        Ok(Elsewhere { condition, rests_on })
    }

    /// A parameter of the model itself.
    pub(super) fn in_model(&self, name: &str) -> Option<u32> {
        let own = |i: u32| self.parameters.iter().any(|p| p.own && p.target == i);
        self.system.parameter(name).filter(|&i| !own(i))
    }
}
