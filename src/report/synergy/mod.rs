//! The report on two drugs together: its document, its page, its tables and pictures.

mod document;

pub use document::*;
