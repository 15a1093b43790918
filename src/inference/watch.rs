//! What stands over every search: progress, stop rules, checkpoints.

use super::bridge::{Bridge, Spent};
use super::checkpoint::{Checkpoint, Keeper};
use super::{Ended, FitSettings};
use argmin::core::{Error, Executor, KV, Problem, Solver, State, TerminationReason, TerminationStatus};
use serde::Serialize;
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Told about a fit while it runs.
pub trait Progress {
    fn update(&mut self, update: &Update);

    /// A checkpoint could not be written; it is tried again.
    fn unkept(&mut self, _error: &crate::Error) {}
}

/// No report.
impl Progress for () {
    fn update(&mut self, _update: &Update) {}
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    pub stage: Stage,
    /// Starts scored or ended, or iterations of a swarm.
    pub done: usize,
    pub total: Option<usize>,
    /// The best objective so far; `+inf` while there is none.
    pub best: f64,
    pub evaluations: u64,
    pub expansions: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Scoring,
    Searching,
    /// How much experiments differ.
    Spreading,
    Polishing,
    /// Which ends are one place.
    Optima,
    /// The ends of 95 % intervals.
    Intervals,
    /// Whole profiles.
    Profiles,
}

/// One for a whole fit.
pub struct Watch<'a> {
    pub settings: &'a FitSettings,
    pub progress: &'a mut dyn Progress,
    pub keeper: Option<Keeper>,
    pub spent: &'a RefCell<Spent>,
    pub dimensions: usize,
    pub began: Instant,
    /// Seconds spent in calls before this one.
    pub before: f64,
    pub best: f64,
    pub ended: Option<Ended>,
}

impl Watch<'_> {
    pub fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    pub fn tell(&mut self, stage: Stage, done: usize, total: Option<usize>, best: f64) {
        self.best = self.best.min(best);
        let spent = self.spent.borrow();
        let (evaluations, expansions) = (spent.evaluations, spent.expansions);
        self.progress.update(&Update { stage, done, total, best: self.best, evaluations, expansions });
    }

    /// Whether a rule ends the search now; once it does, it stays so.
    pub fn stops(&mut self) -> bool {
        let settings = self.settings;
        if self.ended.is_none() {
            self.ended = if settings.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                Some(Ended::Interrupted)
            } else if settings.max_time.is_some_and(|limit| self.began.elapsed() >= limit) {
                Some(Ended::Time)
            } else if settings.max_evaluations.is_some_and(|most| self.spent.borrow().work(self.dimensions) >= most) {
                Some(Ended::Evaluations)
            } else {
                None
            };
        }
        self.ended.is_some()
    }

    /// Writes a checkpoint if one is due; `phase` is only asked for then. Always once a rule has ended the search: only then
    /// it is an error that it cannot be written.
    pub fn keep<P: Serialize>(&mut self, phase: impl FnOnce() -> serde_json::Result<P>) -> crate::Result<()> {
        let seconds = self.seconds();
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        if self.ended.is_none() && !keeper.due() {
            return Ok(());
        }
        let phase = phase().map_err(|e| crate::Error::Run(format!("the checkpoint cannot be written: {e}")))?;
        let spent = self.spent.borrow().clone();
        match keeper.write(&Checkpoint::new(keeper.identity.clone(), seconds, spent, phase)) {
            Err(error) if self.ended.is_none() => {
                self.progress.unkept(&error);
                Ok(())
            }
            written => written,
        }
    }
}

/// What a search shows of itself.
pub trait Staged<I> {
    fn snapshot(&self, state: &I) -> serde_json::Result<serde_json::Value>;
    fn progress(&self, state: &I) -> (usize, Option<usize>);
    fn best(&self, state: &I) -> Option<Vec<f64>>;
}

/// A search under way, as a checkpoint holds it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Underway {
    pub iteration: u64,
    pub best_point: Option<Vec<f64>>,
    #[serde(deserialize_with = "super::checkpoint::infinite")]
    pub best_value: f64,
    pub solver: serde_json::Value,
}

/// A solver that is watched.
struct Watched<'w, 'a, S, F> {
    solver: S,
    watch: &'w mut Watch<'a>,
    stage: Stage,
    phase: F,
}

impl<'p, S, I, F, P> Solver<Bridge<'p>, I> for Watched<'_, '_, S, F>
where
    S: Solver<Bridge<'p>, I> + Staged<I>,
    I: State<Float = f64>,
    F: Fn(Underway) -> P,
    P: Serialize,
{
    fn name(&self) -> &str {
        self.solver.name()
    }

    fn init(&mut self, problem: &mut Problem<Bridge<'p>>, state: I) -> Result<(I, Option<KV>), Error> {
        self.solver.init(problem, state)
    }

    fn next_iter(&mut self, problem: &mut Problem<Bridge<'p>>, state: I) -> Result<(I, Option<KV>), Error> {
        let (mut state, kv) = self.solver.next_iter(problem, state)?;
        state.update();
        let (done, total) = self.solver.progress(&state);
        self.watch.tell(self.stage, done, total, state.get_best_cost());
        self.watch.stops();
        let (solver, phase) = (&self.solver, &self.phase);
        self.watch.keep(|| {
            Ok(phase(Underway {
                iteration: state.get_iter() + 1,
                best_point: solver.best(&state),
                best_value: state.get_best_cost(),
                solver: solver.snapshot(&state)?,
            }))
        })?;
        Ok((state, kv))
    }

    fn terminate(&mut self, state: &I) -> TerminationStatus {
        if self.watch.stops() {
            return TerminationStatus::Terminated(TerminationReason::SolverExit("ended by a stop rule".to_string()));
        }
        self.solver.terminate(state)
    }
}

/// Runs a solver to its end under argmin's executor. `phase` wraps its state for the checkpoint.
pub fn run<'p, S, I, P>(
    solver: S,
    bridge: Bridge<'p>,
    state: impl FnOnce(I) -> I,
    watch: &mut Watch,
    stage: Stage,
    phase: impl Fn(Underway) -> P,
) -> crate::Result<(S, I)>
where
    S: Solver<Bridge<'p>, I> + Staged<I>,
    I: State<Float = f64>,
    P: Serialize,
{
    let watched = Watched { solver, watch, stage, phase };
    let result = Executor::new(bridge, watched).configure(state).ctrlc(false).timer(false).run();
    let result = result.map_err(super::bridge::recover)?;
    Ok((result.solver.solver, result.state))
}
