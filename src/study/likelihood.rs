//! From slots to predictions, and from predictions to the log-likelihood with its gradient and information.

use super::counts;
use super::noise::{Noise, Score, joint, logarithm};
use super::problem::{
    Correlation, Counted, ErrorModel, Frame, Observation, Prediction, Problem, Reading, Scatter, Term,
};
use super::wells::{self, WellScore};
use nalgebra::{DMatrix, DVector};

/// Slots with their derivatives by the point: `jacobian[(parameter, slot)]`.
pub struct Linear<'a> {
    pub slots: &'a [f64],
    pub jacobian: &'a DMatrix<f64>,
}

/// Of one point: negative log-likelihood, gradient and information on the estimation scale.
#[derive(Debug, Clone)]
pub struct Expanded {
    pub value: f64,
    pub gradient: DVector<f64>,
    pub information: DMatrix<f64>,
}

/// What a likelihood is of: observations over the predictions of a layout, and how much each of them counts.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub observations: &'a [Observation],
    /// One for each observation; `None` where each counts once.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Observed<'a> {
    /// Those that count, with their weights.
    pub(super) fn counted(self) -> impl Iterator<Item = (&'a Observation, f64)> {
        let weight = move |at: usize| self.weights.map_or(1.0, |weights| weights[at]);
        self.observations.iter().enumerate().map(move |(at, o)| (o, weight(at))).filter(|(_, weight)| *weight != 0.0)
    }
}

impl Problem {
    /// The negative log-likelihood; `+inf` where it is not finite.
    pub fn negative_log_likelihood(&self, values: &[f64], slots: &[f64]) -> f64 {
        self.negative_log_likelihood_of(self.observed(), values, slots)
    }

    /// The same of other observations.
    pub fn negative_log_likelihood_of(&self, observed: Observed, values: &[f64], slots: &[f64]) -> f64 {
        let predictions = self.predict(values, slots);
        let total: f64 = observed.counted().map(|(o, weight)| weight * observe(o, values, &predictions).value).sum();
        if total.is_finite() { -total } else { f64::INFINITY }
    }

    /// The study's own observations.
    pub fn observed(&self) -> Observed<'_> {
        Observed { observations: &self.observations, weights: None }
    }

    /// The predictions of the layout, in order.
    pub fn predict(&self, values: &[f64], slots: &[f64]) -> Vec<f64> {
        self.layout.predictions.iter().map(|p| predict(p, values, slots)).collect()
    }

    /// The sd of the error of an observation of one value at its prediction.
    pub fn sd(&self, error: &ErrorModel, values: &[f64], prediction: f64) -> f64 {
        total_sd(error, values, prediction)
    }

    /// Predictions with their derivatives on the estimation scale: `jacobian[(parameter, prediction)]`.
    pub fn predict_linear(&self, values: &[f64], linear: &Linear) -> (Vec<f64>, DMatrix<f64>) {
        let slopes = self.slopes(values);
        let predictions = &self.layout.predictions;
        let mut jacobian = DMatrix::zeros(values.len(), predictions.len());
        let means = predictions
            .iter()
            .enumerate()
            .map(|(i, p)| predict_with_gradient(p, values, &slopes, linear, jacobian.column_mut(i).as_mut_slice()))
            .collect();
        (means, jacobian)
    }

    pub fn expand_likelihood(&self, values: &[f64], linear: &Linear) -> Expanded {
        self.expand_likelihood_of(self.observed(), values, linear)
    }

    /// The same of other observations.
    pub fn expand_likelihood_of(&self, observed: Observed, values: &[f64], linear: &Linear) -> Expanded {
        let predicted =
            Predicted { values, slopes: &self.slopes(values), linear: &self.predict_linear(values, linear) };
        let mut into = Expanded::nothing(values.len());
        for (observation, weight) in observed.counted() {
            if weight == 1.0 {
                predicted.add(observation, &mut into);
            } else {
                let mut one = Expanded::nothing(values.len());
                predicted.add(observation, &mut one);
                into.value += weight * one.value;
                into.gradient.axpy(weight, &one.gradient, 1.0);
                into.information += weight * one.information;
            }
        }
        if !into.value.is_finite() {
            into.value = f64::INFINITY;
        }
        into
    }
}

