//! `lenet completions`: prints a completion script for a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::error::Result;

/// Arguments of `lenet completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples, writing to the file that each shell looks for:
  lenet completions bash > ~/.local/share/bash-completion/completions/lenet
  lenet completions zsh > ~/.zfunc/_lenet      (with ~/.zfunc in fpath)
  lenet completions fish > ~/.config/fish/completions/lenet.fish")]
pub struct Arguments {
    /// Shell to complete for.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Runs the subcommand. `command` is the definition of the whole command line.
///
/// # Errors
/// Never.
pub fn run(arguments: &Arguments, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "lenet", &mut script);
    print!("{}", String::from_utf8(script).expect("the script is UTF-8"));
    Ok(())
}
