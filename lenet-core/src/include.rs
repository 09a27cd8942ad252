//! Building a model file into a program.

/// A model file as a `&'static [u8]` that is aligned as [`Model::from_bytes`](crate::Model::from_bytes) needs it.
///
/// `include_bytes!` gives bytes with an alignment of 1. The kernels read the file in place, as 32-bit words, so such
/// bytes are refused with [`Error::Misaligned`](crate::Error::Misaligned) whenever the linker happens to place them at
/// an odd address: a program may work today and stop working after an unrelated change. This macro aligns the bytes to
/// 4.
///
/// The path is relative to the current source file, or absolute, as for `include_bytes!`. Compilation fails if the file
/// does not start like a model file; [`Model::from_bytes`](crate::Model::from_bytes) checks the rest.
///
/// ```
/// use lenet_core::{Model, include_model};
///
/// static DIGITS: &[u8] = include_model!("../models/digits-10k.lenet");
///
/// assert!(DIGITS.as_ptr().cast::<u32>().is_aligned());
/// let model = Model::from_bytes(DIGITS).expect("the file is valid");
/// assert_eq!(model.description().data_set, "digits-10k");
/// ```
///
/// Another kind of file is refused:
///
/// ```compile_fail
/// static NOT_A_MODEL: &[u8] = lenet_core::include_model!("../Cargo.toml");
/// ```
#[macro_export]
macro_rules! include_model {
    ($path:expr $(,)?) => {{
        const FILE: &[u8] = ::core::include_bytes!($path);
        const { ::core::assert!($crate::format::has_magic(FILE), "this is not a .lenet model file") };
        // `ALIGNMENT` cannot be used in an attribute.
        #[repr(C, align(4))]
        struct Aligned<T: ?Sized>(T);
        const { ::core::assert!($crate::format::ALIGNMENT == 4) };
        static ALIGNED: Aligned<[u8; FILE.len()]> = Aligned(*::core::include_bytes!($path));
        let bytes: &'static [u8] = &ALIGNED.0;
        bytes
    }};
}
