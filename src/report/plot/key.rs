//! The legend above a plot.

use super::axes::{escape, text_width};
use super::figure::{Layout, Series};
use super::symbol::Shape;
use std::fmt::Write;

/// What stands for a series in a legend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Key {
    #[default]
    LineAndDot,
    Line,
    Dashed,
    Symbol(Shape),
    /// A reading that was flagged, whatever its shape.
    Outlier,
    /// A place on the x axis.
    Pin,
}

/// Entries broken into rows: `(x, series)`.
pub(super) fn rows<'a>(series: &[&'a Series], layout: Layout) -> Vec<Vec<(f64, &'a Series)>> {
    let mut rows: Vec<Vec<(f64, &Series)>> = Vec::new();
    let mut x = f64::INFINITY;
    for &one in series {
        let width = 22.0 + text_width(&one.label, layout.text) + 16.0;
        if x + width > layout.width {
            rows.push(Vec::new());
            x = 10.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, one));
        }
        x += width;
    }
    rows
}

pub(super) fn draw(svg: &mut String, rows: &[Vec<(f64, &Series)>], layout: Layout) {
    for (row, items) in rows.iter().enumerate() {
        let y = 14.0 + layout.text * 0.5 + row as f64 * (layout.text + 8.0);
        for (x, series) in items {
            let _ = write!(
                svg,
                "<g class=\"{}\">{}</g><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{}\">{}</text>",
                series.colour.class(),
                series.key.draw(*x, y),
                x + 22.0,
                y + layout.text * 0.35,
                layout.text,
                escape(&series.label)
            );
        }
    }
}

impl Key {
    fn draw(self, x: f64, y: f64) -> String {
        let line = format!("<path d=\"M{x:.1} {y:.1}h16\" stroke=\"currentColor\" stroke-width=\"2.5\"/>");
        let centre = x + 8.0;
        match self {
            Key::Line => line,
            Key::Dashed => line.replace("/>", " stroke-dasharray=\"6 4\"/>"),
            Key::LineAndDot => {
                format!("{line}<circle cx=\"{centre:.1}\" cy=\"{y:.1}\" r=\"3.6\" fill=\"currentColor\"/>")
            }
            Key::Symbol(shape) => shape.draw(centre, y, false, ""),
            Key::Outlier => Shape::Circle.draw(centre, y, true, ""),
            Key::Pin => format!("<path d=\"M{centre:.1} {:.1}l-5 8h10z\" fill=\"currentColor\"/>", y - 4.0),
        }
    }
}
