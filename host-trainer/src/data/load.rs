//! Reads a data set from a folder, or from several.

use std::path::{Path, PathBuf};

use lenet_core::architecture::IMAGE_BYTES;
use ndarray::{Array1, Array2};

use super::archive::{Archive, read_archive};
use super::csv::{Table, read_table};
use super::embedded::{DIGITS_10K, digits_10k};
use super::merge::merge;
use super::names::Part;
use super::naming::{Naming, is_emnist_table};
use super::polarity::{Inverted, are_inverted, invert, transpose};
use super::preparation::prepared;
use super::reading::{Need, Prepare, Reading, only_test_images};
use super::sets::{Content, Files, Pairs};
use super::unpack::{Packing, unpack};
use super::{DataSet, Split, folder};
use crate::content::{Foreign, LFS_REMEDY, START, WEB_PAGE_REMEDY};
use crate::error::{Error, Result};
use crate::input;
use crate::numbers::thousands;

impl DataSet {
    /// Reads the data set in a folder, or those in several folders as one; returns the embedded one if no folder is
    /// given, or for the name `digits-10k` if no folder is called that.
    ///
    /// Several are merged by label: the classes are those of the first set, then new ones of the second, and so on. The
    /// images of the sets alternate in proportion to their numbers, each set's in their own order, so that the last
    /// images, which may be held out for validation, come from all sets. Training and test images stay separate. The
    /// name joins the sets' names with `+`.
    ///
    /// # Errors
    /// Names the first file that is missing, unreadable or malformed. Also when a folder is given twice, or together
    /// there are more than 64 classes.
    pub fn load(folders: &[PathBuf]) -> Result<Self> {
        Self::load_with(folders, &Reading::default())
    }

    /// Like [`load`](Self::load), in the given way.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with(folders: &[PathBuf], reading: &Reading) -> Result<Self> {
        let read = |folder: &PathBuf| Self::from_folder_with(folder, reading);
        match folders {
            [] => Ok(turned(digits_10k(), reading)),
            [folder] => read(folder),
            _ => {
                for (index, folder) in folders.iter().enumerate() {
                    let absolute = absolute(folder);
                    if folders[..index].iter().any(|earlier| self::absolute(earlier) == absolute) {
                        return Err(Error::Usage(format!("--data {} is given twice; give it once", folder.display())));
                    }
                }
                merge(&folders.iter().map(read).collect::<Result<Vec<_>>>()?)
            }
        }
    }

    /// Reads the data set in a folder, a file or an archive. The data set gets its name.
    ///
    /// **Files.** MNIST's four IDX files under any of their usual names, in the folder or in one up to three levels
    /// below it, and EMNIST's, Kuzushiji-49's and Kuzushiji-MNIST's; a NumPy archive with all arrays, like Keras'
    /// `mnist.npz`; or tables (CSV) with a label and 784 pixels a line. The labels of the classes are the lines of
    /// `labels.txt`; else those in EMNIST's mapping file; else those of a [known](super::known) set; else the classes are
    /// called `0`, `1` and so on up to the largest label. EMNIST's images are transposed, and its letters counted from 1;
    /// both are corrected. Dark images on light paper are inverted.
    ///
    /// **Image files.** A folder without such files has its images in one subfolder for each class, called like the
    /// class's label, or in such subfolders of `train` and `test`. The classes are in natural order of the labels: `2`
    /// before `10`, `b` between `A` and `C`. If there is no `test` folder, one image in six of each class is held out
    /// for testing, chosen by the label and the file names alone. [`image`](super::image) explains how an image is
    /// prepared. Other files are ignored.
    ///
    /// **Archives.** A zip or tar archive, gzipped or not, with any of these is unpacked to a temporary folder. If it has
    /// a single folder at its top, that is the one.
    ///
    /// # Errors
    /// Those of [`load`](Self::load). Also when there are fewer than 2 or more than 64 classes, a subfolder's name is not
    /// a label, a class has a folder in `test` but none in `train`, or there is no image for training or testing.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        Self::from_folder_with(folder, &Reading::default())
    }

    /// Like [`from_folder`](Self::from_folder), in the given way.
    ///
    /// # Errors
    /// Those of [`from_folder`](Self::from_folder).
    pub fn from_folder_with(path: &Path, reading: &Reading) -> Result<Self> {
        if path == Path::new(DIGITS_10K) && !path.exists() {
            return Self::load_with(&[], reading);
        }
        let absolute = path.canonicalize().map_err(Error::read(path))?;
        let name = absolute.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned());
        let mut data = if path.is_dir() { of_folder(path, name, reading) } else { of_file(path, name, reading) }?;
        data = turned(data, reading);
        data.notes.extend(without_images(&data));
        Ok(data)
    }

    /// The same data set with rows and columns of every image exchanged.
    pub fn transposed(self) -> Self {
        Self { train: self.train.transposed(), test: self.test.transposed(), ..self }
    }
}

