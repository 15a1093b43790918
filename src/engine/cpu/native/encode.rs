//! Operations as AVX2 instructions over 32 bytes: four numbers in f64, eight in f32.

use super::micro::Op;
use crate::expr::Relation;
use iced_x86::{Code, Encoder, IcedError, Instruction, MemoryOperand, Register};

/// Bytes of a vector.
pub const VECTOR: usize = 32;
/// Registers that hold vectors.
pub const REGISTERS: usize = 16;

/// One of the vector registers.
pub type Ymm = u8;

/// An operand that may be in memory: a register of addresses and a distance in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Register(Ymm),
    Memory(Base, i64),
}

/// What the function is given, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Storage,
    Table,
    Scratch,
}

/// The instruction codes for one type of number.
struct Codes {
    load: Code,
    store: Code,
    copy: Code,
    mul: Code,
    add: Code,
    sub: Code,
    div: Code,
    max: Code,
    min: Code,
    sqrt: Code,
    fma: Code,
    fma_negated: Code,
    compare: Code,
    and: Code,
    or: Code,
    xor: Code,
    blend: Code,
}

const DOUBLE: Codes = Codes {
    load: Code::VEX_Vmovupd_ymm_ymmm256,
    store: Code::VEX_Vmovupd_ymmm256_ymm,
    copy: Code::VEX_Vmovapd_ymm_ymmm256,
    mul: Code::VEX_Vmulpd_ymm_ymm_ymmm256,
    add: Code::VEX_Vaddpd_ymm_ymm_ymmm256,
    sub: Code::VEX_Vsubpd_ymm_ymm_ymmm256,
    div: Code::VEX_Vdivpd_ymm_ymm_ymmm256,
    max: Code::VEX_Vmaxpd_ymm_ymm_ymmm256,
    min: Code::VEX_Vminpd_ymm_ymm_ymmm256,
    sqrt: Code::VEX_Vsqrtpd_ymm_ymmm256,
    fma: Code::VEX_Vfmadd231pd_ymm_ymm_ymmm256,
    fma_negated: Code::VEX_Vfnmadd231pd_ymm_ymm_ymmm256,
    compare: Code::VEX_Vcmppd_ymm_ymm_ymmm256_imm8,
    and: Code::VEX_Vandpd_ymm_ymm_ymmm256,
    or: Code::VEX_Vorpd_ymm_ymm_ymmm256,
    xor: Code::VEX_Vxorpd_ymm_ymm_ymmm256,
    blend: Code::VEX_Vblendvpd_ymm_ymm_ymmm256_ymm,
};

const SINGLE: Codes = Codes {
    load: Code::VEX_Vmovups_ymm_ymmm256,
    store: Code::VEX_Vmovups_ymmm256_ymm,
    copy: Code::VEX_Vmovaps_ymm_ymmm256,
    mul: Code::VEX_Vmulps_ymm_ymm_ymmm256,
    add: Code::VEX_Vaddps_ymm_ymm_ymmm256,
    sub: Code::VEX_Vsubps_ymm_ymm_ymmm256,
    div: Code::VEX_Vdivps_ymm_ymm_ymmm256,
    max: Code::VEX_Vmaxps_ymm_ymm_ymmm256,
    min: Code::VEX_Vminps_ymm_ymm_ymmm256,
    sqrt: Code::VEX_Vsqrtps_ymm_ymmm256,
    fma: Code::VEX_Vfmadd231ps_ymm_ymm_ymmm256,
    fma_negated: Code::VEX_Vfnmadd231ps_ymm_ymm_ymmm256,
    compare: Code::VEX_Vcmpps_ymm_ymm_ymmm256_imm8,
    and: Code::VEX_Vandps_ymm_ymm_ymmm256,
    or: Code::VEX_Vorps_ymm_ymm_ymmm256,
    xor: Code::VEX_Vxorps_ymm_ymm_ymmm256,
    blend: Code::VEX_Vblendvps_ymm_ymm_ymmm256_ymm,
};

/// Writes a function `(storage, table, scratch, rounds)` in the System V convention: a loop over `rounds` that moves
/// `storage` on by `stride` bytes each time.
pub struct Assembler {
    encoder: Encoder,
    codes: &'static Codes,
    length: u64,
    first: Option<IcedError>,
}

