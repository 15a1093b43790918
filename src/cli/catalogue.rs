//! Perturbations and lines of cells in words, for `fenton list` and `fenton show`.

use fenton::Result;
use fenton::study::catalogue::{Acts, Catalogue, Entry, Kind, Way};
use fenton::study::cell_lines::CellLine;
use fenton::study::models_with;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The catalogue as a list in words and in JSON.
pub fn perturbations() -> Result<(String, Value)> {
    let catalogue = Catalogue::embedded()?;
    let mut text = String::new();
    for (kind, title) in [
        (Kind::Compound, "Compounds"),
        (Kind::Carrier, "Carriers"),
        (Kind::Gene, "Genes"),
        (Kind::Condition, "Conditions"),
    ] {
        let _ = writeln!(text, "{title}");
        for entry in catalogue.entries.iter().filter(|entry| entry.kind == kind) {
            let mark = if entry.out_of_scope.is_some() { " [out of scope]" } else { "" };
            let _ = writeln!(text, "  {:<34} {}: {}{mark}", entry.name, entry.effect(), entry.target);
        }
    }
    Ok((text, catalogue.entries.iter().map(to_json).collect()))
}

pub fn cells() -> Result<(String, Value)> {
    let lines = CellLine::embedded()?;
    let mut text = "Cells\n".to_string();
    for line in &lines {
        let factors: Vec<String> = line.factors.iter().map(|f| format!("{} x{}", f.parameter, f.value)).collect();
        let factors = if factors.is_empty() { "no factors".into() } else { factors.join(", ") };
        let _ = writeln!(text, "  {:<24} {factors}; {}", line.name, line.origin);
    }
    let json = lines.iter().map(|line| {
        let factors: Vec<Value> = line
            .factors
            .iter()
            .map(|f| json!({ "parameter": f.parameter, "value": f.value, "source": f.source }))
            .collect();
        json!({ "name": line.name, "names": line.names, "origin": line.origin, "factors": factors })
    });
    Ok((text, json.collect()))
}

/// All names of perturbations and lines of cells.
pub fn names() -> Result<Vec<String>> {
    let (catalogue, lines) = (Catalogue::embedded()?, CellLine::embedded()?);
    Ok(catalogue.names().chain(lines.iter().flat_map(CellLine::all_names)).map(str::to_string).collect())
}

/// What is known of a perturbation or a line of cells.
pub fn entry(name: &str) -> Result<Option<String>> {
    if let Some(entry) = Catalogue::embedded()?.find(name) {
        return Ok(Some(perturbation(entry)));
    }
    Ok(CellLine::find(&CellLine::embedded()?, name).map(cell))
}

fn perturbation(entry: &Entry) -> String {
    let mut text = format!("{} ({})\n", entry.name, entry.kind.name());
    let mut row = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&rows(key, value));
        }
    };
    row("also called", &entry.names.join(", "));
    row("acts on", &entry.target);
    let more = if entry.kind == Kind::Gene { "more of it: " } else { "" };
    row("effect", &format!("{more}{}", entry.effect()));
    row("mechanism", &entry.mechanism);
    row("source", &entry.source);
    for (at, way) in entry.ways.iter().enumerate() {
        row(if at == 0 { "enters as" } else { "or else as" }, &way.describe());
    }
    row("basis", &entry.basis);
    match &entry.out_of_scope {
        Some(why) => row("out of scope", why),
        None => {
            let models = models_with(entry);
            row("models", &if models.is_empty() { "none of the embedded ones".into() } else { models.join(", ") });
            row("in a study", &format!("perturb = {{ {} = {} }}", key(&entry.name), entry.example()));
        }
    }
    text
}

fn cell(line: &CellLine) -> String {
    let mut text = format!("{} (line of cells)\n", line.name);
    if !line.names.is_empty() {
        text += &rows("also called", &line.names.join(", "));
    }
    text += &rows("origin", &line.origin);
    for factor in &line.factors {
        text += &rows(&factor.parameter, &format!("x{}; {}", factor.value, factor.source));
    }
    text + &rows("in a study", &format!("cell = {:?}", line.name))
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_string() } else { format!("{name:?}") }
}

/// How wide the text of an entry gets.
const WIDTH: usize = 96;

fn rows(key: &str, value: &str) -> String {
    let mut text = String::new();
    let mut line = format!("  {key:<13}");
    for word in value.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = " ".repeat(15);
        }
        line.push(' ');
        line.push_str(word);
    }
    text + &line + "\n"
}

fn to_json(entry: &Entry) -> Value {
    let effects: Map<String, Value> =
        entry.effects.iter().map(|(death, effect)| (death.name().to_string(), effect.name().into())).collect();
    json!({
        "name": entry.name,
        "names": entry.names,
        "kind": entry.kind.name(),
        "target": entry.target,
        "effects": effects,
        "mechanism": entry.mechanism,
        "source": entry.source,
        "basis": entry.basis,
        "enters": entry.ways.iter().map(way_to_json).collect::<Vec<_>>(),
        "out_of_scope": entry.out_of_scope,
    })
}

fn way_to_json(way: &Way) -> Value {
    let table = |list: &[(String, f64)]| -> Value {
        list.iter().map(|(name, number)| (name.clone(), Value::from(*number))).collect::<Map<_, _>>().into()
    };
    let mut json = match &way.acts {
        Acts::Dose { adds, factors, half } => json!({
            "dose": table(adds),
            "factors": table(factors),
            "half": half.as_ref().map(|half| format!("{} {}", half.dose, half.unit)),
        }),
        Acts::Fold(list) => json!({ "fold": table(list) }),
        Acts::Level(name) => json!({ "level": name }),
        Acts::Throughout(list) => json!({ "throughout": table(list) }),
    };
    json["omits"] = json!(way.omits);
    json
}
