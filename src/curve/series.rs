//! From the readings of a file to the curves in it: which wells belong together, and which are their controls.

use super::problem::{Group, Link, Problem, Spot, Unit};
use super::shape::Shape;
use super::variance::VarianceFunction;
use crate::plate::{Limit, Reading, Readings, Role, Seen};
use std::collections::BTreeMap;

/// One curve over dose: a cell line and a compound, with all other compounds held.
#[derive(Debug, Clone)]
pub struct Series {
    pub cell_line: usize,
    pub compound: usize,
    /// Other compounds and their doses in every well of the curve.
    pub background: Vec<(usize, f64)>,
    pub time: Option<f64>,
    /// Doses above zero, in order.
    pub doses: Vec<f64>,
    pub wells: Vec<Well>,
    /// Experiments (indices of the readings') in the order of their local numbers.
    pub experiments: Vec<usize>,
    pub plates: Vec<usize>,
}

/// A reading in its part.
#[derive(Debug, Clone)]
pub struct Well {
    /// Index into the readings.
    pub reading: usize,
    pub spot: Spot,
    pub dose: f64,
    pub time: f64,
    /// Local numbers.
    pub unit: usize,
    pub experiment: usize,
    /// Signal, or the share of live cells.
    pub value: f64,
    /// Cells counted; 1 for signals.
    pub cells: f64,
    /// The dose whose blanks it sits on.
    pub blank: Option<usize>,
}

/// Which compound varies, which are held: by the number of doses that a compound takes beside the others.
type Part = (usize, Vec<(usize, f64)>);

/// All curves over dose at `at` (the last time of each curve unless stated).
pub fn over_dose(readings: &Readings, link: Link, at: Option<f64>) -> Vec<Series> {
    let index = Index::new(readings);
    let mut treated: BTreeMap<(usize, usize, Vec<(usize, u64)>), Vec<usize>> = BTreeMap::new();
    for (number, reading) in readings.readings.iter().enumerate() {
        if reading.role != Role::Sample || reading.doses.is_empty() || reading.limit != Limit::None {
            continue;
        }
        let (compound, background) = index.part(reading);
        let key: Vec<(usize, u64)> = background.iter().map(|(c, d)| (*c, d.to_bits())).collect();
        treated.entry((reading.cell_line, compound, key)).or_default().push(number);
    }
    let mut out = Vec::new();
    for ((cell_line, compound, background), own) in treated {
        let last = own.iter().filter_map(|i| readings.readings[*i].time).fold(f64::NEG_INFINITY, f64::max);
        let time = at.or((last > f64::NEG_INFINITY).then_some(last));
        let own: Vec<usize> = own.into_iter().filter(|i| same_time(readings.readings[*i].time, time)).collect();
        if own.is_empty() {
            continue;
        }
        let background: Vec<(usize, f64)> = background.iter().map(|(c, d)| (*c, f64::from_bits(*d))).collect();
        out.push(index.series(cell_line, compound, background, time, &own, link));
    }
    out
}

/// Readings without a time belong to every time.
fn same_time(reading: Option<f64>, wanted: Option<f64>) -> bool {
    match (reading, wanted) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
        _ => true,
    }
}

/// Readings by plate, and which compounds vary.
struct Index<'r> {
    readings: &'r Readings,
    by_plate: Vec<Vec<usize>>,
    /// For each set of compounds that were given together, the one that varies.
    varying: BTreeMap<Vec<usize>, usize>,
}

impl<'r> Index<'r> {
    fn new(readings: &'r Readings) -> Self {
        let mut by_plate = vec![Vec::new(); readings.plates.len()];
        let mut doses: BTreeMap<Vec<usize>, Vec<Vec<u64>>> = BTreeMap::new();
        for (number, reading) in readings.readings.iter().enumerate() {
            by_plate[reading.plate].push(number);
            if reading.doses.len() > 1 {
                let set: Vec<usize> = reading.doses.iter().map(|(c, _)| *c).collect();
                let seen = doses.entry(set).or_insert_with(|| vec![Vec::new(); reading.doses.len()]);
                for (at, (_, dose)) in reading.doses.iter().enumerate() {
                    if !seen[at].contains(&dose.to_bits()) {
                        seen[at].push(dose.to_bits());
                    }
                }
            }
        }
        let most = |(set, seen): (Vec<usize>, Vec<Vec<u64>>)| {
            let at = (0..set.len()).rev().max_by_key(|at| seen[*at].len()).unwrap_or(0);
            let varies = set[at];
            (set, varies)
        };
        Index { readings, by_plate, varying: doses.into_iter().map(most).collect() }
    }

