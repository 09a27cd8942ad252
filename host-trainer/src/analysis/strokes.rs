use std::fmt;

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use rayon::prelude::*;
use serde::Serialize;

use crate::data::Split;

/// Pixels of at least this level belong to the stroke, for measurements of its shape such as loops and pieces.
const STROKE: u8 = 96;
/// Pieces and loops with fewer pixels are ignored as specks.
const SPECK: usize = 3;
/// A value is an outlier if at most this fraction of its class is as extreme on the same side.
pub const OUTLYING_MAX: f64 = 0.005;

/// A measurement of a digit's strokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Sum of all pixels, in pixels of full ink.
    Ink,
    /// How far upright strokes lean to the right, in degrees: `atan(-mu11 / mu02)` with the central moments of the ink,
    /// y pointing down. Deslanting undoes this shear.
    Slant,
    /// Width of the stroke's bounding box divided by its height.
    Aspect,
    /// Holes: areas of background enclosed by the stroke.
    Loops,
    /// Connected parts of the stroke, counting pixels that touch at a corner as connected.
    Pieces,
    /// Mean width of the stroke in pixels: twice its area divided by the length of its outline.
    Width,
    /// Mean level of the ink, weighted by itself, where 1 is full ink: `sum p^2 / (255 sum p)`.
    Strength,
    /// Ink in the two outermost rows and columns on each side, in pixels of full ink.
    Edge,
    /// The longest unbroken run of stroke along a side of the bounding box, as a fraction of that side's length; the
    /// largest of the four sides.
    Cut,
}

impl Statistic {
    /// All statistics.
    pub const ALL: [Self; 9] = [
        Self::Ink,
        Self::Slant,
        Self::Aspect,
        Self::Loops,
        Self::Pieces,
        Self::Width,
        Self::Strength,
        Self::Edge,
        Self::Cut,
    ];

    /// A description of an outlier below the rest of its class, and of one above it.
    pub const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Ink => ["little ink", "a lot of ink"],
            Self::Slant => ["leans left", "leans right"],
            Self::Aspect => ["narrow", "wide"],
            Self::Loops => ["missing loop", "extra loop"],
            Self::Pieces => ["fewer pieces", "broken stroke"],
            Self::Width => ["thin stroke", "thick stroke"],
            Self::Strength => ["faint ink", "dense ink"],
            Self::Edge => ["far from the edge", "ink at the edge"],
            Self::Cut => ["rounded ends", "straight cut"],
        }
    }

    /// Formats a value with its unit.
    pub fn describe(self, value: f32) -> String {
        match self {
            Self::Ink | Self::Edge => format!("{value:.0} px"),
            Self::Slant => format!("{value:.0}°"),
            Self::Width => format!("{value:.1} px"),
            Self::Loops | Self::Pieces => format!("{value:.0}"),
            Self::Aspect | Self::Strength | Self::Cut => format!("{value:.2}"),
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ink => "ink",
            Self::Slant => "slant",
            Self::Aspect => "aspect",
            Self::Loops => "loops",
            Self::Pieces => "pieces",
            Self::Width => "width",
            Self::Strength => "strength",
            Self::Edge => "edge",
            Self::Cut => "cut",
        })
    }
}

/// The measurements of one image, in the order of [`Statistic::ALL`]. They are all zero for an image without ink.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Strokes(pub [f32; 9]);

type Mask = [[bool; IMAGE_SIDE]; IMAGE_SIDE];

