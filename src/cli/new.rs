//! `fenton new`: a starting study for a table of readings.

use super::failure::{Failure, on_write};
use super::inputs::read_text;
use super::long_run::hold;
use super::plate::{self, PlateArgs};
use super::{draft, output, terminal};
use clap::Args;
use fenton::Diagnostic;
use fenton::files::WholeFolder;
use fenton::model::math::closest;
use fenton::plate::Assay;
use fenton::study::{Study, embedded};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  fenton new iron --from viability.csv
  fenton check iron/study.toml

The table has a header and one reading a row: the time, the viability, and one column for each compound, with units
in the header such as 'FAC (mM),time (h),replicate,viability'. What cannot be told from the table is marked with 'check' in
the study file.")]
pub struct NewArgs {
    /// The folder to be made
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The table of readings
    #[arg(long, value_name = "FILE.csv")]
    from: PathBuf,
    /// An embedded model
    #[arg(long, value_name = "NAME", default_value = "ferroptosis-minimal")]
    model: String,
    #[command(flatten)]
    plate: PlateArgs,
    /// What the instrument saw: atp, resazurin, live_count, dead_dye, live_dead, death_time
    #[arg(long, value_name = "NAME", value_parser = plate::assay)]
    assay: Option<Assay>,
}

/// Columns of a table that are no compounds.
const ROLES: [&str; 16] = [
    "time",
    "value",
    "viability",
    "replicate",
    "sd",
    "condition",
    "observable",
    "plate",
    "experiment",
    "well",
    "lower",
    "upper",
    "joint",
    "dose",
    "compound",
    "dose_unit",
];

pub fn run(args: &NewArgs) -> Result<(), Failure> {
    let model = embedded::model(&args.model).ok_or_else(|| {
        let names = embedded::MODELS.iter().map(|file| file.name);
        let known = names.clone().collect::<Vec<_>>().join(", ");
        let unknown = Diagnostic::new(format!("--model: there is no embedded model '{}'", args.model)).expected(known);
        match closest(&args.model, names) {
            Some(near) => unknown.hint(format!("did you mean '{near}'?")),
            None => unknown,
        }
    })?;
    let system = fenton::model::antimony::read(model.text, model.name)?.system()?;
    let _lock = hold(&args.folder)?;
    let text = if draft::is_workbook(&args.from) { String::new() } else { read_text(&args.from)? };
    if !args.plate.is_empty() || args.assay.is_some() || draft::is_raw(&text) {
        let readings = fenton::plate::read(&args.from, &args.plate.options(args.assay))?;
        vacant(&args.folder)?;
        let draft = draft::Draft { readings: &readings, model: &args.model, system: &system };
        let assay = args.assay;
        let files = (draft.study(assay, suggested(&args.model)), draft.table());
        return finish(&args.folder, &files.0, "readings.csv", &files.1);
    }
    let header = text
        .trim_start_matches('\u{feff}')
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .ok_or_else(|| Diagnostic::new("the file is empty").in_file(args.from.display().to_string()))?;
    let columns: Vec<(String, String)> = header.split([',', ';', '\t']).map(name_and_unit).collect();
    vacant(&args.folder)?;
    let is_role = |name: &str| ROLES.iter().any(|role| name.eq_ignore_ascii_case(role));
    let compounds: Vec<&(String, String)> = columns.iter().filter(|(name, _)| !is_role(name)).collect();
    let time_unit = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case("time")).map_or("", |(_, unit)| unit);

    let mut toml = String::from(
        "title = \"What was done, in one line\"          # check\ndescription = \"\"\nsource = \"who measured it\"                    # check\n",
    );
    toml += &draft::cells(None, None);
    let _ = writeln!(toml, "model = \"{}\"\n", args.model);
    let _ = writeln!(toml, "[time]\nunit = \"{}\"\n", if time_unit.is_empty() { "h" } else { time_unit });
    for (name, unit) in &compounds {
        let parameters = system.parameters.iter().map(|p| p.name.as_str());
        let target = system.parameters.iter().map(|p| p.name.as_str()).find(|p| p.eq_ignore_ascii_case(name));
        let (target, mark) = match target.or_else(|| closest(name, parameters)) {
            Some(target) => (target, if target == name { "" } else { "      # check" }),
            None => (name.as_str(), "      # check: no parameter of the model has this name"),
        };
        let key = if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            name.clone()
        } else {
            format!("{name:?}")
        };
        let (unit, unsure) =
            if unit.is_empty() { ("uM", "          # check: the table does not say") } else { (unit.as_str(), "") };
        let _ = writeln!(toml, "[compounds.{key}]\ntarget = \"{target}\"{mark}\nunit = \"{unit}\"{unsure}\n");
    }
    toml += "[assay]\nkind = \"atp\"                                  # check: atp, resazurin, live_count, dead_dye, live_dead, death_time\nlive = \"live\"\ndead = \"dead\"\n\n";
    toml += "[settle]\nset = { counting = 0 }\nlongest = 5000\n\n";
    toml +=
        "[data]\nfile = \"viability.csv\"\nvalues = \"fraction\"                           # check: or \"percent\"\n\n";
    toml += "[noise]\nkind = \"normal\"\nsd = \"sigma\"\n\n[parameters.sigma]\nvalue = 0.05\nbounds = [0.005, 0.5]\nsource = \"estimated\"\n";
    toml += &draft::suggestions(&system, suggested(&args.model));
    finish(&args.folder, &toml, "viability.csv", &text)
}

/// Nothing that is there is overwritten.
fn vacant(folder: &Path) -> Result<(), Failure> {
    if fs::metadata(folder).is_ok() {
        return Err(Diagnostic::new("there is something of that name already")
            .in_file(folder.display().to_string())
            .hint("choose another name for the folder")
            .into());
    }
    Ok(())
}

fn finish(folder: &Path, toml: &str, table: &str, rows: &str) -> Result<(), Failure> {
    write(folder, &[("study.toml", toml), (table, rows)]).map_err(on_write(&folder.display().to_string()))?;
    let study = folder.join("study.toml");
    output::print(&format!("wrote {} and its {table}\n", study.display()))?;
    match Study::open(&study) {
        Ok(_) => output::print(&format!("look at the lines marked 'check', then: fenton fit {}\n", study.display())),
        Err(error) => {
            terminal::warn(&format!("the study is not complete yet:\n{error}"));
            Ok(())
        }
    }
}

/// The folder whole or not at all.
fn write(path: &Path, files: &[(&str, &str)]) -> std::io::Result<()> {
    let mut folder = WholeFolder::create(path, None)?;
    files.iter().try_for_each(|(name, content)| folder.write(name, content.as_bytes()))?;
    folder.finish()
}

/// The parameters that a viability curve says most about, in each embedded model.
fn suggested(model: &str) -> &'static [&'static str] {
    match model {
        "cuproptosis-minimal" => &["V_CTR1", "h_cuproptosis"],
        "crosstalk-minimal" => &["k_branching", "V_iron", "V_CTR1"],
        _ => &["k_branching", "h_ferroptosis"],
    }
}

/// "FAC (mM)" and "time [h]" in two parts.
fn name_and_unit(column: &str) -> (String, String) {
    let column = column.trim().trim_matches('"');
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some((name, rest)) = column.split_once(open)
            && let Some(unit) = rest.strip_suffix(close)
        {
            return (name.trim().to_string(), unit.trim().to_string());
        }
    }
    (column.to_string(), String::new())
}