impl Expanded {
    fn nothing(parameters: usize) -> Expanded {
        Expanded {
            value: 0.0,
            gradient: DVector::zeros(parameters),
            information: DMatrix::zeros(parameters, parameters),
        }
    }
}

/// A point with its predictions and their derivatives.
struct Predicted<'a> {
    values: &'a [f64],
    slopes: &'a [f64],
    linear: &'a (Vec<f64>, DMatrix<f64>),
}

impl Predicted<'_> {
    fn add(&self, observation: &Observation, into: &mut Expanded) {
        let Predicted { values, slopes, linear: (means, jacobian) } = self;
        let seen = observe(observation, values, means);
        into.value -= seen.value;
        match seen.kind {
            Kind::One { prediction, score, width } => {
                let d_mean = DVector::from_column_slice(jacobian.column(prediction).as_slice());
                let d_sd = width.map(|width| match width {
                    Width::Sd(error) => sd_gradient(error, values, slopes, means[prediction], &d_mean),
                    Width::Overdispersion(counted) => term_gradient(&counted.overdispersion, values, slopes),
                });
                into.gradient.axpy(-score.by_mean, &d_mean, 1.0);
                into.information.ger(score.information[0], &d_mean, &d_mean, 1.0);
                if let Some(d_sd) = d_sd {
                    into.gradient.axpy(-score.by_sd, &d_sd, 1.0);
                    into.information.ger(score.information[2], &d_sd, &d_sd, 1.0);
                }
            }
            Kind::Well { frames, residuals, score, correlation } => {
                let well = (frames, &residuals[..], &*score);
                add_well(into, well, correlation, values, slopes, means, jacobian);
            }
            Kind::Pair { limits, gradient, information } => {
                let d: Vec<DVector<f64>> = limits
                    .iter()
                    .map(|limit| match limit {
                        Some(i) => DVector::from_column_slice(jacobian.column(*i).as_slice()),
                        None => DVector::zeros(values.len()),
                    })
                    .collect();
                for i in 0..2 {
                    into.gradient.axpy(-gradient[i], &d[i], 1.0);
                    for j in 0..2 {
                        into.information.ger(information[i + j], &d[i], &d[j], 1.0);
                    }
                }
            }
        }
    }
}

struct Seen<'a> {
    value: f64,
    kind: Kind<'a>,
}

enum Kind<'a> {
    One { prediction: usize, score: Score, width: Option<Width<'a>> },
    Pair { limits: [Option<usize>; 2], gradient: [f64; 2], information: [f64; 3] },
    Well { frames: &'a [Frame], residuals: Vec<Residual>, score: Box<WellScore>, correlation: &'a Correlation },
}