    fn part(&self, reading: &Reading) -> Part {
        if let [(only, _)] = reading.doses[..] {
            return (only, Vec::new());
        }
        let set: Vec<usize> = reading.doses.iter().map(|(c, _)| *c).collect();
        let varies = self.varying.get(&set).copied().unwrap_or(set[0]);
        (varies, reading.doses.iter().copied().filter(|(c, _)| *c != varies).collect())
    }

    fn series(
        &self,
        cell_line: usize,
        compound: usize,
        background: Vec<(usize, f64)>,
        time: Option<f64>,
        treated: &[usize],
        link: Link,
    ) -> Series {
        let all = &self.readings.readings;
        let mut plates: Vec<usize> = treated.iter().map(|i| all[*i].plate).collect();
        plates.sort_unstable();
        plates.dedup();
        let mut experiments: Vec<usize> = plates.iter().map(|p| self.readings.plates[*p].experiment).collect();
        experiments.sort_unstable();
        experiments.dedup();
        let mut series =
            Series { cell_line, compound, background, time, doses: Vec::new(), wells: Vec::new(), experiments, plates };
        let dose_of = |reading: &Reading| reading.doses.iter().find(|(c, _)| *c == compound).map_or(0.0, |(_, d)| *d);
        for (unit, &plate) in series.plates.clone().iter().enumerate() {
            let experiment = self.readings.plates[plate].experiment;
            let experiment = series.experiments.iter().position(|e| *e == experiment).unwrap_or(0);
            let here = || self.by_plate[plate].iter().map(|i| (*i, &all[*i])).filter(|(_, r)| r.limit == Limit::None);
            let now = |r: &Reading| same_time(r.time, time);
            let is_control =
                |r: &Reading| r.cell_line == cell_line && matches!(r.role, Role::Sample | Role::Vehicle) && now(r);
            let held = here().any(|(_, r)| is_control(r) && r.doses == series.background && !r.doses.is_empty());
            let mut add = |number: usize, spot: Spot, dose: f64| {
                let reading = &all[number];
                let (value, cells) = seen(reading.seen, link);
                if value.is_finite() && cells > 0.0 {
                    let time = reading.time.unwrap_or(0.0);
                    series.wells.push(Well {
                        reading: number,
                        spot,
                        dose,
                        time,
                        unit,
                        experiment,
                        value,
                        cells,
                        blank: None,
                    });
                }
            };
            for (number, reading) in here() {
                let control = if held { reading.doses == series.background } else { reading.doses.is_empty() };
                match reading.role {
                    Role::Sample if treated.binary_search(&number).is_ok() => {
                        add(number, Spot::Curve, dose_of(reading))
                    }
                    Role::Sample | Role::Vehicle if is_control(reading) && control => add(number, Spot::Curve, 0.0),
                    Role::Blank if !link.is_share() && now(reading) => {
                        let mine = reading.doses.iter().all(|(c, _)| *c == compound);
                        if mine {
                            add(number, Spot::Blank, dose_of(reading));
                        }
                    }
                    Role::Positive if link == Link::Dead && now(reading) && reading.cell_line == cell_line => {
                        add(number, Spot::Full, 0.0);
                    }
                    Role::Start if link == Link::Growth && reading.cell_line == cell_line => {
                        add(number, Spot::Start, 0.0);
                    }
                    _ => {}
                }
            }
        }
        series.doses = series.wells.iter().filter(|w| w.spot == Spot::Curve && w.dose > 0.0).map(|w| w.dose).collect();
        series.doses.sort_by(f64::total_cmp);
        series.doses.dedup();
        series.set_blanks();
        series
    }
}

/// What a link sees: a signal, or a share of live cells and how many were counted.
fn seen(seen: Seen, link: Link) -> (f64, f64) {
    match (seen, link) {
        (Seen::Signal(value), Link::Share) => (value, 1.0),
        (Seen::Signal(value), _) => (value, 1.0),
        (Seen::Counts { live, dead }, Link::Share) => (live / (live + dead), live + dead),
        (Seen::Counts { live, .. }, Link::Signal | Link::Growth) => (live, 1.0),
        (Seen::Counts { dead, .. }, Link::Dead) => (dead, 1.0),
        (Seen::Deaths(count), _) => (count, 1.0),
    }
}

impl Series {
    /// A well sits on the blanks with its own dose where there are any, otherwise on those without a dose.
    fn set_blanks(&mut self) {
        let levels = self.blank_levels();
        for well in &mut self.wells {
            let own = &levels[well.unit];
            well.blank = own.iter().position(|dose| *dose == well.dose).or((!own.is_empty()).then_some(0));
        }
    }

