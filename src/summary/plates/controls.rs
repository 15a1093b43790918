//! Controls of plates, and plates as maps of their wells.

use crate::curve::Analysis;
use crate::curve::quality::{Controls, Moments, controls, residuals, shape};
use crate::plate::{Readings, Seen};
use crate::report::plates::{HeatMap, PlateRow};
use crate::report::shown;
use std::collections::BTreeMap;

/// More plates than this are in the table only.
const MAPS: usize = 24;

pub fn plates(readings: &Readings, analysis: &Analysis) -> (Vec<PlateRow>, Vec<HeatMap>) {
    let residuals = residuals(analysis);
    let found = controls(readings, analysis.settings.reading.link(), &residuals);
    let rows = found.iter().map(|controls| row(readings, controls)).collect();
    (rows, maps(readings, &residuals, &found))
}

fn row(readings: &Readings, controls: &Controls) -> PlateRow {
    let plate = &readings.plates[controls.plate];
    let mean = |moments: &Moments| (moments.count > 0).then_some(moments.mean);
    PlateRow {
        plate: plate.name.clone(),
        experiment: readings.experiments[plate.experiment].clone(),
        time: controls.time,
        vehicles: controls.vehicle.count,
        vehicle_mean: mean(&controls.vehicle),
        vehicle_cv: controls.vehicle.sd().map(|sd| sd / controls.vehicle.mean.abs()).filter(|cv| cv.is_finite()),
        blanks: controls.blank.count,
        blank_mean: mean(&controls.blank),
        positives: controls.positive.count,
        positive_mean: mean(&controls.positive),
        z_prime: controls.z_prime.filter(|z| z.is_finite()),
        signal_window: controls.window,
        edge_effect: controls.edge.map(|(difference, _)| difference),
        failures: controls.failures.clone(),
    }
}

fn maps(readings: &Readings, residuals: &BTreeMap<usize, f64>, controls: &[Controls]) -> Vec<HeatMap> {
    let (rows, columns) = shape(readings);
    let mut of: BTreeMap<(usize, Option<u64>), HeatMap> = BTreeMap::new();
    for (number, reading) in readings.readings.iter().enumerate() {
        let Some((row, column)) = reading.well else { continue };
        let key = (reading.plate, reading.time.map(f64::to_bits));
        if of.len() >= MAPS && !of.contains_key(&key) {
            continue;
        }
        let map = of.entry(key).or_insert_with(|| HeatMap {
            title: title(readings, reading.plate, reading.time),
            rows,
            columns,
            values: vec![None; rows * columns],
            residuals: vec![None; rows * columns],
            caption: caption(controls, reading.plate, reading.time),
        });
        let at = row * columns + column;
        map.values[at] = Some(match reading.seen {
            Seen::Signal(value) | Seen::Deaths(value) => value,
            Seen::Counts { live, dead } => live / (live + dead),
        })
        .filter(|value| value.is_finite());
        map.residuals[at] = residuals.get(&number).copied();
    }
    of.into_values().collect()
}

fn title(readings: &Readings, plate: usize, time: Option<f64>) -> String {
    let plate = &readings.plates[plate];
    let mut title = format!("Plate {}, experiment {}", plate.name, readings.experiments[plate.experiment]);
    if let Some(time) = time {
        title += &format!(", {} {}", shown(time), readings.time_unit);
    }
    title
}

fn caption(controls: &[Controls], plate: usize, time: Option<f64>) -> String {
    let own = controls.iter().find(|c| c.plate == plate && c.time == time);
    match own.and_then(|own| own.edge) {
        Some((difference, p)) => {
            format!("Outer wells read {:+.1} % against inner ones of like treatment (p = {p:.2}).", 100.0 * difference)
        }
        None => String::new(),
    }
}