/// What `by_sd` of a score is the derivative by.
enum Width<'a> {
    Sd(&'a ErrorModel),
    Overdispersion(&'a Counted),
}

fn observe<'a>(observation: &'a Observation, values: &[f64], means: &[f64]) -> Seen<'a> {
    let one =
        |prediction, score: Score, width| Seen { value: score.value, kind: Kind::One { prediction, score, width } };
    match observation {
        Observation::Value { prediction, value, error } => {
            let mean = means[*prediction];
            one(*prediction, error.noise.reading(*value, mean, total_sd(error, values, mean)), Some(Width::Sd(error)))
        }
        Observation::Interval { prediction, lower, upper, error } => {
            let mean = means[*prediction];
            let score = error.noise.interval(*lower, *upper, mean, total_sd(error, values, mean));
            one(*prediction, score, Some(Width::Sd(error)))
        }
        Observation::Joint { predictions, bounds, sd } => {
            let means: Vec<f64> = predictions.iter().map(|&p| means[p]).collect();
            let score = joint(bounds, &means, *sd);
            let limits = score.limits.map(|limit| limit.map(|i| predictions[i]));
            let kind = Kind::Pair { limits, gradient: score.gradient, information: score.information };
            Seen { value: score.value, kind }
        }
        Observation::Count { prediction, count } => {
            // A share of a few in a million stands for what no cell can have: without a floor one cell outside the
            // model's reach would refuse the whole parameter vector.
            let share = means[*prediction];
            let floored = share.max(1e-6);
            let by_mean = if share > floored * 0.5 { count / floored } else { 0.0 };
            let information = [count / floored, 0.0, 0.0];
            one(*prediction, Score { value: count * floored.ln(), by_mean, by_sd: 0.0, information }, None)
        }
        Observation::Share { prediction, hits, counted } => {
            let phi = counted.overdispersion.value(values);
            let score = counts::score(*hits, counted.total, means[*prediction], phi);
            one(*prediction, score, Some(Width::Overdispersion(counted)))
        }
        Observation::Well { frames, correlation } => {
            let residuals: Vec<Residual> =
                frames.iter().map(|frame| residual(frame, values, means[frame.prediction])).collect();
            let z: Vec<f64> = residuals.iter().map(|r| r.z).collect();
            let times: Vec<f64> = frames.iter().map(|frame| frame.time).collect();
            let score = Box::new(wells::score(&z, &times, correlation.at(values)));
            let value = score.value - residuals.iter().map(|r| r.sd.ln() + r.jacobian).sum::<f64>();
            Seen { value, kind: Kind::Well { frames, residuals, score, correlation } }
        }
    }
}

/// `z = (reading - mean) / sd`, on the log scale where the noise is.
struct Residual {
    z: f64,
    sd: f64,
    /// The logarithm's slope, 1 elsewhere.
    slope: f64,
    /// What the change to that scale takes from the log density.
    jacobian: f64,
}

fn residual(frame: &Frame, values: &[f64], mean: f64) -> Residual {
    match &frame.scatter {
        Scatter::Reading(error) => {
            let sd = total_sd(error, values, mean);
            match error.noise {
                Noise::LogNormal => {
                    let (log_mean, slope) = logarithm(mean);
                    let log = frame.value.ln();
                    Residual { z: (log - log_mean) / sd, sd, slope, jacobian: log }
                }
                _ => Residual { z: (frame.value - mean) / sd, sd, slope: 1.0, jacobian: 0.0 },
            }
        }
        Scatter::Counts(counted) => {
            let sd = counted_sd(counted, values, mean).0;
            Residual { z: (frame.value - mean) / sd, sd, slope: 1.0, jacobian: 0.0 }
        }
    }
}

impl Correlation {
    pub(crate) fn term(&self) -> &Term {
        match self {
            Correlation::Shared(term) | Correlation::Memory(term) => term,
        }
    }

    fn at(&self, values: &[f64]) -> wells::Correlation {
        match self {
            Correlation::Shared(part) => wells::Correlation::Shared(part.value(values)),
            Correlation::Memory(memory) => wells::Correlation::Memory(memory.value(values)),
        }
    }
}