    /// For each unit the doses at which it has blanks, none first.
    fn blank_levels(&self) -> Vec<Vec<f64>> {
        let mut levels = vec![Vec::new(); self.plates.len()];
        for well in self.wells.iter().filter(|w| w.spot == Spot::Blank) {
            if !levels[well.unit].contains(&well.dose) {
                levels[well.unit].push(well.dose);
            }
        }
        levels.iter_mut().for_each(|own| own.sort_by(f64::total_cmp));
        levels
    }

    /// Doses of wells whose colour no blank shows, although other doses have one.
    pub fn doses_without_blank(&self) -> Vec<f64> {
        let levels = self.blank_levels();
        let any = |unit: usize| levels[unit].iter().any(|dose| *dose > 0.0);
        let mut out: Vec<f64> = self
            .wells
            .iter()
            .filter(|w| w.spot == Spot::Curve && w.dose > 0.0 && any(w.unit) && !levels[w.unit].contains(&w.dose))
            .map(|w| w.dose)
            .collect();
        out.sort_by(f64::total_cmp);
        out.dedup();
        out
    }

    /// The observations, with the wells in `left_out` (indices of readings) not among them.
    ///
    /// `levels` gives each unit's unaffected signal and each well's own level over it, for the variance; without it
    /// all wells of a unit are taken to scatter alike.
    pub fn problem(&self, link: Link, noise: &Noise, left_out: &[usize], no_floor: bool) -> Problem {
        let levels = self.blank_levels();
        let units: Vec<Unit> = (0..self.plates.len())
            .map(|unit| Unit {
                experiment: self.wells.iter().find(|w| w.unit == unit).map_or(0, |w| w.experiment),
                blanks: levels[unit].len(),
            })
            .collect();
        let mut groups: Vec<Group> = Vec::new();
        let mut places: BTreeMap<(usize, u8, u64), usize> = BTreeMap::new();
        for (at, well) in self.wells.iter().enumerate() {
            if left_out.contains(&well.reading) {
                continue;
            }
            let weight = if link.is_share() { noise.cells(well.cells) } else { 1.0 };
            let key = (well.unit, well.spot as u8, well.dose.to_bits());
            let place = *places.entry(key).or_insert_with(|| {
                groups.push(Group {
                    unit: well.unit,
                    cluster: well.experiment,
                    spot: well.spot,
                    x: well.dose.ln(),
                    blank: well.blank,
                    n: 0.0,
                    mean: 0.0,
                    scatter: 0.0,
                    scatter_df: -1.0,
                    variance: noise.variance(at, well.unit),
                });
                groups.len() - 1
            });
            // One pass: mean and squares are kept up as wells come in.
            let group = &mut groups[place];
            let total = group.n + weight;
            let delta = well.value - group.mean;
            group.mean += delta * weight / total;
            group.scatter += weight * delta * (well.value - group.mean);
            group.n = total;
            group.scatter_df += 1.0;
        }
        groups.sort_by_key(|group| group.unit);
        let doses: Vec<f64> = groups.iter().filter(|g| g.spot == Spot::Curve).map(|g| g.x).collect();
        let mut levels = doses;
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let finite: Vec<f64> = levels.iter().copied().filter(|x| x.is_finite()).collect();
        let range = (finite.first().copied().unwrap_or(0.0), finite.last().copied().unwrap_or(1.0));
        Problem {
            shape: Shape::Dose,
            link,
            experiments: self.experiments.len(),
            clusters: self.experiments.len(),
            units,
            groups,
            range,
            levels,
            no_floor,
        }
    }
}

/// The variance of each well of one series.
#[derive(Debug, Clone)]
pub enum Noise {
    /// All wells of a unit scatter alike; the number is the square of the unit's unaffected signal.
    Even(Vec<f64>),
    /// By the file's function: squares of the units' unaffected signals, and levels of the wells over these.
    Function { function: VarianceFunction, squares: Vec<f64>, levels: Vec<f64> },
    /// Counts with this overdispersion.
    Counts(f64),
}

impl Noise {
    fn variance(&self, well: usize, unit: usize) -> f64 {
        match self {
            Noise::Even(squares) => squares[unit],
            Noise::Function { function, squares, levels } => squares[unit] * function.at(levels[well]),
            Noise::Counts(_) => 1.0,
        }
    }

    /// Cells over their overdispersion.
    fn cells(&self, cells: f64) -> f64 {
        match self {
            Noise::Counts(phi) => cells / (1.0 + (cells - 1.0).max(0.0) * phi),
            _ => cells,
        }
    }
}
