//! Running a tape: each instruction over all lanes of a group.
//!
//! A group has `V` native vectors of lanes. With eight of them the running totals of a sum just fit the registers and
//! the cost of decoding an instruction is spread over 64 lanes (f64, AVX-512) to 16 (f64, SSE2). Where there is native
//! code for a tape, it takes the place of all but a few instructions.

use super::native::Native;
use super::real::Real;
use super::storage::Storage;
use super::tape::{Instruction, NONE, Slot, Tape};
use crate::expr::{Binary, Function, Relation};
use fearless_simd::{Level, Select, Simd, SimdBase, SimdFloat, dispatch};
use std::ops::Range;
use std::sync::OnceLock;

/// A tape with its numbers in the engine's type.
#[derive(Debug)]
pub struct Executable<R> {
    tape: Tape,
    numbers: Vec<R>,
    /// Native code for groups of one, four and eight native vectors, once it is asked for; `None` if it is not wanted.
    native: Option<[OnceLock<Option<Native<R>>>; 3]>,
}

impl<R: Real> Executable<R> {
    /// A tape that is interpreted.
    pub fn new(tape: Tape) -> Self {
        let numbers = tape.numbers.iter().map(|&value| R::from_f64(value)).collect();
        Executable { tape, numbers, native: None }
    }

    /// A tape that runs as native code where that is possible.
    pub fn native(tape: Tape) -> Self {
        Executable { native: Some(Default::default()), ..Executable::new(tape) }
    }

    pub fn length(&self) -> usize {
        self.tape.code.len() + self.tape.operands.len()
    }

    pub fn outputs(&self) -> &[Slot] {
        &self.tape.outputs
    }

    pub(super) fn code<const V: usize>(&self, lanes: usize) -> Option<&Native<R>> {
        let width = match V {
            1 => 0,
            4 => 1,
            _ => 2,
        };
        self.native.as_ref()?[width].get_or_init(|| Native::compile(&self.tape, lanes)).as_ref()
    }

    /// Storage for `lanes` lanes, which are `V` native vectors, with the constants in their slots.
    pub fn storage<const V: usize>(&self, lanes: usize) -> Storage<R> {
        let length = self.code::<V>(lanes).map_or(self.tape.slots * lanes, Native::length);
        let mut storage = Storage::new(length);
        for &(slot, value) in &self.tape.constants {
            storage[slot as usize * lanes..][..lanes].fill(R::from_f64(value));
        }
        storage
    }

    /// Runs the tape over `storage`, made for `V` native vectors of lanes.
    pub fn run<const V: usize>(&self, level: Level, storage: &mut [R]) {
        let interpret = |range: Range<usize>, storage: &mut [R]| {
            dispatch!(level, simd => run::<_, R, V>(simd, self, range, storage));
        };
        match self.code::<V>(V * native_lanes::<R>(level)) {
            Some(native) => native.run(storage, interpret),
            None => interpret(0..self.tape.code.len(), storage),
        }
    }
}

/// Copies slots of `storage` to others, `(from, to)`, in the lanes where `mask` is not 0.
pub fn blend<R: Real, const V: usize>(level: Level, storage: &mut [R], mask: &[R], copies: &[(Slot, Slot)]) {
    dispatch!(level, simd => blend_lanes::<_, R, V>(simd, storage, mask, copies));
}

#[inline(always)]
fn blend_lanes<S: Simd, R: Real, const V: usize>(simd: S, storage: &mut [R], mask: &[R], copies: &[(Slot, Slot)]) {
    let mask = load::<S, R, V>(simd, mask, 0);
    let zero = R::Vector::<S>::splat(simd, R::default());
    for &(from, to) in copies {
        let new = load::<S, R, V>(simd, storage, from);
        let mut old = load::<S, R, V>(simd, storage, to);
        for j in 0..V {
            old[j] = mask[j].simd_eq(zero).select(old[j], new[j]);
        }
        store::<S, R, V>(storage, to, old);
    }
}

/// Lanes in a native vector of `R`.
pub fn native_lanes<R: Real>(level: Level) -> usize {
    dispatch!(level, simd => lanes_of::<_, R>(simd))
}

#[inline(always)]
fn lanes_of<S: Simd, R: Real>(_: S) -> usize {
    R::Vector::<S>::LEN
}

#[inline(always)]
fn load<S: Simd, R: Real, const V: usize>(simd: S, storage: &[R], slot: Slot) -> [R::Vector<S>; V] {
    let n = R::Vector::<S>::LEN;
    let values = &storage[slot as usize * V * n..][..V * n];
    let mut loaded = [R::Vector::<S>::splat(simd, R::default()); V];
    for (j, vector) in loaded.iter_mut().enumerate() {
        *vector = R::Vector::<S>::from_slice(simd, &values[j * n..(j + 1) * n]);
    }
    loaded
}

