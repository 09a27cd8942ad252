#![allow(unsafe_code)] // Places a static in a section of its own, and reads memory the linker names.

/// The slot's bytes.
type Slot = [u8; include_bytes!(concat!(env!("OUT_DIR"), "/model.bin")).len()];

// SAFETY: the section holds nothing else; the linker script gives it the slot's address and asserts
// that it fills the slot.
#[used]
#[unsafe(link_section = ".model")]
static BUILT_IN: Slot = *include_bytes!(concat!(env!("OUT_DIR"), "/model.bin"));

unsafe extern "C" {
    /// The slot, as a symbol of the linker script. The compiler knows nothing of its content, whereas it
    /// could fold `BUILT_IN` into the code and so ignore a model that was flashed later.
    #[link_name = "__model_slot"]
    static FLASHED: Slot;
}

/// The content of the model slot. It starts at a flash page, so it is aligned for a model.
pub fn model_slot() -> &'static [u8] {
    // SAFETY: the linker script puts the symbol at the start of flash memory of exactly this size, which
    // always reads as some bytes and never changes while the firmware runs.
    unsafe { &FLASHED }
}
