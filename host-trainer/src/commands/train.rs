//! `lenet train`: trains, quantizes, measures, and writes a run folder.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use lenet_core::Workspace;

use super::{DataArguments, PoolKind, TOOL, ThreadArguments, count, percent, quantize_and_measure, thousands};
use crate::data::DataSet;
use crate::error::Result;
use crate::files::Existing;
use crate::formats::encode_safetensors;
use crate::network::Pools;
use crate::run::{self, Metrics, RunFolder, Summary};
use crate::training::{EpochLine, LossLine, Observer, Options, Recipe, RecipeName, Schedule, train};

/// Arguments of `lenet train`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet train
  lenet train --data mnist --recipe tutorial -o runs/tutorial")]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// Named hyper-parameters; the options below change single ones.
    #[arg(long, value_enum, default_value = "default")]
    recipe: RecipeArgument,
    /// Passes over the training images; 0 writes the initial network.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Images per step.
    #[arg(long, value_name = "N", value_parser = parse_batch)]
    batch: Option<usize>,
    /// Learning rate.
    #[arg(long, value_name = "X", value_parser = parse_lr)]
    lr: Option<f32>,
    /// Momentum, at least 0 and below 1.
    #[arg(long, value_name = "X", value_parser = parse_momentum)]
    momentum: Option<f32>,
    /// Seed of initialization and shuffling: the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Hold out the last N training images and print the accuracy on them after each epoch.
    #[arg(long, value_name = "N", default_value_t = 0)]
    validation: usize,
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecipeArgument {
    /// SGD with a cosine schedule.
    Default,
    /// The PyTorch tutorial's: batch 32, SGD lr 0.001, momentum 0.9, 10 epochs.
    Tutorial,
}

fn parse_batch(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|batch| *batch > 0).ok_or("a batch has at least one image".into())
}

fn parse_lr(text: &str) -> std::result::Result<f32, String> {
    let valid = |lr: &f32| lr.is_finite() && *lr > 0.0;
    text.parse().ok().filter(valid).ok_or("a learning rate is a number above 0".into())
}

fn parse_momentum(text: &str) -> std::result::Result<f32, String> {
    let valid = |momentum: &f32| (0.0..1.0).contains(momentum);
    text.parse().ok().filter(valid).ok_or("a momentum is a number of at least 0 and below 1".into())
}

impl Arguments {
    fn options(&self) -> Options {
        let recipe = Recipe::named(match self.recipe {
            RecipeArgument::Default => RecipeName::Default,
            RecipeArgument::Tutorial => RecipeName::Tutorial,
        });
        Options {
            recipe: Recipe {
                epochs: self.epochs.unwrap_or(recipe.epochs),
                batch: self.batch.unwrap_or(recipe.batch),
                lr: self.lr.unwrap_or(recipe.lr),
                momentum: self.momentum.unwrap_or(recipe.momentum),
                ..recipe
            },
            pools: Pools { pool1: self.pool1.into(), pool2: self.pool2.into() },
            seed: self.seed,
        }
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

    let quantized = pool.install(|| quantize_and_measure(&network, &training, &data, Some(options.seed)))?;
    let recipe = &options.recipe;
    let summary = Summary {
        data: data.name.clone(),
        recipe: recipe.name,
        seed: options.seed,
        epochs: recipe.epochs,
        batch: recipe.batch,
        lr: recipe.lr,
        momentum: recipe.momentum,
        pool1: options.pools.pool1.to_string(),
        pool2: options.pools.pool2.to_string(),
        threads: pool.current_num_threads(),
        train_images: training.len(),
        validation_images: arguments.validation,
        test_images: data.test.len(),
        train_seconds,
        seconds_per_epoch: train_seconds / recipe.epochs.max(1) as f64,
        validation_accuracy: progress.validation_accuracy,
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
        ("recipe", recipe.name.to_owned()),
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
        quantized.print();
        let names = [run::SAFETENSORS, run::LENET, run::METRICS, run::SUMMARY].join(" ");
        println!("wrote  {}: {names}", folder.path().display());
    }
    Ok(())
}

fn print_plan(data: &DataSet, training: usize, options: &Options, threads: usize) {
    let recipe = &options.recipe;
    let schedule = match recipe.schedule {
        Schedule::Constant => "",
        Schedule::Cosine => " falling to 0",
    };
    println!("data   {}: {} training images, {} to test", data.name, thousands(training), thousands(data.test.len()));
    println!(
        "recipe {}: {}, batch {}, SGD lr {}{schedule}, momentum {}",
        recipe.name,
        count(recipe.epochs, "epoch"),
        recipe.batch,
        recipe.lr,
        recipe.momentum,
    );
    println!("seed   {}, {}", options.seed, count(threads, "thread"));
}

/// Prints how the training goes on, and collects its metrics.
struct Progress {
    epochs: usize,
    quiet: bool,
    bar: ProgressBar,
    metrics: Metrics,
    epoch_start: Instant,
    validation_accuracy: Option<f64>,
}

impl Progress {
    fn new(epochs: usize, images: usize, quiet: bool) -> Self {
        // The bar draws on a terminal only, and its own lines go around it.
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new((epochs * images) as u64) };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} images, {per_sec}, {eta} left {msg}");
        bar.set_style(style.expect("the template is valid").progress_chars("=> "));
        let now = Instant::now();
        Self { epochs, quiet, bar, metrics: Metrics::default(), epoch_start: now, validation_accuracy: None }
    }

    fn print(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| println!("{line}"));
        }
    }
}

impl Observer for Progress {
    fn batch(&mut self, images: usize) {
        self.bar.inc(images as u64);
    }

    fn loss(&mut self, line: LossLine) {
        self.metrics.loss(line);
        self.bar.set_message(format!("loss {:.3}", line.loss));
        self.print(&format!("[{}, {:5}] loss: {:.3}", line.epoch, line.step, line.loss));
    }

    fn epoch(&mut self, line: EpochLine) {
        let seconds = self.epoch_start.elapsed().as_secs_f64();
        self.epoch_start = Instant::now();
        self.validation_accuracy = line.validation_accuracy;
        self.metrics.epoch(line, seconds);
        let validation =
            line.validation_accuracy.map_or_else(String::new, |accuracy| format!("  validation {}", percent(accuracy)));
        self.print(&format!(
            "epoch  {:2} of {}: loss {:.4}{validation}  {seconds:.1} s",
            line.epoch, self.epochs, line.loss
        ));
    }
}
