//! Bootstrap of a curve: experiments first, then wells within them, never frames.
//!
//! Experiments are drawn with replacement; in each that is drawn, wells of one plate, role and dose are drawn anew, and a
//! well brings along all its frames. The curve is fitted to every such set with the noise and the spread between
//! experiments that were learnt from the readings. Intervals are percentiles, which are too narrow where there are few
//! experiments: that is said where they are shown, and `tests/curve_coverage.rs` prints by how much.

use super::analysis::Fit;
use super::fit::{self, State};
use super::infer::End;
use super::quantity::Quantity;
use super::series::{Noise, Series, Well};
use super::target::Target;
use crate::random::Stream;
use std::collections::BTreeMap;

/// How often, and from which random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resampling {
    /// None if this is 0.
    pub draws: usize,
    pub seed: u64,
}

/// Readings of one well.
type Place = Vec<usize>;

/// The percentile interval of each target; `stream` tells curves apart.
pub fn bootstrap(
    series: &Series,
    fit: &Fit,
    noise: &Noise,
    targets: &[(Quantity, Target)],
    resampling: Resampling,
    stream: u64,
) -> Vec<(Quantity, [End; 2])> {
    let strata = strata(series);
    let mut random = Stream::new(resampling.seed, stream);
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); targets.len()];
    for _ in 0..resampling.draws {
        let drawn = Drawn::new(series, &strata, &mut random);
        let problem =
            drawn.series.problem(fit.problem.link, &noise.of(&drawn.wells, &drawn.units), &[], fit.problem.no_floor);
        // A well that was read in several roles may have taken all blanks of a dose with it.
        let mut units = problem.units.iter().zip(&drawn.units);
        if units.any(|(unit, of)| unit.blanks != fit.problem.units[*of].blanks) {
            continue;
        }
        let Some(state) = fit::improve(&problem, &fit.fitted.task, drawn.start(fit)) else { continue };
        for (values, (_, target)) in found.iter_mut().zip(targets) {
            match target.value(&state.theta) {
                Some(value) => values.push(value),
                // A share that is never reached lies beyond all doses.
                None => values.push(f64::INFINITY),
            }
        }
    }
    let interval = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        [0.025, 0.975].map(|share| quantile(values, share))
    };
    targets.iter().zip(&mut found).map(|((quantity, _), values)| (*quantity, interval(values))).collect()
}

/// Of sorted values; open where it lies beyond all doses or there are too few values.
fn quantile(sorted: &[f64], share: f64) -> End {
    if sorted.len() < 40 {
        return End::Open;
    }
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    let value = below + at.fract() * (above - below);
    if value.is_finite() { End::At(value) } else { End::Open }
}

/// Wells that can stand for one another, by experiment.
fn strata(series: &Series) -> Vec<Vec<Vec<Place>>> {
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    for (at, well) in series.wells.iter().enumerate() {
        places.entry(well.place).or_default().push(at);
    }
    let mut alike: BTreeMap<_, Vec<Place>> = BTreeMap::new();
    for place in places.into_values() {
        let first = &series.wells[place[0]];
        let key = (first.experiment, first.unit, first.spot as u8, first.dose.to_bits(), first.time.to_bits());
        alike.entry(key).or_default().push(place);
    }
    let mut strata = vec![Vec::new(); series.experiments.len()];
    for ((experiment, ..), places) in alike {
        strata[experiment].push(places);
    }
    strata
}

/// A set of readings drawn from a series, and where each came from.
struct Drawn {
    series: Series,
    wells: Vec<usize>,
    units: Vec<usize>,
}

impl Drawn {
    fn new(series: &Series, strata: &[Vec<Vec<Place>>], random: &mut Stream) -> Drawn {
        let count = strata.len();
        let mut drawn = Drawn {
            series: Series { wells: Vec::with_capacity(series.wells.len()), limited: Vec::new(), ..series.clone() },
            wells: Vec::new(),
            units: Vec::new(),
        };
        for experiment in 0..count {
            let from = if count > 1 { random.below(count) } else { 0 };
            // Drawn twice, an experiment has its plates twice: each time they have their own gains and blanks.
            let mut units: BTreeMap<usize, usize> = BTreeMap::new();
            let mut moved = |well: &Well, units_drawn: &mut Vec<usize>| {
                let unit = *units.entry(well.unit).or_insert_with(|| {
                    units_drawn.push(well.unit);
                    units_drawn.len() - 1
                });
                Well { unit, experiment, ..well.clone() }
            };
            for places in &strata[from] {
                for _ in places {
                    for &at in &places[random.below(places.len())] {
                        drawn.series.wells.push(moved(&series.wells[at], &mut drawn.units));
                        drawn.wells.push(at);
                    }
                }
            }
            // Wells at a limit have no value that could differ.
            for (well, limit) in series.limited.iter().filter(|(well, _)| well.experiment == from) {
                drawn.series.limited.push((moved(well, &mut drawn.units), *limit));
            }
        }
        drawn.series.units = drawn.units.len();
        drawn
    }

    /// The optimum of all readings, with the units of these.
    fn start(&self, fit: &Fit) -> State {
        let starts = fit::unit_starts(&fit.problem);
        let own = |unit: &usize| {
            let width = fit.problem.link.scales() + fit.problem.units[*unit].blanks;
            &fit.fitted.state.units[starts[*unit]..starts[*unit] + width]
        };
        State { units: self.units.iter().flat_map(own).copied().collect(), ..fit.fitted.state.clone() }
    }
}
