//! `lenet train`: trains, quantizes, measures, and writes a run folder.

mod progress;
mod recipe;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use lenet_core::Workspace;

use super::{DataArguments, PoolKind, TOOL, ThreadArguments, count, quantize_and_measure, thousands};
use crate::data::DataSet;
use crate::error::Result;
use crate::files::Existing;
use crate::formats::encode_safetensors;
use crate::network::Pools;
use crate::run::{self, RunFolder, Summary};
use crate::training::{Options, train};
use progress::Progress;
use recipe::RecipeArguments;

/// Arguments of `lenet train`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet train
  lenet train --data mnist --recipe tutorial -o runs/tutorial")]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Seed of initialization and shuffling: the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Hold out the last N training images and print the accuracy on them after each epoch.
    #[arg(long, value_name = "N", default_value_t = 0)]
    validation: usize,
    /// Leave the test images alone: measure on the validation images, to choose between recipes.
    #[arg(long, requires = "validation")]
    no_test: bool,
    /// Pooling after conv1.
    #[arg(long, value_enum, default_value = "average")]
    pool1: PoolKind,
    /// Pooling after conv2.
    #[arg(long, value_enum, default_value = "maximum")]
    pool2: PoolKind,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Folder to write [default: runs/DATA-RECIPE, numbered if that exists].
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite the files of an earlier run in that folder.
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON and nothing else.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn options(&self) -> Options {
        let pools = Pools { pool1: self.pool1.into(), pool2: self.pool2.into() };
        Options { recipe: self.recipe.recipe(), pools, seed: self.seed }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// Unreadable data, an unwritable folder, a diverging training.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = arguments.options();
    let data = arguments.data.load()?;
    let (training, validation) = match arguments.validation {
        0 => (data.train.clone(), None),
        images => data.train.hold_out(images).map(|(training, validation)| (training, Some(validation)))?,
    };
    let path = arguments
        .output
        .clone()
        .unwrap_or_else(|| RunFolder::unused(&format!("{}-{}", data.name, options.recipe.name)));
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    let folder = RunFolder::create(&path, existing)?;
    let pool = arguments.threads.pool()?;
    if !arguments.json {
        print_plan(&data, training.len(), &options, pool.current_num_threads());
    }

    let start = Instant::now();
    let mut progress = Progress::new(options.recipe.epochs, training.len(), arguments.json);
    let network = train(&training, validation.as_ref(), &options, &pool, &mut progress)?;
    let train_seconds = start.elapsed().as_secs_f64();
    progress.bar.finish_and_clear();

    let (judged, judges) = match &validation {
        Some(validation) if arguments.no_test => (validation, "validation"),
        _ => (&data.test, "test"),
    };
    let quantized =
        pool.install(|| quantize_and_measure(&network, &training, judged, &data.name, Some(options.seed)))?;
    let recipe = &options.recipe;
    let last = progress.last.and_then(|line| line.validation);
    let summary = Summary {
        data: data.name.clone(),
        recipe: recipe.name.clone(),
        hyper_parameters: recipe.clone(),
        seed: options.seed,
        epochs: recipe.epochs,
        pool1: options.pools.pool1.to_string(),
        pool2: options.pools.pool2.to_string(),
        threads: pool.current_num_threads(),
        train_images: training.len(),
        validation_images: arguments.validation,
        measured_on: judges,
        measured_images: judged.len(),
        train_seconds,
        seconds_per_epoch: train_seconds / recipe.epochs.max(1) as f64,
        validation_loss: last.map(|validation| validation.loss),
        validation_accuracy: last.map(|validation| validation.accuracy),
        best_epoch: progress.best.map(|line| line.epoch),
        float_accuracy: quantized.float.accuracy(),
        int8_accuracy: quantized.int8.accuracy(),
        changed_predictions: quantized.int8.changed_predictions(&quantized.float),
        float_crc32: format!("{:08x}", quantized.float.crc32),
        int8_crc32: format!("{:08x}", quantized.int8.crc32),
        model_bytes: quantized.file.bytes().len(),
        workspace_bytes: Workspace::BYTES,
        tool: TOOL,
    };
    let summary = serde_json::to_string_pretty(&summary).expect("a summary has only numbers and names");

    let metadata = [
        ("data", data.name.clone()),
        ("recipe", recipe.name.clone()),
        ("seed", options.seed.to_string()),
        ("tool", TOOL.to_owned()),
    ];
    folder.write(run::SAFETENSORS, &encode_safetensors(&network, &metadata))?;
    folder.write(run::LENET, quantized.file.bytes())?;
    folder.write(run::METRICS, progress.metrics.as_bytes())?;
    folder.write(run::SUMMARY, format!("{summary}\n").as_bytes())?;

    if arguments.json {
        println!("{summary}");
    } else {
        println!("time   {train_seconds:.1} s of training");
        quantized.print(judges);
        let names = [run::SAFETENSORS, run::LENET, run::METRICS, run::SUMMARY].join(" ");
        println!("wrote  {}: {names}", folder.path().display());
    }
    Ok(())
}

fn print_plan(data: &DataSet, training: usize, options: &Options, threads: usize) {
    let recipe = &options.recipe;
    println!("data   {}: {} training images, {} to test", data.name, thousands(training), thousands(data.test.len()));
    println!("recipe {}: {}, {}", recipe.name, count(recipe.epochs, "epoch"), recipe::describe(recipe));
    println!("seed   {}, {}", options.seed, count(threads, "thread"));
}
