use std::fs;

use tempfile::TempDir;

use super::super::label_file::LABEL_FILE;
use super::super::npz::tests::archive;
use super::*;

/// An IDX file of unsigned bytes.
fn idx(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    file.extend(content);
    file
}

/// Images that can be identified: the second pixel is their number.
fn pixels(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| (0..784).map(move |place| if place == 1 { number as u8 } else { 0 })).collect()
}

fn write(folder: &Path, part: &str, labels: &[u8]) {
    let count = labels.len() as u32;
    let images = idx(&[count, 28, 28], &pixels(labels.len()));
    fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(&[count], labels)).unwrap();
}

/// A folder in the form of MNIST.
fn mnist(train: &[u8], test: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "train", train);
    write(folder.path(), "t10k", test);
    folder
}

fn read(folder: &TempDir) -> DataSet {
    DataSet::from_folder(folder.path()).unwrap()
}

fn refusal(folder: &TempDir) -> String {
    DataSet::from_folder(folder.path()).unwrap_err().to_string()
}

fn labels(data: &DataSet) -> String {
    data.classes.labels().join(" ")
}

#[test]
fn classes_without_names_are_numbered_up_to_the_largest_label() {
    let data = read(&mnist(&[0, 2, 1, 1], &[1, 0]));
    assert_eq!((labels(&data).as_str(), data.train.classes(), data.test.classes()), ("0 1 2", 3, 3));
    assert_eq!((data.train.counts(), data.test.counts()), (vec![1, 2, 1], vec![1, 1, 0]));
    assert!(data.notes.len() == 1 && data.notes[0].ends_with("no test images of 2"), "{:?}", data.notes);
    assert_eq!(labels(&read(&mnist(&[0], &[0]))), "0 1");
    assert_eq!(read(&mnist(&[63], &[0])).classes.count(), 64);
    let data = read(&mnist(&[0], &[3]));
    assert_eq!(data.classes.count(), 4);
    assert!(data.notes[0].contains("no training images of 1, 2, 3;"), "{:?}", data.notes);
    let message = refusal(&mnist(&[0, 64], &[0]));
    assert!(message.contains("train-labels-idx1-ubyte: label 1 is 64") && message.contains("at most 64"), "{message}");
    assert!(refusal(&mnist(&[], &[0])).contains("contains no images"));
}

#[test]
fn a_label_file_names_the_classes() {
    let folder = mnist(&[0, 2], &[1]);
    let path = folder.path().join(LABEL_FILE);
    fs::write(&path, "\u{feff}A\r\nplus\r\nさ\r\nmore\r\n\r\n").unwrap();
    let data = read(&folder);
    assert_eq!((labels(&data).as_str(), data.train.counts()), ("A plus さ more", vec![1, 0, 1, 0]));
    fs::write(&path, "A\nplus\n").unwrap();
    let message = refusal(&folder);
    assert!(message.contains("label 1 is 2, but labels.txt has 2 classes, 0 to 1; add a line"), "{message}");
    fs::write(&path, "A\n\nplus\n").unwrap();
    assert!(refusal(&folder).contains("labels.txt: line 2 is blank"));
}

#[test]
fn letters_of_emnist_are_turned_and_counted_from_1() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "emnist-letters-train", &[1, 3, 2]);
    write(folder.path(), "emnist-letters-test", &[2]);
    let unnamed = read(&folder);
    assert_eq!((labels(&unnamed).as_str(), unnamed.train.labels().to_vec()), ("0 1 2", vec![0, 2, 1]));
    assert!(unnamed.notes[0].contains("no emnist-letters-mapping.txt"), "{:?}", unnamed.notes);

    let mapping = folder.path().join("emnist-letters-mapping.txt");
    fs::write(&mapping, "1 65 97\n2 66 98\n3 67 99\n").unwrap();
    let data = read(&folder);
    assert_eq!((labels(&data).as_str(), data.train.labels().to_vec()), ("A B C", vec![0, 2, 1]));
    // The second pixel of the first row became the second pixel of the first column.
    assert_eq!((data.train.pixels(2)[1], data.train.pixels(2)[28]), (0, 2));
    fs::write(folder.path().join(LABEL_FILE), "a\nb\nc\n").unwrap();
    assert_eq!(labels(&read(&folder)), "a b c");
    fs::remove_file(folder.path().join(LABEL_FILE)).unwrap();

    fs::write(&mapping, "1 65 97\n2 66 98\n").unwrap();
    assert!(refusal(&folder).contains("label 1 is 3, but the mapping file has 2 classes, 1 to 2"));
    fs::write(&mapping, "1 65\n3 66\n").unwrap();
    assert!(refusal(&folder).contains("mapping.txt: line 2 must be class 2"));
    fs::remove_file(mapping).unwrap();
    write(folder.path(), "emnist-letters-test", &[0]);
    assert!(refusal(&folder).contains("label 0 is 0, but"));
}

