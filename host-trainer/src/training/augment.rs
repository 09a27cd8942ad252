//! Augmentation: each epoch distorts every image a little differently.

use lenet_core::architecture::IMAGE_SIDE as SIDE;
use lenet_core::{IMAGE_BYTES, Pixels};
use pulp::{Simd, WithSimd};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::network::lanes::InstructionSet;

/// How strongly images are distorted. New random values are drawn for each image in each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Rotation, uniform within plus or minus this many degrees.
    pub rotation: f32,
    /// Horizontal shear, uniform within plus or minus this many degrees.
    pub shear: f32,
    /// Scale factor, uniform within 1 plus or minus this value.
    pub scale: f32,
    /// Shift down and shift to the right, each uniform within plus or minus this many pixels.
    pub shift: f32,
    /// Standard deviation, in pixels, of the elastic displacement down and to the right at each of 5 x 5 nodes over the
    /// image, with bicubic interpolation between them.
    pub elastic: f32,
}

impl Augmentation {
    /// No distortion.
    pub const NONE: Self = Self { rotation: 0.0, shear: 0.0, scale: 0.0, shift: 0.0, elastic: 0.0 };

    /// Suitable for MNIST: rotation and shear of a few degrees, a shift of about one pixel.
    pub const DIGITS: Self = Self { rotation: 7.2, shear: 4.8, scale: 0.06, shift: 1.2, elastic: 0.5 };

    /// The same distortions, `strength` times as strong.
    pub fn times(self, strength: f32) -> Self {
        Self {
            rotation: self.rotation * strength,
            shear: self.shear * strength,
            scale: self.scale * strength,
            shift: self.shift * strength,
            elastic: self.elastic * strength,
        }
    }

    /// Draws the distortion with this number from `stream`, which should differ from epoch to epoch. It
    /// depends on nothing else, so any thread can draw it.
    fn draw(&self, stream: &ChaCha8Rng, index: usize) -> Drawn {
        // More random words than one image can use.
        const WORDS: u128 = 1 << 10;
        let mut rng = stream.clone();
        rng.set_word_pos(index as u128 * WORDS);
        let mut uniform = |bound: f32| (2.0 * rng.random::<f32>() - 1.0) * bound;
        let (rotation, shear) = (uniform(self.rotation), uniform(self.shear));
        let scale = 1.0 + uniform(self.scale);
        let shift = [uniform(self.shift), uniform(self.shift)];
        Drawn { rotation, shear, scale, shift, nodes: [self.nodes(&mut rng), self.nodes(&mut rng)] }
    }

    fn nodes(&self, rng: &mut impl Rng) -> [[f32; NODES]; NODES] {
        [[(); NODES]; NODES].map(|row| {
            row.map(|()| {
                let normal: f32 = StandardNormal.sample(rng);
                normal * self.elastic
            })
        })
    }
}

/// The random values drawn for one image; units as in [`Augmentation`].
#[derive(Clone, Debug)]
struct Drawn {
    rotation: f32,
    shear: f32,
    scale: f32,
    shift: [f32; 2],
    nodes: [[[f32; NODES]; NODES]; 2],
}

/// The distortions of an epoch.
#[derive(Clone, Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    stream: ChaCha8Rng,
}

impl Augmenter {
    /// Distortions drawn from `stream`, which should differ from epoch to epoch.
    pub fn new(augmentation: Augmentation, stream: ChaCha8Rng) -> Self {
        Self { augmentation, stream }
    }

    /// The image of a draw, distorted as the draw's number says.
    pub fn distort(&self, set: InstructionSet, draw: usize, image: &Pixels) -> Pixels {
        let Drawn { rotation, shear, scale, shift, nodes } = self.augmentation.draw(&self.stream, draw);
        let matrix = matrix(rotation.to_radians(), shear.to_radians().tan(), scale);
        let distortion = Distortion { matrix, shift, nodes };
        set.run(Distort { distortion: &distortion, image })
    }
}

/// Nodes of the elastic grid along each side.
const NODES: usize = 5;

