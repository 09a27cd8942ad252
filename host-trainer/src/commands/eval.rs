//! `lenet eval`: accuracy of a float or int8 network, and the checksum of its logits.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::arguments::print_notes;
use super::{PoolArguments, PrepareArgument, ThreadArguments, TurnedDataArguments, hints};
use crate::classes::Classes;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{evaluate_float, evaluate_int8};
use crate::formats::NetworkFile;
use crate::numbers::{percent, thousands};

/// Arguments of `lenet eval`.
#[derive(Args, Debug)]
#[command(after_help = "\
The CRC-32 covers all logits. The second example prints the same CRC-32 as the
firmware's demo.

Examples:
  lenet eval runs/tutorial/model.lenet --data mnist
  lenet eval data/digits-10k/digits-10k.lenet --images 10")]
pub struct Arguments {
    /// Float network (.safetensors, .pt, .npz) or int8 model (.lenet, .tflite).
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    #[command(flatten)]
    data: TurnedDataArguments,
    #[command(flatten)]
    prepare: PrepareArgument,
    /// Use only the first N test images.
    #[arg(long, value_name = "N")]
    images: Option<NonZeroUsize>,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
    /// Include the predicted class of each image in the JSON.
    #[arg(long, requires = "json")]
    predictions: bool,
}

#[derive(Serialize)]
struct EvalJson<'a> {
    kind: &'static str,
    data: &'a str,
    images: usize,
    correct: usize,
    accuracy: f64,
    crc32: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    classes: Vec<ClassJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<&'a [usize]>,
}

/// How well a class is recognized.
#[derive(Serialize)]
struct ClassJson<'a> {
    class: usize,
    label: &'a str,
    images: usize,
    correct: usize,
    /// `None` without images.
    accuracy: Option<f64>,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or invalid network, unreadable data.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.pools.read(&arguments.model)?;
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load_to_judge(&file, &arguments.model, arguments.prepare, false))?;
    let split = data.test.first(arguments.images.map_or(usize::MAX, NonZeroUsize::get));
    let (kind, evaluation) = match &file {
        NetworkFile::Float(float) => ("float", pool.install(|| evaluate_float(&float.network, &split))),
        NetworkFile::Int8(file) => {
            let model = file.model().map_err(Error::model(&arguments.model))?;
            ("int8", pool.install(|| evaluate_int8(model, &split)))
        }
    };
    let accuracy = evaluation.accuracy();
    let notes = pool.install(|| hints::of_accuracy(&file, &arguments.model, &data, &split, accuracy))?;
    print_notes(&notes, false);
    let answer = EvalJson {
        kind,
        data: &data.name,
        images: split.len(),
        correct: evaluation.correct,
        accuracy,
        crc32: format!("{:08x}", evaluation.crc32),
        identity: file.identity(&arguments.model)?,
        classes: by_class(&data.classes, &split, &evaluation.predictions),
        predictions: arguments.predictions.then_some(&evaluation.predictions),
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&answer).expect("an answer has only numbers and names"));
    } else {
        println!("{kind}, {} test images of {}", thousands(answer.images), answer.data);
        println!("accuracy {} ({} right)", percent(answer.accuracy), thousands(answer.correct));
        print_classes(&answer.classes);
        if let Some(identity) = &answer.identity {
            println!("model identity {identity}");
        }
        // Last, as in the output of the firmware's demo.
        println!("crc32 {}", answer.crc32);
    }
    Ok(())
}

fn by_class<'a>(classes: &'a Classes, split: &Split, predictions: &[usize]) -> Vec<ClassJson<'a>> {
    let mut correct = vec![0; classes.count()];
    for (label, predicted) in split.labels().iter().zip(predictions) {
        correct[*predicted] += usize::from(usize::from(*label) == *predicted);
    }
    let rows = classes.labels().iter().zip(split.counts()).zip(correct).enumerate();
    rows.map(|(class, ((label, images), correct))| ClassJson {
        class,
        label,
        images,
        correct,
        accuracy: (images > 0).then(|| correct as f64 / images as f64),
    })
    .collect()
}

fn print_classes(classes: &[ClassJson<'_>]) {
    let width = classes.iter().map(|class| class.label.chars().count()).max().unwrap_or_default().max("class".len());
    println!("\n{:<width$}  {:>8}  {:>8}  {:>9}", "class", "images", "right", "accuracy");
    for ClassJson { label, images, correct, accuracy, .. } in classes {
        let accuracy = accuracy.map_or("–".into(), percent);
        println!("{label:<width$}  {:>8}  {:>8}  {accuracy:>9}", thousands(*images), thousands(*correct));
    }
    println!();
}
