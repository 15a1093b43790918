//! One figure: a frame with two axes, series of marks in it, and labels that keep out of each other's way.

use super::axes::{Frame, escape, text_width};
use super::key::{self, Key};
use super::palette::{Colour, Theme, stylesheet};
use super::scale::Scale;
use super::symbol::Shape;
use std::fmt::Write;

/// The size of a drawing, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    pub width: f64,
    pub height: f64,
    /// Font size of the labels.
    pub text: f64,
}

impl Layout {
    /// For half a page or a slide.
    pub const WIDE: Layout = Layout { width: 640.0, height: 400.0, text: 14.0 };
    /// For a telephone held upright.
    pub const NARROW: Layout = Layout { width: 350.0, height: 300.0, text: 12.0 };
}

#[derive(Debug, Clone, Default)]
pub struct Figure {
    pub x_label: String,
    pub y_label: String,
    pub x: Option<Scale>,
    pub y: Option<Scale>,
    pub series: Vec<Series>,
    /// Horizontal reference lines with their labels.
    pub levels: Vec<(f64, String)>,
    /// For those who cannot see the picture.
    pub title: String,
    pub description: String,
}

#[derive(Debug, Clone)]
pub struct Series {
    /// Empty for what needs no label.
    pub label: String,
    pub colour: Colour,
    /// What stands for it in a legend.
    pub key: Key,
    pub marks: Vec<Mark>,
}

#[derive(Debug, Clone)]
pub enum Mark {
    Line(Vec<(f64, f64)>),
    /// A line that stands back behind another.
    Thin(Vec<(f64, f64)>),
    /// A line of dashes, for what is only an approximation.
    Dashed(Vec<(f64, f64)>),
    /// `(x, lower, upper)`
    Band(Vec<(f64, f64, f64)>),
    Dot {
        x: f64,
        y: f64,
        tip: String,
    },
    /// A single reading behind the means.
    Speck {
        x: f64,
        y: f64,
    },
    /// A dot with nothing in it.
    Ring {
        x: f64,
        y: f64,
        tip: String,
    },
    Error {
        x: f64,
        lower: f64,
        upper: f64,
    },
    /// A reading known to lie between two bounds.
    Interval {
        x: f64,
        lower: f64,
        upper: f64,
        /// Upwards.
        open: bool,
        tip: String,
    },
    /// One reading, in a shape that tells its series without colour.
    Symbol {
        x: f64,
        y: f64,
        shape: Shape,
        /// Hollow and crossed.
        outlier: bool,
        /// Pixels to the right, so that series at the same place stand side by side.
        aside: f64,
        tip: String,
    },
    /// A range on the x axis, drawn at a height.
    Across {
        y: f64,
        lower: f64,
        upper: f64,
    },
    /// A place on the x axis.
    Pin {
        x: f64,
        y: f64,
        tip: String,
    },
}

impl Figure {
    /// As a file of its own.
    pub fn standalone(&self, layout: Layout) -> String {
        let style = format!("{}.plot{{background:#fff}}", stylesheet(Theme::Light));
        self.draw(layout, &format!("<style>{style}</style>"))
    }

    /// For a page that has the style sheet.
    pub fn inline(&self, layout: Layout) -> String {
        self.draw(layout, "")
    }

