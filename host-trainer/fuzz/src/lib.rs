//! The fuzz targets. `host-trainer/tests/fuzzed.rs` includes this file and runs the same functions on stable Rust, on
//! the corpora, on random edits of these and on random bytes.
//!
//! Two things would keep a fuzzer from reaching most of a reader. A wrong checksum ends the reading at once, so the
//! targets append checksums themselves. The weights of a network make an input of 200 KB in which a few hundred bytes
//! matter, so inputs store runs of zeros in short form, and [`expand`] restores them.

use std::io::{Cursor, Write};

use host_trainer::checkpoint::Checkpoint;
use host_trainer::data::{Table, image, parse_label_file, parse_npz, read_images, read_labels, read_table};
use host_trainer::formats::flash::FlashImage;
use host_trainer::formats::{
    FloatFile, ModelFile, decode_float, decode_safetensors, decode_tflite, encode_npz, encode_safetensors,
    encode_tflite,
};
use host_trainer::int8::QuantizedNetwork;
use host_trainer::network::{NAMES, Network, Parameters};
use lenet_core::LeNet5;
use lenet_core::checksum::crc32;
use lenet_core::preparation::{Drawings, Frame, Point, from_strokes, scratch_bytes};
use lenet_core::workstation::Classifier;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The name of a target, which is also that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 14] = [
    ("archive", archive),
    ("checkpoint", checkpoint),
    ("flash", flash),
    ("idx", idx),
    ("image", image),
    ("kuzushiji", kuzushiji),
    ("labels", labels),
    ("lenet", lenet),
    ("npz", npz),
    ("preparation", preparation),
    ("pytorch", pytorch),
    ("safetensors", safetensors),
    ("table", table),
    ("tflite", tflite),
];

/// The byte that stands for a run of zeros. Its length follows in three bytes; length 0 means the byte itself.
const RUN: u8 = 0xee;

/// The largest expanded input in bytes: more than any file of a network.
const MAX_EXPANDED: usize = 4 << 20;

/// Undoes [`contract`].
pub fn expand(mut bytes: &[u8]) -> Vec<u8> {
    let mut expanded = Vec::new();
    while let Some((byte, rest)) = bytes.split_first() {
        bytes = rest;
        match bytes.split_first_chunk() {
            Some(([a, b, c], rest)) if *byte == RUN => {
                bytes = rest;
                match u32::from_le_bytes([*a, *b, *c, 0]) as usize {
                    0 => expanded.push(RUN),
                    length => expanded.resize((expanded.len() + length).min(MAX_EXPANDED), 0),
                }
            }
            _ => expanded.push(*byte),
        }
    }
    expanded
}

/// Stores runs of zeros in short form; [`expand`] restores them.
pub fn contract(bytes: &[u8]) -> Vec<u8> {
    let mut contracted = Vec::new();
    let run = |length: usize| [&[RUN], &(length as u32).to_le_bytes()[..3]].concat();
    for group in bytes.chunk_by(|a, b| *a == 0 && *b == 0) {
        match group {
            [0, ..] if group.len() > 4 => contracted.extend(run(group.len())),
            [RUN] => contracted.extend(run(0)),
            _ => contracted.extend(group),
        }
    }
    contracted
}

/// A message with its checksum appended.
fn with_checksum(message: &[u8]) -> Vec<u8> {
    [message, &crc32(message).to_le_bytes()].concat()
}

/// Input: a file of a float network in any format.
pub fn archive(bytes: &[u8]) {
    survives_writing(decode_float(bytes));
}

/// Input: the message of a checkpoint, contracted.
pub fn checkpoint(bytes: &[u8]) {
    let file = with_checksum(&expand(bytes));
    if let Ok(checkpoint) = Checkpoint::decode(&file) {
        let again = Checkpoint::decode(&checkpoint.encode()).expect("a written file can be read");
        assert_eq!(again.encode(), checkpoint.encode());
    }
}

/// Input: an Intel HEX or UF2 file, contracted.
pub fn flash(bytes: &[u8]) {
    if let Some(Ok(image)) = FlashImage::decode(&expand(bytes)) {
        let _ = image.model();
    }
}

/// Input: an IDX file with images or labels, gzipped or not.
pub fn idx(bytes: &[u8]) {
    if let Ok(images) = read_images(bytes, None) {
        assert_eq!(images.ncols(), 784);
        assert!(read_images(bytes, Some(images.nrows() + 1)).is_err());
    }
    let _ = read_labels(bytes);
}

/// Input: the content of `labels.txt`.
pub fn labels(bytes: &[u8]) {
    if let Ok(classes) = parse_label_file(bytes) {
        assert_eq!(parse_label_file(classes.text().as_bytes()), Ok(classes));
    }
}

/// Input: the array in an archive of Kuzushiji-49, contracted.
pub fn kuzushiji(bytes: &[u8]) {
    let archive = zip([("arr_0.npy".to_owned(), expand(bytes))]);
    if let Ok((shape, numbers)) = parse_npz(&archive) {
        assert_eq!(shape.iter().product::<usize>(), numbers.len());
    }
}

/// Input: a table of images, gzipped or not. Its first line is preceded by a header and a line of numbers, so that
/// mutations reach what follows.
pub fn table(bytes: &[u8]) {
    let _ = read_table(bytes);
    let pixels = ",0".repeat(784);
    let whole = [format!("1{pixels}\n").as_bytes(), bytes].concat();
    if let Ok(Table::Images(images, labels)) = read_table(whole.as_slice()) {
        assert_eq!(images.dim(), (labels.len(), 784));
    }
}

