//! `lenet errors`: lists the misread test images and why they were misread, and can write it all to files.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use image::GrayImage;
use serde::Serialize;

use super::arguments::print_notes;
use super::output::spinner;
use super::{PoolArguments, PrepareArgument, QuietArguments, ThreadArguments, TurnedDataArguments, hints};
use crate::analysis::{Analyst, Misread, Misreads, Statistic, Subject, Verdict};
use crate::classes::Classes;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, create_folder, remove_temporaries, write_whole};
use crate::formats::NetworkFile;
use crate::numbers::{percent, thousands};
use crate::picture;

/// One picture with all misread images.
const SHEET: &str = "contact-sheet.png";
/// A table with one line per misread image.
const TABLE: &str = "errors.csv";
/// A folder with one picture per misread image.
const DIGITS: &str = "digits";
/// Images per row of the sheet.
const COLUMNS: usize = 10;
/// Width of the printed table, in characters.
const COLUMNS_OF_TEXT: usize = 80;
/// Enlargement of each pixel, in the sheet and in the single pictures.
const SCALES: [u32; 2] = [3, 8];

/// Arguments of `lenet errors`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet errors runs/mnist-default/model.lenet --data mnist
  lenet errors runs/mnist-default/model.lenet --data mnist -o errors
  lenet errors data/digits-10k/digits-10k.lenet --json")]
pub struct Arguments {
    /// Float network (.safetensors, .pt, .npz) or int8 model (.lenet, .tflite).
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    #[command(flatten)]
    data: TurnedDataArguments,
    #[command(flatten)]
    prepare: PrepareArgument,
    /// Write contact-sheet.png, errors.csv, and a PNG of each misread image in digits/, to this folder.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite the files that an earlier run wrote there.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

#[derive(Serialize)]
struct ErrorsJson<'a> {
    kind: &'static str,
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// By class.
    labels: &'a [String],
    images: usize,
    correct: usize,
    accuracy: f64,
    misread: &'a [Misread],
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or invalid network, unreadable data, an unwritable folder.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file =
        arguments.pools.complete(&arguments.model, NetworkFile::read(&arguments.model)?, arguments.quiet.quiet)?;
    let subject = Subject::of_file(&file, &arguments.model)?;
    let output = arguments.output.as_deref().map(|path| Output::create(path, arguments.force)).transpose()?;
    let pool = arguments.threads.pool()?;
    let data = pool
        .install(|| arguments.data.load_to_judge(&file, &arguments.model, arguments.prepare, arguments.quiet.quiet))?;
    let progress = spinner("Finding and explaining misread images", arguments.quiet.quiet);
    let found = pool.install(|| Analyst::new(&subject, &data.train).misreads(&data.test));
    if let Some(output) = &output {
        output.write(&found, &data.test, &data.classes)?;
    }
    progress.finish_and_clear();
    let correct = found.images - found.misread.len();
    let accuracy = correct as f64 / found.images as f64;
    let notes = pool.install(|| hints::of_accuracy(&file, &arguments.model, &data, &data.test, accuracy))?;
    print_notes(&notes, arguments.quiet.quiet);
    let identity = file.identity(&arguments.model)?;
    let kind = match file {
        NetworkFile::Float(_) => "float",
        NetworkFile::Int8(_) => "int8",
    };
    if arguments.json {
        let Misreads { images, misread, .. } = &found;
        let answer = ErrorsJson {
            kind,
            data: &data.name,
            identity,
            labels: data.classes.labels(),
            images: *images,
            correct,
            accuracy,
            misread,
        };
        println!("{}", serde_json::to_string(&answer).expect("an answer has only numbers and names"));
        return Ok(());
    }
    if arguments.quiet.quiet {
        return Ok(());
    }
    println!("{kind}, {} test images of {}", thousands(found.images), data.name);
    println!("accuracy {} ({} misread)", percent(accuracy), thousands(found.misread.len()));
    if let Some(identity) = identity {
        println!("model identity {identity}");
    }
    print!("{}", table(&found, &data.classes));
    if let Some(output) = &output {
        println!("\nwrote  {}: {SHEET} {TABLE} {DIGITS}", output.folder.display());
    }
    Ok(())
}

