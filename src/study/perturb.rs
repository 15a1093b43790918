//! Perturbations and lines of cells in a study: from names of the catalogue to doses, factors and values.
//!
//! A compound without a dose of its own in the model gets one: a new parameter, and its effect is written into the
//! equations of this study. From there on it is a dose like any other, with columns, schedules and controls.

use super::catalogue::{Acts, Catalogue, DOSE_UNIT, Entry, Kind, Way, dose, plain};
use super::cell_lines::CellLine;
use super::declared::{Compound, Condition, Quantity};
use super::document::{Amount, At, Section, suggest};
use super::embedded;
use super::read::Reader;
use super::schedule::{self, Schedule};
use super::units::Unit;
use crate::expr::{Graph, Id, Symbol};
use crate::model::{System, antimony};
use crate::{Diagnostic, Error, Result};

/// What one perturbation changes in a condition.
pub struct Change {
    name: At<String>,
    what: What,
}

enum What {
    Dose { compound: usize, dose: f64, times: Option<Schedule> },
    Fold(u32, Quantity),
    Set(u32, f64),
}

/// What stands behind the name of a perturbation, and when it is there if that is stated.
struct Given {
    text: At<String>,
    times: Option<Schedule>,
}

const EXPECTED: &str = "a text: a dose with its unit such as \"10 uM\", a factor such as \"x10\", or \"knock-out\"";

impl Reader<'_, '_> {
    /// The line of cells that `section` names, and what it multiplies.
    pub fn cell(&mut self, section: &Section) -> Option<(String, Vec<(u32, f64)>)> {
        let name = section.text("cell")?;
        let lines = self.embedded(CellLine::embedded());
        let Some(line) = CellLine::find(&lines, &name.value) else {
            let hint = suggest(&name.value, lines.iter().flat_map(CellLine::all_names));
            self.findings.say(&name.span, format!("no line of cells `{}`", name.value), hint);
            return None;
        };
        let (mut factors, mut told) = (Vec::new(), Vec::new());
        for factor in &line.factors {
            match self.in_model(&factor.parameter) {
                Some(index) => {
                    factors.push((index, factor.value));
                    told.push(format!("{} x{}", factor.parameter, factor.value));
                }
                None => self.note(format!(
                    "{} differs in {} (x{}), which the model does not have",
                    line.name, factor.parameter, factor.value
                )),
            }
        }
        if !told.is_empty() {
            self.note(format!("{} is {} of the reference line", line.name, told.join(", ")));
        }
        Some((line.name.clone(), factors))
    }

    /// What the perturbations of a condition change. Compounds that the study has not declared are added to it.
    pub fn perturbations(&mut self, condition: &Section) -> Vec<Change> {
        let Some(table) = condition.section("perturb") else { return Vec::new() };
        let mut changes = Vec::new();
        for name in table.names() {
            let Some(given) = self.given(&name, &table) else { continue };
            let what = self.perturbation(&name, &given).unwrap_or_default();
            changes.extend(what.into_iter().map(|what| Change { name: name.clone(), what }));
        }
        changes
    }

    pub fn apply(&self, condition: &mut Condition, changes: Vec<Change>) {
        for Change { name, what } in changes {
            let say = |message: &str, hint: &str| {
                self.findings.say(&name.span, format!("`{}` {message}", name.value), hint);
            };
            let twice = match what {
                What::Dose { compound, .. } => condition.doses[compound].is_some(),
                What::Set(index, _) => condition.set.iter().any(|(i, _)| *i == index),
                What::Fold(..) => false,
            };
            if twice {
                say("is stated twice for this condition", "state it once");
            }
            if let What::Fold(index, _) | What::Set(index, _) = what
                && self.study.compounds.iter().any(|c| c.target == index)
            {
                say("is a dose here", "state its dose under `doses`, or in a column of the data");
            }
            match what {
                What::Dose { compound, dose, times } => {
                    condition.doses[compound] = Some(dose);
                    if let Some(times) = times {
                        condition.schedule[compound] = times;
                    }
                }
                What::Fold(index, factor) => condition.fold.push((index, factor)),
                What::Set(index, value) => condition.set.push((index, Quantity::Number(value))),
            }
        }
    }

    /// What the doses of a declared compound set: the parameter of its name, or what the catalogue says.
    pub fn compound_target(&mut self, name: &At<String>) -> Option<u32> {
        if let Some(index) = self.in_model(&name.value) {
            return Some(index);
        }
        let catalogue = self.catalogue();
        let Some(entry) = catalogue.find(&name.value) else {
            let system = &self.study.system;
            let known = system.parameters.iter().map(|p| p.name.as_str()).chain(catalogue.names());
            let message = format!("no parameter `{}` in the model, and no such compound in the catalogue", name.value);
            let diagnostic = Diagnostic::new(message).hint(suggest(&name.value, known));
            self.findings.add(&name.span, diagnostic.expected("a dose needs a parameter of the model that it sets"));
            return None;
        };
        let way = self.way(name, entry)?;
        if !matches!(way.acts, Acts::Dose { .. }) {
            let message = format!("`{}` is a {} and has no dose", entry.name, entry.kind.name());
            let hint = format!("write perturb = {{ {:?} = {} }} in a condition", entry.name, entry.example());
            self.findings.say(&name.span, message, hint);
            return None;
        }
        self.enter(name, entry, &way)
    }

