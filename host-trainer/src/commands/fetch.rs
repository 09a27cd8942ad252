//! `lenet fetch`: downloads a data set.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::QuietArguments;
use crate::error::{Error, Result};
use crate::fetch::{Event, Manifest, PUBLISHED, fetch, for_stderr};

/// Arguments of `lenet fetch`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lenet fetch mnist --to mnist
  lenet train --data mnist")]
pub struct Arguments {
    /// Data set to download.
    #[arg(value_name = "NAME", default_value = "mnist",
          value_parser = PossibleValuesParser::new(PUBLISHED.map(|manifest| manifest.name)))]
    name: String,
    /// Folder for the four files [default: the data set's name].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Download from the folder at this URL instead of the built-in mirrors. Can be repeated; the
    /// mirrors are tried in order.
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// Print the outcome as JSON, and no progress.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand.
///
/// # Errors
/// A file that no mirror delivers intact, a different file of the same name in the folder, an unwritable folder.
pub fn run(arguments: &Arguments) -> Result<()> {
    let manifest = Manifest::named(&arguments.name)
        .ok_or_else(|| Error::Usage(format!("there is no data set {}; see `lenet fetch --help`", arguments.name)))?;
    let mirrors: Vec<&str> = arguments.mirror.iter().map(String::as_str).collect();
    let folder = arguments.to.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    let manifest = manifest.with_mirrors(&mirrors);
    let quiet = arguments.quiet.quiet;
    let mut progress: Box<dyn FnMut(Event<'_>)> = if arguments.json || quiet { Box::new(|_| {}) } else { for_stderr() };
    let summary = fetch(&manifest, &folder, &mut progress)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&summary).expect("a summary has only names and numbers"));
    } else if !quiet {
        println!("{} is in {}; use it with --data {}", manifest.name, folder.display(), folder.display());
    }
    Ok(())
}
