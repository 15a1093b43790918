//! The objective of a study: its problem on an engine.

use super::between;
use super::objective::{Dimension, Evaluation, Expansion, Few, Objective};
use super::problem_run::{Choice, Simulated, Simulator, Wanted};
use crate::engine::{Engine, Precision, Status};
use crate::study::problem::{Estimated, Problem, Term};
use crate::study::{Linear, Observed, Prior, Scale};
use crate::{Error, Result};
use nalgebra::DMatrix;
use rayon::prelude::*;
use std::collections::HashMap;
use std::f64::consts::LN_10;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Differences of populations with common nodes are taken this far apart (natural logarithm): nearer ones see the
/// steps that single cells make.
const POPULATION_STEP: f64 = 0.15;

/// Below this spread the score-function derivative is all noise, and cells hardly differ: differences serve.
const SMALLEST_SPREAD: f64 = 0.05;

/// The negative log-posterior of a [`Problem`].
pub struct StudyObjective<'a> {
    pub simulator: Simulator<'a>,
    names: Vec<String>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    nominal: Vec<f64>,
    /// Of the search, and of what is reported.
    routes: [Routes; 2],
    beliefs: RwLock<Beliefs>,
}

/// Spreads between experiments, and the priors that come of them.
#[derive(Debug)]
struct Beliefs {
    spreads: Vec<f64>,
    priors: Vec<Prior>,
}

/// How parameters reach the slots on an engine.
#[derive(Debug)]
struct Routes {
    /// One for each parameter.
    ways: Vec<Way>,
    /// Inputs whose tangents are asked for.
    tangents: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Not at all: scales, offsets, noise.
    None,
    /// Through inputs, by tangents.
    Tangents,
    /// Through the medians and spreads of distributed inputs.
    Scores,
    Differences,
}

/// The data of an objective that shares what is integrated with others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'a> {
    pub observed: Observed<'a>,
    /// How often the prior of each parameter counts; `None` for once.
    pub priors: Option<&'a [f64]>,
}

/// The points without those that are there already, and where each is among them.
fn distinct(points: &[(Data, Vec<f64>)]) -> (Vec<Vec<f64>>, Vec<usize>) {
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut different = Vec::new();
    let place = points.iter().map(|(_, point)| {
        *known.entry(point.iter().map(|x| x.to_bits()).collect()).or_insert_with(|| {
            different.push(point.clone());
            different.len() - 1
        })
    });
    let place = place.collect();
    (different, place)
}

impl Beliefs {
    fn of(problem: &Problem, spreads: Vec<f64>) -> Beliefs {
        Beliefs { priors: problem.priors(&spreads), spreads }
    }
}

impl Routes {
    /// Tangents where `engine` has them for this program, differences where it has not.
    fn of(problem: &Problem, engine: &dyn Engine) -> Self {
        let mut tangents: Vec<u32> = Vec::new();
        let mut ways = Vec::new();
        for parameter in 0..problem.parameters.len() {
            let inputs: Vec<u32> = (0..problem.program.inputs.len() as u32)
                .filter(|&i| problem.backgrounds.iter().any(|b| b[i as usize].depends_on(parameter)))
                .collect();
            let distributed =
                |input: &u32| problem.cells.as_ref().is_some_and(|cells| cells.spread.iter().any(|(i, _)| i == input));
            let spread =
                problem.cells.as_ref().is_some_and(|c| c.spread.iter().any(|(_, sd)| sd.depends_on(parameter)));
            let way = match (inputs.is_empty() && !spread, &problem.cells) {
                (true, _) => Way::None,
                (false, Some(_)) if inputs.iter().all(distributed) => Way::Scores,
                (false, Some(_)) => Way::Differences,
                (false, None) => {
                    tangents.extend(inputs);
                    Way::Tangents
                }
            };
            ways.push(way);
        }
        tangents.sort_unstable();
        tangents.dedup();
        if engine.declines(&problem.program, true).is_some() {
            tangents.clear();
            ways.iter_mut().filter(|way| **way == Way::Tangents).for_each(|way| *way = Way::Differences);
        }
        Routes { ways, tangents }
    }
}

