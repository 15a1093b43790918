//! From draws of a posterior to a report.

use super::density::{GRID, smoothed};
use super::{edges, endless, modes, references, words};
use crate::engine::Status;
use crate::inference::{Edge, Modes, Sample, Sampler, StudyTarget, Target, quantile, quantile_error, sorted};
use crate::report::document::{Headline, RunFacts, Severity, Warning};
use crate::report::draws::{DrawsReport, Facts, Marginal};
use crate::report::interval_text;
use crate::study::{Prior, Scale, Study};

/// Pairs of parameters are named as tied from this correlation of ranks on.
const TIED: f64 = 0.7;
/// Learned less than this: the prior determines it.
const TAUGHT: f64 = 0.1;

/// How one dimension of the target is shown.
pub struct Column {
    pub name: String,
    pub unit: String,
    pub scale: Scale,
    lower: f64,
    upper: f64,
    prior: Prior,
    source: String,
}

/// The report on `sample`, drawn from `target` and cut at the `edge` of failures if there is one; `run` says how, and `notes` are what the engine has to tell.
pub fn document(
    study: &Study,
    target: &StudyTarget,
    sample: &Sample,
    edge: Option<Edge>,
    found: &Modes,
    run: RunFacts,
    notes: &[String],
) -> DrawsReport {
    let columns = columns(target, sample);
    let modes = modes::modes(&columns, sample, found);
    let of = |(at, column): (usize, &Column)| marginal(column, sample, at, modes::medians(&modes, at));
    let parameters: Vec<Marginal> = columns.iter().enumerate().map(of).collect();
    let facts = facts(sample);
    let no_maximum = endless::of_draws(target.objective().problem(), sample);
    DrawsReport {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        failures_decide: edges::edges(&sample.names, edge.as_slice()),
        warnings: (edges::warning(&sample.names, edge.as_slice()).into_iter())
            .chain(endless::warning(&no_maximum))
            .chain(modes::warning(&modes, sample))
            .chain(warnings(sample, &parameters, notes))
            .collect(),
        no_maximum,
        headlines: headlines(sample, &parameters),
        converged: sample.converged(),
        modes,
        of_modes: found.of.clone(),
        ties: ties(sample),
        parquet: false,
        methods: methods(study, sample, &run),
        references: references(study),
        chains: sample.chains.iter().map(|c| c.iter().map(|draw| target.values(&draw.point)).collect()).collect(),
        densities: sample
            .chains
            .iter()
            .map(|c| c.iter().map(|draw| [-(draw.likelihood + draw.prior), -draw.likelihood]).collect())
            .collect(),
        parameters,
        facts,
        run,
    }
}

/// The dimensions as a reader knows them. A spread between experiments stands on a logarithmic scale.
fn columns(target: &StudyTarget, sample: &Sample) -> Vec<Column> {
    let problem = target.objective().problem();
    let middle: Vec<f64> = (0..sample.names.len()).map(|i| quantile(&sorted(&sample.of(i).concat()), 0.5)).collect();
    // Shifts between experiments have the prior of the middle of the spreads.
    let priors = problem.priors(&target.spreads_at(&middle));
    let own = problem.parameters.iter().zip(priors).map(|(p, prior)| Column {
        name: p.name.clone(),
        unit: p.unit.clone(),
        scale: p.scale,
        lower: p.lower,
        upper: p.upper,
        prior,
        source: p.source.clone(),
    });
    let spreads = problem.between.iter().filter_map(|between| {
        let (lower, upper) = between.bounds?;
        Some(Column {
            name: between.name.clone()?,
            unit: "dimensionless".into(),
            scale: Scale::Log10,
            lower,
            upper,
            prior: Prior::Uniform,
            source: format!("sd of the logarithm of {} between experiments", between.of),
        })
    });
    own.chain(spreads).collect()
}

