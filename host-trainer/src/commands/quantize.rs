//! `lenet quantize`: from a float network to a model file.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPool;

use super::measuring::measure;
use super::{DataArguments, PoolArguments, QuietArguments, ThreadArguments};
use crate::data::Split;
use crate::error::Result;
use crate::files::{Existing, check_writable, write_whole};
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
    /// The float network: a .safetensors file, a PyTorch state dict (.pt, .pth) or an .npz archive.
    #[arg(value_name = "FLOAT")]
    float: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    threads: ThreadArguments,
    /// How the ranges of the activations are chosen, from the values they take on training images.
    #[arg(long, value_enum, default_value = "mse")]
    calibration: CalibrationName,
    /// How many training images that takes, evenly spaced over all.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_IMAGES)]
    images: NonZeroUsize,
    /// One weight scale for a layer instead of one for each of its output channels.
    #[arg(long)]
    per_tensor: bool,
    /// To which integers weights are rounded.
    #[arg(long, value_enum, default_value = "least-squares")]
    rounding: RoundingName,
    /// Let the biases make up for what the rounding of the weights adds on the average.
    #[arg(long, value_name = "YES", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = ArgAction::Set)]
    bias_correction: bool,
    /// Fine-tune for so many epochs with the int8 network's arithmetic simulated to the bit; weights are
    /// then rounded to the nearest, as they were trained to be.
    #[arg(long, value_name = "EPOCHS", conflicts_with_all = ["rounding", "bias_correction"])]
    qat: Option<NonZeroUsize>,
    /// Whether activations keep the ranges of the calibration during --qat, or learn new ones.
    #[arg(long, value_enum, value_name = "RANGES", default_value = "frozen", requires = "qat")]
    qat_ranges: RangesName,
    /// Seed of --qat's shuffling and augmentation: the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "qat")]
    seed: u64,
    /// The model file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

const DEFAULT_IMAGES: NonZeroUsize = NonZeroUsize::new(CALIBRATION_IMAGES).expect("more than none");

/// A calibration on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CalibrationName {
    /// From the least to the greatest value.
    Minmax,
    /// Without the outermost values, one in 10,000.
    Percentile,
    /// With the least mean squared error.
    Mse,
    /// With the least Kullback-Leibler divergence, as TensorRT does.
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

/// A rounding on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoundingName {
    /// Each to the nearest.
    Nearest,
    /// Up or down, so that errors cancel in the outputs for training images.
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

/// Where activations' ranges come from in quantization-aware training, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RangesName {
    /// They stay as calibration found them.
    Frozen,
    /// They follow a moving average of each batch's least and greatest values.
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
    /// Quantizes after fine-tuning, on the threads of `pool`.
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
    let float = arguments.pools.read_float(&arguments.float)?;
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load())?;
    let network = &float.network;
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

/// Shows how fine-tuning goes on: a bar on a terminal, and a line after each epoch.
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
