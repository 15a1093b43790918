//! A study made ready for an engine: one program, runs under protocols, and what to compute from their outputs.

use super::design::Design;
use super::noise::Noise;
use super::prior::{Prior, Scale};
use crate::engine::{Method, Protocol};
use crate::program::Program;

/// Everything that a likelihood needs, with fixed numbers folded in. Parameters are the estimated ones only, in the
/// order of [`Problem::parameters`].
#[derive(Debug, Clone)]
pub struct Problem {
    pub name: String,
    pub parameters: Vec<Estimated>,
    pub program: Program,
    /// The value of each input of the program, for each background (genotype and medium).
    pub backgrounds: Vec<Vec<Term>>,
    pub cells: Option<Cells>,
    pub design: Design,
    pub layout: Layout,
    pub observations: Vec<Observation>,
    /// How experiments differ, where there are several.
    pub between: Vec<Between>,
    pub solver: Solver,
}

/// A parameter of the model that is another in each experiment: its logarithm has a normal shift, which is itself a
/// parameter of the fit (a factor, with a log-normal prior of median 1).
#[derive(Debug, Clone)]
pub struct Between {
    /// The parameter that differs.
    pub of: String,
    /// What the sd is called, if the study estimates it.
    pub name: Option<String>,
    /// Standard deviation of the shifts of the natural logarithm; where an estimate begins.
    pub sd: f64,
    /// Within which it is estimated.
    pub bounds: Option<(f64, f64)>,
    /// The shifts among the parameters, one for each experiment.
    pub shifts: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Estimated {
    /// With the level of its plate, if there is one for each: `gain[plate 1]`.
    pub name: String,
    pub unit: String,
    pub scale: Scale,
    /// Of the parameter itself, as are `upper` and `start`.
    pub lower: f64,
    pub upper: f64,
    pub start: f64,
    pub prior: Prior,
    pub source: String,
}

/// `constant * product of parameters`
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub constant: f64,
    pub factors: Vec<usize>,
}

/// Cells that differ: each distributed input is its median times `exp(sd * node)`.
#[derive(Debug, Clone)]
pub struct Cells {
    pub count: usize,
    /// Input and sd of the natural logarithm.
    pub spread: Vec<(u32, Term)>,
    /// Standard normal nodes: `nodes[cell * spread.len() + i]`.
    pub nodes: Vec<f64>,
}

/// What is integrated for one parameter vector, and where readings are found in it.
///
/// A *slot* is an output of a run at one of its times, averaged over cells:
/// `runs[r].first_slot + time * program.outputs.len() + output`.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub runs: Vec<Run>,
    pub protocols: Vec<Protocol>,
    pub slots: usize,
    pub predictions: Vec<Prediction>,
}

#[derive(Debug, Clone)]
pub struct Run {
    /// Index of a condition of the study, which is that of its background too.
    pub condition: usize,
    /// In the units of the study, one for each compound.
    pub doses: Vec<f64>,
    pub first_slot: usize,
}

/// `offset + scale * sum(above) / sum(below)`; the quotient is left out where `below` is empty, and is 0 where `above`
/// is.
#[derive(Debug, Clone)]
pub struct Prediction {
    pub above: Vec<(f64, Reading)>,
    pub below: Vec<(f64, Reading)>,
    pub offset: Term,
    pub scale: Term,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    Slot(usize),
    /// At a time that is a parameter: cubic interpolation between slots at the times `start + i * step`.
    Floating {
        slots: Vec<usize>,
        start: f64,
        step: f64,
        time: Term,
    },
}

/// A part of the likelihood. Indices are those of predictions.
#[derive(Debug, Clone)]
pub enum Observation {
    Value {
        prediction: usize,
        value: f64,
        error: ErrorModel,
    },
    Interval {
        prediction: usize,
        lower: f64,
        upper: f64,
        error: ErrorModel,
    },
    /// One normal error explains all bounds, see [`super::noise::joint`].
    Joint {
        predictions: Vec<usize>,
        bounds: Vec<(f64, f64)>,
        sd: f64,
    },
    /// So many cells, each with the predicted probability.
    Count {
        prediction: usize,
        count: f64,
    },
    /// So many of the cells of a well; the prediction is their share.
    Share {
        prediction: usize,
        hits: f64,
        counted: Counted,
    },
    /// Readings of one well over time, whose errors are correlated.
    Well {
        frames: Vec<Frame>,
        correlation: Correlation,
    },
}

