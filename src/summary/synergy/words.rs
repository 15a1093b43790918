//! What is told in sentences.

use super::over_experiments;
use crate::report::document::{Headline, Severity, Warning};
use crate::report::synergy::{Drug, Measure, SynergyReport};
use crate::report::{interval_text, shown};
use crate::study::Study;
use crate::synergy::{Analysis, Basis, INACTIVE, Intervals, Reference, Unavailable};

/// More combinations than this are counted and not named.
const MOST_NAMED: usize = 8;
/// Below this viability it does not matter how a curve goes on.
const DEAD: f64 = 0.05;

pub fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Experiments(_) => "experiments drawn anew",
        Basis::Wells(_) => "wells of one experiment drawn anew",
        Basis::Nothing => "none: one experiment, and no pair of doses read twice",
    }
}

/// "+0.12"
pub fn signed(value: f64) -> String {
    let text = shown((value * 1e3).round() / 1e3);
    if value > 0.0 && text != "0" { format!("+{text}") } else { text }
}

fn interval(measure: &Measure) -> String {
    measure
        .interval
        .map_or("no interval".into(), |(low, high)| format!("95 % interval {} to {}", signed(low), signed(high)))
}

/// Why a reference is not given, or for which combinations.
pub fn reference_note(kind: Reference, drugs: &[Drug; 2], analysis: &Analysis, given: usize, read: usize) -> String {
    let name = |drug: usize| &drugs[drug].name;
    match analysis.unavailable[kind as usize] {
        Some(Unavailable::Inactive(drug)) if kind == Reference::Loewe => format!(
            "{} alone does too little: no dose of it has the effect of a combination. See by how much it shifts the EC50 \
             of {}.",
            name(drug),
            name(1 - drug)
        ),
        Some(Unavailable::Inactive(drug)) => {
            format!("{} alone has no potency that could be compared. See the shift of the EC50.", name(drug))
        }
        Some(Unavailable::FewDoses(drug)) => {
            format!("{} was read alone at fewer than three doses: no curve can be fitted.", name(drug))
        }
        Some(Unavailable::NotAlone(drug)) => format!("{} was not read alone.", name(drug)),
        Some(Unavailable::FewCombinations) if matches!(kind, Reference::Bliss | Reference::Hsa) => {
            "No combination was read at doses at which both drugs were read alone.".into()
        }
        Some(Unavailable::FewCombinations) if kind == Reference::Loewe => {
            "All combinations do more than the weaker drug does at any dose.".into()
        }
        Some(Unavailable::FewCombinations) => {
            "No row and no column of three doses of each drug cross: their curves cannot be fitted.".into()
        }
        None if kind == Reference::Loewe => loewe_note(drugs, analysis, given, read),
        None if given < read && kind == Reference::Zip => {
            format!("Not given for {} of {read} combinations, whose rows or columns are too short.", read - given)
        }
        None if given < read => {
            format!("Not given for {} of {read} combinations: a drug was not read alone.", read - given)
        }
        None => String::new(),
    }
}

/// Where additivity is not defined, and where it rests on curves beyond the doses that were read.
fn loewe_note(drugs: &[Drug; 2], analysis: &Analysis, given: usize, read: usize) -> String {
    let mut notes = Vec::new();
    if given < read {
        let without = read - given;
        notes.push(format!(
            "Not given for {without} of {read} combinations: more is expected of them than the weaker drug does at any dose."
        ));
    }
    for (drug, about) in drugs.iter().enumerate() {
        let Some(least) = lowest(analysis, drug).filter(|least| *least > DEAD) else { continue };
        let beyond = analysis.expected[Reference::Loewe as usize].iter().flatten().filter(|v| **v < least).count();
        if beyond > 0 {
            let name = &about.name;
            notes.push(format!(
                "For {beyond} combinations it rests on the curve of {name} beyond the doses that were read."
            ));
        }
    }
    notes.join(" ")
}

/// The viability of the fitted curve at the highest dose of a drug alone.
fn lowest(analysis: &Analysis, drug: usize) -> Option<f64> {
    Some(analysis.alone[drug].curve?.value(*analysis.matrix.doses[drug].last()?))
}

