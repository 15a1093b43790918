//! Which readings of a study form a matrix of two drugs: one observable, one condition, one time, all other compounds held.

use crate::study::{Condition, Datum, Kind, ReadAt, Study};
use crate::synergy::{Well, Wells};
use crate::{Diagnostic, Error, Result};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked: indices of compounds and of a condition, a time in the study's unit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question {
    pub drugs: [usize; 2],
    pub condition: Option<usize>,
    pub time: Option<f64>,
}

/// The readings that answer it.
#[derive(Debug, Clone)]
pub struct Selection {
    pub drugs: [usize; 2],
    pub condition: usize,
    pub time: f64,
    pub observable: usize,
    /// Doses of all compounds, 0 for the two.
    pub others: Vec<f64>,
    /// None of them if no reading has both drugs.
    pub wells: Wells,
    /// What was chosen or left out on the way.
    pub notes: Vec<String>,
}

/// Rows that can stand in one matrix.
struct Group<'s> {
    rows: Vec<&'s Datum>,
    cells: BTreeSet<[u64; 2]>,
}

impl Group<'_> {
    /// Cells between dead and unharmed, if readings are shares of cells: where all are one or the other nothing is learnt.
    fn between(&self, drugs: [usize; 2], kind: Kind) -> usize {
        let mut cells: BTreeMap<[u64; 2], (f64, f64)> = BTreeMap::new();
        for row in self.rows.iter().filter(|_| kind.is_share()) {
            let entry = cells.entry(drugs.map(|drug| row.doses[drug].to_bits())).or_default();
            *entry = (entry.0 + alive(kind, row.value.number().unwrap_or(f64::NAN)), entry.1 + 1.0);
        }
        cells.values().filter(|(sum, count)| (0.1..=0.9).contains(&(sum / count))).count()
    }

    fn combinations(&self) -> usize {
        self.cells.iter().filter(|cell| cell.iter().all(|dose| f64::from_bits(*dose) > 0.0)).count()
    }
}

/// Observable, condition, bits of the time and of the other doses.
type Key = (usize, usize, u64, Vec<u64>);

/// The matrix with the most combinations among those that answer `question`; of equals that with the most cells between
/// 10 and 90 % viability, then that of the latest time.
///
/// # Errors
/// [`Error::Input`] if nothing in the study is a viability, if nothing was read at the time or in the condition asked for
/// though there are matrices elsewhere, or if readings have no vehicle that they could be relative to.
pub fn select(study: &Study, question: &Question) -> Result<Selection> {
    let viable = |observable: usize| is_viability(study.observables[observable].reading);
    let Some(first) = (0..study.observables.len()).find(|&observable| viable(observable)) else {
        let message = "no observable of this study is a viability, of which synergy is the excess";
        let expected = "relative or fractional viability, a lethal fraction, inhibition or a signal of live cells";
        return Err(Diagnostic::new(message).expected(expected).into());
    };
    let alike = alike(study);
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    let mut without_number = 0;
    for row in study.data.iter().filter(|row| !row.blank && viable(row.observable)) {
        let (ReadAt::Time(time), Some(_)) = (row.time, row.value.number()) else {
            without_number += 1;
            continue;
        };
        let others = held(row, question.drugs).iter().map(|dose| dose.to_bits()).collect();
        let key = (row.observable, alike[row.condition], time.to_bits(), others);
        let group = groups.entry(key).or_insert_with(|| Group { rows: Vec::new(), cells: BTreeSet::new() });
        group.cells.insert(question.drugs.map(|drug| row.doses[drug].to_bits()));
        group.rows.push(row);
    }
    let crossed = || groups.iter().filter(|(_, group)| group.combinations() > 0);
    let at = |key: &Key| question.time.is_none_or(|time| (time - f64::from_bits(key.2)).abs() <= 1e-9 * time.abs());
    let within = |key: &Key| question.condition.is_none_or(|condition| alike[condition] == key.1);
    let best = crossed().filter(|(key, _)| at(key) && within(key)).max_by(|a, b| {
        let rank = |(key, group): &(&Key, &Group)| {
            let held = key.3.iter().filter(|bits| f64::from_bits(**bits) != 0.0).count();
            let between = group.between(question.drugs, study.observables[key.0].reading);
            (group.combinations(), Reverse(held), group.cells.len(), between, Reverse(key.0), Reverse(key.1))
        };
        rank(a).cmp(&rank(b)).then(f64::from_bits(a.0.2).total_cmp(&f64::from_bits(b.0.2)))
    });
    let Some((key, group)) = best else {
        if let Some((found, _)) = crossed().next() {
            return Err(elsewhere(study, question, found, crossed().map(|(key, _)| key)));
        }
        return Ok(nothing(study, question, first));
    };
    let time = f64::from_bits(key.2);
    let others: Vec<f64> = key.3.iter().map(|bits| f64::from_bits(*bits)).collect();
    let both = |row: &&&Datum| question.drugs.iter().all(|&drug| row.doses[drug] > 0.0);
    let condition = group.rows.iter().find(both).map_or(key.1, |row| row.condition);
    let mut notes = Vec::new();
    let count = crossed().filter(|(key, _)| at(key) && within(key)).count();
    if count > 1 {
        notes.push(format!(
            "the data hold {count} matrices of these drugs; this is the one with the most combinations and, of equals, the \
             most cells between 10 and 90 % viability. --at and --condition choose another"
        ));
    }
    if without_number > 0 {
        notes.push(format!("{without_number} readings that are bounds or have no stated time are left out"));
    }
    let wells = wells(study, question.drugs, &group.rows, &others, key.0, &mut notes)?;
    Ok(Selection { drugs: question.drugs, condition, time, observable: key.0, others, wells, notes })
}

