//! The CPU engine: programs as tapes over SIMD lanes, groups of lanes on threads.
//!
//! It is the reference: every number that is reported is evaluated here in f64.

mod compiled;
mod emit;
mod execute;
mod group;
mod lane;
mod native;
mod real;
mod step;
mod storage;
mod tape;

use super::{Batch, Engine, EngineError, LaneReport, Method, Outcomes, Precision, Protocol, Reduced, Reduction};
use crate::program::Program;
use compiled::Compiled;
use fearless_simd::Level;
use group::{Group, Plan, Results, Task};
use real::Real;
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

/// Runs lanes on all threads of the current rayon pool.
pub struct CpuEngine {
    level: Level,
    precision: Precision,
    native: bool,
    compiled: Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>,
}

/// What a compiled program depends on.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    program: u64,
    method: Method,
    rtol: u64,
    atol: Vec<u64>,
    tangents: Vec<u32>,
    settles: bool,
    reads: bool,
}

/// Programs kept compiled; beyond, all are forgotten.
const MOST_COMPILED: usize = 64;

impl CpuEngine {
    pub fn new(precision: Precision) -> Self {
        CpuEngine { level: Level::new(), precision, native: true, compiled: Mutex::default() }
    }

    /// Without native code, as on processors for which none is written: the same numbers, in more time.
    pub fn interpreting(precision: Precision) -> Self {
        CpuEngine { native: false, ..CpuEngine::new(precision) }
    }

    /// With `settles`, steps also tell whether a lane has come to rest; with `reads`, they can be read inside.
    fn compiled<R: Real>(&self, batch: &Batch, settles: bool, reads: bool) -> Arc<Compiled<R>> {
        let settings = batch.settings;
        let key = Key {
            program: batch.program.id,
            method: settings.method,
            rtol: settings.rtol.to_bits(),
            atol: settings.atol.iter().map(|atol| atol.to_bits()).collect(),
            tangents: batch.tangents.to_vec(),
            settles,
            reads,
        };
        let mut known = self.compiled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(compiled) = known.get(&key).and_then(|c| c.clone().downcast::<Compiled<R>>().ok()) {
            return compiled;
        }
        let compiled =
            Arc::new(Compiled::<R>::new(batch.program, settings, batch.tangents, settles, reads, self.native));
        if known.len() >= MOST_COMPILED {
            known.clear();
        }
        known.insert(key, compiled.clone());
        compiled
    }

    /// How many instructions a step of this batch takes: what a step costs, up to a factor.
    pub fn step_length(&self, batch: &Batch) -> usize {
        match self.precision {
            Precision::F32 => self.compiled::<f32>(batch, false, false).step.length(),
            Precision::F64 => self.compiled::<f64>(batch, false, false).step.length(),
        }
    }

    /// The name of the instruction set.
    fn instructions(&self) -> String {
        // The level prints itself as "Avx2(Avx2 { … })".
        let level = format!("{:?}", self.level);
        level.split('(').next().unwrap_or_default().to_string()
    }

    fn integrate<R: Real>(&self, batch: &Batch) -> Outcomes {
        let plan = Plan::new(batch);
        let mut settled = Vec::new();
        if !plan.leaders.is_empty() {
            let compiled = self.compiled::<R>(batch, true, false);
            settled = plan.gather(self.work(batch, &compiled, Task::Settle(&plan), plan.leaders.len()));
        }
        let later = batch.protocols.iter().flat_map(|p| p.segments.iter().skip(1)).any(|s| s.settle.is_some());
        let compiled = self.compiled::<R>(batch, later, batch.protocols.iter().any(Protocol::reads_inside));
        gather(batch, self.work(batch, &compiled, Task::Run(&plan, &settled), batch.lanes.len()))
    }

