//! A bent path between two ends: points in a row that move downhill across its direction, each by damped Gauss-Newton steps,
//! until all of them lie below a level or none gets any lower. Where the row leaves the level between two points another
//! point is put there.

use super::{apart, mixed};
use crate::Result;
use crate::inference::Expansion;
use crate::inference::boxed::{Boxed, best_step};
use crate::inference::bridge::Bridge;
use crate::random::Stream;
use nalgebra::{DMatrix, DVector};

/// Points to begin with, and at most.
const NODES: usize = 9;
const MOST: usize = 256;
/// Points looked at between two neighbours.
const LOOKS: usize = 3;
/// Rounds of steps for one band.
const ROUNDS: u32 = 60;
/// A point has settled when it could gain no more than this, by the model, or when so many steps kept nothing.
const TIGHT: f64 = 0.02;
const IDLE: u32 = 5;
/// No step is longer than this in any dimension of the unit box.
const FURTHEST: f64 = 0.15;
/// How far a bowed row leaves the straight line, in parts of its length.
const BOW: f64 = 0.4;
/// A parameter's own curvature on the unit box, added so that a flat direction does not make a step endless.
const FLAT: f64 = 1.0;
const STREAMS: u64 = 6 << 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Moving,
    /// All points are below the level: what lies between them is to be looked at.
    Looking,
    Joined,
    Apart,
}

pub struct Band {
    pub pair: (usize, usize),
    /// What all of it has to be below.
    level: f64,
    /// In a row, both ends with them.
    nodes: Vec<Node>,
    state: State,
    rounds: u32,
}

struct Node {
    at: Vec<f64>,
    /// Value, gradient and curvature on the unit box; none for the ends and before the first.
    model: Option<(f64, DVector<f64>, DMatrix<f64>)>,
    trial: Option<Vec<f64>>,
    damping: f64,
    idle: u32,
    end: bool,
}

impl Node {
    fn new(at: Vec<f64>, end: bool) -> Self {
        let trial = (!end).then(|| at.clone());
        Node { at, model: None, trial, damping: 1e-3, idle: 0, end }
    }

    /// Takes in what was found at the trial.
    fn learn(&mut self, expansion: Option<Expansion>, boxed: &Boxed) {
        let Some(trial) = self.trial.take() else { return };
        let before = self.model.as_ref().map(|model| model.0);
        match expansion.filter(|e| before.is_none_or(|before| e.value < before)) {
            Some(e) => {
                let n = trial.len();
                let gradient = DVector::from_fn(n, |i, _| e.gradient[i] * boxed.width(i));
                let curvature = DMatrix::from_fn(n, n, |r, c| {
                    e.fisher[(r, c)] * boxed.width(r) * boxed.width(c) + if r == c { FLAT } else { 0.0 }
                });
                self.idle = if before.is_some_and(|before| before - e.value < TIGHT) { self.idle + 1 } else { 0 };
                self.damping *= 0.3;
                self.at = trial;
                self.model = Some((e.value, gradient, curvature));
            }
            None => {
                self.idle += 1;
                self.damping *= 8.0;
            }
        }
    }

    fn value(&self) -> f64 {
        if self.end { f64::NEG_INFINITY } else { self.model.as_ref().map_or(f64::INFINITY, |model| model.0) }
    }

    /// A step across `along`, a direction of length 1; none where there is nothing to gain.
    fn propose(&mut self, along: &DVector<f64>) {
        let Some((_, gradient, curvature)) = &self.model else { return };
        if self.idle >= IDLE {
            return;
        }
        let n = self.at.len();
        let across = gradient - along * along.dot(gradient);
        let mut stiff = curvature + along * along.transpose() * (1e3 * curvature.diagonal().max());
        let lower: Vec<f64> = self.at.iter().map(|x| (-x).max(-FURTHEST)).collect();
        let upper: Vec<f64> = self.at.iter().map(|x| (1.0 - x).min(FURTHEST)).collect();
        let step = |stiff: &DMatrix<f64>| best_step(stiff, 0.0, &across, &lower, &upper);
        let Some(whole) = step(&stiff) else { return };
        if -(across.dot(&whole) + 0.5 * whole.dot(&(curvature * &whole))) <= TIGHT {
            return;
        }
        (0..n).for_each(|i| stiff[(i, i)] += self.damping * curvature[(i, i)]);
        self.trial = step(&stiff).map(|step| (0..n).map(|i| (self.at[i] + step[i]).clamp(0.0, 1.0)).collect());
    }
}

