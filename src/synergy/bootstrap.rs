//! Intervals by repeating the analysis on readings drawn anew.
//!
//! Where there are several experiments, whole experiments are drawn with replacement: wells of one day are no independent
//! evidence. Where there is one, its wells are: each well gets the mean of its cell and a residual drawn from all cells
//! (the residual bootstrap of K. Van der Borght et al., Front. Pharmacol. 7:505, 2016, with one variance for all cells).
//! All curves are fitted again in each repeat.
//!
//! Percentiles of so few experiments are too narrow: the standard deviation of the repeats underestimates the standard
//! error by `sqrt((n - 1) / n)`, and its own error is left out. An interval is therefore the estimate and Student's t
//! times the corrected standard deviation on either side (T. C. Hesterberg, Am. Stat. 69:371, 2015).

use super::analysis::{Analysis, Numbers};
use super::matrix::{Matrix, Well, Wells};
use crate::random::Stream;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::BTreeMap;

/// What was drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// So many experiments.
    Experiments(usize),
    /// Wells of one experiment, with so many degrees of freedom.
    Wells(usize),
    /// One experiment in which nothing was read twice: there are no intervals.
    Nothing,
}

/// Half the widths of 95 % intervals; NaN where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    pub basis: Basis,
    pub half: Numbers,
}

/// Repeats in which a number may be missing, as a share, before its interval is.
const MISSING: f64 = 0.1;

/// Repeats `analysis`, that of `wells`, on readings drawn anew. The same seed gives the same intervals.
pub fn bootstrap(wells: &Wells, analysis: &Analysis, repeats: usize, seed: u64) -> Intervals {
    let basis = basis(wells, &analysis.matrix);
    let numbers = analysis.numbers();
    let length = numbers.clone().row().len();
    let wider = match basis {
        Basis::Experiments(n) => student(n - 1) * (n as f64 / (n as f64 - 1.0)).sqrt(),
        Basis::Wells(freedom) => student(freedom),
        Basis::Nothing => f64::NAN,
    };
    let repeats = if basis == Basis::Nothing { 0 } else { repeats };
    let scatter = Scatter::of(wells);
    let rows: Vec<Vec<f64>> = (0..repeats as u64)
        .into_par_iter()
        .map(|repeat| {
            let mut random = Stream::new(seed, repeat);
            let matrix = match basis {
                Basis::Experiments(_) => experiments(wells, &analysis.matrix, &mut random),
                _ => scatter.redrawn(wells, &analysis.matrix, &mut random),
            };
            matrix.analyse(Some(analysis)).numbers().row()
        })
        .collect();
    let half: Vec<f64> = (0..length).map(|at| wider * spread(rows.iter().map(|row| row[at]))).collect();
    Intervals { basis, half: numbers.filled(&half) }
}

fn basis(wells: &Wells, matrix: &Matrix) -> Basis {
    let experiments = wells.experiments().len();
    let cells = matrix.cells.iter().flatten().count();
    match wells.wells.len() - cells {
        _ if experiments > 1 => Basis::Experiments(experiments),
        0 => Basis::Nothing,
        freedom => Basis::Wells(freedom),
    }
}

fn student(freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
}

/// The standard deviation of what there is; NaN where too much is missing.
fn spread(values: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = values.collect();
    let given: Vec<f64> = all.iter().copied().filter(|value| value.is_finite()).collect();
    let n = given.len() as f64;
    if n < 20.0 || n < (1.0 - MISSING) * all.len() as f64 {
        return f64::NAN;
    }
    let mean = given.iter().sum::<f64>() / n;
    (given.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

fn experiments(wells: &Wells, matrix: &Matrix, random: &mut Stream) -> Matrix {
    let names = wells.experiments();
    let drawn: Vec<usize> = names.iter().map(|_| names[random.below(names.len())]).collect();
    let chosen = drawn.iter().enumerate();
    let chosen = chosen.flat_map(|(at, &name)| {
        wells.wells.iter().filter(move |well| well.experiment == name).map(move |well| (well, at))
    });
    Matrix::of(matrix.doses.clone(), chosen)
}

/// How wells scatter around their cells.
struct Scatter {
    /// The mean that each well is read around.
    means: Vec<f64>,
    residuals: Vec<f64>,
}

impl Scatter {
    fn of(wells: &Wells) -> Scatter {
        let mut cells: BTreeMap<[u64; 2], (f64, f64)> = BTreeMap::new();
        let key = |well: &Well| well.doses.map(f64::to_bits);
        for well in &wells.wells {
            let entry = cells.entry(key(well)).or_default();
            *entry = (entry.0 + well.viability, entry.1 + 1.0);
        }
        let mut scatter = Scatter { means: Vec::new(), residuals: Vec::new() };
        for well in &wells.wells {
            let (sum, count) = cells[&key(well)];
            scatter.means.push(sum / count);
            if count > 1.0 {
                // Residuals around a mean of few are too small.
                scatter.residuals.push((well.viability - sum / count) * (count / (count - 1.0)).sqrt());
            }
        }
        scatter
    }

    fn redrawn(&self, wells: &Wells, matrix: &Matrix, random: &mut Stream) -> Matrix {
        let mut drawn = wells.wells.clone();
        for (well, mean) in drawn.iter_mut().zip(&self.means) {
            well.viability = mean + self.residuals[random.below(self.residuals.len())];
        }
        if wells.divided {
            // The vehicle that all others are divided by was drawn anew as well.
            let mut vehicles: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
            for well in drawn.iter().filter(|well| well.doses == [0.0; 2]) {
                let entry = vehicles.entry(well.unit).or_default();
                *entry = (entry.0 + well.viability, entry.1 + 1.0);
            }
            for well in &mut drawn {
                well.viability /= vehicles.get(&well.unit).map_or(1.0, |(sum, count)| sum / count);
            }
        }
        Matrix::of(matrix.doses.clone(), drawn.iter().map(|well| (well, well.experiment)))
    }
}
