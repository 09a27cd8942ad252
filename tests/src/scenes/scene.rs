/// A frame with a digit in it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Grey levels, row by row.
    pub pixels: Vec<u8>,
    /// Pixels in a row.
    pub width: u8,
    /// Rows.
    pub height: u8,
}
