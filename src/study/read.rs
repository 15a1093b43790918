//! Reads a study file against its model.

use super::catalogue::Catalogue;
use super::declared::{CellSpread, Compound, Condition, Quantity, Settle, Study};
use super::document::{Amount, At, Findings, Section, parse, suggest};
use super::schedule::{self, Schedule};
use super::units::Unit;
use crate::engine::Method;
use crate::expr::{Id, Symbol};
use crate::model::{Network, System, Variable};
use crate::{Diagnostic, Error, Result};
use std::rc::Rc;

/// Where a study finds its model and data.
pub trait Sources {
    fn model(&self, name: &str) -> Result<Network>;
    fn data(&self, name: &str) -> Result<Vec<u8>>;
    /// The expression that `text` means over the variables of `system`.
    fn formula(&self, system: &mut System, text: &str) -> Result<Id>;
}

/// What the data section says.
pub struct DataSection {
    pub file: At<String>,
    pub values: Option<At<String>>,
    pub columns: Vec<(String, At<String>)>,
    pub ignored: Vec<String>,
    pub separator: u8,
}

pub struct Reader<'d, 's> {
    pub findings: &'d Findings<'s>,
    pub sources: &'d dyn Sources,
    pub study: Study,
    /// Read when it is first asked for.
    pub catalogue: Option<Rc<Catalogue>>,
    /// Compounds of the catalogue that this study has, and the parameter for their doses.
    pub entered: Vec<(String, u32)>,
}

/// Reads everything but the data.
pub fn read(findings: &Findings, sources: &dyn Sources, name: &str) -> Result<(Study, Option<DataSection>)> {
    let parsed = parse(findings);
    let table = parsed.get_ref();
    let top = Section::new(findings, "", 0..0, table);
    let mut study = Study { name: name.to_string(), time_factor: 1.0, ..Study::default() };
    let text = |key: &str| top.text(key).map(|t| t.value).unwrap_or_default();
    study.title = text("title");
    study.description = text("description");
    study.source = text("source");
    study.line = text("line");
    study.medium = text("medium");
    study.synthetic = top.text("synthetic").map(|t| t.value);
    if study.title.is_empty() {
        study.title = name.to_string();
    }
    let Some(model) = top.require("model", top.text("model"), "model = \"ferroptosis-minimal\"") else {
        return fail(findings);
    };
    study.model = model.value.clone();
    let read = sources.model(&model.value).and_then(|network| {
        let system = network.system()?;
        Ok((network, system))
    });
    (study.network, study.system) = match read {
        Ok(model) => model,
        Err(Error::Input(found)) => {
            findings.found.borrow_mut().extend(found);
            return fail(findings);
        }
        Err(error) => {
            findings.say(&model.span, format!("no model `{}`", model.value), format!("{error}"));
            return fail(findings);
        }
    };
    let mut reader = Reader { findings, sources, study, catalogue: None, entered: Vec::new() };
    reader.time(&top);
    reader.parameters(&top);
    reader.compounds(&top);
    reader.conditions(&top);
    reader.settle(&top);
    reader.observables(&top);
    reader.cells(&top);
    reader.experiments(&top);
    reader.solver(&top);
    let data = reader.data_section(&top);
    top.finish();
    Ok((reader.study, data))
}

pub fn fail<T>(findings: &Findings) -> Result<T> {
    Err(Error::Input(findings.take()))
}

impl Reader<'_, '_> {
    fn time(&mut self, top: &Section) {
        let Some(section) = top.section("time") else {
            self.study.time_unit = self.study.system.time_unit.clone();
            return;
        };
        if let Some(unit) = section.require("unit", section.text("unit"), "unit = \"h\"") {
            match Unit::parse(&unit.value).filter(|unit| unit.is_time()) {
                None => self.findings.say(
                    &unit.span,
                    format!("`{}` is no unit of time", unit.value),
                    "write s, min, h or d",
                ),
                Some(parsed) => {
                    let own = self.study.system.time_unit.clone();
                    match Unit::parse(&own).filter(|unit| unit.is_time()) {
                        Some(model) => {
                            self.study.time_factor = parsed.to(model).unwrap_or(1.0);
                            if self.study.time_factor != 1.0 {
                                let note = format!("times are converted from {} to the model's {own}", unit.value);
                                self.study.notes.push(note);
                            }
                        }
                        None => self
                            .study
                            .notes
                            .push(format!("the model declares no unit of time: it is taken to be {}", unit.value)),
                    }
                }
            }
            self.study.time_unit = unit.value;
        }
        section.finish();
    }

