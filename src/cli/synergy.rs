//! `fenton synergy`: two compounds of a study together.

use super::engines::{EngineArgs, IntegrationArgs};
use super::failure::Failure;
use super::long_run::{self, Claim, ending, facts, name_of, place, seconds};
use super::{cells, check, output, terminal};
use clap::Args;
use fenton::Diagnostic;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Ended, Ensemble, FitSettings, StudyObjective, StudyTarget, fit};
use fenton::model::math::closest;
use fenton::report::document::RunFacts;
use fenton::report::synergy::{self as report, Surface, SynergyReport};
use fenton::report::{interval_text, shown};
use fenton::study::Study;
use fenton::summary::earlier::draws_in;
use fenton::summary::no_result::NoResult;
use fenton::summary::synergy::{Behind, Question, Selection, default_doses, document, select, surface};
use fenton::synergy::{Grid, bootstrap};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Draws that bands are made from.
const DRAWS: usize = 128;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton synergy synthetic-crosstalk --drugs FAC,CuCl2             the matrix of the data, then the fitted model
  fenton synergy study.toml --drugs RSL3,BSO --at 48               at one time
  fenton synergy study.toml --drugs RSL3,BSO --data-only           no model
  fenton synergy study.toml --drugs a,b --from fenton-study        with the parameters of an earlier 'fenton fit'
  fenton synergy study.toml --drugs a,b --ensemble fenton-study-posterior    with draws of 'fenton sample'
  fenton synergy study.toml --drugs a,b --doses-a 0.1,1,10 --doses-b 5,50    the model on doses of your own

Excess is the observed effect less the expected one, effect being 1 - viability: above 0 is synergy, below 0 antagonism.
Expected are Bliss independence, Loewe additivity, the highest single agent and zero interaction potency. Where a drug alone
does next to nothing, the shift of the other's EC50 is given in place of Loewe and ZIP.

The output folder holds report.html, summary.json, matrix.csv, shift.csv, surface.csv and the pictures as SVG.")]
pub struct SynergyArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// Two compounds of the study
    #[arg(long, value_name = "A,B", value_delimiter = ',', required = true)]
    drugs: Vec<String>,
    /// The condition [default: that with the most combinations]
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// The time of reading, in the study's unit [default: that with the most combinations, of equals the one with the most
    /// cells between 10 and 90 % viability]
    #[arg(long, value_name = "TIME")]
    at: Option<f64>,
    /// The folder for the report [default: fenton-NAME-synergy]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Take the model's parameters from the folder of an earlier 'fenton fit'
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ensemble", "data_only"])]
    from: Option<PathBuf>,
    /// Take the model's parameters from draws-*.csv in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "data_only")]
    ensemble: Option<PathBuf>,
    /// Leave the model out
    #[arg(long)]
    data_only: bool,
    /// Starts of the fit, where one is made
    #[arg(long, value_name = "N", default_value_t = 100)]
    starts: usize,
    /// End the fit after so many seconds with the best so far
    #[arg(long, value_name = "S")]
    max_time: Option<f64>,
    /// Doses of the first drug at which the model is asked
    #[arg(long, value_name = "D,D,…", value_delimiter = ',')]
    doses_a: Vec<f64>,
    /// Doses of the second drug at which the model is asked
    #[arg(long, value_name = "D,D,…", value_delimiter = ',')]
    doses_b: Vec<f64>,
    /// Repeats of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 500)]
    repeats: usize,
    /// Seed of the starts and of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub fn run(args: &SynergyArgs) -> Result<(), Failure> {
    let began = Instant::now();
    args.engine.check()?;
    args.integration.choice()?;
    check_numbers(args)?;
    let study = check::open(&args.study)?;
    let question = question(args, &study)?;
    let claim = Claim {
        report: "synergy",
        reads: [Path::new(&args.study)]
            .into_iter()
            .chain(args.from.as_deref().into_iter().chain(args.ensemble.as_deref()))
            .collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-synergy", name_of(&args.study, &study)), &claim)?;

    let selection = select(&study, &question)?;
    let found = (!selection.wells.wells.is_empty()).then(|| {
        let analysis = selection.wells.matrix().analyse(None);
        let intervals = bootstrap(&selection.wells, &analysis, args.repeats, args.seed);
        (analysis, intervals)
    });
    let followed = found.as_ref().map_or(0, |(analysis, _)| analysis.plan.followed);
    let mut asked = if args.data_only {
        let version = env!("CARGO_PKG_VERSION").into();
        Asked { run: RunFacts { version, command: long_run::command(), ..RunFacts::default() }, ..Asked::default() }
    } else {
        ask(args, study.clone(), &selection, followed)?
    };
    asked.run.seed = args.seed;
    asked.run.seconds = began.elapsed().as_secs_f64();
    let found = found.as_ref().map(|(analysis, intervals)| (analysis, intervals));
    let mut document = document(&study, &selection, found, asked.surface, asked.run, &asked.notes);
    document.warnings.splice(0..0, asked.no_result.warnings());
    let no_result = long_run::NoResult::from(&asked.no_result);
    report::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&told(&document, no_result, &folder))?;
    }
    match asked.interrupted {
        true => Err(Failure::Interrupted(format!(
            "interrupted; the model's part rests on a fit that was cut short: {}",
            folder.display()
        ))),
        false => no_result.check(&folder),
    }
}

