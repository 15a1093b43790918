//! What the ensemble samplers share: independent chains of walkers that move in step, every move of all of them a batch.

use super::population::Member;
use super::{Drawn, Run};
use crate::random::Stream;
use crate::{Diagnostic, Error, Result};
use serde::{Deserialize, Serialize};

/// Points of the prior for each walker, of which the likeliest is where it begins.
const CANDIDATES: usize = 8;

/// A rule by which walkers move.
pub(super) trait Rule {
    /// Walkers of a chain unless the user says.
    fn walkers(&self, dimensions: usize) -> usize;
    /// Whether the chain remembers an archive, as large as this to begin with.
    fn archive(&self, _dimensions: usize) -> usize {
        0
    }
    /// In how many parts a chain's walkers move, one after the other.
    fn parts(&self) -> usize;
    /// Where `walker` of `chain` wants to go, and the logarithm that its acceptance is multiplied by.
    fn propose(&self, chain: &Chain, walker: usize, stream: &mut Stream) -> (Vec<f64>, f64);
    /// After each step.
    fn remember(&self, _chain: &mut Chain, _step: u64) {}
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Chain {
    pub walkers: Vec<Member>,
    pub archive: Vec<Vec<f64>>,
    /// `[walker][kept step]`
    kept: Vec<Vec<Member>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    chains: Vec<Chain>,
    step: u64,
    accepted: u64,
    tried: u64,
}

pub(super) fn run(run: &mut Run, rule: &dyn Rule) -> Result<Option<Drawn>> {
    let settings = run.settings;
    let dimensions = run.dimensions();
    let walkers = settings.walkers.unwrap_or_else(|| rule.walkers(dimensions)).max(2 * rule.parts());
    let keep = settings.draws.div_ceil(settings.chains * walkers).max(4);
    // As many steps again before them, which are forgotten.
    let warm = (keep * settings.thin) as u64;
    let mut state: State = match run.resumed()? {
        Some(state) => state,
        None => begun(run, rule, walkers)?,
    };
    while state.step < 2 * warm {
        for part in 0..rule.parts() {
            step(run, rule, &mut state, part)?;
        }
        state.step += 1;
        for chain in &mut state.chains {
            rule.remember(chain, state.step);
            if state.step > warm && state.step.is_multiple_of(settings.thin as u64) {
                chain.kept.iter_mut().zip(&chain.walkers).for_each(|(kept, walker)| kept.push(walker.clone()));
            }
        }
        let done = state.step as f64 / (2 * warm) as f64;
        let rate = state.accepted as f64 / state.tried.max(1) as f64;
        if !run.goes_on(done, rate, &state)? {
            return Ok(None);
        }
    }
    let accepted = state.accepted as f64 / state.tried.max(1) as f64;
    let chains = state.chains.into_iter().map(|chain| chain.kept.concat()).collect();
    Ok(Some(Drawn { chains, evidence: None, ladder: Vec::new(), unsettled: 0, accepted }))
}

fn stream(seed: u64, chain: usize, step: u64, walker: usize) -> Stream {
    Stream::new(seed ^ (chain as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93), step << 20 | walker as u64)
}

fn begun(run: &Run, rule: &dyn Rule, walkers: usize) -> Result<State> {
    let (chains, seed) = (run.settings.chains, run.settings.seed);
    let dimensions = run.dimensions();
    let drawn = (walkers * CANDIDATES).max(rule.archive(dimensions));
    let point = |chain: usize, at: usize| {
        let mut stream = stream(seed, chain, 0, at);
        let shares: Vec<f64> = (0..dimensions).map(|_| stream.uniform()).collect();
        run.target.prior_point(&shares)
    };
    let points = (0..chains).flat_map(|chain| (0..drawn).map(move |at| (chain, at)));
    let members = run.members(points.map(|(chain, at)| point(chain, at)).collect())?;
    let mut begun = Vec::new();
    for members in members.chunks(drawn) {
        let best = |members: &[Member]| -> Option<Member> {
            members
                .iter()
                .min_by(|a, b| a.likelihood.total_cmp(&b.likelihood))
                .filter(|m| m.likelihood.is_finite())
                .cloned()
        };
        let start: Option<Vec<Member>> = members[..walkers * CANDIDATES].chunks(CANDIDATES).map(best).collect();
        let Some(start) = start else {
            let diagnostic = Diagnostic::new("of the draws from the priors hardly any can be integrated")
                .hint("narrow or move the priors, or take the method smc, which begins with what it finds");
            return Err(Error::input(diagnostic));
        };
        begun.push(Chain {
            kept: vec![Vec::new(); start.len()],
            walkers: start,
            archive: members[..rule.archive(dimensions)].iter().map(|m| m.point.clone()).collect(),
        });
    }
    Ok(State { chains: begun, step: 0, accepted: 0, tried: 0 })
}

fn step(run: &Run, rule: &dyn Rule, state: &mut State, part: usize) -> Result<()> {
    let parts = rule.parts();
    let number = (state.step + 1) * parts as u64 + part as u64;
    let mut moving = Vec::new();
    let mut points = Vec::new();
    for (at, chain) in state.chains.iter().enumerate() {
        for walker in (part..chain.walkers.len()).step_by(parts) {
            let mut stream = stream(run.settings.seed, at, number, walker);
            let (point, correction) = rule.propose(chain, walker, &mut stream);
            points.push(point);
            moving.push((at, walker, correction, stream));
        }
    }
    for ((chain, walker, correction, mut stream), proposed) in moving.into_iter().zip(run.members(points)?) {
        let here = &mut state.chains[chain].walkers[walker];
        state.tried += 1;
        if stream.uniform().ln() < here.energy(1.0) - proposed.energy(1.0) + correction {
            state.accepted += 1;
            *here = proposed;
        }
    }
    Ok(())
}
