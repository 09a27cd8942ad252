//! Scales and centres a clean drawing the way MNIST's digits were. The letters of `data/make-letters` are defined by this
//! code, byte for byte, so it stays as it is; pictures that people bring are prepared by `lenet_core::preparation`.

use host_trainer::data::image::{border, median};
use image::imageops;
use image::{GrayImage, Luma};
use lenet_core::Pixels;
use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};

const SIDE: u32 = IMAGE_SIDE as u32;
const BOX_SIDE: u32 = 20;
/// At this side length, a drawing that fills only 1/28 of the side still has the 20 pixels that the result needs.
const REDUCED_SIDE: u32 = BOX_SIDE * SIDE;
/// MNIST's digits have their centre of mass in this row and column.
const CENTRE: u32 = 14;
/// Rows and columns around the box that faint ink may reach into.
const MARGIN: u32 = 1;
/// Noise threshold in median deviations; for Gaussian noise this is 5.4 standard deviations.
const NOISE: u8 = 8;
const LEAST_CONTRAST: u8 = 32;
const STRONG: u8 = 64;

/// Scales and centres the drawing in a grey image of any size, dark on light or light on dark, the way MNIST's digits
/// were:
///
/// 1. An image with a side of 1120 pixels or more is averaged down to between 560 and 1120, which also reduces noise.
/// 2. The median of the border pixels is taken as the background; if it is above 127, the image is inverted. So leave a
///    margin around the drawing.
/// 3. Pixels count as ink if they exceed the background by more than a threshold: eight times the border's median
///    deviation from the background, or half the contrast of the strongest ink if that is lower. This removes grey
///    paper, its noise and soft shadows.
/// 4. The bounding box of all ink with at least a quarter of the strongest ink's level is scaled so that its longer
///    side is 20 pixels. Each pixel is the average of the area it covers. Fainter ink may reach one pixel beyond the
///    box.
/// 5. Levels are stretched so that the strongest ink is 255; otherwise averaging would fade thin strokes.
/// 6. The box is shifted by whole pixels until the centre of mass is within half a pixel of row 14 and column 14,
///    counted from 0, but never beyond the edge of the image.
///
/// The result is all 0 if there is no ink: if nothing exceeds the background both by 32 of 255 levels and by more than
/// eight times the median difference between neighbours on the border.
pub(crate) fn normalize(image: &GrayImage) -> Pixels {
    let mut pixels = [0; IMAGE_BYTES];
    if image.is_empty() {
        return pixels;
    }
    let Some(ink) = find_ink(&with_light_ink(&reduce(image))) else {
        return pixels;
    };
    let strong = || ink.enumerate_pixels().filter(|(_, _, level)| level.0[0] >= STRONG);
    let columns = Extent::around(strong().map(|(x, ..)| x), ink.width());
    let rows = Extent::around(strong().map(|(_, y, _)| y), ink.height());
    let longer = columns.length.max(rows.length);
    let (width, height) = (columns.scaled(longer), rows.scaled(longer));
    let scaled = scale(&ink, (&columns, width), (&rows, height));

    let strongest = u32::from(scaled.iter().copied().max().unwrap_or(0)).max(1);
    let left = offset(width, scaled.enumerate_pixels().map(|(x, _, level)| (x, level.0[0])));
    let top = offset(height, scaled.enumerate_pixels().map(|(_, y, level)| (y, level.0[0])));
    for (x, y, level) in scaled.enumerate_pixels() {
        let place = |start: u32, place: u32| (start + place).checked_sub(MARGIN).filter(|place| *place < SIDE);
        if let (Some(column), Some(row)) = (place(left, x), place(top, y)) {
            let stretched = (u32::from(level.0[0]) * 255 + strongest / 2) / strongest;
            pixels[(row * SIDE + column) as usize] = stretched as u8;
        }
    }
    pixels
}

fn reduce(image: &GrayImage) -> GrayImage {
    let (width, height) = image.dimensions();
    match width.max(height) / REDUCED_SIDE {
        0 | 1 => image.clone(),
        factor => imageops::thumbnail(image, (width / factor).max(1), (height / factor).max(1)),
    }
}

