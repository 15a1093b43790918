//! What a dose counts: the metal, or the salt with a stated content of metal.

use super::number::parse;

/// Iron content of ferric ammonium citrate by grade, in per cent of its mass.
pub const FAC_IRON: std::ops::RangeInclusive<f64> = 14.5..=22.5;

const METALS: [&str; 6] = ["Fe", "Cu", "Zn", "Mn", "Co", "Ni"];

/// A basis in its one spelling, and what is odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    pub text: String,
    pub note: Option<String>,
}

/// "Fe", "Cu", "FAC 16.5 % Fe"; `None` for what is none of these.
pub fn read(text: &str) -> Option<Basis> {
    let metal = |word: &str| METALS.into_iter().find(|metal| metal.eq_ignore_ascii_case(word));
    let spaced = text.replace('%', " % ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    match &words[..] {
        [word] => {
            let long = [("iron", "Fe"), ("copper", "Cu")];
            let named = long.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, metal)| metal);
            metal(word).or(named).map(|metal| Basis { text: metal.into(), note: None })
        }
        [salt @ .., percent, "%", last] if !salt.is_empty() => {
            let (metal, salt) = (metal(last)?, salt.join(" "));
            let content = parse(percent, true, true).ok().filter(|p| *p > 0.0 && *p < 100.0)?;
            let outside = metal == "Fe" && is_iron_citrate(&salt) && !FAC_IRON.contains(&content);
            let note = outside.then(|| {
                format!(
                    "{salt} with {content} % Fe: grades hold {} to {} %, so look at the label again",
                    FAC_IRON.start(),
                    FAC_IRON.end()
                )
            });
            Some(Basis { text: format!("{salt} {content} % {metal}"), note })
        }
        _ => None,
    }
}

/// Salts of iron and citrate come with no fixed content of iron.
pub fn is_iron_citrate(name: &str) -> bool {
    let key = super::names::key(name);
    let of_iron = ["iron", "ferric", "fe(iii)", "iron(iii)"].iter().any(|iron| key.contains(iron));
    key == "fac" || of_iron && key.contains("citrate")
}

/// "mM Fe" into "mM" and "Fe": what stands behind the unit in a header says what the dose counts.
pub fn split(unit: &str) -> (&str, Option<Basis>) {
    let unit = unit.trim();
    let basis = unit.split_once(char::is_whitespace).and_then(|(unit, rest)| Some((unit, Some(read(rest)?))));
    basis.unwrap_or((unit, None))
}

/// Of `--basis "FAC=FAC 16.5 % Fe"` or `--basis Fe`: the compound, where one is named, and its basis.
pub fn option(text: &str) -> (Option<String>, String) {
    match text.split_once('=') {
        Some((compound, basis)) => (Some(compound.trim().to_string()), basis.trim().to_string()),
        None => (None, text.trim().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basis_has_one_spelling() {
        let text = |basis| read(basis).map(|b| b.text);
        assert_eq!(text("fe").as_deref(), Some("Fe"));
        assert_eq!(text("copper").as_deref(), Some("Cu"));
        assert_eq!(text("FAC 16.5% Fe").as_deref(), Some("FAC 16.5 % Fe"));
        assert_eq!(text("FAC 16,5 % fe").as_deref(), Some("FAC 16.5 % Fe"));
        assert!(read("FAC 28 % Fe").unwrap().note.is_some_and(|note| note.contains("14.5 to 22.5")));
        assert_eq!((read("FAC"), read("FAC 0 % Fe"), read("16 % Fe"), read("")), (None, None, None, None));
        assert_eq!(split("mM Fe").0, "mM");
        assert_eq!(split("ug per mL"), ("ug per mL", None));
        assert!(
            is_iron_citrate("Ferric ammonium citrate") && is_iron_citrate("fac") && !is_iron_citrate("sodium citrate")
        );
    }
}