impl Split {
    /// The same images with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let mut turned = self.clone();
        transpose(&mut turned.images);
        turned
    }

    /// The same images with dark and light exchanged.
    pub fn inverted(&self) -> Self {
        let mut inverted = self.clone();
        invert(&mut inverted.images);
        inverted
    }
}

/// The data set with its images turned and prepared as they should be.
fn turned(data: DataSet, reading: &Reading) -> DataSet {
    let data = if reading.transposed { data.transposed() } else { data };
    match reading.prepare {
        Prepare::Always => DataSet { train: prepared(&data.train), test: prepared(&data.test), ..data },
        _ => data,
    }
}

fn of_folder(folder: &Path, name: String, reading: &Reading) -> Result<DataSet> {
    if let Some(files) = Files::find(folder)? {
        return of_files(folder, files, name, reading);
    }
    let images = folder::read(folder, name.clone(), reading);
    // A folder that is not one of images may be the one above the files.
    if let Ok(Some(data)) = images {
        return Ok(data);
    }
    if let Some(files) = Files::find_below(folder)? {
        return of_files(folder, files, name, reading);
    }
    images?.ok_or_else(|| Error::MissingIdx { folder: folder.to_owned(), name: "train-images-idx3-ubyte".into() })
}

fn of_file(path: &Path, name: String, reading: &Reading) -> Result<DataSet> {
    let stem = name.split('.').next().unwrap_or_default().to_owned();
    if let Some(files) = Files::with(path)? {
        let folder = path.parent().unwrap_or(path).to_owned();
        return of_files(&folder, files, stem, reading);
    }
    if let Some(packing) = Packing::of(path)? {
        let place = tempfile::tempdir().map_err(Error::write(&std::env::temp_dir()))?;
        unpack(path, packing, place.path())?;
        let top = only_folder(place.path());
        // The temporary folder is gone when a person reads the message, so it names the place in the archive.
        return of_folder(&top, stem, reading).map_err(|error| error.moved(place.path(), path));
    }
    let start = input::read_start(path, START as u64)?;
    let found =
        Foreign::of(&start).map_or("not a data set".into(), |foreign| format!("{}, not a data set", foreign.name()));
    let remedy = match Foreign::of(&start) {
        Some(Foreign::Parquet) => "convert it to a folder of images: for each row i, save image i as LABEL/i.png",
        Some(Foreign::Matlab | Foreign::Hdf5 | Foreign::Pickle | Foreign::Npy) => {
            "save it from Python with numpy.savez(\"set.npz\", x_train=..., y_train=..., x_test=..., y_test=...)"
        }
        Some(Foreign::WebPage) => WEB_PAGE_REMEDY,
        Some(Foreign::LfsPointer) => LFS_REMEDY,
        Some(Foreign::Packed) => "unpack it",
        _ => "give a folder, IDX files, an .npz, a .csv, or a zip or tar archive of these",
    };
    Err(Error::File { path: path.to_owned(), problem: format!("it is {found}; {remedy}") })
}

