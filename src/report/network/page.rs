//! The whole picture: which panels there are, in which order and where.

use super::columns::{self, Columns, GUTTER, PADDING};
use super::place::{Block, Rect};
use super::{legend, parts};
use crate::model::diagram::Diagram;
use crate::report::plot::text_width;

pub const MARGIN: f64 = 20.0;
/// Above the panels, for the name of the model.
pub const HEAD: f64 = 62.0;
pub const TITLE: f64 = 16.0;
/// More parts than this stay in the order of the file.
const MOST_ORDERED: usize = 18;

pub struct Page {
    pub width: f64,
    pub height: f64,
    pub panels: Vec<Panel>,
    pub legend: Vec<legend::Entry>,
}

pub struct Panel {
    pub title: String,
    /// None for the overview.
    pub section: Option<usize>,
    pub rect: Rect,
    /// Blocks and where they lie on the page.
    pub blocks: Vec<((f64, f64), Block)>,
}

pub fn page(diagram: &Diagram) -> Page {
    let mut titles = Vec::new();
    let mut contents = Vec::new();
    let least = |title: &str| text_width(title, TITLE) + 8.0;
    if diagram.sections.len() > 2 {
        let title = "How the parts hang together".to_string();
        let graphs = parts::overview(diagram).components();
        contents.push((graphs, least(&title)));
        titles.push((title, None));
    }
    for section in flow(diagram) {
        let graphs = parts::graph(diagram, section).components();
        let title = diagram.sections[section].clone();
        contents.push((graphs, least(&title)));
        titles.push((title, Some(section)));
    }
    let found = columns::columns(&contents);
    let Columns { columns, packed, mut blocks, banner } = found;
    let (width, height) = columns::size(&columns, &packed);
    let width = width.max(600.0);
    let mut panels = Vec::new();
    let mut put = |at: usize, rect: Rect| {
        // What a panel has beyond its need is free on all sides.
        let shift = (rect.x + (rect.width - packed[at].width) / 2.0, rect.y + (rect.height - packed[at].height) / 2.0);
        let placed = std::mem::take(&mut blocks[at]).into_iter().zip(&packed[at].places);
        panels.push(Panel {
            title: titles[at].0.clone(),
            section: titles[at].1,
            rect,
            blocks: placed.map(|(block, place)| ((shift.0 + place.0, shift.1 + place.1), block)).collect(),
        });
    };
    let mut top = HEAD;
    if banner {
        put(0, Rect { x: MARGIN, y: top, width: width.max(packed[0].width), height: packed[0].height });
        top += packed[0].height + GUTTER;
    }
    let mut x = MARGIN;
    for column in &columns {
        let own = columns::width(column, &packed);
        // What the column lacks in height its panels get in equal shares.
        let more = (height - columns::height(column, &packed)) / column.len().max(1) as f64;
        let mut y = top;
        for &at in column {
            let rect = Rect { x, y, width: own, height: packed[at].height + more };
            put(at, rect);
            y += rect.height + GUTTER;
        }
        x += own + GUTTER;
    }
    let width = if banner { width.max(packed[0].width) } else { width };
    let height = top - HEAD + height.max(0.0);
    let (legend, foot) = legend::entries(diagram, width, HEAD + height + 30.0);
    Page { width: width + 2.0 * MARGIN, height: foot + PADDING.2, panels, legend }
}

/// The parts in an order in which as little as possible acts backwards; those of the file where that does not matter.
fn flow(diagram: &Diagram) -> Vec<usize> {
    let count = diagram.sections.len();
    if count > MOST_ORDERED {
        return (0..count).collect();
    }
    let links = parts::links(diagram);
    let acts: Vec<Vec<(usize, usize)>> = (0..count)
        .map(|part| links.iter().filter(|(from, ..)| *from == part).map(|&(_, to, links)| (to, links)).collect())
        .collect();
    // For each set of parts that come first: the fewest links backwards into it, and which of it comes last.
    let mut best = vec![(usize::MAX, 0); 1 << count];
    best[0] = (0, 0);
    for set in 1..best.len() {
        for last in (0..count).rev().filter(|last| set >> last & 1 == 1) {
            let rest = set & !(1 << last);
            let backwards: usize =
                acts[last].iter().filter(|(to, _)| rest >> to & 1 == 1).map(|(_, links)| links).sum();
            let cost = best[rest].0.saturating_add(backwards);
            if cost < best[set].0 {
                best[set] = (cost, last);
            }
        }
    }
    let mut order = Vec::new();
    let mut set = best.len() - 1;
    while set != 0 {
        order.push(best[set].1);
        set &= !(1 << best[set].1);
    }
    order.reverse();
    order
}

/// Baseline of a text of that size whose middle is at `y`.
pub fn baseline(y: f64, size: f64) -> f64 {
    y + size * 0.35
}
