//! From a study to the problem that an engine can run.

use super::declared::{Correlation, Datum, Kind, Quantity, ReadAt, Sd, Seen, Study};
use super::design::{Design, DosedInput, Form, Part, Request, Settle, Treatment, When};
use super::noise::Noise;
use super::plausible::pooled_sd;
use super::prior::{Prior, Scale};
use super::problem::{
    self, Between, Cells, Counted, ErrorModel, Estimated, Frame, Layout, Observation, Problem, Scatter, Term,
};
use crate::engine::{Protocol, magnitudes};
use crate::expr::{Id, Symbol};
use crate::program::{Lowering, Program};
use std::collections::{BTreeMap, BTreeSet};

/// Shifts of experiments are looked for within so many sds.
const SHIFTS: f64 = 4.0;
/// Runs that are followed for the sizes of their states, at most.
const MEASURED: usize = 8;

impl Study {
    /// Lowers the study: what is estimated, differs between conditions or cells, or is dosed becomes an input of the
    /// program, the rest is folded in.
    pub fn problem(&self) -> Problem {
        let compiler = Compiler::new(self);
        let inputs = self.inputs();
        let lowering = Lowering { inputs: inputs.clone(), fixed: Vec::new(), outputs: self.outputs.clone() };
        let program = Program::new(&self.system, &lowering);
        let input = |parameter: u32| inputs.iter().position(|&i| i == parameter).map_or(0, |i| i as u32);
        // The typical experiment first, then each of those in the data where they differ.
        let experiments: Vec<Option<usize>> =
            std::iter::once(None).chain((0..compiler.experiments.len()).map(Some)).collect();
        let each = || experiments.iter().flat_map(|&e| (0..self.conditions.len()).map(move |c| (e, c)));
        let backgrounds: Vec<Vec<Term>> = each()
            .map(|(experiment, condition)| {
                inputs.iter().map(|&p| compiler.background(condition, p, experiment)).collect()
            })
            .collect();
        let design = Design {
            compounds: self
                .compounds
                .iter()
                .map(|c| DosedInput {
                    name: c.name.clone(),
                    unit: c.unit.clone(),
                    input: input(c.target),
                    factor: c.factor,
                    removed_in_control: c.removed_in_control,
                })
                .collect(),
            conditions: each()
                .map(|(_, condition)| &self.conditions[condition])
                .map(|c| Treatment {
                    name: c.name.clone(),
                    schedule: c.schedule.iter().map(|s| s.times(self.time_factor)).collect(),
                    doses: c.doses.clone(),
                })
                .collect(),
            observables: self.observables.iter().map(form).collect(),
            settle: self.settle.as_ref().map(|settle| Settle {
                set: settle.set.iter().map(|&(p, value)| (input(p), value)).collect(),
                back: backgrounds
                    .iter()
                    .map(|b| settle.set.iter().map(|&(p, _)| b[input(p) as usize].constant).collect())
                    .collect(),
                longest: settle.longest * self.time_factor,
            }),
            outputs: self.outputs.len(),
        };
        let requests: Vec<Request> = self.data.iter().map(|datum| compiler.request(datum)).collect();
        let cells = self.cells.as_ref().map(|cells| Cells {
            count: cells.nodes,
            spread: cells.of.iter().map(|&(p, sd)| (input(p), compiler.term(sd, &[]))).collect(),
            nodes: nodes(cells.nodes, cells.of.len()),
        });
        let mut solver = self.solver.clone();
        let layout = design.lay_out(&requests);
        solver.magnitudes = self.magnitudes(&program, &backgrounds, &compiler.parameters, &layout);
        Problem {
            name: self.name.clone(),
            layout,
            observations: compiler.observations(),
            between: compiler.between,
            parameters: compiler.parameters,
            program,
            backgrounds,
            cells,
            design,
            solver,
        }
    }

    /// A request for a curve at `time` in the model's unit. Gains and offsets that exist once for each plate are left
    /// out: such curves are in units of the formula.
    pub fn request(&self, condition: usize, doses: Vec<f64>, observable: usize, time: f64) -> Request {
        let compiler = Compiler::new(self);
        let term = |quantities: &[Quantity], usual: f64| {
            let per = |q: &Quantity| matches!(q, Quantity::Parameter(i) if self.parameters[*i].per.is_some());
            if quantities.iter().any(per) { Term::number(usual) } else { compiler.product(quantities, &[]) }
        };
        let read = &self.observables[observable];
        let (offset, scale) = (term(&read.offset, 0.0), term(&read.scale, 1.0));
        Request { condition, doses, observable, time: When::At(time), offset, scale }
    }

