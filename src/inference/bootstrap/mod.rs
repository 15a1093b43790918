//! How far a fit would have been from where it is with other data: its study refitted to replicates of them.
//!
//! [`bootstrap`] draws replicates of the data, from the fitted model ([`Kind::Parametric`], `study/draw.rs`) or among the data
//! ([`Kind::Cases`], [`cases`]), and refits all of them in step ([`refit`]). Nothing of what is integrated differs between
//! replicates: a replicate is other observations over the same predictions, or other weights of the same ones.
//!
//! Priors stay as they are: their centres are not drawn anew, so that the replicates of a fit with informative priors spread
//! less than its estimate would over repeated experiments. Standard deviations between experiments stay at those of the
//! fit; a parametric replicate has shifts of its own experiments.

mod cases;
mod interval;
mod refit;

pub use interval::{Interval, mean_and_sd};

use super::boxed::Boxed;
use super::bridge::Spent;
use super::checkpoint::{Checkpoint, Keeper};
use super::lockstep::{Rules, bounds_hit};
use super::problem::Data;
use super::{CheckpointSettings, Ended, FitResult, Objective, Stop, StudyObjective, Verdict, Wanted};
use crate::engine::Status;
use crate::random::Stream;
use crate::study::problem::{Observation, Problem};
use crate::study::{Observed, Study};
use crate::{Diagnostic, Error, Result};
use cases::Cases;
use interval::{bca, monte_carlo, percentile};
use refit::{Begin, End, Field, Refits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::f64::consts::LN_10;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Fewer replicates than this have no 2.5 % tails.
pub const FEWEST: usize = 80;
/// Other ends of the fit are worth a start if they are within this of the best, in log-likelihood.
const GOOD: f64 = 10.0;
/// And no more than so many of them, none nearer to another than this on the unit box.
const MOST_ENDS: usize = 3;
const SAME: f64 = 1e-2;
/// Tolerances of the searches, and of their ends in the precision of the report: the error that they leave is far below
/// the spread of the replicates.
const TOLERANCES: [f64; 2] = [1e-4, 1e-6];
const MAX_ITERATIONS: u32 = 200;
/// Streams from here on belong to the replicates.
const STREAMS: u64 = 6 << 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Readings drawn from the fitted model and its noise.
    #[default]
    Parametric,
    /// Experiments or wells drawn with replacement.
    Cases,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Parametric => "parametric",
            Kind::Cases => "cases",
        }
    }
}

#[derive(Debug, Clone)]
pub struct BootstrapSettings {
    pub kind: Kind,
    pub replicates: usize,
    /// The share of replicates that are searched from other good ends of the fit too.
    pub modes: f64,
    /// Where experiments are drawn, draw wells within them too.
    pub nested: bool,
    pub seed: u64,
    pub max_time: Option<Duration>,
    /// Set from outside (Ctrl-C): the run ends where it is, and its checkpoint stays.
    pub stop: Option<Arc<AtomicBool>>,
    pub checkpoint: Option<CheckpointSettings>,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        BootstrapSettings {
            kind: Kind::default(),
            replicates: 1000,
            modes: 0.2,
            nested: false,
            seed: 1,
            max_time: None,
            stop: None,
            checkpoint: None,
        }
    }
}

/// What of a fit its bootstrap begins from. Points are on the estimation scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    pub point: Vec<f64>,
    pub spreads: Vec<f64>,
    /// The objective there.
    pub value: f64,
    /// 95 % intervals of the fit where the data identify the parameter, from the likelihood where it could be followed.
    pub intervals: Vec<Option<(f64, f64)>>,
    /// Other ends of the fit with their objectives.
    pub ends: Vec<(Vec<f64>, f64)>,
    /// How many optima the fit found.
    pub optima: usize,
}

