//! An objective as argmin sees it: costs by the batch, and a count of what was spent.

use super::{Evaluation, Expansion, Objective};
use crate::engine::Status;
use argmin::core::{CostFunction, Error as ArgminError, SendAlias, SyncAlias};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::BTreeMap;

const STATUSES: [Status; 8] = [
    Status::Finished,
    Status::StepLimit,
    Status::StepTooSmall,
    Status::NotFinite,
    Status::Unsettled,
    Status::Undefined,
    Status::NoSlope,
    Status::BadDelay,
];

/// What a fit has cost so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub evaluations: u64,
    pub expansions: u64,
    /// Points whose value was not finite.
    pub failed_points: u64,
    /// Lanes that stayed failed, by place in [`STATUSES`].
    lanes: BTreeMap<usize, u64>,
}

impl Spent {
    /// Counts one evaluation.
    pub fn take(&mut self, evaluation: &Evaluation) {
        self.evaluations += 1;
        for &(status, count) in &evaluation.failures {
            let at = STATUSES.iter().position(|&s| s == status).unwrap_or(0);
            *self.lanes.entry(at).or_default() += u64::from(count);
        }
        self.failed_points += u64::from(!evaluation.value.is_finite());
    }

    pub fn failures(&self) -> Vec<(Status, u64)> {
        self.lanes.iter().map(|(&at, &count)| (STATUSES[at.min(STATUSES.len() - 1)], count)).collect()
    }

    /// In evaluations; an expansion carries one tangent for each dimension.
    pub fn work(&self, dimensions: usize) -> u64 {
        self.evaluations + self.expansions * (1 + dimensions as u64)
    }
}

pub struct Bridge<'a> {
    pub objective: &'a dyn Objective,
    /// Values and expansions in the precision of the report rather than that of the search.
    pub exact: bool,
    pub spent: &'a RefCell<Spent>,
}

impl Bridge<'_> {
    pub fn evaluate(&self, points: &[Vec<f64>]) -> crate::Result<Vec<Evaluation>> {
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let mut evaluations =
            if self.exact { self.objective.evaluate_exactly(points)? } else { self.objective.evaluate(points)? };
        let mut spent = self.spent.borrow_mut();
        for evaluation in &mut evaluations {
            spent.take(evaluation);
            // A NaN would spoil argmin's swarm for good.
            if evaluation.value.is_nan() {
                evaluation.value = f64::INFINITY;
            }
        }
        Ok(evaluations)
    }

    pub fn values(&self, points: &[Vec<f64>]) -> crate::Result<Vec<f64>> {
        Ok(self.evaluate(points)?.into_iter().map(|evaluation| evaluation.value).collect())
    }

    /// `None` where value, gradient or information is not finite.
    pub fn expand(&self, points: &[Vec<f64>]) -> crate::Result<Vec<Option<Expansion>>> {
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let expansions =
            if self.exact { self.objective.expand_exactly(points)? } else { self.objective.expand(points)? };
        self.spent.borrow_mut().expansions += points.len() as u64;
        let finite = |e: &Expansion| {
            e.value.is_finite() && e.gradient.iter().chain(e.fisher.iter()).all(|number| number.is_finite())
        };
        Ok(expansions.into_iter().map(|e| finite(&e).then_some(e)).collect())
    }
}

impl CostFunction for Bridge<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, point: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok(self.values(std::slice::from_ref(point))?[0])
    }

    fn bulk_cost<P>(&self, points: &[P]) -> Result<Vec<f64>, ArgminError>
    where
        P: Borrow<Vec<f64>> + SyncAlias,
        f64: SendAlias,
        Self: SyncAlias,
    {
        let points: Vec<Vec<f64>> = points.iter().map(|p| p.borrow().clone()).collect();
        Ok(self.values(&points)?)
    }
}

/// The library's own error, taken back out of argmin's.
pub fn recover(error: ArgminError) -> crate::Error {
    error.downcast::<crate::Error>().unwrap_or_else(|other| crate::Error::Run(format!("the optimiser failed: {other}")))
}
