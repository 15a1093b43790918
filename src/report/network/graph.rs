//! What is laid out: items with pills at their sides, and wires between them.

use super::super::plot::text_width;

/// Font sizes of boxes and of pills.
pub const TEXT: f64 = 13.0;
pub const SMALL: f64 = 11.5;
pub const PILL: f64 = 19.0;
/// From one pill to the next below it.
pub const PITCH: f64 = 23.0;
/// How much wider bold letters are.
const BOLD: f64 = 1.1;
/// Between neighbours in a layer.
pub const GAP: f64 = 22.0;
/// Room for the arrow between a pill and its box.
pub const REACH: f64 = 24.0;

#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub items: Vec<Item>,
    pub wires: Vec<Wire>,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub look: Look,
    pub label: String,
    /// As the model calls it.
    pub name: String,
    /// The number of the part whose colour it has.
    pub section: usize,
    pub left: Vec<Pill>,
    pub right: Vec<Pill>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    State,
    Computed,
    Process,
    /// A process without a name.
    Dot,
    /// A whole part, in the overview.
    Part,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pill {
    pub label: String,
    pub name: String,
    pub look: PillLook,
    pub line: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PillLook {
    Dose,
    Medium,
    Gene,
    /// A box of the part of this number.
    Of(usize),
    /// How many more there are.
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    pub from: usize,
    pub to: usize,
    pub line: Line,
    /// It closes a cycle: its end stands above its beginning.
    pub upward: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Into a process.
    Used,
    /// Out of one.
    Made,
    Raises,
    Lowers,
    Either,
    /// Between parts, one way or both.
    Link,
    Links,
    None,
}

impl Line {
    /// In which order pills stand below one another.
    pub fn rank(self) -> usize {
        match self {
            Line::Used | Line::Made | Line::Link | Line::Links => 0,
            Line::Raises => 1,
            Line::Lowers => 2,
            Line::Either => 3,
            Line::None => 4,
        }
    }

    pub fn is_flow(self) -> bool {
        matches!(self, Line::Used | Line::Made)
    }
}

impl Wire {
    /// The process that a flow belongs to.
    pub fn process(&self) -> Option<usize> {
        match self.line {
            Line::Used => Some(self.to),
            Line::Made => Some(self.from),
            _ => None,
        }
    }

    /// Upper and lower item.
    pub fn ends(&self) -> (usize, usize) {
        if self.upward { (self.to, self.from) } else { (self.from, self.to) }
    }
}

impl Item {
    pub fn width(&self) -> f64 {
        match self.look {
            Look::Dot => 14.0,
            Look::Process => text_width(&self.label, SMALL) + 18.0,
            Look::Computed => text_width(&self.label, TEXT) + 24.0,
            Look::State | Look::Part => text_width(&self.label, TEXT) * BOLD + 22.0,
        }
    }

    /// Tall enough for each pill to have an arrow of its own.
    pub fn height(&self) -> f64 {
        let least = match self.look {
            Look::Dot => 14.0,
            Look::Process => 24.0,
            _ => 32.0,
        };
        let pills = self.left.len().max(self.right.len()) as f64;
        if pills > 1.0 { f64::max(least, pills * PITCH + 2.0) } else { least }
    }

    /// From the middle to the outermost left and right.
    pub fn extents(&self) -> (f64, f64) {
        let side = |pills: &[Pill]| {
            let widest = pills.iter().map(Pill::width).fold(0.0, f64::max);
            self.width() / 2.0 + if pills.is_empty() { 0.0 } else { widest + REACH }
        };
        (side(&self.left), side(&self.right))
    }
}

impl Pill {
    pub fn width(&self) -> f64 {
        let plain = text_width(&self.label, SMALL);
        match self.look {
            PillLook::Gene => plain * BOLD + 6.0,
            PillLook::Dose => plain * BOLD + 16.0,
            PillLook::Medium | PillLook::Of(_) | PillLook::More => plain + 16.0,
        }
    }
}

impl Graph {
    /// The connected parts, in the order of their first items.
    pub fn components(&self) -> Vec<Graph> {
        let mut group: Vec<usize> = (0..self.items.len()).collect();
        for _ in 0..self.items.len() {
            let before = group.clone();
            for wire in &self.wires {
                let least = group[wire.from].min(group[wire.to]);
                (group[wire.from], group[wire.to]) = (least, least);
            }
            if group == before {
                break;
            }
        }
        let mut roots = group.clone();
        roots.sort_unstable();
        roots.dedup();
        roots
            .into_iter()
            .map(|root| {
                let own: Vec<usize> = (0..self.items.len()).filter(|&at| group[at] == root).collect();
                let place = |item: usize| own.binary_search(&item).unwrap_or_default();
                Graph {
                    items: own.iter().map(|&at| self.items[at].clone()).collect(),
                    wires: self
                        .wires
                        .iter()
                        .filter(|wire| group[wire.from] == root)
                        .map(|wire| Wire { from: place(wire.from), to: place(wire.to), ..*wire })
                        .collect(),
                }
            })
            .collect()
    }
}
