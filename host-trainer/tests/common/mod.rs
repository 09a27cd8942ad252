//! A data set small enough to train on in a moment.

pub(crate) mod idx_files;

use std::path::Path;

use host_trainer::data::digits_10k;

use idx_files::write_idx;

/// Makes a folder `small` with uncompressed IDX files: the first `train` training digits and the first 100 test digits.
pub(crate) fn small_data(folder: &Path, train: usize) {
    let data = digits_10k();
    write_idx(&folder.join("small"), &data.train.first(train), &data.test.first(100));
}
