//! How large the states of a program become, which is what absolute tolerances are parts of.
//!
//! A fixed absolute tolerance is wrong by itself: 1e-12 is nothing for micromoles and everything for the amounts of a cell of
//! one femtolitre. Initial values alone are no measure either: a state may start at 0, be set by a dose, or fall by many
//! orders. Three designs were weighed: initial values, initial values with fluxes times the time span, and a crude path. The
//! second takes a fast flux that soon runs dry for the size of what it fills. So the states are followed, coarsely, by
//! linearly implicit Euler steps from a billionth of each segment on. The error of a step is judged by the largest value that
//! each state has had so far, so that the path itself needs no absolute tolerance.

use super::{Protocol, Segment};
use crate::expr::{Id, Symbol};
use crate::program::Program;
use nalgebra::{DMatrix, DVector};

/// A step is as good as this part of the largest value so far.
const CRUDE: f64 = 0.2;
/// Steps of a segment; a path that takes more goes on with what it has seen.
const MOST_STEPS: usize = 400;
/// After so many steps each may be four times as wrong, three times over: at the end of a cascade a state grows by a high
/// power of time, and a path that stops half way takes next to nothing for its size.
const LOOSENED_AFTER: usize = 50;
/// More states than this are coupled by their diagonal alone: the cost of a dense matrix grows with the cube.
const MOST_COUPLED: usize = 100;
/// A state is rarely this many times what it usually is; where it is, what it usually is counts.
const PEAK: f64 = 1e4;
/// No state is taken to matter below this part of its largest value.
const DEEPEST: f64 = 1e-12;
/// Of the size of a state, what is small.
const SMALL: f64 = 1e-6;
/// So many times the rounding of a step in one state is the least that can be asked of it, as a magnitude.
const ABOVE_ROUNDING: f64 = 1e9;
/// So that products of tolerances stay normal numbers.
const LEAST: f64 = 1e-280;

/// What counts as small for each state: a millionth of the size that it has in any of `runs`, rows of inputs under their
/// protocols, or the part `of_start` of its initial value if that is more. An absolute tolerance is a relative one times
/// this.
pub fn magnitudes(program: &Program, runs: &[(&[f64], &Protocol)], of_start: f64) -> Vec<f64> {
    let small = |Size { usual, start, rounding }: Size| {
        (SMALL * usual).max(of_start * start.min(usual)).max(ABOVE_ROUNDING * rounding).max(LEAST)
    };
    sizes(program, runs).into_iter().map(small).collect()
}

/// Of one state.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// The largest value, unless it is a peak.
    usual: f64,
    start: f64,
    /// What a step's changes are uncertain by.
    rounding: f64,
}

fn sizes(program: &Program, runs: &[(&[f64], &Protocol)]) -> Vec<Size> {
    let n = program.states.len();
    if n == 0 {
        return Vec::new();
    }
    let mut paths: Vec<Path> = Vec::new();
    for (row, protocol) in runs {
        paths.push(Path::of(program, row, protocol, false));
        if !program.events.is_empty() {
            // What an event sets may be all that a state ever is.
            paths.push(Path::of(program, row, protocol, true));
        }
    }
    let over = |of: &dyn Fn(&Path) -> f64| paths.iter().map(of).fold(0.0, f64::max);
    let mut found: Vec<Size> = (0..n)
        .map(|i| {
            let own: Vec<f64> = paths.iter().map(|path| path.size(i)).filter(|&size| size > 0.0).collect();
            let largest = own.iter().copied().fold(0.0, f64::max);
            let smallest = own.iter().copied().fold(f64::INFINITY, f64::min);
            let usual = largest.min(PEAK * smallest).max(DEEPEST * largest);
            Size { usual, start: over(&|path| path.start[i]), rounding: over(&|path| path.rounding[i]) }
        })
        .collect();
    // A state that nothing moves is measured by the smallest of the others.
    let smallest = found.iter().map(|size| size.usual).filter(|&size| size > 0.0).fold(f64::INFINITY, f64::min);
    let usual = if smallest.is_finite() { smallest } else { 1.0 };
    found.iter_mut().filter(|size| size.usual == 0.0).for_each(|size| size.usual = usual);
    found
}

/// What a crude path sees of each state.
struct Path {
    start: Vec<f64>,
    largest: Vec<f64>,
    /// Values with the time that they last, while compounds may be there.
    seen: Vec<Vec<(f64, f64)>>,
    /// The largest rounding error of a step.
    rounding: Vec<f64>,
}

