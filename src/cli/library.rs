//! `fenton list` and `fenton show`: what is embedded in the program.

use super::failure::Failure;
use super::inputs::read_network;
use super::output;
use clap::{Args, ValueEnum};
use fenton::model::Diagram;
use fenton::model::math::closest;
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
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton show ferroptosis-minimal                  the model, as Antimony
  fenton show fac-ht1080 > study.toml              the study file, as a start for your own
  fenton show fac-ht1080 --data > fac-ht1080.csv   its readings
  fenton show ferroptosis-minimal --diagram > model.svg
                                                   a picture of the model; of your own too: show my.ant --diagram")]
pub struct ShowArgs {
    /// Name of an embedded model or study
    name: String,
    /// Print the readings of a study instead
    #[arg(long)]
    data: bool,
    /// Print a diagram of a model instead, embedded or in a file, as SVG
    #[arg(long, conflicts_with = "data")]
    diagram: bool,
}

pub fn list(args: &ListArgs) -> Result<(), Failure> {
    let wanted = |what| args.what.is_empty() || args.what.contains(&what);
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
    if args.json { output::print_json(&document) } else { output::print(&text) }
}

pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.diagram {
        let diagram = Diagram::of(&read_network(name)?)?;
        return output::print(&fenton::report::network::standalone(&diagram));
    }
    let file = if args.data {
        embedded::data(&format!("{name}.csv"))
    } else {
        embedded::model(name).or_else(|| embedded::study(name))
    };
    match file {
        Some(file) => output::print(file.text),
        None => {
            let known = embedded::MODELS.iter().chain(embedded::STUDIES).map(|file| file.name);
            let mut unknown = Diagnostic::new(format!(
                "there is no embedded {} called '{name}'",
                if args.data { "study with readings" } else { "model or study" }
            ));
            unknown = match closest(name, known) {
                Some(near) => unknown.hint(format!("did you mean '{near}'?")),
                None => unknown.hint("'fenton list' names them"),
            };
            Err(unknown.into())
        }
    }
}
