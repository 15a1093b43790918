//! Plots as SVG: scales, marks and one figure with its axes.

mod axes;
mod dose_map;
mod figure;
mod heat_map;
mod key;
mod palette;
mod scale;
mod symbol;

pub(super) use axes::{escape, text_width};
pub use dose_map::{DoseMap, dose_stylesheet};
pub use figure::{Figure, Layout, Mark, Series};
pub use heat_map::{HeatMap, Ramp, heat_stylesheet, row_name};
pub use key::Key;
pub use palette::{Colour, Theme, stylesheet};
pub use scale::Scale;
pub use symbol::Shape;
