//! Many replicates refitted in step: one batch of derivatives and one of values an iteration, for all of them together.
//!
//! Each search is a [`Trust`] with the data of its own replicate. What is integrated is the same for all of them, so that
//! points of all replicates share a batch, and one integration serves all that stand at the same point, as they do at first.

use super::super::boxed::Boxed;
use super::super::bridge::Spent;
use super::super::lockstep::{Local, Rules, bounds_hit};
use super::super::problem::Data;
use super::super::trust::Trust;
use super::super::{StartRecord, Stop, StudyObjective};
use crate::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Where the search of a replicate begins.
#[derive(Debug, Clone)]
pub struct Begin {
    pub replicate: usize,
    /// Which of the ends of the fit it begins at; 0 is the optimum.
    pub from: usize,
    pub point: Vec<f64>,
}

/// Where one ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    pub replicate: usize,
    pub from: usize,
    pub point: Vec<f64>,
    #[serde(deserialize_with = "super::super::checkpoint::infinite")]
    pub value: f64,
    pub stop: Stop,
}

#[derive(Serialize, Deserialize)]
pub struct Refits {
    active: Vec<Search>,
    pub done: Vec<End>,
}

#[derive(Serialize, Deserialize)]
struct Search {
    replicate: usize,
    from: usize,
    iterations: u32,
    local: Trust,
}

/// What all searches share.
pub struct Field<'a> {
    pub objective: &'a StudyObjective<'a>,
    pub boxed: &'a Boxed,
    pub rules: Rules,
    /// In the precision of the report.
    pub exact: bool,
}

impl Refits {
    pub fn begin<'d>(
        field: &Field,
        data: impl Fn(usize) -> Data<'d>,
        begins: &[Begin],
        spent: &mut Spent,
    ) -> Result<Refits> {
        let points: Vec<(Data, Vec<f64>)> = begins.iter().map(|b| (data(b.replicate), b.point.clone())).collect();
        let mut refits = Refits { active: Vec::new(), done: Vec::new() };
        for (begin, evaluation) in begins.iter().zip(field.objective.evaluate_each(&points, field.exact)?) {
            spent.take(&evaluation);
            let record = StartRecord {
                start: begin.replicate,
                first_point: begin.point.clone(),
                first_value: evaluation.value,
                last_point: begin.point.clone(),
                last_value: evaluation.value,
                iterations: 0,
                stop: Stop::Waiting,
                at_bounds: bounds_hit(&begin.point, field.boxed),
            };
            let (replicate, from) = (begin.replicate, begin.from);
            if evaluation.value.is_finite() {
                let local = Trust::new(&record, &field.rules, field.boxed);
                refits.active.push(Search { replicate, from, iterations: 0, local });
            } else {
                let (point, value) = (begin.point.clone(), f64::INFINITY);
                refits.done.push(End { replicate, from, point, value, stop: Stop::NoDerivatives });
            }
        }
        Ok(refits)
    }

    pub fn is_over(&self) -> bool {
        self.active.is_empty()
    }

    pub fn total(&self) -> usize {
        self.active.len() + self.done.len()
    }

    /// One iteration of every search.
    pub fn step<'d>(&mut self, field: &Field, data: impl Fn(usize) -> Data<'d>, spent: &mut Spent) -> Result<()> {
        let boxed = field.boxed;
        let wanting: Vec<(usize, Vec<f64>)> = (self.active.iter().enumerate())
            .filter_map(|(at, search)| Some((at, search.local.wants_expansion(boxed)?)))
            .collect();
        let points: Vec<(Data, Vec<f64>)> =
            wanting.iter().map(|(at, point)| (data(self.active[*at].replicate), point.clone())).collect();
        let expansions = field.objective.expand_each(&points, field.exact)?;
        spent.expansions += points.len() as u64;
        for ((at, _), expansion) in wanting.iter().zip(&expansions) {
            self.active[*at].local.learn(Some(expansion).filter(|e| e.value.is_finite()), boxed);
        }
        let going = |search: &&mut Search| search.local.stopped().is_none();
        self.active.par_iter_mut().filter(going).for_each(|search| search.local.propose(&field.rules));
        self.retire(field);

        let trials: Vec<Vec<Vec<f64>>> = self.active.iter().map(|search| search.local.trials(boxed)).collect();
        let of = |(search, trials): (&Search, &Vec<Vec<f64>>)| {
            let data = data(search.replicate);
            trials.iter().map(move |point| (data, point.clone())).collect::<Vec<_>>()
        };
        let points: Vec<(Data, Vec<f64>)> = self.active.iter().zip(&trials).flat_map(of).collect();
        let evaluations = field.objective.evaluate_each(&points, field.exact)?;
        evaluations.iter().for_each(|evaluation| spent.take(evaluation));
        let values: Vec<f64> = evaluations.iter().map(|evaluation| evaluation.value).collect();
        let mut first = 0;
        for (search, trials) in self.active.iter_mut().zip(&trials) {
            search.local.judge(&values[first..first + trials.len()], &field.rules);
            search.iterations += 1;
            first += trials.len();
        }
        self.retire(field);
        Ok(())
    }

    fn retire(&mut self, field: &Field) {
        let (done, limit) = (&mut self.done, field.rules.max_iterations);
        self.active.retain(|search| {
            let full = (search.iterations >= limit).then_some(Stop::Iterations);
            let Some(stop) = search.local.stopped().or(full) else { return true };
            let (point, value) = (search.local.point(field.boxed), search.local.value());
            done.push(End { replicate: search.replicate, from: search.from, point, value, stop });
            false
        });
    }
}
