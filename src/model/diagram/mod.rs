//! What a picture of a model shows, as plain data: boxes, what turns into what, and what raises or lowers what.
//!
//! Everything follows from the network itself. Signs are those of exact derivatives, taken at the start and at other
//! states and doses; what only restates the formulas (dilution by growth, turnover of first order) is left out.

mod computed;
mod formulas;
mod influence;
mod points;
mod processes;
mod roles;
mod sections;

use super::Network;
use crate::Result;
use formulas::Formulas;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagram {
    pub title: String,
    /// Titles of the parts of the model file that hold something, in the order of the file.
    pub sections: Vec<String>,
    pub nodes: Vec<Node>,
    pub processes: Vec<Process>,
    pub influences: Vec<Influence>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub name: String,
    /// Of states and computed quantities; inputs are at home where they act.
    pub section: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    State,
    /// A quantity with a formula on which several things depend.
    Computed,
    Dose,
    /// What the medium holds without being dosed.
    Medium,
    /// The activity of a gene, 1 in the parental line.
    Gene,
}

/// Something turns into something, comes from outside or leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Empty for a term of rate rules without a name of its own.
    pub name: String,
    pub section: usize,
    pub from: Vec<usize>,
    pub to: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Influence {
    pub from: usize,
    pub on: Target,
    pub sign: Sign,
    /// The largest relative effect of a relative change that was found.
    pub weight: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Node(usize),
    Process(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Raises,
    Lowers,
    /// One or the other, depending on where the cell is.
    Either,
}

impl Diagram {
    /// The diagram of `network`.
    ///
    /// # Errors
    /// Those of [`Network::system`].
    pub fn of(network: &Network) -> Result<Self> {
        network.system()?;
        let mut formulas = Formulas::of(network)?;
        let roles = roles::of(network);
        let found = processes::find(network, &mut formulas, &roles);
        let targets = found.targets();
        let shown = computed::shown(&formulas, &roles, &found, &targets);
        let effects = influence::effects(network, &mut formulas, &roles, &shown, &targets);
        Ok(sections::arrange(network, &roles, found, &shown, effects))
    }
}

#[cfg(test)]
mod tests;
