//! Writes the seeds of the corpora: files written by host-trainer, contracted.

use std::fs;
use std::path::Path;

use host_trainer::checkpoint::{Checkpoint, Plan, Record};
use host_trainer::classes::Classes;
use host_trainer::data::digits_10k;
use host_trainer::formats::flash::{encode_hex, encode_uf2};
use host_trainer::formats::{ModelFile, encode_npz, encode_safetensors, encode_tflite};
use host_trainer::int8::QuantizedNetwork;
use host_trainer::network::{Network, Parameters};
use host_trainer::training::{Options, Recipe, RecipeName, Trainer};
use lenet_core::Pools;
use lenet_fuzz::{contract, npy, zip};

fn main() {
    let network = Network {
        parameters: Parameters::zeros(10),
        pools: Pools::default(),
        classes: Classes::digits(),
        none_of_these: None,
        preparation: Default::default(),
    };
    write("safetensors", "written", &contract(&encode_safetensors(&network, &[("seed", "1".into())])));
    write("archive", "npz", &encode_npz(&network, &[]).expect("no metadata")[..4000]);
    for (name, descr, width) in [("f4", "<f4", 4), ("f2", ">f2", 2), ("f8", "<f8", 8)] {
        write("npz", name, &contract(&npy(descr, &[6, 1, 5, 5], 150 * width)));
    }
    write("archive", "small-npz", &zip([("features.0.bias.npy".into(), npy("<f4", &[6], 24))]));
    write("archive", "small-pt", &zip([("x/data.pkl".into(), b"\x80\x02}.".to_vec())]));
    let file = model();
    write("lenet", "zeros", &contract(&without_checksum(file.bytes())));
    write("checkpoint", "zeros", &contract(&without_checksum(&checkpoint().encode())));
    let tflite = encode_tflite(&QuantizedNetwork::from(&file.model().expect("encode checks it")), &Default::default());
    write("tflite", "zeros", &contract(&tflite.expect("no description")));
    let hex = encode_hex(&file, 0xfff0).expect("the address is aligned");
    write("flash", "hex", &contract(&hex.as_bytes()[..3_000]));
    let uf2 = encode_uf2(&file, 0x1000_0000, 0xe48b_ff56).expect("the address is aligned");
    write("flash", "uf2", &contract(&uf2[..5 * 512]));
    write("idx", "images", &[&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28], [7; 784].as_slice()].concat());
    write("labels", "windows", "\u{feff}T-shirt/top\r\nお\r\n two words \r\n\r\n".as_bytes());
    write("labels", "letters", b"A\nB\nplus\n");
    write("kuzushiji", "images", &contract(&npy("|u1", &[2, 28, 28], 2 * 784)));
    write("kuzushiji", "labels", &contract(&npy("<i8", &[3], 24)));
    write("table", "rest", format!("7{}\r\n2{}\n", ",255".repeat(784), ",3.0".repeat(784)).as_bytes());
    write(
        "table",
        "titles",
        format!("label{}\n", (0..784).map(|pixel| format!(",p{pixel}")).collect::<String>()).as_bytes(),
    );
    write("idx", "labels", &[0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]);
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("the corpus can be written");
    fs::write(folder.join(name), bytes).expect("the corpus can be written");
}

fn without_checksum(file: &[u8]) -> Vec<u8> {
    file[..file.len() - 4].to_vec()
}

/// The committed model with weights and biases of zero.
fn model() -> ModelFile {
    let file = ModelFile::new(include_bytes!("../../../data/digits-10k/digits-10k.lenet"));
    let model = file.model().expect("the committed model is valid");
    let mut network = QuantizedNetwork::from(&model);
    for layer in &mut network.layers {
        layer.weights.fill(0);
        layer.bias.fill(0);
    }
    network.encode(&model.description()).expect("zeros are allowed")
}

/// A checkpoint of a training run whose parameters are all zero.
fn checkpoint() -> Checkpoint {
    let split = digits_10k().train.first(20);
    let options = Options {
        recipe: Recipe::named(RecipeName::Default),
        pools: Pools::default(),
        classes: Classes::digits(),
        seed: 7,
    };
    let mut snapshot = Trainer::new(&split, None, &options).snapshot().clone();
    for values in [&mut snapshot.state.parameters, &mut snapshot.state.average] {
        values.values_mut().fill(0.0);
    }
    let plan = Plan {
        command: "lenet train".to_owned(),
        options,
        from: None,
        none_of_these: None,
        data: vec!["/data".into()],
        data_name: "data".into(),
        data_crc32: 1,
        validation: 5,
        no_test: false,
        checkpoint_every: 2,
    };
    Checkpoint { plan, record: Record::default(), snapshot }
}