    /// Parameters of the system that lanes bring along.
    fn inputs(&self) -> Vec<u32> {
        let named: BTreeSet<Symbol> = self.system.graph.symbols(self.outputs.iter().copied()).into_iter().collect();
        let mut inputs = BTreeSet::new();
        for parameter in self.parameters.iter().filter(|p| p.estimated && p.per.is_none()) {
            if !parameter.own || named.contains(&Symbol::Parameter(parameter.target)) {
                inputs.insert(parameter.target);
            }
        }
        for condition in &self.conditions {
            inputs.extend(condition.set.iter().chain(&condition.fold).map(|&(p, _)| p));
            inputs.extend(condition.factors.iter().map(|&(p, _)| p));
        }
        inputs.extend(self.compounds.iter().map(|c| c.target));
        inputs.extend(self.settle.iter().flat_map(|s| &s.set).map(|&(p, _)| p));
        inputs.extend(self.cells.iter().flat_map(|c| &c.of).map(|&(p, _)| p));
        inputs.extend(self.between.iter().map(|&(p, _)| p));
        inputs.into_iter().collect()
    }

    /// Symbols of the system's parameters that any equation or observable depends on.
    pub(super) fn used_parameters(&self) -> BTreeSet<u32> {
        let system = &self.system;
        let mut roots: Vec<Id> = self.outputs.clone();
        roots.extend(system.states.iter().flat_map(|s| [s.initial, s.derivative]));
        roots.extend(system.switches.iter().map(|s| s.indicator));
        roots.extend(system.events.iter().flat_map(crate::model::Event::formulas));
        let symbols = system.graph.symbols(roots);
        symbols.into_iter().filter_map(|s| if let Symbol::Parameter(i) = s { Some(i) } else { None }).collect()
    }

    /// What counts as small for each state, at the values that a search starts from: a hundredth of where it begins, unless
    /// what is small is read by its logarithm or with a relative error.
    fn magnitudes(
        &self,
        program: &Program,
        backgrounds: &[Vec<Term>],
        parameters: &[Estimated],
        layout: &Layout,
    ) -> Vec<f64> {
        let values: Vec<f64> = parameters.iter().map(|p| p.start).collect();
        let row = |background: &Vec<Term>| background.iter().map(|term| term.value(&values)).collect();
        let rows: Vec<Vec<f64>> = backgrounds.iter().map(row).collect();
        let runs: Vec<(&[f64], &Protocol)> = layout
            .runs
            .iter()
            .zip(&layout.protocols)
            .map(|(run, protocol)| (&rows[run.condition][..], protocol))
            .collect();
        let apart = runs.len().div_ceil(MEASURED).max(1);
        let some: Vec<_> = runs.iter().rev().step_by(apart).copied().collect();
        let relative = |o: &super::Observable| o.error.noise == Noise::LogNormal || o.error.relative.is_some();
        let of_start = if self.observables.iter().any(relative) { 0.0 } else { 1e-2 };
        let mut magnitudes = magnitudes(program, &some, of_start);
        let stated = self.solver.magnitudes.iter().zip(&mut magnitudes).filter(|(stated, _)| stated.is_finite());
        stated.for_each(|(&stated, magnitude)| *magnitude = stated);
        magnitudes
    }
}

fn form(observable: &super::declared::Observable) -> Form {
    let parts = |list: &[(f64, usize, bool)]| -> Vec<(f64, Part)> {
        list.iter().map(|&(c, output, control)| (c, Part { output, control })).collect()
    };
    let reading = match observable.reading {
        Kind::Other => observable.name.clone(),
        kind => kind.name().to_string(),
    };
    Form {
        name: observable.name.clone(),
        reading,
        above: parts(&observable.above),
        below: parts(&observable.below),
        is_share: observable.reading.is_share(),
    }
}

struct Compiler<'s> {
    study: &'s Study,
    parameters: Vec<Estimated>,
    /// The place of a declared parameter (at a level) among the estimated ones.
    places: BTreeMap<(usize, String), usize>,
    pooled: Vec<Option<f64>>,
    /// Where parameters differ between them.
    experiments: Vec<&'s str>,
    between: Vec<Between>,
}

