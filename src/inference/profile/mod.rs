//! Profile likelihoods: how low the objective can be kept while one parameter is held at each of many values
//! (A. Raue et al., Bioinformatics 25:1923, 2009). A 95 % interval is where it stays within 1.92 of the optimum, or within
//! half the square of Student's t where few experiments differ in the parameter.
//!
//! Each parameter is followed in both directions from the optimum ([`path`]); all paths advance together, so that an
//! iteration is one batch. A path that meets a lower value than the optimum is followed down from there, and all begin
//! again at the better optimum. Where a fit found several optima they are followed from each ([`branches`]). A fit takes
//! the ends of its intervals from the same paths, followed in longer strides and no further.

mod bend;
mod branches;
mod conditional;
mod label;
mod path;
pub(super) mod paths;
mod walls;

pub use label::{Label, Tie};
pub use path::PathEnd;
pub(super) use path::{Aim, Path};

use super::boxed::Boxed;
use super::bridge::{Bridge, Spent};
use super::checkpoint::Keeper;
use super::edge::{self, Edge};
use super::fit::fit;
use super::identify::identify;
use super::lockstep::{Lockstep, Rules, bounds_hit};
use super::optima::Optima;
use super::trust::Trust;
use super::watch::{self, Progress, Stage, Underway, Watch};
use super::{CheckpointSettings, Ended, FitSettings, Identification, Objective, StartRecord, Stop};
use crate::engine::Status;
use crate::{Diagnostic, Error, Result};
use argmin::core::{PopulationState, State as _};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Before the paths are followed the optimum is refined until the model promises less than this.
const EXACT: f64 = 1e-8;

#[derive(Debug, Clone, Default)]
pub struct ProfileSettings {
    /// Of the fit that finds the optimum, and of the descent to a better one. Its limits of time, its stop and its checkpoint
    /// are those of all the work.
    pub fit: FitSettings,
    /// The dimensions to follow, in the order of the result.
    pub parameters: Vec<usize>,
    /// Where to begin instead of a fit: near an optimum.
    pub start: Option<Start>,
}

/// The result of an earlier fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// On the estimation scale.
    pub point: Vec<f64>,
    /// Standard deviations between experiments that it was fitted with.
    pub spreads: Vec<f64>,
    /// Where its starts ended: there may be other optima among them.
    pub ends: Vec<Vec<f64>>,
}

/// The same objective and settings give the same bytes, `wall` and `seconds` aside, stopped and resumed or not.
#[derive(Debug, Clone)]
pub struct Profiles {
    pub names: Vec<String>,
    /// The optimum, on the estimation scale.
    pub point: Vec<f64>,
    pub spreads: Vec<f64>,
    pub value: f64,
    /// What the information at the optimum says.
    pub identification: Identification,
    /// Places as good as the optimum, which is the first; none where nothing is known of others.
    pub optima: Option<Optima>,
    pub profiles: Vec<Profile>,
    /// Directions that the objective does not notice, as the flat paths show them.
    pub ties: Vec<Tie>,
    /// Objectives of the optima that were left, and of the better ones that paths led to.
    pub better: Vec<(f64, f64)>,
    /// Starts scored, refined, and ended at the best value; none where the work began at the result of an earlier fit.
    pub starts: Option<[usize; 3]>,
    pub failures: Vec<(Status, u64)>,
    pub failed_points: u64,
    /// Where failures decide: at the optimum, or at ends of intervals.
    pub edges: Vec<Edge>,
    /// Of the paths, without the fit.
    pub evaluations: u64,
    pub expansions: u64,
    /// Spent on the paths.
    pub seconds: f64,
    pub ended: Ended,
    /// Of all calls that led to this result.
    pub wall: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub parameter: usize,
    /// How far above the optimum the interval ends.
    pub limit: f64,
    /// Towards the lower bound and towards the upper.
    pub sides: [Side; 2],
    /// The same from each other optimum.
    pub others: Vec<[Side; 2]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// From the optimum outwards.
    pub points: Vec<ProfilePoint>,
    pub end: PathEnd,
    /// Where the limit is crossed, on the estimation scale.
    pub crossing: Option<f64>,
    /// Whether the points beside the crossing were optimised.
    pub settled: bool,
    /// Other parameters at bounds, as at the optimum, that the crossing rests on.
    pub leans: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePoint {
    /// On the estimation scale.
    pub point: Vec<f64>,
    pub value: f64,
    /// Whether the other parameters are at their best, as far as can be told.
    pub settled: bool,
}

impl Profile {
    /// The ends of the interval on the estimation scale, the lowest and the highest from any optimum; `None` where the limit is
    /// not reached, or only because other parameters met their bounds or could not follow to where evaluations fail.
    pub fn ends(&self) -> [Option<f64>; 2] {
        [0, 1].map(|side| self.outermost(side).own_end())
    }
}

impl Side {
    fn own_end(&self) -> Option<f64> {
        self.crossing.filter(|_| self.end == PathEnd::Crossed)
    }
}

/// The work as a checkpoint holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Work {
    spreads: Vec<f64>,
    starts: Option<[usize; 3]>,
    /// The optimum, and its value if it has been refined.
    point: Vec<f64>,
    refined: Option<f64>,
    /// Ends of an earlier fit that have not been compared yet; and what came of it.
    ends: Vec<Vec<f64>>,
    optima: Option<Optima>,
    better: Vec<(f64, f64)>,
    paths: Vec<Path>,
    /// The descent to the optimum.
    descent: Option<Underway>,
    /// Spent on the paths.
    seconds: f64,
}

