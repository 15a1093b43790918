//! Models: what a modeller writes, and the initial-value problem that it means.

pub mod antimony;
pub mod diagram;
pub mod formula;
pub mod math;
pub mod network;
pub mod system;
pub mod units;

mod algebraic;
mod flatten;
mod lower;
mod unit_check;

pub use diagram::Diagram;
pub use network::Network;
pub use system::{Assignment, Event, Parameter, State, Switch, System, Variable};
