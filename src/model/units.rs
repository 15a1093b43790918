//! Units of measurement: products of powers of the SI's base units with a factor.

use super::math::{Expr, Kind, Operator, closest};
use super::network::{Network, Quantity};
use crate::Diagnostic;
use std::fmt;
use std::ops::Range;

/// `unit name = formula`.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub span: Range<usize>,
    pub formula: Expr,
}

const BASES: usize = 8;
const SYMBOLS: [&str; BASES] = ["mol", "m", "kg", "s", "K", "A", "cd", "item"];

/// `factor` times a product of powers of mole, metre, kilogram, second, kelvin, ampere, candela and item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    pub factor: f64,
    pub powers: [f64; BASES],
}

impl Unit {
    pub const ONE: Unit = Unit { factor: 1.0, powers: [0.0; BASES] };

    pub fn number(factor: f64) -> Self {
        Unit { factor, ..Unit::ONE }
    }

    /// The units that SBML and Antimony know by name.
    pub fn named(name: &str) -> Option<Self> {
        let unit = |factor: f64, powers: &[(usize, f64)]| {
            let mut unit = Unit::number(factor);
            powers.iter().for_each(|&(base, power)| unit.powers[base] = power);
            unit
        };
        let (mole, metre, kilogram, second, kelvin, ampere, candela, item) = (0, 1, 2, 3, 4, 5, 6, 7);
        let energy = [(kilogram, 1.0), (metre, 2.0), (second, -2.0)];
        let electric = |current: f64, time: f64| [(kilogram, 1.0), (metre, 2.0), (second, time), (ampere, current)];
        let inverse = |current: f64, time: f64| [(kilogram, -1.0), (metre, -2.0), (second, time), (ampere, current)];
        Some(match name {
            "mole" => unit(1.0, &[(mole, 1.0)]),
            "metre" | "meter" => unit(1.0, &[(metre, 1.0)]),
            "kilogram" => unit(1.0, &[(kilogram, 1.0)]),
            "gram" => unit(1e-3, &[(kilogram, 1.0)]),
            "second" => unit(1.0, &[(second, 1.0)]),
            "kelvin" => unit(1.0, &[(kelvin, 1.0)]),
            "ampere" => unit(1.0, &[(ampere, 1.0)]),
            "candela" | "lumen" => unit(1.0, &[(candela, 1.0)]),
            "lux" => unit(1.0, &[(candela, 1.0), (metre, -2.0)]),
            "item" => unit(1.0, &[(item, 1.0)]),
            "dimensionless" | "radian" | "steradian" => Unit::ONE,
            "avogadro" => Unit::number(6.02214179e23),
            "litre" | "liter" => unit(1e-3, &[(metre, 3.0)]),
            "hertz" | "becquerel" => unit(1.0, &[(second, -1.0)]),
            "katal" => unit(1.0, &[(mole, 1.0), (second, -1.0)]),
            "newton" => unit(1.0, &[(kilogram, 1.0), (metre, 1.0), (second, -2.0)]),
            "pascal" => unit(1.0, &[(kilogram, 1.0), (metre, -1.0), (second, -2.0)]),
            "joule" => unit(1.0, &energy),
            "watt" => unit(1.0, &[(kilogram, 1.0), (metre, 2.0), (second, -3.0)]),
            "gray" | "sievert" => unit(1.0, &[(metre, 2.0), (second, -2.0)]),
            "coulomb" => unit(1.0, &[(ampere, 1.0), (second, 1.0)]),
            "volt" => unit(1.0, &electric(-1.0, -3.0)),
            "ohm" => unit(1.0, &electric(-2.0, -3.0)),
            "weber" => unit(1.0, &electric(-1.0, -2.0)),
            "henry" => unit(1.0, &electric(-2.0, -2.0)),
            "siemens" => unit(1.0, &inverse(2.0, 3.0)),
            "farad" => unit(1.0, &inverse(2.0, 4.0)),
            "tesla" => unit(1.0, &[(kilogram, 1.0), (second, -2.0), (ampere, -1.0)]),
            _ => return None,
        })
    }

