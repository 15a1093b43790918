//! The GPU engine: generated WGSL over any adapter that wgpu finds.
//!
//! A batch is flattened into tables (`plan`), a program is printed and joined to the hand-written kernels (`shader`),
//! and lanes advance by bounded dispatches with their state kept on the device (`run`). Only outputs and reports come
//! back.

mod buffers;
mod device;
mod pipelines;
mod plan;
mod run;
mod shader;

pub use device::{DeviceInfo, devices};
pub use shader::{integration, with_math};

use super::{Batch, Engine, EngineError, LaneReport, Method, Outcomes, Precision};
use crate::program::{Program, wgsl};
use buffers::{Fault, Pool};
use device::Device;
use pipelines::{Compaction, Integration};
use plan::Plan;
use run::{Compiled, Part};
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs lanes on one adapter.
pub struct GpuEngine {
    device: Device,
    precision: Precision,
    compaction: Compaction,
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
        let (compiled, pool) = (Mutex::default(), Mutex::default());
        Ok(GpuEngine { device, precision, compaction, compiled, pool, most_lanes: usize::MAX })
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
        if let Some(reason) = self.declines(batch.program, !batch.tangents.is_empty()) {
            return Err(EngineError::Declined(reason));
        }
        let compiled = self.compiled(batch.program, batch.settings.method)?;
        let plan = Plan::new(batch.protocols, batch.settings);
        let mut outcomes = empty_outcomes(batch);
        let mut pool = lock(&self.pool);
        let (mut first, mut most) = (0, self.most_lanes);
        while first < batch.lanes.len() {
            let count = run::fitting(&self.device, batch, &plan, self.precision, first, most);
            let part = Part {
                device: &self.device,
                compaction: &self.compaction,
                compiled: &compiled,
                batch,
                plan: &plan,
                precision: self.precision,
                first,
                count,
            };
            match part.run(&mut pool, &mut outcomes) {
                Ok(()) => first += count,
                Err(Fault::Memory) if count > 1 => most = count / 2,
                Err(Fault::Memory) => {
                    return Err(EngineError::Device(format!("{}: out of memory for one lane", self.name())));
                }
                Err(Fault::Engine(error)) => return Err(error),
            }
        }
        Ok(outcomes)
    }
}

fn empty_outcomes(batch: &Batch) -> Outcomes {
    let mut offsets = Vec::with_capacity(batch.lanes.len() + 1);
    let mut total = 0;
    for lane in batch.lanes {
        offsets.push(total);
        total += batch.protocols[lane.protocol as usize].outputs.len() * batch.program.outputs.len();
    }
    offsets.push(total);
    Outcomes {
        offsets,
        outputs: vec![0.0; total],
        tangents: Vec::new(),
        reports: vec![LaneReport::default(); batch.lanes.len()],
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