    fn compounds(&mut self, top: &Section) {
        for (name, section) in top.sections("compounds") {
            let target = section.text("target");
            let unit = section.require("unit", section.text("unit"), "unit = \"uM\"");
            let target_unit = section.text("target_unit");
            let molar_mass = section.number("molar_mass");
            let index = match &target {
                Some(target) => self.model_parameter(target, "a dose needs a parameter of the model that it sets"),
                None => self.compound_target(&name),
            };
            let target = target.unwrap_or(name.clone());
            let (Some(index), Some(unit)) = (index, unit) else {
                section.finish();
                continue;
            };
            if self.study.parameters.iter().any(|p| p.target == index && p.estimated) {
                let message = format!("`{}` is a dose and an estimated parameter at once", target.value);
                self.findings.say(&target.span, message, "estimate something else, or dose another parameter");
            }
            let own = &self.study.system.parameters[index as usize].unit;
            let declared = if own.is_empty() { target_unit.as_ref().map_or("", |t| &t.value) } else { own.as_str() };
            let factor = self.dose_factor(&name, &unit, declared, molar_mass.as_ref());
            if let Some(other) = self.study.compounds.iter().find(|c| c.target == index) {
                let message = format!("`{}` and `{}` set the same parameter of the model", other.name, name.value);
                let hint = "give each compound a target of its own";
                self.findings.say(&target.span, message, hint);
            }
            self.study.compounds.push(Compound {
                name: name.value,
                target: index,
                unit: unit.value,
                factor,
                removed_in_control: true,
            });
            section.finish();
        }
    }

    pub fn dose_factor(&self, name: &At<String>, unit: &At<String>, target: &str, molar_mass: Option<&At<f64>>) -> f64 {
        if unit.value == target {
            return 1.0;
        }
        let Some(from) = Unit::parse(&unit.value) else {
            let hint = "write M, mM, uM, nM, pM, or a mass in a volume such as ug/mL with molar_mass";
            self.findings.say(&unit.span, format!("the unit `{}` is not known", unit.value), hint);
            return 1.0;
        };
        let Some(to) = Unit::parse(target) else {
            let hint = format!("say which unit the model means: target_unit = \"{}\"", unit.value);
            let message = format!("the model declares no unit for what `{}` sets", name.value);
            self.findings.say(&unit.span, message, hint);
            return 1.0;
        };
        if let Some(factor) = from.to(to) {
            return factor;
        }
        if from.is_mass_concentration() && to.is_concentration() {
            if let Some(mass) = molar_mass {
                return from.factor / mass.value / to.factor;
            }
            let hint = "add molar_mass = … in g/mol";
            self.findings.say(&unit.span, format!("{} to {target} needs a molar mass", unit.value), hint);
            return 1.0;
        }
        let message = format!("units do not agree: doses in {}, the model's parameter in {target}", unit.value);
        self.findings.say(
            &unit.span,
            message,
            "give doses as a concentration, in the unit of the parameter or a multiple",
        );
        1.0
    }

