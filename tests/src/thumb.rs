//! A decoder for the Thumb instructions that change the flow of control, or that an inference must not contain, after
//! chapter A7 of the Arm Architecture Reference Manuals for v6-M and v7-M.

/// What an instruction does, as far as the tests need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Branches to an address: `b`, `bl`, `cbz`, conditional or not.
    Branch(u32),
    /// Branches within the function through the table that follows: `tbb`, `tbh`, `add pc`.
    JumpTable,
    /// Branches to the address in this register: `blx`, `bx`, `mov pc`. [`ANY`] if the address comes from memory.
    Indirect(u8),
    /// Returns to the caller.
    Return,
    /// Loads the word at an address into a register.
    LoadLiteral(u8, u32),
    /// Sets a register to a value: `movw`, `movs`.
    SetLow(u8, u16),
    /// Sets the upper half of a register: `movt`.
    SetHigh(u8, u16),
    /// Divides: `sdiv`, `udiv`.
    Divide,
    /// Any instruction of the floating-point unit, including loads and stores.
    Float,
    /// Stops the program: `udf`, `bkpt`.
    Stop,
    /// Anything else.
    Other,
}

/// Stands for an unknown register.
pub const ANY: u8 = 16;

/// Whether an instruction with this first halfword has a second one.
pub fn is_wide(first: u16) -> bool {
    matches!(first >> 11, 0b11101..=0b11111)
}

/// Decodes the instruction at an address. The second halfword is looked at only if [`is_wide`].
pub fn decode(address: u32, first: u16, second: u16) -> Instruction {
    // The value that instructions read from the program counter.
    let pc = address.wrapping_add(4);
    let first = u32::from(first);
    if is_wide(first as u16) { decode_wide(pc, first, second.into()) } else { decode_narrow(pc, first) }
}

fn decode_narrow(pc: u32, i: u32) -> Instruction {
    let register = (i >> 3 & 0xf) as u8;
    match i >> 8 {
        // MOVS (immediate), T1
        0x20..=0x27 => Instruction::SetLow((i >> 8 & 7) as u8, (i & 0xff) as u16),
        // ADD and MOV (register), both to the program counter
        0x44 if i & 0x87 == 0x87 => Instruction::JumpTable,
        0x46 if i & 0x87 == 0x87 && register == LINK => Instruction::Return,
        0x46 if i & 0x87 == 0x87 => Instruction::Indirect(register),
        // BX, BLX (register)
        0x47 if i & 0x80 == 0 && register == LINK => Instruction::Return,
        0x47 => Instruction::Indirect(register),
        // LDR (literal), T1
        0x48..=0x4f => Instruction::LoadLiteral((i >> 8 & 7) as u8, (pc & !3) + 4 * (i & 0xff)),
        // CBZ, CBNZ
        0xb1 | 0xb3 | 0xb9 | 0xbb => Instruction::Branch(pc.wrapping_add((i >> 3 & 0x40) | (i >> 2 & 0x3e))),
        // POP with the program counter
        0xbd => Instruction::Return,
        // BKPT, UDF
        0xbe | 0xde => Instruction::Stop,
        // B, T1 and T2
        0xd0..=0xdd => Instruction::Branch(pc.wrapping_add(sign_extend(i << 1, 9))),
        0xe0..=0xe7 => Instruction::Branch(pc.wrapping_add(sign_extend(i << 1, 12))),
        _ => Instruction::Other,
    }
}

