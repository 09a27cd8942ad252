use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rayon::prelude::*;
use serde::Serialize;

use crate::data::{Split, spaced};

/// Training images to compare with, at most.
const REFERENCES: usize = 10_000;
/// How many of these the limits are computed from.
const SAMPLE: usize = 2_000;
/// Fraction of the training images that each limit rejects.
const REFUSED: f64 = 0.001;
const SIDE: usize = IMAGE_SIDE / 2;
const VALUES: usize = SIDE * SIDE;
/// Images per matrix product.
const CHUNK: usize = 32;

/// How much an image resembles the training images: the best value of each measure, possibly from different images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Resemblance {
    /// The smallest distance, in [0, 14].
    pub distance: f32,
    /// The largest correlation, in [-1, 1]; it is 0 if either image is uniform.
    pub correlation: f32,
}

impl Resemblance {
    const NONE: Self = Self { distance: f32::INFINITY, correlation: -1.0 };

    fn or_nearer(self, other: Self) -> Self {
        Self { distance: self.distance.min(other.distance), correlation: self.correlation.max(other.correlation) }
    }
}

/// The training images to compare with, and the limits for a familiar image.
pub struct Familiarity {
    images: Vec<Shape>,
    /// The values of all training images, `[N, 196]`.
    values: Array2<f32>,
    /// The largest distance and the smallest correlation that a familiar image may have.
    pub limits: Resemblance,
}

/// Statistics of an image's values that each comparison needs.
#[derive(Clone, Copy)]
struct Shape {
    sum: f32,
    squares: f32,
    /// 1 / sqrt(sum of squared deviations from the mean), or 0 for a uniform image.
    inverse_deviation: f32,
}

impl Shape {
    fn of(values: ArrayView1<'_, f32>) -> Self {
        let (sum, squares) = (values.sum(), values.dot(&values));
        let deviation = (squares - sum * sum / VALUES as f32).sqrt();
        // Rounding errors make the deviation of a uniform image slightly larger than 0.
        let inverse_deviation = if deviation > 1e-2 { 1.0 / deviation } else { 0.0 };
        Self { sum, squares, inverse_deviation }
    }

    /// Compares two images; `product` is the dot product of their values.
    fn compare(self, other: Self, product: f32) -> Resemblance {
        let common = product - self.sum * other.sum / VALUES as f32;
        Resemblance {
            distance: (self.squares + other.squares - 2.0 * product).max(0.0).sqrt(),
            correlation: (common * self.inverse_deviation * other.inverse_deviation).clamp(-1.0, 1.0),
        }
    }
}

impl Familiarity {
    /// Computes the limits for a training split, on the threads of the current rayon pool. A single image gives no
    /// limits: everything is familiar.
    pub fn new(train: &Split) -> Self {
        let references = train.evenly_spaced(REFERENCES);
        let values = values_of(references.all_pixels());
        let images = values.rows().into_iter().map(Shape::of).collect();
        let mut familiarity = Self { images, values, limits: Resemblance::NONE };

        let sample = SAMPLE.min(references.len());
        let indices: Vec<usize> = spaced(references.len(), sample).collect();
        let others = familiarity.nearest(&familiarity.values.select(Axis(0), &indices), Some(&indices));
        let allowed = sample - (REFUSED * sample as f64) as usize;
        let last_allowed = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            allowed.checked_sub(1).map(|last| values[last])
        };
        if let Some(distance) = last_allowed(others.iter().map(|other| other.distance).collect()) {
            familiarity.limits.distance = distance;
        }
        if let Some(negated) = last_allowed(others.iter().map(|other| -other.correlation).collect()) {
            familiarity.limits.correlation = -negated;
        }
        familiarity
    }

    /// Number of training images that others are compared with.
    pub fn references(&self) -> usize {
        self.images.len()
    }

    /// How much each image resembles the training images, on the threads of the current rayon pool.
    pub fn resemblance(&self, pixels: &[Pixels]) -> Vec<Resemblance> {
        self.nearest(&values_of(pixels), None)
    }

    /// Whether an image with this resemblance is within the limits.
    pub fn is_familiar(&self, image: Resemblance) -> bool {
        image.distance <= self.limits.distance && image.correlation >= self.limits.correlation
    }

    /// `own` gives each image's own index among the references, which is left out of the comparison.
    fn nearest(&self, images: &Array2<f32>, own: Option<&[usize]>) -> Vec<Resemblance> {
        let chunks: Vec<_> = images.axis_chunks_iter(Axis(0), CHUNK).enumerate().collect();
        let of_chunk = |(number, chunk): &(usize, ndarray::ArrayView2<'_, f32>)| {
            let products = chunk.dot(&self.values.t());
            let of_image = |(row, (values, products)): (usize, (ArrayView1<'_, f32>, ArrayView1<'_, f32>))| {
                let image = Shape::of(values);
                let itself = own.map(|own| own[number * CHUNK + row]);
                let others = self.images.iter().zip(products).enumerate().filter(|(index, _)| Some(*index) != itself);
                others
                    .map(|(_, (other, product))| image.compare(*other, *product))
                    .fold(Resemblance::NONE, Resemblance::or_nearer)
            };
            chunk.rows().into_iter().zip(products.rows()).enumerate().map(of_image).collect::<Vec<_>>()
        };
        chunks.par_iter().flat_map_iter(of_chunk).collect()
    }
}

