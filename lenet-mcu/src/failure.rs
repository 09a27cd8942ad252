//! Why a program fails: one type for all programs.

use core::fmt::{self, Display};

use crate::arch::CounterError;
use crate::arguments::BadArguments;
use crate::images::BadImages;
use crate::slot::BadSlot;

/// Why a program ends early.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The model slot does not contain a valid model.
    Model(BadSlot),
    /// The semihosting console refused the output.
    Console,
    /// The command line is wrong.
    Arguments(BadArguments),
    /// The image file cannot be used.
    Images(BadImages),
    /// Instructions or cycles cannot be counted.
    Counter(CounterError),
    /// Skipping blank input changed the output of a layer.
    SkippingDiffers {
        /// The index of the image, from 0.
        image: usize,
        /// The first layer whose output differs.
        layer: &'static str,
    },
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(bad_slot) => bad_slot.fmt(f),
            Self::Console => f.write_str("cannot print: the semihosting console refused the output"),
            Self::Arguments(bad_arguments) => bad_arguments.fmt(f),
            Self::Images(bad_images) => bad_images.fmt(f),
            Self::Counter(error) => error.fmt(f),
            Self::SkippingDiffers { image, layer } => {
                write!(f, "image {image}: skipping blank input changes the result, first in {layer}")
            }
        }
    }
}

impl From<BadSlot> for Failure {
    fn from(bad_slot: BadSlot) -> Self {
        Self::Model(bad_slot)
    }
}

impl From<BadArguments> for Failure {
    fn from(bad_arguments: BadArguments) -> Self {
        Self::Arguments(bad_arguments)
    }
}

impl From<BadImages> for Failure {
    fn from(bad_images: BadImages) -> Self {
        Self::Images(bad_images)
    }
}

impl From<CounterError> for Failure {
    fn from(error: CounterError) -> Self {
        Self::Counter(error)
    }
}

impl From<fmt::Error> for Failure {
    fn from(fmt::Error: fmt::Error) -> Self {
        Self::Console
    }
}
