#![allow(unsafe_code)] // Declares symbols of the linker script.

unsafe extern "C" {
    // Only their addresses are used. Nothing is read from them.
    #[link_name = "__inference_start"]
    static INFERENCE_START: u8;
    #[link_name = "__inference_end"]
    static INFERENCE_END: u8;
    #[link_name = "__preparation_start"]
    static PREPARATION_START: u8;
    #[link_name = "__preparation_end"]
    static PREPARATION_END: u8;
}

/// The size of the machine code of an inference in bytes. `build/board.rs` defines what is included.
pub fn inference_bytes() -> usize {
    (&raw const INFERENCE_END).addr() - (&raw const INFERENCE_START).addr()
}

/// The size of the machine code of preparation in bytes, for frames and strokes together.
pub fn preparation_bytes() -> usize {
    (&raw const PREPARATION_END).addr() - (&raw const PREPARATION_START).addr()
}
