//! The picture as SVG.

use super::graph::{Item, Line, Look, Pill, PillLook, SMALL, TEXT};
use super::legend::{Entry, SAMPLE, Sample};
use super::page::{MARGIN, Page, Panel, TITLE, baseline, page};
use super::place::{Block, Rect};
use super::style::{part, stylesheet};
use crate::model::diagram::{Diagram, Kind};
use crate::report::plot::{Theme, escape, stylesheet as plots};
use std::fmt::Write;

const HINT: &str =
    "Things turn into one another from top to bottom. What acts on a box stands at its left, genes at its right.";

/// As a file of its own, light or dark as the reader's system is.
pub fn standalone(diagram: &Diagram) -> String {
    let rules = |theme, page| format!("{}{}.network{{background:{page}}}", plots(theme), stylesheet(theme));
    let style = format!(
        "<style>{}@media (prefers-color-scheme:dark){{{}}}</style>",
        rules(Theme::Light, "#fff"),
        rules(Theme::Dark, "#161b23")
    );
    svg(diagram, &style) + "\n"
}

/// For a page that has the style sheets.
pub fn inline(diagram: &Diagram) -> String {
    svg(diagram, "")
}

fn svg(diagram: &Diagram, head: &str) -> String {
    let page = page(diagram);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg class=\"plot network\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" width=\"{0:.0}\" \
         height=\"{1:.0}\" role=\"img\"><title>Diagram of the model {}</title><desc>{}</desc>{head}",
        page.width.ceil(),
        page.height.ceil(),
        escape(&diagram.title),
        escape(&description(diagram))
    );
    let _ = write!(
        svg,
        "<text x=\"{MARGIN}\" y=\"30\" font-size=\"21\" font-weight=\"700\">{}</text>\
         <text class=\"soft\" x=\"{MARGIN}\" y=\"50\" font-size=\"12.5\">{HINT}</text>",
        escape(&capital(&diagram.title))
    );
    page.panels.iter().for_each(|panel| draw_panel(&mut svg, panel));
    draw_legend(&mut svg, &page);
    svg.push_str("</svg>");
    svg
}

fn description(diagram: &Diagram) -> String {
    let count = |kind| diagram.nodes.iter().filter(|node| node.kind == kind).count();
    format!(
        "{} states and {} processes in {} parts ({}), with {} doses and {} genes that act on them.",
        count(Kind::State),
        diagram.processes.len(),
        diagram.sections.len(),
        diagram.sections.join(", "),
        count(Kind::Dose),
        count(Kind::Gene)
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn draw_panel(svg: &mut String, panel: &Panel) {
    let Rect { x, y, width, height } = panel.rect;
    let class = panel.section.map_or("link".to_string(), part);
    let _ = write!(
        svg,
        "<g class=\"{class}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"14\" \
         fill=\"currentColor\" fill-opacity=\"0.05\" stroke=\"currentColor\" stroke-opacity=\"0.4\"/>\
         <text class=\"own\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{TITLE}\" font-weight=\"700\">{}</text></g>",
        x + 16.0,
        y + 27.0,
        escape(&panel.title)
    );
    for ((x, y), block) in &panel.blocks {
        let _ = write!(svg, "<g transform=\"translate({x:.1} {y:.1})\">");
        draw_block(svg, block);
        svg.push_str("</g>");
    }
}

/// Lines first, so that boxes lie above them.
fn draw_block(svg: &mut String, block: &Block) {
    for (wire, way) in block.graph.wires.iter().zip(&block.ways) {
        draw_way(svg, wire.line, way);
    }
    for (at, item) in block.graph.items.iter().enumerate() {
        let place = block.boxes[at];
        for left in [true, false] {
            let pills = if left { &item.left } else { &item.right };
            for (number, pill) in pills.iter().enumerate() {
                let rect = block.pill(at, number, left);
                let y = rect.y + rect.height / 2.0;
                let (inner, outer) =
                    if left { (place.x, rect.x + rect.width) } else { (place.x + place.width, rect.x) };
                let (from, to) = if pill.line == Line::Made { (inner, outer) } else { (outer, inner) };
                draw_way(svg, pill.line, &[(from, y), (to, y)]);
                draw_pill(svg, pill, rect);
            }
        }
        draw_item(svg, item, place);
    }
}

fn draw_item(svg: &mut String, item: &Item, place: Rect) {
    let Rect { x, y, width, height } = place;
    let shape = |radius: f64, paint: &str| {
        format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\" {paint}/>")
    };
    let white = shape(7.0, "class=\"hole\"");
    let (shape, size, words) = match item.look {
        Look::State | Look::Part => {
            let paint = "fill=\"currentColor\" fill-opacity=\"0.13\" stroke=\"currentColor\" stroke-width=\"1.8\"";
            (white + &shape(7.0, paint), TEXT, "font-weight=\"600\"")
        }
        Look::Computed => {
            let paint = "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" stroke-dasharray=\"5 3\"";
            (white + &shape(7.0, paint), TEXT, "font-style=\"italic\"")
        }
        Look::Process => {
            let paint = "class=\"flow\" fill=\"currentColor\" fill-opacity=\"0.1\"";
            (shape(12.0, "class=\"hole\"") + &shape(12.0, paint), SMALL, "font-style=\"italic\"")
        }
        Look::Dot => (shape(7.0, "class=\"flow\" fill=\"currentColor\""), SMALL, ""),
    };
    let _ = write!(svg, "<g class=\"{}\"><title>{}</title>{shape}", part(item.section), escape(&item.name));
    if item.look != Look::Dot {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\" {words}>{}</text>",
            x + width / 2.0,
            baseline(y + height / 2.0, size),
            escape(&item.label)
        );
    }
    svg.push_str("</g>");
}

