//! A plate, a colour a well.

use super::axes::{escape, text_width};
use super::palette::{Theme, stylesheet};
use std::fmt::Write;

/// Steps of a ramp. An odd number, so that a ramp with two arms has a middle.
pub(super) const STEPS: usize = 21;

/// Viridis: equal steps of the value look like equal steps, to those who see fewer colours and in grey too.
pub(super) const SEQUENTIAL: [u32; 10] =
    [0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725];
/// Blue, the page, orange: what is as expected recedes on a light page and on a dark one.
pub(super) const DIVERGING_LIGHT: [u32; 7] = [0x08418a, 0x3f86c4, 0xa5cbe6, 0xf4f5f7, 0xf6bf94, 0xdd7434, 0x8c3a06];
pub(super) const DIVERGING_DARK: [u32; 7] = [0x8fd0ff, 0x3f8fd0, 0x23517c, 0x252b35, 0x7c4620, 0xd9762f, 0xffc089];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// From the least to the most.
    Sequential,
    /// From below to above an expectation, in percent.
    Diverging,
}

/// A plate of `rows` by `columns` wells.
#[derive(Debug, Clone)]
pub struct HeatMap<'a> {
    pub rows: usize,
    pub columns: usize,
    /// Row by row; `None` for a well with nothing to show.
    pub values: &'a [Option<f64>],
    pub ramp: Ramp,
    /// A number as it stands in the legend and at a well.
    pub text: fn(f64) -> String,
    /// What it means that a well has no value.
    pub missing: &'a str,
    pub title: String,
}

const WIDTH: f64 = 480.0;
const LEFT: f64 = 28.0;
const TOP: f64 = 22.0;

/// The rules that give wells their colours.
pub fn heat_stylesheet(theme: Theme) -> String {
    let mut css = String::new();
    let diverging = if theme == Theme::Light { DIVERGING_LIGHT } else { DIVERGING_DARK };
    for step in 0..STEPS {
        let at = step as f64 / (STEPS - 1) as f64;
        let _ =
            write!(css, ".q{step}{{fill:{}}}.d{step}{{fill:{}}}", between(&SEQUENTIAL, at), between(&diverging, at));
    }
    css
}

