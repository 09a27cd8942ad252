//! The header of a NumPy array: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! `\x93NUMPY`, a version, a length, and a Python dict literal like
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 5, 5), }`, padded with spaces and a newline.
//! NumPy always writes this form, so the reader accepts nothing else. A general parser of Python literals could take
//! time exponential in the nesting depth.

/// How every array starts.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// The only version that is read and written; others are for longer headers.
pub(crate) const VERSION_1: [u8; 2] = [1, 0];

/// What a `.npy` file declares about its array.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader<'a> {
    /// NumPy's name for the type of its numbers, such as `<f4`.
    pub(crate) descr: &'a str,
    /// Whether it is column-major.
    pub(crate) fortran_order: bool,
    /// Length of each axis.
    pub(crate) shape: Vec<usize>,
}

/// Why bytes have no header that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NpyError<'a> {
    /// They do not start like an array.
    NotAnArray,
    /// The header has another version, or is cut off, or is too long, or is not text.
    NoHeader,
    /// The header says this.
    Other(&'a str),
}

impl<'a> NpyHeader<'a> {
    /// Longer than any header NumPy writes for an array of numbers with four axes.
    pub(crate) const MAX_BYTES: usize = 256;

    /// The header at the start of `bytes`, and the offset of the first number.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<(Self, usize), NpyError<'a>> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(NpyError::NotAnArray)?;
        let rest = rest.strip_prefix(&VERSION_1).ok_or(NpyError::NoHeader)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(NpyError::NoHeader)?;
        let text = rest.get(..usize::from(u16::from_le_bytes(*length))).ok_or(NpyError::NoHeader)?;
        let start = bytes.len() - rest.len() + text.len();
        let text = std::str::from_utf8(text).ok().filter(|_| start <= Self::MAX_BYTES).ok_or(NpyError::NoHeader)?;
        let header = Literal(text).header().ok_or(NpyError::Other(text))?;
        Ok((header, start))
    }
}

/// The unread rest of a Python literal.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    fn header(mut self) -> Option<NpyHeader<'a>> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.take("{")?;
        while self.take("}").is_none() {
            let key = self.text()?;
            self.take(":")?;
            match key {
                "descr" => descr = Some(self.text()?),
                "fortran_order" => fortran_order = Some(self.truth()?),
                "shape" => shape = Some(self.shape()?),
                _ => return None,
            }
            if self.take(",").is_none() {
                self.take("}")?;
                break;
            }
        }
        let ends = self.0.trim_matches(' ') == "\n";
        ends.then_some(NpyHeader { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }

    /// Skips spaces and then the token; `None` when something else follows.
    fn take(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start_matches(' ').strip_prefix(token)?;
        Some(())
    }

    fn text(&mut self) -> Option<&'a str> {
        self.take("'")?;
        let (text, rest) = self.0.split_once('\'')?;
        self.0 = rest;
        Some(text)
    }

    fn truth(&mut self) -> Option<bool> {
        if self.take("True").is_some() {
            return Some(true);
        }
        self.take("False").map(|()| false)
    }

    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.take("(")?;
        while self.take(")").is_none() {
            let start = self.0.trim_start_matches(' ');
            let digits = start.find(|c: char| !c.is_ascii_digit())?;
            shape.push(start[..digits].parse().ok()?);
            self.0 = &start[digits..];
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        Some(shape)
    }
}
