//! Readings: at the lane's time, and inside a step by the continuous extension of its method, as a reading ends no step.
//!
//! Each has an error estimate of its own; where that is above the tolerance, the step is tried again, so short that it is
//! not or that the step ends at the reading. What is at the end of a step that arrives somewhere (at a stop, or where a
//! switch turns) is recorded there, after the change.

use super::super::real::Real;
use super::super::tape::Slot;
use super::{Group, Which};
use crate::engine::method::{Continuous, MOST_STAGES};

impl<'a, R: Real, const V: usize> Group<'a, R, V> {
    pub(super) fn output_is_due(&mut self, column: usize) -> bool {
        let protocol = self.protocol(column);
        let state = self.state(column);
        state.deadline.is_none() && protocol.outputs.get(state.next_output) == Some(&state.time)
    }

    pub(super) fn write_outputs(&mut self, columns: &[usize]) {
        let due: Vec<usize> = columns.iter().copied().filter(|&column| self.output_is_due(column)).collect();
        let compiled = self.compiled;
        for part in due.chunks(self.narrow) {
            for (at, &column) in part.iter().enumerate() {
                self.fill(Which::Output, at, column);
                self.exact_truths(at, column);
            }
            compiled.output.run::<1>(self.level, &mut self.stages.output);
            for (at, &column) in part.iter().enumerate() {
                while self.output_is_due(column) {
                    self.write_output(at, column);
                }
            }
        }
    }

    /// Writes the lane's next output, which stands at place `at` of the small tape's storage.
    fn write_output(&mut self, at: usize, column: usize) {
        let directions = self.batch.tangents.len();
        let count = self.batch.program.outputs.len();
        let slots = self.compiled.output.outputs();
        let value = |i: usize| self.stages.output[slots[i] as usize * self.narrow + at].to_f64();
        let state = self.columns[column].as_mut().expect("an occupied column");
        let first = state.results + state.next_output * count;
        for i in 0..count {
            self.results.outputs[first + i] = value(i);
            for d in 0..directions {
                self.results.tangents[(first + i) * directions + d] = value(count + i * directions + d);
            }
        }
        state.next_output += 1;
        state.look_ahead(&self.batch.protocols[state.protocol]);
    }

    /// Records the readings that lie inside the steps that were accepted, before their new states are taken over.
    pub(super) fn read_inside(&mut self, accepted: &[bool]) {
        let compiled = self.compiled;
        let Some(continuous) = &compiled.continuous else { return };
        let mut due = Vec::new();
        for column in (0..self.width).filter(|&column| accepted[column]) {
            let Some(state) = &self.columns[column] else { continue };
            if state.reading <= state.end() {
                let protocol = &self.batch.protocols[state.protocol];
                due.extend(state.inside(protocol).iter().map(|&time| (column, time)));
            }
        }
        for part in due.chunks(self.narrow) {
            for (at, &(column, time)) in part.iter().enumerate() {
                self.fill_inside(continuous, Which::Output, at, column, time);
            }
            compiled.output.run::<1>(self.level, &mut self.stages.output);
            for (at, &(column, _)) in part.iter().enumerate() {
                self.write_output(at, column);
            }
        }
    }

    /// Whether the step just tried may be accepted for what is read inside it. That has to be as accurate as a step's end,
    /// and every condition that depends on the state has to hold there as it holds during the step. Where one does not,
    /// it turned twice in between, and the step is tried again up to the reading.
    pub(super) fn passes_readings(&mut self, column: usize, has_state_switches: bool) -> bool {
        let Some(continuous) = &self.compiled.continuous else { return true };
        let protocol = self.protocol(column);
        let state = self.state(column);
        if state.reach.is_none() || state.reading > state.end() {
            return true;
        }
        let mismatch = self.mismatch(continuous, column);
        let order = self.batch.settings.method.order();
        let state = self.state(column);
        state.learn(mismatch, order);
        let times = state.inside(protocol);
        let right = |&time: &f64| Continuous::error(state.share(time), mismatch) <= 1.0;
        let mut passes = times.iter().all(right);
        if passes && has_state_switches && !times.iter().all(|&time| self.switches_hold(continuous, column, time)) {
            self.state(column).reach = Some(0.0);
            passes = false;
        }
        if !passes {
            let state = self.state(column);
            state.report.rejected += 1;
            state.bracket = None;
        }
        passes
    }

    /// The largest mismatch of slopes at the end of the step just tried, among the states that are read, each in units of
    /// what a reading may be off by. (A mean over states, as for a step's error, lets a single one be off by its root.)
    fn mismatch(&self, continuous: &Continuous, column: usize) -> f64 {
        let settings = self.batch.settings;
        let states = self.compiled.read_states;
        let mut worst = 0.0_f64;
        for (i, stages) in self.kept(continuous.stages()).take(states) {
            let (new, old) = self.copies[i];
            let size = self.at(old, column).abs().max(self.at(new, column).abs());
            let off: f64 = continuous.mismatch.iter().zip(stages).map(|(w, &slot)| w * self.at(slot, column)).sum();
            let scaled = (off / (Continuous::ALLOWED * (settings.atol[i] + settings.rtol * size))).abs();
            // What is no number stays.
            worst = if scaled > worst || scaled.is_nan() { scaled } else { worst };
        }
        worst
    }

    fn switches_hold(&mut self, continuous: &Continuous, column: usize, time: f64) -> bool {
        self.fill_inside(continuous, Which::Switches, 0, column, time);
        self.compiled.switches.run::<1>(self.level, &mut self.stages.switches);
        let slots = self.compiled.switches.outputs();
        (0..slots.len()).all(|i| {
            let indicator = self.stages.switches[slots[i] as usize * self.narrow].to_f64();
            self.is_timed(i) || self.truth(i, indicator) == self.held(i, column)
        })
    }

    /// As [`Group::fill_at`], with what is read as the step just tried has it at `time`.
    fn fill_inside(&mut self, continuous: &Continuous, which: Which, at: usize, column: usize, time: f64) {
        self.fill_at(which, at, column, time, true);
        let Some(state) = &self.columns[column] else { return };
        let share = state.share(time);
        let count = continuous.stages();
        let mut weights = [0.0; MOST_STAGES];
        for (i, weight) in weights.iter_mut().enumerate().take(count) {
            *weight = continuous.weight(i, share, state.step);
        }
        let frame = self.compiled.frame;
        for (i, stages) in self.kept(count) {
            let (new, old) = self.copies[i];
            let mut value = (1.0 - share) * self.at(old, column) + share * self.at(new, column);
            for (weight, &slot) in weights.iter().zip(stages) {
                value += weight * self.at(slot, column);
            }
            let slot = i.checked_sub(frame.states).map_or(frame.state(i), |tangent| frame.tangent(tangent));
            let target = match which {
                Which::Switches => &mut self.stages.switches,
                _ => &mut self.stages.output,
            };
            target[slot * self.narrow + at] = R::from_f64(value);
        }
    }

    /// What is read, each with the slots of its `count` stages.
    fn kept(&self, count: usize) -> impl Iterator<Item = (usize, &'a [Slot])> + use<'a, R, V> {
        let compiled = self.compiled;
        let outputs = compiled.step.outputs();
        let kept = outputs[outputs.len() - count * compiled.read.len()..].chunks_exact(count);
        compiled.read.iter().copied().zip(kept)
    }

    fn at(&self, slot: Slot, column: usize) -> f64 {
        self.storage[slot as usize * self.width + column].to_f64()
    }
}
