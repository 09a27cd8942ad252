use std::borrow::Cow;

use half::{bf16, f16};

/// The type of a tensor's numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// IEEE 754 half precision.
    F16,
    /// The upper half of an [`F32`](Self::F32).
    Bf16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision, rounded to single when read.
    F64,
}

impl Element {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number that starts at byte `place` and is [`size`](Self::size) bytes long. It must lie within `bytes`.
    fn at(self, bytes: &[u8], place: usize, order: ByteOrder) -> f32 {
        match self {
            Self::F16 => f16::from_bits(u16::from_le_bytes(little_endian(bytes, place, order))).to_f32(),
            Self::Bf16 => bf16::from_bits(u16::from_le_bytes(little_endian(bytes, place, order))).to_f32(),
            Self::F32 => f32::from_le_bytes(little_endian(bytes, place, order)),
            Self::F64 => f64::from_le_bytes(little_endian(bytes, place, order)) as f32,
        }
    }
}

fn little_endian<const N: usize>(bytes: &[u8], place: usize, order: ByteOrder) -> [u8; N] {
    let mut number: [u8; N] = bytes[place..place + N].try_into().expect("the range is N bytes long");
    if order == ByteOrder::Big {
        number.reverse();
    }
    number
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// The least significant one.
    Little,
    /// The most significant one.
    Big,
}

/// The order of a tensor's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The last axis varies fastest, without gaps: C order.
    Rows,
    /// The first axis varies fastest, without gaps: Fortran order.
    Columns,
    /// Anything else.
    Strides {
        /// Index of the first number.
        offset: usize,
        /// For each axis, the distance from one number to the next, in numbers.
        strides: Vec<usize>,
    },
}

impl Layout {
    /// Offset and strides for a shape, which must be that of a tensor that fits in memory.
    fn resolve(&self, shape: &[usize]) -> (usize, Vec<usize>) {
        let product = |axes: &[usize]| axes.iter().product();
        match self {
            Self::Rows => (0, (0..shape.len()).map(|axis| product(&shape[axis + 1..])).collect()),
            Self::Columns => (0, (0..shape.len()).map(|axis| product(&shape[..axis])).collect()),
            Self::Strides { offset, strides } => (*offset, strides.clone()),
        }
    }
}

/// The numbers of a tensor, as a file stores them.
#[derive(Debug)]
pub(super) struct Strided<'a> {
    /// The bytes that contain them, possibly among others.
    pub bytes: Cow<'a, [u8]>,
    /// Their type.
    pub element: Element,
    /// Their byte order.
    pub order: ByteOrder,
    /// Their positions.
    pub layout: Layout,
}

impl Strided<'_> {
    /// Fills `target` in row-major order. `target` has the length of `shape`, and no axis of `shape` has length 0.
    ///
    /// # Errors
    /// When a number lies beyond the end of the bytes.
    pub(super) fn read(&self, shape: &[usize], target: &mut [f32]) -> Result<(), String> {
        let (offset, strides) = self.layout.resolve(shape);
        let there = self.bytes.len() / self.element.size();
        let last = shape.iter().zip(&strides).try_fold(offset, |last, (length, stride)| {
            (length - 1).checked_mul(*stride).and_then(|distance| last.checked_add(distance))
        });
        if strides.len() != shape.len() || last.is_none_or(|last| last >= there) {
            return Err(format!("its data is cut short after {there} numbers; save the file again"));
        }
        for (index, value) in target.iter_mut().enumerate() {
            let (mut place, mut rest) = (offset, index);
            for (length, stride) in shape.iter().zip(&strides).rev() {
                place += rest % length * stride;
                rest /= length;
            }
            *value = self.element.at(&self.bytes, place * self.element.size(), self.order);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[2, 3]` numbers from bytes.
    fn read(bytes: &[u8], element: Element, order: ByteOrder, layout: Layout) -> Result<Vec<f32>, String> {
        let mut target = vec![0.0; 6];
        Strided { bytes: bytes.into(), element, order, layout }.read(&[2, 3], &mut target).map(|()| target)
    }

    fn bytes_of(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
        values.into_iter().flat_map(f32::to_le_bytes).collect()
    }

    #[test]
    fn every_element_is_read_in_both_byte_orders() {
        let values = [1.0, -0.5, 0.25, 3.0, 0.0, -2.0f32];
        let encoded: [(Element, Vec<Vec<u8>>); 4] = [
            (Element::F16, values.map(|x| f16::from_f32(x).to_le_bytes().to_vec()).into()),
            (Element::Bf16, values.map(|x| bf16::from_f32(x).to_le_bytes().to_vec()).into()),
            (Element::F32, values.map(|x| x.to_le_bytes().to_vec()).into()),
            (Element::F64, values.map(|x| f64::from(x).to_le_bytes().to_vec()).into()),
        ];
        for (element, mut numbers) in encoded {
            assert_eq!(read(&numbers.concat(), element, ByteOrder::Little, Layout::Rows).unwrap(), values);
            numbers.iter_mut().for_each(|number| number.reverse());
            assert_eq!(read(&numbers.concat(), element, ByteOrder::Big, Layout::Rows).unwrap(), values);
        }
    }

    #[test]
    fn every_layout_is_read_in_row_order() {
        let bytes = bytes_of((0..12u8).map(f32::from));
        let layouts = [
            (Layout::Rows, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (Layout::Columns, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]),
            (Layout::Strides { offset: 1, strides: vec![6, 2] }, [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]),
            (Layout::Strides { offset: 4, strides: vec![0, 0] }, [4.0; 6]),
        ];
        for (layout, expected) in layouts {
            assert_eq!(read(&bytes, Element::F32, ByteOrder::Little, layout).unwrap(), expected);
        }
    }

    #[test]
    fn what_lies_beyond_the_bytes_is_refused() {
        let bytes = bytes_of([0.0; 6]);
        for layout in [
            Layout::Strides { offset: 1, strides: vec![3, 1] },
            Layout::Strides { offset: 0, strides: vec![4, 1] },
            Layout::Strides { offset: usize::MAX, strides: vec![3, 1] },
            Layout::Strides { offset: 0, strides: vec![1, usize::MAX] },
            Layout::Strides { offset: 0, strides: vec![1] },
        ] {
            assert!(read(&bytes, Element::F32, ByteOrder::Little, layout).is_err());
        }
        assert!(read(&bytes[..23], Element::F32, ByteOrder::Little, Layout::Columns).is_err());
        assert!(read(&[], Element::F16, ByteOrder::Little, Layout::Rows).is_err());
    }
}
