//! A study as read and checked, before it is lowered for an engine.

use super::document::At;
use super::noise::Noise;
use super::prior::{Prior, Scale};
use super::problem::Solver;
use super::schedule::Schedule;
use crate::expr::Id;
use crate::model::{Network, System};

/// A study: what was done, what was seen, and what is asked.
#[derive(Debug, Clone, Default)]
pub struct Study {
    /// The file's name without its end.
    pub name: String,
    pub title: String,
    pub description: String,
    pub source: String,
    /// The command that made the data, if nobody measured them.
    pub synthetic: Option<String>,
    /// As named in the study file.
    pub model: String,
    /// Of cells, and what they were kept in: what has to agree before two studies can be compared. Empty where not stated.
    pub line: String,
    pub medium: String,
    /// The kind of assay; empty where there is none, or where the source does not say which.
    pub assay: String,
    /// The model as it was written.
    pub network: Network,
    /// The model, with the study's own parameters added to it.
    pub system: System,
    /// Of all times in the study.
    pub time_unit: String,
    /// From there to the model's unit.
    pub time_factor: f64,
    pub compounds: Vec<Compound>,
    pub conditions: Vec<Condition>,
    pub observables: Vec<Observable>,
    /// What the observables are made of, over the system's graph.
    pub outputs: Vec<Id>,
    /// The outputs that the assay names as live and as dead cells.
    pub live: Option<usize>,
    pub dead: Option<usize>,
    pub settle: Option<Settle>,
    pub parameters: Vec<Parameter>,
    pub cells: Option<CellSpread>,
    /// Parameters of the system that differ between experiments, and the sd of the natural logarithm.
    pub between: Vec<(u32, Quantity)>,
    pub solver: Solver,
    pub data: Vec<Datum>,
    /// What was assumed on the way, in plain words.
    pub notes: Vec<String>,
    /// Why the data have no vehicle control, if they have none.
    pub without_control: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Compound {
    pub name: String,
    /// Index of a parameter of the system.
    pub target: u32,
    /// Of doses in the study and its data.
    pub unit: String,
    /// From there to the unit of the target.
    pub factor: f64,
    pub removed_in_control: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub name: String,
    /// The line of cells that the study file names for it, as the program calls it; empty without one.
    pub cell: String,
    /// Parameters of the system that are multiplied in this line.
    pub factors: Vec<(u32, f64)>,
    /// Parameters of the system with another value here.
    pub set: Vec<(u32, Quantity)>,
    /// Parameters of the system that are multiplied here.
    pub fold: Vec<(u32, Quantity)>,
    /// For each compound a dose that the data do not state.
    pub doses: Vec<Option<f64>>,
    /// For each compound when it is there, in the study's unit of time.
    pub schedule: Vec<Schedule>,
}

/// A number or a parameter of the study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    Number(f64),
    Parameter(usize),
}

#[derive(Debug, Clone, Default)]
pub struct Settle {
    pub set: Vec<(u32, f64)>,
    /// In the study's unit of time.
    pub longest: f64,
}

#[derive(Debug, Clone)]
pub struct Observable {
    /// Empty for that of the assay.
    pub name: String,
    pub reading: Kind,
    /// Coefficient, output, and whether it is the vehicle control's.
    pub above: Vec<(f64, usize, bool)>,
    pub below: Vec<(f64, usize, bool)>,
    /// To be multiplied.
    pub scale: Vec<Quantity>,
    pub offset: Vec<Quantity>,
    pub error: Error,
    /// Death times: whether shares are of the cells that died.
    pub among_dead: bool,
}

/// What a number in the data means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    RelativeViability,
    FractionalViability,
    LethalFraction,
    Inhibition,
    Signal,
    DeathTime,
    Other,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub noise: Noise,
    pub sd: Sd,
    pub relative: Option<Quantity>,
    /// The overdispersion of counts of live and dead cells, which take the place of values and their noise.
    pub counts: Option<Quantity>,
    pub correlation: Option<Correlation>,
}

/// Of the errors of a well's readings over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Correlation {
    /// The part of the variance that all of them share.
    Shared(Quantity),
    /// AR(1): the time, in the study's unit, after which it has fallen to 1/e.
    Memory(Quantity),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Sd {
    Is(Quantity),
    Column,
    /// Pooled over all groups of replicates.
    Replicates,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    /// The parameter of the system with this name.
    pub target: u32,
    /// It is the study's own: the model does not know it.
    pub own: bool,
    pub value: f64,
    pub lower: f64,
    pub upper: f64,
    pub scale: Scale,
    pub prior: Prior,
    pub estimated: bool,
    pub unit: String,
    pub source: String,
    /// It exists once for each value of this column.
    pub per: Option<String>,
    pub(super) place: At<()>,
}

#[derive(Debug, Clone)]
pub struct CellSpread {
    pub nodes: usize,
    /// Parameters of the system, and the sd of the natural logarithm over cells.
    pub of: Vec<(u32, Quantity)>,
}

