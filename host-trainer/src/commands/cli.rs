use clap::{CommandFactory, Parser, Subcommand};

#[cfg(feature = "fetch")]
use super::fetch;
use super::{
    compare, completions, errors, eval, export, import_tflite, inspect, man, predict, quantize, report, show, train,
};
use crate::error::Result;

/// Trains LeNet-5, quantizes it to int8, and tests the network a microcontroller runs.
#[derive(Debug, Parser)]
#[command(
    name = "lenet",
    version,
    max_term_width = 80,
    after_help = "\
Examples, with nothing but this program:
  lenet show --range 0..10
  lenet train       (to be read in runs/digits-10k-default/report.html)
  lenet eval runs/digits-10k-default/model.lenet"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network, quantize it, and write both with their figures into a folder
    Train(train::Arguments),
    /// Quantize a float network to an int8 model file
    Quantize(quantize::Arguments),
    /// Measure the accuracy of a network, and the checksum of its answers
    Eval(eval::Arguments),
    /// Tell the classes of images
    Predict(predict::Arguments),
    /// Collect the misread test images, with the reasons why
    Errors(errors::Arguments),
    /// Show where an int8 model parts from its float network, and what to do about it
    Compare(compare::Arguments),
    /// Write a network in another format
    Export(export::Arguments),
    /// Make a model file of a .tflite file
    ImportTflite(import_tflite::Arguments),
    /// Show what a network file holds: layers, ranges, multipliers, histograms
    Inspect(inspect::Arguments),
    /// Make a page of a finished run: its figures, and why each image was misread
    Report(report::Arguments),
    /// Show digits of a data set, on the terminal or as a PNG file
    Show(show::Arguments),
    /// Download a data set
    #[cfg(feature = "fetch")]
    Fetch(fetch::Arguments),
    /// Print a script that completes the command line in a shell
    Completions(completions::Arguments),
    /// Print this help as a page of the manual, or write a page for each subcommand
    Man(man::Arguments),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// What the subcommand's own `run` tells.
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
