//! The catalogue of perturbations: what compounds, genes, conditions and carriers do, and how each enters a model.
//!
//! `data/perturbations.toml` is data. An entry names parameters; a model has an entry if it has parameters of these names.

use super::document::{At, Findings, Section, parse};
use super::embedded;
use super::units::Unit;
use crate::{Error, Result};

#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    /// Other names of the same.
    pub names: Vec<String>,
    pub kind: Kind,
    pub target: String,
    /// On which death, and how; of a gene, what more of it does.
    pub effects: Vec<(Death, Effect)>,
    pub mechanism: String,
    pub source: String,
    /// Where the numbers come from with which it enters; empty if there are none.
    pub basis: String,
    /// In the order of preference: the first that a model has all parameters of is taken.
    pub ways: Vec<Way>,
    /// Why no model can have it.
    pub out_of_scope: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Compound,
    Gene,
    Condition,
    /// Several things delivered at once.
    Carrier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    Ferroptosis,
    Cuproptosis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Induces,
    Protects,
    /// Either, by circumstance.
    Dual,
    /// Reports disagree.
    Contested,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    pub acts: Acts,
    /// What of the perturbation it leaves out.
    pub omits: Option<String>,
}

/// How a perturbation enters a model, by names of parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Acts {
    /// A dose adds so many times itself to parameters that are doses, and multiplies others by what approaches a limit.
    Dose { adds: Vec<(String, f64)>, factors: Vec<(String, f64)>, half: Option<Half> },
    /// A factor multiplies parameters, raised to a power.
    Fold(Vec<(String, f64)>),
    /// A concentration takes the place of a parameter's value.
    Level(String),
    /// It is there or not, and multiplies parameters if it is.
    Throughout(Vec<(String, f64)>),
}

/// The dose at which a factor is half-way from 1 to its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Half {
    pub dose: f64,
    pub unit: String,
}

/// The unit of what `adds` adds.
pub const DOSE_UNIT: &str = "uM";

impl Catalogue {
    /// That of the program.
    pub fn embedded() -> Result<Catalogue> {
        Catalogue::read("perturbations.toml", embedded::PERTURBATIONS)
    }

    pub fn read(file: &str, text: &str) -> Result<Catalogue> {
        let findings = Findings::new(file, text);
        let parsed = parse(&findings);
        let top = Section::new(&findings, "", 0..0, parsed.get_ref());
        let mut catalogue = Catalogue::default();
        for name in top.names() {
            let Some(section) = top.section(&name.value) else { continue };
            if let Some(entry) = entry(&name, &section) {
                for known in entry.all_names() {
                    if let Some(other) = catalogue.find(known) {
                        let message = format!("`{known}` is a name of `{}` already", other.name);
                        findings.say(&name.span, message, "a name belongs to one entry");
                    }
                }
                catalogue.entries.push(entry);
            }
            section.finish();
        }
        if findings.is_clean() { Ok(catalogue) } else { Err(Error::Input(findings.take())) }
    }

    /// By any of its names, whatever its hyphens and capitals.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let wanted = plain(name);
        self.entries.iter().find(|entry| entry.all_names().any(|known| plain(known) == wanted))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().flat_map(Entry::all_names)
    }
}

