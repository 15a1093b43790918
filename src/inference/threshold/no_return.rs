//! The point of no return: from when on it no longer helps to wash the compound out.

use super::course::Course;
use super::turn::{Looks, Turn, confirm, narrow};
use super::{Answer, Inquiry};
use crate::Result;

/// The time is found to this share of the whole.
const WITHIN: f64 = 1.0 / 512.0;
/// This share of the deaths that wash-out at once would have prevented happens all the same.
const LOST: f64 = 0.5;

impl Inquiry<'_> {
    /// The time of a wash-out after which, at the end of the course, half of the deaths that it would have prevented at
    /// once have happened or happen all the same. `courses` are those without a wash-out.
    pub fn no_return(&self, doses: &[Option<f64>], courses: &[Option<Course>]) -> Result<Vec<Answer>> {
        let case = self.case;
        let schedule = &self.simulator.problem.design.conditions[case.condition].schedule;
        let own = &schedule[case.compound];
        let from = own.first();
        let length = own.last().min(case.until) - from;
        let dies = |course: &Course| course.reaches(case.effect).is_some();
        let mut answers: Vec<Answer> = courses
            .iter()
            .map(|course| {
                course.as_ref().map_or(Answer::Unknown, |c| if dies(c) { Answer::Value(0.0) } else { Answer::Never })
            })
            .collect();
        let asked: Vec<(usize, f64)> =
            (0..doses.len()).filter(|&d| answers[d].value().is_some()).filter_map(|d| Some((d, doses[d]?))).collect();
        // The share of the dead at the end of a course in which the compound is there for so long.
        let washed = |places: &[(usize, f64)], exactly: bool| -> Result<Vec<Option<f64>>> {
            let trial = |&(at, time): &(usize, f64)| {
                let (draw, dose) = asked[at];
                let mut schedule = schedule.clone();
                schedule[case.compound] = own.cut(from + time);
                let doses = self.doses(if time > 0.0 { dose } else { 0.0 });
                let design = &self.simulator.problem.design;
                self.trial(draw, design.protocol_by(case.condition, &schedule, &doses, &[case.until]))
            };
            let trials: Vec<_> = places.iter().map(trial).collect();
            let runs = self.simulator.trials(self.draws, &trials, exactly)?;
            Ok(runs.into_iter().map(|run| run.map(|outputs| self.lethal(&outputs))).collect())
        };
        let saved = washed(&(0..asked.len()).map(|at| (at, 0.0)).collect::<Vec<_>>(), true)?;
        let look = |places: &[(usize, f64)], exactly: bool| -> Looks<()> {
            let lost = |(end, &(at, _)): (Option<f64>, &(usize, f64))| {
                let (end, saved) = (end?, saved[at]?);
                let all = courses[asked[at].0].as_ref().map_or(0.0, |course| course.lethal[course.lethal.len() - 1]);
                Some((end >= saved + LOST * (all - saved), ()))
            };
            Ok(washed(places, exactly)?.into_iter().zip(places).map(lost).collect())
        };
        let mut brackets = vec![(0.0, length); asked.len()];
        narrow(&mut brackets, length * WITHIN, &|places| look(places, false))?;
        let turns = confirm(&brackets, (0.0, length), length * WITHIN, &|places| look(places, true))?;
        for (&(draw, _), turn) in asked.iter().zip(turns) {
            answers[draw] = match turn {
                Turn::Between(low, high) => Answer::Value(0.5 * (low.x + high.x)),
                Turn::Below => Answer::Value(0.0),
                Turn::Above => Answer::Value(length),
                Turn::Unknown => Answer::Unknown,
            };
        }
        Ok(answers)
    }
}
