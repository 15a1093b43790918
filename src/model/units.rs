//! Units of measurement.

use super::math::Expr;
use super::network::{Network, Quantity};
use std::ops::Range;

/// `unit name = formula`.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub span: Range<usize>,
    pub formula: Expr,
}

impl Network {
    /// The unit of a quantity as it was written, for labels.
    pub(super) fn unit_text(&self, quantity: &Quantity) -> String {
        quantity.unit.as_ref().map_or(String::new(), |unit| self.source.slice(&unit.span).to_string())
    }

    /// The unit of time as it was written.
    pub(super) fn time_unit(&self) -> String {
        let definition = self.units.iter().find(|unit| unit.name == "time_unit");
        definition.map_or(String::new(), |unit| self.source.slice(&unit.formula.span).to_string())
    }
}
