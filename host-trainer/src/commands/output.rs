//! What all subcommands print with.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish};

/// What a program exits with whose reader went away: 128 and the number of SIGPIPE, as the shell tells it of others.
const READER_GONE: i32 = 141;

/// Writes to the standard output; a subcommand's `print!` and `println!` are this.
///
/// The standard library's own panic when a reader has seen enough, as `head` has. Here that ends the program without a
/// word, and any other failure with one.
pub(super) fn write(text: fmt::Arguments<'_>) {
    if let Err(error) = io::stdout().lock().write_fmt(text) {
        if error.kind() == ErrorKind::BrokenPipe {
            process::exit(READER_GONE);
        }
        // Nothing is left to be told when this fails, too.
        let _ = writeln!(io::stderr(), "error: cannot write to the standard output: {error}");
        process::exit(1);
    }
}

/// Tells a terminal what takes seconds; a log has no use for it.
pub(super) fn spinner(what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(what).with_finish(ProgressFinish::AndClear);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

macro_rules! print {
    ($($text:tt)*) => { $crate::commands::output::write(format_args!($($text)*)) };
}

macro_rules! println {
    () => { $crate::commands::output::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::commands::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
