//! Where something turns from not yet to already along a line: a dose at which few enough cells live, a time after which
//! a wash-out is too late.
//!
//! The search may be rough, on any engine and at its tolerance; what is answered rests on exact runs at both ends. Where
//! the rough end was off, exact runs go on from there until the turn lies between two of them. Halving needs more runs than
//! secants on smooth curves and finds its way on a cliff.

use crate::Result;

/// What was seen at one place.
#[derive(Debug, Clone)]
pub struct Seen<E> {
    pub x: f64,
    /// Whether it has turned already.
    pub past: bool,
    pub what: E,
}

#[derive(Debug, Clone)]
pub enum Turn<E> {
    /// The first is before it, the second past it.
    Between(Seen<E>, Seen<E>),
    /// It has turned at the lower end of the line already.
    Below,
    /// It has not turned at the upper end.
    Above,
    /// A run failed.
    Unknown,
}

/// Whether it has turned at each of some places, and what was seen there; `None` where a run fails.
pub type Looks<E> = Result<Vec<Option<(bool, E)>>>;

/// Looks at places, each on the line of one bracket.
pub type Look<'a, E> = &'a dyn Fn(&[(usize, f64)]) -> Looks<E>;

/// Halves `brackets` until each is at most `width`; one whose run fails stays as it is.
pub fn narrow<E>(brackets: &mut [(f64, f64)], width: f64, look: Look<E>) -> Result<()> {
    let mut failed = vec![false; brackets.len()];
    loop {
        let wide = |at: &usize| !failed[*at] && is_wide(brackets[*at].0, brackets[*at].1, width);
        let asked: Vec<(usize, f64)> =
            (0..brackets.len()).filter(wide).map(|at| (at, 0.5 * (brackets[at].0 + brackets[at].1))).collect();
        if asked.is_empty() {
            return Ok(());
        }
        for (&(at, x), seen) in asked.iter().zip(look(&asked)?) {
            match seen {
                None => failed[at] = true,
                Some((true, _)) => brackets[at].1 = x,
                Some((false, _)) => brackets[at].0 = x,
            }
        }
    }
}

/// The turn beside or within each of `brackets`, to `width`, on the line between `limits`.
pub fn confirm<E>(brackets: &[(f64, f64)], limits: (f64, f64), width: f64, look: Look<E>) -> Result<Vec<Turn<E>>> {
    let see = |asked: &[(usize, f64)]| -> Result<Vec<Option<Seen<E>>>> {
        let seen = look(asked)?.into_iter().zip(asked);
        Ok(seen.map(|(seen, &(_, x))| seen.map(|(past, what)| Seen { x, past, what })).collect())
    };
    let ends: Vec<(usize, f64)> =
        (brackets.iter().enumerate()).flat_map(|(at, ends)| [(at, ends.0), (at, ends.1)]).collect();
    let mut seen = see(&ends)?.into_iter();
    let mut pair = |_| match (seen.next().flatten(), seen.next().flatten()) {
        (Some(low), Some(high)) => Turn::Between(low, high),
        _ => Turn::Unknown,
    };
    let mut found: Vec<Turn<E>> = (0..brackets.len()).map(&mut pair).collect();
    let mut reach: Vec<f64> = vec![width; brackets.len()];
    loop {
        let mut asked = Vec::new();
        for (at, turn) in found.iter_mut().enumerate() {
            let Turn::Between(low, high) = turn else { continue };
            match (low.past, high.past) {
                (true, _) if low.x <= limits.0 => *turn = Turn::Below,
                (false, false) if high.x >= limits.1 => *turn = Turn::Above,
                (true, _) => asked.push((at, (low.x - reach[at]).max(limits.0))),
                (false, false) => asked.push((at, (high.x + reach[at]).min(limits.1))),
                (false, true) if is_wide(low.x, high.x, width) => asked.push((at, 0.5 * (low.x + high.x))),
                (false, true) => {}
            }
        }
        if asked.is_empty() {
            return Ok(found);
        }
        for (&(at, _), seen) in asked.iter().zip(see(&asked)?) {
            reach[at] *= 2.0;
            let (Some(seen), Turn::Between(low, high)) = (seen, &mut found[at]) else {
                found[at] = Turn::Unknown;
                continue;
            };
            match (low.past, high.past) {
                (true, _) => *high = std::mem::replace(low, seen),
                (false, false) => *low = std::mem::replace(high, seen),
                (false, true) if seen.past => *high = seen,
                (false, true) => *low = seen,
            }
        }
    }
}

/// Rounding is no reason for one more run.
fn is_wide(low: f64, high: f64, width: f64) -> bool {
    high - low > width * (1.0 + 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const LIMITS: (f64, f64) = (0.0, 1.0);
    const WIDTH: f64 = 1.0 / 1024.0;

    /// The turn at `truth` of a search that believed it at `rough`, and how many exact runs it took.
    fn of(rough: f64, truth: f64) -> (Turn<f64>, usize) {
        let mut brackets = [LIMITS];
        let at =
            |turn: f64| move |asked: &[(usize, f64)]| Ok(asked.iter().map(|&(_, x)| Some((x >= turn, x))).collect());
        narrow(&mut brackets, WIDTH, &at(rough)).unwrap();
        assert!((brackets[0].0..=brackets[0].1).contains(&rough.clamp(0.0, 1.0)));
        let runs = Cell::new(0);
        let exact = |asked: &[(usize, f64)]| {
            runs.set(runs.get() + asked.len());
            at(truth)(asked)
        };
        (confirm(&brackets, LIMITS, WIDTH, &exact).unwrap().remove(0), runs.get())
    }

    #[test]
    fn a_turn_is_where_the_exact_runs_say_however_far_off_the_rough_ones_were() {
        for (rough, truth) in
            [(0.3, 0.3), (0.3, 0.302), (0.3, 0.2987), (0.9, 0.05), (0.0, 0.7), (2.0, 0.4), (-1.0, 0.004)]
        {
            let (Turn::Between(low, high), runs) = of(rough, truth) else { panic!("{rough}, {truth}") };
            assert!(low.x < truth && truth <= high.x && high.x - low.x <= WIDTH * 1.001, "{low:?} {high:?}");
            assert_eq!((low.what, high.what), (low.x, high.x));
            assert!(runs <= if rough == truth { 2 } else { 2 + 2 * 10 }, "{runs}");
        }
    }

    #[test]
    fn what_does_not_turn_on_the_line_is_beyond_it() {
        assert!(matches!(of(0.5, -1.0).0, Turn::Below));
        assert!(matches!(of(0.5, 2.0).0, Turn::Above));
        assert!(matches!(of(-1.0, 0.0).0, Turn::Below));
        assert!(matches!(of(2.0, 1.5).0, Turn::Above));
    }

    #[test]
    fn a_failed_run_is_told() {
        let never = |asked: &[(usize, f64)]| Ok(asked.iter().map(|_| None::<(bool, ())>).collect());
        let mut brackets = [LIMITS];
        narrow(&mut brackets, WIDTH, &never).unwrap();
        assert_eq!(brackets, [LIMITS]);
        assert!(matches!(confirm(&brackets, LIMITS, WIDTH, &never).unwrap()[0], Turn::Unknown));
    }
}
