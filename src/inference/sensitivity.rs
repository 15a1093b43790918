//! Which inputs an output depends on: Sobol indices over independent inputs, partial rank correlations over any.
//!
//! First-order indices are by A. Saltelli et al., Comput. Phys. Commun. 181:259 (2010), total ones by M. J. W. Jansen, Comput.
//! Phys. Commun. 117:35 (1999), on scrambled Sobol points; over several outputs variances are added up (F. Gamboa et al.,
//! Electron. J. Stat. 8:575, 2014). Intervals resample the rows of the base sample: such rows are more even than independent
//! ones, so that these intervals are rather too wide. Partial rank correlations are those of S. Marino et al., J. Theor.
//! Biol. 254:178 (2008). Sobol indices mean nothing over inputs that depend on one another; rank correlations do.

use super::{quantile, sorted};
use crate::random::{Points, Stream, normal_quantile};
use nalgebra::DMatrix;
use rayon::prelude::*;
use serde::Serialize;

/// Resamples of the base sample for an interval.
const RESAMPLES: usize = 400;
/// Streams from here on belong to the resamples.
const STREAMS: u64 = 7 << 48;
/// Rows of the base sample that an index needs.
pub const FEWEST_ROWS: usize = 64;

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Bounded {
    pub value: f64,
    pub lower: f64,
    pub upper: f64,
}

/// Of one input.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Indices {
    /// The share of the variance that goes if this input alone becomes known.
    pub first: Bounded,
    /// The share that stays if all others become known.
    pub total: Bounded,
}

/// Points of the unit box at which outputs are wanted: the base samples A and B, and A with one column of B at a time.
#[derive(Debug, Clone)]
pub struct Design {
    pub inputs: usize,
    pub rows: usize,
    seed: u64,
}

impl Design {
    /// `rows` of the base sample; take a power of two.
    pub fn new(inputs: usize, rows: usize, seed: u64) -> Design {
        Design { inputs, rows, seed }
    }

    /// `points[row * (inputs + 2) + which]`, `which` being A, B, then A with a column of B.
    pub fn points(&self) -> Vec<Vec<f64>> {
        let k = self.inputs;
        let base = Points::new(2 * k, self.rows, self.seed);
        let row = |row: usize| {
            let both = base.point(row);
            let (a, b) = both.split_at(k);
            let mixed = (0..k).map(|i| {
                let mut point = a.to_vec();
                point[i] = b[i];
                point
            });
            [a.to_vec(), b.to_vec()].into_iter().chain(mixed).collect::<Vec<_>>()
        };
        (0..self.rows).into_par_iter().flat_map_iter(row).collect()
    }

    /// Indices of each input for all `outputs` together, from their values at the points of the design: `outputs[o][point]`.
    /// A row of the base sample in which any is `None` is left out. `None` where fewer than [`FEWEST_ROWS`] are left or
    /// nothing varies.
    pub fn indices(&self, outputs: &[&[Option<f64>]]) -> Option<Vec<Indices>> {
        let width = self.inputs + 2;
        let whole = |row: &usize| outputs.iter().all(|o| o[row * width..][..width].iter().all(Option::is_some));
        let rows: Vec<usize> = (0..self.rows).filter(whole).collect();
        if rows.len() < FEWEST_ROWS {
            return None;
        }
        let tables: Vec<Table> = outputs.iter().map(|output| Table::new(output, &rows, width)).collect();
        let ones = vec![1.0; rows.len()];
        let best = shares(&tables, &ones, self.inputs)?;
        let resampled: Vec<Vec<[f64; 2]>> = (0..RESAMPLES)
            .into_par_iter()
            .filter_map(|number| {
                let mut stream = Stream::new(self.seed, STREAMS + number as u64);
                let mut times = vec![0.0; rows.len()];
                (0..rows.len()).for_each(|_| times[stream.below(rows.len())] += 1.0);
                shares(&tables, &times, self.inputs)
            })
            .collect();
        let bounded = |input: usize, which: usize| {
            let all = sorted(&resampled.iter().map(|shares| shares[input][which]).collect::<Vec<f64>>());
            let end = |share| if all.is_empty() { f64::NAN } else { quantile(&all, share) };
            Bounded { value: best[input][which], lower: end(0.025), upper: end(0.975) }
        };
        Some((0..self.inputs).map(|i| Indices { first: bounded(i, 0), total: bounded(i, 1) }).collect())
    }
}

