//! The subcommands of `lenet`, one file each: what they take, do and print.

// First, as its macros are for those that follow.
#[macro_use]
mod output;

mod cli;
pub mod compare;
pub mod completions;
pub mod errors;
pub mod eval;
pub mod export;
pub mod fetch;
pub mod import_tflite;
pub mod inspect;
pub mod man;
pub mod predict;
pub mod quantize;
pub mod report;
pub mod show;
pub mod train;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressFinish};
use lenet_core::{Pool, Workspace};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::TOOL;
use crate::data::{DataSet, Split};
use crate::error::{Error, Result};
use crate::evaluation::{Evaluation, evaluate_float, evaluate_int8};
use crate::formats::{FloatFile, ModelFile, NetworkFile, read_float};
use crate::network::Network;
use crate::numbers::{count, percent, thousands};
use crate::quantization::QuantizedNetwork;

pub use cli::Cli;

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
    fn load(&self) -> Result<DataSet> {
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
    fn pool(&self) -> Result<ThreadPool> {
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

/// Tells a terminal what takes seconds; a log has no use for it.
fn spinner(what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(what).with_finish(ProgressFinish::AndClear);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
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
    fn read_float(self, path: &Path) -> Result<FloatFile> {
        self.apply(path, read_float(path)?)
    }

    /// Reads a network of either kind.
    fn read(self, path: &Path) -> Result<NetworkFile> {
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

/// An int8 model with what it and the float network it came from answered on the test images.
struct Quantized {
    file: ModelFile,
    float: Evaluation,
    int8: Evaluation,
}

/// Measures a float network and the int8 one made of it on `judged`, and writes both figures into the model.
fn measure(
    network: &Network,
    quantized: &QuantizedNetwork,
    judged: &Split,
    data_set: &str,
    seed: Option<u64>,
) -> Result<Quantized> {
    let float = evaluate_float(network, judged);
    let mut description = lenet_core::format::Description {
        data_set,
        float_accuracy: Some(float.accuracy() as f32),
        int8_accuracy: None,
        seed,
        tool: TOOL,
    };
    let invalid = |error: lenet_core::Error| Error::Quantize(error.to_string());
    let int8 = evaluate_int8(quantized.encode(&description)?.model().map_err(invalid)?, judged);
    description.int8_accuracy = Some(int8.accuracy() as f32);
    Ok(Quantized { file: quantized.encode(&description)?, float, int8 })
}

impl Quantized {
    /// Prints the figures, measured on `images`: test or validation images.
    fn print(&self, images: &str) {
        let (float, int8) = (&self.float, &self.int8);
        println!("float  {} of {} {images} images", percent(float.accuracy()), thousands(float.predictions.len()));
        println!(
            "int8   {}, {:+.2} points, {} changed",
            percent(int8.accuracy()),
            100.0 * (int8.accuracy() - float.accuracy()),
            count(int8.changed_predictions(float), "prediction")
        );
        println!(
            "needs  {} bytes of flash; of RAM {} (M0) or {}, and {} for the image",
            thousands(self.file.bytes().len()),
            thousands(Workspace::BYTES_ARMV6M),
            thousands(Workspace::BYTES_ARMV7M),
            lenet_core::IMAGE_BYTES
        );
    }
}
