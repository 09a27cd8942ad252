//! Headers of NumPy arrays of weights.

use super::named::short;
use super::strided::{ByteOrder, Element, Layout};
use crate::npy::{MAGIC, NpyError, NpyHeader, VERSION_1};

/// What a `.npy` file declares about its array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The type of its numbers; if weights cannot have it, NumPy's name for it.
    pub element: Result<(Element, ByteOrder), String>,
    /// Row-major or column-major.
    pub layout: Layout,
    /// Length of each axis.
    pub shape: Vec<usize>,
}

/// Alignment of the numbers in a `.npy` file; NumPy pads headers to a multiple of this.
const DATA_ALIGNMENT: usize = 64;

/// The header of a little-endian float32 array in row-major order.
pub(super) fn float32_header(shape: &[usize]) -> Vec<u8> {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    // Python writes a tuple of one element with a comma.
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut literal =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", lengths.join(", ")).into_bytes();
    let before = MAGIC.len() + VERSION_1.len() + size_of::<u16>();
    literal.resize((before + literal.len() + 1).next_multiple_of(DATA_ALIGNMENT) - before - 1, b' ');
    literal.push(b'\n');
    let length = u16::try_from(literal.len()).expect("the shapes of a network are short");
    [MAGIC, &VERSION_1, &length.to_le_bytes(), &literal].concat()
}

impl Header {
    /// More bytes than any header has.
    pub(super) const MAX_BYTES: usize = NpyHeader::MAX_BYTES;

    /// The header at the start of `bytes`, and the offset of the first number.
    ///
    /// # Errors
    /// What is wrong, worded to follow the name of the array.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), String> {
        let unknown = "does not have a version 1 .npy header for plain numbers; save float arrays with numpy.savez";
        let (header, start) = NpyHeader::parse(bytes).map_err(|error| match error {
            NpyError::NotAnArray => "is not a .npy array; remove it from the archive".into(),
            NpyError::NoHeader => unknown.to_owned(),
            NpyError::Other(text) => format!("{unknown}; the header is {}", short(text, 60)),
        })?;
        let layout = if header.fortran_order { Layout::Columns } else { Layout::Rows };
        Ok((Self { element: element_of(header.descr), layout, shape: header.shape }, start))
    }
}

/// The meaning of NumPy's type strings: byte order, kind and size.
fn element_of(descr: &str) -> Result<(Element, ByteOrder), String> {
    let order = match descr.as_bytes().first() {
        Some(b'<') => ByteOrder::Little,
        Some(b'>') => ByteOrder::Big,
        _ => return Err(descr.into()),
    };
    match &descr[1..] {
        "f2" => Ok((Element::F16, order)),
        "f4" => Ok((Element::F32, order)),
        "f8" => Ok((Element::F64, order)),
        _ => Err(descr.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(literal: &str) -> Result<(Header, usize), String> {
        let length = (literal.len() as u16).to_le_bytes();
        Header::parse(&[MAGIC, &VERSION_1, &length, literal.as_bytes(), &[0; 24]].concat())
    }

    #[test]
    fn headers_of_numpy_are_read() {
        let (header, start) =
            parse("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 5, 5), }      \n").unwrap();
        let element = Ok((Element::F32, ByteOrder::Little));
        assert_eq!(header, Header { element, layout: Layout::Rows, shape: vec![6, 1, 5, 5] });
        assert_eq!(start, 10 + 72);
        let (header, _) = parse("{'descr':'>f2','fortran_order':True,'shape':(84,)}\n").unwrap();
        let element = Ok((Element::F16, ByteOrder::Big));
        assert_eq!(header, Header { element, layout: Layout::Columns, shape: vec![84] });
        let (header, _) = parse("{'descr': '|i1', 'fortran_order': False, 'shape': (), }\n").unwrap();
        assert_eq!((header.element, header.shape), (Err("|i1".into()), vec![]));
    }

    #[test]
    fn written_headers_are_those_of_numpy() {
        // `numpy.save` of numpy.zeros((6, 1, 5, 5), "<f4") and of numpy.zeros(84, "<f4"), NumPy 2.
        let padded = |literal: &str| [b"\x93NUMPY\x01\0\x76\0", format!("{literal:117}\n").as_bytes()].concat();
        let header = float32_header(&[6, 1, 5, 5]);
        assert_eq!(header, padded("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 5, 5), }"));
        let header = float32_header(&[84]);
        assert_eq!(header, padded("{'descr': '<f4', 'fortran_order': False, 'shape': (84,), }"));
        let (read, start) = Header::parse(&header).unwrap();
        assert_eq!((read.shape, start), (vec![84], header.len()));
    }

    #[test]
    fn anything_else_is_refused() {
        for literal in [
            "",
            "{}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x\n",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (6 6)}\n",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}\n",
            &format!("{{'descr': {}", "[".repeat(200)),
        ] {
            assert!(parse(literal).is_err(), "{literal}");
        }
        assert!(Header::parse(b"hello").unwrap_err().contains("not a .npy array"));
        assert!(Header::parse(b"\x93NUMPY\x01\x00\xff\xff{").is_err());
        assert!(Header::parse(b"\x93NUMPY\x02\x00\0\0\0\0").is_err());
    }
}
