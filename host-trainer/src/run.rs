//! The folder that training writes: `runs/NAME/` with the float network, the int8 model, the metrics, the summary and
//! the report.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checkpoint;
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, create_folder, remove_temporaries, write_whole};
use crate::formats::{ModelFile, read_float};
use crate::input::{self, Limit};
use crate::network::Network;
use crate::training::{EpochLine, LossLine, Recipe};

/// The float network, with the tensor names of the PyTorch model.
pub const SAFETENSORS: &str = "model.safetensors";
/// The int8 model to flash.
pub const LENET: &str = "model.lenet";
/// One line for each logged loss and each epoch.
pub const METRICS: &str = "metrics.jsonl";
/// The final figures.
pub const SUMMARY: &str = "summary.json";
/// The run as an HTML page.
pub const REPORT: &str = "report.html";

/// A run folder that has been checked to be writable.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    existing: Existing,
}

impl RunFolder {
    /// Creates the folder and checks, before the work begins, that every file can be written there.
    ///
    /// # Errors
    /// When it cannot be created or written to, or holds a run, finished or not, that must be kept.
    pub fn create(path: &Path, existing: Existing) -> Result<Self> {
        create_folder(path)?;
        if path.join(checkpoint::FILE_NAME).exists() && existing == Existing::Keep {
            return Err(Error::Unfinished { folder: path.to_owned() });
        }
        let folder = Self::checked(path, existing)?;
        // The checkpoint, if any, belongs to the run that is overwritten.
        folder.remove_checkpoint()?;
        Ok(folder)
    }

    /// Opens the folder of a run to resume.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn reopen(path: &Path) -> Result<Self> {
        Self::checked(path, Existing::Overwrite)
    }

    fn checked(path: &Path, existing: Existing) -> Result<Self> {
        if existing == Existing::Overwrite {
            remove_temporaries(path)?;
        }
        for name in [SAFETENSORS, LENET, METRICS, SUMMARY, REPORT] {
            check_writable(&path.join(name), existing)?;
        }
        Ok(Self { path: path.to_owned(), existing })
    }

    /// `runs/NAME`, or `runs/NAME-2` and so on if that exists.
    pub fn unused(name: &str) -> PathBuf {
        let first = Path::new("runs").join(name);
        let numbered = (2..).map(|number| Path::new("runs").join(format!("{name}-{number}")));
        std::iter::once(first).chain(numbered).find(|path| !path.exists()).expect("some number is unused")
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the checkpoint, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_checkpoint(&self) -> Result<()> {
        let path = self.path.join(checkpoint::FILE_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::write(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Writes one of the run's files, completely or not at all.
    ///
    /// # Errors
    /// As [`write_whole`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.path.join(name), bytes, self.existing)
    }
}

/// The lines of `metrics.jsonl`.
#[derive(Clone, Debug, Default)]
pub struct Metrics(String);

/// A line of `metrics.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum MetricLine {
    /// A logged loss.
    Loss {
        /// Epoch, from 1.
        epoch: usize,
        /// Step within the epoch, from 1.
        step: usize,
        /// Mean over the steps since the last such line.
        loss: f64,
    },
    /// An epoch.
    Epoch {
        /// Its number, from 1.
        epoch: usize,
        /// Mean loss over its batches, on augmented images.
        loss: f64,
        /// Fraction of these images that were classified correctly.
        accuracy: f64,
        /// Mean loss on the validation images, if there are any.
        validation_loss: Option<f64>,
        /// Fraction of the validation images that were classified correctly.
        validation_accuracy: Option<f64>,
        /// Learning rate of the last step.
        lr: f32,
        /// Seconds it took.
        seconds: f64,
    },
}

impl Metrics {
    /// Adds a logged loss.
    pub fn loss(&mut self, LossLine { epoch, step, loss }: LossLine) {
        self.push(&MetricLine::Loss { epoch, step, loss });
    }

    /// Adds an epoch that took `seconds`.
    pub fn epoch(&mut self, line: EpochLine, seconds: f64) {
        let EpochLine { epoch, loss, accuracy, validation, lr } = line;
        let validation_loss = validation.map(|validation| validation.loss);
        let validation_accuracy = validation.map(|validation| validation.accuracy);
        self.push(&MetricLine::Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, lr, seconds });
    }

    /// Continues after these lines.
    pub fn continued(lines: String) -> Self {
        Self(lines)
    }

    /// All lines so far.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, line: &MetricLine) {
        self.0 += &serde_json::to_string(line).expect("a metric line has only numbers");
        self.0.push('\n');
    }
}