    fn given(&self, name: &At<String>, table: &Section) -> Option<Given> {
        if !table.is_table(&name.value) {
            return Some(Given { text: table.text_that_is(&name.value, EXPECTED)?, times: None });
        }
        let entry = table.section(&name.value)?;
        let text = entry.require("dose", entry.text_that_is("dose", EXPECTED), "dose = \"10 uM\"");
        let times = schedule::read(std::slice::from_ref(&entry));
        entry.finish();
        Some(Given { text: text?, times: Some(times.unwrap_or_default()) })
    }

    fn perturbation(&mut self, name: &At<String>, given: &Given) -> Option<Vec<What>> {
        if let Some(compound) = self.study.compounds.iter().position(|c| c.name == name.value) {
            return Some(vec![self.dose_of(name, given, compound)?]);
        }
        let catalogue = self.catalogue();
        let Some(entry) = catalogue.find(&name.value) else {
            if let Some(index) = self.in_model(&name.value) {
                return self.folds(name, given, &[(index, 1.0)]);
            }
            let system = &self.study.system;
            let known = catalogue.names().chain(system.parameters.iter().map(|p| p.name.as_str()));
            let hint = format!("{} ('fenton list perturbations' has all)", suggest(&name.value, known));
            self.findings.say(&name.span, format!("no perturbation `{}`", name.value), hint);
            return None;
        };
        let way = self.way(name, entry)?;
        let indices = |list: &[(String, f64)]| -> Option<Vec<(u32, f64)>> {
            list.iter().map(|(parameter, number)| Some((self.in_model(parameter)?, *number))).collect()
        };
        if !matches!(way.acts, Acts::Dose { .. }) && given.times.is_some() {
            let message = format!("`{}` is there from the beginning", entry.name);
            let hint = format!("write {:?} = {}, without from and until", name.value, entry.example());
            self.findings.say(&name.span, message, hint);
            return None;
        }
        match &way.acts {
            Acts::Dose { .. } => {
                let target = self.enter(name, entry, &way)?;
                let compound = match self.study.compounds.iter().position(|c| c.target == target) {
                    Some(compound) => compound,
                    None => self.declare(name, entry, given, target)?,
                };
                Some(vec![self.dose_of(name, given, compound)?])
            }
            Acts::Fold(list) => {
                let list = indices(list)?;
                if entry.has_numbers(&way) {
                    self.note(format!("{}: {}; {}", entry.name, way.describe(), entry.basis));
                }
                self.folds(name, given, &list)
            }
            Acts::Level(parameter) => {
                let index = self.in_model(parameter)?;
                let own = &self.study.system.parameters[index as usize].unit;
                let Some((value, unit)) = dose(&given.text.value) else {
                    return self.refuse(given, format!("`{}` has a concentration", entry.name), "\"10 uM\"");
                };
                let factor = self.dose_factor(name, &At::new(unit.to_string(), given.text.span.clone()), own, None);
                Some(vec![What::Set(index, value * factor)])
            }
            Acts::Throughout(list) => {
                let list = indices(list)?;
                if given.text.value != "on" {
                    return self.refuse(given, format!("`{}` is there or not", entry.name), "\"on\"");
                }
                self.note(format!("{}: {}; {}", entry.name, way.describe(), entry.basis));
                Some(list.into_iter().map(|(index, factor)| What::Fold(index, Quantity::Number(factor))).collect())
            }
        }
    }

    fn refuse<T>(&self, given: &Given, message: String, example: &str) -> Option<T> {
        self.findings.say(&given.text.span, message, format!("write {example} instead of {:?}", given.text.value));
        None
    }

    /// A dose in the unit of a compound.
    fn dose_of(&self, name: &At<String>, given: &Given, compound: usize) -> Option<What> {
        let declared = &self.study.compounds[compound];
        let Some((number, unit)) = dose(&given.text.value) else {
            return self.refuse(given, format!("`{}` is a compound and has a dose", name.value), "\"10 uM\"");
        };
        let factor = if unit == declared.unit {
            Some(1.0)
        } else {
            Unit::parse(unit).zip(Unit::parse(&declared.unit)).and_then(|(from, to)| from.to(to))
        };
        let Some(factor) = factor else {
            let message =
                format!("units do not agree: a dose in {unit}, the compound `{}` in {}", declared.name, declared.unit);
            self.findings.say(&given.text.span, message, format!("write the dose in {} or a multiple", declared.unit));
            return None;
        };
        Some(What::Dose { compound, dose: number * factor, times: given.times.clone() })
    }

