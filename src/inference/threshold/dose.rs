//! Doses at which viability falls to a height: a grid of doses for all draws together, then the bracket of each draw
//! and level closed in on.

use super::level::{Found, Level, between, height, plateau, share};
use super::turn::{Turn, confirm, narrow};
use super::{Answer, Inquiry};
use crate::Result;

/// Doses of the grid in each decade, and the fewest of all.
const PER_DECADE: f64 = 8.0;
const FEWEST: usize = 9;
/// A bracket ends up so much narrower than a step of the grid: 10^(1/8) to the power of 1/256 is 0.11 %. Within that a straight
/// line serves.
const NARROWER: f64 = 256.0;

/// The outputs of a run at the time of reading; `None` where it cannot be integrated.
type Read = Option<Vec<f64>>;

/// Where a draw's curve reaches a level.
#[derive(Debug, Clone)]
pub struct Place {
    pub answer: Answer,
    /// All outputs there, at the time of reading.
    pub outputs: Read,
}

/// What is looked for on the curve of one draw.
struct Sought {
    draw: usize,
    level: usize,
    height: f64,
}

impl Inquiry<'_> {
    /// For each level the place in each draw.
    pub fn places(&self, levels: &[Level]) -> Result<Vec<Vec<Place>>> {
        let (low, high) = self.case.range;
        let steps = ((high / low).log10() * PER_DECADE).ceil().max(FEWEST as f64 - 1.0);
        let step = (high / low).ln() / steps;
        let grid: Vec<f64> = (0..=steps as usize).map(|i| low * (i as f64 * step).exp()).collect();
        let rough = self.read_at(&grid, false)?;
        // Heights rest on exact runs: without the compound, where a plateau has begun, and at its end.
        let exact = self.read_at(&[grid[plateau(&grid)], high], true)?;

        let unknown = Place { answer: Answer::Unknown, outputs: None };
        let mut places = vec![vec![unknown; self.draws.len()]; levels.len()];
        let (mut sought, mut brackets) = (Vec::new(), Vec::new());
        for draw in 0..self.draws.len() {
            let all = |runs: &[Read]| runs.iter().cloned().collect::<Option<Vec<_>>>();
            let (Some(rough), Some(exact)) = (all(&rough[draw]), all(&exact[draw])) else { continue };
            // Without any of the compound the curve is at its control, or where other compounds have brought it.
            let top = self.viability(draw, &self.doses(0.0), &exact[0], &exact[0]);
            let ends = [(grid[plateau(&grid)], 1), (high, 2)]
                .map(|(dose, at)| self.viability(draw, &self.doses(dose), &exact[at], &exact[0]));
            for (level, &wanted) in levels.iter().enumerate() {
                let height = match height(wanted, top, ends) {
                    Ok(height) => height,
                    Err(Found::NoEffect) => {
                        places[level][draw].answer = Answer::Above;
                        continue;
                    }
                    Err(_) => continue,
                };
                let past =
                    |at: &usize| self.viability(draw, &self.doses(grid[*at]), &rough[at + 1], &rough[0]) <= height;
                let at = (0..grid.len()).find(past).unwrap_or(grid.len() - 1).max(1);
                brackets.push((grid[at - 1].ln(), grid[at].ln()));
                sought.push(Sought { draw, level, height });
            }
        }

        let look = |asked: &[(usize, f64)], exactly: bool, controls: &[Vec<Read>]| {
            let asked: Vec<(&Sought, f64)> = asked.iter().map(|&(at, log)| (&sought[at], log.exp())).collect();
            let trials: Vec<_> =
                asked.iter().map(|(sought, dose)| self.reading(sought.draw, &self.doses(*dose))).collect();
            let runs = self.simulator.trials(self.draws, &trials, exactly)?;
            let seen = |((sought, dose), run): (&(&Sought, f64), Read)| {
                let (outputs, control) = (run?, controls[sought.draw][0].as_ref()?);
                let viability = self.viability(sought.draw, &self.doses(*dose), &outputs, control);
                Some((viability <= sought.height, (viability, outputs)))
            };
            Ok(asked.iter().zip(runs).map(seen).collect())
        };
        let width = step / NARROWER;
        narrow(&mut brackets, width, &|asked| look(asked, false, &rough))?;
        let turns = confirm(&brackets, (low.ln(), high.ln()), width, &|asked| look(asked, true, &exact))?;
        for (sought, turn) in sought.iter().zip(turns) {
            let place = &mut places[sought.level][sought.draw];
            match turn {
                Turn::Below => place.answer = Answer::Below,
                Turn::Above => place.answer = Answer::Above,
                Turn::Unknown => {}
                Turn::Between(low, high) => {
                    let ((above, before), (below, after)) = (low.what, high.what);
                    let dose = between((low.x.exp(), above), (high.x.exp(), below), sought.height);
                    let part = share(above, below, sought.height);
                    let outputs = before.iter().zip(&after).map(|(a, b)| a + part * (b - a)).collect();
                    *place = Place { answer: Answer::Value(dose), outputs: Some(outputs) };
                }
            }
        }
        Ok(places)
    }

    /// For each draw the outputs of its control and at each of `doses`.
    fn read_at(&self, doses: &[f64], exactly: bool) -> Result<Vec<Vec<Read>>> {
        let control = self.simulator.problem.design.control(&self.doses(0.0));
        let mut trials = Vec::with_capacity(self.draws.len() * (doses.len() + 1));
        for draw in 0..self.draws.len() {
            trials.push(self.reading(draw, &control));
            trials.extend(doses.iter().map(|&dose| self.reading(draw, &self.doses(dose))));
        }
        let runs = self.simulator.trials(self.draws, &trials, exactly)?;
        Ok(runs.chunks(doses.len() + 1).map(<[Read]>::to_vec).collect())
    }
}
