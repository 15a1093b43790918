//! Lanes that settle first: those with one row of inputs and one way of settling come to rest once for all.

use super::{Group, Results};
use crate::engine::cpu::lane::LaneState;
use crate::engine::cpu::real::Real;
use crate::engine::cpu::step::{STATES, STEP};
use crate::engine::{Batch, LaneReport, Protocol, Status};
use std::collections::HashMap;

/// Which lanes settle together.
#[derive(Debug)]
pub struct Plan {
    /// One lane of each set.
    pub leaders: Vec<usize>,
    /// For each lane the set it belongs to, if its first segment settles.
    sets: Vec<Option<u32>>,
}

/// Where a lane came to rest, or the report of one that did not.
#[derive(Debug, Clone)]
pub struct Settled<R> {
    /// States, tangents, switches.
    values: Vec<R>,
    turns: Vec<f64>,
    triggers: Vec<bool>,
    drawn: u64,
    report: LaneReport,
}

impl Plan {
    pub fn new(batch: &Batch) -> Plan {
        let mut plan = Plan { leaders: Vec::new(), sets: Vec::new() };
        let mut ways = HashMap::new();
        let ways: Vec<Option<usize>> = (batch.protocols.iter().enumerate())
            .map(|(at, protocol)| way(protocol).map(|way| *ways.entry(way).or_insert(at)))
            .collect();
        if ways.iter().all(Option::is_none) {
            return plan;
        }
        let mut known = HashMap::new();
        for (lane, place) in batch.lanes.iter().enumerate() {
            let set = ways[place.protocol as usize].map(|way| {
                *known.entry((place.row, way)).or_insert_with(|| {
                    plan.leaders.push(lane);
                    plan.leaders.len() as u32 - 1
                })
            });
            plan.sets.push(set);
        }
        plan
    }

    /// The settled leaders in their order.
    pub fn gather<R>(&self, results: Vec<Results<R>>) -> Vec<Settled<R>> {
        let mut settled: Vec<(usize, Settled<R>)> = results.into_iter().flat_map(|r| r.settled).collect();
        settled.sort_by_key(|(lane, _)| *lane);
        settled.into_iter().map(|(_, settled)| settled).collect()
    }

    fn of<'a, R>(&self, settled: &'a [Settled<R>], lane: usize) -> Option<&'a Settled<R>> {
        let set = (*self.sets.get(lane)?)?;
        Some(&settled[set as usize])
    }
}

/// What the way of settling depends on, beside the row; `None` if the protocol does not begin with it.
fn way(protocol: &Protocol) -> Option<Vec<u64>> {
    let first = protocol.segments.first()?;
    let mut way =
        vec![protocol.start.to_bits(), first.until.to_bits(), first.settle?.to_bits(), first.set.len() as u64];
    for &(which, value) in first.set.iter().chain(&first.add) {
        way.extend([u64::from(which), value.to_bits()]);
    }
    Some(way)
}

impl<R: Real, const V: usize> Group<'_, R, V> {
    fn occupied_slots(&self) -> std::ops::Range<usize> {
        STATES as usize..STATES as usize + self.compiled.frame.states + self.compiled.frame.tangents
    }

    /// Where the lane in `column` goes on from, if it has been settled.
    pub(super) fn settled(&self, column: usize) -> Option<&Settled<R>> {
        let state = self.columns[column].as_ref()?;
        match self.task {
            super::Task::Settle(_) => None,
            super::Task::Run(plan, settled) => plan.of(settled, state.lane),
        }
    }

    /// Takes the lane, which is at rest or has failed, out of its column.
    pub(super) fn leave(&mut self, column: usize) {
        let (width, switches) = (self.width, self.compiled.frame.switches);
        let mut values: Vec<R> = self.occupied_slots().map(|slot| self.storage[slot * width + column]).collect();
        values.extend((0..switches).map(|i| self.switches[i * width + column]));
        if let Some(state) = self.columns[column].take() {
            let LaneState { lane, turns, triggers, drawn, report, .. } = state;
            self.results.settled.push((lane, Settled { values, turns, triggers, drawn, report }));
        }
        self.storage[STEP as usize * width + column] = R::from_f64(1.0);
    }

    /// Lets the lane in `column` go on from where it was settled. False if it failed to: then it has ended.
    pub(super) fn resume(&mut self, column: usize) -> bool {
        let Some(Settled { values, turns, triggers, drawn, report }) = self.settled(column).cloned() else {
            return true;
        };
        let slots = self.occupied_slots();
        let (occupied, switches) = values.split_at(slots.len());
        for (slot, &value) in slots.zip(occupied) {
            self.storage[slot * self.width + column] = value;
        }
        for (i, &value) in switches.iter().enumerate() {
            self.switches[i * self.width + column] = value;
        }
        let state = self.state(column);
        (state.turns, state.triggers, state.drawn, state.report) = (turns, triggers, drawn, report);
        if report.status != Status::Finished {
            self.hand_in(column);
            return false;
        }
        self.jump(column);
        true
    }
}