/// The square root of the mean ink of each block of 2x2 pixels, in [0, 1]: `[N, 196]`.
fn values_of(pixels: &[Pixels]) -> Array2<f32> {
    let mut all = Array2::zeros((pixels.len(), VALUES));
    for (pixels, mut values) in pixels.iter().zip(all.rows_mut()) {
        values.assign(&Array1::from_iter((0..VALUES).map(|index| {
            let corner = index / SIDE * 2 * IMAGE_SIDE + index % SIDE * 2;
            let four = [corner, corner + 1, corner + IMAGE_SIDE, corner + IMAGE_SIDE + 1];
            let ink: u16 = four.iter().map(|place| u16::from(pixels[*place])).sum();
            (f32::from(ink) / (4.0 * 255.0)).sqrt()
        })));
    }
    all
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::data::digits_10k;

    fn split(images: &[Pixels]) -> Split {
        let bytes = images.iter().flatten().copied().collect();
        Split::new(Array2::from_shape_vec((images.len(), 784), bytes).unwrap(), Array1::zeros(images.len()), 10)
            .unwrap()
    }

    #[test]
    fn resemblance_follows_its_formulas() {
        let digits = digits_10k().test.first(60);
        let (known, asked) = digits.all_pixels().split_at(20);
        let familiarity = Familiarity::new(&split(known));
        let values = |pixels: &Pixels| -> Vec<f64> {
            let level = |x: usize, y: usize| f64::from(pixels[28 * y + x]);
            let mean = |x: usize, y: usize| level(x, y) + level(x + 1, y) + level(x, y + 1) + level(x + 1, y + 1);
            (0..14).flat_map(|y| (0..14).map(move |x| (mean(2 * x, 2 * y) / 1020.0).sqrt())).collect()
        };
        let compare = |a: &Pixels, b: &Pixels| {
            let (a, b) = (values(a), values(b));
            let distance = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            let centred = |v: &[f64]| v.iter().map(|x| x - v.iter().sum::<f64>() / 196.0).collect::<Vec<_>>();
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (a, b) = (centred(&a), centred(&b));
            (distance, product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt())
        };
        for (asked, found) in asked.iter().zip(familiarity.resemblance(asked)) {
            let all = || known.iter().map(|known| compare(known, asked));
            let distance = all().map(|(distance, _)| distance).fold(f64::MAX, f64::min);
            let correlation = all().map(|(_, correlation)| correlation).fold(-1.0, f64::max);
            assert!((f64::from(found.distance) - distance).abs() < 1e-3, "{found:?}, {distance}");
            assert!((f64::from(found.correlation) - correlation).abs() < 1e-4, "{found:?}, {correlation}");
        }
        // With 20 images the limits reject none; each is compared with the others.
        let worst =
            (0..20).map(|i| (0..20).filter(|j| *j != i).map(|j| compare(&known[i], &known[j]).0).fold(99.0, f64::min));
        assert!((f64::from(familiarity.limits.distance) - worst.fold(0.0, f64::max)).abs() < 1e-3);
    }

    #[test]
    fn few_images_and_uniform_images_are_handled() {
        let one = Familiarity::new(&split(&[[9; 784]]));
        assert!(one.is_familiar(one.resemblance(&[[255; 784]])[0]));
        let three = Familiarity::new(&split(&[[0; 784], [255; 784], [0; 784]]));
        assert_eq!(three.resemblance(&[[255; 784]])[0], Resemblance { distance: 0.0, correlation: 0.0 });
    }

    #[test]
    fn noise_and_patterns_are_unlike_digits_and_other_digits_are_not() {
        let data = digits_10k();
        let familiarity = Familiarity::new(&data.train);
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % 1000
        };
        let mut strange: Vec<Pixels> = vec![[255; 784]];
        for density in [20, 50, 200, 500, 1000] {
            strange.push(std::array::from_fn(|_| if random() < density { (random() % 256) as u8 } else { 0 }));
            strange.push(std::array::from_fn(|_| if random() < density / 2 { 255 } else { 0 }));
        }
        for period in 1..8 {
            strange.push(std::array::from_fn(|i| if (i % 28 / period + i / 28 / period) % 2 == 0 { 255 } else { 0 }));
            strange.push(std::array::from_fn(|i| if i % 28 / period % 2 == 0 { 255 } else { 0 }));
        }
        for (index, image) in familiarity.resemblance(&strange).iter().enumerate() {
            assert!(!familiarity.is_familiar(*image), "{index}: {image:?}");
        }
        let digits = familiarity.resemblance(data.test.all_pixels());
        let refused = digits.iter().filter(|image| !familiarity.is_familiar(**image)).count();
        assert!(refused <= 5, "{refused} of 1,000 digits");
    }
}
