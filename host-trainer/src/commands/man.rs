//! `lenet man`: the help as pages of the manual.

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
    /// Write all pages into this folder, lenet.1, lenet-train.1 and so on, instead of printing the
    /// first.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite those that exist.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand. `command` is the whole command line.
///
/// # Errors
/// A folder that cannot be written to, or that has such pages already.
pub fn run(arguments: &Arguments, command: Command) -> Result<()> {
    let mut command = command.disable_help_subcommand(true);
    // Names the subcommands as their pages are named.
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

/// A page's file name and its text.
fn page(command: &Command) -> (String, String) {
    let page = Man::new(command.clone()).source(TOOL);
    let mut text = Vec::new();
    page.render(&mut text).expect("memory can be written to");
    let text = String::from_utf8(text).expect("the help is text");
    // Example commands stay as they are: neither stretched to the width of the page nor broken.
    let text =
        text.replacen("\n.SH EXTRA\n", "\n.SH EXTRA\n.nf\n", 1).replacen("\n.SH VERSION\n", "\n.fi\n.SH VERSION\n", 1);
    (page.get_filename(), text)
}
