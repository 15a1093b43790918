//! Lanes whose rates are no numbers where they start: `sin(t)/t` or `1/sqrt(t)` at 0.
//!
//! Such a lane starts a little later, so little that nothing moves by a tenth of its tolerance until then. Only time is
//! shifted. A state of 0 that makes a rate undefined is left alone: from a value just above 0 another solution may go.

use super::super::real::Real;
use super::super::step::STATES;
use super::Group;
use crate::engine::Status;
use crate::expr::Symbol;

/// The first shift tried, as a part of the way to the next stop or reading, and how much smaller each next one is.
const FIRST: f64 = 1e-9;
const SMALLER: f64 = 1e-3;
const SMALLEST: f64 = 1e-290;
/// Absolute tolerances within which a state that is stuck counts as 0: a step may leave it this far off.
const NOTHING: f64 = 10.0;

impl<R: Real, const V: usize> Group<'_, R, V> {
    /// Shifts the start of a lane whose rates are not all finite, or ends it.
    pub(super) fn begin_later(&mut self, column: usize) {
        let settings = self.batch.settings;
        let (start, stop) = {
            let state = self.state(column);
            (state.time, state.ahead.min(state.reading))
        };
        let Some(culprit) = self.rates(column, start).iter().position(|rate| !rate.is_finite()) else {
            // In the engine's own numbers they overflow: the step will tell.
            return;
        };
        let tolerances: Vec<f64> =
            (0..settings.atol.len()).map(|i| settings.atol[i] + settings.rtol * self.value(column, i).abs()).collect();
        let mean_square = |values: &mut dyn Iterator<Item = f64>| {
            values.zip(&tolerances).map(|(x, tolerance)| (x / tolerance).powi(2)).sum::<f64>() / tolerances.len() as f64
        };
        let mut shift = FIRST * (stop - start);
        while shift >= SMALLEST && R::from_f64(start + shift) != R::from_f64(start) {
            let rates = self.rates(column, start + shift);
            if rates.iter().zip(&tolerances).all(|(rate, tolerance)| rate.abs() * shift <= 0.1 * tolerance) {
                self.state(column).time = start + shift;
                let size = mean_square(&mut (0..rates.len()).map(|i| self.value(column, i)));
                let slope = mean_square(&mut rates.iter().copied());
                return self.first_step(column, size.sqrt(), slope.sqrt());
            }
            shift *= SMALLER;
        }
        self.state(column).fail(Status::Undefined);
        self.end(column, Some(culprit as u32));
    }

    /// Proposes a step for a lane whose states and slopes have these sizes in units of their tolerances.
    pub(super) fn first_step(&mut self, column: usize, size: f64, slope: f64) {
        let protocol = self.protocol(column);
        let caution = self.batch.settings.caution;
        let protocol_at = self.state(column).protocol;
        let reach = self.inside[protocol_at].then_some(f64::INFINITY);
        let state = self.state(column);
        let span = state.segment_end(protocol) - state.time;
        // Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.4.
        let guess = if size < 1e-5 || slope < 1e-5 { 1e-6 * span } else { 0.01 * size / slope };
        let guess = if guess.is_finite() { guess } else { 1e-6 * span };
        state.proposal = guess.min(span) / caution;
        (state.after_rejection, state.reach) = (false, reach);
        state.aim(protocol);
    }

    /// Sets states to 0 that are 0 within their tolerance: a tank that runs empty may end a rounding error below, where
    /// its root is no number. False if there is none.
    pub(super) fn clear_nothings(&mut self, column: usize) -> bool {
        let mut any = false;
        for (i, atol) in self.batch.settings.atol.iter().enumerate() {
            let value = self.value(column, i);
            if value != 0.0 && value.abs() <= NOTHING * atol {
                self.storage[(STATES as usize + i) * self.width + column] = R::default();
                any = true;
            }
        }
        any
    }

    /// The state that would not go on: one that is not finite, or the one that changed most in its tolerance.
    pub(super) fn culprit(&self, column: usize) -> Option<u32> {
        let settings = self.batch.settings;
        let change = |i: usize| {
            let old = self.value(column, i);
            let new = self.storage[self.compiled.step.outputs()[i] as usize * self.width + column].to_f64();
            let change = (new - old).abs() / (settings.atol[i] + settings.rtol * old.abs());
            if change.is_finite() { change } else { f64::INFINITY }
        };
        (0..self.compiled.frame.states).max_by(|&a, &b| change(a).total_cmp(&change(b))).map(|i| i as u32)
    }

    fn value(&self, column: usize, state: usize) -> f64 {
        self.storage[(STATES as usize + state) * self.width + column].to_f64()
    }

    /// The derivatives of a lane's states as they stand, at another time.
    fn rates(&self, column: usize, time: f64) -> Vec<f64> {
        let program = self.batch.program;
        let at = |values: &[R], i: u32| values[i as usize * self.width + column].to_f64();
        program.graph.evaluate(&program.derivative, &|symbol| match symbol {
            Symbol::State(i) => self.value(column, i as usize),
            Symbol::Parameter(i) => at(&self.inputs, i),
            Symbol::Switch(i) => at(&self.switches, i),
            _ => time,
        })
    }
}
