//! Draws from a posterior, and how far they can be trusted.
//!
//! [`sample`] runs several independent populations side by side, so that every batch is large and their agreement says
//! something. Tempered sequential Monte Carlo ([`smc`]) is the default: it begins at the prior, finds separate modes and
//! gives the evidence. Two ensemble samplers ([`stretch`], [`demc`]) are there to compare it with.
//!
//! Draws are made in the precision of the search and weighted by likelihoods in that of the report ([`reweigh`]).

mod clouds;
mod demc;
mod diagnose;
mod kernels;
mod modes;
mod population;
mod psis;
mod reweigh;
mod smc;
mod stretch;
mod target;
mod walk;

pub use diagnose::{Diagnosis, EFFECTIVE, RHAT, quantile, quantile_error, sorted};
pub use population::{effective, systematic};
pub use psis::pareto_smoothed;
pub use target::{StudyTarget, Target};

use super::bridge::Spent;
use super::checkpoint::{Checkpoint, Keeper};
use super::{CheckpointSettings, Ended};
use crate::engine::Status;
use crate::{Diagnostic, Error, Result};
use population::Member;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Tempered sequential Monte Carlo.
    #[default]
    Smc,
    /// Differential evolution with an archive, DE-MC(Z).
    Demc,
    /// The affine-invariant stretch move.
    Stretch,
}

impl Sampler {
    pub const ALL: [Sampler; 3] = [Sampler::Smc, Sampler::Demc, Sampler::Stretch];

    pub fn name(self) -> &'static str {
        match self {
            Sampler::Smc => "smc",
            Sampler::Demc => "demc",
            Sampler::Stretch => "stretch",
        }
    }
}

#[derive(Debug, Clone)]
pub struct SampleSettings {
    pub method: Sampler,
    /// Draws of all chains together. For SMC it is the number of particles.
    pub draws: usize,
    /// Populations that know nothing of one another.
    pub chains: usize,
    /// Walkers in each chain of the ensemble samplers; `None` for a number that follows the dimension.
    pub walkers: Option<usize>,
    /// Every so many steps of a walker one is kept, by the ensemble samplers.
    pub thin: usize,
    pub seed: u64,
    pub max_time: Option<Duration>,
    /// Set from outside (Ctrl-C): the run ends where it is, and its checkpoint stays.
    pub stop: Option<Arc<AtomicBool>>,
    pub checkpoint: Option<CheckpointSettings>,
}

impl Default for SampleSettings {
    fn default() -> Self {
        SampleSettings {
            method: Sampler::default(),
            draws: 2048,
            chains: 4,
            walkers: None,
            thin: 10,
            seed: 1,
            max_time: None,
            stop: None,
            checkpoint: None,
        }
    }
}

/// Told about a run of a sampler while it goes on.
pub trait Watcher {
    fn update(&mut self, update: &Drawing);

    /// A checkpoint could not be written; it is tried again.
    fn unkept(&mut self, _error: &Error) {}
}

impl Watcher for () {
    fn update(&mut self, _update: &Drawing) {}
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawing {
    /// 0 to 1: how far the temperature exponent has come on a logarithmic scale, or the share of steps done.
    pub done: f64,
    /// Share of the latest proposals that were accepted.
    pub accepted: f64,
    pub evaluations: u64,
}

/// One draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// On the estimation scale.
    pub point: Vec<f64>,
    /// Negative log-likelihood, in the precision of the report.
    pub likelihood: f64,
    /// Negative log density of the prior.
    pub prior: f64,
}

