//! A group of lanes that step together, each with its own step size. A lane that ends makes room for the next.

mod events;
mod readings;
mod settled;
mod start;
mod switching;

pub use events::Waiting;
pub use settled::{Plan, Settled};

use super::compiled::{Compiled, Frame};
use super::execute::blend;
use super::lane::LaneState;
use super::real::Real;
use super::step::{STATES, STEP, TIME};
use super::storage::Storage;
use super::tape::Slot;
use crate::engine::{Batch, LaneReport, Protocol, Status};
use events::Moment;
use fearless_simd::Level;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a worker brings back.
#[derive(Debug)]
pub struct Results<R> {
    /// `(lane, place of its first output)`
    pub lanes: Vec<(usize, usize, LaneReport)>,
    pub outputs: Vec<f64>,
    pub tangents: Vec<f64>,
    /// Lanes that settled, or failed to.
    pub settled: Vec<(usize, Settled<R>)>,
}

impl<R> Default for Results<R> {
    fn default() -> Self {
        Results { lanes: Vec::new(), outputs: Vec::new(), tangents: Vec::new(), settled: Vec::new() }
    }
}

/// What a group does with the lanes that it takes from the queue.
#[derive(Clone, Copy)]
pub enum Task<'a, R> {
    /// Settles the leaders of the plan.
    Settle(&'a Plan),
    /// Runs all lanes to their end, those that settle first from where their leader came to rest.
    Run(&'a Plan, &'a [Settled<R>]),
}

/// A step to a turn that is shorter than this part of the time, and of what is left of it, counts as none.
const NO_PROGRESS: f64 = 1e-11;

pub struct Group<'a, R, const V: usize> {
    level: Level,
    batch: &'a Batch<'a>,
    compiled: &'a Compiled<R>,
    task: Task<'a, R>,
    /// Lanes of the group, and of one native vector.
    width: usize,
    narrow: usize,
    storage: Storage<R>,
    /// 1 in the lanes whose step was accepted, and the slots to copy there.
    mask: Storage<R>,
    copies: Vec<(Slot, Slot)>,
    inputs: Vec<R>,
    switches: Vec<R>,
    columns: Vec<Option<LaneState>>,
    /// For each protocol, whether its readings lie inside steps; else each ends one.
    inside: Vec<bool>,
    stages: Stages<R>,
    results: Results<R>,
}

/// Storage of the small tapes.
struct Stages<R> {
    initial: Storage<R>,
    enter: Storage<R>,
    output: Storage<R>,
    switches: Storage<R>,
    events: Storage<R>,
}

impl<'a, R: Real, const V: usize> Group<'a, R, V> {
    pub fn new(
        level: Level,
        batch: &'a Batch<'a>,
        compiled: &'a Compiled<R>,
        task: Task<'a, R>,
        narrow: usize,
    ) -> Self {
        let width = narrow * V;
        let frame = &compiled.frame;
        // The error, the step factor and the rest stand between states and tangents.
        let new = compiled.step.outputs();
        let from = new[..frame.states].iter().chain(&new[frame.states + 3..]).copied();
        let copies = from.take(frame.states + frame.tangents).zip(STATES..).collect();
        Group {
            level,
            batch,
            compiled,
            task,
            width,
            narrow,
            storage: compiled.step.storage::<V>(width),
            mask: Storage::new(width),
            copies,
            inputs: vec![R::default(); compiled.frame.inputs * width],
            switches: vec![R::default(); compiled.frame.switches * width],
            columns: vec![None; width],
            inside: batch.protocols.iter().map(Protocol::reads_inside).collect(),
            stages: Stages {
                initial: compiled.initial.storage::<1>(narrow),
                enter: compiled.enter.storage::<1>(narrow),
                output: compiled.output.storage::<1>(narrow),
                switches: compiled.switches.storage::<1>(narrow),
                events: compiled.events.storage::<1>(narrow),
            },
            results: Results::default(),
        }
    }

    /// Takes lanes from the queue until it is empty and all have ended.
    pub fn work(mut self, queue: &AtomicUsize) -> Results<R> {
        // Idle columns step too; with a step of 1 they do no harm.
        self.storage[STEP as usize * self.width..][..self.width].fill(R::from_f64(1.0));
        loop {
            self.refill(queue);
            if self.columns.iter().all(Option::is_none) {
                return self.results;
            }
            for column in 0..self.width {
                if let Some(state) = &mut self.columns[column] {
                    state.choose_step();
                    self.storage[TIME as usize * self.width + column] = R::from_f64(state.time);
                    self.storage[STEP as usize * self.width + column] = R::from_f64(state.step);
                }
            }
            self.compiled.step.run::<V>(self.level, &mut self.storage);
            self.judge();
        }
    }

