//! Models from files, and the inputs of instances: read from a table or drawn.

use super::failure::Failure;
use super::terminal;
use fenton::expr::Symbol;
use fenton::model::math::closest;
use fenton::model::{Network, Parameter, System};
use fenton::study::{decode, embedded, place_of};
use fenton::{Diagnostic, Error};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads a text file as studies do: what is not UTF-8 is named with its place.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Error::file(path, source))?;
    Ok(decode(&path.display().to_string(), bytes)?)
}

/// Whether faults of a model's units are errors, as `--strict-units` asks wherever models are read.
static STRICT_UNITS: AtomicBool = AtomicBool::new(false);

pub fn be_strict_about_units(strict: bool) {
    STRICT_UNITS.store(strict, Ordering::Relaxed);
}

/// An error for what is wrong with the units of `system`, if such faults are errors.
pub fn check_units(system: &System) -> Result<(), Failure> {
    if STRICT_UNITS.load(Ordering::Relaxed) && !system.unit_faults.is_empty() {
        return Err(Error::Input(system.unit_faults.clone()).into());
    }
    Ok(())
}

/// A model from a file or by its embedded name (a file goes first), with other values at the start for `set`.
pub fn read_model(name: &str, set: &[(String, f64)]) -> Result<System, Failure> {
    let mut network = read_network(name)?;
    for (name, value) in set {
        network.set(name, *value)?;
    }
    let system = network.system()?;
    check_units(&system)?;
    system.warnings.iter().for_each(|warning| terminal::warn(&warning.to_string()));
    Ok(system)
}

/// A model as it is written, from a file or by its embedded name.
pub fn read_network(name: &str) -> Result<Network, Failure> {
    let source = match embedded::model(name).filter(|_| !Path::new(name).exists()) {
        Some(file) => file.text.to_string(),
        None => read_text(Path::new(name))?,
    };
    Ok(fenton::model::antimony::read(&source, name)?)
}

/// The index of the parameter that sets `name`. The initial value of a state becomes a parameter of its own.
/// `Err` holds a name that may have been meant.
pub fn settable(system: &mut System, name: &str) -> Result<u32, Option<String>> {
    if let Some(parameter) = system.parameter(name) {
        return Ok(parameter);
    }
    let Some(state) = system.state(name) else {
        let names =
            system.parameters.iter().map(|p| p.name.as_str()).chain(system.states.iter().map(|s| s.name.as_str()));
        return Err(closest(name, names).map(str::to_string));
    };
    let parameters = &system.parameters;
    let initial = system.graph.evaluate(&[system.states[state as usize].initial], &|symbol| match symbol {
        Symbol::Parameter(at) => parameters[at as usize].value,
        _ => 0.0,
    })[0];
    let parameter = system.parameters.len() as u32;
    let unit = system.states[state as usize].unit.clone();
    system.parameters.push(Parameter { name: name.to_string(), value: initial, unit });
    system.states[state as usize].initial = system.graph.symbol(Symbol::Parameter(parameter));
    Ok(parameter)
}

/// The instances of one run and what differs between them.
#[derive(Debug)]
pub struct Instances {
    pub count: usize,
    /// Parameters of the system that differ.
    pub inputs: Vec<u32>,
    /// Whether the table says which instance a row belongs to.
    pub listed: bool,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Table(Vec<f64>),
    Drawn { centre: Vec<f64>, spread: f64, seed: u64 },
}

impl Instances {
    /// One instance with the values as they are.
    pub fn single() -> Self {
        Instances { count: 1, inputs: Vec::new(), listed: false, source: Source::Table(Vec::new()) }
    }

    /// `count` instances, each input its value times `exp(spread * normal)`. The draws of an instance depend on the
    /// seed and its number alone.
    pub fn drawn(count: usize, inputs: Vec<u32>, system: &System, spread: f64, seed: u64) -> Self {
        let centre = inputs.iter().map(|&input| system.parameters[input as usize].value).collect();
        Instances { count, inputs, listed: true, source: Source::Drawn { centre, spread, seed } }
    }

