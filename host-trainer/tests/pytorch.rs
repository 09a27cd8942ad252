//! PyTorch files as people have them. The pickles are written here, opcode by opcode, as `torch.save` writes them.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::io::{Cursor, Write};

use command::{digits, refusal, stdout};
use host_trainer::formats::{decode_float, encode_safetensors, read_float};
use host_trainer::network::{NAMES, Network};
use lenet_core::preparation::Preparation;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn committed() -> Network {
    // A PyTorch file does not say how inputs are prepared.
    let network = read_float(&digits("digits-10k.safetensors")).unwrap().network;
    Network { preparation: Preparation::AsTheyAre, ..network }
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn integer(value: usize) -> Vec<u8> {
    [b"J".as_slice(), &(value as i32).to_le_bytes()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".as_slice(), &items.concat(), b"t"].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [b"](".as_slice(), &items.concat(), b"e"].concat()
}

fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(".as_slice(), &entries, b"u"].concat()
}

/// The result of a call.
fn call(module: &str, name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    [format!("c{module}\n{name}\n").into_bytes(), tuple(arguments), b"R".to_vec()].concat()
}

/// An object whose class is called without arguments and whose state is then set.
fn object(module: &str, name: &str, state: &[u8]) -> Vec<u8> {
    [format!("c{module}\n{name}\n)").as_bytes(), b"\x81", state, b"b"].concat()
}

fn tensor(storage: &str, key: usize, shape: &[usize]) -> Vec<u8> {
    let count = shape.iter().product::<usize>();
    let class = format!("ctorch\n{storage}\n").into_bytes();
    let strides = (0..shape.len()).map(|axis| integer(shape[axis + 1..].iter().product()));
    let stored = tuple(&[text("storage"), class, text(&key.to_string()), text("cpu"), integer(count)]);
    let shape: Vec<Vec<u8>> = shape.iter().map(|length| integer(*length)).collect();
    let hooks = call("collections", "OrderedDict", &[]);
    let arguments = [
        [stored, b"Q".to_vec()].concat(),
        integer(0),
        tuple(&shape),
        tuple(&strides.collect::<Vec<_>>()),
        vec![0x89],
        hooks,
    ];
    call("torch._utils", "_rebuild_tensor_v2", &arguments)
}

/// The ten tensors of the network, in storages from `first` on, under other names.
fn weights(names: &[String], first: usize) -> Vec<u8> {
    let network = committed();
    let tensors: Vec<(&str, Vec<u8>)> = names
        .iter()
        .zip(network.parameters.arrays())
        .enumerate()
        .map(|(index, (name, array))| (name.as_str(), tensor("FloatStorage", first + index, array.shape())))
        .collect();
    dict(&tensors)
}

fn named(prefix: &str) -> Vec<String> {
    NAMES.iter().map(|name| format!("{prefix}{name}")).collect()
}

/// An archive of `torch.save` with this object. Storages 0 to 9 have the weights of `network`, 10 to 19 zeros.
fn saved(object: &[u8], network: &Network) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: String, content: &[u8]| {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    };
    add("model/data.pkl".into(), &[b"\x80\x02", object, b"."].concat());
    for (index, array) in network.parameters.arrays().iter().enumerate() {
        let bytes: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
        add(format!("model/data/{index}"), &bytes);
        add(format!("model/data/{}", index + 10), &vec![0; bytes.len()]);
    }
    zip.finish().unwrap().into_inner()
}

fn read(object: &[u8]) -> Result<(Network, Vec<String>), String> {
    decode_float(&saved(object, &committed())).map(|file| (file.network.clone(), file.notes()))
}

#[test]
fn a_prefix_that_all_names_share_does_not_matter() {
    for prefix in ["", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.encoder."] {
        let (network, notes) = read(&weights(&named(prefix), 0)).unwrap();
        assert_eq!(network, committed(), "{prefix}");
        assert!(notes.len() == 1 && notes[0].contains("pool1 average and pool2 maximum are assumed"), "{notes:?}");
    }
}

#[test]
fn other_names_are_recognized_by_shapes_and_reported() {
    let layers = ["conv1", "conv2", "fc1", "fc2", "fc3"];
    let names: Vec<String> =
        layers.iter().flat_map(|layer| ["weight", "bias"].map(|kind| format!("{layer}.{kind}"))).collect();
    let (network, notes) = read(&weights(&names, 0)).unwrap();
    assert_eq!(network, committed());
    assert!(notes[0].contains("recognized by their shapes: conv1.weight as conv1, conv2.weight as conv2"), "{notes:?}");
}

/// What programs keep in checkpoints besides the weights.
fn company() -> Vec<(&'static str, Vec<u8>)> {
    let float = [b"G".as_slice(), &1.5f64.to_be_bytes()].concat();
    let moments = dict(&[("step", integer(5)), ("exp_avg", tensor("FloatStorage", 10, &[6, 1, 5, 5]))]);
    let optimizer = dict(&[
        ("state", [b"}(".as_slice(), &integer(0), &moments, b"u"].concat()),
        ("param_groups", list(&[dict(&[("lr", float.clone()), ("params", list(&[integer(0), integer(1)]))])])),
    ]);
    let scalar_type = call("numpy", "dtype", &[text("f8"), vec![0x89], vec![0x88]]);
    vec![
        ("epoch", integer(7)),
        ("loss", tensor("FloatStorage", 19, &[])),
        ("optimizer_state_dict", optimizer),
        ("rng", tensor("ByteStorage", 18, &[16])),
        ("best", call("numpy.core.multiarray", "scalar", &[scalar_type, [b"U\x08".as_slice(), &[0xff; 8]].concat()])),
        ("args", object("argparse", "Namespace", &dict(&[("lr", float), ("name", text("a"))]))),
        ("random", tuple(&[integer(3), tuple(&[integer(1), integer(2)]), b"N".to_vec()])),
        ("saved", call("datetime", "datetime", &[[b"U\x02".as_slice(), b"ab"].concat()])),
        ("path", call("pathlib", "PosixPath", &[text("runs"), text("a")])),
        (
            "defaults",
            [
                call("collections", "defaultdict", &[b"cbuiltins\nlist\n".to_vec()]),
                b"(".to_vec(),
                text("a"),
                list(&[]),
                b"u".to_vec(),
            ]
            .concat(),
        ),
    ]
}

#[test]
fn the_weights_are_found_among_whatever_a_checkpoint_holds() {
    for key in ["model_state_dict", "state_dict", "net"] {
        let all = [company(), vec![(key, weights(&named("module."), 0))]].concat();
        assert_eq!(read(&dict(&all)).unwrap().0, committed());
        let nested = dict(&[("checkpoint", list(&[dict(&all), b"N".to_vec()]))]);
        assert_eq!(read(&nested).unwrap().0, committed());
    }
    // The weights in the same dict as everything else.
    let mut flat = weights(&named(""), 0);
    flat.truncate(flat.len() - 1);
    for (key, value) in company().iter().filter(|(key, _)| !["loss", "rng"].contains(key)) {
        flat.extend([text(key), value.clone()].concat());
    }
    flat.push(b'u');
    assert_eq!(read(&flat).unwrap().0, committed());
}

#[test]
fn several_networks_and_none_are_refused_by_name() {
    let two = [company(), vec![("model", weights(&named(""), 0)), ("ema", weights(&named("module."), 10))]].concat();
    let message = read(&dict(&two)).unwrap_err();
    assert!(message.contains("several networks, in model and ema") && message.contains("[\"model\"]"), "{message}");
    // The same tensors twice are one network.
    let same = dict(&[("model", weights(&named(""), 0)), ("again", weights(&named("module."), 0))]);
    assert_eq!(read(&same).unwrap().0, committed());

    let message = read(&dict(&company())).unwrap_err();
    assert!(message.contains("features.0.weight") || message.contains("no dict of tensors"), "{message}");
    let message = read(&dict(&[("run", call("posix", "system", &[text("true")]))])).unwrap_err();
    assert!(message.contains("posix.system") && message.contains("no code from the file was run"), "{message}");
}

#[test]
fn a_whole_model_is_refused_with_the_way_to_its_weights() {
    let layer = |weight: usize, shape: &[usize]| {
        let parameters = dict(&[("weight", tensor("FloatStorage", weight, shape))]);
        object(
            "torch.nn.modules.conv",
            "Conv2d",
            &dict(&[("_parameters", parameters), ("_modules", dict(&[("x", b"N".to_vec())]))]),
        )
    };
    let modules = dict(&[("conv1", layer(0, &[6, 1, 5, 5])), ("conv2", layer(2, &[16, 6, 5, 5]))]);
    let model = object("__main__", "LeNet", &dict(&[("training", vec![0x88]), ("_modules", modules)]));
    for object in [model.clone(), dict(&[("model", model)])] {
        let message = read(&object).unwrap_err();
        assert!(message.contains("a whole model, an object of the class __main__.LeNet"), "{message}");
        assert!(message.contains("weights_only=False).state_dict()"), "{message}");
    }
}

/// A network that was trained on normalized pixels, as a file of weights alone and as one of this program.
#[test]
fn normalization_is_folded_recorded_and_suggested() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let (mean, std) = (0.1307, 0.3081);
    let needs = committed().with_normalization(-mean / std, 1.0 / std);
    fs::write(path.join("n.pt"), saved(&weights(&named(""), 0), &needs)).unwrap();
    fs::write(path.join("plain.safetensors"), encode_safetensors(&committed(), &[])).unwrap();

    let run = |arguments: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_lenet")).args(arguments).current_dir(path).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments:?}: {err}");
        (out, err)
    };
    let accuracy = |text: &str| text.lines().find(|line| line.starts_with("accuracy")).map(str::to_owned);
    let options = ["--mean", "0.1307", "--std", "0.3081", "--pool1", "average", "--pool2", "maximum"];
    let expected = accuracy(&run(&["eval", "plain.safetensors"]).0);
    let (out, err) = run(&[["eval", "n.pt"].as_slice(), &options].concat());
    assert_eq!(accuracy(&out), expected);
    assert!(!err.contains("assumed") && !err.contains("--mean"), "{err}");

    let (out, err) = run(&["eval", "n.pt"]);
    assert_ne!(accuracy(&out), expected);
    assert!(err.contains("add --mean 0.1307 --std 0.3081"), "{err}");
    assert!(err.contains("pool1 average and pool2 maximum are assumed"), "{err}");
    let (_, err) = run(&["quantize", "n.pt", "-o", "wrong.lenet"]);
    assert!(err.contains("add --mean 0.1307 --std 0.3081"), "{err}");
    for command in [["inspect", "n.pt"].as_slice(), &["export", "n.pt", "--format", "npz", "-o", "n.npz"]] {
        assert!(run(command).1.contains("are assumed"), "{command:?}");
    }

    run(&[["quantize", "n.pt", "-o", "right.lenet"].as_slice(), &options].concat());
    assert!(run(&["eval", "right.lenet"]).0.contains("accuracy 9"));
    run(&[["export", "n.pt", "--format", "safetensors", "-o", "n.safetensors"].as_slice(), &options].concat());
    let (out, _) = run(&["inspect", "n.safetensors"]);
    assert!(out.contains("folded    mean 0.1307, std 0.3081"), "{out}");
    let message = refusal(path, 2, &["eval", "n.safetensors", "--mean", "0.1", "--std", "0.3"]);
    assert!(message.contains("already accounts for mean 0.1307, std 0.3081"), "{message}");
    let message = refusal(path, 2, &["eval", "right.lenet", "--mean", "0.1", "--std", "0.3"]);
    assert!(message.contains("is an int8 model, which takes plain pixels"), "{message}");
    assert!(refusal(path, 2, &["eval", "n.pt", "--mean", "0.1"]).contains("--std"));
    assert!(refusal(path, 2, &["eval", "n.pt", "--mean", "0.1", "--std", "0"]).contains("from 0.001 on"));
    assert!(stdout(path, &["predict", "right.lenet", digits("png/2-label-3.png").to_str().unwrap()]).contains("\n3 "));
}
