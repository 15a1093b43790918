//! Loewe additivity: the drugs are dilutions of one another (S. Loewe, Arzneimittelforschung 3:285, 1953).
//!
//! The expected viability `v` solves `a / A(v) + b / B(v) = 1`, where `A` and `B` are the doses of each drug that do this
//! alone. Beyond the plateau of the weaker drug no dose of it does, and nothing is expected.

/// Halvings of the interval: as close as numbers lie.
const HALVINGS: usize = 200;

/// The viability expected under the doses of two drugs whose single doses for a viability are given by `dose` (`None` where
/// the drug alone never gets there). `floors` are the lower plateaus. `None` beyond the weaker drug's.
pub fn combined(doses: [f64; 2], floors: [f64; 2], dose: [&dyn Fn(f64) -> Option<f64>; 2]) -> Option<f64> {
    // At the vehicle's viability the sum of shares is infinite; it falls with viability.
    let shares = |viability: f64| -> f64 {
        let share = |drug: usize| dose[drug](viability).map_or(0.0, |alone| doses[drug] / alone);
        share(0) + share(1)
    };
    let floor = floors[0].max(floors[1]);
    let (mut low, mut high) = (floor, 1.0);
    if floor >= 1.0 || doses.contains(&0.0) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if shares(middle) > 1.0 { high = middle } else { low = middle }
    }
    // Still more than one share at the plateau: the stronger drug by itself leads beyond it.
    (low > floor || shares(high) <= 1.0).then_some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    fn of(doses: [f64; 2], curves: [Curve; 2]) -> Option<f64> {
        let [a, b] = curves;
        combined(doses, [a.bottom, b.bottom], [&|v| a.dose(v), &|v| b.dose(v)])
    }

    #[test]
    fn a_drug_with_itself_is_its_own_curve_at_the_sum_of_doses() {
        let drug = Curve { top: 1.0, bottom: 0.1, ec50: 3.0, hill: 1.7 };
        for doses in [[0.01, 0.02], [1.0, 2.0], [5.0, 0.3], [40.0, 400.0]] {
            let found = of(doses, [drug, drug]).unwrap();
            assert!((found - drug.value(doses[0] + doses[1])).abs() < 1e-13, "{doses:?}");
        }
        // A dilution of it is it.
        let dilution = Curve { ec50: 30.0, ..drug };
        assert!((of([1.0, 20.0], [drug, dilution]).unwrap() - drug.value(3.0)).abs() < 1e-13);
    }

    #[test]
    fn nothing_is_expected_beyond_the_plateau_of_the_weaker_drug() {
        let strong = Curve { top: 1.0, bottom: 0.0, ec50: 1.0, hill: 1.0 };
        let weak = Curve { top: 1.0, bottom: 0.5, ec50: 1.0, hill: 1.0 };
        // The strong drug alone leaves 0.5 at a dose of 1.
        assert_eq!(of([1.2, 1.0], [strong, weak]), None);
        let found = of([0.5, 0.5], [strong, weak]).unwrap();
        let shares = 0.5 / strong.dose(found).unwrap() + 0.5 / weak.dose(found).unwrap();
        assert!(found > 0.5 && (shares - 1.0).abs() < 1e-12);
        assert_eq!(of([1.0, 0.0], [strong, weak]), None);
    }
}
