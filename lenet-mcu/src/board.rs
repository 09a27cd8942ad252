//! The board that the firmware was built for, from `boards.txt`.

/// The board's name.
pub const NAME: &str = env!("BOARD_NAME");
/// The name of its processor core.
pub const CORE: &str = env!("BOARD_CORE");
