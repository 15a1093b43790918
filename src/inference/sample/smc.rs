//! Tempered sequential Monte Carlo: from draws of the prior to draws of the posterior, by raising the likelihood to
//! exponents that grow from 0 to 1 (P. Del Moral, A. Doucet, A. Jasra, J. R. Stat. Soc. B 68:411, 2006).
//!
//! Each exponent is as far from the last as keeps a share of the members effective (A. Jasra et al., Scandinavian Journal
//! of Statistics 38:1, 2011). Members are then moved until they have forgotten where they were.
//!
//! Chains go side by side: they share the exponents and nothing else, so that they can be compared. A chain is a pair of
//! populations, of which one moves by proposals in the shape of the other. They are resampled each by itself: a member whose
//! twin stands among those that its proposals are made of is drawn to it, and the evidence comes out too low.

use super::kernels::{Kernel, Others, Proposal, Tuning};
use super::population::{Member, effective, systematic};
use super::{Drawn, Evidence, Run};
use crate::random::Stream;
use crate::{Diagnostic, Error, Result};
use serde::{Deserialize, Serialize};

/// Share of the members that stays effective from one exponent to the next.
const KEPT: f64 = 0.7;
/// Members have forgotten where they were when neither a coordinate nor the likelihood is correlated with its old self by
/// more than this; after the last exponent it is to be less.
const REMEMBERED: f64 = 0.1;
const AT_LAST: f64 = 0.02;
/// After the last exponent they go on for so many times what they took to forget: what is slowest to settle is not what a
/// correlation sees first.
const LONGER: u32 = 3;
/// Most sweeps at one exponent.
const SWEEPS: u32 = 200;
/// Streams of the first draws and of resampling, which no move has.
const BIRTH: u64 = 0xFFFF_FF00;
const CHOICE: u64 = 0xFFFF_FFFF;
/// Rounds of draws from the prior before too few are found that can be integrated.
const ROUNDS: u64 = 64;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// The pairs, one after the other.
    populations: Vec<Population>,
    /// Exponents so far, the present one last.
    ladder: Vec<f64>,
    /// Sweeps at the present one.
    sweep: u32,
    /// After how many of them the members had forgotten where they were.
    forgotten: Option<u32>,
    /// Exponents at which the most sweeps were not enough.
    unsettled: u32,
    accepted: u64,
    tried: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Population {
    members: Vec<Member>,
    /// As they were when the exponent was raised last.
    before: Vec<Member>,
    /// Which of the first members each descends from.
    roots: Vec<u32>,
    /// Log evidence so far, by weights of members on their way up.
    forward: f64,
    /// The same by members after their moves, looking back: the two agree where the moves were enough.
    backward: f64,
    tuning: Tuning,
}

pub(super) fn run(run: &mut Run) -> Result<Option<Drawn>> {
    let mut state = match run.resumed()? {
        Some(state) => state,
        None => born(run)?,
    };
    loop {
        for half in 0..2 {
            step(run, &mut state, half)?;
        }
        state.sweep += 1;
        state.populations.iter_mut().for_each(|p| p.tuning.adapt());
        let last = state.exponent() == 1.0;
        if state.forgotten.is_none() && state.forgets() {
            state.forgotten = Some(state.sweep);
        }
        let longer = if last { LONGER } else { 1 };
        let settled = state.forgotten.is_some_and(|sweep| state.sweep >= longer * sweep);
        let over = state.sweep >= SWEEPS;
        let moves_on = settled || over;
        state.unsettled += u32::from(!settled && over);
        if moves_on {
            state.look_back();
        }
        if moves_on && !last {
            state.raise(run.settings.seed);
        }
        let accepted = state.accepted as f64 / state.tried.max(1) as f64;
        if moves_on && last {
            let evidence = Some(state.evidence());
            let pair = |pair: &[Population]| pair.iter().flat_map(|p| p.members.clone()).collect();
            let chains = state.populations.chunks(2).map(pair).collect();
            return Ok(Some(Drawn { chains, evidence, ladder: state.ladder, unsettled: state.unsettled, accepted }));
        }
        if !run.goes_on(state.way(), accepted, &state)? {
            return Ok(None);
        }
    }
}

