//! Folders of images: finds the files of each class, splits them into training and test images, and decodes them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_BYTES;
use lenet_core::checksum::crc32;
use lenet_core::labels::MAX_LABEL_BYTES;
use lenet_core::preparation::Preparation;
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::image::FORMATS;
use super::label_file::LABEL_FILE;
use super::names::{self, Part};
use super::natural::natural;
use super::reading::{Need, Prepare, Reading, only_test_images};
use super::{DataSet, Split, image};
use crate::classes::Classes;
use crate::error::{Error, Result};
use crate::numbers::{self, thousands};

/// Constant, so that `train`, `quantize` and `eval` split and order the same folder in the same way.
const SEED: u64 = 1;
/// The random streams 0 to 9 split the classes with these labels.
const TRAIN_ORDER: u64 = 10;
const TEST_ORDER: u64 = 11;
/// The streams from this one on split all other classes.
const FIRST_LABEL_STREAM: u64 = 12;
/// One image in six is held out for testing if there is no `test` folder. MNIST has this ratio too.
pub(super) const TEST_SHARE: usize = 6;
/// Names of a third part, which is not used if the other two are there.
const VALIDATION: [&str; 5] = ["val", "valid", "validation", "dev", "eval"];
/// Files that systems put into folders of images.
const SYSTEM_FILES: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];
/// Skipped files that are named; the others are only counted.
const SKIPPED_SHOWN: usize = 3;
/// How images are sorted into folders, for messages.
const RULE: &str = "images belong directly in the folder of their class, such as A or train/A";

/// A class: its label, which is the name of its folder, and its image files, sorted by name.
struct Class {
    label: String,
    files: Vec<PathBuf>,
}

/// Reads a folder's training and test images, each in a shuffled order, as the data set `name`. Returns `None` if the
/// folder has no subfolders.
pub(super) fn read(folder: &Path, name: String, reading: &Reading) -> Result<Option<DataSet>> {
    let need = &reading.need;
    let Listing { subfolders, hidden, images, others } = list(folder)?;
    let mut notes = Vec::new();
    if subfolders.is_empty() {
        return Ok(None);
    }
    let has = |part: Part| subfolders.iter().find(|name| part_named(name) == Some(part));
    let (train, test) = if let Some(trained) = has(Part::Train) {
        note_hidden(folder, &hidden, &mut notes);
        let tested = has(Part::Test);
        let (aside, others): (Vec<_>, Vec<_>) = subfolders
            .iter()
            .filter(|name| *name != trained && Some(*name) != tested)
            .partition(|name| tested.is_some() && VALIDATION.iter().any(|known| name.eq_ignore_ascii_case(known)));
        refuse_subfolders(folder, others, "only train and test folders are allowed here")?;
        for name in aside {
            notes.push(format!("{}: the folder {} is set aside", folder.display(), name.to_string_lossy()));
        }
        let train = find(&folder.join(trained), &mut notes)?;
        if let Some(tested) = tested {
            let test = matched(&train, find(&folder.join(tested), &mut notes)?, &folder.join(tested))?;
            (train, test)
        } else {
            part(folder, train, &name, need, &mut notes)?
        }
    } else if let Some(tested) = has(Part::Test) {
        if *need == Need::TrainAndTest {
            let problem = "it has the subfolder test but no train; put the training images into a folder for each class \
                           in train";
            return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
        }
        all_for_testing(find(&folder.join(tested), &mut notes)?, &name, &mut notes)
    } else {
        let classes = find(folder, &mut notes)?;
        part(folder, classes, &name, need, &mut notes)?
    };
    note_skipped(folder, images.len() + others.len(), images.iter().chain(&others), &mut notes);
    let classes = Classes::new(train.iter().map(|class| &class.label)).map_err(|problem| Error::File {
        path: folder.to_owned(),
        problem: format!("it has {} class folders: {problem}; add or remove folders", train.len()),
    })?;
    let (train, test) = (decode(&train, TRAIN_ORDER, reading.prepare)?, decode(&test, TEST_ORDER, reading.prepare)?);
    Ok(Some(DataSet { name, classes, train, test, notes }))
}

/// The part that a folder's name means: `train`, `Training`, `testSet` and the like.
fn part_named(name: &OsString) -> Option<Part> {
    names::part(&name.to_str()?.to_lowercase())
}

