//! The picture of a model: its parts as panels, in each what turns into what from top to bottom, and beside each box
//! what acts on it. What acts from another part stands there as a pill in that part's colour, so that no line leaves a
//! panel.

mod columns;
mod draw;
mod graph;
mod layers;
mod legend;
mod page;
mod parts;
mod place;
mod style;

pub use draw::{inline, standalone};
pub use style::stylesheet;

#[cfg(test)]
mod tests;
