//! Everything that a report shows, as plain data. The report computes nothing: who fills a [`Document`] has done so.
//!
//! Missing numbers are `None`, never NaN. Times are in `time_unit`, doses in the unit of their series; viabilities and
//! other observables are in their own unit (a viability is a fraction of 1).

use super::interval_text;
use super::optima::Optimum;
use crate::model::Diagram;
use crate::study::evidence::Evidence;
use serde::Serialize;

/// The result of one fit, ready to be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Document {
    pub title: String,
    /// What was measured and where it comes from, in the study's own words.
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer: what they are and the command that made them.
    pub synthetic: Option<String>,
    /// Where failures decide; the first warning is about them then.
    pub failures_decide: Vec<Edge>,
    /// Errors that the readings let go to nothing: the likelihood has no maximum, and what is found is no result.
    pub no_maximum: Vec<String>,
    /// The best first; more than one where the data do not say which. Empty where nothing was fitted, or not to its end.
    pub optima: Vec<Optimum>,
    pub warnings: Vec<Warning>,
    /// The few numbers that a reader wants first.
    pub headlines: Vec<Headline>,
    pub dose_responses: Vec<Chart>,
    pub time_courses: Vec<Chart>,
    pub effects: Vec<Effect>,
    pub parameters: Vec<ParameterResult>,
    pub predictions: Vec<Prediction>,
    pub starts: Starts,
    pub fit: FitFacts,
    /// Set if the data are statements in words: then nothing was fitted, and `fit` and `starts` are empty.
    pub statements: Option<Statements>,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    pub time_unit: String,
    /// For the page alone: the model itself is the file that `model` names.
    #[serde(skip)]
    pub diagram: Option<Diagram>,
    /// Where the numbers of an embedded model come from; for the page alone.
    #[serde(skip)]
    pub evidence: Vec<Evidence>,
}

/// A place beyond which evaluations fail: an estimate or an end of an interval that is none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Edge {
    /// "the estimate", "the upper end of k".
    pub at: String,
    /// Points tried beyond it that failed.
    pub failed: usize,
    /// Cause and count of simulations.
    pub causes: Vec<(String, u64)>,
}

/// What statements in words leave of the priors.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Statements {
    /// Statements, each one joint observation.
    pub count: usize,
    /// Points drawn from the priors within the bounds.
    pub drawn: usize,
    /// How many points of equal weight they are worth once weighted by the likelihood of the statements.
    pub effective: f64,
    /// The probability of the statements under the priors and the model, 0 to 1.
    pub agreement: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Warning {
    pub severity: Severity,
    /// One short sentence.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Limits what can be concluded.
    Caution,
    /// The result should not be used as it is.
    Serious,
}

#[derive(Debug, Clone, Serialize)]
pub struct Headline {
    pub label: String,
    /// As shown: "3.1 mM", "> 5 mM".
    pub value: String,
    /// What stands below: "95 % interval 2.7 to 3.6 mM".
    pub note: String,
}

/// One picture of measurements and model: over dose at a time, or over time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Chart {
    pub title: String,
    pub x_label: String,
    pub x_unit: String,
    /// Doses are shown on a logarithmic axis on which zero has a place of its own.
    pub x_is_dose: bool,
    pub y_label: String,
    pub y_unit: String,
    pub series: Vec<Series>,
    /// What the picture shows, for those who cannot see it and as its caption.
    pub caption: String,
}

/// One condition in a [`Chart`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct Series {
    pub label: String,
    /// Rank of a dose among the others, 0 to 1, if the series differ by a dose: they then get colours in that order.
    pub rank: Option<f64>,
    pub points: Vec<Point>,
    /// The model at the optimum.
    pub curve: Vec<CurvePoint>,
    /// Where on the x axis to mark the half-maximal effect.
    pub mark: Option<f64>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Point {
    pub x: f64,
    /// The mean of the replicates; `None` for an interval reading.
    pub value: Option<f64>,
    /// Standard deviation of a reading.
    pub sd: Option<f64>,
    pub replicates: Vec<f64>,
    /// A reading known to lie between two bounds.
    pub interval: Option<(f64, f64)>,
    /// Only the lower of these bounds is known: the upper is where the drawing ends.
    pub open: bool,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CurvePoint {
    pub x: f64,
    pub value: f64,
    /// The 95 % band of the model's value.
    pub band: Option<(f64, f64)>,
}

/// EC50 and its relatives.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Effect {
    pub condition: String,
    /// The time of the reading.
    pub time: f64,
    /// "EC50, relative", "EC90, absolute", …
    pub measure: String,
    pub value: Quantity,
    pub unit: String,
    pub note: String,
}

