use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::percent;
use crate::run::Metrics;
use crate::training::{BatchResult, EpochLine, LossLine, Observer};

/// Prints how a training goes on, and collects its metrics.
pub(super) struct Progress {
    epochs: usize,
    quiet: bool,
    /// The bar, drawn on a terminal only; printed lines go around it.
    pub(super) bar: ProgressBar,
    /// What was told so far.
    pub(super) metrics: Metrics,
    epoch_start: Instant,
    /// The epoch with the best validation accuracy, and the last one's figures.
    pub(super) best: Option<EpochLine>,
    /// The epoch told last.
    pub(super) last: Option<EpochLine>,
    /// Loss and accuracy of late, for the bar.
    recent: Option<(f64, f64)>,
}

impl Progress {
    pub(super) fn new(epochs: usize, images: usize, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new((epochs * images) as u64) };
        let style = ProgressStyle::with_template("{bar:20} {msg} {per_sec}, {eta} left");
        bar.set_style(style.expect("the template is valid").progress_chars("=> "));
        let epoch_start = Instant::now();
        Self { epochs, quiet, bar, metrics: Metrics::default(), epoch_start, best: None, last: None, recent: None }
    }

    pub(super) fn print(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| println!("{line}"));
        }
    }
}

impl Observer for Progress {
    fn batch(&mut self, images: usize, result: BatchResult) {
        let accuracy = result.correct as f64 / images as f64;
        let (loss, accuracy) = self.recent.map_or((result.loss, accuracy), |(mean_loss, mean_accuracy)| {
            // Over a few dozen batches.
            (mean_loss + 0.03 * (result.loss - mean_loss), mean_accuracy + 0.03 * (accuracy - mean_accuracy))
        });
        self.recent = Some((loss, accuracy));
        self.bar.inc(images as u64);
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("loss {loss:.3}, {}", percent(accuracy)));
        }
    }

    fn loss(&mut self, line: LossLine) {
        self.metrics.loss(line);
        if self.bar.is_hidden() {
            self.print(&format!("[{}, {:5}] loss: {:.3}", line.epoch, line.step, line.loss));
        }
    }

    fn epoch(&mut self, line: EpochLine) {
        let seconds = self.epoch_start.elapsed().as_secs_f64();
        self.epoch_start = Instant::now();
        self.metrics.epoch(line, seconds);
        let accuracy = |line: &EpochLine| line.validation.map_or(0.0, |validation| validation.accuracy);
        if line.validation.is_some() && self.best.as_ref().is_none_or(|best| accuracy(&line) > accuracy(best)) {
            self.best = Some(line);
        }
        self.last = Some(line);
        let validation = line.validation.map_or_else(String::new, |validation| {
            format!(", validation {:.4} {}", validation.loss, percent(validation.accuracy))
        });
        self.print(&format!(
            "epoch  {:2} of {}: loss {:.4} {}{validation}, {seconds:.1} s",
            line.epoch,
            self.epochs,
            line.loss,
            percent(line.accuracy)
        ));
    }
}
