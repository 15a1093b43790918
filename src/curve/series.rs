//! From the readings of a file to the curves in it: which wells belong together, and which are their controls.

use super::problem::{Bound, Group, Link, Problem, Spot, Unit};
use super::shape::Shape;
use super::variance::VarianceFunction;
use crate::plate::{Limit, Reading, Readings, Role, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// One curve: a cell line and a compound, with all other compounds held; over dose at one time, or over time at one dose.
#[derive(Debug, Clone)]
pub struct Series {
    pub shape: Shape,
    pub cell_line: usize,
    pub compound: usize,
    /// Other compounds and their doses in every well of the curve.
    pub background: Vec<(usize, f64)>,
    pub time: Option<f64>,
    /// Doses above zero, in order.
    pub doses: Vec<f64>,
    pub wells: Vec<Well>,
    /// Those that read beyond the range of the instrument; their `value` is its limit.
    pub limited: Vec<(Well, Limit)>,
    /// Experiments (indices of the readings') in the order of their local numbers.
    pub experiments: Vec<usize>,
    pub plates: Vec<usize>,
    /// Number of units (plates, or plates at times) and of clusters.
    pub units: usize,
    pub clusters: usize,
}

/// A reading in its part.
#[derive(Debug, Clone)]
pub struct Well {
    /// Index into the readings.
    pub reading: usize,
    pub spot: Spot,
    pub dose: f64,
    pub time: f64,
    /// Where it stands on its curve: logarithm of the dose, or time.
    pub x: f64,
    /// Local numbers.
    pub unit: usize,
    pub experiment: usize,
    /// Its well: the same for all frames of one.
    pub place: usize,
    /// What is left out together: the experiment, or the well if there is one experiment and wells were read again.
    pub cluster: usize,
    /// Signal, or the share of live cells.
    pub value: f64,
    /// Cells counted; 1 for signals.
    pub cells: f64,
    /// The dose whose blanks it sits on.
    pub blank: Option<usize>,
}

/// Which compound varies, which are held: by the number of doses that a compound takes beside the others.
type Part = (usize, Vec<(usize, f64)>);
/// Compounds and bits of their doses, for keys.
type Doses = Vec<(usize, u64)>;

/// All curves over dose at `at` (the last time of each curve unless stated).
pub fn over_dose(readings: &Readings, link: Link, at: Option<f64>) -> Vec<Series> {
    let index = Index::new(readings);
    let mut out = Vec::new();
    for ((cell_line, compound, background), own) in index.treated(|_| 0) {
        let last = own.iter().filter_map(|i| readings.readings[*i].time).fold(f64::NEG_INFINITY, f64::max);
        let time = at.or((last > f64::NEG_INFINITY).then_some(last));
        let own: Vec<usize> = own.into_iter().filter(|i| same_time(readings.readings[*i].time, time)).collect();
        if !own.is_empty() {
            out.push(index.over_dose(cell_line, compound, background.0, time, &own, link));
        }
    }
    out
}

/// All curves over time with at least `least` times; those of the vehicle are among them, with a dose of zero.
pub fn over_time(readings: &Readings, link: Link, least: usize) -> Vec<Series> {
    let index = Index::new(readings);
    let treated = index.treated(|dose| dose);
    let mut out: Vec<Series> = Vec::new();
    for ((cell_line, compound, (background, dose)), own) in treated {
        let mut series = index.over_time(cell_line, compound, background.clone(), f64::from_bits(dose), &own, link);
        series.shape = Shape::Lag;
        if series.times() >= least {
            let known =
                |s: &&Series| s.cell_line == cell_line && s.compound == compound && s.background == series.background;
            if !out.iter().rev().take(1).any(|s| known(&s)) && link != Link::Signal {
                let controls: Vec<usize> =
                    series.plates.iter().flat_map(|plate| index.controls(*plate, cell_line, &background)).collect();
                let vehicle = index.over_time(cell_line, compound, background, 0.0, &controls, link);
                if vehicle.times() >= least {
                    out.push(vehicle);
                }
            }
            out.push(series);
        }
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

/// Readings by what they are to others.
struct Index<'r> {
    readings: &'r Readings,
    /// Cells without any compound, by plate and cell line.
    vehicles: BTreeMap<(usize, usize), Vec<usize>>,
    /// Treated cells, by plate, cell line and doses; kept only where compounds were combined.
    dosed: BTreeMap<(usize, usize, Doses), Vec<usize>>,
    /// Blanks, positives and starts, by plate.
    others: Vec<Vec<usize>>,
    /// For each set of compounds that were given together, the one that varies.
    varying: BTreeMap<Vec<usize>, usize>,
}

impl<'r> Index<'r> {
    fn new(readings: &'r Readings) -> Self {
        let mut index = Index {
            readings,
            vehicles: BTreeMap::new(),
            dosed: BTreeMap::new(),
            others: vec![Vec::new(); readings.plates.len()],
            varying: BTreeMap::new(),
        };
        let combined = readings.readings.iter().any(|r| r.doses.len() > 1);
        let mut doses: BTreeMap<Vec<usize>, Vec<BTreeSet<u64>>> = BTreeMap::new();
        for (number, reading) in readings.readings.iter().enumerate() {
            if !matches!(reading.role, Role::Sample | Role::Vehicle) {
                index.others[reading.plate].push(number);
            } else if reading.doses.is_empty() {
                index.vehicles.entry((reading.plate, reading.cell_line)).or_default().push(number);
            } else if combined {
                let key = (reading.plate, reading.cell_line, bits(&reading.doses));
                index.dosed.entry(key).or_default().push(number);
            }
            if reading.doses.len() > 1 {
                let set: Vec<usize> = reading.doses.iter().map(|(c, _)| *c).collect();
                let seen = doses.entry(set).or_insert_with(|| vec![BTreeSet::new(); reading.doses.len()]);
                for (at, (_, dose)) in reading.doses.iter().enumerate() {
                    seen[at].insert(dose.to_bits());
                }
            }
        }
        let most = |(set, seen): (Vec<usize>, Vec<BTreeSet<u64>>)| {
            let at = (0..set.len()).rev().max_by_key(|at| seen[*at].len()).unwrap_or(0);
            let varies = set[at];
            (set, varies)
        };
        index.varying = doses.into_iter().map(most).collect();
        index
    }

    /// Treated wells by cell line, compound, background and whatever `split` makes of the bits of the dose.
    fn treated(&self, split: fn(u64) -> u64) -> BTreeMap<(usize, usize, (Doses, u64)), Vec<usize>> {
        let mut out: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (number, reading) in self.readings.readings.iter().enumerate() {
            if reading.role == Role::Sample && !reading.doses.is_empty() {
                let (compound, background) = self.part(reading);
                let dose = dose_of(reading, compound).to_bits();
                out.entry((reading.cell_line, compound, (bits(&background), split(dose)))).or_default().push(number);
            }
        }
        out
    }

    fn part(&self, reading: &Reading) -> Part {
        if let [(only, _)] = reading.doses[..] {
            return (only, Vec::new());
        }
        let set: Vec<usize> = reading.doses.iter().map(|(c, _)| *c).collect();
        let varies = self.varying.get(&set).copied().unwrap_or(set[0]);
        (varies, reading.doses.iter().copied().filter(|(c, _)| *c != varies).collect())
    }

    /// Cells that got all but the compound in question, on one plate at all times; the vehicle where there are none.
    fn controls(&self, plate: usize, cell_line: usize, background: &Doses) -> Vec<usize> {
        let held = self.dosed.get(&(plate, cell_line, background.clone())).filter(|_| !background.is_empty());
        held.or_else(|| self.vehicles.get(&(plate, cell_line))).cloned().unwrap_or_default()
    }

    fn empty(&self, cell_line: usize, compound: usize, background: &Doses, own: &[usize]) -> Series {
        let mut plates: Vec<usize> = own.iter().map(|i| self.readings.readings[*i].plate).collect();
        plates.sort_unstable();
        plates.dedup();
        let mut experiments: Vec<usize> = plates.iter().map(|p| self.readings.plates[*p].experiment).collect();
        experiments.sort_unstable();
        experiments.dedup();
        Series {
            shape: Shape::Dose,
            cell_line,
            compound,
            background: background.iter().map(|(c, d)| (*c, f64::from_bits(*d))).collect(),
            time: None,
            doses: Vec::new(),
            wells: Vec::new(),
            limited: Vec::new(),
            units: plates.len(),
            clusters: experiments.len(),
            experiments,
            plates,
        }
    }

    /// What tells a well of a plate from the others.
    fn well_name(&self, number: usize) -> Option<String> {
        let reading = &self.readings.readings[number];
        reading.well_name.clone().or_else(|| reading.well.map(|well| format!("{well:?}")))
    }

    fn well(&self, series: &Series, number: usize, spot: Spot, link: Link) -> Option<Well> {
        let reading = &self.readings.readings[number];
        let (value, cells) = seen(reading.seen, link);
        let experiment = self.readings.plates[reading.plate].experiment;
        let experiment = series.experiments.binary_search(&experiment).unwrap_or(0);
        let dose = dose_of(reading, series.compound);
        (value.is_finite() && cells > 0.0).then(|| Well {
            reading: number,
            spot,
            dose,
            time: reading.time.unwrap_or(0.0),
            x: dose.ln(),
            unit: series.plates.binary_search(&reading.plate).unwrap_or(0),
            experiment,
            place: number,
            cluster: experiment,
            value,
            cells,
            blank: None,
        })
    }

    fn over_dose(
        &self,
        cell_line: usize,
        compound: usize,
        background: Doses,
        time: Option<f64>,
        treated: &[usize],
        link: Link,
    ) -> Series {
        let all = &self.readings.readings;
        let mut series = self.empty(cell_line, compound, &background, treated);
        series.time = time;
        let now = |number: &usize| same_time(all[*number].time, time);
        let mut wells: Vec<(usize, Spot)> = treated.iter().map(|number| (*number, Spot::Curve)).collect();
        for &plate in &series.plates {
            wells.extend(
                self.controls(plate, cell_line, &background).iter().filter(|n| now(n)).map(|n| (*n, Spot::Curve)),
            );
            for &number in &self.others[plate] {
                let reading = &all[number];
                let mine = reading.cell_line == cell_line;
                match reading.role {
                    Role::Blank
                        if !link.is_share() && now(&number) && reading.doses.iter().all(|(c, _)| *c == compound) =>
                    {
                        wells.push((number, Spot::Blank));
                    }
                    Role::Positive if link == Link::Dead && now(&number) && mine => wells.push((number, Spot::Full)),
                    Role::Start if link == Link::Growth && mine => wells.push((number, Spot::Start)),
                    _ => {}
                }
            }
        }
        let wells: Vec<Well> =
            wells.into_iter().filter_map(|(number, spot)| self.well(&series, number, spot, link)).collect();
        // What the control was given besides is the background, not a dose.
        series.doses = wells.iter().filter(|w| w.spot == Spot::Curve && w.dose > 0.0).map(|w| w.dose).collect();
        series.doses.sort_by(f64::total_cmp);
        series.doses.dedup();
        self.take(&mut series, wells);
        series
    }

    /// Wells with a value, and those of which only a limit is known.
    fn take(&self, series: &mut Series, wells: Vec<Well>) {
        for well in wells {
            match self.readings.readings[well.reading].limit {
                Limit::None => series.wells.push(well),
                limit => series.limited.push((well, limit)),
            }
        }
        series.set_blanks();
    }

    /// Shares and dead dyes have one scale a plate; live signals are relative to the vehicle of the same time.
    fn over_time(
        &self,
        cell_line: usize,
        compound: usize,
        background: Doses,
        dose: f64,
        own: &[usize],
        link: Link,
    ) -> Series {
        let all = &self.readings.readings;
        let mut series = self.empty(cell_line, compound, &background, own);
        series.shape = Shape::Lag;
        series.doses = if dose > 0.0 { vec![dose] } else { Vec::new() };
        let mut wells: Vec<(usize, Spot)> = own.iter().map(|number| (*number, Spot::Curve)).collect();
        for &plate in &series.plates {
            if link == Link::Signal {
                wells.extend(self.controls(plate, cell_line, &background).iter().map(|n| (*n, Spot::Curve)));
            }
            for &number in &self.others[plate] {
                match all[number].role {
                    Role::Blank if !link.is_share() && all[number].doses.is_empty() => {
                        wells.push((number, Spot::Blank))
                    }
                    Role::Positive if link == Link::Dead && all[number].cell_line == cell_line => {
                        wells.push((number, Spot::Full));
                    }
                    _ => {}
                }
            }
        }
        let mut units: BTreeMap<(usize, u64), usize> = BTreeMap::new();
        let mut clusters: BTreeMap<(usize, String), usize> = BTreeMap::new();
        let mut found: Vec<Well> = Vec::new();
        let mut places: BTreeMap<(usize, String), usize> = BTreeMap::new();
        let mut place_of = |number: usize| {
            // Frames without a well's name stand for themselves.
            let name = self.well_name(number);
            name.map_or(number, |name| *places.entry((all[number].plate, name)).or_insert(number))
        };
        for (number, spot) in wells {
            let Some(mut well) = self.well(&series, number, spot, link) else { continue };
            let control = link == Link::Signal && well.dose == 0.0;
            well.x = if control || spot != Spot::Curve { f64::NEG_INFINITY } else { well.time };
            if link == Link::Signal {
                let count = units.len();
                well.unit = *units.entry((well.unit, well.time.to_bits())).or_insert(count);
            }
            if series.experiments.len() == 1 {
                let count = clusters.len();
                if let (Some(name), Spot::Curve, false) = (self.well_name(number), spot, control) {
                    well.cluster = *clusters.entry((all[number].plate, name)).or_insert(count);
                } else {
                    well.cluster = usize::MAX;
                }
            }
            well.place = place_of(number);
            found.push(well);
        }
        if link == Link::Signal {
            series.units = units.len();
        }
        if series.experiments.len() == 1 {
            series.clusters = clusters.len().max(1);
        }
        self.take(&mut series, found);
        series
    }
}

fn bits(doses: &[(usize, f64)]) -> Doses {
    doses.iter().map(|(c, d)| (*c, d.to_bits())).collect()
}

fn dose_of(reading: &Reading, compound: usize) -> f64 {
    reading.doses.iter().find(|(c, _)| *c == compound).map_or(0.0, |(_, dose)| *dose)
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

impl Well {
    /// Whether it is among the wells of a group.
    pub fn is_of(&self, group: &Group) -> bool {
        group.unit == self.unit && group.cluster == self.cluster && group.spot == self.spot && group.x == self.x
    }
}

impl Series {
    /// Distinct times of treated wells.
    fn times(&self) -> usize {
        let times: BTreeSet<u64> = self.wells.iter().filter(|w| w.x.is_finite()).map(|w| w.time.to_bits()).collect();
        times.len()
    }

    /// A well sits on the blanks with its own dose where there are any, otherwise on those without a dose.
    fn set_blanks(&mut self) {
        let levels = self.blank_levels();
        for well in self.wells.iter_mut().chain(self.limited.iter_mut().map(|(well, _)| well)) {
            let own = &levels[well.unit];
            well.blank = own.iter().position(|dose| *dose == well.dose).or((!own.is_empty()).then_some(0));
        }
    }

    /// For each unit the doses at which it has blanks, none first.
    fn blank_levels(&self) -> Vec<Vec<f64>> {
        let mut levels = vec![Vec::new(); self.units];
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
    /// `noise` says how each of its wells scatters.
    pub fn problem(&self, link: Link, noise: &Noise, left_out: &[usize], no_floor: bool) -> Problem {
        let levels = self.blank_levels();
        let units: Vec<Unit> = (0..self.units)
            .map(|unit| Unit {
                experiment: self.wells.iter().find(|w| w.unit == unit).map_or(0, |w| w.experiment),
                blanks: levels[unit].len(),
            })
            .collect();
        let mut groups: Vec<Group> = Vec::new();
        let mut places: BTreeMap<(usize, usize, u8, u64, u64), usize> = BTreeMap::new();
        for (at, well) in self.wells.iter().enumerate() {
            if left_out.contains(&well.reading) {
                continue;
            }
            let weight = if link.is_share() { noise.cells(well.cells) } else { 1.0 };
            let key = (well.unit, well.cluster, well.spot as u8, well.x.to_bits(), well.dose.to_bits());
            let place = *places.entry(key).or_insert_with(|| {
                groups.push(Group {
                    unit: well.unit,
                    cluster: well.cluster,
                    spot: well.spot,
                    x: well.x,
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
        let bounds = self.bounds(noise, left_out);
        let all = groups.iter().chain(bounds.iter().map(|bound| &bound.group));
        let mut levels: Vec<f64> = all.filter(|g| g.spot == Spot::Curve).map(|g| g.x).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let finite: Vec<f64> = levels.iter().copied().filter(|x| x.is_finite()).collect();
        let range = (finite.first().copied().unwrap_or(0.0), finite.last().copied().unwrap_or(1.0));
        Problem {
            shape: self.shape,
            link,
            experiments: self.experiments.len(),
            clusters: self.clusters,
            units,
            groups,
            bounds,
            scaled: !matches!(noise, Noise::Even(_)),
            range,
            levels,
            no_floor,
        }
    }
}

impl Series {
    /// What is known of wells that read beyond the range of the instrument.
    fn bounds(&self, noise: &Noise, left_out: &[usize]) -> Vec<Bound> {
        let mut bounds: Vec<Bound> = Vec::new();
        for (well, limit) in self.limited.iter().filter(|(well, _)| !left_out.contains(&well.reading)) {
            let above = *limit == Limit::Above;
            let same = |b: &&mut Bound| well.is_of(&b.group) && b.above == above && b.group.mean == well.value;
            if let Some(bound) = bounds.iter_mut().find(same) {
                bound.group.n += 1.0;
                continue;
            }
            let group = Group {
                unit: well.unit,
                cluster: well.cluster,
                spot: well.spot,
                x: well.x,
                blank: well.blank,
                n: 1.0,
                mean: well.value,
                scatter: 0.0,
                scatter_df: 0.0,
                variance: noise.variance_at(well.value, well.unit),
            };
            bounds.push(Bound { group, above });
        }
        bounds
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
    /// That of a set of wells and units drawn from these.
    pub fn of(&self, wells: &[usize], units: &[usize]) -> Noise {
        let pick = |from: &[f64], which: &[usize]| which.iter().map(|at| from[*at]).collect();
        match self {
            Noise::Even(squares) => Noise::Even(pick(squares, units)),
            Noise::Function { function, squares, levels } => {
                Noise::Function { function: *function, squares: pick(squares, units), levels: pick(levels, wells) }
            }
            Noise::Counts(phi) => Noise::Counts(*phi),
        }
    }

    /// Of a well that reads `value`.
    fn variance_at(&self, value: f64, unit: usize) -> f64 {
        match self {
            Noise::Even(squares) => squares[unit],
            Noise::Function { function, squares, .. } => {
                squares[unit] * function.at(value.abs() / squares[unit].sqrt())
            }
            Noise::Counts(_) => (value * (1.0 - value)).max(1e-3),
        }
    }

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
