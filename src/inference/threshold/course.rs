//! Death over time: when it begins and how fast it goes.

use super::{Answer, Answers, Dose, Inquiry, What};
use crate::Result;
use rayon::prelude::*;

/// Steps of a course.
const STEPS: usize = 96;
/// Rates of lag-exponential death that are looked at, per step of the course's length: from one that has hardly begun at
/// the end to one that is over within a step.
const RATES: (f64, f64) = (0.02, 2.0 * STEPS as f64);
/// Points of the first grid in each direction, of the later ones, and how often they shrink.
const FIRST: usize = 25;
const LATER: usize = 7;
const ZOOMS: usize = 9;

/// The lethal fraction over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub times: Vec<f64>,
    pub lethal: Vec<f64>,
}

/// `y0` until the lag, then `y0 + rise (1 - exp(-rate (t - lag)))`: G. C. Forcina, M. Conlon, A. Wells, J. Y. Cao,
/// S. J. Dixon, Cell Syst. 4:600 (2017).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagExponential {
    pub lag: f64,
    pub rate: f64,
    pub rise: f64,
}

impl Course {
    /// Least squares over lag and rate, by grids that shrink; the rise is linear.
    pub fn lag_exponential(&self) -> LagExponential {
        let length = self.times[self.times.len() - 1] - self.times[0];
        let (mut lag, mut rate) = (0.5 * length, (RATES.0 * RATES.1).sqrt() / length);
        let (mut wide, mut tall) = (0.5 * length, 0.5 * (RATES.1 / RATES.0).ln());
        for zoom in 0..=ZOOMS {
            let steps = if zoom == 0 { FIRST } else { LATER };
            let offset = |i: usize| 2.0 * i as f64 / (steps - 1) as f64 - 1.0;
            let mut best = (f64::INFINITY, lag, rate);
            for (a, b) in (0..steps).flat_map(|a| (0..steps).map(move |b| (a, b))) {
                let lag = (lag + wide * offset(a)).clamp(0.0, length * (1.0 - 1e-9));
                let rate = (rate * (tall * offset(b)).exp()).clamp(RATES.0 / length, RATES.1 / length);
                let misfit = self.misfit(lag, rate).0;
                if misfit < best.0 {
                    best = (misfit, lag, rate);
                }
            }
            (lag, rate) = (best.1, best.2);
            let shrink = if zoom == 0 { 2.0 / (FIRST - 1) as f64 } else { 0.4 };
            (wide, tall) = (wide * shrink, tall * shrink);
        }
        LagExponential { lag, rate, rise: self.misfit(lag, rate).1 }
    }

    /// The sum of squares, and the rise.
    fn misfit(&self, lag: f64, rate: f64) -> (f64, f64) {
        let first = self.lethal[0];
        let shape = |time: &f64| -(-rate * (time - self.times[0] - lag).max(0.0)).exp_m1();
        let (mut both, mut own, mut all) = (0.0, 0.0, 0.0);
        for (time, lethal) in self.times.iter().zip(&self.lethal) {
            let (g, y) = (shape(time), lethal - first);
            both += g * y;
            own += g * g;
            all += y * y;
        }
        let rise = if own > 0.0 { (both / own).clamp(0.0, 1.0 - first) } else { 0.0 };
        (all - 2.0 * rise * both + rise * rise * own, rise)
    }

    /// When the lethal fraction has risen by `effect` of those that were not dead; `None` if it does not.
    pub fn reaches(&self, effect: f64) -> Option<f64> {
        let height = self.lethal[0] + effect * (1.0 - self.lethal[0]);
        let at = (1..self.times.len()).find(|&at| self.lethal[at] >= height)?;
        let (before, after) = (self.lethal[at - 1], self.lethal[at]);
        let part = if after > before { ((height - before) / (after - before)).clamp(0.0, 1.0) } else { 0.0 };
        Some(self.times[at - 1] + part * (self.times[at] - self.times[at - 1]))
    }

    /// The largest of the rises of one step, each over what `among` says there was to die.
    fn fastest(&self, among: impl Fn(f64) -> f64) -> f64 {
        let step = |at: usize| {
            let rise = (self.lethal[at] - self.lethal[at - 1]) / (self.times[at] - self.times[at - 1]);
            rise / among(0.5 * (self.lethal[at] + self.lethal[at - 1]))
        };
        (1..self.times.len()).map(step).filter(|x| x.is_finite()).fold(0.0, f64::max)
    }

