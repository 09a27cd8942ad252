//! Renders the letters A to Z from Debian's fonts into IDX files, byte for byte the same on every machine.
//! `data/make-letters` fetches the fonts and runs it.
//!
//! usage: make_letters data/letters-fonts.tsv FONTS OUT
//!
//! FONTS is the folder that holds the table's paths, such as `usr/share/fonts/truetype/lato/Lato-Regular.ttf`.
//!
//! Every image has a random stream of its own, so the result does not depend on the order or number of threads. Floats
//! are only added, subtracted, multiplied, divided, rounded and compared. IEEE 754 defines those to the bit, unlike a
//! sine, so no library or processor can change a pixel.

mod idx_files;
mod letters;
mod normalize;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use idx_files::{Image, SIDE, interleave, positioned, write_idx};
use letters::outline::{Outline, outlines};
use letters::table::{self, Family, Split};
use letters::{raster, variation};
use normalize::normalize;

const LETTERS: usize = 26;
const SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [table, fonts, target] = arguments.as_slice() else {
        return Err("usage: make_letters data/letters-fonts.tsv FONTS OUT".into());
    };
    let (table, fonts, target) = (Path::new(table), Path::new(fonts), Path::new(target));
    let text = fs::read_to_string(table).map_err(|error| format!("{}: {error}", table.display()))?;
    let families = table::parse(&text).map_err(|error| format!("{}: {error}", table.display()))?;

    fs::create_dir_all(target)?;
    let mut sheet = Vec::new();
    for (split, name, per_letter) in [(Split::Train, "train", 1_000), (Split::Test, "t10k", 200)] {
        let families: Vec<&Family> = families.iter().filter(|family| family.split == split).collect();
        let handwriting = families.iter().filter(|family| family.handwriting).count();
        eprintln!("{name}: {} families, {handwriting} of them handwriting", families.len());
        let drawn: Vec<Vec<Vec<Outline>>> =
            families.iter().map(|family| read_family(fonts, family)).collect::<Result<_, _>>()?;
        sheet.extend(drawn.iter().flatten().flat_map(|font| font.iter().map(plain)));
        let mut images: Vec<Image> =
            (0..LETTERS).flat_map(|letter| positioned(letter, render(split, letter, per_letter, &drawn))).collect();
        interleave(&mut images);
        write_idx(target, name, &images)?;
    }
    let labels: String = ('A'..='Z').map(|letter| format!("{letter}\n")).collect();
    fs::write(target.join("labels.txt"), labels)?;
    write_sheet(&target.join("fonts.png"), &sheet)
}

/// For each of a family's fonts the outlines of A to Z.
fn read_family(fonts: &Path, family: &Family) -> Result<Vec<Vec<Outline>>, Box<dyn Error>> {
    let read = |file: &String| {
        let path = fonts.join(file);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(outlines(&bytes).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    family.files.iter().map(read).collect()
}

/// `count` images of one letter. Each family has the same share, and so has each font of a family.
fn render(split: Split, letter: usize, count: usize, families: &[Vec<Vec<Outline>>]) -> Vec<Vec<u8>> {
    let image = |index: usize| {
        let family = &families[index % families.len()];
        let font = &family[index / families.len() % family.len()];
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        random.set_stream(((split as u64) << 40) | ((letter as u64) << 32) | index as u64);
        normalize(&variation::draw(&font[letter], &mut random)).to_vec()
    };
    (0..count).into_par_iter().map(image).collect()
}

/// The letter as its font has it.
fn plain(outline: &Outline) -> Vec<u8> {
    normalize(&raster::fill(&outline.contours()).to_image()).to_vec()
}

/// Writes images in rows of A to Z, one row for each font, for a person who wants to see what the table names.
fn write_sheet(path: &Path, images: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let (width, height) = (LETTERS * SIDE, images.len() / LETTERS * SIDE);
    let mut pixels = vec![0; width * height];
    for (index, image) in images.iter().enumerate() {
        for (row, line) in image.chunks_exact(SIDE).enumerate() {
            let start = (index / LETTERS * SIDE + row) * width + index % LETTERS * SIDE;
            pixels[start..start + SIDE].copy_from_slice(line);
        }
    }
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_at_least_40_families_and_no_font_for_both_splits() {
        let families = table::parse(include_str!("../../data/letters-fonts.tsv")).unwrap();
        assert!(families.len() >= 40, "{}", families.len());
        for split in [Split::Train, Split::Test] {
            let handwriting = families.iter().filter(|family| family.split == split && family.handwriting).count();
            assert!(handwriting >= 5, "{split:?}: {handwriting}");
        }
    }

    #[test]
    fn a_table_with_one_font_in_both_splits_is_refused() {
        let row = |split: &str, family: &str, package: &str, path: &str| {
            format!("{split}\tprint\t{family}\t{package}\t1\t0\t{path}\n")
        };
        let refused = |family: &str, package: &str, path: &str| {
            let rows = row("train", "Lato", "fonts-lato", "a.ttf") + &row("test", family, package, path);
            table::parse(&rows).err().unwrap_or_default()
        };
        let twice = |what: &str| format!("line 2: the {what} is both in train and in test; keep it in one of them");
        assert_eq!(refused("Lato", "fonts-lato2", "b.ttf"), twice("family Lato"));
        assert_eq!(refused("Carlito", "fonts-lato", "b.ttf"), twice("package fonts-lato"));
        assert_eq!(
            refused("Carlito", "fonts-lato2", "a.ttf"),
            "line 2: a.ttf is listed twice; remove one of the lines"
        );
        assert_eq!(refused("Carlito", "fonts-lato2", "b.ttf"), "");
    }

    /// A machine on which this fails would render another set of letters.
    #[test]
    fn a_known_outline_gives_known_pixels() {
        let square = Outline::from_contours(&[
            vec![(0.0, 0.0), (0.0, 100.0), (80.0, 100.0), (80.0, 0.0)],
            vec![(20.0, 20.0), (60.0, 20.0), (60.0, 80.0), (20.0, 80.0)],
        ]);
        let images = render(Split::Train, 3, 40, &[vec![vec![square; LETTERS]]]);
        assert!(images.iter().all(|image| image[14 * SIDE + 14] == 0 && image.contains(&255)), "a hole in a frame");
        let sum = images.concat().iter().fold(0_u32, |sum, level| sum.wrapping_mul(31).wrapping_add(u32::from(*level)));
        assert_eq!(sum, 2_650_828_382);
    }
}
