//! What is drawn as one where cases are resampled, and how much each observation counts in a replicate.
//!
//! Units are drawn within groups of like ones. A group of `n` gives `n - 1` draws with replacement, each of which weighs
//! `n / (n - 1)` (J. N. K. Rao, C. F. J. Wu, JASA 83:231, 1988): `n` draws of weight 1 would see a variance that is too small
//! by `1 / n`, which for triplicate wells is a third. Where there are several experiments they are the units: what varies
//! within one varies with it (A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).

use super::super::problem::Data;
use super::super::{Objective, StudyObjective};
use super::{Resample, stream};
use crate::study::draw::binomial;
use crate::study::problem::{Counted, ErrorModel, Observation, Problem, Reading, Scatter, Term};
use crate::study::{Datum, Observed, ReadAt, Study};
use crate::{Diagnostic, Error, Result};
use nalgebra::{DMatrix, DVector};
use std::collections::{BTreeMap, BTreeSet};

/// Observations, by number, that are drawn together.
type Unit = Vec<usize>;

#[derive(Debug)]
pub struct Cases {
    observations: usize,
    /// Experiments that are drawn whole; empty where there are not several.
    experiments: Vec<Unit>,
    /// Wells in groups of like ones: those that are drawn.
    wells: Vec<Vec<Unit>>,
    /// Observations of counts of one population of cells, which are drawn cell by cell, with their counts.
    cells: Vec<Vec<(usize, f64)>>,
    /// For each parameter the experiment that alone depends on it.
    alone: Vec<Option<usize>>,
}

/// Where the condition, doses, observable, time and experiment of a row agree.
type Place<'a> = (usize, Vec<u64>, usize, Option<[u64; 2]>, &'a str);

fn place(datum: &Datum, timed: bool) -> Place<'_> {
    let doses = datum.doses.iter().map(|dose| dose.to_bits()).collect();
    let time = match datum.time {
        ReadAt::Time(time) => [time.to_bits(), 0],
        ReadAt::Parameter(parameter) => [parameter as u64, 1],
        ReadAt::Between(from, until) => [from.to_bits(), until.to_bits()],
    };
    (datum.condition, doses, datum.observable, timed.then_some(time), &datum.experiment)
}

/// For each row the population of cells that it counts.
pub fn populations(study: &Study) -> Vec<usize> {
    let mut known: BTreeMap<Place, usize> = BTreeMap::new();
    let number = |datum| {
        let next = known.len();
        *known.entry(place(datum, false)).or_insert(next)
    };
    study.data.iter().map(number).collect()
}

impl Cases {
    /// # Errors
    /// [`Error::Input`] where no group has two units: nothing could be drawn.
    pub fn new(study: &Study, problem: &Problem, nested: bool) -> Result<Cases> {
        let row = |at: usize| &study.data[rows(&problem.observations[at])[0]];
        let all = 0..problem.observations.len();
        let names = study.experiments();
        let several = names.len() > 1;
        let experiment = |at: usize| names.iter().position(|name| *name == row(at).experiment).unwrap_or(0);
        let mut experiments: Vec<Unit> = if several { vec![Vec::new(); names.len()] } else { Vec::new() };
        let mut groups: BTreeMap<Place, Vec<Unit>> = BTreeMap::new();
        let mut cells: BTreeMap<Place, Vec<(usize, f64)>> = BTreeMap::new();
        for at in all {
            if several {
                experiments[experiment(at)].push(at);
            }
            if several && !nested {
                continue;
            }
            match &problem.observations[at] {
                Observation::Count { count, .. } => cells.entry(place(row(at), false)).or_default().push((at, *count)),
                // Statements on several rows have no like.
                Observation::Joint { .. } => {}
                Observation::Well { .. } => groups.entry(place(row(at), false)).or_default().push(vec![at]),
                _ => groups.entry(place(row(at), true)).or_default().push(vec![at]),
            }
        }
        let wells: Vec<Vec<Unit>> = groups.into_values().filter(|group| group.len() > 1).collect();
        let cells: Vec<_> = cells.into_values().collect();
        if experiments.is_empty() && wells.is_empty() && cells.is_empty() {
            let text = "no condition, dose and time was read twice, so there are no cases to draw among";
            let found = Diagnostic::new(text).expected("replicates in the data, or several experiments");
            return Err(Error::input(found.hint("take --kind parametric, which draws readings from the fitted model")));
        }
        let mut cases =
            Cases { observations: problem.observations.len(), experiments, wells, cells, alone: Vec::new() };
        cases.alone = cases.lone_parameters(problem);
        Ok(cases)
    }

