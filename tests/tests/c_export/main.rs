//! The exported C source compiles without a warning, as C99 and as C++, and computes the same bits as `lenet-core`:
//! for the committed model and for random ones, with all four pairs of pools.
//!
//! As in `firmware.rs`, tests whose compiler is missing count as ignored unless `LENET_REQUIRE_EMULATOR=1`.

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
use tests::random::{self, Biases, CLASSES, Image, Kind, Multipliers, Weights};

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];
const POOLS: [[Pool; 2]; 4] = [
    [Pool::Average, Pool::Maximum],
    [Pool::Maximum, Pool::Average],
    [Pool::Average, Pool::Average],
    [Pool::Maximum, Pool::Maximum],
];

/// A compiler and its options.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Compiler {
    command: &'static str,
    options: &'static [&'static str],
}

const GCC: Compiler = Compiler { command: "gcc", options: &["-x", "c", "-std=c99", "-O2"] };
/// Stops the program at the first operation that C leaves undefined.
const SANITIZERS: Compiler = Compiler {
    command: "gcc",
    options: &["-x", "c", "-std=c99", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"],
};
const CLANG: Compiler = Compiler { command: "clang", options: &["-x", "c", "-std=c99", "-O2"] };
/// The oldest C++ that Arduino's cores for 32-bit boards and Zephyr use.
const CPP11: Compiler = Compiler { command: "g++", options: &["-x", "c++", "-std=c++11", "-O2"] };
const CPP17: Compiler = Compiler { command: "g++", options: &["-x", "c++", "-std=c++17", "-O2"] };
const CPP20: Compiler = Compiler { command: "g++", options: &["-x", "c++", "-std=c++20", "-O2"] };

/// How the exported files become a program.
#[derive(Clone, Copy)]
struct Build {
    /// Compiles the exported `network.c`.
    network: Compiler,
    /// Compiles the main program, which includes the exported `network.h`, and links both.
    main: Compiler,
}

impl Build {
    /// One compiler for everything.
    const fn all_by(compiler: Compiler) -> Self {
        Self { network: compiler, main: compiler }
    }

    /// A C++ program that calls the network compiled as C: what an Arduino sketch or a C++ application for Zephyr is.
    const fn c_called_by(main: Compiler) -> Self {
        Self { network: GCC, main }
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let required = std::env::var_os("LENET_REQUIRE_EMULATOR").is_some_and(|value| value == "1");
    let builds = [
        ("gcc", Build::all_by(GCC)),
        ("sanitizers", Build::all_by(SANITIZERS)),
        ("clang", Build::all_by(CLANG)),
        ("cpp11_calls_c", Build::c_called_by(CPP11)),
        ("cpp20_calls_c", Build::c_called_by(CPP20)),
        ("cpp11", Build::all_by(CPP11)),
        ("cpp17", Build::all_by(CPP17)),
        ("cpp20", Build::all_by(CPP20)),
    ];
    let mut trials = Vec::new();
    for (label, build) in builds {
        let missing = build.network.check().and_then(|()| build.main.check()).err();
        // clang is a second opinion that nobody has to install.
        if missing.is_some() && build.main == CLANG {
            continue;
        }
        if let Some(reason) = &missing {
            eprintln!("The tests of exported C cannot run with {label}: {reason}");
            eprintln!("`tests/run` installs what is missing; on Debian: sudo apt install gcc g++ libc6-dev");
        }
        let ignored = missing.is_some() && !required;
        let mut add = |name: &str, test: fn(Build) -> Result<(), Failed>| {
            let trial = Trial::test(format!("{label}::{name}"), move || test(build));
            trials.push(trial.with_ignored_flag(ignored));
        };
        add("the_committed_model_on_1000_images", committed_model_on_1000_images);
        add("every_pair_of_pools", every_pair_of_pools);
        // The arithmetic of C++ is that of C, so the corner values are tested in C only.
        if build.main.command != CPP11.command {
            add("random_networks_and_corner_values", random_networks);
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

impl Compiler {
    /// Whether it can make programs here.
    ///
    /// # Errors
    /// What is missing.
    fn check(self) -> Result<(), String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let source = folder.path().join("probe.c");
        fs::write(&source, "#include <stdint.h>\nint main(void) { return 0; }\n").map_err(|error| error.to_string())?;
        let output = self
            .run(folder.path(), &["probe.c", "-o", "probe"])
            .map_err(|error| format!("{}: {error}", self.command))?;
        succeed(output).map(drop).map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    /// Runs it in a folder.
    fn run(self, folder: &Path, arguments: &[&str]) -> std::io::Result<Output> {
        let mut command = Command::new(self.command);
        command.args(WARNINGS).args(self.options).args(arguments);
        command.current_dir(folder).stdin(Stdio::null()).output()
    }
}

impl Build {
    /// Exports a model, compiles it, and compares everything it computes with what `lenet-core` does.
    fn compare<'a>(self, file: &ModelFile, images: impl Iterator<Item = &'a Pixels> + Clone) -> Result<(), Failed> {
        let folder = TempDir::new()?;
        let program = self.build(file, folder.path())?;
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or("the program has no standard input")?;
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
                return Err(format!(
                    "image {index}: byte {place} ({bytes}) is {c} in the exported code, {core} in lenet-core"
                )
                .into());
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
        let steps = if self.network == self.main {
            vec![(self.main, vec!["network.c", "main.c", "-o", "program"])]
        } else {
            vec![
                (self.network, vec!["-c", "network.c", "-o", "network.o"]),
                (self.main, vec!["main.c", "-x", "none", "network.o", "-o", "program"]),
            ]
        };
        for (compiler, arguments) in steps {
            let printed = succeed(compiler.run(folder, &arguments)?)?;
            if !printed.is_empty() {
                return Err(format!("the compiler says {printed}").into());
            }
        }
        Ok(folder.join("program"))
    }
}

/// What the C program writes for an image, from `lenet-core`.
fn answer(core: &mut LeNet5<'_>, pixels: &Pixels) -> Vec<u8> {
    let logits = core.classify(pixels);
    let mut bytes: Vec<u8> = logits.values().iter().map(|value| *value as u8).collect();
    bytes.push(logits.class() as u8);
    let workspace = core.workspace();
    bytes.extend(workspace.pool1());
    for layer in [workspace.pool2().as_slice(), workspace.fc1(), workspace.fc2()] {
        bytes.extend(layer);
    }
    bytes
}

fn committed_model_on_1000_images(build: Build) -> Result<(), Failed> {
    let test = digits_10k().test;
    assert_eq!(test.len(), 1_000);
    build.compare(&committed_model(), (0..test.len()).map(|index| test.pixels(index)))
}

fn every_pair_of_pools(build: Build) -> Result<(), Failed> {
    let file = committed_model();
    let model = file.model()?;
    let test = digits_10k().test;
    for [pool1, pool2] in POOLS {
        let mut network = QuantizedNetwork::from(&model);
        (network.pools.pool1, network.pools.pool2) = (pool1, pool2);
        let file = network.encode(&model.description())?;
        build.compare(&file, (0..100).map(|index| test.pixels(index)))?;
    }
    Ok(())
}

/// 30 networks: every kind of weights with every kind of multipliers; biases and pools take turns.
fn random_networks(build: Build) -> Result<(), Failed> {
    let weights =
        [Weights::Uniform, Weights::Extremes, Weights::Tiny, Weights::All(127), Weights::All(-127), Weights::Heavy];
    let multipliers = [
        Multipliers::Fitting,
        Multipliers::Largest,
        Multipliers::Eighth,
        Multipliers::Smallest,
        Multipliers::Uniform,
        Multipliers::Half,
        Multipliers::BelowOne,
    ];
    let biases = [Biases::Fitting, Biases::Extremes, Biases::Tiny];
    let images: Vec<Pixels> = [Image::Uniform, Image::Extremes, Image::Tiny, Image::All(255), Image::All(0)]
        .into_iter()
        .enumerate()
        .map(|(seed, kind)| random::image(seed as u64, kind))
        .collect();
    for index in 0..30 {
        let (weights, multipliers) = (weights[index % weights.len()], multipliers[index % multipliers.len()]);
        // Out of step with the multipliers, so that the pairs vary.
        let (biases, pools) = (biases[index / 2 % biases.len()], POOLS[index / 3 % POOLS.len()]);
        let kind = Kind { classes: CLASSES[index % CLASSES.len()], pools, weights, multipliers, biases };
        let file = random::network(index as u64, kind).encode(&Default::default())?;
        build.compare(&file, images.iter()).map_err(|problem| {
            let problem = problem.message().unwrap_or_default();
            format!("{kind:?}: {problem}")
        })?;
    }
    Ok(())
}
