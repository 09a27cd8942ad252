//! `lenet quantize`: from a float network to a model file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DataArguments, ThreadArguments, measure};
use crate::error::Result;
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::read_float;
use crate::quantization::{CALIBRATION_IMAGES, Calibration, Granularity, Options, Rounding, quantize_trained};

/// Arguments of `lenet quantize`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lenet quantize runs/tutorial/model.safetensors --data mnist -o tutorial.lenet")]
pub struct Arguments {
    /// The float network.
    #[arg(value_name = "FLOAT.safetensors")]
    float: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    threads: ThreadArguments,
    /// How the ranges of the activations are chosen, from the values they take on training images.
    #[arg(long, value_enum, default_value = "minmax")]
    calibration: CalibrationName,
    /// How many training images that takes, evenly spaced over all.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_IMAGES)]
    images: NonZeroUsize,
    /// One weight scale for a layer instead of one for each of its output channels.
    #[arg(long)]
    per_tensor: bool,
    /// To which integers weights are rounded.
    #[arg(long, value_enum, default_value = "nearest")]
    rounding: RoundingName,
    /// Let the biases make up for what the rounding of the weights adds on the average.
    #[arg(long)]
    bias_correction: bool,
    /// The model file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
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

impl Arguments {
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
    let float = read_float(&arguments.float)?;
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load())?;
    let quantized = pool.install(|| {
        let quantized = quantize_trained(&float.network, &data.train, &arguments.options())?;
        measure(&float.network, &quantized, &data.test, &data.name, float.seed())
    })?;
    write_whole(&arguments.output, quantized.file.bytes(), existing)?;
    quantized.print("test");
    println!("wrote  {}", arguments.output.display());
    Ok(())
}
