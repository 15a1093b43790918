//! What is done to lanes over time, flattened for the device: each protocol becomes a list of pieces, which are its
//! segments and an end, with the readings inside them. Pure data; `shaders/shared/layout.wgsl` is the other side of it.

use crate::engine::{Protocol, Settings};

const CHANGES: u32 = 1;
const SETTLES: u32 = 4;
const ENDS: u32 = 8;

/// The tables of all protocols of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Indices of changes (beginning where `numbers` has their values), then eight words for each piece.
    pub tables: Vec<u32>,
    /// Values of changes, two numbers for each piece, then two for each reading: from the beginning of its piece, and
    /// from that of time.
    pub numbers: Vec<f64>,
    /// Relative tolerance and caution, padded to four; then the absolute tolerances.
    pub settings: Vec<f64>,
    /// Where the pieces begin in the two.
    pub pieces: u32,
    pub piece_numbers: u32,
    /// The first piece of each protocol.
    pub first: Vec<u32>,
}

struct Piece {
    kind: u32,
    sets: (u32, u32),
    adds: (u32, u32),
    begin: f64,
    length: f64,
    /// How many outputs come before it, and the times of its own.
    first: u32,
    readings: Vec<f64>,
}

impl Plan {
    pub fn new(protocols: &[Protocol], settings: &Settings) -> Plan {
        let mut plan = Plan { settings: vec![settings.rtol, settings.caution, 0.0, 0.0], ..Plan::default() };
        plan.settings.extend(&settings.atol);
        let mut pieces: Vec<Piece> = Vec::new();
        for protocol in protocols {
            plan.first.push(pieces.len() as u32);
            plan.protocol(protocol, &mut pieces);
        }
        plan.pieces = plan.tables.len() as u32;
        plan.piece_numbers = plan.numbers.len() as u32;
        let mut readings = (plan.numbers.len() + 2 * pieces.len()) as u32;
        for Piece { kind, sets, adds, first, readings: own, .. } in &pieces {
            let end = first + own.len() as u32;
            plan.tables.extend([*kind, sets.0, sets.1, adds.0, adds.1, readings, *first, end]);
            readings += 2 * own.len() as u32;
        }
        plan.numbers.extend(pieces.iter().flat_map(|piece| [piece.begin, piece.length]));
        for Piece { begin, readings, .. } in &pieces {
            plan.numbers.extend(readings.iter().flat_map(|time| [time - begin, *time]));
        }
        plan
    }

    fn protocol(&mut self, protocol: &Protocol, pieces: &mut Vec<Piece>) {
        let mut time = protocol.start;
        let mut outputs = protocol.outputs.iter().copied().peekable();
        let mut first = 0;
        for segment in &protocol.segments {
            let sets = self.changes(&segment.set);
            let adds = self.changes(&segment.add);
            // What is read at a segment's end comes after the changes of the next one.
            let (kind, length, until) = match segment.settle {
                Some(longest) => (CHANGES | SETTLES, longest, f64::NEG_INFINITY),
                None => (CHANGES, segment.until - time, segment.until),
            };
            let readings: Vec<f64> = std::iter::from_fn(|| outputs.next_if(|&output| output < until)).collect();
            let count = readings.len() as u32;
            pieces.push(Piece { kind, sets, adds, begin: time, length, first, readings });
            first += count;
            time = segment.until;
        }
        let readings = std::iter::from_fn(|| outputs.next_if(|&output| output <= time)).collect();
        pieces.push(Piece { kind: ENDS, sets: (0, 0), adds: (0, 0), begin: time, length: 0.0, first, readings });
    }

    fn changes(&mut self, changes: &[(u32, f64)]) -> (u32, u32) {
        let first = self.tables.len() as u32;
        self.tables.extend(changes.iter().map(|change| change.0));
        self.numbers.extend(changes.iter().map(|change| change.1));
        (first, changes.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Method, Segment};

    /// Kind, beginning, length, and the readings by their time from the piece's beginning.
    fn pieces(protocol: Protocol) -> Vec<(u32, f64, f64, Vec<f64>)> {
        let settings = Settings { method: Method::Rodas4P, rtol: 1e-4, atol: vec![1e-8], max_steps: 100, caution: 1.0 };
        let plan = Plan::new(&[protocol], &settings);
        let words = plan.tables[plan.pieces as usize..].chunks(8);
        let numbers = plan.numbers[plan.piece_numbers as usize..].chunks(2);
        words
            .zip(numbers)
            .map(|(word, n)| {
                let count = (word[7] - word[6]) as usize;
                let readings = plan.numbers[word[5] as usize..].chunks(2).take(count);
                let times = readings.map(|reading| {
                    assert_eq!(reading[0], reading[1] - n[0]);
                    reading[0]
                });
                (word[0], n[0], n[1], times.collect())
            })
            .collect()
    }

    #[test]
    fn outputs_at_a_change_are_taken_after_it() {
        let segments = vec![
            Segment { until: 2.0, ..Segment::default() },
            Segment { set: vec![(0, 1.0)], until: 5.0, ..Segment::default() },
        ];
        let found = pieces(Protocol { start: 0.0, segments, outputs: vec![1.0, 2.0, 5.0] });
        let expected = [(CHANGES, 0.0, 2.0, vec![1.0]), (CHANGES, 2.0, 3.0, vec![0.0]), (ENDS, 5.0, 0.0, vec![0.0])];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_output_time_may_be_asked_for_twice() {
        let segments = vec![Segment { until: 1.0, ..Segment::default() }];
        let found = pieces(Protocol { start: 0.0, segments, outputs: vec![0.0, 0.0, 0.5, 0.5, 1.0, 1.0] });
        let expected = [(CHANGES, 0.0, 1.0, vec![0.0, 0.0, 0.5, 0.5]), (ENDS, 1.0, 0.0, vec![0.0, 0.0])];
        assert_eq!(found, expected);
    }

    #[test]
    fn settling_has_a_length_of_its_own() {
        let segments = vec![
            Segment { until: 0.0, settle: Some(1e4), ..Segment::default() },
            Segment { until: 24.0, ..Segment::default() },
        ];
        let found = pieces(Protocol { start: -1.0, segments, outputs: vec![0.0, 24.0] });
        let expected =
            [(CHANGES | SETTLES, -1.0, 1e4, vec![]), (CHANGES, 0.0, 24.0, vec![0.0]), (ENDS, 24.0, 0.0, vec![0.0])];
        assert_eq!(found, expected);
    }
}