impl Optimum {
    pub fn of(fit: &FitResult) -> Optimum {
        Optimum {
            point: fit.point.clone(),
            spreads: fit.spreads.clone(),
            value: fit.value,
            intervals: (fit.identification.parameters.iter())
                .map(|p| p.interval.filter(|_| p.verdict == Verdict::Identified))
                .collect(),
            ends: fit
                .starts
                .iter()
                .filter(|start| start.last_value.is_finite())
                .map(|s| (s.last_point.clone(), s.last_value))
                .collect(),
            optima: fit.optima.as_ref().map_or(1, |optima| optima.places.len()),
        }
    }

    /// The optimum and other good ends, the best first.
    fn modes(&self, boxed: &Boxed) -> Vec<Vec<f64>> {
        let mut sorted: Vec<&(Vec<f64>, f64)> = self.ends.iter().filter(|end| end.1 <= self.value + GOOD).collect();
        sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut modes = vec![self.point.clone()];
        for (point, _) in sorted {
            let here = boxed.unit(point);
            let near = |mode: &Vec<f64>| boxed.unit(mode).iter().zip(&here).all(|(a, b)| (a - b).abs() < SAME);
            if modes.len() <= MOST_ENDS && !modes.iter().any(near) {
                modes.push(point.clone());
            }
        }
        modes
    }
}

/// Data of one replicate.
#[derive(Debug, Default)]
pub struct Resample {
    /// `None` for the study's own.
    observations: Option<Vec<Observation>>,
    weights: Option<Vec<f64>>,
    /// How often the prior of each parameter counts.
    priors: Option<Vec<f64>>,
    /// Parameters that no observation of this replicate depends on.
    absent: Vec<usize>,
}

impl Resample {
    fn data<'a>(&'a self, problem: &'a Problem) -> Data<'a> {
        let observations = self.observations.as_ref().unwrap_or(&problem.observations);
        let observed = Observed { observations, weights: self.weights.as_deref() };
        Data { observed, priors: self.priors.as_deref() }
    }
}

/// One replicate refitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    pub number: usize,
    /// On the estimation scale.
    pub point: Vec<f64>,
    /// The objective of its own data there.
    pub value: f64,
    pub stop: Stop,
    /// Which end of the fit its search began at; 0 is the optimum.
    pub from: usize,
    pub at_bounds: Vec<usize>,
    /// Parameters that its data have nothing of.
    pub absent: Vec<usize>,
    /// Negative log-posterior and log-likelihood of the study's own data at this point.
    pub own: [f64; 2],
}

/// What the replicates say of one parameter, on its estimation scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Replicates that count: refitted, and with data on this parameter.
    pub used: usize,
    pub sd: f64,
    pub sd_error: f64,
    /// Mean of the replicates minus the estimate.
    pub bias: f64,
    pub bias_error: f64,
    pub percentile: Interval,
    /// The bias-corrected and accelerated interval, or why there is none.
    pub bca: std::result::Result<Interval, String>,
    /// Replicates that ended on a bound of this parameter.
    pub at_bound: usize,
}

/// What comes of a bootstrap. The same objective, optimum, settings and seed give the same bytes, `wall` aside.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    pub kind: Kind,
    pub seed: u64,
    pub optimum: Optimum,
    /// Those that were refitted.
    pub replicates: Vec<Replicate>,
    /// One for each parameter; `None` if fewer than [`FEWEST`] replicates count.
    pub spreads: Vec<Option<Spread>>,
    pub asked: usize,
    /// Whether wells were drawn within the drawn experiments.
    pub nested: bool,
    /// Ends of the fit that searches began at, the optimum among them.
    pub modes: usize,
    /// Replicates that were searched from all of them, and how many of these ended better from another than the optimum.
    pub searched_widely: usize,
    pub ended_elsewhere: usize,
    /// What was drawn among.
    pub drawn: Drawn,
    pub failures: Vec<(Status, u64)>,
    pub evaluations: u64,
    pub wall: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Experiments, if they are the units.
    pub experiments: Option<usize>,
    pub observations: usize,
    /// Observations that are in every replicate as they are, having no other like them.
    pub kept: usize,
}

/// Told about a bootstrap while it runs: searches that ended, of how many, and whether these are the last ones, in the
/// precision of the report.
pub trait Refitting {
    fn update(&mut self, done: usize, of: usize, exact: bool);

