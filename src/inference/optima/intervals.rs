//! What may be said of a parameter when there are several optima.

use super::Optima;
use crate::inference::boxed::Boxed;
use crate::inference::profile::{Path, paths};
use crate::inference::{Basis, Identification, ParameterResult, Verdict};

/// Ends lie outside an interval if they do by more than this part of its width.
const SLACK: f64 = 0.05;

/// A parameter that differs between optima has no error and no interval about one of them.
pub fn withhold(identification: &mut Identification, optima: Option<&Optima>) {
    for &at in optima.iter().flat_map(|optima| &optima.differ) {
        identification.parameters[at].differs();
    }
}

/// An end as good as the best outside an interval means that the interval is too narrow, by whatever it was made: nothing is
/// known of that side. So it is along a valley that turns a corner, where errors at the optimum are small.
pub fn hold_ends(identification: &mut Identification, optima: Option<&Optima>, boxed: &Boxed) {
    for (i, &(low, high)) in optima.iter().flat_map(|optima| optima.span.iter().enumerate()) {
        let result = &mut identification.parameters[i];
        let Some((from, to)) = result.interval else { continue };
        let slack = SLACK * (to - from);
        let outside = [low < from - slack, high > to + slack];
        if outside[0] {
            result.ends[0] = None;
        }
        if outside[1] {
            result.ends[1] = None;
        }
        let bound = [boxed.lower[i], boxed.upper[i]];
        result.interval = Some((if outside[0] { bound[0] } else { from }, if outside[1] { bound[1] } else { to }));
        result.judge();
    }
}

/// What the ends of `paths` say: those of all parameters from the best optimum, then those from the next. An interval goes
/// from the lowest end of any of them to the highest.
pub fn read(paths: &[Path], boxed: &Boxed, identification: &mut Identification) {
    let Some(first) = paths.first() else { return };
    let one = paths.iter().skip(2).position(|path| path.parameter == first.parameter).map_or(paths.len(), |at| at + 2);
    let plain = identification.clone();
    for (at, paths) in paths.chunks(one).enumerate() {
        let mut found = plain.clone();
        paths::read(paths, boxed, &mut found);
        if at == 0 {
            *identification = found;
            continue;
        }
        for sides in paths.chunks_exact(2) {
            let parameter = sides[0].parameter;
            identification.parameters[parameter].widen(&found.parameters[parameter]);
        }
    }
}

impl ParameterResult {
    fn differs(&mut self) {
        self.verdict = Verdict::Several;
        (self.standard_error, self.interval, self.ends, self.shrinkage) = (None, None, [None; 2], None);
    }

    /// Takes in what was found about another optimum.
    fn widen(&mut self, other: &ParameterResult) {
        self.leans.extend(&other.leans);
        self.leans.sort_unstable();
        self.leans.dedup();
        let ends = [0, 1].map(|side| {
            let (a, b) = (self.ends[side]?, other.ends[side]?);
            Some(if side == 0 { a.min(b) } else { a.max(b) })
        });
        if self.verdict == Verdict::AtFailures || other.verdict == Verdict::AtFailures {
            return self.fails(ends);
        }
        self.ends = ends;
        self.interval = self.interval.zip(other.interval).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
        if other.basis == Basis::Normal {
            self.basis = Basis::Normal;
        }
        self.judge();
    }
}
