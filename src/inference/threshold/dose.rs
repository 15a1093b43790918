//! Doses at which viability falls to a height: a grid of doses for all draws together, then the bracket of each draw
//! and level closed in on.

use super::level::{Found, Level, between, find, share};
use super::{Answer, Inquiry};
use crate::Result;

/// Doses of the grid in each decade, and the fewest of all.
const PER_DECADE: f64 = 8.0;
const FEWEST: usize = 9;
/// Each of them halves a bracket: 10^(1/8) to the power of 1/256 is 0.11 %. Within that a straight line serves. Secants
/// would need fewer rounds on smooth curves and find nothing on a cliff.
const ROUNDS: usize = 8;

/// The runs of a draw over the grid; `None` where one of them cannot be integrated.
pub struct Curves {
    doses: Vec<f64>,
    of: Vec<Option<Grid>>,
}

/// A draw's control and its runs over the grid: the outputs of each at the time of reading.
type Grid = (Vec<f64>, Vec<Vec<f64>>);

/// Where a draw's curve reaches a level.
#[derive(Debug, Clone)]
pub struct Place {
    pub answer: Answer,
    /// All outputs there, at the time of reading.
    pub outputs: Option<Vec<f64>>,
}

/// One end of a bracket.
#[derive(Debug, Clone)]
struct End {
    dose: f64,
    viability: f64,
    outputs: Vec<f64>,
}

struct Bracket {
    draw: usize,
    level: usize,
    height: f64,
    low: End,
    high: End,
}

impl Inquiry<'_> {
    pub fn curves(&self) -> Result<Curves> {
        let (low, high) = self.case.range;
        let steps = ((high / low).log10() * PER_DECADE).ceil().max(FEWEST as f64 - 1.0) as usize;
        let doses: Vec<f64> = (0..=steps).map(|i| low * (high / low).powf(i as f64 / steps as f64)).collect();
        let control = self.simulator.problem.design.control(&self.doses(0.0));
        let mut trials = Vec::with_capacity(self.draws.len() * (doses.len() + 1));
        for draw in 0..self.draws.len() {
            let time = [self.read_out(draw)];
            trials.push(self.trial(draw, self.protocol(&control, &time)));
            trials.extend(doses.iter().map(|&dose| self.trial(draw, self.protocol(&self.doses(dose), &time))));
        }
        let mut runs = self.simulator.trials(self.draws, &trials, true)?.into_iter();
        let of = |_| {
            let mut own = runs.by_ref().take(doses.len() + 1).collect::<Vec<_>>().into_iter();
            let control = own.next()??;
            Some((control, own.collect::<Option<Vec<_>>>()?))
        };
        let of = (0..self.draws.len()).map(of).collect();
        Ok(Curves { doses, of })
    }

    /// For each level the place in each draw.
    pub fn close_in(&self, curves: &Curves, levels: &[Level]) -> Result<Vec<Vec<Place>>> {
        let unknown = Place { answer: Answer::Unknown, outputs: None };
        let mut places = vec![vec![unknown; self.draws.len()]; levels.len()];
        let mut brackets = Vec::new();
        for (draw, runs) in curves.of.iter().enumerate() {
            let Some((control, runs)) = runs else { continue };
            let at = |at: usize| self.viability(draw, &self.doses(curves.doses[at]), &runs[at], control);
            let viability: Vec<f64> = (0..runs.len()).map(at).collect();
            // Without any of the compound the curve is at its control, or where other compounds have brought it.
            let top = self.viability(draw, &self.doses(0.0), control, control);
            for (level, &wanted) in levels.iter().enumerate() {
                let answer = match find(&curves.doses, &|at| viability[at], top, wanted) {
                    Found::Between { at, height } => {
                        let end = |at: usize| End {
                            dose: curves.doses[at],
                            viability: viability[at],
                            outputs: runs[at].clone(),
                        };
                        brackets.push(Bracket { draw, level, height, low: end(at - 1), high: end(at) });
                        continue;
                    }
                    Found::Below => Answer::Below,
                    Found::Above | Found::NoEffect => Answer::Above,
                    Found::NoPlateau => Answer::Unknown,
                };
                places[level][draw].answer = answer;
            }
        }
        for _ in 0..ROUNDS {
            self.halve(curves, &mut brackets)?;
        }
        for bracket in brackets {
            let Bracket { low, high, height, .. } = &bracket;
            let dose = between((low.dose, low.viability), (high.dose, high.viability), *height);
            let part = share(low.viability, high.viability, *height);
            let outputs = low.outputs.iter().zip(&high.outputs).map(|(a, b)| a + part * (b - a)).collect();
            places[bracket.level][bracket.draw] = Place { answer: Answer::Value(dose), outputs: Some(outputs) };
        }
        Ok(places)
    }

    /// One run in the middle of each bracket.
    fn halve(&self, curves: &Curves, brackets: &mut [Bracket]) -> Result<()> {
        let doses: Vec<f64> = brackets.iter().map(|bracket| (bracket.low.dose * bracket.high.dose).sqrt()).collect();
        let trials: Vec<_> = brackets
            .iter()
            .zip(&doses)
            .map(|(b, &dose)| self.trial(b.draw, self.protocol(&self.doses(dose), &[self.read_out(b.draw)])))
            .collect();
        let runs = self.simulator.trials(self.draws, &trials, true)?;
        for ((bracket, dose), outputs) in brackets.iter_mut().zip(doses).zip(runs) {
            // A run that fails leaves the bracket as wide as it is.
            let (Some(outputs), Some((control, _))) = (outputs, &curves.of[bracket.draw]) else { continue };
            let viability = self.viability(bracket.draw, &self.doses(dose), &outputs, control);
            let end = End { dose, viability, outputs };
            if viability <= bracket.height { bracket.high = end } else { bracket.low = end }
        }
        Ok(())
    }
}