/// The first members, draws from the prior that can be integrated, and the first exponent.
fn born(run: &Run) -> Result<State> {
    let count = 2 * run.settings.chains;
    let size = run.settings.draws / count;
    let dimensions = run.dimensions();
    let point = |population: usize, round: u64, member: usize| {
        let mut stream = stream(run.settings.seed, population, BIRTH + round, member);
        let shares: Vec<f64> = (0..dimensions).map(|_| stream.uniform()).collect();
        run.target.prior_point(&shares)
    };
    let mut found: Vec<Vec<Member>> = vec![Vec::new(); count];
    let mut drawn = vec![0; count];
    for round in 0..ROUNDS {
        let short: Vec<usize> = (0..count).filter(|&at| found[at].len() < size).collect();
        if short.is_empty() {
            break;
        }
        let points = short.iter().flat_map(|&at| (0..size).map(move |member| (at, member)));
        let members = run.members(points.map(|(at, member)| point(at, round, member)).collect())?;
        for (&at, members) in short.iter().zip(members.chunks(size)) {
            drawn[at] += size;
            found[at].extend(members.iter().filter(|m| m.likelihood.is_finite()).cloned());
        }
    }
    if found.iter().any(|members| members.len() < size) {
        let diagnostic = Diagnostic::new(format!(
            "of {} draws from the priors only {} can be integrated and have a likelihood above 0",
            drawn.iter().sum::<usize>(),
            found.iter().map(Vec::len).sum::<usize>()
        ))
        .hint("narrow or move the priors, or ask whether the model can make such data at all");
        return Err(Error::input(diagnostic));
    }
    let population = |(mut members, drawn): (Vec<Member>, usize)| {
        // The rest of the prior has a likelihood of 0.
        let possible = (members.len() as f64 / drawn as f64).ln();
        members.truncate(size);
        Population {
            members,
            before: Vec::new(),
            roots: (0..size as u32).collect(),
            forward: possible,
            backward: possible,
            tuning: Tuning::default(),
        }
    };
    let populations = found.into_iter().zip(drawn).map(population).collect();
    let mut state =
        State { populations, ladder: vec![0.0], sweep: 0, forgotten: None, unsettled: 0, accepted: 0, tried: 0 };
    state.raise(run.settings.seed);
    Ok(state)
}

/// A stream for each member at each step: what is drawn does not depend on how the work is cut.
fn stream(seed: u64, population: usize, step: u64, member: usize) -> Stream {
    Stream::new(seed ^ (population as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15), step << 32 | member as u64)
}

/// A move that is being tried.
struct Moving {
    population: usize,
    member: usize,
    kernel: Kernel,
    correction: f64,
    stream: Stream,
}

/// Moves one population of every pair, with the other standing still.
fn step(run: &Run, state: &mut State, half: usize) -> Result<()> {
    let number = (state.ladder.len() as u64) << 8 | u64::from(state.sweep);
    let (mut moving, mut points, mut spreads) = (Vec::new(), Vec::new(), Vec::new());
    for at in (half..state.populations.len()).step_by(2) {
        let population = &state.populations[at];
        let others = Others::new(state.populations[at ^ 1].members.iter().collect());
        if let Some(others) = &others {
            for (member, from) in population.members.iter().enumerate() {
                let mut stream = stream(run.settings.seed, at, number, member);
                let (kernel, scale) = population.tuning.pick(&mut stream);
                let Proposal { point, correction } = kernel.propose(&from.point, others, scale, &mut stream);
                points.push(point);
                moving.push(Moving { population: at, member, kernel, correction, stream });
            }
        }
        spreads.push(others.map(|others| others.spread));
    }
    let exponent = state.exponent();
    for (mut moving, proposed) in moving.into_iter().zip(run.members(points)?) {
        let population = &mut state.populations[moving.population];
        let here = &population.members[moving.member];
        let gain = here.energy(exponent) - proposed.energy(exponent) + moving.correction;
        let accepted = moving.stream.uniform().ln() < gain;
        let way = match (&spreads[moving.population / 2], accepted) {
            (Some(spread), true) => Tuning::way(spread, &here.point, &proposed.point),
            _ => 0.0,
        };
        population.tuning.note(moving.kernel, accepted, way);
        state.tried += 1;
        if accepted {
            state.accepted += 1;
            population.members[moving.member] = proposed;
        }
    }
    Ok(())
}

impl State {
    fn exponent(&self) -> f64 {
        self.ladder[self.ladder.len() - 1]
    }

    /// How far the exponent has come, 0 to 1: it grows by factors, and informative data begin at a millionth.
    fn way(&self) -> f64 {
        match self.ladder[..] {
            [_, first, .., last] => 1.0 - last.ln() / first.ln(),
            _ => 0.0,
        }
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.populations.iter().flat_map(|p| &p.members)
    }

    /// Whether nothing about the members tells any more where they were.
    fn forgets(&self) -> bool {
        // Chance alone makes correlations of this size.
        let chance = 2.0 / (self.members().count() as f64).sqrt();
        let limit = if self.exponent() == 1.0 { AT_LAST } else { REMEMBERED }.max(chance);
        let dimensions = self.populations[0].members[0].point.len();
        self.remembered(|member| member.likelihood) < limit
            && (0..dimensions).all(|i| self.remembered(|member| member.point[i]) < limit)
    }

