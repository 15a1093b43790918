//! Which method suits a program: a race of the two families on a few lanes.

use super::cpu::CpuEngine;
use super::{Batch, Engine, EngineError, Method, Precision, Settings, Status};

/// The stiff method for a precision: in single precision the one with the milder coefficients.
pub fn stiff_method(precision: Precision) -> Method {
    match precision {
        Precision::F32 => Method::Rodas4P,
        Precision::F64 => Method::Rodas5P,
    }
}

/// Runs the lanes of `batch` (a handful, as representative as can be) by the stiff method for `precision` and by
/// Tsit5, and names the one that costs less: steps times instructions of a step. `batch.settings.method` does not
/// count.
///
/// # Errors
/// Those of the CPU engine.
pub fn choose(batch: &Batch, precision: Precision) -> Result<Method, EngineError> {
    let engine = CpuEngine::new(Precision::F64);
    let stiff = stiff_method(precision);
    let cost = |method: Method, max_steps: u32| -> Result<Option<f64>, EngineError> {
        let settings = Settings { method, max_steps, ..batch.settings.clone() };
        let batch = Batch { settings: &settings, tangents: &[], ..*batch };
        let outcomes = engine.run(&batch)?;
        if outcomes.reports.iter().any(|report| report.status != Status::Finished) {
            return Ok(None);
        }
        let steps: u64 = outcomes.reports.iter().map(|r| u64::from(r.steps + r.rejected)).sum();
        Ok(Some(steps as f64 * engine.step_length(&batch) as f64))
    };
    let Some(implicit) = cost(stiff, batch.settings.max_steps)? else { return Ok(stiff) };
    // A stiff problem would keep the explicit method busy for ever: past the break-even it has lost anyway.
    let settings = Settings { method: Method::Tsit5, ..batch.settings.clone() };
    let length = engine.step_length(&Batch { settings: &settings, tangents: &[], ..*batch }) as f64;
    let most = (implicit / length).ceil().max(100.0).min(f64::from(batch.settings.max_steps)) as u32;
    Ok(match cost(Method::Tsit5, most)? {
        Some(explicit) if explicit < implicit => Method::Tsit5,
        _ => stiff,
    })
}
