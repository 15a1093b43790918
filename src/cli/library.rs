//! `fenton list` and `fenton show`: what is embedded in the program.

use super::failure::Failure;
use super::inputs::{check_units, read_network};
use super::{catalogue, output};
use clap::{Args, ValueEnum};
use fenton::model::Diagram;
use fenton::model::math::closest;
use fenton::study::evidence::Evidence;
use fenton::study::{Study, embedded};
use fenton::{Diagnostic, Result};
use serde_json::json;

#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list [default: models,studies]
    #[arg(value_enum, value_delimiter = ',')]
    what: Vec<What>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Models,
    Studies,
    /// Compounds, genes, conditions and carriers
    Perturbations,
    /// Lines of cells
    Cells,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton show ferroptosis                          the model, as Antimony, and where each of its numbers comes from
  fenton show ferroptosis --data                   that table alone, as CSV
  fenton show fac-ht1080 > study.toml              the study file, as a start for your own
  fenton show fac-ht1080 --data > fac-ht1080.csv   its readings
  fenton show ferroptosis --diagram > model.svg    a picture of the model; of your own too: show my.ant --diagram
  fenton show erastin                              what a compound or gene does, and how it enters a model
  fenton show 'U-2 OS'                             by what a line of cells differs")]
pub struct ShowArgs {
    /// Name of an embedded model or study, a perturbation or a line of cells
    name: String,
    /// Print the readings of a study, or the parameters of a model with their evidence, as CSV
    #[arg(long)]
    data: bool,
    /// Print a diagram of a model instead, embedded or in a file, as SVG
    #[arg(long, conflicts_with = "data")]
    diagram: bool,
}

pub fn list(args: &ListArgs) -> Result<(), Failure> {
    let wanted = |what| match (args.what.is_empty(), what) {
        (true, What::Models | What::Studies) => true,
        _ => args.what.contains(&what),
    };
    let mut text = String::new();
    let mut document = serde_json::Map::new();
    if wanted(What::Models) {
        let mut models = Vec::new();
        text += "Models\n";
        for file in embedded::MODELS {
            let system = fenton::model::antimony::read(file.text, file.name)?.system()?;
            let (states, parameters) = (system.states.len(), system.parameters.len());
            text += &format!("  {:<24} {states} states, {parameters} parameters\n", file.name);
            models.push(json!({ "name": file.name, "states": states, "parameters": parameters }));
        }
        document.insert("models".into(), models.into());
    }
    if wanted(What::Studies) {
        let mut studies = Vec::new();
        text += "Studies\n";
        for file in embedded::STUDIES {
            let study = Study::embedded(file.name)?;
            let estimated = study.parameters.iter().filter(|p| p.estimated).count();
            let mark = if study.synthetic.is_some() && !study.title.to_lowercase().contains("synthetic") {
                " [synthetic]"
            } else {
                ""
            };
            text += &format!(
                "  {:<24} {}{mark}\n  {:<24} {} readings, {estimated} parameters, model {}\n",
                file.name,
                study.title,
                "",
                study.data.len(),
                study.model
            );
            studies.push(json!({
                "name": file.name,
                "title": study.title,
                "model": study.model,
                "readings": study.data.len(),
                "estimated": estimated,
                "synthetic": study.synthetic.is_some(),
            }));
        }
        document.insert("studies".into(), studies.into());
    }
    if wanted(What::Perturbations) {
        let (words, json) = catalogue::perturbations()?;
        text += &words;
        document.insert("perturbations".into(), json);
    }
    if wanted(What::Cells) {
        let (words, json) = catalogue::cells()?;
        text += &words;
        document.insert("cells".into(), json);
    }
    if args.json { output::print_json(&document) } else { output::print(&text) }
}

pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.diagram {
        let network = read_network(name)?;
        check_units(&network.system()?)?;
        let diagram = Diagram::of(&network)?;
        return output::print(&fenton::report::network::standalone(&diagram));
    }
    let file = match (args.data, embedded::model(name)) {
        (true, Some(model)) => return output::print(&as_csv(&Evidence::of(model.name)?)?),
        (false, Some(model)) => return output::print(&format!("{}{}", model.text, as_comment(model.name)?)),
        (true, None) => embedded::data(&format!("{name}.csv")),
        (false, None) => embedded::study(name),
    };
    match file {
        Some(file) => output::print(file.text),
        None => {
            let found = if args.data { None } else { catalogue::entry(name)? };
            if let Some(text) = found {
                return output::print(&text);
            }
            let files = embedded::MODELS.iter().chain(embedded::STUDIES).map(|file| file.name.to_string());
            let entries = if args.data { Vec::new() } else { catalogue::names()? };
            let known: Vec<String> = files.chain(entries).collect();
            let mut unknown = Diagnostic::new(format!(
                "there is no {} called '{name}'",
                if args.data {
                    "embedded study or model with a table"
                } else {
                    "embedded model or study, perturbation or line of cells"
                }
            ));
            unknown = match closest(name, known.iter().map(String::as_str)) {
                Some(near) => unknown.hint(format!("did you mean '{near}'?")),
                None => unknown.hint("'fenton list' names them"),
            };
            Err(unknown.into())
        }
    }
}

/// The evidence for a model's parameters as comments, so that what is printed is still the model.
fn as_comment(model: &str) -> Result<String> {
    let rows = Evidence::of(model)?;
    let wide = |width: usize, text: &str| width.max(text.chars().count());
    let values: Vec<String> = rows.iter().map(|row| format!("{} {}", row.value, row.unit)).collect();
    let names = rows.iter().fold(0, |width, row| wide(width, &row.name));
    let numbers = values.iter().fold(0, |width, value| wide(width, value));
    let priors = rows.iter().fold(0, |width, row| wide(width, &row.prior()));
    let mut text =
        "\n// Where the numbers come from: value, status, prior (sd of the logarithm or logit), meaning; source\n"
            .to_string();
    for (row, value) in rows.iter().zip(&values) {
        text += &format!(
            "// {:<names$}  {value:<numbers$}  {:<10}  {:<priors$}  {}; {}\n",
            row.name,
            row.status,
            row.prior(),
            row.meaning,
            row.source
        );
    }
    Ok(text)
}

fn as_csv(rows: &[Evidence]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = rows.iter().try_for_each(|row| writer.serialize(row));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.ok_or_else(|| Diagnostic::new("the table cannot be written as CSV"))?)
}
