//! What each quantity is called and how it is defined.

use super::cases::Curve;
use crate::inference::threshold::{Dose, ReadOut, What};
use crate::report::shown;
use crate::report::thresholds::Group;
use crate::study::{Kind, Study};

/// A quantity of a curve in words.
pub struct Words {
    pub key: String,
    pub group: Group,
    pub quantity: String,
    pub definition: String,
    pub unit: String,
}

/// "relative viability at 48 h".
pub fn reading(study: &Study, curve: &Curve) -> String {
    let observable = &study.observables[curve.case.observable];
    let name = match observable.reading {
        Kind::Signal => "signal relative to the control",
        kind => kind.name(),
    };
    match curve.case.time {
        ReadOut::At(time) => format!("{name} at {} {}", shown(time / study.time_factor), study.time_unit),
        ReadOut::Parameter(..) => format!("{name} at the time of reading, which is not stated"),
    }
}

pub fn of(what: What, study: &Study, curve: &Curve, labile: &[String]) -> Words {
    let case = &curve.case;
    let compound = &study.compounds[case.compound];
    let (name, dose_unit) = (&compound.name, &compound.unit);
    let percent = |share: f64| format!("{} %", shown(100.0 * share));
    let effect = percent(case.effect);
    let read = reading(study, curve);
    let per_time = format!("1/{}", study.time_unit);
    let (group, unit) = match what {
        What::Benchmark | What::Effective { .. } | What::Fold => (Group::Dose, dose_unit.clone()),
        What::Labile { metal } => {
            let unit = study.system.variable(&labile[metal]).map_or(String::new(), |v| v.unit.clone());
            (Group::Metal, unit)
        }
        What::Lag(_) | What::TimeToEffect(_) | What::NoReturn(_) => (Group::Onset, study.time_unit.clone()),
        What::Rate(_) | What::Steepest(_) | What::Hazard(_) => (Group::Rate, per_time),
    };
    let at = |dose: Dose| match dose {
        Dose::Stated => format!("at {} {dose_unit}", shown(case.dose)),
        Dose::Matched => "at the EC50".into(),
    };
    let suffix = |dose: Dose| if dose == Dose::Matched { "-matched" } else { "" };
    let (key, quantity, definition) = match what {
        What::Benchmark => (
            "benchmark-dose".to_string(),
            "Minimum effective concentration".to_string(),
            format!("benchmark dose: the lowest {name} at which {read} is {effect} below that without it"),
        ),
        What::Effective { share, relative: false } => (
            format!("ec{:.0}-absolute", 100.0 * share),
            format!("EC{:.0}, absolute", 100.0 * share),
            format!("the {name} at which {read} is {}", percent(1.0 - share)),
        ),
        What::Effective { share, relative: true } => (
            format!("ec{:.0}-relative", 100.0 * share),
            format!("EC{:.0}, relative", 100.0 * share),
            format!("the {name} at which {read} has come {} of the way to its lower plateau", percent(share)),
        ),
        What::Fold => (
            "saddle-node".to_string(),
            "Saddle-node".to_string(),
            format!(
                "the {name} above which cells have no rest near that of untreated ones, however long they take to leave it; only where the model is bistable"
            ),
        ),
        What::Labile { metal } => (
            format!("{}-at-benchmark", labile[metal]),
            format!("{} at the minimum effective concentration", labile[metal]),
            "mean level in the cells at the benchmark dose and the time of reading".into(),
        ),
        What::Lag(dose) => (
            format!("lag{}", suffix(dose)),
            format!("Onset {}: lag", at(dose)),
            "D0 of lag-exponential death (Forcina et al. 2017), fitted to each draw's lethal fraction".into(),
        ),
        What::TimeToEffect(dose) => (
            format!("time-to-effect{}", suffix(dose)),
            format!("Onset {}: {effect} dead", at(dose)),
            format!("when {effect} of the cells that lived at t = 0 are dead"),
        ),
        What::NoReturn(dose) => (
            format!("no-return{}", suffix(dose)),
            format!("Onset {}: point of no return", at(dose)),
            format!(
                "the latest wash-out of {name} that still prevents half of the deaths that never adding it would have prevented by {} {}",
                shown(case.until / study.time_factor),
                study.time_unit
            ),
        ),
        What::Rate(dose) => (
            format!("rate{}", suffix(dose)),
            format!("Rate {}", at(dose)),
            "k of lag-exponential death, fitted with the lag".into(),
        ),
        What::Steepest(dose) => (
            format!("steepest{}", suffix(dose)),
            format!("Steepest rise {}", at(dose)),
            "the largest rise of the lethal fraction".into(),
        ),
        What::Hazard(dose) => (
            format!("hazard{}", suffix(dose)),
            format!("Highest hazard {}", at(dose)),
            "the largest rise of the lethal fraction among the cells that are left".into(),
        ),
    };
    Words { key, group, quantity, definition, unit }
}
