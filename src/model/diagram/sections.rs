//! The parts of a model file: a comment `// ---- Title ----` opens one. Nodes and processes go where they are defined.

use super::influence::Effect;
use super::processes::{Found, Goal};
use super::{Diagram, Influence, Kind, Node, Process, Target};
use crate::model::Network;
use crate::model::network::{Quantity, Role, Rule};

/// Where each part begins, and its title.
pub fn marks(text: &str) -> Vec<(usize, String)> {
    let mut start = 0;
    let mut marks = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(title) = title(line) {
            marks.push((start, title.to_string()));
        }
        start += line.len();
    }
    marks
}

fn title(line: &str) -> Option<&str> {
    let comment = line.trim().strip_prefix("//")?.trim_start();
    let title = comment.strip_prefix("---")?.trim_matches(|c: char| c == '-' || c.is_whitespace());
    (!title.is_empty()).then_some(title)
}

/// The part in which `place` lies; none before the first.
pub fn at(marks: &[(usize, String)], place: usize) -> Option<usize> {
    marks.partition_point(|(start, _)| *start <= place).checked_sub(1)
}

pub fn arrange(
    network: &Network,
    roles: &[Option<Kind>],
    found: Found,
    shown: &[bool],
    effects: Vec<Effect>,
) -> Diagram {
    let marks = marks(&network.source.text);
    // The number 0 is what stands before the first title.
    let part = |place: usize| at(&marks, place).map_or(0, |section| section + 1);
    let mut diagram = Diagram { title: network.name.replace('_', " "), ..Diagram::default() };
    let homes = Homes::new(network, &found, &part);
    let mut nodes = vec![None; network.quantities.len()];
    for (at, quantity) in network.quantities.iter().enumerate() {
        let computed = shown[at].then_some(Kind::Computed);
        let acts = || effects.iter().any(|effect| effect.from == at);
        let Some(kind) = computed.or(roles[at]) else { continue };
        if matches!(kind, Kind::State | Kind::Computed) || acts() {
            nodes[at] = Some(diagram.nodes.len());
            let section = homes.of(at);
            diagram.nodes.push(Node { name: quantity.name.clone(), section, kind });
        }
    }
    let known = |list: &[usize]| list.iter().filter_map(|&at| nodes[at]).collect::<Vec<_>>();
    for process in &found.processes {
        diagram.processes.push(Process {
            name: process.name.clone(),
            section: part(process.place),
            from: known(&process.from),
            to: known(&process.to),
        });
    }
    for effect in effects {
        let on = match effect.on {
            Goal::Quantity(at) => nodes[at].map(Target::Node),
            Goal::Process(at) if found.processes[at].goes_without_saying(effect.from, effect.sign) => None,
            Goal::Process(at) => Some(Target::Process(at)),
        };
        if let (Some(from), Some(on)) = (nodes[effect.from], on) {
            diagram.influences.push(Influence { from, on, sign: effect.sign, weight: effect.weight });
        }
    }
    keep_used(&mut diagram, &marks);
    diagram
}

/// Where the home of each quantity is. A species is at home where it is declared, unless nothing happens to it there or
/// one list declares all: then where most of its reactions are, or the first of those that make it.
struct Homes<'a> {
    network: &'a Network,
    found: &'a Found,
    part: &'a dyn Fn(usize) -> usize,
    one_list: bool,
}

impl<'a> Homes<'a> {
    fn new(network: &'a Network, found: &'a Found, part: &'a dyn Fn(usize) -> usize) -> Self {
        let mut lists: Vec<usize> = network.quantities.iter().filter_map(declared).map(part).collect();
        lists.sort_unstable();
        lists.dedup();
        Homes { network, found, part, one_list: lists.len() < 2 }
    }

    fn of(&self, at: usize) -> usize {
        let quantity = &self.network.quantities[at];
        if let Rule::Assignment(formula) | Rule::Rate(formula) | Rule::Algebraic(formula) = &quantity.rule {
            return (self.part)(formula.span.start);
        }
        let mut counts = Vec::new();
        for process in &self.found.processes {
            let section = (self.part)(process.place);
            counts.resize(counts.len().max(section + 1), 0.0);
            counts[section] += f64::from(process.from.contains(&at)) + 1.5 * f64::from(process.to.contains(&at));
        }
        let list = declared(quantity).filter(|_| !self.one_list).map(self.part);
        if let Some(section) = list.filter(|&section| counts.get(section).is_some_and(|&count| count > 0.0)) {
            return section;
        }
        let most = counts.iter().copied().fold(0.0, f64::max);
        let first = counts.iter().position(|&count| count == most && most > 0.0);
        first.unwrap_or_else(|| (self.part)(quantity.span.start))
    }
}

/// Where a species is declared: its name may have been mentioned long before.
fn declared(quantity: &Quantity) -> Option<usize> {
    match &quantity.role {
        Role::Species(species) => species.compartment.as_ref().map(|compartment| compartment.span.start),
        _ => None,
    }
}

/// Leaves out the parts that hold nothing to draw. Inputs go to the first part that is left.
fn keep_used(diagram: &mut Diagram, marks: &[(usize, String)]) {
    let drawn = |node: &&Node| matches!(node.kind, Kind::State | Kind::Computed);
    let mut used = vec![false; marks.len() + 1];
    for section in diagram
        .nodes
        .iter()
        .filter(drawn)
        .map(|node| node.section)
        .chain(diagram.processes.iter().map(|process| process.section))
    {
        used[section] = true;
    }
    let mut places = vec![0; used.len()];
    for (section, _) in used.iter().enumerate().filter(|(_, used)| **used) {
        places[section] = diagram.sections.len();
        let title = section.checked_sub(1).map_or(diagram.title.as_str(), |at| marks[at].1.as_str());
        diagram.sections.push(title.to_string());
    }
    diagram.nodes.iter_mut().for_each(|node| node.section = places[node.section]);
    diagram.processes.iter_mut().for_each(|process| process.section = places[process.section]);
}