impl Entry {
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.names.iter().map(String::as_str))
    }

    /// "induces ferroptosis, protects from cuproptosis".
    pub fn effect(&self) -> String {
        let of = |&(death, effect): &(Death, Effect)| match effect {
            Effect::Induces => format!("induces {}", death.name()),
            Effect::Protects => format!("protects from {}", death.name()),
            Effect::Dual => format!("induces {} or protects from it", death.name()),
            Effect::Contested => format!("contested for {}", death.name()),
        };
        self.effects.iter().map(of).collect::<Vec<_>>().join(", ")
    }

    /// The parameter whose dose is that of this compound and of no other, if that is all that a way does.
    pub fn own_dose<'w>(&self, way: &'w Way) -> Option<&'w str> {
        match &way.acts {
            Acts::Dose { adds, factors, .. } if factors.is_empty() => match adds.as_slice() {
                [(name, 1.0)] if self.all_names().any(|known| known == name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a way has numbers, which need a basis.
    pub fn has_numbers(&self, way: &Way) -> bool {
        match &way.acts {
            Acts::Dose { .. } => self.own_dose(way).is_none(),
            Acts::Fold(list) => list.iter().any(|(_, power)| *power != 1.0),
            Acts::Level(_) => false,
            Acts::Throughout(_) => true,
        }
    }

    /// What a study writes for it.
    pub fn example(&self) -> &'static str {
        match self.ways.first().map(|way| &way.acts) {
            Some(Acts::Fold(_)) => "\"knock-out\" or \"x10\"",
            Some(Acts::Throughout(_)) => "\"on\"",
            _ => "\"10 uM\"",
        }
    }
}

impl Way {
    /// Names of the parameters that a model needs.
    pub fn parameters(&self) -> Vec<&str> {
        match &self.acts {
            Acts::Dose { adds, factors, .. } => adds.iter().chain(factors).map(|(name, _)| name.as_str()).collect(),
            Acts::Fold(list) | Acts::Throughout(list) => list.iter().map(|(name, _)| name.as_str()).collect(),
            Acts::Level(name) => vec![name],
        }
    }

    pub fn describe(&self) -> String {
        let factors = |list: &[(String, f64)]| -> String {
            list.iter().map(|(name, factor)| format!("{name} x{factor}")).collect::<Vec<_>>().join(", ")
        };
        let mut text = match &self.acts {
            Acts::Dose { adds, factors: changed, half } => {
                let dose = |(name, amount): &(String, f64)| match amount {
                    1.0 => format!("dose of {name}"),
                    amount => format!("{amount} times its dose as {name}"),
                };
                let mut parts: Vec<String> = adds.iter().map(dose).collect();
                if let Some(half) = half {
                    parts.push(format!("{} at high doses, half-way at {} {}", factors(changed), half.dose, half.unit));
                }
                parts.join("; ")
            }
            Acts::Fold(list) => {
                let fold = |(name, power): &(String, f64)| match power {
                    1.0 => format!("factor on {name}"),
                    power => format!("factor to the power {power} on {name}"),
                };
                list.iter().map(fold).collect::<Vec<_>>().join("; ")
            }
            Acts::Level(name) => format!("value of {name}"),
            Acts::Throughout(list) => factors(list),
        };
        if let Some(omits) = &self.omits {
            text.push_str(&format!(" (without {omits})"));
        }
        text
    }
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Compound, Kind::Gene, Kind::Condition, Kind::Carrier];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Compound => "compound",
            Kind::Gene => "gene",
            Kind::Condition => "condition",
            Kind::Carrier => "carrier",
        }
    }
}

impl Death {
    pub fn name(self) -> &'static str {
        match self {
            Death::Ferroptosis => "ferroptosis",
            Death::Cuproptosis => "cuproptosis",
        }
    }
}

impl Effect {
    const ALL: [Effect; 4] = [Effect::Induces, Effect::Protects, Effect::Dual, Effect::Contested];

    pub fn name(self) -> &'static str {
        match self {
            Effect::Induces => "induces",
            Effect::Protects => "protects",
            Effect::Dual => "dual",
            Effect::Contested => "contested",
        }
    }
}

