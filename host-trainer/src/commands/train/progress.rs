use std::ops::ControlFlow;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::interrupt::interrupted;
use crate::checkpoint::{Checkpoint, Plan, Record};
use crate::error::Result;
use crate::numbers::{percent, thousands};
use crate::run::{Metrics, RunFolder};
use crate::training::{BatchResult, EpochLine, LossLine, Observer, Snapshot};

/// Prints the progress of training, records its metrics, and writes its checkpoints.
pub(super) struct Progress<'a> {
    folder: &'a RunFolder,
    plan: &'a Plan,
    quiet: bool,
    /// The bar, drawn on a terminal only. Lines are printed above it.
    pub(super) bar: ProgressBar,
    metrics: Metrics,
    best: Option<EpochLine>,
    last: Option<EpochLine>,
    start: Instant,
    /// Seconds of training before the run was resumed.
    earlier_seconds: f64,
    epoch_start: Instant,
    /// Recent loss and accuracy, for the bar.
    recent: Option<(f64, f64)>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(folder: &'a RunFolder, plan: &'a Plan, record: Record, images: usize, quiet: bool) -> Self {
        let total = plan.options.recipe.epochs * images;
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(total as u64) };
        let style = ProgressStyle::with_template("{bar:16} {percent} % {msg}, {rate}, {eta} left");
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            // If the rate cannot be written, the bar is drawn without it.
            let _ = write!(text, "{} images/s", thousands(state.per_sec() as usize));
        };
        bar.set_style(style.expect("the template is valid").with_key("rate", rate).progress_chars("=> "));
        let done = record.last.map_or(0, |line| line.epoch) * images;
        bar.set_position(done as u64);
        bar.reset_eta();
        let now = Instant::now();
        let Record { metrics, seconds: earlier_seconds, best, last } = record;
        let metrics = Metrics::continued(metrics);
        Self {
            folder,
            plan,
            quiet,
            bar,
            metrics,
            best,
            last,
            start: now,
            earlier_seconds,
            epoch_start: now,
            recent: None,
        }
    }

    /// What the run has reported so far.
    pub(super) fn record(&self) -> Record {
        Record {
            metrics: self.metrics.as_str().to_owned(),
            seconds: self.earlier_seconds + self.start.elapsed().as_secs_f64(),
            best: self.best,
            last: self.last,
        }
    }

    /// Writes a checkpoint.
    pub(super) fn checkpoint(&self, snapshot: &Snapshot) -> Result<()> {
        let (plan, snapshot) = (self.plan.clone(), snapshot.clone());
        Checkpoint { plan, record: self.record(), snapshot }.write(self.folder.path())
    }

    fn print(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| println!("{line}"));
        }
    }
}

impl Observer for Progress<'_> {
    fn batch(&mut self, images: usize, result: BatchResult) -> ControlFlow<()> {
        let accuracy = result.correct as f64 / images as f64;
        let (loss, accuracy) = self.recent.map_or((result.loss, accuracy), |(mean_loss, mean_accuracy)| {
            // A moving average over a few dozen batches.
            (mean_loss + 0.03 * (result.loss - mean_loss), mean_accuracy + 0.03 * (accuracy - mean_accuracy))
        });
        self.recent = Some((loss, accuracy));
        self.bar.inc(images as u64);
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("loss {loss:.3}, {}", percent(accuracy)));
        }
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn loss(&mut self, line: LossLine) {
        self.metrics.loss(line);
        if self.bar.is_hidden() {
            self.print(&format!("[{}, {:5}] loss: {:.3}", line.epoch, line.step, line.loss));
        }
    }

    fn epoch(&mut self, line: EpochLine, snapshot: &Snapshot) -> Result<()> {
        let seconds = self.epoch_start.elapsed().as_secs_f64();
        self.epoch_start = Instant::now();
        self.metrics.epoch(line, seconds);
        let accuracy = |line: &EpochLine| line.validation.map(|validation| validation.accuracy);
        if line.validation.is_some() && self.best.is_none_or(|best| accuracy(&line) > accuracy(&best)) {
            self.best = Some(line);
        }
        self.last = Some(line);
        let validation = line.validation.map_or_else(String::new, |validation| {
            format!(", validation {:.4} {}", validation.loss, percent(validation.accuracy))
        });
        self.print(&format!(
            "epoch  {:2} of {}: loss {:.4} {}{validation}, {seconds:.1} s",
            line.epoch,
            self.plan.options.recipe.epochs,
            line.loss,
            percent(line.accuracy)
        ));
        let every = self.plan.checkpoint_every;
        if every > 0 && line.epoch.is_multiple_of(every) { self.checkpoint(snapshot) } else { Ok(()) }
    }
}
