//! Where a curve of viability over dose falls to a stated height.

/// A smaller effect than this over the doses looked at has no half.
pub const SMALLEST_EFFECT: f64 = 0.1;
/// A curve that still falls by more than this share of its drop over the last half decade has no lower plateau.
const PLATEAU: f64 = 0.15;

/// Which height of a curve is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// Of the reading itself.
    Absolute(f64),
    /// A share of the way from the top to the lower plateau.
    Relative(f64),
    /// So much less than without the compound, as a share of it: the extra risk of benchmark doses.
    Extra(f64),
}

/// What one curve says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// It falls to `height` between the dose before `at` and that one.
    Between {
        at: usize,
        height: f64,
    },
    /// It is there at the lowest dose already.
    Below,
    /// It is not there at the highest one.
    Above,
    NoPlateau,
    NoEffect,
}

/// The lowest doses between which a curve falls to the level. `top` is the viability without the compound.
pub fn find(doses: &[f64], viability: &dyn Fn(usize) -> f64, top: f64, level: Level) -> Found {
    let last = doses.len() - 1;
    let height = match height(level, top, [viability(plateau(doses)), viability(last)]) {
        Ok(height) => height,
        Err(found) => return found,
    };
    if viability(0) <= height {
        return Found::Below;
    }
    match (1..=last).find(|&at| viability(at) <= height) {
        None => Found::Above,
        Some(at) => Found::Between { at, height },
    }
}

/// Which of `doses` begins the last half decade, over which a curve with a lower plateau is flat.
pub fn plateau(doses: &[f64]) -> usize {
    let last = doses.len() - 1;
    doses.partition_point(|&dose| dose < doses[last] / 10f64.sqrt()).min(last)
}

/// The viability that `level` stands for on a curve from `top` to an end: the viabilities at the dose of [`plateau`] and at
/// the last one.
///
/// # Errors
/// [`Found::NoEffect`] or [`Found::NoPlateau`] where the curve has no such height.
pub fn height(level: Level, top: f64, [before, last]: [f64; 2]) -> Result<f64, Found> {
    let drop = top - last;
    match level {
        Level::Absolute(value) => Ok(value),
        Level::Extra(share) => Ok((1.0 - share) * top),
        Level::Relative(_) if drop < SMALLEST_EFFECT => Err(Found::NoEffect),
        Level::Relative(_) if before - last > PLATEAU * drop && last > 0.1 * top => Err(Found::NoPlateau),
        Level::Relative(share) => Ok(top - share * drop),
    }
}

/// The dose of `height` on the line, over the logarithm of the dose, from `(dose, viability)` to a higher dose with less.
pub fn between(before: (f64, f64), after: (f64, f64), height: f64) -> f64 {
    before.0 * (after.0 / before.0).powf(share(before.1, after.1, height))
}

/// How far `height` is on the way down from `before` to `after`, 0 to 1.
pub fn share(before: f64, after: f64, height: f64) -> f64 {
    let share = (before - height) / (before - after);
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Hill curve from 1 down to `bottom`, half-way at 10, over doses to `highest`.
    fn hill(bottom: f64, highest: f64) -> (Vec<f64>, Vec<f64>) {
        let doses: Vec<f64> = (0..=400).map(|i| 0.1 * (highest / 0.1).powf(f64::from(i) / 400.0)).collect();
        let values = doses.iter().map(|d| bottom + (1.0 - bottom) / (1.0 + (d / 10.0).powi(4))).collect();
        (doses, values)
    }

    fn at((doses, values): &(Vec<f64>, Vec<f64>), level: Level) -> Found {
        find(doses, &|i| values[i], 1.0, level)
    }

    #[test]
    fn concentrations_are_those_of_the_hill_curve() {
        let curve = hill(0.2, 1000.0);
        let (doses, values) = &curve;
        let close = |found, wanted: f64| match found {
            Found::Between { at, height } => {
                let dose = between((doses[at - 1], values[at - 1]), (doses[at], values[at]), height);
                approx::assert_relative_eq!(dose, wanted, max_relative = 2e-3);
            }
            other => panic!("{other:?}"),
        };
        close(at(&curve, Level::Relative(0.5)), 10.0);
        close(at(&curve, Level::Relative(0.9)), 10.0 * 9f64.powf(0.25));
        // 0.5 = 0.2 + 0.8 / (1 + x^4), and 0.9 of the control
        close(at(&curve, Level::Absolute(0.5)), 10.0 * (0.8f64 / 0.3 - 1.0).powf(0.25));
        close(at(&curve, Level::Extra(0.1)), 10.0 * (0.8f64 / 0.7 - 1.0).powf(0.25));
        assert_eq!(at(&curve, Level::Absolute(0.1)), Found::Above);
    }

    #[test]
    fn what_was_not_looked_at_is_no_number() {
        assert_eq!(at(&hill(0.0, 5.0), Level::Absolute(0.5)), Found::Above);
        assert_eq!(at(&hill(0.0, 5.0), Level::Relative(0.5)), Found::NoEffect);
        assert_eq!(at(&hill(0.0, 12.0), Level::Relative(0.5)), Found::NoPlateau);
        let (doses, values) = hill(0.0, 1000.0);
        let late = doses.iter().position(|&d| d > 50.0).unwrap();
        assert_eq!(at(&(doses[late..].to_vec(), values[late..].to_vec()), Level::Absolute(0.5)), Found::Below);
    }
}
