//! The tape: straight-line code as superinstructions on numbered slots, each slot holding one value of every lane.
//!
//! Almost everything an integration step computes is a sum: of fluxes, of stages times coefficients, of a matrix row
//! times a vector. One instruction, [`Instruction::Sum`], does such a sum whole, with its running total in registers.

use crate::expr::{Binary, Function, Relation};
use std::ops::Range;

/// A slot, or before allocation a virtual register.
pub type Slot = u32;

/// "No slot" in an optional operand.
pub const NONE: Slot = Slot::MAX;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Instruction {
    /// `to = (constant + sum of coefficient*slot + sum of slot*slot - sum of slot*slot) * scale`.
    ///
    /// At `at` in the operands: `linear` slots, then `plus` pairs, then `minus` pairs; the constant and the `linear`
    /// coefficients are at `numbers`.
    Sum {
        to: Slot,
        at: u32,
        numbers: u32,
        linear: u16,
        plus: u16,
        minus: u16,
        scale: Slot,
    },
    /// The product of `count` slots at `at`.
    Product {
        to: Slot,
        at: u32,
        count: u16,
    },
    Add {
        to: Slot,
        a: Slot,
        b: Slot,
    },
    Sub {
        to: Slot,
        a: Slot,
        b: Slot,
    },
    Divide {
        to: Slot,
        a: Slot,
        b: Slot,
    },
    Reciprocal {
        to: Slot,
        a: Slot,
    },
    Call {
        to: Slot,
        function: Function,
        a: Slot,
    },
    Binary {
        to: Slot,
        op: Binary,
        a: Slot,
        b: Slot,
    },
    Compare {
        to: Slot,
        relation: Relation,
        a: Slot,
        b: Slot,
    },
    Select {
        to: Slot,
        condition: Slot,
        then: Slot,
        otherwise: Slot,
    },
    /// `error / (atol + rtol * max(|a|, |b|))`, with rtol and atol at `numbers`.
    Scaled {
        to: Slot,
        error: Slot,
        a: Slot,
        b: Slot,
        numbers: u32,
    },
}

/// Instructions with their operands and numbers; `values` slots in all.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    pub code: Vec<Instruction>,
    pub operands: Vec<Slot>,
    pub numbers: Vec<f64>,
    pub slots: usize,
    /// Slots that hold a constant, set once.
    pub constants: Vec<(Slot, f64)>,
    /// Where the results are.
    pub outputs: Vec<Slot>,
}

impl Instruction {
    pub fn target(&mut self) -> &mut Slot {
        match self {
            Instruction::Sum { to, .. }
            | Instruction::Product { to, .. }
            | Instruction::Add { to, .. }
            | Instruction::Sub { to, .. }
            | Instruction::Divide { to, .. }
            | Instruction::Reciprocal { to, .. }
            | Instruction::Call { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::Compare { to, .. }
            | Instruction::Select { to, .. }
            | Instruction::Scaled { to, .. } => to,
        }
    }

    /// Visits the operands that stand in the instruction itself, and returns where in the tape's operands the rest are.
    fn visit(&mut self, mut visit: impl FnMut(&mut Slot)) -> Range<usize> {
        match self {
            Instruction::Sum { at, linear, plus, minus, scale, .. } => {
                if *scale != NONE {
                    visit(scale);
                }
                *at as usize..*at as usize + *linear as usize + 2 * (*plus as usize + *minus as usize)
            }
            Instruction::Product { at, count, .. } => *at as usize..*at as usize + *count as usize,
            Instruction::Reciprocal { a, .. } | Instruction::Call { a, .. } => {
                visit(a);
                0..0
            }
            Instruction::Add { a, b, .. }
            | Instruction::Sub { a, b, .. }
            | Instruction::Divide { a, b, .. }
            | Instruction::Binary { a, b, .. }
            | Instruction::Compare { a, b, .. } => {
                visit(a);
                visit(b);
                0..0
            }
            Instruction::Select { condition: a, then: b, otherwise: c, .. }
            | Instruction::Scaled { error: a, a: b, b: c, .. } => {
                visit(a);
                visit(b);
                visit(c);
                0..0
            }
        }
    }
}

impl Tape {
    pub fn target(&self, at: usize) -> Slot {
        *self.code[at].clone().target()
    }

    pub fn for_each_operand(&self, at: usize, mut visit: impl FnMut(Slot)) {
        let list = self.code[at].clone().visit(|slot| visit(*slot));
        self.operands[list].iter().for_each(|&slot| visit(slot));
    }

    fn change_operands(&mut self, at: usize, mut change: impl FnMut(&mut Slot)) {
        let list = self.code[at].visit(&mut change);
        self.operands[list].iter_mut().for_each(change);
    }

    /// Gives each register another number.
    pub fn rename(&mut self, map: &[Slot]) {
        for at in 0..self.code.len() {
            self.change_operands(at, |slot| *slot = map[*slot as usize]);
            let target = self.code[at].target();
            *target = map[*target as usize];
        }
        self.constants.iter_mut().for_each(|(slot, _)| *slot = map[*slot as usize]);
        self.outputs.iter_mut().for_each(|slot| *slot = map[*slot as usize]);
    }

    /// Gives virtual registers their slots: the first `inputs` keep their numbers, constants and outputs get slots of
    /// their own, the rest share, each slot being free again after its last use. Code that nothing needs is dropped.
    pub fn allocate(mut self, inputs: usize) -> Tape {
        let registers = self.slots;
        let mut needed = vec![false; registers];
        self.outputs.iter().for_each(|&slot| needed[slot as usize] = true);
        let mut keep = vec![false; self.code.len()];
        for at in (0..self.code.len()).rev() {
            keep[at] = needed[self.target(at) as usize];
            if keep[at] {
                self.for_each_operand(at, |slot| needed[slot as usize] = true);
            }
        }
        let mut kept = keep.iter();
        self.code.retain(|_| *kept.next().expect("one for each"));
        self.constants.retain(|&(slot, _)| needed[slot as usize]);

        let mut place = vec![NONE; registers];
        let mut next = 0;
        let mut fixed = vec![false; registers];
        let mut fix = |slot: Slot, place: &mut Vec<Slot>| {
            if place[slot as usize] == NONE {
                place[slot as usize] = next;
                next += 1;
                fixed[slot as usize] = true;
            }
        };
        (0..inputs as Slot).for_each(|slot| fix(slot, &mut place));
        self.constants.iter().for_each(|&(slot, _)| fix(slot, &mut place));
        self.outputs.iter().for_each(|&slot| fix(slot, &mut place));

        let mut last_use = vec![0; registers];
        for at in 0..self.code.len() {
            self.for_each_operand(at, |slot| last_use[slot as usize] = at);
        }
        let mut free: Vec<Slot> = Vec::new();
        for at in 0..self.code.len() {
            let mut ended = Vec::new();
            self.change_operands(at, |slot| {
                let register = *slot as usize;
                *slot = place[register];
                if last_use[register] == at && !fixed[register] && !ended.contains(slot) {
                    ended.push(*slot);
                }
            });
            // The target may be an operand's slot: every instruction reads a vector of all its operands first.
            free.extend(ended);
            let register = self.target(at) as usize;
            if place[register] == NONE {
                place[register] = free.pop().unwrap_or_else(|| {
                    next += 1;
                    next - 1
                });
            }
            *self.code[at].target() = place[register];
        }
        self.constants.iter_mut().for_each(|(slot, _)| *slot = place[*slot as usize]);
        self.outputs.iter_mut().for_each(|slot| *slot = place[*slot as usize]);
        self.slots = next as usize;
        self
    }
}
