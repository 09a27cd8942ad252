//! From reset to `main`: the vector table and the set-up of RAM. The only file with `unsafe` code.
//!
//! In a larger program, use the crate [`cortex-m-rt`](https://docs.rs/cortex-m-rt) instead, which does the same and
//! more. It is written out here to show how little a board needs to run the network.

#![allow(unsafe_code)]

use core::arch::naked_asm;

/// The reset handler and the handlers of the 14 system exceptions. The linker script puts the initial stack pointer in
/// front of it. The interrupt handlers would follow; no interrupt is enabled here.
// SAFETY: the section contains nothing else, and the linker script places it where the processor expects the table.
// The handlers take no arguments and never return.
#[used]
#[unsafe(link_section = ".vectors")]
static VECTORS: [extern "C" fn() -> !; 15] = {
    let mut vectors = [stop as extern "C" fn() -> !; 15];
    vectors[0] = reset;
    vectors
};

/// Enables the floating-point unit on targets that have one: the compiler may use its registers anywhere.
#[cfg(target_abi = "eabihf")]
macro_rules! enable_fpu {
    () => {
        // Full access to coprocessors 10 and 11, in the register CPACR.
        "
        ldr r0, =0xe000ed88
        ldr r1, [r0]
        ldr r2, =0x00f00000
        orrs r1, r2
        str r1, [r0]
        dsb
        isb
        "
    };
}

#[cfg(not(target_abi = "eabihf"))]
macro_rules! enable_fpu {
    () => {
        ""
    };
}

/// Copies the initial values of static variables from flash to RAM, sets the other ones to zero, and calls `main`.
// In assembly, because Rust code must not run before its static variables are initialized.
// SAFETY: `reset` is the linker script's entry point, and no other symbol has that name. The processor has loaded the
// stack pointer from the vector table. The code writes only to CPACR and to the RAM between the script's symbols, which
// are multiples of 4. No Rust code has run yet, so there are no references to that RAM. `main` never returns.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    naked_asm!(
        enable_fpu!(),
        "
            ldr r0, =__data_start
            ldr r1, =__data_end
            ldr r2, =__data_load
        2:  cmp r0, r1
            bhs 3f
            ldm r2!, {{r3}}
            stm r0!, {{r3}}
            b 2b
        3:  ldr r0, =__bss_start
            ldr r1, =__bss_end
            movs r2, #0
        4:  cmp r0, r1
            bhs 5f
            stm r0!, {{r2}}
            b 4b
        5:  bl {main}
            .ltorg
        ",
        main = sym call_main,
    )
}

extern "C" fn call_main() -> ! {
    crate::main()
}

/// The handler of every exception, faults included: the board stops.
extern "C" fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
