//! Files of other programs that hold weights but are not read: what they are, and how to convert them.

use super::archive::Archive;
use crate::content::{Foreign, LFS_REMEDY, WEB_PAGE_REMEDY};
use crate::npy::NpyHeader;

/// The way from Keras to a file that is read: the weights in PyTorch's order, by their shapes.
const FROM_KERAS: &str = "save its weights from Python as PyTorch orders them:\n\
    \x20 import keras, numpy as np\n\
    \x20 w = keras.models.load_model(\"FILE\").get_weights()   # kernels HWIO, matrices [inputs, outputs]\n\
    \x20 w[0], w[2] = w[0].transpose(3, 2, 0, 1), w[2].transpose(3, 2, 0, 1)\n\
    \x20 w[4] = w[4].reshape(4, 4, 16, 120).transpose(3, 2, 0, 1).reshape(120, 256)\n\
    \x20 w[6], w[8] = w[6].T, w[8].T\n\
    \x20 names = [\"features.0\", \"features.3\", \"classifier.0\", \"classifier.2\", \"classifier.4\"]\n\
    \x20 np.savez(\"weights.npz\", **{f\"{n}.{k}\": w[2 * i + j]\n\
    \x20     for i, n in enumerate(names) for j, k in enumerate([\"weight\", \"bias\"])})";

/// Why bytes that are no archive are refused, if they are a known kind of file.
pub(super) fn refusal(bytes: &[u8]) -> Option<String> {
    let kind = Foreign::of(bytes)?;
    Some(match kind {
        Foreign::Hdf5 => format!("this is an HDF5 file, as Keras saves models (.h5); {FROM_KERAS}"),
        Foreign::Npy => {
            let shape = NpyHeader::parse(bytes.get(..bytes.len().min(NpyHeader::MAX_BYTES)).unwrap_or_default())
                .map_or_else(|_| String::new(), |(header, _)| format!(" of shape {:?}", header.shape));
            format!(
                "this is a single NumPy array{shape} (.npy); a network is ten arrays in one .npz: numpy.savez(\"weights.npz\", \
                 **{{\"features.0.weight\": ..., \"features.0.bias\": ..., ...}})"
            )
        }
        Foreign::Pickle => "this is a Python pickle, which is not read, because a pickle can run any program; save the \
                            weights with torch.save(model.state_dict(), \"weights.pt\") or numpy.savez(\"weights.npz\", ...)"
            .into(),
        Foreign::WebPage => format!("this is a web page, not a network; {WEB_PAGE_REMEDY}"),
        Foreign::LfsPointer => format!("this is {}; {LFS_REMEDY}", kind.name()),
        other => format!("this is {}, not a network", other.name()),
    })
}

/// Why a zip archive is refused, if it is a known kind of file.
pub(super) fn refusal_of_archive(archive: &Archive<'_>) -> Option<String> {
    if archive.holds("config.json") && archive.names().any(|name| name.ends_with("model.weights.h5")) {
        return Some(format!("this is a model of Keras (.keras); {FROM_KERAS}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::formats::decode_float;

    #[test]
    fn files_of_other_programs_are_named_with_a_way_to_convert_them() {
        let array =
            b"\x93NUMPY\x01\0\x40\0{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 5, 5), }".as_slice();
        let padded = [array, b"      \n"].concat();
        for (bytes, kind, remedy) in [
            (b"\x89HDF\r\n\x1a\n".as_slice(), "an HDF5 file, as Keras saves models", "np.savez(\"weights.npz\""),
            (&padded, "a single NumPy array", "numpy.savez(\"weights.npz\""),
            (b"\x80\x04\x95\x01", "a Python pickle", "torch.save(model.state_dict()"),
            (b"<!doctype html>", "a web page", "download"),
            (b"PAR1", "a Parquet file", ""),
        ] {
            let message = decode_float(bytes).unwrap_err();
            assert!(message.contains(kind) && message.contains(remedy), "{message}");
        }
    }
}
