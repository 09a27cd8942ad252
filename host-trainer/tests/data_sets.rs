//! Data sets under the names, in the formats and in the folders that people have them in.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

use command::{digits, refusal};
use flate2::Compression;
use flate2::write::GzEncoder;
use host_trainer::data::{Split, digits_10k};
use host_trainer::evaluation::evaluate_int8;
use host_trainer::formats::ModelFile;
use ndarray::Axis;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// 30 test digits that the committed model reads correctly.
fn split() -> Split {
    let test = digits_10k().test.first(60);
    let file = ModelFile::new(&fs::read(digits("digits-10k.lenet")).unwrap());
    let predictions = evaluate_int8(file.model().unwrap(), &test).predictions;
    let right = |index: &usize| predictions[*index] == usize::from(test.labels()[*index]);
    let kept: Vec<usize> = (0..test.len()).filter(right).take(30).collect();
    let labels = test.labels().select(Axis(0), &kept);
    Split::new(test.images().select(Axis(0), &kept), labels, 10).unwrap()
}

fn idx(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    file.extend(content);
    file
}

fn images(split: &Split) -> Vec<u8> {
    idx(&[split.len() as u32, 28, 28], split.all_pixels().as_flattened())
}

fn labels(split: &Split) -> Vec<u8> {
    idx(&[split.len() as u32], &split.labels().to_vec())
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The two files of a part under any names.
fn pair(split: &Split, names: [&str; 2]) -> Vec<(String, Vec<u8>)> {
    names.into_iter().zip([images(split), labels(split)]).map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// What `lenet eval` prints with these arguments: its accuracy line, and the notes.
fn eval(folder: &Path, arguments: &[&str]) -> (String, String) {
    let model = digits("digits-10k.lenet");
    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .args(["eval", model.to_str().unwrap()])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}: {err}");
    (out.lines().find(|line| line.starts_with("accuracy")).unwrap().to_owned(), err)
}

const ALL: &str = "accuracy 100.00 % (30 right)";

#[test]
fn idx_files_are_read_under_all_their_names_and_in_all_their_folders() {
    let split = split();
    for names in [
        ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
        ["MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte"],
        ["t10k-images-idx3-ubyte/t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte"],
        ["t10k_images_idx3_ubyte", "test-labels-idx1-ubyte (1)"],
    ] {
        let folder = TempDir::new().unwrap();
        let packed = TempDir::new().unwrap();
        let files = pair(&split, names);
        for (name, content) in &files {
            write(folder.path(), name, content);
            write(packed.path(), &format!("{name}.gz"), &gzipped(content));
        }
        assert_eq!(eval(folder.path(), &["--data", "."]).0, ALL, "{names:?}");
        assert_eq!(eval(packed.path(), &["--data", "."]).0, ALL, "{names:?}");
        // In an archive, as it is and in a folder.
        write(packed.path(), "plain.zip", &zipped(&files));
        let inside: Vec<_> = files.iter().map(|(name, content)| (format!("top/{name}"), gzipped(content))).collect();
        let inside: Vec<_> = inside.into_iter().map(|(name, content)| (format!("{name}.gz"), content)).collect();
        write(packed.path(), "folder.zip", &zipped(&inside));
        for archive in ["plain.zip", "folder.zip"] {
            assert_eq!(eval(packed.path(), &["--data", archive]).0, ALL, "{names:?} {archive}");
        }
    }
}

#[test]
fn one_file_stands_for_its_set_and_copies_are_reported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    for (name, content) in pair(&split(), ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]) {
        write(path, &name, &content);
        write(path, &format!("{}.gz", name.replace("-idx", ".idx")), &gzipped(&content));
    }
    let (accuracy, notes) = eval(path, &["--data", "t10k-images-idx3-ubyte"]);
    assert_eq!(accuracy, ALL);
    assert!(notes.contains("2 more of the same files are set aside"), "{notes}");
    let message = refusal(path, 1, &["train", "--data", ".", "-o", "run"]);
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");
}

#[test]
fn inverted_sets_are_inverted_and_transposed_ones_reported() {
    let folder = TempDir::new().unwrap();
    let names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    for (set, split) in [("inverted", split().inverted()), ("transposed", split().transposed())] {
        for (name, content) in pair(&split, names) {
            write(&folder.path().join(set), &name, &content);
        }
    }
    let (accuracy, notes) = eval(folder.path(), &["--data", "inverted"]);
    assert_eq!(accuracy, ALL);
    assert!(notes.contains("dark on light paper, so they are inverted"), "{notes}");
    let (accuracy, notes) = eval(folder.path(), &["--data", "inverted", "--inverted", "no"]);
    assert_ne!(accuracy, ALL);
    assert!(notes.contains("the images score 100.00 %") && notes.contains("add --inverted yes"), "{notes}");
    let (accuracy, notes) = eval(folder.path(), &["--data", "transposed"]);
    assert_ne!(accuracy, ALL);
    assert!(notes.contains("add --transposed"), "{notes}");
    assert_eq!(eval(folder.path(), &["--data", "transposed", "--transposed"]).0, ALL);
}

