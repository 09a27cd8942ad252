//! How all subcommands print.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish};

/// Exit code when the reader of the output has gone away: 128 plus the number of SIGPIPE, which is also what a shell
/// reports for a program that SIGPIPE killed.
const READER_GONE: i32 = 141;

/// Writes to standard output. `print!` and `println!` call this in all subcommands.
///
/// The standard library's macros panic when the reader closes the pipe early, as `head` does. Here the program then
/// exits silently; after any other failure it prints an error and exits.
pub(super) fn write(text: fmt::Arguments<'_>) {
    if let Err(error) = io::stdout().lock().write_fmt(text) {
        if error.kind() == ErrorKind::BrokenPipe {
            process::exit(READER_GONE);
        }
        // If this fails too, there is nowhere left to report it.
        let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
        process::exit(1);
    }
}

/// Shows what is going on while the user waits for seconds. It is drawn on a terminal only, never in a log.
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