/// Input: an image file.
pub fn image(bytes: &[u8]) {
    if let Ok(picture) = image::decode(bytes, None) {
        let _ = picture.drawings();
    }
}

/// Input: the message of a `.lenet` file, contracted.
pub fn lenet(bytes: &[u8]) {
    let expanded = expand(bytes);
    let _ = ModelFile::new(&expanded).model();
    let file = ModelFile::new(&with_checksum(&expanded));
    let Ok(model) = file.model() else { return };
    // A model that the reader accepts runs without a panic, gives the same answer everywhere, and can be written again.
    let pixels = std::array::from_fn(|place| (place * place % 251) as u8);
    assert_eq!(Classifier::new(&model).classify(&pixels), LeNet5::new(model).classify(&pixels));
    let quantized = QuantizedNetwork::from(&model);
    let again = quantized.encode(&model.description()).expect("an accepted model can be encoded");
    assert_eq!(QuantizedNetwork::from(&again.model().expect("encode checks it")), quantized);
}

/// Input: the width and height of a frame and what its stride has more, then its pixels, repeated as often as it takes.
/// The same bytes are the points of strokes.
pub fn preparation(bytes: &[u8]) {
    let [width, height, more, pixels @ ..] = bytes else { return };
    let points = pixels.chunks_exact(3).map(|point| Point { x: point[0], y: point[1], down: point[2] & 1 == 1 });
    let points: Vec<Point<u8>> = points.collect();
    assert_eq!(from_strokes(&points).is_ok(), !points.is_empty());
    let stride = usize::from(*width) + usize::from(*more);
    let filled: Vec<u8> = pixels.iter().copied().cycle().take(stride * usize::from(*height)).collect();
    let Some(frame) = Frame::new(&filled, *width, *height, stride) else { return };
    let mut scratch = vec![0; scratch_bytes(*width, *height)];
    let Ok(mut drawings) = Drawings::find(&frame, &mut scratch) else { return };
    let count = drawings.len();
    assert!(count > 0 && drawings.pixels(count).is_none());
    for index in 0..count {
        let (area, image) = (drawings.area(index), drawings.pixels(index));
        assert_eq!(area.is_some(), image.is_some());
        let (Some(area), Some(image)) = (area, image) else { continue };
        assert!(area.left.checked_add(area.width - 1).is_some_and(|right| right < *width));
        assert!(area.top.checked_add(area.height - 1).is_some_and(|bottom| bottom < *height));
        assert!(image.iter().any(|level| *level > 0));
    }
    drawings.join();
    assert!(drawings.len() == 1 && drawings.pixels(1).is_none());
}

/// Input: the first array of a NumPy archive, contracted. The other arrays are valid.
pub fn npz(bytes: &[u8]) {
    let arrays = Parameters::<f32>::zeros(10);
    let files = NAMES.iter().zip(arrays.arrays()).enumerate().map(|(index, (name, array))| {
        let content = if index == 0 { expand(bytes) } else { npy("<f4", array.shape(), array.len() * 4) };
        (format!("{name}.npy"), content)
    });
    survives_writing(decode_float(&zip(files)));
}

/// A `.npy` file of zeros.
pub fn npy(descr: &str, shape: &[usize], length: usize) -> Vec<u8> {
    let shape: String = shape.iter().map(|axis| format!("{axis},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let prefix = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
    [&prefix, header.as_bytes(), &vec![0; length]].concat()
}

/// Input: a byte that chooses the width of the numbers, then `data.pkl` of a PyTorch archive. The archive has the
/// storages of a whole network.
pub fn pytorch(bytes: &[u8]) {
    let Some((width, pickle)) = bytes.split_first() else { return };
    let width = [2, 4, 8][usize::from(*width) % 3];
    let mut files = vec![("x/data.pkl".to_owned(), pickle.to_vec())];
    for (index, array) in Parameters::<f32>::zeros(10).arrays().iter().enumerate() {
        files.push((format!("x/data/{index}"), vec![0; array.len() * width]));
    }
    survives_writing(decode_float(&zip(files)));
}

/// Input: a `.safetensors` file, contracted.
pub fn safetensors(bytes: &[u8]) {
    survives_writing(decode_safetensors(&expand(bytes)));
}

/// Input: a `.tflite` file, contracted.
pub fn tflite(bytes: &[u8]) {
    let Ok(file) = decode_tflite(&expand(bytes)) else { return };
    let model = file.model().expect("the reader checks it");
    let written = encode_tflite(&QuantizedNetwork::from(&model), &model.description());
    // Writing fails only if the description is too long for the format.
    if let Ok(written) = written {
        assert_eq!(decode_tflite(&written).expect("a written file can be read"), file);
    }
}

/// A zip archive of files.
pub fn zip(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, options).expect("the names are different");
        zip.write_all(&content).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}

/// Asserts that a network that was read stays the same when it is written and read again.
fn survives_writing(file: Result<FloatFile, String>) {
    let Ok(FloatFile { network, .. }) = file else { return };
    let bits = |network: &Network| -> Vec<u32> { network.parameters.values().iter().map(|x| x.to_bits()).collect() };
    for written in [encode_safetensors(&network, &[]), encode_npz(&network, &[]).expect("no metadata")] {
        let again = decode_float(&written).expect("a written file can be read").network;
        assert!(again.pools == network.pools && bits(&again) == bits(&network));
    }
}
