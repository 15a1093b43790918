//! The doses of two drugs, a colour a pair. The origin is at the lower left, as on any axes.

use super::Layout;
use super::axes::{escape, text_width};
use super::heat_map::{DIVERGING_DARK, DIVERGING_LIGHT, Ramp, SEQUENTIAL, STEPS, between, hatched, heat_stylesheet};
use super::palette::{Theme, stylesheet};
use std::fmt::Write;

#[derive(Debug, Clone)]
pub struct DoseMap {
    /// Doses as they stand at the axes.
    pub columns: Vec<String>,
    pub rows: Vec<String>,
    /// `values[column * rows + row]`; `None` where there is nothing to show.
    pub values: Vec<Option<f64>>,
    /// Cells with a frame; none if empty.
    pub marked: Vec<bool>,
    pub ramp: Ramp,
    /// What the ends of the ramp stand for; those of two arms are equally far from 0.
    pub range: (f64, f64),
    /// A number as it stands in a cell and in the legend.
    pub text: fn(f64) -> String,
    /// What is said of a cell when it is pointed at.
    pub tips: Vec<String>,
    pub x_label: String,
    pub y_label: String,
    /// What a frame and a hatched cell mean.
    pub mark: String,
    pub missing: String,
    pub title: String,
    pub caption: String,
}

/// The rules for numbers on cells, whichever is easier to read on each colour.
pub fn dose_stylesheet(theme: Theme) -> String {
    let diverging = if theme == Theme::Light { DIVERGING_LIGHT } else { DIVERGING_DARK };
    let mut css = heat_stylesheet(theme);
    for step in 0..STEPS {
        let at = step as f64 / (STEPS - 1) as f64;
        let _ = write!(
            css,
            ".plot .tq{step}{{fill:{}}}.plot .td{step}{{fill:{}}}",
            readable(&between(&SEQUENTIAL, at)),
            readable(&between(&diverging, at))
        );
    }
    css
}

/// Black or white on a colour "#rrggbb", by the contrast of relative luminances (WCAG 2.2).
fn readable(colour: &str) -> &'static str {
    let part = |at: usize| {
        let share = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap_or(0)) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    if luminance > 0.179 { "#10151d" } else { "#ffffff" }
}

impl DoseMap {
    /// As a file of its own.
    pub fn standalone(&self, layout: Layout) -> String {
        let style = format!("{}{}.plot{{background:#fff}}", stylesheet(Theme::Light), dose_stylesheet(Theme::Light));
        self.draw(layout, &format!("<style>{style}</style>"))
    }

    /// For a page that has the style sheets.
    pub fn inline(&self, layout: Layout) -> String {
        self.draw(layout, "")
    }

    fn draw(&self, layout: Layout, head: &str) -> String {
        let (columns, rows) = (self.columns.len(), self.rows.len());
        if columns == 0 || rows == 0 {
            return String::new();
        }
        let Layout { width, text: size, .. } = layout;
        let labels = self.rows.iter().map(|row| text_width(row, size)).fold(0.0, f64::max);
        let left = labels + size + 18.0;
        let side = (width - left - 6.0) / columns as f64;
        let height = side.min((layout.height - 40.0) / rows as f64).max(size + 6.0);
        let top = 8.0;
        let bottom = top + height * rows as f64;
        let legend = bottom + 2.0 * size + 26.0;
        let marks = !self.mark.is_empty() && self.marked.contains(&true);
        let notes = usize::from(marks) + usize::from(self.values.contains(&None) && !self.missing.is_empty());
        let whole = legend + 14.0 + 1.5 * size + notes as f64 * (size + 9.0) + 6.0;
        let mut svg = format!(
            "<svg class=\"plot dose\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {whole:.0}\" width=\"{width}\" \
             height=\"{whole:.0}\" role=\"img\"><title>{}</title><desc>{}</desc>{head}",
            escape(&self.title),
            escape(&self.caption)
        );
        self.labels(&mut svg, (left, top, side, height), layout);
        let (mut frames, mut absent) = (String::new(), String::new());
        for column in 0..columns {
            for row in 0..rows {
                let (x, y) = (left + side * column as f64, bottom - height * (row + 1) as f64);
                let at = column * rows + row;
                let (w, h) = (side - 1.0, height - 1.0);
                let Some(value) = self.values.get(at).copied().flatten() else {
                    absent += &hatched(x + 0.5, y + 0.5, w, h);
                    continue;
                };
                let step = self.step(value);
                let prefix = self.ramp.prefix();
                let tip = self.tips.get(at).map_or("", String::as_str);
                let _ = write!(
                    svg,
                    "<g><title>{}</title><rect class=\"{prefix}{step}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/>",
                    escape(tip),
                    x + 0.5,
                    y + 0.5
                );
                let label = (self.text)(value);
                let small = size.min(13.0) - 1.0;
                if text_width(&label, small) + 5.0 < side && height > small + 4.0 {
                    let _ = write!(
                        svg,
                        "<text class=\"t{prefix}{step}\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{small}\" text-anchor=\"middle\">{}</text>",
                        x + side / 2.0,
                        y + height / 2.0 + small * 0.35,
                        escape(&label)
                    );
                }
                svg.push_str("</g>");
                if self.marked.get(at) == Some(&true) {
                    let _ = write!(frames, "M{:.1} {:.1}h{:.1}v{:.1}h-{2:.1}z", x + 1.5, y + 1.5, w - 2.0, h - 2.0);
                }
            }
        }
        if !absent.is_empty() {
            let _ = write!(svg, "<path class=\"axis\" fill=\"none\" opacity=\"0.55\" d=\"{absent}\"/>");
        }
        if !frames.is_empty() {
            let _ = write!(
                svg,
                "<g class=\"ni\"><path d=\"{frames}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></g>"
            );
        }
        self.legend(&mut svg, (left, legend, width), size, marks, !absent.is_empty());
        svg.push_str("</svg>");
        svg
    }

