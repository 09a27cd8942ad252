//! The pixels on the border of a picture.

/// The pixels on the border of a picture that is not empty, one side after another.
pub fn border(width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> + Clone {
    let rows = [0, height - 1].into_iter().flat_map(move |y| (0..width).map(move |x| (x, y)));
    let columns = [0, width - 1].into_iter().flat_map(move |x| (0..height).map(move |y| (x, y)));
    rows.chain(columns)
}

/// The median of at least one value; of an even number, the upper of the two middle ones.
pub fn median(values: impl Iterator<Item = u8>) -> u8 {
    let mut values: Vec<u8> = values.collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}
