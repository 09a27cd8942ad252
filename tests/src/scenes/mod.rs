//! Drawings as people bring them: digits in every situation that preparation has to cope with, drawn from a seed.

mod canvas;
mod kind;
mod scene;
mod surroundings;

use std::ops::Range;

use lenet_core::Pixels;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use canvas::{Canvas, Pen};
pub use kind::Kind;
pub use scene::Scene;

impl Kind {
    /// Every situation.
    pub const ALL: [Self; 22] = [
        Self::Clean,
        Self::Levels,
        Self::Uneven,
        Self::Vignette,
        Self::SoftShadow,
        Self::HardShadow,
        Self::Grain,
        Self::Graph,
        Self::Ruled,
        Self::Frame,
        Self::Cell,
        Self::ScannerEdge,
        Self::Neighbour,
        Self::Specks,
        Self::Page,
        Self::LowContrast,
        Self::Small,
        Self::Table,
        Self::SmallFileLevels,
        Self::SmallFileShifted,
        Self::CutOut,
        Self::Thumbnail,
    ];

    /// A frame of this kind with a digit. `other` is a digit that may stand beside it.
    pub fn draw(self, seed: u64, digit: &Pixels, other: &Pixels) -> Scene {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(self as u64);
        let random = &mut rng;
        match self {
            Self::SmallFileLevels => {
                let contrast = random.random_range(50.0..200.0f32);
                let paper = random.random_range(0.0..255.0 - contrast);
                let inverted = random.random_bool(0.5);
                let level = |ink: &u8| {
                    let ink = f32::from(*ink) / 255.0;
                    (paper + contrast * if inverted { 1.0 - ink } else { ink }) as u8
                };
                return Scene { pixels: digit.iter().map(level).collect(), width: 28, height: 28 };
            }
            Self::SmallFileShifted => return shifted(random, digit),
            Self::CutOut => {
                let side = random.random_range(29..=200);
                return cut_out(random, digit, side);
            }
            Self::Thumbnail => {
                let side = random.random_range(8..=20);
                return cut_out(random, digit, side);
            }
            _ => {}
        }
        let (sizes, contrasts): (Range<f32>, Range<f32>) = match self {
            Self::Clean => (0.3..0.9, 240.0..245.0),
            Self::Levels => (0.3..0.9, 40.0..200.0),
            Self::LowContrast => (0.35..0.85, 20.0..36.0),
            Self::Small => (0.12..0.25, 90.0..220.0),
            Self::Frame | Self::Cell | Self::Neighbour => (0.3..0.55, 60.0..200.0),
            Self::Graph | Self::Ruled => (0.35..0.85, 90.0..210.0),
            _ => (0.3..0.75, 80.0..200.0),
        };
        let photo = matches!(
            self,
            Self::Uneven | Self::Vignette | Self::SoftShadow | Self::HardShadow | Self::ScannerEdge | Self::Table
        );
        let contrast: f32 = random.random_range(contrasts);
        let dark = if photo {
            random.random_range(30.0..=240.0 - contrast)
        } else {
            random.random_range(5.0..250.0 - contrast)
        };
        let light_paper = photo || random.random_bool(0.6);
        let levels = if light_paper { [dark + contrast, dark] } else { [dark, dark + contrast] };
        let width = random.random_range(64..=255usize);
        let height = ((width as f32 * random.random_range(0.7..1.4f32)) as usize).clamp(56, 255);
        let size = width.min(height) as f32 * random.random_range(sizes);
        let pen = [Pen::Thin, Pen::Normal, Pen::Bold, Pen::Soft][random.random_range(0..4)];
        let mut canvas = Canvas::new(width, height, levels);
        canvas.place(random, digit, size.max(16.0), pen);
        surroundings::add(self, random, &mut canvas, other);
        canvas.scene()
    }
}

/// A digit with no room above and below it, or on its left and right; in a square or in its own rectangle.
fn cut_out(random: &mut ChaCha8Rng, digit: &Pixels, side: usize) -> Scene {
    let size = side as f32;
    let [_, _, width, height] = canvas::bounds(digit);
    let rectangle = [width, height].map(|length| size * length / width.max(height));
    let frame = if random.random_bool(0.5) { [size; 2] } else { rectangle };
    let contrast = random.random_range(80.0..200.0f32);
    let dark = random.random_range(0.0..255.0 - contrast);
    let levels = if random.random_bool(0.5) { [dark + contrast, dark] } else { [dark, dark + contrast] };
    let [columns, rows] = frame.map(|length| (length.round() as usize).max(1));
    let mut canvas = Canvas::new(columns, rows, levels);
    let pen = [Pen::Thin, Pen::Normal, Pen::Soft][random.random_range(0..3)];
    canvas.draw(digit, size, pen, [0, 1].map(|axis| (frame[axis] - rectangle[axis]) / 2.0));
    canvas.scene()
}

fn shifted(random: &mut ChaCha8Rng, digit: &Pixels) -> Scene {
    let inked = || digit.iter().enumerate().filter(|(_, level)| **level > 0).map(|(place, _)| place);
    let room = |axis: fn(usize) -> usize| {
        let (low, high) = (inked().map(axis).min().unwrap_or(0), inked().map(axis).max().unwrap_or(27));
        (low, 27 - high)
    };
    let ((left, right), (above, below)) = (room(|place| place % 28), room(|place| place / 28));
    let (x, y) = (random.random_range(0..=left + right), random.random_range(0..=above + below));
    let mut pixels = vec![0; 784];
    for place in inked() {
        pixels[(place / 28 + y - above) * 28 + place % 28 + x - left] = digit[place];
    }
    Scene { pixels, width: 28, height: 28 }
}