pub fn warnings(
    report: &SynergyReport,
    found: Option<(&Analysis, &Intervals)>,
    chosen: &[String],
    notes: &[String],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    let [a, b] = [0, 1].map(|drug| &report.drugs[drug].name);
    let Some((analysis, intervals)) = found else {
        let text = match report.surface {
            Some(_) => "All that follows is what the model says. No reading was made that could bear it out.",
            None => "And the model was not asked: nothing can be said of the two together.",
        };
        say(Severity::Caution, format!("No reading has both {a} and {b}"), text.into());
        notes.iter().for_each(|note| say(Severity::Note, "About the run".into(), note.clone()));
        return warnings;
    };
    for drug in [0, 1].into_iter().filter(|&drug| !analysis.plan.active[drug]) {
        let own = &report.drugs[drug].name;
        let title = format!("{own} alone does next to nothing");
        let effect = analysis.alone[drug].effect.map_or(format!("{own} was not read alone."), |effect| {
            format!("At its highest dose the effect is {}, below {INACTIVE}.", signed(effect))
        });
        let other = &report.drugs[1 - drug].name;
        let text = format!(
            "{effect} Loewe additivity and ZIP compare potencies and are not given. What {own} does to {other} is the \
             shift of its EC50."
        );
        say(Severity::Note, title, text);
    }
    if let Some(data) = &report.data
        && !data.missing.is_empty()
    {
        let (count, listed) = (data.missing.len(), &data.missing[..data.missing.len().min(MOST_NAMED)]);
        let rest = if count > MOST_NAMED { format!(" and {} more", count - MOST_NAMED) } else { String::new() };
        let title = format!("{count} of {} cells of the matrix were not read", data.cells.len());
        say(
            Severity::Caution,
            title,
            format!("{}{rest}. Means are over the combinations that were.", listed.join("; ")),
        );
    }
    match intervals.basis {
        Basis::Experiments(2) => {
            let text = "Two say little about how far days differ: intervals are as wide as that has to make them.";
            say(Severity::Caution, "Two experiments".into(), text.into());
        }
        Basis::Experiments(_) => {}
        Basis::Wells(_) => {
            let text = "Intervals come from the scatter of its wells and hold within it. How far another day would be from \
                        it these data cannot say.";
            say(Severity::Note, "One experiment".into(), text.into());
        }
        Basis::Nothing => {
            let text = "There is one experiment, and no pair of doses was read twice: nothing is known of the error.";
            say(Severity::Caution, "No intervals".into(), text.into());
        }
    }
    let matrix = chosen.iter().map(|note| ("About the matrix", note));
    for (title, note) in matrix.chain(notes.iter().map(|note| ("About the run", note))) {
        let mut text = note.clone();
        text.get_mut(0..1).into_iter().for_each(str::make_ascii_uppercase);
        say(Severity::Note, title.into(), text + ".");
    }
    warnings
}

pub fn headlines(report: &SynergyReport) -> Vec<Headline> {
    let mut list = Vec::new();
    let mut add = |label: String, value: String, note: String| list.push(Headline { label, value, note });
    let excess = |value: f64| format!("{} of the vehicle", signed(value));
    if let Some(data) = &report.data {
        for reference in data.references.iter().filter(|r| r.name != "HSA") {
            if let Some(mean) = reference.mean.value {
                add(format!("Mean {} excess", reference.name), signed(mean), interval(&reference.mean));
            }
        }
        let inactive = data.alone.iter().any(|alone| !alone.active);
        let last = data.shift.points.iter().rev().find(|point| point.factor.value.is_some());
        if let (true, Some(point)) = (inactive, last)
            && let Some(factor) = point.factor.value
        {
            let partner = &report.drugs[data.shift.partner];
            let drug = &report.drugs[data.shift.drug].name;
            let below =
                point.factor.interval.map_or("no interval".into(), |i| format!("95 % interval {}", interval_text(i)));
            let label = format!("{drug} more potent beside {} {} {}", partner.name, shown(point.dose), partner.unit);
            add(label, format!("{}-fold", shown(factor)), below);
        }
    }
    if let Some(surface) = &report.surface
        && let Some(bliss) = surface.references.first()
        && let Some(mean) = bliss.mean.value
    {
        let band = bliss.mean.interval.map_or("no band".into(), |(low, high)| {
            format!("{}, 95 % band {} to {}", excess(mean), signed(low), signed(high))
        });
        add("Mean Bliss excess of the model".into(), signed(mean), band);
    }
    list
}