/// Profiles of `objective`. `Ok(Err(ended))` where a rule ended the work before it had an optimum; its checkpoint, if there
/// is one, lets it go on.
///
/// # Errors
/// Those of [`fit`](super::fit); [`Error::Input`] for a start that is no point of the box; [`Error::Run`] if there are no
/// derivatives at the optimum.
pub fn profile(
    objective: &dyn Objective,
    settings: &ProfileSettings,
    progress: &mut dyn Progress,
) -> Result<std::result::Result<Profiles, Ended>> {
    let began = Instant::now();
    settings.fit.check(objective)?;
    check(objective, settings)?;
    let keeper = settings.fit.checkpoint.as_ref().map(|c| Keeper::new(c, identity(objective, settings)));
    let saved = keeper.as_ref().map(Keeper::read::<Work>).transpose()?.flatten();
    let (before, spent, work) = match saved {
        Some(saved) => (saved.seconds, saved.spent, saved.phase),
        None => match begin(objective, settings, progress)? {
            Ok((work, before)) => (before, Spent::default(), work),
            Err(ended) => return Ok(Err(ended)),
        },
    };
    let spent = RefCell::new(spent);
    let mut watch = Watch {
        settings: &settings.fit,
        progress,
        keeper,
        spent: &spent,
        dimensions: objective.names().len(),
        began,
        before,
        best: f64::INFINITY,
        ended: None,
    };
    objective.set_spreads(&work.spreads);
    let bridge = Bridge { objective, exact: true, spent: &spent };
    let course = Course { objective, settings, boxed: Boxed::of(objective), bridge };
    course.run(work, &mut watch)
}

fn check(objective: &dyn Objective, settings: &ProfileSettings) -> Result<()> {
    let n = objective.names().len();
    let mut seen = vec![false; n];
    let known = settings.parameters.iter().all(|&i| i < n && !std::mem::replace(&mut seen[i], true));
    if !known || settings.parameters.is_empty() {
        let text = format!("profiles of the dimensions {:?} of {n}", settings.parameters);
        return Err(Diagnostic::new(text).hint("name at least one dimension, and each once").into());
    }
    let Some(start) = &settings.start else { return Ok(()) };
    if start.point.len() != n || start.spreads.len() != objective.spreads().len() {
        let text = format!("a start with {} parameters and {} spreads", start.point.len(), start.spreads.len());
        let expected = format!("{n} parameters and {} spreads", objective.spreads().len());
        return Err(Diagnostic::new(text).expected(expected).into());
    }
    let within = |i: usize| {
        let slack = 1e-9 * (objective.upper()[i] - objective.lower()[i]);
        (objective.lower()[i] - slack..=objective.upper()[i] + slack).contains(&start.point[i])
    };
    match (0..n).find(|&i| !within(i)) {
        None => Ok(()),
        Some(i) => {
            let name = &objective.names()[i];
            let (lower, upper) = (objective.lower()[i], objective.upper()[i]);
            let text = format!("the start lies outside the bounds of '{name}': {} on its scale", start.point[i]);
            let hint = "begin at a fit of this study, or leave the start to a new fit";
            Err(Diagnostic::new(text).expected(format!("{lower} to {upper}")).hint(hint).into())
        }
    }
}

