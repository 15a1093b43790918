//! What a user reads: tables, pictures, one HTML page. Computes nothing.

pub mod document;
mod folder;
mod html;
mod number;
mod parts;
mod pictures;
pub mod plot;
pub mod sheet;
mod sheet_folder;
mod sheet_page;
mod sheet_pictures;
mod whole;

pub use document::Document;
pub use folder::{writable, write};
pub use number::{interval_text, number, number32, shown};
pub use sheet_folder::write_sheet;
pub use sheet_page::sheet_page;
pub use whole::{WholeFile, WholeFolder, recover};

#[cfg(test)]
mod sheet_example;
#[cfg(test)]
mod sheet_tests;
#[cfg(test)]
mod tests;
