//! What a user reads: tables, pictures, one HTML page. Computes nothing.

mod number;
mod whole;

pub use number::{number, number32};
pub use whole::WholeFile;
