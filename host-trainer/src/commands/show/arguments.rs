//! The command line of `lenet show`.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::{QuietArguments, TurnedDataArguments};
use crate::data::{DataSet, Split};

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
    pub(super) data: TurnedDataArguments,
    /// Which part of the data set to show.
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(super) split: SplitName,
    /// Show image N, counted from 0 [default: 0].
    #[arg(long, value_name = "N", group = "which")]
    pub(super) index: Option<usize>,
    /// Show the images from A up to, but not including, B as a strip.
    #[arg(long, value_name = "A..B", group = "which", value_parser = parse_range)]
    pub(super) range: Option<Range<usize>>,
    /// Show the first images in C columns and R rows.
    #[arg(long, value_name = "CxR", group = "which", value_parser = parse_grid)]
    pub(super) grid: Option<Grid>,
    /// Show only images of the class with this label; N, A, B and CxR then count only those. The index printed with an
    /// image still counts all images of the split.
    #[arg(long, value_name = "NAME")]
    pub(super) label: Option<String>,
    /// Write the images to this PNG file instead of the terminal.
    #[arg(short, long, value_name = "FILE.png")]
    pub(super) output: Option<PathBuf>,
    /// Enlargement in the file: each pixel becomes KxK pixels [default: 8 for one image, 4 for up to
    /// 25, 2 for more].
    #[arg(long, value_name = "K", requires = "output", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) scale: Option<u32>,
    /// Overwrite the file if it exists.
    #[arg(long, requires = "output")]
    pub(super) force: bool,
    /// Also print statistics of (p/255 - MEAN) / STD, the usual way to normalize pixels; for MNIST give
    /// 0.1307,0.3081.
    #[arg(long, value_name = "MEAN,STD", value_parser = parse_normalization, allow_hyphen_values = true)]
    pub(super) normalize: Option<Normalization>,
    /// Print one JSON object instead of a picture.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) quiet: QuietArguments,
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
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// As in "training images" and "test images".
    pub(super) fn adjective(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }

    pub(super) fn of(self, data: &DataSet) -> &Split {
        match self {
            Self::Train => &data.train,
            Self::Test => &data.test,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Normalization {
    pub(super) mean: f64,
    pub(super) std: f64,
}

fn parse_range(text: &str) -> Result<Range<usize>, String> {
    let refused = || "give A..B, such as 0..10 for images 0 to 9".to_owned();
    let (start, end) = text.split_once("..").ok_or_else(refused)?;
    let range = start.parse().map_err(|_| refused())?..end.parse().map_err(|_| refused())?;
    if range.is_empty() {
        return Err(format!("the range is empty; B must be larger than A: {}", refused()));
    }
    Ok(range)
}

fn parse_grid(text: &str) -> Result<Grid, String> {
    let number = |text: &str| text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 1_000);
    let parts = text.split_once(['x', 'X']).and_then(|(columns, rows)| Some((number(columns)?, number(rows)?)));
    let (columns, rows) = parts.ok_or("give COLUMNSxROWS, each 1 to 1000, such as 10x10")?;
    Ok(Grid { columns: columns.get(), rows: rows.get() })
}

fn parse_normalization(text: &str) -> Result<Normalization, String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let parts = text.split_once(',').and_then(|(mean, std)| Some((number(mean)?, number(std)?)));
    match parts {
        Some((mean, std)) if std > 0.0 => Ok(Normalization { mean, std }),
        _ => Err("give a mean and a standard deviation above 0, such as 0.1307,0.3081".into()),
    }
}
