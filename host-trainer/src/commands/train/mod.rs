//! `lenet train`: trains, quantizes, evaluates, and writes a run folder.

mod announcement;
mod interrupt;
mod progress;
mod recipe;

use std::path::{Path, PathBuf};

use clap::Args;
use lenet_core::{Pools, Workspace};
use rayon::ThreadPool;

use super::arguments::load;
use super::measuring::measure;
use super::output::spinner;
use super::{DataArguments, NoneOfTheseArgument, PoolArguments, PoolKind, QuietArguments, ThreadArguments};
use crate::TOOL;
use crate::checkpoint::{Checkpoint, Plan, Record, data_crc32};
use crate::classes::Classes;
use crate::data::{DataSet, Split, preparation_of};
use crate::error::{Error, Result};
use crate::files::Existing;
use crate::formats::{PREPARATION, encode_safetensors};
use crate::network::Network;
use crate::numbers::{count, percent};
use crate::quantization::quantize_trained;
use crate::report::report;
use crate::run::{self, FinishedRun, RunFolder, Summary};
use crate::training::{EpochLine, Options, Outcome, Snapshot, Trainer, transferred};
use announcement::{print_plan, print_transfer};
use progress::Progress;
use recipe::RecipeArguments;

/// Arguments of `lenet train`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet train
  lenet train --data mnist --recipe tutorial -o runs/tutorial
  lenet train --resume runs/tutorial")]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// Seed for initialization, shuffling and augmentation; the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Hold out the last N training images and evaluate on them after each epoch; without N, one in
    /// twelve (5,000 of 60,000).
    #[arg(long, value_name = "N", num_args = 0..=1)]
    validation: Option<Option<usize>>,
    /// Do not use the test images: report the accuracy on the validation images, for comparing recipes.
    #[arg(long, requires = "validation")]
    no_test: bool,
    /// Start from this float network instead of random weights. The trained network has the classes of the
    /// data; those with the same label as one of the file's start from its weights.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Pool after conv1 [default: average; with --from, as the file says].
    #[arg(long, value_enum)]
    pool1: Option<PoolKind>,
    /// Pool after conv2 [default: maximum; with --from, as the file says].
    #[arg(long, value_enum)]
    pool2: Option<PoolKind>,
    #[command(flatten)]
    none_of_these: NoneOfTheseArgument,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Folder to write to [default: runs/DATA-RECIPE, with a number added if that exists].
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite an earlier run in that folder, finished or not.
    #[arg(long)]
    force: bool,
    /// Write a checkpoint every N epochs, so that a killed run can be resumed; 0 turns this off.
    /// Ctrl-C always writes one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    checkpoint_every: usize,
    /// Resume the unfinished run in this folder, with the recipe it was started with.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["RecipeArguments", "seed", "validation", "no_test", "from", "none_of_these", "pool1", "pool2", "output", "force", "checkpoint_every"])]
    resume: Option<PathBuf>,
    /// Print only the summary, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    quiet: QuietArguments,
    // Last, because these options have their own heading in the help.
    #[command(flatten)]
    recipe: RecipeArguments,
}

impl Arguments {
    /// The command that reproduces the same bytes.
    fn command(&self) -> String {
        let mut words = vec!["lenet train".to_owned()];
        words.extend(self.data.data.iter().map(|folder| format!("--data {}", quoted(&folder.to_string_lossy()))));
        words.extend(self.from.iter().map(|file| format!("--from {}", quoted(&file.to_string_lossy()))));
        words.extend(self.none_of_these.none_of_these.iter().map(|label| format!("--none-of-these {}", quoted(label))));
        words.extend(self.recipe.options());
        words.push(format!("--seed {}", self.seed));
        words.extend(self.validation.map(|images| match images {
            None => "--validation".to_owned(),
            Some(images) => format!("--validation {images}"),
        }));
        words.extend(self.no_test.then(|| "--no-test".to_owned()));
        for (name, kind) in [("pool1", self.pool1), ("pool2", self.pool2)] {
            words.extend(recipe::word(kind).map(|kind| format!("--{name} {kind}")));
        }
        words.join(" ")
    }

    /// The network to start from, if one is given.
    fn trained(&self) -> Result<Option<Network>> {
        let Some(path) = &self.from else { return Ok(None) };
        let known = PoolArguments { pool1: self.pool1, pool2: self.pool2, ..PoolArguments::default() };
        let file = known.read_float(path, self.json || self.quiet.quiet)?;
        Ok(Some(file.network))
    }

    /// Number of training images to hold out for validation.
    fn held_out(&self, data: &DataSet) -> usize {
        self.validation.map_or(0, |images| images.unwrap_or(data.train.len() / 12))
    }

