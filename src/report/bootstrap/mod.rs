//! The report on a bootstrap: its document, its page, its tables and pictures.

mod document;
mod folder;
mod page;

pub use document::*;
pub use folder::write;
