//! Runs one part of a batch: uploads, dispatches until no lane is left, reads back.

use super::buffers::{Fault, Pool, Role, largest};
use super::device::Device;
use super::pipelines::{Compaction, Integration};
use super::plan::Plan;
use crate::engine::{Batch, EngineError, Lane, LaneReport, Outcomes, Precision, Status};
use bytemuck::{Pod, Zeroable};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use wgpu::{BindGroup, BindGroupEntry, BindGroupLayout, CommandEncoder};

/// `Control` of `shaders/shared/layout.wgsl`.
#[derive(Debug, Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Control {
    lanes: u32,
    stride: u32,
    running: u32,
    list_in: u32,
    list_out: u32,
    budget: u32,
    max_steps: u32,
    pieces: u32,
    piece_numbers: u32,
    zero: u32,
}

/// Items of a lane in `words`, which lie in fours.
const WORDS: usize = 12;
const WORD_STATUS: usize = 4;
const WORD_STEPS: usize = 6;
const WORD_REJECTED: usize = 7;
const WORD_WORST: usize = 10;
/// Items of a lane in `reals` before its states, likewise, and those of them that tell the time.
const REALS: usize = 8;
const REAL_BASE: usize = 1;
const REAL_HIGH: usize = 4;
const REAL_LOW: usize = 5;
const NO_STATE: u32 = u32::MAX;

/// Steps that a dispatch may try at most. lavapipe ends a kernel's loops after 65,535 iterations of all of them together, in
/// silence, and a step takes up to eleven: its own, one for each stage, and those that find no reading.
const MOST_STEPS: u32 = 4_000;
/// What a dispatch should take, in seconds: long enough to hide the cost of starting it, short enough for a display
/// driver's watchdog.
const DISPATCH: f64 = 0.03;
pub const GROUP: u32 = 64;
const COMPACT_GROUP: u32 = 256;
/// Device memory for one part, in bytes.
const MEMORY: u64 = 1 << 30;
const SOFTWARE_MEMORY: u64 = 1 << 28;

/// A compiled program with what has been learned about its speed.
pub struct Compiled {
    pub integration: Integration,
    /// Steps a lane may try in a dispatch; adapted to the time that dispatches take. Results do not depend on it.
    pub budget: AtomicU32,
}

/// The sizes that a program and a plan bring along.
#[derive(Clone, Copy)]
pub struct Shape {
    states: usize,
    inputs: usize,
    tables: usize,
    numbers: usize,
    /// Bytes of a number.
    pub real: u64,
}

impl Shape {
    pub fn of(batch: &Batch, plan: &Plan, precision: Precision) -> Shape {
        Shape {
            states: batch.program.states.len().max(1),
            inputs: batch.program.inputs.len().max(1),
            tables: plan.tables.len(),
            numbers: plan.numbers.len(),
            real: if precision == Precision::F32 { 4 } else { 8 },
        }
    }

    /// `back` bytes are read back at a time.
    pub fn sizes(&self, lanes: u64, rows: u64, results: u64, back: u64) -> Vec<(Role, u64)> {
        let mut sizes = vec![
            (Role::Control, size_of::<Control>() as u64),
            (Role::Tables, self.tables as u64 * 4),
            (Role::Numbers, self.numbers as u64 * self.real),
            (Role::Rows, rows * self.inputs as u64 * self.real),
            (Role::Inputs, lanes * self.inputs.next_multiple_of(4) as u64 * self.real),
            (Role::Reals, lanes * (REALS + self.states.next_multiple_of(4)) as u64 * self.real),
            (Role::Words, lanes * WORDS as u64 * 4),
            (Role::Results, results * self.real),
            (Role::Lists, (1 + 2 * lanes) * 4),
            (Role::Settings, (4 + self.states.next_multiple_of(4)) as u64 * self.real),
            (Role::Staging, back),
        ];
        sizes.iter_mut().for_each(|(_, size)| *size = (*size).max(32));
        sizes
    }

