//! What is done to lanes over time, flattened for the device: each protocol becomes a list of pieces, from one time
//! that is known beforehand to the next. Pure data; `shaders/shared/layout.wgsl` is the other side of it.

use crate::engine::{Protocol, Settings};

const CHANGES: u32 = 1;
const RECORDS: u32 = 2;
const SETTLES: u32 = 4;
const ENDS: u32 = 8;

/// The tables of all protocols of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Indices of changes (beginning where `numbers` has their values), then five words for each piece.
    pub tables: Vec<u32>,
    /// Values of changes, then three numbers for each piece.
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
    /// From its beginning to the end of its segment.
    ahead: f64,
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
        for piece in pieces {
            plan.tables.extend([piece.kind, piece.sets.0, piece.sets.1, piece.adds.0, piece.adds.1]);
            plan.numbers.extend([piece.begin, piece.length, piece.ahead]);
        }
        plan
    }

    fn protocol(&mut self, protocol: &Protocol, pieces: &mut Vec<Piece>) {
        let mut time = protocol.start;
        let mut outputs = protocol.outputs.iter().copied().peekable();
        for segment in &protocol.segments {
            let sets = self.changes(&segment.set);
            let adds = self.changes(&segment.add);
            let (length, settles) = match segment.settle {
                Some(longest) => (longest, SETTLES),
                None => (segment.until - time, 0),
            };
            let mut kind = CHANGES;
            // A piece records at its beginning; a time that is asked for twice has a piece without length in between.
            loop {
                if outputs.next_if(|&output| output <= time).is_some() {
                    kind |= RECORDS;
                }
                let end = match outputs.peek() {
                    Some(&output) if settles == 0 && output < segment.until => output.max(time),
                    Some(&output) if output <= time => time,
                    _ => segment.until,
                };
                let again = outputs.peek().is_some_and(|&output| output <= time);
                let own_length = match (again, settles) {
                    (true, _) => 0.0,
                    (false, 0) => end - time,
                    (false, _) => length,
                };
                let ahead = if settles == 0 { segment.until - time } else { length };
                pieces.push(Piece { kind: kind | settles, sets, adds, begin: time, length: own_length, ahead });
                kind = 0;
                if !again {
                    time = end;
                    if time >= segment.until || settles != 0 {
                        break;
                    }
                }
            }
            time = segment.until;
        }
        while outputs.next_if(|&output| output <= time).is_some() {
            let last = outputs.peek().is_none_or(|&output| output > time);
            let kind = RECORDS | if last { ENDS } else { 0 };
            pieces.push(Piece { kind, sets: (0, 0), adds: (0, 0), begin: time, length: 0.0, ahead: 0.0 });
            if last {
                return;
            }
        }
        pieces.push(Piece { kind: ENDS, sets: (0, 0), adds: (0, 0), begin: time, length: 0.0, ahead: 0.0 });
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

    fn pieces(protocol: Protocol) -> Vec<(u32, f64, f64, f64)> {
        let settings = Settings { method: Method::Rodas4P, rtol: 1e-4, atol: vec![1e-8], max_steps: 100, caution: 1.0 };
        let plan = Plan::new(&[protocol], &settings);
        let kinds = plan.tables[plan.pieces as usize..].chunks(5).map(|piece| piece[0]);
        let numbers = plan.numbers[plan.piece_numbers as usize..].chunks(3);
        kinds.zip(numbers).map(|(kind, n)| (kind, n[0], n[1], n[2])).collect()
    }

    #[test]
    fn outputs_at_a_change_are_taken_after_it() {
        let segments = vec![
            Segment { until: 2.0, ..Segment::default() },
            Segment { set: vec![(0, 1.0)], until: 5.0, ..Segment::default() },
        ];
        let found = pieces(Protocol { start: 0.0, segments, outputs: vec![1.0, 2.0, 5.0] });
        let expected = [
            (CHANGES, 0.0, 1.0, 2.0),
            (RECORDS, 1.0, 1.0, 1.0),
            (CHANGES | RECORDS, 2.0, 3.0, 3.0),
            (RECORDS | ENDS, 5.0, 0.0, 0.0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_output_time_may_be_asked_for_twice() {
        let segments = vec![Segment { until: 1.0, ..Segment::default() }];
        let found = pieces(Protocol { start: 0.0, segments, outputs: vec![0.0, 0.0, 0.5, 0.5, 1.0, 1.0] });
        let expected = [
            (CHANGES | RECORDS, 0.0, 0.0, 1.0),
            (RECORDS, 0.0, 0.5, 1.0),
            (RECORDS, 0.5, 0.0, 0.5),
            (RECORDS, 0.5, 0.5, 0.5),
            (RECORDS, 1.0, 0.0, 0.0),
            (RECORDS | ENDS, 1.0, 0.0, 0.0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn settling_has_a_length_of_its_own() {
        let segments = vec![
            Segment { until: 0.0, settle: Some(1e4), ..Segment::default() },
            Segment { until: 24.0, ..Segment::default() },
        ];
        let found = pieces(Protocol { start: -1.0, segments, outputs: vec![0.0, 24.0] });
        let expected = [
            (CHANGES | SETTLES, -1.0, 1e4, 1e4),
            (CHANGES | RECORDS, 0.0, 24.0, 24.0),
            (RECORDS | ENDS, 24.0, 0.0, 0.0),
        ];
        assert_eq!(found, expected);
    }
}
