use lenet_core::Pixels;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::Serialize;

use super::outputs::Outputs;
use crate::data::Split;

/// Rows of the reference multiplied with all queries at a time; few enough for the products to stay in cache.
const CHUNK: usize = 1024;

/// A training image near to another image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its number in the training images, from 0.
    pub index: usize,
    /// Its label.
    pub label: u8,
    /// Euclidean distance.
    pub distance: f32,
}

/// For each query (`[Q, D]`), the `count` nearest rows of `reference` (`[N, D]`) by Euclidean distance, nearest first.
/// Rows at equal distance, within f32 precision, are in the order of their index. `labels` holds each row's label.
///
/// # Panics
/// When the rows differ in length, or there are not as many labels as rows.
pub(super) fn nearest(
    reference: ArrayView2<'_, f32>,
    labels: &[u8],
    queries: ArrayView2<'_, f32>,
    count: usize,
) -> Vec<Vec<Neighbour>> {
    assert_eq!(reference.nrows(), labels.len(), "a label for each row");
    let chunks: Vec<_> = reference.axis_chunks_iter(Axis(0), CHUNK).enumerate().collect();
    search(chunks.into_par_iter().map(|(chunk, rows)| (chunk * CHUNK, rows.to_owned())), labels, queries, count)
}

/// As [`nearest`], comparing pixels, where full ink is 1.
pub(super) fn nearest_by_pixels(reference: &Split, queries: &[Pixels], count: usize) -> Vec<Vec<Neighbour>> {
    let real = |pixels: &[Pixels]| {
        let values = pixels.as_flattened().iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
        Array2::from_shape_vec((pixels.len(), lenet_core::IMAGE_BYTES), values).expect("a row for each image")
    };
    let queries = real(queries);
    let chunks = reference.all_pixels().par_chunks(CHUNK).enumerate();
    let labels = reference.labels().to_vec();
    search(chunks.map(|(chunk, pixels)| (chunk * CHUNK, real(pixels))), &labels, queries.view(), count)
}

/// The fc2 features of images as a matrix, `[N, 84]`.
pub(super) fn features<'a>(outputs: impl IntoIterator<Item = &'a Outputs>) -> Array2<f32> {
    let values: Vec<f32> = outputs.into_iter().flat_map(|outputs| outputs.features).collect();
    Array2::from_shape_vec((values.len() / super::FEATURES, super::FEATURES), values).expect("whole rows")
}

/// Ranks the rows of each chunk with one matrix product, by `|q - r|^2 = |q|^2 + |r|^2 - 2 q.r`. This formula loses
/// precision by cancellation when q and r are similar, so the distances of the rows that are kept are computed again
/// from the definition.
fn search(
    chunks: impl IndexedParallelIterator<Item = (usize, Array2<f32>)>,
    labels: &[u8],
    queries: ArrayView2<'_, f32>,
    count: usize,
) -> Vec<Vec<Neighbour>> {
    let parts: Vec<Vec<Vec<Neighbour>>> = chunks
        .map(|(first, rows)| {
            let products = queries.dot(&rows.t());
            let squares: Vec<f32> = rows.rows().into_iter().map(|row| row.dot(&row)).collect();
            let of_query = |query: usize| {
                let products = products.row(query);
                let ranks: Vec<f32> =
                    squares.iter().zip(products).map(|(square, product)| square - 2.0 * product).collect();
                let rank = |row: usize| ranks[row];
                let mut order: Vec<usize> = (0..rows.nrows()).collect();
                if count < order.len() {
                    order.select_nth_unstable_by(count, |a, b| rank(*a).total_cmp(&rank(*b)).then(a.cmp(b)));
                    order.truncate(count);
                }
                let neighbour = |row: usize| {
                    let index = first + row;
                    let squared: f32 = rows.row(row).iter().zip(queries.row(query)).map(|(r, q)| (r - q).powi(2)).sum();
                    Neighbour { index, label: labels[index], distance: squared.sqrt() }
                };
                order.into_iter().map(neighbour).collect()
            };
            (0..queries.nrows()).map(of_query).collect()
        })
        .collect();
    (0..queries.nrows())
        .into_par_iter()
        .map(|query| {
            let mut all: Vec<Neighbour> = parts.iter().flat_map(|part| part[query].iter().copied()).collect();
            all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index)));
            all.truncate(count);
            all
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;

    #[test]
    fn neighbours_are_those_of_an_exhaustive_search() {
        let data = digits_10k();
        let reference = data.train.first(2 * CHUNK + 77);
        let queries = &data.test.all_pixels()[..5];
        let found = nearest_by_pixels(&reference, queries, 7);
        for (query, found) in queries.iter().zip(found) {
            let mut all: Vec<(u64, usize)> = reference
                .all_pixels()
                .iter()
                .map(|pixels| pixels.iter().zip(query).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum())
                .zip(0..)
                .collect();
            all.sort();
            assert_eq!(found.len(), 7);
            for (neighbour, (squared, index)) in found.iter().zip(all) {
                assert_eq!((neighbour.index, neighbour.label), (index, reference.labels()[index]));
                assert!((f64::from(neighbour.distance) - (squared as f64).sqrt() / 255.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn an_image_is_its_own_nearest_neighbour() {
        let train = digits_10k().train.first(50);
        let found = nearest_by_pixels(&train, &train.all_pixels()[20..30], 99);
        for (query, found) in found.iter().enumerate() {
            assert_eq!((found[0].index, found[0].distance, found.len()), (20 + query, 0.0, 50));
        }
    }
}
