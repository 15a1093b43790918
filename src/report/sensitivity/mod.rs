//! The report on sensitivities: its document, its page and its table.

mod document;
mod folder;
mod page;

pub use document::*;
pub use folder::write;