impl Strokes {
    /// Measures an image.
    pub fn of(pixels: &Pixels) -> Self {
        let ink: f64 = pixels.iter().map(|pixel| f64::from(*pixel) / 255.0).sum();
        if ink == 0.0 {
            return Self::default();
        }
        let squares: f64 = pixels.iter().map(|pixel| (f64::from(*pixel) / 255.0).powi(2)).sum();
        let outer = |at: usize| !(2..IMAGE_SIDE - 2).contains(&at);
        let places = || (0..IMAGE_SIDE).flat_map(|y| (0..IMAGE_SIDE).map(move |x| (y, x)));
        let value = |(y, x): (usize, usize)| f64::from(pixels[IMAGE_SIDE * y + x]) / 255.0;
        let edge: f64 = places().filter(|(y, x)| outer(*y) || outer(*x)).map(value).sum();
        let mask: Mask = std::array::from_fn(|y| std::array::from_fn(|x| pixels[IMAGE_SIDE * y + x] >= STROKE));
        let [aspect, cut] = bounding_box(&mask);
        Self([
            ink as f32,
            slant(ink, places().map(|(y, x)| (y as f64, x as f64, value((y, x))))) as f32,
            aspect,
            loops(&mask) as f32,
            parts(&mask, true).filter(|(size, _)| *size >= SPECK).count() as f32,
            width(&mask),
            (squares / ink) as f32,
            edge as f32,
            cut,
        ])
    }

    /// One of the measurements.
    pub fn get(&self, statistic: Statistic) -> f32 {
        self.0[statistic as usize]
    }
}

fn slant(ink: f64, places: impl Iterator<Item = (f64, f64, f64)> + Clone) -> f64 {
    let mean = |of: fn(f64, f64) -> f64| places.clone().map(|(y, x, value)| value * of(y, x)).sum::<f64>() / ink;
    let (y, x) = (mean(|y, _| y), mean(|_, x| x));
    let mu11 = mean(|y, x| y * x) - y * x;
    let mu02 = mean(|y, _| y * y) - y * y;
    // A horizontal line has no slant.
    if mu02 < 1e-6 { 0.0 } else { (-mu11 / mu02).atan().to_degrees() }
}

/// Computes aspect and cut.
fn bounding_box(mask: &Mask) -> [f32; 2] {
    let row = |y: usize| mask[y].iter().any(|stroke| *stroke);
    let column = |x: usize| mask.iter().any(|row| row[x]);
    let extent = |any: &dyn Fn(usize) -> bool| {
        let first = (0..IMAGE_SIDE).find(|at| any(*at))?;
        (first..IMAGE_SIDE).rfind(|at| any(*at)).map(|last| (first, last))
    };
    let (Some((top, bottom)), Some((left, right))) = (extent(&row), extent(&column)) else { return [0.0; 2] };
    let (height, width) = (bottom - top + 1, right - left + 1);
    let run = |stroke: &mut dyn Iterator<Item = bool>| {
        stroke.fold((0, 0), |(longest, run), stroke| {
            let run = if stroke { run + 1 } else { 0 };
            (run.max(longest), run)
        })
    };
    let share = |longest: (i32, i32), length: usize| longest.0 as f32 / length as f32;
    let cut = [top, bottom]
        .map(|y| share(run(&mut mask[y][left..=right].iter().copied()), width))
        .into_iter()
        .chain([left, right].map(|x| share(run(&mut mask[top..=bottom].iter().map(|row| row[x])), height)))
        .fold(0.0, f32::max);
    [width as f32 / height as f32, cut]
}

/// Twice the area divided by the outline, whose length is the number of pixel sides between stroke and background.
fn width(mask: &Mask) -> f32 {
    let at = |y: Option<usize>, x: Option<usize>| {
        y.zip(x).is_some_and(|(y, x)| y < IMAGE_SIDE && x < IMAGE_SIDE && mask[y][x])
    };
    let (mut area, mut outline) = (0, 0);
    for (y, x) in (0..IMAGE_SIDE).flat_map(|y| (0..IMAGE_SIDE).map(move |x| (y, x))).filter(|(y, x)| mask[*y][*x]) {
        area += 1;
        let neighbours =
            [(y.checked_sub(1), Some(x)), (Some(y + 1), Some(x)), (Some(y), x.checked_sub(1)), (Some(y), Some(x + 1))];
        outline += neighbours.into_iter().filter(|(y, x)| !at(*y, *x)).count();
    }
    if area == 0 { 0.0 } else { 2.0 * area as f32 / outline as f32 }
}

