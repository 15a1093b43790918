//! Which method suits a program: a race of the two families on a few lanes, and whether they agree.

use super::cpu::CpuEngine;
use super::{Batch, Engine, EngineError, Method, Outcomes, Precision, Settings, Status};

/// The stiff method for a precision: in single precision the one with the milder coefficients.
pub fn stiff_method(precision: Precision) -> Method {
    match precision {
        Precision::F32 => Method::Rodas4P,
        Precision::F64 => Method::Rodas5P,
    }
}

/// What a race says.
#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    pub method: Method,
    /// That the methods give different results, and what came of looking closer: for whoever reads the results.
    pub doubt: Option<String>,
}

/// Outputs of two methods may differ by so many relative tolerances of the output's size.
const AGREED: f64 = 1e3;
/// At most by this, however loose the tolerance is, and at least so much is noise.
const MOST: f64 = 0.05;
const LEAST: f64 = 1e-7;
/// What looks closer has tolerances smaller by this, and may take so many times the steps.
const CLOSER: f64 = 1e-3;
const MORE_STEPS: u32 = 20;

/// Runs the lanes of `batch` (a handful, as representative as can be) by the stiff method for `precision` and by
/// Tsit5, and names the one that costs less: steps times instructions of a step. `batch.settings.method` does not
/// count. A method that finishes goes before one that does not. If both finish with different results, runs at
/// smaller tolerances say which is right.
///
/// # Errors
/// Those of the CPU engine.
pub fn choose(batch: &Batch, precision: Precision) -> Result<Race, EngineError> {
    let race = Racers { engine: CpuEngine::new(Precision::F64), batch };
    let stiff = stiff_method(precision);
    let settings = batch.settings;
    let implicit = race.run(stiff, 1.0, settings.max_steps)?;
    // A stiff problem would keep the explicit method busy for ever: past the break-even it has lost anyway.
    let length = race.length(Method::Tsit5);
    let most = implicit.as_ref().map_or(settings.max_steps, |implicit| {
        (implicit.cost / length).ceil().max(100.0).min(f64::from(settings.max_steps)) as u32
    });
    let explicit = race.run(Method::Tsit5, 1.0, most)?;
    let sure = |method| Ok(Race { method, doubt: None });
    let (implicit, explicit) = match (implicit, explicit) {
        (Some(implicit), Some(explicit)) => (implicit, explicit),
        (None, Some(_)) => return sure(Method::Tsit5),
        (_, None) => return sure(stiff),
    };
    let cheaper = if explicit.cost < implicit.cost { Method::Tsit5 } else { stiff };
    let Some(apart) = race.difference(&implicit, &explicit) else { return sure(cheaper) };
    let more = settings.max_steps.saturating_mul(MORE_STEPS);
    let closer =
        [race.run(stiff, CLOSER, more)?, race.run(Method::Tsit5, CLOSER, most.max(1000).saturating_mul(MORE_STEPS))?];
    let differ = format!("{} and {} give results that differ by {apart:.1e}", stiff.name(), Method::Tsit5.name());
    let rtol = CLOSER * settings.rtol;
    let [Some(first), Some(second)] = closer else {
        let doubt = format!("{differ}, and not both finish at rtol {rtol:.0e}: do not trust either");
        return Ok(Race { method: stiff, doubt: Some(doubt) });
    };
    if race.difference(&first, &second).is_some() {
        let doubt = format!("{differ}, also at rtol {rtol:.0e}: do not trust either");
        return Ok(Race { method: stiff, doubt: Some(doubt) });
    }
    let right = [race.difference(&implicit, &first).is_none(), race.difference(&explicit, &first).is_none()];
    let (method, end) = match right {
        // Each is within what is allowed of the truth, on different sides.
        [true, true] => return sure(cheaper),
        [true, false] => (stiff, format!("a run at rtol {rtol:.0e} says that {} is right", stiff.name())),
        [false, true] => {
            (Method::Tsit5, format!("a run at rtol {rtol:.0e} says that {} is right", Method::Tsit5.name()))
        }
        [false, false] => (stiff, format!("neither is right by a run at rtol {rtol:.0e}: set a smaller rtol")),
    };
    Ok(Race { method, doubt: Some(format!("{differ}; {end}")) })
}

struct Racers<'a> {
    engine: CpuEngine,
    batch: &'a Batch<'a>,
}

/// A run in which all lanes have finished.
struct Finished {
    outcomes: Outcomes,
    cost: f64,
}

impl Racers<'_> {
    fn settings(&self, method: Method) -> Settings {
        Settings { method, ..self.batch.settings.clone() }
    }

    fn length(&self, method: Method) -> f64 {
        let settings = self.settings(method);
        self.engine.step_length(&Batch { settings: &settings, tangents: &[], ..*self.batch }) as f64
    }

    /// `None` unless all lanes finish.
    fn run(&self, method: Method, tighter: f64, max_steps: u32) -> Result<Option<Finished>, EngineError> {
        let mut settings = Settings { max_steps, ..self.settings(method) };
        settings.rtol = (settings.rtol * tighter).max(1e-12);
        settings.atol.iter_mut().for_each(|atol| *atol *= tighter);
        let outcomes = self.engine.run(&Batch { settings: &settings, tangents: &[], ..*self.batch })?;
        if outcomes.reports.iter().any(|report| report.status != Status::Finished) {
            return Ok(None);
        }
        let steps: u64 = outcomes.reports.iter().map(|r| u64::from(r.steps + r.rejected)).sum();
        Ok(Some(Finished { cost: steps as f64 * self.length(method), outcomes }))
    }

    /// The largest difference of an output relative to its size in its lane, if it is more than two runs that are right
    /// may differ.
    fn difference(&self, a: &Finished, b: &Finished) -> Option<f64> {
        let allowed = (AGREED * self.batch.settings.rtol).clamp(LEAST, MOST);
        let count = self.batch.program.outputs.len();
        let smallest = self.batch.settings.atol.iter().copied().fold(0.0, f64::max) * AGREED;
        let mut worst: f64 = 0.0;
        for lane in 0..self.batch.lanes.len() {
            let range = a.outcomes.offsets[lane]..a.outcomes.offsets[lane + 1];
            let (a, b) = (&a.outcomes.outputs[range.clone()], &b.outcomes.outputs[range]);
            for output in 0..count {
                let pairs = || a.iter().zip(b).skip(output).step_by(count);
                let size = pairs().map(|(a, b)| a.abs().max(b.abs())).fold(0.0, f64::max);
                let apart = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                if apart > smallest {
                    worst = worst.max(apart / size);
                }
            }
        }
        (worst > allowed).then_some(worst)
    }
}