impl<'a> StudyObjective<'a> {
    /// `reference` is the CPU in f64; `engine` may be the same.
    pub fn new(
        problem: &'a Problem,
        engine: &'a dyn Engine,
        reference: &'a dyn Engine,
        choice: Choice,
    ) -> Result<StudyObjective<'a>> {
        if let Some(reason) = reference.declines(&problem.program, false) {
            return Err(Error::Engine(reason));
        }
        let engine = if engine.declines(&problem.program, false).is_some() { reference } else { engine };
        let estimates = |value: fn(&Estimated) -> f64| -> Vec<f64> {
            problem.parameters.iter().map(|p| p.scale.estimate(value(p))).collect()
        };
        Ok(StudyObjective {
            names: problem.parameters.iter().map(|p| p.name.clone()).collect(),
            lower: estimates(|p| p.lower),
            upper: estimates(|p| p.upper),
            nominal: estimates(|p| p.start),
            routes: [engine, reference].map(|engine| Routes::of(problem, engine)),
            simulator: Simulator::new(problem, engine, reference, choice),
            beliefs: RwLock::new(Beliefs::of(problem, problem.between.iter().map(|b| b.sd).collect())),
        })
    }

    fn beliefs(&self) -> RwLockReadGuard<'_, Beliefs> {
        self.beliefs.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn problem(&self) -> &'a Problem {
        self.simulator.problem
    }

    /// The negative log prior at `point` with its gradient and curvature (diagonal).
    pub fn prior(&self, point: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
        self.weighted_prior(point, None)
    }

    /// The same with the prior of each parameter counted so many times.
    fn weighted_prior(&self, point: &[f64], weights: Option<&[f64]>) -> (f64, Vec<f64>, Vec<f64>) {
        let mut total = (0.0, Vec::new(), Vec::new());
        let beliefs = self.beliefs();
        let parameters = self.problem().parameters.iter().zip(&beliefs.priors).zip(point);
        for (at, ((parameter, prior), &estimate)) in parameters.enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[at]);
            let (value, gradient, curvature) = prior.negative_log(estimate, parameter.scale);
            total.0 += weight * value;
            total.1.push(weight * gradient);
            total.2.push(weight * curvature);
        }
        total
    }

    /// The negative log-likelihood alone, in f64 on the CPU: what AIC and BIC start from.
    pub fn likelihood_exactly(&self, point: &[f64]) -> Result<f64> {
        let values = self.problem().values(point);
        let simulated = self.simulator.run(std::slice::from_ref(&values), Wanted::default(), true)?.remove(0);
        Ok(self.likelihood(&values, &simulated))
    }

    fn likelihood(&self, values: &[f64], simulated: &Simulated) -> f64 {
        if simulated.failures.is_empty() {
            self.problem().negative_log_likelihood(values, &simulated.slots)
        } else {
            f64::INFINITY
        }
    }

    /// Negative log-likelihoods without the prior, for samplers.
    pub fn likelihoods(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<Evaluation>> {
        let mut evaluations = Vec::with_capacity(points.len());
        for chunk in points.chunks(self.simulator.chunk(Wanted::default())) {
            let values: Vec<Vec<f64>> = chunk.iter().map(|point| self.problem().values(point)).collect();
            let likelihoods = self.simulator.likelihoods(&values, exact)?;
            evaluations.extend(likelihoods.into_iter().map(|(likelihood, failures)| Evaluation {
                value: if likelihood.is_finite() { likelihood } else { f64::INFINITY },
                failures,
            }));
        }
        Ok(evaluations)
    }

    fn evaluate_on(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<Evaluation>> {
        let mut evaluations = self.likelihoods(points, exact)?;
        for (evaluation, point) in evaluations.iter_mut().zip(points) {
            let value = evaluation.value + self.prior(point).0;
            evaluation.value = if value.is_finite() { value } else { f64::INFINITY };
        }
        Ok(evaluations)
    }

    fn expand_on(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<Expansion>> {
        let wanted = self.wanted(exact);
        let mut expansions = Vec::with_capacity(points.len());
        for chunk in points.chunks(self.expandable(wanted, exact)) {
            let linear = self.linearise(chunk, exact)?;
            let own = Data { observed: self.problem().observed(), priors: None };
            let expanded = chunk.par_iter().zip(&linear).map(|(point, linear)| {
                let expansion = self.expansion(point, linear, own);
                if exact { self.observed(point, linear, own, expansion) } else { expansion }
            });
            expansions.par_extend(expanded);
        }
        Ok(expansions)
    }

    fn wanted(&self, exact: bool) -> Wanted<'_> {
        Wanted { tangents: &self.routes(exact).tangents, scores: true }
    }

    /// How many points can be expanded in one batch. Every difference is two further parameter vectors.
    fn expandable(&self, wanted: Wanted, exact: bool) -> usize {
        let differences = |way: &&Way| matches!(way, Way::Differences | Way::Scores);
        let differences = self.routes(exact).ways.iter().filter(differences).count();
        (self.simulator.chunk(wanted) / (1 + 2 * differences)).max(1)
    }

    /// From derivatives of the slots to those of the objective of `data`.
    pub(super) fn expansion(
        &self,
        point: &[f64],
        (simulated, jacobian): &(Simulated, DMatrix<f64>),
        data: Data,
    ) -> Expansion {
        let values = self.problem().values(point);
        let linear = Linear { slots: &simulated.slots, jacobian };
        let likelihood = self.problem().expand_likelihood_of(data.observed, &values, &linear);
        let (prior, gradient, curvature) = self.weighted_prior(point, data.priors);
        let mut expansion = Expansion {
            value: likelihood.value + prior,
            gradient: likelihood.gradient,
            fisher: likelihood.information,
        };
        for i in 0..gradient.len() {
            expansion.gradient[i] += gradient[i];
            expansion.fisher[(i, i)] += curvature[i];
        }
        if !simulated.failures.is_empty()
            || !expansion.value.is_finite()
            || expansion.gradient.iter().chain(expansion.fisher.iter()).any(|x| !x.is_finite())
        {
            expansion.value = f64::INFINITY;
            expansion.gradient.fill(0.0);
            expansion.fisher.fill(0.0);
        }
        expansion
    }

    /// With the observed information of noise under Student's t in place of the expected one, which makes standard errors too
    /// small. Far from an optimum it need not be positive; there the expected one stays.
    fn observed(
        &self,
        point: &[f64],
        (simulated, jacobian): &(Simulated, DMatrix<f64>),
        data: Data,
        mut expansion: Expansion,
    ) -> Expansion {
        if !expansion.value.is_finite() {
            return expansion;
        }
        let values = self.problem().values(point);
        let linear = Linear { slots: &simulated.slots, jacobian };
        if let Some(beyond) = self.problem().observed_beyond_expected(data.observed, &values, &linear) {
            let fisher = &expansion.fisher + beyond;
            if fisher.clone().cholesky().is_some() {
                expansion.fisher = fisher;
            }
        }
        expansion
    }

    /// Expansions at `points`, each with the objective of its own data. Points that are the same are integrated once.
    pub(super) fn expand_each(&self, points: &[(Data, Vec<f64>)], exact: bool) -> Result<Vec<Expansion>> {
        let (different, place) = distinct(points);
        let mut expansions: Vec<Option<Expansion>> = vec![None; points.len()];
        let mut first = 0;
        for chunk in different.chunks(self.expandable(self.wanted(exact), exact)) {
            let here = self.linearise(chunk, exact)?;
            let own = |at: usize| (first..first + here.len()).contains(&place[at]);
            expansions.par_iter_mut().enumerate().filter(|(at, _)| own(*at)).for_each(|(at, expansion)| {
                let (data, point) = &points[at];
                *expansion = Some(self.expansion(point, &here[place[at] - first], *data));
            });
            first += here.len();
        }
        Ok(expansions.into_iter().flatten().collect())
    }

    /// Values at `points`, each with the objective of its own data.
    pub(super) fn evaluate_each(&self, points: &[(Data, Vec<f64>)], exact: bool) -> Result<Vec<Evaluation>> {
        let (different, place) = distinct(points);
        let values: Vec<Vec<f64>> = different.iter().map(|point| self.problem().values(point)).collect();
        let mut simulated = Vec::with_capacity(values.len());
        for chunk in values.chunks(self.simulator.chunk(Wanted::default())) {
            simulated.extend(self.simulator.run(chunk, Wanted::default(), exact)?);
        }
        let evaluated = points.par_iter().zip(&place).map(|((data, point), &at)| {
            let Simulated { slots, failures, .. } = &simulated[at];
            let value = match failures.is_empty() {
                true => {
                    self.problem().negative_log_likelihood_of(data.observed, &values[at], slots)
                        + self.weighted_prior(point, data.priors).0
                }
                false => f64::INFINITY,
            };
            Evaluation { value: if value.is_finite() { value } else { f64::INFINITY }, failures: failures.clone() }
        });
        Ok(evaluated.collect())
    }

    fn routes(&self, exact: bool) -> &Routes {
        &self.routes[usize::from(exact)]
    }

    /// The two points between which the derivative by `parameter` is taken.
    fn neighbours(&self, point: &[f64], parameter: usize, exact: bool) -> (Vec<f64>, Vec<f64>) {
        let described = &self.problem().parameters[parameter];
        let precision = if exact { Precision::F64 } else { self.simulator.engine.precision() };
        let relative = match (&self.problem().cells, precision) {
            (Some(_), _) => POPULATION_STEP,
            (None, Precision::F32) => 0.03,
            (None, Precision::F64) => 1e-3,
        };
        let (low, high) = (self.lower[parameter], self.upper[parameter]);
        let step = match described.scale {
            Scale::Log10 => relative / LN_10,
            Scale::Lin => relative * point[parameter].abs().max(0.1 * (high - low)),
        };
        let moved = |by: f64| {
            let mut moved = point.to_vec();
            moved[parameter] = (point[parameter] + by).clamp(low, high);
            moved
        };
        (moved(-step), moved(step))
    }

    /// Ways at a point: a spread that is nearly nothing has no score.
    fn ways_at(&self, values: &[f64], exact: bool) -> Vec<Way> {
        let tiny = |sd: &Term| sd.value(values) < SMALLEST_SPREAD;
        let narrow = self.problem().cells.as_ref().is_some_and(|c| c.spread.iter().any(|(_, sd)| tiny(sd)));
        let at = |way: &Way| if narrow && *way == Way::Scores { Way::Differences } else { *way };
        self.routes(exact).ways.iter().map(at).collect()
    }

    /// Slots and their derivatives by the point, `jacobian[(parameter, slot)]`, for each of `points`; `exact` as in
    /// [`Simulator::run`]. A derivative that is a difference is NaN where neither neighbour can be integrated.
    pub fn linearise(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<(Simulated, DMatrix<f64>)>> {
        let problem = self.problem();
        // The points themselves, then for each its neighbours.
        let mut values: Vec<Vec<f64>> = points.iter().map(|point| problem.values(point)).collect();
        let mut ways: Vec<Vec<Way>> = values.iter().map(|values| self.ways_at(values, exact)).collect();
        let wanted = Wanted { tangents: &self.routes(exact).tangents, scores: problem.cells.is_some() };
        let mut centres = self.simulator.run(&values, wanted, exact)?;
        self.without_slopes(&values, &mut ways, &mut centres, exact)?;
        // Point, parameter, and how far below and above it the neighbours are.
        let mut steps: Vec<(usize, usize, [f64; 2])> = Vec::new();
        let mut moved = Vec::new();
        for (at, point) in points.iter().enumerate() {
            for (parameter, _) in ways[at].iter().enumerate().filter(|(_, way)| **way == Way::Differences) {
                let (below, above) = self.neighbours(point, parameter, exact);
                let distances = [below[parameter] - point[parameter], above[parameter] - point[parameter]];
                steps.push((at, parameter, distances));
                moved.push(problem.values(&below));
                moved.push(problem.values(&above));
            }
        }
        let mut simulated = Vec::with_capacity(moved.len());
        for chunk in moved.chunks(self.simulator.chunk(Wanted::default())) {
            simulated.extend(self.simulator.run(chunk, Wanted::default(), exact)?);
        }
        let mut linear: Vec<(Simulated, DMatrix<f64>)> = centres
            .into_iter()
            .zip(values.drain(..).zip(&ways))
            .map(|(centre, (values, ways))| {
                let mut jacobian = DMatrix::zeros(values.len(), problem.layout.slots);
                self.chain_tangents(&values, ways, wanted.tangents, &centre, &mut jacobian);
                self.chain_scores(&values, ways, &centre, &mut jacobian);
                (centre, jacobian)
            })
            .collect();
        for (pair, &(at, parameter, distances)) in simulated.chunks(2).zip(&steps) {
            let (centre, jacobian) = &mut linear[at];
            // A neighbour that cannot be integrated leaves the difference on the other side.
            let side = |which: usize| match pair[which].failures.is_empty() {
                true => (&pair[which].slots, distances[which]),
                false => (&centre.slots, 0.0),
            };
            let ((below, left), (above, right)) = (side(0), side(1));
            for slot in 0..problem.layout.slots {
                jacobian[(parameter, slot)] = (above[slot] - below[slot]) / (right - left);
            }
        }
        Ok(linear)
    }

    /// Where nothing is wrong but a sensitivity that is infinite or undefined, differences take the place of tangents.
    fn without_slopes(
        &self,
        values: &[Vec<f64>],
        ways: &mut [Vec<Way>],
        centres: &mut [Simulated],
        exact: bool,
    ) -> Result<()> {
        let lacks = |centre: &Simulated| {
            let statuses = &centre.failures;
            !statuses.is_empty() && statuses.iter().all(|(status, _)| *status == Status::NoSlope)
        };
        let lacking: Vec<usize> = (0..centres.len()).filter(|&at| lacks(&centres[at])).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let again: Vec<Vec<f64>> = lacking.iter().map(|&at| values[at].clone()).collect();
        let plain = Wanted { tangents: &[], scores: self.problem().cells.is_some() };
        for (at, centre) in lacking.into_iter().zip(self.simulator.run(&again, plain, exact)?) {
            centres[at] = centre;
            ways[at].iter_mut().filter(|way| **way == Way::Tangents).for_each(|way| *way = Way::Differences);
        }
        Ok(())
    }

    fn chain_tangents(
        &self,
        values: &[f64],
        ways: &[Way],
        tangents: &[u32],
        centre: &Simulated,
        jacobian: &mut DMatrix<f64>,
    ) {
        if tangents.is_empty() || centre.tangents.is_empty() {
            return;
        }
        let problem = self.problem();
        let slopes = problem.slopes(values);
        let directions = tangents.len();
        let outputs = problem.program.outputs.len();
        for (run, protocol) in problem.layout.runs.iter().zip(&problem.layout.protocols) {
            // How this background's inputs follow the parameters.
            let mut by_parameter = DMatrix::zeros(values.len(), directions);
            for (direction, &input) in tangents.iter().enumerate() {
                let term = &problem.backgrounds[run.condition][input as usize];
                term.add_gradient(values, &slopes, 1.0, by_parameter.column_mut(direction).as_mut_slice());
            }
            for slot in run.first_slot..run.first_slot + protocol.outputs.len() * outputs {
                for direction in 0..directions {
                    let tangent = centre.tangents[slot * directions + direction];
                    for parameter in (0..values.len()).filter(|&p| ways[p] == Way::Tangents) {
                        jacobian[(parameter, slot)] += tangent * by_parameter[(parameter, direction)];
                    }
                }
            }
        }
    }

    fn chain_scores(&self, values: &[f64], ways: &[Way], centre: &Simulated, jacobian: &mut DMatrix<f64>) {
        let problem = self.problem();
        let Some(population) = &problem.cells else { return };
        let slopes = problem.slopes(values);
        let distributed = population.spread.len();
        let outputs = problem.program.outputs.len();
        for (run, protocol) in problem.layout.runs.iter().zip(&problem.layout.protocols) {
            let mut by_parameter = DMatrix::zeros(values.len(), 2 * distributed);
            for (i, (input, sd)) in population.spread.iter().enumerate() {
                let median = &problem.backgrounds[run.condition][*input as usize];
                let weight = 1.0 / median.value(values);
                median.add_gradient(values, &slopes, weight, by_parameter.column_mut(2 * i).as_mut_slice());
                sd.add_gradient(values, &slopes, 1.0, by_parameter.column_mut(2 * i + 1).as_mut_slice());
            }
            for slot in run.first_slot..run.first_slot + protocol.outputs.len() * outputs {
                for parameter in (0..values.len()).filter(|&p| ways[p] == Way::Scores) {
                    jacobian[(parameter, slot)] = (0..2 * distributed)
                        .map(|i| centre.scores[slot * 2 * distributed + i] * by_parameter[(parameter, i)])
                        .sum();
                }
            }
        }
    }
}

impl Objective for StudyObjective<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn lower(&self) -> &[f64] {
        &self.lower
    }

    fn upper(&self) -> &[f64] {
        &self.upper
    }

    fn nominal(&self) -> Option<&[f64]> {
        Some(&self.nominal)
    }

    fn dimension(&self, index: usize) -> Dimension {
        let parameter = &self.problem().parameters[index];
        let prior_deviation = match (self.beliefs().priors[index], parameter.scale) {
            (Prior::LogNormal { sd, .. }, Scale::Log10) => Some(sd / LN_10),
            (Prior::Normal { sd, .. }, Scale::Lin) => Some(sd),
            _ => None,
        };
        Dimension { logarithmic: parameter.scale == Scale::Log10, prior_deviation }
    }

    fn spreads(&self) -> Vec<f64> {
        self.beliefs().spreads.clone()
    }

    fn set_spreads(&self, spreads: &[f64]) {
        let beliefs = Beliefs::of(self.problem(), spreads.to_vec());
        *self.beliefs.write().unwrap_or_else(PoisonError::into_inner) = beliefs;
    }

    fn next_spreads(&self, point: &[f64], fisher: &DMatrix<f64>) -> Vec<f64> {
        between::next(self, &self.spreads(), point, fisher)
    }

    fn few(&self, point: &[f64], fisher: &DMatrix<f64>) -> Vec<Option<Few>> {
        between::few(self, &self.spreads(), point, fisher)
    }

    fn observations(&self) -> Option<usize> {
        let problem = self.problem();
        (!problem.intervals_only()).then(|| problem.observation_count() as usize)
    }

    fn evaluate(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        self.evaluate_on(points, false)
    }

    fn evaluate_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        self.evaluate_on(points, true)
    }

    fn expand(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>> {
        self.expand_on(points, false)
    }

    fn expand_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>> {
        self.expand_on(points, true)
    }
}
