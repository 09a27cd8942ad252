use core::fmt;

/// Why a frame gives no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is no drawing: nothing stands out from the paper, or only specks, lines and shadows do.
    Blank,
    /// There are this many drawings.
    Several(usize),
    /// The scratch buffer is shorter than [`scratch_bytes`](super::scratch_bytes) says.
    Scratch,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("blank: no drawing found"),
            Self::Several(count) => write!(f, "several drawings: {count}"),
            Self::Scratch => f.write_str("the scratch buffer is too short"),
        }
    }
}

impl core::error::Error for Reason {}