    fn conditions(&mut self, top: &Section) {
        let (cell, factors) = self.cell(top).unwrap_or_default();
        if let (true, Some(name)) = (self.study.line.is_empty(), top.text("cell")) {
            self.study.line = name.value;
        }
        let sections = top.sections("conditions");
        let mut perturbed = Vec::new();
        for (_, section) in &sections {
            perturbed.push(self.perturbations(section));
        }
        let compounds = self.study.compounds.len();
        let blank = Condition {
            doses: vec![None; compounds],
            schedule: vec![Schedule::default(); compounds],
            cell,
            factors,
            ..Condition::default()
        };
        for ((name, section), changes) in sections.into_iter().zip(perturbed) {
            let mut condition = Condition { name: name.value, ..blank.clone() };
            if let Some(own) = self.cell(&section) {
                (condition.cell, condition.factors) = own;
            }
            self.apply(&mut condition, changes);
            for (key, into_fold) in [("set", false), ("fold", true)] {
                for (target, amount) in section.table_of_amounts(key) {
                    let index = self.model_parameter(&target, "only parameters of the model can differ by condition");
                    let amount = self.quantity(&amount);
                    if let (Some(index), Some(amount)) = (index, amount) {
                        if self.study.compounds.iter().any(|c| c.target == index) {
                            let hint = "state its dose under `doses`, or in a column of the data";
                            self.findings.say(&target.span, format!("`{}` is a dose", target.value), hint);
                        }
                        let list = if into_fold { &mut condition.fold } else { &mut condition.set };
                        list.push((index, amount));
                    }
                }
            }
            for (compound, dose) in section.table_of_amounts("doses") {
                match (self.compound(&compound), dose.value) {
                    (Some(i), _) if condition.doses[i].is_some() => {
                        let message = format!("`{}` is stated under `perturb` too", compound.value);
                        self.findings.say(&compound.span, message, "state its dose once");
                    }
                    (Some(i), Amount::Number(dose)) if dose >= 0.0 => condition.doses[i] = Some(dose),
                    (Some(_), _) => self.findings.say(
                        &dose.span,
                        "a dose is a number that is not negative",
                        "doses are not estimated",
                    ),
                    _ => {}
                }
            }
            if let Some(schedule) = section.section("schedule") {
                for compound in schedule.names() {
                    let entries = schedule.tables(&compound.value);
                    let times = schedule::read(&entries);
                    if let Some(i) = self.compound(&compound) {
                        if condition.schedule[i] != Schedule::default() {
                            let message = format!("`{}` has its times under `perturb` already", compound.value);
                            self.findings.say(&compound.span, message, "state them once");
                        }
                        condition.schedule[i] = times.unwrap_or_default();
                    }
                    entries.into_iter().for_each(Section::finish);
                }
                schedule.finish();
            }
            self.study.conditions.push(condition);
            section.finish();
        }
        if self.study.conditions.is_empty() {
            self.study.conditions.push(blank);
        }
    }

    fn settle(&mut self, top: &Section) {
        let Some(section) = top.section("settle") else { return };
        let mut settle = Settle { set: Vec::new(), longest: 0.0 };
        for (name, amount) in section.table_of_amounts("set") {
            match (self.model_parameter(&name, "settling can hold parameters of the model"), amount.value) {
                (Some(index), Amount::Number(value)) => {
                    let varies = self.study.parameters.iter().any(|p| p.target == index && p.estimated)
                        || self.study.conditions.iter().any(|c| {
                            let parameter =
                                |(i, q): &(u32, Quantity)| *i == index && matches!(q, Quantity::Parameter(_));
                            c.set.iter().any(parameter) || c.fold.iter().any(parameter)
                        });
                    if varies {
                        let message = format!("`{}` is estimated and cannot be held while settling", name.value);
                        self.findings.say(&name.span, message, "hold a switch of the model that is a plain number");
                    }
                    settle.set.push((index, value));
                }
                (Some(_), _) => self.findings.say(&amount.span, "settling holds numbers", "write a number"),
                _ => {}
            }
        }
        let longest = section.require("longest", section.number("longest"), "longest = 5000");
        settle.longest = longest.map_or(0.0, |n| n.value);
        if section.has("longest") && settle.longest <= 0.0 {
            section.say("longest", "the longest time to settle must be positive", "for instance longest = 5000");
        }
        if let Some(what) = self.study.system.tells_time() {
            let message = format!("cells cannot settle before the clock starts: {what} depends on time");
            section.say(
                "longest",
                message,
                "write the model without 'time', and what changes at a time as a dose or a schedule",
            );
        }
        section.finish();
        self.study.settle = Some(settle);
    }

