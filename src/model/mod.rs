//! Models: what a modeller writes, and the initial-value problem that it means.

pub mod system;

pub use system::{Event, Parameter, State, Switch, System, Variable};
