//! The report on the curves of a plate file: its document, its page, its tables and pictures.

mod document;
mod folder;
mod page;
mod pictures;

pub use document::*;
pub use folder::write;
pub use page::page;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