fn decode_wide(pc: u32, i: u32, j: u32) -> Instruction {
    if i >> 11 == 0b11110 && j & 0x8000 != 0 {
        return decode_control(pc, i, j);
    }
    let base = (i & 0xf) as u8;
    let loaded_pc = if base == STACK { Instruction::Return } else { Instruction::Indirect(ANY) };
    // LDM, LDMDB with the program counter
    if matches!(i & 0xffd0, 0xe890 | 0xe910) && j & 0x8000 != 0 {
        return loaded_pc;
    }
    // TBB, TBH
    if i & 0xfff0 == 0xe8d0 && j & 0xffe0 == 0xf000 {
        return Instruction::JumpTable;
    }
    // LDR (literal), T2
    if i & 0xff7f == 0xf85f && j >> 12 != 15 {
        let (offset, aligned) = (j & 0xfff, pc & !3);
        let from = if i & 0x80 != 0 { aligned.wrapping_add(offset) } else { aligned.wrapping_sub(offset) };
        return Instruction::LoadLiteral((j >> 12) as u8, from);
    }
    // LDR, any other, to the program counter
    if i & 0xff70 == 0xf850 && j >> 12 == 15 {
        return loaded_pc;
    }
    // MOVW, MOVT
    if matches!(i & 0xfbf0, 0xf240 | 0xf2c0) {
        let value = ((i & 0xf) << 12 | (i & 0x400) << 1 | (j >> 4 & 0x700) | (j & 0xff)) as u16;
        let register = (j >> 8 & 0xf) as u8;
        return match i & 0x80 {
            0 => Instruction::SetLow(register, value),
            _ => Instruction::SetHigh(register, value),
        };
    }
    // SDIV, UDIV
    if matches!(i & 0xfff0, 0xfb90 | 0xfbb0) && j & 0xf0 == 0xf0 {
        return Instruction::Divide;
    }
    // Coprocessors 10 and 11 are the floating-point unit.
    if i & 0xec00 == 0xec00 && matches!(j >> 8 & 0xf, 10 | 11) {
        return Instruction::Float;
    }
    Instruction::Other
}

/// The group "branches and miscellaneous control".
fn decode_control(pc: u32, i: u32, j: u32) -> Instruction {
    let sign = i >> 10 & 1;
    let (j1, j2) = (j >> 13 & 1, j >> 11 & 1);
    let low = j << 1 & 0xffe;
    // BL T1 and B T4, which differ in bit 14 of the second halfword
    if j & 0x1000 != 0 {
        let (i1, i2) = (1 ^ j1 ^ sign, 1 ^ j2 ^ sign);
        let offset = sign << 24 | i1 << 23 | i2 << 22 | (i & 0x3ff) << 12 | low;
        return Instruction::Branch(pc.wrapping_add(sign_extend(offset, 25)));
    }
    // B T3, whose condition cannot be 14 or 15
    if j & 0x4000 == 0 && i >> 7 & 7 != 7 {
        let offset = sign << 20 | j2 << 19 | j1 << 18 | (i & 0x3f) << 12 | low;
        return Instruction::Branch(pc.wrapping_add(sign_extend(offset, 21)));
    }
    // UDF, T2
    if i & 0xfff0 == 0xf7f0 && j & 0xf000 == 0xa000 {
        return Instruction::Stop;
    }
    Instruction::Other
}

const STACK: u8 = 13;
const LINK: u8 = 14;

/// The lowest `bits` bits as a number with a sign.
fn sign_extend(value: u32, bits: u32) -> u32 {
    let shift = 32 - bits;
    ((value << shift) as i32 >> shift) as u32
}

#[cfg(test)]
mod tests {
    use super::Instruction::*;
    use super::*;

    /// At 0x1000, so that the program counter reads as 0x1004.
    fn at_0x1000(first: u16, second: u16) -> Instruction {
        decode(0x1000, first, second)
    }

    #[test]
    fn narrow_branches() {
        // imm11 = 0x7fe = -2, times two is -4: `b .`
        assert_eq!(at_0x1000(0xe7fe, 0), Branch(0x1000));
        // The farthest: imm11 = 0x3ff and 0x400
        assert_eq!(at_0x1000(0xe3ff, 0), Branch(0x1004 + 2046));
        assert_eq!(at_0x1000(0xe400, 0), Branch(0x1004 - 2048));
        // beq, imm8 = 0x7f and 0x80; ble
        assert_eq!(at_0x1000(0xd07f, 0), Branch(0x1004 + 254));
        assert_eq!(at_0x1000(0xd080, 0), Branch(0x1004 - 256));
        assert_eq!(at_0x1000(0xdd01, 0), Branch(0x1006));
        // cbz r3: i = 1, imm5 = 2 is 64 + 4; cbnz r0: imm5 = 31
        assert_eq!(at_0x1000(0xb313, 0), Branch(0x1004 + 68));
        assert_eq!(at_0x1000(0xb9f8, 0), Branch(0x1004 + 62));
        // Encoded as conditions 14 and 15: udf #0 and svc #0
        assert_eq!(at_0x1000(0xde00, 0), Stop);
        assert_eq!(at_0x1000(0xdf00, 0), Other);
    }