    /// Bytes that come back of whole lanes.
    fn back(&self, lanes: u64, results: u64) -> u64 {
        results * self.real + lanes * (WORDS as u64 * 4 + REALS as u64 * self.real)
    }
}

/// Whether so many lanes with buffers of these sizes are within the device's limits.
pub fn fits(device: &Device, lanes: usize, sizes: &[(Role, u64)]) -> bool {
    let memory = if device.info.software { SOFTWARE_MEMORY } else { MEMORY };
    let groups = u64::from(device.limits.max_compute_workgroups_per_dimension);
    lanes as u64 <= groups * u64::from(GROUP)
        && sizes.iter().all(|&(_, size)| size <= largest(device))
        && sizes.iter().map(|(_, size)| size).sum::<u64>() <= memory
}

/// The largest number up to `most` for which `fits` holds; where it does, it does for smaller ones.
pub fn most_that(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// How many of the lanes from `first` on fit, at most `most`; `offsets` are those of their outputs.
pub fn fitting(device: &Device, shape: &Shape, offsets: &[usize], first: usize, most: usize) -> usize {
    let fitting = |count: usize| {
        let (lanes, results) = (count as u64, (offsets[first + count] - offsets[first]) as u64);
        let sizes = shape.sizes(lanes, lanes, results, shape.back(lanes, results));
        fits(device, count, &sizes) && results < u64::from(u32::MAX)
    };
    // A lane too large on its own is let through for the device to refuse.
    most_that(most.min(offsets.len() - 1 - first), fitting).max(1)
}

pub struct Part<'a> {
    pub device: &'a Device,
    pub compaction: &'a Compaction,
    pub compiled: &'a Compiled,
    pub batch: &'a Batch<'a>,
    pub plan: &'a Plan,
    pub shape: &'a Shape,
    pub precision: Precision,
    /// Where the outputs of each lane of the batch begin.
    pub offsets: &'a [usize],
    /// The lanes of the batch that belong to this part.
    pub first: usize,
    pub count: usize,
}

