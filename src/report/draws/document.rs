//! Everything that a report on draws shows, as plain data.

use super::modes::Mode;
use crate::report::document::{Edge, Headline, RunFacts, Warning};
use crate::report::number::shown;
use serde::Serialize;

/// Draws from the posterior of a study, ready to be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DrawsReport {
    pub title: String,
    /// What was measured and where it comes from, in the study's own words.
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    /// Where failures cut the posterior; the first warning is about them then.
    pub failures_decide: Vec<Edge>,
    /// Errors that the readings let go to nothing: the likelihood has no maximum, and what is found is no result.
    pub no_maximum: Vec<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    pub converged: bool,
    /// The heaviest first; more than one where draws gather in places that no path joins.
    pub modes: Vec<Mode>,
    pub parameters: Vec<Marginal>,
    /// Pairs of parameters that the data tie together, the strongest first: correlation of ranks.
    pub ties: Vec<(String, String, f64)>,
    pub facts: Facts,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    /// Whether the draws are written as a Parquet table too.
    #[serde(skip)]
    pub parquet: bool,
    /// `[chain][draw][parameter]`, in the parameters' units; in the files of draws and not in the summary.
    #[serde(skip)]
    pub chains: Vec<Vec<Vec<f64>>>,
    /// `[chain][draw]`: which of the modes it belongs to, from 0.
    #[serde(skip)]
    pub of_modes: Vec<Vec<usize>>,
    /// `[chain][draw]`: log of the posterior density up to a constant, log-likelihood.
    #[serde(skip)]
    pub densities: Vec<Vec<[f64; 2]>>,
}

impl Marginal {
    /// The median, or that of each mode.
    pub fn middle(&self) -> String {
        match self.median {
            Some(median) => shown(median),
            None => self.medians.iter().map(|median| shown(*median)).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// One parameter: what was believed of it, and what is believed now.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Marginal {
    pub name: String,
    pub unit: String,
    /// "log10" or "lin".
    pub scale: String,
    /// Of all draws; none for a parameter that differs between modes.
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub median: Option<f64>,
    /// Monte Carlo errors of the median and of the ends of the interval.
    pub median_error: Option<f64>,
    /// The medians within the modes, if the parameter differs between them.
    pub medians: Vec<f64>,
    pub interval: (f64, f64),
    pub interval_errors: (f64, f64),
    pub prior: String,
    pub prior_interval: (f64, f64),
    /// 1 - (width of the interval / width of the prior's) on the scale of estimation.
    pub shrinkage: f64,
    pub rhat: Option<f64>,
    pub bulk_ess: Option<f64>,
    pub tail_ess: Option<f64>,
    pub converged: bool,
    pub source: String,
    /// Densities on the scale of estimation over the parameter itself.
    #[serde(skip)]
    pub density: Vec<(f64, f64)>,
    #[serde(skip)]
    pub prior_density: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Facts {
    pub method: String,
    pub chains: usize,
    pub draws: usize,
    /// Log evidence and its Monte Carlo error.
    pub log_evidence: Option<(f64, f64)>,
    /// Exponents of the likelihood, for SMC.
    pub temperatures: usize,
    pub accepted: f64,
    /// Pareto k of the weights from the precision of sampling to that of the report, and what share of the draws they are
    /// worth; none where the two agree.
    pub weights: Option<(f64, f64)>,
    pub failed_points: u64,
    /// Cause and count of lanes that stayed failed.
    pub failures: Vec<(String, u64)>,
}
