//! Native code beside the tape that it was made from.

use super::super::execute::{Executable, native_lanes};
use super::super::real::Real;
use super::super::tape::{Instruction, NONE, Slot, Tape};
use crate::expr::{Binary, Function, Relation};
use crate::random::Stream;
use fearless_simd::Level;

const INPUTS: usize = 12;

/// Random code over `INPUTS` inputs and a few constants, some of it long past what 16 registers hold.
fn tape(stream: &mut Stream, length: usize) -> Tape {
    let mut tape = Tape { slots: INPUTS, ..Tape::default() };
    for value in [0.0, 1.0, -1.0, 0.25, 1e-30] {
        tape.constants.push((tape.slots as Slot, value));
        tape.slots += 1;
    }
    for _ in 0..length {
        let known = tape.slots;
        // Mostly recent values, as in real code, and at times old ones.
        let mut pick = || {
            let back = if stream.uniform() < 0.8 { 10.0 } else { known as f64 };
            (known - 1 - ((stream.uniform() * back) as usize).min(known - 1)) as Slot
        };
        let (a, b, c, to) = (pick(), pick(), pick(), known as Slot);
        let operands: Vec<Slot> = (0..12).map(|_| pick()).collect();
        let mut below = |n: usize| stream.below(n);
        let at = tape.operands.len() as u32;
        let instruction = match below(16) {
            0..=4 => {
                let (linear, plus, minus) = (below(4), below(3), below(3));
                let numbers = tape.numbers.len() as u32;
                tape.numbers.push([0.0, 0.0, 1.5, -0.3][below(4)]);
                tape.numbers.extend((0..linear).map(|_| [1.0, -1.0, 0.7, 1e3][below(4)]));
                tape.operands.extend(&operands[..linear + 2 * (plus + minus)]);
                let scale = if below(3) == 0 { a } else { NONE };
                let (linear, plus, minus) = (linear as u16, plus as u16, minus as u16);
                Instruction::Sum { to, at, numbers, linear, plus, minus, scale }
            }
            5 => {
                let count = 1 + below(4);
                tape.operands.extend(&operands[..count]);
                Instruction::Product { to, at, count: count as u16 }
            }
            6 => Instruction::Add { to, a, b },
            7 => Instruction::Sub { to, a, b },
            8 => Instruction::Divide { to, a, b },
            9 => Instruction::Reciprocal { to, a },
            10 => Instruction::Scaled {
                to,
                error: a,
                a: b,
                b: c,
                numbers: {
                    tape.numbers.extend([1e-4, 1e-8]);
                    tape.numbers.len() as u32 - 2
                },
            },
            11 => Instruction::Select { to, condition: a, then: b, otherwise: c },
            12 => {
                let relations = [Relation::Less, Relation::LessEqual, Relation::Equal, Relation::NotEqual];
                Instruction::Compare { to, relation: relations[below(4)], a, b }
            }
            13 => {
                let ops = [Binary::Max, Binary::Min, Binary::And, Binary::Or, Binary::Xor, Binary::Power];
                Instruction::Binary { to, op: ops[below(6)], a, b }
            }
            14 => Instruction::Call { to, function: [Function::Sqrt, Function::Abs][below(2)], a },
            _ => Instruction::Call { to, function: [Function::Exp, Function::Ln, Function::Sqrt][below(3)], a },
        };
        tape.code.push(instruction);
        tape.slots += 1;
    }
    for _ in 0..8 {
        let slot = (tape.slots - 1 - (stream.uniform() * length as f64 * 0.7) as usize) as Slot;
        if !tape.outputs.contains(&slot) {
            tape.outputs.push(slot);
        }
    }
    tape.allocate(INPUTS)
}

fn compare<R: Real, const V: usize>(tape: &Tape, stream: &mut Stream) {
    let level = Level::new();
    let lanes = V * native_lanes::<R>(level);
    let executables = [Executable::<R>::new(tape.clone()), Executable::<R>::native(tape.clone())];
    assert!(executables[1].code::<V>(lanes).is_some(), "no native code was made");
    let mut storages = executables.each_ref().map(|executable| executable.storage::<V>(lanes));
    for _ in 0..3 {
        for at in 0..INPUTS * lanes {
            let value = match (stream.uniform() * 20.0) as u32 {
                0 => 0.0,
                1 => f64::INFINITY,
                2 => f64::NAN,
                _ => stream.normal() * 3.0,
            };
            storages.iter_mut().for_each(|storage| storage[at] = R::from_f64(value));
        }
        for (executable, storage) in executables.iter().zip(&mut storages) {
            executable.run::<V>(level, storage);
        }
        for &slot in &tape.outputs {
            let [expected, found] = storages.each_ref().map(|s| s[slot as usize * lanes..][..lanes].to_vec());
            for (e, f) in expected.iter().zip(&found) {
                let (e, f) = (e.to_f64(), f.to_f64());
                assert!(
                    e.to_bits() == f.to_bits() || (e.is_nan() && f.is_nan()),
                    "slot {slot}: {e} on the tape, {f} in native code\n{tape:?}"
                );
            }
        }
    }
}

#[test]
fn native_code_computes_what_the_tape_does() {
    if !super::available() {
        return;
    }
    for seed in 0..400 {
        let mut stream = Stream::new(7, seed);
        let length = if seed % 20 == 0 { 1500 } else { 3 + seed as usize % 90 };
        let tape = tape(&mut stream, length);
        compare::<f64, 8>(&tape, &mut stream);
        compare::<f64, 1>(&tape, &mut stream);
        compare::<f32, 4>(&tape, &mut stream);
        compare::<f32, 1>(&tape, &mut stream);
    }
}
