//! `lenet show`: images of a data set, on the terminal or as a PNG file, with statistics of their pixels.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use image::GrayImage;
use lenet_core::CLASSES;
use lenet_core::architecture::IMAGE_SIDE;
use serde::Serialize;

use super::{DataArguments, QuietArguments};
use crate::data::{DataSet, Split};
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::numbers::{count, thousands};
use crate::picture::terminal::{self, Shades};
use crate::picture::{digit, enlarge, png, sheet};

/// Smallest side of an image on the terminal, in pixels; below this, digits cannot be recognized.
const LEAST_SIDE: usize = 7;
/// Images per row of a strip in a file.
const STRIP_COLUMNS: usize = 10;
/// Limit on the pixels of a PNG file: 16,384 x 16,384.
const MOST_PIXELS: u64 = 1 << 28;
/// Pixels between two images in a file, at scale 1.
const GAP: u32 = 1;
/// Grey level of these pixels.
const GROUND: u8 = 96;

/// Arguments of `lenet show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet show                                  (the first test digit)
  lenet show --range 0..10                    (a strip of ten)
  lenet show --data mnist --split train --grid 10x10 --label 7
  lenet show --index 3 --normalize 0.1307,0.3081
  lenet show --grid 10x10 -o digits.png")]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// Which part of the data set to show.
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    /// Show image N, counted from 0 [default: 0].
    #[arg(long, value_name = "N", group = "which")]
    index: Option<usize>,
    /// Show the images from A up to, but not including, B as a strip.
    #[arg(long, value_name = "A..B", group = "which", value_parser = parse_range)]
    range: Option<Range<usize>>,
    /// Show the first images in C columns and R rows.
    #[arg(long, value_name = "CxR", group = "which", value_parser = parse_grid)]
    grid: Option<Grid>,
    /// Show only images of class D; N, A, B and CxR then count only those. The index printed with an
    /// image still counts all images of the split.
    #[arg(long, value_name = "D", value_parser = parse_label)]
    label: Option<u8>,
    /// Write the images to this PNG file instead of the terminal.
    #[arg(short, long, value_name = "FILE.png")]
    output: Option<PathBuf>,
    /// Enlargement in the file: each pixel becomes KxK pixels [default: 8 for one image, 4 for up to
    /// 25, 2 for more].
    #[arg(long, value_name = "K", requires = "output", value_parser = clap::value_parser!(u32).range(1..=100))]
    scale: Option<u32>,
    /// Overwrite the file if it exists.
    #[arg(long, requires = "output")]
    force: bool,
    /// Also print statistics of (p/255 - MEAN) / STD, the usual way to normalize pixels; for MNIST give
    /// 0.1307,0.3081.
    #[arg(long, value_name = "MEAN,STD", value_parser = parse_normalization, allow_hyphen_values = true)]
    normalize: Option<Normalization>,
    /// Print one JSON object instead of a picture.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// A part of a data set on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SplitName {
    /// Images that networks are trained on.
    Train,
    /// Images that networks are tested on.
    Test,
}

impl SplitName {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// As in "training images" and "test images".
    fn adjective(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }

