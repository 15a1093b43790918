//! What the data determine: the eigenvalues of the Fisher information, put into words.
//!
//! Two measures make a direction flat. On the unit box its standard deviation exceeds a quarter of the box, so that a
//! 95 % interval is as wide as the box itself; or, with each parameter scaled by its own information, its eigenvalue is
//! lost in the error of the derivatives. A parameter that takes a notable part in a flat direction is not identified.

use super::boxed::Boxed;
use super::{Basis, Dimension, Direction, Identification, Objective, ParameterResult, Verdict};
use crate::random::normal_quantile;
use nalgebra::{DMatrix, DVector};

/// A direction with a larger standard deviation, in parts of the box, is flat.
const FLAT: f64 = 0.25;
/// Eigenvalues of the correlation form below this are the integrator's error.
const LOST: f64 = 1e-8;
/// A parameter with more than this part (of 1) in a flat direction is not identified.
const NOTABLE: f64 = 0.1;
/// Less shrinkage than this under a normal prior: the data have not spoken.
const SILENT: f64 = 0.05;

/// Reads the information at `point`. Without one (no finite derivatives there) nothing is identified.
pub fn identify(objective: &dyn Objective, point: &[f64], fisher: Option<&DMatrix<f64>>) -> Identification {
    let boxed = Boxed::of(objective);
    let n = point.len();
    let inner: Vec<usize> = (0..n).filter(|&i| !boxed.at_bound(i, point[i])).collect();
    let scaled = |r: usize, c: usize| {
        fisher.map_or(0.0, |f| f[(inner[r], inner[c])] * boxed.width(inner[r]) * boxed.width(inner[c]))
    };
    let spectrum = Spectrum::of(DMatrix::from_fn(inner.len(), inner.len(), scaled));
    let few = fisher.map_or(vec![None; n], |fisher| objective.few(point, fisher));
    let parameters = (0..n)
        .map(|i| {
            let Dimension { prior_deviation, .. } = objective.dimension(i);
            let prior = prior_deviation.unwrap_or(boxed.width(i) / 12_f64.sqrt());
            let mut result = ParameterResult {
                name: objective.names()[i].clone(),
                value: point[i],
                verdict: Verdict::AtBound,
                standard_error: None,
                reach: normal_quantile(0.975),
                interval: None,
                ends: [None; 2],
                leans: Vec::new(),
                held: false,
                basis: Basis::Normal,
                shrinkage: None,
            };
            let Some(at) = inner.iter().position(|&inner| inner == i) else { return result };
            let error = spectrum.deviation(at) * boxed.width(i);
            result.reach = few[i].map_or(result.reach, |few| few.reach(error));
            let reach = result.reach * error;
            let shrinkage = (1.0 - error / prior).clamp(0.0, 1.0);
            result.shrinkage = Some(shrinkage);
            result.verdict = if spectrum.notable(at) || reach >= 0.5 * boxed.width(i) {
                Verdict::NotIdentified
            } else if prior_deviation.is_some() && shrinkage < SILENT {
                Verdict::Prior
            } else {
                Verdict::Identified
            };
            if result.verdict != Verdict::NotIdentified {
                let (low, high) = (point[i] - reach, point[i] + reach);
                result.standard_error = Some(error);
                let within = |end: &f64| *end > boxed.lower[i] && *end < boxed.upper[i];
                result.ends = [Some(low).filter(within), Some(high).filter(within)];
                result.interval = Some((low.max(boxed.lower[i]), high.min(boxed.upper[i])));
                result.judge();
            }
            result
        })
        .collect();
    let describe = |flat: Vec<(usize, f64)>| {
        // From the unit box back to the estimation scale.
        let changes: Vec<(usize, f64)> =
            flat.into_iter().map(|(at, change)| (inner[at], change * boxed.width(inner[at]))).collect();
        let largest = changes.iter().fold(0.0, |most: f64, c| if c.1.abs() > most.abs() { c.1 } else { most });
        let changes: Vec<(usize, f64)> = changes.into_iter().map(|(i, change)| (i, change / largest)).collect();
        let text = in_words(objective, &changes);
        Direction { changes, text }
    };
    Identification {
        parameters,
        directions: spectrum.flat_basis().into_iter().map(describe).collect(),
        eigenvalues: spectrum.values.iter().copied().collect(),
    }
}

/// Eigenvalues, ascending, and eigenvectors of the information on the unit box.
struct Spectrum {
    values: DVector<f64>,
    vectors: DMatrix<f64>,
}

