//! Reduces what the lanes of a part left on the device, so that a few numbers for each point come back and not the
//! outputs of every lane. `shaders/reduce.wgsl` is the other side of it.

use super::buffers::{Fault, Pool, Role};
use super::device::Device;
use super::pipelines::Reducer;
use super::run::{GROUP, Part, Shape, fits, most_that};
use crate::engine::{Batch, Law, Misfit, Number, Reduced, Reduction, Residual};
use bytemuck::{Pod, Zeroable};
use std::collections::HashMap;

/// Iterations of all loops of a kernel's invocation together: lavapipe ends them after 65,535 in silence.
const MOST_ITERATIONS: usize = 60_000;
/// Residuals are dealt out to so many invocations.
const SCORERS: usize = GROUP as usize;
const NOTHING: u32 = u32::MAX;

/// `Scheme` of the shader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Header {
    points: u32,
    lanes: u32,
    runs: u32,
    cells: u32,
    slots: u32,
    residuals: u32,
    first: u32,
    numbers: u32,
    constants: u32,
}

/// A reduction, flattened for the device.
#[derive(Debug, PartialEq)]
pub struct Scheme {
    header: Header,
    places: Vec<u32>,
    constants: Vec<f64>,
    scores: bool,
}

impl Scheme {
    /// `None` for what the kernels do not do: lanes, slots or numbers that do not lie as they should, runs without
    /// outputs, and more cells or residuals than a loop may have.
    pub fn new(batch: &Batch, reduction: &Reduction) -> Option<Scheme> {
        let Reduction { runs, cells, misfit } = *reduction;
        let width = |lane: usize| {
            batch.protocols[batch.lanes[lane].protocol as usize].outputs.len() * batch.program.outputs.len()
        };
        let per_point = runs * cells;
        let regular = (1..=batch.lanes.len()).contains(&per_point)
            && batch.lanes.len().is_multiple_of(per_point)
            && (0..batch.lanes.len()).all(|lane| width(lane) == width(lane % per_point / cells * cells));
        if !regular || cells + cells / SCORERS > MOST_ITERATIONS || (0..runs).any(|run| width(run * cells) == 0) {
            return None;
        }
        let mut scheme = Scheme {
            header: Header { runs: runs as u32, cells: cells as u32, ..Header::default() },
            places: Vec::new(),
            constants: Vec::new(),
            scores: misfit.is_some(),
        };
        let mut slots = 0;
        for run in 0..runs {
            let width = width(run * cells);
            for output in 0..width {
                scheme.places.extend([slots * cells + output, width, run].map(|word| word as u32));
            }
            slots += width;
        }
        scheme.header.slots = slots as u32;
        if let Some(misfit) = misfit {
            let work = |i: usize| 1 + misfit.residuals[i].above.len() + misfit.residuals[i].below.len();
            let share = |from: usize| (from..misfit.residuals.len()).step_by(SCORERS).map(work).sum::<usize>();
            let parts = |residual: &Residual| residual.above.iter().chain(&residual.below).all(|part| part.1 < slots);
            if (0..SCORERS).any(|from| share(from) > MOST_ITERATIONS)
                || !misfit.residuals.iter().all(parts)
                || misfit.numbers.len() != batch.lanes.len() / per_point * misfit.count
            {
                return None;
            }
            scheme.residuals(&misfit);
        }
        Some(scheme)
    }

    fn residuals(&mut self, misfit: &Misfit) {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let constants = &mut self.constants;
        let mut constant = |value: f64| {
            *known.entry(value.to_bits()).or_insert_with(|| {
                constants.push(value);
                constants.len() as u32 - 1
            })
        };
        let (mut heads, mut parts): (Vec<[Place; 10]>, Vec<u32>) = Default::default();
        for residual in misfit.residuals {
            let (law, df) = match residual.law {
                Law::Normal => (0, None),
                Law::LogNormal => (1, None),
                Law::StudentT { df } => (2, Some(df)),
                Law::Laplace => (3, None),
            };
            let mut number = |number: Number| match number {
                Number::Constant(value) => Place::Fixed(constant(value)),
                Number::OfPoint(index) => Place::OfPoint(index as u32),
            };
            heads.push([
                Place::Fixed(law),
                number(Number::Constant(residual.value)),
                number(residual.offset),
                number(residual.scale),
                number(residual.sd),
                residual.relative.map_or(Place::Fixed(NOTHING), &mut number),
                df.map_or(Place::Fixed(NOTHING), |df| number(Number::Constant(df))),
                Place::Part(parts.len() as u32),
                Place::Fixed(residual.above.len() as u32),
                Place::Fixed(residual.below.len() as u32),
            ]);
            for &(coefficient, slot) in residual.above.iter().chain(&residual.below) {
                parts.extend([slot as u32, constant(coefficient)]);
            }
        }
        // Where things begin is known only now.
        let first = self.places.len() as u32;
        let behind = first + 10 * heads.len() as u32;
        let before = self.constants.len() as u32;
        self.places.extend(heads.into_iter().flatten().map(|place| match place {
            Place::Fixed(word) => word,
            Place::OfPoint(index) => before + index,
            Place::Part(at) => behind + at,
        }));
        self.places.extend(parts);
        self.header.first = first;
        self.header.residuals = misfit.residuals.len() as u32;
        self.header.numbers = misfit.count as u32;
        self.header.constants = before;
    }

