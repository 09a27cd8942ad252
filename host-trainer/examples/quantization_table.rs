//! Prints what every way to quantize makes of trained networks, as rows of a Markdown table: for
//! `benches/quantization`.

use std::path::PathBuf;

use clap::Parser;
use host_trainer::data::{DataSet, Split};
use host_trainer::evaluation::{Evaluation, evaluate_float, evaluate_int8};
use host_trainer::formats::read_float;
use host_trainer::network::Network;
use host_trainer::quantization::{Calibration, Granularity, Options, Rounding, quantize_trained};

#[derive(Parser)]
struct Arguments {
    /// Folder of the data set.
    data: PathBuf,
    /// Networks trained on it.
    #[arg(required = true)]
    networks: Vec<PathBuf>,
    /// Judge on the last N training images, which the networks must not have seen, and leave the test
    /// images alone.
    #[arg(long, value_name = "N")]
    validation: Option<usize>,
}

/// One way to quantize, and its name in the table.
struct Way {
    name: String,
    options: Options,
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for (granularity, weights) in [(Granularity::PerChannel, "per-channel"), (Granularity::PerTensor, "per-tensor")] {
        for (rounding, bias_correction, rounded) in [
            (Rounding::Nearest, false, "nearest"),
            (Rounding::Nearest, true, "nearest, bias corrected"),
            (Rounding::LeastSquares, true, "least squares, bias corrected"),
        ] {
            for (calibration, name) in [
                (Calibration::MinMax, "minmax"),
                (Calibration::Percentile, "percentile"),
                (Calibration::Mse, "mse"),
                (Calibration::Entropy, "entropy"),
            ] {
                let options = Options { calibration, granularity, rounding, bias_correction, ..Options::default() };
                ways.push(Way { name: format!("{weights} | {rounded} | {name}"), options });
            }
        }
    }
    ways
}

fn main() -> host_trainer::Result<()> {
    let arguments = Arguments::parse();
    let data = DataSet::from_folder(&arguments.data)?;
    let (train, judged) = match arguments.validation {
        Some(count) => data.train.hold_out(count)?,
        None => (data.train, data.test),
    };
    let networks = arguments.networks.iter().map(|path| Ok(read_float(path)?.network));
    let networks = networks.collect::<host_trainer::Result<Vec<_>>>()?;
    let float: Vec<Evaluation> = networks.iter().map(|network| evaluate_float(network, &judged)).collect();
    println!("| float | | | {} | |", accuracies(&float, &float));
    for way in ways() {
        let int8 = networks.iter().map(|network| evaluate(network, &train, &judged, &way.options));
        let int8 = int8.collect::<host_trainer::Result<Vec<_>>>()?;
        let changed: usize = int8.iter().zip(&float).map(|(int8, float)| int8.changed_predictions(float)).sum();
        println!("| {} | {} | {changed} |", way.name, accuracies(&int8, &float));
    }
    Ok(())
}

fn evaluate(network: &Network, train: &Split, judged: &Split, options: &Options) -> host_trainer::Result<Evaluation> {
    let file = quantize_trained(network, train, options)?.encode(&Default::default())?;
    Ok(evaluate_int8(file.model().expect("the encoder has read it"), judged))
}

/// All accuracies in percent, their mean, and by how much the mean exceeds that of `float`.
fn accuracies(evaluations: &[Evaluation], float: &[Evaluation]) -> String {
    let mean = |evaluations: &[Evaluation]| {
        100.0 * evaluations.iter().map(Evaluation::accuracy).sum::<f64>() / evaluations.len() as f64
    };
    let each: Vec<String> = evaluations.iter().map(|each| format!("{:.2}", 100.0 * each.accuracy())).collect();
    format!("{} | {:.3} | {:+.3}", each.join(", "), mean(evaluations), mean(evaluations) - mean(float))
}
