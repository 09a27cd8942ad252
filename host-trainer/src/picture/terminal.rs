//! Images on a terminal: two rows of pixels to a line, so that pixels come out about square.

use std::io::{self, IsTerminal};

use anstyle::{Ansi256Color, Color, RgbColor, Style};
use anstyle_query::{clicolor_force, truecolor, windows};
use image::imageops;
use image::{GrayImage, Luma};
use terminal_size::{Width, terminal_size_of};

use crate::colour;

/// Columns of a terminal whose width is not known.
pub const DEFAULT_WIDTH: usize = 80;

/// Characters by the ink they seem to have.
const RAMP: &[u8] = b" .:-=+*#%@";
const HALF_BLOCK: char = '▀';

/// How a terminal shows levels of grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shades {
    /// Half blocks in any colour.
    TrueColour,
    /// Half blocks in the 26 greys of the 256 colours.
    Colours256,
    /// ASCII characters with more or less ink.
    Plain,
}

impl Shades {
    /// What suits the standard output and its user.
    ///
    /// Plain characters if `NO_COLOR` is set; if `CLICOLOR` is 0 or the output is no terminal, and `CLICOLOR_FORCE` is
    /// not set; and if `COLORTERM` and `TERM` promise neither true colour nor 256 colours, of which `CLICOLOR_FORCE`
    /// takes the latter for granted.
    pub fn of_stdout() -> Self {
        if !colour::wanted() {
            return Self::Plain;
        }
        let term = std::env::var("TERM").unwrap_or_default();
        // A console of Windows takes all colours.
        if truecolor() || term.ends_with("-direct") || windows::enable_ansi_colors() == Some(true) {
            Self::TrueColour
        } else if clicolor_force() || term.contains("256color") {
            Self::Colours256
        } else {
            Self::Plain
        }
    }

    fn colour(self, level: u8) -> Option<Color> {
        match self {
            Self::TrueColour => Some(RgbColor(level, level, level).into()),
            Self::Colours256 => Some(Ansi256Color(grey_256(level)).into()),
            Self::Plain => None,
        }
    }
}

/// Columns of the terminal that is the standard output; if it is none, or hides its width, what `COLUMNS` says, or 80.
pub fn width() -> usize {
    let stdout = io::stdout();
    let of_terminal = stdout.is_terminal().then(|| terminal_size_of(&stdout)).flatten();
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let columns = of_terminal.map(|(Width(columns), _)| usize::from(columns)).or_else(told);
    columns.filter(|columns| *columns > 0).unwrap_or(DEFAULT_WIDTH)
}

/// An image as lines of text, a character for each column and two rows; of an odd number of rows the last has black
/// below it. In colour white is 255; in plain characters ink is 255, and black is a space.
///
/// Every line sets what colours it needs and resets them.
pub fn lines(image: &GrayImage, shades: Shades) -> Vec<String> {
    let level = |x, y| if y < image.height() { image.get_pixel(x, y).0[0] } else { 0 };
    (0..image.height())
        .step_by(2)
        .map(|y| line((0..image.width()).map(|x| (level(x, y), level(x, y + 1))), shades))
        .collect()
}

/// A line of pairs: the upper level, the lower level.
fn line(pairs: impl Iterator<Item = (u8, u8)>, shades: Shades) -> String {
    let mut line = String::new();
    let mut current = Style::new();
    for (upper, lower) in pairs {
        let (Some(foreground), Some(background)) = (shades.colour(upper), shades.colour(lower)) else {
            line.push(character((u16::from(upper) + u16::from(lower)).div_ceil(2) as u8));
            continue;
        };
        let style = Style::new().fg_color(Some(foreground)).bg_color(Some(background));
        if style != current {
            line += &style.render().to_string();
            current = style;
        }
        line.push(HALF_BLOCK);
    }
    line + &current.render_reset().to_string()
}

fn character(level: u8) -> char {
    // Faint ink is not nothing: only 0 is a space.
    let steps = RAMP.len() - 1;
    char::from(RAMP[(usize::from(level) * steps).div_ceil(255)])
}

/// The nearest of the 256 colours: 16 is black, 231 white, and 232 to 255 are levels 8, 18 and so on to 238.
fn grey_256(level: u8) -> u8 {
    match level {
        0..=3 => 16,
        247..=255 => 231,
        _ => 232 + (level.saturating_sub(3) / 10).min(23),
    }
}

/// An image averaged down to `side` pixels along both sides, and stretched so that its strongest ink is as strong as
/// before: thin strokes would fade otherwise.
pub fn reduce(image: &GrayImage, side: u32) -> GrayImage {
    let strongest = |image: &GrayImage| u32::from(image.iter().copied().max().unwrap_or(0));
    let mut reduced = imageops::thumbnail(image, side, side);
    let (before, after) = (strongest(image), strongest(&reduced).max(1));
    for Luma([level]) in reduced.pixels_mut() {
        *level = ((u32::from(*level) * before + after / 2) / after) as u8;
    }
    reduced
}
