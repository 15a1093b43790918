//! Thresholds and kinetics of a study: asked of the draws of an ensemble and of the priors, put side by side and into
//! words.

mod cases;
mod words;

pub use cases::{Curve, Curves, Wanted};
pub(super) use words::{of as described, reading};

use super::density::smoothed;
use super::{references, words as general};
use crate::engine::Engine;
use crate::expr::Symbol;
use crate::inference::threshold::{self, Answer, Answers, Distribution, Edge, What};
use crate::inference::{Choice, Ensemble, Simulator};
use crate::report::document::{Headline, RunFacts, Severity, Warning};
use crate::report::shown;
use crate::report::thresholds::{Case, End, Frame, Group, Row, Spread, ThresholdReport};
use crate::study::Study;
use crate::{Diagnostic, Result};

/// Draws looked at between two looks at whether to stop.
const BATCH: usize = 100;

/// What draws say to every question about every curve.
pub struct Asked {
    pub curves: Curves,
    /// For each curve.
    pub posterior: Vec<Vec<Answers>>,
    pub prior: Vec<Vec<Answers>>,
    pub chains: usize,
    /// Draws of the posterior that have no answer to some question, as a run of theirs failed; of all curves together, and how
    /// many draws were asked about a curve.
    pub lost: usize,
    pub of: usize,
}

/// On what the runs are made.
#[derive(Clone, Copy)]
pub struct Engines<'a> {
    pub engine: &'a dyn Engine,
    pub reference: &'a dyn Engine,
    pub choice: Choice,
}

/// Asks the draws of `ensemble` and `prior`; `None` where `goes_on`, which is told the share that is done, said to stop.
///
/// # Errors
/// [`crate::Error::Input`] where the study has no such curve; those of the engine.
pub fn ask(
    study: &Study,
    engines: Engines,
    (ensemble, prior): (&Ensemble, &Ensemble),
    wanted: &Wanted,
    goes_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Option<Asked>> {
    let labile = cases::labile(study, &wanted.of)?;
    // The same parameters, with more recorded.
    let mut wide = study.clone();
    let outputs: Vec<usize> = labile.iter().filter_map(|name| wide.record(name)).collect();
    let problem = wide.problem();
    let curves = cases::curves(study, &problem, wanted, &outputs, labile)?;
    let mut whole = study.clone();
    let first = whole.outputs.len();
    for state in 0..whole.system.states.len() {
        let id = whole.system.graph.symbol(Symbol::State(state as u32));
        whole.outputs.push(id);
    }
    let resting = whole.problem();
    let simulators =
        [&problem, &resting].map(|problem| Simulator::new(problem, engines.engine, engines.reference, engines.choice));
    let states = first..first + resting.program.states.len();
    let total = (curves.list.len() * (ensemble.draws.len() + prior.draws.len())) as f64;
    let mut done = 0.0;
    let mut all = [Vec::new(), Vec::new()];
    let mut lost = 0;
    for (side, draws) in [&ensemble.draws, &prior.draws].into_iter().enumerate() {
        for curve in &curves.list {
            let mut answers: Vec<Answers> = Vec::new();
            for batch in draws.chunks(BATCH) {
                let mut alive = || goes_on(done / total);
                let found = threshold::ask(&simulators[0], &wide, &curve.case, batch, &mut alive)?;
                let Some(mut found) = found else { return Ok(None) };
                let failed = simulators[0].lost();
                if side == 0 {
                    let open = |at: &&usize| found.iter().any(|answers| answers.of[**at] == Answer::Unknown);
                    lost += failed.iter().filter(open).count();
                }
                found.extend(threshold::folds(&simulators[1], &whole, &curve.case, states.clone(), batch)?);
                if answers.is_empty() {
                    answers = found;
                } else {
                    answers.iter_mut().zip(found).for_each(|(all, part)| all.of.extend(part.of));
                }
                done += batch.len() as f64;
            }
            all[side].push(answers);
        }
    }
    let [posterior, prior] = all;
    Ok(Some(Asked { curves, posterior, prior, chains: ensemble.chains, lost, of: ensemble.draws.len() }))
}

/// The report on what was asked. `origin` says where the draws come from, `converged` whether they are to be believed.
pub fn document(
    study: &Study,
    asked: &Asked,
    (origin, converged): (String, bool),
    run: RunFacts,
    notes: &[String],
) -> ThresholdReport {
    let dose_unit = common_unit(study, asked);
    let cases: Vec<Case> = (0..asked.curves.list.len()).map(|at| case(study, asked, at, &dose_unit)).collect();
    let draws = asked.posterior.first().and_then(|a| a.first()).map_or(0, |a| a.of.len());
    let prior_draws = asked.prior.first().and_then(|a| a.first()).map_or(0, |a| a.of.len());
    ThresholdReport {
        title: study.title.clone(),
        study: general::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| general::synthetic(command)),
        warnings: warnings(study, asked, converged, notes),
        headlines: cases.iter().take(4).filter_map(headline).collect(),
        methods: methods(study, asked, draws, prior_draws, &run),
        references: references(study),
        ensemble: origin,
        draws,
        prior_draws,
        time_unit: study.time_unit.clone(),
        dose_unit,
        run,
        cases,
    }
}