    /// How many experiments there are to draw among, if they are drawn.
    pub fn experiments(&self) -> Option<usize> {
        (!self.experiments.is_empty()).then_some(self.experiments.len())
    }

    /// Observations that count once in each replicate, as there is no other like them.
    pub fn kept(&self) -> usize {
        let drawn: usize =
            self.wells.iter().map(Vec::len).sum::<usize>() + self.cells.iter().map(Vec::len).sum::<usize>();
        if self.experiments.is_empty() { self.observations - drawn } else { 0 }
    }

    fn lone_parameters(&self, problem: &Problem) -> Vec<Option<usize>> {
        let mut seen_in = vec![BTreeSet::new(); problem.parameters.len()];
        for (experiment, observations) in self.experiments.iter().enumerate() {
            for &at in observations {
                for parameter in parameters_of(problem, &problem.observations[at]) {
                    seen_in[parameter].insert(experiment);
                }
            }
        }
        seen_in.iter().map(|seen| seen.first().copied().filter(|_| seen.len() == 1)).collect()
    }

    pub fn draw(&self, seed: u64, replicate: usize) -> Resample {
        let mut stream = stream(seed, replicate);
        let mut weights = vec![1.0; self.observations];
        let mut drawn = |count: usize| -> Vec<f64> {
            let mut times = vec![0.0; count];
            (1..count).for_each(|_| times[stream.below(count)] += count as f64 / (count - 1) as f64);
            times
        };
        let mut whole = Vec::new();
        if !self.experiments.is_empty() {
            whole = drawn(self.experiments.len());
            for (unit, weight) in self.experiments.iter().zip(&whole) {
                unit.iter().for_each(|&at| weights[at] *= weight);
            }
        }
        for group in &self.wells {
            for (unit, weight) in group.iter().zip(drawn(group.len())) {
                unit.iter().for_each(|&at| weights[at] *= weight);
            }
        }
        for counts in &self.cells {
            let mut cells: f64 = counts.iter().map(|(_, count)| count).sum();
            let mut left = cells.round() as u64;
            for &(at, count) in counts.iter().filter(|(_, count)| *count > 0.0) {
                let found = binomial(left, (count / cells).min(1.0), &mut stream);
                weights[at] *= found as f64 / count;
                (left, cells) = (left - found, cells - count);
            }
        }
        // A parameter of one experiment alone is another in each copy of it, with a prior of its own.
        let lone = |alone: &Option<usize>| alone.map_or(1.0, |e| if whole[e] > 0.0 { whole[e] } else { 1.0 });
        let priors = self.alone.iter().any(Option::is_some).then(|| self.alone.iter().map(lone).collect());
        let lost = |alone: &Option<usize>| alone.is_some_and(|e| whole[e] == 0.0);
        let absent = (0..self.alone.len()).filter(|&parameter| lost(&self.alone[parameter])).collect();
        Resample { observations: None, weights: Some(weights), priors, absent }
    }

