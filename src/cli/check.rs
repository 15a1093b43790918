//! `fenton check`: what a study says, and what would be fitted.

use super::failure::Failure;
use super::inputs;
use super::output;
use super::plate::{self, PlateArgs};
use clap::Args;
use fenton::plate::Assay;
use fenton::report::{interval_text, shown};
use fenton::study::{Prior, ReadAt, Schedule, Seen, Study, embedded, prior_scale};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton check study.toml
  fenton check fac-ht1080        an embedded study
  fenton check plate.csv --map map.csv --basis Fe      readings of plates: what was understood of them

Everything that is wrong is told at once, each with its place and a way to mend it. Exit code 1 if anything is.")]
pub struct CheckArgs {
    /// A study file, the name of an embedded study, or a file of readings
    #[arg(value_name = "STUDY.toml")]
    study: String,
    #[command(flatten)]
    plate: PlateArgs,
    /// What the instrument saw: atp, resazurin, live_count, dead_dye, live_dead, death_time
    #[arg(long, value_name = "NAME", value_parser = plate::assay)]
    assay: Option<Assay>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A study from a file or by its embedded name. A file goes first.
pub fn open(name: &str) -> Result<Study, Failure> {
    let path = Path::new(name);
    let is_name = !path.exists() && !name.ends_with(".toml") && !name.contains(['/', '\\']);
    let study = if path.is_dir() {
        Study::open(&path.join("study.toml"))?
    } else if is_name || embedded::study(name).is_some() && !path.exists() {
        Study::embedded(name)?
    } else {
        Study::open(path)?
    };
    inputs::check_units(&study.system)?;
    Ok(study)
}

pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    if plate::is_table(&args.study) {
        return plate::check(&args.study, &args.plate, args.assay, args.json);
    }
    if !args.plate.is_empty() || args.assay.is_some() {
        return Err(Failure::Usage(
            "--map, --basis, --sheet, --medium and --assay belong to a file of readings".into(),
        ));
    }
    let study = open(&args.study)?;
    let problem = study.problem();
    let intervals = study.data.iter().filter(|d| matches!(d.value, Seen::Interval(..))).count();
    let times: BTreeSet<String> = study.data.iter().map(|d| time(&study, d.time)).collect();
    let program = &problem.program;
    if args.json {
        return output::print_json(&json!({
            "title": study.title,
            "model": study.model,
            "states": program.states,
            "synthetic": study.synthetic,
            "readings": study.data.len(),
            "intervals": intervals,
            "observations": problem.observation_count(),
            "experiments": study.experiments().iter().filter(|name| !name.is_empty()).collect::<Vec<_>>(),
            "conditions": study.conditions.iter().map(|c| &c.name).collect::<Vec<_>>(),
            "schedules": schedules(&study),
            "simulations": problem.layout.runs.len(),
            "cells": problem.cell_count(),
            "parameters": problem.parameters.iter().map(|p| json!({
                "name": p.name, "start": p.start, "unit": p.unit, "lower": p.lower, "upper": p.upper,
                "scale": p.scale.name(), "prior": p.prior.describe(), "source": p.source,
            })).collect::<Vec<_>>(),
            "between_experiments": problem.between.iter().map(|b| json!({
                "of": b.of, "name": b.name, "start": b.sd, "bounds": b.bounds, "experiments": b.shifts.len(),
            })).collect::<Vec<_>>(),
            "priors": prior_scale::ALL,
            "prior_remarks": problem.parameters.iter().filter_map(prior_scale::remark).collect::<Vec<_>>(),
            "notes": study.notes,
        }));
    }
    let mut text = format!("{}\n", study.title);
    if let Some(command) = &study.synthetic {
        text += &format!("SYNTHETIC DATA, made by: {command}\n");
    }
    text += &format!(
        "\nmodel        {} ({} states)\nreadings     {} ({intervals} of them intervals), {} observations\n\
         experiments  {}\nconditions   {}\ntimes        {}\nsimulations  {} for each parameter vector{}\n",
        study.model,
        program.states.len(),
        study.data.len(),
        problem.observation_count(),
        experiments(&study),
        conditions(&study),
        times.into_iter().collect::<Vec<_>>().join(", "),
        problem.layout.runs.len() * problem.cell_count(),
        if problem.cells.is_some() {
            format!(" ({} cells each, more where a fit needs them)", problem.cell_count())
        } else {
            String::new()
        },
    );
    for (at, compound) in study.compounds.iter().enumerate() {
        let mut doses: Vec<f64> = study.data.iter().map(|d| d.doses[at]).collect();
        doses.sort_by(f64::total_cmp);
        doses.dedup();
        let list: Vec<String> = doses.iter().map(|&dose| shown(dose)).collect();
        text += &format!("doses        {}: {} {}\n", compound.name, list.join(", "), compound.unit);
    }
    for line in schedules(&study) {
        text += &format!("schedule     {line}\n");
    }
    text += "\nto be estimated:\n";
    let width = problem.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0);
    for p in &problem.parameters {
        let bounds = interval_text((p.lower, p.upper));
        text += &format!(
            "  {:<width$}  from {} {}, within {bounds} ({}); {}\n",
            p.name,
            shown(p.start),
            p.unit,
            p.scale.name(),
            p.prior.describe()
        );
    }
    let remarks: Vec<String> = problem.parameters.iter().filter_map(prior_scale::remark).collect();
    if problem.parameters.iter().any(|p| p.prior != Prior::Flat) {
        text += &format!("\n{}\n", prior_scale::ALL);
        remarks.iter().for_each(|remark| text += &format!("  {remark}\n"));
    }
    for between in &problem.between {
        let (name, count) = (between.name.as_deref().unwrap_or("stated"), between.shifts.len());
        let within = between.bounds.map_or(String::new(), |bounds| format!(", within {}", interval_text(bounds)));
        text += &format!(
            "  {name:<width$}  from {}{within}; sd of the logarithm of {} between {count} experiments\n",
            shown(between.sd),
            between.of
        );
    }
    for note in &study.notes {
        text += &format!("\nnote: {note}\n");
    }
    text += "\nNothing is wrong with it.\n";
    output::print(&text)
}

/// When compounds are there, where that is not simply from 0 on.
fn schedules(study: &Study) -> Vec<String> {
    let mut lines = Vec::new();
    for condition in &study.conditions {
        for (compound, schedule) in study.compounds.iter().zip(&condition.schedule) {
            if *schedule != Schedule::default() {
                let of = if condition.name.is_empty() { String::new() } else { format!("{}: ", condition.name) };
                lines.push(format!("{of}{} {}", compound.name, schedule.describe(&study.time_unit)));
            }
        }
    }
    lines
}

fn experiments(study: &Study) -> String {
    let names: Vec<&str> = study.experiments().into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { "not stated: intervals hold within these data".into() } else { names.join(", ") }
}

fn conditions(study: &Study) -> String {
    match &study.conditions[..] {
        [only] if only.name.is_empty() => "one, without a name".into(),
        all => all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

fn time(study: &Study, time: ReadAt) -> String {
    match time {
        ReadAt::Time(time) => format!("{} {}", shown(time), study.time_unit),
        ReadAt::Parameter(at) => format!("the parameter {}", study.parameters[at].name),
        ReadAt::Between(from, until) => format!("{} to {} {}", shown(from), shown(until), study.time_unit),
    }
}
