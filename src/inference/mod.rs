//! From an objective to an answer: optimisers today, profiles and samplers later. Nothing below knows argmin.

mod objective;
mod problem;
mod problem_curves;
mod problem_run;

pub use objective::{Evaluation, Expansion, Objective};
pub use problem::StudyObjective;
pub use problem_curves::{Along, Curve, Grid, Predicted, planned};
pub use problem_run::{Choice, Failure, Simulated, Simulator, Wanted};
