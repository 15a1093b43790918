//! Many local searches in step: one batch of derivatives and one of values an iteration, for all of them together.

use super::boxed::Boxed;
use super::bridge::Bridge;
use super::result::StartRecord;
use super::watch::Staged;
use super::{Expansion, Stop};
use argmin::core::{Error, KV, PopulationState, Problem, Solver, State, TerminationReason, TerminationStatus};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A start that stopped this far above the best, in log-likelihood, is not at the optimum.
const FAR: f64 = 1.0;

/// When a local search ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rules {
    /// The model promises less than this.
    pub tolerance: f64,
    /// The last iterations together gained less than this.
    pub stall: f64,
    pub max_iterations: u32,
    pub seed: u64,
    /// The smallest population of searches that have one; `None` for a size that follows the dimension.
    pub population: Option<usize>,
}

/// One search from one start. Its life: it wants an expansion, learns from it, proposes trials, judges their values.
pub trait Local: Send + Sync {
    /// From `last_point` of the record, whose value is finite.
    fn new(record: &StartRecord, rules: &Rules, boxed: &Boxed) -> Self;
    fn value(&self) -> f64;
    fn point(&self, boxed: &Boxed) -> Vec<f64>;
    fn stopped(&self) -> Option<Stop>;
    fn wants_expansion(&self, boxed: &Boxed) -> Option<Vec<f64>>;
    /// `None` where there are no finite derivatives.
    fn learn(&mut self, expansion: Option<&Expansion>, boxed: &Boxed);
    /// Fills the trials, or stops.
    fn propose(&mut self, rules: &Rules);
    fn trials(&self, boxed: &Boxed) -> Vec<Vec<f64>>;
    fn judge(&mut self, values: &[f64], rules: &Rules);
    /// Called on a search that stopped well above the best: whether it goes on from another place.
    fn escape(&mut self) -> bool {
        false
    }
}

/// Runs a queue of starts, `width` at a time: those that end leave, and the next ones take their place.
#[derive(Serialize, Deserialize)]
pub struct Lockstep<L> {
    active: Vec<Active<L>>,
    queue: VecDeque<StartRecord>,
    done: Vec<StartRecord>,
    /// The best value of all starts so far.
    #[serde(deserialize_with = "super::checkpoint::infinite")]
    best: f64,
    width: usize,
    rules: Rules,
    #[serde(skip, default = "nowhere")]
    boxed: Boxed,
}

fn nowhere() -> Boxed {
    Boxed { lower: Vec::new(), upper: Vec::new() }
}

#[derive(Serialize, Deserialize)]
struct Active<L> {
    record: StartRecord,
    local: L,
}

impl<L: Local> Lockstep<L> {
    /// The starts are taken in their order, from `last_point` and `last_value`.
    pub fn new(starts: Vec<StartRecord>, width: usize, rules: Rules, boxed: Boxed) -> Self {
        let best = starts.iter().map(|start| start.last_value).fold(f64::INFINITY, f64::min);
        Lockstep { active: Vec::new(), queue: starts.into(), done: Vec::new(), best, width, rules, boxed }
    }

    /// After a checkpoint was read: the box is not part of it.
    pub fn within(mut self, boxed: Boxed) -> Self {
        self.boxed = boxed;
        self
    }

    /// All starts with what became of them; those still on their way are marked as interrupted.
    pub fn records(self) -> Vec<StartRecord> {
        let Lockstep { active, queue, mut done, boxed, .. } = self;
        done.extend(active.into_iter().map(|a| close(a.record, &a.local, Stop::Interrupted, &boxed)));
        done.extend(queue);
        done.sort_by_key(|record| record.start);
        done
    }

    fn retire(&mut self) {
        let boxed = &self.boxed;
        let limit = self.rules.max_iterations;
        let mut still = Vec::with_capacity(self.active.len());
        for active in self.active.drain(..) {
            let full = (active.record.iterations >= limit).then_some(Stop::Iterations);
            match active.local.stopped().or(full) {
                Some(stop) => self.done.push(close(active.record, &active.local, stop, boxed)),
                None => still.push(active),
            }
        }
        self.active = still;
    }
}

