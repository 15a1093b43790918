//! fenton fits mechanistic models of metal-driven cell death to viability data.
//!
//! The data go one way through the modules, in the order in which they are listed here; a module knows only those
//! above it. See `ARCHITECTURE.md` for the reasons.

pub mod error;

pub mod engine;
pub mod expr;
pub mod inference;
pub mod model;
pub mod program;
pub mod random;
pub mod report;
pub mod study;
pub mod summary;

pub use error::{Diagnostic, Error, Result};