impl Part<'_> {
    /// Integrates the part and writes what came of it into `outcomes`.
    pub fn run(&self, pool: &mut Pool, outcomes: &mut Outcomes) -> Result<(), Fault> {
        let results = self.offsets[self.first + self.count] - self.offsets[self.first];
        self.integrate(pool, self.shape.back(self.count as u64, results as u64), &[])?;
        self.collect(pool, results, outcomes)
    }

    /// Integrates the part and leaves all on the device. Beside the buffers that this takes, there will be those of
    /// the sizes `further` and one through which `back` bytes can be read at a time.
    pub fn integrate(&self, pool: &mut Pool, back: u64, further: &[(Role, u64)]) -> Result<(), Fault> {
        let lanes = &self.batch.lanes[self.first..self.first + self.count];
        let (places, rows) = self.rows(lanes);
        let offsets = &self.offsets[self.first..=self.first + self.count];
        let results = offsets[self.count] - offsets[0];
        let stored = rows.len() / self.shape.inputs;
        let mut sizes = self.shape.sizes(self.count as u64, stored as u64, results as u64, back);
        sizes.extend(further);
        pool.reserve(self.device, &sizes)?;

        let words: Vec<[u32; 4]> = (lanes.iter().zip(&places).zip(offsets))
            .map(|((lane, &row), output)| {
                [self.plan.first[lane.protocol as usize], row, (output - offsets[0]) as u32, 0]
            })
            .collect();
        let list: Vec<u32> = std::iter::once(0).chain(0..self.count as u32).collect();
        let queue = &self.device.queue;
        queue.write_buffer(pool.get(Role::Tables), 0, bytemuck::cast_slice(&self.plan.tables));
        self.write_reals(pool, Role::Numbers, &self.plan.numbers);
        self.write_reals(pool, Role::Settings, &self.plan.settings);
        self.write_reals(pool, Role::Rows, &rows);
        queue.write_buffer(pool.get(Role::Words), 0, bytemuck::cast_slice(&words));
        queue.write_buffer(pool.get(Role::Lists), 0, bytemuck::cast_slice(&list));
        self.device.device.poll(wgpu::PollType::Poll).ok();

        self.dispatches(pool)?;
        Ok(())
    }

    /// The rows that the lanes use, each once, and the place of each lane's row among them.
    fn rows(&self, lanes: &[Lane]) -> (Vec<u32>, Vec<f64>) {
        let width = self.batch.program.inputs.len();
        if width == 0 {
            return (vec![0; lanes.len()], vec![0.0]);
        }
        let mut known = vec![u32::MAX; self.batch.rows.len() / width];
        let mut rows = Vec::new();
        let places = lanes
            .iter()
            .map(|lane| {
                let place = &mut known[lane.row as usize];
                if *place == u32::MAX {
                    *place = (rows.len() / width) as u32;
                    rows.extend_from_slice(&self.batch.rows[lane.row as usize * width..][..width]);
                }
                *place
            })
            .collect();
        (places, rows)
    }

    pub fn write_reals(&self, pool: &Pool, role: Role, values: &[f64]) {
        let buffer = pool.get(role);
        match self.precision {
            Precision::F64 => self.device.queue.write_buffer(buffer, 0, bytemuck::cast_slice(values)),
            Precision::F32 => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                self.device.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&values));
            }
        }
    }

    pub fn bind(&self, pool: &Pool, layout: &BindGroupLayout, roles: &[Role]) -> BindGroup {
        let entries: Vec<BindGroupEntry> = roles
            .iter()
            .zip(0..)
            .map(|(&role, binding)| BindGroupEntry { binding, resource: pool.get(role).as_entire_binding() })
            .collect();
        self.device.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }

    /// Lets all lanes run until each has ended.
    fn dispatches(&self, pool: &Pool) -> Result<(), EngineError> {
        use Role::*;
        let integration = &self.compiled.integration;
        let lanes = self.count as u32;
        let roles = [Control, Tables, Numbers, Rows, Inputs, Reals, Words, Results, Lists, Settings];
        let integrate = self.bind(pool, &integration.layout, &roles);
        let compact = self.bind(pool, &self.compaction.layout, &[Control, Words, Lists]);
        let mut control = self::Control {
            lanes,
            stride: lanes,
            running: lanes,
            list_in: 1,
            list_out: 1 + lanes,
            max_steps: self.batch.settings.max_steps,
            pieces: self.plan.pieces,
            piece_numbers: self.plan.piece_numbers,
            ..Default::default()
        };
        let mut first = true;
        while control.running > 0 {
            control.budget = self.compiled.budget.load(Ordering::Relaxed);
            self.device.queue.write_buffer(pool.get(Control), 0, bytemuck::bytes_of(&control));
            let mut encoder = self.device.device.create_command_encoder(&Default::default());
            if first {
                // What a lane does not reach is 0, not what an earlier run left.
                encoder.clear_buffer(pool.get(Results), 0, None);
            }
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                pass.set_bind_group(0, &integrate, &[]);
                if first {
                    pass.set_pipeline(&integration.prepare);
                    pass.dispatch_workgroups(lanes.div_ceil(GROUP), 1, 1);
                }
                pass.set_pipeline(&integration.advance);
                pass.dispatch_workgroups(control.running.div_ceil(GROUP), 1, 1);
            }
            encoder.clear_buffer(pool.get(Lists), 0, Some(4));
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                pass.set_bind_group(0, &compact, &[]);
                pass.set_pipeline(&self.compaction.compact);
                pass.dispatch_workgroups(control.running.div_ceil(COMPACT_GROUP), 1, 1);
            }
            let began = Instant::now();
            let running: Vec<u32> = self.read(pool, encoder, &[(Lists, 0, 4)])?;
            // The first dispatch of all includes what the driver puts off until then.
            if !first {
                self.adapt(control.budget, began.elapsed().as_secs_f64());
            }
            first = false;
            control.running = running[0];
            std::mem::swap(&mut control.list_in, &mut control.list_out);
        }
        Ok(())
    }

    fn adapt(&self, budget: u32, seconds: f64) {
        let wanted = f64::from(budget) * (DISPATCH / seconds.max(1e-6)).clamp(0.125, 8.0);
        self.compiled.budget.store((wanted as u32).clamp(8, MOST_STEPS), Ordering::Relaxed);
    }

    /// Submits `encoder` with copies of parts of buffers behind it, waits, and returns their bytes one after the other.
    pub fn read<T: Pod>(
        &self,
        pool: &Pool,
        mut encoder: CommandEncoder,
        parts: &[(Role, u64, u64)],
    ) -> Result<Vec<T>, EngineError> {
        let staging = pool.get(Role::Staging);
        let mut size = 0;
        for &(role, offset, length) in parts {
            encoder.copy_buffer_to_buffer(pool.get(role), offset, staging, size, length);
            size += length;
        }
        self.device.queue.submit([encoder.finish()]);
        if size == 0 {
            return self.device.wait().map(|()| Vec::new());
        }
        let failed = |e: &dyn std::fmt::Display| EngineError::Device(format!("{}: {e}", self.device.info.name));
        let (sender, receiver) = std::sync::mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, 0..size, move |result| {
            let _ = sender.send(result);
        });
        self.device.wait()?;
        receiver.recv().map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        let view = staging.get_mapped_range(0..size).map_err(|e| failed(&e))?;
        let values = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        Ok(values)
    }

    /// The same for numbers of the kernels' precision.
    pub fn read_reals(
        &self,
        pool: &Pool,
        encoder: CommandEncoder,
        parts: &[(Role, u64, u64)],
    ) -> Result<Vec<f64>, EngineError> {
        match self.precision {
            Precision::F64 => self.read(pool, encoder, parts),
            Precision::F32 => Ok(self.read::<f32>(pool, encoder, parts)?.into_iter().map(f64::from).collect()),
        }
    }

    fn collect(&self, pool: &Pool, results: usize, outcomes: &mut Outcomes) -> Result<(), Fault> {
        let (lanes, real) = (self.count as u64, self.shape.real);
        let encoder = || self.device.device.create_command_encoder(&Default::default());
        let words: Vec<u32> = self.read(pool, encoder(), &[(Role::Words, 0, lanes * WORDS as u64 * 4)])?;
        let parts = [(Role::Results, 0, results as u64 * real), (Role::Reals, 0, REALS as u64 * lanes * real)];
        let reals = self.read_reals(pool, encoder(), &parts)?;
        let (values, clocks) = reals.split_at(results);
        let start = self.offsets[self.first];
        outcomes.outputs[start..start + results].copy_from_slice(values);
        for (i, lane) in self.batch.lanes[self.first..self.first + self.count].iter().enumerate() {
            let place = |item: usize| (item / 4 * self.count + i) * 4 + item % 4;
            let word = |item: usize| words[place(item)];
            let clock = |item: usize| clocks[place(item)];
            let status = match word(WORD_STATUS) {
                1 => Status::Finished,
                2 => Status::StepLimit,
                3 => Status::StepTooSmall,
                4 => Status::NotFinite,
                5 => Status::Unsettled,
                6 => Status::Undefined,
                other => {
                    let message = format!("{}: a lane ended with the status {other}", self.device.info.name);
                    return Err(EngineError::Device(message).into());
                }
            };
            let protocol = &self.batch.protocols[lane.protocol as usize];
            let finished = status == Status::Finished;
            outcomes.reports[self.first + i] = LaneReport {
                status,
                steps: word(WORD_STEPS),
                rejected: word(WORD_REJECTED),
                time: match protocol.segments.last() {
                    Some(last) if finished => last.until,
                    _ => clock(REAL_BASE) + clock(REAL_HIGH) + clock(REAL_LOW),
                },
                state: Some(word(WORD_WORST)).filter(|&state| !finished && state != NO_STATE),
            };
        }
        Ok(())
    }
}
