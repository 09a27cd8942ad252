//! `lenet report`: writes the HTML report of a finished run again.

use std::path::PathBuf;

use clap::Args;

use super::arguments::load;
use super::output::spinner;
use super::{QuietArguments, ThreadArguments};
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::report::{report, splits};
use crate::run::{FinishedRun, REPORT};

/// Arguments of `lenet report`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet report runs/mnist-default
  lenet report runs/mnist-default --data mnist -o mnist.html")]
pub struct Arguments {
    /// Folder of a finished run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Folder with the run's data set, if it has moved; can be repeated, as for `train` [default: where
    /// the run found it].
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// File to write [default: report.html in the run's folder, which is overwritten].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the output given with -o if it exists.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    threads: ThreadArguments,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand.
///
/// # Errors
/// A folder without a finished run, data that is not the run's, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    // The report in the run's folder is derived from the other files there, so overwriting it loses nothing.
    let (path, existing) = match &arguments.output {
        None => (arguments.run.join(REPORT), Existing::Overwrite),
        Some(path) => (path.clone(), if arguments.force { Existing::Overwrite } else { Existing::Keep }),
    };
    let run = FinishedRun::read(&arguments.run)?;
    check_writable(&path, existing)?;
    let pool = arguments.threads.pool()?;
    let folders = if arguments.data.is_empty() { run.summary.folders() } else { &arguments.data };
    if let Some(folder) = folders.iter().find(|folder| arguments.data.is_empty() && !folder.exists()) {
        return Err(Error::Usage(format!(
            "the run's data set was in {}, which no longer exists; give its folder with --data",
            folder.display()
        )));
    }
    let progress = spinner("Writing the report", arguments.quiet.quiet);
    let html = pool.install(|| {
        let data = load(folders, arguments.quiet.quiet)?;
        let (training, judged) = splits(&run, &data)?;
        report(&run, &training, &judged)
    })?;
    write_whole(&path, html.as_bytes(), existing)?;
    progress.finish_and_clear();
    if !arguments.quiet.quiet {
        println!("wrote  {}", path.display());
    }
    Ok(())
}
