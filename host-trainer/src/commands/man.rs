//! `lenet man`: the help as manual pages.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use super::QuietArguments;
use crate::TOOL;
use crate::error::Result;
use crate::files::{Existing, check_writable, create_folder, write_whole};

/// Arguments of `lenet man`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet man | man -l -
  lenet man -o ~/.local/share/man/man1 && man lenet-train")]
pub struct Arguments {
    /// Write all pages (lenet.1, lenet-train.1 and so on) to this folder, instead of printing
    /// lenet.1.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite existing pages.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand. `command` is the definition of the whole command line.
///
/// # Errors
/// An unwritable folder, or existing pages without `--force`.
pub fn run(arguments: &Arguments, command: Command) -> Result<()> {
    let mut command = command.disable_help_subcommand(true);
    // Gives each subcommand its full name, `lenet-train`, which also names its page.
    command.build();
    let Some(folder) = &arguments.output else {
        print!("{}", page(&command).1);
        return Ok(());
    };
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    create_folder(folder)?;
    let pages: Vec<_> = std::iter::once(&command)
        .chain(command.get_subcommands())
        .map(page)
        .map(|(name, text)| (folder.join(name), text))
        .collect();
    for (path, _) in &pages {
        check_writable(path, existing)?;
    }
    for (path, text) in &pages {
        write_whole(path, text.as_bytes(), existing)?;
    }
    if !arguments.quiet.quiet {
        println!("wrote  {}: {} pages", folder.display(), pages.len());
    }
    Ok(())
}

/// The file name and the text of a page.
fn page(command: &Command) -> (String, String) {
    let page = Man::new(command.clone()).source(TOOL);
    let mut text = Vec::new();
    page.render(&mut text).expect("writing to memory cannot fail");
    let text = String::from_utf8(text).expect("the page is UTF-8");
    // Keeps the lines of the examples as they are: neither justified nor wrapped.
    let text =
        text.replacen("\n.SH EXTRA\n", "\n.SH EXTRA\n.nf\n", 1).replacen("\n.SH VERSION\n", "\n.fi\n.SH VERSION\n", 1);
    (page.get_filename(), text)
}