/// Adds the gradient and information of a well: with `z`, the log likelihood depends on means, sds and the correlation.
#[allow(clippy::too_many_arguments)]
fn add_well(
    into: &mut Expanded,
    (frames, residuals, score): (&[Frame], &[Residual], &WellScore),
    correlation: &Correlation,
    values: &[f64],
    slopes: &[f64],
    means: &[f64],
    jacobian: &DMatrix<f64>,
) {
    let mut by_means = DMatrix::zeros(values.len(), frames.len());
    let mut by_sds = DMatrix::zeros(values.len(), frames.len());
    for (i, (frame, residual)) in frames.iter().zip(residuals).enumerate() {
        let d_mean = DVector::from_column_slice(jacobian.column(frame.prediction).as_slice());
        let mean = means[frame.prediction];
        let d_sd = match &frame.scatter {
            Scatter::Reading(error) => sd_gradient(error, values, slopes, mean, &d_mean),
            Scatter::Counts(counted) => {
                let (_, by_share, by_phi) = counted_sd(counted, values, mean);
                by_share * &d_mean + by_phi * term_gradient(&counted.overdispersion, values, slopes)
            }
        };
        by_means.set_column(i, &(d_mean * (residual.slope / residual.sd)));
        by_sds.set_column(i, &(d_sd / residual.sd));
        into.gradient.axpy(-score.pull[i], &by_means.column(i), 1.0);
        into.gradient.axpy(1.0 - score.pull[i] * residual.z, &by_sds.column(i), 1.0);
    }
    let by_correlation = term_gradient(correlation.term(), values, slopes);
    into.gradient.axpy(-score.by_correlation, &by_correlation, 1.0);
    into.information += &by_means * &score.precision * by_means.transpose();
    into.information += &by_sds * &score.on_sds * by_sds.transpose();
    let crossed = &by_sds * DVector::from_column_slice(&score.crossed);
    into.information.ger(1.0, &crossed, &by_correlation, 1.0);
    into.information.ger(1.0, &by_correlation, &crossed, 1.0);
    into.information.ger(score.on_correlation, &by_correlation, &by_correlation, 1.0);
}

fn counted_sd(counted: &Counted, values: &[f64], share: f64) -> (f64, f64, f64) {
    counts::deviation(counted.total, share, counted.overdispersion.value(values))
}

fn term_gradient(term: &Term, values: &[f64], slopes: &[f64]) -> DVector<f64> {
    let mut gradient = DVector::zeros(values.len());
    term.add_gradient(values, slopes, 1.0, gradient.as_mut_slice());
    gradient
}

pub(super) fn total_sd(error: &ErrorModel, values: &[f64], mean: f64) -> f64 {
    let sd = error.sd.value(values);
    error.relative.as_ref().map_or(sd, |relative| sd.hypot(relative.value(values) * mean))
}

pub(super) fn sd_gradient(
    error: &ErrorModel,
    values: &[f64],
    slopes: &[f64],
    mean: f64,
    d_mean: &DVector<f64>,
) -> DVector<f64> {
    let mut gradient = DVector::zeros(values.len());
    let total = total_sd(error, values, mean);
    match &error.relative {
        None => error.sd.add_gradient(values, slopes, 1.0, gradient.as_mut_slice()),
        Some(relative) => {
            let (sd, share) = (error.sd.value(values), relative.value(values));
            error.sd.add_gradient(values, slopes, sd / total, gradient.as_mut_slice());
            relative.add_gradient(values, slopes, share * mean * mean / total, gradient.as_mut_slice());
            gradient.axpy(share * share * mean / total, d_mean, 1.0);
        }
    }
    gradient
}

fn predict(prediction: &Prediction, values: &[f64], slots: &[f64]) -> f64 {
    let sum = |parts: &[(f64, Reading)]| -> f64 { parts.iter().map(|(c, r)| c * read(r, values, slots)).sum() };
    let mut ratio = sum(&prediction.above);
    if !prediction.below.is_empty() {
        ratio /= sum(&prediction.below);
    }
    prediction.offset.value(values) + prediction.scale.value(values) * ratio
}