impl Assembler {
    pub fn new(double: bool) -> Assembler {
        let codes = if double { &DOUBLE } else { &SINGLE };
        Assembler { encoder: Encoder::new(64), codes, length: 0, first: None }
    }

    fn put(&mut self, instruction: Result<Instruction, IcedError>) {
        match instruction.and_then(|instruction| self.encoder.encode(&instruction, self.length)) {
            Ok(bytes) => self.length += bytes as u64,
            Err(error) => self.first = self.first.take().or(Some(error)),
        }
    }

    pub fn load(&mut self, to: Ymm, from: Place) {
        let instruction = match from {
            Place::Register(from) => Instruction::with2(self.codes.copy, ymm(to), ymm(from)),
            Place::Memory(base, at) => Instruction::with2(self.codes.load, ymm(to), memory(base, at)),
        };
        self.put(instruction);
    }

    pub fn store(&mut self, to: (Base, i64), from: Ymm) {
        self.put(Instruction::with2(self.codes.store, memory(to.0, to.1), ymm(from)));
    }

    /// `to = op(a, b)`, or for the fused ones `to = to + a * b`. `c` is the mask of a blend.
    pub fn operate(&mut self, op: Op, to: Ymm, a: Ymm, b: Place, c: Ymm) {
        let code = self.code(op);
        let instruction = match (op, b) {
            (Op::Sqrt, Place::Register(b)) => Instruction::with2(code, ymm(to), ymm(b)),
            (Op::Sqrt, Place::Memory(base, at)) => Instruction::with2(code, ymm(to), memory(base, at)),
            (Op::Compare(relation), Place::Register(b)) => {
                Instruction::with4(code, ymm(to), ymm(a), ymm(b), predicate(relation))
            }
            (Op::Compare(relation), Place::Memory(base, at)) => {
                Instruction::with4(code, ymm(to), ymm(a), memory(base, at), predicate(relation))
            }
            (Op::Blend, Place::Register(b)) => Instruction::with4(code, ymm(to), ymm(a), ymm(b), ymm(c)),
            (Op::Blend, Place::Memory(base, at)) => Instruction::with4(code, ymm(to), ymm(a), memory(base, at), ymm(c)),
            (_, Place::Register(b)) => Instruction::with3(code, ymm(to), ymm(a), ymm(b)),
            (_, Place::Memory(base, at)) => Instruction::with3(code, ymm(to), ymm(a), memory(base, at)),
        };
        self.put(instruction);
    }

    fn code(&self, op: Op) -> Code {
        let codes = self.codes;
        match op {
            Op::Mul => codes.mul,
            Op::Add => codes.add,
            Op::Sub => codes.sub,
            Op::Div => codes.div,
            Op::Max => codes.max,
            Op::Min => codes.min,
            Op::Sqrt => codes.sqrt,
            Op::Fma => codes.fma,
            Op::FmaNegated => codes.fma_negated,
            Op::Compare(_) => codes.compare,
            Op::And => codes.and,
            Op::Or => codes.or,
            Op::Xor => codes.xor,
            Op::Blend => codes.blend,
        }
    }

    /// Ends the loop and the function. The bytes, or `None` if an instruction could not be encoded.
    pub fn finish(mut self, stride: i32) -> Option<Vec<u8>> {
        self.put(Instruction::with2(Code::Add_rm64_imm32, address(Base::Storage), stride));
        self.put(Instruction::with2(Code::Sub_rm64_imm8, Register::RCX, 1));
        self.put(Instruction::with_branch(Code::Jne_rel32_64, 0));
        self.put(Ok(Instruction::with(Code::VEX_Vzeroupper)));
        self.put(Ok(Instruction::with(Code::Retnq)));
        self.first.is_none().then(|| self.encoder.take_buffer())
    }
}

fn ymm(register: Ymm) -> Register {
    Register::YMM0 + u32::from(register)
}

fn address(base: Base) -> Register {
    match base {
        Base::Storage => Register::RDI,
        Base::Table => Register::RSI,
        Base::Scratch => Register::RDX,
    }
}

fn memory(base: Base, at: i64) -> MemoryOperand {
    MemoryOperand::with_base_displ(address(base), at)
}

/// The processor's predicate; like the tape's, only "not equal" holds for what is not a number.
fn predicate(relation: Relation) -> i32 {
    match relation {
        Relation::Equal => 0x00,
        Relation::Less => 0x11,
        Relation::LessEqual => 0x12,
        Relation::NotEqual => 0x04,
    }
}
