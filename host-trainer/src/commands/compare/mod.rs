//! `lenet compare`: an int8 model against the float network it was quantized from.

mod text;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::arguments::print_notes;
use super::{PoolArguments, PrepareArgument, ThreadArguments, TurnedDataArguments, hints};
use crate::colour;
use crate::comparison::{Comparison, Warning, compare};
use crate::data::DataSet;
use crate::error::{Error, Result};
use crate::formats::{FloatFile, ModelFile, NetworkFile};

/// Arguments of `lenet compare`.
#[derive(Args, Debug)]
#[command(after_help = "\
SQNR is the signal-to-quantization-noise ratio: 20 dB is an error of one tenth,
40 dB of one hundredth. A step is the real value of one int8 unit (the scale).

Warnings report an accuracy loss above 0.3 points, a tensor below 20 dB, more
than 1 % of values outside the int8 range, and channels that are never active.

Examples:
  lenet compare runs/mnist/model.safetensors runs/mnist/model.lenet --data mnist
  lenet compare a.safetensors a.lenet --max-drop 0.3   (exit code 3 if above)")]
pub struct Arguments {
    /// Float network.
    #[arg(value_name = "FLOAT")]
    float: PathBuf,
    /// int8 model that was quantized from it.
    #[arg(value_name = "INT8")]
    int8: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    #[command(flatten)]
    data: TurnedDataArguments,
    #[command(flatten)]
    prepare: PrepareArgument,
    /// Use only the first N test images.
    #[arg(long, value_name = "N")]
    images: Option<NonZeroUsize>,
    /// Exit with code 3 if int8 loses more than this many percentage points of accuracy.
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true, value_parser = parse_points)]
    max_drop: Option<f64>,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Print one JSON object, including every channel and every changed prediction.
    #[arg(long)]
    json: bool,
}

fn parse_points(text: &str) -> std::result::Result<f64, String> {
    let parsed = text.parse().ok().filter(|points| (0.0..=100.0).contains(points));
    parsed.ok_or_else(|| "it must be a number from 0 to 100".into())
}

/// The JSON output.
#[derive(Serialize)]
struct Report<'a> {
    float: &'a Path,
    int8: &'a Path,
    identity: String,
    data: &'a str,
    /// By class.
    labels: &'a [String],
    #[serde(flatten)]
    comparison: &'a Comparison,
    warnings: Vec<ReportedWarning<'a>>,
}

#[derive(Serialize)]
struct ReportedWarning<'a> {
    #[serde(flatten)]
    warning: &'a Warning,
    message: String,
    advice: &'static str,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or invalid network, networks of the wrong kind, unreadable data. [`Error::Dropped`], after the report
/// is printed, when `--max-drop` is exceeded.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (float, int8) = read_pair(arguments)?;
    let model = int8.model().map_err(Error::model(&arguments.int8))?;
    let identity = int8.identity().map_err(Error::model(&arguments.int8))?;
    let pool = arguments.threads.pool()?;
    let file = NetworkFile::Float(Box::new(float.clone()));
    let data = pool.install(|| arguments.data.load_to_judge(&file, &arguments.float, arguments.prepare, false))?;
    let split = data.test.first(arguments.images.map_or(usize::MAX, NonZeroUsize::get));
    let comparison = pool.install(|| compare(&float.network, model, &split));
    let accuracy = comparison.float_accuracy;
    let notes = pool.install(|| hints::of_accuracy(&file, &arguments.float, &data, &split, accuracy))?;
    print_notes(&notes, false);
    let warnings = comparison.warnings();
    if arguments.json {
        println!("{}", json(arguments, &data, identity, &comparison, &warnings)?);
    } else {
        print!("{}", text::render(&comparison, &warnings, &data, colour::wanted()));
        println!("model identity {identity}");
    }
    match arguments.max_drop {
        Some(allowed) if comparison.points_lost > allowed => {
            Err(Error::Dropped { lost: comparison.points_lost, allowed })
        }
        _ => Ok(()),
    }
}

/// Reads a float network and an int8 model. If a file holds the other kind, the error says so.
fn read_pair(arguments: &Arguments) -> Result<(FloatFile, ModelFile)> {
    let (float, int8) = (arguments.float.as_path(), arguments.int8.as_path());
    let refused = |path: &Path, problem: &str| Error::File { path: path.to_owned(), problem: problem.to_owned() };
    match (NetworkFile::read(float)?, NetworkFile::read(int8)?) {
        (NetworkFile::Float(file), NetworkFile::Int8(int8)) => {
            Ok((arguments.pools.complete_float(float, *file, false)?, int8))
        }
        (NetworkFile::Int8(_), NetworkFile::Float(_)) => Err(Error::Usage(format!(
            "{} is an int8 model and {} is a float network; give them the other way round: FLOAT, then INT8",
            float.display(),
            int8.display()
        ))),
        (NetworkFile::Float(_), NetworkFile::Float(_)) => Err(refused(
            int8,
            "this is a float network, but INT8 must be an int8 model; make one with `lenet quantize`",
        )),
        (NetworkFile::Int8(_), NetworkFile::Int8(_)) => {
            Err(refused(float, "this is an int8 model, but FLOAT must be the float network it was quantized from"))
        }
    }
}

fn json(
    arguments: &Arguments,
    data: &DataSet,
    identity: String,
    comparison: &Comparison,
    warnings: &[Warning],
) -> Result<String> {
    let report = Report {
        float: &arguments.float,
        int8: &arguments.int8,
        identity,
        data: &data.name,
        labels: data.classes.labels(),
        comparison,
        warnings: warnings
            .iter()
            .map(|warning| ReportedWarning { warning, message: warning.to_string(), advice: warning.advice() })
            .collect(),
    };
    // JSON must be UTF-8, but a path need not be.
    serde_json::to_string(&report).map_err(|error| Error::Usage(format!("--json: {error}; rename the file")))
}
