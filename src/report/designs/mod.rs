//! The report on experiments that could be done next: its document, its page and its table.

mod document;
mod folder;
mod page;

pub use document::*;
pub use folder::write;
