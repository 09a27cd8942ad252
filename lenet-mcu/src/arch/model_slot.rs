#![allow(unsafe_code)] // Places a static in its own section, and reads memory that the linker script names.

/// The bytes of the slot.
type Slot = [u8; include_bytes!(concat!(env!("OUT_DIR"), "/model.bin")).len()];

// SAFETY: the section contains nothing else. The linker script places it at the address of the slot and asserts that it
// fills the slot exactly.
#[used]
#[unsafe(link_section = ".model")]
static BUILT_IN: Slot = *include_bytes!(concat!(env!("OUT_DIR"), "/model.bin"));

unsafe extern "C" {
    /// The slot, as a symbol of the linker script. The compiler cannot know its contents. It could compile the contents
    /// of `BUILT_IN` into the code, and the program would then ignore a model that was flashed later.
    #[link_name = "__model_slot"]
    static FLASHED: Slot;
}

/// The contents of the model slot. It starts at a flash page, so it is aligned as a model must be.
pub fn model_slot() -> &'static [u8] {
    // SAFETY: the linker script puts the symbol at the start of an area of flash of exactly this size. Any bytes are
    // valid, and they do not change while the firmware runs.
    unsafe { &FLASHED }
}
