//! Arguments that several subcommands share.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lenet_core::Pool;
use lenet_core::preparation::Preparation;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::classes::Classes;
use crate::data::{DataSet, Inverted, Need, Prepare, Reading};
use crate::error::{Error, Result};
use crate::formats::{FloatFile, NetworkFile, read_float};

/// Where the images come from.
#[derive(Args, Clone, Debug)]
pub struct DataArguments {
    /// Data set: a folder with MNIST's IDX files under any of their usual names, or EMNIST's or
    /// Kuzushiji's, gzipped or not, with the labels of the classes in labels.txt; an .npz file like
    /// Keras' mnist.npz; a table (.csv) with a label and 784 pixels a line; images (PNG, JPEG, BMP, GIF,
    /// TIFF, WebP, PGM, PPM) in a folder for each class, such as A and B, one in six of which is held out
    /// for testing; such folders in train and test; or a zip or tar archive of any of these. Can be
    /// repeated: the sets are merged, classes with the same label become one. digits-10k
    /// names the 10,000 built-in digits [default: digits-10k].
    #[arg(long, value_name = "DIR|FILE")]
    pub data: Vec<PathBuf>,
}

impl DataArguments {
    pub(super) fn load(&self, quiet: bool) -> Result<DataSet> {
        load(&self.data, quiet)
    }
}

/// Where the images come from, for commands that can also turn them.
#[derive(Args, Clone, Debug)]
pub struct TurnedDataArguments {
    #[command(flatten)]
    data: DataArguments,
    /// Exchange rows and columns of every image.
    #[arg(long)]
    transposed: bool,
    /// Whether the images of IDX files, arrays and tables are dark on light paper and have to be
    /// inverted. Image files are looked at one by one.
    #[arg(long, value_enum, value_name = "YES", num_args = 0..=1, default_value = "auto", default_missing_value = "yes")]
    inverted: Inverted,
}

impl TurnedDataArguments {
    /// The data set, with images to train on and to test with.
    pub(super) fn load(&self, quiet: bool) -> Result<DataSet> {
        self.read(Need::TrainAndTest, None, Prepare::Never, quiet)
    }

    /// The data set with the class numbers of a network, with images to train on and to test with.
    pub(super) fn load_for(&self, network: &Classes, quiet: bool) -> Result<DataSet> {
        self.read(Need::TrainAndTest, Some(network), Prepare::Never, quiet)
    }

    /// Images to judge a network on, with its class numbers. There may be no training images.
    pub(super) fn load_to_judge(
        &self,
        file: &NetworkFile,
        path: &Path,
        prepare: PrepareArgument,
        quiet: bool,
    ) -> Result<DataSet> {
        let prepare = match (prepare.prepare, file.preparation(path)?) {
            (Some(When::Always), _) => Prepare::Always,
            (None, Preparation::Drawing) => Prepare::ImageFiles,
            (Some(When::Never), _) | (None, Preparation::AsTheyAre) => Prepare::Never,
        };
        self.read(Need::Test(file.trained_on()), Some(&file.classes(path)?), prepare, quiet)
    }

    fn read(&self, need: Need, network: Option<&Classes>, prepare: Prepare, quiet: bool) -> Result<DataSet> {
        let reading = Reading { need, transposed: self.transposed, inverted: self.inverted, prepare };
        let mut data = DataSet::load_with(&self.data.data, &reading)?;
        if let Some(classes) = network {
            data = data.with_classes_of(classes)?;
        }
        print_notes(&data.notes, quiet);
        Ok(data)
    }
}

/// Reads a data set, and prints the notes about it unless the command is quiet.
pub(super) fn load(folders: &[PathBuf], quiet: bool) -> Result<DataSet> {
    let data = DataSet::load(folders)?;
    print_notes(&data.notes, quiet);
    Ok(data)
}

