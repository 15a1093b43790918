//! `fenton curve`: from a plate file to curves, without a model.

use super::failure::Failure;
use super::long_run::{Claim, place};
use super::output;
use super::plate::{self, PlateArgs};
use clap::{Args, ValueEnum};
use fenton::curve::{Analysis, Reading, Resampling, Settings, analyse, as_counts, onsets};
use fenton::plate::{Assay, Readings, Role, Seen};
use fenton::report::plates::{CurveRow, PlateReport};
use fenton::report::{self, shown};
use fenton::summary::plates::{Asked, report_on};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton curve plate.csv --assay atp --map map.csv --basis \"FAC 16.5 % Fe\"
  fenton curve wells.xlsx --assay live_dead --at 48 --effect 0.2
  fenton curve screen.tsv --assay resazurin --model 3pl --json > curves.json

FILE is a tidy table (one reading a line: experiment, plate, well, cell_line, compound, dose, unit, time, signal or live
and dead, role), a wide table (doses down, replicates across), a plate grid with a map, or a sheet of an xlsx workbook.
'fenton check FILE' says how it is understood.

The assay says what the signal is; nothing can be concluded without it. Signals are fitted raw, with their blanks and
vehicles. Intervals count experiments, not wells: say which is which in a column 'experiment'.

The output folder holds report.html (open it in a browser, it needs no network), curves.csv, wells.csv, plates.csv,
summary.json and the pictures as SVG.")]
pub struct CurveArgs {
    /// A table, a plate grid or a workbook
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the instrument saw: atp, resazurin, live_count, dead_dye, live_dead, death_time
    #[arg(long, value_name = "NAME", value_parser = plate::assay)]
    assay: Assay,
    /// What to fit: curves over dose with three or four parameters, lag-exponential death over time (led), growth rates
    /// (gr); auto takes 4pl, and led and gr where the data have times and a start
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',', default_value = "auto")]
    model: Vec<Model>,
    /// Effect of the benchmark dose: the loss over the vehicle, as a fraction
    #[arg(long, value_name = "X", default_value_t = 0.1)]
    effect: f64,
    /// Time of the curves over dose, in the file's unit [default: the last one]
    #[arg(long, value_name = "T")]
    at: Option<f64>,
    /// Percentile intervals of so many draws of experiments and, within them, of wells, beside those by profiles
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    bootstrap: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    plate: PlateArgs,
    /// The folder for the report [default: fenton-FILE]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print everything as one JSON document; a report is written only where --output names a folder
    #[arg(long)]
    json: bool,
}

/// Fewer draws have no 2.5 and 97.5 percentiles.
const FEWEST_DRAWS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Model {
    Auto,
    #[value(name = "4pl")]
    FourParameters,
    #[value(name = "3pl")]
    ThreeParameters,
    /// Lag-exponential death over time
    Led,
    /// Growth-rate curves
    Gr,
}

pub fn run(args: &CurveArgs) -> Result<(), Failure> {
    if !(args.effect > 0.0 && args.effect < 1.0) {
        return Err(Failure::Usage(format!("--effect {}: a loss between 0 and 1, such as 0.1 for 10 %", args.effect)));
    }
    if (1..FEWEST_DRAWS).contains(&args.bootstrap) {
        let draws = args.bootstrap;
        return Err(Failure::Usage(format!("--bootstrap {draws}: at least {FEWEST_DRAWS} draws, 1000 are usual")));
    }
    let folder = args.output.clone().or_else(|| (!args.json).then(|| default_folder(&args.file)));
    let claim = Claim { report: "curve", reads: vec![&args.file] };
    let folder = folder.map(|folder| place(&Some(folder), String::new, &claim)).transpose()?;
    let readings = fenton::plate::read(&args.file, &args.plate.options(Some(args.assay)))?;
    let readings = if args.assay == Assay::DeathTime { as_counts(&readings) } else { readings };
    let (analyses, over_time) = analyses(args, &readings)?;
    let asked = Asked {
        title: args.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
        command: std::env::args().map(quoted).collect::<Vec<_>>().join(" "),
        synthetic: readings.synthetic.clone(),
    };
    let report = report_on(&readings, &analyses, over_time.as_ref(), &asked);
    if let Some(folder) = &folder {
        let files = report::plates::write(&report, folder)?;
        if !args.json {
            output::print(&said(&report))?;
            output::print(&format!("\nwrote {} files to {}\n", files.len(), folder.display()))?;
        }
    }
    if args.json { output::print_json(&report) } else { Ok(()) }
}

