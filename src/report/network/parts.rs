//! From the data to one graph for each part of the model, and one of the parts.

use super::graph::{Graph, Item, Line, Look, Pill, PillLook, Wire};
use super::layers;
use crate::model::diagram::{Diagram, Influence, Kind, Node, Sign, Target};

/// More pills than this at one side of a box are counted, not drawn.
const MOST_PILLS: usize = 9;
/// With more parts than this the overview leaves out the weakest links.
const MANY: usize = 8;
/// An influence that would pass more layers than this is a pill.
const FARTHEST: usize = 2;

pub fn label(name: &str) -> String {
    name.replace('_', " ")
}

/// The part `section` of the model.
pub fn graph(diagram: &Diagram, section: usize) -> Graph {
    let mut graph = Graph::default();
    let mut places = vec![None; diagram.nodes.len()];
    for (at, node) in diagram.nodes.iter().enumerate() {
        let look = match node.kind {
            Kind::State => Look::State,
            Kind::Computed => Look::Computed,
            Kind::Dose | Kind::Medium | Kind::Gene => continue,
        };
        if node.section == section {
            places[at] = Some(graph.items.len());
            graph.items.push(item(look, &node.name, section));
        }
    }
    let mut processes = vec![None; diagram.processes.len()];
    for (at, process) in diagram.processes.iter().enumerate().filter(|(_, process)| process.section == section) {
        let own = graph.items.len();
        processes[at] = Some(own);
        let look = if process.name.is_empty() { Look::Dot } else { Look::Process };
        let mut item = item(look, &process.name, section);
        for &node in process.from.iter().filter(|&&node| places[node].is_none()) {
            item.left.push(pill(&diagram.nodes[node], Line::Used));
        }
        for &node in process.to.iter().filter(|&&node| places[node].is_none()) {
            item.right.push(pill(&diagram.nodes[node], Line::Made));
        }
        graph.items.push(item);
        let wire = |from, to, line| Wire { from, to, line, upward: false };
        graph.wires.extend(process.from.iter().filter_map(|&node| Some(wire(places[node]?, own, Line::Used))));
        graph.wires.extend(process.to.iter().filter_map(|&node| Some(wire(own, places[node]?, Line::Made))));
    }
    layers::turn_cycles(&mut graph);

    let on = |target: Target| match target {
        Target::Node(at) => places[at],
        Target::Process(at) => processes[at],
    };
    let mut influences: Vec<(&Influence, usize)> =
        diagram.influences.iter().filter_map(|influence| Some((influence, on(influence.on)?))).collect();
    // The strongest first: they get the lines and the first places.
    influences.sort_by(|(a, _), (b, _)| b.weight.min(1.0).total_cmp(&a.weight.min(1.0)));
    let mut lines = Vec::new();
    for (at, &(influence, to)) in influences.iter().enumerate() {
        if let Some(from) = places[influence.from].filter(|&from| !layers::reaches(&graph, to, from)) {
            lines.push((graph.wires.len(), at));
            graph.wires.push(Wire { from, to, line: line(influence.sign), upward: false });
        }
    }
    let levels = layers::levels(&graph);
    lines.retain(|&(wire, _)| {
        let wire = &graph.wires[wire];
        levels[wire.to] - levels[wire.from] <= FARTHEST
    });
    let flows = graph.wires.iter().copied().filter(|wire| wire.line.is_flow());
    graph.wires = flows.chain(lines.iter().map(|&(wire, _)| graph.wires[wire])).collect();
    for (at, (influence, to)) in influences.into_iter().enumerate() {
        if !lines.iter().any(|&(_, drawn)| drawn == at) {
            let node = &diagram.nodes[influence.from];
            let pill = pill(node, line(influence.sign));
            let item = &mut graph.items[to];
            if node.kind == Kind::Gene { item.right.push(pill) } else { item.left.push(pill) }
        }
    }
    for item in &mut graph.items {
        shorten(&mut item.left);
        shorten(&mut item.right);
    }
    graph
}

/// The parts and what acts across their borders.
pub fn overview(diagram: &Diagram) -> Graph {
    let items = diagram.sections.iter().enumerate();
    let mut graph = Graph { items: items.map(|(at, title)| item(Look::Part, title, at)).collect(), wires: Vec::new() };
    let links = links(diagram);
    for &(from, to, count) in &links {
        match links.iter().find(|back| (back.0, back.1) == (to, from)) {
            None => graph.wires.push(Wire { from, to, line: Line::Link, upward: false }),
            // One line with two ends, drawn the way in which more goes.
            Some(back) if (count, to) > (back.2, from) => {
                graph.wires.push(Wire { from, to, line: Line::Links, upward: false })
            }
            Some(_) => {}
        }
    }
    layers::turn_cycles(&mut graph);
    if diagram.sections.len() > MANY {
        thin(&mut graph, &links);
    }
    graph
}

/// Leaves out where a single thing acts on a part that is reached through others anyway.
fn thin(graph: &mut Graph, links: &[(usize, usize, usize)]) {
    let mut at = 0;
    while at < graph.wires.len() {
        let wire = graph.wires.remove(at);
        let weak = wire.line == Line::Link && links.contains(&(wire.from, wire.to, 1));
        if !weak || !layers::reaches(graph, wire.ends().0, wire.ends().1) {
            graph.wires.insert(at, wire);
            at += 1;
        }
    }
}

/// How many things in one part act on another, or turn into what is there.
pub fn links(diagram: &Diagram) -> Vec<(usize, usize, usize)> {
    let count = diagram.sections.len();
    let mut counts = vec![0; count * count];
    let inner = |node: &Node| matches!(node.kind, Kind::State | Kind::Computed);
    for influence in diagram.influences.iter().filter(|influence| inner(&diagram.nodes[influence.from])) {
        let to = match influence.on {
            Target::Node(at) => diagram.nodes[at].section,
            Target::Process(at) => diagram.processes[at].section,
        };
        counts[diagram.nodes[influence.from].section * count + to] += 1;
    }
    for process in &diagram.processes {
        process.from.iter().for_each(|&node| counts[diagram.nodes[node].section * count + process.section] += 1);
        process.to.iter().for_each(|&node| counts[process.section * count + diagram.nodes[node].section] += 1);
    }
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    pairs
        .map(|(from, to)| (from, to, counts[from * count + to]))
        .filter(|&(from, to, links)| from != to && links > 0)
        .collect()
}

fn item(look: Look, name: &str, section: usize) -> Item {
    Item { look, label: label(name), name: name.to_string(), section, left: Vec::new(), right: Vec::new() }
}

fn pill(node: &Node, line: Line) -> Pill {
    let look = match node.kind {
        Kind::Dose => PillLook::Dose,
        Kind::Medium => PillLook::Medium,
        Kind::Gene => PillLook::Gene,
        Kind::State | Kind::Computed => PillLook::Of(node.section),
    };
    Pill { label: label(&node.name), name: node.name.clone(), look, line }
}

fn line(sign: Sign) -> Line {
    match sign {
        Sign::Raises => Line::Raises,
        Sign::Lowers => Line::Lowers,
        Sign::Either => Line::Either,
    }
}

/// Leaves the strongest, those that do the same beside one another.
fn shorten(pills: &mut Vec<Pill>) {
    if pills.len() > MOST_PILLS {
        let more = pills.split_off(MOST_PILLS - 1);
        let names: Vec<&str> = more.iter().map(|pill| pill.name.as_str()).collect();
        let label = format!("{} more", more.len());
        pills.push(Pill { label, name: names.join(", "), look: PillLook::More, line: Line::None });
    }
    pills.sort_by_key(|pill| pill.line.rank());
}
