//! What a caller decides about a fit.

use super::Objective;
use crate::{Diagnostic, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Many starts scored, the best refined together by a bounded trust region with Fisher scoring.
    #[default]
    Multistart,
    /// argmin's particle swarm, a whole swarm a batch.
    Swarm,
    /// Covariance matrix adaptation with restarts in growing populations.
    Cmaes,
    /// As multistart, with a bounded limited-memory BFGS: first derivatives alone.
    Lbfgs,
}

impl Method {
    pub const ALL: [Method; 4] = [Method::Multistart, Method::Swarm, Method::Cmaes, Method::Lbfgs];

    pub fn name(self) -> &'static str {
        match self {
            Method::Multistart => "multistart",
            Method::Swarm => "swarm",
            Method::Cmaes => "cmaes",
            Method::Lbfgs => "lbfgs",
        }
    }
}

#[derive(Debug, Clone)]
pub struct FitSettings {
    pub method: Method,
    /// Points scored before the search; the user's own guess is among them where there is one.
    pub starts: usize,
    /// How many of the scored are refined; `None` for a tenth of them, but no fewer than 20.
    pub refine: Option<usize>,
    /// Starts refined at the same time.
    pub width: usize,
    /// Particles of a swarm, or the first population of CMA-ES; `None` for a size that follows the dimension.
    pub population: Option<usize>,
    pub seed: u64,
    /// Iterations of one start, of the swarm, or of all generations of CMA-ES.
    pub max_iterations: u32,
    /// A start ends when its model promises less than this (in units of the objective, that is of log-likelihood).
    pub tolerance: f64,
    /// Distinct winners that are polished in the precision of the report.
    pub polish: usize,
    /// Wall time of this call after which the search ends with the best so far.
    pub max_time: Option<Duration>,
    /// Evaluations (expansions count as `1 + dimensions`) after which the search ends with the best so far.
    pub max_evaluations: Option<u64>,
    /// Set from outside (Ctrl-C) to end the search with the best so far.
    pub stop: Option<Arc<AtomicBool>>,
    pub checkpoint: Option<CheckpointSettings>,
}

/// What is done is written down now and then, and goes on from there. The file stays when the work is complete: whoever
/// writes the result calls [`CheckpointSettings::remove`] when it is in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointSettings {
    pub path: PathBuf,
    /// At least this long between two checkpoints.
    pub interval: Duration,
    /// What the objective is made of (model, data, engine, precision, tolerances): a checkpoint of another is refused.
    pub study: String,
}

impl Default for FitSettings {
    fn default() -> Self {
        FitSettings {
            method: Method::default(),
            starts: 1000,
            refine: None,
            width: 256,
            population: None,
            seed: 0,
            max_iterations: 300,
            tolerance: 1e-4,
            polish: 8,
            max_time: None,
            max_evaluations: None,
            stop: None,
            checkpoint: None,
        }
    }
}

impl FitSettings {
    pub(super) fn refined(&self) -> usize {
        self.refine.unwrap_or((self.starts / 10).max(20)).clamp(1, self.starts)
    }

    /// Everything the result depends on, by name, so that a checkpoint of another fit can be told by what differs.
    pub(super) fn identity(&self, objective: &dyn Objective) -> BTreeMap<String, String> {
        let bounds: Vec<_> = objective.lower().iter().zip(objective.upper()).collect();
        let entries = [
            ("study", self.checkpoint.as_ref().map_or(String::new(), |c| c.study.clone())),
            ("version", env!("CARGO_PKG_VERSION").to_string()),
            ("method", self.method.name().to_string()),
            ("starts", self.starts.to_string()),
            ("refined starts", self.refined().to_string()),
            ("width", self.width.to_string()),
            ("population", format!("{:?}", self.population)),
            ("seed", self.seed.to_string()),
            ("iterations", self.max_iterations.to_string()),
            ("tolerance", self.tolerance.to_string()),
            ("polished starts", self.polish.to_string()),
            ("parameters", objective.names().join(", ")),
            ("bounds", format!("{bounds:?}")),
            ("nominal values", format!("{:?}", objective.nominal())),
        ];
        entries.map(|(name, value)| (name.to_string(), value)).into()
    }

    pub(super) fn check(&self, objective: &dyn Objective) -> Result<()> {
        let mut found = Vec::new();
        let mut refuse = |message: String, hint: &str| found.push(Diagnostic::new(message).hint(hint));
        if self.starts == 0 || self.width == 0 || self.max_iterations == 0 {
            refuse("a fit with no starts, no width or no iterations".to_string(), "each must be at least 1");
        }
        if self.tolerance.is_nan() || self.tolerance <= 0.0 {
            refuse(format!("tolerance {}", self.tolerance), "give a number above 0, such as 1e-4");
        }
        if objective.names().is_empty() {
            refuse("no parameter is estimated".to_string(), "mark at least one parameter as estimated");
        }
        for ((name, &lower), &upper) in objective.names().iter().zip(objective.lower()).zip(objective.upper()) {
            if !(lower < upper && lower.is_finite() && upper.is_finite()) {
                refuse(
                    format!("parameter '{name}' has bounds {lower} to {upper} on its estimation scale"),
                    "bounds must be finite and the lower one below the upper one; fix the parameter if it is known",
                );
            }
        }
        if let Some(nominal) = objective.nominal() {
            let box_of = objective.lower().iter().zip(objective.upper());
            for ((name, value), (lower, upper)) in objective.names().iter().zip(nominal).zip(box_of) {
                if !(lower <= value && value <= upper) {
                    refuse(
                        format!("the nominal value {value} of '{name}' lies outside its bounds {lower} to {upper}"),
                        "widen the bounds or change the value",
                    );
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(Error::Input(found)) }
    }
}
