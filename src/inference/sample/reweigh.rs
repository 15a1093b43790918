//! From the precision in which draws were made to that of the report: every draw is evaluated again, and where that makes a
//! difference the draws are weighed by it and drawn anew.

use super::population::{Member, effective, systematic};
use super::{Diagnosis, Draw, Drawn, Evidence, Run, Sample, pareto_smoothed, quantile, sorted};
use crate::Result;
use crate::random::Stream;
use std::time::Duration;

/// Likelihoods that differ by less change no figure that is shown.
const SAME: f64 = 0.01;
/// Where no logarithm of a weight is further above their median, none counts for much more than the others, and the shape of
/// a tail of rounding errors says nothing. A draw that loses its weight only costs itself.
const BOUNDED: f64 = 0.2;
/// Stream of the drawing anew.
const ANEW: u64 = u64::MAX - 1;

pub(super) fn finish(run: Run, drawn: Drawn) -> Result<Sample> {
    let Drawn { mut chains, mut evidence, ladder, unsettled, accepted } = drawn;
    let weights = if run.target.is_exact() { None } else { reweighed(&run, &mut chains, &mut evidence)? };
    let names = run.target.names().to_vec();
    let spent = run.spent.borrow();
    let draw = |m: Member| Draw { point: m.point, likelihood: m.likelihood, prior: m.prior };
    let mut sample = Sample {
        method: run.settings.method,
        seed: run.settings.seed,
        chains: chains.into_iter().map(|chain| chain.into_iter().map(draw).collect()).collect(),
        evidence,
        diagnoses: Vec::new(),
        ladder,
        unsettled,
        accepted,
        weights,
        failures: spent.failures(),
        failed_points: spent.failed_points,
        evaluations: spent.evaluations,
        wall: Duration::from_secs_f64(run.before + run.began.elapsed().as_secs_f64()),
        names,
    };
    // Of the numbers that are shown: the folded R-hat is another on a logarithmic scale.
    let values: Vec<Vec<Vec<f64>>> =
        sample.chains.iter().map(|chain| chain.iter().map(|draw| run.target.values(&draw.point)).collect()).collect();
    let of =
        |i: usize| values.iter().map(|chain| chain.iter().map(|draw| draw[i]).collect()).collect::<Vec<Vec<f64>>>();
    sample.diagnoses = (0..sample.names.len()).map(|i| Diagnosis::of(&of(i))).collect();
    Ok(sample)
}

/// Pareto k and the share of draws that the weighted ones are worth; `None` where nothing had to be drawn anew.
fn reweighed(run: &Run, chains: &mut [Vec<Member>], evidence: &mut Option<Evidence>) -> Result<Option<(f64, f64)>> {
    let points: Vec<Vec<f64>> = chains.iter().flatten().map(|member| member.point.clone()).collect();
    let exact = run.target.likelihoods(&points, true)?;
    let mut logs = Vec::with_capacity(points.len());
    for (member, evaluation) in chains.iter_mut().flatten().zip(exact) {
        run.spent.borrow_mut().take(&evaluation);
        logs.push(member.likelihood - evaluation.value);
        member.likelihood = evaluation.value;
    }
    let middle = logs.iter().sum::<f64>() / logs.len() as f64;
    if logs.iter().all(|log| (log - middle).abs() < SAME) {
        return Ok(None);
    }
    if let Some(evidence) = evidence {
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        evidence.log += most + (logs.iter().map(|l| (l - most).exp()).sum::<f64>() / logs.len() as f64).ln();
    }
    let (smoothed, k) = pareto_smoothed(&logs);
    let weights: Vec<f64> = smoothed.iter().map(|log| log.exp()).collect();
    let worth = effective(&weights) / weights.len() as f64;
    let mut first = 0;
    for (at, chain) in chains.iter_mut().enumerate() {
        let own = &weights[first..first + chain.len()];
        first += chain.len();
        let offset = Stream::new(run.settings.seed, ANEW).at(2 * at as u64).uniform();
        // A chain whose draws all lost their weight stays, and disagrees with the others.
        if own.iter().sum::<f64>() > 0.0 {
            let chosen = systematic(own, chain.len(), offset);
            *chain = chosen.into_iter().map(|at| chain[at].clone()).collect();
        }
    }
    let median = quantile(&sorted(&logs), 0.5);
    let bounded = logs.iter().all(|log| log - median < BOUNDED);
    Ok(Some((k.filter(|_| !bounded).unwrap_or(0.0), worth)))
}
