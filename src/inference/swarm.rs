//! argmin's particle swarm: all particles are one batch an iteration.

use super::bridge::Bridge;
use super::lockstep::Rules;
use super::watch::Staged;
use crate::random::{Rand09, Stream};
use argmin::core::{Error, KV, PopulationState, Problem, Solver, State, TerminationReason, TerminationStatus};
use argmin::solver::particleswarm::{Particle, ParticleSwarm};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub type Swarmed = PopulationState<Particle<Vec<f64>, f64>, f64>;

/// The swarm's stream of random numbers.
const STREAM: u64 = 3 << 48;
/// The swarm ends when its best has gained less than the stall rule over so many iterations.
const WINDOW: usize = 60;

/// The swarm under a stop rule of its own, which argmin's lacks.
#[derive(Serialize, Deserialize)]
pub struct Swarm {
    inner: ParticleSwarm<Vec<f64>, f64, Rand09>,
    /// Best values, one for each iteration with a finite one.
    history: Vec<f64>,
    rules: Rules,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    swarm: Swarm,
    particles: Value,
}

impl Swarm {
    /// With particles at `points`, whose values are known.
    pub fn new(bounds: (Vec<f64>, Vec<f64>), points: &[(Vec<f64>, f64)], rules: Rules) -> (Self, Swarmed) {
        let mut stream = Stream::new(rules.seed, STREAM);
        let particles: Vec<_> = points
            .iter()
            .map(|(at, value)| {
                let range = bounds.0.iter().zip(&bounds.1);
                let velocity = range.map(|(l, u)| (u - l) * (stream.uniform() - 0.5)).collect();
                Particle::new(at.clone(), *value, velocity)
            })
            .collect();
        let inner = ParticleSwarm::new(bounds, points.len()).with_rng_generator(Rand09(stream));
        (Swarm { inner, history: Vec::new(), rules }, PopulationState::new().population(particles))
    }

    /// From a checkpoint's `solver`, with the best point known then.
    pub fn resume(saved: Value, best: Option<Vec<f64>>, value: f64) -> serde_json::Result<(Self, Swarmed)> {
        let mut saved: Saved = serde_json::from_value(saved)?;
        finite(&mut saved.particles);
        let particles: Vec<Particle<Vec<f64>, f64>> = serde_json::from_value(saved.particles)?;
        let mut state = PopulationState::new().population(particles);
        if let Some(best) = best {
            let still = vec![0.0; best.len()];
            state = state.individual(Particle::new(best, value, still)).cost(value);
        }
        state.update();
        Ok((saved.swarm, state))
    }
}

/// A particle's cost may have been `+inf`, which JSON lacks. The largest number is as good: costs are only compared.
fn finite(value: &mut Value) {
    match value {
        Value::Null => *value = f64::MAX.into(),
        Value::Array(items) => items.iter_mut().for_each(finite),
        Value::Object(entries) => entries.values_mut().for_each(finite),
        _ => {}
    }
}

impl<'a> Solver<Bridge<'a>, Swarmed> for Swarm {
    fn name(&self) -> &str {
        "particle swarm"
    }

    fn init(&mut self, problem: &mut Problem<Bridge<'a>>, state: Swarmed) -> Result<(Swarmed, Option<KV>), Error> {
        self.inner.init(problem, state)
    }

    fn next_iter(&mut self, problem: &mut Problem<Bridge<'a>>, state: Swarmed) -> Result<(Swarmed, Option<KV>), Error> {
        let (state, kv) = self.inner.next_iter(problem, state)?;
        if state.get_cost().is_finite() {
            self.history.push(state.get_cost());
        }
        Ok((state, kv))
    }

    fn terminate(&mut self, state: &Swarmed) -> TerminationStatus {
        let long = self.history.len();
        let stalled = long > WINDOW && self.history[long - 1 - WINDOW] - self.history[long - 1] < self.rules.stall;
        if stalled || state.get_iter() >= u64::from(self.rules.max_iterations) {
            return TerminationStatus::Terminated(TerminationReason::SolverConverged);
        }
        TerminationStatus::NotTerminated
    }
}

impl Staged<Swarmed> for Swarm {
    fn snapshot(&self, state: &Swarmed) -> serde_json::Result<Value> {
        let mut entries = serde_json::Map::new();
        entries.insert("swarm".to_string(), serde_json::to_value(self)?);
        entries.insert("particles".to_string(), serde_json::to_value(&state.population)?);
        Ok(Value::Object(entries))
    }

    fn progress(&self, state: &Swarmed) -> (usize, Option<usize>) {
        (state.get_iter() as usize + 1, Some(self.rules.max_iterations as usize))
    }

    fn best(&self, state: &Swarmed) -> Option<Vec<f64>> {
        state.get_best_param().map(|particle| particle.position.clone())
    }
}