    /// The class for anything else: the given one, or that of the network to start from.
    fn none_of_these(&self, classes: &Classes, trained: Option<&Network>) -> Result<Option<usize>> {
        let inherited = trained.and_then(|trained| classes.find(trained.classes.label(trained.none_of_these?)));
        Ok(self.none_of_these.class(classes)?.or(inherited))
    }

    fn plan(&self, data: &DataSet, training: &Split, trained: Option<&Network>) -> Result<Plan> {
        let default = Pools::default();
        let pools = trained.map_or(
            Pools {
                pool1: self.pool1.map_or(default.pool1, Into::into),
                pool2: self.pool2.map_or(default.pool2, Into::into),
            },
            |trained| trained.pools,
        );
        let recipe = self.recipe.recipe(training, trained.is_some());
        Ok(Plan {
            command: self.command(),
            options: Options { recipe, pools, classes: data.classes.clone(), seed: self.seed },
            from: self.from.clone(),
            none_of_these: self.none_of_these(&data.classes, trained)?,
            data: self.data.data.iter().map(|folder| folder.canonicalize().unwrap_or(folder.clone())).collect(),
            data_name: data.name.clone(),
            data_crc32: data_crc32(&data.train),
            validation: self.held_out(data),
            no_test: self.no_test,
            checkpoint_every: self.checkpoint_every,
        })
    }
}

/// Quotes an argument for a shell.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

/// Runs the subcommand.
///
/// # Errors
/// Unreadable data, an unwritable folder, a damaged checkpoint, a loss that diverges, Ctrl-C.
pub fn run(arguments: &Arguments) -> Result<()> {
    let pool = arguments.threads.pool()?;
    let run = pool.install(|| match &arguments.resume {
        None => Run::begin(arguments),
        Some(folder) => Run::resume(folder, arguments),
    })?;
    interrupt::catch()?;
    let summary = run.run(&pool, arguments.json || arguments.quiet.quiet)?;
    if arguments.json {
        println!("{summary}");
    }
    Ok(())
}

/// A run that is about to start, or to continue from its checkpoint.
struct Run {
    folder: RunFolder,
    data: DataSet,
    training: Split,
    validation: Option<Split>,
    plan: Plan,
    record: Record,
    snapshot: Option<Snapshot>,
}

impl Run {
    fn begin(arguments: &Arguments) -> Result<Self> {
        let data = arguments.data.load(arguments.json || arguments.quiet.quiet)?;
        let trained = arguments.trained()?;
        let (training, validation) = split(&data, arguments.held_out(&data))?;
        let plan = arguments.plan(&data, &training, trained.as_ref())?;
        let snapshot = trained.map(|trained| {
            if !(arguments.json || arguments.quiet.quiet) {
                print_transfer(&trained.classes, &data.classes);
            }
            Snapshot::new(transferred(&trained, &plan.options))
        });
        let path = arguments
            .output
            .clone()
            .unwrap_or_else(|| RunFolder::unused(&format!("{}-{}", data.name, plan.options.recipe.name)));
        let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
        let folder = RunFolder::create(&path, existing)?;
        Ok(Self { folder, data, training, validation, plan, record: Record::default(), snapshot })
    }

    fn resume(path: &Path, arguments: &Arguments) -> Result<Self> {
        let Checkpoint { plan, record, snapshot } = Checkpoint::read(path)?;
        let folders = if arguments.data.data.is_empty() { &plan.data } else { &arguments.data.data };
        let mut data = load(folders, arguments.json || arguments.quiet.quiet)?;
        plan.check_data(&data)?;
        data.name.clone_from(&plan.data_name);
        let (training, validation) = split(&data, plan.validation)?;
        let folder = RunFolder::reopen(path)?;
        Ok(Self { folder, data, training, validation, plan, record, snapshot: Some(snapshot) })
    }

    /// Trains to the end, evaluates, writes the files, and returns the summary as JSON.
    fn run(self, pool: &ThreadPool, quiet: bool) -> Result<String> {
        let Self { folder, data, training, validation, plan, record, snapshot } = self;
        let options = &plan.options;
        if !quiet {
            print_plan(&data, &training, options, pool.current_num_threads());
            if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| snapshot.state.steps > 0) {
                println!("resume after {} and {}", count(snapshot.epochs, "epoch"), count(snapshot.batches, "batch"));
            }
        }
        let mut trainer = match snapshot {
            None => Trainer::new(&training, validation.as_ref(), options),
            Some(snapshot) => Trainer::resume(&training, validation.as_ref(), options, snapshot),
        };
        let mut progress = Progress::new(&folder, &plan, record, training.len(), quiet);
        if plan.checkpoint_every > 0 {
            progress.checkpoint(trainer.snapshot())?;
        }
        let outcome = trainer.run(pool, &mut progress)?;
        progress.bar.finish_and_clear();
        if outcome == Outcome::Interrupted {
            let snapshot = trainer.snapshot();
            progress.checkpoint(snapshot)?;
            let (epoch, step) = (snapshot.epochs + 1, snapshot.batches);
            return Err(Error::Interrupted { epoch, step, folder: folder.path().to_owned() });
        }
        let preparation = pool.install(|| preparation_of(&training));
        let network = Network { none_of_these: plan.none_of_these, preparation, ..trainer.result() };
        let ending = spinner("Quantizing, evaluating, writing report", quiet);
        let record = progress.record();