fn check_numbers(args: &SynergyArgs) -> Result<(), Failure> {
    let usage = |message: String| Err(Failure::Usage(message));
    if args.drugs.len() != 2 || args.drugs[0].trim() == args.drugs[1].trim() {
        return usage(format!(
            "--drugs takes two different compounds, as in --drugs FAC,BSO, and not {}",
            args.drugs.join(",")
        ));
    }
    if args.starts == 0 {
        return usage("--starts has to be at least 1".into());
    }
    if args.repeats < 50 {
        return usage(format!("--repeats is {}, and fewer than 50 repeats give no interval", args.repeats));
    }
    if let Some(time) = args.at.filter(|time| !time.is_finite() || *time < 0.0) {
        return usage(format!("--at is {time}, it has to be a time of reading"));
    }
    for (flag, doses) in [("--doses-a", &args.doses_a), ("--doses-b", &args.doses_b)] {
        if doses.iter().any(|dose| !dose.is_finite() || *dose < 0.0)
            || !doses.is_empty() && doses.iter().all(|d| *d == 0.0)
        {
            return usage(format!("{flag} takes doses of at least 0, one of them above it"));
        }
        if args.data_only && !doses.is_empty() {
            return usage(format!("{flag} are doses for the model, which --data-only leaves out"));
        }
    }
    args.max_time.map(seconds).transpose().map(drop)
}

/// Names into indices.
fn question(args: &SynergyArgs, study: &Study) -> Result<Question, Failure> {
    let names = || study.compounds.iter().map(|compound| compound.name.as_str());
    if study.compounds.len() < 2 {
        let known = names().next().map_or("no compound".into(), |name| format!("one compound, {name}"));
        let hint = "declare the second under [compounds.NAME], with a parameter of the model as its target";
        return Err(Diagnostic::new(format!("this study has {known}: synergy takes two")).hint(hint).into());
    }
    let mut drugs = [0; 2];
    for (drug, name) in drugs.iter_mut().zip(&args.drugs) {
        let name = name.trim();
        *drug = names().position(|known| known == name).ok_or_else(|| unknown("compound", "--drugs", name, names()))?;
    }
    let conditions = || study.conditions.iter().map(|condition| condition.name.as_str());
    let condition = args.condition.as_deref().map(|name| {
        conditions()
            .position(|known| known == name)
            .ok_or_else(|| unknown("condition", "--condition", name, conditions()))
    });
    Ok(Question { drugs, condition: condition.transpose()?, time: args.at })
}

fn unknown<'n>(what: &str, flag: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Failure {
    let list: Vec<&str> = known.clone().filter(|name| !name.is_empty()).collect();
    let all = if list.is_empty() { "it has none with a name".into() } else { format!("it has {}", list.join(", ")) };
    let hint = closest(name, known).map_or(all, |near| format!("did you mean {near}?"));
    Failure::Usage(format!("{flag}: no {what} {name} in this study; {hint}"))
}

