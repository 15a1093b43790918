//! What a plate cannot be: percent taken for fractions, inhibition taken for viability, no control, rows twice.

use super::data::Rows;
use super::declared::{Datum, Kind, ReadAt, Seen, Study};
use super::document::Findings;
use super::read::DataSection;
use std::collections::{BTreeMap, HashMap};

/// Checks, and brings percent to fractions. Returns notes about what was assumed.
pub fn check(study: &Study, section: &DataSection, findings: &Findings, rows: &mut Rows) -> Vec<String> {
    let mut notes = Vec::new();
    duplicates(study, findings, rows);
    for observable in 0..study.observables.len() {
        if study.observables[observable].reading.is_share() {
            let before = findings.count();
            // Counts are what they are.
            let counts = study.observables[observable].error.counts.is_some();
            if !counts {
                fractions(study, section, findings, rows, observable, &mut notes);
            }
            if findings.count() == before {
                direction(study, findings, rows, observable);
            }
        }
    }
    controls(study, findings, rows);
    for compound in study.compounds.iter().filter(|c| rows.columns.has_no_unit(&c.name)) {
        let (name, unit) = (&compound.name, &compound.unit);
        notes.push(format!("the header states no unit for {name}: its doses are taken to be in {unit}"));
    }
    notes
}

fn duplicates(study: &Study, findings: &Findings, rows: &Rows) {
    let mut known: HashMap<String, usize> = HashMap::new();
    let with_replicates = rows.data.iter().any(|d| !d.replicate.is_empty());
    for (datum, fields) in rows.data.iter().zip(&rows.fields) {
        let mut key = format!(
            "{} {:?} {} {:?} {} {:?} {} {:?}",
            datum.condition,
            datum.doses,
            datum.observable,
            datum.time,
            datum.replicate,
            datum.levels,
            datum.blank,
            datum.joint
        );
        for column in ["plate", "experiment"] {
            key.push_str(rows.columns.get(fields, column).map_or("", |f| &f.text));
        }
        if !with_replicates {
            // Repeated doses and times are replicates then; the same number again is a row pasted twice.
            key.push_str(&format!("{:?}", datum.value));
        }
        if let Some(first) = known.insert(key, datum.line) {
            let hint = if with_replicates {
                format!(
                    "give each replicate a number of its own, or delete one; {}",
                    study.describe(datum.condition, &datum.doses)
                )
            } else {
                "if they are two readings, add a column `replicate`; else delete one".into()
            };
            findings.say(&fields[0].span, format!("the same row as line {first}"), hint);
        }
    }
}

/// Percent, fraction, or a refusal.
fn fractions(
    study: &Study,
    section: &DataSection,
    findings: &Findings,
    rows: &mut Rows,
    observable: usize,
    notes: &mut Vec<String>,
) {
    let declared = section.values.as_ref().map(|v| v.value.as_str());
    if declared == Some("fraction") && rows.columns.percent {
        let message = "the header says percent, the study says values = \"fraction\"";
        findings.say(&rows.columns.place("value"), message, "make them the same");
    }
    let declared = declared.or(rows.columns.percent.then_some("percent"));
    let values: Vec<f64> = of(rows, observable).filter_map(middle).collect();
    let Some(largest) = values.iter().copied().reduce(f64::max) else { return };
    let viability = study.observables[observable].reading.is_viability();
    let controls: Vec<f64> = of(rows, observable).filter(|d| is_control(study, d)).filter_map(middle).collect();
    let control = median(controls);
    let place = rows.columns.place("value");
    let percent = match declared {
        Some("percent") => {
            if largest <= 1.5 && (!viability || control.is_none_or(|c| c > 0.5)) {
                let message = format!("values are declared to be percent and none is above {largest}");
                findings.say(&place, message, "they look like fractions: values = \"fraction\"");
            }
            true
        }
        Some(_) => {
            if largest > 5.0 {
                let message = format!("values are declared to be fractions and reach {largest}");
                findings.say(&place, message, "they look like percent: values = \"percent\"");
            }
            false
        }
        None if largest <= 1.5 => {
            if control.is_some() || values.len() > 3 {
                notes.push("values are taken to be fractions, as none is above 1.5".into());
            } else {
                let message = "are these fractions or percent? none is above 1.5, and there are few of them";
                findings.say(&place, message, "say values = \"fraction\" or \"percent\" in [data]");
            }
            false
        }
        None => {
            let message = format!("are these fractions or percent? they reach {largest}");
            findings.say(&place, message, "say values = \"percent\" (or \"fraction\") in [data]");
            false
        }
    };
    if percent {
        for datum in rows.data.iter_mut().filter(|d| d.observable == observable) {
            datum.value = match datum.value {
                Seen::Value(v) => Seen::Value(v / 100.0),
                Seen::Interval(low, high) => Seen::Interval(low / 100.0, high / 100.0),
                cells => cells,
            };
            // On a log scale an sd has no unit.
            if study.observables[observable].error.noise != super::noise::Noise::LogNormal {
                datum.sd = datum.sd.map(|sd| sd / 100.0);
            }
        }
    }
}

