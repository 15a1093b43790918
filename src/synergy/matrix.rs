//! Readings over the doses of two drugs, and their means.

use std::collections::BTreeMap;

/// One reading of a pair of doses.
#[derive(Debug, Clone, PartialEq)]
pub struct Well {
    /// Dose of each drug.
    pub doses: [f64; 2],
    /// Viability relative to the vehicle.
    pub viability: f64,
    /// Number of its experiment.
    pub experiment: usize,
    /// What shares a vehicle control: a plate or an experiment.
    pub unit: usize,
}

/// All readings of one time and condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wells {
    pub wells: Vec<Well>,
    /// Viabilities were made by dividing by the mean vehicle well of their unit, which therefore has an error of its own.
    pub divided: bool,
}

/// Mean viabilities on the doses of both drugs.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Doses of each drug in order; those of a drug alone and of the vehicle have a 0.
    pub doses: [Vec<f64>; 2],
    /// `cells[i * doses[1].len() + j]`; `None` where nothing was read.
    pub cells: Vec<Option<f64>>,
    /// Readings behind each mean.
    pub counts: Vec<usize>,
}

impl Wells {
    /// Adds a reading.
    pub fn push(&mut self, doses: [f64; 2], viability: f64, experiment: usize) {
        self.wells.push(Well { doses, viability, experiment, unit: experiment });
    }

    /// Distinct doses of a drug in order.
    pub fn doses(&self, drug: usize) -> Vec<f64> {
        let mut doses: Vec<f64> = self.wells.iter().map(|well| well.doses[drug]).collect();
        doses.sort_by(f64::total_cmp);
        doses.dedup();
        doses
    }

    /// Experiments in order.
    pub fn experiments(&self) -> Vec<usize> {
        let mut experiments: Vec<usize> = self.wells.iter().map(|well| well.experiment).collect();
        experiments.sort_unstable();
        experiments.dedup();
        experiments
    }

    /// Means over experiments of the means over their wells: an experiment with more wells counts no more.
    pub fn matrix(&self) -> Matrix {
        Matrix::of([self.doses(0), self.doses(1)], self.wells.iter().map(|well| (well, well.experiment)))
    }
}

impl Matrix {
    /// The means of wells on given doses; the second of a pair says which wells are averaged first.
    pub(super) fn of<'w>(doses: [Vec<f64>; 2], wells: impl Iterator<Item = (&'w Well, usize)>) -> Matrix {
        let mut groups: BTreeMap<(usize, usize), (f64, usize)> = BTreeMap::new();
        let place = |drug: usize, dose: f64| doses[drug].iter().position(|known| *known == dose);
        for (well, group) in wells {
            let (Some(i), Some(j)) = (place(0, well.doses[0]), place(1, well.doses[1])) else { continue };
            let entry = groups.entry((i * doses[1].len() + j, group)).or_default();
            *entry = (entry.0 + well.viability, entry.1 + 1);
        }
        let size = doses[0].len() * doses[1].len();
        let (mut sums, mut means, mut counts) = (vec![0.0; size], vec![0usize; size], vec![0usize; size]);
        for ((cell, _), (sum, count)) in groups {
            sums[cell] += sum / count as f64;
            means[cell] += 1;
            counts[cell] += count;
        }
        let cells = sums.iter().zip(&means).map(|(sum, &count)| (count > 0).then(|| sum / count as f64)).collect();
        Matrix { doses, cells, counts }
    }

    pub fn at(&self, i: usize, j: usize) -> Option<f64> {
        self.cells[i * self.doses[1].len() + j]
    }

    /// The mean where the drugs have the doses with these numbers, in the order of `drugs`.
    pub(super) fn of_drug(&self, drug: usize, own: usize, other: usize) -> Option<f64> {
        if drug == 0 { self.at(own, other) } else { self.at(other, own) }
    }

    /// The number of a zero dose.
    pub fn zero(&self, drug: usize) -> Option<usize> {
        self.doses[drug].first().filter(|dose| **dose == 0.0).map(|_| 0)
    }

    /// The numbers of doses above zero.
    pub fn dosed(&self, drug: usize) -> std::ops::Range<usize> {
        usize::from(self.zero(drug).is_some())..self.doses[drug].len()
    }

    /// Mean viability under one drug alone, at the number of a dose.
    pub fn alone(&self, drug: usize, dose: usize) -> Option<f64> {
        self.of_drug(drug, dose, self.zero(1 - drug)?)
    }

    /// Cells with both drugs: their numbers of doses.
    pub fn combinations(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.dosed(0).flat_map(|i| self.dosed(1).map(move |j| (i, j)))
    }

    /// Doses above zero of one drug and what was read there beside a dose of the other.
    pub(super) fn line(&self, drug: usize, other: usize) -> (Vec<f64>, Vec<f64>) {
        self.dosed(drug).filter_map(|own| Some((self.doses[drug][own], self.of_drug(drug, own, other)?))).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_count_alike_and_what_was_not_read_has_no_mean() {
        let mut wells = Wells::default();
        for (viability, experiment) in [(0.2, 0), (0.4, 0), (0.9, 1)] {
            wells.push([1.0, 5.0], viability, experiment);
        }
        wells.push([0.0, 0.0], 1.0, 0);
        let matrix = wells.matrix();
        assert_eq!(matrix.doses, [vec![0.0, 1.0], vec![0.0, 5.0]]);
        assert!((matrix.at(1, 1).unwrap() - 0.6).abs() < 1e-12 && matrix.at(0, 1).is_none());
        assert_eq!(matrix.counts, [1, 0, 0, 3]);
        assert_eq!(matrix.combinations().collect::<Vec<_>>(), [(1, 1)]);
    }
}
