//! From an objective to an answer: optimisers and samplers. Nothing below knows argmin.
//!
//! [`fit`] scores a population of starts in bulk, searches from the best of them, evaluates the ends again in the
//! precision of the report, polishes the winners, reads from the Fisher information what the data determine, and follows
//! the likelihood to the ends of the intervals. [`sample`] draws from the posterior.

mod between;
mod bootstrap;
mod boxed;
mod bridge;
mod checkpoint;
mod cmaes;
pub mod design;
mod edge;
mod ensemble;
mod fit;
mod identify;
mod lbfgs;
mod lockstep;
mod objective;
mod optima;
mod predict;
mod problem;
mod problem_nodes;
mod problem_reduced;
mod problem_run;
mod profile;
mod result;
mod sample;
pub mod sensitivity;
mod settings;
mod starts;
mod swarm;
pub mod threshold;
mod trials;
mod trust;
mod watch;

pub use bootstrap::{
    Bootstrap, BootstrapSettings, Drawn, FEWEST, Interval, Kind, Optimum, Refitting, Replicate, Spread, bootstrap,
    mean_and_sd,
};
pub use edge::{Edge, EdgeOf, of_draws, of_optimum};
pub use ensemble::Ensemble;
pub use fit::fit;
pub use objective::{Dimension, Evaluation, Expansion, Few, Objective};
pub use optima::{Mode, Modes, Optima, Optimal, WITHIN, modes};
pub use predict::Predicted;
pub use problem::StudyObjective;
pub use problem_nodes::{NODE_TOLERANCE, NodeCheck, settle_nodes};
pub use problem_reduced::Likelihood;
pub use problem_run::{Choice, Failure, Simulated, Simulator, Wanted};
pub use profile::{Label, PathEnd, Profile, ProfilePoint, ProfileSettings, Profiles, Side, Start, Tie, profile};
pub use result::{Basis, Direction, Ended, FitResult, Identification, ParameterResult, StartRecord, Stop, Verdict};
pub use sample::{
    Diagnosis, Draw, Drawing, EFFECTIVE, Evidence, RHAT, Sample, SampleSettings, Sampler, StudyTarget, Target, Watcher,
    effective, pareto_smoothed, quantile, quantile_error, sample, sorted, systematic,
};
pub use settings::{CheckpointSettings, FitSettings, Method};
pub use trials::Trial;
pub use watch::{Progress, Stage, Update};