    pub fn times(self, other: Unit) -> Unit {
        let mut powers = self.powers;
        powers.iter_mut().zip(other.powers).for_each(|(a, b)| *a += b);
        Unit { factor: self.factor * other.factor, powers }
    }

    pub fn over(self, other: Unit) -> Unit {
        self.times(other.power(-1.0))
    }

    pub fn power(self, exponent: f64) -> Unit {
        Unit { factor: self.factor.powf(exponent), powers: self.powers.map(|power| power * exponent) }
    }

    /// Whether both measure the same kind of thing, perhaps on another scale.
    pub fn same_kind(&self, other: &Unit) -> bool {
        self.powers.iter().zip(other.powers).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    /// Whether a number means the same in both.
    pub fn same(&self, other: &Unit) -> bool {
        self.same_kind(other) && (self.factor / other.factor - 1.0).abs() < 1e-6
    }

    pub fn is_dimensionless(&self) -> bool {
        self.same_kind(&Unit::ONE)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        // A volume is read more easily in litres where it divides an amount.
        let litres = if self.powers[0] != 0.0 || self.powers[7] != 0.0 { (self.powers[1] / 3.0).trunc() } else { 0.0 };
        let factor = self.factor * 1e3_f64.powf(litres);
        if (factor - 1.0).abs() > 1e-9 {
            // Rounded, so that 1e-6 stays 1e-6 after some arithmetic.
            let rounded: f64 = format!("{factor:.9e}").parse().unwrap_or(factor);
            parts.push(if (1e-3..1e4).contains(&rounded) { format!("{rounded}") } else { format!("{rounded:e}") });
        }
        let mut power = |symbol: &str, power: f64| match power {
            0.0 => {}
            1.0 => parts.push(symbol.to_string()),
            _ => parts.push(format!("{symbol}^{power}")),
        };
        for (at, symbol) in SYMBOLS.iter().enumerate() {
            power(symbol, if at == 1 { self.powers[1] - 3.0 * litres } else { self.powers[at] });
            if at == 0 {
                power("L", litres);
            }
        }
        if parts.is_empty() { f.write_str("dimensionless") } else { f.write_str(&parts.join(" ")) }
    }
}

/// How deep unit definitions may refer to each other.
const DEEPEST: usize = 20;

impl Network {
    /// The unit that a unit formula such as `1e-3 mole / litre` means.
    ///
    /// # Errors
    /// Unknown names, and what is no product, quotient or power.
    pub fn unit(&self, formula: &Expr) -> Result<Unit, Diagnostic> {
        self.unit_within(formula, 0)
    }

    fn unit_within(&self, formula: &Expr, depth: usize) -> Result<Unit, Diagnostic> {
        let wrong = |message: &str| self.source.error(&formula.span, message).expected("such as 1e-6 mole / litre");
        if depth > DEEPEST {
            return Err(wrong("this unit is defined by itself"));
        }
        match &formula.kind {
            Kind::Number(value, None) if *value > 0.0 => Ok(Unit::number(*value)),
            Kind::Number(value, Some(name)) if *value > 0.0 => {
                Ok(Unit::number(*value).times(self.named_unit(name, &formula.span, depth)?))
            }
            Kind::Number(..) => Err(wrong("a unit needs a positive factor")),
            Kind::Name(name) => self.named_unit(name, &formula.span, depth),
            Kind::Apply(operator, parts) => match (operator, &parts[..]) {
                (Operator::Multiply, parts) => parts
                    .iter()
                    .try_fold(Unit::ONE, |product, part| Ok(product.times(self.unit_within(part, depth + 1)?))),
                (Operator::Divide, [a, b]) => Ok(self.unit_within(a, depth + 1)?.over(self.unit_within(b, depth + 1)?)),
                (Operator::Power, [base, exponent]) => match signed(exponent) {
                    Some(exponent) => Ok(self.unit_within(base, depth + 1)?.power(exponent)),
                    None => Err(wrong("the power of a unit is a number")),
                },
                _ => Err(wrong("this is no unit")),
            },
            Kind::Chain(..) => Err(wrong("this is no unit")),
        }
    }

