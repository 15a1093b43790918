//! Readings of plates that have gains and blanks of their own, on the scale of one of them.

use super::curves::Model;
use crate::study::{Datum, Study};
use std::collections::BTreeMap;

/// For each line of the data the fitted offset and scale of its reading.
pub struct Gains(BTreeMap<usize, (f64, f64)>);

impl Gains {
    pub fn of(study: &Study, model: &Model) -> Gains {
        let fitted = study.data.iter().zip(&model.problem.layout.predictions);
        Gains(fitted.map(|(d, p)| (d.line, (p.offset.value(&model.values), p.scale.value(&model.values)))).collect())
    }

    /// What `value`, read as `datum` was, would have been as `like` was.
    pub fn onto(&self, like: &Datum, datum: &Datum, value: f64) -> f64 {
        match (self.0.get(&datum.line), self.0.get(&like.line)) {
            (Some(own), Some(other)) if own != other && own.1 != 0.0 => other.0 + other.1 * (value - own.0) / own.1,
            _ => value,
        }
    }

    /// Whether any of `data` was read on another scale than `like`.
    pub fn differ<'d>(&self, like: &Datum, mut data: impl Iterator<Item = &'d Datum>) -> bool {
        data.any(|datum| self.0.get(&datum.line) != self.0.get(&like.line))
    }
}