/// Maps each output pixel to the input position it is sampled from, both relative to the centre:
/// `matrix . (y, x) - shift + elastic(y, x)`.
#[derive(Clone, Debug)]
struct Distortion {
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
    nodes: [[[f32; NODES]; NODES]; 2],
}

/// Maps output to input positions, `(y, x)`: the inverse of scaling by `scale`, then shearing by `shear` pixels to the
/// right per row down, then rotating clockwise by `angle`.
fn matrix(angle: f32, shear: f32, scale: f32) -> [[f32; 2]; 2] {
    let (sin, cos) = angle.sin_cos();
    let unrotated = [[cos, -sin], [sin, cos]];
    let [down, right] = unrotated;
    [down, [right[0] - shear * down[0], right[1] - shear * down[1]]].map(|row| row.map(|value| value / scale))
}

/// Weight of each node at each position along a side, `[5, 28]` padded with zeros. As PyTorch's
/// `interpolate(mode="bicubic", align_corners=True)`: Keys' kernel with a = -0.75, and nodes beyond the edge repeat the
/// edge node.
const BICUBIC: [[f32; ROW]; NODES] = {
    const A: f32 = -0.75;
    const fn kernel(distance: f32) -> f32 {
        let d = if distance < 0.0 { -distance } else { distance };
        if d <= 1.0 {
            ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0
        } else if d < 2.0 {
            ((d - 5.0) * d + 8.0) * d * A - 4.0 * A
        } else {
            0.0
        }
    }
    let mut weights = [[0.0; ROW]; NODES];
    let mut place = 0;
    while place < SIDE {
        let position = place as f32 * (NODES - 1) as f32 / (SIDE - 1) as f32;
        let first = position as isize - 1;
        let mut tap = 0;
        while tap < 4 {
            let node = first + tap;
            let clamped = if node < 0 {
                0
            } else if node >= NODES as isize {
                NODES - 1
            } else {
                node as usize
            };
            weights[clamped][place] += kernel(position - node as f32);
            tap += 1;
        }
        place += 1;
    }
    weights
};

/// Border of background around the source, so that no lookup needs a bounds check.
const BORDER: usize = 2;
/// Length of a source row, 32. Output rows are computed at this length too, as it is a whole number of vectors.
const ROW: usize = SIDE + 2 * BORDER;

struct Distort<'a> {
    distortion: &'a Distortion,
    image: &'a Pixels,
}

impl WithSimd for Distort<'_> {
    type Output = Pixels;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Pixels {
        let Distortion { matrix, shift, nodes } = self.distortion;
        let windows = windows(self.image);
        const CENTRE: f32 = (SIDE - 1) as f32 / 2.0;
        let mut pixels = [0; IMAGE_BYTES];
        for (y, target) in pixels.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
            // The source position of each pixel in the row, down and to the right, in units of 1/256 pixel.
            let mut places = [[0; ROW]; 2];
            let down = y as f32 - CENTRE;
            for axis in 0..2 {
                let mut row = [0.0; NODES];
                for j in 0..NODES {
                    for i in 0..NODES {
                        row[j] += BICUBIC[i][y] * nodes[axis][i][j];
                    }
                }
                let start = matrix[axis][0] * down - shift[axis] + CENTRE + BORDER as f32;
                for x in 0..ROW {
                    let mut place = start + matrix[axis][1] * (x as f32 - CENTRE);
                    for j in 0..NODES {
                        place += row[j] * BICUBIC[j][x];
                    }
                    // Clamping is enough, as the outer half of the border is background, like everything beyond it.
                    places[axis][x] = (place.max(0.0).min((ROW - 2) as f32) * 256.0) as i32;
                }
            }
            // Bilinear interpolation between the four source pixels around the position.
            let mut corners = [0; ROW];
            for x in 0..ROW {
                let corner = (places[0][x] >> 8) * ROW as i32 + (places[1][x] >> 8);
                corners[x] = windows[corner as usize % windows.len()];
            }
            let mut values = [0; ROW];
            for x in 0..ROW {
                let (v, u) = (places[0][x] & 255, places[1][x] & 255);
                let byte = |index: u32| (corners[x] >> (8 * index) & 255) as i32;
                let upper = byte(0) * (256 - u) + byte(1) * u;
                let lower = byte(2) * (256 - u) + byte(3) * u;
                values[x] = ((upper * (256 - v) + lower * v + (1 << 15)) >> 16) as u8;
            }
            target.copy_from_slice(&values[..SIDE]);
        }
        pixels
    }
}