    /// Adds a compound whose doses only conditions state.
    fn declare(&mut self, name: &At<String>, entry: &Entry, given: &Given, target: u32) -> Option<usize> {
        let Some((_, unit)) = dose(&given.text.value) else {
            let what = if entry.kind == Kind::Carrier { "carrier" } else { "compound" };
            return self.refuse(given, format!("`{}` is a {what} and has a dose", name.value), "\"10 uM\"");
        };
        let unit = At::new(unit.to_string(), given.text.span.clone());
        let own = self.study.system.parameters[target as usize].unit.clone();
        let factor = self.dose_factor(name, &unit, &own, None);
        let name = name.value.clone();
        self.study.compounds.push(Compound { name, target, unit: unit.value, factor, removed_in_control: true });
        Some(self.study.compounds.len() - 1)
    }

    /// "x10", "knock-out" or a parameter of the study.
    fn folds(&self, name: &At<String>, given: &Given, list: &[(u32, f64)]) -> Option<Vec<What>> {
        let text = given.text.value.trim();
        let number = match plain(text).as_str() {
            "knockout" | "ko" => Some(0.0),
            _ => text.strip_prefix(['x', '×']).and_then(|rest| rest.trim().parse::<f64>().ok()),
        };
        let factor = match number {
            Some(number) if number >= 0.0 && number.is_finite() => Quantity::Number(number),
            None if self.study.parameter(text).is_some() => {
                self.quantity(&At::new(Amount::Named(text.to_string()), given.text.span.clone()))?
            }
            _ => {
                let what = if dose(text).is_some() { "has no dose" } else { "has a factor" };
                let example = "\"x10\", \"x0.3\", \"knock-out\" or the name of a parameter of this study";
                return self.refuse(given, format!("`{}` is a gene and {what}", name.value), example);
            }
        };
        let mut folds = Vec::new();
        for &(index, power) in list {
            let factor = match factor {
                Quantity::Number(0.0) if power < 0.0 => {
                    let message = format!("what `{}` holds down would have no bound without it", name.value);
                    return self.refuse(given, message, "\"x0.1\"");
                }
                Quantity::Number(number) if power != 1.0 => Quantity::Number(number.powf(power)),
                Quantity::Parameter(_) if power != 1.0 => {
                    let message = format!("`{}` enters with the power {power}, and a parameter cannot", name.value);
                    return self.refuse(given, message, "a number such as \"x10\"");
                }
                factor => factor,
            };
            folds.push(What::Fold(index, factor));
        }
        Some(folds)
    }

    /// How an entry enters this model: under a name of its own, or the first way that the model has all parameters of.
    fn way(&self, name: &At<String>, entry: &Entry) -> Option<Way> {
        let has = |parameter: &str| self.in_model(parameter).is_some();
        let found = way_into(entry, &has);
        if found.is_some() {
            return found;
        }
        if let Some(why) = &entry.out_of_scope {
            let message = format!("`{}` is out of the scope of the models", entry.name);
            self.findings.say(&name.span, message, why.as_str());
            return None;
        }
        let mut lacking: Vec<&str> = Vec::new();
        for parameter in entry.ways.iter().flat_map(Way::parameters) {
            if !has(parameter) && !lacking.contains(&parameter) {
                lacking.push(parameter);
            }
        }
        let message = format!("`{}` acts through {}, which {} lacks", entry.name, lacking.join(", "), self.study.model);
        let models = models_with(entry);
        let hint = match models.is_empty() {
            true => "no embedded model has it: add such a parameter to a model of yours".to_string(),
            false => format!("models that have it: {}", models.join(", ")),
        };
        self.findings.say(&name.span, message, hint);
        None
    }

