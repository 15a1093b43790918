//! Where searches begin: an even population over the box, and which of it is worth a search.

use super::Objective;
use super::boxed::Boxed;
use crate::random::Points;

/// Nearest-better distances cost the square of the number of points; beyond this many the best are enough.
const COMPARED: usize = 4096;

/// The starts of a fit, by number: the user's own guess first, then a Sobol set.
pub struct Starts {
    nominal: Option<Vec<f64>>,
    points: Points,
    boxed: Boxed,
}

impl Starts {
    pub fn new(objective: &dyn Objective, count: usize, seed: u64) -> Self {
        let boxed = Boxed::of(objective);
        let points = Points::new(boxed.dimensions(), count, seed);
        Starts { nominal: objective.nominal().map(<[f64]>::to_vec), points, boxed }
    }

    pub fn point(&self, number: usize) -> Vec<f64> {
        match (&self.nominal, number) {
            (Some(nominal), 0) => nominal.clone(),
            (nominal, _) => self.boxed.point(&self.points.point(number - usize::from(nominal.is_some()))),
        }
    }

    /// The `count` starts to search from, best first: the user's guess, then in turn one by its value and one by its
    /// distance to the nearest better point (M. Preuss, "Niching the CMA-ES via nearest-better clustering", GECCO
    /// 2010), which is large for the best of each valley however high the valley lies.
    pub fn choose(&self, scores: &[f64], count: usize) -> Vec<usize> {
        let mut by_value: Vec<usize> = (0..scores.len()).filter(|&i| scores[i].is_finite()).collect();
        by_value.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
        let compared = &by_value[..by_value.len().min(COMPARED)];
        let units: Vec<Vec<f64>> = compared.iter().map(|&i| self.boxed.unit(&self.point(i))).collect();
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
        let mut by_distance: Vec<(f64, usize)> = (0..compared.len())
            .map(|rank| {
                let nearest = (0..rank).map(|better| apart(&units[rank], &units[better])).fold(f64::INFINITY, f64::min);
                (nearest, compared[rank])
            })
            .collect();
        by_distance.sort_by(|a, b| b.0.total_cmp(&a.0).then(scores[a.1].total_cmp(&scores[b.1])).then(a.1.cmp(&b.1)));

        let mut taken = vec![false; scores.len()];
        let mut chosen = Vec::with_capacity(count);
        let guess = self.nominal.iter().map(|_| 0).filter(|&i| scores.first().is_some_and(|_| scores[i].is_finite()));
        let alternating = (0..by_value.len())
            .flat_map(|rank| [Some(by_value[rank]), by_distance.get(rank).map(|entry| entry.1)])
            .flatten();
        for start in guess.chain(alternating) {
            if chosen.len() < count && !std::mem::replace(&mut taken[start], true) {
                chosen.push(start);
            }
        }
        chosen
    }
}
