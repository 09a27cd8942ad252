//! Which board the firmware was built for: a line of `boards.txt`.

/// The board's name.
pub const NAME: &str = env!("BOARD_NAME");
/// The processor core it has.
pub const CORE: &str = env!("BOARD_CORE");
