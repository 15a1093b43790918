//! Which curves over dose a study has, and what can be asked about each of them.

use crate::inference::threshold::{Case, ReadOut};
use crate::study::problem::Problem;
use crate::study::{Datum, Kind, ReadAt, Study};
use crate::summary::charts::{distinct, main_compound};
use crate::{Diagnostic, Result};

/// More curves than this are not asked about unless they are named.
const MOST: usize = 8;
/// Readings at fewer times than this say nothing about when cells began to die.
const FRAMES: usize = 3;
/// A compound with fewer doses than this is a treatment, not a curve.
const DOSES: usize = 3;
/// The embedded models' names for what `--of` calls fe and cu.
const METALS: [(&str, &str); 2] = [("fe", "labile_iron"), ("cu", "labile_copper")];

/// What a user may want otherwise than usual; doses and times in the study's units.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The smallest effect that counts, as a share of the control.
    pub effect: f64,
    pub at: Option<f64>,
    pub until: Option<f64>,
    pub dose: Option<f64>,
    pub range: Option<(f64, f64)>,
    /// Where no range is stated: how far beyond the doses tested to look, as a factor either way.
    pub wider: f64,
    pub condition: Option<String>,
    pub compound: Option<String>,
    /// "fe", "cu" or names of the model; empty for those that the model has.
    pub of: Vec<String>,
}

/// A curve over dose, and how far the data can answer.
#[derive(Debug, Clone)]
pub struct Curve {
    pub case: Case,
    pub label: String,
    /// When it was read, in the study's unit, ascending; empty where the time is a parameter.
    pub frames: Vec<f64>,
    /// The doses lie beyond those tested.
    pub beyond: bool,
}

/// The curves asked about, and how many more there are.
#[derive(Debug, Clone)]
pub struct Curves {
    pub list: Vec<Curve>,
    pub left_out: usize,
    /// Labile metals, as the model calls them.
    pub labile: Vec<String>,
}

impl Curve {
    /// Whether the data tell when cells die, rather than how many have died.
    pub fn timed(&self) -> bool {
        self.frames.len() >= FRAMES
    }
}

/// The labile metals that are asked about, by the model's names.
///
/// # Errors
/// [`crate::Error::Input`] for a name that the model does not have.
pub fn labile(study: &Study, of: &[String]) -> Result<Vec<String>> {
    let full = |name: &str| METALS.iter().find(|(short, _)| *short == name).map_or(name.to_string(), |m| m.1.into());
    if of.is_empty() {
        let known = METALS.iter().map(|metal| metal.1).filter(|name| study.system.variable(name).is_some());
        return Ok(known.map(String::from).collect());
    }
    let mut names = Vec::new();
    for name in of {
        let name = full(name);
        if study.system.variable(&name).is_none() {
            return Err(Diagnostic::new(format!("the model {} has no variable '{name}'", study.model))
                .expected("fe, cu or a variable of the model")
                .hint("'fenton show MODEL' prints the model")
                .into());
        }
        names.push(name);
    }
    Ok(names)
}