/// The content of `summary.json`. Accuracies are fractions, in [0, 1], of the images named by `measured_on`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The command that reproduces the run, without the options for output folder and printing.
    #[serde(default)]
    pub command: String,
    /// Name of the data set.
    pub data: String,
    /// Absolute path of its folder; none for the built-in digits, and for a set merged from several folders.
    #[serde(default)]
    pub data_folder: Option<PathBuf>,
    /// Absolute paths of the folders of a set merged from several, in the order in which they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_folders: Vec<PathBuf>,
    /// The file of the network that training started from; nothing if it started from random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// CRC-32 over its training images and labels, as eight hex digits.
    #[serde(default)]
    pub data_crc32: Option<String>,
    /// Name of the recipe.
    pub recipe: String,
    /// Its hyper-parameters.
    pub hyper_parameters: Recipe,
    /// Seed for initialization, shuffling and augmentation.
    pub seed: u64,
    /// Epochs trained.
    pub epochs: usize,
    /// Pool kind after conv1.
    pub pool1: String,
    /// Pool kind after conv2.
    pub pool2: String,
    /// Threads used.
    pub threads: usize,
    /// Images trained on.
    pub train_images: usize,
    /// Images held out for validation.
    pub validation_images: usize,
    /// Whether the accuracies below were measured on the test or on the validation images.
    pub measured_on: String,
    /// The number of these images.
    pub measured_images: usize,
    /// Seconds spent training.
    pub train_seconds: f64,
    /// Mean of that per epoch.
    pub seconds_per_epoch: f64,
    /// Mean loss of the float network on the validation images after the last epoch, if there are such images.
    pub validation_loss: Option<f64>,
    /// Its accuracy on them.
    pub validation_accuracy: Option<f64>,
    /// The epoch after which the accuracy on the validation images was best.
    pub best_epoch: Option<usize>,
    /// Accuracy of the float network.
    pub float_accuracy: f64,
    /// Accuracy of the int8 network.
    pub int8_accuracy: f64,
    /// Number of images for which the two networks predict different classes.
    pub changed_predictions: usize,
    /// CRC-32 over the float logits of the measured images.
    pub float_crc32: String,
    /// CRC-32 over the int8 logits of the measured images.
    pub int8_crc32: String,
    /// Bytes of flash that the model takes.
    pub model_bytes: usize,
    /// Bytes of RAM that an inference takes, without image and stack, on the cores that need most.
    pub workspace_bytes: usize,
    /// The program that wrote this.
    pub tool: String,
}

impl Summary {
    /// The folders of the data set, as [`DataSet::load`](crate::data::DataSet::load) takes them.
    pub fn folders(&self) -> &[PathBuf] {
        if self.data_folders.is_empty() { self.data_folder.as_slice() } else { &self.data_folders }
    }
}

/// Parses the lines of a `metrics.jsonl`.
///
/// # Errors
/// A message that names the first invalid line.
pub fn parse_metrics(lines: &str) -> std::result::Result<Vec<MetricLine>, String> {
    let parse = |(number, line)| serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"));
    (1..).zip(lines.lines()).map(parse).collect()
}

/// A finished run, read back from its folder.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// The final figures.
    pub summary: Summary,
    /// Loss and accuracy over the course of training.
    pub metrics: Vec<MetricLine>,
    /// The float network.
    pub network: Network,
    /// The int8 model.
    pub model: ModelFile,
}

impl FinishedRun {
    /// Reads the files of a run folder.
    ///
    /// # Errors
    /// When a file is missing or damaged, or the run is not finished.
    pub fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            input::read_text(&path, Limit::RECORD)
        };
        let refused = |name: &str, problem: String| Error::File {
            path: folder.join(name),
            problem: format!("{problem}; give the folder of a run that `lenet train` finished"),
        };
        if folder.is_file() {
            let problem = "this is a file; give the folder of a run that `lenet train` finished".into();
            return Err(Error::File { path: folder.to_owned(), problem });
        }
        if folder.join(checkpoint::FILE_NAME).exists() {
            let resume = format!("the run is not finished; resume it with `lenet train --resume {}`", folder.display());
            return Err(Error::File { path: folder.to_owned(), problem: resume });
        }
        let summary = serde_json::from_str(&text(SUMMARY)?).map_err(|error| refused(SUMMARY, error.to_string()))?;
        let metrics = parse_metrics(&text(METRICS)?).map_err(|problem| refused(METRICS, problem))?;
        let network = read_float(&folder.join(SAFETENSORS))?.network;
        let path = folder.join(LENET);
        let model = ModelFile::new(&input::read(&path, Limit::NETWORK)?);
        model.model().map_err(Error::model(&path))?;
        Ok(Self { summary, metrics, network, model })
    }
}