/// What comes of a run. The same target, settings and seed give the same draws.
#[derive(Debug, Clone)]
pub struct Sample {
    pub method: Sampler,
    pub seed: u64,
    pub names: Vec<String>,
    /// Of equal length; within a chain relatives are neighbours, or the steps of one walker follow one another.
    pub chains: Vec<Vec<Draw>>,
    /// Log evidence with its Monte Carlo error; SMC alone.
    pub evidence: Option<Evidence>,
    /// Of each dimension.
    pub diagnoses: Vec<Diagnosis>,
    /// Exponents of the likelihood, from 0 to 1; SMC alone.
    pub ladder: Vec<f64>,
    /// At how many of them the members were still on their way when their time was over.
    pub unsettled: u32,
    pub accepted: f64,
    /// Pareto k of the weights between the two precisions, and what share of the draws they are worth.
    pub weights: Option<(f64, f64)>,
    pub failures: Vec<(Status, u64)>,
    pub failed_points: u64,
    pub evaluations: u64,
    pub wall: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub log: f64,
    pub error: f64,
}

impl Sample {
    /// `[chain][draw]` of one dimension.
    pub fn of(&self, dimension: usize) -> Vec<Vec<f64>> {
        self.chains.iter().map(|chain| chain.iter().map(|draw| draw.point[dimension]).collect()).collect()
    }

    pub fn draws(&self) -> impl Iterator<Item = &Draw> {
        self.chains.iter().flatten()
    }

    /// The dimensions that are not to be believed.
    pub fn unconverged(&self) -> Vec<usize> {
        (0..self.names.len()).filter(|&i| !self.diagnoses[i].converged(self.chains.len())).collect()
    }

    pub fn converged(&self) -> bool {
        self.unconverged().is_empty() && self.weights.is_none_or(|(k, _)| k <= psis::USABLE)
    }
}

/// Draws from the posterior of `target`. `Ok(Err(ended))` where a rule ended the run before it had any; its checkpoint, if
/// there is one, lets it go on.
///
/// # Errors
/// Settings that make no sense, a prior without a point that can be integrated, those of the engine and of the checkpoint.
pub fn sample(
    target: &dyn Target,
    settings: &SampleSettings,
    watcher: &mut dyn Watcher,
) -> Result<std::result::Result<Sample, Ended>> {
    check(target, settings)?;
    let mut run = Run::new(target, settings, watcher)?;
    let drawn = match settings.method {
        Sampler::Smc => smc::run(&mut run)?,
        Sampler::Demc => walk::run(&mut run, &demc::DifferentialEvolution)?,
        Sampler::Stretch => walk::run(&mut run, &stretch::Stretch)?,
    };
    let Some(drawn) = drawn else {
        return Ok(Err(run.ended.unwrap_or(Ended::Interrupted)));
    };
    reweigh::finish(run, drawn).map(Ok)
}

fn check(target: &dyn Target, settings: &SampleSettings) -> Result<()> {
    let mut found = Vec::new();
    if target.names().is_empty() {
        found.push(Diagnostic::new("no parameter is estimated").hint("mark at least one parameter as estimated"));
    }
    if settings.chains < 2 || settings.draws < 8 * settings.chains || settings.thin == 0 {
        let text = format!("{} draws in {} chains, every {}th kept", settings.draws, settings.chains, settings.thin);
        found
            .push(Diagnostic::new(text).hint("take at least 2 chains of at least 8 draws, and keep every 1st or more"));
    }
    if found.is_empty() { Ok(()) } else { Err(Error::Input(found)) }
}

/// What a sampler leaves before its draws are weighed.
struct Drawn {
    chains: Vec<Vec<Member>>,
    evidence: Option<Evidence>,
    ladder: Vec<f64>,
    unsettled: u32,
    accepted: f64,
}

/// What stands over a sampler: evaluations, progress, stop rules, checkpoints.
struct Run<'a> {
    target: &'a dyn Target,
    settings: &'a SampleSettings,
    watcher: &'a mut dyn Watcher,
    keeper: Option<Keeper>,
    spent: RefCell<Spent>,
    began: Instant,
    before: f64,
    ended: Option<Ended>,
    /// What a checkpoint holds, until the sampler has taken it.
    kept: Option<serde_json::Value>,
}

