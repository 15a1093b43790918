//! Engines integrate batches of lanes. One lane is one instance: a row of inputs under a protocol.
//!
//! `Err` is for set-up and device faults alone; what happens to a lane is told in its [`LaneReport`].

mod automatic;
pub mod cpu;
pub mod gpu;
mod guarded;
pub mod method;
mod reduction;
mod sizes;

pub use automatic::{Race, choose, stiff_method};
pub use guarded::Guarded;
pub use reduction::{Law, Misfit, Number, Reduced, Reduction, Residual};
pub use sizes::magnitudes;

use crate::program::Program;

/// Integrates batches. The answer for a lane depends on that lane and the settings alone, bit for bit: not on the
/// other lanes, on threads, or on how the batch was cut up.
pub trait Engine: Sync {
    /// For reports: "cpu", or the adapter's name.
    fn name(&self) -> String;
    /// The instruction set or backend, for reports: "AVX-512", "Vulkan".
    fn detail(&self) -> String;
    fn precision(&self) -> Precision;
    /// What the bytes of a result depend on beside its batch. Two engines that say the same give the same.
    fn arithmetic(&self) -> String {
        format!("{}, {}, {:?}", self.name(), self.detail(), self.precision())
    }
    /// Why this engine cannot run `program` (with tangents if asked), if it cannot.
    fn declines(&self, program: &Program, tangents: bool) -> Option<String>;
    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError>;
    /// Runs `batch`, without tangents, and returns only what `reduction` makes of it. `None` where the engine does not
    /// do that (for this batch): then there is nothing to be gained over [`Engine::run`].
    fn reduce(&self, batch: &Batch, reduction: &Reduction) -> Result<Option<Reduced>, EngineError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    F32,
    F64,
}

/// What is integrated.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub program: &'a Program,
    pub lanes: &'a [Lane],
    /// Rows of inputs: `rows[row * program.inputs.len() + input]`.
    pub rows: &'a [f64],
    pub protocols: &'a [Protocol],
    /// Inputs to differentiate by; empty for a plain run.
    pub tangents: &'a [u32],
    pub settings: &'a Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Index of its row of inputs.
    pub row: u32,
    /// Index of its protocol.
    pub protocol: u32,
}

/// What is done to a lane over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// The time at which the initial state holds.
    pub start: f64,
    /// One after the other; the next begins where the last ended. At least one.
    pub segments: Vec<Segment>,
    /// Ascending, all within the segments that are not settled. An output at the time of a change is taken after it.
    pub outputs: Vec<f64>,
}

impl Protocol {
    /// Whether an output lies inside a segment rather than at one of its ends.
    fn reads_inside(&self) -> bool {
        let mut ends = self.segments.iter().map(|segment| segment.until).peekable();
        self.outputs.iter().any(|&time| {
            while ends.next_if(|&end| end < time).is_some() {}
            time != self.start && ends.peek() != Some(&time)
        })
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Segment {
    /// Inputs that have another value from the beginning of this segment on (until set again).
    pub set: Vec<(u32, f64)>,
    /// Added to states at the beginning.
    pub add: Vec<(u32, f64)>,
    /// The segment's end.
    pub until: f64,
    /// Integrate until the state stands still rather than to the end; time then jumps to `until`. The length of the
    /// segment is not used; `settle` is the longest time allowed, in the model's unit.
    pub settle: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub method: Method,
    pub rtol: f64,
    /// One for each state.
    pub atol: Vec<f64>,
    /// Accepted and rejected steps a lane may take.
    pub max_steps: u32,
    /// The first step is divided by this (a retry sets it above 1).
    pub caution: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Rodas4P,
    Rodas5P,
    /// Explicit. It hovers about a steady state within the tolerance, so a settling segment may end as
    /// [`Status::Unsettled`].
    Tsit5,
}

/// What came of a batch.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// For each lane the place of its first output in `outputs`; one more entry at the end.
    /// A lane's outputs are `[time][output]`. Those not reached are 0 (see the report).
    pub offsets: Vec<usize>,
    pub outputs: Vec<f64>,
    /// `tangents[k * batch.tangents.len() + direction]` belongs to `outputs[k]`; empty for a plain run.
    pub tangents: Vec<f64>,
    pub reports: Vec<LaneReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LaneReport {
    pub status: Status,
    pub steps: u32,
    pub rejected: u32,
    /// The time reached.
    pub time: f64,
    /// At a failure, the state that was not finite or that changed most in units of its tolerance.
    pub state: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Status {
    #[default]
    Finished,
    StepLimit,
    StepTooSmall,
    NotFinite,
    /// A settling segment did not come to rest in its time.
    Unsettled,
    /// A rate is infinite or undefined where the lane starts, and a start a little later does not help.
    Undefined,
    /// The outputs are there, but a sensitivity of one of them is infinite or undefined.
    NoSlope,
    /// A delay was negative or no number, or too many events wait for their time.
    BadDelay,
}

impl Status {
    /// What happened, and what may help.
    pub fn advice(self) -> &'static str {
        match self {
            Status::Finished => "finished",
            Status::StepLimit => "reached the step limit: raise max_steps, loosen rtol, or look for an oscillation",
            Status::StepTooSmall => {
                "the step became too small: a discontinuity, a blow-up or events that set each other off near this time"
            }
            Status::NotFinite => "a value was not finite: a division by zero or an overflow near this time",
            Status::Unsettled => "did not come to rest before the compound was added: raise the settling time",
            Status::Undefined => {
                "a rate is infinite or undefined there (0/0, a logarithm or a negative power of 0): write the law so that \
                 it has a value, or start from a value above 0"
            }
            Status::NoSlope => {
                "a sensitivity is infinite or undefined (a root or a power below one of what is 0): the values are \
                 right, derivatives have to be differences"
            }
            Status::BadDelay => "the delay of an event was negative or no number, or 10000 events were waiting",
        }
    }
}

#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum EngineError {
    #[error("no adapter: {0}")]
    NoAdapter(String),
    #[error("the engine cannot run this program: {0}")]
    Declined(String),
    #[error("the device failed: {0}")]
    Device(String),
}
