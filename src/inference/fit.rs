//! The course of a fit: score, search, evaluate exactly, polish, read the information.

use super::between;
use super::boxed::Boxed;
use super::bridge::{Bridge, Spent};
use super::checkpoint::{Found, Keeper, Phase};
use super::cmaes::Cma;
use super::edge;
use super::identify::identify;
use super::lbfgs::Lbfgs;
use super::lockstep::{Local, Lockstep, Rules, bounds_hit};
use super::optima::{self, End, Optima};
use super::profile::{Aim, Path, paths};
use super::starts::Starts;
use super::swarm::Swarm;
use super::trust::Trust;
use super::watch::{self, Progress, Stage, Underway, Watch};
use super::{Ended, Expansion, FitResult, FitSettings, Method, Objective, StartRecord, Stop};
use crate::{Error, Result};
use argmin::core::{PopulationState, State};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Searches of CMA-ES at the same time, and how many more iterations its generations are worth.
const CMA_SEARCHES: usize = 16;
const CMA_GENERATIONS: u32 = 10;
/// Ends further above the best than this are not polished.
const POLISHED_WITHIN: f64 = 10.0;
/// A polish goes on to this part of the tolerance.
const POLISH: f64 = 1e-4;
/// Ends closer than this on the unit box are one optimum.
const SAME: f64 = 1e-3;

/// Minimises `objective` over its box.
///
/// The same objective, settings and seed give the same result, bit for bit, however the objective cuts up its batches
/// and across a kill and a resume from the checkpoint. A stop rule ends it early with the best so far; the result's
/// `ended` says so, and the checkpoint stays.
///
/// # Errors
/// [`Error::Input`] for settings or bounds that make no sense and for a checkpoint of another fit; [`Error::Run`] if no
/// start has a finite objective; [`Error::File`] if the checkpoint cannot be written; what the objective returns.
pub fn fit(objective: &dyn Objective, settings: &FitSettings, progress: &mut dyn Progress) -> Result<FitResult> {
    settings.check(objective)?;
    let keeper = settings.checkpoint.as_ref().map(|c| Keeper::new(c, settings.identity(objective)));
    let saved = keeper.as_ref().map(Keeper::read).transpose()?.flatten();
    let (before, spent, phase) = match saved {
        Some(saved) => (saved.seconds, saved.spent, saved.phase),
        None => (0.0, Spent::default(), Phase::Scoring { scores: Vec::new() }),
    };
    let spent = RefCell::new(spent);
    let boxed = Boxed::of(objective);
    let mut watch = Watch {
        settings,
        progress,
        keeper,
        spent: &spent,
        dimensions: boxed.dimensions(),
        began: Instant::now(),
        before,
        best: f64::INFINITY,
        ended: None,
    };
    let starts = Starts::new(objective, settings.starts, settings.seed);
    let course = Course { objective, settings, boxed, starts, spent: &spent };
    course.run(phase, &mut watch)
}

/// Where a run of the course begins.
#[derive(Default)]
enum Begun {
    #[default]
    Searched,
    Polishing(Underway),
    Polished,
    Following(Option<Optima>, Vec<Path>),
}

struct Course<'a> {
    objective: &'a dyn Objective,
    settings: &'a FitSettings,
    boxed: Boxed,
    starts: Starts,
    spent: &'a RefCell<Spent>,
}