    /// One instance for each row of a CSV file, whose columns are named like parameters or states.
    pub fn read(path: &Path, system: &mut System) -> Result<Self, Failure> {
        let (inputs, values) = read_table(path, "parameter or state", |name| settable(system, name))?;
        Ok(Instances { count: values.len() / inputs.len(), inputs, listed: true, source: Source::Table(values) })
    }

    /// The rows of inputs of some instances, one after the other.
    pub fn rows(&self, range: Range<usize>) -> Vec<f64> {
        let width = self.inputs.len();
        match &self.source {
            Source::Table(values) => values[range.start * width..range.end * width].to_vec(),
            Source::Drawn { centre, spread, seed } => range
                .flat_map(|instance| {
                    let mut stream = fenton::random::Stream::new(*seed, instance as u64);
                    centre.iter().map(|value| value * (spread * stream.normal()).exp()).collect::<Vec<_>>()
                })
                .collect(),
        }
    }

    /// The inputs of one instance by name, as JSON.
    pub fn named(&self, instance: usize, system: &System) -> serde_json::Value {
        let values = self.rows(instance..instance + 1);
        let names = self.inputs.iter().map(|&input| system.parameters[input as usize].name.clone());
        names.zip(values).map(|(name, value)| (name, serde_json::json!(value))).collect()
    }
}

/// Reads a table of numbers, one instance a row: what `resolve` makes of its headers, and the values row by row.
/// `what` is the word for what a header names; the error of `resolve` is a name that may have been meant.
pub fn read_table(
    path: &Path,
    what: &str,
    mut resolve: impl FnMut(&str) -> Result<u32, Option<String>>,
) -> Result<(Vec<u32>, Vec<f64>), Failure> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let problem = |record: u64, field: usize, message: String| {
        Diagnostic::new(message).in_file(&file).at(place_of(&text, record, field))
    };
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let headers = table.headers().map_err(|error| problem(0, 0, error.to_string()))?.clone();
    let mut inputs = Vec::new();
    for (field, name) in headers.iter().enumerate() {
        let parameter = resolve(name).map_err(|near| {
            let unknown = problem(0, field, format!("there is no {what} '{name}'"));
            Failure::from(match near {
                Some(near) => unknown.hint(format!("did you mean '{near}'?")),
                None if headers.len() == 1 && name.contains([';', '\t']) => {
                    unknown.hint("separate the columns with commas")
                }
                None => unknown.hint("the header has names, one for each column of values"),
            })
        })?;
        if inputs.contains(&parameter) {
            return Err(problem(0, field, format!("the column '{name}' is there twice"))
                .hint("keep one of them")
                .into());
        }
        inputs.push(parameter);
    }
    let mut values = Vec::new();
    // One record for all rows, and spaces cut off only where there are some, which shows in large tables.
    let mut record = csv::StringRecord::new();
    loop {
        let is_row = table.read_record(&mut record).map_err(|error| {
            let at = error.position().map_or(0, csv::Position::byte);
            problem(at, usize::MAX, "the row has another number of fields than the header".into())
                .expected(format!("{} fields", headers.len()))
                .hint("every field has a value, and decimals have a point")
        })?;
        if !is_row {
            break;
        }
        for (field, text) in record.iter().enumerate() {
            match text.parse::<f64>().or_else(|_| text.trim().parse()) {
                Ok(value) if value.is_finite() => values.push(value),
                _ => {
                    let at = record.position().map_or(0, csv::Position::byte);
                    let (name, text) = (&headers[field], text.trim());
                    let wrong = problem(at, field, format!("'{text}' in column '{name}' is not a number"));
                    return Err(wrong.hint("decimals have a point, and every field has a value").into());
                }
            }
        }
    }
    if values.is_empty() {
        return Err(problem(0, 0, "there are no rows below the header".into()).hint("one instance a row").into());
    }
    Ok((inputs, values))
}
