//! Arguments that several subcommands share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lenet_core::Pool;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::data::DataSet;
use crate::error::{Error, Result};
use crate::formats::{FloatFile, NetworkFile, read_float};

/// Where the images come from; shared by the subcommands.
#[derive(Args, Clone, Debug)]
pub struct DataArguments {
    /// Folder with the four IDX files of a data set, gzipped or not, or with images (PNG, JPEG,
    /// BMP, PGM, PPM) in train/0 to train/9 and test/0 to test/9, or in 0 to 9, of which one in six
    /// is to test [default: the 10,000 digits inside this program].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl DataArguments {
    pub(super) fn load(&self) -> Result<DataSet> {
        DataSet::load(self.data.as_deref())
    }
}

/// How many threads; shared by the subcommands.
#[derive(Args, Clone, Debug)]
pub struct ThreadArguments {
    /// Threads to use; the results are the same for any number [default: all processors].
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

/// Whether to print; shared by the subcommands that write files.
#[derive(Args, Clone, Copy, Debug)]
pub struct QuietArguments {
    /// Print nothing but errors.
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

/// Pools of a float network, for files that do not tell them; shared by the subcommands.
#[derive(Args, Clone, Copy, Debug)]
pub struct PoolArguments {
    /// Pool after conv1 of a float network whose file does not tell it [default: average].
    #[arg(long, value_enum, value_name = "KIND")]
    pub pool1: Option<PoolKind>,
    /// Pool after conv2, likewise [default: maximum].
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
                "{} is a .lenet model, which tells its pools itself; leave --pool1 and --pool2 out",
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