fn is_viability(kind: Kind) -> bool {
    !matches!(kind, Kind::DeathTime | Kind::Other)
}

/// From a reading to what rises with live cells.
pub fn alive(kind: Kind, reading: f64) -> f64 {
    if matches!(kind, Kind::LethalFraction | Kind::Inhibition) { 1.0 - reading } else { reading }
}

/// Doses of the compounds that are not looked at.
fn held(row: &Datum, drugs: [usize; 2]) -> Vec<f64> {
    let mut doses = row.doses.clone();
    drugs.into_iter().for_each(|drug| doses[drug] = 0.0);
    doses
}

/// For each condition the first that differs from it by doses alone.
fn alike(study: &Study) -> Vec<usize> {
    let given = |condition: usize, compound: usize| {
        study.data.iter().any(|row| row.condition == condition && row.doses[compound] != 0.0)
    };
    let same = |a: usize, b: usize| {
        let [first, second]: [&Condition; 2] = [&study.conditions[a], &study.conditions[b]];
        let times = (0..study.compounds.len())
            .all(|c| first.schedule.get(c) == second.schedule.get(c) || !given(a, c) || !given(b, c));
        first.set == second.set && first.fold == second.fold && first.factors == second.factors && times
    };
    (0..study.conditions.len()).map(|at| (0..at).find(|&before| same(before, at)).unwrap_or(at)).collect()
}

fn elsewhere<'k>(study: &Study, question: &Question, found: &Key, all: impl Iterator<Item = &'k Key>) -> Error {
    let [a, b] = question.drugs.map(|drug| &study.compounds[drug].name);
    let mut places: Vec<String> = all
        .map(|key| {
            let name = &study.conditions[key.1].name;
            let time = format!("{} {}", f64::from_bits(key.2), study.time_unit);
            if name.is_empty() { time } else { format!("{name} at {time}") }
        })
        .collect();
    places.dedup();
    let condition = question.condition.unwrap_or(found.1);
    let of = &study.conditions[condition].name;
    let asked = match (question.time, of.is_empty()) {
        (Some(time), true) => format!("at {time} {}", study.time_unit),
        (Some(time), false) => format!("in {of} at {time} {}", study.time_unit),
        (None, _) => format!("in {of}"),
    };
    let message = format!("no reading {asked} has both {a} and {b}");
    Diagnostic::new(message).hint(format!("readings with both: {}", places.join(", "))).into()
}

/// Where no reading has both drugs the model alone is asked.
fn nothing(study: &Study, question: &Question, observable: usize) -> Selection {
    let times = study.data.iter().filter_map(|row| match row.time {
        ReadAt::Time(time) if question.condition.is_none_or(|c| c == row.condition) => Some((time, row.condition)),
        _ => None,
    });
    let last = times.max_by(|a, b| a.0.total_cmp(&b.0));
    Selection {
        drugs: question.drugs,
        condition: question.condition.or(last.map(|(_, condition)| condition)).unwrap_or(0),
        time: question.time.or(last.map(|(time, _)| time)).unwrap_or(24.0),
        observable,
        others: vec![0.0; study.compounds.len()],
        wells: Wells::default(),
        notes: Vec::new(),
    }
}