    fn of(self, data: &DataSet) -> &Split {
        match self {
            Self::Train => &data.train,
            Self::Test => &data.test,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Grid {
    columns: usize,
    rows: usize,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Normalization {
    mean: f64,
    std: f64,
}

/// Facts about the images shown.
#[derive(Serialize)]
struct Facts<'a> {
    data: &'a str,
    split: &'static str,
    indices: Vec<usize>,
    labels: Vec<u8>,
    shape: Vec<usize>,
    /// Of the pixels p, 0 to 255.
    bytes: Figures,
    /// Of p/255.
    unit: Figures,
    /// Of (p/255 - mean) / std.
    #[serde(skip_serializing_if = "Option::is_none")]
    normalized: Option<Normalized>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrote: Option<&'a Path>,
}

#[derive(Serialize)]
struct Normalized {
    by: Normalization,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Figures {
    minimum: f64,
    maximum: f64,
    mean: f64,
    /// Of the population, so divided by n, not n - 1.
    standard_deviation: f64,
}

impl Figures {
    /// Of at least one byte.
    fn of(bytes: impl Iterator<Item = u8>) -> Self {
        let mut counts = [0u64; 256];
        bytes.for_each(|byte| counts[usize::from(byte)] += 1);
        let levels =
            || (0..=255u8).zip(counts).filter(|(_, count)| *count > 0).map(|(byte, n)| (f64::from(byte), n as f64));
        let total: f64 = levels().map(|(_, n)| n).sum();
        let mean = levels().map(|(level, n)| level * n).sum::<f64>() / total;
        let variance = levels().map(|(level, n)| (level - mean).powi(2) * n).sum::<f64>() / total;
        let ends = levels().fold((f64::MAX, f64::MIN), |(low, high), (level, _)| (low.min(level), high.max(level)));
        Self { minimum: ends.0, maximum: ends.1, mean, standard_deviation: variance.sqrt() }
    }

    /// Of (value - `offset`) / `divisor`. `divisor` is above 0.
    fn affine(self, offset: f64, divisor: f64) -> Self {
        let map = |value: f64| (value - offset) / divisor;
        Self {
            minimum: map(self.minimum),
            maximum: map(self.maximum),
            mean: map(self.mean),
            standard_deviation: self.standard_deviation / divisor,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// Unreadable data, images that do not exist, an unwritable output, a grid too wide for the terminal.
pub fn run(arguments: &Arguments) -> Result<()> {
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    if let Some(path) = &arguments.output {
        check_ending(path)?;
        check_writable(path, existing)?;
    }
    let data = arguments.data.load()?;
    let split = arguments.split.of(&data);
    let indices = arguments.choose(split, &data.name)?;
    let images: Vec<GrayImage> = indices.iter().map(|index| digit(split.pixels(*index))).collect();
    let facts = facts(arguments, &data.name, split, indices);

    match &arguments.output {
        Some(path) => {
            let picture = arguments.sheet(&images)?;
            let (width, height) = picture.dimensions();
            write_whole(path, &png(picture), existing)?;
            if !arguments.json && !arguments.quiet.quiet {
                println!("wrote  {}, {} x {} pixels", path.display(), width, height);
            }
        }
        None if !arguments.json && !arguments.quiet.quiet => {
            for line in draw(arguments, &images, &facts)? {
                println!("{line}");
            }
            println!();
        }
        None => (),
    }
    if arguments.json {
        // JSON must be UTF-8, but a path need not be.
        let json = serde_json::to_string(&facts);
        println!("{}", json.map_err(|error| Error::Usage(format!("--json: {error}; rename the file")))?);
    } else if !arguments.quiet.quiet {
        print_facts(&facts, arguments.split, split.len());
    }
    Ok(())
}

impl Arguments {
    /// The indices in the split of the images to show, at least one.
    fn choose(&self, split: &Split, data: &str) -> Result<Vec<usize>> {
        let of_class = |label: &u8| self.label.is_none_or(|wanted| wanted == *label);
        let labels = split.labels();
        let matching: Vec<usize> = (0..split.len()).filter(|index| of_class(&labels[*index])).collect();
        let there = || {
            let class = self.label.map_or(String::new(), |label| format!(" of class {label}"));
            format!("{data} has {}{class}", count(matching.len(), &format!("{} image", self.split.adjective())))
        };
        if matching.is_empty() {
            return Err(Error::Usage(format!("{}; choose another class with --label", there())));
        }
        let last = matching.len() - 1;
        let range = match (&self.range, self.grid, self.index) {
            (Some(range), ..) if range.end > matching.len() => {
                return Err(Error::Usage(format!(
                    "--range {}..{} goes too far: {}, so B can be at most {}",
                    range.start,
                    range.end,
                    there(),
                    matching.len()
                )));
            }
            (Some(range), ..) => range.clone(),
            (_, Some(grid), _) => 0..grid.columns.saturating_mul(grid.rows).min(matching.len()),
            (.., index) => {
                let index = index.unwrap_or(0);
                if index > last {
                    return Err(Error::Usage(format!("there is no image {index}: {}, 0 to {last}", there())));
                }
                index..index + 1
            }
        };
        Ok(matching[range].to_vec())
    }

    /// The picture for the file.
    fn sheet(&self, images: &[GrayImage]) -> Result<GrayImage> {
        let default = match images.len() {
            1 => 8,
            2..=25 => 4,
            _ => 2,
        };
        let scale = self.scale.unwrap_or(default);
        let columns = self.grid.map_or(STRIP_COLUMNS, |grid| grid.columns).min(images.len());
        let pixels = |count: usize| count as u64 * u64::from(scale) * (IMAGE_SIDE as u64 + 1);
        let (width, height) = (pixels(columns), pixels(images.len().div_ceil(columns)));
        if width * height > MOST_PIXELS {
            return Err(Error::Usage(format!(
                "the picture would have about {width} x {height} pixels; show fewer images, or lower --scale"
            )));
        }
        let enlarged: Vec<GrayImage> = images.iter().map(|image| enlarge(image, scale)).collect();
        match enlarged.as_slice() {
            [one] => Ok(one.clone()),
            many => Ok(sheet(many, columns, GAP * scale, GROUND)),
        }
    }
}

fn facts<'a>(arguments: &'a Arguments, data: &'a str, split: &Split, indices: Vec<usize>) -> Facts<'a> {
    let bytes = Figures::of(indices.iter().flat_map(|index| split.pixels(*index).iter().copied()));
    let unit = bytes.affine(0.0, 255.0);
    let normalized = |by: Normalization| Normalized { by, figures: unit.affine(by.mean, by.std) };
    let of_one = [1, IMAGE_SIDE, IMAGE_SIDE];
    Facts {
        data,
        split: arguments.split.name(),
        labels: indices.iter().map(|index| split.labels()[*index]).collect(),
        shape: if indices.len() == 1 { of_one.to_vec() } else { [&[indices.len()], of_one.as_slice()].concat() },
        indices,
        bytes,
        unit,
        normalized: arguments.normalize.map(normalized),
        wrote: arguments.output.as_deref(),
    }
}

/// The images as lines for the terminal, with captions if there are several.
fn draw(arguments: &Arguments, images: &[GrayImage], facts: &Facts<'_>) -> Result<Vec<String>> {
    let (width, shades) = (terminal::width(), Shades::of_stdout());
    let (columns, side) = match arguments.grid {
        Some(grid) => {
            let columns = grid.columns.min(images.len());
            (columns, grid_side(columns, width)?)
        }
        None => strip_layout(images.len(), width),
    };
    let captions = if images.len() == 1 { Vec::new() } else { captions(arguments, facts, side) };
    let mut lines = Vec::new();
    for (row, images) in images.chunks(columns).enumerate() {
        let tiles: Vec<Vec<String>> = images.iter().map(|image| tile(image, side, shades)).collect();
        for line in 0..tiles[0].len() {
            let parts: Vec<&str> = tiles.iter().map(|tile| tile[line].as_str()).collect();
            lines.push(parts.join(" "));
        }
        if let Some(captions) = captions.chunks(columns).nth(row) {
            let centred: Vec<String> = captions.iter().map(|caption| format!("{caption:^side$}")).collect();
            lines.push(centred.join(" ").trim_end().to_owned());
        }
    }
    Ok(lines)
}

fn tile(image: &GrayImage, side: usize, shades: Shades) -> Vec<String> {
    if side == IMAGE_SIDE {
        return terminal::lines(image, shades);
    }
    terminal::lines(&terminal::reduce(image, side as u32), shades)
}

/// Columns of a strip, and the side of its images: full size if all fit on one line, else half.
fn strip_layout(images: usize, width: usize) -> (usize, usize) {
    let fitting = |side: usize| ((width + 1) / (side + 1)).max(1);
    if images <= fitting(IMAGE_SIDE) { (images, IMAGE_SIDE) } else { (fitting(IMAGE_SIDE / 2), IMAGE_SIDE / 2) }
}

/// The side of the images in a grid, so that the grid fits the terminal.
fn grid_side(columns: usize, width: usize) -> Result<usize> {
    let side = ((width + 1) / columns).saturating_sub(1);
    if side >= LEAST_SIDE {
        return Ok(side.min(IMAGE_SIDE));
    }
    Err(Error::Usage(format!(
        "{columns} digits side by side need a terminal of {} columns, but this one has {width}; use fewer, or -o \
         FILE.png",
        columns * (LEAST_SIDE + 1) - 1
    )))
}

/// The caption below each image: index and label, or if both do not fit, the one that matters more.
fn captions(arguments: &Arguments, facts: &Facts<'_>, side: usize) -> Vec<String> {
    let pairs = || facts.indices.iter().zip(&facts.labels);
    let both: Vec<String> = pairs().map(|(index, label)| format!("{index}: {label}")).collect();
    if both.iter().all(|caption| caption.len() <= side) {
        return both;
    }
    pairs()
        .map(|(index, label)| if arguments.label.is_some() { index.to_string() } else { label.to_string() })
        .collect()
}

fn print_facts(facts: &Facts<'_>, part: SplitName, of: usize) {
    let (data, split) = (facts.data, part.adjective());
    match (facts.indices.as_slice(), facts.labels.as_slice()) {
        ([index], [label]) => {
            println!("image       {} of {} {split} images of {data}", thousands(*index), thousands(of));
            println!("label       {label}");
        }
        (indices, labels) => {
            let (first, last) = (indices[0], indices[indices.len() - 1]);
            println!("images      {} of {} {split} images of {data}", thousands(indices.len()), thousands(of));
            println!("index       {} to {}", thousands(first), thousands(last));
            print_labels(labels);
        }
    }
    let shape: Vec<String> = facts.shape.iter().map(usize::to_string).collect();
    println!("shape       {}", shape.join("x"));
    println!("\n{:<10} {:>10} {:>10} {:>10} {:>10}", "", "minimum", "maximum", "mean", "deviation");
    let Figures { minimum, maximum, mean, standard_deviation } = facts.bytes;
    println!("{:<10} {minimum:>10} {maximum:>10} {mean:>10.2} {standard_deviation:>10.2}", "p");
    let row = |name: &str, figures: Figures, note: &str| {
        let Figures { minimum, maximum, mean, standard_deviation } = figures;
        println!("{name:<10} {minimum:>10.4} {maximum:>10.4} {mean:>10.4} {standard_deviation:>10.4}{note}");
    };
    row("p/255", facts.unit, "");
    if let Some(Normalized { by, figures }) = facts.normalized {
        row("normalized", figures, &format!("  (p/255 - {}) / {}", by.mean, by.std));
    }
}

/// Prints all labels in order if there are few, else the number of images in each class.
fn print_labels(labels: &[u8]) {
    if labels.len() <= 20 {
        let labels: Vec<String> = labels.iter().map(u8::to_string).collect();
        println!("labels      {}", labels.join(" "));
        return;
    }
    let classes = 0..CLASSES as u8;
    let row =
        |cell: &dyn Fn(u8) -> usize| classes.clone().map(|class| format!("{:>6}", cell(class))).collect::<String>();
    println!("label  {}", row(&usize::from));
    let counts = row(&|class| labels.iter().filter(|label| **label == class).count());
    println!("images {counts}");
}

fn check_ending(path: &Path) -> Result<()> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return Ok(());
    }
    Err(Error::Usage(format!("-o {}: the output is always a PNG file; give a name that ends in .png", path.display())))
}

fn parse_range(text: &str) -> std::result::Result<Range<usize>, String> {
    let refused = || "give A..B, such as 0..10 for images 0 to 9".to_owned();
    let (start, end) = text.split_once("..").ok_or_else(refused)?;
    let range = start.parse().map_err(|_| refused())?..end.parse().map_err(|_| refused())?;
    if range.is_empty() {
        return Err(format!("the range is empty, because it ends before B; {}", refused()));
    }
    Ok(range)
}

fn parse_grid(text: &str) -> std::result::Result<Grid, String> {
    let number = |text: &str| text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 1_000);
    let parts = text.split_once(['x', 'X']).and_then(|(columns, rows)| Some((number(columns)?, number(rows)?)));
    let (columns, rows) = parts.ok_or("give COLUMNSxROWS, each 1 to 1000, such as 10x10")?;
    Ok(Grid { columns: columns.get(), rows: rows.get() })
}

fn parse_label(text: &str) -> std::result::Result<u8, String> {
    text.parse().ok().filter(|label| *label <= 9).ok_or_else(|| "the classes are 0 to 9".into())
}

fn parse_normalization(text: &str) -> std::result::Result<Normalization, String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let parts = text.split_once(',').and_then(|(mean, std)| Some((number(mean)?, number(std)?)));
    match parts {
        Some((mean, std)) if std > 0.0 => Ok(Normalization { mean, std }),
        _ => Err("give a mean and a standard deviation above 0, such as 0.1307,0.3081".into()),
    }
}
