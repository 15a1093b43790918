//! The reader for Antimony, the text format of Tellurium (Smith et al., Bioinformatics 2009).
//!
//! Where the language leaves room, libAntimony 3.3 decides what a text means. What fenton does not support is refused
//! by name, with its place.

mod build;
mod expression;
mod lexer;
mod parser;
mod processes;
mod syntax;

use super::Network;
use super::math::{Expr, Source};
use crate::{Error, Result};
use std::sync::Arc;

/// Reads the text of an Antimony file. `file_name` is what errors call it.
///
/// # Errors
/// One [`crate::Diagnostic`] for each thing that is wrong or not supported.
pub fn read(source: &str, file_name: &str) -> Result<Network> {
    let source = Source::new(file_name, source);
    let file = parser::parse(&source).map_err(Error::Input)?;
    build::network(&source, file).map_err(Error::Input)
}

/// Reads a text that is one formula.
pub(super) fn formula(source: &Arc<Source>) -> Result<Expr> {
    parser::parse_formula(source).map_err(Error::Input)
}