/// A colour at a place between 0 and 1 of a ramp.
pub(super) fn between(anchors: &[u32], at: f64) -> String {
    let place = at * (anchors.len() - 1) as f64;
    let below = (place as usize).min(anchors.len() - 2);
    let share = place - below as f64;
    let part = |colour: u32, shift: u32| f64::from(colour >> shift & 0xff);
    let mixed = |shift| {
        let (from, to) = (part(anchors[below], shift), part(anchors[below + 1], shift));
        (from + share * (to - from)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mixed(16), mixed(8), mixed(0))
}

/// A, B, … Z, AA, AB, …
pub fn row_name(row: usize) -> String {
    let letter = |at: usize| char::from(b'A' + (at % 26) as u8);
    if row < 26 { letter(row).to_string() } else { format!("{}{}", row_name(row / 26 - 1), letter(row)) }
}

impl HeatMap<'_> {
    /// As a file of its own.
    pub fn standalone(&self) -> String {
        let style = format!("{}{}.plot{{background:#fff}}", stylesheet(Theme::Light), heat_stylesheet(Theme::Light));
        self.draw(&format!("<style>{style}</style>"))
    }

    /// For a page that has the style sheets.
    pub fn inline(&self) -> String {
        self.draw("")
    }

    fn draw(&self, head: &str) -> String {
        if self.rows == 0 || self.columns == 0 {
            return String::new();
        }
        let side = (WIDTH - LEFT - 4.0) / self.columns as f64;
        // Wells are square, but a plate of few columns is not to fill the page.
        let height = side.min(340.0 / self.rows as f64);
        let bottom = TOP + height * self.rows as f64;
        let whole = bottom + 58.0;
        let mut svg = format!(
            "<svg class=\"plot heat\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {whole:.0}\" \
             width=\"{WIDTH}\" height=\"{whole:.0}\" role=\"img\"><title>{}</title>{head}",
            escape(&self.title)
        );
        self.labels(&mut svg, side, height);
        let range = self.range();
        let gap = if side > 12.0 { 1.0 } else { 0.5 };
        let mut missing = String::new();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let (x, y) = (LEFT + side * column as f64, TOP + height * row as f64);
                let value = self.values.get(row * self.columns + column).copied().flatten();
                let Some(value) = value.filter(|value| value.is_finite()) else {
                    missing.push_str(&hatched(x + gap, y + gap, side - 2.0 * gap, height - 2.0 * gap));
                    continue;
                };
                let _ = write!(
                    svg,
                    "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}{} {}</title></rect>",
                    self.class(value, range),
                    x + gap,
                    y + gap,
                    side - 2.0 * gap,
                    height - 2.0 * gap,
                    row_name(row),
                    column + 1,
                    escape(&(self.text)(value))
                );
            }
        }
        if !missing.is_empty() {
            let _ = write!(svg, "<path class=\"axis\" fill=\"none\" opacity=\"0.55\" d=\"{missing}\"/>");
        }
        self.legend(&mut svg, bottom + 18.0, range, !missing.is_empty());
        svg.push_str("</svg>");
        svg
    }

    fn labels(&self, svg: &mut String, side: f64, height: f64) {
        for column in 0..self.columns {
            if side >= 14.0 || column % 5 == 4 || column == 0 {
                // On a telephone there is room for every other label only.
                let second = if column % 2 == 1 && (14.0..24.0).contains(&side) { " second" } else { "" };
                let _ = write!(
                    svg,
                    "<text class=\"soft{second}\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"middle\">{}</text>",
                    LEFT + side * (column as f64 + 0.5),
                    TOP - 6.0,
                    column + 1
                );
            }
        }
        for row in 0..self.rows {
            if height >= 12.0 || row % 2 == 0 {
                let second = if row % 2 == 1 && height < 18.0 { " second" } else { "" };
                let _ = write!(
                    svg,
                    "<text class=\"soft{second}\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"end\">{}</text>",
                    LEFT - 7.0,
                    TOP + height * (row as f64 + 0.5) + 4.2,
                    row_name(row)
                );
            }
        }
    }

    fn legend(&self, svg: &mut String, y: f64, (low, high): (f64, f64), missing: bool) {
        let prefix = self.ramp.prefix();
        let (left, width) = (LEFT + 1.0, 210.0);
        let step = width / STEPS as f64;
        for at in 0..STEPS {
            // Half a pixel of overlap: no seams between steps.
            let _ = write!(
                svg,
                "<path class=\"{prefix}{at}\" d=\"M{:.1} {y:.1}h{:.1}v12h-{1:.1}z\"/>",
                left + step * at as f64,
                step + 0.5
            );
        }
        let (beyond_low, beyond_high) = self.beyond((low, high));
        let ends = [
            (left, "start", low, beyond_low),
            (left + width / 2.0, "middle", (low + high) / 2.0, ""),
            (left + width, "end", high, beyond_high),
        ];
        for (x, anchor, value, sign) in ends {
            let _ = write!(
                svg,
                "<text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"{anchor}\">{sign}{}</text>",
                y + 28.0,
                escape(&(self.text)(value))
            );
        }
        if missing {
            let x = (left + width + 30.0).min(WIDTH - 24.0 - text_width(self.missing, 12.0));
            let _ = write!(
                svg,
                "<path class=\"axis\" fill=\"none\" opacity=\"0.55\" d=\"{}\"/><text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" \
                 font-size=\"12\">{}</text>",
                hatched(x, y, 16.0, 12.0),
                x + 22.0,
                y + 10.2,
                escape(self.missing)
            );
        }
    }

    /// What the ends of the ramp stand for. Two arms are of equal length, and no longer than a doubling: a single well
    /// gone wrong must not make all others look alike.
    fn range(&self) -> (f64, f64) {
        let values = || self.values.iter().flatten().copied().filter(|value| value.is_finite());
        match self.ramp {
            Ramp::Sequential => {
                let (low, high) =
                    values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
                if low <= high { (low, high) } else { (0.0, 1.0) }
            }
            Ramp::Diverging => {
                let most = values().fold(0.0, |most: f64, value| most.max(value.abs())).clamp(0.1, 0.5);
                (-most, most)
            }
        }
    }

    /// The signs that stand before the ends of the legend where values lie beyond them.
    fn beyond(&self, (low, high): (f64, f64)) -> (&'static str, &'static str) {
        let any = |test: &dyn Fn(f64) -> bool| self.values.iter().flatten().any(|&value| test(value));
        (if any(&|v| v < low) { "≤ " } else { "" }, if any(&|v| v > high) { "≥ " } else { "" })
    }

    fn class(&self, value: f64, (low, high): (f64, f64)) -> String {
        let at = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        format!("{}{}", self.ramp.prefix(), (at * (STEPS - 1) as f64).round() as usize)
    }
}

impl Ramp {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Ramp::Sequential => "q",
            Ramp::Diverging => "d",
        }
    }
}

/// The outline of a well with a stroke through it.
pub(super) fn hatched(x: f64, y: f64, width: f64, height: f64) -> String {
    format!("M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}zM{x:.1} {:.1}l{width:.1} -{height:.1}", y + height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[Option<f64>], ramp: Ramp) -> HeatMap<'_> {
        HeatMap {
            rows: 2,
            columns: 3,
            values,
            ramp,
            text: |v| format!("<{v}>"),
            missing: "none",
            title: "a & b".into(),
        }
    }

    #[test]
    fn each_well_with_a_value_is_a_cell_and_each_other_is_hatched() {
        let values = [Some(1.0), None, Some(3.0), Some(f64::NAN), Some(2.0), Some(1.5)];
        let svg = map(&values, Ramp::Sequential).inline();
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains("<title>A1 &lt;1&gt;</title>") && svg.contains("<title>B3 &lt;1.5&gt;</title>"));
        let hatched = svg.matches("opacity=\"0.55\"").count();
        assert_eq!(hatched, 2, "one path on the plate and one in the legend");
        assert!(svg.contains("class=\"q0\"") && svg.contains("a &amp; b") && !svg.contains("NaN"));
        // Too few values are missing wells, not a panic.
        assert_eq!(map(&values[..2], Ramp::Sequential).inline().matches("<rect").count(), 1);
    }

    #[test]
    fn two_arms_are_equally_long_and_what_lies_beyond_is_said() {
        let values = [Some(-0.2), Some(0.0), Some(4.0), None, None, None];
        let map = map(&values, Ramp::Diverging);
        assert_eq!(map.range(), (-0.5, 0.5));
        assert_eq!(map.class(0.0, map.range()), "d10");
        assert_eq!(map.class(4.0, map.range()), "d20");
        assert_eq!(map.beyond(map.range()), ("", "≥ "));
    }

    #[test]
    fn rows_are_lettered_as_on_a_plate() {
        assert_eq!([0, 7, 25, 26, 31].map(row_name), ["A", "H", "Z", "AA", "AF"]);
    }
}