fn draw_pill(svg: &mut String, pill: &Pill, place: Rect) {
    let Rect { x, y, width, height } = place;
    let (class, paint, words) = match pill.look {
        PillLook::Dose => ("dose".to_string(), "fill=\"currentColor\"", "class=\"on-dose\" font-weight=\"600\""),
        PillLook::Medium => ("dose".to_string(), "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.3\"", ""),
        PillLook::Of(section) => (
            part(section),
            "fill=\"currentColor\" fill-opacity=\"0.13\" stroke=\"currentColor\" stroke-opacity=\"0.55\"",
            "class=\"own\"",
        ),
        PillLook::Gene | PillLook::More => ("gene".to_string(), "fill=\"none\"", "class=\"own\" font-weight=\"600\""),
    };
    let _ = write!(
        svg,
        "<g class=\"{class}\"><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         rx=\"{:.1}\" {paint}/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{SMALL}\" text-anchor=\"middle\" {words}>{}</text></g>",
        escape(&pill.name),
        height / 2.0,
        x + width / 2.0,
        baseline(y + height / 2.0, SMALL),
        escape(&pill.label)
    );
}

/// A line along points: every other piece is straight, those between are curves that leave and arrive straight.
fn draw_way(svg: &mut String, line: Line, way: &[(f64, f64)]) {
    let (class, width) = match line {
        Line::Used | Line::Made => ("flow", 1.7),
        Line::Raises => ("up", 1.3),
        Line::Lowers => ("down", 1.3),
        Line::Either => ("either", 1.3),
        Line::Link | Line::Links => ("link", 1.6),
        Line::None => return,
    };
    let (Some(&first), Some(&last)) = (way.first(), way.last()) else { return };
    let towards = |from: (f64, f64), to: (f64, f64)| {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        if dx.abs() > dy.abs() { (dx.signum(), 0.0) } else { (0.0, dy.signum()) }
    };
    let (head, tail) = match line {
        Line::Used => (None, None),
        Line::Links => (Some(line), Some(line)),
        _ => (Some(line), None),
    };
    // Pieces of no length have no direction: that of the whole is the same, since all ways run up or down.
    let way_out = if way.len() == 2 { towards(first, last) } else { (0.0, (last.1 - first.1).signum()) };
    let short = |at: (f64, f64), sign: f64, head: Option<Line>| {
        let back = match head {
            Some(Line::Lowers) => 2.5,
            Some(_) => 6.0,
            None => 0.0,
        };
        (at.0 - sign * way_out.0 * back, at.1 - sign * way_out.1 * back)
    };
    let mut points = way.to_vec();
    let end = points.len() - 1;
    points[0] = short(first, -1.0, tail);
    points[end] = short(last, 1.0, head);
    let mut d = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for at in 1..points.len() {
        let ((ax, ay), (bx, by)) = (points[at - 1], points[at]);
        if at % 2 == 1 {
            let _ = write!(d, "L{bx:.1} {by:.1}");
        } else {
            let middle = (ay + by) / 2.0;
            let _ = write!(d, "C{ax:.1} {middle:.1} {bx:.1} {middle:.1} {bx:.1} {by:.1}");
        }
    }
    let _ = write!(
        svg,
        "<g class=\"{class}\"><path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{width}\"/>{}{}</g>",
        tail.map_or(String::new(), |line| draw_head(line, first, (-way_out.0, -way_out.1))),
        head.map_or(String::new(), |line| draw_head(line, last, way_out))
    );
}

/// What stands at the end of a line that goes in a direction.
fn draw_head(line: Line, (x, y): (f64, f64), (dx, dy): (f64, f64)) -> String {
    // Along the line and across it.
    let at =
        |along: f64, across: f64| format!("{:.1} {:.1}", x + dx * along - dy * across, y + dy * along + dx * across);
    match line {
        Line::Lowers => {
            format!("<path d=\"M{}L{}\" stroke=\"currentColor\" stroke-width=\"2.6\"/>", at(-2.5, -5.5), at(-2.5, 5.5))
        }
        Line::Either => {
            let (cx, cy) = (x - dx * 4.0, y - dy * 4.0);
            format!(
                "<circle class=\"hole\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3.2\" stroke=\"currentColor\" stroke-width=\"1.3\"/>"
            )
        }
        _ => format!("<path d=\"M{}L{}L{}Z\" fill=\"currentColor\"/>", at(-0.5, 0.0), at(-8.5, -4.2), at(-8.5, 4.2)),
    }
}

fn draw_legend(svg: &mut String, page: &Page) {
    for Entry { sample, words, x, y } in &page.legend {
        let rect = |height: f64| Rect { x: *x, y: y - height / 2.0, width: SAMPLE, height };
        match sample {
            Sample::Item(look) => {
                let item = Item {
                    look: *look,
                    label: String::new(),
                    name: (*words).to_string(),
                    section: 6,
                    left: Vec::new(),
                    right: Vec::new(),
                };
                draw_item(svg, &item, rect(20.0));
            }
            Sample::Pill(look) => {
                let label = if *look == PillLook::Gene { "GENE" } else { "" };
                let name = (*words).to_string();
                draw_pill(svg, &Pill { label: label.into(), name, look: *look, line: Line::None }, rect(18.0));
            }
            Sample::Line(line) => draw_way(svg, *line, &[(*x, *y), (x + SAMPLE, *y)]),
        }
        let _ = write!(
            svg,
            "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{SMALL}\">{words}</text>",
            x + SAMPLE + 8.0,
            baseline(*y, SMALL)
        );
    }
}
