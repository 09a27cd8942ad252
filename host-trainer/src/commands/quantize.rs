//! `lenet quantize`: converts a float network to an int8 model.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPool;

use super::arguments::print_notes;
use super::measuring::measure;
use super::{NoneOfTheseArgument, PoolArguments, QuietArguments, ThreadArguments, TurnedDataArguments, hints};
use crate::data::{Split, preparation_of};
use crate::error::Result;
use crate::evaluation::evaluate_float;
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::FloatFile;
use crate::int8::QuantizedNetwork;
use crate::network::Network;
use crate::numbers::percent;
use crate::quantization::{
    CALIBRATION_IMAGES, Calibration, Granularity, Options, Rounding, calibrate, quantize, quantize_trained,
};
use crate::training::{ActivationRanges, BatchResult, EpochLine, Observer, QatOptions, Snapshot, fine_tune};

/// Arguments of `lenet quantize`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lenet quantize runs/tutorial/model.safetensors --data mnist -o tutorial.lenet")]
pub struct Arguments {
    /// Float network: a .safetensors file, a PyTorch state dict (.pt, .pth) or an .npz archive.
    #[arg(value_name = "FLOAT")]
    float: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    #[command(flatten)]
    data: TurnedDataArguments,
    #[command(flatten)]
    threads: ThreadArguments,
    /// How to choose the activation ranges from the values seen on training images.
    #[arg(long, value_enum, default_value = "mse")]
    calibration: CalibrationName,
    /// Number of training images to calibrate on, evenly spaced; least-squares rounding and bias
    /// correction use the same ones.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_IMAGES)]
    images: NonZeroUsize,
    /// Use one weight scale per layer instead of one per output channel.
    #[arg(long)]
    per_tensor: bool,
    /// Weight rounding method.
    #[arg(long, value_enum, default_value = "least-squares")]
    rounding: RoundingName,
    /// Adjust the biases to cancel the mean error that weight rounding causes.
    #[arg(long, value_name = "YES", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = ArgAction::Set)]
    bias_correction: bool,
    /// Quantization-aware training: fine-tune for EPOCHS epochs, simulating the int8 arithmetic bit for
    /// bit. Weights are then rounded to nearest, as during this training.
    #[arg(long, value_name = "EPOCHS", conflicts_with_all = ["rounding", "bias_correction"])]
    qat: Option<NonZeroUsize>,
    /// Whether --qat keeps the calibrated activation ranges or learns new ones.
    #[arg(long, value_enum, value_name = "RANGES", default_value = "frozen", requires = "qat")]
    qat_ranges: RangesName,
    /// Seed for the shuffling and augmentation of --qat; the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "qat")]
    seed: u64,
    #[command(flatten)]
    none_of_these: NoneOfTheseArgument,
    /// Model file to write (.lenet).
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite the output if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

const DEFAULT_IMAGES: NonZeroUsize = NonZeroUsize::new(CALIBRATION_IMAGES).expect("more than none");

/// A calibration method on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CalibrationName {
    /// Smallest to largest value.
    Minmax,
    /// Leave out the outermost values, at most one in 10,000.
    Percentile,
    /// Range with the smallest mean squared error.
    Mse,
    /// Range with the smallest Kullback-Leibler divergence, as in TensorRT.
    Entropy,
}

impl From<CalibrationName> for Calibration {
    fn from(name: CalibrationName) -> Self {
        match name {
            CalibrationName::Minmax => Self::MinMax,
            CalibrationName::Percentile => Self::Percentile,
            CalibrationName::Mse => Self::Mse,
            CalibrationName::Entropy => Self::Entropy,
        }
    }
}

/// A weight rounding method on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoundingName {
    /// Each weight to the nearest integer.
    Nearest,
    /// Each weight up or down, so that the errors cancel in the outputs for training images.
    LeastSquares,
}

impl From<RoundingName> for Rounding {
    fn from(name: RoundingName) -> Self {
        match name {
            RoundingName::Nearest => Self::Nearest,
            RoundingName::LeastSquares => Self::LeastSquares,
        }
    }
}