impl<'a> Course<'a> {
    fn run(&self, phase: Phase, watch: &mut Watch) -> Result<FitResult> {
        let (mut found, mut begun) = match phase {
            Phase::Scoring { scores } => (self.found(self.score(scores, watch)?, None, watch)?, Begun::Searched),
            Phase::Searching { scores, search } => (self.found(scores, Some(search), watch)?, Begun::Searched),
            Phase::Spreading { spreads, found } => {
                self.objective.set_spreads(&spreads);
                (found, Begun::Searched)
            }
            Phase::Polishing { spreads, found, search } => {
                self.objective.set_spreads(&spreads);
                (found, Begun::Polishing(search))
            }
            Phase::Comparing { spreads, found } => {
                self.objective.set_spreads(&spreads);
                (found, Begun::Polished)
            }
            Phase::Following { spreads, found, optima, paths } => {
                self.objective.set_spreads(&spreads);
                (found, Begun::Following(optima, paths))
            }
        };
        loop {
            let (optima, mut paths) = match std::mem::take(&mut begun) {
                Begun::Following(optima, paths) => (optima, paths),
                begun => {
                    if let Begun::Searched = begun {
                        // A search for other spreads has to be finished for these, start by start.
                        let moved = self.settle_spreads(&mut found, watch)?;
                        self.polish(&mut found, moved, None, watch)?;
                    } else if let Begun::Polishing(search) = begun {
                        self.polish(&mut found, false, Some(search), watch)?;
                    }
                    let optima = self.optima(&found, watch)?;
                    let paths = self.paths(&found, optima.as_ref(), watch)?;
                    (optima, paths)
                }
            };
            match self.follow(&found, optima.as_ref(), &mut paths, watch)? {
                None => return self.conclude(found, optima, &paths, watch),
                Some(better) => {
                    found.renewals += 1;
                    let left = found.best().map(|best| (best.last_point.clone(), best.last_value));
                    found.left.extend(left.map(|(point, value)| End { point, value, start: false }));
                    found.replace(better);
                }
            }
        }
    }

    /// The ends of the search, with their values in the precision of the report; the search may have used another.
    fn found(&self, scores: Vec<f64>, saved: Option<Underway>, watch: &mut Watch) -> Result<Found> {
        let records = self.exactly(self.search(&scores, saved, watch)?)?;
        Ok(Found { scores, records, renewals: 0, left: Vec::new() })
    }