    fn cells(&mut self, top: &Section) {
        let Some(section) = top.section("cells") else { return };
        let nodes = section.number("nodes").map_or(64.0, |n| n.value);
        if nodes < 2.0 || nodes.fract() != 0.0 || nodes > 1e6 {
            section.say("nodes", "the number of nodes is a whole number of at least 2", "64 is a beginning");
        }
        let mut spread = CellSpread { nodes: nodes.clamp(2.0, 1e6) as usize, of: Vec::new() };
        for (name, amount) in section.table_of_amounts("spread") {
            let target = self.model_parameter(&name, "cells differ in parameters of the model");
            let (Some(index), Some(sd)) = (target, self.quantity(&amount)) else { continue };
            let held = self.study.settle.iter().any(|s| s.set.iter().any(|(i, _)| *i == index));
            if held || self.study.compounds.iter().any(|c| c.target == index) {
                let message = format!("`{}` is set over time and cannot differ between cells", name.value);
                self.findings.say(&name.span, message, "let a parameter differ that stays constant");
            }
            let size = match sd {
                Quantity::Number(sd) => sd,
                Quantity::Parameter(i) => self.study.parameters[i].lower,
            };
            if size < 0.0 || sd == Quantity::Number(0.0) {
                self.findings.say(
                    &amount.span,
                    "a spread is positive",
                    "it is the sd of the natural logarithm, such as 0.4",
                );
            }
            spread.of.push((index, sd));
        }
        if spread.of.is_empty() {
            section.say("spread", "[cells] without a spread", "add spread = { NAME = 0.4 }, or leave [cells] out");
        } else {
            self.study.cells = Some(spread);
        }
        section.finish();
    }

    /// What differs between experiments.
    fn experiments(&mut self, top: &Section) {
        let Some(section) = top.section("experiments") else { return };
        for (name, amount) in section.table_of_amounts("spread") {
            let target = self.model_parameter(&name, "experiments differ in parameters of the model");
            let (Some(index), Some(sd)) = (target, self.quantity(&amount)) else { continue };
            let held = self.study.settle.iter().any(|s| s.set.iter().any(|(i, _)| *i == index));
            if held || self.study.compounds.iter().any(|c| c.target == index) {
                let message = format!("`{}` is set over time and cannot differ between experiments", name.value);
                self.findings.say(&name.span, message, "let a parameter differ that stays constant");
            }
            let least = match sd {
                Quantity::Number(sd) => sd,
                Quantity::Parameter(i) => {
                    let parameter = &self.study.parameters[i];
                    if !parameter.own || parameter.per.is_some() {
                        let hint = "give it a parameter of its own, with bounds such as [0.01, 1]";
                        self.findings.say(&amount.span, "this cannot be the sd between experiments", hint);
                    }
                    if parameter.estimated { parameter.lower } else { parameter.value }
                }
            };
            if least <= 0.0 {
                let hint =
                    "it is the sd of the natural logarithm, such as 0.2; bounds such as [0.01, 1] for a parameter";
                self.findings.say(&amount.span, "a spread between experiments is positive", hint);
            }
            self.study.between.push((index, sd));
        }
        if self.study.between.is_empty() {
            section.say("spread", "[experiments] without a spread", "add spread = { NAME = 0.2 }, or leave it out");
        }
        section.finish();
    }

    fn solver(&mut self, top: &Section) {
        let Some(section) = top.section("solver") else { return };
        let positive = |key: &str| {
            let number = section.number(key)?;
            if number.value <= 0.0 {
                self.findings.say(&number.span, format!("`{key}` must be positive"), "1e-6 is usual for rtol");
            }
            Some(number.value)
        };
        self.study.solver.rtol = positive("rtol");
        if self.study.solver.rtol.is_some_and(|rtol| rtol >= 0.1) {
            section.say("rtol", "a relative tolerance of 0.1 or more gives no digit", "1e-6 is usual for rtol");
        }
        self.study.solver.max_steps = positive("max_steps").map(|n| n as u32);
        if self.study.solver.max_steps == Some(0) {
            section.say("max_steps", "the number of steps is a whole number", "100000 is usual");
        }
        if let Some(method) = section.text("method") {
            let all = [("Rodas4P", Method::Rodas4P), ("Rodas5P", Method::Rodas5P), ("Tsit5", Method::Tsit5)];
            match all.iter().find(|(name, _)| name.eq_ignore_ascii_case(&method.value)) {
                Some(&(_, found)) => self.study.solver.method = Some(found),
                None => {
                    let hint = suggest(&method.value, all.iter().map(|(name, _)| *name));
                    self.findings.say(&method.span, format!("no method `{}`", method.value), hint);
                }
            }
        }
        let mut magnitudes = Vec::new();
        for (name, amount) in section.table_of_amounts("magnitudes") {
            match (self.study.system.state(&name.value), amount.value) {
                (Some(state), Amount::Number(magnitude)) if magnitude > 0.0 => magnitudes.push((state, magnitude)),
                (Some(_), _) => self.findings.say(&amount.span, "a magnitude is a positive number", "such as 1"),
                (None, _) => {
                    let known = self.study.system.states.iter().map(|s| s.name.as_str());
                    let hint = suggest(&name.value, known);
                    self.findings.say(&name.span, format!("no state `{}` in the model", name.value), hint);
                }
            }
        }
        if !magnitudes.is_empty() {
            self.study.solver.magnitudes = vec![f64::NAN; self.study.system.states.len()];
            for (state, magnitude) in magnitudes {
                self.study.solver.magnitudes[state as usize] = magnitude;
            }
        }
        section.finish();
    }