/// Prints notes to standard error, apart from the command's answer, unless the command is quiet.
pub(super) fn print_notes(notes: &[String], quiet: bool) {
    for note in notes.iter().filter(|_| !quiet) {
        // Failing to print a note must not stop the command.
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
}

/// Whether images of 28x28 pixels are prepared.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct PrepareArgument {
    /// Whether to find, scale and centre the drawing in images of 28x28 pixels too. By default, image files
    /// are prepared if the model's file says so; always also prepares IDX files, arrays and tables.
    #[arg(long, value_enum, value_name = "WHEN")]
    pub prepare: Option<When>,
}

/// When images of 28x28 pixels are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Prepare every image.
    Always,
    /// Take images of 28x28 pixels as they are.
    Never,
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

/// What the file of a float network may not record: its pools, and how its pixels were normalized.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct PoolArguments {
    /// Pool after conv1, if the float network's file does not record it [default: average].
    #[arg(long, value_enum, value_name = "KIND")]
    pub pool1: Option<PoolKind>,
    /// Pool after conv2, if the float network's file does not record it [default: maximum].
    #[arg(long, value_enum, value_name = "KIND")]
    pub pool2: Option<PoolKind>,
    /// If the float network was trained on (p/255 - MEAN) / STD, as with PyTorch's Normalize: folds both
    /// into conv1, so that the network takes plain pixels [for MNIST often 0.1307].
    #[arg(long, value_name = "MEAN", requires = "std", allow_negative_numbers = true, value_parser = parse_mean)]
    pub mean: Option<f64>,
    /// The deviation that goes with --mean [for MNIST often 0.3081].
    #[arg(long, value_name = "STD", requires = "mean", value_parser = parse_deviation)]
    pub std: Option<f64>,
}

fn parse_mean(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && number.abs() <= 255.0);
    number.ok_or_else(|| "it must be a number, usually from 0 to 1: the mean of p/255".into())
}

fn parse_deviation(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| (1e-3..=255.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0.001 on, usually below 1: the deviation of p/255".into())
}

impl PoolArguments {
    /// Reads a float network, and prints what had to be assumed about it.
    pub(super) fn read_float(self, path: &Path, quiet: bool) -> Result<FloatFile> {
        self.complete_float(path, read_float(path)?, quiet)
    }

    /// Reads a network of either kind, and prints what had to be assumed about it.
    pub(super) fn read(self, path: &Path) -> Result<NetworkFile> {
        self.complete(path, NetworkFile::read(path)?, false)
    }

    /// Adds to a network of either kind what its file does not record.
    pub(super) fn complete(self, path: &Path, file: NetworkFile, quiet: bool) -> Result<NetworkFile> {
        match file {
            NetworkFile::Float(file) => Ok(NetworkFile::Float(Box::new(self.complete_float(path, *file, quiet)?))),
            int8 => match self.given() {
                None => Ok(int8),
                Some(option) => Err(Error::Usage(format!(
                    "{} is an int8 model, which takes plain pixels and records its own pools; leave out {option}",
                    path.display()
                ))),
            },
        }
    }

    /// One of the options that was given.
    fn given(self) -> Option<&'static str> {
        let pools = self.pool1.is_some() || self.pool2.is_some();
        pools.then_some("--pool1 and --pool2").or(self.mean.map(|_| "--mean and --std"))
    }

    /// Adds to a float network what its file does not record, and prints what was assumed.
    pub(super) fn complete_float(self, path: &Path, file: FloatFile, quiet: bool) -> Result<FloatFile> {
        let refused = |problem| Error::Usage(format!("{}: {problem}", path.display()));
        let mut file = file.with_pools(self.pool1.map(Pool::from), self.pool2.map(Pool::from)).map_err(refused)?;
        if let (Some(mean), Some(deviation)) = (self.mean, self.std) {
            file = file.with_normalization(mean, deviation).map_err(refused)?;
        }
        let notes: Vec<String> = file.notes().iter().map(|note| format!("{}: {note}", path.display())).collect();
        print_notes(&notes, quiet);
        Ok(file)
    }
}