impl<'a> Run<'a> {
    fn new(target: &'a dyn Target, settings: &'a SampleSettings, watcher: &'a mut dyn Watcher) -> Result<Self> {
        let mut run = Run {
            target,
            settings,
            watcher,
            keeper: None,
            spent: RefCell::default(),
            began: Instant::now(),
            before: 0.0,
            ended: None,
            kept: None,
        };
        if let Some(checkpoint) = &settings.checkpoint {
            let keeper = Keeper::new(checkpoint, identity(target, settings, &checkpoint.study));
            if let Some(found) = keeper.read::<serde_json::Value>()? {
                run.before = found.seconds;
                run.spent = RefCell::new(found.spent);
                run.kept = Some(found.phase);
            }
            run.keeper = Some(keeper);
        }
        Ok(run)
    }

    fn dimensions(&self) -> usize {
        self.target.names().len()
    }

    /// The state of the checkpoint, if there is one.
    fn resumed<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<T>> {
        let unreadable =
            |error| Error::Run(format!("the checkpoint cannot be read: {error}; delete it to begin again"));
        self.kept.take().map(serde_json::from_value).transpose().map_err(unreadable)
    }

    /// Tells, keeps, and says whether to go on.
    fn goes_on<T: Serialize>(&mut self, done: f64, accepted: f64, state: &T) -> Result<bool> {
        self.watcher.update(&Drawing { done, accepted, evaluations: self.spent.borrow().evaluations });
        let settings = self.settings;
        if settings.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            self.ended = Some(Ended::Interrupted);
        } else if settings.max_time.is_some_and(|limit| self.began.elapsed() >= limit) {
            self.ended = Some(Ended::Time);
        }
        if let Some(keeper) = &mut self.keeper
            && (self.ended.is_some() || keeper.due())
        {
            let unwritable = |error| Error::Run(format!("the checkpoint cannot be written: {error}"));
            let phase = serde_json::to_value(state).map_err(unwritable)?;
            let seconds = self.before + self.began.elapsed().as_secs_f64();
            let spent = self.spent.borrow().clone();
            match keeper.write(&Checkpoint::new(keeper.identity.clone(), seconds, spent, phase)) {
                Err(error) if self.ended.is_none() => self.watcher.unkept(&error),
                written => written?,
            }
        }
        Ok(self.ended.is_none())
    }

    /// Members at `points`; outside the prior nothing is integrated.
    fn members(&self, points: Vec<Vec<f64>>) -> Result<Vec<Member>> {
        let priors: Vec<f64> = points.iter().map(|point| self.target.prior(point)).collect();
        let inside: Vec<Vec<f64>> =
            points.iter().zip(&priors).filter(|(_, prior)| prior.is_finite()).map(|(point, _)| point.clone()).collect();
        let mut likelihoods =
            if inside.is_empty() { Vec::new() } else { self.target.likelihoods(&inside, false)? }.into_iter();
        let mut spent = self.spent.borrow_mut();
        let member = |(point, prior): (Vec<f64>, f64)| {
            let mut likelihood = f64::INFINITY;
            if prior.is_finite()
                && let Some(evaluation) = likelihoods.next()
            {
                spent.take(&evaluation);
                likelihood = if evaluation.value.is_nan() { f64::INFINITY } else { evaluation.value };
            }
            Member { point, likelihood, prior }
        };
        Ok(points.into_iter().zip(priors).map(member).collect())
    }
}

/// Everything the draws depend on, by name.
fn identity(target: &dyn Target, settings: &SampleSettings, study: &str) -> BTreeMap<String, String> {
    let entries = [
        ("study", study.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_string()),
        ("method", settings.method.name().to_string()),
        ("draws", settings.draws.to_string()),
        ("chains", settings.chains.to_string()),
        ("walkers", format!("{:?}", settings.walkers)),
        ("thinning", settings.thin.to_string()),
        ("seed", settings.seed.to_string()),
        ("parameters", target.names().join(", ")),
    ];
    entries.map(|(name, value)| (name.to_string(), value)).into()
}