/// Whether all images of a data set without a part for testing are test images: only these are needed, and the network
/// was trained on something else.
pub(super) fn is_all_for_testing(need: &Need, name: &str) -> bool {
    match need {
        Need::TrainAndTest => false,
        Need::Test(trained_on) => {
            !trained_on.as_ref().is_some_and(|trained_on| trained_on.split('+').any(|set| set == name))
        }
    }
}

fn all_for_testing(classes: Vec<Class>, name: &str, notes: &mut Vec<String>) -> (Vec<Class>, Vec<Class>) {
    let count: usize = classes.iter().map(|class| class.files.len()).sum();
    notes.push(only_test_images(name, count));
    (classes.iter().map(|class| Class { label: class.label.clone(), files: Vec::new() }).collect(), classes)
}

/// Says how many files in a folder were not used.
fn note_skipped<'a>(
    folder: &Path,
    count: usize,
    files: impl IntoIterator<Item = &'a PathBuf>,
    notes: &mut Vec<String>,
) {
    let names: Vec<String> = files
        .into_iter()
        .take(SKIPPED_SHOWN)
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    if count > 0 {
        let more = if count > names.len() { ", ..." } else { "" };
        let names = names.join(", ");
        notes.push(format!("{}: {} skipped: {names}{more}", folder.display(), numbers::count(count, "file")));
    }
}

/// The subfolder names and image paths in a folder. All are sorted, because file systems list them in different orders.
struct Listing {
    subfolders: Vec<OsString>,
    /// Subfolders whose names start with a dot. Hidden images are not listed.
    hidden: Vec<OsString>,
    images: Vec<PathBuf>,
    /// Other files, and hidden images.
    others: Vec<PathBuf>,
}

fn list(folder: &Path) -> Result<Listing> {
    let mut listing = Listing { subfolders: Vec::new(), hidden: Vec::new(), images: Vec::new(), others: Vec::new() };
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let name = entry.map_err(Error::read(folder))?.file_name();
        let path = folder.join(&name);
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if path.is_dir() {
            if hidden { listing.hidden.push(name) } else { listing.subfolders.push(name) }
        } else if !hidden && image::is_image(&path) {
            listing.images.push(path);
        } else if name.to_str() != Some(LABEL_FILE) && !SYSTEM_FILES.contains(&name.to_str().unwrap_or_default()) {
            listing.others.push(path);
        }
    }
    listing.subfolders.sort_unstable();
    listing.hidden.sort_unstable();
    listing.images.sort_unstable();
    listing.others.sort_unstable();
    Ok(listing)
}

fn note_hidden(folder: &Path, hidden: &[OsString], notes: &mut Vec<String>) {
    if !hidden.is_empty() {
        notes.push(format!("{}: hidden folders are ignored: {}", folder.display(), joined(hidden)));
    }
}

fn joined<'a>(names: impl IntoIterator<Item = &'a OsString>) -> String {
    names.into_iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ")
}

fn refuse_subfolders<'a>(folder: &Path, names: impl IntoIterator<Item = &'a OsString>, rule: &str) -> Result<()> {
    let names = joined(names);
    if names.is_empty() {
        return Ok(());
    }
    let problem = format!("it has the subfolders {names}, but {rule}; rename them or move them elsewhere");
    Err(Error::File { path: folder.to_owned(), problem })
}

