//! From an objective to an answer: optimisers today, profiles and samplers later. Nothing below knows argmin.

mod objective;

pub use objective::{Evaluation, Expansion, Objective};