/// The unit in which all doses stand on one axis: that of the model, where the compounds' own differ.
fn common_unit(study: &Study, asked: &Asked) -> String {
    let compounds = || asked.curves.list.iter().map(|curve| &study.compounds[curve.case.compound]);
    let first = compounds().next();
    match first {
        Some(first) if compounds().all(|c| c.unit == first.unit && c.factor == first.factor) => first.unit.clone(),
        Some(first) => study.system.parameters[first.target as usize].unit.clone(),
        None => String::new(),
    }
}

fn case(study: &Study, asked: &Asked, at: usize, dose_unit: &str) -> Case {
    let curve = &asked.curves.list[at];
    let compound = &study.compounds[curve.case.compound];
    let rows: Vec<Row> = asked.posterior[at]
        .iter()
        .zip(&asked.prior[at])
        .map(|(own, prior)| row(study, asked, curve, own, prior))
        .collect();
    let factor = if dose_unit == compound.unit { 1.0 } else { compound.factor };
    let density = |answers: &Answers| {
        let values = answers.distribution(asked.chains).values;
        let logs: Vec<f64> = values.iter().map(|dose| (dose * factor).log10()).collect();
        let (low, high) = curve.case.range;
        let share = values.len() as f64 / answers.of.len().max(1) as f64;
        match logs.len() {
            0..8 => Vec::new(),
            _ => smoothed(&logs, ((low * factor).log10(), (high * factor).log10()))
                .into_iter()
                .map(|(x, y)| (10f64.powf(x), share * y))
                .collect(),
        }
    };
    Case {
        label: curve.label.clone(),
        compound: compound.name.clone(),
        unit: compound.unit.clone(),
        reading: reading(study, curve),
        range: curve.case.range,
        density: asked.posterior[at].first().map(density).unwrap_or_default(),
        prior_density: asked.prior[at].first().map(density).unwrap_or_default(),
        rows,
    }
}

fn row(study: &Study, asked: &Asked, curve: &Curve, own: &Answers, prior: &Answers) -> Row {
    let words::Words { key, group, quantity, definition, unit } =
        words::of(own.what, study, curve, &asked.curves.labile);
    let timely = matches!(group, Group::Onset | Group::Rate);
    let mut row = Row { key, group, quantity, definition, unit, ..Row::default() };
    if timely && !curve.timed() {
        row.note = match curve.frames.len() {
            0 | 1 => "not observable: the data are end points, read at one time".into(),
            count => format!("not observable: the data were read at {count} times only"),
        };
        return row;
    }
    let factor = match group {
        Group::Onset => 1.0 / study.time_factor,
        Group::Rate => study.time_factor,
        Group::Dose | Group::Metal => 1.0,
    };
    let (after, before) = (own.distribution(asked.chains), prior.distribution(1));
    if after.count == 0 {
        row.note = match group {
            Group::Metal => "no draw has its threshold within the doses looked at".into(),
            _ => "no draw answers".into(),
        };
        return row;
    }
    row.posterior = Some(spread(&after, curve.case.range, factor));
    row.prior = Some(spread(&before, curve.case.range, factor));
    if group == Group::Onset {
        row.frames = frames(curve, factor, &after, &before);
    }
    row.note = match own.what {
        What::Labile { metal } if !study.measures(&asked.curves.labile[metal]) => {
            "scale set by prior: the data have no measurement inside the cell".into()
        }
        What::Fold if after.never > 0.0 => {
            format!("in {:.0} % of the draws there is none within these doses", 100.0 * after.never)
        }
        _ => String::new(),
    };
    row
}

