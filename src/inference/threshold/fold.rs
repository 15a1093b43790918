//! The dose at which a resting state ends: a saddle-node of the chemistry, without the cells' death and growth.
//!
//! Cells rest without the compound, then with a dose of it, both in the way in which the study lets them settle. Over a
//! grid of doses the largest jump between neighbours is closed in on. A curve that is only steep flattens out as the
//! doses come together; at a fold the jump stays. It is a saddle-node, and not the point at which two stable states
//! swap places, if cells that rest above it stay as they are when the dose is brought to just below it. The search runs in
//! the engine's precision; the dose, its jump and the way back rest on runs in f64.

use super::turn::{Looks, Turn, confirm};
use super::{Answer, Answers, Inquiry, What};
use crate::Result;
use crate::engine::{Protocol, Segment};
use std::ops::Range;

/// Doses of the grid in each decade.
const PER_DECADE: f64 = 6.0;
/// Of the jumps of a draw so many are looked into: a state may rise steeply elsewhere.
const CANDIDATES: usize = 3;
/// Halvings of the bracket: 10^(1/6) to the power of 1/1024 is 0.04 %.
const ROUNDS: usize = 10;
/// A state has jumped if it changes by this factor (as a natural logarithm) within the last bracket.
const JUMP: f64 = 0.4;
/// How far below the fold states above it have to stay.
const BELOW: f64 = 0.98;

impl Inquiry<'_> {
    pub fn folds(&self, states: Range<usize>) -> Result<Option<Answers>> {
        let problem = self.simulator.problem;
        if problem.design.settle.is_none() {
            return Ok(None);
        }
        let (low, high) = self.case.range;
        let steps = ((high / low).log10() * PER_DECADE).ceil().max(4.0) as usize;
        let doses: Vec<f64> = (0..=steps).map(|i| low * (high / low).powf(i as f64 / steps as f64)).collect();
        let floors: Vec<f64> = problem.solver.magnitudes.clone();
        let rest = |asked: &[(usize, Vec<f64>)], exactly: bool| -> Result<Vec<Option<Vec<f64>>>> {
            let trials: Vec<_> = asked.iter().map(|(draw, doses)| self.trial(*draw, self.resting(doses))).collect();
            let runs = self.simulator.trials(self.draws, &trials, exactly)?;
            Ok(runs.into_iter().map(|run| run.map(|run| run[states.clone()].to_vec())).collect())
        };
        let apart = |a: &[f64], b: &[f64]| -> f64 {
            // A logarithm far above the floor, and a line through zero below it.
            let one = |((a, b), floor): ((&f64, &f64), &f64)| ((a / floor).asinh() - (b / floor).asinh()).abs();
            a.iter().zip(b).zip(&floors).map(one).fold(0.0, f64::max)
        };
        let all: Vec<(usize, Vec<f64>)> =
            (0..self.draws.len()).flat_map(|draw| doses.iter().map(move |&dose| (draw, vec![dose]))).collect();
        let runs = rest(&all, false)?;
        // The widest jumps of each draw: doses and states on their two sides.
        let mut answers = vec![Answer::Unknown; self.draws.len()];
        let mut brackets = Vec::new();
        for (draw, runs) in runs.chunks(doses.len()).enumerate() {
            let rested: Vec<(f64, &Vec<f64>)> =
                doses.iter().zip(runs).filter_map(|(dose, run)| Some((*dose, run.as_ref()?))).collect();
            if rested.len() < 2 {
                continue;
            }
            answers[draw] = Answer::Absent;
            let mut jumps: Vec<(f64, usize)> =
                (1..rested.len()).map(|at| (apart(rested[at - 1].1, rested[at].1), at)).collect();
            jumps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for &(_, at) in jumps.iter().filter(|(jump, _)| *jump > JUMP).take(CANDIDATES) {
                let side = |at: usize| (rested[at].0, rested[at].1.clone());
                brackets.push((draw, side(at - 1), side(at)));
            }
        }
        for _ in 0..ROUNDS {
            let asked: Vec<_> =
                brackets.iter().map(|(draw, low, high)| (*draw, vec![(low.0 * high.0).sqrt()])).collect();
            for ((_, low, high), ((_, doses), run)) in brackets.iter_mut().zip(asked.iter().zip(rest(&asked, false)?)) {
                let Some(run) = run else { continue };
                let side = if apart(&low.1, &run) > apart(&high.1, &run) { high } else { low };
                *side = (doses[0], run);
            }
        }
        brackets.retain(|(_, low, high)| apart(&low.1, &high.1) > JUMP);
        let look = |asked: &[(usize, f64)]| -> Looks<Vec<f64>> {
            let doses: Vec<_> = asked.iter().map(|&(at, log)| (brackets[at].0, vec![log.exp()])).collect();
            let jumped = |(run, &(at, _)): (Option<Vec<f64>>, &(usize, f64))| {
                let (_, low, high) = &brackets[at];
                run.map(|run| (apart(&low.1, &run) > apart(&high.1, &run), run))
            };
            Ok(rest(&doses, true)?.into_iter().zip(asked).map(jumped).collect())
        };
        let ends: Vec<(f64, f64)> = brackets.iter().map(|(_, low, high)| (low.0.ln(), high.0.ln())).collect();
        let width = (high / low).ln() / steps as f64 / f64::from(1u32 << ROUNDS);
        let turns = confirm(&ends, (low.ln(), high.ln()), width, &look)?;
        let sides: Vec<_> = brackets
            .iter()
            .zip(turns)
            .filter_map(|((draw, ..), turn)| {
                let Turn::Between(low, high) = turn else { return None };
                (apart(&low.what, &high.what) > JUMP).then_some((*draw, low, high))
            })
            .collect();
        // From above the fold to just below it.
        let asked: Vec<_> =
            sides.iter().map(|(draw, low, high)| (*draw, vec![high.x.exp(), BELOW * low.x.exp()])).collect();
        for ((draw, low, high), run) in sides.iter().zip(rest(&asked, true)?) {
            let stays = run.is_some_and(|run| apart(&low.what, &run) > apart(&high.what, &run));
            let dose = (0.5 * (low.x + high.x)).exp();
            let first = answers[*draw].value().is_none_or(|found| dose < found);
            if stays && first {
                answers[*draw] = Answer::Value(dose);
            }
        }
        Ok(Some(Answers { what: What::Fold, of: answers }))
    }

    /// Rest without the compound, then at each of `doses` in turn, read when the last one has been reached.
    fn resting(&self, doses: &[f64]) -> Protocol {
        let design = &self.simulator.problem.design;
        let plain = self.protocol(&self.doses(0.0), &[0.0]);
        let longest = design.settle.as_ref().map(|settle| settle.longest);
        let mut segments: Vec<Segment> = plain.segments.into_iter().take(1).collect();
        for &dose in doses {
            let set = self.doses(dose).iter().zip(&design.compounds).map(|(d, c)| (c.input, d * c.factor)).collect();
            segments.push(Segment { set, add: Vec::new(), until: plain.start, settle: longest });
        }
        // A moment in which nothing happens, so that there is something to be read.
        let end = plain.start + 1e-6;
        segments.push(Segment { set: Vec::new(), add: Vec::new(), until: end, settle: None });
        Protocol { start: plain.start, segments, outputs: vec![end] }
    }
}