/// One output, centred: `values[row * (inputs + 2) + which]`.
struct Table {
    values: Vec<f64>,
    width: usize,
}

impl Table {
    fn new(output: &[Option<f64>], rows: &[usize], width: usize) -> Table {
        let of = |row: &usize| output[row * width..][..width].iter().map(|value| value.unwrap_or(f64::NAN));
        let mut values: Vec<f64> = rows.iter().flat_map(of).collect();
        let sum: f64 = values.chunks(width).map(|row| row[0] + row[1]).sum();
        let mean = sum / (2 * rows.len()) as f64;
        values.iter_mut().for_each(|value| *value -= mean);
        Table { values, width }
    }
}

/// First and total share of each input where each row counts so many times; `None` where nothing varies.
fn shares(tables: &[Table], times: &[f64], inputs: usize) -> Option<Vec<[f64; 2]>> {
    let count: f64 = times.iter().sum();
    let mut variance = 0.0;
    let mut parts = vec![[0.0; 2]; inputs];
    for table in tables {
        let (mut sum, mut squares) = (0.0, 0.0);
        for (row, &times) in table.values.chunks(table.width).zip(times) {
            let (a, b) = (row[0], row[1]);
            sum += times * (a + b);
            squares += times * (a * a + b * b);
            for (part, mixed) in parts.iter_mut().zip(&row[2..]) {
                part[0] += times * b * (mixed - a) / count;
                part[1] += times * 0.5 * (mixed - a).powi(2) / count;
            }
        }
        variance += squares / (2.0 * count) - (sum / (2.0 * count)).powi(2);
    }
    (variance > 0.0).then(|| parts.iter().map(|part| part.map(|x| x / variance)).collect())
}

/// Partial rank correlation of `output` with each column of `inputs` (`[draw][input]`) at given others, with intervals by
/// Fisher's z for draws that are independent. `None` for an input that does not vary, and for all where the output does not,
/// where inputs follow from one another, or where there are too few draws.
pub fn rank_correlations(inputs: &[&[f64]], output: &[f64]) -> Vec<Option<Bounded>> {
    let columns = inputs.first().map_or(0, |row| row.len());
    let mut ranked: Vec<(usize, Vec<f64>)> = Vec::new();
    for column in 0..columns {
        let values: Vec<f64> = inputs.iter().map(|row| row[column]).collect();
        ranked.extend(standard_ranks(&values).map(|ranks| (column, ranks)));
    }
    let mut found = vec![None; columns];
    let (count, n) = (ranked.len(), output.len());
    let Some(ranks) = standard_ranks(output).filter(|_| n > count + 3) else { return found };
    let last: Vec<&Vec<f64>> = ranked.iter().map(|(_, ranks)| ranks).chain([&ranks]).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let matrix = DMatrix::from_fn(count + 1, count + 1, |r, c| dot(last[r], last[c]));
    let Some(precision) = matrix.cholesky().map(|factor| factor.inverse()) else { return found };
    let reach = normal_quantile(0.975) / ((n - count - 2) as f64).sqrt();
    for (at, (column, _)) in ranked.iter().enumerate() {
        let r = -precision[(at, count)] / (precision[(at, at)] * precision[(count, count)]).sqrt();
        let z = r.clamp(-1.0, 1.0).atanh();
        found[*column] = Some(Bounded { value: r, lower: (z - reach).tanh(), upper: (z + reach).tanh() });
    }
    found
}

/// Ranks, ties in the middle of their places, centred and of unit length; `None` if all values are the same.
fn standard_ranks(values: &[f64]) -> Option<Vec<f64>> {
    let order = sorted(values);
    let rank = |x: &f64| (order.partition_point(|y| y < x) + order.partition_point(|y| y <= x)) as f64;
    let mut ranks: Vec<f64> = values.iter().map(rank).collect();
    let mean = ranks.iter().sum::<f64>() / ranks.len().max(1) as f64;
    ranks.iter_mut().for_each(|rank| *rank -= mean);
    let length = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    ranks.iter_mut().for_each(|rank| *rank /= length);
    (length > 0.0).then_some(ranks)
}