/// A name without what people write differently: "Fer-1" and "fer1", "α-hederin" and "alpha-hederin".
pub fn plain(name: &str) -> String {
    let name = name.to_lowercase().replace('α', "alpha").replace(['µ', 'μ'], "u");
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// "10 uM" as a number that is not negative and a unit.
pub fn dose(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    // The longest beginning that is a number: "1e-3 uM" has an e of its own. No number is as long as 40 characters.
    let cut =
        (1..=text.len().min(40)).rev().find(|&at| text.is_char_boundary(at) && text[..at].parse::<f64>().is_ok())?;
    let (number, unit) = (text[..cut].parse().ok()?, text[cut..].trim());
    (f64::is_finite(number) && number >= 0.0 && !unit.is_empty()).then_some((number, unit))
}

fn entry(name: &At<String>, section: &Section) -> Option<Entry> {
    let findings = section.findings;
    let needed = |key: &str| section.require(key, section.text(key), "one sentence").map(|t| t.value);
    let kind = section.require("kind", section.text("kind"), "kind = \"compound\"").and_then(|text| {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == text.value);
        if known.is_none() {
            findings.say(&text.span, format!("no kind `{}`", text.value), "compound, gene, condition or carrier");
        }
        known
    });
    let mut effects = Vec::new();
    for death in [Death::Ferroptosis, Death::Cuproptosis] {
        let Some(text) = section.text(death.name()) else { continue };
        match Effect::ALL.into_iter().find(|effect| effect.name() == text.value) {
            Some(effect) => effects.push((death, effect)),
            None => {
                findings.say(&text.span, format!("no effect `{}`", text.value), "induces, protects, dual or contested")
            }
        }
    }
    if effects.is_empty() {
        findings.say(&name.span, format!("`{}` has no effect", name.value), "ferroptosis = \"induces\"");
    }
    let (target, mechanism, source) = (needed("target"), needed("mechanism"), needed("source"));
    let basis = section.text("basis").map(|t| t.value).unwrap_or_default();
    let names = section.texts("names").unwrap_or_default().into_iter().map(|t| t.value).collect();
    let out_of_scope = section.text("out_of_scope").map(|t| t.value);
    let ways: Vec<Way> = section.tables("enters").into_iter().filter_map(way).collect();
    if ways.is_empty() == out_of_scope.is_none() {
        let message = format!("`{}` enters models in no way, or is out of their scope and does", name.value);
        findings.say(&name.span, message, "give `enters` or `out_of_scope`");
    }
    let entry = Entry {
        name: name.value.clone(),
        names,
        kind: kind?,
        target: target?,
        effects,
        mechanism: mechanism?,
        source: source?,
        basis,
        ways,
        out_of_scope,
    };
    if entry.basis.is_empty() && entry.ways.iter().any(|way| entry.has_numbers(way)) {
        findings.say(&name.span, format!("`{}` has numbers without a basis", name.value), "basis = \"assumed: why\"");
    }
    Some(entry)
}

fn way(section: Section) -> Option<Way> {
    let list = |key: &str| -> Vec<(String, f64)> {
        let Some(table) = section.section(key) else { return Vec::new() };
        table
            .names()
            .into_iter()
            .filter_map(|name| Some((name.value.clone(), table.number(&name.value)?.value)))
            .collect()
    };
    let (adds, factors) = (list("dose"), list("factors"));
    let (fold, throughout) = (list("fold"), list("throughout"));
    let level = section.text("level").map(|t| t.value);
    let half = section.text("half").and_then(|text| {
        let half = dose(&text.value).filter(|(dose, unit)| *dose > 0.0 && Unit::parse(unit).is_some());
        if half.is_none() {
            section.say("half", "this is no dose", "half = \"10 uM\"");
        }
        half.map(|(dose, unit)| Half { dose, unit: unit.to_string() })
    });
    let omits = section.text("omits").map(|t| t.value);
    let concentration = |half: &Half| Unit::parse(&half.unit).is_some_and(Unit::is_concentration);
    if !adds.is_empty() && half.as_ref().is_some_and(|half| !concentration(half)) {
        section.say("half", "a dose that adds to others is a concentration", "half = \"10 uM\"");
    }
    if factors.is_empty() == half.is_some() {
        section.findings.say(&section.span, "factors go with the dose of half their effect", "half = \"10 uM\"");
    }
    let acts = match (adds.is_empty() && factors.is_empty(), fold.is_empty(), level, throughout.is_empty()) {
        (false, true, None, true) => Some(Acts::Dose { adds, factors, half }),
        (true, false, None, true) => Some(Acts::Fold(fold)),
        (true, true, Some(level), true) => Some(Acts::Level(level)),
        (true, true, None, false) => Some(Acts::Throughout(throughout)),
        _ => {
            section.findings.say(
                &section.span,
                "a way in is one thing",
                "dose with factors, fold, level or throughout",
            );
            None
        }
    };
    section.finish();
    Some(Way { acts: acts?, omits })
}
