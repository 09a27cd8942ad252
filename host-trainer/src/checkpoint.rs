//! The file from which an unfinished run is resumed.
//!
//! Like the model file it is a postcard message followed by a CRC-32. It holds everything that training depends on:
//! its options and its current state. The format is private to this program; other versions may not read it.

use std::path::{Path, PathBuf};

use lenet_core::checksum::{Crc32, crc32};
use serde::{Deserialize, Serialize};

use crate::data::{DataSet, Split};
use crate::error::{Error, Result};
use crate::files::{Existing, write_whole};
use crate::input::{self, Limit};
use crate::training::{EpochLine, Options, Snapshot, State};

/// The file's name in its run folder.
pub const FILE_NAME: &str = "checkpoint";

const MAGIC: [u8; 4] = *b"LNTC";
const VERSION: u16 = 4;

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The command that reproduces the run, see [`Summary::command`](crate::run::Summary::command).
    pub command: String,
    /// Hyper-parameters, pools and seed.
    pub options: Options,
    /// The file of the network that training started from, if one was given.
    pub from: Option<PathBuf>,
    /// The class that stands for anything else, if there is one.
    pub none_of_these: Option<usize>,
    /// Absolute paths of the data set's folders, see [`DataSet::load`]; none for the built-in digits.
    pub data: Vec<PathBuf>,
    /// Name of the data set.
    pub data_name: String,
    /// CRC-32 over the training images and labels.
    pub data_crc32: u32,
    /// Number of training images held out for validation.
    pub validation: usize,
    /// Whether the test images stay unused.
    pub no_test: bool,
    /// Epochs between checkpoints; 0 for none.
    pub checkpoint_every: usize,
}

/// What a run has reported so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The lines of `metrics.jsonl`.
    pub metrics: String,
    /// Seconds spent training.
    pub seconds: f64,
    /// The epoch with the best validation accuracy.
    pub best: Option<EpochLine>,
    /// The last epoch.
    pub last: Option<EpochLine>,
}

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the run was asked to do.
    pub plan: Plan,
    /// What it has reported so far.
    pub record: Record,
    /// The state of training.
    pub snapshot: Snapshot,
}

/// CRC-32 over the training images and labels of a data set, including those held out for validation.
pub fn data_crc32(split: &Split) -> u32 {
    let mut crc32 = Crc32::new();
    for index in 0..split.len() {
        crc32.update(split.pixels(index));
    }
    crc32.update(&split.labels().to_vec());
    crc32.finish()
}

impl Plan {
    /// Checks that `data` is the data set that the run was started with.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not.
    pub fn check_data(&self, data: &DataSet) -> Result<()> {
        if data_crc32(&data.train) == self.data_crc32 {
            return Ok(());
        }
        let folders: Vec<_> = self.data.iter().map(|folder| folder.to_string_lossy()).collect();
        let place = if folders.is_empty() { "built into this program".into() } else { folders.join(", ") };
        Err(Error::Usage(format!(
            "the training images of {} are not those the run was started with ({place}); give their folder with --data",
            data.name
        )))
    }
}

