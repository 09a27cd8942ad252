//! The only place that chooses the instruction set, at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use pulp::{Arch, Scalar512b, Simd, WithSimd};

/// An instruction set of this processor.
#[derive(Clone, Copy, Debug)]
pub struct InstructionSet(Arch);

impl InstructionSet {
    /// The widest one of this processor: AVX-512, or AVX2 with FMA, on x86-64; NEON on AArch64; otherwise the portable
    /// one.
    pub fn detect() -> Self {
        Self(Arch::new())
    }

    /// Every one of this processor, the widest first. The last is the portable one, which exists everywhere.
    pub fn available() -> Vec<Self> {
        let mut sets = vec![Self::detect()];
        #[cfg(target_arch = "x86_64")]
        if let (Arch::V4(_), Some(avx2)) = (sets[0].0, pulp::x86::V3::try_new()) {
            sets.push(Self(Arch::V3(avx2)));
        }
        if !matches!(sets[0].0, Arch::Scalar) {
            sets.push(Self(Arch::Scalar));
        }
        sets
    }

    /// Runs `op`, compiled for this instruction set.
    #[inline(always)]
    pub fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.0 {
            // Sixteen plain numbers, which the compiler puts into the vectors that every machine has.
            Arch::Scalar => Scalar512b.vectorize(op),
            arch => arch.dispatch(op),
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Arch::Scalar => "portable",
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => "AVX-512",
            #[allow(unreachable_patterns, reason = "which others there are depends on the machine")]
            _ => "SIMD",
        })
    }
}
