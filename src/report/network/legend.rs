//! What the signs mean, below the panels. Only what the picture shows is explained.

use super::graph::{Line, Look, PillLook, SMALL};
use super::parts;
use crate::model::diagram::{Diagram, Kind, Sign};
use crate::report::plot::text_width;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    Item(Look),
    Pill(PillLook),
    Line(Line),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub sample: Sample,
    pub words: &'static str,
    pub x: f64,
    /// Of its middle.
    pub y: f64,
}

pub const SAMPLE: f64 = 40.0;
const PITCH: f64 = 28.0;

/// The entries in rows of the width, the first at `top`, and where they end.
pub fn entries(diagram: &Diagram, width: f64, top: f64) -> (Vec<Entry>, f64) {
    let kind = |kind| diagram.nodes.iter().any(|node| node.kind == kind);
    let sign = |sign| diagram.influences.iter().any(|influence| influence.sign == sign);
    let named = diagram.processes.iter().any(|process| !process.name.is_empty());
    let flows = !diagram.processes.is_empty();
    let apart = !parts::links(diagram).is_empty();
    let all = [
        (kind(Kind::State), Sample::Item(Look::State), "state"),
        (kind(Kind::Computed), Sample::Item(Look::Computed), "computed from states"),
        (named, Sample::Item(Look::Process), "process"),
        (flows, Sample::Line(Line::Made), "turns into"),
        (sign(Sign::Raises), Sample::Line(Line::Raises), "raises"),
        (sign(Sign::Lowers), Sample::Line(Line::Lowers), "lowers"),
        (sign(Sign::Either), Sample::Line(Line::Either), "raises or lowers"),
        (kind(Kind::Dose), Sample::Pill(PillLook::Dose), "dose"),
        (kind(Kind::Medium), Sample::Pill(PillLook::Medium), "in the medium"),
        (kind(Kind::Gene), Sample::Pill(PillLook::Gene), "gene"),
        (apart, Sample::Pill(PillLook::Of(0)), "box elsewhere, in the colour of its part"),
    ];
    let mut entries = Vec::new();
    let (mut x, mut y) = (0.0, top);
    for (_, sample, words) in all.into_iter().filter(|(there, ..)| *there) {
        let own = SAMPLE + 8.0 + text_width(words, SMALL) + 22.0;
        if x > 0.0 && x + own > width {
            (x, y) = (0.0, y + PITCH);
        }
        entries.push(Entry { sample, words, x: x + super::page::MARGIN, y });
        x += own;
    }
    (entries, y)
}