impl<'s> Compiler<'s> {
    fn new(study: &'s Study) -> Self {
        let mut parameters = Vec::new();
        let mut places = BTreeMap::new();
        let own = |(declared, p): &(usize, &super::Parameter)| p.estimated && !study.is_between(*declared);
        for (declared, parameter) in study.parameters.iter().enumerate().filter(own) {
            let levels: BTreeSet<String> = match &parameter.per {
                None => BTreeSet::from([String::new()]),
                Some(column) => study.data.iter().filter_map(|datum| level(datum, column)).collect(),
            };
            for level in levels {
                let name =
                    if level.is_empty() { parameter.name.clone() } else { format!("{}[{level}]", parameter.name) };
                places.insert((declared, level), parameters.len());
                parameters.push(Estimated {
                    name,
                    unit: parameter.unit.clone(),
                    scale: parameter.scale,
                    lower: parameter.lower,
                    upper: parameter.upper,
                    start: match parameter.scale {
                        Scale::Log10 => parameter.value.max(f64::MIN_POSITIVE),
                        Scale::Lin => parameter.value,
                    },
                    prior: parameter.prior,
                    source: parameter.source.clone(),
                });
            }
        }
        let pooled = (0..study.observables.len()).map(|o| pooled_sd(study, &study.data, o)).collect();
        let mut compiler = Compiler { study, parameters, places, pooled, experiments: Vec::new(), between: Vec::new() };
        compiler.add_shifts();
        compiler
    }

    /// A shift of each experiment for each parameter that differs between them.
    fn add_shifts(&mut self) {
        let study = self.study;
        let experiments = study.experiments();
        if study.between.is_empty() || experiments.len() < 2 {
            return;
        }
        for &(target, sd) in &study.between {
            let of = study.system.parameters[target as usize].name.clone();
            let (name, sd, bounds) = match sd {
                Quantity::Number(sd) => (None, sd, None),
                Quantity::Parameter(i) => {
                    let p = &study.parameters[i];
                    (Some(p.name.clone()), p.value, p.estimated.then_some((p.lower, p.upper)))
                }
            };
            let widest = SHIFTS * bounds.map_or(sd, |(_, upper)| upper);
            let first = self.parameters.len();
            for experiment in &experiments {
                self.parameters.push(Estimated {
                    name: format!("{of}[{experiment}]"),
                    unit: String::new(),
                    scale: Scale::Log10,
                    lower: (-widest).exp(),
                    upper: widest.exp(),
                    start: 1.0,
                    prior: Prior::LogNormal { median: 1.0, sd },
                    source: "shift of an experiment".into(),
                });
            }
            let shifts = (first..self.parameters.len()).collect();
            self.between.push(Between { of, name, sd, bounds, shifts });
        }
        self.experiments = experiments;
    }

    /// The background of a reading: its condition, in its own experiment where they differ.
    fn condition(&self, datum: &Datum) -> usize {
        let experiment = self.experiments.iter().position(|name| *name == datum.experiment);
        experiment.map_or(0, |e| e + 1) * self.study.conditions.len() + datum.condition
    }

    fn term(&self, quantity: Quantity, levels: &[(String, String)]) -> Term {
        let declared = match quantity {
            Quantity::Number(number) => return Term::number(number),
            Quantity::Parameter(declared) => declared,
        };
        let parameter = &self.study.parameters[declared];
        let level = parameter
            .per
            .as_ref()
            .and_then(|column| levels.iter().find(|(c, _)| c == column))
            .map_or(String::new(), |(_, level)| level.clone());
        match self.places.get(&(declared, level)) {
            Some(&place) => Term { constant: 1.0, factors: vec![place] },
            None => Term::number(parameter.value),
        }
    }

    fn product(&self, quantities: &[Quantity], levels: &[(String, String)]) -> Term {
        quantities.iter().fold(Term::number(1.0), |product, &q| product.times(&self.term(q, levels)))
    }