fn marginal(column: &Column, sample: &Sample, at: usize, medians: Vec<f64>) -> Marginal {
    let chains = sample.of(at);
    let order = sorted(&chains.concat());
    let value = |estimate: f64| column.scale.value(estimate);
    let [low, middle, high] = [0.025, 0.5, 0.975].map(|share| quantile(&order, share));
    // An error on the scale of estimation, carried over to the parameter.
    let error = |share: f64, place: f64| quantile_error(&chains, share) * column.scale.slope(value(place));
    let prior = |share: f64| column.prior.quantile_within(share, column.scale, column.lower, column.upper);
    let (before, after) = (prior(0.975) - prior(0.025), high - low);
    let values: Vec<f64> = order.iter().map(|x| value(*x)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let diagnosis = &sample.diagnoses[at];
    // Between modes is nothing that a single number could stand for.
    let one = |number: f64| Some(number).filter(|_| medians.is_empty());
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    let (from, to) = (prior(0.001).min(order[0]), prior(0.999).max(order[order.len() - 1]));
    let grid = |from: f64, to: f64| (0..GRID).map(move |i| from + (to - from) * i as f64 / (GRID - 1) as f64);
    let density = |x: f64| (-column.prior.negative_log_within(x, column.scale, column.lower, column.upper)).exp();
    Marginal {
        name: column.name.clone(),
        unit: column.unit.clone(),
        scale: column.scale.name().into(),
        mean: one(mean),
        sd: one((squares / (values.len() - 1) as f64).sqrt()),
        median: one(value(middle)),
        median_error: one(error(0.5, middle)),
        interval: (value(low), value(high)),
        interval_errors: (error(0.025, low), error(0.975, high)),
        prior: column.prior.describe(),
        prior_interval: (value(prior(0.025)), value(prior(0.975))),
        shrinkage: 1.0 - after / before,
        rhat: finite(diagnosis.rhat),
        bulk_ess: finite(diagnosis.bulk),
        tail_ess: finite(diagnosis.tail),
        converged: diagnosis.converged(sample.chains.len()),
        source: column.source.clone(),
        density: smoothed(&order, (column.scale.estimate(column.lower), column.scale.estimate(column.upper)))
            .into_iter()
            .map(|(x, y)| (value(x), y))
            .collect(),
        prior_density: grid(from, to).map(|x| (value(x), density(x))).collect(),
        medians,
    }
}

/// Pairs whose ranks are strongly correlated, the strongest first.
fn ties(sample: &Sample) -> Vec<(String, String, f64)> {
    let ranks: Vec<Vec<f64>> = (0..sample.names.len()).map(|i| ranks(&sample.of(i).concat())).collect();
    let mut ties = Vec::new();
    for a in 0..ranks.len() {
        for b in 0..a {
            let r: f64 = ranks[a].iter().zip(&ranks[b]).map(|(x, y)| x * y).sum();
            if r.abs() >= TIED {
                ties.push((sample.names[b].clone(), sample.names[a].clone(), r));
            }
        }
    }
    ties.sort_by(|x, y| y.2.abs().total_cmp(&x.2.abs()));
    ties
}

/// Ranks, centred and of unit length, so that a product is a correlation.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let n = values.len() as f64;
    let mut ranks = vec![0.0; values.len()];
    let length = (n * (n * n - 1.0) / 12.0).sqrt();
    order.iter().enumerate().for_each(|(rank, &at)| ranks[at] = (rank as f64 - (n - 1.0) / 2.0) / length);
    ranks
}

fn facts(sample: &Sample) -> Facts {
    let named = |(status, count): &(Status, u64)| (status.advice().to_string(), *count);
    Facts {
        method: match sample.method {
            Sampler::Smc => "tempered sequential Monte Carlo",
            Sampler::Demc => "differential evolution MCMC with an archive, DE-MC(Z)",
            Sampler::Stretch => "affine-invariant ensemble MCMC (stretch move)",
        }
        .into(),
        chains: sample.chains.len(),
        draws: sample.draws().count(),
        log_evidence: sample.evidence.map(|e| (e.log, e.error)),
        temperatures: sample.ladder.len(),
        accepted: sample.accepted,
        weights: sample.weights,
        failed_points: sample.failed_points,
        failures: sample.failures.iter().map(named).collect(),
    }
}

