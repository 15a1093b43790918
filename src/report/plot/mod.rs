//! Plots as SVG: scales, marks and one figure with its axes.

mod axes;
mod figure;
mod palette;
mod scale;

pub use figure::{Figure, Layout, Mark, Series};
pub use palette::{Colour, Theme, stylesheet};
pub use scale::Scale;