/// The optimum to begin with, and the seconds that earlier calls took to find it.
fn begin(
    objective: &dyn Objective,
    settings: &ProfileSettings,
    progress: &mut dyn Progress,
) -> Result<std::result::Result<(Work, f64), Ended>> {
    let work = |point, spreads, starts| Work {
        spreads,
        starts,
        point,
        refined: None,
        ends: Vec::new(),
        optima: None,
        better: Vec::new(),
        paths: Vec::new(),
        descent: None,
        seconds: 0.0,
    };
    if let Some(start) = &settings.start {
        let within = |point: &Vec<f64>| -> Vec<f64> {
            let bounds = objective.lower().iter().zip(objective.upper());
            point.iter().zip(bounds).map(|(x, (low, high))| x.clamp(*low, *high)).collect()
        };
        let work = work(within(&start.point), start.spreads.clone(), None);
        return Ok(Ok((Work { ends: start.ends.iter().map(within).collect(), ..work }, 0.0)));
    }
    let here = Instant::now();
    let checkpoint = settings.fit.checkpoint.as_ref().map(CheckpointSettings::of_fit);
    let result = fit(objective, &FitSettings { checkpoint, ..settings.fit.clone() }, progress)?;
    if result.ended != Ended::Complete {
        return Ok(Err(result.ended));
    }
    let before = (result.wall.as_secs_f64() - here.elapsed().as_secs_f64()).max(0.0);
    let starts = Some([result.scored(), result.starts.len(), result.reached(0.1)]);
    Ok(Ok((Work { optima: result.optima, ..work(result.point, result.spreads, starts) }, before)))
}

/// Everything the profiles depend on, by name.
fn identity(objective: &dyn Objective, settings: &ProfileSettings) -> BTreeMap<String, String> {
    let mut identity = settings.fit.identity(objective);
    identity.insert("profiles".into(), format!("{:?}", settings.parameters));
    identity.insert("start".into(), format!("{:?}", settings.start));
    identity
}

struct Course<'a> {
    objective: &'a dyn Objective,
    settings: &'a ProfileSettings,
    boxed: Boxed,
    bridge: Bridge<'a>,
}

