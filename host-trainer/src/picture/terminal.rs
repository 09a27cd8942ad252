//! Shows images on a terminal, with two rows of pixels on each line of text so that pixels are about square.

use std::io::{self, IsTerminal};

use anstyle::{Ansi256Color, Color, RgbColor, Style};
use anstyle_query::{clicolor_force, truecolor, windows};
use image::imageops;
use image::{GrayImage, Luma};
use terminal_size::{Width, terminal_size_of};

use crate::colour;

/// Columns to assume if the terminal's width is unknown.
pub const DEFAULT_WIDTH: usize = 80;

/// Characters in order of how much ink they seem to have.
const RAMP: &[u8] = b" .:-=+*#%@";
const HALF_BLOCK: char = '▀';

/// How a terminal shows levels of grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shades {
    /// Half blocks in 24-bit colour.
    TrueColour,
    /// Half blocks in the 26 greys of the 256-colour palette.
    Colours256,
    /// ASCII characters with more or less ink.
    Plain,
}

impl Shades {
    /// The best that standard output supports and the user wants.
    ///
    /// Without colour (see `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`) or a terminal, this is [`Plain`](Self::Plain).
    /// Otherwise `COLORTERM` and `TERM` decide between true colour, 256 colours and plain characters, except that
    /// `CLICOLOR_FORCE` gives at least 256 colours.
    pub fn of_stdout() -> Self {
        if !colour::wanted() {
            return Self::Plain;
        }
        let term = std::env::var("TERM").unwrap_or_default();
        // A Windows console supports true colour.
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

/// The width of the terminal on standard output, in columns. If it is not a terminal or its width is unknown, the
/// value of `COLUMNS`, or 80.
pub fn width() -> usize {
    let stdout = io::stdout();
    let of_terminal = stdout.is_terminal().then(|| terminal_size_of(&stdout)).flatten();
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let columns = of_terminal.map(|(Width(columns), _)| usize::from(columns)).or_else(told);
    columns.filter(|columns| *columns > 0).unwrap_or(DEFAULT_WIDTH)
}

/// Renders an image as lines of text, one character for every column and two rows. If the number of rows is odd, a
/// black row is added. In colour, 255 is white; in plain characters, 255 is the most ink and 0 is a space.
///
/// Every line sets its own colours and resets them at its end.
pub fn lines(image: &GrayImage, shades: Shades) -> Vec<String> {
    let level = |x, y| if y < image.height() { image.get_pixel(x, y).0[0] } else { 0 };
    (0..image.height())
        .step_by(2)
        .map(|y| line((0..image.width()).map(|x| (level(x, y), level(x, y + 1))), shades))
        .collect()
}

/// Renders one line from pairs of levels, `(upper, lower)`.
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
    // Even the faintest ink is visible: only 0 is a space.
    let steps = RAMP.len() - 1;
    char::from(RAMP[(usize::from(level) * steps).div_ceil(255)])
}

/// The nearest grey of the 256-colour palette: 16 is black, 231 is white, and 232 to 255 are levels 8, 18, ..., 238.
fn grey_256(level: u8) -> u8 {
    match level {
        0..=3 => 16,
        247..=255 => 231,
        _ => 232 + (level.saturating_sub(3) / 10).min(23),
    }
}

/// Averages an image down to `side` x `side` pixels and stretches its levels so that the strongest ink keeps its level;
/// otherwise thin strokes would fade.
pub fn reduce(image: &GrayImage, side: u32) -> GrayImage {
    let strongest = |image: &GrayImage| u32::from(image.iter().copied().max().unwrap_or(0));
    let mut reduced = imageops::thumbnail(image, side, side);
    let (before, after) = (strongest(image), strongest(&reduced).max(1));
    for Luma([level]) in reduced.pixels_mut() {
        *level = ((u32::from(*level) * before + after / 2) / after) as u8;
    }
    reduced
}