    /// A checkpoint could not be written; it is tried again.
    fn unkept(&mut self, _error: &Error) {}
}

impl Refitting for () {
    fn update(&mut self, _done: usize, _of: usize, _exact: bool) {}
}

/// As a checkpoint holds it. The data of the replicates are drawn again.
#[derive(Serialize, Deserialize)]
struct State {
    optimum: Optimum,
    /// The ends of the searches, once they are over.
    found: Option<Vec<End>>,
    refits: Refits,
}

/// Refits replicates of the data of `study`, whose objective this is, from the optimum that `find` gives. That is asked only
/// where there is no checkpoint, and may say that a rule ended it; so may this, with its checkpoint left.
///
/// # Errors
/// Settings that make no sense, data without cases to draw among, those of the engine, of `find` and of the checkpoint.
pub fn bootstrap(
    study: &Study,
    objective: &StudyObjective,
    find: impl FnOnce() -> Result<std::result::Result<Optimum, Ended>>,
    settings: &BootstrapSettings,
    watcher: &mut dyn Refitting,
) -> Result<std::result::Result<Bootstrap, Ended>> {
    check(settings)?;
    let problem = objective.problem();
    let cases = match settings.kind {
        Kind::Cases => Some(Cases::new(study, problem, settings.nested)?),
        Kind::Parametric => None,
    };
    let began = Instant::now();
    let mut keeper = settings.checkpoint.as_ref().map(|c| Keeper::new(c, identity(objective, settings, &c.study)));
    let saved = keeper.as_ref().map(Keeper::read::<State>).transpose()?.flatten();
    let boxed = Boxed::of(objective);
    let (before, mut spent, mut state) = match saved {
        Some(saved) => (saved.seconds, saved.spent, Some(saved.phase)),
        None => (0.0, Spent::default(), None),
    };
    let optimum = match &state {
        Some(state) => state.optimum.clone(),
        None => match find()? {
            Ok(optimum) => optimum,
            Err(ended) => return Ok(Err(ended)),
        },
    };
    objective.set_spreads(&optimum.spreads);
    let modes = optimum.modes(&boxed);
    let resamples = match &cases {
        Some(cases) => (0..settings.replicates).map(|replicate| cases.draw(settings.seed, replicate)).collect(),
        None => parametric(study, objective, &optimum, settings)?,
    };
    let data = |replicate: usize| resamples[replicate].data(problem);
    let field = |exact: bool| Field {
        objective,
        boxed: &boxed,
        rules: Rules {
            tolerance: TOLERANCES[usize::from(exact)],
            stall: 10.0 * TOLERANCES[usize::from(exact)],
            max_iterations: MAX_ITERATIONS,
            seed: settings.seed,
            population: None,
        },
        exact,
    };
    let widely = |replicate: usize| wide(replicate, settings.modes);
    let (searched, ends) = loop {
        let mut now = match state.take() {
            Some(state) => state,
            None => {
                let begins: Vec<Begin> = (0..settings.replicates)
                    .flat_map(|replicate| {
                        let all = if widely(replicate) { modes.len() } else { 1 };
                        modes[..all].iter().enumerate().map(move |(from, point)| (replicate, from, point))
                    })
                    .map(|(replicate, from, point)| Begin { replicate, from, point: point.clone() })
                    .collect();
                let refits = Refits::begin(&field(false), data, &begins, &mut spent)?;
                State { optimum: optimum.clone(), found: None, refits }
            }
        };
        let exact = now.found.is_some();
        let how = field(exact);
        while !now.refits.is_over() {
            now.refits.step(&how, data, &mut spent)?;
            watcher.update(now.refits.done.len(), now.refits.total(), exact);
            let ended = ended(settings, began);
            if let Some(keeper) = &mut keeper
                && (ended.is_some() || keeper.due())
            {
                let seconds = before + began.elapsed().as_secs_f64();
                let written = keeper.write(&Checkpoint::new(keeper.identity.clone(), seconds, spent.clone(), &now));
                match written {
                    Err(error) if ended.is_none() => watcher.unkept(&error),
                    written => written?,
                }
            }
            if let Some(ended) = ended {
                return Ok(Err(ended));
            }
        }
        let best = best_of(now.refits.done);
        if let Some(found) = now.found {
            break (found, best);
        }
        let begins = best.iter().filter(|end| end.value.is_finite());
        let begins = begins.map(|e| Begin { replicate: e.replicate, from: e.from, point: e.point.clone() });
        let refits = Refits::begin(&field(true), data, &begins.collect::<Vec<_>>(), &mut spent)?;
        state = Some(State { found: Some(best), refits, ..now });
    };
    let own = Data { observed: problem.observed(), priors: None };
    let finite: Vec<&End> = ends.iter().filter(|end| end.value.is_finite()).collect();
    let at: Vec<(Data, Vec<f64>)> = finite.iter().map(|end| (own, end.point.clone())).collect();
    let posteriors = objective.evaluate_each(&at, true)?;
    let replicates: Vec<Replicate> = finite
        .iter()
        .zip(posteriors)
        .map(|(end, posterior)| Replicate {
            number: end.replicate,
            at_bounds: bounds_hit(&end.point, &boxed),
            absent: resamples[end.replicate].absent.clone(),
            own: [posterior.value, posterior.value - objective.prior(&end.point).0],
            point: end.point.clone(),
            value: end.value,
            stop: end.stop,
            from: end.from,
        })
        .collect();
    let accelerations = match &cases {
        Some(cases) => cases.accelerations(objective, &optimum.point)?,
        None => vec![Err("BCa is for cases: readings drawn from the model have no units"); optimum.point.len()],
    };
    let spreads = accelerations.into_iter().enumerate();
    let spreads = spreads.map(|(i, acceleration)| spread(&replicates, i, optimum.point[i], acceleration)).collect();
    let searched_widely = if modes.len() > 1 { (0..settings.replicates).filter(|&r| widely(r)).count() } else { 0 };
    Ok(Ok(Bootstrap {
        kind: settings.kind,
        seed: settings.seed,
        replicates,
        spreads,
        asked: settings.replicates,
        nested: settings.nested && cases.as_ref().is_some_and(|cases| cases.experiments().is_some()),
        modes: modes.len(),
        searched_widely,
        ended_elsewhere: searched.iter().filter(|end| end.from > 0).count(),
        drawn: Drawn {
            experiments: cases.as_ref().and_then(Cases::experiments),
            observations: problem.observations.len(),
            kept: cases.as_ref().map_or(0, Cases::kept),
        },
        failures: spent.failures(),
        evaluations: spent.work(optimum.point.len()),
        wall: Duration::from_secs_f64(before + began.elapsed().as_secs_f64()),
        optimum,
    }))
}