/// Counts the areas of background that do not reach the border. Background pixels are connected by their sides only,
/// stroke pixels by corners too.
fn loops(mask: &Mask) -> usize {
    let background = mask.map(|row| row.map(|stroke| !stroke));
    parts(&background, false).filter(|(size, at_border)| *size >= SPECK && !at_border).count()
}

/// The size of each connected part of a mask, and whether it reaches the border.
fn parts(mask: &Mask, by_corners: bool) -> impl Iterator<Item = (usize, bool)> {
    // Each row is a bit mask, so that a whole row grows into its neighbours at once.
    let mut left = mask.map(|row| row.iter().rev().fold(0, |bits, stroke| 2 * bits + u32::from(*stroke)));
    std::iter::from_fn(move || {
        let first = left.iter().position(|row| *row != 0)?;
        let mut part = [0; IMAGE_SIDE];
        part[first] = left[first] & left[first].wrapping_neg();
        let beside = |row: u32| row | row << 1 | row >> 1;
        loop {
            let before = part;
            // Going down and then up lets a part grow along its whole height in one pass.
            for y in (0..IMAGE_SIDE).chain((0..IMAGE_SIDE).rev()) {
                let above = y.checked_sub(1).map_or(0, |y| part[y]) | part.get(y + 1).copied().unwrap_or(0);
                part[y] |= (beside(part[y]) | if by_corners { beside(above) } else { above }) & left[y];
            }
            if part == before {
                break;
            }
        }
        for (left, part) in left.iter_mut().zip(part) {
            *left &= !part;
        }
        let sides = 1 | 1 << (IMAGE_SIDE - 1);
        let at_border = part[0] | part[IMAGE_SIDE - 1] | part.iter().fold(0, |all, row| all | row & sides) != 0;
        Some((part.iter().map(|row| row.count_ones() as usize).sum(), at_border))
    })
}

/// The measurements of all training images, by class, to compare an image with.
#[derive(Clone, Debug)]
pub(super) struct ClassStatistics {
    /// Sorted values of each statistic of each class.
    sorted: Vec<[Vec<f32>; 9]>,
}

/// Where an image's measurement lies among those of its class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// What is measured.
    pub statistic: Statistic,
    /// The image's value.
    pub value: f32,
    /// The class median.
    pub median: f32,
    /// Fraction of the class, counting this image too, with this value or a lower one, in (0, 1]. Because the image
    /// itself counts, a small class has no outliers.
    pub at_most: f64,
    /// Fraction of the class, counting this image too, with this value or a higher one, in (0, 1].
    pub at_least: f64,
}

impl Standing {
    /// Fraction of the class that is as extreme on the same side, in (0, 1].
    pub fn tail(&self) -> f64 {
        self.at_most.min(self.at_least)
    }

    /// Whether the value is an outlier, see [`OUTLYING_MAX`].
    pub fn is_outlying(&self) -> bool {
        self.tail() <= OUTLYING_MAX
    }

    /// Whether the value lies in the upper tail.
    pub fn is_high(&self) -> bool {
        self.at_least < self.at_most
    }

    /// What the value would mean as an outlier.
    pub fn words(&self) -> &'static str {
        self.statistic.words()[usize::from(self.is_high())]
    }
}

impl ClassStatistics {
    /// Measures every image, on the threads of the current rayon pool.
    pub(super) fn of(training: &Split) -> Self {
        let strokes: Vec<Strokes> = training.all_pixels().par_iter().map(Strokes::of).collect();
        let mut sorted = vec![<[Vec<f32>; 9]>::default(); training.classes()];
        for (strokes, label) in strokes.iter().zip(training.labels()) {
            for (values, value) in sorted[usize::from(*label)].iter_mut().zip(strokes.0) {
                values.push(value);
            }
        }
        for values in sorted.iter_mut().flatten() {
            values.sort_by(f32::total_cmp);
        }
        Self { sorted }
    }

