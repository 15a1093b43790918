//! The report on two drugs together: its document, its page, its tables and pictures.

mod document;
mod folder;
mod page;
mod pictures;

pub use document::*;
pub use folder::write;