/// Rows as viability relative to their vehicle.
fn wells(
    study: &Study,
    drugs: [usize; 2],
    rows: &[&Datum],
    others: &[f64],
    observable: usize,
    notes: &mut Vec<String>,
) -> Result<Wells> {
    let kind = study.observables[observable].reading;
    let blanks = Blanks::of(study, observable, kind, notes);
    let mut names: Vec<&str> = rows.iter().map(|row| row.experiment.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // A control without any compound is no vehicle of wells that share another one.
    let shared = others.iter().zip(&study.compounds).any(|(dose, c)| *dose != 0.0 && c.removed_in_control);
    let relative = matches!(kind, Kind::RelativeViability | Kind::Inhibition);
    let divided = !relative || shared;
    if relative && let Some(kept) = drugs.iter().find(|&&drug| !study.compounds[drug].removed_in_control) {
        let name = &study.compounds[*kept].name;
        notes.push(format!(
            "viability is relative to a control that holds {name}: what {name} does alone is divided out"
        ));
    }
    let value = |row: &Datum| alive(kind, row.value.number().unwrap_or(f64::NAN)) - blanks.of_plate(&row.plate);
    let vehicle = |row: &&&Datum| drugs.iter().all(|&drug| row.doses[drug] == 0.0);
    // The nearest vehicle wells: of the plate, of the experiment, of all.
    let mut controls: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for row in rows.iter().filter(vehicle) {
        for key in keys(row) {
            let entry = controls.entry(key).or_default();
            *entry = (entry.0 + value(row), entry.1 + 1.0);
        }
    }
    if divided && controls.is_empty() {
        let [a, b] = drugs.map(|drug| &study.compounds[drug].name);
        let message = format!("no well without {a} and {b}: there is nothing that viability could be relative to");
        return Err(Diagnostic::new(message).hint("add the readings of the vehicle with doses of 0").into());
    }
    let units: Vec<&String> = controls.keys().collect();
    let mut made = Wells { wells: Vec::new(), divided };
    for row in rows {
        let key = keys(row).into_iter().find(|key| controls.contains_key(key)).unwrap_or_default();
        let by = if divided { controls.get(&key).map_or(1.0, |(sum, count)| sum / count) } else { 1.0 };
        made.wells.push(Well {
            doses: drugs.map(|drug| row.doses[drug]),
            viability: value(row) / by,
            experiment: names.iter().position(|name| *name == row.experiment).unwrap_or(0),
            unit: units.iter().position(|unit| **unit == key).unwrap_or(0),
        });
    }
    if kind == Kind::Signal {
        check_signal(&made)?;
    }
    Ok(made)
}

/// A signal of dead cells rises where drugs kill.
fn check_signal(wells: &Wells) -> Result<()> {
    let matrix = wells.matrix();
    let top = matrix.cells.iter().flatten().copied().fold(0.0, f64::max);
    let bottom = matrix.cells.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    if top > 2.0 && bottom > 0.7 {
        let message = "the signal rises with the doses: it is one of dead cells, and no viability";
        let hint = "give lethal fractions or live cells, with their reading in [assay]";
        return Err(Diagnostic::new(message).hint(hint).into());
    }
    Ok(())
}

/// What may share vehicle wells with a row, the nearest first.
fn keys(row: &Datum) -> Vec<String> {
    let named = |kind: &str, name: &str| (!name.is_empty()).then(|| format!("{kind} {name}"));
    let plate = named("plate", &row.plate).map(|plate| format!("{} {plate}", row.experiment));
    plate.into_iter().chain(named("experiment", &row.experiment)).chain([String::from("all")]).collect()
}

/// Mean signals of wells without cells.
struct Blanks {
    plates: BTreeMap<String, f64>,
    all: f64,
}

impl Blanks {
    fn of(study: &Study, observable: usize, kind: Kind, notes: &mut Vec<String>) -> Blanks {
        let rows = study.data.iter().filter(|row| row.blank && row.observable == observable);
        let values: Vec<(&str, f64)> = rows.filter_map(|row| Some((row.plate.as_str(), row.value.number()?))).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        if kind != Kind::Signal || values.is_empty() {
            if kind == Kind::Signal {
                notes.push("no wells without cells were read: the background of the signal is taken to be 0".into());
            }
            return Blanks { plates: BTreeMap::new(), all: 0.0 };
        }
        let mut plates: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        values.iter().for_each(|(plate, value)| plates.entry(plate.to_string()).or_default().push(*value));
        let all = mean(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        Blanks { plates: plates.into_iter().map(|(plate, values)| (plate, mean(&values))).collect(), all }
    }

    fn of_plate(&self, plate: &str) -> f64 {
        self.plates.get(plate).copied().unwrap_or(self.all)
    }
}