/// The prediction; its derivatives are added to `into`.
fn predict_with_gradient(
    prediction: &Prediction,
    values: &[f64],
    slopes: &[f64],
    linear: &Linear,
    into: &mut [f64],
) -> f64 {
    let sum = |parts: &[(f64, Reading)]| -> f64 { parts.iter().map(|(c, r)| c * read(r, values, linear.slots)).sum() };
    let above = sum(&prediction.above);
    let below = if prediction.below.is_empty() { 1.0 } else { sum(&prediction.below) };
    let ratio = above / below;
    let scale = prediction.scale.value(values);
    prediction.offset.add_gradient(values, slopes, 1.0, into);
    prediction.scale.add_gradient(values, slopes, ratio, into);
    for (c, reading) in &prediction.above {
        add_reading_gradient(reading, values, slopes, linear, scale * c / below, into);
    }
    for (c, reading) in &prediction.below {
        add_reading_gradient(reading, values, slopes, linear, -scale * ratio * c / below, into);
    }
    prediction.offset.value(values) + scale * ratio
}

fn read(reading: &Reading, values: &[f64], slots: &[f64]) -> f64 {
    match reading {
        Reading::Slot(slot) => slots[*slot],
        Reading::Floating { slots: nodes, start, step, time } => {
            let (node, weights, _) = interpolation((time.value(values) - start) / step, nodes.len());
            (0..4).map(|i| weights[i] * slots[nodes[node + i]]).sum()
        }
    }
}

fn add_reading_gradient(
    reading: &Reading,
    values: &[f64],
    slopes: &[f64],
    linear: &Linear,
    weight: f64,
    into: &mut [f64],
) {
    let mut add_slot = |slot: usize, weight: f64| {
        for (sum, derivative) in into.iter_mut().zip(linear.jacobian.column(slot).iter()) {
            *sum += weight * derivative;
        }
    };
    match reading {
        Reading::Slot(slot) => add_slot(*slot, weight),
        Reading::Floating { slots: nodes, start, step, time } => {
            let (node, weights, by_position) = interpolation((time.value(values) - start) / step, nodes.len());
            let mut by_time = 0.0;
            for i in 0..4 {
                let slot = nodes[node + i];
                add_slot(slot, weight * weights[i]);
                by_time += by_position[i] * linear.slots[slot] / step;
            }
            time.add_gradient(values, slopes, weight * by_time, into);
        }
    }
}

/// Cubic Lagrange interpolation on the integers `0..count` (at least 4) at `position`: the first of four nodes, their
/// weights, and the weights' derivatives.
fn interpolation(position: f64, count: usize) -> (usize, [f64; 4], [f64; 4]) {
    let position = position.clamp(0.0, (count - 1) as f64);
    let node = (position.floor() as usize).saturating_sub(1).min(count - 4);
    let x = position - node as f64;
    let (a, b, c, d) = (x, x - 1.0, x - 2.0, x - 3.0);
    let weights = [-b * c * d / 6.0, a * c * d / 2.0, -a * b * d / 2.0, a * b * c / 6.0];
    let slopes = [
        -(c * d + b * d + b * c) / 6.0,
        (c * d + a * d + a * c) / 2.0,
        -(b * d + a * d + a * b) / 2.0,
        (b * c + a * c + a * b) / 6.0,
    ];
    (node, weights, slopes)
}

#[cfg(test)]
mod tests {
    use super::interpolation;

    #[test]
    fn a_cubic_is_interpolated_exactly() {
        let f = |x: f64| 1.0 + x - 2.0 * x * x + 0.5 * x * x * x;
        let slope = |x: f64| 1.0 - 4.0 * x + 1.5 * x * x;
        for position in [0.0, 0.3, 2.5, 6.0, 6.7, 8.0] {
            let (node, weights, slopes) = interpolation(position, 9);
            let at = |i: usize| f((node + i) as f64);
            let value: f64 = (0..4).map(|i| weights[i] * at(i)).sum();
            let derivative: f64 = (0..4).map(|i| slopes[i] * at(i)).sum();
            assert!((value - f(position)).abs() < 1e-11 && (derivative - slope(position)).abs() < 1e-11);
        }
    }
}
