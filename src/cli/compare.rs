//! `fenton compare`: two studies, two curves of one, or two models of the same data, side by side.

use super::engines::{Chosen, EngineArgs, IntegrationArgs};
use super::ensemble::EnsembleArgs;
use super::failure::Failure;
use super::long_run::{Claim, NoResult, ending, name_of, place};
use super::questions::{Answered, AskedArgs, answers};
use super::{check, output, terminal};
use clap::Args;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::report::compare::{self, CompareReport, Pair};
use fenton::report::document::{RunFacts, Severity, Warning};
use fenton::report::shown;
use fenton::report::thresholds::Spread;
use fenton::study::Study;
use fenton::summary::compare::{Told, pairs};
use fenton::summary::models;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton compare cucl2-slc31a1-hek293t               the curves of one study: parental cells beside others
  fenton compare constraints-fac constraints-copper  two studies: says what would have to agree, and does not
  fenton compare a/study.toml b/study.toml           two models of the same data: AIC, BIC, evidence, left-out experiments

Which of two thresholds is lower or which death begins earlier is said only where line, medium, assay and time of reading
agree (`line`, `medium` and `[assay]` in the study file), and each such probability stands beside the one that the priors
alone give. Elsewhere the report says 'not comparable', what is missing, and the experiment that would settle it.")]
pub struct CompareArgs {
    /// A study file, its folder, or the name of an embedded study
    #[arg(value_name = "STUDY.toml")]
    first: String,
    /// Another one; without it the curves of the first are compared with one another
    #[arg(value_name = "OTHER.toml")]
    second: Option<String>,
    /// The folder for the report [default: fenton-FIRST-and-SECOND]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asked: AskedArgs,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    /// Folders of earlier 'fenton sample' runs, one for each study in their order; without them the posteriors are drawn
    /// first
    #[arg(long, value_name = "DIR,DIR", value_delimiter = ',')]
    ensemble: Vec<PathBuf>,
    /// So many draws of each posterior answer, and as many of the priors
    #[arg(long, value_name = "N", default_value_t = 400)]
    draws: usize,
    /// The same seed gives the same draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    integration: IntegrationArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub fn run(args: &CompareArgs) -> Result<(), Failure> {
    args.engine.check()?;
    let choice = args.integration.choice()?;
    let names: Vec<&String> = std::iter::once(&args.first).chain(&args.second).collect();
    if !args.ensemble.is_empty() && args.ensemble.len() != names.len() {
        let text = format!("--ensemble names {} folders for {} studies", args.ensemble.len(), names.len());
        return Err(Failure::Usage(text));
    }
    let wanted = args.asked.wanted()?;
    let studies = names.iter().map(|name| check::open(name)).collect::<Result<Vec<Study>, _>>()?;
    let called: Vec<String> = names.iter().zip(&studies).map(|(name, study)| name_of(name, study)).collect();
    let claim = Claim {
        report: "compare",
        reads: names.iter().map(Path::new).chain(args.ensemble.iter().map(PathBuf::as_path)).collect(),
    };
    let usual = || match &called[..] {
        [one] => format!("fenton-{one}-compared"),
        all => format!("fenton-{}", all.join("-and-")),
    };
    let folder = place(&args.output, usual, &claim)?;