/// What the model said.
#[derive(Default)]
struct Asked {
    surface: Option<Surface>,
    run: RunFacts,
    notes: Vec<String>,
    interrupted: bool,
    /// Why the surface is no result.
    no_result: NoResult,
}

fn ask(args: &SynergyArgs, mut study: Study, selection: &Selection, followed: usize) -> Result<Asked, Failure> {
    let grid = grid(args, &study, selection)?;
    let choice = args.integration.choice()?;
    let reference = CpuEngine::new(Precision::F64);
    let mut notes: Vec<String> = cells::raise(&mut study, &reference, choice).into_iter().collect();
    let problem = study.problem();
    let lanes = problem.layout.runs.len() * problem.cell_count() * args.starts;
    let engine = args.engine.open(&problem.program, lanes)?;
    let objective = StudyObjective::new(&problem, &engine, &reference, choice)?;
    let run = facts(&study, &objective, &engine, engine.is_gpu(), args.seed, "search");
    let on_grid =
        |behind: &Behind, source: String| surface(&study, &objective, behind, selection, &grid, followed, source);
    let mut interrupted = false;
    let mut no_result = NoResult::default();
    let said = if let Some(folder) = &args.ensemble {
        let draws = draws(folder, &study, &objective)?;
        on_grid(&Behind::Draws(&draws), format!("{} draws of {}", draws.len(), folder.display()))?
    } else if let Some(folder) = &args.from {
        let found = fenton::summary::earlier::optimum_in(folder, &study, &objective)?;
        notes.extend(several(found.optima));
        no_result = NoResult::at(&objective, &found.point)?;
        on_grid(&Behind::Point(&found.point), format!("as fitted in {}", folder.display()))?
    } else if problem.parameters.is_empty() {
        on_grid(&Behind::Point(&[]), "with the values that are stated; nothing is estimated".into())?
    } else {
        let settings = FitSettings {
            starts: args.starts,
            seed: args.seed,
            max_time: args.max_time.map(seconds).transpose()?,
            stop: Some(terminal::interrupted()),
            ..FitSettings::default()
        };
        let listening = terminal::listen();
        let result = fit(&objective, &settings, &mut ())?;
        drop(listening);
        interrupted = result.ended == Ended::Interrupted;
        no_result = NoResult::at(&objective, &result.point)?;
        notes.extend(several(result.optima.as_ref().map_or(1, |optima| optima.places.len())));
        if result.ended != Ended::Complete {
            notes.push("the fit of the model was cut short, and its surface is that of the best so far".into());
        }
        let source =
            format!("fitted from {} starts, {} of which reached the best value", args.starts, result.reached(0.1));
        on_grid(&Behind::Fit(&result), source)?
    };
    if said.is_none() {
        notes.push("the model could not be integrated at all of these doses, and has no surface".into());
    }
    notes.extend(engine.notes());
    Ok(Asked { surface: said, run, notes, interrupted, no_result })
}

/// What is to be said of a surface when the fit behind it found so many optima.
fn several(optima: usize) -> Option<String> {
    (optima > 1).then(|| {
        format!(
            "{optima} optima explain the data alike, and the surface of the model is that of the best alone; others may have \
             another ('fenton fit' lists them)"
        )
    })
}

fn grid(args: &SynergyArgs, study: &Study, selection: &Selection) -> Result<Grid, Failure> {
    let stated = [("--doses-a", &args.doses_a), ("--doses-b", &args.doses_b)];
    let mut doses = [Vec::new(), Vec::new()];
    for ((into, (flag, stated)), &drug) in doses.iter_mut().zip(stated).zip(&selection.drugs) {
        let default = || default_doses(study, drug);
        *into = if stated.is_empty() { default() } else { Some(stated.clone()) }.ok_or_else(|| {
            let name = &study.compounds[drug].name;
            Failure::Usage(format!(
                "no reading has a dose of {name}: state those for the model with {flag}, or give --data-only"
            ))
        })?;
    }
    Ok(Grid::new(doses))
}