    fn data_section(&mut self, top: &Section) -> Option<DataSection> {
        let section = top.require("data", top.section("data"), "[data] with file = \"plate.csv\"")?;
        let file = section.require("file", section.text("file"), "file = \"plate.csv\"");
        let values = section.text("values");
        if let Some(values) = values.as_ref().filter(|v| v.value != "fraction" && v.value != "percent") {
            self.findings.say(
                &values.span,
                format!("values are `{}`", values.value),
                "write \"fraction\" or \"percent\"",
            );
        }
        let mut columns = Vec::new();
        if let Some(map) = section.section("columns") {
            for role in map.names() {
                columns.extend(map.text(&role.value).map(|column| (role.value.clone(), column)));
            }
        }
        let ignored = section.texts("ignore").unwrap_or_default().into_iter().map(|t| t.value).collect();
        let separator = section.text("separator");
        if let Some(separator) = separator.as_ref().filter(|s| s.value.len() != 1) {
            self.findings.say(&separator.span, "a separator is one character", "separator = \";\" or \"\\t\"");
        }
        let separator = separator.and_then(|s| s.value.bytes().next()).unwrap_or(b',');
        self.study.without_control = section.text("without_control").map(|t| t.value);
        section.finish();
        Some(DataSection { file: file?, values, columns, ignored, separator })
    }

    /// The index of a parameter of the model; reports one that is not there.
    pub fn model_parameter(&self, name: &At<String>, why: &str) -> Option<u32> {
        let system = &self.study.system;
        let own = |i: u32| self.study.parameters.iter().any(|p| p.own && p.target == i);
        if let Some(index) = system.parameter(&name.value).filter(|&i| !own(i)) {
            return Some(index);
        }
        let is = system
            .variable(&name.value)
            .map_or(String::new(), |_| format!("`{}` is not constant in the model: ", name.value));
        let known = system.parameters.iter().map(|p| p.name.as_str());
        let hint = format!("{is}{}", suggest(&name.value, known));
        let diagnostic = Diagnostic::new(format!("no parameter `{}` in the model", name.value));
        self.findings.add(&name.span, diagnostic.expected(why).hint(hint));
        None
    }

    pub fn quantity(&self, amount: &At<Amount>) -> Option<Quantity> {
        match &amount.value {
            Amount::Number(number) => Some(Quantity::Number(*number)),
            Amount::Named(name) => {
                let found = self.study.parameter(name);
                if found.is_none() {
                    let known = self.study.parameters.iter().map(|p| p.name.as_str());
                    let message = format!("no parameter `{name}` in this study");
                    let hint = match name.parse::<f64>() {
                        Ok(_) => format!("a number stands without quotes: {name}"),
                        Err(_) => format!("add [parameters.{name}]; {}", suggest(name, known)),
                    };
                    self.findings.say(&amount.span, message, hint);
                }
                found.map(Quantity::Parameter)
            }
        }
    }

    fn compound(&self, name: &At<String>) -> Option<usize> {
        let found = self.study.compounds.iter().position(|c| c.name == name.value);
        if found.is_none() {
            let known = self.study.compounds.iter().map(|c| c.name.as_str());
            let hint = suggest(&name.value, known);
            self.findings.say(&name.span, format!("no compound `{}`", name.value), hint);
        }
        found
    }

    /// Adds a parameter of the study to the system, so that formulas can name it.
    pub fn add_to_system(&mut self, name: &str, value: f64, unit: &str) -> u32 {
        let system = &mut self.study.system;
        let index = system.parameters.len() as u32;
        let symbol = system.graph.symbol(Symbol::Parameter(index));
        let (name, unit) = (name.to_string(), unit.to_string());
        system.parameters.push(crate::model::Parameter { name: name.clone(), value, unit: unit.clone() });
        system.variables.push(Variable { name, value: symbol, species: None, unit });
        index
    }
}
