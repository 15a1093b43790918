//! Lowering of a [`System`](crate::model::System) to straight-line programs that an engine can run.
//!
//! A [`Program`] has the numbers that never change folded in; what a lane brings along are its *inputs*. The rest of
//! this module is about the blocks an engine needs: [`Block`] is a straight-line piece in static single assignment,
//! the same for the CPU tape and for WGSL; [`lu`] is the sparse factorisation in Markowitz order.

mod block;
mod lower;
pub mod lu;
pub mod wgsl;

pub use block::{Block, Op, Value};
pub use lower::{Lowering, Program, ProgramSwitch};