/// Finds the images of each class, in the natural order of the labels. There must be at least one image.
fn find(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<Class>> {
    let Listing { subfolders, hidden, .. } = list(folder)?;
    note_hidden(folder, &hidden, notes);
    let mut classes = Vec::new();
    for name in subfolders {
        let path = folder.join(&name);
        let label = label(&name).map_err(|problem| Error::File { path: path.clone(), problem })?;
        let Listing { subfolders, hidden, images, others } = list(&path)?;
        refuse_subfolders(&path, &subfolders, RULE)?;
        note_hidden(&path, &hidden, notes);
        note_skipped(&path, others.len(), &others, notes);
        classes.push(Class { label, files: images });
    }
    if classes.iter().all(|class| class.files.is_empty()) {
        let problem =
            format!("it holds no images; put {FORMATS} files into a subfolder for each class, such as A and B");
        return Err(Error::File { path: folder.to_owned(), problem });
    }
    classes.sort_by(|a, b| natural(&a.label, &b.label));
    Ok(classes)
}

/// The label that a folder's name stands for: the name.
fn label(name: &OsString) -> std::result::Result<String, String> {
    let label = name.to_str().ok_or("its name, which is the label of a class, is not UTF-8; rename the folder")?;
    if label.len() > MAX_LABEL_BYTES {
        return Err(format!(
            "its name has {} bytes, but it is the label of a class and may have at most {MAX_LABEL_BYTES}; rename the \
             folder",
            label.len()
        ));
    }
    if label.chars().any(char::is_control) {
        return Err("its name, which is the label of a class, contains a control character; rename the folder".into());
    }
    Ok(label.to_owned())
}

/// The test images of the classes in `train`, in their order. Each class in `test` must be in `train`.
fn matched(train: &[Class], mut test: Vec<Class>, folder: &Path) -> Result<Vec<Class>> {
    let known = |class: &Class| train.iter().any(|other| other.label == class.label);
    let unknown: Vec<&str> = test.iter().filter(|class| !known(class)).map(|class| class.label.as_str()).collect();
    if !unknown.is_empty() {
        let problem = format!(
            "it has folders for {}, but train has none; add training images of these classes, or remove their test images",
            unknown.join(", ")
        );
        return Err(Error::File { path: folder.to_owned(), problem });
    }
    let mut files_of = |label: &str| {
        test.iter_mut()
            .find(|class| class.label == label)
            .map(|class| std::mem::take(&mut class.files))
            .unwrap_or_default()
    };
    Ok(train.iter().map(|class| Class { label: class.label.clone(), files: files_of(&class.label) }).collect())
}

/// Splits each class separately, so that adding images to one class, or another class, leaves the split of the others
/// unchanged.
fn part(
    folder: &Path,
    mut train: Vec<Class>,
    name: &str,
    need: &Need,
    notes: &mut Vec<String>,
) -> Result<(Vec<Class>, Vec<Class>)> {
    let held_out_of = |files: usize| (files + TEST_SHARE / 2) / TEST_SHARE;
    let too_few = train.iter().all(|class| held_out_of(class.files.len()) == 0);
    if is_all_for_testing(need, name) || too_few && *need != Need::TrainAndTest {
        return Ok(all_for_testing(train, name, notes));
    }
    let mut test = Vec::new();
    for Class { label, files } in &mut train {
        files.shuffle(&mut stream(stream_of(label)));
        let count = held_out_of(files.len());
        test.push(Class { label: label.clone(), files: files.split_off(files.len() - count) });
    }
    let count = |classes: &[Class]| classes.iter().map(|class| class.files.len()).sum::<usize>();
    let (left, held_out) = (count(&train), count(&test));
    if held_out == 0 {
        let problem = "it has too few images to hold any out for testing; put at least three images into one class, or \
                       test images into folders such as test/A and training images into train/A";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    }
    notes.push(format!(
        "{name}: no test folder, so one image in six of each class is held out for testing: {} of {}",
        thousands(held_out),
        thousands(left + held_out)
    ));
    Ok((train, test))
}

/// The random stream that splits a class. It depends on nothing but the label.
fn stream_of(label: &str) -> u64 {
    match label.as_bytes() {
        [digit @ b'0'..=b'9'] => u64::from(digit - b'0'),
        bytes => FIRST_LABEL_STREAM + u64::from(crc32(bytes)),
    }
}

fn stream(number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(number);
    rng
}

fn decode(classes: &[Class], order: u64, prepare: Prepare) -> Result<Split> {
    let labelled = (0..).zip(classes).flat_map(|(number, class)| class.files.iter().map(move |file| (file, number)));
    let mut files: Vec<(&PathBuf, u8)> = labelled.collect();
    files.shuffle(&mut stream(order));
    // Decode all files before looking for errors, so that the error always names the same one of several bad files.
    let small = if prepare == Prepare::Never { Preparation::AsTheyAre } else { Preparation::Drawing };
    let decoded: Vec<Result<Pixels>> = files.par_iter().map(|(path, _)| image::read_example(path, small)).collect();
    let images: Vec<Pixels> = decoded.into_iter().collect::<Result<_>>()?;
    let images = Array2::from_shape_vec((files.len(), IMAGE_BYTES), images.into_flattened());
    let labels: Array1<u8> = files.iter().map(|(_, class)| *class).collect();
    let images = images.expect("each image has 784 pixels");
    Ok(Split::new(images, labels, classes.len()).expect("the classes are numbered from 0"))
}

#[cfg(test)]
mod tests;