pub fn definitions(drugs: &[Drug; 2]) -> Vec<(String, String)> {
    let [a, b] = [&drugs[0].name, &drugs[1].name];
    let list = [
        ("Effect", "1 − viability, viability being relative to the vehicle.".to_string()),
        ("Excess", "Observed effect − expected effect. Above 0: synergy; below 0: antagonism.".into()),
        (
            "Bliss",
            format!("{a} and {b} kill independently: the expected viability is the product of those under each alone."),
        ),
        (
            "Loewe",
            format!(
                "{a} and {b} are dilutions of one another: doses as shares of those that do the same alone add up to 1. From \
                 fitted curves; not defined beyond the plateau of the weaker drug."
            ),
        ),
        (
            "HSA",
            "The combination does what the better drug does alone (highest single agent). Where both do about the same, noise \
             makes the better one look better than it is, and this excess comes out a little low."
                .into(),
        ),
        (
            "ZIP",
            "Neither drug shifts potency or steepness of the other (zero interaction potency). Fitted rows and columns are \
             compared with the product of the fitted curves."
                .into(),
        ),
        (
            "EC50 beside a partner",
            "The dose at which viability is half of what the partner alone leaves. A factor above 1: more potent.".into(),
        ),
    ];
    list.into_iter().map(|(name, text)| (name.to_string(), text)).collect()
}

pub fn references(study: &Study) -> Vec<String> {
    let mut list = super::super::references(study);
    list.extend(
        [
            "C. I. Bliss, The toxicity of poisons applied jointly, Ann. Appl. Biol. 26:585 (1939)",
            "S. Loewe, The problem of synergism and antagonism of combined drugs, Arzneimittelforschung 3:285 (1953)",
            "M. C. Berenbaum, What is synergy?, Pharmacol. Rev. 41:93 (1989)",
            "B. Yadav et al., Searching for drug synergy in complex dose-response landscapes using an interaction potency \
             model, Comput. Struct. Biotechnol. J. 13:504 (2015)",
        ]
        .map(String::from),
    );
    list
}

pub fn methods(report: &SynergyReport, found: Option<(&Analysis, &Intervals)>) -> String {
    let [a, b] = [0, 1].map(|drug| &report.drugs[drug].name);
    let mut text = String::new();
    if let (Some(data), Some((_, intervals))) = (&report.data, found) {
        text += &format!(
            "{a} and {b} were combined at {} by {} doses and read at {} {} ({} wells, {} experiment{}). Viability is \
             relative to the vehicle. Excess over Bliss independence and over the highest single agent was computed from \
             mean viabilities, excess over Loewe additivity from logistic curves of each drug alone with a fixed upper \
             plateau, and the ZIP score from logistic curves along rows and columns. ",
            data.doses[0].iter().filter(|dose| **dose > 0.0).count(),
            data.doses[1].iter().filter(|dose| **dose > 0.0).count(),
            shown(report.time),
            report.time_unit,
            data.wells,
            data.experiments,
            if data.experiments == 1 { "" } else { "s" },
        );
        text += match intervals.basis {
            Basis::Nothing => "No intervals could be computed. ",
            _ if over_experiments(intervals.basis) => {
                "95 % intervals are Student's t times the standard deviation over bootstrap repeats of whole experiments, \
                 corrected for their number; all curves were fitted again in each. "
            }
            _ => {
                "95 % intervals are Student's t times the standard deviation over bootstrap repeats in which wells were \
                 redrawn from pooled residuals; all curves were fitted again in each. "
            }
        };
    }
    if let Some(surface) = &report.surface {
        text += &format!(
            "The model {} ({}) was evaluated on {} by {} doses; its bands hold 95 % of {} draws of its parameters. ",
            report.model,
            surface.source,
            surface.doses[0].len() - 1,
            surface.doses[1].len() - 1,
            surface.draws
        );
    }
    text + &format!("fenton {} was used.", report.run.version)
}
