//! Images, probabilities and ratios as text.

use core::fmt::{self, Write};

use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::{Model, Pixels};

/// An image drawn with 28 x 14 characters. Each character shows two pixels, one above the other, because a character is
/// about twice as high as it is wide.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a>(pub &'a Pixels);

/// The characters from no ink to full ink.
const RAMP: [u8; 10] = *b" .:-=+*#%@";

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, _rest) = self.0.as_chunks::<IMAGE_SIDE>();
        let (pairs, _rest) = rows.as_chunks::<2>();
        for [upper, lower] in pairs {
            for (a, b) in upper.iter().zip(lower) {
                let ink = (usize::from(*a) + usize::from(*b)) / 2;
                f.write_char(char::from(RAMP[ink * RAMP.len() / 256]))?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// What a person needs to recognize a model: its number of classes and its identity.
#[derive(Clone, Copy, Debug)]
pub struct About<'a>(pub &'a Model<'a>);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} classes, model identity {:08x}", self.0.classes(), self.0.identity())?;
        match self.0.conv1().packed() {
            Some(_) => Ok(()),
            None => f.write_str(", plain convolutions"),
        }
    }
}

/// A fraction, printed in percent with `DECIMALS` decimals. It is converted to an integer first, because Rust's own
/// formatting of floats would add 23 KB of flash and the only code in the firmware that can panic.
#[derive(Clone, Copy, Debug)]
pub struct Percent<const DECIMALS: usize>(pub f32);

impl<const DECIMALS: usize> Percent<DECIMALS> {
    const SCALE: u32 = 10u32.pow(DECIMALS as u32);
}

impl<const DECIMALS: usize> fmt::Display for Percent<DECIMALS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = (self.0 * (100 * Self::SCALE) as f32 + 0.5) as u32;
        write!(f, "{}.{:0DECIMALS$} %", scaled / Self::SCALE, scaled % Self::SCALE)
    }
}

/// A ratio with two decimals, computed with integers for the reason given at [`Percent`].
#[derive(Clone, Copy, Debug)]
pub struct Hundredths(u64);

impl Hundredths {
    /// `a / b`; a `b` of 0 counts as 1.
    pub fn of(a: u32, b: u32) -> Self {
        let (a, b) = (u64::from(a), u64::from(b.max(1)));
        Self((100 * a + b / 2) / b)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = f.width().unwrap_or_default().saturating_sub(".00".len());
        write!(f, "{:>width$}.{:02}", self.0 / 100, self.0 % 100)
    }
}
