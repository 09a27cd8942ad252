#![allow(unsafe_code)] // A fault handler cannot rely on the stack, and reads what the processor pushed.

use core::arch::naked_asm;

use cortex_m_rt::ExceptionFrame;

use crate::exit;

/// The instruction of a semihosting call, `bkpt 0xab`.
const SEMIHOSTING_CALL: u16 = 0xBEAB;

// Addresses that the linker script defines. Nothing is read from these symbols.
unsafe extern "C" {
    #[link_name = "__code_start"]
    static CODE_START: u16;
    #[link_name = "__code_end"]
    static CODE_END: u16;
    #[link_name = "__ram_start"]
    static RAM_START: u8;
}

/// The handler of every fault. The processor has pushed an exception frame if it could.
///
/// If little stack is left, as after an overflow, it resets the stack pointer to the top of the stack, so that
/// reporting the fault does not cause another. Nothing returns, so the old contents of the stack are not needed.
// SAFETY: cortex-m-rt's vector table expects a handler of this name, without arguments. The code changes only the stack
// pointer, to an address at the end of the RAM, and calls a function that does not return.
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
        exit::fail(format_args!("stack overflow: the stack pointer {frame:p} is below the start of the RAM"));
    }
    // SAFETY: the processor pushed the frame to RAM, and nothing has overwritten that part of the stack since.
    let (pc, lr) = unsafe { ((*frame).pc(), (*frame).lr()) };
    if is_semihosting_call(pc) {
        // No debugger is attached. A semihosting call from this handler would lock up the processor.
        loop {
            cortex_m::asm::wfi();
        }
    }
    exit::fail(format_args!("hard fault at {pc:#010x}, called from {lr:#010x}"))
}

fn is_semihosting_call(pc: u32) -> bool {
    let code = (&raw const CODE_START)..(&raw const CODE_END);
    let instruction = core::ptr::with_exposed_provenance::<u16>(pc as usize);
    // SAFETY: the address is aligned and inside the flash with the code; both are checked first. The read is volatile,
    // because there is no Rust object at that address.
    code.contains(&instruction)
        && instruction.is_aligned()
        && unsafe { instruction.read_volatile() } == SEMIHOSTING_CALL
}
