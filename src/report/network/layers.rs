//! Layers from top to bottom, and the order within each that lets few wires cross.

use super::graph::{GAP, Graph, Wire};

/// Sweeps over all layers.
const SWEEPS: usize = 16;

/// An item in its layer, or a place where a wire passes through one.
#[derive(Debug, Clone, Copy)]
pub struct Vertex {
    pub item: Option<usize>,
    pub layer: usize,
}

/// The way of a wire from the upper item to the lower.
#[derive(Debug, Clone)]
pub struct Route {
    pub wire: usize,
    pub vertices: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Layered {
    pub vertices: Vec<Vertex>,
    pub routes: Vec<Route>,
    /// The vertices of each layer from left to right.
    pub order: Vec<Vec<usize>>,
}

/// Turns wires upwards where they would close a cycle. A process that leads back to where another came from is turned as
/// a whole, so that it stands beside the other and not below it.
pub fn turn_cycles(graph: &mut Graph) {
    let all = std::mem::take(&mut graph.wires);
    for group in all.chunk_by(|a, b| a.process().is_some() && a.process() == b.process()) {
        let turned = |upward: bool| group.iter().map(move |wire| Wire { upward, ..*wire });
        let kept = graph.wires.len();
        if [false, true].into_iter().any(|upward| {
            graph.wires.truncate(kept);
            turned(upward).all(|wire| add(graph, wire))
        }) {
            continue;
        }
        graph.wires.truncate(kept);
        for wire in turned(false) {
            if !add(graph, wire) {
                graph.wires.push(Wire { upward: true, ..wire });
            }
        }
    }
}

/// Adds a wire unless it closes a cycle.
fn add(graph: &mut Graph, wire: Wire) -> bool {
    let (upper, lower) = wire.ends();
    let free = !reaches(graph, lower, upper);
    if free {
        graph.wires.push(wire);
    }
    free
}

/// Whether `to` stands below `from`, or is the same.
pub fn reaches(graph: &Graph, from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.items.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(graph.wires.iter().map(|wire| wire.ends()).filter(|(upper, _)| *upper == at).map(|(_, l)| l));
        }
    }
    false
}

/// The layer of each item.
pub fn levels(graph: &Graph) -> Vec<usize> {
    let count = graph.items.len();
    let mut levels = vec![0; count];
    // Longest ways; without cycles they are found after as many rounds as there are items.
    for _ in 0..count {
        for wire in &graph.wires {
            let (upper, lower) = wire.ends();
            levels[lower] = levels[lower].max(levels[upper] + 1).min(count);
        }
    }
    // What has more below than above moves down to it.
    for _ in 0..count {
        for at in 0..count {
            let below = graph.wires.iter().map(|wire| wire.ends()).filter(|(upper, _)| *upper == at);
            let above = graph.wires.iter().filter(|wire| wire.ends().1 == at).count();
            let nearest = below.clone().map(|(_, lower)| levels[lower]).min();
            if let Some(nearest) = nearest.filter(|&level| below.count() > above && level > 0) {
                levels[at] = levels[at].max(nearest - 1);
            }
        }
    }
    let top = levels.iter().copied().min().unwrap_or_default();
    levels.iter().map(|level| level - top).collect()
}

/// Moves what only gives upwards and what only takes downwards, until no layer is wider than `limit` or nothing is left
/// to move.
fn narrow(graph: &Graph, levels: &[usize], limit: f64) -> Vec<usize> {
    let count = graph.items.len();
    let mut levels: Vec<usize> = levels.iter().map(|level| level + count).collect();
    let width = |at: usize| graph.items[at].extents().0 + graph.items[at].extents().1 + GAP;
    let source = |at: usize| !graph.wires.iter().any(|wire| wire.ends().1 == at);
    let sink = |at: usize| !graph.wires.iter().any(|wire| wire.ends().0 == at);
    for _ in 0..count * count {
        let layers = (0..3 * count).map(|level| (0..count).filter(|&at| levels[at] == level).collect::<Vec<_>>());
        let wide = |layer: &Vec<usize>| layer.len() > 1 && layer.iter().map(|&at| width(at)).sum::<f64>() > limit + GAP;
        let Some(layer) = layers.into_iter().find(wide) else { break };
        let free = |at: usize| source(at) && levels[at] > 0 || sink(at) && levels[at] + 1 < 3 * count;
        // The last in the file: the first are the main way.
        match layer.into_iter().rfind(|&at| free(at)) {
            Some(at) if source(at) => levels[at] -= 1,
            Some(at) => levels[at] += 1,
            None => break,
        }
    }
    let top = levels.iter().copied().min().unwrap_or_default();
    levels.iter().map(|level| level - top).collect()
}

