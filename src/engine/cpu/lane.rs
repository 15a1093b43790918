//! Where a lane stands: its place in the protocol, its step size, its stops. Pure bookkeeping in f64.

use super::group::Waiting;
use crate::engine::method::Continuous;
use crate::engine::{LaneReport, Protocol, Status};

/// A step that is being shortened until it ends just behind the turn of a switch.
#[derive(Debug, Clone, Copy)]
pub struct Bracket {
    /// No switch turns in a step of this length, …
    pub low: f64,
    /// … one does in a step of this.
    pub high: f64,
    /// The switch, and its indicator at the two ends.
    pub switch: usize,
    pub low_value: f64,
    pub high_value: f64,
    pub tries: u32,
}

#[derive(Debug, Clone)]
pub struct LaneState {
    /// Its number in the batch.
    pub lane: usize,
    pub protocol: usize,
    pub segment: usize,
    pub next_output: usize,
    /// Where its results begin in the worker's list.
    pub results: usize,
    pub time: f64,
    /// The step that the controller proposes, and the one that is taken.
    pub proposal: f64,
    pub step: f64,
    /// How long a step may be that has readings inside; none where each ends a step.
    pub reach: Option<f64>,
    /// The next reading ahead; infinite if there is none, or while the lane settles.
    pub reading: f64,
    /// The next time that must be hit.
    pub ahead: f64,
    /// Where a step must end at the latest, for what must be hit or for a reading, and whether this step does.
    pub stop: f64,
    pub landing: bool,
    pub after_rejection: bool,
    /// The end of a settling segment, while in one.
    pub deadline: Option<f64>,
    /// Times at which switches turn, ascending.
    pub turns: Vec<f64>,
    pub bracket: Option<Bracket>,
    /// The relative resolution of the engine's numbers.
    pub resolution: f64,
    /// Turns without progress in time.
    pub turned_here: u32,
    /// The triggers of the events as last seen.
    pub triggers: Vec<bool>,
    /// Executions of events that wait for their time, in the order of their triggers.
    pub waiting: Vec<Waiting>,
    /// Random words drawn so far, to choose among events of the same priority.
    pub drawn: u64,
    pub report: LaneReport,
}

impl LaneState {
    pub fn new(lane: usize, protocol: usize, start: f64, results: usize, resolution: f64) -> Self {
        LaneState {
            lane,
            protocol,
            segment: 0,
            next_output: 0,
            results,
            time: start,
            proposal: 0.0,
            step: 0.0,
            reach: None,
            reading: f64::INFINITY,
            ahead: start,
            stop: start,
            landing: false,
            after_rejection: false,
            deadline: None,
            turns: Vec::new(),
            bracket: None,
            resolution,
            turned_here: 0,
            triggers: Vec::new(),
            waiting: Vec::new(),
            drawn: 0,
            report: LaneReport::default(),
        }
    }

    /// The end of the current segment on the lane's clock.
    pub fn segment_end(&self, protocol: &Protocol) -> f64 {
        self.deadline.unwrap_or(protocol.segments[self.segment].until)
    }

    /// Sets the next time that must be hit, and the next reading.
    pub fn aim(&mut self, protocol: &Protocol) {
        self.look_ahead(protocol);
        let mut stop = self.segment_end(protocol);
        if self.reach.is_none() {
            stop = stop.min(self.reading);
        }
        if let Some(&turn) = self.turns.iter().find(|&&turn| turn > self.time) {
            stop = stop.min(turn);
        }
        for waiting in self.waiting.iter().filter(|waiting| waiting.time > self.time) {
            stop = stop.min(waiting.time);
        }
        (self.ahead, self.stop) = (stop, stop);
    }

    /// Sets the next reading.
    pub fn look_ahead(&mut self, protocol: &Protocol) {
        let coming = protocol.outputs.get(self.next_output).copied();
        self.reading = coming.filter(|_| self.deadline.is_none()).unwrap_or(f64::INFINITY);
    }

    /// Chooses the step: to the stop if that is near, half way if a sliver would be left, else as proposed. Where a step as
    /// long as that would be wrong at a reading inside it, it is shorter, or the reading is its stop.
    pub fn choose_step(&mut self) {
        if let Some(bracket) = self.bracket {
            let narrow = bracket.is_narrow(self.time, self.resolution);
            self.step = if narrow { bracket.high } else { bracket.next() };
            self.landing = false;
            return;
        }
        self.stop = self.ahead;
        let mut length = self.proposal;
        if let Some(reach) = self.reach
            && length > reach
            && self.reading < f64::INFINITY
        {
            if reach <= self.reading - self.time {
                self.stop = self.stop.min(self.reading);
            } else {
                length = reach;
            }
        }
        let remaining = self.stop - self.time;
        self.landing = length >= remaining;
        self.step = if self.landing {
            remaining
        } else if 2.0 * length > remaining {
            0.5 * remaining
        } else {
            length
        };
    }

    /// Takes from the step just tried, whose mismatch of slopes has this size, how long one with readings may be.
    pub fn learn(&mut self, mismatch: f64, order: f64) {
        let factor = 0.9 * Continuous::largest_error(mismatch).powf(-1.0 / order);
        // Anything that is not a number says that nothing is known.
        self.reach = Some(if factor.is_nan() { 0.0 } else { self.step * factor.min(6.0) });
    }

    /// Where `time` is in the step just tried, as a share of it.
    pub fn share(&self, time: f64) -> f64 {
        ((time - self.time) / self.step).clamp(0.0, 1.0)
    }

    /// Where the step just tried ends.
    pub fn end(&self) -> f64 {
        if self.landing { self.stop } else { self.time + self.step }
    }

    /// The outputs that are due inside the step just tried. At its end only what nothing else will record: at a stop, or
    /// where a switch turns, outputs come after the change.
    pub fn inside<'a>(&self, protocol: &'a Protocol) -> &'a [f64] {
        let end = self.end();
        if self.reach.is_none() || self.reading > end {
            return &[];
        }
        let arrives = end == self.stop || self.bracket.is_some();
        let coming = &protocol.outputs[self.next_output..];
        &coming[..coming.partition_point(|&time| time < end || (time == end && !arrives))]
    }

    /// Whether a rejected step cannot be made smaller.
    pub fn is_stuck(&self) -> bool {
        self.proposal <= 8.0 * f64::EPSILON * self.time.abs() || self.proposal < self.smallest_step()
    }

    /// Far enough above the smallest number of the engine's type that a stage is not lost.
    fn smallest_step(&self) -> f64 {
        if self.resolution > 1e-10 { 1e-36 } else { 1e-290 }
    }

    pub fn fail(&mut self, status: Status) {
        self.report.status = status;
        self.report.time = self.time;
    }
}

impl Bracket {
    /// The next length to try: the secant's with the Illinois rule, and every third time the middle.
    fn next(&self) -> f64 {
        let width = self.high - self.low;
        let share = self.low_value.abs() / (self.low_value.abs() + self.high_value.abs());
        let share = if self.tries % 3 == 2 || !share.is_finite() { 0.5 } else { share.clamp(0.02, 0.98) };
        self.low + share * width
    }

    pub fn is_narrow(&self, time: f64, epsilon: f64) -> bool {
        let scale = (time + self.high).abs().max(self.high);
        self.high - self.low <= 4.0 * f64::EPSILON * scale + epsilon * self.high
    }
}