/// The folder itself, or the only thing in it if that is a folder.
fn only_folder(folder: &Path) -> PathBuf {
    let mut top = folder.to_owned();
    loop {
        let entries: Vec<PathBuf> =
            std::fs::read_dir(&top).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        match entries.as_slice() {
            [only] if only.is_dir() => top.clone_from(only),
            _ => return top,
        }
    }
}

/// The folder's absolute path, or the path itself if there is no such folder.
fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// Notes about classes without images.
fn without_images(data: &DataSet) -> Vec<String> {
    let (train, test) = (data.train.counts(), data.test.counts());
    let of_all = |condition: &dyn Fn(usize) -> bool| {
        let labels: Vec<&str> =
            (0..data.classes.count()).filter(|c| condition(*c)).map(|c| data.classes.label(c)).collect();
        (!labels.is_empty()).then(|| labels.join(", "))
    };
    let trained = !data.train.is_empty();
    let untrained = of_all(&|class| trained && train[class] == 0).map(|labels| {
        format!("{}: no training images of {labels}; the network cannot learn what it never sees", data.name)
    });
    let untested = of_all(&|class| (!trained || train[class] > 0) && test[class] == 0)
        .map(|labels| format!("{}: no test images of {labels}", data.name));
    untrained.into_iter().chain(untested).collect()
}

/// What the files of a data set hold.
struct Contents {
    train: Option<Content>,
    test: Option<Content>,
    notes: Vec<String>,
}

fn of_files(folder: &Path, files: Files, name: String, reading: &Reading) -> Result<DataSet> {
    let contents = match &files {
        Files::Pairs(pairs) => of_pairs(pairs, &reading.need, &name),
        Files::Npz(path) => of_archive(path, &name),
        Files::Tables(tables) => of_tables(tables, &name),
    }?;
    let Contents { mut train, mut test, mut notes } = contents;
    let pairs = match &files {
        Files::Pairs(pairs) => Some(pairs),
        _ => None,
    };
    let emnist = pairs.is_some_and(|pairs| pairs.emnist().is_some()) || is_emnist_table(&files);
    let mut all: Vec<&mut Content> = train.iter_mut().chain(test.iter_mut()).collect();
    if emnist {
        all.iter_mut().for_each(|content| transpose(&mut content.images));
    }
    let inverted = match reading.inverted {
        Inverted::Yes => true,
        Inverted::No => false,
        Inverted::Auto => {
            let inverted = are_inverted(all.iter().map(|content| &content.images));
            if inverted {
                notes.push(format!(
                    "{name}: the images are dark on light paper, so they are inverted; --inverted no takes them as they are"
                ));
            }
            inverted
        }
    };
    if inverted {
        all.iter_mut().for_each(|content| invert(&mut content.images));
    }
    if train.is_none() && test.is_none() {
        return Err(Error::MissingIdx { folder: folder.to_owned(), name: "train-images-idx3-ubyte".into() });
    }
    if test.is_none() {
        let (left, held_out) = part(train.take().expect("one of them is there"), &reading.need, &name, &mut notes);
        (train, test) = (left, Some(held_out));
    }
    if train.is_none() && reading.need == Need::TrainAndTest {
        let path = test.as_ref().map_or(folder, |content| &content.label_path).to_owned();
        let problem = "it has test images, but there are no training images beside it; add them".into();
        return Err(Error::File { path, problem });
    }
    let home = pairs.map_or(folder, |pairs| &pairs.folder);
    let parts: Vec<&Content> = train.iter().chain(test.iter()).collect();
    let naming = Naming::find([home, folder], &files, &parts, &mut notes)?;
    let empty = || Split::empty(naming.classes.count());
    let split = |content: Option<Content>| content.map_or_else(|| Ok(empty()), |content| naming.split(content));
    let (train, test) = (split(train)?, split(test)?);
    if train.is_empty() {
        notes.push(only_test_images(&name, test.len()));
    }
    Ok(DataSet { name, classes: naming.classes, train, test, notes })
}

