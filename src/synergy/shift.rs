//! By how much one drug shifts the curve of another.

use super::{Curve, Matrix};

/// EC50 of a drug beside each dose of its partner: the dose at which viability is half of what the partner alone leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Number of the drug whose EC50 it is.
    pub drug: usize,
    /// One for each dose of the partner, 0 included where it was read. May lie beyond the doses tested; `None` where the
    /// curve never gets there, was not fitted, or begins below [`LEAST`].
    pub ec50: Vec<Option<f64>>,
    /// How many times more potent the drug is than alone.
    pub factors: Vec<Option<f64>>,
}

/// Where the partner alone leaves less than this there is nothing to halve.
pub const LEAST: f64 = 0.2;

impl Shift {
    /// From the curves of `drug` at each dose of its partner.
    pub fn of(matrix: &Matrix, drug: usize, lines: &[Option<Curve>]) -> Shift {
        let half = |line: &Option<Curve>| line.filter(|c| c.top >= LEAST).and_then(|c| c.dose(0.5 * c.top));
        let ec50: Vec<Option<f64>> = lines.iter().map(half).collect();
        let alone = matrix.zero(1 - drug).and_then(|zero| ec50[zero]);
        let factors = ec50.iter().map(|ec50| Some(alone? / (*ec50)?)).collect();
        Shift { drug, ec50, factors }
    }
}
