//! A stretch of a tape as operations that a processor has, on values that are each written once.

use super::super::tape::{Instruction, NONE, Slot, Tape};
use crate::expr::{Binary, Function, Relation};
use std::collections::{HashMap, HashSet};

/// Names a value of a [`Stretch`].
pub type Value = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Mul,
    Add,
    Sub,
    Div,
    /// As the processor has them: the second operand where they are equal or one is not a number.
    Max,
    Min,
    Sqrt,
    /// `c + a * b`, rounded once.
    Fma,
    /// `c - a * b`, rounded once.
    FmaNegated,
    /// All bits set where it holds.
    Compare(Relation),
    And,
    Or,
    Xor,
    /// `b` where the sign bit of `c` is set, else `a`.
    Blend,
}

/// `to = op(a, b, c)`; operands that an operation lacks are `a` again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Micro {
    pub op: Op,
    pub to: Value,
    pub a: Value,
    pub b: Value,
    pub c: Value,
}

/// What a constant of the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    Bits(u64),
    /// All bits but the sign.
    Magnitude,
}

/// Where a value is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Nowhere, before it is spilled.
    None,
    /// A slot of the group's storage; which of the vectors that are worked on together.
    Slot(Slot, u32),
    /// An entry of the table of constants.
    Table(u32),
    Scratch(u32),
}

/// Operations with the homes of their values.
#[derive(Debug, Default)]
pub struct Stretch {
    pub code: Vec<Micro>,
    /// For each value its home at the beginning.
    pub homes: Vec<Home>,
    /// For each value the slot into which it is stored when it is made, if it is read elsewhere.
    pub kept: Vec<Option<Home>>,
}

/// The constants of a tape, each once.
#[derive(Debug, Default)]
pub struct Table {
    pub numbers: Vec<Number>,
    places: HashMap<Number, u32>,
}

impl Table {
    fn place(&mut self, number: Number) -> u32 {
        *self.places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() as u32 - 1
        })
    }
}

/// Whether the instruction is made of such operations; the rest stays on the tape.
pub fn is_plain(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Call { function, .. } => matches!(function, Function::Abs | Function::Sqrt | Function::Finite),
        Instruction::Binary { op, .. } => *op != Binary::Power,
        _ => true,
    }
}

/// Translates `tape.code[range]`, all of it plain. `live` are the slots that are read behind it.
pub fn translate(tape: &Tape, range: std::ops::Range<usize>, live: &[bool], table: &mut Table) -> Stretch {
    let constants = tape.constants.iter().map(|&(slot, number)| (slot, number.to_bits())).collect();
    let mut translator = Translator {
        tape,
        table,
        constants,
        stretch: Stretch::default(),
        values: HashMap::new(),
        known: HashMap::new(),
        placed: HashSet::new(),
    };
    for instruction in &tape.code[range] {
        translator.instruction(instruction);
    }
    let Translator { values, mut stretch, .. } = translator;
    for (slot, value) in values {
        // What came from the slot need not go back.
        if live[slot as usize] && stretch.homes[value as usize] == Home::None {
            stretch.kept[value as usize] = Some(Home::Slot(slot, 0));
        }
    }
    stretch
}

struct Translator<'a> {
    tape: &'a Tape,
    table: &'a mut Table,
    constants: HashMap<Slot, u64>,
    stretch: Stretch,
    /// What each slot holds now.
    values: HashMap<Slot, Value>,
    /// Entries of the table that have a value here.
    known: HashMap<u32, Value>,
    /// Values that some slot holds.
    placed: HashSet<Value>,
}

