//! What a sampler sees: a prior that it can draw from and a likelihood, many points at a time.

use crate::Result;
use crate::inference::{Evaluation, StudyObjective};
use crate::study::problem::Estimated;
use crate::study::{Prior, Scale};

/// A prior over a box, cut at its faces, and a likelihood. Points are on the estimation scale.
pub trait Target: Sync {
    fn names(&self) -> &[String];
    /// The negative log density of the prior, normalised over the box; `+inf` outside it.
    fn prior(&self, point: &[f64]) -> f64;
    /// The point below which the prior has `shares` (one for each dimension, 0 to 1) of its mass.
    fn prior_point(&self, shares: &[f64]) -> Vec<f64>;
    /// Negative log-likelihoods; `exact` in the precision of the report.
    fn likelihoods(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<Evaluation>>;
    /// Whether `exact` makes a difference.
    fn is_exact(&self) -> bool {
        true
    }
    /// The point as numbers that a user knows: parameters rather than their logarithms.
    fn values(&self, point: &[f64]) -> Vec<f64> {
        point.to_vec()
    }
}

/// A study's posterior: its parameters and, where experiments differ by an estimated sd, that sd, uniform within its bounds
/// (A. Gelman, Bayesian Analysis 1:515, 2006) and sampled on a logarithmic scale.
pub struct StudyTarget<'a> {
    objective: &'a StudyObjective<'a>,
    names: Vec<String>,
    /// Of the spreads that are sampled: which, and their bounds.
    spreads: Vec<(usize, f64, f64)>,
}

impl<'a> StudyTarget<'a> {
    pub fn new(objective: &'a StudyObjective<'a>) -> Self {
        let problem = objective.problem();
        let mut names: Vec<String> = problem.parameters.iter().map(|p| p.name.clone()).collect();
        let mut spreads = Vec::new();
        for (at, between) in problem.between.iter().enumerate() {
            if let (Some(name), Some((low, high))) = (&between.name, between.bounds) {
                names.push(name.clone());
                spreads.push((at, low, high));
            }
        }
        StudyTarget { objective, names, spreads }
    }

    pub fn objective(&self) -> &'a StudyObjective<'a> {
        self.objective
    }

    /// The spreads between experiments at `point`.
    pub fn spreads_at(&self, point: &[f64]) -> Vec<f64> {
        let mut all: Vec<f64> = self.objective.problem().between.iter().map(|b| b.sd).collect();
        let sampled = &point[self.parameters().len()..];
        self.spreads.iter().zip(sampled).for_each(|((at, ..), log)| all[*at] = 10f64.powf(*log));
        all
    }

    fn parameters(&self) -> &'a [Estimated] {
        &self.objective.problem().parameters
    }
}

impl Target for StudyTarget<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn prior(&self, point: &[f64]) -> f64 {
        let priors = self.objective.problem().priors(&self.spreads_at(point));
        let of =
            |((p, prior), x): ((&Estimated, &Prior), &f64)| prior.negative_log_within(*x, p.scale, p.lower, p.upper);
        let parameters: f64 = self.parameters().iter().zip(&priors).zip(point).map(of).sum();
        let spread = |((_, low, high), x): (&(usize, f64, f64), &f64)| {
            Prior::Uniform.negative_log_within(*x, Scale::Log10, *low, *high)
        };
        parameters + self.spreads.iter().zip(&point[self.parameters().len()..]).map(spread).sum::<f64>()
    }

    fn prior_point(&self, shares: &[f64]) -> Vec<f64> {
        let (own, extra) = shares.split_at(self.parameters().len());
        let spread = |((_, low, high), share): (&(usize, f64, f64), &f64)| {
            Prior::Uniform.quantile_within(*share, Scale::Log10, *low, *high)
        };
        let extra: Vec<f64> = self.spreads.iter().zip(extra).map(spread).collect();
        let mut point = vec![0.0; own.len()];
        point.extend(extra);
        let priors = self.objective.problem().priors(&self.spreads_at(&point));
        for (at, ((p, prior), share)) in self.parameters().iter().zip(priors).zip(own).enumerate() {
            point[at] = prior.quantile_within(*share, p.scale, p.lower, p.upper);
        }
        point
    }

    fn likelihoods(&self, points: &[Vec<f64>], exact: bool) -> Result<Vec<Evaluation>> {
        let own: Vec<Vec<f64>> = points.iter().map(|point| point[..self.parameters().len()].to_vec()).collect();
        self.objective.likelihoods(&own, exact)
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn values(&self, point: &[f64]) -> Vec<f64> {
        let (own, extra) = point.split_at(self.parameters().len());
        let own = self.parameters().iter().zip(own).map(|(p, x)| p.scale.value(*x));
        own.chain(extra.iter().map(|x| 10f64.powf(*x))).collect()
    }
}
