//! Separate modes among draws, as a report lists them, and what may be said of a parameter that they differ in.

use super::draws::Column;
use crate::inference::{Modes, Sample, Sampler, quantile, sorted};
use crate::report::document::{Severity, Warning};
use crate::report::draws::modes::{Mode, ModeValue};

pub fn modes(columns: &[Column], sample: &Sample, found: &Modes) -> Vec<Mode> {
    let mut list: Vec<Mode> = Vec::new();
    for (number, mode) in found.modes.iter().enumerate() {
        let own: Vec<&[f64]> = (sample.chains.iter().flatten().zip(found.of.iter().flatten()))
            .filter(|(_, of)| **of == number)
            .map(|(draw, _)| &draw.point[..])
            .collect();
        let value = |(i, column): (usize, &Column)| {
            let order = sorted(&own.iter().map(|point| point[i]).collect::<Vec<f64>>());
            let at = |share: f64| column.scale.value(quantile(&order, share));
            ModeValue {
                parameter: column.name.clone(),
                median: at(0.5),
                interval: (at(0.025), at(0.975)),
                unit: column.unit.clone(),
                differs: false,
            }
        };
        if !own.is_empty() {
            let values = columns.iter().enumerate().map(value).collect();
            list.push(Mode { number: number + 1, weight: mode.weight, weight_error: mode.error, values });
        }
    }
    for i in 0..columns.len() {
        let outside = |mode: &Mode| list.iter().any(|other| !mode.values[i].holds(other.values[i].median));
        if list.iter().any(outside) {
            list.iter_mut().for_each(|mode| mode.values[i].differs = true);
        }
    }
    list
}

/// The different medians of a parameter by mode, if it differs between them.
pub fn medians(modes: &[Mode], parameter: usize) -> Vec<f64> {
    let mut kept: Vec<&ModeValue> = Vec::new();
    for value in modes.iter().map(|mode| &mode.values[parameter]).filter(|value| value.differs) {
        if !kept.iter().any(|known| known.holds(value.median) && value.holds(known.median)) {
            kept.push(value);
        }
    }
    kept.into_iter().map(|value| value.median).collect()
}

/// What stands before the results when there are several modes.
pub fn warning(modes: &[Mode], sample: &Sample) -> Option<Warning> {
    if modes.len() < 2 {
        return None;
    }
    let differ: Vec<&str> = modes[0].values.iter().filter(|v| v.differs).map(|v| v.parameter.as_str()).collect();
    let mut text =
        "No path was found from one to another along which the density stays within a factor of exp(1.92): the model \
                    can say the same in several ways, or these data do not tell its explanations apart."
            .to_string();
    text += &match differ.is_empty() {
        true => " No parameter has its median outside the interval of another mode.".to_string(),
        false => format!(
            " A median of {} over all draws would lie between modes; each is listed by itself. Bounds, an order or a prior \
             that leaves one of them makes it the answer.",
            differ.join(", ")
        ),
    };
    if sample.method != Sampler::Smc {
        text += " Walkers hardly ever change modes: the weights are those of where they began. The method smc weighs modes.";
    }
    let title = format!("The posterior has {} separate modes", modes.len());
    Some(Warning { severity: Severity::Caution, title, text: text + " All are in modes.csv." })
}
