//! Where items and wires of one connected graph lie.

use super::graph::{GAP, Graph, Look, PILL, PITCH, REACH};
use super::layers::{self, Layered};

/// Between the box of one layer and the next.
const FALL: f64 = 30.0;
/// Half of the room that a passing wire has.
const PASS: f64 = 5.0;
const SWEEPS: usize = 200;
/// How much all want to the middle, beside what their wires want: it keeps pictures narrow.
const INWARDS: f64 = 0.12;
/// Between two wires at the same side of a box.
const PORT: f64 = 13.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

#[derive(Debug, Clone)]
pub struct Block {
    pub graph: Graph,
    pub width: f64,
    pub height: f64,
    /// Of each item, without its pills.
    pub boxes: Vec<Rect>,
    /// Of each wire: points from its beginning to its end, every other piece straight, starting with a straight one.
    pub ways: Vec<Vec<(f64, f64)>>,
}

/// Lays out `graph` with layers up to the width `limit`, where that can be.
pub fn block(graph: Graph, limit: f64) -> Block {
    let layered = layers::layered(&graph, limit);
    let extents: Vec<(f64, f64)> = layered
        .vertices
        .iter()
        .map(|vertex| vertex.item.map_or((PASS, PASS), |item| graph.items[item].extents()))
        .collect();
    let middles = middles(&graph, &layered, &extents);
    let left = middles.iter().zip(&extents).map(|(x, e)| x - e.0).fold(f64::INFINITY, f64::min);
    let right = middles.iter().zip(&extents).map(|(x, e)| x + e.1).fold(f64::NEG_INFINITY, f64::max);
    let middles: Vec<f64> = middles.iter().map(|x| x - left).collect();

    let mut rows = Vec::new();
    let mut bottom = 0.0;
    for layer in &layered.order {
        let items = layer.iter().filter_map(|&vertex| layered.vertices[vertex].item);
        let height = items.map(|item| graph.items[item].height()).fold(0.0, f64::max);
        rows.push((bottom, bottom + height));
        bottom += height + FALL;
    }
    let boxes: Vec<Rect> = graph
        .items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let (top, bottom) = rows[layered.vertices[at].layer];
            let (width, height) = (item.width(), item.height());
            Rect { x: middles[at] - width / 2.0, y: (top + bottom - height) / 2.0, width, height }
        })
        .collect();
    let ways = ways(&graph, &layered, &middles, &rows, &boxes);
    Block { width: right - left, height: (bottom - FALL).max(0.0), graph, boxes, ways }
}

/// The horizontal middle of each vertex: as near to those of its neighbours as the order and the widths allow.
fn middles(graph: &Graph, layered: &Layered, extents: &[(f64, f64)]) -> Vec<f64> {
    let mut links: Vec<Vec<(usize, f64)>> = vec![Vec::new(); layered.vertices.len()];
    let segments = layers::segments(layered);
    for route in &layered.routes {
        let flow = graph.wires[route.wire].line.is_flow();
        for pair in route.vertices.windows(2) {
            let passing = pair.iter().filter(|&&vertex| layered.vertices[vertex].item.is_none()).count();
            // A way that neither splits nor joins is a straight line.
            let alone = |end: usize| {
                segments.iter().filter(|s| if end == 0 { s.0 == pair[0] } else { s.1 == pair[1] }).count() == 1
            };
            let chain = if alone(0) && alone(1) { 3.0 } else { 1.0 };
            let weight = [1.0, 2.0, 6.0][passing] * chain * if flow { 4.0 } else { 1.0 };
            links[pair[0]].push((pair[1], weight));
            links[pair[1]].push((pair[0], weight));
        }
    }
    let mut middles = vec![0.0; layered.vertices.len()];
    for layer in &layered.order {
        let wanted: Vec<(f64, f64)> = layer.iter().map(|_| (0.0, 1.0)).collect();
        spread(layer, &wanted, extents, &mut middles);
    }
    for sweep in 0..SWEEPS {
        let centre = middles.iter().sum::<f64>() / middles.len().max(1) as f64;
        let depth = layered.order.len();
        for step in 0..depth {
            let layer = &layered.order[if sweep % 2 == 0 { step } else { depth - 1 - step }];
            let wanted: Vec<(f64, f64)> = layer
                .iter()
                .map(|&vertex| {
                    let weight: f64 = links[vertex].iter().map(|(_, weight)| weight).sum();
                    let sum: f64 = links[vertex].iter().map(|&(other, weight)| weight * middles[other]).sum();
                    let pull = INWARDS * weight;
                    if weight > 0.0 { ((sum + pull * centre) / (weight + pull), weight) } else { (centre, 0.1) }
                })
                .collect();
            spread(layer, &wanted, extents, &mut middles);
        }
    }
    straighten(layered, &segments, extents, &mut middles);
    middles
}

