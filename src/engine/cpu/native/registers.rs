//! Which values are in registers when: the one whose next use is furthest makes room (L. A. Belady, "A study of
//! replacement algorithms for a virtual-storage computer", IBM Systems Journal 5, 1966), since straight-line code
//! tells all uses beforehand.

use super::encode::{Assembler, Base, Place, REGISTERS, VECTOR, Ymm};
use super::micro::{Home, Micro, Op, Stretch, Value};

/// Vectors of scratch memory that a stretch needs, and the bytes of its function.
pub struct Written {
    pub code: Vec<u8>,
    pub scratch: u32,
}

/// Writes a stretch over `together` vectors of a group. `slot` is the distance between slots in bytes.
pub fn write(stretch: &Stretch, double: bool, slot: usize, together: u32) -> Option<Written> {
    let mut uses: Vec<Vec<u32>> = vec![Vec::new(); stretch.homes.len()];
    for (at, micro) in stretch.code.iter().enumerate().rev() {
        for value in operands(micro) {
            uses[value as usize].push(at as u32);
        }
    }
    let mut writer = Writer {
        assembler: Assembler::new(double),
        slot,
        homes: stretch.homes.clone(),
        uses,
        register: vec![None; stretch.homes.len()],
        held: [None; REGISTERS],
        free_scratch: Vec::new(),
        scratch: 0,
        now: 0,
    };
    for (at, micro) in stretch.code.iter().enumerate() {
        writer.now = at as u32;
        writer.micro(micro, stretch.kept[micro.to as usize]);
    }
    let code = writer.assembler.finish(together as i32 * VECTOR as i32)?;
    Some(Written { code, scratch: writer.scratch })
}

/// The distinct operands.
fn operands(micro: &Micro) -> impl Iterator<Item = Value> {
    let Micro { a, b, c, .. } = *micro;
    [Some(a), (b != a).then_some(b), (c != a && c != b).then_some(c)].into_iter().flatten()
}

struct Writer {
    assembler: Assembler,
    slot: usize,
    homes: Vec<Home>,
    /// For each value where it is used, the next use last.
    uses: Vec<Vec<u32>>,
    register: Vec<Option<Ymm>>,
    held: [Option<Value>; REGISTERS],
    free_scratch: Vec<u32>,
    scratch: u32,
    now: u32,
}

impl Writer {
    fn micro(&mut self, micro: &Micro, kept: Option<Home>) {
        let to = match micro.op {
            Op::Fma | Op::FmaNegated => self.fused(micro),
            _ => self.plain(micro),
        };
        for value in operands(micro) {
            self.retire(value);
        }
        self.hold(to, micro.to);
        if let Some(home) = kept {
            self.assembler.store(self.place(home), to);
            self.homes[micro.to as usize] = home;
        }
        self.retire(micro.to);
    }

    fn plain(&mut self, micro: &Micro) -> Ymm {
        let Micro { op, mut a, mut b, c, .. } = *micro;
        let commutes = matches!(op, Op::Mul | Op::Add | Op::And | Op::Or | Op::Xor);
        if commutes && self.register[a as usize].is_none() && self.register[b as usize].is_some() {
            std::mem::swap(&mut a, &mut b);
        }
        let mask = (op == Op::Blend).then(|| self.bring(c, &[]));
        let first = (op != Op::Sqrt).then(|| self.bring(a, &[mask]));
        let second = self.operand(b, &[mask, first]);
        // The instruction reads its operands before it writes: their registers may be taken, if nobody needs them.
        for value in operands(micro) {
            self.uses[value as usize].pop();
            self.let_go(value);
        }
        let to = self.room(&[]);
        self.assembler.operate(op, to, first.unwrap_or_default(), second, mask.unwrap_or_default());
        to
    }

    fn fused(&mut self, micro: &Micro) -> Ymm {
        let Micro { op, mut a, mut b, c, .. } = *micro;
        if self.register[a as usize].is_none() && self.register[b as usize].is_some() {
            std::mem::swap(&mut a, &mut b);
        }
        let total = self.register[c as usize];
        let first = self.bring(a, &[total]);
        let second = self.operand(b, &[total, Some(first)]);
        for value in operands(micro) {
            self.uses[value as usize].pop();
        }
        let to = match self.register[c as usize] {
            Some(total) if self.uses[c as usize].is_empty() && c != a && c != b => total,
            _ => {
                let busy = [Some(first), if let Place::Register(second) = second { Some(second) } else { None }];
                let from = self.whereabouts(c);
                let to = self.room(&busy);
                if from != Place::Register(to) {
                    self.assembler.load(to, from);
                }
                to
            }
        };
        self.assembler.operate(op, to, first, second, 0);
        to
    }