fn check(settings: &BootstrapSettings) -> Result<()> {
    let refuse = |text: String, hint: &str| Err(Error::input(Diagnostic::new(text).hint(hint)));
    if settings.replicates < FEWEST {
        let text = format!("{} replicates are too few for a 95 % interval", settings.replicates);
        return refuse(text, &format!("take at least {FEWEST}, better 1000"));
    }
    if !(0.0..=1.0).contains(&settings.modes) {
        return refuse(format!("a share of {} of the replicates", settings.modes), "give a number from 0 to 1");
    }
    Ok(())
}

/// Everything the replicates depend on, by name.
fn identity(objective: &StudyObjective, settings: &BootstrapSettings, study: &str) -> BTreeMap<String, String> {
    let entries = [
        ("study", study.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_string()),
        ("bootstrap", settings.kind.name().to_string()),
        ("nested", settings.nested.to_string()),
        ("replicates", settings.replicates.to_string()),
        ("share with other starts", settings.modes.to_string()),
        ("seed", settings.seed.to_string()),
        ("parameters", objective.names().join(", ")),
    ];
    entries.map(|(name, value)| (name.to_string(), value)).into()
}

fn ended(settings: &BootstrapSettings, began: Instant) -> Option<Ended> {
    if settings.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
        return Some(Ended::Interrupted);
    }
    settings.max_time.is_some_and(|limit| began.elapsed() >= limit).then_some(Ended::Time)
}