/// Curves over dose (one set a reading) and over time, as asked.
fn analyses(args: &CurveArgs, readings: &Readings) -> Result<(Vec<Analysis>, Option<Analysis>), Failure> {
    let wants = |model: Model| args.model.contains(&model);
    let auto = wants(Model::Auto);
    let settings = Settings {
        assay: args.assay,
        reading: Reading::of(args.assay),
        effect: args.effect,
        at: args.at,
        no_floor: wants(Model::ThreeParameters),
        resampling: Resampling { draws: args.bootstrap, seed: args.seed },
    };
    let counts = readings.readings.iter().any(|r| matches!(r.seen, Seen::Counts { .. }));
    let starts = readings.readings.iter().any(|r| r.role == Role::Start);
    let dead = matches!(settings.reading, Reading::FractionalViability | Reading::DeadShare);
    let mut found = Vec::new();
    if auto || wants(Model::FourParameters) || wants(Model::ThreeParameters) {
        found.push(analyse(readings, &settings)?);
        if auto && args.assay == Assay::LiveDead && counts {
            found.push(analyse(readings, &Settings { reading: Reading::RelativeViability, ..settings.clone() })?);
        }
    }
    if wants(Model::Gr) || auto && starts && args.assay != Assay::DeadDye {
        if !starts {
            let none = fenton::Diagnostic::new("growth rates need the signal at the start").in_file(&readings.file);
            let hint = "wells that were read when the compounds were added have the role t0";
            return Err(none.expected("wells with the role t0").hint(hint).into());
        }
        found.push(analyse(readings, &Settings { reading: Reading::GrowthRate, ..settings.clone() })?);
    }
    let over_time = if wants(Model::Led) {
        Some(onsets(readings, &settings)?)
    } else {
        // Unasked, too few times are no error.
        (auto && dead).then(|| onsets(readings, &settings).ok()).flatten()
    };
    if found.is_empty() {
        // Plates and controls are judged by the curves over dose, whatever is asked.
        found.push(analyse(readings, &settings)?);
    }
    Ok((found, over_time))
}

fn default_folder(file: &Path) -> PathBuf {
    let stem = file.file_stem().map_or_else(|| "curves".into(), |stem| stem.to_string_lossy());
    PathBuf::from(format!("fenton-{stem}"))
}

fn quoted(argument: String) -> String {
    if argument.contains(char::is_whitespace) { format!("\"{argument}\"") } else { argument }
}

/// Rows of the table on a terminal.
const ROWS: usize = 24;

fn said(report: &PlateReport) -> String {
    let mut text = format!("{}\n", report.about);
    for warning in report.warnings.iter().filter(|w| w.severity != report::document::Severity::Note) {
        text += &format!("! {}: {}\n", warning.title, warning.text);
    }
    let percent = shown(100.0 * report.effect);
    let mut table = vec![vec![
        "curve".to_string(),
        "EC50".into(),
        "95 % interval".into(),
        format!("dose of {percent} % effect"),
        "95 % interval".into(),
        "p".into(),
        String::new(),
    ]];
    for row in report.curves.iter().take(ROWS) {
        let p = row.p_value.map_or_else(String::new, |p| if p < 1e-4 { "< 1e-4".into() } else { format!("{p:.2}") });
        let found = row.verdict == "effect";
        let measure = |shown: &str| if found { shown.to_string() } else { String::new() };
        table.push(vec![
            label(report, row),
            measure(&format!("{} {}", row.ec50.shown, row.unit)),
            measure(&row.ec50.note),
            measure(&format!("{} {}", row.benchmark_dose.shown, row.unit)),
            measure(&row.benchmark_dose.note),
            p,
            row.verdict.clone(),
        ]);
    }
    let widths: Vec<usize> =
        (0..table[0].len()).map(|at| table.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    text.push('\n');
    for row in &table {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("{}\n", cells.join("  ").trim_end());
    }
    if report.curves.len() > ROWS {
        text += &format!("and {} more curves in the report\n", report.curves.len() - ROWS);
    }
    text
}

fn label(report: &PlateReport, row: &CurveRow) -> String {
    let mut parts = vec![row.compound.as_str(), row.cell_line.as_str(), row.background.as_str()];
    if row.reading != report.reading {
        parts.push(&row.reading);
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}
