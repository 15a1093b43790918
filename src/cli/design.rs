//! `fenton design`: which next experiment would narrow a quantity most.

use super::engines::{EngineArgs, IntegrationArgs};
use super::ensemble::EnsembleArgs;
use super::failure::Failure;
use super::long_run::{Claim, NoResult, ending, name_of, place};
use super::questions::{AskedArgs, answers};
use super::{check, output};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::model::math::closest;
use fenton::report::designs;
use fenton::report::document::{RunFacts, Severity, Warning};
use fenton::study::Study;
use fenton::study::cell_lines::CellLine;
use fenton::summary::design::{Known, paired, single};
use fenton::summary::thresholds::{Engines, Wanted};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton design study.toml --for benchmark-dose      which doses, times, assay and cells would narrow the threshold
  fenton design study.toml --for lag --wells 6       for the onset of death, with six wells a reading
  fenton design study.toml --lines 'U-2 OS,RPE-1'    in the cells of the study and in these two lines ('none': in no others)
  fenton design constraints-fac --against constraints-copper
                                                     the paired experiment that would tell which threshold is lower

Each draw of the posterior in turn is taken as the truth; readings are made from it with the noise of the study, and the
other draws, weighed by them, have to say what the quantity is. How far off they are is averaged. Experiments are one dose
at one time, a series of doses, or one dose over time; each says how many wells it takes. Other lines of cells ('fenton list
cells') are those whose factors the model has parameters for. Quantities are those of 'fenton threshold':
benchmark-dose, ec50-absolute, ec50-relative, saddle-node, lag, time-to-effect, no-return, rate, hazard, ...")]
pub struct DesignArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    study: String,
    /// What is to be narrowed
    #[arg(long = "for", value_name = "QUANTITY", default_value = "benchmark-dose")]
    quantity: String,
    /// Another study: which of the two has the lower value is what is to be known
    #[arg(long, value_name = "OTHER.toml")]
    against: Option<String>,
    /// Other lines of cells to look at: all, none, or names
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all", conflicts_with = "against")]
    lines: Vec<String>,
    /// Wells of each dose and time
    #[arg(long, value_name = "N", default_value_t = 3)]
    wells: usize,
    /// The folder for the report [default: fenton-NAME-design]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asked: AskedArgs,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ensemble: EnsembleArgs,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Beyond the doses tested by this factor either way: what is not known often lies there.
const WIDER: f64 = 10.0;

pub fn run(args: &DesignArgs) -> Result<(), Failure> {
    args.engine.check()?;
    args.ensemble.check()?;
    let wanted = Wanted { wider: WIDER, ..args.asked.wanted()? };
    let choice = args.integration.choice()?;
    if args.wells == 0 {
        return Err(Failure::Usage("--wells has to be at least 1".into()));
    }
    let lines = lines(&args.lines)?;
    let studies = std::iter::once(&args.study).chain(&args.against).map(|name| check::open(name));
    let studies = studies.collect::<Result<Vec<Study>, _>>()?;
    let claim = Claim {
        report: "design",
        reads: [Path::new(&args.study)]
            .into_iter()
            .chain(args.against.as_deref().map(Path::new))
            .chain(args.ensemble.ensemble.as_deref())
            .collect(),
    };
    let folder = place(&args.output, || format!("fenton-{}-design", name_of(&args.study, &studies[0])), &claim)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let engines = Engines { engine: &reference, reference: &reference, choice };
    let mut sides = Vec::new();
    for (at, study) in studies.into_iter().enumerate() {
        let mut ensemble = args.ensemble.clone();
        ensemble.seed += at as u64;
        ensemble.ensemble = ensemble.ensemble.filter(|_| at == 0);
        // The priors have no say here.
        sides.push(answers(study, &ensemble, &wanted, &args.engine, (&reference, choice), false)?);
    }
    let of = |side: usize| Known {
        study: &sides[side].study,
        asked: &sides[side].asked,
        ensemble: &sides[side].drawn.posterior,
    };
    let mut document = match sides.len() {
        1 => single(of(0), engines, &args.quantity, &lines, args.wells, args.ensemble.seed)?,
        _ => paired([of(0), of(1)], engines, &args.quantity, args.wells, args.ensemble.seed)?,
    };
    let converged = sides.iter().all(|side| side.drawn.converged);
    if !converged {
        document.warnings.push(Warning {
            severity: Severity::Serious,
            title: "The posterior did not converge".into(),
            text: "Take nothing below as final; draw more first.".into(),
        });
    }
    let no_result: NoResult = sides.iter().map(|side| NoResult::from(&side.drawn.no_result)).sum();
    let first = sides.iter().flat_map(|side| side.drawn.no_result.warnings());
    document
        .warnings
        .splice(0..0, first.chain(sides.iter().filter_map(|side| side.drawn.several())).collect::<Vec<_>>());
    for side in &sides {
        let further = side.asked.curves.list.len() + side.asked.curves.left_out - 1;
        let notes = side.notes.iter().cloned().chain((further > 0).then(|| {
            let first = &side.asked.curves.list[0].label;
            format!("The quantity is that of {first}; {further} further curves of the study are asked for by --condition or --compound.")
        }));
        document.warnings.extend(notes.map(|text| Warning { severity: Severity::Note, title: "Note".into(), text }));
    }
    document.ensemble = sides.iter().map(|side| side.drawn.origin.as_str()).collect::<Vec<_>>().join("; ");
    document.run = RunFacts { seconds: began.elapsed().as_secs_f64(), ..sides.swap_remove(0).run };
    designs::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        let (first, rest) = no_result.told_first(&document.warnings);
        let mut text = format!(
            "{}\n{first}\n{}: {}. Today {}.\n\n",
            document.title, document.quantity, document.definition, document.today
        );
        for e in document.foremost(10) {
            let parts = [&e.condition, &e.line, &e.doses, &e.assay].into_iter().filter(|part| !part.is_empty());
            let what = parts.map(String::as_str).collect::<Vec<_>>().join(", ");
            let gain = 100.0 * (1.0 - e.left);
            text += &format!("  {gain:>5.1} % narrower: {what} at {} ({} wells)\n", e.read(), e.wells);
        }
        text += &format!("\n{}\n", document.best);
        output::print(&(text + &ending(rest, &folder)))?;
    }
    no_result.check(&folder)?;
    match converged {
        true => Ok(()),
        false => Err(Failure::Unconverged(format!(
            "the posterior did not converge; the designs are in {}",
            folder.display()
        ))),
    }
}

/// The lines of cells meant by `names`, as the program calls them.
fn lines(names: &[String]) -> Result<Vec<String>, Failure> {
    let known = CellLine::embedded()?;
    let all = || known.iter().map(|line| line.name.clone());
    match names {
        [all_or_none] if all_or_none == "all" => return Ok(all().collect()),
        [all_or_none] if all_or_none == "none" => return Ok(Vec::new()),
        _ => {}
    }
    let found = |name: &String| match CellLine::find(&known, name.trim()) {
        Some(line) => Ok(line.name.clone()),
        None => {
            let near = closest(name, known.iter().flat_map(CellLine::all_names));
            let near = near.map_or(String::new(), |near| format!("did you mean '{near}'? "));
            let list = all().collect::<Vec<_>>().join(", ");
            Err(Failure::Usage(format!("--lines: no line of cells '{name}'; {near}known are {list}; or all, or none")))
        }
    };
    names.iter().map(found).collect()
}