    fn labels(&self, svg: &mut String, (left, top, side, height): (f64, f64, f64, f64), layout: Layout) {
        let size = layout.text;
        let bottom = top + height * self.rows.len() as f64;
        let widest = self.columns.iter().map(|column| text_width(column, size)).fold(0.0, f64::max);
        let every = ((widest + 6.0) / side).ceil().max(1.0) as usize;
        for (at, column) in self.columns.iter().enumerate().filter(|(at, _)| at % every == 0) {
            let _ = write!(
                svg,
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>",
                left + side * (at as f64 + 0.5),
                bottom + size + 4.0,
                escape(column)
            );
        }
        for (at, row) in self.rows.iter().enumerate() {
            let _ = write!(
                svg,
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                bottom - height * (at as f64 + 0.5) + size * 0.35,
                escape(row)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate({:.1} {:.1}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>",
            left + side * self.columns.len() as f64 / 2.0,
            bottom + 2.0 * size + 10.0,
            escape(&self.x_label),
            size,
            (top + bottom) / 2.0,
            escape(&self.y_label)
        );
    }

    fn legend(&self, svg: &mut String, (left, y, width): (f64, f64, f64), size: f64, marks: bool, absent: bool) {
        let prefix = self.ramp.prefix();
        let length = (width - left - 6.0).min(230.0);
        let step = length / STEPS as f64;
        for at in 0..STEPS {
            // Half a pixel of overlap: no seams between steps.
            let _ = write!(
                svg,
                "<path class=\"{prefix}{at}\" d=\"M{:.1} {y:.1}h{:.1}v12h-{1:.1}z\"/>",
                left + step * at as f64,
                step + 0.5
            );
        }
        let (low, high) = self.range;
        let ends = [(0.0, "start", low), (0.5, "middle", 0.5 * (low + high)), (1.0, "end", high)];
        for (share, anchor, value) in ends {
            let beyond = self.values.iter().flatten().any(|&v| if share == 0.0 { v < low } else { v > high });
            let sign = match share {
                0.0 if beyond => "≤ ",
                1.0 if beyond => "≥ ",
                _ => "",
            };
            let _ = write!(
                svg,
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{sign}{}</text>",
                left + share * length,
                y + 14.0 + size,
                escape(&(self.text)(value))
            );
        }
        let mut line = y + 14.0 + 1.5 * size + 4.0;
        let mut note = |shape: String, words: &str| {
            let _ = write!(
                svg,
                "{shape}<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\">{}</text>",
                left + 22.0,
                line + size,
                escape(words)
            );
            line += size + 9.0;
        };
        let place = |line: f64| (left + 1.0, line + 0.5 * size - 3.0);
        if marks {
            let (x, y) = place(y + 14.0 + 1.5 * size + 4.0);
            let frame = format!("M{x:.1} {y:.1}h14v11h-14z");
            note(
                format!(
                    "<g class=\"ni\"><path d=\"{frame}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></g>"
                ),
                &self.mark,
            );
        }
        if absent && !self.missing.is_empty() {
            let offset = if marks { size + 9.0 } else { 0.0 };
            let (x, y) = place(y + 14.0 + 1.5 * size + 4.0 + offset);
            let shape = hatched(x, y, 14.0, 11.0);
            note(format!("<path class=\"axis\" fill=\"none\" opacity=\"0.55\" d=\"{shape}\"/>"), &self.missing);
        }
    }

    fn step(&self, value: f64) -> usize {
        let (low, high) = self.range;
        let at = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        (at * (STEPS - 1) as f64).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_colour_their_number_and_their_frame() {
        let map = DoseMap {
            columns: vec!["0".into(), "1".into()],
            rows: vec!["0".into(), "5".into()],
            values: vec![Some(0.0), Some(0.4), None, Some(-0.6)],
            marked: vec![false, true, false, false],
            ramp: Ramp::Diverging,
            range: (-0.5, 0.5),
            text: |value| format!("{value:+.1}"),
            tips: vec![String::new(), "a < b".into(), String::new(), String::new()],
            x_label: "a".into(),
            y_label: "b".into(),
            mark: "differs".into(),
            missing: "not read".into(),
            title: "t".into(),
            caption: String::new(),
        };
        let svg = map.inline(Layout::WIDE);
        assert_eq!(svg.matches("<rect").count(), 3);
        // The zero of two arms is the middle of the ramp.
        assert!(
            svg.contains("<rect class=\"d10\"")
                && svg.contains("<rect class=\"d0\"")
                && svg.contains("<rect class=\"d18\"")
        );
        assert!(svg.contains(">+0.4</text>") && svg.contains("a &lt; b") && svg.contains("≤ "));
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 2, "a frame on the map and one in the legend");
        assert!(svg.contains("differs") && svg.contains("not read"));
    }

    #[test]
    fn numbers_stand_out_from_their_cells() {
        assert_eq!([readable("#440154"), readable("#fde725"), readable("#f4f5f7")], ["#ffffff", "#10151d", "#10151d"]);
    }
}