fn close<L: Local>(mut record: StartRecord, local: &L, stop: Stop, boxed: &Boxed) -> StartRecord {
    record.last_point = local.point(boxed);
    record.last_value = local.value();
    record.stop = stop;
    record.at_bounds = bounds_hit(&record.last_point, boxed);
    record
}

/// The dimensions in which a point stands on a face of the box.
pub fn bounds_hit(point: &[f64], boxed: &Boxed) -> Vec<usize> {
    (0..point.len()).filter(|&i| boxed.at_bound(i, point[i])).collect()
}

impl<'a, L: Local> Solver<Bridge<'a>, PopulationState<Vec<f64>, f64>> for Lockstep<L> {
    fn name(&self) -> &str {
        "starts refined in step"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Bridge<'a>>,
        state: PopulationState<Vec<f64>, f64>,
    ) -> Result<(PopulationState<Vec<f64>, f64>, Option<KV>), Error> {
        while self.active.len() < self.width
            && let Some(record) = self.queue.pop_front()
        {
            let local = L::new(&record, &self.rules, &self.boxed);
            self.active.push(Active { record, local });
        }
        let boxed = &self.boxed;
        let wanting: Vec<(usize, Vec<f64>)> = self
            .active
            .iter()
            .enumerate()
            .filter_map(|(at, active)| active.local.wants_expansion(boxed).map(|point| (at, point)))
            .collect();
        let points: Vec<Vec<f64>> = wanting.iter().map(|(_, point)| point.clone()).collect();
        let expansions = problem.bulk_problem("expand_count", points.len(), |p| Ok(p.expand(&points)?))?;
        for ((at, _), expansion) in wanting.iter().zip(&expansions) {
            self.active[*at].local.learn(expansion.as_ref(), boxed);
        }
        let rules = &self.rules;
        self.active.par_iter_mut().filter(|a| a.local.stopped().is_none()).for_each(|a| a.local.propose(rules));
        let limit = self.best + FAR;
        for active in self.active.iter_mut().filter(|active| active.local.value() > limit) {
            let stopped = active.local.stopped();
            if matches!(stopped, Some(Stop::Converged | Stop::Stalled | Stop::NoDescent)) {
                active.local.escape();
            }
        }
        self.retire();

        let trials: Vec<Vec<Vec<f64>>> = self.active.iter().map(|a| a.local.trials(&self.boxed)).collect();
        let flat: Vec<Vec<f64>> = trials.iter().flatten().cloned().collect();
        let values = problem.bulk_cost(&flat)?;
        let mut from = 0;
        for (active, trials) in self.active.iter_mut().zip(&trials) {
            active.local.judge(&values[from..from + trials.len()], &self.rules);
            active.record.iterations += 1;
            from += trials.len();
        }
        self.retire();

        // A better value counts from the moment it is known, expanded or not.
        self.best = values.iter().copied().fold(self.best, f64::min);
        let seen = flat.iter().cloned().zip(values);
        let ended = self.done.iter().map(|r| (r.last_point.clone(), r.last_value));
        let best = seen.chain(ended).min_by(|a, b| a.1.total_cmp(&b.1));
        let state = match best {
            Some((point, value)) if value < state.best_cost => state.individual(point).cost(value),
            _ => state,
        };
        Ok((state, None))
    }

    fn terminate(&mut self, _state: &PopulationState<Vec<f64>, f64>) -> TerminationStatus {
        if self.active.is_empty() && self.queue.is_empty() {
            return TerminationStatus::Terminated(TerminationReason::SolverConverged);
        }
        TerminationStatus::NotTerminated
    }
}

impl<L: Local + Serialize> Staged<PopulationState<Vec<f64>, f64>> for Lockstep<L> {
    fn snapshot(&self, _state: &PopulationState<Vec<f64>, f64>) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self)
    }

    fn progress(&self, _state: &PopulationState<Vec<f64>, f64>) -> (usize, Option<usize>) {
        (self.done.len(), Some(self.done.len() + self.active.len() + self.queue.len()))
    }

    fn best(&self, state: &PopulationState<Vec<f64>, f64>) -> Option<Vec<f64>> {
        state.get_best_param().cloned()
    }
}
