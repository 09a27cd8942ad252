//! The kernels of every board compute the same bits as the portable kernels: for random networks and images, corner
//! values included, with all four pairs of pools, with blank input computed and skipped.
//!
//! The firmware `verify` is built once for each board. Each case flashes another model over it and hands it images in a
//! file. See `tests::firmware` for what happens where the emulator is missing.

use std::fs;

use host_trainer::formats::ModelFile;
use lenet_core::checksum::Crc32;
use lenet_core::{LeNet5, Model, Pixels, Pool};
use libtest_mimic::{Arguments, Failed};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};
use tempfile::TempDir;
use tests::firmware::{self, Board, succeed, text};
use tests::random::{self, Biases, CLASSES, Image, Kind, Multipliers, Weights};
use tests::{committed_model, mnist_or_digits};

/// Random cases for each board. Each starts the emulator once.
const CASES: u32 = 24;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for board in firmware::boards() {
        trials.push(board.trial("corner_values", corner_values));
        trials.push(board.trial("random_networks", random_networks));
        trials.push(board.trial("the_committed_model_on_200_images", committed_model_on_200_images));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A network and its images.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    kind: Kind,
    images: Vec<Image>,
}

impl Case {
    /// Runs it on a board and compares every layer's checksum with the portable kernels'.
    fn run(&self, board: &Board) -> Result<(), String> {
        let network = random::network(self.seed, self.kind);
        let file = network.encode(&Default::default()).map_err(|error| error.to_string())?;
        let images: Vec<_> =
            self.images.iter().zip(self.seed..).map(|(kind, seed)| random::image(seed, *kind)).collect();
        compare(board, &file, &images).map_err(|failed| failed.message().unwrap_or_default().to_owned())
    }
}

/// Compares every layer's checksum over all images on a board with the portable kernels'.
fn compare(board: &Board, file: &ModelFile, images: &[Pixels]) -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let [model_path, images_path] = ["model.lenet", "images.idx"].map(|name| folder.path().join(name));
    let header = [0x803, images.len() as u32, 28, 28].into_iter().flat_map(u32::to_be_bytes);
    let idx: Vec<u8> = header.chain(images.iter().flatten().copied()).collect();
    fs::write(&model_path, file.bytes())?;
    fs::write(&images_path, idx)?;
    let printed = succeed(board.run("verify", &["--model", text(&model_path), "--images", text(&images_path)])?)?;
    match expected(&file.model()?, images).into_iter().find(|line| !printed.lines().any(|printed| printed == line)) {
        Some(line) => Err(format!("the board does not print {line:?} but\n{printed}").into()),
        None => Ok(()),
    }
}

/// The checksum lines of the portable kernels.
fn expected(model: &Model<'_>, images: &[Pixels]) -> [String; 5] {
    let mut network = LeNet5::new(*model);
    let mut crcs = [(); 5].map(|()| Crc32::new());
    for pixels in images {
        let logits = network.classify(pixels);
        let workspace = network.workspace();
        let pool1: Vec<u8> = workspace.pool1().collect();
        let layers: [&[u8]; 4] = [&pool1, workspace.pool2(), workspace.fc1(), workspace.fc2()];
        for (crc, layer) in crcs.iter_mut().zip(layers) {
            crc.update(layer);
        }
        crcs[4].update_logits(&logits);
    }
    let mut names = ["pool1", "pool2", "fc1", "fc2", "logits"].into_iter();
    crcs.map(|crc| format!("{} {:08x}", names.next().unwrap_or_default(), crc.finish()))
}

/// The extremes of the weights with those of the multipliers, the biases and the images.
fn corner_values(board: &Board) -> Result<(), Failed> {
    let pairs = [Pool::Average, Pool::Maximum].map(|a| [Pool::Average, Pool::Maximum].map(|b| [a, b]));
    let mut pools = pairs.iter().flatten().cycle();
    let mut multipliers =
        [Multipliers::Fitting, Multipliers::Largest, Multipliers::Smallest, Multipliers::Eighth, Multipliers::BelowOne]
            .into_iter()
            .cycle();
    let mut classes = CLASSES.into_iter().cycle();
    let images = vec![Image::All(0), Image::All(255), Image::Tiny, Image::Extremes, Image::Uniform, Image::Sparse];
    for weights in
        [Weights::All(127), Weights::All(-127), Weights::All(0), Weights::Extremes, Weights::Tiny, Weights::Heavy]
    {
        for biases in [Biases::Extremes, Biases::Tiny, Biases::Fitting] {
            let (Some(pools), Some(multipliers), Some(classes)) = (pools.next(), multipliers.next(), classes.next())
            else {
                break;
            };
            let kind = Kind { classes, pools: *pools, weights, multipliers, biases };
            let case = Case { seed: 1, kind, images: images.clone() };
            case.run(board).map_err(|problem| format!("{case:?}: {problem}"))?;
        }
    }
    Ok(())
}

fn random_networks(board: &Board) -> Result<(), Failed> {
    let pool = || select(vec![Pool::Average, Pool::Maximum]);
    let strategy = (
        any::<u32>(),
        select(CLASSES.to_vec()),
        [pool(), pool()],
        select(vec![Weights::Uniform, Weights::Uniform, Weights::Extremes, Weights::Tiny, Weights::Heavy]),
        select(vec![
            Multipliers::Fitting,
            Multipliers::Fitting,
            Multipliers::Uniform,
            Multipliers::Eighth,
            Multipliers::Half,
        ]),
        select(vec![Biases::Fitting, Biases::Tiny, Biases::Extremes]),
        proptest::collection::vec(select(vec![Image::Uniform, Image::Tiny, Image::Extremes, Image::Sparse]), 1..6),
    )
        .prop_map(|(seed, classes, pools, weights, multipliers, biases, images)| Case {
            seed: seed.into(),
            kind: Kind { classes, pools, weights, multipliers, biases },
            images,
        });
    // A failure prints the whole case, seed included, so no file is needed to repeat it.
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |case| case.run(board).map_err(TestCaseError::fail));
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, case)) => Err(format!("{case:?}: {reason}").into()),
        Err(TestError::Abort(reason)) => Err(format!("gave up: {reason}").into()),
    }
}

fn committed_model_on_200_images(board: &Board) -> Result<(), Failed> {
    let test = mnist_or_digits()?.test;
    let images: Vec<_> = (0..200).map(|index| *test.pixels(index)).collect();
    compare(board, &committed_model(), &images)
}