    fn refill(&mut self, queue: &AtomicUsize) {
        loop {
            let free: Vec<usize> = (0..self.width).filter(|&c| self.columns[c].is_none()).collect();
            let mut taken = Vec::new();
            for &column in free.iter().take(self.narrow) {
                let Some(lane) = self.next_lane(queue.fetch_add(1, Ordering::Relaxed)) else { break };
                self.admit(column, lane);
                taken.push(column);
            }
            if taken.is_empty() {
                return;
            }
            self.begin(&taken);
        }
    }

    fn next_lane(&self, at: usize) -> Option<usize> {
        match self.task {
            Task::Settle(plan) => plan.leaders.get(at).copied(),
            Task::Run(..) => (at < self.batch.lanes.len()).then_some(at),
        }
    }

    /// Puts a lane into a column; its state is computed by [`Group::begin`].
    fn admit(&mut self, column: usize, lane: usize) {
        let frame = &self.compiled.frame;
        let place = self.batch.lanes[lane];
        let protocol = &self.batch.protocols[place.protocol as usize];
        let row = &self.batch.rows[place.row as usize * frame.inputs..][..frame.inputs];
        for (at, &value) in row.iter().enumerate() {
            self.inputs[at * self.width + column] = R::from_f64(value);
        }
        let results = self.results.outputs.len();
        let count = match self.task {
            Task::Settle(_) => 0,
            Task::Run(..) => protocol.outputs.len() * self.batch.program.outputs.len(),
        };
        self.results.outputs.resize(results + count, 0.0);
        self.results.tangents.resize((results + count) * self.batch.tangents.len(), 0.0);
        self.columns[column] = Some(LaneState::new(lane, place.protocol as usize, protocol.start, results, R::EPSILON));
    }

    fn begin(&mut self, columns: &[usize]) {
        // The first segment's inputs hold from the start, also for initial values.
        columns.iter().for_each(|&column| self.set_inputs(column));
        let (settled, fresh): (Vec<usize>, Vec<usize>) =
            columns.iter().partition(|&&column| self.settled(column).is_some());
        self.initialise(&fresh);
        let mut begun: Vec<usize> = settled.into_iter().filter(|&column| self.resume(column)).collect();
        begun.extend(fresh);
        begun.retain(|&column| self.goes_on(column));
        let mut alive = self.record(&begun);
        alive.retain(|&column| {
            self.pass(column);
            self.goes_on(column)
        });
        self.enter(&alive);
    }

    fn initialise(&mut self, columns: &[usize]) {
        let compiled = self.compiled;
        for (at, &column) in columns.iter().enumerate() {
            self.fill(Which::Initial, at, column);
        }
        compiled.initial.run::<1>(self.level, &mut self.stages.initial);
        for (at, &column) in columns.iter().enumerate() {
            for (i, &slot) in compiled.initial.outputs().iter().enumerate() {
                let value = self.stages.initial[slot as usize * self.narrow + at];
                self.storage[(STATES as usize + i) * self.width + column] = value;
            }
            self.add_doses(column);
            if self.has_turns() {
                self.read_turns(column);
                self.first_truths(column);
            }
        }
    }

