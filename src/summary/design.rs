//! Which experiment would narrow a quantity most: experiments are made up on the model, and each is asked what it is
//! expected to leave.

mod bench;
mod cells;
mod plan;

use super::thresholds::{Asked, Curve, Engines, described};
use super::words;
use crate::inference::Ensemble;
use crate::inference::design::Candidate;
use crate::inference::threshold::{Answer, Answers};
use crate::report::designs::{DesignReport, Experiment};
use crate::report::document::{RunFacts, Severity, Warning};
use crate::report::shown;
use crate::study::Study;
use crate::{Diagnostic, Result};
use bench::{Assay, Bench, Table};
use cells::Cells;
use plan::plans;

/// Doses of a candidate grid, and of one series of a paired experiment.
const DOSES: usize = 12;
const SERIES: usize = 8;
/// A paired experiment is weighed over the doses looked at, and over those within this factor of their ends.
const INNER: f64 = 10.0;
/// Readings are the same in two lines of cells where they differ by less than this share of their error.
const SAME: f64 = 0.01;
/// A study with what its draws say.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub study: &'a Study,
    pub asked: &'a Asked,
    pub ensemble: &'a Ensemble,
}

/// The experiments that could narrow the quantity `key` of a study's first curve, the best first: in the conditions of the
/// study, and in that of the curve in the `lines` of cells, by the names that the program has for them.
///
/// # Errors
/// [`crate::Error::Input`] for a quantity that there is not; those of the engine.
pub fn single(
    known: Known,
    engines: Engines,
    key: &str,
    lines: &[String],
    replicates: usize,
    seed: u64,
) -> Result<DesignReport> {
    let study = known.study;
    let curve = &known.asked.curves.list[0];
    let answers = named(known, key)?;
    let quantity: Vec<f64> = answers.of.iter().map(|answer| logarithm(*answer, curve)).collect();
    let cells = Cells::of(study, curve.case.condition, lines)?;
    let mut wide = study.clone();
    wide.conditions.extend(cells.elsewhere.iter().map(|elsewhere| elsewhere.condition.clone()));
    let doses = series(curve.case.range, DOSES);
    let conditions = 0..wide.conditions.len();
    let bench = Bench::new(Known { study: &wide, ..known }, engines, curve, conditions.clone(), &doses)?;
    let plans = plans(&doses, bench.times.len());
    let mut experiments = Vec::new();
    for assay in bench.assays() {
        let sd = bench.sd(&assay) / (replicates as f64).sqrt();
        let tables: Vec<Table> = conditions.clone().map(|condition| bench.table(&assay, condition)).collect();
        for (condition, table) in tables.iter().enumerate() {
            let moved = condition >= study.conditions.len();
            if moved && alike(table, &tables[curve.case.condition], SAME * sd) {
                continue;
            }
            for plan in &plans {
                let places = plan.places(bench.times.len());
                let predictions = table.iter().map(|row| places.iter().map(|&place| row[place]).collect()).collect();
                let candidate = Candidate { predictions, sds: vec![sd; places.len()] };
                let expected = candidate.expected(&quantity, seed);
                experiments.push(Experiment {
                    condition: wide.conditions[condition].name.clone(),
                    line: cells.line(&wide, condition),
                    assay: bench.name(&assay),
                    doses: plan.told(&doses, &study.compounds[curve.case.compound]),
                    times: plan.times.iter().map(|&at| bench.times[at] / study.time_factor).collect(),
                    time_unit: study.time_unit.clone(),
                    wells: replicates * places.len(),
                    left: expected.left,
                    error: expected.error,
                    decided: None,
                    effective: expected.effective,
                });
            }
        }
    }
    let words = described(answers.what, study, curve, &known.asked.curves.labile);
    let quantity_name = format!("{} of {}", words.quantity, curve.label);
    let today = today(&quantity, false) + &outside(&[answers]);
    let mut document =
        report(known, (quantity_name, words.definition, today), experiments, &|all| best(all, replicates), replicates);
    document.warnings = cells.warnings(study, &document.experiments);
    Ok(document)
}

/// Whether no reading differs between two conditions; what a draw cannot tell is no difference.
fn alike(table: &Table, other: &Table, tolerance: f64) -> bool {
    let both = table.iter().flatten().zip(other.iter().flatten());
    both.into_iter().all(|(a, b)| (a - b).is_nan() || (a - b).abs() <= tolerance)
}

/// The best experiment, and the best of those that take the fewest wells if it takes more.
fn recommended(experiments: &[Experiment]) -> Vec<&Experiment> {
    let fewest = experiments.iter().map(|e| e.wells).min();
    let small = experiments.iter().find(|e| Some(e.wells) == fewest);
    let first = experiments.first();
    first.into_iter().chain(small.filter(|small| first.is_some_and(|first| small.wells < first.wells))).collect()
}

