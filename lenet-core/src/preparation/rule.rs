use core::fmt;

/// How a model's inputs are prepared, as its file records it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// Images of 28 x 28 pixels are taken as they are.
    #[default]
    AsTheyAre,
    /// Every image is a frame with a drawing in it, images of 28 x 28 pixels too: see [`prepare`](super::prepare).
    Drawing,
}

impl Preparation {
    /// The number in a model file.
    pub const fn code(self) -> u8 {
        match self {
            Self::AsTheyAre => 0,
            Self::Drawing => 1,
        }
    }

    /// The preparation with this number in a model file.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::AsTheyAre),
            1 => Some(Self::Drawing),
            _ => None,
        }
    }
}

impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsTheyAre => "none",
            Self::Drawing => "drawing",
        })
    }
}