    fn named_unit(&self, name: &str, span: &Range<usize>, depth: usize) -> Result<Unit, Diagnostic> {
        // `unit x = x`, as libAntimony writes it, says no more than the name.
        let says_more = |unit: &&Definition| unit.formula.kind != Kind::Name(unit.name.clone());
        if let Some(definition) = self.units.iter().filter(says_more).find(|unit| unit.name == name) {
            return self.unit_within(&definition.formula, depth + 1);
        }
        // What models without a definition of their own mean by these.
        let default = match name {
            "substance" | "extent" => "mole",
            "volume" => "litre",
            "time_unit" => "second",
            "length" => "metre",
            "area" => return Ok(Unit::named("metre").unwrap_or(Unit::ONE).power(2.0)),
            name => name,
        };
        Unit::named(default).ok_or_else(|| {
            let error = self.source.error(span, format!("there is no unit '{name}'"));
            let known = self.units.iter().map(|unit| unit.name.as_str());
            let close = closest(name, known.chain(["mole", "litre", "second", "gram", "metre", "dimensionless"]));
            match close {
                Some(close) => error.hint(format!("did you mean '{close}'?")),
                None => error.hint(format!("define it, for example: unit {name} = 3600 second")),
            }
        })
    }

    /// The unit of the values of `quantity`, if it was declared.
    pub fn unit_of(&self, quantity: &Quantity) -> Option<Unit> {
        let declared = quantity.unit.as_ref().and_then(|unit| self.unit(unit).ok());
        // `k = 3 per_hour` declares as much.
        declared.or_else(|| match &quantity.initial.as_ref()?.kind {
            Kind::Number(_, Some(name)) => self.named_unit(name, &quantity.span, 0).ok(),
            _ => None,
        })
    }

    /// The unit of time, if it was defined.
    pub fn unit_of_time(&self) -> Option<Unit> {
        let definition = self.units.iter().find(|unit| unit.name == "time_unit")?;
        self.unit(&definition.formula).ok()
    }

    /// The unit of a quantity as it was written, for labels.
    pub(super) fn unit_text(&self, quantity: &Quantity) -> String {
        match (&quantity.unit, quantity.initial.as_ref().map(|formula| &formula.kind)) {
            (Some(unit), _) => self.source.slice(&unit.span).to_string(),
            (None, Some(Kind::Number(_, Some(unit)))) => unit.clone(),
            _ => String::new(),
        }
    }

    /// The unit of time for labels: "h" rather than "3600 second".
    pub(super) fn time_text(&self) -> String {
        let Some(definition) = self.units.iter().find(|unit| unit.name == "time_unit") else { return String::new() };
        let second = Unit::named("second").unwrap_or(Unit::ONE);
        let usual = [("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0)];
        let unit = self.unit(&definition.formula).ok();
        let known = unit.and_then(|unit| {
            usual.iter().find(|(_, factor)| Unit::number(*factor).times(second).same(&unit)).map(|(name, _)| *name)
        });
        known.map_or_else(|| self.source.slice(&definition.formula.span).to_string(), str::to_string)
    }
}

/// The value of a number with a sign.
pub(super) fn signed(formula: &Expr) -> Option<f64> {
    match &formula.kind {
        Kind::Number(value, None) => Some(*value),
        Kind::Apply(Operator::Negate, inner) => signed(inner.first()?).map(|value| -value),
        Kind::Apply(Operator::Divide, parts) => match &parts[..] {
            [a, b] => Some(signed(a)? / signed(b)?),
            _ => None,
        },
        _ => None,
    }
}