#[inline(always)]
fn store<S: Simd, R: Real, const V: usize>(storage: &mut [R], slot: Slot, values: [R::Vector<S>; V]) {
    let n = R::Vector::<S>::LEN;
    let target = &mut storage[slot as usize * V * n..][..V * n];
    for j in 0..V {
        values[j].store_slice(&mut target[j * n..(j + 1) * n]);
    }
}

/// One lane after the other, in a loop that the compiler vectorises.
#[inline(always)]
fn each<S: Simd, R: Real, const V: usize>(storage: &mut [R], to: Slot, a: Slot, b: Slot, f: impl Fn(R, R) -> R) {
    let w = V * R::Vector::<S>::LEN;
    let (a, b, to) = (a as usize * w, b as usize * w, to as usize * w);
    let mut result = [R::default(); 128];
    let result = &mut result[..w];
    {
        let (a, b) = (&storage[a..][..w], &storage[b..][..w]);
        for lane in 0..w {
            result[lane] = f(a[lane], b[lane]);
        }
    }
    storage[to..][..w].copy_from_slice(result);
}

#[inline(always)]
fn run<S: Simd, R: Real, const V: usize>(simd: S, executable: &Executable<R>, range: Range<usize>, storage: &mut [R]) {
    let tape = &executable.tape;
    let one = R::from_f64(1.0);
    let zero = R::from_f64(0.0);
    let splat = |value: R| R::Vector::<S>::splat(simd, value);
    for &instruction in &tape.code[range] {
        match instruction {
            Instruction::Sum { to, at, numbers, linear, plus, minus, scale } => {
                let (linear, plus, minus) = (linear as usize, plus as usize, minus as usize);
                let numbers = &executable.numbers[numbers as usize..][..linear + 1];
                let operands = &tape.operands[at as usize..][..linear + 2 * (plus + minus)];
                let (pairs, mut total) = (linear + 2 * plus, [splat(numbers[0]); V]);
                // A sum without a constant begins with its first term.
                let begun = numbers[0] == zero && pairs > 0;
                if begun && linear > 0 {
                    let x = load::<S, R, V>(simd, storage, operands[0]);
                    let coefficient = splat(numbers[1]);
                    for j in 0..V {
                        total[j] = x[j] * coefficient;
                    }
                } else if begun {
                    let a = load::<S, R, V>(simd, storage, operands[0]);
                    let b = load::<S, R, V>(simd, storage, operands[1]);
                    for j in 0..V {
                        total[j] = a[j] * b[j];
                    }
                }
                let (first, first_pair) = if linear > 0 { (usize::from(begun), 0) } else { (0, usize::from(begun)) };
                for (&slot, &coefficient) in operands[first..linear].iter().zip(&numbers[1 + first..]) {
                    let x = load::<S, R, V>(simd, storage, slot);
                    let coefficient = splat(coefficient);
                    for j in 0..V {
                        total[j] = x[j].mul_add(coefficient, total[j]);
                    }
                }
                for pair in operands[linear + 2 * first_pair..pairs].chunks_exact(2) {
                    let a = load::<S, R, V>(simd, storage, pair[0]);
                    let b = load::<S, R, V>(simd, storage, pair[1]);
                    for j in 0..V {
                        total[j] = a[j].mul_add(b[j], total[j]);
                    }
                }
                for pair in operands[pairs..].chunks_exact(2) {
                    let a = load::<S, R, V>(simd, storage, pair[0]);
                    let b = load::<S, R, V>(simd, storage, pair[1]);
                    for j in 0..V {
                        total[j] = (-a[j]).mul_add(b[j], total[j]);
                    }
                }
                if scale != NONE {
                    let factor = load::<S, R, V>(simd, storage, scale);
                    for j in 0..V {
                        total[j] *= factor[j];
                    }
                }
                store::<S, R, V>(storage, to, total);
            }
            Instruction::Product { to, at, count } => {
                let operands = &tape.operands[at as usize..][..count as usize];
                let mut total = load::<S, R, V>(simd, storage, operands[0]);
                for &slot in &operands[1..] {
                    let x = load::<S, R, V>(simd, storage, slot);
                    for j in 0..V {
                        total[j] *= x[j];
                    }
                }
                store::<S, R, V>(storage, to, total);
            }
            Instruction::Add { to, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    a[j] += b[j];
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Sub { to, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    a[j] -= b[j];
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Divide { to, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    a[j] /= b[j];
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Reciprocal { to, a } => {
                let mut a = load::<S, R, V>(simd, storage, a);
                for j in 0..V {
                    a[j] = splat(one) / a[j];
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Scaled { to, error, a, b, numbers } => {
                let rtol = splat(executable.numbers[numbers as usize]);
                let atol = splat(executable.numbers[numbers as usize + 1]);
                let mut error = load::<S, R, V>(simd, storage, error);
                let (a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    let size = a[j].abs().max(b[j].abs());
                    error[j] /= size.mul_add(rtol, atol);
                }
                store::<S, R, V>(storage, to, error);
            }
            Instruction::Select { to, condition, then, otherwise } => {
                let condition = load::<S, R, V>(simd, storage, condition);
                let mut then = load::<S, R, V>(simd, storage, then);
                let otherwise = load::<S, R, V>(simd, storage, otherwise);
                for j in 0..V {
                    // Not by multiplication: the side that is not taken may be infinite.
                    then[j] = condition[j].simd_eq(splat(zero)).select(otherwise[j], then[j]);
                }
                store::<S, R, V>(storage, to, then);
            }
            Instruction::Compare { to, relation, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    let (yes, no) = (splat(one), splat(zero));
                    a[j] = match relation {
                        Relation::Less => a[j].simd_lt(b[j]).select(yes, no),
                        Relation::LessEqual => a[j].simd_le(b[j]).select(yes, no),
                        Relation::Equal => a[j].simd_eq(b[j]).select(yes, no),
                        Relation::NotEqual => a[j].simd_eq(b[j]).select(no, yes),
                    };
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Binary { to, op: Binary::Max, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    a[j] = a[j].simd_gt(b[j]).select(a[j], b[j]);
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Binary { to, op: Binary::Min, a, b } => {
                let (mut a, b) = (load::<S, R, V>(simd, storage, a), load::<S, R, V>(simd, storage, b));
                for j in 0..V {
                    a[j] = a[j].simd_lt(b[j]).select(a[j], b[j]);
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Call { to, function: Function::Abs, a } => {
                let mut a = load::<S, R, V>(simd, storage, a);
                for j in 0..V {
                    a[j] = a[j].abs();
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Call { to, function: Function::Finite, a } => {
                let mut a = load::<S, R, V>(simd, storage, a);
                for j in 0..V {
                    // 0 times what is not a finite number is not a number.
                    a[j] = (a[j] * splat(zero)).simd_eq(splat(zero)).select(a[j], splat(zero));
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Call { to, function: Function::Sqrt, a } => {
                let mut a = load::<S, R, V>(simd, storage, a);
                for j in 0..V {
                    a[j] = a[j].sqrt();
                }
                store::<S, R, V>(storage, to, a);
            }
            Instruction::Binary { to, op, a, b } => binary::<S, R, V>(storage, op, to, a, b),
            Instruction::Call { to, function, a } => call::<S, R, V>(storage, function, to, a),
        }
    }
}

#[inline(always)]
fn binary<S: Simd, R: Real, const V: usize>(storage: &mut [R], op: Binary, to: Slot, a: Slot, b: Slot) {
    let truth = |value: bool| if value { R::from_f64(1.0) } else { R::from_f64(0.0) };
    let zero = R::from_f64(0.0);
    match op {
        Binary::Power => {
            let w = V * R::Vector::<S>::LEN;
            // What the first pass overwrites, where the slots are the same, the second still needs.
            let (mut bases, mut exponents) = ([zero; 128], [zero; 128]);
            bases[..w].copy_from_slice(&storage[a as usize * w..][..w]);
            exponents[..w].copy_from_slice(&storage[b as usize * w..][..w]);
            each::<S, R, V>(storage, to, a, b, R::positive_power);
            for lane in 0..w {
                if bases[lane] > zero {
                    continue;
                }
                let value = crate::expr::power(bases[lane].to_f64(), exponents[lane].to_f64());
                storage[to as usize * w + lane] = R::from_f64(value);
            }
        }
        Binary::Min => each::<S, R, V>(storage, to, a, b, |a, b| if a < b { a } else { b }),
        Binary::Max => each::<S, R, V>(storage, to, a, b, |a, b| if a > b { a } else { b }),
        Binary::And => each::<S, R, V>(storage, to, a, b, |a, b| truth(a != zero && b != zero)),
        Binary::Or => each::<S, R, V>(storage, to, a, b, |a, b| truth(a != zero || b != zero)),
        Binary::Xor => each::<S, R, V>(storage, to, a, b, |a, b| truth((a != zero) != (b != zero))),
    }
}

#[inline(always)]
fn call<S: Simd, R: Real, const V: usize>(storage: &mut [R], function: Function, to: Slot, a: Slot) {
    match function {
        Function::Exp => each::<S, R, V>(storage, to, a, a, |x, _| x.exp()),
        Function::Ln => each::<S, R, V>(storage, to, a, a, |x, _| x.ln()),
        // The rest is rare in rate laws: the standard library, lane by lane, in f64.
        other => each::<S, R, V>(storage, to, a, a, |x, _| R::from_f64(other.apply(x.to_f64()))),
    }
}