/// The misread images as text for people, in 80 columns.
fn table(found: &Misreads, classes: &Classes) -> String {
    let mut text = String::new();
    if found.misread.is_empty() {
        return text;
    }
    let pair = |misread: &Misread| format!("{} as {}", classes.label(misread.label), classes.label(misread.predicted));
    let width = found.misread.iter().map(|misread| pair(misread).chars().count()).max().unwrap_or_default().max(7);
    writeln!(text, "\n{:<width$}  index   sure  margin  verdict", "read as").expect("a String");
    for confusion in found.confusions() {
        for misread in &confusion.misread {
            let Misread { index, probability, margin, verdict, .. } = misread;
            let pair = pair(misread);
            let sure = format!("{:.1} %", 100.0 * probability);
            let line = format!("{pair:<width$} {index:>6} {sure:>7}  {margin:>5.2}  {verdict}:");
            let reason = misread.reason(*verdict);
            // A reason that does not fit goes on the next line.
            let gap = if line.chars().count() + 1 + reason.len() > COLUMNS_OF_TEXT {
                format!("\n{:1$}", "", width + 24)
            } else {
                " ".into()
            };
            writeln!(text, "{line}{gap}{reason}").expect("a String");
        }
    }
    writeln!(text, "\nimages  verdict                 also true of").expect("a String");
    for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Mistake) {
        let rate = found.rate_of_others(verdict).map_or("–".into(), percent);
        let (count, name) = (found.count(verdict), verdict.to_string());
        writeln!(text, "{count:>6}  {name:<22}  {rate:>7} of correctly read images").expect("a String");
    }
    writeln!(text, "{:>6}  {}", found.count(Verdict::Mistake), Verdict::Mistake).expect("a String");
    text
}

/// The folder for the files.
struct Output {
    folder: PathBuf,
    existing: Existing,
}

impl Output {
    /// Checks that everything can be written, before the work begins.
    fn create(folder: &Path, force: bool) -> Result<Self> {
        let existing = if force { Existing::Overwrite } else { Existing::Keep };
        let digits = folder.join(DIGITS);
        create_folder(&digits)?;
        for path in [folder.join(SHEET), folder.join(TABLE)] {
            check_writable(&path, existing)?;
        }
        let written = fs::read_dir(&digits).map_err(Error::read(&digits))?.filter_map(|entry| {
            let path = entry.ok()?.path();
            is_picture_name(path.file_name()?).then_some(path)
        });
        let written: Vec<PathBuf> = written.collect();
        if let (Some(path), Existing::Keep) = (written.first(), existing) {
            return Err(Error::Exists { path: path.clone() });
        }
        check_writable(&digits.join(picture_name(0, 0, 0)), existing)?;
        Ok(Self { folder: folder.to_owned(), existing })
    }

    fn write(&self, found: &Misreads, split: &Split, classes: &Classes) -> Result<()> {
        let digits = self.folder.join(DIGITS);
        if self.existing == Existing::Overwrite {
            remove_temporaries(&digits)?;
            // Another model misreads different images, so the old pictures must go.
            for entry in fs::read_dir(&digits).map_err(Error::read(&digits))? {
                let path = entry.map_err(Error::read(&digits))?.path();
                if path.file_name().is_some_and(is_picture_name) {
                    fs::remove_file(&path).map_err(Error::write(&path))?;
                }
            }
        }
        let [small, large] = SCALES;
        let mut tiles: Vec<GrayImage> = Vec::new();
        for misread in found.confusions().iter().flat_map(|confusion| &confusion.misread) {
            let digit = picture::digit(split.pixels(misread.index));
            let path = digits.join(picture_name(misread.index, misread.label, misread.predicted));
            write_whole(&path, &picture::png(picture::enlarge(&digit, large)), self.existing)?;
            tiles.push(picture::captioned(&digit, &caption(misread, classes)));
        }
        // A picture cannot be empty, so without misread images it is one blank tile.
        if tiles.is_empty() {
            tiles.push(picture::captioned(&picture::digit(&[0; lenet_core::IMAGE_BYTES]), ""));
        }
        let sheet = picture::sheet(&tiles, COLUMNS, 2, GROUND);
        write_whole(&self.folder.join(SHEET), &picture::png(picture::enlarge(&sheet, small)), self.existing)?;
        write_whole(&self.folder.join(TABLE), csv(found, classes).as_bytes(), self.existing)
    }
}

