//! All curves of a file together: noise pooled over them, then each with its test, its estimates and its outliers.

use super::bootstrap::{Resampling, bootstrap};
use super::fit::{self, State, Task};
use super::flat::{self, Designs};
use super::infer::{Dispersion, End, Estimate, Fitted, Inference, fit_curve, t_quantile};
use super::picture;
use super::problem::{Link, Problem, Spot};
use super::quantity::{Quantity, Reading};
use super::series::{self, Noise, Series};
use super::shape::Shape;
use super::variance::{Moderation, Scatter, VarianceFunction, overdispersion};
use crate::error::Place;
use crate::plate::{self, Assay, Readings, Role, Seen};
use crate::{Diagnostic, Result};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::BTreeSet;

/// How the readings are to be understood and what is asked of them.
#[derive(Debug, Clone)]
pub struct Settings {
    pub assay: Assay,
    /// What is read off the wells; the assay's own unless stated.
    pub reading: Reading,
    /// Of the benchmark dose, between 0 and 1.
    pub effect: f64,
    /// In the file's unit of time; the last time of each curve unless stated.
    pub at: Option<f64>,
    /// Three parameters: the lower plateau is zero.
    pub no_floor: bool,
    /// Percentile intervals beside those of the profiles.
    pub resampling: Resampling,
}

/// What can be said of a curve.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Effect,
    /// The readings are as they would be without any effect.
    NoEffect,
    /// There are not enough doses for a curve; how many there are.
    TooFewDoses(usize),
    Failed(String),
}

