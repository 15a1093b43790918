//! What two drugs do together beside what was to be expected of them, without a model of cells.
//!
//! [`Wells`] are readings as viability relative to the vehicle; their means form a [`Matrix`] over the doses of both.
//! [`Matrix::analyse`] fits the curves of the drugs alone, computes what each [`Reference`] expects of a combination,
//! and [`bootstrap`] repeats all of it for intervals.
//!
//! **Sign.** Effect is 1 - viability. The excess is the observed effect less the expected one, which is the expected
//! viability less the observed one: above 0 is synergy, below 0 antagonism.
//!
//! **An inactive partner.** Where one drug alone does next to nothing, no dose of it has the effect of a combination, so
//! that Loewe additivity is not defined, and a potency that does not exist has no interaction. What can be said is by how
//! much it shifts the curve of the other drug: [`Shift`].

mod analysis;
mod bliss;
mod bootstrap;
mod curve;
mod hsa;
mod loewe;
mod matrix;
mod shift;
mod surface;
mod zip;

pub use analysis::{Alone, Analysis, INACTIVE, Numbers, Plan, Reference, Unavailable, additive};
pub use bootstrap::{Basis, Intervals, bootstrap};
pub use curve::Curve;
pub use matrix::{Matrix, Well, Wells};
pub use shift::{LEAST, Shift};
pub use surface::{Grid, Surface, spaced};
pub use zip::Lines;
