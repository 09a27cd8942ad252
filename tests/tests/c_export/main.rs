//! The network exported as C99 compiles without a warning and computes `lenet-core`'s bits, for the committed model
//! and for random ones, with all four pairs of pools.
//!
//! As in `firmware.rs` the tests count as ignored where there is no C compiler.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use host_trainer::data::digits_10k;
use host_trainer::formats::{CSource, ModelFile, encode_c};
use host_trainer::int8::QuantizedNetwork;
use lenet_core::{LeNet5, Pixels, Pool};
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;
use tests::committed_model;
use tests::firmware::succeed;
use tests::random::{self, Biases, Image, Multipliers, Weights};

const STRICT: [&str; 6] = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion"];
const POOLS: [[Pool; 2]; 4] = [
    [Pool::Average, Pool::Maximum],
    [Pool::Maximum, Pool::Average],
    [Pool::Average, Pool::Average],
    [Pool::Maximum, Pool::Maximum],
];

/// A compiler and how it is called.
#[derive(Clone, Copy)]
struct Compiler {
    name: &'static str,
    options: &'static [&'static str],
}

const OPTIMIZED: Compiler = Compiler { name: "gcc", options: &["-O2"] };
/// Stops at the first step whose result the C standard leaves open.
const CHECKED: Compiler =
    Compiler { name: "gcc", options: &["-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"] };
const CLANG: Compiler = Compiler { name: "clang", options: &["-O2"] };

fn main() {
    let arguments = Arguments::from_args();
    let required = std::env::var_os("LENET_REQUIRE_EMULATOR").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for (label, compiler) in [("gcc", OPTIMIZED), ("sanitizers", CHECKED), ("clang", CLANG)] {
        let missing = compiler.check().err();
        // clang is a second opinion; nobody need have it.
        if missing.is_some() && compiler.name == CLANG.name {
            continue;
        }
        if let Some(reason) = &missing {
            eprintln!("The tests of exported C with {label} cannot run: {reason}");
            eprintln!("`tests/run` installs what is missing; on Debian: sudo apt install gcc libc6-dev");
        }
        let ignored = missing.is_some() && !required;
        let mut add = |name: &str, test: fn(Compiler) -> Result<(), Failed>| {
            let trial = Trial::test(format!("{label}::{name}"), move || test(compiler));
            trials.push(trial.with_ignored_flag(ignored));
        };
        add("the_committed_model_on_1000_images", committed_model_on_1000_images);
        add("every_pair_of_pools", every_pair_of_pools);
        add("random_networks_and_corner_values", random_networks);
    }
    libtest_mimic::run(&arguments, trials).exit();
}

impl Compiler {
    /// Whether it can make programs here.
    fn check(self) -> Result<(), String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let source = folder.path().join("probe.c");
        fs::write(&source, "#include <stdint.h>\nint main(void) { return 0; }\n").map_err(|error| error.to_string())?;
        let output = self.run(folder.path(), &["probe.c"]).map_err(|error| format!("{}: {error}", self.name))?;
        succeed(output).map(drop).map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    /// Compiles sources of a folder to its `program`.
    fn run(self, folder: &Path, sources: &[&str]) -> std::io::Result<Output> {
        let mut command = Command::new(self.name);
        command.args(STRICT).args(self.options).args(sources).args(["-o", "program"]);
        command.current_dir(folder).stdin(Stdio::null()).output()
    }