fn stream(seed: u64, replicate: usize) -> Stream {
    Stream::new(seed, STREAMS + replicate as u64)
}

/// Whether a replicate is among the `share` that are searched from other ends too, spread evenly over all.
fn wide(replicate: usize, share: f64) -> bool {
    let count = |replicates: usize| (replicates as f64 * share).floor();
    count(replicate + 1) > count(replicate)
}

/// Observations drawn from the fitted model; where experiments differ, with shifts of their own.
fn parametric(
    study: &Study,
    objective: &StudyObjective,
    optimum: &Optimum,
    settings: &BootstrapSettings,
) -> Result<Vec<Resample>> {
    let problem = objective.problem();
    let populations = cases::populations(study);
    let mut streams: Vec<Stream> = (0..settings.replicates).map(|replicate| stream(settings.seed, replicate)).collect();
    let shifted = |stream: &mut Stream| {
        let mut point = optimum.point.clone();
        for (between, sd) in problem.between.iter().zip(&optimum.spreads) {
            between.shifts.iter().for_each(|&shift| point[shift] = sd * stream.normal() / LN_10);
        }
        problem.values(&point)
    };
    let values: Vec<Vec<f64>> = match problem.between.is_empty() {
        true => vec![problem.values(&optimum.point)],
        false => streams.iter_mut().map(shifted).collect(),
    };
    let mut resamples = Vec::with_capacity(settings.replicates);
    let simulator = &objective.simulator;
    let mut drawn = |values: &[f64], slots: &[f64], stream: &mut Stream| {
        let predictions = problem.predict(values, slots);
        let observations = Some(problem.draw(values, &predictions, &populations, stream));
        resamples.push(Resample { observations, ..Resample::default() });
    };
    let failed = || Error::Run("the model cannot be integrated where replicates are to be drawn from it".into());
    let mut left = streams.iter_mut();
    for chunk in values.chunks(simulator.chunk(Wanted::default())) {
        for (values, simulated) in chunk.iter().zip(simulator.run(chunk, Wanted::default(), true)?) {
            if !simulated.failures.is_empty() {
                return Err(failed());
            }
            match problem.between.is_empty() {
                true => left.by_ref().for_each(|stream| drawn(values, &simulated.slots, stream)),
                false => left.next().into_iter().for_each(|stream| drawn(values, &simulated.slots, stream)),
            }
        }
    }
    Ok(resamples)
}

/// The best end of each replicate, in their order.
fn best_of(mut ends: Vec<End>) -> Vec<End> {
    ends.sort_by(|a, b| a.replicate.cmp(&b.replicate).then(a.value.total_cmp(&b.value)).then(a.from.cmp(&b.from)));
    ends.dedup_by_key(|end| end.replicate);
    ends
}

fn spread(
    replicates: &[Replicate],
    parameter: usize,
    estimate: f64,
    acceleration: Result<f64, &'static str>,
) -> Option<Spread> {
    let counts: Vec<&Replicate> = replicates.iter().filter(|r| !r.absent.contains(&parameter)).collect();
    let values: Vec<f64> = counts.iter().map(|replicate| replicate.point[parameter]).collect();
    if values.len() < FEWEST {
        return None;
    }
    let (mean, sd) = mean_and_sd(&values);
    Some(Spread {
        used: values.len(),
        sd,
        sd_error: monte_carlo(&values, |part| mean_and_sd(part).1),
        bias: mean - estimate,
        bias_error: sd / (values.len() as f64).sqrt(),
        percentile: percentile(&values),
        bca: acceleration.map_err(str::to_string).and_then(|acceleration| {
            bca(&values, estimate, acceleration).ok_or("all replicates lie on one side of the estimate".to_string())
        }),
        at_bound: counts.iter().filter(|replicate| replicate.at_bounds.contains(&parameter)).count(),
    })
}
