//! Discontinuities: switches that turn at known times or when a state crosses a surface.
//!
//! Within a step every switch keeps its truth, so the step sees a smooth right-hand side. A turn at a known time is a
//! stop. A turn that depends on the state is found by shortening the step until it ends just behind the crossing.
//! At a stop the truths of that very time come first, then what is recorded there, then the truths just after it.

use super::super::lane::Bracket;
use super::super::real::Real;
use super::events::Moment;
use super::{Group, Which};
use crate::engine::Status;
use crate::engine::cpu::lane::LaneState;

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

    pub(super) fn truth(&self, switch: usize, indicator: f64) -> bool {
        indicator > 0.0 || (indicator == 0.0 && self.batch.program.switches[switch].inclusive)
    }

    pub(super) fn held(&self, switch: usize, column: usize) -> bool {
        self.switches[switch * self.width + column].to_f64() != 0.0
    }

    pub(super) fn is_timed(&self, switch: usize) -> bool {
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

    /// The truths at the lane's time by the state as it is. Just after it, a timed switch has that of the middle of
    /// the time until the next turn.
    pub(super) fn truths(&mut self, column: usize, moment: Moment) -> Vec<bool> {
        let LaneState { time, turns, .. } = self.state(column);
        let time = *time;
        let next = turns.iter().copied().find(|&turn| turn > time).unwrap_or(time + 1.0_f64.max(time.abs()));
        let now = self.indicators(column, time, false);
        let later =
            if moment == Moment::After { self.indicators(column, 0.5 * (time + next), false) } else { now.clone() };
        (0..now.len()).map(|i| self.truth(i, if self.is_timed(i) { later[i] } else { now[i] })).collect()
    }

    pub(super) fn hold(&mut self, column: usize, truths: &[bool]) -> bool {
        let mut changed = false;
        for (switch, &truth) in truths.iter().enumerate() {
            changed |= self.held(switch, column) != truth;
            self.switches[switch * self.width + column] = R::from_f64(f64::from(truth));
        }
        changed
    }

    /// Truths and triggers at the start of a lane.
    pub(super) fn first_truths(&mut self, column: usize) {
        let exact = self.truths(column, Moment::Exact);
        self.hold(column, &exact);
        self.first_triggers(column);
        self.settle_switches(column, Moment::Exact);
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

    /// Turns what has to turn at the time reached, and does the events that are due; whether that changed anything.
    /// Fails the lane if it makes no progress.
    pub(super) fn turn_switches(&mut self, column: usize) -> bool {
        let due = self.event_is_due(column, Moment::Exact);
        let state = self.state(column);
        if state.turned_here > MOST_TURNS {
            state.fail(Status::StepTooSmall);
            return false;
        }
        if !due && state.turned_here == 0 && !state.turns.contains(&state.time) {
            return false;
        }
        self.settle_switches(column, Moment::Exact)
    }

    /// Goes on to just after the lane's time, once what is due there is recorded. True if that changed anything.
    pub(super) fn pass(&mut self, column: usize) -> bool {
        let due = self.event_is_due(column, Moment::After);
        let state = self.state(column);
        let turns = due || state.turns.contains(&state.time);
        turns && self.settle_switches(column, Moment::After)
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