impl Path {
    fn of(program: &Program, row: &[f64], protocol: &Protocol, with_events: bool) -> Path {
        let n = program.states.len();
        let mut inputs = row.to_vec();
        let mut walker = Walker { program, dense: n <= MOST_COUPLED, switches: Vec::new() };
        let mut path =
            Path { start: vec![0.0; n], largest: vec![0.0; n], seen: vec![Vec::new(); n], rounding: vec![0.0; n] };
        let mut y = walker.evaluate(&program.initial, &inputs, protocol.start, &vec![0.0; n]);
        path.start = y.iter().map(|value| if value.is_finite() { value.abs() } else { 0.0 }).collect();
        if with_events {
            for event in &program.events {
                for assignment in &event.assignments {
                    let mut value = |id| walker.evaluate(&[id], &inputs, protocol.start, &y)[0];
                    let size = assignment.size.map_or(1.0, &mut value);
                    y[assignment.state as usize] = size * value(assignment.value);
                }
            }
        }
        path.note(&y, 0.0);
        let mut time = protocol.start;
        for Segment { set, add, until, settle } in &protocol.segments {
            set.iter().for_each(|&(input, value)| inputs[input as usize] = value);
            add.iter().for_each(|&(state, amount)| y[state as usize] += amount);
            path.note(&y, 0.0);
            let span = settle.unwrap_or(until - time);
            path.walk(&mut walker, &mut y, &inputs, (time, span), settle.is_none());
            time = *until;
        }
        path
    }

    fn walk(&mut self, walker: &mut Walker, y: &mut Vec<f64>, inputs: &[f64], (start, span): (f64, f64), counts: bool) {
        let (mut done, mut step) = (0.0, 1e-9 * span);
        for tried in 0..MOST_STEPS {
            let crude = CRUDE * 4_f64.powi((tried / LOOSENED_AFTER).min(3) as i32);
            if done >= span || !span.is_finite() {
                break;
            }
            step = step.min(span - done);
            let Some((whole, rounding)) = walker.step(y, inputs, start + done, step) else {
                // Rates may be undefined at the start alone, as sin(t)/t is.
                if done > 0.0 {
                    return;
                }
                done = step;
                continue;
            };
            let halves = walker
                .step(y, inputs, start + done, 0.5 * step)
                .and_then(|(half, _)| walker.step(&half, inputs, start + done + 0.5 * step, 0.5 * step));
            let off = halves.as_ref().map_or(f64::INFINITY, |(halves, _)| {
                (0..y.len())
                    .map(|i| part((whole[i] - halves[i]).abs(), self.largest[i].max(halves[i].abs())))
                    .fold(0.0, f64::max)
            });
            match halves {
                Some((next, _)) if off <= crude || step <= 1e-14 * span => {
                    *y = next;
                    done += step;
                    self.note(y, if counts { step } else { 0.0 });
                    self.rounding.iter_mut().zip(&rounding).for_each(|(most, own)| *most = most.max(*own));
                    step *= if off < 0.25 * crude { 3.0 } else { 1.3 };
                }
                _ => step *= 0.3,
            }
        }
    }

    fn note(&mut self, y: &[f64], lasting: f64) {
        for (i, value) in y.iter().map(|value| value.abs()).enumerate().filter(|(_, value)| value.is_finite()) {
            self.largest[i] = self.largest[i].max(value);
            if lasting > 0.0 {
                self.seen[i].push((value, lasting));
            }
        }
    }

    /// The largest value, unless the state is far below it for more than half of the time.
    fn size(&self, state: usize) -> f64 {
        let largest = self.largest[state];
        let mut seen = self.seen[state].clone();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left: f64 = 0.5 * seen.iter().map(|(_, lasting)| lasting).sum::<f64>();
        let median = seen.iter().find(|(_, lasting)| {
            left -= lasting;
            left <= 0.0
        });
        match median {
            Some(&(usual, _)) if usual > 0.0 => largest.min(PEAK * usual).max(DEEPEST * largest),
            _ => largest,
        }
    }
}

/// Of nothing, nothing is a part.
fn part(error: f64, of: f64) -> f64 {
    if error == 0.0 { 0.0 } else { error / of }
}

struct Walker<'a> {
    program: &'a Program,
    dense: bool,
    switches: Vec<f64>,
}