    fn protocol(&self, column: usize) -> &'a Protocol {
        let state = self.columns[column].as_ref().expect("an occupied column");
        &self.batch.protocols[state.protocol]
    }

    fn state(&mut self, column: usize) -> &mut LaneState {
        self.columns[column].as_mut().expect("an occupied column")
    }

    /// Sets the inputs that the current segment changes, and its deadline if it settles.
    fn set_inputs(&mut self, column: usize) {
        let protocol = self.protocol(column);
        let width = self.width;
        let state = self.state(column);
        let segment = &protocol.segments[state.segment];
        state.deadline = segment.settle.map(|longest| state.time + longest);
        for &(input, value) in &segment.set {
            self.inputs[input as usize * width + column] = R::from_f64(value);
        }
    }

    fn add_doses(&mut self, column: usize) {
        let protocol = self.protocol(column);
        let segment = self.state(column).segment;
        for &(state, amount) in &protocol.segments[segment].add {
            let at = (STATES + state) as usize * self.width + column;
            self.storage[at] = R::from_f64(self.storage[at].to_f64() + amount);
        }
    }

    /// Copies a lane into place `at` of a small tape's storage.
    fn fill(&mut self, which: Which, at: usize, column: usize) {
        let time = self.state(column).time;
        self.fill_at(which, at, column, time, false);
    }

    /// As [`Group::fill`] at another time, or with the states at the end of the step that was just tried.
    fn fill_at(&mut self, which: Which, at: usize, column: usize, time: f64, tried: bool) {
        let frame = self.compiled.frame;
        let (width, narrow) = (self.width, self.narrow);
        let target = match which {
            Which::Initial => &mut self.stages.initial,
            Which::Enter => &mut self.stages.enter,
            Which::Output => &mut self.stages.output,
            Which::Switches => &mut self.stages.switches,
            Which::Events => &mut self.stages.events,
        };
        let mut put = |slot: usize, value: R| target[slot * narrow + at] = value;
        put(Frame::TIME, R::from_f64(time));
        for i in 0..frame.states {
            let slot = if tried { self.compiled.step.outputs()[i] as usize } else { STATES as usize + i };
            put(frame.state(i), self.storage[slot * width + column]);
        }
        for i in 0..frame.inputs {
            put(frame.input(i), self.inputs[i * width + column]);
        }
        for i in 0..frame.switches {
            put(frame.switch(i), self.switches[i * width + column]);
        }
        for i in 0..frame.tangents {
            put(frame.tangent(i), self.storage[(STATES as usize + frame.states + i) * width + column]);
        }
    }

    /// Computes what depends on inputs and switches, and a first step. At most one native vector of columns at a time.
    fn enter(&mut self, columns: &[usize]) {
        let compiled = self.compiled;
        let mut undefined = Vec::new();
        for part in columns.chunks(self.narrow) {
            for (at, &column) in part.iter().enumerate() {
                self.fill(Which::Enter, at, column);
            }
            compiled.enter.run::<1>(self.level, &mut self.stages.enter);
            for (at, &column) in part.iter().enumerate() {
                let outputs = compiled.enter.outputs();
                let value = |i: usize| self.stages.enter[outputs[i] as usize * self.narrow + at];
                let head = STATES as usize + compiled.frame.states + compiled.frame.tangents;
                for i in 0..compiled.statics {
                    self.storage[(head + i) * self.width + column] = value(i);
                }
                let size = value(compiled.statics).to_f64().sqrt();
                let slope = value(compiled.statics + 1).to_f64().sqrt();
                if !value(compiled.statics + 2 + compiled.timed.len()).to_f64().is_finite() {
                    undefined.push(column);
                }
                self.first_step(column, size, slope);
            }
        }
        for column in undefined {
            self.begin_later(column);
        }
    }

    /// After a step: accepts or rejects it for each lane and does what is due at the time reached.
    fn judge(&mut self) {
        let compiled = self.compiled;
        let frame = compiled.frame;
        let outputs = compiled.step.outputs();
        let error_at = outputs[frame.states] as usize * self.width;
        let factor_at = outputs[frame.states + 1] as usize * self.width;
        let rest_at = outputs[frame.states + 2] as usize * self.width;
        let has_state_switches = compiled.timed.len() < frame.switches;
        let mut accepted: Vec<bool> = vec![false; self.width];
        let mut arrived = Vec::new();
        let mut rested = Vec::new();
        let mut stuck = Vec::new();
        let mut standing = vec![false; self.width];
        for column in 0..self.width {
            let error = self.storage[error_at + column].to_f64();
            if let Some(rest_time) = self.rest_time(column) {
                // A right-hand side that is not a number leaves no finite error either.
                if error.is_finite() && self.storage[rest_at + column].to_f64() * rest_time <= 1.0 {
                    rested.push(column);
                    continue;
                }
                standing[column] = error <= 1.0 && self.stands_still(column, rest_time);
            }
            let Some(state) = &mut self.columns[column] else { continue };
            // Anything that is not a number fails this test.
            if error <= 1.0 {
                accepted[column] = true;
            } else {
                state.report.rejected += 1;
                state.bracket = None;
                let factor = self.storage[factor_at + column].to_f64();
                let factor = if error.is_finite() { factor.clamp(0.2, 1.0) } else { 0.25 };
                state.proposal = state.step * factor;
                state.after_rejection = true;
                if state.is_stuck() && !error.is_finite() {
                    stuck.push(column);
                } else if state.is_stuck() {
                    state.fail(Status::StepTooSmall);
                    arrived.push(column);
                } else if state.report.steps + state.report.rejected >= self.batch.settings.max_steps {
                    state.fail(Status::StepLimit);
                    arrived.push(column);
                }
            }
        }
        for column in stuck {
            if self.clear_nothings(column) {
                self.enter(&[column]);
            } else {
                self.state(column).fail(Status::NotFinite);
                arrived.push(column);
            }
        }
        for (column, accepted) in accepted.iter_mut().enumerate() {
            *accepted = *accepted
                && (!has_state_switches || self.passes_switches(column))
                && self.passes_readings(column, has_state_switches);
        }
        self.read_inside(&accepted);
        self.commit(&accepted);
        for column in 0..self.width {
            if !accepted[column] {
                continue;
            }
            let factor = self.storage[factor_at + column].to_f64();
            let max_steps = self.batch.settings.max_steps;
            let Some(state) = &mut self.columns[column] else { continue };
            state.report.steps += 1;
            let turned = state.bracket.take().is_some();
            let whole = state.step >= state.proposal;
            state.time = state.end();
            let moved = state.step > NO_PROGRESS * state.time.abs().max(state.stop - state.time);
            state.turned_here = if turned && !moved { state.turned_here + 1 } else { u32::from(turned) };
            let limit = if state.after_rejection { 1.0 } else { 6.0 };
            let next = state.step * factor.clamp(0.2, limit);
            // A step cut short by a stop says little about the length that would have been possible.
            state.proposal = if whole { next } else { next.max(state.proposal) };
            state.after_rejection = false;
            if standing[column] {
                rested.push(column);
            } else if state.time == state.stop || turned {
                arrived.push(column);
            } else if state.report.steps + state.report.rejected >= max_steps {
                state.fail(Status::StepLimit);
                arrived.push(column);
            }
        }
        if !rested.is_empty() || !arrived.is_empty() {
            self.arrive(&arrived, &rested);
        }
    }

    /// In a settling segment, the time over which nothing may move any more.
    fn rest_time(&self, column: usize) -> Option<f64> {
        let state = self.columns[column].as_ref()?;
        state.deadline?;
        // What waits for its time moves things yet.
        if !state.waiting.is_empty() {
            return None;
        }
        self.batch.protocols[state.protocol].segments[state.segment].settle.map(|longest| 0.01 * longest)
    }

    /// Whether the step just tried was long enough and moved nothing by more than its tolerance. In single precision
    /// the derivatives at rest are rounding noise, and this is what tells that a lane has come to rest.
    fn stands_still(&self, column: usize, rest_time: f64) -> bool {
        let settings = self.batch.settings;
        let compiled = self.compiled;
        let value = |slot: Slot| self.storage[slot as usize * self.width + column].to_f64();
        let tolerance = |state: usize| settings.atol[state] + settings.rtol * value(STATES + state as Slot).abs();
        let long_enough = self.columns[column].as_ref().is_some_and(|state| state.step >= rest_time);
        long_enough
            && self.copies.iter().enumerate().all(|(at, &(new, old))| {
                let change = (value(new) - value(old)).abs();
                match at.checked_sub(compiled.frame.states) {
                    None => change <= tolerance(at),
                    Some(tangent) => {
                        let (direction, state) = compiled.tangents.components[tangent];
                        let input = compiled.tangents.inputs[direction as usize] as usize;
                        let size = self.inputs[input * self.width + column].to_f64().abs();
                        change * size <= tolerance(state as usize)
                    }
                }
            })
    }

    /// Takes over the new states and tangents of the lanes whose step was accepted.
    fn commit(&mut self, accepted: &[bool]) {
        for (mask, &accepted) in self.mask.iter_mut().zip(accepted) {
            *mask = R::from_f64(f64::from(accepted));
        }
        blend::<R, V>(self.level, &mut self.storage, &self.mask, &self.copies);
    }

    /// Switch turns, ends of segments, readings and ends of lanes.
    fn arrive(&mut self, arrived: &[usize], rested: &[usize]) {
        let mut entering = Vec::new();
        let mut recording = Vec::new();
        for &column in rested {
            if let Task::Settle(_) = self.task {
                self.leave(column);
                continue;
            }
            self.jump(column);
            if self.goes_on(column) {
                recording.push(column);
                entering.push(column);
            }
        }
        for &column in arrived {
            if self.state(column).report.status != Status::Finished {
                self.finish(column);
                continue;
            }
            let protocol = self.protocol(column);
            let mut changed = false;
            if self.has_turns() {
                changed = self.turn_switches(column);
                if !self.goes_on(column) {
                    continue;
                }
            }
            let state = self.state(column);
            if state.time >= state.segment_end(protocol) {
                if state.deadline.is_some() {
                    state.fail(Status::Unsettled);
                    self.finish(column);
                    continue;
                }
                changed |= self.next_segments(column);
                if !self.goes_on(column) {
                    continue;
                }
            }
            recording.push(column);
            if changed {
                entering.push(column);
            }
        }
        let mut alive = self.record(&recording);
        alive.retain(|&column| {
            if self.pass(column) && !entering.contains(&column) {
                entering.push(column);
            }
            self.goes_on(column)
        });
        for &column in &alive {
            let protocol = self.protocol(column);
            self.state(column).aim(protocol);
        }
        entering.retain(|column| alive.contains(column));
        self.enter(&entering);
    }

    /// Whether anything in the program turns at a time or a state.
    fn has_turns(&self) -> bool {
        !self.batch.program.switches.is_empty() || !self.batch.program.events.is_empty()
    }

    /// Ends the lane if it has failed.
    fn goes_on(&mut self, column: usize) -> bool {
        let fine = self.state(column).report.status == Status::Finished;
        if !fine {
            self.finish(column);
        }
        fine
    }

    /// From rest to the end of the settling segment.
    fn jump(&mut self, column: usize) {
        let protocol = self.protocol(column);
        let state = self.state(column);
        state.time = protocol.segments[state.segment].until;
        state.deadline = None;
        self.next_segments(column);
    }

    /// Goes on to the segment that holds at the lane's time. False if the protocol has ended.
    fn next_segments(&mut self, column: usize) -> bool {
        let protocol = self.protocol(column);
        let mut changed = false;
        loop {
            let state = self.state(column);
            let over = state.deadline.is_none() && state.time >= protocol.segments[state.segment].until;
            if !over || state.segment + 1 >= protocol.segments.len() {
                break;
            }
            state.segment += 1;
            changed = true;
            self.set_inputs(column);
            self.add_doses(column);
        }
        if changed && self.has_turns() {
            self.read_turns(column);
            self.settle_switches(column, Moment::Exact);
        }
        changed
    }

    /// Records the outputs that are due, ends lanes that are through, and returns those that go on.
    fn record(&mut self, columns: &[usize]) -> Vec<usize> {
        self.write_outputs(columns);
        let over = |group: &mut Self, column: usize| {
            let protocol = group.protocol(column);
            let state = group.state(column);
            let last = state.segment + 1 == protocol.segments.len();
            last && state.deadline.is_none() && state.time >= protocol.segments[state.segment].until
        };
        let (ended, alive): (Vec<usize>, Vec<usize>) = columns.iter().partition(|&&column| over(self, column));
        ended.into_iter().for_each(|column| self.finish(column));
        alive
    }

    fn finish(&mut self, column: usize) {
        let failed = self.state(column).report.status != Status::Finished;
        let culprit = if failed { self.culprit(column) } else { None };
        self.end(column, culprit);
    }

    /// Ends a lane; `culprit` is the state that would not go on.
    fn end(&mut self, column: usize, culprit: Option<u32>) {
        let state = self.state(column);
        state.report.time = state.time;
        state.report.state = culprit;
        match self.task {
            Task::Settle(_) => self.leave(column),
            Task::Run(..) => self.hand_in(column),
        }
    }

    fn hand_in(&mut self, column: usize) {
        if let Some(state) = self.columns[column].take() {
            self.results.lanes.push((state.lane, state.results, state.report));
        }
        self.storage[STEP as usize * self.width + column] = R::from_f64(1.0);
    }
}

#[derive(Clone, Copy)]
pub(super) enum Which {
    Initial,
    Enter,
    Output,
    Switches,
    Events,
}
