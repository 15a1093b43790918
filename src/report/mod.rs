//! What a user reads: tables, pictures, one HTML page. Computes nothing.

pub mod bootstrap;
pub mod compare;
pub mod designs;
pub mod document;
pub mod draws;
mod folder;
mod html;
pub mod network;
mod number;
pub mod optima;
mod parts;
mod pictures;
pub mod plates;
pub mod plot;
pub mod predictions;
pub mod profiles;
pub mod sensitivity;
pub mod synergy;
pub mod thresholds;

pub use document::Document;
pub use folder::{writable, write};
pub use number::{interval_text, limits_text, number, number32, shown};

#[cfg(test)]
mod tests;