impl Translator<'_> {
    fn value(&mut self, home: Home) -> Value {
        self.stretch.homes.push(home);
        self.stretch.kept.push(None);
        self.stretch.homes.len() as Value - 1
    }

    fn read(&mut self, slot: Slot) -> Value {
        if let Some(&bits) = self.constants.get(&slot) {
            return self.constant(Number::Bits(bits));
        }
        if let Some(&value) = self.values.get(&slot) {
            return value;
        }
        let value = self.value(Home::Slot(slot, 0));
        self.values.insert(slot, value);
        value
    }

    fn constant(&mut self, number: Number) -> Value {
        let place = self.table.place(number);
        if let Some(&value) = self.known.get(&place) {
            return value;
        }
        let value = self.value(Home::Table(place));
        self.known.insert(place, value);
        value
    }

    fn number(&mut self, number: f64) -> Value {
        self.constant(Number::Bits(number.to_bits()))
    }

    fn push(&mut self, op: Op, a: Value, b: Value, c: Value) -> Value {
        let to = self.value(Home::None);
        self.stretch.code.push(Micro { op, to, a, b, c });
        to
    }

    fn two(&mut self, op: Op, a: Value, b: Value) -> Value {
        self.push(op, a, b, a)
    }

    fn instruction(&mut self, instruction: &Instruction) {
        let (to, value) = match *instruction {
            Instruction::Sum { to, at, numbers, linear, plus, minus, scale } => {
                let total = self.sum(at as usize, numbers as usize, linear as usize, plus as usize, minus as usize);
                (to, if scale == NONE { total } else { self.scaled(total, scale) })
            }
            Instruction::Product { to, at, count } => {
                let operands = &self.tape.operands[at as usize..][..count as usize];
                let mut total = self.read(operands[0]);
                for &slot in &operands[1..] {
                    total = self.scaled(total, slot);
                }
                (to, total)
            }
            Instruction::Add { to, a, b } => (to, self.slots(Op::Add, a, b)),
            Instruction::Sub { to, a, b } => (to, self.slots(Op::Sub, a, b)),
            Instruction::Divide { to, a, b } => (to, self.slots(Op::Div, a, b)),
            Instruction::Reciprocal { to, a } => {
                let (one, a) = (self.number(1.0), self.read(a));
                (to, self.two(Op::Div, one, a))
            }
            Instruction::Scaled { to, error, a, b, numbers } => (to, self.scaled_error(error, a, b, numbers as usize)),
            Instruction::Select { to, condition, then, otherwise } => {
                let (zero, condition) = (self.number(0.0), self.read(condition));
                let mask = self.two(Op::Compare(Relation::Equal), condition, zero);
                let (then, otherwise) = (self.read(then), self.read(otherwise));
                (to, self.push(Op::Blend, then, otherwise, mask))
            }
            Instruction::Compare { to, relation, a, b } => {
                let mask = self.slots(Op::Compare(relation), a, b);
                (to, self.truth(mask))
            }
            Instruction::Binary { to, op: Binary::Max, a, b } => (to, self.slots(Op::Max, a, b)),
            Instruction::Binary { to, op: Binary::Min, a, b } => (to, self.slots(Op::Min, a, b)),
            Instruction::Binary { to, op, a, b } => {
                let zero = self.number(0.0);
                let [a, b] = [a, b].map(|slot| {
                    let value = self.read(slot);
                    self.two(Op::Compare(Relation::NotEqual), value, zero)
                });
                let op = match op {
                    Binary::And => Op::And,
                    Binary::Or => Op::Or,
                    _ => Op::Xor,
                };
                let mask = self.two(op, a, b);
                (to, self.truth(mask))
            }
            Instruction::Call { to, function, a } => {
                let a = self.read(a);
                let value = match function {
                    Function::Sqrt => self.two(Op::Sqrt, a, a),
                    Function::Finite => {
                        let zero = self.number(0.0);
                        let product = self.two(Op::Mul, a, zero);
                        let mask = self.two(Op::Compare(Relation::Equal), product, zero);
                        self.two(Op::And, a, mask)
                    }
                    _ => self.magnitude(a),
                };
                (to, value)
            }
        };
        // A value stands in one slot only, so that it is stored once at most.
        let alone = self.stretch.homes[value as usize] == Home::None && !self.placed.contains(&value);
        let value = if alone { value } else { self.two(Op::Or, value, value) };
        self.placed.insert(value);
        self.values.insert(to, value);
    }

    fn slots(&mut self, op: Op, a: Slot, b: Slot) -> Value {
        let (a, b) = (self.read(a), self.read(b));
        self.two(op, a, b)
    }

    fn scaled(&mut self, value: Value, slot: Slot) -> Value {
        let factor = self.read(slot);
        self.two(Op::Mul, value, factor)
    }

    fn truth(&mut self, mask: Value) -> Value {
        let one = self.number(1.0);
        self.two(Op::And, mask, one)
    }

    fn magnitude(&mut self, value: Value) -> Value {
        let mask = self.constant(Number::Magnitude);
        self.two(Op::And, value, mask)
    }

    /// In the order of the tape, with the same roundings.
    fn sum(&mut self, at: usize, numbers: usize, linear: usize, plus: usize, minus: usize) -> Value {
        let operands = &self.tape.operands[at..][..linear + 2 * (plus + minus)];
        let numbers = &self.tape.numbers[numbers..][..linear + 1];
        let mut total = (numbers[0] != 0.0).then(|| self.number(numbers[0]));
        for (&slot, &coefficient) in operands[..linear].iter().zip(&numbers[1..]) {
            let x = self.read(slot);
            total = Some(match (total, coefficient) {
                (None, 1.0) => x,
                (None, _) => {
                    let coefficient = self.number(coefficient);
                    self.two(Op::Mul, x, coefficient)
                }
                (Some(total), 1.0) => self.two(Op::Add, total, x),
                (Some(total), -1.0) => self.two(Op::Sub, total, x),
                (Some(total), _) => {
                    let coefficient = self.number(coefficient);
                    self.push(Op::Fma, x, coefficient, total)
                }
            });
        }
        for (at, pair) in operands[linear..].chunks_exact(2).enumerate() {
            let (a, b) = (self.read(pair[0]), self.read(pair[1]));
            total = Some(match total {
                None if at < plus => self.two(Op::Mul, a, b),
                None => {
                    let zero = self.number(0.0);
                    self.push(Op::FmaNegated, a, b, zero)
                }
                Some(total) => self.push(if at < plus { Op::Fma } else { Op::FmaNegated }, a, b, total),
            });
        }
        total.unwrap_or_else(|| self.number(0.0))
    }

    fn scaled_error(&mut self, error: Slot, a: Slot, b: Slot, numbers: usize) -> Value {
        let (error, a, b) = (self.read(error), self.read(a), self.read(b));
        let (a, b) = (self.magnitude(a), self.magnitude(b));
        let size = self.two(Op::Max, a, b);
        let rtol = self.number(self.tape.numbers[numbers]);
        let atol = self.number(self.tape.numbers[numbers + 1]);
        let tolerance = self.push(Op::Fma, size, rtol, atol);
        self.two(Op::Div, error, tolerance)
    }
}

/// The same work on `count` vectors at once, one after the other in each operation: their dependencies do not touch,
/// so that the processor need not wait for one result before it begins the next.
pub fn side_by_side(stretch: Stretch, count: u32) -> Stretch {
    let mut wide = Stretch::default();
    let places: Vec<[Value; 2]> = stretch
        .homes
        .iter()
        .zip(&stretch.kept)
        .map(|(&home, &kept)| {
            let mut first = 0;
            for vector in 0..count {
                let own = |home| if let Home::Slot(slot, _) = home { Home::Slot(slot, vector) } else { home };
                // Constants are shared.
                if vector > 0 && matches!(home, Home::Table(_)) {
                    break;
                }
                wide.homes.push(own(home));
                wide.kept.push(kept.map(own));
                if vector == 0 {
                    first = wide.homes.len() as Value - 1;
                }
            }
            [first, u32::from(!matches!(home, Home::Table(_)))]
        })
        .collect();
    for micro in &stretch.code {
        for vector in 0..count {
            let of = |value: Value| {
                let [first, step] = places[value as usize];
                first + vector * step
            };
            wide.code.push(Micro { op: micro.op, to: of(micro.to), a: of(micro.a), b: of(micro.b), c: of(micro.c) });
        }
    }
    wide
}