        let (judged, judges) = match &validation {
            Some(validation) if plan.no_test => (validation, "validation"),
            _ => (&data.test, "test"),
        };
        let quantized = pool.install(|| {
            let quantized = quantize_trained(&network, &training, &Default::default())?;
            measure(&network, &quantized, judged, &data.name, Some(options.seed))
        })?;
        let recipe = &options.recipe;
        let last = record.last.and_then(|line| line.validation);
        let summary = Summary {
            command: plan.command.clone(),
            data: data.name.clone(),
            data_folder: if let [folder] = plan.data.as_slice() { Some(folder.clone()) } else { None },
            data_folders: if plan.data.len() > 1 { plan.data.clone() } else { Vec::new() },
            from: plan.from.clone(),
            data_crc32: Some(format!("{:08x}", plan.data_crc32)),
            recipe: recipe.name.clone(),
            hyper_parameters: recipe.clone(),
            seed: options.seed,
            epochs: recipe.epochs,
            pool1: options.pools.pool1.to_string(),
            pool2: options.pools.pool2.to_string(),
            threads: pool.current_num_threads(),
            train_images: training.len(),
            validation_images: plan.validation,
            measured_on: judges.to_owned(),
            measured_images: judged.len(),
            train_seconds: record.seconds,
            seconds_per_epoch: record.seconds / recipe.epochs.max(1) as f64,
            validation_loss: last.map(|validation| validation.loss),
            validation_accuracy: last.map(|validation| validation.accuracy),
            best_epoch: record.best.map(|line| line.epoch),
            float_accuracy: quantized.float.accuracy(),
            int8_accuracy: quantized.int8.accuracy(),
            changed_predictions: quantized.int8.changed_predictions(&quantized.float),
            float_crc32: format!("{:08x}", quantized.float.crc32),
            int8_crc32: format!("{:08x}", quantized.int8.crc32),
            model_bytes: quantized.file.bytes().len(),
            workspace_bytes: Workspace::BYTES_ARMV7M,
            tool: TOOL.to_owned(),
        };
        let json = serde_json::to_string_pretty(&summary).expect("a summary has only numbers and names");

        let metadata = [
            ("data", data.name.clone()),
            ("recipe", recipe.name.clone()),
            ("seed", options.seed.to_string()),
            ("tool", TOOL.to_owned()),
            (PREPARATION, preparation.to_string()),
        ];
        folder.write(run::SAFETENSORS, &encode_safetensors(&network, &metadata))?;
        folder.write(run::LENET, quantized.file.bytes())?;
        folder.write(run::METRICS, record.metrics.as_bytes())?;
        folder.write(run::SUMMARY, format!("{json}\n").as_bytes())?;
        let run = FinishedRun {
            summary,
            metrics: run::parse_metrics(&record.metrics).expect("the lines were written by this program"),
            network,
            model: quantized.file.clone(),
        };
        let html = pool.install(|| report(&run, &training, judged))?;
        folder.write(run::REPORT, html.as_bytes())?;
        folder.remove_checkpoint()?;
        ending.finish_and_clear();

        if !quiet {
            if let Some(EpochLine { epoch, validation: Some(validation), .. }) = record.best {
                println!("best   validation {} after epoch {epoch}", percent(validation.accuracy));
            }
            println!("time   {:.1} s of training", record.seconds);
            quantized.print(judges);
            let names = [run::SAFETENSORS, run::LENET, run::METRICS, run::SUMMARY, run::REPORT].join(" ");
            println!("wrote  {}: {names}", folder.path().display());
        }
        Ok(json)
    }
}

/// Splits the last `held_out` training images off for validation.
fn split(data: &DataSet, held_out: usize) -> Result<(Split, Option<Split>)> {
    if held_out == 0 {
        return Ok((data.train.clone(), None));
    }
    data.train.hold_out(held_out).map(|(training, validation)| (training, Some(validation)))
}
