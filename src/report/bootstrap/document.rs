//! Everything that a report on a bootstrap shows, as plain data.

use crate::report::document::{Edge, Headline, RunFacts, Warning};
use serde::Serialize;

/// A fit's replicates, ready to be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BootstrapReport {
    pub title: String,
    /// What was measured and where it comes from, in the study's own words.
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    /// Where failures decide; the first warning is about them then.
    pub failures_decide: Vec<Edge>,
    /// Errors that the readings let go to nothing: the likelihood has no maximum, and what is found is no result.
    pub no_maximum: Vec<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    pub parameters: Vec<Row>,
    pub facts: Facts,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    /// Whether the replicates are written as a Parquet table too.
    #[serde(skip)]
    pub parquet: bool,
    /// Names of the columns of `draws`.
    #[serde(skip)]
    pub names: Vec<String>,
    /// `[replicate][parameter]`, in the parameters' units; in the table of draws and not in the summary.
    #[serde(skip)]
    pub draws: Vec<Vec<f64>>,
    /// Log of the posterior density of the study's own data up to a constant, log-likelihood.
    #[serde(skip)]
    pub densities: Vec<[f64; 2]>,
}

/// 95 % in the parameter's unit, with the Monte Carlo error of each end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Interval {
    pub ends: (f64, f64),
    pub errors: (f64, f64),
}

/// One parameter. Missing where too few replicates have data on it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    pub name: String,
    pub unit: String,
    /// "log10" or "lin".
    pub scale: String,
    pub estimate: f64,
    /// Standard deviation of the replicates on the estimation scale, with its Monte Carlo error.
    pub sd: Option<(f64, f64)>,
    /// Mean of the replicates minus the estimate, in standard deviations, with its Monte Carlo error.
    pub bias: Option<(f64, f64)>,
    /// The interval to be quoted: BCa where there is one, that of percentiles elsewhere.
    pub interval: Option<Interval>,
    /// "BCa" or "percentile".
    pub basis: String,
    /// Why it is not BCa.
    pub why: String,
    pub percentile: Option<Interval>,
    pub bca: Option<Interval>,
    /// That of the fit.
    pub likelihood_interval: Option<(f64, f64)>,
    /// Width of the bootstrap interval over that of the fit, on the estimation scale.
    pub ratio: Option<f64>,
    /// Replicates that count, and those of them on a bound.
    pub used: usize,
    pub at_bound: usize,
    pub prior: String,
    pub source: String,
    /// Bins with their counts, on the parameter's own axis.
    #[serde(skip)]
    pub histogram: Vec<(f64, f64, usize)>,
}

impl Row {
    /// Where there is no optimum, what replicates scatter about is where their searches stopped.
    pub fn without_intervals(&mut self, why: &str) {
        (self.sd, self.bias, self.ratio, self.likelihood_interval) = (None, None, None, None);
        (self.interval, self.percentile, self.bca) = (None, None, None);
        self.basis.clear();
        self.why = why.into();
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Facts {
    /// "parametric" or "cases".
    pub kind: String,
    /// What was drawn, in words.
    pub drawn: String,
    pub replicates: usize,
    pub refitted: usize,
    /// Replicates whose search had no finite end.
    pub failed: usize,
    /// Refitted replicates with any parameter on a bound, and those that reached the limit of iterations.
    pub at_bounds: usize,
    pub unfinished: usize,
    /// Replicates searched from other ends of the fit too, from how many ends, and how many ended elsewhere.
    pub searched_widely: usize,
    pub ends: usize,
    pub ended_elsewhere: usize,
    /// Negative log-posterior at the optimum of the fit.
    pub objective: f64,
    /// Cause and count of lanes that stayed failed.
    pub failures: Vec<(String, u64)>,
}
