//! When a compound is there: from one time to another, once or several times.

use super::document::Section;

/// So many pulses can be said with `times`.
const MOST_PULSES: f64 = 1000.0;

/// The pulses of one compound, in order of time. None of them overlaps another: where a compound is there, it is there at
/// its dose, and two pulses at once would mean a dose that no column of the data states.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// When it is added and when it is washed out, which is later.
    pulses: Vec<(f64, f64)>,
}

impl Default for Schedule {
    /// From the moment of dosing on.
    fn default() -> Self {
        Schedule { pulses: vec![(0.0, f64::INFINITY)] }
    }
}

impl Schedule {
    /// # Errors
    /// Two pulses that overlap, or one that ends before it begins.
    pub fn new(mut pulses: Vec<(f64, f64)>) -> Result<Schedule, Clash> {
        if let Some(&(from, until)) = pulses.iter().find(|(from, until)| until <= from) {
            return Err(Clash::Backwards(from, until));
        }
        pulses.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some(pair) = pulses.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            return Err(Clash::Overlap(pair[0], pair[1]));
        }
        Ok(if pulses.is_empty() { Schedule::default() } else { Schedule { pulses } })
    }

    pub fn pulses(&self) -> &[(f64, f64)] {
        &self.pulses
    }

    /// When it is first added.
    pub fn first(&self) -> f64 {
        self.pulses[0].0
    }

    /// When it is washed out for good; infinite if it stays.
    pub fn last(&self) -> f64 {
        self.pulses[self.pulses.len() - 1].1
    }

    pub fn is_there(&self, time: f64) -> bool {
        self.pulses.iter().any(|&(from, until)| from <= time && time < until)
    }

    /// The same in another unit of time.
    pub fn times(&self, factor: f64) -> Schedule {
        Schedule { pulses: self.pulses.iter().map(|&(from, until)| (from * factor, until * factor)).collect() }
    }

    /// The same, washed out for good at `time` or before. Of a time before the first pulse an instant of that is left.
    pub fn cut(&self, time: f64) -> Schedule {
        let cut = self.pulses.iter().map(|&(from, until)| (from, until.min(time)));
        let kept: Vec<(f64, f64)> = cut.filter(|(from, until)| from < until).collect();
        Schedule { pulses: if kept.is_empty() { vec![(self.first(), self.first())] } else { kept } }
    }

    /// "0 to 2, 24 to 26 h", "from -24 h on"; of many pulses the first two and the last.
    pub fn describe(&self, unit: &str) -> String {
        let pulse = |&(from, until): &(f64, f64)| match until.is_finite() {
            true => format!("{from} to {until}"),
            false => format!("from {from} on"),
        };
        let all: Vec<String> = self.pulses.iter().map(pulse).collect();
        let listed = match &all[..] {
            [first, second, .., last] if all.len() > 5 => format!("{first}, {second}, … {last}"),
            few => few.join(", "),
        };
        let count = if all.len() > 1 { format!(" ({} pulses)", all.len()) } else { String::new() };
        format!("{listed} {unit}{count}")
    }
}

/// Why pulses are no schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clash {
    Backwards(f64, f64),
    Overlap((f64, f64), (f64, f64)),
}

impl Clash {
    /// What was found, and what to do.
    pub fn words(self) -> (String, &'static str) {
        match self {
            Clash::Backwards(..) => ("wash-out comes before the compound".into(), "make `until` later than `from`"),
            Clash::Overlap((a, b), (c, d)) => {
                let of = |until: f64| if until.is_finite() { format!("{until}") } else { "the end".into() };
                let message = format!("two pulses overlap: {a} to {}, and {c} to {}", of(b), of(d));
                (message, "a compound is there at its dose or not at all: end each pulse before the next begins")
            }
        }
    }
}

/// One pulse, or `times` of them that begin `every` so many hours: `{ from = 0, until = 2, every = 24, times = 3 }`. What is
/// wrong with them has been reported where they are `None`.
fn pulses_of(entry: &Section) -> Option<Vec<(f64, f64)>> {
    let before = entry.findings.count();
    let from = entry.number("from").map_or(0.0, |n| n.value);
    let until = entry.number("until").map_or(f64::INFINITY, |n| n.value);
    let (every, times) = (entry.number("every"), entry.number("times"));
    let count = match (&every, &times) {
        (None, None) => 1.0,
        (Some(_), None) => {
            entry.say("every", "`every` without `times`", "say how many pulses there are: times = 3");
            1.0
        }
        (None, Some(_)) => {
            entry.say("times", "`times` without `every`", "say how far apart the pulses begin: every = 24");
            1.0
        }
        (Some(every), Some(times)) => {
            if every.value <= 0.0 {
                entry.say("every", "pulses are a positive time apart", "for instance every = 24");
            }
            if !(1.0..=MOST_PULSES).contains(&times.value) || times.value.fract() != 0.0 {
                entry.say("times", "the number of pulses is a whole number from 1 to 1000", "for instance times = 3");
            }
            if !until.is_finite() && times.value > 1.0 {
                entry.say("every", "pulses that never end", "say when the first one ends: until = 2");
            }
            times.value
        }
    };
    let step = every.map_or(0.0, |n| n.value);
    let pulse = |i: u32| (from + step * f64::from(i), until + step * f64::from(i));
    (entry.findings.count() == before).then(|| (0..count as u32).map(pulse).collect())
}

/// The schedule that one table or several say together.
pub fn read(entries: &[Section]) -> Option<Schedule> {
    let mut pulses = Vec::new();
    let mut whole = true;
    for entry in entries {
        match pulses_of(entry) {
            Some(own) => pulses.extend(own),
            None => whole = false,
        }
    }
    if !whole {
        return None;
    }
    match Schedule::new(pulses) {
        Ok(schedule) => Some(schedule),
        Err(clash) => {
            let (message, hint) = clash.words();
            if let Some(entry) = entries.last() {
                entry.findings.say(&entry.span, message, hint);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulses_are_ordered_and_may_touch_but_not_overlap() {
        let schedule = Schedule::new(vec![(24.0, 26.0), (-6.0, 0.0), (0.0, 2.0)]).unwrap();
        assert_eq!(schedule.pulses(), [(-6.0, 0.0), (0.0, 2.0), (24.0, 26.0)]);
        assert!(schedule.is_there(0.0) && !schedule.is_there(2.0) && schedule.is_there(25.9));
        assert_eq!((schedule.first(), schedule.last()), (-6.0, 26.0));
        assert_eq!(
            Schedule::new(vec![(0.0, f64::INFINITY), (5.0, 6.0)]),
            Err(Clash::Overlap((0.0, f64::INFINITY), (5.0, 6.0)))
        );
        assert_eq!(Schedule::new(vec![(3.0, 3.0)]), Err(Clash::Backwards(3.0, 3.0)));
        assert_eq!(schedule.cut(1.0).pulses(), [(-6.0, 0.0), (0.0, 1.0)]);
        assert!(!schedule.cut(-6.0).is_there(-6.0));
        assert_eq!(schedule.describe("h"), "-6 to 0, 0 to 2, 24 to 26 h (3 pulses)");
    }
}