fn with_light_ink(image: &GrayImage) -> GrayImage {
    let mut image = image.clone();
    if background(&image) > 127 {
        imageops::invert(&mut image);
    }
    image
}

fn background(image: &GrayImage) -> u8 {
    median(border(image.width(), image.height()).map(|(x, y)| image.get_pixel(x, y).0[0]))
}

/// The ink on each pixel of an image with light ink, scaled so that the strongest is 255. `None` if there is no ink.
fn find_ink(image: &GrayImage) -> Option<GrayImage> {
    let level = |(x, y)| image.get_pixel(x, y).0[0];
    let background = background(image);
    let contrast = image.iter().copied().max()?.saturating_sub(background);
    let border = border(image.width(), image.height());
    // Differences between neighbours measure noise alone: a soft shadow hardly adds to them.
    let grain = median(border.clone().zip(border.clone().skip(1)).map(|(a, b)| level(a).abs_diff(level(b))));
    if contrast < LEAST_CONTRAST || contrast <= grain.saturating_mul(NOISE) {
        return None;
    }
    let deviation = median(border.map(|place| level(place).abs_diff(background)));
    let margin = deviation.saturating_mul(NOISE).min(contrast / 2);
    Some(GrayImage::from_fn(image.width(), image.height(), |x, y| {
        let above = level((x, y)).saturating_sub(background);
        let kept = if above > margin { u32::from(above) } else { 0 };
        Luma([((kept * 255 + u32::from(contrast) / 2) / u32::from(contrast)) as u8])
    }))
}

/// The position of a box along one axis of an image, in pixels.
struct Extent {
    start: u32,
    length: u32,
    image: u32,
}

impl Extent {
    fn around(places: impl Iterator<Item = u32> + Clone, image: u32) -> Self {
        let start = places.clone().min().unwrap_or(0);
        Self { start, length: places.max().map_or(1, |last| last + 1 - start), image }
    }

    fn scaled(&self, longer: u32) -> u32 {
        ((self.length * BOX_SIDE + longer / 2) / longer).max(1)
    }

    /// The pixels covered by one part of the box, each with the length covered, in units of 1 / `parts` pixels. The box
    /// is divided into `parts` equal parts, numbered from [`MARGIN`]; the margins before and after it have parts too.
    fn covered(&self, parts: u32, part: u32) -> impl Iterator<Item = (u32, u64)> {
        let edge = |part: u32| {
            (self.start * parts + part * self.length).saturating_sub(MARGIN * self.length).min(self.image * parts)
        };
        let (start, end) = (edge(part), edge(part + 1));
        (start / parts..end.div_ceil(parts)).map(move |pixel| {
            let overlap = end.min((pixel + 1) * parts) - start.max(pixel * parts);
            (pixel, u64::from(overlap))
        })
    }
}

/// Averages the ink in a box and the margin around it. The box is given by its columns and rows, each with their number
/// in the result.
fn scale(ink: &GrayImage, (columns, width): (&Extent, u32), (rows, height): (&Extent, u32)) -> GrayImage {
    let area = u64::from(columns.length) * u64::from(rows.length);
    GrayImage::from_fn(width + 2 * MARGIN, height + 2 * MARGIN, |column, row| {
        let mut sum = 0;
        for (y, tall) in rows.covered(height, row) {
            for (x, wide) in columns.covered(width, column) {
                sum += tall * wide * u64::from(ink.get_pixel(x, y).0[0]);
            }
        }
        Luma([((sum + area / 2) / area) as u8])
    })
}

/// Where a box of `length` pixels has to start along one axis for its centre of mass to lie in the centre pixel. The
/// positions of `ink` include the margin.
fn offset(length: u32, ink: impl Iterator<Item = (u32, u8)>) -> u32 {
    let (mass, moment) =
        ink.fold((0, 0), |(mass, moment), (place, level)| (mass + u32::from(level), moment + place * u32::from(level)));
    let centre_of_mass = (moment + mass / 2) / mass.max(1);
    (CENTRE + MARGIN).saturating_sub(centre_of_mass).min(SIDE - length)
}
