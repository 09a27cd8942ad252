#![allow(unsafe_code)] // Writes and reads the memory below the stack pointer, which no Rust object has.

use core::arch::asm;
use core::hint::black_box;

/// How much of the stack is watched at most. It only takes time to paint more, and boards have megabytes.
const WATCHED: usize = 16 * 1024;

/// What the free stack is painted with, one after the other: a word that is written with the one pattern is
/// seen with the other.
const PATTERNS: [u32; 2] = [0xC5C5_3A3A, 0x3A3A_C5C5];

unsafe extern "C" {
    /// Where the stack may grow to, by cortex-m-rt's linker script. Only its address is used.
    #[link_name = "_stack_end"]
    static STACK_END: u32;
}

/// Calls `function` and returns how many bytes of stack that took: from the caller's stack pointer to the deepest
/// word that was written.
// Out of line, so that the stack pointer is this function's.
#[inline(never)]
pub fn used_by<T>(function: fn(&mut T), argument: &mut T) -> usize {
    let mut deepest = 0;
    for pattern in PATTERNS {
        let top: usize;
        // SAFETY: it only reads the stack pointer.
        unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
        let bottom = top.saturating_sub(WATCHED).max((&raw const STACK_END).addr()).next_multiple_of(size_of::<u32>());
        // SAFETY: from the end of the static variables to the stack pointer there is RAM that nothing uses: there
        // is no heap, functions keep nothing below the stack pointer, and no interrupt is enabled. Both ends are
        // multiples of four. The block itself uses registers only.
        unsafe {
            asm!(
                "2:",
                "cmp {at}, {top}",
                "bhs 3f",
                "str {pattern}, [{at}]",
                "adds {at}, #4",
                "b 2b",
                "3:",
                at = inout(reg) bottom => _,
                top = in(reg) top,
                pattern = in(reg) pattern,
                options(nostack),
            );
        }
        // The compiler must not merge the function with this one.
        black_box(function)(argument);
        let mut at = bottom;
        // SAFETY: as above; it reads what was painted until a word differs.
        unsafe {
            asm!(
                "2:",
                "cmp {at}, {top}",
                "bhs 3f",
                "ldr {word}, [{at}]",
                "cmp {word}, {pattern}",
                "bne 3f",
                "adds {at}, #4",
                "b 2b",
                "3:",
                at = inout(reg) at,
                word = out(reg) _,
                top = in(reg) top,
                pattern = in(reg) pattern,
                options(nostack, readonly),
            );
        }
        deepest = deepest.max(top - at);
    }
    deepest
}