/// The recommended experiments in sentences.
fn best(experiments: &[Experiment], replicates: usize) -> String {
    let told = |e: &Experiment| {
        let on = if e.condition.is_empty() { String::new() } else { format!(" on {}", e.condition) };
        let of = if e.line.is_empty() { String::new() } else { format!(", in {}", e.line) };
        let (read, gain) = (e.read(), 100.0 * (1.0 - e.left));
        format!("{}{on}{of}, read at {read} by {}: {gain:.0} % narrower", e.doses, e.assay)
    };
    let text = match recommended(experiments)[..] {
        [] => return String::new(),
        [first, small] => {
            format!(
                "Most is expected of {}, with {} wells. With {} wells, of {}.",
                told(first),
                first.wells,
                small.wells,
                told(small)
            )
        }
        [first, ..] => format!("Most is expected of {}, with {} wells.", told(first), first.wells),
    };
    format!("{text} Each dose and time has {replicates} wells; vehicle controls come besides.")
}

/// Paired experiments that would tell which of two thresholds is the lower one.
///
/// # Errors
/// [`crate::Error::Input`] for a quantity that there is not; those of the engine.
pub fn paired(both: [Known; 2], engines: Engines, key: &str, replicates: usize, seed: u64) -> Result<DesignReport> {
    let curves = both.map(|known| &known.asked.curves.list[0]);
    let factor = |side: usize| both[side].study.compounds[curves[side].case.compound].factor;
    let count = both.iter().map(|known| known.ensemble.draws.len()).min().unwrap_or(0);
    let answers = [named(both[0], key)?, named(both[1], key)?];
    let log = |side: usize, draw: usize| logarithm(answers[side].of[draw], curves[side]) + factor(side).ln();
    let quantity: Vec<f64> = (0..count).map(|draw| log(0, draw) - log(1, draw)).collect();
    let mut experiments = Vec::new();
    for within in [1.0, INNER] {
        if curves.iter().any(|curve| curve.case.range.0 * within >= curve.case.range.1 / within) {
            continue;
        }
        let doses = [0, 1].map(|side| {
            let (low, high) = curves[side].case.range;
            series((low * within, high / within), SERIES)
        });
        let bench = |side: usize| {
            let condition = curves[side].case.condition;
            Bench::new(both[side], engines, curves[side], condition..condition + 1, &doses[side])
        };
        let benches = [bench(0)?, bench(1)?];
        let assays = [Assay::Viability, Assay::Counts];
        for assay in assays.iter().filter(|assay| benches.iter().all(|bench| bench.assays().contains(assay))) {
            for (at, &time) in benches[0].times.iter().enumerate() {
                let Some(other) = benches[1].times.iter().position(|&t| t == time) else { continue };
                let readings = |draw: usize| -> Vec<f64> {
                    let own = (0..SERIES).map(|dose| benches[0].read(assay, (0, draw), dose, at));
                    own.chain((0..SERIES).map(|dose| benches[1].read(assay, (0, draw), dose, other))).collect()
                };
                let sds = benches.each_ref().map(|bench| vec![bench.sd(assay) / (replicates as f64).sqrt(); SERIES]);
                let candidate = Candidate { predictions: (0..count).map(readings).collect(), sds: sds.concat() };
                let expected = candidate.expected(&quantity, seed);
                let told = |side: usize| {
                    let compound = &both[side].study.compounds[curves[side].case.compound];
                    let (low, high) = (doses[side][0], doses[side][SERIES - 1]);
                    format!("{} {} to {} {}", compound.name, shown(low), shown(high), compound.unit)
                };
                experiments.push(Experiment {
                    condition: String::new(),
                    line: side_by_side(both.map(|known| known.study)),
                    assay: benches[0].name(assay),
                    doses: format!("{} and {}, {SERIES} doses each", told(0), told(1)),
                    times: vec![time / both[0].study.time_factor],
                    time_unit: both[0].study.time_unit.clone(),
                    wells: 2 * SERIES * replicates,
                    left: expected.left,
                    error: expected.error,
                    decided: Some(expected.decided),
                    effective: expected.effective,
                });
            }
        }
    }
    let words = described(answers[0].what, both[0].study, curves[0], &both[0].asked.curves.labile);
    let name = format!("{}: {} over {}", words.quantity, curves[0].label, curves[1].label);
    let best = |all: &[Experiment]| {
        let e = &all[0];
        format!(
            "The paired experiment that would settle it best: {}, side by side on {}, in one medium, read at {} by {} in \
             {replicates} wells of each dose, with vehicle controls. It is expected to leave {:.0} % of today's width, and the order \
             known with {:.1} %.",
            e.doses,
            e.line,
            e.read(),
            e.assay,
            100.0 * e.left,
            100.0 * e.decided.unwrap_or(0.0)
        )
    };
    let definition = "the ratio of the two, in one unit".to_string();
    let today = today(&quantity, true) + &outside(&answers);
    let mut document = report(both[0], (name, definition, today), experiments, &best, replicates);
    document.title = format!("{} beside {}", both[0].study.title, both[1].study.title);
    document.warnings.push(Warning {
        severity: Severity::Note,
        title: "Two posteriors that know nothing of one another".into(),
        text: "Each side is simulated by its own study's model and draws; what one line of cells would do to both is not in them."
            .into(),
    });
    Ok(document)
}