impl Band {
    /// Between two of `places`, on the straight line or bowed away from it in a direction of its own.
    pub fn new(pair: (usize, usize), places: &[Vec<f64>], level: f64, bow: f64, (seed, stream): (u64, u64)) -> Self {
        let (a, b) = (&places[pair.0], &places[pair.1]);
        let length = apart(a, b).sqrt();
        let along = DVector::from_fn(a.len(), |i, _| (b[i] - a[i]) / length);
        let mut stream = Stream::new(seed, STREAMS + stream);
        let drawn = DVector::from_fn(a.len(), |_, _| stream.normal());
        let mut side = &drawn - &along * along.dot(&drawn);
        let norm = side.norm();
        side *= if norm > 1e-9 { 4.0 * BOW * bow * length / norm } else { 0.0 };
        let node = |k: usize| {
            let share = k as f64 / (NODES + 1) as f64;
            let bend = share * (1.0 - share);
            let at = mixed(a, b, share);
            let end = k == 0 || k == NODES + 1;
            let bent = |(x, by): (&f64, &f64)| (x + if end { 0.0 } else { bend * by }).clamp(0.0, 1.0);
            Node::new(at.iter().zip(side.iter()).map(bent).collect(), end)
        };
        Band { pair, level, nodes: (0..NODES + 2).map(node).collect(), state: State::Moving, rounds: 0 }
    }

    pub fn goes_on(&self) -> bool {
        matches!(self.state, State::Moving | State::Looking)
    }

    pub fn joins(&self) -> bool {
        self.state == State::Joined
    }

    /// Sends the points on, or says what came of it.
    fn propose(&mut self) {
        let level = self.level;
        self.rounds += 1;
        if self.nodes.iter().all(|node| node.value() <= level) {
            self.state = State::Looking;
            return;
        }
        for at in 1..self.nodes.len() - 1 {
            let [before, after] = [&self.nodes[at - 1].at, &self.nodes[at + 1].at];
            let along = DVector::from_fn(before.len(), |i, _| after[i] - before[i]);
            let length = along.norm();
            // A point below the level is where it should be.
            if length > 1e-12 && self.nodes[at].value() > level {
                self.nodes[at].propose(&(along / length));
            }
        }
        if self.rounds >= ROUNDS || self.nodes.iter().all(|node| node.trial.is_none()) {
            self.state = State::Apart;
        }
    }

    /// What lies between neighbours.
    fn looks(&self) -> Vec<Vec<f64>> {
        let one = |pair: &[Node]| {
            let (a, b) = (pair[0].at.clone(), pair[1].at.clone());
            (1..=LOOKS).map(move |k| mixed(&a, &b, k as f64 / (LOOKS + 1) as f64))
        };
        self.nodes.windows(2).flat_map(one).collect()
    }

    /// Puts a point where the row leaves the level, or finds that it nowhere does.
    fn judge(&mut self, places: &[Vec<f64>], values: &[f64]) {
        let level = self.level;
        let mut row: Vec<Node> = Vec::new();
        let mut open = true;
        let nodes = std::mem::take(&mut self.nodes);
        for (at, node) in nodes.into_iter().enumerate() {
            if at > 0 {
                let first = (at - 1) * LOOKS;
                let worst = (first..first + LOOKS).max_by(|&a, &b| values[a].total_cmp(&values[b]));
                if let Some(worst) = worst.filter(|&worst| values[worst] > level) {
                    open = false;
                    row.push(Node::new(places[worst].clone(), false));
                }
            }
            row.push(node);
        }
        self.nodes = row;
        self.state = match (open, self.nodes.len() > MOST) {
            (true, _) => State::Joined,
            (false, true) => State::Apart,
            (false, false) => State::Moving,
        };
    }
}

/// One batch of derivatives for all bands, and one of values for those that look between their points.
pub fn advance(bands: &mut [Band], bridge: &Bridge, boxed: &Boxed) -> Result<()> {
    let moving = |band: &&mut Band| band.state == State::Moving;
    let trials: Vec<Vec<f64>> = (bands.iter().filter(|band| band.state == State::Moving))
        .flat_map(|band| band.nodes.iter().filter_map(|node| node.trial.as_ref()))
        .map(|trial| boxed.point(trial))
        .collect();
    let mut expansions = bridge.expand(&trials)?.into_iter();
    for band in bands.iter_mut().filter(moving) {
        for node in band.nodes.iter_mut().filter(|node| node.trial.is_some()) {
            node.learn(expansions.next().flatten(), boxed);
        }
        band.propose();
    }
    let looking = |band: &&mut Band| band.state == State::Looking;
    let looks: Vec<Vec<Vec<f64>>> = bands.iter().filter(|band| band.state == State::Looking).map(Band::looks).collect();
    let points: Vec<Vec<f64>> = looks.iter().flatten().map(|at| boxed.point(at)).collect();
    let mut values = bridge.values(&points)?.into_iter();
    for (band, looks) in bands.iter_mut().filter(looking).zip(looks) {
        let values: Vec<f64> = values.by_ref().take(looks.len()).collect();
        band.judge(&looks, &values);
    }
    Ok(())
}