    fn bridge(&self, exact: bool) -> Bridge<'a> {
        Bridge { objective: self.objective, exact, spent: self.spent }
    }

    fn score(&self, mut scores: Vec<f64>, watch: &mut Watch) -> Result<Vec<f64>> {
        let count = self.settings.starts;
        // Some twenty batches: enough to show progress and to stop between, few enough to fill a device.
        let batch = count.div_ceil(20).max(64);
        let bridge = self.bridge(false);
        while scores.len() < count && (scores.is_empty() || !watch.stops()) {
            let points: Vec<_> =
                (scores.len()..count.min(scores.len() + batch)).map(|number| self.starts.point(number)).collect();
            scores.extend(bridge.values(&points)?);
            let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
            watch.tell(Stage::Scoring, scores.len(), Some(count), best);
            watch.stops();
            watch.keep(|| Ok(Phase::Scoring { scores: scores.clone() }))?;
        }
        if !scores.iter().any(|score| score.is_finite()) {
            let causes: Vec<String> = (self.spent.borrow().failures().iter())
                .map(|(status, count)| format!("{count} lanes: {}", status.advice()))
                .collect();
            let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join("; ")) };
            return Err(Error::Run(format!("none of {} starts has a finite objective{causes}", scores.len())));
        }
        Ok(scores)
    }

    fn rules(&self) -> Rules {
        Rules {
            tolerance: self.settings.tolerance,
            stall: 10.0 * self.settings.tolerance,
            max_iterations: self.settings.max_iterations,
            seed: self.settings.seed,
            population: self.settings.population,
        }
    }

    fn records(&self, scores: &[f64], count: usize) -> Vec<StartRecord> {
        let record = |start: usize| {
            let point = self.starts.point(start);
            StartRecord {
                start,
                at_bounds: bounds_hit(&point, &self.boxed),
                last_point: point.clone(),
                first_point: point,
                first_value: scores[start],
                last_value: scores[start],
                iterations: 0,
                stop: Stop::Waiting,
            }
        };
        self.starts.choose(scores, count).into_iter().map(record).collect()
    }

    fn search(&self, scores: &[f64], saved: Option<Underway>, watch: &mut Watch) -> Result<Vec<StartRecord>> {
        let phase = |search| Phase::Searching { scores: scores.to_vec(), search };
        let (count, width) = (self.settings.refined(), self.settings.width);
        let begin = |count| self.records(scores, count);
        let stage = Stage::Searching;
        match self.settings.method {
            Method::Multistart => {
                self.lockstep::<Trust>(begin(count), self.rules(), width, saved, false, stage, watch, phase)
            }
            Method::Lbfgs => {
                self.lockstep::<Lbfgs>(begin(count), self.rules(), width, saved, false, stage, watch, phase)
            }
            Method::Cmaes => {
                let max_iterations = self.settings.max_iterations.saturating_mul(CMA_GENERATIONS);
                let rules = Rules { max_iterations, ..self.rules() };
                self.lockstep::<Cma>(begin(count.min(CMA_SEARCHES)), rules, width, saved, false, stage, watch, phase)
            }
            Method::Swarm => self.swarm(scores, saved, watch, phase),
        }
    }

    /// Starts in step; `saved` takes the place of `begin` where there is a checkpoint.
    #[allow(clippy::too_many_arguments)]
    fn lockstep<L: Local + Serialize + DeserializeOwned>(
        &self,
        begin: Vec<StartRecord>,
        rules: Rules,
        width: usize,
        saved: Option<Underway>,
        exact: bool,
        stage: Stage,
        watch: &mut Watch,
        phase: impl Fn(Underway) -> Phase,
    ) -> Result<Vec<StartRecord>> {
        let best = begin.iter().min_by(|a, b| a.last_value.total_cmp(&b.last_value));
        let best = best.map(|record| (record.last_point.clone(), record.last_value));
        let (solver, iteration, best) = match saved {
            None => (Lockstep::<L>::new(begin, width, rules, self.boxed.clone()), 0, best),
            Some(saved) => {
                let solver: Lockstep<L> = serde_json::from_value(saved.solver).map_err(unreadable)?;
                (solver.within(self.boxed.clone()), saved.iteration, saved.best_point.map(|p| (p, saved.best_value)))
            }
        };
        let state = |mut state: PopulationState<Vec<f64>, f64>| {
            if let Some((point, value)) = best {
                state = state.individual(point).cost(value);
                state.update();
            }
            state.iter = iteration;
            state
        };
        let (solver, _) = watch::run(solver, self.bridge(exact), state, watch, stage, phase)?;
        Ok(solver.records())
    }

    fn swarm(
        &self,
        scores: &[f64],
        saved: Option<Underway>,
        watch: &mut Watch,
        phase: impl Fn(Underway) -> Phase,
    ) -> Result<Vec<StartRecord>> {
        let dimensions = self.boxed.dimensions();
        let size = self.settings.population.unwrap_or((4 * dimensions).max(40));
        let mut records = self.records(scores, size);
        let (solver, swarmed, iteration) = match saved {
            None => {
                let points: Vec<_> = records.iter().map(|r| (r.last_point.clone(), r.last_value)).collect();
                let bounds = (self.boxed.lower.clone(), self.boxed.upper.clone());
                let (solver, state) = Swarm::new(bounds, &points, self.rules());
                (solver, state, 0)
            }
            Some(saved) => {
                let (solver, state) =
                    Swarm::resume(saved.solver, saved.best_point, saved.best_value).map_err(unreadable)?;
                (solver, state, saved.iteration)
            }
        };
        let state = |_| {
            let mut state = swarmed;
            state.iter = iteration;
            state
        };
        let (_, state) = watch::run(solver, self.bridge(false), state, watch, Stage::Searching, phase)?;
        records.sort_by(|a, b| a.first_value.total_cmp(&b.first_value));
        let mut record = records.swap_remove(0);
        if let Some(best) = state.get_best_param()
            && state.get_best_cost() < record.last_value
        {
            record.last_point = best.position.clone();
            record.last_value = state.get_best_cost();
            record.at_bounds = bounds_hit(&record.last_point, &self.boxed);
        }
        record.iterations = state.get_iter() as u32;
        record.stop = match watch.ended {
            Some(_) => Stop::Interrupted,
            None if record.iterations >= self.settings.max_iterations => Stop::Iterations,
            None => Stop::Stalled,
        };
        Ok(vec![record])
    }

    /// The records in the precision of the report. Where none of the ends can be integrated in it, the search has gone over the
    /// edge of what can be: it then goes on from where its starts were, in that precision.
    fn exactly(&self, mut records: Vec<StartRecord>) -> Result<Vec<StartRecord>> {
        let points: Vec<_> = records.iter().map(|record| record.last_point.clone()).collect();
        let values = self.bridge(true).values(&points)?;
        for (record, value) in records.iter_mut().zip(values) {
            record.last_value = value;
        }
        if !records.iter().any(|record| record.last_value.is_finite()) {
            let points: Vec<_> = records.iter().map(|record| record.first_point.clone()).collect();
            let values = self.bridge(true).values(&points)?;
            for ((record, point), value) in records.iter_mut().zip(points).zip(values) {
                record.at_bounds = bounds_hit(&point, &self.boxed);
                (record.last_point, record.last_value) = (point, value);
            }
        }
        Ok(records)
    }

    /// Goes back and forth between the best point and the spreads between experiments until both stay; the records
    /// are evaluated again for these. Whether they moved.
    fn settle_spreads(&self, found: &mut Found, watch: &mut Watch) -> Result<bool> {
        let first = self.objective.spreads();
        let mut spreads = first.clone();
        let (Some(mut best), false) = (found.best().cloned(), spreads.is_empty()) else { return Ok(false) };
        let bridge = self.bridge(true);
        let phase = |_| Phase::Spreading { spreads: first.clone(), found: found.clone() };
        for _ in 0..between::ROUNDS {
            if watch.stops() {
                break;
            }
            let expanded = bridge.expand(std::slice::from_ref(&best.last_point))?.pop().flatten();
            let Some(expansion) = expanded else { break };
            let next = self.objective.next_spreads(&best.last_point, &expansion.fisher);
            let moves = between::moves(&spreads, &next);
            spreads = next;
            self.objective.set_spreads(&spreads);
            if !moves {
                break;
            }
            best.last_value = bridge.values(std::slice::from_ref(&best.last_point))?[0];
            let begin = vec![StartRecord { iterations: 0, ..best.clone() }];
            let ended = self.lockstep::<Trust>(begin, self.rules(), 1, None, true, Stage::Spreading, watch, &phase)?;
            if let Some(end) = ended.into_iter().next() {
                best = StartRecord { iterations: best.iterations + end.iterations, stop: best.stop, ..end };
            }
        }
        if spreads == first {
            return Ok(false);
        }
        found.replace(best);
        found.records = self.exactly(std::mem::take(&mut found.records))?;
        Ok(true)
    }

    fn polish(&self, found: &mut Found, all: bool, saved: Option<Underway>, watch: &mut Watch) -> Result<()> {
        let spreads = self.objective.spreads();
        let winners = self.winners(&found.records, all);
        let tolerance = self.settings.tolerance * POLISH;
        let rules = Rules { tolerance, stall: 10.0 * tolerance, ..self.rules() };
        let phase = |search| Phase::Polishing { spreads: spreads.clone(), found: found.clone(), search };
        let width = self.settings.width;
        let polished = self.lockstep::<Trust>(winners, rules, width, saved, true, Stage::Polishing, watch, phase)?;
        for better in polished.into_iter().filter(|p| !matches!(p.stop, Stop::Waiting)) {
            if let Some(record) = found.records.iter_mut().find(|record| record.start == better.start)
                && better.last_value <= record.last_value
            {
                // Why the search itself ended is what a reader wants to know, unless it was the limit of iterations.
                let stop = if record.stop == Stop::Iterations { better.stop } else { record.stop };
                *record = StartRecord { stop, ..better };
            }
        }
        Ok(())
    }

    /// The best ends, one for each optimum; or `all` of them, where the search was for other spreads.
    fn winners(&self, records: &[StartRecord], all: bool) -> Vec<StartRecord> {
        let mut sorted: Vec<&StartRecord> = records.iter().filter(|r| r.last_value.is_finite()).collect();
        sorted.sort_by(|a, b| a.last_value.total_cmp(&b.last_value).then(a.start.cmp(&b.start)));
        let mut winners: Vec<StartRecord> = Vec::new();
        let limit = sorted.first().map_or(f64::INFINITY, |best| best.last_value + POLISHED_WITHIN);
        for record in sorted.into_iter().take_while(|record| record.last_value <= limit) {
            let here = self.boxed.unit(&record.last_point);
            let known = winners
                .iter()
                .any(|winner| self.boxed.unit(&winner.last_point).iter().zip(&here).all(|(a, b)| (a - b).abs() < SAME));
            if all || winners.len() < self.settings.polish && !known {
                winners.push(record.clone());
            }
        }
        winners
    }

    /// The optima among the ends; none where a rule has ended the fit first.
    fn optima(&self, found: &Found, watch: &mut Watch) -> Result<Option<Optima>> {
        if watch.ended.is_some() {
            return Ok(None);
        }
        let ends = found.records.iter().map(|record| End {
            point: record.last_point.clone(),
            value: record.last_value,
            start: true,
        });
        let ends: Vec<End> = ends.chain(found.left.iter().cloned()).collect();
        let phase = || Ok(Phase::Comparing { spreads: self.objective.spreads(), found: found.clone() });
        watch.keep(phase)?;
        let spent = self.spent.borrow().clone();
        let best = found.best().map_or(f64::INFINITY, |best| best.last_value);
        let (bridge, seed) = (self.bridge(true), self.settings.seed);
        let optima = optima::optima(&ends, &bridge, &self.boxed, seed, &mut || {
            watch.tell(Stage::Optima, 0, Some(ends.len()), best);
            watch.stops()
        })?;
        if watch.ended.is_some() {
            // It begins again from here, with what was spent until here.
            *self.spent.borrow_mut() = spent;
            watch.keep(phase)?;
            return Ok(None);
        }
        Ok(optima)
    }

    /// The paths to the ends of the intervals of all parameters that have one, from each optimum; none where there is nothing
    /// to follow, or no time left.
    fn paths(&self, found: &Found, optima: Option<&Optima>, watch: &Watch) -> Result<Vec<Path>> {
        let best = match found.best() {
            Some(best) if watch.ended.is_none() && best.last_value.is_finite() => &best.last_point,
            _ => return Ok(Vec::new()),
        };
        let expansion = self.bridge(true).expand(std::slice::from_ref(best))?.pop().flatten();
        let Some(expansion) = expansion else { return Ok(Vec::new()) };
        let mut identification = identify(self.objective, best, Some(&expansion.fisher));
        optima::withhold(&mut identification, optima);
        let known: Vec<usize> = (0..best.len()).filter(|&i| identification.parameters[i].interval.is_some()).collect();
        let bridge = self.bridge(true);
        let begin = |point: &[f64], expansion: &Expansion, above: f64| {
            let (from, among) = ((point, expansion, above), (&bridge, &self.boxed));
            paths::begin(&known, from, &identification, among, Aim::End, self.settings.seed)
        };
        let mut all = begin(best, &expansion, 0.0)?;
        for (place, above) in optima.iter().flat_map(|optima| optima.others()) {
            if let Some(expansion) = bridge.expand(std::slice::from_ref(&place.point))?.pop().flatten() {
                all.extend(begin(&place.point, &expansion, above)?);
            }
        }
        Ok(all)
    }

    /// Follows the paths to their ends, or to a point that is better than the best.
    fn follow(
        &self,
        found: &Found,
        optima: Option<&Optima>,
        paths: &mut [Path],
        watch: &mut Watch,
    ) -> Result<Option<StartRecord>> {
        let Some(best) = found.best() else { return Ok(None) };
        let (bridge, spreads) = (self.bridge(true), self.objective.spreads());
        let total = paths.len();
        while watch.ended.is_none() && paths::ended(paths) < total {
            paths::advance(paths, &bridge, &self.boxed)?;
            if found.renewals < paths::RENEWALS
                && let Some((point, _)) = paths::better(paths, &self.boxed)
            {
                // Values that come with derivatives are integrated a little otherwise.
                let value = bridge.values(std::slice::from_ref(&point))?[0];
                if value < best.last_value {
                    let at_bounds = bounds_hit(&point, &self.boxed);
                    return Ok(Some(StartRecord { last_point: point, last_value: value, at_bounds, ..best.clone() }));
                }
            }
            let done = paths::ended(paths);
            watch.tell(Stage::Intervals, done, Some(total), best.last_value);
            if done < total {
                watch.stops();
            }
            watch.keep(|| {
                Ok(Phase::Following {
                    spreads: spreads.clone(),
                    found: found.clone(),
                    optima: optima.cloned(),
                    paths: paths.to_vec(),
                })
            })?;
        }
        Ok(None)
    }

    fn conclude(&self, found: Found, optima: Option<Optima>, paths: &[Path], watch: &mut Watch) -> Result<FitResult> {
        let best = found.best().filter(|record| record.last_value.is_finite()).cloned().ok_or_else(|| {
            let causes = self.spent.borrow().failures();
            let causes: Vec<String> =
                causes.iter().map(|(status, count)| format!("{count} simulations: {}", status.advice())).collect();
            let text = "no start and no end of the search has a finite objective in the precision of the report";
            Error::Run(if causes.is_empty() { text.into() } else { format!("{text} ({})", causes.join("; ")) })
        })?;
        let expansion = self.bridge(true).expand(std::slice::from_ref(&best.last_point))?.pop().flatten();
        let mut identification = identify(self.objective, &best.last_point, expansion.as_ref().map(|e| &e.fisher));
        optima::withhold(&mut identification, optima.as_ref());
        optima::read(paths, &self.boxed, &mut identification);
        optima::hold_ends(&mut identification, optima.as_ref(), &self.boxed);
        let bridge = self.bridge(true);
        let mut edges = paths::edges(paths, &bridge, &self.boxed)?;
        let met = !edges.is_empty() || self.spent.borrow().failed_points > 0;
        if let Some(edge) = edge::of_estimate(&bridge, &self.boxed, &best.last_point, expansion.as_ref(), met)? {
            edges.insert(0, edge);
            identification.parameters.iter_mut().for_each(|parameter| parameter.fails([None; 2]));
        }
        let spent = self.spent.borrow();
        Ok(FitResult {
            method: self.settings.method,
            seed: self.settings.seed,
            names: self.objective.names().to_vec(),
            point: best.last_point,
            spreads: self.objective.spreads(),
            value: best.last_value,
            starts: found.records,
            scores: found.scores,
            failures: spent.failures(),
            failed_points: spent.failed_points,
            evaluations: spent.evaluations,
            expansions: spent.expansions,
            identification,
            edges,
            optima,
            observations: self.objective.observations(),
            ended: watch.ended.unwrap_or(Ended::Complete),
            wall: Duration::from_secs_f64(watch.seconds()),
        })
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Run(format!("the checkpoint's search cannot be read: {error}; delete the checkpoint to begin again"))
}