/// One row of the data.
#[derive(Debug, Clone)]
pub struct Datum {
    /// In the data file, from 1.
    pub line: usize,
    pub condition: usize,
    /// In the study's units, one for each compound.
    pub doses: Vec<f64>,
    pub observable: usize,
    pub time: ReadAt,
    pub value: Seen,
    pub sd: Option<f64>,
    pub replicate: String,
    pub plate: String,
    pub experiment: String,
    /// Rows of the same name are one observation.
    pub joint: Option<String>,
    /// A well without cells.
    pub blank: bool,
    /// Values of the columns that parameters are `per`, by column.
    pub levels: Vec<(String, String)>,
}

/// In the study's unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadAt {
    Time(f64),
    /// A parameter of the study.
    Parameter(usize),
    Between(f64, f64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    Value(f64),
    /// Infinite where a reading is censored.
    Interval(f64, f64),
    Count(f64),
    /// So many of all cells counted in a well: the live ones, or the dead ones where those are read.
    Share {
        hits: f64,
        total: f64,
    },
}

impl Seen {
    /// What a reading is drawn at; `None` for bounds, deaths and wells without cells.
    pub fn number(self) -> Option<f64> {
        match self {
            Seen::Value(value) => Some(value),
            Seen::Share { hits, total } if total > 0.0 => Some(hits / total),
            _ => None,
        }
    }
}

impl Observable {
    /// Numbers and parameters that turn its formula into readings and scatter them.
    pub fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        let Error { sd, relative, counts, correlation, .. } = &self.error;
        let sd = if let Sd::Is(sd) = sd { Some(sd) } else { None };
        let correlation = correlation.as_ref().map(|c| match c {
            Correlation::Shared(quantity) | Correlation::Memory(quantity) => quantity,
        });
        self.scale.iter().chain(&self.offset).chain(sd).chain(relative).chain(counts).chain(correlation)
    }
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::RelativeViability,
        Kind::FractionalViability,
        Kind::LethalFraction,
        Kind::Inhibition,
        Kind::Signal,
        Kind::DeathTime,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::RelativeViability => "relative viability",
            Kind::FractionalViability => "fractional viability",
            Kind::LethalFraction => "lethal fraction",
            Kind::Inhibition => "inhibition",
            Kind::Signal => "signal",
            Kind::DeathTime => "death times",
            Kind::Other => "other",
        }
    }

    /// A fraction of cells: may be given in percent.
    pub fn is_share(self) -> bool {
        !matches!(self, Kind::Signal | Kind::DeathTime | Kind::Other)
    }

    /// Whether it is high for living cells.
    pub fn is_viability(self) -> bool {
        matches!(self, Kind::RelativeViability | Kind::FractionalViability)
    }
}

impl Study {
    pub fn parameter(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|p| p.name == name)
    }

    /// Has a variable of the model recorded beside what is observed, and gives back the number of that output; `None` if
    /// the model has no such variable.
    pub fn record(&mut self, variable: &str) -> Option<usize> {
        let id = self.system.variable(variable)?.value;
        self.outputs.push(id);
        Some(self.outputs.len() - 1)
    }

    /// Whether any reading is made of this variable of the model by itself, rather than of what follows from it.
    pub fn measures(&self, variable: &str) -> bool {
        let Some(variable) = self.system.variable(variable) else { return false };
        let of = |datum: &Datum| {
            let observable = &self.observables[datum.observable];
            observable.above.iter().chain(&observable.below).map(|&(_, output, _)| self.outputs[output])
        };
        let mut seen: Vec<Id> = self.data.iter().filter(|datum| !datum.blank).flat_map(of).collect();
        seen.sort_unstable();
        seen.dedup();
        self.system.graph.reachable(seen).contains(&variable.value)
    }

    /// The independent experiments that the data name, in the order of their names.
    pub fn experiments(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.data.iter().map(|datum| datum.experiment.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a parameter is the sd between experiments, which is estimated apart from the others.
    pub(super) fn is_between(&self, parameter: usize) -> bool {
        self.between.iter().any(|(_, sd)| *sd == Quantity::Parameter(parameter))
    }

    /// "HT-1080, FAC 5 mM, BSO 100 uM" for labels and messages.
    pub fn describe(&self, condition: usize, doses: &[f64]) -> String {
        let mut parts = Vec::new();
        if self.conditions.len() > 1 || !self.conditions[condition].name.is_empty() {
            parts.push(self.conditions[condition].name.clone());
        }
        let dosed = self.compounds.iter().zip(doses).filter(|(_, dose)| **dose != 0.0);
        parts.extend(dosed.map(|(compound, dose)| format!("{} {dose} {}", compound.name, compound.unit)));
        if parts.is_empty() { "vehicle".into() } else { parts.join(", ") }
    }
}