#[test]
fn arrays_and_tables_are_read() {
    let folder = TempDir::new().unwrap();
    let (path, split) = (folder.path(), split());
    let array = |descr: &str, shape: &str, bytes: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\0".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), bytes].concat()
    };
    let wide: Vec<u8> = split.labels().iter().flat_map(|label| i64::from(*label).to_le_bytes()).collect();
    let keras = [
        ("x_test.npy".to_owned(), array("|u1", "(30, 28, 28)", split.all_pixels().as_flattened())),
        ("y_test.npy".to_owned(), array("<i8", "(30,)", &wide)),
        ("x_val.npy".to_owned(), array("|u1", "(0, 28, 28)", &[])),
    ];
    write(path, "keras/mnist.npz", &zipped(&keras));
    for data in ["keras", "keras/mnist.npz"] {
        let (accuracy, notes) = eval(path, &["--data", data]);
        assert_eq!(accuracy, ALL);
        assert!(notes.contains("1 other arrays are set aside: x_val"), "{notes}");
    }

    let lines: Vec<String> = (0..split.len())
        .map(|index| {
            let pixels: Vec<String> = split.pixels(index).iter().map(u8::to_string).collect();
            format!("{},{}", split.labels()[index], pixels.join(","))
        })
        .collect();
    let titles: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
    write(path, "tables/mnist_test.csv", format!("label,{}\n{}\n", titles.join(","), lines.join("\n")).as_bytes());
    write(path, "tables/sample_submission.csv", b"ImageId,Label\n1,0\n");
    let (accuracy, notes) = eval(path, &["--data", "tables"]);
    assert_eq!(accuracy, ALL);
    assert!(notes.contains("sample_submission.csv is set aside: it has 2 columns"), "{notes}");
    // Kaggle's: a table to train on, and one without labels.
    write(path, "kaggle/train.csv", lines.join("\r\n").as_bytes());
    write(path, "kaggle/test.csv", format!("{}\n{}", titles.join(","), lines[0].split_once(',').unwrap().1).as_bytes());
    let (accuracy, notes) = eval(path, &["--data", "kaggle"]);
    assert_eq!(accuracy, ALL);
    assert!(notes.contains("test.csv is set aside: it has images but no labels"), "{notes}");
    write(path, "packed.csv.gz", &gzipped(lines.join("\n").as_bytes()));
    assert_eq!(eval(path, &["--data", "packed.csv.gz"]).0, ALL);
}

/// Writes each image as a file into the folder of its class.
fn write_images(folder: &Path, split: &Split) {
    for index in 0..split.len() {
        let class = folder.join(split.labels()[index].to_string());
        fs::create_dir_all(&class).unwrap();
        image::GrayImage::from_raw(28, 28, split.pixels(index).to_vec())
            .unwrap()
            .save(class.join(format!("{index}.png")))
            .unwrap();
    }
}

#[test]
fn test_images_alone_are_enough_to_judge_a_network() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    write_images(&path.join("own"), &split());
    write_images(&path.join("parted/test"), &split());
    fs::write(path.join("own/3/notes.txt"), "mine").unwrap();
    fs::write(path.join("own/3/photo.heic"), "mine").unwrap();
    for data in ["own", "parted"] {
        let (accuracy, notes) = eval(path, &["--data", data]);
        assert_eq!(accuracy, ALL);
        assert!(notes.contains("has no training images; all 30 images are used for testing"), "{notes}");
    }
    assert!(eval(path, &["--data", "own"]).1.contains("2 files skipped: notes.txt, photo.heic"));
    let model = digits("digits-10k.lenet");
    let printed = command::stdout(path, &["errors", model.to_str().unwrap(), "--data", "own", "-o", "out"]);
    assert!(printed.contains("30 test images of own"), "{printed}");
    // A network that was trained on this folder is judged on what was held out.
    fs::rename(path.join("own"), path.join("digits-10k")).unwrap();
    let (accuracy, notes) = eval(path, &["--data", "digits-10k"]);
    assert!(accuracy != ALL && notes.contains("one image in six of each class is held out"), "{accuracy} {notes}");
}

#[test]
fn a_networks_own_training_images_are_reported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    write_images(&path.join("train"), &digits_10k().train.first(40));
    fs::create_dir(path.join("own")).unwrap();
    fs::rename(path.join("train"), path.join("own/test")).unwrap();
    let (_, notes) = eval(path, &["--data", "own"]);
    assert!(notes.contains("40 of these 40 images are training images of digits-10k"), "{notes}");
    assert!(!eval(path, &[]).1.contains("training images"));
    // A network that may have been trained on MNIST, judged on the built-in digits.
    let model = digits("digits-10k.safetensors");
    command::stdout(path, &["export", model.to_str().unwrap(), "--format", "onnx", "-o", "m.onnx"]);
    let float = host_trainer::formats::read_float(&path.join("m.onnx")).unwrap();
    let bytes = host_trainer::formats::encode_safetensors(&float.network, &[("data", "mnist".into())]);
    fs::write(path.join("mnist.safetensors"), bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .args(["eval", "mnist.safetensors"])
        .current_dir(path)
        .output()
        .unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("1,000 of these 1,000 images belong to MNIST's training set; if mnist,"), "{notes}");
}

#[test]
fn other_files_are_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    write(path, "web/t10k-labels-idx1-ubyte", b"<!DOCTYPE html><html></html>");
    write(path, "web/t10k-images-idx3-ubyte", b"<!DOCTYPE html><html></html>");
    write(path, "t10k-images-idx3-ubyte.gz.html", b"<html>");
    write(path, "train.parquet", b"PAR1....");
    write(path, "mnist.mat", b"MATLAB 5.0 MAT-file");
    write(path, "mnist.7z", b"7z\xbc\xaf\x27\x1c");
    let model = digits("digits-10k.lenet");
    for (data, expected) in [
        ("web", "t10k-labels-idx1-ubyte: it is a web page, not a file of labels"),
        ("t10k-images-idx3-ubyte.gz.html", "it is a web page, not a data set"),
        ("train.parquet", "it is a Parquet file, not a data set; convert"),
        ("mnist.mat", "it is a MATLAB file, not a data set; save it from Python"),
        ("mnist.7z", "unpack it"),
    ] {
        let message = refusal(path, 1, &["eval", model.to_str().unwrap(), "--data", data]);
        assert!(message.contains(expected), "{message}");
    }
}
