//! Arguments that several subcommands share.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lenet_core::Pool;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::classes::Classes;
use crate::data::DataSet;
use crate::error::{Error, Result};
use crate::formats::{FloatFile, NetworkFile, read_float};

/// Where the images come from.
#[derive(Args, Clone, Debug)]
pub struct DataArguments {
    /// Folder with the data set: four IDX files as MNIST has them, gzipped or not, with the labels of
    /// the classes in labels.txt; or images (PNG, JPEG, BMP, PGM, PPM) in a folder for each class, such
    /// as A and B, one in six of which is held out for testing; or such folders in train and test.
    /// Can be repeated: the sets are merged, classes with the same label become one. digits-10k names
    /// the 10,000 built-in digits [default: digits-10k].
    #[arg(long, value_name = "DIR")]
    pub data: Vec<PathBuf>,
}

impl DataArguments {
    pub(super) fn load(&self, quiet: bool) -> Result<DataSet> {
        load(&self.data, quiet)
    }

    /// The data set with the class numbers of a network.
    pub(super) fn load_for(&self, network: &Classes, quiet: bool) -> Result<DataSet> {
        let data = DataSet::load(&self.data)?.with_classes_of(network)?;
        print_notes(&data, quiet);
        Ok(data)
    }
}

/// Reads a data set, and prints the notes about it unless the command is quiet.
pub(super) fn load(folders: &[PathBuf], quiet: bool) -> Result<DataSet> {
    let data = DataSet::load(folders)?;
    print_notes(&data, quiet);
    Ok(data)
}

fn print_notes(data: &DataSet, quiet: bool) {
    for note in data.notes.iter().filter(|_| !quiet) {
        // Failing to print a note must not stop the command.
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
}

/// The class for anything else.
#[derive(Args, Clone, Debug, Default)]
pub struct NoneOfTheseArgument {
    /// The class with this label holds your counter-examples: the model refuses an image that it
    /// assigns to this class.
    #[arg(long, value_name = "LABEL")]
    pub none_of_these: Option<String>,
}

impl NoneOfTheseArgument {
    /// Its number among these classes.
    pub(super) fn class(&self, classes: &Classes) -> Result<Option<usize>> {
        self.none_of_these.as_ref().map(|label| class_with_label(classes, label, "--none-of-these")).transpose()
    }
}

/// The class with a label that was given with an option.
pub(super) fn class_with_label(classes: &Classes, label: &str, option: &str) -> Result<usize> {
    classes.find(label).ok_or_else(|| {
        Error::Usage(format!(
            "{option} {label}: no class has this label; the labels are {}",
            classes.labels().join(", ")
        ))
    })
}

/// How many threads to use.
#[derive(Args, Clone, Debug)]
pub struct ThreadArguments {
    /// Number of threads; it does not change the results [default: one per processor].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

impl ThreadArguments {
    pub(super) fn pool(&self) -> Result<ThreadPool> {
        let threads = self.threads.map_or(0, NonZeroUsize::get);
        ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
            Error::Usage(format!("cannot start {threads} threads ({error}); use fewer with --threads"))
        })
    }
}

/// Whether to print anything, for the subcommands that write files.
#[derive(Args, Clone, Copy, Debug)]
pub struct QuietArguments {
    /// Print only errors.
    #[arg(short, long)]
    pub quiet: bool,
}

/// A pool kind on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PoolKind {
    /// Mean of each 2x2 window.
    #[value(alias = "avg")]
    Average,
    /// Largest value of each 2x2 window.
    #[value(alias = "max")]
    Maximum,
}

impl From<PoolKind> for Pool {
    fn from(kind: PoolKind) -> Self {
        match kind {
            PoolKind::Average => Self::Average,
            PoolKind::Maximum => Self::Maximum,
        }
    }
}

/// Pools of a float network, for files that do not record them.
#[derive(Args, Clone, Copy, Debug)]
pub struct PoolArguments {
    /// Pool after conv1, if the float network's file does not record it [default: average].
    #[arg(long, value_enum, value_name = "KIND")]
    pub pool1: Option<PoolKind>,
    /// Pool after conv2, if the float network's file does not record it [default: maximum].
    #[arg(long, value_enum, value_name = "KIND")]
    pub pool2: Option<PoolKind>,
}

impl PoolArguments {
    /// Reads a float network.
    pub(super) fn read_float(self, path: &Path) -> Result<FloatFile> {
        self.apply(path, read_float(path)?)
    }

    /// Reads a network of either kind.
    pub(super) fn read(self, path: &Path) -> Result<NetworkFile> {
        match NetworkFile::read(path)? {
            NetworkFile::Float(file) => Ok(NetworkFile::Float(Box::new(self.apply(path, *file)?))),
            NetworkFile::Int8(_) if self.pool1.is_some() || self.pool2.is_some() => Err(Error::Usage(format!(
                "{} is an int8 model, which records its own pools; leave out --pool1 and --pool2",
                path.display()
            ))),
            int8 => Ok(int8),
        }
    }

    fn apply(self, path: &Path, file: FloatFile) -> Result<FloatFile> {
        file.with_pools(self.pool1.map(Pool::from), self.pool2.map(Pool::from))
            .map_err(|problem| Error::Usage(format!("{}: {problem}", path.display())))
    }
}
