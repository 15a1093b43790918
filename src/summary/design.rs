//! Which experiment would narrow a quantity most: experiments are made up on the model, and each is asked what it is
//! expected to leave.

use super::charts::distinct;
use super::thresholds::{Asked, Curve, Engines, described, reading};
use super::words;
use crate::inference::design::Candidate;
use crate::inference::threshold::{Answer, Answers, ReadOut};
use crate::inference::{Ensemble, Simulator, Trial};
use crate::report::designs::{DesignReport, Experiment};
use crate::report::document::{RunFacts, Severity, Warning};
use crate::report::shown;
use crate::study::problem::{Observation, Problem};
use crate::study::{Kind, Study};
use crate::{Diagnostic, Result};

/// Doses of a candidate grid, and of one series of a paired experiment.
const DOSES: usize = 12;
const SERIES: usize = 8;
/// A paired experiment is weighed over the doses looked at, and over those within this factor of their ends.
const INNER: f64 = 10.0;
/// Hours at which cells are usually read.
const HOURS: [f64; 7] = [6.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0];
/// Errors of one well where the study has none: of a viability, of a lethal fraction by counting, and of a level in the cell
/// (natural logarithm). Usual for such assays; assumed.
const VIABILITY_SD: f64 = 0.1;
const COUNTED_SD: f64 = 0.05;
const LEVEL_SD: f64 = 0.15;

/// A study with what its draws say.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub study: &'a Study,
    pub asked: &'a Asked,
    pub ensemble: &'a Ensemble,
}

/// What is measured in a candidate.
#[derive(Debug, Clone, PartialEq)]
enum Assay {
    /// The viability that the curve is of.
    Viability,
    /// Live and dead cells counted.
    Counts,
    /// A labile metal in the cell: which of those asked about.
    Level(usize),
}

/// The experiments that could narrow the quantity `key` of a study's first curve, the best first.
///
/// # Errors
/// [`crate::Error::Input`] for a quantity that there is not; those of the engine.
pub fn single(known: Known, engines: Engines, key: &str, replicates: usize, seed: u64) -> Result<DesignReport> {
    let curve = &known.asked.curves.list[0];
    let answers = named(known, key)?;
    let quantity: Vec<f64> = answers.of.iter().map(|answer| logarithm(*answer, curve)).collect();
    let mut experiments = Vec::new();
    let doses = series(curve.case.range, DOSES);
    for condition in 0..known.study.conditions.len() {
        let bench = Bench::new(known, engines, curve, condition, &doses)?;
        for assay in bench.assays() {
            for (at, &time) in bench.times.iter().enumerate() {
                for (dose, &amount) in doses.iter().enumerate() {
                    let predictions =
                        (0..quantity.len()).map(|draw| vec![bench.read(&assay, draw, dose, at)]).collect();
                    let sds = vec![bench.sd(&assay) / (replicates as f64).sqrt()];
                    let expected = Candidate { predictions, sds }.expected(&quantity, seed);
                    let compound = &known.study.compounds[curve.case.compound];
                    experiments.push(Experiment {
                        condition: bench.condition_name(),
                        assay: bench.name(&assay),
                        doses: format!("{} {} {}", shown(amount), compound.unit, compound.name),
                        time: time / known.study.time_factor,
                        time_unit: known.study.time_unit.clone(),
                        left: expected.left,
                        decided: None,
                        effective: expected.effective,
                    });
                }
            }
        }
    }
    let words = described(answers.what, known.study, curve, &known.asked.curves.labile);
    let best = |e: &Experiment| {
        let of = if e.condition.is_empty() { String::new() } else { format!(" on {}", e.condition) };
        format!(
            "Most is expected of {}{of}, read at {} {} by {} in {replicates} wells: {:.0} % narrower.",
            e.doses,
            shown(e.time),
            e.time_unit,
            e.assay,
            100.0 * (1.0 - e.left)
        )
    };
    let definition = words.definition;
    let quantity_name = format!("{} of {}", words.quantity, curve.label);
    let today = today(&quantity, false) + &outside(&[answers]);
    Ok(report(known, (quantity_name, definition, today), experiments, &best, replicates))
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
        let benches = [
            Bench::new(both[0], engines, curves[0], curves[0].case.condition, &doses[0])?,
            Bench::new(both[1], engines, curves[1], curves[1].case.condition, &doses[1])?,
        ];
        let assays = [Assay::Viability, Assay::Counts];
        for assay in assays.iter().filter(|assay| benches.iter().all(|bench| bench.assays().contains(assay))) {
            for (at, &time) in benches[0].times.iter().enumerate() {
                let Some(other) = benches[1].times.iter().position(|&t| t == time) else { continue };
                let readings = |draw: usize| -> Vec<f64> {
                    let own = (0..SERIES).map(|dose| benches[0].read(assay, draw, dose, at));
                    own.chain((0..SERIES).map(|dose| benches[1].read(assay, draw, dose, other))).collect()
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
                    condition: side_by_side(both.map(|known| known.study)),
                    assay: benches[0].name(assay),
                    doses: format!("{} and {}, {SERIES} doses each", told(0), told(1)),
                    time: time / both[0].study.time_factor,
                    time_unit: both[0].study.time_unit.clone(),
                    left: expected.left,
                    decided: Some(expected.decided),
                    effective: expected.effective,
                });
            }
        }
    }
    let words = described(answers[0].what, both[0].study, curves[0], &both[0].asked.curves.labile);
    let name = format!("{}: {} over {}", words.quantity, curves[0].label, curves[1].label);
    let best = |e: &Experiment| {
        format!(
            "The paired experiment that would settle it best: {}, side by side on {}, in one medium, read at {} {} by {} in \
             {replicates} wells of each dose, with vehicle controls. It is expected to leave {:.0} % of today's width, and the order \
             known with {:.1} %.",
            e.doses,
            e.condition,
            shown(e.time),
            e.time_unit,
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
    best: &dyn Fn(&Experiment) -> String,
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
        best: experiments.first().map_or("No experiment could be weighed: all draws agree on the quantity, or put it outside of the doses looked at (--doses).".into(), best),
        experiments,
        draws: known.ensemble.draws.len(),
        run: RunFacts::default(),
        ..DesignReport::default()
    }
}

