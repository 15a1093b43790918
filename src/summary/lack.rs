//! Lack of fit: whether means of replicates lie further from the model than replicates from one another.
//!
//! A noise that is estimated grows until residuals look right, whatever the model does. Replicates tell the two apart.

use crate::report::document::Prediction;
use crate::study::{Datum, ReadAt};
use statrs::distribution::{ContinuousCDF, FisherSnedecor};
use std::collections::BTreeMap;

/// So improbable a ratio is no chance.
const CHANCE: f64 = 1e-4;
/// So small a ratio matters little, however sure it is.
const SMALL: f64 = 3.0;

/// The mean square of group means about the model over that within groups, if it says that the model is wrong.
/// `rows` are those of `data`; `parameters` were fitted.
pub fn lack_of_fit(data: &[Datum], rows: &[Prediction], parameters: usize) -> Option<f64> {
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (datum, residual) in data.iter().zip(rows).filter_map(|(datum, row)| Some((datum, row.residual?))) {
        if let ReadAt::Time(time) = datum.time {
            let Datum { condition, doses, observable, experiment, plate, blank, .. } = datum;
            let key = format!("{condition} {doses:?} {observable} {time} {experiment} {plate} {blank}");
            groups.entry(key).or_default().push(residual);
        }
    }
    let count: usize = groups.values().map(Vec::len).sum();
    let left = groups.len() as f64 - parameters as f64;
    let replicates = (count - groups.len()) as f64;
    if left < 1.0 || replicates < 5.0 {
        return None;
    }
    let (mut about, mut within) = (0.0, 0.0);
    for residuals in groups.values() {
        let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
        about += residuals.len() as f64 * mean * mean;
        within += residuals.iter().map(|r| (r - mean).powi(2)).sum::<f64>();
    }
    // Copies of one reading are no replicates.
    if within <= 1e-12 * about {
        return None;
    }
    let ratio = about / left / (within / replicates);
    let chance = FisherSnedecor::new(left, replicates).ok()?.sf(ratio);
    (ratio > SMALL && chance < CHANCE).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::study::Seen;

    fn rows(miss: f64) -> (Vec<Datum>, Vec<Prediction>) {
        let mut stream = Stream::new(4, 0);
        let datum = |dose: usize| Datum {
            line: 0,
            condition: 0,
            doses: vec![dose as f64],
            observable: 0,
            time: ReadAt::Time(24.0),
            value: Seen::Value(0.0),
            sd: None,
            replicate: String::new(),
            plate: String::new(),
            experiment: String::new(),
            joint: None,
            blank: false,
            levels: Vec::new(),
        };
        let mut residual = |dose: usize| {
            let off = if dose.is_multiple_of(2) { miss } else { -miss };
            Prediction { residual: Some(off + 0.3 * stream.normal()), ..Prediction::default() }
        };
        (0..36).map(|at| (datum(at / 3), residual(at / 3))).unzip()
    }

    #[test]
    fn a_model_that_misses_means_is_told_from_one_with_noisy_wells() {
        let (data, good) = rows(0.0);
        assert_eq!(lack_of_fit(&data, &good, 3), None);
        let (data, bad) = rows(1.0);
        assert!(lack_of_fit(&data, &bad, 3).is_some_and(|ratio| ratio > 10.0));
    }
}
