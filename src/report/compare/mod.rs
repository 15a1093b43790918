//! The report on two curves, studies or models beside one another.

mod document;
mod folder;
mod page;

pub use document::*;
pub use folder::write;
