//! The images to classify: the ten built-in digits, or a file on the workstation. They are read one at a time, so the
//! RAM does not limit their number.

use core::ffi::CStr;
use core::fmt;

use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::{IMAGE_BYTES, Pixels};

use crate::arch::host::File;
use crate::arguments::{Arguments, Lossy};
use crate::digits;

/// The header of an IDX image file: the magic number, then the numbers of images, rows and columns, big-endian.
const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 4] = [0, 0, 8, 3];
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Why an image file cannot be used.
#[derive(Clone, Copy, Debug)]
pub struct BadImages {
    path: &'static CStr,
    problem: Problem,
}

#[derive(Clone, Copy, Debug)]
enum Problem {
    CannotOpen,
    CannotRead,
    Gzipped,
    NotIdx,
    Size(u32, u32),
    Empty,
    Length { images: usize, expected: usize, found: usize },
}

impl fmt::Display for BadImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Lossy(self.path);
        match self.problem {
            Problem::CannotOpen => write!(f, "cannot open the image file {path}: check that it exists"),
            Problem::CannotRead => write!(f, "cannot read the image file {path}"),
            Problem::Gzipped => write!(f, "{path} is compressed: run gunzip on it first"),
            Problem::NotIdx => {
                writeln!(f, "{path} is not an IDX image file: it does not start with 00 00 08 03.")?;
                write!(f, "Use an uncompressed file in the format of MNIST's image files.")
            }
            Problem::Size(rows, columns) => {
                write!(f, "{path} has images of {rows} x {columns} pixels; they must be {IMAGE_SIDE} x {IMAGE_SIDE}")
            }
            Problem::Empty => write!(f, "{path} has no images: use a file with at least one"),
            Problem::Length { images, expected, found } => {
                writeln!(f, "{path} has {found} bytes, but its {images} images take {expected}.")?;
                write!(f, "It is damaged: download it again, or recreate it.")
            }
        }
    }
}

/// The images, one at a time.
#[derive(Debug)]
pub struct Images {
    file: Option<(File, &'static CStr)>,
    count: usize,
    next: usize,
}

impl Images {
    /// Opens and checks the file on the command line; without one, uses the built-in digits.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(arguments: Arguments) -> Result<Self, BadImages> {
        let (file, available) = match arguments.images {
            None => (None, digits::all().count()),
            Some(path) => {
                let (file, images) = open(path).map_err(|problem| BadImages { path, problem })?;
                (Some((file, path)), images)
            }
        };
        let count = arguments.count.map_or(available, |count| count.min(available));
        Ok(Self { file, count, next: 0 })
    }

    /// Whether they are the built-in digits.
    pub fn are_built_in(&self) -> bool {
        self.file.is_none()
    }

    /// The number of images.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Reads the next image and returns its index, or `None` after the last one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_next(&mut self, pixels: &mut Pixels) -> Result<Option<usize>, BadImages> {
        if self.next == self.count {
            return Ok(None);
        }
        match &mut self.file {
            Some((file, path)) => {
                let problem = Problem::CannotRead;
                file.read_exact(pixels).ok_or(BadImages { path, problem })?;
            }
            None => {
                if let Some(digit) = digits::all().nth(self.next) {
                    *pixels = *digit.pixels;
                }
            }
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }
}

/// Opens a file, checks its header and length, and returns its number of images.
fn open(path: &CStr) -> Result<(File, usize), Problem> {
    let mut file = File::open(path).ok_or(Problem::CannotOpen)?;
    let found = file.bytes().ok_or(Problem::CannotRead)?;
    let mut header = [0; HEADER_BYTES];
    let available = found.min(HEADER_BYTES);
    file.read_exact(&mut header[..available]).ok_or(Problem::CannotRead)?;
    if header.starts_with(&GZIP_MAGIC) {
        return Err(Problem::Gzipped);
    }
    let (fields, _rest) = header.as_chunks::<4>();
    let [magic, images, rows, columns] = fields else {
        return Err(Problem::NotIdx);
    };
    if *magic != MAGIC {
        return Err(Problem::NotIdx);
    }
    let [images, rows, columns] = [images, rows, columns].map(|field| u32::from_be_bytes(*field));
    if [rows, columns] != [IMAGE_SIDE as u32; 2] && available == HEADER_BYTES {
        return Err(Problem::Size(rows, columns));
    }
    let images = images as usize;
    let expected = images.saturating_mul(IMAGE_BYTES).saturating_add(HEADER_BYTES);
    if found != expected {
        return Err(Problem::Length { images, expected, found });
    }
    match images {
        0 => Err(Problem::Empty),
        images => Ok((file, images)),
    }
}