    /// Does `task`, which is that of `lanes` lanes, on all threads.
    fn work<R: Real>(&self, batch: &Batch, compiled: &Compiled<R>, task: Task<R>, lanes: usize) -> Vec<Results<R>> {
        let narrow = execute::native_lanes::<R>(self.level);
        let threads = rayon::current_num_threads();
        let queue = AtomicUsize::new(0);
        let share = lanes.div_ceil(threads);
        let work = || {
            // Eight vectors a slot, fewer when there are not lanes enough to fill them.
            if share > 4 * narrow {
                Group::<R, 8>::new(self.level, batch, compiled, task, narrow).work(&queue)
            } else if share > narrow {
                Group::<R, 4>::new(self.level, batch, compiled, task, narrow).work(&queue)
            } else {
                Group::<R, 1>::new(self.level, batch, compiled, task, narrow).work(&queue)
            }
        };
        let workers = threads.min(lanes.div_ceil(narrow)).max(1);
        if workers == 1 {
            return vec![work()];
        }
        rayon::broadcast(|context| if context.index() < workers { work() } else { Results::default() })
    }
}

/// Puts the workers' results in the order of the lanes.
fn gather<R>(batch: &Batch, results: Vec<Results<R>>) -> Outcomes {
    let directions = batch.tangents.len();
    let mut offsets = Vec::with_capacity(batch.lanes.len() + 1);
    let mut total = 0;
    for lane in batch.lanes {
        offsets.push(total);
        total += batch.protocols[lane.protocol as usize].outputs.len() * batch.program.outputs.len();
    }
    offsets.push(total);
    let mut outcomes = Outcomes {
        outputs: vec![0.0; total],
        tangents: vec![0.0; total * directions],
        reports: vec![LaneReport::default(); batch.lanes.len()],
        offsets,
    };
    for worker in results {
        for (lane, from, report) in worker.lanes {
            let (start, end) = (outcomes.offsets[lane], outcomes.offsets[lane + 1]);
            let count = end - start;
            outcomes.outputs[start..end].copy_from_slice(&worker.outputs[from..from + count]);
            outcomes.tangents[start * directions..end * directions]
                .copy_from_slice(&worker.tangents[from * directions..(from + count) * directions]);
            outcomes.reports[lane] = report;
        }
    }
    outcomes
}

impl Engine for CpuEngine {
    fn name(&self) -> String {
        "cpu".to_string()
    }

    fn detail(&self) -> String {
        let level = self.instructions();
        let how = if self.native && native::available() { "native code" } else { "tape" };
        format!("{level}, {how}, {} threads", rayon::current_num_threads())
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    /// Native code and the tape compute the same, on any number of threads.
    fn arithmetic(&self) -> String {
        format!("cpu, {}, {:?}", self.instructions(), self.precision)
    }

    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        if !tangents {
            return None;
        }
        if let Some(event) = program.events.first() {
            return Some(format!("sensitivities across the event '{}' are not computed", event.name));
        }
        let switch = program.switches.first()?;
        Some(format!("sensitivities across the condition '{}' are not computed", switch.text))
    }

    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        if let Some(reason) = self.declines(batch.program, !batch.tangents.is_empty()) {
            return Err(EngineError::Declined(reason));
        }
        let mut set = batch.protocols.iter().flat_map(|p| &p.segments).flat_map(|s| &s.set);
        if let Some(&(input, _)) = set.find(|(input, _)| batch.tangents.contains(input)) {
            let name = &batch.program.inputs[input as usize];
            return Err(EngineError::Declined(format!(
                "a protocol sets '{name}' while sensitivities to it are asked for"
            )));
        }
        Ok(match self.precision {
            Precision::F32 => self.integrate::<f32>(batch),
            Precision::F64 => self.integrate::<f64>(batch),
        })
    }

    /// All is in the host's memory anyway.
    fn reduce(&self, _batch: &Batch, _reduction: &Reduction) -> Result<Option<Reduced>, EngineError> {
        Ok(None)
    }
}
