#![allow(unsafe_code)] // Names symbols of the linker script.

unsafe extern "C" {
    // Only the addresses are used: nothing is read through these names.
    #[link_name = "__inference_start"]
    static INFERENCE_START: u8;
    #[link_name = "__inference_end"]
    static INFERENCE_END: u8;
}

/// Bytes of the machine code of an inference; `build/board.rs` says what that is.
pub fn inference_bytes() -> usize {
    (&raw const INFERENCE_END).addr() - (&raw const INFERENCE_START).addr()
}
