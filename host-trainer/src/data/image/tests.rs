use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage};
use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use lenet_core::checksum::crc32;
use lenet_core::preparation::Reason;
use tempfile::TempDir;

use super::*;
use crate::data::digits_10k;

const SIDE: u32 = IMAGE_SIDE as u32;

/// The ten digits that the repository also has as PNG files.
pub(super) fn digits() -> [Pixels; 10] {
    let test = digits_10k().test;
    std::array::from_fn(|index| *test.pixels(index))
}

fn grey(pixels: &Pixels) -> GrayImage {
    GrayImage::from_raw(SIDE, SIDE, pixels.to_vec()).unwrap()
}

/// The digit on a larger canvas, off centre.
pub(super) fn pasted(pixels: &Pixels) -> GrayImage {
    let mut canvas = GrayImage::new(90, 61);
    imageops::replace(&mut canvas, &grey(pixels), 51, 3);
    canvas
}

/// The mean absolute difference per pixel, of 255, at the best shift of one image by up to a pixel each way.
fn difference(a: &Pixels, b: &Pixels) -> f64 {
    let shifts = (0..3).flat_map(|y| (0..3).map(move |x| y * IMAGE_SIDE + x));
    let sums = shifts.map(|shift| {
        let shifted = (0..IMAGE_BYTES).map(|place| b[(place + IMAGE_BYTES + IMAGE_SIDE + 1 - shift) % IMAGE_BYTES]);
        a.iter().zip(shifted).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
    });
    f64::from(sums.min().unwrap()) / IMAGE_BYTES as f64
}

#[track_caller]
fn assert_near(picture: &Picture, expected: &Pixels, bound: f64, what: &str) {
    let found = picture.drawing().unwrap_or_else(|reason| panic!("{what}: {reason}")).pixels;
    let difference = difference(&found, expected);
    assert!(difference < bound, "{what}: {difference}");
}

#[test]
fn the_digits_in_the_repository_are_read_as_they_are() {
    let labels = [1, 7, 3, 6, 0, 2, 4, 9, 8, 5];
    for (index, (digit, label)) in digits().iter().zip(labels).enumerate() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k/png");
        let path = folder.join(format!("{index}-label-{label}.png"));
        assert_eq!(read_example(&path, Preparation::AsTheyAre).unwrap(), *digit);
        assert_near(&read(&path).unwrap(), digit, 1.0, "prepared");
    }
}

#[test]
fn files_of_all_kinds_become_the_same_digit() {
    let folder = TempDir::new().unwrap();
    for digit in digits() {
        let canvas = pasted(&digit);
        let (width, height) = canvas.dimensions();
        let level = |x, y| canvas.get_pixel(x, y).0[0];
        let check = |name: &str, image: DynamicImage, bound: f64| {
            let path = folder.path().join(name);
            image.save(&path).unwrap();
            assert!(is_image(&path));
            assert_near(&read(&path).unwrap(), &digit, bound, name);
        };
        let mut inverted = canvas.clone();
        imageops::invert(&mut inverted);
        check("grey.png", canvas.clone().into(), 2.0);
        check("inverted.BMP", inverted.clone().into(), 2.0);
        check("grey.pgm", canvas.clone().into(), 2.0);
        check("large.jpg", imageops::resize(&inverted, 360, 244, FilterType::Nearest).into(), 12.0);
        let deep = |paper: u16, step: u16| {
            ImageBuffer::from_fn(width, height, |x, y| Luma([paper + u16::from(level(x, y)) * step]))
        };
        check("deep.png", deep(0, 257).into(), 2.0);
        check("low-contrast.png", deep(20_000, 4).into(), 2.0);
        let mix = |paper: u32, ink: u32, level: u8| {
            ((paper * u32::from(255 - level) + ink * u32::from(level) + 127) / 255) as u8
        };
        let coloured = |papers: [u32; 3], inks: [u32; 3]| {
            RgbImage::from_fn(width, height, |x, y| {
                Rgb([0, 1, 2].map(|channel| mix(papers[channel], inks[channel], level(x, y))))
            })
        };
        check("colour.ppm", coloured([250, 240, 210], [20, 30, 120]).into(), 3.0);
        // As bright as its paper.
        check("red-on-green.png", coloured([0, 110, 0], [215, 0, 0]).into(), 12.0);
        for ink in [0, 255] {
            let see_through = ImageBuffer::from_fn(width, height, |x, y| LumaA([ink, level(x, y)]));
            check("transparent.png", see_through.into(), 2.0);
        }
    }
}

