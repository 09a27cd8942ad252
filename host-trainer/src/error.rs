use std::io;
use std::path::{Path, PathBuf};

/// Why a command failed. Each message names the file or value, says what is wrong with it, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; choose another place with -o", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// An output file already exists.
    #[error("{} already exists; choose another name with -o, or add --force to overwrite it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A data folder lacks one of the four IDX files and has no images either.
    #[error(
        "{} holds neither {name} nor {name}.gz; a data folder needs the four IDX files of MNIST (`lenet fetch` \
         downloads them), or images in a subfolder for each class, such as A and B, or train/A, train/B, test/A and \
         test/B",
        folder.display()
    )]
    MissingIdx {
        /// The folder.
        folder: PathBuf,
        /// The file, without `.gz`.
        name: String,
    },
    /// A file or folder was read but cannot be used, because it is damaged or of the wrong kind.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, where, and what to do.
        problem: String,
    },
    /// A `.lenet` file was rejected.
    #[error("{}: {source}; recreate it with `lenet quantize`", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The check that rejected it.
        source: lenet_core::Error,
    },
    /// The float network cannot be quantized.
    #[error("cannot quantize: {0}")]
    Quantize(String),
    /// The loss became infinite or NaN.
    #[error(
        "the loss is not finite at step {step} of epoch {epoch}, first seen in {layer}; the learning rate {lr} is \
         too high: lower it with --lr"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in the epoch, from 1.
        step: usize,
        /// The first layer with values that are not finite.
        layer: &'static str,
        /// The learning rate of that step.
        lr: f32,
    },
    /// A folder already holds an unfinished run.
    #[error(
        "{} holds an unfinished run; resume it with `lenet train --resume {}`, choose another name with -o, \
         or add --force to start over",
        folder.display(), folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: PathBuf,
    },
    /// Ctrl-C stopped training, and a checkpoint was written.
    #[error(
        "interrupted in epoch {epoch} after {step} steps; resume with `lenet train --resume {}`",
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
        "int8 lost {lost:.2} points of accuracy, but --max-drop allows {allowed}; the report shows where the networks \
         diverge, and its warnings say what to try"
    )]
    Dropped {
        /// Percentage points lost.
        lost: f64,
        /// Percentage points allowed.
        allowed: f64,
    },
    /// A download failed. The error is boxed because this module must not depend on `fetch`.
    #[error(transparent)]
    Fetch(Box<dyn std::error::Error + Send + Sync>),
}

/// The result of anything that can fail with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Exit code after Ctrl-C: 128 plus the number of SIGINT.
    pub const INTERRUPTED_CODE: u8 = 130;

    /// The program's exit code: 2 for wrong usage, 3 when `--max-drop` is exceeded, 130 after Ctrl-C, else 1.
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

    /// The same error about a file that a person knows by another name: `from` is a temporary copy of `to`.
    pub(crate) fn moved(self, from: &Path, to: &Path) -> Self {
        let renamed = |path: PathBuf| match path.strip_prefix(from) {
            Ok(rest) => to.join(rest),
            Err(_) => path,
        };
        match self {
            Self::Read { path, source } => Self::Read { path: renamed(path), source },
            Self::File { path, problem } => Self::File { path: renamed(path), problem },
            Self::MissingIdx { folder, name } => Self::MissingIdx { folder: renamed(folder), name },
            other => other,
        }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
