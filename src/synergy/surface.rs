//! What a model says on a fine grid of doses, without noise, and its synergy.
//!
//! Bliss and HSA come from the model's own viabilities under each drug alone, Loewe from its curves of each drug, followed
//! over many doses and interpolated. Without noise the rows and columns of ZIP need no fit, and its excess is that of
//! Bliss.

use super::{Reference, bliss, hsa, loewe};

/// Where a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Doses of each drug, 0 first.
    pub doses: [Vec<f64>; 2],
    /// Doses above 0 of each drug alone, closer and farther than the grid.
    pub alone: [Vec<f64>; 2],
}

/// Doses of a drug alone.
const ALONE: usize = 64;
/// How far they reach below the lowest and above the highest dose of the grid.
const BELOW: f64 = 100.0;
const ABOVE: f64 = 10.0;

impl Grid {
    /// On given doses of each drug; a 0 is added.
    pub fn new(doses: [Vec<f64>; 2]) -> Grid {
        let whole = doses.map(|mut list| {
            list.push(0.0);
            list.sort_by(f64::total_cmp);
            list.dedup();
            list
        });
        let alone = [0, 1].map(|drug| {
            let list: &[f64] = &whole[drug];
            let (low, high) = (list.get(1).copied().unwrap_or(1.0), list.last().copied().unwrap_or(1.0).max(1e-300));
            spaced(low / BELOW, high * ABOVE, ALONE)
        });
        Grid { doses: whole, alone }
    }

    /// The pairs of doses to be asked for: the grid, then the first drug alone, then the second.
    pub fn pairs(&self) -> Vec<[f64; 2]> {
        let [a, b] = &self.doses;
        let grid = a.iter().flat_map(|&a| b.iter().map(move |&b| [a, b]));
        grid.chain(self.alone[0].iter().map(|&a| [a, 0.0])).chain(self.alone[1].iter().map(|&b| [0.0, b])).collect()
    }
}

/// Equal steps of the logarithm.
pub fn spaced(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = (high / low).ln() / (count.max(2) - 1) as f64;
    (0..count).map(|at| low * (step * at as f64).exp()).collect()
}

/// The model's viabilities and what is read off them.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// `viability[i * doses[1].len() + j]`, relative to the vehicle.
    pub viability: Vec<f64>,
    /// By reference (ZIP has none of its own), on combinations.
    pub excess: [Vec<Option<f64>>; 3],
    pub mean: [Option<f64>; 3],
    /// EC50 of a drug at each dose of the other: where viability is half of what the other leaves alone.
    pub ec50: Vec<Option<f64>>,
}

impl Surface {
    pub const REFERENCES: [Reference; 3] = [Reference::Bliss, Reference::Loewe, Reference::Hsa];

    /// From the values at [`Grid::pairs`]; `followed` is the drug whose EC50 is wanted.
    pub fn new(grid: &Grid, values: &[f64], followed: usize) -> Surface {
        let [a, b] = &grid.doses;
        let vehicle = values[0];
        let share: Vec<f64> = values.iter().map(|value| value / vehicle).collect();
        let (cells, rest) = share.split_at(a.len() * b.len());
        let (first, second) = rest.split_at(grid.alone[0].len());
        let alone = [Effect::new(&grid.alone[0], first), Effect::new(&grid.alone[1], second)];
        let mut excess = [(); 3].map(|_| vec![None; cells.len()]);
        for i in 1..a.len() {
            for j in 1..b.len() {
                let cell = i * b.len() + j;
                let read = [cells[i * b.len()], cells[j]];
                let doses = [&|v| alone[0].dose(v), &|v| alone[1].dose(v)] as [&dyn Fn(f64) -> Option<f64>; 2];
                let floors = [alone[0].floor, alone[1].floor];
                let wanted = [
                    Some(bliss::expected(read)),
                    loewe::combined([a[i], b[j]], floors, doses),
                    Some(hsa::expected(read)),
                ];
                for (list, wanted) in excess.iter_mut().zip(wanted) {
                    list[cell] = wanted.map(|wanted| wanted - cells[cell]).filter(|excess| excess.is_finite());
                }
            }
        }
        let mean = [0, 1, 2].map(|reference| {
            let given: Vec<f64> = excess[reference].iter().flatten().copied().collect();
            (!given.is_empty()).then(|| given.iter().sum::<f64>() / given.len() as f64)
        });
        let other = 1 - followed;
        let at =
            |own: usize, beside: usize| if followed == 0 { own * b.len() + beside } else { beside * b.len() + own };
        let ec50 = (0..grid.doses[other].len()).map(|beside| {
            let top = cells[at(0, beside)];
            let line: Vec<f64> = (1..grid.doses[followed].len()).map(|own| cells[at(own, beside)] / top).collect();
            Effect::new(&grid.doses[followed][1..], &line).dose(0.5)
        });
        Surface { viability: cells.to_vec(), mean, ec50: ec50.collect(), excess }
    }
}

