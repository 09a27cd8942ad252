//! The ten digits that the demo classifies: the first test images of the embedded data set.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use lenet_core::IMAGE_BYTES;

use crate::files::read;

const DIGITS: usize = 10;

/// The magic numbers of IDX files of bytes. The last byte is the number of dimensions.
const IMAGES_MAGIC: [u8; 4] = [0, 0, 8, 3];
const LABELS_MAGIC: [u8; 4] = [0, 0, 8, 1];

/// The pixels of the ten images, image by image, and the ten labels.
pub(crate) fn first_ten(data: &Path) -> Result<(Vec<u8>, Vec<u8>), String> {
    Ok((
        first_items(&data.join("t10k-images-idx3-ubyte.gz"), IMAGES_MAGIC, DIGITS * IMAGE_BYTES)?,
        first_items(&data.join("t10k-labels-idx1-ubyte.gz"), LABELS_MAGIC, DIGITS)?,
    ))
}

/// The first `count` bytes after the header of a gzipped IDX file.
fn first_items(path: &Path, magic: [u8; 4], count: usize) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let bytes = read(path)?;
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut file)
        .map_err(|error| format!("cannot decompress {}: {error}", path.display()))?;
    if !file.starts_with(&magic) {
        return Err(format!("{} is not an IDX file with magic number {magic:02x?}", path.display()));
    }
    let header = 4 + 4 * usize::from(magic[3]);
    file.get(header..header + count)
        .map(<[u8]>::to_vec)
        .ok_or_else(|| format!("{} has fewer than {DIGITS} items", path.display()))
}