/// The curves of `study`; `problem` is the study's with the levels of labile metals recorded at `outputs`.
///
/// # Errors
/// [`crate::Error::Input`] where there is no curve to ask about, or a name that the study does not have.
pub fn curves(
    study: &Study,
    problem: &Problem,
    wanted: &Wanted,
    outputs: &[usize],
    labile: Vec<String>,
) -> Result<Curves> {
    let named = |what: &str, name: &str, known: Vec<&str>| {
        Diagnostic::new(format!("the study has no {what} '{name}'")).expected(known.join(", "))
    };
    let compounds: Vec<usize> = match &wanted.compound {
        Some(name) => {
            let at = study.compounds.iter().position(|c| c.name == *name);
            let known = || study.compounds.iter().map(|c| c.name.as_str()).collect();
            vec![at.ok_or_else(|| named("compound", name, known()))?]
        }
        None => {
            let mut all: Vec<usize> =
                (0..study.compounds.len()).filter(|&c| tested(study.data.iter(), c).len() >= DOSES).collect();
            all.extend(main_compound(study).filter(|main| !all.contains(main)));
            all
        }
    };
    if let Some(name) = &wanted.condition
        && study.conditions.iter().all(|c| c.name != *name)
    {
        let known = study.conditions.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect();
        return Err(named("condition", name, known).into());
    }
    let reads = |kind: Kind| kind.is_share() || kind == Kind::Signal;
    let Some(observable) = (0..study.observables.len()).find(|&o| reads(study.observables[o].reading)) else {
        return Err(Diagnostic::new("no observable of the study is a viability")
            .expected("an [assay] that reads relative or fractional viability, a lethal fraction or a signal")
            .hint("thresholds are doses at which fewer cells live")
            .into());
    };
    let mut list = Vec::new();
    for &compound in &compounds {
        let rows = study.data.iter().filter(|d| d.observable == observable && !d.blank);
        let mut lines: Vec<(usize, Vec<f64>, Vec<&Datum>)> = Vec::new();
        for datum in rows {
            let mut doses = datum.doses.clone();
            doses[compound] = 0.0;
            match lines.iter_mut().find(|line| line.0 == datum.condition && line.1 == doses) {
                Some(line) => line.2.push(datum),
                None => lines.push((datum.condition, doses, vec![datum])),
            }
        }
        lines.retain(|(condition, ..)| {
            wanted.condition.as_ref().is_none_or(|n| study.conditions[*condition].name == *n)
        });
        lines.retain(|line| !tested(line.2.iter().copied(), compound).is_empty());
        lines.sort_by_key(|line| line.0);
        for (condition, doses, data) in lines {
            list.extend(curve(study, problem, wanted, outputs, (compound, observable, condition), doses, &data)?);
        }
    }
    if list.is_empty() {
        return Err(Diagnostic::new("the study varies no dose")
            .expected("readings at two positive doses of a compound or more")
            .hint("or say which doses to look at: --doses 0.1,100")
            .into());
    }
    let all = list.len();
    // Of a matrix of doses each compound by itself: what they do together is for `fenton synergy`.
    let alone = |curve: &Curve| compounds.iter().all(|&compound| curve.case.doses[compound] == 0.0);
    if list.iter().any(alone) {
        list.retain(alone);
    }
    list.truncate(MOST);
    let left_out = all - list.len();
    Ok(Curves { list, left_out, labile })
}

fn curve(
    study: &Study,
    problem: &Problem,
    wanted: &Wanted,
    outputs: &[usize],
    (compound, observable, condition): (usize, usize, usize),
    doses: Vec<f64>,
    data: &[&Datum],
) -> Result<Option<Curve>> {
    let factor = study.time_factor;
    let tested = tested(data.iter().copied(), compound);
    let (lowest, highest) = (tested[0], tested[tested.len() - 1]);
    let around = (lowest / wanted.wider, highest * wanted.wider);
    let Some(range) = wanted.range.or((around.0 < around.1).then_some(around)) else { return Ok(None) };
    let parameter = data.iter().find_map(|d| match d.time {
        ReadAt::Parameter(i) => problem.parameters.iter().position(|p| p.name == study.parameters[i].name),
        _ => None,
    });
    let end = |d: &&Datum| match d.time {
        ReadAt::Time(time) | ReadAt::Between(_, time) => Some(time),
        ReadAt::Parameter(i) => Some(study.parameters[i].value).filter(|_| parameter.is_none()),
    };
    let frames: Vec<f64> = distinct(data.iter().filter_map(end)).into_iter().filter(|&time| time > 0.0).collect();
    let last = frames.last().copied();
    let time = match (wanted.at, parameter, last) {
        (Some(at), ..) => ReadOut::At(at * factor),
        (None, Some(at), _) => ReadOut::Parameter(at, factor),
        (None, None, Some(last)) => ReadOut::At(last * factor),
        (None, None, None) => return Ok(None),
    };
    let until = wanted.until.or(last).or(wanted.at).or(parameter.map(|at| problem.parameters[at].upper));
    let name = &study.compounds[compound].name;
    let others = study.describe(condition, &doses);
    let label = if others == "vehicle" { name.clone() } else { format!("{name}, {others}") };
    Ok(Some(Curve {
        case: Case {
            condition,
            observable,
            compound,
            doses,
            time,
            range,
            effect: wanted.effect,
            dose: wanted.dose.unwrap_or(highest),
            until: until.unwrap_or(0.0) * factor,
            labile: outputs.to_vec(),
        },
        label,
        beyond: range.0 < lowest * (1.0 - 1e-9) || range.1 > highest * (1.0 + 1e-9),
        frames,
    }))
}

/// The positive doses of a compound, ascending.
fn tested<'d>(data: impl Iterator<Item = &'d Datum>, compound: usize) -> Vec<f64> {
    distinct(data.map(|d| d.doses[compound]).filter(|&dose| dose > 0.0))
}