    fn draw(&self, layout: Layout, head: &str) -> String {
        let (Some(x), Some(y)) = (self.x, self.y) else { return String::new() };
        let labelled: Vec<&Series> = self.series.iter().filter(|series| !series.label.is_empty()).collect();
        let narrow = layout.width < 500.0;
        let widest = labelled.iter().map(|s| text_width(&s.label, layout.text)).fold(0.0, f64::max);
        // Labels stand beside their lines where there is room, and in a legend above the plot elsewhere.
        let lines = labelled.iter().all(|series| series.marks.iter().any(|mark| matches!(mark, Mark::Line(_))));
        let direct = !narrow && lines && labelled.len() > 1 && labelled.len() <= 9 && widest < layout.width * 0.3;
        let legend = if direct || labelled.is_empty() { Vec::new() } else { key::rows(&labelled, layout) };
        let top = 14.0 + legend.len() as f64 * (layout.text + 8.0);
        let level = self.levels.iter().map(|(_, label)| text_width(label, layout.text)).fold(0.0, f64::max);
        let right = if direct { widest + 30.0 } else { 14.0 + level };
        let frame = Frame::new(layout, top, right, x, y);

        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{0}\" height=\"{1}\" \
             role=\"img\"><title>{}</title><desc>{}</desc>{head}",
            layout.width,
            layout.height,
            escape(&self.title),
            escape(&self.description)
        );
        key::draw(&mut svg, &legend, layout);
        frame.draw(&mut svg, &self.x_label, &self.y_label);
        for (value, label) in &self.levels {
            frame.level(&mut svg, *value, label);
        }
        // Bands lie behind all lines, lines behind all points.
        for layer in 0..3 {
            for series in &self.series {
                let marks: String =
                    series.marks.iter().filter(|mark| mark.layer() == layer).map(|mark| mark.draw(&frame)).collect();
                if !marks.is_empty() {
                    let _ = write!(svg, "<g class=\"{}\">{marks}</g>", series.colour.class());
                }
            }
        }
        if direct {
            self.label_lines(&mut svg, &frame, layout);
        }
        svg.push_str("</svg>");
        svg
    }

    /// Names at the right end of each line, pushed apart where they would overlap.
    fn label_lines(&self, svg: &mut String, frame: &Frame, layout: Layout) {
        let mut labels: Vec<(f64, &Series)> = self
            .series
            .iter()
            .filter(|series| !series.label.is_empty())
            .map(|series| (series.end().and_then(|(_, y)| frame.y(y)).unwrap_or(frame.top), series))
            .collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let gap = layout.text + 4.0;
        let mut places: Vec<f64> = Vec::new();
        for (at, (wanted, _)) in labels.iter().enumerate() {
            places.push(if at == 0 { wanted.max(frame.top + 4.0) } else { wanted.max(places[at - 1] + gap) });
        }
        let mut limit = frame.bottom;
        for place in places.iter_mut().rev() {
            *place = place.min(limit);
            limit = *place - gap;
        }
        for ((wanted, series), place) in labels.iter().zip(places) {
            let from = frame.right + 2.0;
            let _ = write!(
                svg,
                "<g class=\"{}\"><path d=\"M{from:.1} {wanted:.1}L{:.1} {place:.1}h4\" fill=\"none\" stroke=\"currentColor\" \
                 stroke-width=\"1\" opacity=\"0.7\"/><text class=\"own\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{}\" \
                 font-weight=\"600\">{}</text></g>",
                series.colour.class(),
                from + 10.0,
                from + 18.0,
                place + layout.text * 0.35,
                layout.text,
                escape(&series.label)
            );
        }
    }
}

impl Series {
    /// The last point of its line.
    fn end(&self) -> Option<(f64, f64)> {
        self.marks.iter().find_map(|mark| match mark {
            Mark::Line(points) => points.last().copied(),
            _ => None,
        })
    }
}

impl Mark {
    fn layer(&self) -> usize {
        match self {
            Mark::Band(_) => 0,
            Mark::Line(_)
            | Mark::Thin(_)
            | Mark::Dashed(_)
            | Mark::Speck { .. }
            | Mark::Error { .. }
            | Mark::Interval { .. } => 1,
            Mark::Dot { .. } | Mark::Ring { .. } | Mark::Symbol { .. } | Mark::Across { .. } | Mark::Pin { .. } => 2,
        }
    }