    /// The value of a parameter of the system in a condition and an experiment.
    fn background(&self, condition: usize, target: u32, experiment: Option<usize>) -> Term {
        let shift = |term: Term| match (experiment, self.study.between.iter().position(|&(p, _)| p == target)) {
            (Some(e), Some(at)) => term.times(&Term { constant: 1.0, factors: vec![self.between[at].shifts[e]] }),
            _ => term,
        };
        let study = self.study;
        if study.compounds.iter().any(|c| c.target == target) {
            return Term::number(0.0);
        }
        let condition = &study.conditions[condition];
        let set = condition.set.iter().rev().find(|(p, _)| *p == target);
        let base = match set {
            Some(&(_, quantity)) => self.term(quantity, &[]),
            None => match study.parameters.iter().position(|p| p.target == target) {
                Some(declared) => self.term(Quantity::Parameter(declared), &[]),
                None => Term::number(study.system.parameters[target as usize].value),
            },
        };
        let factors = condition.factors.iter().map(|&(p, factor)| (p, Quantity::Number(factor)));
        let folds = factors.chain(condition.fold.iter().copied()).filter(|(p, _)| *p == target);
        shift(folds.fold(base, |product, (_, fold)| product.times(&self.term(fold, &[]))))
    }

    fn request(&self, datum: &Datum) -> Request {
        let study = self.study;
        let observable = &study.observables[datum.observable];
        let factor = study.time_factor;
        let time = match datum.time {
            _ if datum.blank => When::Blank,
            ReadAt::Time(time) => When::At(time * factor),
            ReadAt::Parameter(i) => {
                let mut time = self.term(Quantity::Parameter(i), &[]);
                time.constant *= factor;
                let parameter = &study.parameters[i];
                When::Floating { time, from: parameter.lower * factor, until: parameter.upper * factor }
            }
            ReadAt::Between(from, until) => {
                let same = |d: &&Datum| {
                    d.condition == datum.condition && d.doses == datum.doses && d.observable == datum.observable
                };
                let end = |d: &Datum| if let ReadAt::Between(_, until) = d.time { until } else { 0.0 };
                let last = study.data.iter().filter(same).map(end).fold(until, f64::max);
                let last = observable.among_dead.then_some(last * factor);
                When::Between { from: from * factor, until: until * factor, last }
            }
        };
        Request {
            condition: self.condition(datum),
            doses: datum.doses.clone(),
            observable: datum.observable,
            time,
            offset: self.product(&observable.offset, &datum.levels),
            scale: self.product(&observable.scale, &datum.levels),
        }
    }

    fn error(&self, datum: &Datum) -> ErrorModel {
        let error = &self.study.observables[datum.observable].error;
        let sd = match error.sd {
            Sd::Is(quantity) => self.term(quantity, &datum.levels),
            // Both are there: a study that lacks them is refused when it is read.
            Sd::Column => Term::number(datum.sd.unwrap_or(f64::NAN)),
            Sd::Replicates => Term::number(self.pooled[datum.observable].unwrap_or(f64::NAN)),
        };
        ErrorModel { noise: error.noise, sd, relative: error.relative.map(|q| self.term(q, &datum.levels)) }
    }

    fn scatter(&self, datum: &Datum) -> Scatter {
        match datum.value {
            Seen::Share { total, .. } => Scatter::Counts(self.counted(datum, total)),
            _ => Scatter::Reading(self.error(datum)),
        }
    }

    fn counted(&self, datum: &Datum, total: f64) -> Counted {
        let overdispersion = self.study.observables[datum.observable].error.counts.unwrap_or(Quantity::Number(0.0));
        Counted { total, overdispersion: self.term(overdispersion, &datum.levels) }
    }

    /// Readings of a well that hang together; those alone in their well, at limits or without cells stand by themselves.
    fn wells(&self) -> BTreeMap<WellKey, Vec<usize>> {
        let mut wells: BTreeMap<WellKey, Vec<usize>> = BTreeMap::new();
        for (at, datum) in self.study.data.iter().enumerate() {
            let value = matches!(datum.value, Seen::Value(_))
                || matches!(datum.value, Seen::Share { total, .. } if total > 0.0);
            let timed = matches!(datum.time, ReadAt::Time(_)) && !datum.blank;
            if value && timed && self.study.observables[datum.observable].error.correlation.is_some() {
                wells.entry(well(datum)).or_default().push(at);
            }
        }
        wells.retain(|_, readings| readings.len() > 1);
        wells
    }