    /// Compares an image with a class, in the order of [`Statistic::ALL`]. In a class without images nothing is an
    /// outlier.
    ///
    /// # Panics
    /// When `class` is out of range.
    pub(super) fn standings(&self, class: usize, strokes: &Strokes) -> [Standing; 9] {
        Statistic::ALL.map(|statistic| {
            let sorted = &self.sorted[class][statistic as usize];
            let value = strokes.get(statistic);
            let share = |count: usize| (count + 1) as f64 / (sorted.len() + 1) as f64;
            Standing {
                statistic,
                value,
                median: sorted.get(sorted.len() / 2).copied().unwrap_or(value),
                at_most: share(sorted.partition_point(|other| *other <= value)),
                at_least: share(sorted.len() - sorted.partition_point(|other| *other < value)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(ink: impl Fn(usize, usize) -> bool) -> Strokes {
        let mut pixels = [0; lenet_core::IMAGE_BYTES];
        for (at, pixel) in pixels.iter_mut().enumerate() {
            *pixel = if ink(at / IMAGE_SIDE, at % IMAGE_SIDE) { 255 } else { 0 };
        }
        Strokes::of(&pixels)
    }

    #[test]
    fn a_ring_has_a_loop_and_a_bar_has_a_width() {
        let inside = |at: usize, from: usize, to: usize| (from..to).contains(&at);
        let ring = drawn(|y, x| inside(y, 6, 20) && inside(x, 8, 18) && !(inside(y, 9, 17) && inside(x, 11, 15)));
        assert_eq!(ring.get(Statistic::Loops), 1.0);
        assert_eq!(ring.get(Statistic::Pieces), 1.0);
        assert_eq!(ring.get(Statistic::Ink), 14.0 * 10.0 - 8.0 * 4.0);
        assert_eq!(ring.get(Statistic::Cut), 1.0);
        assert_eq!(ring.get(Statistic::Edge), 0.0);
        assert_eq!(ring.get(Statistic::Strength), 1.0);
        let bar = drawn(|y, x| inside(x, 12, 15) && y < 20);
        assert_eq!(bar.get(Statistic::Aspect), 3.0 / 20.0);
        assert!((bar.get(Statistic::Width) - 2.0 * 60.0 / 46.0).abs() < 1e-6);
        assert_eq!((bar.get(Statistic::Slant), bar.get(Statistic::Edge)), (0.0, 6.0));
        // A diagonal is one piece, connected by corners. Two bars are two pieces, and a speck does not count.
        let diagonal = drawn(|y, x| x + y == 27);
        assert_eq!((diagonal.get(Statistic::Pieces), diagonal.get(Statistic::Loops)), (1.0, 0.0));
        assert!((diagonal.get(Statistic::Slant) - 45.0).abs() < 1e-3);
        let two = drawn(|y, x| (inside(x, 3, 6) || inside(x, 20, 22)) && inside(y, 5, 20) || (y, x) == (25, 25));
        assert_eq!(two.get(Statistic::Pieces), 2.0);
        assert_eq!(drawn(|_, _| false), Strokes::default());
    }

    #[test]
    fn standings_count_the_class() {
        let data = crate::data::digits_10k();
        let training = data.train.first(1000);
        let statistics = ClassStatistics::of(&training);
        let of_class: Vec<f32> = (0..training.len())
            .filter(|index| training.labels()[*index] == 3)
            .map(|index| Strokes::of(training.pixels(index)).get(Statistic::Slant))
            .collect();
        let strokes = Strokes::of(data.test.pixels(2));
        let standing = statistics.standings(3, &strokes)[Statistic::Slant as usize];
        let value = strokes.get(Statistic::Slant);
        let share = |count: usize| (count + 1) as f64 / (of_class.len() + 1) as f64;
        assert_eq!(standing.at_most, share(of_class.iter().filter(|other| **other <= value).count()));
        assert_eq!(standing.at_least, share(of_class.iter().filter(|other| **other >= value).count()));
        let far = statistics.standings(3, &Strokes([1e3; 9]))[1];
        assert!(far.is_high() && far.words() == "leans right");
        // A hundred images are too few for a value that only one in two hundred has.
        assert!(!far.is_outlying() && of_class.len() < 150);
        let far = ClassStatistics::of(&data.train).standings(3, &Strokes([1e3; 9]))[1];
        assert!(far.is_outlying());
    }
}