/// One curve and everything that was found out about it.
#[derive(Debug, Clone)]
pub struct Curve {
    pub series: Series,
    pub verdict: Verdict,
    /// The probability of such data if nothing had an effect; `None` where it cannot be computed.
    pub p_value: Option<f64>,
    /// Adjusted for the number of curves (Benjamini and Hochberg 1995).
    pub adjusted_p: Option<f64>,
    pub fit: Option<Fit>,
    pub estimates: Vec<(Quantity, Estimate)>,
    /// Wells (indices of readings) that lie further from the curve than chance allows.
    pub outliers: Vec<usize>,
    /// The estimates without the outliers, if there are any.
    pub without_outliers: Vec<(Quantity, Estimate)>,
    /// Percentile intervals by the bootstrap, if it was asked for.
    pub bootstrapped: Vec<(Quantity, [End; 2])>,
    /// The smallest effect that this design and this noise could show at a single dose.
    pub smallest_effect: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct Fit {
    pub(super) problem: Problem,
    pub fitted: Fitted,
    pub dispersion: Dispersion,
}

impl Fit {
    /// Smallest and largest `x` of what was treated: logarithms of doses, or times.
    pub fn problem_range(&self) -> (f64, f64) {
        self.problem.range
    }
}

#[derive(Debug, Clone)]
pub struct Analysis {
    pub settings: Settings,
    pub curves: Vec<Curve>,
    pub noise: PooledNoise,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PooledNoise {
    Function(VarianceFunction),
    Overdispersion(f64),
}

/// Fits all curves over dose.
///
/// # Errors
/// If there is no curve in the readings.
pub fn analyse(readings: &Readings, settings: &Settings) -> Result<Analysis> {
    can_be_read(readings, settings)?;
    let series = series::over_dose(readings, settings.reading.link(), settings.at);
    if series.is_empty() {
        return Err(no_series(readings, settings).into());
    }
    if series.iter().all(|s| s.doses.len() < 2) {
        return Err(single_dose(readings, &series[0]).into());
    }
    Ok(fit_all(series, settings))
}

/// Fits lag-exponential death to all wells that were read often enough.
///
/// # Errors
/// If nothing was.
pub fn onsets(readings: &Readings, settings: &Settings) -> Result<Analysis> {
    can_be_read(readings, settings)?;
    let series = series::over_time(readings, settings.reading.link(), TIMES);
    if series.is_empty() {
        let found = Diagnostic::new("no well was read often enough for a curve over time").in_file(&readings.file);
        let expected = found.expected(format!("at least {TIMES} times a dose"));
        return Err(expected.hint("leave 'led' out of --model, or add the readings of other times").into());
    }
    Ok(fit_all(series, settings))
}

/// Whether the file holds what the assay's reading needs.
fn can_be_read(readings: &Readings, settings: &Settings) -> Result<()> {
    if settings.reading == Reading::FractionalViability {
        let signal = |r: &&plate::Reading| matches!(r.seen, Seen::Signal(value) if !(0.0..=1.0).contains(&value));
        if let Some(reading) = readings.readings.iter().find(signal) {
            return Err(Diagnostic::new("a raw signal is no share of living cells")
                .in_file(&readings.file)
                .at(Place { line: reading.line, column: reading.column, length: 1, text: String::new() })
                .expected("columns live and dead, or fractional viabilities from 0 to 1")
                .hint("a signal of living cells alone is --assay live_count, atp or resazurin")
                .into());
        }
    }
    if settings.reading != Reading::DeadShare {
        return Ok(());
    }
    // A dead dye says how many are dead, not of how many.
    let with = |role: Role| -> BTreeSet<usize> {
        readings.readings.iter().filter(|r| r.role == role).map(|r| r.plate).collect()
    };
    let Some(plate) = with(Role::Sample).difference(&with(Role::Positive)).next().copied() else { return Ok(()) };
    Err(Diagnostic::new(format!("no lysed well on plate {}", readings.plates[plate].name))
        .in_file(&readings.file)
        .expected("wells of the role positive on each plate: a dead dye counts the dead, and these say of how many")
        .hint("lyse a few wells, or count live cells too (--assay live_dead)")
        .into())
}

/// Lag, rate, plateau and start take four points.
const TIMES: usize = 4;

fn fit_all(series: Vec<Series>, settings: &Settings) -> Analysis {
    let link = settings.reading.link();
    let rough: Vec<Option<Rough>> = series.par_iter().map(|s| Rough::new(s, link, settings.no_floor)).collect();
    let noise = pooled(link, &series, &rough);
    let designs = Designs::default();
    let mut curves: Vec<Curve> = series
        .into_par_iter()
        .zip(&rough)
        .map(|(series, rough)| first(series, rough.as_ref(), &noise, settings, &designs))
        .collect();
    decide(&mut curves);
    let own: Vec<Dispersion> = curves.iter().filter_map(|c| Some(c.fit.as_ref()?.fitted.dispersion)).collect();
    let moderation = Moderation::new(&own);
    curves.par_iter_mut().zip(&rough).enumerate().for_each(|(at, (curve, rough))| {
        finish(curve, rough.as_ref(), &noise, settings, &moderation);
        if let (Some(rough), true) = (rough, settings.resampling.draws > 0) {
            resample(curve, &rough.noise(&noise, &curve.series), settings, at as u64);
        }
    });
    Analysis { settings: settings.clone(), curves, noise }
}

/// Which curves show an effect: among all that are said to, one in twenty is expected not to.
fn decide(curves: &mut [Curve]) {
    let mut order: Vec<usize> = (0..curves.len()).filter(|at| curves[*at].p_value.is_some()).collect();
    let p = |at: usize| curves[at].p_value.unwrap_or(1.0);
    order.sort_by(|a, b| p(*b).total_cmp(&p(*a)));
    let count = order.len();
    let mut least = 1.0f64;
    let adjusted: Vec<(usize, f64)> = order
        .iter()
        .enumerate()
        .map(|(from_last, at)| {
            least = least.min(p(*at) * count as f64 / (count - from_last) as f64);
            (*at, least)
        })
        .collect();
    for (at, adjusted) in adjusted {
        curves[at].adjusted_p = Some(adjusted);
        if adjusted >= 0.05 && curves[at].fit.is_some() {
            curves[at].verdict = Verdict::NoEffect;
        }
    }
}

fn no_series(readings: &Readings, settings: &Settings) -> Diagnostic {
    let mut times: Vec<f64> = readings.readings.iter().filter_map(|r| r.time).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let none = Diagnostic::new("there is no treated well").in_file(&readings.file);
    match settings.at {
        Some(at) if !times.is_empty() => {
            let list: Vec<String> = times.iter().map(f64::to_string).collect();
            let message = format!("nothing was read at {at} {}", readings.time_unit);
            Diagnostic::new(message).in_file(&readings.file).expected(format!("one of {}", list.join(", ")))
        }
        _ => none.hint("wells with a dose above zero make a curve; see 'fenton check' for what was understood"),
    }
}

fn single_dose(readings: &Readings, series: &Series) -> Diagnostic {
    let compound = &readings.compounds[series.compound];
    let dose = series.doses.first().copied().unwrap_or(0.0);
    Diagnostic::new(format!("a single dose of {} ({dose} {}) makes no curve", compound.name, compound.unit))
        .in_file(&readings.file)
        .expected("at least three doses and a vehicle control")
        .hint("one dose can be compared with its vehicle, but it has no EC50, slope or benchmark dose")
}

/// A first fit with even scatter: what the noise is learnt from.
struct Rough {
    problem: Problem,
    state: State,
    squares: Vec<f64>,
}

impl Rough {
    fn new(series: &Series, link: Link, no_floor: bool) -> Option<Rough> {
        let even = |squares: Vec<f64>| if link.is_share() { Noise::Counts(0.0) } else { Noise::Even(squares) };
        let flat = series.problem(link, &even(vec![1.0; series.units]), &[], no_floor);
        if flat.levels.len() < 2 {
            return None;
        }
        let squares = references(&flat, &fit::starts(&flat).first()?.units);
        let problem = series.problem(link, &even(squares.clone()), &[], no_floor);
        let several = problem.experiments > 1;
        let task = Task { spread: several.then_some(1e3), ..Task::default() };
        let mut state = fit::best(&problem, &Task::default())?;
        if several {
            state = fit::improve(&problem, &task, state)?;
        }
        let squares = if link.is_share() { squares } else { references(&problem, &state.units) };
        Some(Rough { problem, state, squares })
    }