/// A distribution of answers, times a factor to another unit.
pub(super) fn spread(found: &Distribution, (low, high): (f64, f64), factor: f64) -> Spread {
    let end = |edge: Edge| match edge {
        Edge::Value(value) => End::Value { value: value * factor },
        Edge::Below => End::Below { limit: low * factor },
        Edge::Above => End::Above { limit: high * factor },
        Edge::Never => End::Never,
        Edge::Absent => End::Absent,
    };
    let [lower, median, upper] = found.quantiles.unwrap_or([Edge::Never; 3]).map(end);
    Spread {
        draws: found.count,
        unknown: found.unknown,
        reached: found.reached,
        below: found.below,
        above: found.above,
        never: found.never,
        lower,
        median,
        upper,
        error: found.error.map(|error| error * factor),
    }
}

/// Between which two readings an onset lies, by its probability; what the data were read at is all that they can tell.
fn frames(curve: &Curve, factor: f64, after: &Distribution, before: &Distribution) -> Vec<Frame> {
    let mut ends = vec![0.0];
    ends.extend(&curve.frames);
    let share = |found: &Distribution, from: f64, until: f64| {
        let inside = found.values.iter().filter(|value| (from..until).contains(&(*value * factor))).count();
        inside as f64 / found.count.max(1) as f64
    };
    let frame = |pair: &[f64]| Frame {
        from: pair[0],
        until: pair[1],
        posterior: share(after, pair[0], pair[1]),
        prior: share(before, pair[0], pair[1]),
    };
    ends.windows(2).map(frame).collect()
}

fn headline(case: &Case) -> Option<Headline> {
    let row = case.rows.first()?;
    let spread = row.posterior.as_ref()?;
    Some(Headline {
        label: format!("Minimum effective {}", case.label),
        value: format!("{} {}", spread.median.text(), case.unit),
        note: format!("95 % {} {}", spread.interval(), case.unit),
    })
}

fn warnings(study: &Study, asked: &Asked, converged: bool, notes: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: &str, text: String| warnings.push(Warning { severity, title: title.into(), text });
    if !converged {
        let text = "Its chains disagree or are too short. Take nothing below as final; draw more first.";
        say(Severity::Serious, "The posterior did not converge", text.into());
    }
    if asked.curves.list.iter().any(|curve| curve.beyond) {
        let text = "Doses were looked at that nobody tested. What is said of them is the model's opinion.";
        say(Severity::Caution, "Beyond the doses tested", text.into());
    }
    let unscaled: Vec<&str> =
        asked.curves.labile.iter().map(String::as_str).filter(|name| !study.measures(name)).collect();
    if !unscaled.is_empty() {
        let text = format!(
            "No reading of this study is of {}. How much of it there is in the cell follows from priors and model: only doses \
             in the medium are measured.",
            unscaled.join(" or ")
        );
        say(Severity::Caution, "Levels in the cell: scale set by prior", text);
    }
    let ends: Vec<&str> = asked.curves.list.iter().filter(|c| !c.timed()).map(|c| c.label.as_str()).collect();
    if !ends.is_empty() {
        let text = format!(
            "{}: read at too few times. When death begins and how fast it goes cannot be told.",
            ends.join("; ")
        );
        say(Severity::Note, "Onset is not observable", text);
    }
    if study.live.is_none() || study.dead.is_none() {
        let text = "The assay of the study names no live and dead cells, so that no lethal fraction can be followed over time.";
        say(Severity::Note, "No kinetics of death", text.into());
    }
    if asked.curves.left_out > 0 {
        let text = format!(
            "{} further curves over dose are not shown; --condition or --compound names them.",
            asked.curves.left_out
        );
        say(Severity::Note, "More curves", text);
    }
    for note in notes {
        say(Severity::Note, "Note", note.clone());
    }
    warnings
}

fn methods(study: &Study, asked: &Asked, draws: usize, prior: usize, run: &RunFacts) -> String {
    let effect = asked.curves.list.first().map_or(0.0, |curve| curve.case.effect);
    format!(
        "For each of {draws} draws from the posterior of {} and {prior} from its priors, dose-response curves and courses of the \
         lethal fraction were simulated with fenton {} ({}, f64). The benchmark dose is that of {} % extra effect over the \
         control (in the sense of EFSA and the US EPA); doses were closed in on to 0.1 %. Intervals hold 95 % of the draws; \
         draws whose value lies outside of the doses looked at or that never reach the effect count as such.",
        study.title,
        run.version,
        run.integrator,
        shown(100.0 * effect)
    )
}

/// The key of a row that a user named.
///
/// # Errors
/// [`crate::Error::Input`] with the keys that there are.
pub fn row_named<'r>(rows: &'r [Row], key: &str) -> Result<&'r Row> {
    rows.iter().find(|row| row.key == key).ok_or_else(|| {
        let known: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        Diagnostic::new(format!("no quantity '{key}'")).expected(known.join(", ")).into()
    })
}