    /// The acceleration of each parameter for BCa intervals, by the influence of each unit on the optimum (B. Efron, JASA
    /// 82:171, 1987; in groups Davison and Hinkley, section 5.3), or why it has none.
    pub fn accelerations(&self, objective: &StudyObjective, point: &[f64]) -> Result<Vec<Result<f64, &'static str>>> {
        let refuse = |why| Ok(vec![Err(why); point.len()]);
        if !self.cells.is_empty() {
            return refuse("cells are drawn one by one");
        }
        let problem = objective.problem();
        let linear = objective.linearise(&[point.to_vec()], true)?.remove(0);
        let whole = Data { observed: problem.observed(), priors: None };
        let fisher = objective.expansion(point, &linear, whole).fisher;
        let inner: Vec<usize> = (0..point.len())
            .filter(|&i| point[i] > objective.lower()[i] && point[i] < objective.upper()[i] && fisher[(i, i)] > 0.0)
            .collect();
        let factor = DMatrix::from_fn(inner.len(), inner.len(), |r, c| fisher[(inner[r], inner[c])]).cholesky();
        let Some(factor) = factor else { return refuse("the data do not determine all parameters at the optimum") };
        let priors = objective.prior(point).1;
        let influence = |unit: &Unit, own: Option<usize>| {
            let mut slope = DVector::zeros(inner.len());
            for &at in unit {
                let observed =
                    Observed { observations: std::slice::from_ref(&problem.observations[at]), weights: None };
                let gradient =
                    objective.expansion(point, &linear, Data { observed, priors: Some(&vec![0.0; point.len()]) });
                inner.iter().enumerate().for_each(|(r, &i)| slope[r] -= gradient.gradient[i]);
            }
            // The prior of what this experiment has alone is drawn with it.
            let lone = |i: &usize| own.is_some() && self.alone[*i] == own;
            inner.iter().enumerate().filter(|(_, i)| lone(i)).for_each(|(r, &i)| slope[r] -= priors[i]);
            factor.solve(&slope)
        };
        let groups: Vec<Vec<DVector<f64>>> = match self.experiments.is_empty() {
            false => vec![self.experiments.iter().enumerate().map(|(e, unit)| influence(unit, Some(e))).collect()],
            true => self.wells.iter().map(|group| group.iter().map(|unit| influence(unit, None)).collect()).collect(),
        };
        let mut sums = vec![[0.0; 2]; inner.len()];
        for group in &groups {
            let mean = group.iter().sum::<DVector<f64>>() / group.len() as f64;
            for off in group.iter().map(|one| one - &mean) {
                off.iter().zip(&mut sums).for_each(|(x, sum)| *sum = [sum[0] + x * x, sum[1] + x * x * x]);
            }
        }
        let of = |i: usize| match inner.iter().position(|&inner| inner == i) {
            None => Err("the estimate stands on a bound, or the data do not move it"),
            Some(at) if sums[at][0] == 0.0 => Err("no unit moves the estimate"),
            Some(at) => Ok(sums[at][1] / (6.0 * sums[at][0].powf(1.5))),
        };
        Ok((0..point.len()).map(of).collect())
    }
}

/// The rows of the data in an observation.
fn rows(observation: &Observation) -> Vec<usize> {
    match observation {
        Observation::Joint { predictions, .. } => predictions.clone(),
        Observation::Well { frames, .. } => frames.iter().map(|frame| frame.prediction).collect(),
        Observation::Value { prediction, .. }
        | Observation::Interval { prediction, .. }
        | Observation::Count { prediction, .. }
        | Observation::Share { prediction, .. } => vec![*prediction],
    }
}

/// The parameters that an observation depends on.
fn parameters_of(problem: &Problem, observation: &Observation) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut add = |term: &Term| found.extend(&term.factors);
    let error = |error: &ErrorModel, add: &mut dyn FnMut(&Term)| {
        add(&error.sd);
        error.relative.iter().for_each(add);
    };
    let counts = |counted: &Counted, add: &mut dyn FnMut(&Term)| add(&counted.overdispersion);
    match observation {
        Observation::Value { error: e, .. } | Observation::Interval { error: e, .. } => error(e, &mut add),
        Observation::Share { counted, .. } => counts(counted, &mut add),
        Observation::Well { frames, correlation } => {
            add(correlation.term());
            for frame in frames {
                match &frame.scatter {
                    Scatter::Reading(e) => error(e, &mut add),
                    Scatter::Counts(counted) => counts(counted, &mut add),
                }
            }
        }
        Observation::Joint { .. } | Observation::Count { .. } => {}
    }
    let runs = &problem.layout.runs;
    for row in rows(observation) {
        let prediction = &problem.layout.predictions[row];
        add(&prediction.offset);
        add(&prediction.scale);
        for (_, reading) in prediction.above.iter().chain(&prediction.below) {
            let slot = match reading {
                Reading::Slot(slot) => *slot,
                Reading::Floating { slots, time, .. } => {
                    add(time);
                    slots[0]
                }
            };
            let run = runs.partition_point(|run| run.first_slot <= slot).saturating_sub(1);
            problem.backgrounds[runs[run].condition].iter().for_each(&mut add);
        }
    }
    problem.cells.iter().flat_map(|cells| &cells.spread).for_each(|(_, sd)| add(sd));
    found
}