    /// Correlation of something about the members with what it was before the moves.
    fn remembered(&self, of: impl Fn(&Member) -> f64) -> f64 {
        let old = || self.populations.iter().flat_map(|p| &p.before).map(&of);
        let new = || self.members().map(&of);
        let n = new().count() as f64;
        let (before, after) = (old().sum::<f64>() / n, new().sum::<f64>() / n);
        let covariance: f64 = old().zip(new()).map(|(a, b)| (a - before) * (b - after)).sum();
        let square = |mean: f64| move |sum: f64, x: f64| sum + (x - mean).powi(2);
        let spread = old().fold(0.0, square(before)) * new().fold(0.0, square(after));
        if spread > 0.0 { (covariance / spread.sqrt()).abs() } else { 1.0 }
    }

    /// To the next exponent: weigh, add to the evidence, resample.
    fn raise(&mut self, seed: u64) {
        let now = self.exponent();
        let least = |members: &[Member]| members.iter().map(|m| m.likelihood).fold(f64::INFINITY, f64::min);
        let weight = |member: &Member, least: f64, next: f64| (-(next - now) * (member.likelihood - least)).exp();
        let best = self.populations.iter().map(|p| least(&p.members)).fold(f64::INFINITY, f64::min);
        let kept = |next: f64| effective(&self.members().map(|m| weight(m, best, next)).collect::<Vec<_>>());
        let wanted = KEPT * self.members().count() as f64;
        let next = if kept(1.0) >= wanted { 1.0 } else { furthest(now, |next| kept(next) < wanted) };
        for (at, population) in self.populations.iter_mut().enumerate() {
            let best = least(&population.members);
            let weights: Vec<f64> = population.members.iter().map(|m| weight(m, best, next)).collect();
            let count = weights.len();
            population.forward += (weights.iter().sum::<f64>() / count as f64).ln() - (next - now) * best;
            let offset = stream(seed, at, CHOICE, self.ladder.len()).uniform();
            let chosen = systematic(&weights, count, offset);
            population.members = chosen.iter().map(|&at| population.members[at].clone()).collect();
            population.roots = chosen.iter().map(|&at| population.roots[at]).collect();
            population.before.clone_from(&population.members);
        }
        self.ladder.push(next);
        (self.sweep, self.forgotten) = (0, None);
    }

    /// What the last step was worth, by the members that have settled after it.
    fn look_back(&mut self) {
        let step = self.exponent() - self.ladder[self.ladder.len() - 2];
        for population in &mut self.populations {
            let most = population.members.iter().map(|m| m.likelihood).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = population.members.iter().map(|m| (step * (m.likelihood - most)).exp()).sum();
            population.backward -= (sum / population.members.len() as f64).ln() + step * most;
        }
    }

    /// The middle of both estimates. Its error has the larger of two parts, from the populations' differences and from their
    /// genealogies, and half of what the estimates are apart: members that have not settled in a narrow part of the target
    /// are all wrong alike, and only that tells.
    fn evidence(&self) -> Evidence {
        let n = self.populations.len() as f64;
        let forward = logs_mean(self.populations.iter().map(|p| p.forward));
        let backward = -logs_mean(self.populations.iter().map(|p| -p.backward));
        let relative: Vec<f64> = self.populations.iter().map(|p| (p.forward - forward).exp()).collect();
        let between = relative.iter().map(|r| (r - 1.0).powi(2)).sum::<f64>() / (n - 1.0) / n;
        let steps = self.ladder.len() as i32;
        let within =
            relative.iter().zip(&self.populations).map(|(r, p)| r * r * p.variance(steps)).sum::<f64>() / (n * n);
        let apart = 0.5 * (forward - backward);
        Evidence { log: 0.5 * (forward + backward), error: (between.max(within) + apart * apart).sqrt() }
    }
}

impl Population {
    /// Variance of the evidence relative to its square, from how many first members have descendants (A. Lee, N. Whiteley,
    /// Biometrika 105:609, 2018).
    fn variance(&self, steps: i32) -> f64 {
        let n = self.members.len() as f64;
        let mut children = vec![0.0; self.members.len()];
        self.roots.iter().for_each(|&root| children[root as usize] += 1.0);
        let same: f64 = children.iter().map(|c| (c / n).powi(2)).sum();
        (1.0 - (n / (n - 1.0)).powi(steps) * (1.0 - same)).max(0.0)
    }
}

/// The largest exponent above `now` that is not `too_far`: halving the step until it is not, then between the last two.
fn furthest(now: f64, too_far: impl Fn(f64) -> bool) -> f64 {
    let mut step = 1.0 - now;
    while too_far(now + step) && step > 1e-300 {
        step *= 0.5;
    }
    let (mut low, mut high) = (step, 2.0 * step);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if too_far(now + middle) { high = middle } else { low = middle }
    }
    (now + low).min(1.0)
}

/// The logarithm of the mean of numbers given by their logarithms.
fn logs_mean(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) = logs.fold((0.0, 0.0), |(sum, count), log| (sum + (log - most).exp(), count + 1.0));
    most + (sum / count).ln()
}