fn named<'a>(known: Known<'a>, key: &str) -> Result<&'a Answers> {
    let curve = &known.asked.curves.list[0];
    let name = |answers: &Answers| described(answers.what, known.study, curve, &known.asked.curves.labile).key;
    known.asked.posterior[0].iter().find(|answers| name(answers) == key).ok_or_else(|| {
        let all: Vec<String> = known.asked.posterior[0].iter().map(name).collect();
        Diagnostic::new(format!("no quantity '{key}'")).expected(all.join(", ")).into()
    })
}

/// The natural logarithm of an answer; what lies outside of what was looked at counts as a quarter beyond its edge.
fn logarithm(answer: Answer, curve: &Curve) -> f64 {
    let (low, high) = curve.case.range;
    match answer {
        Answer::Value(value) => value.ln(),
        Answer::Below => (low / 1.25).ln(),
        Answer::Above => (high * 1.25).ln(),
        Answer::Never => (curve.case.until * 1.25).ln(),
        Answer::Absent | Answer::Unknown => f64::NAN,
    }
}

fn series((low, high): (f64, f64), count: usize) -> Vec<f64> {
    (0..count).map(|i| low * (high / low).powf(i as f64 / (count - 1) as f64)).collect()
}

fn side_by_side(studies: [&Study; 2]) -> String {
    match studies.map(|study| study.line.as_str()) {
        ["", ""] => "one line of cells".into(),
        [a, b] if a == b => a.into(),
        ["", one] | [one, ""] => one.into(),
        [a, b] => format!("{a} (or {b}, or both)"),
    }
}

/// How many draws put it where nobody looked.
fn outside(answers: &[&Answers]) -> String {
    let out = |answer: &Answer| matches!(answer, Answer::Below | Answer::Above | Answer::Never);
    let share = |answers: &&Answers| answers.of.iter().filter(|a| out(a)).count() as f64 / answers.of.len() as f64;
    let most = answers.iter().map(share).fold(0.0, f64::max);
    if most < 0.005 {
        return String::new();
    }
    format!(
        ", and in {:.0} % of the draws it lies outside of the doses or times looked at, where it counts as near their edge",
        100.0 * most
    )
}

/// How wide the quantity is now.
fn today(quantity: &[f64], ratio: bool) -> String {
    let mut known: Vec<f64> = quantity.iter().copied().filter(|x| x.is_finite()).collect();
    known.sort_by(f64::total_cmp);
    if known.is_empty() {
        return "nothing is known of it".into();
    }
    let at = |share: f64| crate::inference::quantile(&known, share).exp();
    let width = format!("95 % of it spans a factor of {}", shown(at(0.975) / at(0.025)));
    if !ratio {
        return width;
    }
    let lower = known.iter().filter(|x| **x < 0.0).count() as f64 / known.len() as f64;
    format!("{width}; the first is the lower one in {:.1} % of the draws", 100.0 * lower)
}

fn report(
    known: Known,
    (quantity, definition, today): (String, String, String),
    mut experiments: Vec<Experiment>,
    best: &dyn Fn(&[Experiment]) -> String,
    replicates: usize,
) -> DesignReport {
    experiments.retain(|experiment| experiment.left.is_finite());
    experiments.sort_by(|a, b| a.left.total_cmp(&b.left));
    DesignReport {
        title: known.study.title.clone(),
        study: words::about(known.study),
        model: known.study.model.clone(),
        synthetic: known.study.synthetic.as_ref().map(|command| words::synthetic(command)),
        quantity,
        definition,
        today,
        replicates,
        best: match experiments.is_empty() {
            true => "No experiment could be weighed: all draws agree on the quantity, or put it outside of the doses looked at (--doses).".into(),
            false => best(&experiments),
        },
        experiments,
        draws: known.ensemble.draws.len(),
        run: RunFacts::default(),
        ..DesignReport::default()
    }
}
