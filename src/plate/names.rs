//! Words that mean the same: roles of wells, spellings of compounds and cell lines, units in headers.

use super::{Assay, Role};
use crate::study::units::Unit;
use std::collections::HashMap;

/// What two spellings of one name share.
pub fn key(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '‑' | '–')).flat_map(char::to_lowercase).collect()
}

/// The key of a compound, the same for long names of iron citrate and its short one.
pub fn compound_key(name: &str) -> String {
    let key = key(name);
    let long =
        ["ferricammoniumcitrate", "ammoniumferriccitrate", "ammoniumiron(iii)citrate", "iron(iii)ammoniumcitrate"];
    if long.contains(&key.as_str()) { "fac".into() } else { key }
}

/// Names in the order in which they were first seen, by key.
#[derive(Debug, Default)]
pub struct Names {
    pub list: Vec<String>,
    of: HashMap<String, usize>,
    /// The key of a spelling seen before: most rows repeat one.
    seen: HashMap<String, usize>,
    /// Other spellings that were met, with the one that is kept.
    pub merged: Vec<(String, usize)>,
}

impl Names {
    pub fn index(&mut self, name: &str, key: impl Fn(&str) -> String) -> usize {
        if let Some(&at) = self.seen.get(name) {
            return at;
        }
        let next = self.list.len();
        let at = *self.of.entry(key(name)).or_insert(next);
        if at == next {
            self.list.push(name.to_string());
        } else {
            self.merged.push((name.to_string(), at));
        }
        self.seen.insert(name.to_string(), at);
        at
    }
}

/// The role that a word names.
pub fn role(text: &str) -> Option<Role> {
    let key = key(text);
    Some(match key.trim_end_matches("wells").trim_end_matches("well") {
        "sample" | "samples" | "treated" | "treatment" | "compound" | "test" => Role::Sample,
        "vehicle" | "control" | "ctrl" | "dmso" | "untreated" | "solvent" | "mock" | "negative" | "negativecontrol"
        | "neg" | "vehiclecontrol" | "dmsocontrol" | "controls" | "nt" | "veh" => Role::Vehicle,
        "blank" | "blanks" | "background" | "nocells" | "cellfree" | "mediumonly" | "mediaonly" | "nocell" | "bg"
        | "blk" => Role::Blank,
        "t0" | "start" | "baseline" | "timezero" | "tz" | "t=0" => Role::Start,
        "positive" | "kill" | "killed" | "lysed" | "lysis" | "max" | "positivecontrol" | "pos" | "fullkill"
        | "alldead" | "triton" | "maximum" => Role::Positive,
        _ => return None,
    })
}

pub const ROLES: &str = "sample, vehicle, blank, t0 or positive";

pub fn assay(text: &str) -> Option<Assay> {
    let key = key(text);
    Assay::ALL.into_iter().find(|assay| assay.name().replace('_', "") == key)
}

/// "FAC (mM)", "time [h]" and "FAC_mM" into name and unit.
pub fn header(text: &str) -> (&str, Option<&str>) {
    let text = text.trim();
    for (open, close) in [('(', ')'), ('[', ']')] {
        // The last pair: "Fe(III) citrate (mM)".
        if let (Some(start), true) = (text.rfind(open), text.ends_with(close))
            && start > 0
        {
            return (text[..start].trim(), Some(text[start + 1..text.len() - 1].trim()));
        }
    }
    for mark in ['_', ','] {
        if let Some((name, unit)) = text.rsplit_once(mark)
            && !name.trim().is_empty()
            && Unit::parse(unit).is_some_and(|u| u.is_time() || is_dose(u))
        {
            return (name.trim(), Some(unit.trim()));
        }
    }
    (text, None)
}

/// Units that doses have: amounts or masses in a volume.
pub fn is_dose(unit: Unit) -> bool {
    unit.is_concentration() || unit.is_mass_concentration()
}

/// Whether what stands in a header's brackets is a unit of doses, with or without what they count.
pub fn is_dose_unit(text: &str) -> bool {
    Unit::parse(super::basis::split(text).0).is_some_and(is_dose)
}
