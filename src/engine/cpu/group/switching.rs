//! Discontinuities: switches that turn at known times or when a state crosses a surface, and events.
//!
//! Within a step every switch keeps its truth, so the step sees a smooth right-hand side. A turn at a known time is a
//! stop. A turn that depends on the state is found by shortening the step until it ends just behind the crossing.

use super::super::lane::Bracket;
use super::super::real::Real;
use super::super::step::STATES;
use super::{Group, Which};
use crate::engine::cpu::lane::LaneState;

/// Rounds of events at one time before a lane is given up.
const MOST_ROUNDS: u32 = 64;
/// Turns in a row by crossings before a lane is given up: it slides along a surface.
const MOST_TURNS: u32 = 500;
const MOST_TRIES: u32 = 200;

impl<R: Real, const V: usize> Group<'_, R, V> {
    fn indicators(&mut self, column: usize, time: f64, tried: bool) -> Vec<f64> {
        self.fill_at(Which::Switches, 0, column, time, tried);
        self.compiled.switches.run::<1>(self.level, &mut self.stages.switches);
        let slots = self.compiled.switches.outputs();
        slots.iter().map(|&slot| self.stages.switches[slot as usize * self.narrow].to_f64()).collect()
    }

    fn truth(&self, switch: usize, indicator: f64) -> bool {
        indicator > 0.0 || (indicator == 0.0 && self.batch.program.switches[switch].inclusive)
    }

    fn held(&self, switch: usize, column: usize) -> bool {
        self.switches[switch * self.width + column].to_f64() != 0.0
    }

    fn is_timed(&self, switch: usize) -> bool {
        self.compiled.timed.binary_search(&switch).is_ok()
    }

    /// The times of the timed switches, for the lane's inputs.
    pub(super) fn read_turns(&mut self, column: usize) {
        self.fill(Which::Enter, 0, column);
        self.compiled.enter.run::<1>(self.level, &mut self.stages.enter);
        let first = self.compiled.statics + 2;
        let slots = &self.compiled.enter.outputs()[first..first + self.compiled.timed.len()];
        let mut turns: Vec<f64> =
            slots.iter().map(|&slot| self.stages.enter[slot as usize * self.narrow].to_f64()).collect();
        turns.retain(|turn| turn.is_finite());
        turns.sort_by(f64::total_cmp);
        self.state(column).turns = turns;
    }

    /// The truths that hold from now on: a timed switch by the middle of the time until the next turn, the others by
    /// the state as it is.
    fn coming_truths(&mut self, column: usize) -> Vec<bool> {
        let LaneState { time, turns, .. } = self.state(column);
        let time = *time;
        let next = turns.iter().copied().find(|&turn| turn > time).unwrap_or(time + 1.0_f64.max(time.abs()));
        let now = self.indicators(column, time, false);
        let later = self.indicators(column, 0.5 * (time + next), false);
        (0..now.len()).map(|i| self.truth(i, if self.is_timed(i) { later[i] } else { now[i] })).collect()
    }

    fn hold(&mut self, column: usize, truths: &[bool]) -> bool {
        let mut changed = false;
        for (switch, &truth) in truths.iter().enumerate() {
            changed |= self.held(switch, column) != truth;
            self.switches[switch * self.width + column] = R::from_f64(f64::from(truth));
        }
        changed
    }

    fn event_values(&mut self, column: usize) -> Vec<R> {
        self.fill(Which::Events, 0, column);
        self.compiled.events.run::<1>(self.level, &mut self.stages.events);
        let slots = self.compiled.events.outputs();
        slots.iter().map(|&slot| self.stages.events[slot as usize * self.narrow]).collect()
    }

    /// Truths and triggers at the start of a lane.
    pub(super) fn first_truths(&mut self, column: usize) {
        let exact: Vec<bool> = {
            let time = self.state(column).time;
            let now = self.indicators(column, time, false);
            (0..now.len()).map(|i| self.truth(i, now[i])).collect()
        };
        self.hold(column, &exact);
        let events = &self.batch.program.events;
        if !events.is_empty() {
            let values = self.event_values(column);
            self.state(column).triggers =
                events.iter().zip(&values).map(|(event, value)| !event.at_start && value.to_f64() != 0.0).collect();
        }
        // An endless cascade of events at the start shows again, and is reported, at the first turn.
        let _ = self.settle_switches(column);
    }

    /// Brings switches and events into agreement with the state. `None` if that does not end.
    pub(super) fn settle_switches(&mut self, column: usize) -> Option<bool> {
        let mut changed = false;
        for _ in 0..MOST_ROUNDS {
            let truths = self.coming_truths(column);
            let turned = self.hold(column, &truths);
            let fired = self.fire_events(column);
            changed |= turned || fired;
            if !fired {
                return Some(changed);
            }
        }
        None
    }

    /// Executes the events whose triggers have become true. All assignments see the values before the events.
    fn fire_events(&mut self, column: usize) -> bool {
        let events = &self.batch.program.events;
        if events.is_empty() {
            return false;
        }
        let values = self.event_values(column);
        let mut assigned = events.len();
        let mut fired = false;
        for (at, event) in events.iter().enumerate() {
            let trigger = values[at].to_f64() != 0.0;
            let was = std::mem::replace(&mut self.state(column).triggers[at], trigger);
            if trigger && !was {
                fired = true;
                for (offset, &(state, _)) in event.assignments.iter().enumerate() {
                    self.storage[(STATES + state) as usize * self.width + column] = values[assigned + offset];
                }
            }
            assigned += event.assignments.len();
        }
        fired
    }

    /// Whether the step just tried may be accepted: no switch turns in it, or one turns right at its end.
    pub(super) fn passes_switches(&mut self, column: usize) -> bool {
        let (time, step) = {
            let state = self.state(column);
            (state.time, state.step)
        };
        let after = self.indicators(column, time + step, true);
        let turning: Vec<usize> = (0..after.len())
            .filter(|&i| !self.is_timed(i) && self.truth(i, after[i]) != self.held(i, column))
            .collect();
        let old = self.state(column).bracket;
        if turning.is_empty() {
            let Some(mut bracket) = old else { return true };
            bracket.low = step;
            bracket.low_value = after[bracket.switch];
            bracket.tries += 1;
            self.state(column).bracket = Some(bracket);
            return false;
        }
        let bracket = match old {
            Some(old) => {
                let same = turning.contains(&old.switch);
                let switch = if same { old.switch } else { turning[0] };
                let low_value = if same { old.low_value } else { f64::NAN };
                Bracket { high: step, high_value: after[switch], switch, low_value, tries: old.tries + 1, ..old }
            }
            None => {
                let before = self.indicators(column, time, false);
                let share = |i: usize| before[i].abs() / (before[i].abs() + after[i].abs());
                let switch = *turning
                    .iter()
                    .min_by(|&&a, &&b| share(a).total_cmp(&share(b)))
                    .expect("at least one switch turns");
                let (low_value, high_value) = (before[switch], after[switch]);
                Bracket { low: 0.0, high: step, switch, low_value, high_value, tries: 0 }
            }
        };
        self.state(column).bracket = Some(bracket);
        bracket.is_narrow(time, R::EPSILON) || bracket.tries > MOST_TRIES
    }

    /// Turns what has to turn at the time reached. `None` if the lane makes no progress.
    pub(super) fn turn_switches(&mut self, column: usize) -> Option<bool> {
        let state = self.state(column);
        if state.turned_here > MOST_TURNS {
            return None;
        }
        let at_turn = state.turns.contains(&state.time);
        if !at_turn && state.turned_here == 0 {
            return Some(false);
        }
        if at_turn && self.output_is_due(column) {
            // A strict condition turns only after this time: what is recorded here is from before.
            let time = self.state(column).time;
            let now = self.indicators(column, time, false);
            let turns_now = (0..now.len()).any(|i| self.is_timed(i) && self.truth(i, now[i]) != self.held(i, column));
            if !turns_now {
                self.write_outputs(&[column]);
            }
        }
        self.settle_switches(column)
    }

    /// For an output: timed switches as they are at this very time.
    pub(super) fn exact_truths(&mut self, at: usize, column: usize) {
        if self.compiled.timed.is_empty() {
            return;
        }
        let time = self.state(column).time;
        let now = self.indicators(column, time, false);
        for &switch in &self.compiled.timed {
            let truth = R::from_f64(f64::from(self.truth(switch, now[switch])));
            self.stages.output[self.compiled.frame.switch(switch) * self.narrow + at] = truth;
        }
    }
}
