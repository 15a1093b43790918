//! Everything that a report on the curves of a plate file shows, as plain data. The report computes nothing.
//!
//! Missing numbers are `None`, never NaN.

use crate::report::document::{Headline, Warning};
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub struct PlateReport {
    pub title: String,
    /// What was read and how it was understood, in a sentence or two.
    pub about: String,
    /// The assay as it is named on the command line.
    pub assay: String,
    /// What the curves show: "relative viability".
    pub reading: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    /// One a cell line and compound (and what else was in the wells).
    pub curves: Vec<CurveRow>,
    /// How many times the EC50 of one curve is that of another.
    pub ratios: Vec<RatioRow>,
    /// Lag-exponential death, one a dose.
    pub onsets: Vec<OnsetRow>,
    /// Division and death taken apart, one a dose.
    pub growth: Vec<GrowthRow>,
    pub plates: Vec<PlateRow>,
    pub heat_maps: Vec<HeatMap>,
    /// How wells scatter, in words.
    pub noise: String,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
    pub effect: f64,
    pub time_unit: String,
    pub version: String,
    /// The command, as typed.
    pub command: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct CurveRow {
    pub cell_line: String,
    pub compound: String,
    /// "relative viability": what the curve is of.
    pub reading: String,
    /// "with BSO 100 uM"; empty if nothing else was added.
    pub background: String,
    pub unit: String,
    pub time: Option<f64>,
    /// Independent experiments.
    pub experiments: usize,
    pub plates: usize,
    pub wells: usize,
    pub lowest_dose: f64,
    pub highest_dose: f64,
    /// "effect", "no effect found", "too few doses", ...
    pub verdict: String,
    /// What limits this curve, in plain words.
    pub notes: Vec<String>,
    pub p_value: Option<f64>,
    /// The p value adjusted for all curves of the file (Benjamini and Hochberg).
    pub adjusted_p: Option<f64>,
    pub parameters: Option<CurveParameters>,
    pub ec50: Measure,
    pub absolute_ec50: Measure,
    pub benchmark_dose: Measure,
    pub hill: Measure,
    /// The lower plateau.
    pub floor: Measure,
    pub auc: Measure,
    /// The share at the highest dose tested.
    pub at_highest_dose: Option<f64>,
    pub smallest_effect: Option<f64>,
    /// Sd of log10 EC50 between experiments.
    pub between_experiments: Option<f64>,
    /// Points of the picture, each well on the scale of the curve. They are a table of their own, and what is drawn of
    /// the curve follows from its numbers: a summary of thousands of curves has to stay one that can be opened.
    #[serde(skip_serializing)]
    pub points: Vec<WellPoint>,
    /// Dose and share of the fitted curve.
    #[serde(skip_serializing)]
    pub line: Vec<(f64, f64)>,
    /// For several experiments the fitted curve of each.
    #[serde(skip_serializing)]
    pub experiment_lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// The curve that is drawn: what it takes to draw it again. An EC50 beyond the tested doses stands here and only here.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CurveParameters {
    pub log10_ec50: f64,
    pub hill: f64,
    /// As a share of the upper plateau.
    pub floor: f64,
    /// Signal of unaffected cells above the blank, mean over plates.
    pub upper: f64,
    /// Signal at the lower plateau above the blank.
    pub lower: f64,
    /// Of a well of unaffected cells, as a share.
    pub residual_sd: f64,
}

/// A number with its interval and what it stands on.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measure {
    pub value: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// As shown: "3.1", "> 20", "not reached", "–".
    pub shown: String,
    /// Below it: "2.7 to 3.6 (3 experiments)", "above 14", the reason why there is none.
    pub note: String,
    /// Without the wells that were flagged, where any were.
    pub without_outliers: Option<f64>,
    /// The percentile interval of the bootstrap; an end is `None` where it lies beyond all doses.
    pub bootstrap: Option<(Option<f64>, Option<f64>)>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct WellPoint {
    /// 0 for the vehicle.
    pub dose: f64,
    pub value: f64,
    pub experiment: String,
    pub plate: String,
    pub well: String,
    pub outlier: bool,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct RatioRow {
    pub numerator: String,
    pub denominator: String,
    pub ratio: Measure,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct OnsetRow {
    pub curve: String,
    pub dose: f64,
    pub unit: String,
    pub onset: Measure,
    pub rate: Measure,
    pub plateau: Measure,
    pub fastest: Measure,
    /// Time and lethal fraction of each well's read.
    pub points: Vec<TimePoint>,
    pub line: Vec<(f64, f64)>,
    pub verdict: String,
}

/// How fast cells divide and die at one dose, and the parts of GR that this makes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GrowthRow {
    pub curve: String,
    pub dose: f64,
    pub unit: String,
    pub division: Measure,
    pub death: Measure,
    pub gr: Measure,
    #[serde(rename = "static")]
    pub stasis: Measure,
    #[serde(rename = "toxic")]
    pub toxicity: Measure,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct TimePoint {
    pub time: f64,
    pub value: f64,
    pub experiment: String,
}

/// What the controls of one plate at one time say.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlateRow {
    pub plate: String,
    pub experiment: String,
    pub time: Option<f64>,
    pub vehicles: usize,
    pub vehicle_mean: Option<f64>,
    /// Coefficient of variation of the vehicle wells.
    pub vehicle_cv: Option<f64>,
    pub blanks: usize,
    pub blank_mean: Option<f64>,
    pub positives: usize,
    pub positive_mean: Option<f64>,
    pub z_prime: Option<f64>,
    /// Vehicle over positive (or blank).
    pub signal_window: Option<f64>,
    /// Mean of outer over inner wells of like treatment, less one.
    pub edge_effect: Option<f64>,
    /// What failed, in plain words.
    pub failures: Vec<String>,
}

/// A plate as it was read, and how far each well lies from its expectation.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HeatMap {
    pub title: String,
    pub rows: usize,
    pub columns: usize,
    /// Row by row; `None` where nothing was read.
    pub values: Vec<Option<f64>>,
    /// Signed, as a fraction of the expectation; `None` for wells without one.
    pub residuals: Vec<Option<f64>>,
    pub caption: String,
}
