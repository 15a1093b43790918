//! The frame of a figure: margins, axes with ticks, and the way from values to pixels.

use super::figure::Layout;
use super::scale::{Scale, Tick};
use std::fmt::Write;

/// The plotting area, in pixels.
#[derive(Debug, Clone)]
pub struct Frame {
    layout: Layout,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    x: Scale,
    y: Scale,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
}

impl Frame {
    pub fn new(layout: Layout, top: f64, right: f64, x: Scale, y: Scale) -> Self {
        let bottom = layout.height - 2.0 * layout.text - 20.0;
        let y_ticks = y.ticks(((bottom - top) / 50.0).max(2.0));
        let widest = y_ticks.iter().map(|tick| text_width(&tick.label, layout.text)).fold(0.0, f64::max);
        let left = 16.0 + layout.text + widest + 8.0;
        let right = layout.width - right;
        let x_ticks = x.ticks(((right - left) / 75.0).max(2.0));
        Frame { layout, left, right, top, bottom, x, y, x_ticks, y_ticks }
    }

    pub fn x(&self, value: f64) -> Option<f64> {
        self.x.place(value).map(|place| self.left + place * (self.right - self.left))
    }

    pub fn y(&self, value: f64) -> Option<f64> {
        // What lies outside stays visible at the edge.
        self.y.place(value).map(|place| self.bottom - place.clamp(-0.02, 1.02) * (self.bottom - self.top))
    }

    pub fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.x(x)?, self.y(y)?))
    }

    /// A line through the points. At the break of the x axis it is interrupted: zero gets a short dash of its own.
    pub fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        let mut pen_down = false;
        for (x, y) in points {
            let Some((px, py)) = self.at(x, y) else {
                pen_down = false;
                continue;
            };
            if self.is_zero(x) {
                let _ = write!(d, "M{:.1} {py:.1}h12", px - 6.0);
                pen_down = false;
            } else {
                let _ = write!(d, "{}{px:.1} {py:.1}", if pen_down { 'L' } else { 'M' });
                pen_down = true;
            }
        }
        d
    }

    pub fn area(&self, points: &[(f64, f64, f64)]) -> String {
        let mut d = String::new();
        let mut back: Vec<(f64, f64)> = Vec::new();
        for &(x, lower, upper) in points {
            let (Some((px, low)), Some(high)) = (self.at(x, lower), self.y(upper)) else { continue };
            if self.is_zero(x) {
                let _ = write!(d, "M{:.1} {low:.1}h12V{high:.1}h-12Z", px - 6.0);
            } else {
                let _ = write!(d, "{}{px:.1} {high:.1}", if back.is_empty() { 'M' } else { 'L' });
                back.push((px, low));
            }
        }
        for (px, low) in back.iter().rev() {
            let _ = write!(d, "L{px:.1} {low:.1}");
        }
        if !back.is_empty() {
            d.push('Z');
        }
        d
    }

    fn is_zero(&self, x: f64) -> bool {
        x == 0.0 && self.x.gap().is_some()
    }

    pub fn draw(&self, svg: &mut String, x_label: &str, y_label: &str) {
        let Frame { left, right, top, bottom, .. } = *self;
        let size = self.layout.text;
        for tick in &self.y_ticks {
            let y = bottom - tick.at * (bottom - top);
            if !tick.label.is_empty() {
                let _ = write!(
                    svg,
                    "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/><text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" \
                     font-size=\"{size}\" text-anchor=\"end\">{}</text>",
                    left - 8.0,
                    y + size * 0.35,
                    tick.label
                );
            }
        }
        for tick in &self.x_ticks {
            let x = left + tick.at * (right - left);
            let length = if tick.label.is_empty() { 3.0 } else { 6.0 };
            let _ = write!(svg, "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}v{length}\"/>");
            if !tick.label.is_empty() {
                let _ = write!(
                    svg,
                    "<text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>",
                    bottom + 8.0 + size,
                    tick.label
                );
            }
        }
        match self.x.gap() {
            None => {
                let _ = write!(svg, "<path class=\"axis\" d=\"M{left:.1} {bottom:.1}H{right:.1}\"/>");
            }
            Some(gap) => {
                let gap = left + gap * (right - left);
                let _ = write!(
                    svg,
                    "<path class=\"axis\" fill=\"none\" d=\"M{left:.1} {bottom:.1}H{:.1}m-2 5l4 -10m2 10l4 -10m-2 5H{right:.1}\"/>",
                    gap - 3.0
                );
            }
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate({:.1} {:.1}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>",
            (left + right) / 2.0,
            self.layout.height - 8.0,
            escape(x_label),
            4.0 + size,
            (top + bottom) / 2.0,
            escape(y_label)
        );
    }

    /// A reference line across the plot with its label right of it, where no point lies.
    pub fn level(&self, svg: &mut String, value: f64, label: &str) {
        let Some(y) = self.y.place(value).filter(|place| (0.0..=1.0).contains(place)).and_then(|_| self.y(value))
        else {
            return;
        };
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{:.1} {y:.1}H{:.1}\" stroke-dasharray=\"5 4\" opacity=\"0.8\"/>\
             <text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{}\">{}</text>",
            self.left,
            self.right,
            self.right + 5.0,
            y + self.layout.text * 0.35,
            self.layout.text - 1.0,
            escape(label)
        );
    }
}

/// About how wide a text will be.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | '.' | ',' | '\'' | '|' | '\u{2009}' | ' ' | '·' => 0.34,
            'm' | 'w' | 'M' | 'W' | '@' => 0.92,
            'A'..='Z' | '−' | '+' | '=' => 0.7,
            _ => 0.6,
        })
        .sum::<f64>()
        * size
}

pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters are no XML.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