/// Puts ways that neither split nor join on one line, where the neighbours leave room for it.
fn straighten(layered: &Layered, segments: &[(usize, usize)], extents: &[(f64, f64)], middles: &mut [f64]) {
    let next = |vertex: usize| {
        let mut below = segments.iter().filter(|segment| segment.0 == vertex).map(|segment| segment.1);
        let only = below.next().filter(|_| below.next().is_none())?;
        (segments.iter().filter(|segment| segment.1 == only).count() == 1).then_some(only)
    };
    let within: Vec<bool> =
        (0..middles.len()).map(|vertex| (0..middles.len()).any(|above| next(above) == Some(vertex))).collect();
    for first in (0..middles.len()).filter(|&vertex| !within[vertex]) {
        let chain: Vec<usize> = std::iter::successors(Some(first), |&vertex| next(vertex)).collect();
        let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
        for &vertex in &chain {
            let layer = &layered.order[layered.vertices[vertex].layer];
            let Some(at) = layer.iter().position(|&other| other == vertex) else { continue };
            if at > 0 {
                let left = layer[at - 1];
                least = least.max(middles[left] + extents[left].1 + GAP + extents[vertex].0);
            }
            if let Some(&right) = layer.get(at + 1) {
                most = most.min(middles[right] - extents[right].0 - GAP - extents[vertex].1);
            }
        }
        if least <= most {
            let mean = chain.iter().map(|&vertex| middles[vertex]).sum::<f64>() / chain.len() as f64;
            chain.iter().for_each(|&vertex| middles[vertex] = mean.clamp(least, most));
        }
    }
}

/// Places the vertices of one layer as near to what each wants as their order and extents allow, in least squares:
/// neighbours that would overlap become one group at their common mean.
fn spread(layer: &[usize], wanted: &[(f64, f64)], extents: &[(f64, f64)], middles: &mut [f64]) {
    let mut offsets = Vec::new();
    let mut offset = 0.0;
    for (at, &vertex) in layer.iter().enumerate() {
        if at > 0 {
            offset += extents[layer[at - 1]].1 + GAP + extents[vertex].0;
        }
        offsets.push(offset);
    }
    // Mean, weight and number of each group.
    let mut groups: Vec<(f64, f64, usize)> = Vec::new();
    for (&(place, weight), offset) in wanted.iter().zip(&offsets) {
        let mut group = (place - offset, weight, 1);
        while let Some(&(mean, before, count)) = groups.last().filter(|last| last.0 > group.0) {
            groups.pop();
            let sum = before + group.1;
            group = ((mean * before + group.0 * group.1) / sum, sum, count + group.2);
        }
        groups.push(group);
    }
    let places = groups.into_iter().flat_map(|(mean, _, count)| std::iter::repeat_n(mean, count));
    for ((place, &vertex), offset) in places.zip(layer).zip(&offsets) {
        middles[vertex] = place + offset;
    }
}

fn ways(
    graph: &Graph,
    layered: &Layered,
    middles: &[f64],
    rows: &[(f64, f64)],
    boxes: &[Rect],
) -> Vec<Vec<(f64, f64)>> {
    let mut ways = vec![Vec::new(); graph.wires.len()];
    for route in &layered.routes {
        let (Some(&first), Some(&last)) = (route.vertices.first(), route.vertices.last()) else { continue };
        let mut way =
            vec![(port(layered, middles, boxes, graph, route.wire, true), boxes[first].y + boxes[first].height)];
        way.push((way[0].0, rows[layered.vertices[first].layer].1));
        for &vertex in &route.vertices[1..route.vertices.len() - 1] {
            let (top, bottom) = rows[layered.vertices[vertex].layer];
            way.push((middles[vertex], top));
            way.push((middles[vertex], bottom));
        }
        let end = port(layered, middles, boxes, graph, route.wire, false);
        way.push((end, rows[layered.vertices[last].layer].0));
        way.push((end, boxes[last].y));
        if graph.wires[route.wire].upward {
            way.reverse();
        }
        ways[route.wire] = way;
    }
    ways
}

/// Where a wire leaves the bottom of its upper item, or meets the top of its lower one: beside the others there, in the
/// order in which they come.
fn port(layered: &Layered, middles: &[f64], boxes: &[Rect], graph: &Graph, wire: usize, upper: bool) -> f64 {
    let own = |route: &&layers::Route| {
        if upper { route.vertices[0] } else { route.vertices[route.vertices.len() - 1] }
    };
    let next = |route: &layers::Route| {
        middles[if upper { route.vertices[1] } else { route.vertices[route.vertices.len() - 2] }]
    };
    let Some(at) = layered.routes.iter().find(|route| route.wire == wire).map(|route| own(&route)) else { return 0.0 };
    let mut wires: Vec<(f64, usize)> =
        layered.routes.iter().filter(|route| own(route) == at).map(|route| (next(route), route.wire)).collect();
    wires.sort_by(|a, b| a.0.total_cmp(&b.0));
    let place = wires.iter().position(|&(_, other)| other == wire).unwrap_or_default();
    let free = if graph.items[at].look == Look::Dot { 0.0 } else { boxes[at].width - 20.0 };
    let pitch = PORT.min(free.max(0.0) / wires.len() as f64);
    middles[at] + (place as f64 - (wires.len() - 1) as f64 / 2.0) * pitch
}

impl Block {
    /// What a pill at the side of an item takes up; its number counts from the top.
    pub fn pill(&self, item: usize, at: usize, left: bool) -> Rect {
        let (own, place) = (&self.graph.items[item], self.boxes[item]);
        let pills = if left { &own.left } else { &own.right };
        let middle = place.y + place.height / 2.0 + (at as f64 - (pills.len() - 1) as f64 / 2.0) * PITCH;
        let width = pills[at].width();
        let x = if left { place.x - REACH - width } else { place.x + place.width + REACH };
        Rect { x, y: middle - PILL / 2.0, width, height: PILL }
    }
}
