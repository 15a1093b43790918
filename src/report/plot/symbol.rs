//! Marks that differ by their shape, so that colour is never the only cue.

use super::axes::escape;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
}

impl Shape {
    /// The n-th of things without an order. There are five of them and seven colours, so that 35 series differ.
    pub fn nominal(at: usize) -> Shape {
        [Shape::Circle, Shape::Square, Shape::Up, Shape::Diamond, Shape::Down][at % 5]
    }

    pub(super) fn draw(self, x: f64, y: f64, outlier: bool, tip: &str) -> String {
        let d = self.outline(x, y, if outlier { 4.6 } else { 3.9 });
        let mut svg = if outlier {
            // The cross reaches beyond the outline: it has to be seen in print as well.
            format!(
                "<path d=\"{d}M{:.1} {:.1}l11 11m0 -11l-11 11\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"",
                x - 5.5,
                y - 5.5
            )
        } else {
            format!("<path d=\"{d}\" fill=\"currentColor\" opacity=\"0.78\"")
        };
        if tip.is_empty() {
            svg.push_str("/>");
        } else {
            let _ = write!(svg, "><title>{}</title></path>", escape(tip));
        }
        svg
    }

    /// All shapes cover about the same area.
    fn outline(self, x: f64, y: f64, r: f64) -> String {
        match self {
            Shape::Circle => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{1} 0z", x - r, 2.0 * r),
            Shape::Square => {
                let half = 0.88 * r;
                format!("M{:.1} {:.1}h{side:.2}v{side:.2}h-{side:.2}z", x - half, y - half, side = 2.0 * half)
            }
            Shape::Up => {
                let (half, height) = (1.2 * r, 2.1 * r);
                format!("M{x:.1} {:.1}l{half:.2} {height:.2}h-{:.2}z", y - 1.2 * r, 2.0 * half)
            }
            Shape::Down => {
                let (half, height) = (1.2 * r, 2.1 * r);
                format!("M{x:.1} {:.1}l{half:.2} -{height:.2}h-{:.2}z", y + 1.2 * r, 2.0 * half)
            }
            Shape::Diamond => {
                let half = 1.25 * r;
                format!("M{x:.1} {:.1}l{half:.2} {half:.2}l-{half:.2} {half:.2}l-{half:.2} -{half:.2}z", y - half)
            }
        }
    }
}
