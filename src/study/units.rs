//! Units as people write them: "uM", "1/h", "mmol/L", "1/(uM*h)".

use std::iter::Peekable;
use std::str::Chars;

/// A factor to the base (mol, L, s, g) and the exponents of the four.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    pub factor: f64,
    pub powers: [i32; 4],
}

const NONE: Unit = Unit { factor: 1.0, powers: [0; 4] };

/// Names that take no prefix.
const WHOLE: &[(&str, f64, [i32; 4])] = &[
    ("dimensionless", 1.0, [0; 4]),
    ("fraction", 1.0, [0; 4]),
    ("cells", 1.0, [0; 4]),
    ("percent", 0.01, [0; 4]),
    ("%", 0.01, [0; 4]),
    ("s", 1.0, [0, 0, 1, 0]),
    ("sec", 1.0, [0, 0, 1, 0]),
    ("second", 1.0, [0, 0, 1, 0]),
    ("seconds", 1.0, [0, 0, 1, 0]),
    ("min", 60.0, [0, 0, 1, 0]),
    ("minute", 60.0, [0, 0, 1, 0]),
    ("minutes", 60.0, [0, 0, 1, 0]),
    ("h", 3600.0, [0, 0, 1, 0]),
    ("hr", 3600.0, [0, 0, 1, 0]),
    ("hour", 3600.0, [0, 0, 1, 0]),
    ("hours", 3600.0, [0, 0, 1, 0]),
    ("d", 86400.0, [0, 0, 1, 0]),
    ("day", 86400.0, [0, 0, 1, 0]),
    ("days", 86400.0, [0, 0, 1, 0]),
];

const PREFIXED: &[(&str, [i32; 4])] = &[
    ("mole", [1, 0, 0, 0]),
    ("mol", [1, 0, 0, 0]),
    ("liter", [0, 1, 0, 0]),
    ("litre", [0, 1, 0, 0]),
    ("gram", [0, 0, 0, 1]),
    ("M", [1, -1, 0, 0]),
    ("L", [0, 1, 0, 0]),
    ("l", [0, 1, 0, 0]),
    ("g", [0, 0, 0, 1]),
];

const PREFIXES: &[(&str, f64)] = &[
    ("", 1.0),
    ("micro", 1e-6),
    ("milli", 1e-3),
    ("nano", 1e-9),
    ("f", 1e-15),
    ("p", 1e-12),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
];

impl Unit {
    /// `None` for what is not understood, which is never an error by itself.
    pub fn parse(text: &str) -> Option<Unit> {
        let text: String = text.trim().replace(['µ', 'μ'], "u").replace(['·', '⋅'], "*").replace("⁻¹", "^-1");
        if text.is_empty() {
            return None;
        }
        // "uM_per_hour" and "per_uM_hour", as units are named in models.
        let text = match text.split_once("per_") {
            Some((above, below)) if above.is_empty() || above.ends_with('_') => {
                let above = if above.is_empty() { "1" } else { above.trim_end_matches('_') };
                format!("{above}/({})", below.replace('_', "*"))
            }
            _ => text,
        };
        let mut chars = text.chars().peekable();
        let unit = product(&mut chars)?;
        chars.peek().is_none().then_some(unit)
    }

    /// By what a number in this unit is multiplied to be in `other`; `None` if they measure different things.
    pub fn to(self, other: Unit) -> Option<f64> {
        (self.powers == other.powers).then(|| {
            let factor = self.factor / other.factor;
            // 1e-3 / 1e-6 should be 1000 and not 1000.0000000000001.
            if (factor - factor.round()).abs() < 1e-9 * factor { factor.round() } else { factor }
        })
    }

    pub fn is_time(self) -> bool {
        self.powers == [0, 0, 1, 0]
    }

    pub fn is_concentration(self) -> bool {
        self.powers == [1, -1, 0, 0]
    }

    pub fn is_mass_concentration(self) -> bool {
        self.powers == [0, -1, 0, 1]
    }

    fn times(self, other: Unit, exponent: i32) -> Unit {
        Unit {
            factor: self.factor * other.factor.powi(exponent),
            powers: std::array::from_fn(|i| self.powers[i] + exponent * other.powers[i]),
        }
    }
}

/// `None` if either text is not understood; else whether they are the same unit.
pub fn same(a: &str, b: &str) -> Option<bool> {
    let (a, b) = (Unit::parse(a)?, Unit::parse(b)?);
    Some(a.to(b).is_some_and(|factor| (factor - 1.0).abs() < 1e-9))
}

fn product(chars: &mut Peekable<Chars>) -> Option<Unit> {
    let mut unit = power(chars)?;
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            Some('*') => {
                chars.next();
                unit = unit.times(power(chars)?, 1);
            }
            Some('/') => {
                chars.next();
                unit = unit.times(power(chars)?, -1);
            }
            Some(c) if c.is_alphanumeric() || *c == '(' => unit = unit.times(power(chars)?, 1),
            _ => return Some(unit),
        }
    }
}

fn power(chars: &mut Peekable<Chars>) -> Option<Unit> {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    let base = match chars.peek()? {
        '(' => {
            chars.next();
            let inner = product(chars)?;
            chars.next_if_eq(&')')?;
            inner
        }
        c if c.is_ascii_digit() => {
            let number = take(chars, |c| c.is_ascii_digit() || c == '.' || c == 'e' || c == '-');
            Unit { factor: number.parse().ok().filter(|f: &f64| *f > 0.0 && f.is_finite())?, ..NONE }
        }
        _ => named(&take(chars, |c| c.is_alphabetic() || c == '%' || c == '_'))?,
    };
    if chars.next_if_eq(&'^').is_none() {
        return Some(base);
    }
    let exponent: i32 = take(chars, |c| c == '-' || c.is_ascii_digit()).parse().ok().filter(|e: &i32| e.abs() < 9)?;
    Some(NONE.times(base, exponent))
}

fn take(chars: &mut Peekable<Chars>, wanted: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| chars.next_if(|&c| wanted(c))).collect()
}

fn named(name: &str) -> Option<Unit> {
    if let Some(&(_, factor, powers)) = WHOLE.iter().find(|(n, ..)| *n == name) {
        return Some(Unit { factor, powers });
    }
    PREFIXES.iter().find_map(|(prefix, factor)| {
        let rest = name.strip_prefix(prefix)?;
        let (_, powers) = PREFIXED.iter().find(|(n, _)| *n == rest)?;
        Some(Unit { factor: *factor, powers: *powers })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doses_convert_and_foreign_units_do_not() {
        let unit = |text| Unit::parse(text).unwrap();
        assert_eq!(unit("mM").to(unit("uM")), Some(1000.0));
        assert_eq!(unit("nmol/L").to(unit("µM")), Some(1e-3));
        assert_eq!(unit("1/(uM*h)").to(unit("uM^-1 * h^-1")), Some(1.0));
        assert_eq!(unit("d").to(unit("min")), Some(1440.0));
        assert_eq!(unit("uM").to(unit("h")), None);
        assert_eq!(unit("per_uM_hour").to(unit("1/(uM*h)")), Some(1.0));
        assert_eq!(unit("uM_per_hour").to(unit("uM/h")), Some(1.0));
        assert_eq!(unit("3600 second").to(unit("h")), Some(1.0));
        assert!(unit("ug/mL").is_mass_concentration());
        assert_eq!(same("mM", "uM"), Some(false));
        assert!(Unit::parse("wobble").is_none());
        assert!(Unit::parse("1/").is_none());
    }
}
