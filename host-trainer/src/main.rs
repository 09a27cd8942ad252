//! The command `lenet`: parses arguments and calls the library.

use std::process::ExitCode;

use clap::Parser;
use host_trainer::Error;
use host_trainer::commands::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = if matches!(error, Error::Interrupted { .. }) { "" } else { "error: " };
            eprintln!("{kind}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
