//! Shrinking by area averaging.

use image::GrayImage;

/// The part of a picture that starts at a column and a row and has a width and a height, shrunk so that no side is
/// longer than `longest` pixels. A part that fits is copied. Each pixel is the mean of the area that it covers.
pub(super) fn shrink(image: &GrayImage, [left, top, width, height]: [u32; 4], longest: u32) -> GrayImage {
    let longer = width.max(height).max(1);
    let scaled = |side: u32| {
        if longer <= longest { side.max(1) } else { ((side * longest + longer / 2) / longer).max(1) }
    };
    let (columns, rows) = (scaled(width), scaled(height));
    let mut sums = vec![0u64; (columns * rows) as usize];
    let across: Vec<_> = (0..width).map(|x| overlaps(x, width, columns)).collect();
    for y in 0..height {
        for (row, tall) in overlaps(y, height, rows) {
            let line = &mut sums[(row * columns) as usize..][..columns as usize];
            for (x, parts) in across.iter().enumerate() {
                let level = u64::from(image.get_pixel(left + x as u32, top + y).0[0]);
                for (column, wide) in *parts {
                    line[column as usize] += level * wide * tall;
                }
            }
        }
    }
    let area = u64::from(width) * u64::from(height);
    let levels = sums.into_iter().map(|sum| ((sum + area / 2) / area) as u8).collect();
    GrayImage::from_raw(columns, rows, levels).expect("one level for each pixel")
}

/// The one or two pixels of the result that a pixel falls into, and how much of each it covers, in units of which a
/// pixel of the result has `length`.
fn overlaps(pixel: u32, length: u32, scaled: u32) -> [(u32, u64); 2] {
    let (length, scaled) = (u64::from(length), u64::from(scaled));
    let start = u64::from(pixel) * scaled;
    let first = start / length;
    let inside = scaled.min((first + 1) * length - start);
    let second = (first + 1).min(scaled - 1);
    [(first as u32, inside), (second as u32, scaled - inside)]
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn shrinking_averages_areas_and_keeps_the_mean() {
        let image = GrayImage::from_fn(1000, 600, |x, y| Luma([((x * 7 + y * 13) % 256) as u8]));
        let mean = |image: &GrayImage| image.iter().map(|level| f64::from(*level)).sum::<f64>() / image.len() as f64;
        let small = shrink(&image, [0, 0, 1000, 600], 255);
        assert_eq!(small.dimensions(), (255, 153));
        assert!((mean(&small) - mean(&image)).abs() < 0.5);
        let half = shrink(&image, [10, 20, 4, 2], 2);
        let block = |x: u32| (0..2).flat_map(move |i| (0..2).map(move |j| (x + i, 20 + j)));
        let expected = |x: u32| (block(x).map(|(x, y)| u32::from(image.get_pixel(x, y).0[0])).sum::<u32>() + 2) / 4;
        assert_eq!(half.into_raw(), [expected(10) as u8, expected(12) as u8]);
        assert_eq!(shrink(&image, [0, 0, 200, 100], 255).get_pixel(7, 9), image.get_pixel(7, 9));
    }
}
