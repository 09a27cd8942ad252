//! The command `lenet`: parses arguments and calls the library.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use host_trainer::Error;
use host_trainer::commands::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = if matches!(error, Error::Interrupted { .. }) { "" } else { "error: " };
            // If standard error is closed, the exit code alone must do.
            let _ = writeln!(io::stderr(), "{kind}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