    /// Levels of the groups: predicted signal above the blank over that of unaffected cells.
    fn levels(&self) -> Vec<f64> {
        let starts = fit::unit_starts(&self.problem);
        let means = fit::means(&self.problem, &self.state);
        let level = |(group, mean): (&super::problem::Group, f64)| {
            let scales = self.problem.link.scales();
            let blank = group.blank.map_or(0.0, |b| self.state.units[starts[group.unit] + scales + b]);
            (mean - blank) / self.squares[group.unit].sqrt()
        };
        self.problem.groups.iter().zip(means).map(level).collect()
    }

    fn noise(&self, pooled: &PooledNoise, series: &Series) -> Noise {
        match pooled {
            PooledNoise::Overdispersion(phi) => Noise::Counts(*phi),
            PooledNoise::Function(function) => {
                let of_groups = self.levels();
                let level = |well: &series::Well| {
                    self.problem.groups.iter().position(|group| well.is_of(group)).map_or(1.0, |at| of_groups[at])
                };
                let levels = series.wells.iter().map(level).collect();
                Noise::Function { function: *function, squares: self.squares.clone(), levels }
            }
        }
    }
}

/// Squares of the units' unaffected signals.
fn references(problem: &Problem, units: &[f64]) -> Vec<f64> {
    let starts = fit::unit_starts(problem);
    starts.iter().map(|at| problem.reference(&units[*at..]).powi(2).max(1e-300)).collect()
}

fn pooled(link: Link, series: &[Series], rough: &[Option<Rough>]) -> PooledNoise {
    let both = || series.iter().zip(rough).filter_map(|(s, r)| Some((s, r.as_ref()?)));
    if link.is_share() {
        let mut wells = Vec::new();
        let mut parameters = 0.0;
        for (series, rough) in both() {
            let means = fit::means(&rough.problem, &rough.state);
            for well in &series.wells {
                let Some(at) = rough.problem.groups.iter().position(|group| well.is_of(group)) else { continue };
                let p = means[at].clamp(1e-4, 1.0 - 1e-4);
                wells.push((well.cells * (well.value - p).powi(2) / (p * (1.0 - p)), well.cells));
            }
            parameters += (3 + rough.problem.unit_parameters() + rough.state.shifts.len().saturating_sub(1)) as f64;
        }
        return PooledNoise::Overdispersion(overdispersion(&wells, parameters));
    }
    let replicated: f64 = both().map(|(_, rough)| rough.problem.scatter_df()).sum();
    let mut scatter = Vec::new();
    for (_, rough) in both() {
        let means = fit::means(&rough.problem, &rough.state);
        let groups = &rough.problem.groups;
        let parameters = 3 + rough.problem.unit_parameters() + rough.state.shifts.len().saturating_sub(1);
        let left = (groups.len() as f64 - parameters as f64).max(0.0) / groups.len() as f64;
        for ((group, level), mean) in groups.iter().zip(rough.levels()).zip(means) {
            let square = rough.squares[group.unit];
            if group.scatter_df > 0.0 {
                scatter.push(Scatter { level, squares: group.scatter / square, df: group.scatter_df });
            }
            // Without replicates the curve's own residuals are all there is.
            if replicated < 10.0 && left > 0.0 {
                let squares = group.n * (group.mean - mean).powi(2) / square;
                scatter.push(Scatter { level, squares, df: left });
            }
        }
    }
    PooledNoise::Function(VarianceFunction::fitted(&scatter))
}

fn first(series: Series, rough: Option<&Rough>, noise: &PooledNoise, settings: &Settings, designs: &Designs) -> Curve {
    let doses = series.doses.len();
    let mut curve = Curve {
        series,
        verdict: Verdict::Effect,
        p_value: None,
        adjusted_p: None,
        fit: None,
        estimates: Vec::new(),
        outliers: Vec::new(),
        without_outliers: Vec::new(),
        bootstrapped: Vec::new(),
        smallest_effect: None,
    };
    let Some(rough) = rough else {
        curve.verdict = Verdict::TooFewDoses(doses);
        return curve;
    };
    let problem =
        curve.series.problem(settings.reading.link(), &rough.noise(noise, &curve.series), &[], settings.no_floor);
    curve.p_value = over_wells(&curve.series, rough).or_else(|| flat::p_value(&problem, designs));
    let needed = if settings.no_floor { 3 } else { 4 };
    if problem.levels.len() < needed {
        curve.verdict = Verdict::TooFewDoses(doses);
        return curve;
    }
    let Some(fitted) = fit_curve(&problem, &rough.state) else {
        curve.verdict = Verdict::Failed("no curve fits with finite numbers".into());
        return curve;
    };
    let dispersion = fitted.dispersion;
    curve.fit = Some(Fit { problem, fitted, dispersion });
    curve
}

/// The effect test of a curve over time: frames of a well are not independent, wells are.
fn over_wells(series: &Series, rough: &Rough) -> Option<f64> {
    if series.shape == Shape::Dose {
        return None;
    }
    let starts = fit::unit_starts(&rough.problem);
    let unit = |well: &series::Well| &rough.state.units[starts[well.unit]..];
    let shares: Vec<f64> = series.wells.iter().map(|well| picture::share(&rough.problem, well, unit(well))).collect();
    flat::p_value_over_wells(series, &shares)
}

fn finish(curve: &mut Curve, rough: Option<&Rough>, noise: &PooledNoise, settings: &Settings, moderation: &Moderation) {
    let (Some(fit), Some(rough)) = (&mut curve.fit, rough) else { return };
    fit.dispersion = moderation.of(fit.fitted.dispersion);
    curve.smallest_effect = smallest_effect(fit);
    let estimates = |problem: &Problem, fitted: &Fitted, dispersion: Dispersion| -> Vec<(Quantity, Estimate)> {
        let inference = Inference::new(problem, fitted, dispersion);
        let all = Quantity::of(problem.shape).iter().copied();
        let quantities = all.filter(|q| !(settings.no_floor && *q == Quantity::Floor));
        quantities.map(|q| (q, inference.estimate(q.target(settings.effect, problem.range)))).collect()
    };
    if curve.verdict == Verdict::Effect {
        curve.estimates = estimates(&fit.problem, &fit.fitted, fit.dispersion);
    }
    curve.outliers = outliers(&curve.series, fit);
    if curve.outliers.is_empty() || curve.verdict != Verdict::Effect {
        return;
    }
    let noise = rough.noise(noise, &curve.series);
    let problem = curve.series.problem(settings.reading.link(), &noise, &curve.outliers, settings.no_floor);
    if let Some(fitted) = fit_curve(&problem, &rough.state) {
        let dispersion = moderation.of(fitted.dispersion);
        curve.without_outliers = estimates(&problem, &fitted, dispersion);
    }
}

/// Draws experiments and wells anew where there are estimates.
fn resample(curve: &mut Curve, noise: &Noise, settings: &Settings, stream: u64) {
    let Some(fit) = &curve.fit else { return };
    let target =
        |(quantity, _): &(Quantity, Estimate)| (*quantity, quantity.target(settings.effect, fit.problem.range));
    let targets: Vec<_> = curve.estimates.iter().map(target).collect();
    if !targets.is_empty() {
        curve.bootstrapped = bootstrap(&curve.series, fit, noise, &targets, settings.resampling, stream);
    }
}

/// The difference from the vehicle at one dose that a t test at 5 % would see.
fn smallest_effect(fit: &Fit) -> Option<f64> {
    let problem = &fit.problem;
    let starts = fit::unit_starts(problem);
    let treated = problem.groups.iter().filter(|g| g.spot == Spot::Curve && g.x.is_finite());
    let control: Vec<_> = problem.groups.iter().filter(|g| g.spot == Spot::Curve && !g.x.is_finite()).collect();
    let controls: f64 = control.iter().map(|g| g.n).sum();
    let doses = problem.levels.iter().filter(|x| x.is_finite()).count() as f64;
    let wells = treated.map(|g| g.n).sum::<f64>() / doses;
    let first = control.first()?;
    let unit = &fit.fitted.state.units[starts[first.unit]..];
    let reference = problem.reference(unit);
    let variance = match problem.link {
        Link::Share => problem.variance(first, first.mean) / first.mean.powi(2).max(1e-9),
        Link::Dead => first.variance / (reference * unit[1]).powi(2),
        _ => first.variance / (reference * reference),
    };
    let error = (variance * fit.dispersion.variance * (1.0 / controls + 1.0 / wells)).sqrt();
    let effect = t_quantile(fit.dispersion.df.max(1.0)) * error;
    effect.is_finite().then_some(effect)
}

/// Wells whose residual one in twenty such data sets would show by chance at most.
fn outliers(series: &Series, fit: &Fit) -> Vec<usize> {
    let problem = &fit.problem;
    let means = fit::means(problem, &fit.fitted.state);
    let df = fit.dispersion.df;
    let count = series.wells.len() as f64;
    if df < 3.0 || fit.dispersion.variance <= 1e-20 {
        return Vec::new();
    }
    let Ok(t) = StudentsT::new(0.0, 1.0, df - 1.0) else { return Vec::new() };
    let cut = t.inverse_cdf(1.0 - 0.025 / count);
    let mut out = Vec::new();
    for well in &series.wells {
        let Some(at) = problem.groups.iter().position(|group| well.is_of(group)) else { continue };
        let group = &problem.groups[at];
        let mut variance = problem.variance(group, means[at]) * fit.dispersion.variance;
        if problem.link.is_share() {
            // Of this well's own count, its overdispersion already in the group's.
            let wells = group.scatter_df + 1.0;
            variance /= group.n / wells;
        }
        // Externally studentised: a wild well has raised the variance it is measured by.
        let r2 = (well.value - means[at]).powi(2) / variance / df;
        let studentised = if r2 < 1.0 { (r2 * (df - 1.0) / (1.0 - r2)).sqrt() } else { f64::INFINITY };
        if studentised > cut {
            out.push(well.reading);
        }
    }
    out
}