#[test]
fn a_colour_map_is_undone() {
    // The usual map from dark blue over cyan and yellow to dark red.
    let jet = |level: u8| {
        let place = f32::from(level) / 255.0;
        let channel = |centre: f32| (255.0 * (1.5 - (4.0 * place - centre).abs()).clamp(0.0, 1.0)) as u8;
        Rgb([channel(3.0), channel(2.0), channel(1.0)])
    };
    for digit in digits() {
        let canvas = pasted(&digit);
        let mapped = RgbImage::from_fn(90, 61, |x, y| jet(canvas.get_pixel(x, y).0[0]));
        assert_near(&Picture::new(grey::to_grey(&mapped.into())), &digit, 25.0, "jet");
    }
}

#[test]
fn a_small_drawing_in_a_large_picture_is_looked_at_again() {
    for digit in digits() {
        let mut photo = GrayImage::from_fn(2_400, 1_800, |x, y| Luma([(230 - (x + y) / 40) as u8]));
        let large = imageops::resize(&grey(&digit), 280, 280, FilterType::CatmullRom);
        for (x, y, level) in large.enumerate_pixels() {
            let paper = photo.get_pixel_mut(1_500 + x, 300 + y);
            paper.0[0] = paper.0[0].saturating_sub(level.0[0] / 2);
        }
        let drawing = Picture::new(photo).drawing().unwrap();
        let difference = difference(&drawing.pixels, &digit);
        assert!(difference < 12.5, "{difference}");
        let Place { left, top, width, height } = drawing.place;
        assert!(left >= 1_500 && top >= 300 && left + width <= 1_780 && top + height <= 580, "{:?}", drawing.place);
    }
}

#[test]
fn several_drawings_are_counted_and_found_from_left_to_right() {
    let digits = digits();
    let mut page = GrayImage::from_pixel(300, 100, Luma([220]));
    for (index, digit) in [3, 8, 5].into_iter().enumerate() {
        let large = imageops::resize(&grey(&digits[digit]), 84, 84, FilterType::Triangle);
        for (x, y, level) in large.enumerate_pixels() {
            let place = page.get_pixel_mut(8 + 100 * index as u32 + x, 8 + y);
            place.0[0] = place.0[0].min(220 - level.0[0] / 4 * 3);
        }
    }
    let picture = Picture::new(page);
    assert_eq!(picture.drawing(), Err(Reason::Several(3)));
    let drawings = picture.drawings().unwrap();
    for (index, (drawing, digit)) in drawings.iter().zip([3, 8, 5]).enumerate() {
        assert!(difference(&drawing.pixels, &digits[digit]) < 12.0, "{index}");
        assert_eq!(drawing.place.left / 100, index as u32);
    }
}

#[test]
fn photos_are_turned_upright() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("turned.png");
    let digit = digits()[0];
    let mut png = Vec::new();
    imageops::rotate270(&pasted(&digit)).write_with_encoder(PngEncoder::new(&mut png)).unwrap();
    // One entry, the orientation: rotate by 90 degrees clockwise.
    let exif = b"eXIfMM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = (exif.len() as u32 - 4).to_be_bytes();
    let chunk = [&length[..], exif, &crc32(exif).to_be_bytes()].concat();
    // Behind the signature and the header, whose chunk has 13 bytes of content.
    png.splice(8 + 25..8 + 25, chunk);
    std::fs::write(&path, png).unwrap();
    assert_near(&read(&path).unwrap(), &digit, 2.0, "turned");
}

#[test]
fn paper_without_ink_is_blank() {
    for image in
        [(1, 1), (3_000, 2), (300, 200)].map(|(width, height)| GrayImage::from_pixel(width, height, Luma([230])))
    {
        let picture = Picture::new(image);
        assert_eq!(picture.drawing(), Err(Reason::Blank));
        assert_eq!(picture.whole(), [0; IMAGE_BYTES]);
    }
}

#[test]
fn unusable_files_are_named_with_a_reason() {
    let folder = TempDir::new().unwrap();
    for (name, content, reason) in [
        ("large.pgm", "P5 8001 8000 255\n", "it has 8001 x 8000 pixels"),
        ("none.pgm", "P5 0 7 255\n", "it has 0 x 7 pixels"),
        ("text.png", "hello", "cannot be decoded"),
        ("unnamed", "hello", "cannot be decoded"),
        ("cut.pgm", "P5 9 9 255\n123", "cannot be decoded"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(reason), "{message}");
    }
    let message = read(&folder.path().join("nowhere.png")).unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("nowhere.png"), "{message}");
}
