//! `lenet completions`: the command line, completed by the shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::error::Result;

/// Arguments of `lenet completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples, for what each shell reads when it starts:
  lenet completions bash > ~/.local/share/bash-completion/completions/lenet
  lenet completions zsh > ~/.zfunc/_lenet      (with ~/.zfunc in fpath)
  lenet completions fish > ~/.config/fish/completions/lenet.fish")]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Runs the subcommand. `command` is the whole command line.
///
/// # Errors
/// None.
pub fn run(arguments: &Arguments, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "lenet", &mut script);
    print!("{}", String::from_utf8(script).expect("the help is text"));
    Ok(())
}