impl ParameterResult {
    /// What is known of it, for a table: its interval, the one end it has, or why there is none.
    pub fn told(&self) -> String {
        match self.interval {
            _ if !self.known.is_empty() => self.known.clone(),
            Some(interval) => interval_text(interval),
            None if ["no maximum", "not judged"].contains(&self.verdict.as_str()) => {
                "none: the likelihood has no maximum".into()
            }
            None if self.verdict.is_empty() => "not identified".into(),
            None => self.verdict.clone(),
        }
    }
}

impl Effect {
    pub fn note_if_value(&mut self, note: &str) {
        if let Quantity::Value { .. } = self.value {
            self.note = note.into();
        }
    }
}

/// A number that may lie outside of what was tested.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Quantity {
    Value {
        value: f64,
        interval: Option<(f64, f64)>,
    },
    /// Above the highest dose tested, which is given.
    Above {
        limit: f64,
    },
    /// Below the lowest dose tested.
    Below {
        limit: f64,
    },
    /// It differs between optima; `None` for one at which it is no number.
    Several {
        values: Vec<Option<f64>>,
    },
    #[default]
    Undefined,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct ParameterResult {
    pub name: String,
    pub meaning: String,
    pub unit: String,
    /// The estimate, or the fixed value; for statements in words the median of what they leave of the prior.
    pub value: f64,
    /// "log10" or "lin".
    pub scale: String,
    pub estimated: bool,
    /// "identified", "one-sided", "ends at failures", "known from the prior", "not identified", "at a bound", "differs between optima", "not judged", "no maximum" (an error that goes
    /// to nothing), "fixed" or, for statements in words, "bounded
    /// by the statement".
    pub verdict: String,
    /// On the estimation scale.
    pub standard_error: Option<f64>,
    /// 95 %, in the parameter's unit; `None` where the data do not identify it.
    pub interval: Option<(f64, f64)>,
    /// How the interval was made: "profile" where both ends are those of a followed profile, "standard error", "bounds", or
    /// the first two with an end that is a bound.
    pub interval_from: String,
    /// What is known of it where one end is missing: "at least 30.6".
    pub known: String,
    pub bounds: Option<(f64, f64)>,
    pub at_bound: Option<Side>,
    /// As written: "log-normal(0.5, x2)".
    pub prior: Option<String>,
    /// Where 95 % of the prior lies.
    pub prior_interval: Option<(f64, f64)>,
    /// For statements in words: where 95 % of it lies once the statements are taken into account.
    pub result_interval: Option<(f64, f64)>,
    /// 1 - (width after / width before) on the estimation scale: 0 where the data taught nothing.
    pub shrinkage: Option<f64>,
    /// The source of the value or prior, or "assumed".
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Lower,
    Upper,
}

/// One measurement beside the model.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Prediction {
    pub condition: String,
    pub observable: String,
    pub dose: Option<f64>,
    pub time: f64,
    pub replicate: String,
    pub measured: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// The model at the optimum; none for statements in words.
    pub fitted: Option<f64>,
    /// For statements in words: the median of the model over what they leave of the priors.
    pub median: Option<f64>,
    pub sd: f64,
    /// (measured - fitted) / sd on the noise model's scale.
    pub residual: Option<f64>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Starts {
    pub scored: usize,
    pub refined: usize,
    pub finished: usize,
    pub reached_best: usize,
    /// Refined starts, best first.
    pub list: Vec<Start>,
    /// How many lanes failed for each cause, over the whole fit.
    pub failures: Vec<Failure>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Start {
    pub number: usize,
    /// `None` for a start that could not be integrated.
    pub objective: Option<f64>,
    pub iterations: usize,
    /// Why it ended.
    pub stopped: String,
    pub parameters: Vec<f64>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Failure {
    pub cause: String,
    pub count: u64,
    /// Where it happened first: time and state.
    pub example: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct FitFacts {
    /// Negative log posterior at the optimum, in f64; none where nothing was fitted.
    pub objective: Option<f64>,
    /// Its parts: likelihood of each data set, priors.
    pub parts: Vec<(String, f64)>,
    pub observations: usize,
    /// What every interval holds for: "3 experiments", "within this experiment".
    pub scope: String,
    pub estimated: usize,
    pub aic: Option<f64>,
    pub bic: Option<f64>,
    /// Why there is no AIC and BIC.
    pub no_criteria: String,
    /// Why the fit ended; says so if it was cut short.
    pub ended: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct RunFacts {
    pub command: String,
    /// See [`crate::study::Study::fingerprint`]; empty where the run is of no study, or of several.
    pub study: String,
    pub version: String,
    pub method: String,
    pub integrator: String,
    pub rtol: f64,
    pub atol: f64,
    pub engine: String,
    pub adapter: String,
    /// In which the search ran; reported numbers are f64.
    pub precision: String,
    /// Nodes of the population of cells, if it has one.
    pub nodes: Option<usize>,
    pub seed: u64,
    pub seconds: f64,
    pub evaluations: u64,
    pub date: String,
}
