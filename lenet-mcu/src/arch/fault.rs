#![allow(unsafe_code)] // A fault handler has no stack to rely on, and reads what the processor left.

use core::arch::naked_asm;

use cortex_m_rt::ExceptionFrame;

use crate::exit;

/// The instruction `bkpt 0xab`, a semihosting call.
const SEMIHOSTING_CALL: u16 = 0xBEAB;

// Addresses that the linker script defines. Only they are used: nothing is read through these names.
unsafe extern "C" {
    #[link_name = "__code_start"]
    static CODE_START: u16;
    #[link_name = "__code_end"]
    static CODE_END: u16;
    #[link_name = "__ram_start"]
    static RAM_START: u8;
}

/// Where every fault ends. The processor has pushed an exception frame, if it could.
///
/// With little stack left, as after an overflow, the report is made on the stack's own beginning,
/// so that it does not fault in turn: nothing goes back to what was there.
// SAFETY: the name is that of cortex-m-rt's vector table, for a handler without arguments. The code
// changes the stack pointer only, to an address at the end of the RAM, and calls a function that does
// not return.
#[unsafe(naked)]
#[unsafe(export_name = "HardFault")]
unsafe extern "C" fn hard_fault() -> ! {
    naked_asm!(
        "mrs r0, msp",
        "ldr r1, =__report_stack",
        "cmp r0, r1",
        "bhs 0f",
        "ldr r1, =_stack_start",
        "msr msp, r1",
        "0: bl {report}",
        ".ltorg",
        report = sym report,
    )
}

extern "C" fn report(frame: *const ExceptionFrame) -> ! {
    if frame.addr() < (&raw const RAM_START).addr() {
        exit::fail(format_args!("stack overflow: the stack pointer is {frame:p}, below the RAM"));
    }
    // SAFETY: the processor pushed the frame to RAM, and nothing has used that part of the stack since.
    let (pc, lr) = unsafe { ((*frame).pc(), (*frame).lr()) };
    if is_semihosting_call(pc) {
        // No debugger is attached to answer. Another call, from here, would lock the processor up.
        loop {
            cortex_m::asm::wfi();
        }
    }
    exit::fail(format_args!("hard fault at {pc:#010x}, called from {lr:#010x}"))
}

fn is_semihosting_call(pc: u32) -> bool {
    let code = (&raw const CODE_START)..(&raw const CODE_END);
    let instruction = core::ptr::with_exposed_provenance::<u16>(pc as usize);
    // SAFETY: the address is even, as every program counter's is, and within the flash that holds the
    // code. Volatile, because no Rust object is there.
    code.contains(&instruction)
        && instruction.is_aligned()
        && unsafe { instruction.read_volatile() } == SEMIHOSTING_CALL
}