impl Course<'_> {
    fn run(&self, mut work: Work, watch: &mut Watch) -> Result<std::result::Result<Profiles, Ended>> {
        let start = Instant::now();
        let earlier = work.seconds;
        let mut value = match work.refined {
            Some(value) => value,
            None => self.refine(&mut work, watch)?,
        };
        if let Some(ended) = watch.ended {
            return Ok(Err(ended));
        }
        if !self.compare(&mut work, value, watch)? {
            watch.keep(|| Ok(&work))?;
            return Ok(Err(watch.ended.unwrap_or(Ended::Interrupted)));
        }
        if work.paths.is_empty() {
            work.paths = self.paths(&work, value)?;
        }
        let total = work.paths.len();
        while watch.ended.is_none() && paths::ended(&work.paths) < total {
            paths::advance(&mut work.paths, &self.bridge, &self.boxed)?;
            if work.better.len() < paths::RENEWALS
                && let Some((point, lower)) = paths::better(&work.paths, &self.boxed)
            {
                work.better.push((value, lower));
                (work.point, work.refined, work.paths) = (point, None, Vec::new());
                value = self.refine(&mut work, watch)?;
                if let Some(ended) = watch.ended {
                    return Ok(Err(ended));
                }
                if let Some(last) = work.better.last_mut() {
                    last.1 = value;
                }
                self.renew(&mut work, value, watch)?;
                work.paths = self.paths(&work, value)?;
            }
            work.seconds = earlier + start.elapsed().as_secs_f64();
            let done = paths::ended(&work.paths);
            watch.tell(Stage::Profiles, done, Some(total), value);
            if done < total {
                watch.stops();
            }
            watch.keep(|| Ok(&work))?;
        }
        self.conclude(work, value, watch).map(Ok)
    }

    /// Descends from the point of `work` to the optimum, in the precision of the report; its value.
    fn refine(&self, work: &mut Work, watch: &mut Watch) -> Result<f64> {
        let value = match &work.descent {
            Some(saved) => saved.best_value,
            None => self.bridge.values(std::slice::from_ref(&work.point))?[0],
        };
        if !value.is_finite() {
            return Err(Error::Run(
                "the point to begin at has no finite objective in the precision of the report".into(),
            ));
        }
        let settings = &self.settings.fit;
        let rules = Rules {
            tolerance: EXACT,
            stall: 10.0 * EXACT,
            max_iterations: settings.max_iterations,
            seed: settings.seed,
            population: None,
        };
        let record = StartRecord {
            start: 0,
            at_bounds: bounds_hit(&work.point, &self.boxed),
            first_point: work.point.clone(),
            first_value: value,
            last_point: work.point.clone(),
            last_value: value,
            iterations: 0,
            stop: Stop::Waiting,
        };
        let (solver, iteration, best) = match work.descent.take() {
            None => {
                (Lockstep::<Trust>::new(vec![record], 1, rules, self.boxed.clone()), 0, (work.point.clone(), value))
            }
            Some(saved) => {
                let solver: Lockstep<Trust> = serde_json::from_value(saved.solver).map_err(unreadable)?;
                let best = (saved.best_point.unwrap_or_else(|| work.point.clone()), saved.best_value);
                (solver.within(self.boxed.clone()), saved.iteration, best)
            }
        };
        let state = |state: PopulationState<Vec<f64>, f64>| {
            let mut state = state.individual(best.0).cost(best.1);
            state.update();
            state.iter = iteration;
            state
        };
        let phase = |descent| Work { descent: Some(descent), ..work.clone() };
        let (solver, _) = watch::run(solver, Bridge { ..self.bridge }, state, watch, Stage::Polishing, phase)?;
        if watch.ended.is_some() {
            return Ok(value);
        }
        if let Some(end) = solver.records().pop()
            && end.last_value <= value
        {
            work.point = end.last_point;
        }
        // Paths compare values that come with derivatives, which are integrated a little otherwise.
        let found = self.bridge.expand(std::slice::from_ref(&work.point))?.pop().flatten();
        let found = found.ok_or_else(branches::no_derivatives)?;
        work.refined = Some(found.value);
        Ok(found.value)
    }

    fn conclude(&self, work: Work, value: f64, watch: &Watch) -> Result<Profiles> {
        let expansion = self.bridge.expand(std::slice::from_ref(&work.point))?.pop().flatten();
        let identification = identify(self.objective, &work.point, expansion.as_ref().map(|e| &e.fisher));
        let side = |path: &Path| {
            let point = |place: &path::Place| ProfilePoint {
                point: self.boxed.point(&place.at),
                value: place.value,
                settled: place.settled,
            };
            Side {
                points: path.places.iter().map(point).collect(),
                end: path.end.unwrap_or(PathEnd::Stopped),
                crossing: path.crossing().map(|unit| self.boxed.scaled(path.parameter, unit)),
                settled: path.crossing_is_settled(),
                leans: path.leans().to_vec(),
            }
        };
        let sides = |pair: &[Path]| [side(&pair[0]), side(&pair[1])];
        let (first, others) = work.paths.split_at(2 * self.settings.parameters.len());
        let from_others = |parameter: usize| others.chunks(2).filter(move |pair| pair[0].parameter == parameter);
        let profiles: Vec<Profile> = first
            .chunks(2)
            .map(|pair| Profile {
                parameter: pair[0].parameter,
                limit: pair[0].limit(),
                sides: sides(pair),
                others: from_others(pair[0].parameter).map(sides).collect(),
            })
            .collect();
        let mut edges = paths::edges(&work.paths, &self.bridge, &self.boxed)?;
        let met = !edges.is_empty() || self.bridge.spent.borrow().failed_points > 0;
        edges.splice(0..0, edge::of_estimate(&self.bridge, &self.boxed, &work.point, expansion.as_ref(), met)?);
        let spent = self.bridge.spent.borrow();
        Ok(Profiles {
            names: self.objective.names().to_vec(),
            ties: label::ties(self.objective, &self.boxed, &profiles),
            point: work.point,
            spreads: work.spreads,
            value,
            identification,
            optima: work.optima,
            profiles,
            better: work.better,
            starts: work.starts,
            failures: spent.failures(),
            failed_points: spent.failed_points,
            edges,
            evaluations: spent.evaluations,
            expansions: spent.expansions,
            seconds: work.seconds,
            ended: watch.ended.unwrap_or(Ended::Complete),
            wall: Duration::from_secs_f64(watch.seconds()),
        })
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Run(format!("the checkpoint's descent cannot be read: {error}; delete the checkpoint to begin again"))
}