    #[test]
    fn wide_branches() {
        // bl with an offset of zero: S = 0, J1 = J2 = 1
        assert_eq!(at_0x1000(0xf000, 0xf800), Branch(0x1004));
        // imm10 = 1 is 0x1000, imm11 = 1 is 2
        assert_eq!(at_0x1000(0xf001, 0xf801), Branch(0x2006));
        // S = 1, all else ones: -2; then `b.w .` as -4
        assert_eq!(at_0x1000(0xf7ff, 0xffff), Branch(0x1002));
        assert_eq!(at_0x1000(0xf7ff, 0xbffe), Branch(0x1000));
        // J1 = 0 and S = 0 make I1 = 1, worth 2^23; J2 = 0 makes I2 = 1, worth 2^22
        assert_eq!(at_0x1000(0xf000, 0xd800), Branch(0x1004 + (1 << 23)));
        assert_eq!(at_0x1000(0xf000, 0xf000), Branch(0x1004 + (1 << 22)));
        assert_eq!(at_0x1000(0xf000, 0x9000), Branch(0x1004 + (3 << 22)));
        // S = 1, J1 = J2 = 0 are I1 = I2 = 0: the farthest back, -2^24
        assert_eq!(decode(0x0200_0000, 0xf400, 0xd000), Branch(0x0200_0004 - (1 << 24)));
        // beq.w: imm6 = 1 is 0x1000; J1 is worth 2^18, J2 2^19; S = 1 is -2^20
        assert_eq!(at_0x1000(0xf001, 0x8001), Branch(0x2006));
        assert_eq!(at_0x1000(0xf000, 0xa000), Branch(0x1004 + (1 << 18)));
        assert_eq!(at_0x1000(0xf000, 0x8800), Branch(0x1004 + (1 << 19)));
        assert_eq!(decode(0x20_0000, 0xf400, 0x8000), Branch(0x20_0004 - (1 << 20)));
        // ble.w, with condition 13
        assert_eq!(at_0x1000(0xf340, 0x8001), Branch(0x1006));
        // Encoded as conditions 14 and 15: msr, dmb sy, udf.w #0
        assert_eq!(at_0x1000(0xf380, 0x8808), Other);
        assert_eq!(at_0x1000(0xf3bf, 0x8f5f), Other);
        assert_eq!(at_0x1000(0xf7f0, 0xa000), Stop);
    }

    #[test]
    fn returns_and_indirect_branches() {
        let returns = [
            (0x4770, 0),      // bx lr
            (0x46f7, 0),      // mov pc, lr
            (0xbd10, 0),      // pop {r4, pc}
            (0xe8bd, 0x8010), // pop.w {r4, pc}
            (0xf85d, 0xfb04), // ldr.w pc, [sp], #4
        ];
        for (first, second) in returns {
            assert_eq!(at_0x1000(first, second), Return, "{first:#06x}");
        }
        assert_eq!(at_0x1000(0x4798, 0), Indirect(3)); // blx r3
        assert_eq!(at_0x1000(0x4760, 0), Indirect(12)); // bx r12
        assert_eq!(at_0x1000(0x47f0, 0), Indirect(14)); // blx lr
        assert_eq!(at_0x1000(0x4687, 0), Indirect(0)); // mov pc, r0
        assert_eq!(at_0x1000(0xf8d0, 0xf004), Indirect(ANY)); // ldr.w pc, [r0, #4]
        assert_eq!(at_0x1000(0xf8df, 0xf000), Indirect(ANY)); // ldr.w pc, [pc]
        assert_eq!(at_0x1000(0xe890, 0x8001), Indirect(ANY)); // ldm.w r0, {r0, pc}
        assert_eq!(at_0x1000(0x448f, 0), JumpTable); // add pc, r1
        assert_eq!(at_0x1000(0xe8df, 0xf001), JumpTable); // tbb [pc, r1]
        assert_eq!(at_0x1000(0xe8df, 0xf012), JumpTable); // tbh [pc, r2, lsl #1]
        let others = [
            (0x4408, 0),      // add r0, r1
            (0x4680, 0),      // mov r8, r0
            (0xb510, 0),      // push {r4, lr}
            (0xbc10, 0),      // pop {r4}
            (0xe8bd, 0x4010), // pop.w {r4, lr}
            (0xe8d0, 0x0f4f), // ldrexb r0, [r0], beside tbb
            (0xf890, 0xf000), // pld [r0], beside ldr.w pc
        ];
        for (first, second) in others {
            assert_eq!(at_0x1000(first, second), Other, "{first:#06x}");
        }
    }