/// Cells of a well, see [`super::counts`].
#[derive(Debug, Clone)]
pub struct Counted {
    pub total: f64,
    pub overdispersion: Term,
}

/// One reading of a well.
#[derive(Debug, Clone)]
pub struct Frame {
    pub prediction: usize,
    /// Of counts the share.
    pub value: f64,
    pub time: f64,
    pub scatter: Scatter,
}

#[derive(Debug, Clone)]
pub enum Scatter {
    Reading(ErrorModel),
    /// Taken as normal with the variance of the counts.
    Counts(Counted),
}

/// See [`super::wells`].
#[derive(Debug, Clone)]
pub enum Correlation {
    Shared(Term),
    Memory(Term),
}

#[derive(Debug, Clone)]
pub struct ErrorModel {
    pub noise: Noise,
    pub sd: Term,
    /// The total variance is `sd^2 + (relative * prediction)^2`.
    pub relative: Option<Term>,
}

/// What a study asks of the integrator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Solver {
    pub method: Option<Method>,
    pub rtol: Option<f64>,
    /// What counts as small for each state; the absolute tolerance is `rtol` times this. See [`crate::engine::magnitudes`].
    pub magnitudes: Vec<f64>,
    pub max_steps: Option<u32>,
}

impl Term {
    pub fn number(constant: f64) -> Term {
        Term { constant, factors: Vec::new() }
    }

    pub fn times(&self, other: &Term) -> Term {
        let factors = self.factors.iter().chain(&other.factors).copied().collect();
        Term { constant: self.constant * other.constant, factors }
    }

    pub fn value(&self, values: &[f64]) -> f64 {
        self.factors.iter().fold(self.constant, |product, &i| product * values[i])
    }

    /// Adds `weight` times the derivative by each parameter to `into`; `slopes` leads to the estimation scale.
    pub fn add_gradient(&self, values: &[f64], slopes: &[f64], weight: f64, into: &mut [f64]) {
        for (at, &i) in self.factors.iter().enumerate() {
            let others = self.factors.iter().enumerate().filter(|&(other, _)| other != at);
            into[i] += weight * slopes[i] * others.fold(self.constant, |product, (_, &j)| product * values[j]);
        }
    }

    pub fn depends_on(&self, parameter: usize) -> bool {
        self.factors.contains(&parameter)
    }
}

impl Problem {
    /// Values of the parameters for a point on the estimation scale.
    pub fn values(&self, point: &[f64]) -> Vec<f64> {
        self.parameters.iter().zip(point).map(|(p, &estimate)| p.scale.value(estimate)).collect()
    }

    /// Derivatives of the values by the point.
    pub fn slopes(&self, values: &[f64]) -> Vec<f64> {
        self.parameters.iter().zip(values).map(|(p, &value)| p.scale.slope(value)).collect()
    }

    /// What is believed of each parameter where experiments differ by so much, in the order of `between`.
    pub fn priors(&self, spreads: &[f64]) -> Vec<Prior> {
        let mut priors: Vec<Prior> = self.parameters.iter().map(|p| p.prior).collect();
        for (between, &sd) in self.between.iter().zip(spreads) {
            between.shifts.iter().for_each(|&shift| priors[shift] = Prior::LogNormal { median: 1.0, sd });
        }
        priors
    }

    /// How many cells each run is simulated with.
    pub fn cell_count(&self) -> usize {
        self.cells.as_ref().map_or(1, |cells| cells.count)
    }

    /// The number of observations, as BIC counts them; a joint interval is one.
    pub fn observation_count(&self) -> f64 {
        let size = |observation: &Observation| match observation {
            Observation::Count { count, .. } => *count,
            Observation::Well { frames, .. } => frames.len() as f64,
            _ => 1.0,
        };
        self.observations.iter().map(size).sum()
    }

    /// Whether every observation is an interval: then AIC and BIC say nothing.
    pub fn intervals_only(&self) -> bool {
        self.observations.iter().all(|o| matches!(o, Observation::Interval { .. } | Observation::Joint { .. }))
    }

    /// The same program and parameters with other runs and no observations, for curves.
    pub fn with_layout(&self, layout: Layout) -> Problem {
        Problem { layout, observations: Vec::new(), ..self.clone() }
    }
}
