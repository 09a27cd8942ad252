use std::io;
use std::path::{Path, PathBuf};

/// Why a command failed. Every message names the file or value, what is wrong with it, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; choose another place with -o", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// An output is there already.
    #[error("{} exists already; choose another name with -o, or add --force to overwrite it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A data folder lacks one of the four IDX files, and holds no images either.
    #[error(
        "{} holds neither {name} nor {name}.gz; a data folder has the four IDX files of MNIST, see `lenet fetch \
         --help`, or images in the subfolders train/0 to train/9 and test/0 to test/9, or in 0 to 9",
        folder.display()
    )]
    MissingIdx {
        /// The folder.
        folder: PathBuf,
        /// The file, without `.gz`.
        name: String,
    },
    /// A file or folder was read and cannot be used: it is damaged, or not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, where, and what to do.
        problem: String,
    },
    /// A `.lenet` file was refused.
    #[error("{}: {source}; write it anew with `lenet quantize`", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The check that refused it.
        source: lenet_core::Error,
    },
    /// The float network cannot be quantized.
    #[error("cannot quantize: {0}")]
    Quantize(String),
    /// The loss stopped being a number.
    #[error(
        "the loss is not finite at step {step} of epoch {epoch}: the first values that are not are in {layer}; \
         the learning rate {lr} is too high, lower it with --lr"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in the epoch, from 1.
        step: usize,
        /// Where the first values that are not finite are.
        layer: &'static str,
        /// The learning rate of that step.
        lr: f32,
    },
    /// A run folder holds a run that is not finished.
    #[error(
        "{} holds an unfinished run; go on with it by `lenet train --resume {}`, choose another name with -o, \
         or add --force to begin anew",
        folder.display(), folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: PathBuf,
    },
    /// Ctrl-C ended a training in good order.
    #[error(
        "interrupted in epoch {epoch} after {step} steps; go on with `lenet train --resume {}`",
        folder.display()
    )]
    Interrupted {
        /// The epoch, from 1.
        epoch: usize,
        /// Steps done in it.
        step: usize,
        /// The folder with the checkpoint.
        folder: PathBuf,
    },
    /// The arguments contradict each other or the data.
    #[error("{0}")]
    Usage(String),
    /// An int8 model lost more accuracy than `--max-drop` allows.
    #[error(
        "int8 lost {lost:.2} points of accuracy, and --max-drop allows {allowed}; the report says where the networks \
         part, and its warnings what to try"
    )]
    Dropped {
        /// Percentage points lost.
        lost: f64,
        /// Percentage points allowed.
        allowed: f64,
    },
    /// A download failed; the rooms below know nothing of downloads, so its own error type is behind a box.
    #[error(transparent)]
    Fetch(Box<dyn std::error::Error + Send + Sync>),
}

/// The result of anything that can fail with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What a program exits with that Ctrl-C ended: 128 and the signal's number.
    pub const INTERRUPTED_CODE: u8 = 130;

    /// What the program exits with: 2 for wrong usage, 3 when `--max-drop` is exceeded, 130 after Ctrl-C, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Dropped { .. } => 3,
            Self::Interrupted { .. } => Self::INTERRUPTED_CODE,
            _ => 1,
        }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn model(path: &Path) -> impl FnOnce(lenet_core::Error) -> Self {
        move |source| Self::Model { path: path.to_owned(), source }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(String) -> Self {
        move |problem| Self::File { path: path.to_owned(), problem }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
