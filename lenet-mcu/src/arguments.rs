//! The command line: `bench --count N --images FILE`. Both options can be left out.

use core::ffi::CStr;
use core::fmt;

use crate::arch::host;

/// The options on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arguments {
    /// The image file. Without one, the built-in digits are used.
    pub images: Option<&'static CStr>,
    /// The maximum number of images.
    pub count: Option<usize>,
}

/// The part of the command line that is wrong.
#[derive(Clone, Copy, Debug)]
pub struct BadArguments(&'static CStr);

impl fmt::Display for BadArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot understand \"{}\" on the command line. Use --count N, then --images FILE.", Lossy(self.0))
    }
}

impl Arguments {
    /// Reads the command line from the emulator or debugger. Without a command line, no option is set.
    ///
    /// # Errors
    /// When the command line contains anything but these options.
    pub fn read() -> Result<Self, BadArguments> {
        host::command_line().map_or_else(|| Ok(Self::default()), Self::parse)
    }

    fn parse(line: &'static CStr) -> Result<Self, BadArguments> {
        let mut arguments = Self::default();
        let (_program, mut rest) = split_word(line);
        while !rest.is_empty() {
            let (option, value) = split_word(rest);
            match option {
                b"--count" => {
                    let (count, behind) = split_word(value);
                    let count = str::from_utf8(count).ok().and_then(|count| count.parse().ok());
                    arguments.count = Some(count.filter(|count| *count > 0).ok_or(BadArguments(rest))?);
                    rest = behind;
                }
                // The path extends to the end of the line, because it may contain spaces.
                b"--images" if !value.is_empty() => {
                    arguments.images = Some(value);
                    rest = c"";
                }
                _ => return Err(BadArguments(rest)),
            }
        }
        Ok(arguments)
    }
}

/// The text before the first space, and the text after it.
fn split_word(line: &'static CStr) -> (&'static [u8], &'static CStr) {
    let bytes = line.to_bytes();
    let space = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    let (word, _) = bytes.split_at(space);
    let rest = line.to_bytes_with_nul().get(space + 1..).and_then(|rest| CStr::from_bytes_with_nul(rest).ok());
    (word, rest.unwrap_or_default())
}

/// Text from the workstation, with question marks for what is not UTF-8. File names may not be UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Lossy(pub &'static CStr);

impl fmt::Display for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.to_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("?")?;
            }
        }
        Ok(())
    }
}
