//! Effective doses, onset and rate of death, read off curves. What lies outside the tested range is never a number.

/// A dose at which something happens, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    At(f64),
    /// Not reached at the highest dose tested, which is given.
    AboveHighest(f64),
    /// Already passed at the lowest dose tested, which is given.
    BelowLowest(f64),
    /// The response at the highest dose differs from that without compound by less than a tenth.
    NoEffect,
    /// The response still changes at the highest dose: there is no lower plateau to be relative to.
    NoPlateau,
}

/// Effective doses of one curve at one level, such as 0.5 for EC50.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveDose {
    pub level: f64,
    /// That part of the way from the response without compound to the plateau.
    pub relative: Threshold,
    /// That part of the way from the response without compound to nothing: of a viability 1 to 0.
    pub absolute: Threshold,
}

/// Less than this change of the response is no effect.
const SMALLEST_EFFECT: f64 = 0.1;

/// The change over the last factor of two in dose, as a part of the whole effect, that still is a plateau.
const PLATEAU: f64 = 0.05;

/// Effective doses at `levels`. `doses` ascend and begin with 0; the highest is the highest one tested, the second
/// the lowest one to be trusted. `end` is the response when all cells are dead: 0 for viability, 1 for a lethal
/// fraction. Between doses the response is interpolated on a log scale.
pub fn effective_doses(doses: &[f64], response: &[f64], end: f64, levels: &[f64]) -> Vec<EffectiveDose> {
    let (Some(&control), Some(&highest)) = (response.first(), doses.last()) else { return Vec::new() };
    // From 0 without compound to 1 when all cells are dead.
    let effect: Vec<f64> = response.iter().map(|r| (control - r) / (control - end)).collect();
    let largest = effect.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at = |dose: f64| interpolate(doses, &effect, dose);
    let last = effect[effect.len() - 1];
    let flat = (last - at(0.5 * highest)).abs() <= PLATEAU * largest;
    let find = |level: f64| crossing(doses, &effect, level);
    levels
        .iter()
        .map(|&level| EffectiveDose {
            level,
            relative: match () {
                () if largest < SMALLEST_EFFECT => Threshold::NoEffect,
                () if !flat => Threshold::NoPlateau,
                () => find(level * last),
            },
            absolute: find(level),
        })
        .collect()
}

/// The lowest dose at which `effect` reaches `level`.
fn crossing(doses: &[f64], effect: &[f64], level: f64) -> Threshold {
    let Some(first) = (1..doses.len()).find(|&i| effect[i] >= level) else {
        return Threshold::AboveHighest(doses[doses.len() - 1]);
    };
    if first == 1 {
        return Threshold::BelowLowest(doses[1]);
    }
    let part = (level - effect[first - 1]) / (effect[first] - effect[first - 1]);
    Threshold::At((doses[first - 1].ln() + part * (doses[first] / doses[first - 1]).ln()).exp())
}

fn interpolate(doses: &[f64], effect: &[f64], dose: f64) -> f64 {
    let above = doses.partition_point(|&d| d < dose).clamp(1, doses.len() - 1);
    let (low, high) = (doses[above - 1], doses[above]);
    let part = if low > 0.0 { (dose / low).ln() / (high / low).ln() } else { dose / high };
    effect[above - 1] + part.clamp(0.0, 1.0) * (effect[above] - effect[above - 1])
}

/// When something begins and how fast it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// The first time at which a tenth of the cells is affected, if there is one.
    pub onset: Option<f64>,
    /// The steepest change, in 1 per unit of time, and when.
    pub fastest: (f64, f64),
}

