//! Data sets as IDX files.

use std::fs;
use std::path::Path;

use host_trainer::data::Split;

/// The bytes of an IDX file of unsigned bytes.
pub(crate) fn idx(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    file.extend(content);
    file
}

/// Makes a folder with these images as uncompressed IDX files.
pub(crate) fn write_idx(folder: &Path, train: &Split, test: &Split) {
    fs::create_dir_all(folder).unwrap();
    for (name, split) in [("train", train), ("t10k", test)] {
        let count = split.len() as u32;
        let images: Vec<u8> = split.images().iter().copied().collect();
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), idx(&[count, 28, 28], &images)).unwrap();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), idx(&[count], &split.labels().to_vec())).unwrap();
    }
}
