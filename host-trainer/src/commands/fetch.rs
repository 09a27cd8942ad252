//! `lenet fetch`: downloads a data set.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::QuietArguments;
use crate::error::{Error, Result};
use crate::fetch::{Event, Manifest, PUBLISHED, RemoteFile, fetch, for_stderr};

/// Arguments of `lenet fetch`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lenet fetch mnist --to mnist
  lenet train --data mnist

The five files of an EMNIST set come in one archive of 562 MB, which is removed
afterwards; a gzip.zip that is in the folder already is used and stays there.")]
pub struct Arguments {
    /// Data set to download.
    #[arg(value_name = "NAME", default_value = "mnist",
          value_parser = PossibleValuesParser::new(PUBLISHED.map(|manifest| manifest.name)))]
    name: String,
    /// Folder for the files [default: the data set's name].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Download from the folder at this URL instead of the built-in mirrors. Can be repeated; the
    /// mirrors are tried in order.
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// Accept this SHA-256 of a file as it is downloaded, 64 hex digits, instead of the published
    /// digest. Can be repeated.
    #[arg(long, value_name = "FILE=HEX", value_parser = parse_digest)]
    sha256: Vec<(String, String)>,
    /// Print the outcome as JSON, and no progress.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

impl Arguments {
    /// The files of the manifest with the digests that were given.
    fn files<'a>(&'a self, manifest: &Manifest<'a>) -> Result<Vec<RemoteFile<'a>>> {
        let mut files = manifest.files.to_vec();
        for (name, digest) in &self.sha256 {
            let Some(file) = files.iter_mut().find(|file| file.name == name) else {
                let names: Vec<&str> = manifest.files.iter().map(|file| file.name).collect();
                return Err(Error::Usage(format!(
                    "--sha256 names {name}, but the files of {} are {}",
                    manifest.name,
                    names.join(", ")
                )));
            };
            *file = file.with_sha256(digest);
        }
        Ok(files)
    }
}

fn parse_digest(text: &str) -> std::result::Result<(String, String), String> {
    let (file, digest) = text.split_once('=').ok_or("the form is FILE=HEX")?;
    if digest.len() != 64 || !digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("a SHA-256 has 64 hex digits".into());
    }
    Ok((file.to_owned(), digest.to_ascii_lowercase()))
}

/// Runs the subcommand.
///
/// # Errors
/// A file that no mirror delivers intact, a different file of the same name in the folder, an unwritable folder.
pub fn run(arguments: &Arguments) -> Result<()> {
    let manifest = Manifest::named(&arguments.name)
        .ok_or_else(|| Error::Usage(format!("there is no data set {}; see `lenet fetch --help`", arguments.name)))?;
    let mirrors: Vec<&str> = arguments.mirror.iter().map(String::as_str).collect();
    let folder = arguments.to.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    let files = arguments.files(&manifest)?;
    let manifest = Manifest { files: &files, ..manifest }.with_mirrors(&mirrors);
    let quiet = arguments.quiet.quiet;
    if manifest.relies_on_md5() && !quiet && !arguments.json {
        // Failing to print a note must not stop the command.
        let _ = writeln!(
            std::io::stderr(),
            "note: no SHA-256 of these files is published, so their length and MD5 are checked. That finds damage, but \
             does not protect from forgery. If you know a SHA-256, give it with --sha256 FILE=HEX"
        );
    }
    let mut progress: Box<dyn FnMut(Event<'_>)> = if arguments.json || quiet { Box::new(|_| {}) } else { for_stderr() };
    let summary = fetch(&manifest, &folder, &mut progress)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&summary).expect("a summary has only names and numbers"));
    } else if !quiet {
        println!("{} is in {}; use it with --data {}", manifest.name, folder.display(), folder.display());
    }
    Ok(())
}