/// The runs of all candidates of one condition.
struct Bench<'a> {
    known: Known<'a>,
    curve: &'a Curve,
    condition: usize,
    problem: Problem,
    outputs: usize,
    labile: Vec<usize>,
    /// In the model's unit.
    times: Vec<f64>,
    /// For each draw its control and its doses, all outputs at all times.
    runs: Vec<Vec<Option<Vec<f64>>>>,
    sd: f64,
}

impl<'a> Bench<'a> {
    fn new(known: Known<'a>, engines: Engines, curve: &'a Curve, condition: usize, doses: &[f64]) -> Result<Self> {
        let mut wide = known.study.clone();
        let labile: Vec<usize> = known.asked.curves.labile.iter().filter_map(|name| wide.record(name)).collect();
        let problem = wide.problem();
        let factor = known.study.time_factor;
        let usual = HOURS.iter().map(|hours| hours * factor).filter(|_| known.study.time_unit == "h");
        let stated = if let ReadOut::At(time) = curve.case.time { Some(time) } else { None };
        let times = distinct(usual.chain(curve.frames.iter().map(|time| time * factor)).chain(stated));
        let simulator = Simulator::new(&problem, engines.engine, engines.reference, engines.choice);
        let mut trials = Vec::new();
        for point in 0..known.ensemble.draws.len() {
            for dose in std::iter::once(0.0).chain(doses.iter().copied()) {
                let mut all = curve.case.doses.clone();
                all[curve.case.compound] = dose;
                let all = if dose == 0.0 { problem.design.control(&all) } else { all };
                trials.push(Trial { point, condition, protocol: problem.design.protocol(condition, &all, &times) });
            }
        }
        let runs = simulator.trials(&known.ensemble.draws, &trials, true)?;
        let runs = runs.chunks(doses.len() + 1).map(<[_]>::to_vec).collect();
        let sd = noise(known, &problem, curve.case.observable);
        let outputs = problem.program.outputs.len();
        Ok(Bench { known, curve, condition, outputs, labile, times, runs, sd, problem })
    }

    fn condition_name(&self) -> String {
        self.known.study.conditions[self.condition].name.clone()
    }

    fn assays(&self) -> Vec<Assay> {
        let mut assays = vec![Assay::Viability];
        let counts = self.known.study.live.is_some() && self.known.study.dead.is_some();
        assays.extend(counts.then_some(Assay::Counts));
        assays.extend((0..self.labile.len()).map(Assay::Level));
        assays
    }

    fn name(&self, assay: &Assay) -> String {
        match assay {
            Assay::Viability => {
                let name = reading(self.known.study, self.curve);
                name.split(" at ").next().unwrap_or_default().to_string()
            }
            Assay::Counts => "live and dead cells counted".into(),
            Assay::Level(metal) => format!("{} in the cell", self.known.asked.curves.labile[*metal]),
        }
    }

    /// Of one well.
    fn sd(&self, assay: &Assay) -> f64 {
        match assay {
            Assay::Viability => self.sd,
            Assay::Counts => COUNTED_SD,
            Assay::Level(_) => LEVEL_SD,
        }
    }

    /// What a draw predicts; a new experiment has a stated assay, so that no scale of an unknown one is in it.
    fn read(&self, assay: &Assay, draw: usize, dose: usize, time: usize) -> f64 {
        let runs = &self.runs[draw];
        let (Some(control), Some(own)) = (&runs[0], &runs[dose + 1]) else { return f64::NAN };
        let at = |run: &'_ [f64], output: usize| run[time * self.outputs + output];
        match assay {
            Assay::Viability => {
                let form = &self.problem.design.observables[self.curve.case.observable];
                let sum = |parts: &[(f64, crate::study::design::Part)]| -> f64 {
                    parts.iter().map(|(c, part)| c * at(if part.control { control } else { own }, part.output)).sum()
                };
                let kind = self.known.study.observables[self.curve.case.observable].reading;
                match kind {
                    Kind::Signal => {
                        sum(&form.above) / form.above.iter().map(|(c, p)| c * at(control, p.output)).sum::<f64>()
                    }
                    _ => sum(&form.above) / sum(&form.below),
                }
            }
            Assay::Counts => {
                let of = |output: Option<usize>| output.map_or(f64::NAN, |output| at(own, output));
                let (live, dead) = (of(self.known.study.live), of(self.known.study.dead));
                dead / (live + dead)
            }
            Assay::Level(metal) => at(own, self.labile[*metal]).ln(),
        }
    }
}

/// The error of a well in the study, at the middle of its draws.
fn noise(known: Known, problem: &Problem, observable: usize) -> f64 {
    let draw = &known.ensemble.draws[known.ensemble.draws.len() / 2];
    let of = |observation: &Observation| match observation {
        Observation::Value { prediction, error, .. } => {
            (known.study.data.get(*prediction)?.observable == observable).then(|| error.sd.value(draw))
        }
        Observation::Joint { sd, .. } => Some(*sd),
        _ => None,
    };
    problem.observations.iter().find_map(of).filter(|sd| *sd > 0.0).unwrap_or(VIABILITY_SD)
}
