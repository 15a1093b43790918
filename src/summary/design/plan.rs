//! Which doses and times one experiment reads.

use super::INNER;
use crate::report::shown;
use crate::study::Compound;

/// Times of a course.
const COURSE: usize = 8;
/// Fewer doses are no series.
const FEWEST: usize = 3;

/// Every dose is read at every time; both are places in what a bench has run.
pub struct Plan {
    pub doses: Vec<usize>,
    pub times: Vec<usize>,
}

impl Plan {
    /// Where its readings stand in a row of a table that has `times` for each dose.
    pub fn places(&self, times: usize) -> Vec<usize> {
        self.doses.iter().flat_map(|&dose| self.times.iter().map(move |&time| dose * times + time)).collect()
    }

    /// "5 mM FAC", or "0.1 to 50 mM FAC, 12 doses".
    pub fn told(&self, doses: &[f64], compound: &Compound) -> String {
        let (first, last) = (doses[self.doses[0]], doses[self.doses[self.doses.len() - 1]]);
        match self.doses.len() {
            1 => format!("{} {} {}", shown(first), compound.unit, compound.name),
            count => format!("{} to {} {} {}, {count} doses", shown(first), shown(last), compound.unit, compound.name),
        }
    }
}

/// One dose at one time; all doses at one time, and those that lie well inside; one dose over time.
pub fn plans(doses: &[f64], times: usize) -> Vec<Plan> {
    let all: Vec<usize> = (0..doses.len()).collect();
    let (low, high) = (doses[0] * INNER, doses[doses.len() - 1] / INNER);
    let inner: Vec<usize> = all.iter().copied().filter(|&at| low <= doses[at] && doses[at] <= high).collect();
    let count = times.min(COURSE);
    let course: Vec<usize> = (0..count).map(|at| at * (times - 1) / (count - 1).max(1)).collect();
    let single = all.iter().map(|&dose| vec![dose]);
    let series = [all.clone(), inner].into_iter().filter(|doses| doses.len() >= FEWEST);
    let at_once = single.clone().chain(series);
    let mut plans: Vec<Plan> = at_once
        .flat_map(|doses| (0..times).map(move |time| Plan { doses: doses.clone(), times: vec![time] }))
        .collect();
    if count > 1 {
        plans.extend(single.map(|doses| Plan { doses, times: course.clone() }));
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_single_readings_series_and_courses() {
        // A decade between two: four of six lie a factor of 10 from both ends or further.
        let doses: Vec<f64> = (-2..4).map(|i| 10f64.powi(i)).collect();
        let plans = plans(&doses, 10);
        let sizes = |doses: usize, times: usize| {
            plans.iter().filter(|p| (p.doses.len(), p.times.len()) == (doses, times)).collect::<Vec<_>>()
        };
        assert_eq!(sizes(1, 1).len(), 60);
        assert_eq!(sizes(6, 1).len(), 10);
        assert!(sizes(4, 1).iter().all(|plan| plan.doses == [1, 2, 3, 4]) && sizes(4, 1).len() == 10);
        // A course of ten times has eight of them, from the first to the last.
        let courses = sizes(1, 8);
        assert_eq!((courses.len(), plans.len()), (6, 86));
        assert_eq!((courses[0].times[0], courses[0].times[7]), (0, 9));
        assert!(courses[0].times.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(courses[2].places(10)[..2], [20, 21]);
    }

    #[test]
    fn what_was_read_once_has_no_course_and_a_narrow_range_one_series() {
        let plans = plans(&[1.0, 2.0, 4.0], 1);
        assert_eq!(plans.iter().map(|plan| plan.doses.len()).collect::<Vec<_>>(), [1, 1, 1, 3]);
    }
}