/// Grey level between the images of the sheet: dark like their background, but distinguishable from it.
const GROUND: u8 = 48;

fn picture_name(index: usize, label: usize, predicted: usize) -> String {
    format!("{index:05}-{label}-as-{predicted}.png")
}

fn is_picture_name(name: &OsStr) -> bool {
    let numbers = name.to_str().and_then(|name| {
        let (index, classes) = name.strip_suffix(".png")?.split_once('-')?;
        let (label, predicted) = classes.split_once("-as-")?;
        Some((index.parse().ok()?, label.parse().ok()?, predicted.parse().ok()?))
    });
    numbers.is_some_and(|(index, label, predicted)| name == picture_name(index, label, predicted).as_str())
}

/// The labels of an image's class and of the predicted one, or their numbers if these labels are too long or cannot be
/// drawn.
fn caption(misread: &Misread, classes: &Classes) -> String {
    let labels = format!("{}>{}", classes.label(misread.label), classes.label(misread.predicted));
    if picture::fits_below(&labels, lenet_core::architecture::IMAGE_SIDE as u32) {
        return labels;
    }
    format!("{}>{}", misread.label, misread.predicted)
}

/// A label as a field of a table: in quotes if it has a character with a meaning there.
fn field(label: &str) -> String {
    if label.contains([',', '"', ';']) || label.trim() != label {
        return format!("\"{}\"", label.replace('"', "\"\""));
    }
    label.to_owned()
}

/// One line per misread image, in the order of the sheet. `label` and `predicted` are the numbers of classes; the last
/// columns have their labels, which are the only fields that may need quotes.
fn csv(found: &Misreads, classes: &Classes) -> String {
    let mut text = String::from(
        "index,label,predicted,probability,label_probability,label_rank,margin,entropy,verdict,rules,\
         neighbour_labels,neighbour_indices,pixel_neighbour_labels,outliers",
    );
    for statistic in Statistic::ALL {
        write!(text, ",{statistic}").expect("a String");
    }
    text.push_str(",label_name,predicted_name\n");
    for m in found.confusions().iter().flat_map(|confusion| &confusion.misread) {
        let joined = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<_>>().join(" ");
        let key = |verdict: &Verdict| {
            serde_json::to_value(verdict)
                .map_or_else(|_| String::new(), |key| key.as_str().unwrap_or_default().to_owned())
        };
        write!(
            text,
            "{},{},{},{:.6},{:.6},{},{:.4},{:.4},{},{},{},{},{},{}",
            m.index,
            m.label,
            m.predicted,
            m.probability,
            m.label_probability,
            m.label_rank,
            m.margin,
            m.entropy,
            key(&m.verdict),
            joined(&mut m.rules.iter().map(key)),
            joined(&mut m.neighbours.iter().map(|near| near.label.to_string())),
            joined(&mut m.neighbours.iter().map(|near| near.index.to_string())),
            joined(&mut m.pixel_neighbours.iter().map(|near| near.label.to_string())),
            joined(&mut m.outliers().into_iter().map(|outlier| outlier.statistic.to_string())),
        )
        .expect("a String");
        for standing in &m.standings {
            write!(text, ",{:.4}", standing.value).expect("a String");
        }
        let [label, predicted] = [m.label, m.predicted].map(|class| field(classes.label(class)));
        writeln!(text, ",{label},{predicted}").expect("a String");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_fields_of_a_table() {
        for (label, expected) in
            [("7", "7"), ("plus", "plus"), ("a,b", "\"a,b\""), ("\"", "\"\"\"\""), (" x", "\" x\"")]
        {
            assert_eq!(field(label), expected);
        }
    }

    #[test]
    fn only_names_of_ours_are_ours() {
        assert!(is_picture_name(OsStr::new("00247-4-as-9.png")) && is_picture_name(OsStr::new("123456-4-as-9.png")));
        for other in ["247-4-as-9.png", "00247-4-as-9.jpg", "holiday.png", "00247-4-as-9 (1).png", "a-4-as-9.png"] {
            assert!(!is_picture_name(OsStr::new(other)), "{other}");
        }
    }
}
