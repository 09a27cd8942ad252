//! Draws `lenet-core/preparation.png`: a frame of every kind beside what preparation makes of it.

use std::fs::File;
use std::io::BufWriter;

use host_trainer::data::digits_10k;
use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::preparation::{Frame, prepare, scratch_bytes};
use tests::root;
use tests::scenes::{Kind, Scene};

const COLUMNS: usize = 5;
/// The side of a frame's place, and of the image's, pixels.
const PLACE: usize = 116;
const GAP: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let test = digits_10k().test;
    let rows = Kind::ALL.len().div_ceil(COLUMNS);
    let (width, height) = (COLUMNS * 2 * (PLACE + GAP) + GAP, rows * (PLACE + GAP) + GAP);
    let mut sheet = vec![255; width * height];
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let scene = kind.draw(3, test.pixels(10 + index), test.pixels(60 + index));
        let x = GAP + index % COLUMNS * 2 * (PLACE + GAP);
        let y = GAP + index / COLUMNS * (PLACE + GAP);
        paste(&mut sheet, width, [x, y], &scene);
        let frame = Frame::new(&scene.pixels, scene.width, scene.height, scene.width.into()).ok_or("no frame")?;
        let mut scratch = vec![0; scratch_bytes(scene.width, scene.height)];
        if let Ok(pixels) = prepare(&frame, &mut scratch) {
            let side = IMAGE_SIDE as u8;
            paste(
                &mut sheet,
                width,
                [x + PLACE + GAP / 2, y],
                &Scene { pixels: pixels.to_vec(), width: side, height: side },
            );
        }
    }
    let file = BufWriter::new(File::create(root().join("lenet-core/preparation.png"))?);
    let mut encoder = png::Encoder::new(file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}

/// Pastes a frame, scaled to its place by the nearest pixel.
fn paste(sheet: &mut [u8], stride: usize, [left, top]: [usize; 2], scene: &Scene) {
    let (width, height) = (usize::from(scene.width), usize::from(scene.height));
    let longer = width.max(height);
    for y in 0..height * PLACE / longer {
        for x in 0..width * PLACE / longer {
            sheet[(top + y) * stride + left + x] = scene.pixels[y * longer / PLACE * width + x * longer / PLACE];
        }
    }
}
