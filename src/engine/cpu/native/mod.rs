//! Native code for the plain stretches of a tape, on x86-64 with AVX2 and FMA.
//!
//! The tape reads every operand from memory and writes every result there. Here a value that is used soon stays in a
//! register, and dispatching ends. Each operation rounds as the tape does, so that both compute the same numbers. What
//! the processor lacks (logarithms, powers) is left to the tape, between two stretches.

mod encode;
mod memory;
mod micro;
mod registers;

use super::real::Real;
use super::storage::Storage;
use super::tape::Tape;
use encode::VECTOR;
use memory::Code;
use micro::{Number, Table};
use std::ops::Range;

/// Vectors that are worked on together: two hide each other's latency, more would not fit the registers.
const TOGETHER: usize = 2;

/// Code of more bytes is left to the tape: it would be read from beyond the processor's caches again and again, and how
/// it then compares has not been measured.
const MOST_BYTES: usize = 1 << 20;

/// The code for a tape over groups of one width.
#[derive(Debug)]
pub struct Native<R> {
    code: Code,
    parts: Vec<Part>,
    table: Storage<R>,
    /// Numbers in the storage that the tape uses, and those behind them that spilled values need.
    slots: usize,
    scratch: usize,
    rounds: u64,
}

#[derive(Debug)]
enum Part {
    /// A function, by its place in the code.
    Code(usize),
    /// Instructions that stay on the tape.
    Tape(Range<usize>),
}

impl<R: Real> Native<R> {
    /// `None` where the processor or the system does not allow it.
    pub fn compile(tape: &Tape, lanes: usize) -> Option<Self> {
        let per_vector = VECTOR / size_of::<R>();
        if !available() || !lanes.is_multiple_of(per_vector) {
            return None;
        }
        let vectors = lanes / per_vector;
        let together = if vectors.is_multiple_of(TOGETHER) { TOGETHER } else { 1 };
        let mut table = Table::default();
        let mut parts = Vec::new();
        let (mut bytes, mut scratch) = (Vec::new(), 0);
        for (range, plain, live) in stretches(tape) {
            if !plain {
                parts.push(Part::Tape(range));
                continue;
            }
            let stretch = micro::side_by_side(micro::translate(tape, range, &live, &mut table), together as u32);
            let written = registers::write(&stretch, size_of::<R>() == 8, lanes * size_of::<R>(), together as u32)?;
            parts.push(Part::Code(bytes.len()));
            bytes.extend(written.code);
            scratch = scratch.max(written.scratch as usize);
        }
        if bytes.is_empty() || bytes.len() > MOST_BYTES {
            return None;
        }
        let mut numbers = Storage::new(table.numbers.len() * per_vector);
        for (number, places) in table.numbers.iter().zip(numbers.chunks_exact_mut(per_vector)) {
            places.fill(match *number {
                Number::Bits(bits) => R::from_f64(f64::from_bits(bits)),
                Number::Magnitude => R::MAGNITUDE,
            });
        }
        Some(Native {
            code: Code::new(&bytes)?,
            parts,
            table: numbers,
            slots: tape.slots * lanes,
            scratch: scratch * per_vector,
            rounds: (vectors / together) as u64,
        })
    }

    /// Numbers that the storage has to hold.
    pub fn length(&self) -> usize {
        self.slots + self.scratch
    }

    /// Runs the tape over `storage`; `interpret` does what stays on the tape.
    pub fn run(&self, storage: &mut [R], mut interpret: impl FnMut(Range<usize>, &mut [R])) {
        assert_eq!(storage.len(), self.length(), "storage made for this code");
        let (slots, scratch) = storage.split_at_mut(self.slots);
        for part in &self.parts {
            match part {
                Part::Code(at) => self.call(*at, slots, scratch),
                Part::Tape(range) => interpret(range.clone(), slots),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn call(&self, at: usize, slots: &mut [R], scratch: &mut [R]) {
        let (slots, scratch) = (slots.as_mut_ptr().cast(), scratch.as_mut_ptr().cast());
        // SAFETY: a part's code begins there. It was written for slots of this number and width, for this table and
        // for this many spilled values, whose sizes `run` has checked.
        unsafe { self.code.call(at, slots, self.table.as_ptr().cast(), scratch, self.rounds) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn call(&self, _: usize, _: &mut [R], _: &mut [R]) {
        unreachable!("nothing is compiled for other processors")
    }
}

/// Whether the processor has what the code needs.
#[cfg(target_arch = "x86_64")]
pub fn available() -> bool {
    std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
}

#[cfg(not(target_arch = "x86_64"))]
pub fn available() -> bool {
    false
}

/// The tape cut where plain instructions begin and end: the ranges, whether they are plain, and the slots that are
/// read behind each.
fn stretches(tape: &Tape) -> Vec<(Range<usize>, bool, Vec<bool>)> {
    let mut ranges: Vec<(Range<usize>, bool)> = Vec::new();
    for (at, instruction) in tape.code.iter().enumerate() {
        let plain = micro::is_plain(instruction);
        match ranges.last_mut() {
            Some((range, same)) if *same == plain => range.end = at + 1,
            _ => ranges.push((at..at + 1, plain)),
        }
    }
    let mut live = vec![false; tape.slots];
    tape.outputs.iter().for_each(|&slot| live[slot as usize] = true);
    let mut found: Vec<_> = ranges
        .into_iter()
        .rev()
        .map(|(range, plain)| {
            let behind = live.clone();
            for at in range.clone().rev() {
                live[tape.target(at) as usize] = false;
                tape.for_each_operand(at, |slot| live[slot as usize] = true);
            }
            (range, plain, behind)
        })
        .collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests;
