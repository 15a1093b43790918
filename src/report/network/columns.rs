//! Which panel stands where: in columns that end at about the same height, as far as that goes in the order of the flow.

use super::graph::Graph;
use super::place::{Block, block};

pub const GUTTER: f64 = 18.0;
/// Wider pictures would need smaller letters on a screen.
pub const WIDEST: f64 = 1350.0;
/// Between the components of one panel.
const APART: (f64, f64) = (30.0, 24.0);
/// Widths at which layers are split and the components of a panel begin a new row.
const WIDTHS: [f64; 5] = [330.0, 400.0, 500.0, 600.0, 760.0];
const MOST_COLUMNS: usize = 4;
/// What a panel costs that stands further left than one before it, as a share of all.
const BACKWARDS: f64 = 0.004;
/// From the border of a panel to what it holds: sides, top with its title, bottom.
pub const PADDING: (f64, f64, f64) = (18.0, 48.0, 20.0);

/// The components of a panel with their places in it.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    pub width: f64,
    pub height: f64,
    pub places: Vec<(f64, f64)>,
}

/// For each column the panels in it.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub columns: Vec<Vec<usize>>,
    pub packed: Vec<Packed>,
    pub blocks: Vec<Vec<Block>>,
    /// The first panel goes across all columns and is in none of them.
    pub banner: bool,
}

/// Columns for panels, given by their components and the least width that their titles need.
pub fn columns(panels: &[(Vec<Graph>, f64)]) -> Columns {
    let mut best: Option<(f64, Columns)> = None;
    for limit in WIDTHS {
        let blocks: Vec<Vec<Block>> =
            panels.iter().map(|(graphs, _)| graphs.iter().map(|graph| block(graph.clone(), limit)).collect()).collect();
        let packed: Vec<Packed> =
            blocks.iter().zip(panels).map(|(blocks, (_, least))| pack(blocks, limit, *least)).collect();
        for (count, banner) in (1..=MOST_COLUMNS).flat_map(|count| [(count, false), (count, true)]) {
            let under = &packed[usize::from(banner).min(packed.len())..];
            if count > under.len() {
                continue;
            }
            let shares = share(under, count);
            let mut columns = listed(&shares, count);
            let mut cost = cost(&shares, count, under);
            if banner {
                columns.iter_mut().flatten().for_each(|panel| *panel += 1);
                // What it leaves free at its sides is lost.
                let width = size(&columns, &packed).0;
                cost += (packed[0].height + GUTTER) * (packed[0].width / width.max(1.0)).max(1.0).powi(4);
            }
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, Columns { columns, packed: packed.clone(), blocks: blocks.clone(), banner }));
            }
        }
    }
    best.map(|(_, columns)| columns).unwrap_or_default()
}

/// As little to scroll as can be, with letters as large as they were meant, and panels in their order.
fn cost(shares: &[usize], count: usize, packed: &[Packed]) -> f64 {
    let (width, height) = size(&listed(shares, count), packed);
    let back = (1..shares.len()).map(|at| shares[..at].iter().filter(|&&share| share > shares[at]).count());
    (height * (width / WIDEST).max(1.0).powi(2) + 0.05 * width) * (1.0 + BACKWARDS * back.sum::<usize>() as f64)
}

fn listed(shares: &[usize], count: usize) -> Vec<Vec<usize>> {
    (0..count).map(|column| (0..shares.len()).filter(|&panel| shares[panel] == column).collect()).collect()
}

/// The column of each panel: first in order, each column up to its share of the height, then moved and exchanged as long
/// as that lowers the cost. The first panel stays in the first column.
fn share(packed: &[Packed], count: usize) -> Vec<usize> {
    let total: f64 = packed.iter().map(|panel| panel.height).sum();
    let mut above = 0.0;
    let mut shares = Vec::new();
    for panel in packed {
        let middle = (above + panel.height / 2.0) / total.max(1.0);
        shares.push(((middle * count as f64) as usize).min(count - 1));
        above += panel.height;
    }
    let mut now = cost(&shares, count, packed);
    loop {
        let mut better = None;
        let mut consider = |shares: &[usize]| {
            let cost = cost(shares, count, packed);
            if cost < now - 1e-9 {
                now = cost;
                better = Some(shares.to_vec());
            }
        };
        for at in 1..shares.len() {
            for column in 0..count {
                let mut moved = shares.clone();
                moved[at] = column;
                consider(&moved);
            }
            for other in at + 1..shares.len() {
                let mut swapped = shares.clone();
                swapped.swap(at, other);
                consider(&swapped);
            }
        }
        match better {
            Some(found) => shares = found,
            None => return shares,
        }
    }
}

/// Width and height of all columns side by side.
pub fn size(columns: &[Vec<usize>], packed: &[Packed]) -> (f64, f64) {
    let width: f64 = columns.iter().map(|column| width(column, packed) + GUTTER).sum();
    let height = columns.iter().map(|column| height(column, packed)).fold(0.0, f64::max);
    (width - GUTTER, height)
}

pub fn width(column: &[usize], packed: &[Packed]) -> f64 {
    column.iter().map(|&panel| packed[panel].width).fold(0.0, f64::max)
}

pub fn height(column: &[usize], packed: &[Packed]) -> f64 {
    column.iter().map(|&panel| packed[panel].height + GUTTER).sum::<f64>() - GUTTER
}

/// Components in rows that end at the width `limit`.
fn pack(blocks: &[Block], limit: f64, least: f64) -> Packed {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut x = f64::INFINITY;
    // Tall ones first, so that rows are even.
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by(|&a, &b| blocks[b].height.total_cmp(&blocks[a].height));
    for at in order {
        let width = blocks[at].width;
        if x + width > limit {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push(at);
        }
        x += width + APART.0;
    }
    let row_width = |row: &[usize]| row.iter().map(|&at| blocks[at].width + APART.0).sum::<f64>() - APART.0;
    let inner = rows.iter().map(|row| row_width(row)).fold(least, f64::max);
    let mut packed =
        Packed { width: inner + 2.0 * PADDING.0, places: vec![(0.0, 0.0); blocks.len()], ..Packed::default() };
    let mut y = PADDING.1;
    for row in &rows {
        let mut x = PADDING.0 + (inner - row_width(row)) / 2.0;
        for &at in row {
            packed.places[at] = (x, y);
            x += blocks[at].width + APART.0;
        }
        y += row.iter().map(|&at| blocks[at].height).fold(0.0, f64::max) + APART.1;
    }
    packed.height = y - APART.1 + PADDING.2;
    packed
}