/// For each pixel of the image with its border, four pixels packed into one number, lowest byte first: the pixel, its
/// right neighbour, and the two below them.
#[inline(always)]
fn windows(image: &Pixels) -> [u32; ROW * ROW] {
    // One row and one pixel longer than the windows need, so that each has its neighbours.
    let mut source = [0u8; ROW * ROW + ROW + 1];
    for (y, row) in image.as_chunks::<SIDE>().0.iter().enumerate() {
        source[(y + BORDER) * ROW + BORDER..][..SIDE].copy_from_slice(row);
    }
    let mut windows = [0; ROW * ROW];
    for place in 0..ROW * ROW {
        let pixel = |offset: usize| u32::from(source[place + offset]);
        windows[place] = pixel(0) | pixel(1) << 8 | pixel(ROW) << 16 | pixel(ROW + 1) << 24;
    }
    windows
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::data::digits_10k;

    const STILL: Distortion =
        Distortion { matrix: [[1.0, 0.0], [0.0, 1.0]], shift: [0.0; 2], nodes: [[[0.0; NODES]; NODES]; 2] };

    fn distort(distortion: &Distortion, image: &Pixels) -> Pixels {
        InstructionSet::detect().run(Distort { distortion, image })
    }

    fn augmenter(augmentation: Augmentation, epoch: u64) -> Augmenter {
        let mut stream = ChaCha8Rng::seed_from_u64(1);
        stream.set_stream(epoch);
        Augmenter::new(augmentation, stream)
    }

    #[test]
    fn whole_shifts_move_the_content_and_borders_are_background() {
        let split = digits_10k().test;
        assert_eq!(distort(&STILL, split.pixels(0)), *split.pixels(0));
        let mut image = [0; IMAGE_BYTES];
        image[0] = 7;
        image[5 * SIDE + 27] = 9;
        let mut expected = [0; IMAGE_BYTES];
        expected[2 * SIDE + 1] = 7;
        assert_eq!(distort(&Distortion { shift: [2.0, 1.0], ..STILL.clone() }, &image), expected);
        expected = [0; IMAGE_BYTES];
        expected[0] = 9;
        assert_eq!(distort(&Distortion { shift: [-5.0, -27.0], ..STILL.clone() }, &image), expected);
        assert_eq!(distort(&Distortion { shift: [1e9, f32::NAN], ..STILL.clone() }, &image), [0; IMAGE_BYTES]);
        // Half a pixel to the right: the mean of both neighbours, rounded.
        expected = [0; IMAGE_BYTES];
        (expected[0], expected[1], expected[5 * SIDE + 27]) = (4, 4, 5);
        assert_eq!(distort(&Distortion { shift: [0.0, 0.5], ..STILL }, &image), expected);
    }

    /// A quarter turn, a scaling and a shear move a point to where the definition says.
    #[test]
    fn affine_parts_do_what_their_names_say() {
        let mut image = [0; IMAGE_BYTES];
        // Four pixels whose centroid is at (-4, 0) from the centre.
        for (y, x) in [(9, 13), (9, 14), (10, 13), (10, 14)] {
            image[y * SIDE + x] = 200;
        }
        let centroid = |matrix: [[f32; 2]; 2]| {
            let pixels = distort(&Distortion { matrix, ..STILL.clone() }, &image);
            let sum: f32 = pixels.iter().map(|p| f32::from(*p)).sum();
            let mean = |place: fn(usize) -> usize| {
                let weighted = pixels.iter().enumerate().map(|(i, p)| place(i) as f32 * f32::from(*p));
                weighted.sum::<f32>() / sum - 13.5
            };
            (mean(|i| i / SIDE), mean(|i| i % SIDE))
        };
        let near = |got: (f32, f32), expected: (f32, f32)| {
            assert!(
                (got.0 - expected.0).abs() < 0.06 && (got.1 - expected.1).abs() < 0.06,
                "{got:?}, not {expected:?}"
            );
        };
        near(centroid(matrix(std::f32::consts::FRAC_PI_2, 0.0, 1.0)), (0.0, 4.0));
        near(centroid(matrix(0.0, 0.0, 1.5)), (-6.0, 0.0));
        near(centroid(matrix(0.0, 0.5, 1.0)), (-4.0, -2.0));
    }

    /// The values are those of PyTorch's `interpolate` of a grid that is 1 at (1, 2), else 0.
    #[test]
    fn elastic_grid_is_interpolated_as_in_pytorch() {
        let by_pytorch = [
            ((0, 13), 0.0),
            ((3, 10), 0.295_985_9),
            ((7, 14), 0.985_175_24),
            ((10, 20), 0.018_396_614),
            ((13, 2), -0.002_931_946),
            ((27, 27), 0.0),
        ];
        for ((y, x), expected) in by_pytorch {
            let got: f32 = BICUBIC[1][y] * BICUBIC[2][x];
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected} at ({y}, {x})");
        }
        for place in 0..SIDE {
            let sum: f32 = BICUBIC.iter().map(|weights| weights[place]).sum();
            assert!((sum - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn draws_have_the_promised_distribution() {
        let augmentation = Augmentation::DIGITS;
        let stream = ChaCha8Rng::seed_from_u64(2);
        const DRAWS: usize = 20_000;
        let draws: Vec<Drawn> = (0..DRAWS).map(|index| augmentation.draw(&stream, index)).collect();
        let uniform = |name: &str, bound: f32, value: fn(&Drawn) -> f32| {
            let mean = draws.iter().map(value).sum::<f32>() / DRAWS as f32;
            let square = draws.iter().map(|draw| value(draw).powi(2)).sum::<f32>() / DRAWS as f32;
            let largest = draws.iter().map(|draw| value(draw).abs()).fold(0.0, f32::max);
            assert!(mean.abs() < 0.025 * bound, "the mean {name} is {mean}");
            assert!((square / (bound * bound / 3.0) - 1.0).abs() < 0.04, "the mean squared {name} is {square}");
            assert!(largest <= bound && largest > 0.99 * bound, "the largest {name} is {largest}");
        };
        uniform("rotation", 7.2, |draw| draw.rotation);
        uniform("shear", 4.8, |draw| draw.shear);
        uniform("magnification", 0.06, |draw| draw.scale - 1.0);
        uniform("shift down", 1.2, |draw| draw.shift[0]);
        uniform("shift to the right", 1.2, |draw| draw.shift[1]);
        for axis in 0..2 {
            for node in 0..NODES * NODES {
                let value = |draw: &Drawn| draw.nodes[axis].as_flattened()[node];
                let mean = draws.iter().map(value).sum::<f32>() / DRAWS as f32;
                let square = draws.iter().map(|draw| value(draw).powi(2)).sum::<f32>() / DRAWS as f32;
                assert!(mean.abs() < 0.02 && (square.sqrt() - 0.5).abs() < 0.015, "node {node}: {mean}, {square}");
            }
        }
    }

    #[test]
    fn an_images_distortion_depends_on_epoch_and_index_alone() {
        let image = digits_10k().test.pixels(3).to_owned();
        let first = augmenter(Augmentation::DIGITS, 1);
        for set in InstructionSet::available() {
            assert_eq!(first.distort(set, 7, &image), first.distort(InstructionSet::detect(), 7, &image), "{set}");
        }
        assert_ne!(
            first.distort(InstructionSet::detect(), 8, &image),
            first.distort(InstructionSet::detect(), 7, &image)
        );
        let second = augmenter(Augmentation::DIGITS, 2);
        assert_ne!(
            second.distort(InstructionSet::detect(), 7, &image),
            first.distort(InstructionSet::detect(), 7, &image)
        );
        assert_eq!(augmenter(Augmentation::NONE, 1).distort(InstructionSet::detect(), 7, &image), image);
    }
}