    fn draw(&self, frame: &Frame) -> String {
        match self {
            Mark::Line(points) => {
                let d = frame.path(points.iter().copied());
                format!(
                    "<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linejoin=\"round\" \
                     stroke-linecap=\"round\"/>"
                )
            }
            Mark::Thin(points) => {
                let d = frame.path(points.iter().copied());
                format!("<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.2\" opacity=\"0.8\"/>")
            }
            Mark::Dashed(points) => {
                let d = frame.path(points.iter().copied());
                format!(
                    "<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.8\" stroke-dasharray=\"7 5\"/>"
                )
            }
            Mark::Band(points) => {
                let d = frame.area(points);
                format!("<path d=\"{d}\" fill=\"currentColor\" opacity=\"0.16\"/>")
            }
            Mark::Dot { x, y, tip } => frame.at(*x, *y).map_or(String::new(), |(x, y)| {
                format!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"currentColor\"><title>{}</title></circle>",
                    escape(tip)
                )
            }),
            Mark::Ring { x, y, tip } => frame.at(*x, *y).map_or(String::new(), |(x, y)| {
                format!(
                    "<circle class=\"hole\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" stroke=\"currentColor\" \
                     stroke-width=\"1.6\"><title>{}</title></circle>",
                    escape(tip)
                )
            }),
            Mark::Speck { x, y } => frame.at(*x, *y).map_or(String::new(), |(x, y)| {
                format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\" fill=\"currentColor\" opacity=\"0.4\"/>")
            }),
            Mark::Error { x, lower, upper } => match (frame.at(*x, *lower), frame.at(*x, *upper)) {
                (Some((x, low)), Some((_, high))) => format!(
                    "<path d=\"M{:.1} {low:.1}h6m-3 0V{high:.1}m-3 0h6\" fill=\"none\" stroke=\"currentColor\" \
                     stroke-width=\"1.3\"/>",
                    x - 3.0
                ),
                _ => String::new(),
            },
            Mark::Interval { x, lower, upper, open, tip } => match (frame.at(*x, *lower), frame.at(*x, *upper)) {
                (Some((x, low)), Some((_, high))) => {
                    let (left, height) = (x - 5.0, (low - high).max(1.0));
                    let top = if *open { String::new() } else { format!("M{left:.1} {high:.1}h10") };
                    format!(
                        "<g><title>{}</title><rect x=\"{left:.1}\" y=\"{high:.1}\" width=\"10\" height=\"{height:.1}\" \
                         rx=\"2\" fill=\"currentColor\" opacity=\"0.25\"/><path d=\"{top}M{left:.1} {low:.1}h10\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></g>",
                        escape(tip)
                    )
                }
                _ => String::new(),
            },
            Mark::Symbol { x, y, shape, outlier, aside, tip } => {
                frame.at(*x, *y).map_or(String::new(), |(x, y)| shape.draw(x + aside, y, *outlier, tip))
            }
            Mark::Across { y, lower, upper } => match (frame.at(*lower, *y), frame.at(*upper, *y)) {
                (Some((left, y)), Some((right, _))) => format!(
                    "<path d=\"M{left:.1} {:.1}v8m0 -4H{right:.1}m0 -4v8\" fill=\"none\" stroke=\"currentColor\" \
                     stroke-width=\"1.6\"/>",
                    y - 4.0
                ),
                _ => String::new(),
            },
            Mark::Pin { x, y, tip } => match (frame.at(*x, *y), frame.x(*x)) {
                (Some((x, y)), Some(_)) => format!(
                    "<g><title>{}</title><path d=\"M{x:.1} {y:.1}V{:.1}\" stroke=\"currentColor\" stroke-width=\"1.2\" \
                     stroke-dasharray=\"3 3\"/><path d=\"M{x:.1} {:.1}l-5 8h10z\" fill=\"currentColor\"/></g>",
                    escape(tip),
                    frame.bottom,
                    frame.bottom - 8.0
                ),
                _ => String::new(),
            },
        }
    }
}