impl Spectrum {
    fn of(information: DMatrix<f64>) -> Self {
        let n = information.nrows();
        if n == 0 {
            return Spectrum { values: DVector::zeros(0), vectors: information };
        }
        let own = information.diagonal().map(|d| d.max(0.0).sqrt());
        let inverse = own.map(|d| if d > 0.0 { 1.0 / d } else { 0.0 });
        let form = DMatrix::from_fn(n, n, |r, c| information[(r, c)] * inverse[r] * inverse[c]).symmetric_eigen();
        let kept = form.eigenvalues.map(|e| if e > LOST { e } else { 0.0 });
        let form = &form.eigenvectors * DMatrix::from_diagonal(&kept) * form.eigenvectors.transpose();
        let cleaned = DMatrix::from_fn(n, n, |r, c| 0.5 * (form[(r, c)] + form[(c, r)]) * own[r] * own[c]);
        let eigen = cleaned.symmetric_eigen();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
        Spectrum {
            values: DVector::from_fn(n, |k, _| eigen.eigenvalues[order[k]].max(0.0)),
            vectors: DMatrix::from_fn(n, n, |r, c| eigen.eigenvectors[(r, order[c])]),
        }
    }

    fn flat(&self, k: usize) -> bool {
        self.values[k] < 1.0 / (FLAT * FLAT)
    }

    /// In parts of the box. Along a flat direction it is that of a uniform distribution over the box.
    fn deviation(&self, at: usize) -> f64 {
        let part = |k: usize| {
            let v = self.vectors[(at, k)];
            v * v * if self.flat(k) { 1.0 / 12.0 } else { 1.0 / self.values[k] }
        };
        (0..self.values.len()).map(part).sum::<f64>().sqrt()
    }

    fn notable(&self, at: usize) -> bool {
        let part: f64 = (0..self.values.len()).filter(|&k| self.flat(k)).map(|k| self.vectors[(at, k)].powi(2)).sum();
        part.sqrt() > NOTABLE
    }

    /// A basis of the flat directions in which each is of as few parameters as elimination finds.
    fn flat_basis(&self) -> Vec<Vec<(usize, f64)>> {
        let n = self.values.len();
        let mut rows: Vec<Vec<f64>> =
            (0..n).filter(|&k| self.flat(k)).map(|k| self.vectors.column(k).iter().copied().collect()).collect();
        for done in 0..rows.len() {
            let largest = (done..rows.len())
                .flat_map(|r| (0..n).map(move |c| (r, c)))
                .max_by(|a, b| rows[a.0][a.1].abs().total_cmp(&rows[b.0][b.1].abs()));
            let Some((row, column)) = largest else { break };
            rows.swap(done, row);
            let pivot = rows[done][column];
            rows[done].iter_mut().for_each(|x| *x /= pivot);
            let by = rows[done].clone();
            for (_, other) in rows.iter_mut().enumerate().filter(|(r, _)| *r != done) {
                let factor = other[column];
                other.iter_mut().zip(&by).for_each(|(x, y)| *x -= factor * y);
            }
        }
        let notable = |row: &Vec<f64>| {
            let largest = row.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            row.iter().copied().enumerate().filter(|(_, x)| x.abs() > NOTABLE * largest).collect()
        };
        rows.iter().map(notable).collect()
    }
}

/// A way in which parameters change together, dimension and change on the estimation scale, as a sentence.
pub fn in_words(objective: &dyn Objective, changes: &[(usize, f64)]) -> String {
    let name = |i: usize| &objective.names()[i];
    match changes {
        [(i, _)] => format!("the data do not notice '{}' within its bounds", name(*i)),
        &[(a, da), (b, db)] if objective.dimension(a).logarithmic && objective.dimension(b).logarithmic => {
            // What stays the same along the direction is a * b^power.
            let power = -da / db;
            let whole = if (power.abs() - 1.0).abs() < 0.05 { power.signum() } else { power };
            let joined = match whole {
                1.0 => format!("'{}' x '{}'", name(a), name(b)),
                -1.0 => format!("'{}' / '{}'", name(a), name(b)),
                power => format!("'{}' x '{}'^{power:.2}", name(a), name(b)),
            };
            format!("only {joined} is determined, neither of them alone")
        }
        changes => {
            let parts: Vec<String> =
                changes.iter().map(|(i, change)| format!("{:+.2} '{}'", change, name(*i))).collect();
            format!("these can change together without notice (on their estimation scales): {}", parts.join(", "))
        }
    }
}
