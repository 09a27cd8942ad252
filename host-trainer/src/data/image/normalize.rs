//! Scales and centres a drawing the way MNIST's digits were.

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

/// Turns a grey image into 28x28 pixels with light ink. An image that is already 28x28 is only inverted, and only if
/// the median of its border is above 127: MNIST and Fashion-MNIST are often stored inverted, and the rule is wrong for
/// only 2 of their 140,000 images. Any other size is [normalized](normalize).
pub fn to_pixels(image: &GrayImage) -> Pixels {
    if image.dimensions() != (SIDE, SIDE) {
        return normalize(image);
    }
    with_light_ink(image).as_raw().as_slice().try_into().expect("28 x 28 are 784")
}

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
pub fn normalize(image: &GrayImage) -> Pixels {
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

/// The pixels on the border of an image that is not empty, one side after another.
pub(in crate::data) fn border(width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> + Clone {
    let rows = [0, height - 1].into_iter().flat_map(move |y| (0..width).map(move |x| (x, y)));
    let columns = [0, width - 1].into_iter().flat_map(move |x| (0..height).map(move |y| (x, y)));
    rows.chain(columns)
}

/// The median of at least one value; of an even number, the upper of the two middle ones.
pub(in crate::data) fn median(values: impl Iterator<Item = u8>) -> u8 {
    let mut values: Vec<u8> = values.collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
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

#[cfg(test)]
pub(super) mod tests {
    use image::imageops::FilterType;

    use super::*;
    use crate::data::digits_10k;

    fn grey(pixels: &Pixels) -> GrayImage {
        GrayImage::from_raw(SIDE, SIDE, pixels.to_vec()).unwrap()
    }

    /// The ten digits that the repository also has as PNG files.
    pub(in super::super) fn digits() -> [Pixels; 10] {
        let test = digits_10k().test;
        std::array::from_fn(|index| *test.pixels(index))
    }

    /// The digit on a larger canvas, off centre.
    pub(in super::super) fn pasted(pixels: &Pixels) -> GrayImage {
        let mut canvas = GrayImage::new(90, 61);
        imageops::replace(&mut canvas, &grey(pixels), 51, 3);
        canvas
    }

    /// The mean absolute difference per pixel, of 255, at the best shift of one image by up to `reach` pixels each way.
    fn difference(a: &Pixels, b: &Pixels, reach: usize) -> f64 {
        let shifts = (0..=2 * reach).flat_map(|y| (0..=2 * reach).map(move |x| y * IMAGE_SIDE + x));
        let middle = reach * IMAGE_SIDE + reach;
        let sums = shifts.map(|shift| {
            let shifted = (0..IMAGE_BYTES).map(|place| b[(place + IMAGE_BYTES + middle - shift) % IMAGE_BYTES]);
            a.iter().zip(shifted).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
        });
        f64::from(sums.min().unwrap()) / IMAGE_BYTES as f64
    }

    /// Checks that at most some faint ink was lost.
    pub(in super::super) fn assert_same(found: &Pixels, expected: &Pixels, what: &str) {
        let difference = difference(found, expected, 0);
        assert!(difference < 0.2, "{what}: {difference}");
        assert_normal(found, what);
    }

    /// Checks that the mean difference is below `bound`, allowing a shift of one pixel, as noise may move the centre of
    /// mass across a pixel's edge.
    pub(in super::super) fn assert_near(found: &Pixels, expected: &Pixels, bound: f64, what: &str) {
        let difference = difference(found, expected, 1);
        assert!(difference < bound, "{what}: {difference}");
        assert_normal(found, what);
    }

    /// Checks that the longer side of the strong ink is 20 pixels and that the centre of mass lies in the centre pixel.
    fn assert_normal(pixels: &Pixels, what: &str) {
        let axes: [fn(usize) -> usize; 2] = [|place| place / IMAGE_SIDE, |place| place % IMAGE_SIDE];
        let strong = || (0..IMAGE_BYTES).filter(|place| pixels[*place] >= STRONG);
        let longer = axes.map(|axis| strong().map(axis).max().unwrap() - strong().map(axis).min().unwrap() + 1);
        let mass: f64 = pixels.iter().map(|level| f64::from(*level)).sum();
        let centres =
            axes.map(|axis| (0..IMAGE_BYTES).map(|p| (axis(p) * usize::from(pixels[p])) as f64).sum::<f64>() / mass);
        assert_eq!(longer.iter().max(), Some(&20), "{what}");
        assert!(centres.iter().all(|centre| (13.49..=14.51).contains(centre)), "{what}: {centres:?}");
        assert_eq!(pixels.iter().max(), Some(&255), "{what}");
    }

    /// Dark ink on grey paper with a scanner's noise of up to `noise` levels either way.
    fn scanned(digit: &GrayImage, noise: u32) -> GrayImage {
        let mut state = 1_u32;
        GrayImage::from_fn(digit.width(), digit.height(), |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let paper = 200 - u32::from(digit.get_pixel(x, y).0[0]) * 140 / 255;
            Luma([(paper - noise + (state >> 16) % (2 * noise + 1)) as u8])
        })
    }

    #[test]
    fn a_28x28_image_is_only_inverted_and_only_if_its_ink_is_dark() {
        for digit in digits() {
            let mut image = grey(&digit);
            assert_eq!(to_pixels(&image), digit);
            imageops::invert(&mut image);
            assert_eq!(to_pixels(&image), digit);
        }
    }

    #[test]
    fn normalizing_leaves_normal_digits_alone() {
        let test = digits_10k().test;
        let (mut exact, mut near) = (0, 0);
        for index in 0..test.len() {
            let found = normalize(&grey(test.pixels(index)));
            // The strongest ink may be 254 and is stretched to 255.
            exact += usize::from(found.iter().zip(test.pixels(index)).all(|(a, b)| a.abs_diff(*b) <= 1));
            near += usize::from(difference(&found, test.pixels(index), 0) < 0.25);
        }
        // Some have faint ink far from the strong ink, and one has no strong ink at the edge of its box.
        assert!(exact >= 994 && near >= 999, "{exact} exact and {near} near of {}", test.len());
    }

    #[test]
    fn drawings_of_any_size_and_place_become_the_same_digit() {
        for digit in digits() {
            let original = grey(&digit);
            assert_same(&normalize(&pasted(&digit)), &digit, "pasted");
            for factor in [2, 3, 7] {
                let nearest = imageops::resize(&original, factor * SIDE, factor * SIDE, FilterType::Nearest);
                assert_same(&normalize(&nearest), &digit, "enlarged");
                assert_near(&normalize(&scanned(&nearest, 8)), &digit, 3.5, "scanned");
            }
            // These are softer than the digit, and so are the results.
            let mut smooth = imageops::resize(&original, 140, 140, FilterType::CatmullRom);
            assert_near(&normalize(&scanned(&smooth, 8)), &digit, 12.0, "smooth");
            let photo = imageops::resize(&pasted(&digit), 2700, 1830, FilterType::Triangle);
            assert_near(&normalize(&scanned(&photo, 20)), &digit, 12.5, "photo");
            for (x, _, level) in smooth.enumerate_pixels_mut() {
                level.0[0] = (u32::from(level.0[0]) * 150 / 255 + x * 50 / 140) as u8;
            }
            assert_near(&normalize(&smooth), &digit, 10.5, "shaded");
            let half = imageops::resize(&original, 14, 14, FilterType::Triangle);
            assert_near(&normalize(&half), &digit, 22.0, "half");
        }
    }

    #[test]
    fn ink_at_the_end_of_a_long_stroke_stays_inside() {
        let hammer = GrayImage::from_fn(100, 100, |x, y| {
            Luma([if (10..90).contains(&y) && ((48..52).contains(&x) || (y < 30 && (30..70).contains(&x))) {
                255
            } else {
                0
            }])
        });
        let pixels = normalize(&hammer);
        let rows: Vec<usize> =
            (0..IMAGE_BYTES).filter(|place| pixels[*place] > 0).map(|place| place / IMAGE_SIDE).collect();
        assert_eq!((rows.first(), rows.last()), (Some(&8), Some(&27)));
    }

    #[test]
    fn paper_without_ink_is_blank() {
        let blank = |width, height| GrayImage::from_pixel(width, height, Luma([230]));
        for image in
            [blank(0, 5), blank(1, 1), blank(3000, 2), GrayImage::new(2, 2), scanned(&GrayImage::new(200, 300), 30)]
        {
            assert_eq!(normalize(&image), [0; IMAGE_BYTES], "{:?}", image.dimensions());
        }
        assert_eq!(to_pixels(&blank(28, 28)), [25; IMAGE_BYTES]);
    }
}
