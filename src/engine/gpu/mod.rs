//! The GPU engine: generated WGSL over any adapter that wgpu finds.
//!
//! A batch is flattened into tables (`plan`), a program is printed and joined to the hand-written kernels (`shader`),
//! and lanes advance by bounded dispatches with their state kept on the device (`run`). Only outputs and reports come
//! back, or what they are reduced to (`reduce`).

mod buffers;
mod device;
mod pipelines;
mod plan;
mod reduce;
mod run;
mod shader;

pub use device::{DeviceInfo, devices};
pub use shader::{integration, reduction, with_math};

use super::{Batch, Engine, EngineError, LaneReport, Method, Outcomes, Precision, Reduced, Reduction};
use crate::program::{Program, wgsl};
use buffers::{Fault, Pool};
use device::Device;
use pipelines::{Compaction, Integration, Reducer};
use plan::Plan;
use reduce::Scheme;
use run::{Compiled, Part, Shape};
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs lanes on one adapter.
pub struct GpuEngine {
    device: Device,
    precision: Precision,
    compaction: Compaction,
    /// Compiled when first asked for: most jobs of a single run never do.
    reducer: Mutex<Option<Arc<Reducer>>>,
    compiled: Mutex<HashMap<(u64, Method), Arc<Compiled>>>,
    /// Runs take turns: they share the buffers.
    pool: Mutex<Pool>,
    /// Lanes in one part of a batch, where the device's limits allow more.
    most_lanes: usize,
}

/// Programs kept compiled; beyond, all are forgotten.
const MOST_COMPILED: usize = 64;
/// Steps in a dispatch before it is known how long they take.
const FIRST_BUDGET: u32 = 64;

impl GpuEngine {
    /// Opens the adapter whose name contains `name`, or, without a name, the most capable one that is not software.
    /// For [`Precision::F64`] it must have 64-bit floats and integers.
    pub fn open(name: Option<&str>, precision: Precision) -> Result<GpuEngine, EngineError> {
        let device = Device::open(name, precision)?;
        let compaction = Compaction::new(&device)?;
        let (reducer, compiled, pool) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(GpuEngine { device, precision, compaction, reducer, compiled, pool, most_lanes: usize::MAX })
    }

    /// The adapter that is used.
    pub fn info(&self) -> &DeviceInfo {
        &self.device.info
    }

    fn compiled(&self, program: &Program, method: Method) -> Result<Arc<Compiled>, EngineError> {
        let mut known = lock(&self.compiled);
        if let Some(compiled) = known.get(&(program.id, method)) {
            return Ok(compiled.clone());
        }
        let source = integration(program, method, self.precision).map_err(EngineError::Declined)?;
        let integration = Integration::new(&self.device, &source)?;
        let compiled = Arc::new(Compiled { integration, budget: AtomicU32::new(FIRST_BUDGET) });
        if known.len() >= MOST_COMPILED {
            known.clear();
        }
        known.insert((program.id, method), compiled.clone());
        Ok(compiled)
    }

    fn reducer(&self) -> Result<Arc<Reducer>, EngineError> {
        let mut known = lock(&self.reducer);
        if let Some(reducer) = &*known {
            return Ok(reducer.clone());
        }
        let reducer = Arc::new(Reducer::new(&self.device, self.precision)?);
        *known = Some(reducer.clone());
        Ok(reducer)
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> String {
        self.device.info.name.clone()
    }

    fn detail(&self) -> String {
        self.device.info.backend.clone()
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        if tangents {
            return Some("sensitivities are computed on the CPU".to_string());
        }
        wgsl::declines(program)
    }

    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        let job = self.job(batch)?;
        let offsets = offsets(batch);
        let total = offsets[batch.lanes.len()];
        let reports = vec![LaneReport::default(); batch.lanes.len()];
        let mut outcomes = Outcomes { outputs: vec![0.0; total], reports, ..Outcomes::default() };
        let mut pool = lock(&self.pool);
        let (mut first, mut most) = (0, self.most_lanes);
        while first < batch.lanes.len() {
            let count = run::fitting(&self.device, &job.shape, &offsets, first, most);
            match self.part(batch, &job, &offsets, first, count).run(&mut pool, &mut outcomes) {
                Ok(()) => first += count,
                Err(Fault::Memory) if count > 1 => most = count / 2,
                Err(Fault::Memory) => {
                    return Err(EngineError::Device(format!("{}: out of memory for one lane", self.name())));
                }
                Err(Fault::Engine(error)) => return Err(error),
            }
        }
        Ok(Outcomes { offsets, ..outcomes })
    }

    fn reduce(&self, batch: &Batch, reduction: &Reduction) -> Result<Option<Reduced>, EngineError> {
        let Some(scheme) = Scheme::new(batch, reduction) else { return Ok(None) };
        let (job, reducer, offsets) = (self.job(batch)?, self.reducer()?, offsets(batch));
        let numbers = reduction.misfit.map_or(&[][..], |misfit| misfit.numbers);
        let (points, lanes) = (scheme.points(batch), reduction.runs * reduction.cells);
        let mut reduced = Reduced::default();
        let mut pool = lock(&self.pool);
        let (mut first, mut most) = (0, self.most_lanes / lanes);
        while first < points {
            let count = scheme.fitting(&self.device, &job.shape, most.min(points - first));
            if count == 0 {
                return Ok(None);
            }
            let part = self.part(batch, &job, &offsets, first * lanes, count * lanes);
            match part.reduce(&mut pool, &reducer, &scheme, numbers, &mut reduced) {
                Ok(()) => first += count,
                Err(Fault::Memory) => most = count / 2,
                Err(Fault::Engine(error)) => return Err(error),
            }
        }
        Ok(Some(reduced))
    }
}

/// What the parts of a batch have in common.
struct Job {
    compiled: Arc<Compiled>,
    plan: Plan,
    shape: Shape,
}

impl GpuEngine {
    fn job(&self, batch: &Batch) -> Result<Job, EngineError> {
        if let Some(reason) = self.declines(batch.program, !batch.tangents.is_empty()) {
            return Err(EngineError::Declined(reason));
        }
        let compiled = self.compiled(batch.program, batch.settings.method)?;
        let plan = Plan::new(batch.protocols, batch.settings);
        let shape = Shape::of(batch, &plan, self.precision);
        Ok(Job { compiled, plan, shape })
    }

    fn part<'a>(
        &'a self,
        batch: &'a Batch,
        job: &'a Job,
        offsets: &'a [usize],
        first: usize,
        count: usize,
    ) -> Part<'a> {
        Part {
            device: &self.device,
            compaction: &self.compaction,
            compiled: &job.compiled,
            batch,
            plan: &job.plan,
            shape: &job.shape,
            precision: self.precision,
            offsets,
            first,
            count,
        }
    }
}

/// Where the outputs of each lane begin, and how many there are in all.
fn offsets(batch: &Batch) -> Vec<usize> {
    let outputs =
        |lane: &super::Lane| batch.protocols[lane.protocol as usize].outputs.len() * batch.program.outputs.len();
    let mut total = 0;
    let mut offsets = vec![0];
    offsets.extend(batch.lanes.iter().map(|lane| {
        total += outputs(lane);
        total
    }));
    offsets
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