    fn well_of(&self, readings: &[usize]) -> Option<Observation> {
        let study = self.study;
        let first = &study.data[*readings.first()?];
        let time = |at: usize| if let ReadAt::Time(time) = study.data[at].time { time } else { 0.0 };
        let mut readings = readings.to_vec();
        readings.sort_by(|&a, &b| time(a).total_cmp(&time(b)));
        let frame = |&prediction: &usize| {
            let datum = &study.data[prediction];
            let value = match datum.value {
                Seen::Share { hits, total } => hits / total,
                Seen::Value(value) => value,
                _ => f64::NAN,
            };
            Frame { prediction, value, time: time(prediction), scatter: self.scatter(datum) }
        };
        let correlation = match study.observables[first.observable].error.correlation? {
            Correlation::Shared(part) => problem::Correlation::Shared(self.term(part, &first.levels)),
            Correlation::Memory(memory) => problem::Correlation::Memory(self.term(memory, &first.levels)),
        };
        Some(Observation::Well { frames: readings.iter().map(frame).collect(), correlation })
    }

    fn observations(&self) -> Vec<Observation> {
        let mut observations: Vec<Observation> = Vec::new();
        let mut joints: BTreeMap<&str, usize> = BTreeMap::new();
        let wells = self.wells();
        let taken: BTreeSet<usize> = wells.values().flatten().copied().collect();
        observations.extend(wells.values().filter_map(|readings| self.well_of(readings)));
        for (prediction, datum) in self.study.data.iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
            match (&datum.joint, datum.value) {
                (_, Seen::Share { hits, total }) => {
                    let counted = self.counted(datum, total);
                    observations.push(Observation::Share { prediction, hits, counted });
                }
                (Some(name), Seen::Interval(lower, upper)) => {
                    let at = *joints.entry(name).or_insert_with(|| {
                        let sd = datum.sd.unwrap_or_else(|| self.error(datum).sd.constant);
                        observations.push(Observation::Joint { predictions: Vec::new(), bounds: Vec::new(), sd });
                        observations.len() - 1
                    });
                    if let Observation::Joint { predictions, bounds, .. } = &mut observations[at] {
                        predictions.push(prediction);
                        bounds.push((lower, upper));
                    }
                }
                (_, Seen::Interval(lower, upper)) => {
                    let error = self.error(datum);
                    observations.push(Observation::Interval { prediction, lower, upper, error });
                }
                (_, Seen::Value(value)) => {
                    observations.push(Observation::Value { prediction, value, error: self.error(datum) });
                }
                (_, Seen::Count(count)) => observations.push(Observation::Count { prediction, count }),
            }
        }
        observations
    }
}

/// What readings of the same well have in common.
pub(super) type WellKey = (usize, usize, Vec<u64>, [String; 3]);

pub(super) fn well(datum: &Datum) -> WellKey {
    let doses = datum.doses.iter().map(|dose| dose.to_bits()).collect();
    (datum.condition, datum.observable, doses, [datum.experiment.clone(), datum.plate.clone(), datum.replicate.clone()])
}

pub(super) fn level(datum: &Datum, column: &str) -> Option<String> {
    datum.levels.iter().find(|(c, _)| c == column).map(|(_, level)| level.clone())
}

/// Standard normal nodes: the midpoint rule in the first direction, and in the others the additive recurrence with
/// the generalised golden ratio (M. Roberts, 2018), which fills any number of directions evenly for any number of
/// nodes.
fn nodes(count: usize, directions: usize) -> Vec<f64> {
    let further = directions.saturating_sub(1);
    // The positive root of x^(further + 1) = x + 1.
    let ratio = (0..60).fold(2.0f64, |x, _| (1.0 + x).powf(1.0 / (further + 1) as f64));
    let normal = |u: f64| -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * u);
    let mut nodes = Vec::with_capacity(count * directions);
    for cell in 0..count {
        nodes.push(normal((cell as f64 + 0.5) / count as f64));
        for direction in 1..directions {
            let step = ratio.powi(-(direction as i32));
            nodes.push(normal((0.5 + cell as f64 * step).fract().clamp(1e-12, 1.0 - 1e-12)));
        }
    }
    nodes
}

/// Whether `noise` can be that of a joint interval.
pub(super) fn can_be_joint(noise: Noise) -> bool {
    noise == Noise::Normal
}