    fn lanes(&self) -> usize {
        (self.header.runs * self.header.cells) as usize
    }

    /// Numbers that come back for each point.
    fn values(&self) -> usize {
        if self.scores { 1 } else { self.header.slots as usize }
    }

    pub fn points(&self, batch: &Batch) -> usize {
        batch.lanes.len() / self.lanes()
    }

    fn sizes(&self, points: u64, real: u64) -> [(Role, u64); 6] {
        let numbers = self.constants.len() as u64 + points * u64::from(self.header.numbers);
        [
            (Role::Scheme, size_of::<Header>() as u64),
            (Role::Places, self.places.len() as u64 * 4),
            (Role::Figures, (numbers * real).max(16)),
            (Role::Slots, points * u64::from(self.header.slots) * real),
            (Role::Failed, (points * 4).max(16)),
            (Role::Scores, (points * real).max(16)),
        ]
    }

    /// How many of `most` points fit into the device's limits at a time; 0 if not even one does.
    pub fn fitting(&self, device: &Device, shape: &Shape, most: usize) -> usize {
        let fitting = |points: usize| {
            let (lanes, results) = (self.lanes() * points, points as u64 * self.results());
            let mut sizes = shape.sizes(lanes as u64, lanes as u64, results, self.back(points, shape.real));
            sizes.extend(self.sizes(points as u64, shape.real));
            results < u64::from(u32::MAX) && fits(device, lanes, &sizes)
        };
        most_that(most, fitting)
    }

    /// Outputs of all lanes of a point.
    fn results(&self) -> u64 {
        u64::from(self.header.slots) * u64::from(self.header.cells)
    }

    fn back(&self, points: usize, real: u64) -> u64 {
        points as u64 * (self.values() as u64 * real).max(4)
    }
}

/// A word of a residual's head before the tables are complete.
enum Place {
    Fixed(u32),
    /// A number of a point.
    OfPoint(u32),
    /// Where its parts begin among all parts.
    Part(u32),
}

impl Part<'_> {
    /// Integrates the part, whose lanes are those of whole points, and adds what comes of them to `reduced`.
    pub fn reduce(
        &self,
        pool: &mut Pool,
        reducer: &Reducer,
        scheme: &Scheme,
        numbers: &[f64],
        reduced: &mut Reduced,
    ) -> Result<(), Fault> {
        use Role::*;
        let points = self.count / scheme.lanes();
        let real = self.shape.real;
        self.integrate(pool, scheme.back(points, real), &scheme.sizes(points as u64, real))?;

        let header = Header { points: points as u32, lanes: self.count as u32, ..scheme.header };
        let queue = &self.device.queue;
        queue.write_buffer(pool.get(Scheme), 0, bytemuck::bytes_of(&header));
        queue.write_buffer(pool.get(Places), 0, bytemuck::cast_slice(&scheme.places));
        let per_point = scheme.header.numbers as usize;
        let first = self.first / scheme.lanes() * per_point;
        let mut figures = scheme.constants.clone();
        figures.extend(&numbers[first..first + points * per_point]);
        self.write_reals(pool, Figures, &figures);

        let roles = [Scheme, Places, Figures, Words, Results, Slots, Failed, Scores];
        let bindings = self.bind(pool, &reducer.layout, &roles);
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(pool.get(Failed), 0, None);
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_bind_group(0, &bindings, &[]);
            let mut dispatch = |pipeline, groups: usize| {
                // More groups than one dimension takes go on in the next.
                let across = groups.min(self.device.limits.max_compute_workgroups_per_dimension as usize);
                pass.set_pipeline(pipeline);
                pass.dispatch_workgroups(across as u32, groups.div_ceil(across) as u32, 1);
            };
            dispatch(&reducer.average, (points * scheme.header.slots as usize).div_ceil(GROUP as usize));
            if scheme.scores {
                dispatch(&reducer.score, points);
            }
        }
        let role = if scheme.scores { Scores } else { Slots };
        let values = self.read_reals(pool, encoder, &[(role, 0, (points * scheme.values()) as u64 * real)])?;
        let encoder = self.device.device.create_command_encoder(&Default::default());
        let failed: Vec<u32> = self.read(pool, encoder, &[(Failed, 0, points as u64 * 4)])?;
        let finite = |point: usize| values[point * scheme.values()..][..scheme.values()].iter().all(|v| v.is_finite());
        reduced.failed.extend(failed.iter().enumerate().map(|(point, &failed)| failed != 0 || !finite(point)));
        reduced.values.extend(values);
        Ok(())
    }
}