/// Onset and rate of `response` over ascending `times`; `end` as for [`effective_doses`].
pub fn course(times: &[f64], response: &[f64], end: f64) -> Course {
    let effect: Vec<f64> = response.iter().map(|r| 1.0 - (r - end).abs()).collect();
    let mut course = Course { onset: None, fastest: (0.0, times.first().copied().unwrap_or(0.0)) };
    for i in 1..times.len() {
        let (rise, width) = (effect[i] - effect[i - 1], times[i] - times[i - 1]);
        if course.onset.is_none() && effect[i] >= SMALLEST_EFFECT {
            let part = if rise > 0.0 { ((SMALLEST_EFFECT - effect[i - 1]) / rise).clamp(0.0, 1.0) } else { 0.0 };
            course.onset = Some(times[i - 1] + part * width);
        }
        if rise / width > course.fastest.0 {
            course.fastest = (rise / width, 0.5 * (times[i] + times[i - 1]));
        }
    }
    course
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Threshold::At(dose) => write!(f, "{dose:.3e}"),
            Threshold::AboveHighest(dose) => write!(f, "> {dose}"),
            Threshold::BelowLowest(dose) => write!(f, "< {dose}"),
            Threshold::NoEffect => write!(f, "no effect"),
            Threshold::NoPlateau => write!(f, "no plateau in the tested range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hill(top: f64, bottom: f64, ec50: f64, highest: f64) -> (Vec<f64>, Vec<f64>) {
        let doses: Vec<f64> =
            std::iter::once(0.0).chain((0..97).map(|i| highest * 10f64.powf((f64::from(i) - 96.0) / 24.0))).collect();
        let response = doses.iter().map(|d| bottom + (top - bottom) / (1.0 + (d / ec50).powi(2))).collect();
        (doses, response)
    }

    #[test]
    fn relative_and_absolute_doses_are_apart() {
        let (doses, response) = hill(1.0, 0.4, 3.0, 100.0);
        let found = effective_doses(&doses, &response, 0.0, &[0.5, 0.9]);
        let Threshold::At(relative) = found[0].relative else { panic!("{found:?}") };
        assert!((relative / 3.0 - 1.0).abs() < 0.01, "{relative}");
        let Threshold::At(absolute) = found[0].absolute else { panic!("{found:?}") };
        // 0.4 + 0.6 / (1 + x^2 / 9) = 0.5
        assert!((absolute / (3.0 * 5f64.sqrt()) - 1.0).abs() < 0.01, "{absolute}");
        assert_eq!(found[1].absolute, Threshold::AboveHighest(100.0));
    }

    #[test]
    fn what_the_tested_range_does_not_show_is_no_number() {
        let (doses, response) = hill(1.0, 0.0, 300.0, 100.0);
        let found = effective_doses(&doses, &response, 0.0, &[0.5]);
        assert_eq!((found[0].relative, found[0].absolute), (Threshold::NoPlateau, Threshold::AboveHighest(100.0)));
        let (doses, response) = hill(1.0, 0.0, 1e-5, 100.0);
        let found = effective_doses(&doses, &response, 0.0, &[0.5]);
        assert_eq!(found[0].absolute, Threshold::BelowLowest(doses[1]));
        let (doses, response) = hill(1.0, 0.95, 3.0, 100.0);
        assert_eq!(effective_doses(&doses, &response, 0.0, &[0.5])[0].relative, Threshold::NoEffect);
    }

    #[test]
    fn a_rising_lethal_fraction_counts_from_the_other_end() {
        let (doses, response) = hill(0.0, 1.0, 3.0, 100.0);
        let Threshold::At(dose) = effective_doses(&doses, &response, 1.0, &[0.5])[0].absolute else { panic!() };
        assert!((dose / 3.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn onset_and_rate_of_an_exponential_death() {
        let times: Vec<f64> = (0..200).map(|i| 0.1 * f64::from(i)).collect();
        let response: Vec<f64> = times.iter().map(|t| (-0.3 * t).exp()).collect();
        let course = course(&times, &response, 0.0);
        assert!((course.onset.unwrap() - 0.9f64.ln() / -0.3).abs() < 1e-3);
        assert!((course.fastest.0 - 0.3).abs() < 0.01);
    }
}