    pub fn steepest(&self) -> f64 {
        self.fastest(|_| 1.0)
    }

    pub fn hazard(&self) -> f64 {
        self.fastest(|lethal| 1.0 - lethal)
    }
}

impl Inquiry<'_> {
    /// The share of dead cells in each run's outputs at one time.
    pub fn lethal(&self, outputs: &[f64]) -> f64 {
        let of = |output: Option<usize>| output.map_or(0.0, |at| outputs[at]);
        let (live, dead) = (of(self.study.live), of(self.study.dead));
        dead / (live + dead)
    }

    /// Courses at `doses`, one for each draw that has one.
    fn courses(&self, doses: &[Option<f64>]) -> Result<Vec<Option<Course>>> {
        let times: Vec<f64> = (0..=STEPS).map(|i| self.case.until * i as f64 / STEPS as f64).collect();
        let asked: Vec<(usize, f64)> = doses.iter().enumerate().filter_map(|(at, dose)| Some((at, (*dose)?))).collect();
        let trials: Vec<_> =
            asked.iter().map(|&(draw, dose)| self.trial(draw, self.protocol(&self.doses(dose), &times))).collect();
        let outputs = self.simulator.problem.program.outputs.len();
        let mut courses = vec![None; doses.len()];
        for (&(draw, _), run) in asked.iter().zip(self.simulator.trials(self.draws, &trials, true)?) {
            courses[draw] = run.map(|run| Course {
                times: times.clone(),
                lethal: run.chunks(outputs).map(|at| self.lethal(at)).collect(),
            });
        }
        Ok(courses)
    }

    /// Everything about time at `doses`; where fewer cells die than the effect asked about there is no onset and no rate.
    pub fn kinetics(&self, dose: Dose, doses: &[Option<f64>]) -> Result<Vec<Answers>> {
        let courses = self.courses(doses)?;
        let ask = |what: What, of: &(dyn Fn(&Course) -> f64 + Sync)| {
            let answer = |course: &Option<Course>| match course {
                None => Answer::Unknown,
                Some(course) if course.reaches(self.case.effect).is_none() => Answer::Never,
                Some(course) => Answer::Value(of(course)),
            };
            Answers { what, of: courses.par_iter().map(answer).collect() }
        };
        Ok(vec![
            ask(What::Lag(dose), &|course| course.lag_exponential().lag),
            ask(What::TimeToEffect(dose), &|course| course.reaches(self.case.effect).unwrap_or(f64::NAN)),
            Answers { what: What::NoReturn(dose), of: self.no_return(doses, &courses)? },
            ask(What::Rate(dose), &|course| course.lag_exponential().rate),
            ask(What::Steepest(dose), &Course::steepest),
            ask(What::Hazard(dose), &Course::hazard),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(lethal: impl Fn(f64) -> f64) -> Course {
        let times: Vec<f64> = (0..=STEPS).map(|i| 72.0 * i as f64 / STEPS as f64).collect();
        Course { lethal: times.iter().map(|t| lethal(*t)).collect(), times }
    }

    #[test]
    fn a_lag_exponential_course_gives_its_own_lag_and_rate() {
        for (lag, rate, rise) in [(10.3, 0.12, 0.7), (0.0, 0.05, 0.9), (40.0, 0.4, 0.3), (33.3, 0.02, 0.95)] {
            let fitted = course(|t| 0.04 + rise * (1.0 - (-rate * (t - lag).max(0.0)).exp())).lag_exponential();
            approx::assert_abs_diff_eq!(fitted.lag, lag, epsilon = 0.02);
            approx::assert_relative_eq!(fitted.rate, rate, max_relative = 0.02);
            approx::assert_relative_eq!(fitted.rise, rise, max_relative = 0.02);
        }
    }

    #[test]
    fn rates_are_those_of_the_curve() {
        // A constant hazard of 0.05 per hour from the beginning.
        let exponential = course(|t| 1.0 - (-0.05 * t).exp());
        approx::assert_relative_eq!(exponential.hazard(), 0.05, max_relative = 1e-3);
        approx::assert_relative_eq!(exponential.steepest(), 0.05, max_relative = 0.02);
        approx::assert_relative_eq!(exponential.reaches(0.1).unwrap(), -(0.9_f64.ln()) / 0.05, max_relative = 2e-3);
        assert_eq!(course(|t| 0.02 + 0.0005 * t).reaches(0.1), None);
    }
}
