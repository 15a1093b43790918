//! Everything that a report on synergy shows, as plain data.

use crate::report::document::{Headline, RunFacts, Warning};
use serde::Serialize;

/// What two drugs do together, ready to be shown. Excess is the observed effect less the expected one, as a share of the
/// vehicle: above 0 is synergy.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SynergyReport {
    pub title: String,
    /// What was measured and where it comes from, in the study's own words.
    pub study: String,
    pub model: String,
    /// Set if the data were made by a computer.
    pub synthetic: Option<String>,
    pub warnings: Vec<Warning>,
    pub headlines: Vec<Headline>,
    pub drugs: [Drug; 2],
    /// Genotype, medium and other compounds with their doses; empty for a study of one condition.
    pub condition: String,
    pub time: f64,
    pub time_unit: String,
    /// What was read: "relative viability".
    pub reading: String,
    /// From the readings; `None` if no reading has both drugs.
    pub data: Option<Data>,
    /// From the model; `None` if it was not asked.
    pub surface: Option<Surface>,
    /// What words mean here, signs above all.
    pub definitions: Vec<(String, String)>,
    pub run: RunFacts,
    /// A paragraph for a methods section.
    pub methods: String,
    pub references: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Drug {
    pub name: String,
    pub unit: String,
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measure {
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

impl Measure {
    /// Whether the interval leaves 0 out.
    pub fn differs(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Data {
    /// Doses of each drug in order, 0 included.
    pub doses: [Vec<f64>; 2],
    /// All pairs of doses, those of the second drug fastest.
    pub cells: Vec<Cell>,
    /// Bliss, Loewe, HSA, ZIP.
    pub references: Vec<Reference>,
    pub alone: [Alone; 2],
    pub shift: Shift,
    pub isobole: Option<Isobole>,
    /// Combinations that were not read, as told: "FAC 1 mM with CuCl2 5 uM".
    pub missing: Vec<String>,
    pub wells: usize,
    pub experiments: usize,
    /// What intervals rest on, in words.
    pub basis: String,
}

/// One pair of doses.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cell {
    pub doses: [f64; 2],
    /// Readings.
    pub count: usize,
    pub viability: Measure,
    /// By reference; empty where a drug is absent.
    pub references: Vec<Against>,
}

/// A combination beside what was expected of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Against {
    pub expected_viability: Option<f64>,
    pub excess: Measure,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Reference {
    pub name: String,
    /// Over all combinations that have an excess.
    pub mean: Measure,
    /// Combinations that have one, among so many that were read.
    pub given: usize,
    pub of: usize,
    /// Combinations whose interval leaves 0 out: above and below.
    pub above: usize,
    pub below: usize,
    /// Why it is not given, or for which combinations not.
    pub note: String,
}

/// One drug by itself.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Alone {
    pub active: bool,
    pub ec50: Measure,
    pub hill: Measure,
    /// Viability at the lower plateau.
    pub bottom: Measure,
    /// 1 - viability at the highest dose.
    pub effect: Measure,
    /// Dose and viability of the fitted curve.
    pub line: Vec<(f64, f64)>,
}

/// EC50 of one drug beside each dose of the other.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Shift {
    /// Numbers of the drug and of its partner.
    pub drug: usize,
    pub partner: usize,
    pub points: Vec<ShiftPoint>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct ShiftPoint {
    /// Of the partner.
    pub dose: f64,
    pub ec50: Measure,
    /// EC50 without the partner over this one: above 1 the partner makes the drug more potent.
    pub factor: Measure,
    /// "> 6 mM" where the EC50 lies beyond the doses tested.
    pub note: String,
}

/// Doses that together leave the same viability, beside the line of Loewe additivity.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Isobole {
    pub viability: f64,
    pub line: Vec<(f64, f64)>,
    pub points: Vec<(f64, f64)>,
}

/// The model on a finer grid.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Surface {
    pub doses: [Vec<f64>; 2],
    /// Where its parameters come from, in words.
    pub source: String,
    /// Draws behind the bands.
    pub draws: usize,
    /// All pairs of doses, those of the second drug fastest.
    pub viability: Vec<Measure>,
    pub references: Vec<SurfaceReference>,
    /// EC50 of the drug that [`Shift`] follows, at each dose of its partner.
    pub drug: usize,
    pub ec50: Vec<Measure>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct SurfaceReference {
    pub name: String,
    pub mean: Measure,
    /// As the viabilities.
    pub excess: Vec<Measure>,
}
