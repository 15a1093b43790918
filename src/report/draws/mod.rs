//! The report on draws from a posterior: its document, its page, its tables and pictures.

pub mod cmdstan;
mod corner;
mod document;
mod folder;
pub mod modes;
mod page;
pub mod parquet;
mod pictures;

pub use cmdstan::{Drawn, read};
pub use document::*;
pub use folder::write;
