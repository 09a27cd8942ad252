//! The board that the firmware was built for, from `boards.txt`.

/// The board's name.
pub const NAME: &str = env!("BOARD_NAME");
/// The name of its processor core.
pub const CORE: &str = env!("BOARD_CORE");
/// Its RAM, KiB.
pub const RAM_KIB: u32 = match u32::from_str_radix(env!("BOARD_RAM_KIB"), 10) {
    Ok(kib) => kib,
    Err(_) => 0,
};
