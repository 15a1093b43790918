//! Which of two quantities is the smaller one, and how sure that is.

use super::{Answer, Answers};

/// Probabilities that one quantity lies below another, above it, or that the draws leave it open because both lie
/// outside of what was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Order {
    pub less: f64,
    pub greater: f64,
    pub open: f64,
}

/// Answers, the limits of what was looked at, and the factor to a common unit.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub answers: &'a Answers,
    pub range: (f64, f64),
    pub factor: f64,
}

impl Side<'_> {
    /// Between which values an answer lies.
    fn limits(&self, answer: Answer) -> Option<(f64, f64)> {
        let (low, high) = self.range;
        let (low, high) = match answer {
            Answer::Value(value) => (value, value),
            Answer::Below => (0.0, low),
            Answer::Above => (high, f64::INFINITY),
            Answer::Never => (f64::INFINITY, f64::INFINITY),
            Answer::Absent | Answer::Unknown => return None,
        };
        Some((self.factor * low, self.factor * high))
    }
}

/// The order of `a` and `b`: draw by draw where both are of the same draws, over all pairs where they know nothing of one
/// another. `None` where no pair answers.
pub fn order(a: Side, b: Side, same_draws: bool) -> Option<Order> {
    let mut counts = [0_u64; 3];
    let mut count = |one: Answer, other: Answer| {
        if let (Some(one), Some(other)) = (a.limits(one), b.limits(other)) {
            counts[if one.1 < other.0 {
                0
            } else if one.0 > other.1 {
                1
            } else {
                2
            }] += 1;
        }
    };
    if same_draws {
        a.answers.of.iter().zip(&b.answers.of).for_each(|(one, other)| count(*one, *other));
    } else {
        a.answers.of.iter().for_each(|one| b.answers.of.iter().for_each(|other| count(*one, *other)));
    }
    let total = counts.iter().sum::<u64>() as f64;
    let [less, greater, open] = counts.map(|count| count as f64 / total);
    (total > 0.0).then_some(Order { less, greater, open })
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::*;

    #[test]
    fn what_lies_outside_counts_as_far_as_it_is_known() {
        let answers = |of: &[Answer]| Answers { what: What::Benchmark, of: of.to_vec() };
        let (iron, copper) = (
            answers(&[Answer::Value(5.0), Answer::Above, Answer::Value(3.0), Answer::Unknown]),
            answers(&[Answer::Below, Answer::Value(20.0), Answer::Value(4000.0), Answer::Value(1.0)]),
        );
        let a = Side { answers: &iron, range: (1.0, 10.0), factor: 1000.0 };
        let b = Side { answers: &copper, range: (2.0, 5000.0), factor: 1.0 };
        // 5000 beside less than 2, more than 10,000 beside 20, 3000 beside 4000.
        let found = order(a, b, true).unwrap();
        assert!((found.greater - 2.0 / 3.0).abs() < 1e-12 && (found.less - 1.0 / 3.0).abs() < 1e-12);
        let all = order(a, b, false).unwrap();
        assert!((all.greater - 11.0 / 12.0).abs() < 1e-12, "{all:?}");
        let beyond = answers(&[Answer::Above]);
        let both = order(Side { answers: &beyond, ..a }, Side { answers: &beyond, ..a }, true).unwrap();
        assert_eq!(both.open, 1.0);
    }
}
