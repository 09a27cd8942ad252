//! Images as lines of text that fit the terminal.

use image::GrayImage;
use lenet_core::architecture::IMAGE_SIDE;

use super::arguments::Arguments;
use super::facts::Facts;
use crate::error::{Error, Result};
use crate::picture::terminal::{self, Shades};

/// Smallest side of an image on the terminal, in pixels; below this, digits cannot be recognized.
const LEAST_SIDE: usize = 7;

/// The images as lines for the terminal, with captions if there are several.
pub(super) fn draw(arguments: &Arguments, images: &[GrayImage], facts: &Facts<'_>) -> Result<Vec<String>> {
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
    let pairs = || facts.indices.iter().zip(&facts.label_names);
    let both: Vec<String> = pairs().map(|(index, label)| format!("{index}: {label}")).collect();
    if both.iter().all(|caption| caption.chars().count() <= side) {
        return both;
    }
    // A longer label is cut.
    pairs()
        .map(|(index, label)| match arguments.label {
            Some(_) => index.to_string(),
            None => label.chars().take(side).collect(),
        })
        .collect()
}
