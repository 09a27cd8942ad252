//! Frames and strokes to prepare, the same on every board and on the workstation: the tests include this file.

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;

/// Draws a digit into a square frame of `side` pixels: three quarters as large, in uneven light on ruled paper with
/// grain, every second one inverted.
pub fn draw(digit: &Pixels, index: usize, side: usize, frame: &mut [u8]) {
    let (size, margin) = (side * 3 / 4, side / 8);
    let mut state = index as u32 + 1;
    for (place, pixel) in frame.iter_mut().enumerate() {
        let (x, y) = (place % side, place / side);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = |place: usize| match place.checked_sub(margin + index % 3) {
            Some(place) => place * IMAGE_SIDE / size,
            None => IMAGE_SIDE,
        };
        let ink = match (at(x), at(y)) {
            (column @ 0..IMAGE_SIDE, row @ 0..IMAGE_SIDE) => usize::from(digit[row * IMAGE_SIDE + column]),
            _ => 0,
        };
        let line = if y % (side / 4) == 3 { 20 } else { 0 };
        let paper = 235 - (x + y) * 40 / side - line;
        let level = paper - ink * (paper - 30) / 255 - (state >> 29) as usize;
        *pixel = if index.is_multiple_of(2) { level as u8 } else { 255 - level as u8 };
    }
}

/// The points of a drawn 3, as a touch screen of 240 x 240 pixels reports them: column and row. The pen is down from the
/// second one on.
pub const THREE: [(u8, u8); 40] = [
    (82, 61),
    (86, 52),
    (93, 44),
    (102, 38),
    (112, 35),
    (123, 34),
    (134, 36),
    (143, 41),
    (150, 48),
    (154, 57),
    (155, 67),
    (153, 77),
    (148, 86),
    (140, 93),
    (131, 98),
    (121, 101),
    (112, 102),
    (121, 103),
    (131, 106),
    (141, 111),
    (149, 118),
    (155, 127),
    (159, 137),
    (160, 148),
    (158, 159),
    (154, 169),
    (147, 178),
    (138, 185),
    (128, 190),
    (117, 192),
    (106, 192),
    (95, 190),
    (85, 185),
    (77, 178),
    (71, 170),
    (68, 164),
    (66, 159),
    (65, 155),
    (64, 152),
    (64, 150),
];
