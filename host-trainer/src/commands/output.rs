use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process;

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

macro_rules! print {
    ($($text:tt)*) => { $crate::commands::output::write(format_args!($($text)*)) };
}

macro_rules! println {
    () => { $crate::commands::output::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::commands::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
