//! `lenet show`: images of a data set, on the terminal or as a PNG file, with statistics of their pixels.

mod arguments;
mod facts;
mod layout;

use std::path::Path;

use image::GrayImage;
use lenet_core::architecture::IMAGE_SIDE;

use super::arguments::class_with_label;
use crate::data::{DataSet, Split};
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::numbers::count;
use crate::picture::{digit, enlarge, png, sheet};
use facts::{facts, print_facts};
use layout::draw;

pub use arguments::{Arguments, SplitName};

/// Images per row of a strip in a file.
const STRIP_COLUMNS: usize = 10;
/// Limit on the pixels of a PNG file: 16,384 x 16,384.
const MOST_PIXELS: u64 = 1 << 28;
/// Pixels between two images in a file, at scale 1.
const GAP: u32 = 1;
/// Grey level of these pixels.
const GROUND: u8 = 96;

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
    let data = arguments.data.load(arguments.quiet.quiet)?;
    let split = arguments.split.of(&data);
    let indices = arguments.choose(split, &data)?;
    let images: Vec<GrayImage> = indices.iter().map(|index| digit(split.pixels(*index))).collect();
    let facts = facts(arguments, &data, split, indices);

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
        print_facts(&facts, arguments.split, split.len(), &data.classes);
    }
    Ok(())
}

impl Arguments {
    /// The indices in the split of the images to show, at least one.
    fn choose(&self, split: &Split, data: &DataSet) -> Result<Vec<usize>> {
        let wanted = self.label.as_ref().map(|label| class_with_label(&data.classes, label, "--label")).transpose()?;
        let of_class = |class: &u8| wanted.is_none_or(|wanted| wanted == usize::from(*class));
        let labels = split.labels();
        let matching: Vec<usize> = (0..split.len()).filter(|index| of_class(&labels[*index])).collect();
        let there = || {
            let class = self.label.as_ref().map_or(String::new(), |label| format!(" of class {label}"));
            let data = &data.name;
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

fn check_ending(path: &Path) -> Result<()> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return Ok(());
    }
    Err(Error::Usage(format!("-o {}: the output is always a PNG file; give a name that ends in .png", path.display())))
}
