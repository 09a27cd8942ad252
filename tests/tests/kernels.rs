//! The kernels of every board compute the portable kernels' bits, for random networks and images, corner values
//! included, with all four pairs of pools, dense and skipping.
//!
//! Each case is a model that is flashed over the same firmware, `verify`, which takes its images from a file. As in
//! `firmware.rs` the tests count as ignored where the emulator is missing.

use std::fs;
use std::path::Path;

use lenet_core::checksum::Crc32;
use lenet_core::{LeNet5, Model, Pixels, Pool};
use libtest_mimic::{Arguments, Failed};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};
use tempfile::TempDir;
use tests::committed_model;
use tests::firmware::{self, Board, emulate, succeed};
use tests::random::{self, Biases, Image, Multipliers, Weights};

/// Random cases for each board; each starts the emulator once.
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
    pools: [Pool; 2],
    weights: Weights,
    multipliers: Multipliers,
    biases: Biases,
    images: Vec<Image>,
}

impl Case {
    /// Runs it on a board and compares every layer's checksum with the portable kernels'.
    fn run(&self, firmware: &Firmware) -> Result<(), String> {
        let network = random::network(self.seed, self.pools, self.weights, self.multipliers, self.biases);
        let file = network.encode(&Default::default()).map_err(|error| error.to_string())?;
        let images: Vec<_> =
            self.images.iter().zip(self.seed..).map(|(kind, seed)| random::image(seed, *kind)).collect();
        firmware.compare(file.bytes(), &file.model().map_err(|error| error.to_string())?, &images)
    }
}

/// The binary `verify`, built for a board.
struct Firmware {
    board: Board,
    elf: String,
    folder: TempDir,
}

impl Firmware {
    fn build(board: &Board) -> Result<Self, Failed> {
        let folder = TempDir::new()?;
        let elf = folder.path().join("verify");
        fs::write(&elf, board.build("verify")?)?;
        Ok(Self { board: board.clone(), elf: text(&elf), folder })
    }

    fn compare(&self, file: &[u8], model: &Model<'_>, images: &[Pixels]) -> Result<(), String> {
        let [model_path, images_path] = ["model.lenet", "images.idx"].map(|name| self.folder.path().join(name));
        let header = [0x803, images.len() as u32, 28, 28].into_iter().flat_map(u32::to_be_bytes);
        let idx: Vec<u8> = header.chain(images.iter().flatten().copied()).collect();
        fs::write(&model_path, file).and_then(|()| fs::write(&images_path, idx)).map_err(|error| error.to_string())?;
        let (model_path, images_path) = (text(&model_path), text(&images_path));
        let arguments = ["--elf", &self.board.name, &self.elf, "--model", &model_path, "--images", &images_path];
        let printed = succeed(emulate(None, &arguments)).map_err(|failed| format!("{failed:?}"))?;
        match expected(model, images).into_iter().find(|line| !printed.lines().any(|printed| printed == line)) {
            Some(line) => Err(format!("the board does not print {line:?} but\n{printed}")),
            None => Ok(()),
        }
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

fn text(path: &Path) -> String {
    path.to_str().expect("temporary paths are UTF-8").to_owned()
}

/// All of the weights' extremes with those of the multipliers, the biases and the images.
fn corner_values(board: &Board) -> Result<(), Failed> {
    let firmware = Firmware::build(board)?;
    let pairs = [Pool::Average, Pool::Maximum].map(|a| [Pool::Average, Pool::Maximum].map(|b| [a, b]));
    let mut pools = pairs.iter().flatten().cycle();
    let mut multipliers =
        [Multipliers::Fitting, Multipliers::Largest, Multipliers::Smallest, Multipliers::Eighth].into_iter().cycle();
    let images = vec![Image::All(0), Image::All(255), Image::Tiny, Image::Extremes, Image::Uniform, Image::Sparse];
    for weights in [Weights::All(127), Weights::All(-127), Weights::All(0), Weights::Extremes, Weights::Tiny] {
        for biases in [Biases::Extremes, Biases::Tiny, Biases::Fitting] {
            let (Some(pools), Some(multipliers)) = (pools.next(), multipliers.next()) else { break };
            let case = Case { seed: 1, pools: *pools, weights, multipliers, biases, images: images.clone() };
            case.run(&firmware).map_err(|problem| format!("{case:?}: {problem}"))?;
        }
    }
    Ok(())
}

fn random_networks(board: &Board) -> Result<(), Failed> {
    let firmware = Firmware::build(board)?;
    let pool = || select(vec![Pool::Average, Pool::Maximum]);
    let strategy = (
        any::<u32>(),
        [pool(), pool()],
        select(vec![Weights::Uniform, Weights::Uniform, Weights::Extremes, Weights::Tiny]),
        select(vec![Multipliers::Fitting, Multipliers::Fitting, Multipliers::Uniform, Multipliers::Eighth]),
        select(vec![Biases::Fitting, Biases::Tiny, Biases::Extremes]),
        proptest::collection::vec(select(vec![Image::Uniform, Image::Tiny, Image::Extremes, Image::Sparse]), 1..6),
    )
        .prop_map(|(seed, pools, weights, multipliers, biases, images)| Case {
            seed: seed.into(),
            pools,
            weights,
            multipliers,
            biases,
            images,
        });
    // What fails is printed whole, seed and all, so nothing needs to be kept beside the source.
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |case| case.run(&firmware).map_err(TestCaseError::fail));
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, case)) => Err(format!("{case:?}: {reason}").into()),
        Err(TestError::Abort(reason)) => Err(format!("gave up: {reason}").into()),
    }
}

/// The embedded test images, or MNIST's where `LENET_MNIST` names it.
fn committed_model_on_200_images(board: &Board) -> Result<(), Failed> {
    let folder = std::env::var_os("LENET_MNIST");
    let test = match &folder {
        Some(folder) => host_trainer::data::DataSet::from_folder(folder.as_ref())?.test,
        None => host_trainer::data::digits_10k().test,
    };
    let images: Vec<_> = (0..200).map(|index| *test.pixels(index)).collect();
    let file = committed_model();
    Ok(Firmware::build(board)?.compare(file.bytes(), &file.model()?, &images)?)
}