fn of_pairs(pairs: &Pairs, need: &Need, name: &str) -> Result<Contents> {
    let mut notes = Vec::new();
    if !pairs.aside.is_empty() {
        let copies: Vec<String> = pairs.aside.iter().map(|path| path.display().to_string()).collect();
        notes.push(format!("{name}: {} more of the same files are set aside: {}", copies.len(), copies.join(", ")));
    }
    let test_only = matches!(need, Need::Test(_)) && !pairs.has(Part::Train);
    // Training images alone are not split here: MNIST's sets have test images, and one is then missing.
    let train = if test_only { None } else { Some(pairs.read(Part::Train)?) };
    Ok(Contents { train, test: Some(pairs.read(Part::Test)?), notes })
}

fn of_archive(path: &Path, name: &str) -> Result<Contents> {
    let Archive { parts, others } = read_archive(path)?;
    let mut contents = Contents { train: None, test: None, notes: Vec::new() };
    for (part, content) in parts {
        *contents.of(part) = Some(content);
    }
    if !others.is_empty() {
        contents.notes.push(format!("{name}: {} other arrays are set aside: {}", others.len(), others.join(", ")));
    }
    Ok(contents)
}

fn of_tables(tables: &[(PathBuf, Option<Part>)], name: &str) -> Result<Contents> {
    let mut contents = Contents { train: None, test: None, notes: Vec::new() };
    for (path, part) in tables {
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        let (images, labels) = match read_table(input::open(path)?).map_err(Error::file(path))? {
            Table::Images(images, labels) => (images, labels),
            Table::Unlabelled => {
                contents.notes.push(format!("{name}: {shown} is set aside: it has images but no labels"));
                continue;
            }
            Table::Other(columns) => {
                contents.notes.push(format!(
                    "{name}: {shown} is set aside: it has {columns} columns, not a label and 784 pixels"
                ));
                continue;
            }
        };
        let place = contents.of(part.unwrap_or(Part::Train));
        if place.is_some() {
            contents.notes.push(format!("{name}: {shown} is set aside: another table has the same part"));
            continue;
        }
        if labels.is_empty() {
            return Err(Error::File {
                path: path.clone(),
                problem: "it contains no images; at least one is needed".into(),
            });
        }
        *place = Some(Content { images, labels, label_path: path.clone(), label_bytes: Vec::new() });
    }
    if contents.train.is_none() && contents.test.is_none() {
        let problem = format!("its tables hold no images with labels ({})", contents.notes.join("; "));
        let path = tables.first().map(|(path, _)| path.clone()).unwrap_or_default();
        return Err(Error::File { path, problem });
    }
    Ok(contents)
}

impl Contents {
    fn of(&mut self, part: Part) -> &mut Option<Content> {
        match part {
            Part::Train => &mut self.train,
            Part::Test => &mut self.test,
        }
    }
}

/// Holds out one image in six for testing, evenly spaced, or all if only test images are needed and the network was
/// not trained on this set: what is left to train on, and the test images.
fn part(content: Content, need: &Need, name: &str, notes: &mut Vec<String>) -> (Option<Content>, Content) {
    if folder::is_all_for_testing(need, name) || content.labels.len() < folder::TEST_SHARE {
        return (None, content);
    }
    let indices = 0..content.labels.len();
    let (test, train): (Vec<usize>, Vec<usize>) =
        indices.partition(|index| index % folder::TEST_SHARE == folder::TEST_SHARE - 1);
    notes.push(format!(
        "{name}: no test images, so one in six is held out for testing: {} of {}",
        thousands(test.len()),
        thousands(content.labels.len())
    ));
    let select = |indices: &[usize]| Content {
        images: Array2::from_shape_vec(
            (indices.len(), IMAGE_BYTES),
            indices.iter().flat_map(|index| content.images.row(*index).to_vec()).collect(),
        )
        .expect("each image has 784 pixels"),
        labels: indices.iter().map(|index| content.labels[*index]).collect::<Array1<u8>>(),
        label_path: content.label_path.clone(),
        label_bytes: Vec::new(),
    };
    (Some(select(&train)), select(&test))
}

#[cfg(test)]
mod tests;