/// A falling curve by points, to be read backwards: the logarithm of the dose over the log-odds of the effect, which is a
/// straight line for a Hill curve, joined by monotone cubics (F. N. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput.
/// 5:300, 1984).
struct Effect {
    odds: Vec<f64>,
    logs: Vec<f64>,
    slopes: Vec<f64>,
    /// The lowest viability reached.
    floor: f64,
}

impl Effect {
    fn new(doses: &[f64], viabilities: &[f64]) -> Effect {
        let (mut odds, mut logs): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut floor: f64 = 1.0;
        for (dose, viability) in doses.iter().zip(viabilities) {
            // Effects that are lost in the integrator's error say nothing about a dose.
            let effect = (1.0 - viability).clamp(0.0, 1.0 - 1e-12);
            let place = (effect / (1.0 - effect)).ln();
            if effect > 1e-6 && odds.last().is_none_or(|last| place > last + 1e-9) {
                odds.push(place);
                logs.push(dose.ln());
                floor = floor.min(1.0 - effect);
            }
        }
        let chord = |at: usize| (logs[at + 1] - logs[at]) / (odds[at + 1] - odds[at]);
        let slopes = (0..odds.len()).map(|at| match at {
            _ if odds.len() < 2 => 0.0,
            0 => chord(0),
            at if at + 1 == odds.len() => chord(at - 1),
            at => {
                let (before, after) = (odds[at] - odds[at - 1], odds[at + 1] - odds[at]);
                let (first, second) = (2.0 * after + before, after + 2.0 * before);
                (first + second) / (first / chord(at - 1) + second / chord(at))
            }
        });
        Effect { slopes: slopes.collect(), odds, logs, floor }
    }

    /// The dose with this viability; `None` beyond the last one. Below the first the effect is a power of the dose.
    fn dose(&self, viability: f64) -> Option<f64> {
        let effect = 1.0 - viability;
        let place = (effect / (1.0 - effect)).ln();
        let last = self.odds.len().checked_sub(1)?;
        if last == 0 || place > self.odds[last] || place.is_nan() {
            return None;
        }
        if place <= self.odds[0] {
            return Some((self.logs[0] + self.slopes[0] * (place - self.odds[0])).exp());
        }
        let at = self.odds.partition_point(|odds| *odds < place) - 1;
        let width = self.odds[at + 1] - self.odds[at];
        let t = (place - self.odds[at]) / width;
        let (near, far) = (1.0 - t, t);
        let log = self.logs[at] * (1.0 + 2.0 * t) * near * near
            + self.logs[at + 1] * (3.0 - 2.0 * t) * far * far
            + width * (self.slopes[at] * t * near * near - self.slopes[at + 1] * near * far * far);
        Some(log.exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(viability: impl Fn(f64, f64) -> f64) -> (Grid, Surface) {
        let grid = Grid::new([spaced(0.1, 10.0, 9), spaced(0.2, 20.0, 7)]);
        let values: Vec<f64> = grid.pairs().iter().map(|&[a, b]| 3.0 * viability(a, b)).collect();
        let surface = Surface::new(&grid, &values, 0);
        (grid, surface)
    }

    #[test]
    fn a_dilution_of_a_drug_has_no_loewe_excess_and_independent_hazards_no_bliss_excess() {
        let kill = |dose: f64| (-0.8 * dose.powi(2) / (1.0 + dose.powi(2))).exp();
        let (_, sham) = surface(|a, b| kill(a + 0.5 * b));
        let given: Vec<f64> = sham.excess[1].iter().flatten().copied().collect();
        let worst = given.iter().fold(0.0, |worst: f64, excess| worst.max(excess.abs()));
        assert!(given.len() > 40 && worst < 2e-4, "{} with {worst}", given.len());
        assert!(sham.mean[0].unwrap().abs() > 0.01, "a sham is no Bliss independence");
        let (_, independent) = surface(|a, b| kill(a) * kill(0.3 * b));
        assert!(independent.excess[0].iter().flatten().all(|excess| excess.abs() < 1e-12));
    }

    #[test]
    fn the_ec50_is_that_of_what_the_partner_leaves() {
        let (grid, surface) = surface(|a, b| 0.7 / (1.0 + (a * (1.0 + b)).powi(2)) + 0.0 * b);
        for (b, ec50) in grid.doses[1].iter().zip(&surface.ec50) {
            let known = 1.0 / (1.0 + b);
            // Read on a grid of nine doses; below it the curve is followed as a power.
            assert!((ec50.unwrap() / known - 1.0).abs() < 2e-3, "{b}: {ec50:?} beside {known}");
        }
    }
}