/// The values of the parameters in some draws of a folder: as many as make quantiles.
fn draws(folder: &Path, study: &Study, objective: &StudyObjective) -> Result<Vec<Vec<f64>>, Failure> {
    let chains = draws_in(folder, study, &StudyTarget::new(objective))?.chains;
    let ensemble = Ensemble { chains: chains.len(), draws: chains.into_iter().flatten().collect() };
    if ensemble.draws.len() < 20 {
        let message = format!("{} draws, and fewer than 20 give no band", ensemble.draws.len());
        return Err(Diagnostic::new(message).in_file(folder.display().to_string()).into());
    }
    Ok(ensemble.thinned(DRAWS).draws)
}

/// The result for a terminal.
fn told(report: &SynergyReport, no_result: long_run::NoResult, folder: &Path) -> String {
    let mut text = format!("{}\n", report.title);
    if report.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let (first, rest) = no_result.told_first(&report.warnings);
    text += &first;
    let [a, b] = &report.drugs;
    let place = if report.condition.is_empty() { String::new() } else { format!("{}, ", report.condition) };
    text += &format!("\n{} and {}, {place}{} {}\n", a.name, b.name, shown(report.time), report.time_unit);
    let signed = |value: f64| format!("{value:+.3}").replace('-', "−");
    if let Some(data) = &report.data {
        text += &format!(
            "\nviability of the data ({} in rows, {} in columns; {} and {})\n\n",
            a.name, b.name, a.unit, b.unit
        );
        let columns = data.doses[1].len();
        text += &format!("  {:>9} |", "");
        data.doses[1].iter().for_each(|dose| text += &format!(" {:>7}", shown(*dose)));
        text += &format!("\n  {}\n", "-".repeat(11 + 8 * columns));
        for (i, dose) in data.doses[0].iter().enumerate() {
            text += &format!("  {:>9} |", shown(*dose));
            for cell in &data.cells[i * columns..(i + 1) * columns] {
                text += &format!(
                    " {:>7}",
                    cell.viability.value.map_or("-".into(), |v| format!("{:.3}", (v * 1e3).round() / 1e3 + 0.0))
                );
            }
            text.push('\n');
        }
        text += &format!(
            "\nmean excess = observed - expected effect, effect = 1 - viability; above 0 synergy, below 0 antagonism\n({})\n\n",
            data.basis
        );
        for reference in &data.references {
            let mean = match (reference.mean.value, reference.mean.interval) {
                (Some(mean), Some((low, high))) => {
                    format!("{}   95 % interval {} to {}", signed(mean), signed(low), signed(high))
                }
                (Some(mean), None) => signed(mean),
                (None, _) => "not given".into(),
            };
            let note = if reference.note.is_empty() { String::new() } else { format!("   {}", reference.note) };
            text += &format!("  {:<6} {mean}{note}\n", reference.name);
        }
        let shift = &data.shift;
        let (drug, partner) = (&report.drugs[shift.drug], &report.drugs[shift.partner]);
        text += &format!("\nEC50 of {} ({}) beside {} ({})\n\n", drug.name, drug.unit, partner.name, partner.unit);
        for point in &shift.points {
            let ec50 = match (point.ec50.value, point.ec50.interval) {
                _ if !point.note.is_empty() => point.note.clone(),
                (Some(value), Some(interval)) => format!("{} ({})", shown(value), interval_text(interval)),
                (value, _) => value.map_or("-".into(), shown),
            };
            let factor = match (point.factor.value, point.factor.interval) {
                (Some(value), Some(interval)) => {
                    format!("{}-fold more potent ({})", shown(value), interval_text(interval))
                }
                (Some(value), None) => format!("{}-fold more potent", shown(value)),
                (None, _) => String::new(),
            };
            text += format!("  {:>9}  {ec50:<28} {factor}", shown(point.dose)).trim_end();
            text.push('\n');
        }
    }
    if let Some(surface) = &report.surface {
        text += &format!(
            "\nthe model, {}: mean excess over {} by {} doses\n\n",
            surface.source,
            surface.doses[0].len() - 1,
            surface.doses[1].len() - 1
        );
        for reference in &surface.references {
            let band = reference
                .mean
                .interval
                .map_or(String::new(), |(low, high)| format!("   95 % band {} to {}", signed(low), signed(high)));
            text +=
                &format!("  {:<6} {}{band}\n", reference.name, reference.mean.value.map_or("not given".into(), signed));
        }
    }
    text + &ending(rest, folder)
}
