//! Growth taken apart: how fast cells divide and how fast they die, from live and dead counts at two times.
//!
//! With `dL/dt = (k_s - k_d) L` and `dD/dt = k_d L` between the start and the reading, cells at risk are the logarithmic mean
//! of `L`: `k_d = (D - D_0) / (mean L * t)`, `k_s = k_d + ln(L / L_0) / t`. The static part of GR is
//! `2^(k_s / k_s(0)) - 1`, the toxic one `2^(-(k_d - k_d(0)) t / ln 2) - 1`: what GR alone adds up (Hafner et al. 2016, Nat. Methods
//! 13:521, extended to dead cells as in GR calculator, over the whole treatment).

use super::infer::{End, Estimate, t_quantile};
use super::series::{Series, over_dose};
use super::{Link, Spot};
use crate::plate::{Readings, Role, Seen};
use std::f64::consts::LN_2;

/// One dose of one curve; estimates are means over experiments.
#[derive(Debug, Clone)]
pub struct Growth {
    pub series: Series,
    pub dose: f64,
    pub experiments: usize,
    /// 1/time.
    pub division: Estimate,
    pub death: Estimate,
    pub gr: Estimate,
    pub stasis: Estimate,
    pub toxicity: Estimate,
}

/// Mean live and dead cells of a well.
type Counts = (f64, f64);

/// Division and death at each dose of each curve; none where there are no counts at the start or no times.
pub fn growth(readings: &Readings, at: Option<f64>) -> Vec<Growth> {
    let mut out = Vec::new();
    for series in over_dose(readings, Link::Signal, at) {
        let Some(time) = series.time.filter(|time| *time > 0.0) else { continue };
        for &dose in std::iter::once(&0.0).chain(&series.doses) {
            let of = |experiment: usize| -> Option<[f64; 5]> {
                let start = at_start(readings, &series, experiment)?;
                let control = rates(start, counts(readings, &series, experiment, 0.0)?, time)?;
                let treated = rates(start, counts(readings, &series, experiment, dose)?, time)?;
                let net = |rates: (f64, f64)| rates.0 - rates.1;
                Some([
                    treated.0,
                    treated.1,
                    (net(treated) / net(control)).exp2() - 1.0,
                    (treated.0 / control.0).exp2() - 1.0,
                    (-(treated.1 - control.1) * time / LN_2).exp2() - 1.0,
                ])
            };
            let each: Vec<[f64; 5]> = (0..series.experiments.len()).filter_map(of).collect();
            if each.is_empty() {
                continue;
            }
            let mean = |at: usize| mean(&each.iter().map(|values| values[at]).collect::<Vec<_>>());
            out.push(Growth {
                dose,
                experiments: each.len(),
                division: mean(0),
                death: mean(1),
                gr: mean(2),
                stasis: mean(3),
                toxicity: mean(4),
                series: series.clone(),
            });
        }
    }
    out
}

/// Rates of division and death between two readings.
fn rates(start: Counts, end: Counts, time: f64) -> Option<(f64, f64)> {
    let growth = (end.0 / start.0).ln();
    let at_risk = if growth.abs() < 1e-9 { start.0 } else { (end.0 - start.0) / growth };
    let death = (end.1 - start.1) / (at_risk * time);
    (growth.is_finite() && death.is_finite()).then_some((death + growth / time, death))
}

fn at_start(readings: &Readings, series: &Series, experiment: usize) -> Option<Counts> {
    let own = readings.readings.iter().filter(|r| {
        r.role == Role::Start
            && r.cell_line == series.cell_line
            && readings.experiment(r) == series.experiments[experiment]
    });
    summed(own.map(|r| r.seen))
}

fn counts(readings: &Readings, series: &Series, experiment: usize, dose: f64) -> Option<Counts> {
    let own = series.wells.iter().filter(|w| w.spot == Spot::Curve && w.experiment == experiment && w.dose == dose);
    summed(own.map(|w| readings.readings[w.reading].seen))
}

fn summed(seen: impl Iterator<Item = Seen>) -> Option<Counts> {
    let mut sums = (0.0, 0.0, 0.0);
    for seen in seen {
        let Seen::Counts { live, dead } = seen else { return None };
        sums = (sums.0 + live, sums.1 + dead, sums.2 + 1.0);
    }
    (sums.2 > 0.0).then(|| (sums.0 / sums.2, sums.1 / sums.2))
}

/// A mean over experiments with its t interval; open where there is one.
fn mean(values: &[f64]) -> Estimate {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let mut out = Estimate { value: Some(mean), lower: End::Open, upper: End::Open, se: None, without: Vec::new() };
    if values.len() > 1 {
        let se = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt();
        let reach = t_quantile(count - 1.0) * se;
        (out.lower, out.upper, out.se) = (End::At(mean - reach), End::At(mean + reach), Some(se));
    }
    out
}