    #[test]
    fn constants() {
        // ldr r2, [pc, #8]: the program counter is rounded down to a word
        assert_eq!(decode(0x1000, 0x4a02, 0), LoadLiteral(2, 0x100c));
        assert_eq!(decode(0x1002, 0x4a02, 0), LoadLiteral(2, 0x100c));
        // ldr.w r9, [pc, #260] and [pc, #-4]
        assert_eq!(decode(0x1002, 0xf8df, 0x9104), LoadLiteral(9, 0x1108));
        assert_eq!(decode(0x1002, 0xf85f, 0x9004), LoadLiteral(9, 0x1000));
        // movw r1, #0x86e4: imm4 = 8, i = 0, imm3 = 6, imm8 = 0xe4; movt r1, #0xabcd has i = 1
        assert_eq!(at_0x1000(0xf248, 0x61e4), SetLow(1, 0x86e4));
        assert_eq!(at_0x1000(0xf6ca, 0x31cd), SetHigh(1, 0xabcd));
        assert_eq!(at_0x1000(0x2501, 0), SetLow(5, 1)); // movs r5, #1
        assert_eq!(at_0x1000(0x2d01, 0), Other); // cmp r5, #1
    }

    #[test]
    fn instructions_that_an_inference_must_not_contain() {
        assert_eq!(at_0x1000(0xfb90, 0xf0f1), Divide); // sdiv r0, r0, r1
        assert_eq!(at_0x1000(0xfbb3, 0xfcf4), Divide); // udiv r12, r3, r4
        assert_eq!(at_0x1000(0xfb80, 0x0102), Other); // smull r0, r1, r0, r2
        assert_eq!(at_0x1000(0xfbc0, 0x0102), Other); // smlal r0, r1, r0, r2
        assert_eq!(at_0x1000(0xfba0, 0x0102), Other); // umull r0, r1, r0, r2
        assert_eq!(at_0x1000(0xfb20, 0x3102), Other); // smlad r1, r0, r2, r3
        let floats = [
            (0xee30, 0x0a20), // vadd.f32 s0, s0, s1
            (0xee10, 0x0a10), // vmov r0, s0
            (0xeeb8, 0x0b40), // vcvt.f64.u32 d0, s0
            (0xed90, 0x0a00), // vldr s0, [r0]
            (0xed2d, 0x8b02), // vpush {d8}
            (0xec40, 0x1b10), // vmov d0, r1, r0
            (0xfe00, 0x0a20), // vseleq.f32 s0, s0, s1
        ];
        for (first, second) in floats {
            assert_eq!(at_0x1000(first, second), Float, "{first:#06x}");
        }
        assert_eq!(at_0x1000(0xea4f, 0x0a01), Other); // mov.w r10, r1
        assert_eq!(at_0x1000(0xebb0, 0x0a01), Other); // subs.w r10, r0, r1
        assert_eq!(at_0x1000(0xbeab, 0), Stop); // bkpt 0xab
        assert_eq!(at_0x1000(0xbf00, 0), Other); // nop
    }
}
