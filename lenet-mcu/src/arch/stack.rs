#![allow(unsafe_code)] // Writes and reads the memory below the stack pointer, where there are no Rust objects.

use core::arch::asm;
use core::hint::black_box;

/// The maximum number of bytes to watch. Some boards have megabytes of RAM, and painting them all would take time.
const WATCHED: usize = 16 * 1024;

/// The free stack is painted with one pattern, then with the other. If the function happens to write the first pattern,
/// the second one shows it.
const PATTERNS: [u32; 2] = [0xC5C5_3A3A, 0x3A3A_C5C5];

unsafe extern "C" {
    /// The lowest address of the stack, from cortex-m-rt's linker script. Only its address is used.
    #[link_name = "_stack_end"]
    static STACK_END: u32;
}

/// Calls `function` twice and returns the bytes of stack that it used: from the stack pointer of this function down to
/// the deepest word that was written.
// Not inlined, so that the stack pointer is that of this function.
#[inline(never)]
pub fn used_by<T>(function: fn(&mut T), argument: &mut T) -> usize {
    let mut deepest = 0;
    for pattern in PATTERNS {
        let top: usize;
        // SAFETY: the instruction only reads the stack pointer.
        unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
        let bottom = top.saturating_sub(WATCHED).max((&raw const STACK_END).addr()).next_multiple_of(size_of::<u32>());
        // SAFETY: the RAM between the static variables and the stack pointer is unused: there is no heap, functions
        // keep nothing below the stack pointer, and no interrupt is enabled. Both addresses are multiples of 4. The
        // assembly itself uses registers only.
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
        // `black_box` keeps the compiler from inlining the function here.
        black_box(function)(argument);
        let mut at = bottom;
        // SAFETY: as above. The loop reads the painted words until one differs.
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