#[test]
fn numpy_archives_are_read_and_their_classes_known() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, shape: &str, numbers: &[u8]| {
        fs::write(folder.path().join(name), archive("arr_0.npy", "|u1", shape, numbers)).unwrap();
    };
    write("k49-train-imgs.npz", "(2, 28, 28)", &pixels(2));
    write("k49-train-labels.npz", "(2,)", &[48, 0]);
    write("k49-test-imgs.npz", "(1, 28, 28)", &pixels(1));
    write("k49-test-labels.npz", "(1,)", &[1]);
    let data = read(&folder);
    assert_eq!((data.classes.count(), data.classes.label(48)), (49, "ゝ"));
    assert_eq!((data.train.labels().to_vec(), data.train.pixels(1)[1]), (vec![48, 0], 1));
    write("k49-test-labels.npz", "(1, 1)", &[1]);
    assert!(refusal(&folder).contains("k49-test-labels.npz: its shape is [1, 1]"));
    write("k49-test-labels.npz", "(2,)", &[1, 2]);
    assert!(refusal(&folder).contains("2 labels for 1 images"));
    write("k49-test-labels.npz", "(1,)", &[49]);
    assert!(refusal(&folder).contains("label 0 is 49, but the known data set has 49 classes"));
    write("k49-train-imgs.npz", "(2, 784)", &pixels(2));
    assert!(refusal(&folder).contains("k49-train-imgs.npz: its shape is [2, 784]"));
    fs::remove_file(folder.path().join("k49-train-imgs.npz")).unwrap();
    assert!(refusal(&folder).contains("cannot read") && refusal(&folder).contains("k49-train-imgs.npz"));
}

#[test]
fn several_folders_become_one_set() {
    let (first, second) = (mnist(&[0, 1], &[1]), mnist(&[0, 1, 2, 1], &[0, 2]));
    fs::write(second.path().join(LABEL_FILE), "1\nA\nB\n").unwrap();
    let folders = [first.path().to_owned(), second.path().to_owned()];
    let data = DataSet::load(&folders).unwrap();
    assert_eq!(
        (labels(&data).as_str(), data.train.counts(), data.test.counts()),
        ("0 1 A B", vec![1, 2, 2, 1], vec![0, 2, 0, 1])
    );
    assert!(data.name.contains('+'));
    let message = DataSet::load(&[folders[0].clone(), folders[1].clone(), folders[0].clone()]).unwrap_err().to_string();
    assert!(message.contains("is given twice"), "{message}");
    // One folder gives exactly what it gives alone.
    let one = DataSet::load(&folders[1..]).unwrap();
    assert_eq!((one.train, one.test), (read(&second).train, read(&second).test));
    assert_eq!(DataSet::load(&[]).unwrap().name, "digits-10k");
}

/// Where Debian's package dataset-fashion-mnist puts it.
#[test]
fn fashion_mnist_is_known() {
    let folder = Path::new("/usr/share/datasets/fashion-mnist");
    if folder.exists() {
        assert_eq!(DataSet::from_folder(folder).unwrap().classes.label(9), "Ankle boot");
    } else {
        println!("skipped: {} does not exist", folder.display());
    }
}