    fn place(&self, home: Home) -> (Base, i64) {
        match home {
            Home::Slot(slot, vector) => {
                (Base::Storage, slot as i64 * self.slot as i64 + i64::from(vector) * VECTOR as i64)
            }
            Home::Table(at) => (Base::Table, i64::from(at) * VECTOR as i64),
            Home::Scratch(at) => (Base::Scratch, i64::from(at) * VECTOR as i64),
            Home::None => unreachable!("a value is made before it is read"),
        }
    }

    fn whereabouts(&self, value: Value) -> Place {
        match self.register[value as usize] {
            Some(register) => Place::Register(register),
            None => {
                let (base, at) = self.place(self.homes[value as usize]);
                Place::Memory(base, at)
            }
        }
    }

    /// The register of a value, loaded if need be without touching those that are `busy`.
    fn bring(&mut self, value: Value, busy: &[Option<Ymm>]) -> Ymm {
        if let Some(register) = self.register[value as usize] {
            return register;
        }
        let from = self.whereabouts(value);
        let register = self.room(busy);
        self.assembler.load(register, from);
        self.hold(register, value);
        register
    }

    /// Where an instruction can read a value: it is loaded if it is used again before something that a register holds.
    fn operand(&mut self, value: Value, busy: &[Option<Ymm>]) -> Place {
        if self.register[value as usize].is_none()
            && let Some(next) = self.uses[value as usize].iter().rev().copied().find(|&at| at > self.now)
        {
            let furthest = (0..REGISTERS as Ymm).filter(|r| !busy.contains(&Some(*r))).map(|r| self.distance(r)).max();
            if furthest > Some(next) {
                self.bring(value, busy);
            }
        }
        self.whereabouts(value)
    }

    /// The next use, that of the operation at hand included until its operands are found.
    fn next(&self, value: Value) -> Option<u32> {
        self.uses[value as usize].last().copied()
    }

    /// When what a register holds is used next; never for a free one.
    fn distance(&self, register: Ymm) -> u32 {
        self.held[register as usize].and_then(|value| self.next(value)).unwrap_or(u32::MAX)
    }

    /// A register that may be written, its value saved if it is needed and nowhere else.
    fn room(&mut self, busy: &[Option<Ymm>]) -> Ymm {
        let free = (0..REGISTERS as Ymm).filter(|r| !busy.contains(&Some(*r)));
        let register =
            free.max_by_key(|&r| (self.held[r as usize].is_none(), self.distance(r), r)).expect("16 registers");
        if let Some(value) = self.held[register as usize].take() {
            self.register[value as usize] = None;
            if self.homes[value as usize] == Home::None && self.next(value).is_some() {
                let at = self.free_scratch.pop().unwrap_or_else(|| {
                    self.scratch += 1;
                    self.scratch - 1
                });
                self.homes[value as usize] = Home::Scratch(at);
                self.assembler.store((Base::Scratch, i64::from(at) * VECTOR as i64), register);
            }
        }
        register
    }

    fn hold(&mut self, register: Ymm, value: Value) {
        if let Some(before) = self.held[register as usize] {
            self.register[before as usize] = None;
        }
        self.held[register as usize] = Some(value);
        self.register[value as usize] = Some(register);
    }

    /// Frees the register of a value that nothing uses any more.
    fn let_go(&mut self, value: Value) {
        if self.next(value).is_none()
            && let Some(register) = self.register[value as usize].take()
        {
            self.held[register as usize] = None;
        }
    }

    /// Frees all that a value occupies once nothing uses it any more.
    fn retire(&mut self, value: Value) {
        self.let_go(value);
        if self.next(value).is_none()
            && let Home::Scratch(at) = self.homes[value as usize]
        {
            self.free_scratch.push(at);
            self.homes[value as usize] = Home::None;
        }
    }
}
