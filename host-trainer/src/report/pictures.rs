//! Pictures embedded in the page as PNG data URIs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GrayImage, ImageBuffer, Rgb, RgbImage, imageops};
use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use maud::{Markup, html};

use crate::analysis::Occlusion;
use crate::picture;

/// Orange supports the predicted class, blue the label; people with colour blindness can tell these two apart.
const FOR: [f32; 3] = [255.0, 150.0, 40.0];
const AGAINST: [f32; 3] = [60.0, 150.0, 255.0];

/// An embedded picture, each pixel shown as `scale` x `scale` CSS pixels.
fn embedded(image: impl Into<DynamicImage>, scale: u32, alt: &str) -> Markup {
    let image = image.into();
    let (width, height) = (image.width() * scale, image.height() * scale);
    let data = STANDARD.encode(picture::png(image));
    html! { img .pixels src={ "data:image/png;base64," (data) } width=(width) height=(height) alt=(alt); }
}

pub(super) fn digit(pixels: &Pixels, scale: u32, alt: &str) -> Markup {
    embedded(picture::digit(pixels), scale, alt)
}

/// Digits side by side in one picture, without gaps.
pub(super) fn strip(digits: &[&Pixels], alt: &str) -> Markup {
    let side = IMAGE_SIDE as u32;
    let mut strip = GrayImage::new(side * digits.len() as u32, side);
    for (pixels, x) in digits.iter().zip((0..).step_by(IMAGE_SIDE)) {
        imageops::replace(&mut strip, &picture::digit(pixels), x, 0);
    }
    embedded(strip, 1, alt)
}

/// Rounds to sixteen levels: enough for a map, and less than half the bytes of 256.
fn level(value: f32) -> u8 {
    17 * ((value / 17.0).round().min(15.0) as u8)
}

/// The digit coloured by its occlusion map: ink that supports the predicted class is orange, ink that supports the
/// label is blue, and stronger evidence gives a stronger colour.
pub(super) fn occlusion(pixels: &Pixels, map: &Occlusion, scale: u32, alt: &str) -> Markup {
    let largest = map.largest().max(f32::MIN_POSITIVE);
    let image: RgbImage = ImageBuffer::from_fn(IMAGE_SIDE as u32, IMAGE_SIDE as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let says = map.0[y][x] / largest;
        let colour = if says > 0.0 { FOR } else { AGAINST };
        let ink = f32::from(pixels[IMAGE_SIDE * y + x]) / 255.0;
        // Blank pixels get a faint colour, as the patches over them may have covered ink nearby.
        let strength = says.abs().sqrt();
        Rgb(colour.map(|hue| {
            let inked = ink * (255.0 * (1.0 - strength) + hue * strength);
            level(inked + (1.0 - ink) * 0.3 * hue * says.abs())
        }))
    });
    embedded(image, scale, alt)
}

/// Signed values: orange above zero, blue below, at full strength at a magnitude of `largest`.
pub(super) fn signed(values: &[&[f32]], largest: f32, scale: u32, alt: &str) -> Markup {
    let (width, height) = (values[0].len() as u32, values.len() as u32);
    let image: RgbImage = ImageBuffer::from_fn(width, height, |x, y| {
        let value = values[y as usize][x as usize] / largest.max(f32::MIN_POSITIVE);
        let colour = if value > 0.0 { FOR } else { AGAINST };
        Rgb(colour.map(|hue| (hue * value.abs()).min(255.0) as u8))
    });
    embedded(image, scale, alt)
}

/// Values from 0 (black) to `largest` (white).
pub(super) fn positive(values: &[Vec<f32>], largest: f32, scale: u32, alt: &str) -> Markup {
    let (width, height) = (values[0].len() as u32, values.len() as u32);
    let image = GrayImage::from_fn(width, height, |x, y| {
        let value = values[y as usize][x as usize] / largest.max(f32::MIN_POSITIVE);
        image::Luma([(255.0 * value).clamp(0.0, 255.0) as u8])
    });
    embedded(image, scale, alt)
}
