//! The point of no return: from when on it no longer helps to wash the compound out.

use super::course::Course;
use super::{Answer, Inquiry};
use crate::Result;

/// Halvings of the time: 1/512 of the whole is left.
const ROUNDS: usize = 9;
/// This share of the deaths that wash-out at once would have prevented happens all the same.
const LOST: f64 = 0.5;

impl Inquiry<'_> {
    /// The time of a wash-out after which, at the end of the course, half of the deaths that it would have prevented at
    /// once have happened or happen all the same. `courses` are those without a wash-out.
    pub fn no_return(&self, doses: &[Option<f64>], courses: &[Option<Course>]) -> Result<Vec<Answer>> {
        let case = self.case;
        let schedule = &self.simulator.problem.design.conditions[case.condition].schedule;
        let (from, until) = schedule[case.compound];
        let length = until.min(case.until) - from;
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
        let washed = |times: &[f64]| -> Result<Vec<Option<f64>>> {
            let trial = |(&(draw, dose), &time): (&(usize, f64), &f64)| {
                let mut schedule = schedule.clone();
                schedule[case.compound] = (from, from + time);
                let doses = self.doses(if time > 0.0 { dose } else { 0.0 });
                let design = &self.simulator.problem.design;
                self.trial(draw, design.protocol_by(case.condition, &schedule, &doses, &[case.until]))
            };
            let trials: Vec<_> = asked.iter().zip(times).map(trial).collect();
            let runs = self.simulator.trials(self.draws, &trials, true)?;
            Ok(runs.into_iter().map(|run| run.map(|outputs| self.lethal(&outputs))).collect())
        };
        let saved = washed(&vec![0.0; asked.len()])?;
        let mut brackets = vec![(0.0, length); asked.len()];
        for _ in 0..ROUNDS {
            let middle: Vec<f64> = brackets.iter().map(|(low, high)| 0.5 * (low + high)).collect();
            for (at, end) in washed(&middle)?.into_iter().enumerate() {
                let (Some(end), Some(saved)) = (end, saved[at]) else { continue };
                let all = courses[asked[at].0].as_ref().map_or(0.0, |course| course.lethal[course.lethal.len() - 1]);
                let lost = end >= saved + LOST * (all - saved);
                if lost { brackets[at].1 = middle[at] } else { brackets[at].0 = middle[at] }
            }
        }
        for ((&(draw, _), (low, high)), saved) in asked.iter().zip(brackets).zip(saved) {
            answers[draw] = saved.map_or(Answer::Unknown, |_| Answer::Value(0.5 * (low + high)));
        }
        Ok(answers)
    }
}
