//! Whether the units of a model agree, wherever they are known.
//!
//! A quantity without a unit and a bare number can stand for anything, so what they are multiplied with is unknown
//! and is not checked. Where all units are known, a sum of unlike things, a formula in another unit than the name it
//! is given to, and a rate law that does not move its species in their unit are faults: fenton converts nothing
//! within a model, so the numbers may be wrong. Published models are full of such faults, most of them in the units
//! and not in the numbers; so they are warnings, and errors only where somebody asks for that.

use super::math::{Expr, Kind, Operator};
use super::network::{Network, Quantity, Role, Rule};
use super::units::{Unit, signed};
use crate::Diagnostic;
use std::cell::Cell;
use std::collections::HashMap;

/// How many calls of user functions are followed, and how deep.
const MOST_CALLS: usize = 100_000;
const DEEPEST_CALL: usize = 20;

/// What is known about the unit of a formula.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// A number without a unit: it fits beside anything.
    Bare,
    Unknown,
    Unit(Unit),
}

type Inferred = Result<Known, Diagnostic>;

/// Everything about units that is wrong in `network`.
pub fn check(network: &Network) -> Vec<Diagnostic> {
    let mut checker = Checker { network, errors: Vec::new(), known: HashMap::new(), calls: Cell::new(MOST_CALLS) };
    for definition in &network.units {
        checker.note(network.unit(&definition.formula));
    }
    for quantity in &network.quantities {
        if let Some(unit) = &quantity.unit {
            checker.note(network.unit(unit));
        }
        if let Some(unit) = network.unit_of(quantity) {
            checker.known.insert(quantity.name.as_str(), unit);
        }
    }
    checker.formulas();
    let mut errors: Vec<Diagnostic> = Vec::new();
    for error in checker.errors {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

/// How many faults are shown in full as warnings.
const SHOWN: usize = 3;

/// The first of `faults` as warnings that say what is assumed, and how many more there are.
pub fn warnings(faults: &[Diagnostic]) -> Vec<Diagnostic> {
    let assumed = "the numbers are taken as they stand, and nothing is converted";
    let mut warnings: Vec<Diagnostic> = faults.iter().take(SHOWN).cloned().collect();
    for warning in &mut warnings {
        warning.message = format!("{}; {assumed}", warning.message);
    }
    if let (Some(more @ 1..), Some(first)) = (faults.len().checked_sub(SHOWN), faults.first()) {
        let faults = if more == 1 { "fault" } else { "faults" };
        let mut rest = Diagnostic::new(format!("{more} more {faults} of units in this model: {assumed}"));
        rest.file.clone_from(&first.file);
        warnings.push(rest.hint("--strict-units shows them all, as errors"));
    }
    warnings
}

struct Checker<'a> {
    network: &'a Network,
    errors: Vec<Diagnostic>,
    known: HashMap<&'a str, Unit>,
    /// Calls of user functions that may still be followed.
    calls: Cell<usize>,
}

impl<'a> Checker<'a> {
    fn note<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// `unit` by the name it has in the model, or in base units.
    fn show(&self, unit: Unit) -> String {
        let defined = self.network.units.iter().find(|d| self.network.unit(&d.formula).is_ok_and(|u| u.same(&unit)));
        defined.map_or_else(|| unit.to_string(), |definition| definition.name.clone())
    }

    fn formulas(&mut self) {
        let network = self.network;
        let time = network.unit_of_time();
        for quantity in &network.quantities {
            let unit = self.known.get(quantity.name.as_str()).copied();
            if let Some(formula) = &quantity.initial {
                self.agree(formula, unit, &quantity.name);
            }
            match &quantity.rule {
                Rule::Assignment(formula) => self.agree(formula, unit, &quantity.name),
                Rule::Rate(formula) => {
                    let rate = unit.zip(time).map(|(unit, time)| unit.over(time));
                    self.agree(formula, rate, &format!("the rate of {}", quantity.name));
                }
                Rule::Algebraic(formula) => {
                    let inferred = self.infer(formula, &[], 0);
                    self.note(inferred);
                }
                Rule::None => {}
            }
        }
        for event in &network.events {
            let trigger = self.infer(&event.trigger, &[], 0);
            self.note(trigger);
            if let Some(delay) = &event.delay {
                self.agree(delay, time, "a delay");
            }
            if let Some(priority) = &event.priority {
                let priority = self.infer(priority, &[], 0);
                self.note(priority);
            }
            for (target, formula) in &event.assignments {
                let unit = self.known.get(target.name.as_str()).copied();
                self.agree(formula, unit, &target.name);
            }
        }
        for reaction in &network.reactions {
            let Some(formula) = &reaction.rate else { continue };
            let inferred = self.infer(formula, &[], 0);
            let Some(Known::Unit(found)) = self.note(inferred) else { continue };
            for term in reaction.reactants.iter().chain(&reaction.products) {
                let Some(quantity) = network.quantity(&term.species.name) else { continue };
                let Some((amount, time)) = self.amount(quantity).zip(time) else { continue };
                if let Some(error) = self.compare(formula, found, amount.over(time), "a rate law", &quantity.name) {
                    self.errors.push(error.hint(
                        "a rate law is in amount per time: multiply a rate in concentration per time by the \
                         compartment",
                    ));
                    break;
                }
            }
        }
    }

    /// The unit of the amount of a species that a reaction moves, if all that makes it is known.
    fn amount(&self, quantity: &Quantity) -> Option<Unit> {
        let Role::Species(species) = &quantity.role else { return None };
        let converts = species.conversion_factor.is_some() || self.network.conversion_factor.is_some();
        if species.boundary || converts {
            return None;
        }
        let unit = *self.known.get(quantity.name.as_str())?;
        if species.amount_only {
            return Some(unit);
        }
        let compartment = species.compartment.as_ref()?;
        Some(unit.times(*self.known.get(compartment.name.as_str())?))
    }

    fn agree(&mut self, formula: &Expr, unit: Option<Unit>, name: &str) {
        let inferred = self.infer(formula, &[], 0);
        if let (Some(Known::Unit(found)), Some(unit)) = (self.note(inferred), unit) {
            let error = self.compare(formula, found, unit, "the formula", name);
            self.errors.extend(error);
        }
    }

    fn compare(&self, formula: &Expr, found: Unit, expected: Unit, what: &str, name: &str) -> Option<Diagnostic> {
        if found.same(&expected) {
            return None;
        }
        let (is, needs) = (self.show(found), self.show(expected));
        let message = format!("units do not agree: {what} is in {is}, {name} needs {needs}");
        let error = self.network.source.error(&formula.span, message).expected(needs);
        Some(if found.same_kind(&expected) {
            error.hint(format!("multiply by {}", trim(found.factor / expected.factor)))
        } else {
            error
        })
    }

    /// The unit of `formula`. `arguments` are those of the user function it stands in.
    fn infer(&self, formula: &Expr, arguments: &[(&str, Known)], depth: usize) -> Inferred {
        match &formula.kind {
            Kind::Number(_, None) => Ok(Known::Bare),
            Kind::Number(_, Some(name)) => {
                let unit = Expr::name(name.clone(), formula.span.clone());
                self.network.unit(&unit).map(Known::Unit)
            }
            Kind::Name(name) => Ok(match arguments.iter().find(|(argument, _)| argument == name) {
                Some((_, known)) => *known,
                None if name == "time" => self.network.unit_of_time().map_or(Known::Unknown, Known::Unit),
                None if super::lower::constant(name).is_some() => Known::Bare,
                None => self.known.get(name.as_str()).map_or(Known::Unknown, |unit| Known::Unit(*unit)),
            }),
            Kind::Chain(..) => {
                self.alike(&formula.children(), arguments, depth)?;
                Ok(Known::Unit(Unit::ONE))
            }
            Kind::Apply(operator, parts) => {
                let all: Vec<&Expr> = parts.iter().collect();
                match operator {
                    Operator::Add | Operator::Modulo => self.alike(&all, arguments, depth),
                    Operator::Negate => self.infer(&parts[0], arguments, depth),
                    Operator::Multiply => self.product(&all, arguments, depth),
                    Operator::Divide => {
                        let above = self.infer(&parts[0], arguments, depth)?;
                        let below = self.infer(&parts[1], arguments, depth)?;
                        Ok(combine(above, below, Unit::over))
                    }
                    Operator::Power => self.power(&parts[0], &parts[1], arguments, depth),
                    Operator::Not | Operator::And | Operator::Or => {
                        for part in parts {
                            self.infer(part, arguments, depth)?;
                        }
                        Ok(Known::Unit(Unit::ONE))
                    }
                    Operator::Function(name) => self.function(name, parts, arguments, depth),
                }
            }
        }
    }

    fn product(&self, parts: &[&Expr], arguments: &[(&str, Known)], depth: usize) -> Inferred {
        let mut product = self.infer(parts[0], arguments, depth)?;
        for part in &parts[1..] {
            product = combine(product, self.infer(part, arguments, depth)?, Unit::times);
        }
        Ok(product)
    }

    /// Parts that are added or compared: all in one unit.
    fn alike(&self, parts: &[&Expr], arguments: &[(&str, Known)], depth: usize) -> Inferred {
        let mut common: Option<(Unit, &Expr)> = None;
        let mut all = Known::Bare;
        let mut bare = false;
        for part in parts {
            let known = self.infer(part, arguments, depth)?;
            match (known, common) {
                (Known::Unit(unit), Some((first, before))) if !unit.same(&first) => {
                    let slice = |e: &Expr| self.network.source.slice(&e.span).to_string();
                    let (one, other) = (self.show(first), self.show(unit));
                    let message =
                        format!("units do not agree: '{}' is in {one}, '{}' in {other}", slice(before), slice(part));
                    let error = self.network.source.error(&part.span, message).expected(one);
                    return Err(if unit.same_kind(&first) {
                        error.hint(format!("multiply it by {}", trim(unit.factor / first.factor)))
                    } else {
                        error.hint("only like things can be added or compared")
                    });
                }
                (Known::Unit(unit), None) => common = Some((unit, part)),
                (Known::Unknown, _) => all = Known::Unknown,
                (Known::Bare, _) => bare = true,
                (Known::Unit(_), Some(_)) => {}
            }
        }
        if let (Some((unit, part)), true) = (common, bare) {
            self.pure(unit, part)?;
        }
        Ok(common.map_or(all, |(unit, _)| Known::Unit(unit)))
    }

    /// A ratio of two scales (nM over uM) beside a bare number or within a function is a thousand times off.
    fn pure(&self, unit: Unit, formula: &Expr) -> Result<(), Diagnostic> {
        if unit.is_dimensionless() && !unit.same(&Unit::ONE) {
            let text = self.network.source.slice(&formula.span);
            let message = format!("'{text}' is a ratio of two different units: one is {unit} of the other");
            let error = self.network.source.error(&formula.span, message);
            return Err(error.hint(format!("multiply by {}", trim(unit.factor))));
        }
        Ok(())
    }

    fn power(&self, base: &Expr, exponent: &Expr, arguments: &[(&str, Known)], depth: usize) -> Inferred {
        let power = self.infer(exponent, arguments, depth)?;
        if let Known::Unit(unit) = power {
            self.dimensionless(unit, exponent, "an exponent")?;
        }
        Ok(match (self.infer(base, arguments, depth)?, signed(exponent)) {
            (Known::Unit(unit), Some(exponent)) => Known::Unit(unit.power(exponent)),
            (Known::Unit(unit), None) if unit.same(&Unit::ONE) => Known::Unit(unit),
            (Known::Unit(unit), None) => {
                self.pure(unit, base)?;
                Known::Unknown
            }
            (known, _) => known,
        })
    }

    fn dimensionless(&self, unit: Unit, formula: &Expr, what: &str) -> Result<(), Diagnostic> {
        self.pure(unit, formula)?;
        if unit.is_dimensionless() {
            return Ok(());
        }
        let message = format!("{what} has to be dimensionless; this is in {}", self.show(unit));
        Err(self.network.source.error(&formula.span, message).expected("a dimensionless value"))
    }

    fn function(&self, name: &str, parts: &[Expr], arguments: &[(&str, Known)], depth: usize) -> Inferred {
        let all: Vec<&Expr> = parts.iter().collect();
        if let Some(function) = self.network.function(name) {
            // Wrong calls and recursion are reported elsewhere.
            if function.arguments.len() != parts.len() || depth > DEEPEST_CALL || self.calls.get() == 0 {
                return Ok(Known::Unknown);
            }
            self.calls.set(self.calls.get() - 1);
            let mut values = Vec::with_capacity(parts.len());
            for (argument, part) in function.arguments.iter().zip(parts) {
                values.push((argument.as_str(), self.infer(part, arguments, depth)?));
            }
            return self.infer(&function.body, &values, depth + 1);
        }
        match (name, parts) {
            ("abs" | "floor" | "ceil" | "ceiling", [part]) => self.infer(part, arguments, depth),
            ("min" | "max" | "plus" | "minus" | "rem", _) => self.alike(&all, arguments, depth),
            ("times", [_, ..]) => self.product(&all, arguments, depth),
            ("divide", [a, b]) => {
                let (above, below) = (self.infer(a, arguments, depth)?, self.infer(b, arguments, depth)?);
                Ok(combine(above, below, Unit::over))
            }
            ("pow" | "power", [base, exponent]) => self.power(base, exponent, arguments, depth),
            ("sqr", [part]) => Ok(raise(self.infer(part, arguments, depth)?, 2.0)),
            ("sqrt" | "root", [part]) => Ok(raise(self.infer(part, arguments, depth)?, 0.5)),
            ("lt" | "leq" | "gt" | "geq" | "eq" | "neq", _) => {
                self.alike(&all, arguments, depth)?;
                Ok(Known::Unit(Unit::ONE))
            }
            ("piecewise", _) => {
                for condition in parts.iter().skip(1).step_by(2) {
                    self.infer(condition, arguments, depth)?;
                }
                let pairs = parts.len() / 2 * 2;
                let values: Vec<&Expr> =
                    (0..parts.len()).filter(|at| *at >= pairs || at % 2 == 0).map(|at| &parts[at]).collect();
                self.alike(&values, arguments, depth)
            }
            ("rateOf", [part]) => {
                let time = self.network.unit_of_time().map_or(Known::Unknown, Known::Unit);
                Ok(combine(self.infer(part, arguments, depth)?, time, Unit::over))
            }
            ("exp" | "ln" | "log" | "log10" | "factorial", [part])
            | ("sin" | "cos" | "tan" | "sinh" | "cosh" | "tanh", [part]) => {
                let known = self.infer(part, arguments, depth)?;
                // In exp(-time) a rate of 1 is understood.
                let of_time_alone = part.names().iter().all(|(name, _)| *name == "time");
                if let (Known::Unit(unit), false) = (known, of_time_alone) {
                    self.dimensionless(unit, part, &format!("what {name}() is of"))?;
                }
                Ok(Known::Unit(Unit::ONE))
            }
            _ => {
                for part in parts {
                    self.infer(part, arguments, depth)?;
                }
                Ok(Known::Unknown)
            }
        }
    }
}

fn combine(a: Known, b: Known, with: fn(Unit, Unit) -> Unit) -> Known {
    match (a, b) {
        (Known::Unit(a), Known::Unit(b)) => Known::Unit(with(a, b)),
        (Known::Bare, Known::Bare) => Known::Bare,
        // A bare number may carry a unit in its author's mind.
        _ => Known::Unknown,
    }
}

fn raise(known: Known, exponent: f64) -> Known {
    match known {
        Known::Unit(unit) => Known::Unit(unit.power(exponent)),
        other => other,
    }
}

fn trim(value: f64) -> String {
    let rounded: f64 = format!("{value:.9e}").parse().unwrap_or(value);
    if (1e-3..1e6).contains(&rounded) { format!("{rounded}") } else { format!("{rounded:e}") }
}