impl Checkpoint {
    /// Writes the file to a run folder. It replaces an earlier one, which is kept if writing fails.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE_NAME);
        // The only value that might not be encodable.
        if self.plan.data.iter().any(|data| data.to_str().is_none()) {
            let problem =
                "the data folder's name is not UTF-8, so a checkpoint cannot hold it; rename the folder".into();
            return Err(Error::File { path, problem });
        }
        write_whole(&path, &self.encode(), Existing::Overwrite)
    }

    /// Reads the file of a run folder.
    ///
    /// # Errors
    /// [`Error::File`] when it is missing, damaged, or written by another version of this program.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let refused = |problem: String| Error::File { path: path.clone(), problem };
        if !path.exists() {
            return Err(refused("there is no such file: the run is finished, or has not written a checkpoint".into()));
        }
        let bytes = input::read(&path, Limit::NETWORK)?;
        Self::decode(&bytes).map_err(refused)
    }

    /// Encodes the file.
    ///
    /// # Panics
    /// When the name of the data folder is not UTF-8, which [`write`](Self::write) refuses.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = postcard::to_extend(&(MAGIC, VERSION), Vec::new()).expect("a vector grows");
        bytes = postcard::to_extend(self, bytes).expect("a checkpoint has only numbers, texts and UTF-8 paths");
        let checksum = crc32(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Decodes the file.
    ///
    /// # Errors
    /// A message that says whether it is damaged or of another version.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Self, String> {
        const DAMAGED: &str = "this is not a checkpoint, or it is damaged; start the training again";
        let (message, stored) = bytes.split_last_chunk::<4>().ok_or(DAMAGED)?;
        if crc32(message).to_le_bytes() != *stored {
            return Err(DAMAGED.into());
        }
        let ((magic, version), rest) = postcard::take_from_bytes::<([u8; 4], u16)>(message).map_err(|_| DAMAGED)?;
        if magic != MAGIC {
            return Err(DAMAGED.into());
        }
        if version != VERSION {
            return Err(format!(
                "the checkpoint has version {version}, but this program reads version {VERSION}; resume it with the \
                 program that wrote it"
            ));
        }
        let checkpoint: Self = postcard::from_bytes(rest).map_err(|_| DAMAGED)?;
        let State { parameters, first, second, average, .. } = &checkpoint.snapshot.state;
        let classes = checkpoint.plan.options.classes.count();
        if checkpoint.plan.none_of_these.is_some_and(|class| class >= classes) {
            return Err(DAMAGED.into());
        }
        if [parameters, first, second, average].iter().any(|values| values.classes() != classes) {
            return Err(DAMAGED.into());
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use lenet_core::Pools;

    use super::*;
    use crate::classes::Classes;
    use crate::training::{Recipe, RecipeName, Trainer};

    fn checkpoint() -> Checkpoint {
        let split = crate::data::digits_10k().train.first(20);
        let classes = Classes::digits();
        let options = Options { recipe: Recipe::named(RecipeName::Default), pools: Pools::default(), classes, seed: 7 };
        let plan = Plan {
            command: "lenet train".into(),
            data: vec!["/a/b".into(), "/c".into()],
            data_name: "b".into(),
            data_crc32: data_crc32(&split),
            validation: 5,
            no_test: true,
            checkpoint_every: 2,
            options,
            from: Some("trained.safetensors".into()),
            none_of_these: Some(3),
        };
        let snapshot = Trainer::new(&split, None, &plan.options).snapshot().clone();
        Checkpoint { plan, record: Record { seconds: 1.5, ..Record::default() }, snapshot }
    }

    #[test]
    fn round_trips_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let written = checkpoint();
        written.write(folder.path()).unwrap();
        assert_eq!(Checkpoint::read(folder.path()).unwrap(), written);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_path_it_cannot_hold_is_an_error() {
        let mut checkpoint = checkpoint();
        let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
        checkpoint.plan.data = vec![name.into()];
        let folder = tempfile::tempdir().unwrap();
        assert!(checkpoint.write(folder.path()).unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn damage_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Checkpoint::read(folder.path()).unwrap_err().to_string().contains("there is no such file"));
        let good = checkpoint().encode();
        for length in [0, 3, 4, 10, good.len() / 2, good.len() - 1] {
            assert!(Checkpoint::decode(&good[..length]).unwrap_err().contains("damaged"), "cut at {length}");
        }
        for place in (0..good.len()).step_by(997) {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            assert!(Checkpoint::decode(&bad).unwrap_err().contains("damaged"), "changed at {place}");
        }
    }

    #[test]
    fn parameters_of_other_classes_than_the_plans_are_refused() {
        let mut checkpoint = checkpoint();
        checkpoint.plan.options.classes = Classes::numbered(26).unwrap();
        assert!(Checkpoint::decode(&checkpoint.encode()).unwrap_err().contains("damaged"));
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let mut message = postcard::to_extend(&(MAGIC, 9u16), Vec::new()).unwrap();
        let checksum = crc32(&message);
        message.extend(checksum.to_le_bytes());
        assert!(Checkpoint::decode(&message).unwrap_err().contains("version 9"));
    }
}