pub fn layered(graph: &Graph, limit: f64) -> Layered {
    let levels = narrow(graph, &levels(graph), limit);
    let mut layered = Layered {
        vertices: levels.iter().enumerate().map(|(at, &layer)| Vertex { item: Some(at), layer }).collect(),
        ..Layered::default()
    };
    for (at, wire) in graph.wires.iter().enumerate() {
        let (upper, lower) = wire.ends();
        let mut vertices = vec![upper];
        for layer in levels[upper] + 1..levels[lower] {
            vertices.push(layered.vertices.len());
            layered.vertices.push(Vertex { item: None, layer });
        }
        vertices.push(lower);
        layered.routes.push(Route { wire: at, vertices });
    }
    let depth = layered.vertices.iter().map(|vertex| vertex.layer + 1).max().unwrap_or_default();
    layered.order = vec![Vec::new(); depth];
    for (at, vertex) in layered.vertices.iter().enumerate() {
        layered.order[vertex.layer].push(at);
    }
    uncross(&mut layered);
    layered
}

/// Pairs of vertices in neighbouring layers that a wire joins, upper first.
pub fn segments(layered: &Layered) -> Vec<(usize, usize)> {
    layered.routes.iter().flat_map(|route| route.vertices.windows(2).map(|pair| (pair[0], pair[1]))).collect()
}

fn uncross(layered: &mut Layered) {
    let segments = segments(layered);
    let mut best = layered.order.clone();
    let mut fewest = crossings(&best, &segments, layered.vertices.len());
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let depth = layered.order.len();
        let layers: Vec<usize> = if down { (1..depth).collect() } else { (0..depth.saturating_sub(1)).rev().collect() };
        for layer in layers {
            let places = places(&layered.order, layered.vertices.len());
            let mut keyed: Vec<(f64, usize)> = layered.order[layer]
                .iter()
                .map(|&vertex| {
                    let others = segments.iter().filter_map(|&(upper, lower)| match down {
                        true => (lower == vertex).then_some(upper),
                        false => (upper == vertex).then_some(lower),
                    });
                    let (sum, count) = others.fold((0.0, 0.0), |(s, c), other| (s + places[other], c + 1.0));
                    (if count > 0.0 { sum / count } else { places[vertex] }, vertex)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layered.order[layer] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
            swap_neighbours(layered, &segments, layer);
        }
        let count = crossings(&layered.order, &segments, layered.vertices.len());
        if count < fewest {
            (best, fewest) = (layered.order.clone(), count);
        }
    }
    layered.order = best;
}

/// Swaps neighbours in one layer as long as that takes crossings away.
fn swap_neighbours(layered: &mut Layered, segments: &[(usize, usize)], layer: usize) {
    let total = layered.vertices.len();
    let mut now = crossings(&layered.order, segments, total);
    for at in 1..layered.order[layer].len() {
        layered.order[layer].swap(at - 1, at);
        let swapped = crossings(&layered.order, segments, total);
        if swapped < now {
            now = swapped;
        } else {
            layered.order[layer].swap(at - 1, at);
        }
    }
}

/// Where each vertex stands in its layer, as a share of its width.
fn places(order: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut places = vec![0.0; count];
    for layer in order {
        for (at, &vertex) in layer.iter().enumerate() {
            places[vertex] = (at as f64 + 0.5) / layer.len() as f64;
        }
    }
    places
}

fn crossings(order: &[Vec<usize>], segments: &[(usize, usize)], count: usize) -> usize {
    let mut layer_of = vec![0; count];
    for (layer, vertices) in order.iter().enumerate() {
        vertices.iter().for_each(|&vertex| layer_of[vertex] = layer);
    }
    let places = places(order, count);
    let crossed = |a: &(usize, usize), b: &(usize, usize)| {
        layer_of[a.0] == layer_of[b.0] && (places[a.0] - places[b.0]) * (places[a.1] - places[b.1]) < 0.0
    };
    segments.iter().enumerate().map(|(at, a)| segments[at + 1..].iter().filter(|b| crossed(a, b)).count()).sum()
}