fn headlines(sample: &Sample, parameters: &[Marginal]) -> Vec<Headline> {
    // What the data taught most about comes first.
    let mut order: Vec<&Marginal> = parameters.iter().collect();
    order.sort_by(|a, b| b.shrinkage.total_cmp(&a.shrinkage));
    let mut cards: Vec<Headline> = order
        .iter()
        .take(3)
        .map(|m| Headline {
            label: m.name.clone(),
            value: format!("{} {}", m.middle(), if m.unit == "dimensionless" { "" } else { &m.unit }).trim().into(),
            note: match m.median {
                Some(_) => format!("95 % of the posterior {}", interval_text(m.interval)),
                None => "another value in each mode".into(),
            },
        })
        .collect();
    if let Some(evidence) = sample.evidence {
        cards.push(Headline {
            label: "Log evidence".into(),
            value: format!("{:.2}", evidence.log).replace('-', "−"),
            note: format!("± {:.2} (Monte Carlo)", evidence.error),
        });
    }
    cards
}

fn warnings(sample: &Sample, parameters: &[Marginal], notes: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    let doubtful: Vec<&str> = parameters.iter().filter(|m| !m.converged).map(|m| m.name.as_str()).collect();
    if !doubtful.is_empty() {
        let rhat = parameters.iter().filter_map(|m| m.rhat).fold(1.0, f64::max);
        let fewest = parameters.iter().filter_map(|m| Some(m.bulk_ess?.min(m.tail_ess?))).fold(f64::INFINITY, f64::min);
        let text = format!(
            "{}: chains disagree or have too few effective draws (largest R-hat {rhat:.3}, fewest effective draws {fewest:.0}). \
             Take nothing below as final; --draws with a larger number, or another --method, may help.",
            doubtful.join(", ")
        );
        say(Severity::Serious, "The run did not converge".into(), text);
    }
    if let Some((k, worth)) = sample.weights {
        let text = format!(
            "Draws were made in the precision of the search and weighted by likelihoods in f64: Pareto k {k:.2}, worth {:.0} % of \
             the draws.",
            100.0 * worth
        );
        if k > 0.7 {
            say(
                Severity::Serious,
                "The weights to f64 are not to be trusted".into(),
                text + " Run again with --precision f64.",
            );
        } else {
            say(Severity::Note, "Weighted to f64".into(), text);
        }
    }
    if sample.unsettled > 0 {
        let text = format!(
            "At {} of {} exponents of the likelihood the members were still on their way after the most moves. The evidence \
             may be off; its error says by how much as far as it can be known. More --draws may help.",
            sample.unsettled,
            sample.ladder.len()
        );
        say(Severity::Caution, "Not all steps settled".into(), text);
    }
    let prior: Vec<&str> = parameters.iter().filter(|m| m.shrinkage < TAUGHT).map(|m| m.name.as_str()).collect();
    if !prior.is_empty() {
        let title = format!("{} of {} parameters are known from their priors alone", prior.len(), parameters.len());
        say(Severity::Note, title, format!("For {} the data say hardly more than the prior did.", prior.join(", ")));
    }
    for note in notes {
        say(Severity::Note, "Note".into(), note.clone());
    }
    warnings
}

fn methods(study: &Study, sample: &Sample, run: &RunFacts) -> String {
    let sampler = match sample.method {
        Sampler::Smc => {
            format!("tempered sequential Monte Carlo (Del Moral et al. 2006) with {} temperatures", sample.ladder.len())
        }
        Sampler::Demc => "DE-MC(Z) (ter Braak and Vrugt 2008)".into(),
        Sampler::Stretch => "the affine-invariant ensemble sampler (Goodman and Weare 2010)".into(),
    };
    let evidence =
        sample.evidence.map_or(String::new(), |e| format!(" The log evidence is {:.2} ± {:.2}.", e.log, e.error));
    format!(
        "{} draws from the posterior of the {} parameters of {} were made by {sampler} in {} independent chains with fenton {} \
         ({}, rtol {:e}; seed {}) and judged by rank-normalised split R-hat and effective sample sizes (Vehtari et al. 2021).{evidence}",
        sample.draws().count(),
        sample.names.len(),
        study.title,
        sample.chains.len(),
        run.version,
        run.integrator,
        run.rtol,
        run.seed
    )
}
