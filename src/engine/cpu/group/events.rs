//! Events: triggers that have turned, what waits for its time, and the order in which it is done.
//!
//! As SBML Level 3 says it: a trigger that turns true puts one execution of its event into a queue. Of those that are
//! due the one with the greatest priority is done first; then all triggers are looked at again, so that one event can
//! set off another or, where that is not persistent, call it off. Which of several events with the same priority goes
//! first is drawn, as SBML asks for; every lane makes the same draws, so that runs can be repeated and an objective does
//! not jump. Events without a priority go in the order in which their triggers turned, and of those that turned together
//! the one that stands first in the model.

use super::super::real::Real;
use super::super::step::STATES;
use super::{Group, Which};
use crate::engine::Status;
use crate::model::Event;
use crate::random::Stream;

/// Executions at one time, for each event, before a lane is given up.
const MOST_ROUNDS: usize = 64;
/// Executions of one lane that may wait at one time.
const MOST_WAITING: usize = 10_000;

/// An execution that waits for its time.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub time: f64,
    /// Whether its trigger turned just after a time, so that it is due just after its own.
    after: bool,
    event: usize,
    /// The new values, if they are those of when the trigger turned.
    values: Option<Vec<f64>>,
}

/// Which side of a time at which conditions turn is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The very time: `time > 5` is false at 5.
    Exact,
    /// Just after it.
    After,
}

impl Waiting {
    pub fn is_due(&self, time: f64, moment: Moment) -> bool {
        self.time < time || self.time == time && (!self.after || moment == Moment::After)
    }
}

/// What an event's formulas amount to.
struct Found {
    trigger: bool,
    delay: f64,
    priority: f64,
    /// Values and what they are multiplied by.
    values: Vec<(f64, f64)>,
}

impl<R: Real, const V: usize> Group<'_, R, V> {
    fn look_at_events(&mut self, column: usize) -> Vec<Found> {
        self.fill(Which::Events, 0, column);
        self.compiled.events.run::<1>(self.level, &mut self.stages.events);
        let slots = self.compiled.events.outputs();
        let mut values = slots.iter().map(|&slot| self.stages.events[slot as usize * self.narrow].to_f64());
        let mut next = || values.next().unwrap_or(f64::NAN);
        let found = |event: &Event| Found {
            trigger: next() != 0.0,
            delay: event.delay.map_or(0.0, |_| next()),
            priority: event.priority.map_or(0.0, |_| next()),
            values: event.assignments.iter().map(|a| (next(), a.size.map_or(1.0, |_| next()))).collect(),
        };
        self.batch.program.events.iter().map(found).collect()
    }

    /// The triggers at the start of a lane: those of events that may happen there count as having been false.
    pub(super) fn first_triggers(&mut self, column: usize) {
        let events = &self.batch.program.events;
        if !events.is_empty() {
            let found = self.look_at_events(column);
            self.state(column).triggers =
                events.iter().zip(found).map(|(event, found)| !event.at_start && found.trigger).collect();
        }
    }

    /// Brings switches and events into agreement with the state; whether that changed anything. Fails the lane if it
    /// does not end.
    pub(super) fn settle_switches(&mut self, column: usize, moment: Moment) -> bool {
        let rounds = MOST_ROUNDS * self.batch.program.events.len().max(1);
        let mut changed = false;
        for _ in 0..rounds {
            let truths = self.truths(column, moment);
            changed |= self.hold(column, &truths);
            match self.next_event(column, moment) {
                Ok(true) => changed = true,
                Ok(false) => return changed,
                Err(status) => {
                    self.state(column).fail(status);
                    return changed;
                }
            }
        }
        self.state(column).fail(Status::StepTooSmall);
        changed
    }

    /// Whether an execution is due at the lane's time.
    pub(super) fn event_is_due(&mut self, column: usize, moment: Moment) -> bool {
        let state = self.state(column);
        state.waiting.iter().any(|waiting| waiting.is_due(state.time, moment))
    }

    /// Notes the triggers that have turned, then does the first event that is due. False if none is.
    fn next_event(&mut self, column: usize, moment: Moment) -> Result<bool, Status> {
        let events = &self.batch.program.events;
        if events.is_empty() {
            return Ok(false);
        }
        let found = self.look_at_events(column);
        let state = self.state(column);
        for (at, (event, found)) in events.iter().zip(&found).enumerate() {
            let was = std::mem::replace(&mut state.triggers[at], found.trigger);
            if found.trigger && !was {
                // A delay that is no time at all cannot be waited for.
                if found.delay.is_nan() || found.delay < 0.0 || state.waiting.len() >= MOST_WAITING {
                    return Err(Status::BadDelay);
                }
                let values = event.from_trigger.then(|| found.values.iter().map(|(value, _)| *value).collect());
                let after = moment == Moment::After;
                state.waiting.push(Waiting { time: state.time + found.delay, after, event: at, values });
            } else if was && !found.trigger && !event.persistent {
                state.waiting.retain(|waiting| waiting.event != at);
            }
        }
        let priority = |waiting: &Waiting| {
            let priority = found[waiting.event].priority;
            if priority.is_nan() { f64::NEG_INFINITY } else { priority }
        };
        let due: Vec<usize> =
            (0..state.waiting.len()).filter(|&i| state.waiting[i].is_due(state.time, moment)).collect();
        let Some(greatest) = due.iter().map(|&i| priority(&state.waiting[i])).max_by(f64::total_cmp) else {
            return Ok(false);
        };
        let equal: Vec<usize> = due.into_iter().filter(|&i| priority(&state.waiting[i]) == greatest).collect();
        let asked_for = |i: &&usize| events[state.waiting[**i].event].priority.is_some();
        let first = match equal.iter().filter(asked_for).count() {
            0 | 1 => equal[0],
            _ => {
                let mut stream = Stream::new(0, 0).at(state.drawn);
                let first = equal[stream.below(equal.len())];
                state.drawn = stream.position();
                first
            }
        };
        let Waiting { event, values, .. } = state.waiting.remove(first);
        for (i, assignment) in events[event].assignments.iter().enumerate() {
            let (now, size) = found[event].values[i];
            let value = values.as_ref().map_or(now, |values| values[i]) * size;
            self.storage[(STATES + assignment.state) as usize * self.width + column] = R::from_f64(value);
        }
        Ok(true)
    }
}
