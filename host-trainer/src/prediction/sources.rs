use std::fmt;
use std::io::stdin;
use std::path::{Path, PathBuf};

use crate::data::image::{self, FORMATS, Picture};
use crate::error::{Error, Result};

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// Reads the picture, as [`data::image`](image) describes.
    ///
    /// # Errors
    /// When it cannot be read or decoded.
    pub fn read(&self) -> Result<Picture> {
        let Self::File(path) = self else {
            let name = Path::new("standard input");
            let bytes = image::read_stream(stdin().lock(), name)?;
            return image::decode(&bytes, None).map_err(|problem| Error::File { path: name.into(), problem });
        };
        image::read(path)
    }
}

impl fmt::Display for Source {
    /// The path, or `-` for standard input.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("-"),
        }
    }
}

/// The images that a command-line argument stands for:
///
/// - `-`: standard input;
/// - a folder: the images in it, sorted by name, without those in its subfolders;
/// - a pattern with `*`, `?` or `[...]`, unless a file has that very name: the images that match it;
/// - anything else: a single file.
///
/// # Errors
/// When a folder cannot be read, a pattern is invalid, or neither yields an image. A missing file is reported only when
/// it is [read](Source::read).
pub fn find_images(argument: &Path) -> Result<Vec<Source>> {
    let refused = |problem: String| Error::File { path: argument.to_owned(), problem };
    if argument == Path::new("-") {
        return Ok(vec![Source::Stdin]);
    }
    let pattern = argument.to_str().filter(|text| text.contains(['*', '?', '[']) && !argument.exists());
    let (mut paths, nothing) = if argument.is_dir() {
        let entries = std::fs::read_dir(argument).map_err(Error::read(argument))?;
        let paths =
            entries.map(|entry| Ok(entry.map_err(Error::read(argument))?.path())).collect::<Result<Vec<_>>>()?;
        (paths, format!("it holds no images ({FORMATS}); choose a folder that does, subfolders are not searched"))
    } else if let Some(pattern) = pattern {
        let matches = glob::glob(pattern).map_err(|error| refused(format!("it is not a valid pattern ({error})")))?;
        (matches.flatten().collect(), format!("it matches no images ({FORMATS}); check the folder and the extension"))
    } else {
        return Ok(vec![Source::File(argument.to_owned())]);
    };
    paths.retain(|path| image::is_image(path) && path.is_file());
    paths.sort();
    if paths.is_empty() {
        return Err(refused(nothing));
    }
    Ok(paths.into_iter().map(Source::File).collect())
}
