//! Times of deaths as counts of live and dead cells at each frame.

use crate::plate::{Limit, Reading, Readings, Seen};
use std::collections::BTreeMap;

/// The readings with deaths in frames turned into counts: at the end of each frame of the file, for every well, who has
/// died by then and who has not. Cells seen alive when watching ended are alive throughout.
pub fn as_counts(readings: &Readings) -> Readings {
    let mut out = Readings { readings: Vec::new(), ..readings.clone() };
    let mut frames: Vec<f64> = Vec::new();
    type Key = (usize, Option<String>, Option<(usize, usize)>, usize, Vec<(usize, u64)>);
    let mut wells: BTreeMap<Key, Vec<&Reading>> = BTreeMap::new();
    for reading in &readings.readings {
        let (Seen::Deaths(_), Some(time)) = (reading.seen, reading.time) else {
            out.readings.push(reading.clone());
            continue;
        };
        if reading.limit == Limit::None {
            frames.push(time);
        }
        let doses = reading.doses.iter().map(|(c, d)| (*c, d.to_bits())).collect();
        let key = (reading.plate, reading.well_name.clone(), reading.well, reading.cell_line, doses);
        wells.entry(key).or_default().push(reading);
    }
    frames.sort_by(f64::total_cmp);
    frames.dedup();
    for own in wells.values() {
        let count = |reading: &&Reading| if let Seen::Deaths(count) = reading.seen { count } else { 0.0 };
        let total: f64 = own.iter().map(count).sum();
        for &frame in &frames {
            let gone = own.iter().filter(|r| r.limit == Limit::None && r.time.is_some_and(|time| time <= frame));
            let dead: f64 = gone.map(count).sum();
            let seen = Seen::Counts { live: total - dead, dead };
            out.readings.push(Reading { time: Some(frame), seen, limit: Limit::None, ..(*own[0]).clone() });
        }
    }
    out
}