/// Where the activation ranges of quantization-aware training come from, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RangesName {
    /// Keep the calibrated ranges.
    Frozen,
    /// Follow a moving average of each batch's smallest and largest values.
    Learned,
}

impl From<RangesName> for ActivationRanges {
    fn from(name: RangesName) -> Self {
        match name {
            RangesName::Frozen => Self::Frozen,
            RangesName::Learned => Self::Learned { decay: 0.99 },
        }
    }
}

impl Arguments {
    /// Fine-tunes with quantization-aware training on the threads of `pool`, then quantizes.
    fn quantize_aware(
        &self,
        network: &Network,
        images: &Split,
        epochs: usize,
        pool: &ThreadPool,
    ) -> Result<QuantizedNetwork> {
        let Options { calibration, images: count, granularity, .. } = self.options();
        let ranges = pool.install(|| calibrate(network, &images.evenly_spaced(count), calibration))?;
        let qat = QatOptions { ranges: self.qat_ranges.into(), granularity, ..QatOptions::new(epochs, self.seed) };
        let mut progress = Progress::new(epochs, images.len(), self.quiet.quiet);
        let (network, ranges) = fine_tune(network, &ranges, images, None, &qat, pool, &mut progress)?;
        progress.bar.finish_and_clear();
        quantize(&network, &ranges, granularity)
    }

    fn options(&self) -> Options {
        Options {
            calibration: self.calibration.into(),
            images: self.images.get(),
            granularity: if self.per_tensor { Granularity::PerTensor } else { Granularity::PerChannel },
            rounding: self.rounding.into(),
            bias_correction: self.bias_correction,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or unsuitable network, unreadable data, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let float = arguments.pools.read_float(&arguments.float, arguments.quiet.quiet)?;
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load_for(&float.network.classes, arguments.quiet.quiet))?;
    // A file without labels takes those of the data set.
    let none_of_these = arguments.none_of_these.class(&data.classes)?.or(float.network.none_of_these);
    let preparation = match float.knows_preparation() {
        true => float.network.preparation,
        false => pool.install(|| preparation_of(&data.train)),
    };
    let network = &Network { classes: data.classes.clone(), none_of_these, preparation, ..float.network.clone() };
    print_notes(
        &pool.install(|| doubts(&float, &data.train.evenly_spaced(arguments.images.get()))),
        arguments.quiet.quiet,
    );
    let quantized = match arguments.qat {
        None => pool.install(|| quantize_trained(network, &data.train, &arguments.options())),
        Some(epochs) => arguments.quantize_aware(network, &data.train, epochs.get(), &pool),
    }?;
    let quantized = pool.install(|| measure(network, &quantized, &data.test, &data.name, float.seed()))?;
    write_whole(&arguments.output, quantized.file.bytes(), existing)?;
    if !arguments.quiet.quiet {
        quantized.print("test");
        println!("wrote  {}", arguments.output.display());
    }
    Ok(())
}

/// What to know about the float network before it is quantized, measured on the calibration images.
fn doubts(float: &FloatFile, images: &Split) -> Vec<String> {
    let accuracy = evaluate_float(&float.network, images).accuracy();
    hints::of_normalization(float, images, accuracy).into_iter().collect()
}

/// Shows the progress of fine-tuning: a bar on a terminal, and a line after each epoch.
struct Progress {
    epochs: usize,
    quiet: bool,
    bar: ProgressBar,
}

impl Progress {
    fn new(epochs: usize, images: usize, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new((epochs * images) as u64) };
        let style = ProgressStyle::with_template("{bar:30} {percent} %, {eta} left");
        bar.set_style(style.expect("the template is valid").progress_chars("=> "));
        Self { epochs, quiet, bar }
    }
}

impl Observer for Progress {
    fn batch(&mut self, images: usize, _: BatchResult) -> ControlFlow<()> {
        self.bar.inc(images as u64);
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, line: EpochLine, _: &Snapshot) -> Result<()> {
        let EpochLine { epoch, loss, accuracy, .. } = line;
        let epochs = self.epochs;
        if !self.quiet {
            self.bar.suspend(|| println!("epoch  {epoch} of {epochs}: loss {loss:.4}, {} in int8", percent(accuracy)));
        }
        Ok(())
    }
}