    /// The parameter for doses of an entry. Where the model has none, one is made and its effect goes into the equations.
    fn enter(&mut self, name: &At<String>, entry: &Entry, way: &Way) -> Option<u32> {
        if let Some((_, target)) = self.entered.iter().find(|(known, _)| *known == entry.name) {
            return Some(*target);
        }
        let Acts::Dose { adds, factors, half } = &way.acts else { return None };
        let target = match entry.own_dose(way) {
            Some(parameter) => self.in_model(parameter)?,
            None => {
                let adds: Vec<(u32, f64)> = adds
                    .iter()
                    .map(|(parameter, amount)| {
                        let index = self.in_model(parameter)?;
                        let own = self.study.system.parameters[index as usize].unit.clone();
                        let unit = At::new(DOSE_UNIT.to_string(), name.span.clone());
                        Some((index, amount * self.dose_factor(name, &unit, &own, None)))
                    })
                    .collect::<Option<_>>()?;
                let factors: Vec<(u32, f64)> = factors
                    .iter()
                    .map(|(parameter, limit)| Some((self.in_model(parameter)?, *limit)))
                    .collect::<Option<_>>()?;
                let (unit, half) = match half {
                    Some(half) if adds.is_empty() => (half.unit.as_str(), half.dose),
                    Some(half) => (DOSE_UNIT, half.dose * Unit::parse(&half.unit)?.to(Unit::parse(DOSE_UNIT)?)?),
                    None => (DOSE_UNIT, 1.0),
                };
                let taken = self.study.system.variable(&entry.name).is_some();
                let own = if taken { format!("{} (dose)", entry.name) } else { entry.name.clone() };
                let dose = self.add_to_system(&own, 0.0, unit);
                self.study
                    .system
                    .replace_parameters(&mut |graph, parameter| effect(graph, parameter, dose, &adds, &factors, half));
                dose
            }
        };
        if !entry.basis.is_empty() && entry.own_dose(way).is_none() {
            self.note(format!("{}: {}; {}", entry.name, way.describe(), entry.basis));
        } else if let Some(omits) = &way.omits {
            self.note(format!("{} enters without {omits}", entry.name));
        }
        self.entered.push((entry.name.clone(), target));
        Some(target)
    }

    /// A parameter of the model itself.
    fn in_model(&self, name: &str) -> Option<u32> {
        self.study.in_model(name)
    }

    fn note(&mut self, note: String) {
        if !self.study.notes.contains(&note) {
            self.study.notes.push(note);
        }
    }

    fn catalogue(&mut self) -> std::rc::Rc<Catalogue> {
        if let Some(catalogue) = &self.catalogue {
            return catalogue.clone();
        }
        let catalogue = std::rc::Rc::new(self.embedded(Catalogue::embedded()));
        self.catalogue = Some(catalogue.clone());
        catalogue
    }

    /// What is embedded is read as any file is; tests keep it free of errors.
    fn embedded<T: Default>(&self, read: Result<T>) -> T {
        read.unwrap_or_else(|error| {
            if let Error::Input(found) = error {
                self.findings.found.borrow_mut().extend(found);
            }
            T::default()
        })
    }
}

/// What takes the place of a parameter under a dose.
fn effect(
    graph: &mut Graph,
    parameter: u32,
    dose: u32,
    adds: &[(u32, f64)],
    factors: &[(u32, f64)],
    half: f64,
) -> Option<Id> {
    let of = |list: &[(u32, f64)]| list.iter().find(|(index, _)| *index == parameter).map(|(_, number)| *number);
    let (added, limit) = (of(adds), of(factors));
    if added.is_none() && limit.is_none() {
        return None;
    }
    let dose = graph.symbol(Symbol::Parameter(dose));
    let mut value = graph.symbol(Symbol::Parameter(parameter));
    if let Some(amount) = added {
        value = graph.sum(0.0, &[(1.0, value), (amount, dose)]);
    }
    if let Some(limit) = limit {
        let below = graph.sum(half, &[(1.0, dose)]);
        let share = graph.div(dose, below);
        // Written so that it is 1 to the last bit without the compound.
        let factor = graph.sum(1.0, &[(limit - 1.0, share)]);
        value = graph.mul(value, factor);
    }
    Some(value)
}

/// How an entry enters a model that has such parameters.
pub fn way_into(entry: &Entry, has: &dyn Fn(&str) -> bool) -> Option<Way> {
    if let Some(own) = entry.all_names().find(|name| has(name)) {
        let own = own.to_string();
        let acts = match (entry.ways.first().map(|way| &way.acts), entry.kind) {
            (Some(Acts::Fold(_)), _) | (None, Kind::Gene) => Some(Acts::Fold(vec![(own, 1.0)])),
            (Some(Acts::Level(_)), _) => Some(Acts::Level(own)),
            (Some(Acts::Throughout(_)), _) => None,
            _ => Some(Acts::Dose { adds: vec![(own, 1.0)], factors: Vec::new(), half: None }),
        };
        if let Some(acts) = acts {
            return Some(Way { acts, omits: None });
        }
    }
    entry.ways.iter().find(|way| way.parameters().into_iter().all(has)).cloned()
}

/// The embedded models that have an entry.
pub fn models_with(entry: &Entry) -> Vec<&'static str> {
    let system = |text, name| -> Result<System> { antimony::read(text, name)?.system() };
    let has_it = |file: &&embedded::File| {
        system(file.text, file.name)
            .is_ok_and(|system| way_into(entry, &|name| system.parameter(name).is_some()).is_some())
    };
    embedded::MODELS.iter().filter(has_it).map(|file| file.name).collect()
}