impl Walker<'_> {
    fn evaluate(&mut self, roots: &[Id], inputs: &[f64], time: f64, y: &[f64]) -> Vec<f64> {
        let symbol = |symbol: Symbol| match symbol {
            Symbol::Time => time,
            Symbol::State(i) => y[i as usize],
            Symbol::Parameter(i) => inputs[i as usize],
            Symbol::Switch(i) => self.switches.get(i as usize).copied().unwrap_or(0.0),
            _ => 0.0,
        };
        self.program.graph.evaluate(roots, &symbol)
    }

    /// The state after a step, and the rounding error of its changes; `None` where a derivative is not finite.
    fn step(&mut self, y: &[f64], inputs: &[f64], time: f64, step: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        let (program, n) = (self.program, y.len());
        let indicators: Vec<Id> = program.switches.iter().map(|switch| switch.indicator).collect();
        let indicators = self.evaluate(&indicators, inputs, time, y);
        let on = program.switches.iter().zip(indicators);
        self.switches = on.map(|(s, x)| f64::from(x > 0.0 || s.inclusive && x == 0.0)).collect();
        let roots: Vec<Id> = program.derivative.iter().copied().chain(program.jacobian.iter().map(|j| j.2)).collect();
        let values = self.evaluate(&roots, inputs, time, y);
        let (f, entries) = values.split_at(n);
        if f.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let mut diagonal = vec![0.0; n];
        let mut gross = vec![0.0; n];
        let mut matrix = DMatrix::identity(if self.dense { n } else { 0 }, if self.dense { n } else { 0 });
        for (&(row, column, _), &entry) in program.jacobian.iter().zip(entries).filter(|(_, entry)| entry.is_finite()) {
            let (row, column) = (row as usize, column as usize);
            gross[row] += (entry * y[column]).abs();
            if row == column {
                diagonal[row] = entry;
            }
            if self.dense {
                matrix[(row, column)] -= step * entry;
            }
        }
        let rounding = (0..n).map(|i| f64::EPSILON * gross[i] * step / (1.0 + step * diagonal[i].abs())).collect();
        let change: Vec<f64> = if self.dense {
            matrix.lu().solve(&DVector::from_fn(n, |i, _| step * f[i]))?.iter().copied().collect()
        } else {
            (0..n).map(|i| step * f[i] / (1.0 - step * diagonal[i].min(0.0))).collect()
        };
        let next: Vec<f64> = y.iter().zip(&change).map(|(y, change)| y + change).collect();
        next.iter().all(|x| x.is_finite()).then_some((next, rounding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::antimony;
    use crate::program::Lowering;

    /// Sizes of the states of a model after so long, and of one input among doses where one is named.
    fn found(text: &str, until: f64) -> Vec<(String, f64)> {
        let system = antimony::read(text, "m").unwrap().system().unwrap();
        let program = Program::new(&system, &Lowering::default());
        let segments = vec![Segment { until, ..Segment::default() }];
        let protocol = Protocol { start: 0.0, segments, outputs: vec![until] };
        let sizes = sizes(&program, &[(&[], &protocol)]);
        program.states.iter().cloned().zip(sizes.into_iter().map(|size| size.usual)).collect()
    }

    #[track_caller]
    fn near(found: &[(String, f64)], name: &str, wanted: f64) {
        let size = found.iter().find(|(state, _)| state == name).unwrap().1;
        assert!((wanted / 3.0..wanted * 3.0).contains(&size), "{name}: {size:e}, wanted about {wanted:e}");
    }

    #[test]
    fn sizes_are_those_of_the_states_themselves() {
        // Filled from 0 to p/d, in steps far faster than the time span.
        let filled = found("A = 0; A' = p - d*A; p = 3e-20; d = 1e6", 100.0);
        near(&filled, "A", 3e-26);
        // A fast flux that runs dry: initial flux times the time span would be 1e8.
        let dry = found("A = 1; B = 0; J: A -> B; k*A; k = 1e6", 100.0);
        near(&dry, "B", 1.0);
        // Twenty orders beside one another.
        let wide = found("A = 1e6; B = 0; A' = 0; B' = k*A - B; k = 1e-20", 100.0);
        near(&wide, "A", 1e6);
        near(&wide, "B", 1e-14);
        // What an event alone sets.
        let set = found("A = 0; A' = -A; at time > 5: A = 2e-24", 10.0);
        near(&set, "A", 2e-24);
        // Growth from a seed.
        let grown = found("A = 1e-12; A' = A", 20.0);
        let size = grown[0].1;
        assert!(size > 1e-9 && size < 1e-2, "{size:e}");
        // A peak of 1e9 that is 1 for nearly all of the time.
        let peak = found("A = 1e9; A' = -100*(A - 1)", 100.0);
        near(&peak, "A", 1e4);
        // The end of a cascade grows as t^12 at first; it ends near 1.
        let mut cascade = String::from("x0 = 1; x0' = 0*x0\n");
        (1..=12).for_each(|i| cascade += &format!("x{i} = 0; x{i}' = x{} - x{i}\n", i - 1));
        near(&found(&cascade, 100.0), "x12", 1.0);
        // Nothing at all.
        assert!(found("x := time", 1.0).is_empty());
        // Nothing moves: the usual size.
        assert_eq!(found("A = 0; A' = 0*A", 1.0)[0].1, 1.0);
    }
}
