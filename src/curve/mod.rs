//! Curves without an ODE: from the readings of plates to effects, doses and rates with honest intervals.
//!
//! [`analyse`] finds the curves in a file's readings ([`series`](Series)), learns how wells scatter from all of them,
//! fits them by least squares on raw signals with their controls, and reads numbers off each with an interval that
//! counts experiments, not wells. `docs/measurements.md` has the formulas.
//!
//! Two designs were weighed: curves as models without states on the engine, and least squares of their own. A closed
//! curve needs no integration, its units are eliminated exactly, and a thousand profiles cost less than one dispatch.

pub mod picture;
pub mod quality;

mod analysis;
mod bootstrap;
mod cholesky;
mod deaths;
mod fit;
mod flat;
mod growth;
mod infer;
mod problem;
mod quantity;
mod ratio;
mod series;
mod shape;
mod target;
mod variance;

pub use analysis::{Analysis, Curve, Fit, PooledNoise, Settings, Verdict, analyse, onsets};
pub use bootstrap::Resampling;
pub use deaths::as_counts;
pub use growth::{Growth, growth};
pub use infer::{Dispersion, End, Estimate, Fitted};
pub use problem::{Link, Spot};
pub use quantity::{Quantity, Reading};
pub use ratio::{Ratio, ratios};
pub use series::{Series, Well};
pub use shape::Shape;
pub use variance::VarianceFunction;
