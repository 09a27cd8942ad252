//! Quantizes trained networks in every way there is and prints the results as rows of a Markdown table. It is run by
//! `benches/quantization`.

use std::fmt;
use std::path::PathBuf;

use clap::Parser;
use host_trainer::Result;
use host_trainer::data::{DataSet, Split};
use host_trainer::evaluation::{Evaluation, classify_all, evaluate_float, evaluate_int8};
use host_trainer::formats::read_float;
use host_trainer::int8::QuantizedNetwork;
use host_trainer::network::{Network, plain};
use host_trainer::quantization::{Calibration, Granularity, Options, Rounding, calibrate, quantize, quantize_trained};
use host_trainer::training::{QatOptions, fine_tune};
use lenet_core::Tensor;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Epochs of quantization-aware training.
const EPOCHS: usize = 2;

#[derive(Parser)]
struct Arguments {
    /// Folder of the data set.
    data: PathBuf,
    /// Float networks trained on that data set.
    #[arg(required = true)]
    networks: Vec<PathBuf>,
    /// Evaluate on the last N training images instead of the test images. The networks must not have been trained on
    /// them.
    #[arg(long, value_name = "N")]
    validation: Option<usize>,
}

/// One way to quantize.
struct Way {
    options: Options,
    /// Whether quantization-aware training follows.
    qat: bool,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { calibration, granularity, rounding, bias_correction, .. } = self.options;
        let weights = match granularity {
            Granularity::PerChannel => "per-channel",
            Granularity::PerTensor => "per-tensor",
        };
        let rounding = match (rounding, bias_correction) {
            _ if self.qat => "QAT",
            (Rounding::Nearest, false) => "nearest",
            (Rounding::Nearest, true) => "nearest, bias corrected",
            (Rounding::LeastSquares, false) => "least squares",
            (Rounding::LeastSquares, true) => "least squares, bias corrected",
        };
        let calibration = match calibration {
            Calibration::MinMax => "minmax",
            Calibration::Percentile => "percentile",
            Calibration::Mse => "mse",
            Calibration::Entropy => "entropy",
        };
        write!(f, "{weights} | {rounding} | {calibration}")?;
        if self.options == Options::default() && !self.qat { f.write_str(" (default)") } else { Ok(()) }
    }
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for granularity in [Granularity::PerChannel, Granularity::PerTensor] {
        for (rounding, bias_correction, qat) in [
            (Rounding::Nearest, false, false),
            (Rounding::Nearest, true, false),
            (Rounding::LeastSquares, true, false),
            (Rounding::Nearest, false, true),
        ] {
            for calibration in [Calibration::MinMax, Calibration::Percentile, Calibration::Mse, Calibration::Entropy] {
                let options = Options { calibration, granularity, rounding, bias_correction, ..Options::default() };
                ways.push(Way { options, qat });
            }
        }
    }
    ways
}

impl Way {
    fn quantize(&self, network: &Network, images: &Split, pool: &ThreadPool) -> Result<QuantizedNetwork> {
        if !self.qat {
            return pool.install(|| quantize_trained(network, images, &self.options));
        }
        let Options { calibration, images: count, granularity, .. } = self.options;
        let ranges = pool.install(|| calibrate(network, &images.evenly_spaced(count), calibration))?;
        let qat = QatOptions { granularity, ..QatOptions::new(EPOCHS, 1) };
        let (network, ranges) = fine_tune(network, &ranges, images, None, &qat, pool, &mut ())?;
        quantize(&network, &ranges, granularity)
    }
}

/// The answers of one network, float or int8, on the evaluated images.
struct Answers {
    evaluation: Evaluation,
    /// For each image the probability of each class.
    probabilities: Vec<Vec<f64>>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let pool = ThreadPoolBuilder::new().build().expect("starting threads succeeds");
    let data = DataSet::from_folder(&arguments.data)?;
    let (train, judged) = match arguments.validation {
        Some(count) => data.train.hold_out(count)?,
        None => (data.train, data.test),
    };
    let networks = arguments.networks.iter().map(|path| Ok(read_float(path)?.network));
    let networks = networks.collect::<Result<Vec<_>>>()?;
    let float: Vec<Answers> = networks.iter().map(|network| float_answers(network, &judged)).collect();
    println!("| float | | | {} | | |", accuracies(&float, &float));
    for way in ways() {
        let int8 = networks.iter().map(|network| int8_answers(&way.quantize(network, &train, &pool)?, &judged));
        let int8 = int8.collect::<Result<Vec<_>>>()?;
        let pairs = || int8.iter().zip(&float);
        let changed: usize = pairs().map(|(int8, float)| int8.evaluation.changed_predictions(&float.evaluation)).sum();
        let divergence = pairs().map(|(int8, float)| divergence(float, int8)).sum::<f64>() / int8.len() as f64;
        println!("| {way} | {} | {changed} | {:.1} |", accuracies(&int8, &float), 1e6 * divergence);
    }
    Ok(())
}

fn float_answers(network: &Network, judged: &Split) -> Answers {
    let logits = plain::forward(&network.parameters, network.pools, judged.images()).logits;
    let probabilities = logits.rows().into_iter().map(|row| softmax(&row.to_vec())).collect();
    Answers { evaluation: evaluate_float(network, judged), probabilities }
}

fn int8_answers(quantized: &QuantizedNetwork, judged: &Split) -> Result<Answers> {
    let file = quantized.encode(&Default::default())?;
    let model = file.model().expect("the encoder has checked it");
    let scale = model.quantization(Tensor::Logits).scale;
    let logits = classify_all(model, judged);
    let probabilities = logits
        .iter()
        .map(|logits| softmax(&logits.values().iter().map(|q| scale * f32::from(*q)).collect::<Vec<_>>()))
        .collect();
    Ok(Answers { evaluation: evaluate_int8(model, judged), probabilities })
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let exponentials = logits.iter().map(|logit| f64::from(logit - largest).exp());
    let sum: f64 = exponentials.clone().sum();
    exponentials.map(|exponential| exponential / sum).collect()
}

/// Mean Kullback-Leibler divergence of int8's probabilities from float's, nats per image.
fn divergence(float: &Answers, int8: &Answers) -> f64 {
    let pairs = float.probabilities.iter().zip(&int8.probabilities);
    let of_image = |(p, q): (&Vec<f64>, &Vec<f64>)| {
        // The lower limit keeps the logarithm of a probability that underflowed to 0 finite.
        p.iter().zip(q).map(|(p, q)| p * (p.max(1e-30) / q.max(1e-30)).ln()).sum::<f64>()
    };
    pairs.map(of_image).sum::<f64>() / float.probabilities.len() as f64
}

/// Each accuracy in percent, their mean, and the difference between the mean and that of `float`.
fn accuracies(answers: &[Answers], float: &[Answers]) -> String {
    let mean = |answers: &[Answers]| {
        100.0 * answers.iter().map(|each| each.evaluation.accuracy()).sum::<f64>() / answers.len() as f64
    };
    let each: Vec<String> = answers.iter().map(|each| format!("{:.2}", 100.0 * each.evaluation.accuracy())).collect();
    format!("{} | {:.3} | {:+.3}", each.join(", "), mean(answers), mean(answers) - mean(float))
}