/// Viability falls from near 1 with dose; what rises from near 0 is something else.
fn direction(study: &Study, findings: &Findings, rows: &Rows, observable: usize) {
    let kind = study.observables[observable].reading;
    let controls = median(of(rows, observable).filter(|d| is_control(study, d)).filter_map(middle).collect());
    let Some(control) = controls else { return };
    // The dose with the strongest effect, by the median of its wells.
    let mut treated: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for datum in of(rows, observable).filter(|d| !is_control(study, d)) {
        treated.entry(format!("{:?}", datum.doses)).or_default().extend(middle(datum));
    }
    let treated: Vec<f64> = treated.into_values().filter_map(median).collect();
    let highest = treated.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lowest = treated.iter().copied().fold(f64::INFINITY, f64::min);
    let place = rows
        .data
        .iter()
        .zip(&rows.fields)
        .find(|(d, _)| d.observable == observable && is_control(study, d))
        .and_then(|(_, fields)| rows.columns.get(fields, "value").or(rows.columns.get(fields, "lower")))
        .map_or(rows.columns.place("value"), |field| field.span.clone());
    if kind.is_viability() && control < 0.3 {
        let message =
            format!("without compound the {} is {control:.2}, and it reaches {highest:.2} with it", kind.name());
        let hint = if kind == Kind::RelativeViability { "inhibition" } else { "lethal fraction" };
        findings.say(&place, message, format!("this looks like inhibition: in [assay] write reading = \"{hint}\""));
    } else if !kind.is_viability() && control > 0.7 && lowest < control - 0.2 {
        let message =
            format!("without compound the {} is {control:.2}, and it falls to {lowest:.2} with it", kind.name());
        let hint = if kind == Kind::Inhibition { "relative viability" } else { "fractional viability" };
        findings.say(&place, message, format!("this looks like viability: in [assay] write reading = \"{hint}\""));
    } else if kind == Kind::RelativeViability && !(0.6..=1.5).contains(&control) {
        let message = format!("without compound the relative viability is {control:.2}, which should be 1");
        findings.say(&place, message, "divide by the vehicle control, or fit raw numbers with reading = \"signal\"");
    }
}

/// Every condition that is read with compounds has to be read without them.
fn controls(study: &Study, findings: &Findings, rows: &Rows) {
    if study.without_control.is_some() || study.compounds.is_empty() {
        return;
    }
    let relevant = |d: &&Datum| {
        let kind = study.observables[d.observable].reading;
        !matches!(kind, Kind::Other | Kind::DeathTime)
            && !d.blank
            && matches!(d.value, Seen::Value(_) | Seen::Share { .. })
    };
    for condition in 0..study.conditions.len() {
        let of_condition = || rows.data.iter().filter(relevant).filter(move |d| d.condition == condition);
        if of_condition().next().is_none() || of_condition().any(|d| is_untreated(study, d)) {
            continue;
        }
        let name = &study.conditions[condition].name;
        let of = if name.is_empty() { String::new() } else { format!(" of `{name}`") };
        let place =
            rows.data.iter().zip(&rows.fields).find(|(d, _)| d.condition == condition).map(|(_, f)| f[0].span.clone());
        findings.say(
            &place.unwrap_or(0..1),
            format!("no reading{of} without compound (dose 0)"),
            "add the vehicle wells; if there are none, say why: [data] without_control = \"…\"",
        );
    }
}

fn of<'r>(rows: &'r Rows, observable: usize) -> impl Iterator<Item = &'r Datum> {
    rows.data.iter().filter(move |d| d.observable == observable && !d.blank)
}

/// The vehicle control itself.
fn is_control(study: &Study, datum: &Datum) -> bool {
    datum.doses.iter().zip(&study.compounds).all(|(dose, compound)| *dose == 0.0 || !compound.removed_in_control)
}

/// Without any compound but those that its condition adds to every well.
fn is_untreated(study: &Study, datum: &Datum) -> bool {
    let stated = &study.conditions[datum.condition].doses;
    (0..study.compounds.len())
        .all(|i| datum.doses[i] == 0.0 || !study.compounds[i].removed_in_control || stated[i].is_some())
}

fn middle(datum: &Datum) -> Option<f64> {
    match datum.value {
        Seen::Value(value) => Some(value),
        Seen::Interval(low, high) if low.is_finite() && high.is_finite() => Some(0.5 * (low + high)),
        Seen::Share { hits, total } if total > 0.0 => Some(hits / total),
        _ => None,
    }
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[half]),
        _ => Some(0.5 * (values[half - 1] + values[half])),
    }
}

/// The sd of readings around the mean of their group (condition, doses, time, levels), pooled over all groups.
pub fn pooled_sd(study: &Study, data: &[Datum], observable: usize) -> Option<f64> {
    let logarithm = study.observables[observable].error.noise == super::noise::Noise::LogNormal;
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for datum in data.iter().filter(|d| d.observable == observable && matches!(d.time, ReadAt::Time(_))) {
        if let Seen::Value(value) = datum.value {
            let key =
                format!("{} {:?} {:?} {:?} {}", datum.condition, datum.doses, datum.time, datum.levels, datum.blank);
            groups.entry(key).or_default().push(if logarithm { value.ln() } else { value });
        }
    }
    let (mut squares, mut freedom) = (0.0, 0.0);
    for values in groups.values() {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        squares += values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        freedom += values.len() as f64 - 1.0;
    }
    let sd = (squares / freedom).sqrt();
    (freedom >= 1.0 && sd > 0.0 && sd.is_finite()).then_some(sd)
}