    /// Exports a model, compiles it, and compares everything it computes with what `lenet-core` does.
    fn compare<'a>(self, file: &ModelFile, images: impl Iterator<Item = &'a Pixels> + Clone) -> Result<(), Failed> {
        let folder = TempDir::new()?;
        let program = self.build(file, folder.path())?;
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or("the program has an input")?;
        let pixels: Vec<u8> = images.clone().flatten().copied().collect();
        let writer = std::thread::spawn(move || input.write_all(&pixels));
        let output = child.wait_with_output()?;
        writer.join().expect("writing does not panic")?;
        if !output.status.success() {
            return Err(format!("the program fails with {}", output.status).into());
        }
        let mut core = LeNet5::new(file.model()?);
        let expected: Vec<Vec<u8>> = images.map(|pixels| answer(&mut core, pixels)).collect();
        let answers: Vec<&[u8]> = output.stdout.chunks(expected.first().map_or(1, Vec::len)).collect();
        if answers.len() != expected.len() {
            return Err(format!("{} answers for {} images", answers.len(), expected.len()).into());
        }
        for (index, (answer, expected)) in answers.into_iter().zip(&expected).enumerate() {
            if let Some(place) = answer.iter().zip(expected).position(|(a, b)| a != b) {
                let bytes = "10 logits, the class, 864 bytes of pool1, 256 of pool2, 120 of fc1, 84 of fc2";
                let (c, core) = (answer[place], expected[place]);
                return Err(format!("image {index}: byte {place} ({bytes}) is {c} in C, {core} in lenet-core").into());
            }
        }
        Ok(())
    }

    fn build(self, file: &ModelFile, folder: &Path) -> Result<PathBuf, Failed> {
        let CSource { header, source } = encode_c(file, "network")?;
        for (name, text) in [("network.h", header.as_str()), ("network.c", &source), ("main.c", include_str!("main.c"))]
        {
            fs::write(folder.join(name), text)?;
        }
        let printed = succeed(self.run(folder, &["network.c", "main.c"])?)?;
        if !printed.is_empty() {
            return Err(format!("the compiler says {printed}").into());
        }
        Ok(folder.join("program"))
    }
}

/// What the C program writes for an image, from `lenet-core`.
fn answer(core: &mut LeNet5<'_>, pixels: &Pixels) -> Vec<u8> {
    let logits = core.classify(pixels);
    let mut bytes: Vec<u8> = logits.values.iter().map(|value| *value as u8).collect();
    bytes.push(logits.class() as u8);
    let workspace = core.workspace();
    bytes.extend(workspace.pool1());
    for layer in [workspace.pool2().as_slice(), workspace.fc1(), workspace.fc2()] {
        bytes.extend(layer);
    }
    bytes
}

fn committed_model_on_1000_images(compiler: Compiler) -> Result<(), Failed> {
    let test = digits_10k().test;
    assert_eq!(test.len(), 1_000);
    compiler.compare(&committed_model(), (0..test.len()).map(|index| test.pixels(index)))
}

fn every_pair_of_pools(compiler: Compiler) -> Result<(), Failed> {
    let file = committed_model();
    let model = file.model()?;
    let test = digits_10k().test;
    for [pool1, pool2] in POOLS {
        let mut network = QuantizedNetwork::from(&model);
        (network.pools.pool1, network.pools.pool2) = (pool1, pool2);
        let file = network.encode(&model.description())?;
        compiler.compare(&file, (0..100).map(|index| test.pixels(index)))?;
    }
    Ok(())
}

/// 30 networks: every kind of weights with every kind of multipliers, and biases and pools in turn.
fn random_networks(compiler: Compiler) -> Result<(), Failed> {
    let weights = [Weights::Uniform, Weights::Extremes, Weights::Tiny, Weights::All(127), Weights::All(-127)];
    let multipliers = [
        Multipliers::Fitting,
        Multipliers::Largest,
        Multipliers::Eighth,
        Multipliers::Smallest,
        Multipliers::Uniform,
        Multipliers::Fitting,
    ];
    let biases = [Biases::Fitting, Biases::Extremes, Biases::Tiny];
    let images: Vec<Pixels> = [Image::Uniform, Image::Extremes, Image::Tiny, Image::All(255), Image::All(0)]
        .into_iter()
        .enumerate()
        .map(|(seed, kind)| random::image(seed as u64, kind))
        .collect();
    for index in 0..30 {
        let (weights, multipliers) = (weights[index % weights.len()], multipliers[index % multipliers.len()]);
        // Not in step with the multipliers.
        let (biases, pools) = (biases[index / 2 % biases.len()], POOLS[index / 3 % POOLS.len()]);
        let file = random::network(index as u64, pools, weights, multipliers, biases).encode(&Default::default())?;
        compiler.compare(&file, images.iter()).map_err(|problem| {
            let problem = problem.message().unwrap_or_default();
            format!("{weights:?} {multipliers:?} {biases:?} {pools:?}: {problem}")
        })?;
    }
    Ok(())
}
