//! What draws answer, one by one and together.

use super::What;
use crate::inference::{quantile_error, sorted};

/// What one draw says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    Value(f64),
    /// Below the lowest dose looked at.
    Below,
    /// Above the highest one.
    Above,
    /// Not within the time.
    Never,
    /// There is no such thing within the doses looked at.
    Absent,
    /// The draw could not be integrated, or has no such thing (a curve without a plateau has no half of it).
    Unknown,
}

/// The answers of all draws to one question, in the order of the draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    pub what: What,
    pub of: Vec<Answer>,
}

/// What is said in place of a quantile, or the quantile itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edge {
    Value(f64),
    Below,
    Above,
    Never,
    Absent,
}

/// Many answers together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// Draws with an answer of any kind but [`Answer::Unknown`].
    pub count: usize,
    /// Shares of these.
    pub reached: f64,
    pub below: f64,
    pub above: f64,
    /// In which it does not happen in time, or is not there.
    pub never: f64,
    pub unknown: usize,
    /// 2.5 %, 50 %, 97.5 % of all that answered; empty where none did.
    pub quantiles: Option<[Edge; 3]>,
    /// Monte Carlo error of the median, where it is a number.
    pub error: Option<f64>,
    /// The numbers among the answers, ascending.
    pub values: Vec<f64>,
}

impl Answer {
    pub fn value(self) -> Option<f64> {
        if let Answer::Value(value) = self { Some(value) } else { None }
    }

    /// A number that sorts as the answer does.
    pub fn rank(self) -> f64 {
        match self {
            Answer::Value(value) => value,
            Answer::Below => f64::NEG_INFINITY,
            Answer::Above | Answer::Never | Answer::Absent => f64::INFINITY,
            Answer::Unknown => f64::NAN,
        }
    }
}

impl Answers {
    /// Summed up; `chains` is how many chains the draws came in, of equal length, one after the other.
    pub fn distribution(&self, chains: usize) -> Distribution {
        let known: Vec<Answer> = self.of.iter().copied().filter(|answer| *answer != Answer::Unknown).collect();
        let count = known.len();
        let unknown = self.of.len() - count;
        if count == 0 {
            return Distribution { unknown, ..Distribution::default() };
        }
        let share = |is: fn(&Answer) -> bool| known.iter().filter(|answer| is(answer)).count() as f64 / count as f64;
        let mut order = known.clone();
        order.sort_by(|a, b| a.rank().total_cmp(&b.rank()));
        // Between two order statistics; where one of them is no number, the nearer one speaks.
        let edge = |part: f64| {
            let place = part * (count - 1) as f64;
            let (below, above) = (order[place.floor() as usize], order[place.ceil() as usize]);
            match (below, above) {
                (Answer::Value(low), Answer::Value(high)) => Edge::Value(low + (high - low) * place.fract()),
                _ => match order[place.round() as usize] {
                    Answer::Value(value) => Edge::Value(value),
                    Answer::Below => Edge::Below,
                    Answer::Never => Edge::Never,
                    Answer::Absent => Edge::Absent,
                    Answer::Above | Answer::Unknown => Edge::Above,
                },
            }
        };
        let whole = unknown == 0 && chains > 0 && count.is_multiple_of(chains) && count / chains >= 8;
        let error = whole.then(|| {
            let ranks: Vec<f64> = known.iter().map(|answer| answer.rank()).collect();
            let chains: Vec<Vec<f64>> = ranks.chunks(count / chains).map(<[f64]>::to_vec).collect();
            quantile_error(&chains, 0.5)
        });
        Distribution {
            count,
            unknown,
            reached: share(|a| matches!(a, Answer::Value(_))),
            below: share(|a| *a == Answer::Below),
            above: share(|a| *a == Answer::Above),
            never: share(|a| matches!(a, Answer::Never | Answer::Absent)),
            quantiles: Some([edge(0.025), edge(0.5), edge(0.975)]),
            error: error.filter(|error| error.is_finite()),
            values: sorted(&known.iter().filter_map(|answer| answer.value()).collect::<Vec<_>>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answers: Vec<Answer>) -> Distribution {
        Answers { what: What::Benchmark, of: answers }.distribution(1)
    }

    #[test]
    fn what_is_beyond_is_no_number() {
        let mut answers: Vec<Answer> = (1..=90).map(|i| Answer::Value(f64::from(i))).collect();
        answers.extend([Answer::Above; 10]);
        let found = of(answers);
        assert_eq!(found.quantiles.unwrap()[2], Edge::Above);
        let Edge::Value(median) = found.quantiles.unwrap()[1] else { panic!() };
        assert!((median - 50.5).abs() < 1e-12);
        assert_eq!((found.reached, found.above, found.count), (0.9, 0.1, 100));
    }

    #[test]
    fn unknown_answers_are_counted_and_leave_the_rest_alone() {
        let found = of(vec![Answer::Value(2.0), Answer::Unknown, Answer::Value(4.0), Answer::Never]);
        assert_eq!((found.count, found.unknown), (3, 1));
        assert_eq!(found.quantiles.unwrap()[1], Edge::Value(4.0));
        assert_eq!(of(vec![Answer::Unknown]).quantiles, None);
    }
}
