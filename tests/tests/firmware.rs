//! The firmware in the emulator computes the workstation's bits, and refuses damaged models.
//!
//! See `tests::firmware` for what happens where the emulator is missing.

use std::fs;

use host_trainer::data::digits_10k;
use host_trainer::evaluation::classify_all;
use host_trainer::formats::ModelFile;
use lenet_core::checksum::Crc32;
use lenet_core::{LeNet5, Logits};
use libtest_mimic::{Arguments, Failed};
use tempfile::TempDir;
use tests::firmware::{self, Board, emulate, succeed, text};
use tests::{committed_model, page};

/// The images that the demo classifies.
const DIGITS: usize = 10;

/// The board that is also built with the distribution's Rust. That toolchain compiles `core` from source, which takes
/// about a minute for a target; what it could get wrong, it would get wrong for every target.
const DEBIAN_BOARD: &str = "microbit";

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for board in firmware::boards() {
        trials.push(board.trial("computes_the_hosts_logits", computes_the_hosts_logits));
        trials.push(board.trial("a_second_model_can_be_flashed_over_the_first", second_model));
        trials.push(board.trial("damaged_models_are_refused", damaged_models_are_refused));
        trials.push(board.trial("bench_counts_and_computes_the_hosts_logits", bench));
        trials.push(board.trial("verify_computes_the_hosts_activations", verify));
        trials.push(board.trial("bad_image_files_are_refused", bad_images_are_refused));
        if board.name == DEBIAN_BOARD {
            let missing = board.check(Some("debian")).is_err();
            let trial = board.trial("the_firmware_built_by_debians_rust_computes_the_same", debian_toolchain);
            trials.push(trial.with_ignored_flag(missing));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn host_logits(model: &ModelFile) -> Vec<Logits> {
    classify_all(model.model().expect("the model is valid"), &digits_10k().test.first(DIGITS))
}

/// Compares what the demo prints about each digit with what the host computes.
fn compare(printed: &str, model: &ModelFile) -> Result<(), Failed> {
    let expected = host_logits(model);
    let of_board: Vec<Vec<i8>> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("logits:"))
        .map(|line| line.split_whitespace().map(str::parse).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()?;
    if of_board.len() != DIGITS {
        return Err(format!("{} lines of logits in\n{printed}", of_board.len()).into());
    }
    let mut crc32 = Crc32::new();
    for (index, (board, host)) in of_board.iter().zip(&expected).enumerate() {
        if board != host.values() {
            return Err(format!("digit {index}: the board computes {board:?}, the host {:?}", host.values()).into());
        }
        let label = digits_10k().test.labels()[index];
        let line = format!("digit {index}: label {label}, predicted {} (", host.class());
        if !printed.contains(&line) {
            return Err(format!("no line {line:?} in\n{printed}").into());
        }
        crc32.update_logits(host);
    }
    let last = format!("crc32 {:08x}", crc32.finish());
    if printed.lines().last() != Some(&last) {
        return Err(format!("the last line is not {last:?} in\n{printed}").into());
    }
    if let Some(line) = printed.lines().find(|line| line.len() > 80) {
        return Err(format!("longer than 80 columns: {line:?}").into());
    }
    Ok(())
}

fn computes_the_hosts_logits(board: &Board) -> Result<(), Failed> {
    compare(&succeed(emulate(None, &[&board.name, "demo"]))?, &committed_model())
}

fn debian_toolchain(board: &Board) -> Result<(), Failed> {
    compare(&succeed(emulate(Some("debian"), &[&board.name, "demo"]))?, &committed_model())
}

fn bench(board: &Board) -> Result<(), Failed> {
    let printed = succeed(board.run("bench", &[])?)?;
    let (table, json) = printed.trim_end().rsplit_once('\n').ok_or("the benchmark prints one line only")?;
    if let Some(line) = table.lines().find(|line| line.len() > 80) {
        return Err(format!("longer than 80 columns: {line:?}").into());
    }
    let mut crc32 = Crc32::new();
    host_logits(&committed_model()).iter().for_each(|logits| crc32.update_logits(logits));
    let text =
        [("board", board.name.as_str()), ("counter", "instructions"), ("crc32", &format!("{:08x}", crc32.finish()))];
    for (key, value) in text {
        if !json.contains(&format!("\"{key}\":\"{value}\"")) {
            return Err(format!("no {key} {value} in {json}").into());
        }
    }
    let layers = ["conv1", "conv2", "fc1", "fc2", "fc3"].map(|key| number(json, key));
    let layers: u32 = layers.into_iter().sum::<Result<_, _>>()?;
    let dense = number(json, "dense")?;
    if layers.abs_diff(dense) > dense / 100 {
        return Err(format!("the layers take {layers} instructions together, an inference {dense}").into());
    }
    let [least, mean, most] = ["skip_min", "skip_mean", "skip_max"].map(|key| number(json, key));
    let (least, mean, most) = (least?, mean?, most?);
    if !(least <= mean && mean <= most) {
        return Err(format!("skip_min, skip_mean and skip_max are out of order in {json}").into());
    }
    let [workspace, model, image, stack] = ["workspace", "model", "image", "stack"].map(|key| number(json, key));
    if number(json, "ram")? != workspace? + model? + image? + stack? || number(json, "code")? == 0 {
        return Err(format!("wrong sizes in {json}").into());
    }
    Ok(())
}

/// The number with this key, which must be unique in the object.
fn number(json: &str, key: &str) -> Result<u32, Failed> {
    let (_, value) = json.split_once(&format!("\"{key}\":")).ok_or_else(|| format!("no {key} in {json}"))?;
    let end = value.find([',', '}']).ok_or("the object has no end")?;
    Ok(value[..end].parse()?)
}

/// An IDX file with the first test images.
fn image_file(count: usize) -> Vec<u8> {
    let images = digits_10k().test.first(count);
    let mut file: Vec<u8> = [0x803, count as u32, 28, 28].into_iter().flat_map(u32::to_be_bytes).collect();
    (0..count).for_each(|index| file.extend(images.pixels(index)));
    file
}

fn verify(board: &Board) -> Result<(), Failed> {
    const FILE: usize = 100;
    const USED: usize = 90;
    let model = committed_model();
    let mut network = LeNet5::new(model.model()?);
    let mut crcs = ["pool1", "pool2", "fc1", "fc2", "logits"].map(|name| (name, Crc32::new()));
    for index in 0..USED {
        let logits = network.classify(digits_10k().test.pixels(index));
        let [pool1, pool2, fc1, fc2, of_logits] = crcs.each_mut().map(|(_, crc)| crc);
        let workspace = network.workspace();
        append(pool1, workspace.pool1().collect::<Vec<_>>());
        append(pool2, workspace.pool2());
        append(fc1, workspace.fc1());
        append(fc2, workspace.fc2());
        of_logits.update_logits(&logits);
    }
    let folder = TempDir::new()?;
    // The emulator gives commas and spaces a meaning of their own.
    let path = folder.path().join("a, b.idx");
    fs::write(&path, image_file(FILE))?;
    let printed = succeed(board.run("verify", &["--images", text(&path), "--count", &USED.to_string()])?)?;
    for (name, crc) in crcs {
        let line = format!("{name} {:08x}", crc.finish());
        if !printed.lines().any(|printed| printed == line) {
            return Err(format!("no line {line:?} in\n{printed}").into());
        }
    }
    Ok(())
}

fn append(crc: &mut Crc32, activations: impl AsRef<[u8]>) {
    crc.update(activations.as_ref());
}

fn bad_images_are_refused(board: &Board) -> Result<(), Failed> {
    let good = image_file(2);
    let folder = TempDir::new()?;
    let path = folder.path().join("bad.idx");
    let path = text(&path);
    let mut larger = good.clone();
    larger[11] = 29;
    let files: [(&[u8], &str); 6] = [
        (&[0x1f, 0x8b, 8, 0], "gunzip"),
        (b"P5 28 28 255", "not an IDX image file"),
        (&[], "not an IDX image file"),
        (&larger, "29 x 28"),
        (&good[..1000], "has 1000 bytes, but its 2 images take 1584"),
        (&image_file(0), "no image"),
    ];
    for (bytes, expected) in files {
        fs::write(path, bytes)?;
        let output = board.run("verify", &["--images", path])?;
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(1) || !message.contains(expected) || !message.contains(path) {
            return Err(format!("{} and no {expected:?}: {message}", output.status).into());
        }
    }
    Ok(())
}

/// The committed model with its classes moved by one: class `c` becomes class `c + 1`.
fn rotated_model() -> Result<ModelFile, Failed> {
    let mut network = page::read(committed_model().bytes()).network;
    let last = &mut network.layers[4];
    let weights_per_class = last.weights.len() / network.classes.count();
    last.bias.rotate_right(1);
    last.multiplier.rotate_right(1);
    last.weight_scale.rotate_right(1);
    last.weights.rotate_right(weights_per_class);
    Ok(network.encode(&Default::default())?)
}

fn second_model(board: &Board) -> Result<(), Failed> {
    let model = rotated_model()?;
    for (first, second) in host_logits(&committed_model()).iter().zip(host_logits(&model)) {
        if second.class() != (first.class() + 1) % 10 {
            return Err("the second model gives the answers of the first".into());
        }
    }
    let folder = TempDir::new()?;
    let path = folder.path().join("second.lenet");
    fs::write(&path, model.bytes())?;
    compare(&succeed(board.run("demo", &["--model", text(&path)])?)?, &model)
}

fn damaged_models_are_refused(board: &Board) -> Result<(), Failed> {
    let good = committed_model().bytes().to_vec();
    let slot_bytes = board.slot_bytes;
    let folder = TempDir::new()?;
    let path = folder.path().join("damaged.lenet");
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 8] = [
        ("magic", |bytes| bytes[0] ^= 0x20),
        ("version", |bytes| bytes[4] = 77),
        ("description", |bytes| bytes[45] ^= 1),
        ("a bias", |bytes| bytes[100] ^= 0x80),
        ("a weight", |bytes| bytes[40_000] ^= 1),
        ("CRC", |bytes| *bytes.last_mut().expect("it is not empty") ^= 0x10),
        ("erased", |bytes| bytes.fill(0xff)),
        ("truncated", |bytes| bytes.truncate(30_000)),
    ];
    for (what, damage) in damages {
        let mut bytes = good.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes)?;
        bytes.resize(slot_bytes, 0xff);
        let slot = ModelFile::new(&bytes);
        let expected = lenet_core::Model::from_prefix(slot.bytes()).expect_err("the host refuses it too").to_string();
        let output = board.run("demo", &["--model", text(&path)])?;
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || !message.contains(&expected) || !message.contains("Flash a .lenet model") {
            return Err(format!("{what}: {} and no {expected:?}: {message}", output.status).into());
        }
        if message.contains("fault") || message.contains("panicked") {
            return Err(format!("{what}: {message}").into());
        }
    }
    fs::write(&path, vec![0; slot_bytes + 1])?;
    let output = board.run("demo", &["--model", text(&path)])?;
    let message = String::from_utf8_lossy(&output.stderr);
    if !message.contains(&format!("has {} bytes, the model slot {slot_bytes}", slot_bytes + 1)) {
        return Err(format!("a file larger than the slot: {message}").into());
    }
    Ok(())
}