    let began = Instant::now();
    let reference = CpuEngine::new(Precision::F64);
    let mut done = Vec::new();
    for (at, study) in studies.into_iter().enumerate() {
        let ensemble =
            EnsembleArgs { ensemble: args.ensemble.get(at).cloned(), draws: args.draws, seed: args.seed + at as u64 };
        ensemble.check()?;
        done.push(answers(study, &ensemble, &wanted, &args.engine, (&reference, choice), true)?);
    }
    let told: Vec<Told> = done.iter().map(|one| Told { study: &one.study, asked: &one.asked }).collect();
    let (pairs, left_out) = pairs(told[0], told.get(1).copied());
    let mut document = CompareReport {
        title: match &done[..] {
            [one] => format!("Curves of {}", one.study.title),
            all => all.iter().map(|one| one.study.title.as_str()).collect::<Vec<_>>().join(" beside "),
        },
        synthetic: done
            .iter()
            .any(|one| one.study.synthetic.is_some())
            .then(|| "Nobody measured the data of at least one side: a computer made them.".into()),
        pairs,
        ..CompareReport::default()
    };
    if document.pairs.is_empty() {
        return Err(Failure::Usage(
            "the study has one curve over dose and nothing to compare it with: name two".into(),
        ));
    }
    if let [first, second] = &done[..]
        && models::same_data(&first.study, &second.study)
    {
        for one in &done {
            let engine = open(args, &one.study)?;
            let engines = (&engine as &dyn fenton::engine::Engine, &reference as &dyn fenton::engine::Engine, choice);
            let _listening = terminal::listen();
            let (model, note) =
                models::score(&one.study, engines, one.drawn.evidence, args.seed, &terminal::interrupted())?;
            document.models.push(model);
            document.models_note = note;
        }
    }
    let converged = done.iter().all(|one| one.drawn.converged);
    let no_result: NoResult = done.iter().map(|one| NoResult::from(&one.drawn.no_result)).sum();
    document.warnings = warnings(&done);
    if left_out > 0 {
        document.warnings.push(Warning {
            severity: Severity::Note,
            title: "More pairs".into(),
            text: format!("{left_out} further pairs of curves are left out; --condition or --compound chooses."),
        });
    }
    document.run = RunFacts { seconds: began.elapsed().as_secs_f64(), ..done.swap_remove(0).run };
    compare::write(&document, &folder).map_err(Failure::Output)?;
    if args.json {
        output::print_json(&document)?;
    } else {
        output::print(&text(&document, no_result, &folder))?;
    }
    no_result.check(&folder)?;
    match converged {
        true => Ok(()),
        false => Err(Failure::Unconverged(format!(
            "a posterior did not converge; what was found is in {}",
            folder.display()
        ))),
    }
}

fn open(args: &CompareArgs, study: &Study) -> Result<Chosen, Failure> {
    let problem = study.problem();
    args.engine.open(&problem.program, problem.layout.runs.len() * problem.cell_count() * 1000)
}

fn warnings(done: &[Answered]) -> Vec<Warning> {
    let of = |one: &Answered, warning: Warning| Warning {
        title: format!("{}: {}", one.study.title, warning.title),
        ..warning
    };
    let first = done.iter().flat_map(|one| one.drawn.no_result.warnings().map(move |warning| of(one, warning)));
    let mut warnings: Vec<Warning> = first.collect();
    for one in done {
        warnings.extend(one.drawn.several().map(|several| of(one, several)));
        if !one.drawn.converged {
            warnings.push(Warning {
                severity: Severity::Serious,
                title: format!("The posterior of {} did not converge", one.study.title),
                text: "Take nothing about it as final; draw more first ('fenton sample').".into(),
            });
        }
        for note in &one.notes {
            warnings.push(Warning { severity: Severity::Note, title: "Note".into(), text: note.clone() });
        }
    }
    warnings
}

fn text(document: &CompareReport, no_result: NoResult, folder: &Path) -> String {
    let mut text = format!("{}\n", document.title);
    if document.synthetic.is_some() {
        text += "SYNTHETIC DATA\n";
    }
    let (first, rest) = no_result.told_first(&document.warnings);
    text += &first;
    for pair in &document.pairs {
        text += &told(pair);
    }
    for model in &document.models {
        let number = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.2}"));
        let evidence = model.evidence.map_or("-".into(), |(log, error)| format!("{log:.2} ± {error:.2}"));
        text += &format!(
            "\n{} ({}): nllh {}, AIC {}, BIC {}, log evidence {evidence}, left-out nllh {}\n",
            model.study,
            model.model,
            number(model.nllh),
            number(model.aic),
            number(model.bic),
            number(model.left_out)
        );
    }
    if !document.models.is_empty() && !document.models_note.is_empty() {
        text += &format!("{}\n", document.models_note);
    }
    text + &ending(rest, folder)
}

fn told(pair: &Pair) -> String {
    let mut text = format!("\n{} beside {}\n", pair.sides[0].label, pair.sides[1].label);
    if !pair.comparable {
        text += &format!("NOT COMPARABLE: {}\n", pair.missing.join("; "));
        text += &format!("What would settle it: {}\n", pair.settles);
    }
    let width = pair.rows.iter().map(|row| row.quantity.chars().count()).max().unwrap_or(0);
    for row in &pair.rows {
        let of = |spread: &Option<Spread>| spread.as_ref().map_or("not observable".into(), Spread::interval);
        text += &format!(
            "  {:<width$}  {:<6} {:<20} {:<20}",
            row.quantity,
            row.unit,
            of(&row.posterior[0]),
            of(&row.posterior[1])
        );
        if let Some(order) = row.order {
            let prior = row.prior_order.unwrap_or_default();
            let percent = |share: f64| format!("{} %", shown(100.0 * share));
            text += &format!(" first lower {} (priors alone {})", percent(order.less), percent(prior.less));
        }
        text.push('\n');
    }
    text
}
