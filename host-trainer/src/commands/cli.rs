use clap::{CommandFactory, Parser, Subcommand};

#[cfg(feature = "fetch")]
use super::fetch;
use super::{
    compare, completions, errors, eval, export, import_tflite, inspect, man, predict, quantize, report, show, train,
};
use crate::error::Result;

/// Trains LeNet-5, quantizes it to int8, and tests exactly what the microcontroller will compute.
#[derive(Debug, Parser)]
#[command(
    name = "lenet",
    version,
    max_term_width = 80,
    after_help = "\
Examples that need no other files:
  lenet show --range 0..10
  lenet train   (then open runs/digits-10k-default/report.html)
  lenet eval runs/digits-10k-default/model.lenet"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network, quantize it, evaluate both, and write a report
    Train(train::Arguments),
    /// Quantize a float network to an int8 model
    Quantize(quantize::Arguments),
    /// Measure a network's accuracy, and a checksum of its logits
    Eval(eval::Arguments),
    /// Classify images
    Predict(predict::Arguments),
    /// List the misread test images, and explain why each was misread
    Errors(errors::Arguments),
    /// Show where int8 diverges from float, and what to do about it
    Compare(compare::Arguments),
    /// Convert a network to another format
    Export(export::Arguments),
    /// Convert .tflite to .lenet
    ImportTflite(import_tflite::Arguments),
    /// Show what is in a network file: layers, ranges, histograms
    Inspect(inspect::Arguments),
    /// Regenerate the HTML report of a finished run
    Report(report::Arguments),
    /// Show images of a data set, on the terminal or as a PNG file
    Show(show::Arguments),
    /// Download a data set
    #[cfg(feature = "fetch")]
    Fetch(fetch::Arguments),
    /// Print a completion script for your shell
    Completions(completions::Arguments),
    /// Print the manual page, or write one page per subcommand
    Man(man::Arguments),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// As the `run` function of the subcommand.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(arguments) => train::run(arguments),
            Command::Quantize(arguments) => quantize::run(arguments),
            Command::Eval(arguments) => eval::run(arguments),
            Command::Predict(arguments) => predict::run(arguments),
            Command::Errors(arguments) => errors::run(arguments),
            Command::Compare(arguments) => compare::run(arguments),
            Command::Export(arguments) => export::run(arguments),
            Command::ImportTflite(arguments) => import_tflite::run(arguments),
            Command::Inspect(arguments) => inspect::run(arguments),
            Command::Report(arguments) => report::run(arguments),
            Command::Show(arguments) => show::run(arguments),
            #[cfg(feature = "fetch")]
            Command::Fetch(arguments) => fetch::run(arguments),
            Command::Completions(arguments) => completions::run(arguments, Self::command()),
            Command::Man(arguments) => man::run(arguments, Self::command()),
        }
    }
}
