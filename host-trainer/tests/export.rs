//! `lenet export`: what it writes is read back by independent code, and a refused export writes nothing.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::path::Path;
use std::process::Command;

use command::{digits, refusal, stdout};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the committed networks as `m.lenet` and `m.safetensors`, and the bytes of `m.lenet`.
fn folder() -> (TempDir, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    for ending in ["lenet", "safetensors"] {
        fs::copy(digits(&format!("digits-10k.{ending}")), folder.path().join(format!("m.{ending}"))).unwrap();
    }
    let model = fs::read(folder.path().join("m.lenet")).unwrap();
    (folder, model)
}

fn export(folder: &Path, arguments: &[&str]) -> String {
    stdout(folder, &[&["export", "m.lenet", "--format"], arguments].concat())
}

#[test]
fn bin_is_the_file_itself() {
    let (folder, model) = folder();
    assert_eq!(export(folder.path(), &["bin", "-o", "m.bin"]), "wrote  m.bin\n");
    assert!(fs::read(folder.path().join("m.bin")).unwrap() == model);
}

/// Address and value of each byte, decoded according to Intel's specification.
fn hex_bytes(text: &str) -> Vec<(u32, u8)> {
    let mut bytes = Vec::new();
    let mut upper = 0;
    for line in text.lines() {
        let digits = line.strip_prefix(':').unwrap();
        let record: Vec<u8> =
            (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
        assert_eq!(record.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0, "{line}");
        let [length, high, low, kind, data @ .., _] = record.as_slice() else { panic!("{line}") };
        assert_eq!(usize::from(*length), data.len());
        let offset = u32::from(*high) << 8 | u32::from(*low);
        match kind {
            0 => bytes.extend((upper + offset..).zip(data.iter().copied())),
            1 => return bytes,
            4 => upper = (u32::from(data[0]) << 8 | u32::from(data[1])) << 16,
            _ => panic!("{line}"),
        }
    }
    panic!("no end-of-file record")
}

#[test]
fn hex_has_every_byte_at_its_address() {
    let (folder, model) = folder();
    // The second crosses a 64 KiB boundary in the middle of a line.
    for (base, address) in [("0x32000", 0x32000), ("0x0801FFF4", 0x0801_fff4), ("4", 4)] {
        export(folder.path(), &["hex", "--base", base, "--force", "-o", "m.hex"]);
        let bytes = hex_bytes(&fs::read_to_string(folder.path().join("m.hex")).unwrap());
        let expected: Vec<(u32, u8)> = (address..).zip(model.iter().copied()).collect();
        assert!(bytes == expected, "{base}");
        let [of_hex, of_model] =
            ["m.hex", "m.lenet"].map(|name| stdout(folder.path(), &["eval", name, "--images", "20"]));
        assert_eq!(of_hex, of_model);
    }
}

#[test]
fn uf2_has_every_byte_at_its_address() {
    let (folder, model) = folder();
    for (family, id) in [("rp2040", 0xe48b_ff56u32), ("SAMD21", 0x68ed_2b88), ("0x12345678", 0x1234_5678)] {
        let options = ["uf2", "--family", family, "--base", "0x10100000", "--force", "-o", "m.uf2"];
        export(folder.path(), &options);
        let file = fs::read(folder.path().join("m.uf2")).unwrap();
        let (blocks, rest) = file.as_chunks::<512>();
        assert!(rest.is_empty() && blocks.len() == model.len().div_ceil(256));
        let mut bytes: Vec<u8> = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
            assert_eq!([0, 4, 508].map(word), [0x0a32_4655, 0x9e5d_5157, 0x0ab1_6f30]);
            let address = 0x1010_0000 + 256 * index as u32;
            let expected = [0x2000, address, 256, index as u32, blocks.len() as u32, id];
            assert_eq!([8, 12, 16, 20, 24, 28].map(word), expected);
            bytes.extend(&block[32..288]);
        }
        let (content, filler) = bytes.split_at(model.len());
        assert!(content == model && filler.iter().all(|byte| *byte == 0xff));
    }
}

#[test]
fn rust_compiles_to_the_aligned_bytes() {
    let (folder, model) = folder();
    export(folder.path(), &["rust", "-o", "digits-10k.rs"]);
    export(folder.path(), &["rust", "-o", "2nd.rs"]);
    // A byte between the two, so that both are not aligned by chance.
    let program = "#![deny(warnings)]\n\
        include!(\"digits-10k.rs\");\n\
        pub static BETWEEN: u8 = 1;\n\
        include!(\"2nd.rs\");\n\
        fn main() {\n\
            use std::io::Write;\n\
            let models: [&'static [u8]; 2] = [DIGITS_10K, MODEL_2ND];\n\
            assert!(models.iter().all(|model| model.as_ptr() as usize % 4 == 0), \"{}\", BETWEEN);\n\
            assert!(models[0] == models[1]);\n\
            std::io::stdout().write_all(DIGITS_10K).unwrap();\n\
        }\n";
    fs::write(folder.path().join("main.rs"), program).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled = Command::new(rustc)
        .args(["--edition", "2024", "main.rs", "-o", "program"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(folder.path().join("program")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == model);
    assert!(lenet_core::Model::from_bytes(host_trainer::formats::ModelFile::new(&output.stdout).bytes()).is_ok());
}

#[test]
fn c_is_two_files_named_after_the_output() {
    let (folder, _) = folder();
    assert_eq!(export(folder.path(), &["c", "-o", "my-net.c"]), "wrote  my-net.c\nwrote  my-net.h\n");
    let [source, header] = ["c", "h"].map(|e| fs::read_to_string(folder.path().join(format!("my-net.{e}"))).unwrap());
    assert!(source.contains("#include \"my-net.h\"") && header.contains("int my_net_classify("), "{header}");
    // If one of the two exists, neither is written.
    fs::remove_file(folder.path().join("my-net.c")).unwrap();
    let message = refusal(folder.path(), 1, &["export", "m.lenet", "--format", "c", "-o", "my-net.c"]);
    assert!(message.contains("my-net.h already exists"), "{message}");
    assert!(!folder.path().join("my-net.c").exists());
}

#[test]
fn json_has_the_numbers_that_the_arithmetic_uses() {
    let (folder, model) = folder();
    export(folder.path(), &["json", "-o", "m.json"]);
    let text = fs::read_to_string(folder.path().join("m.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["model_bytes"], &json["format_version"]), (&model.len().into(), &3.into()));
    let crc32 = u32::from_le_bytes(*model.last_chunk().unwrap());
    assert_eq!(json["crc32"], format!("{crc32:08x}"));
    assert_eq!((&json["pool1"], &json["description"]["data_set"]), (&"average".into(), &"digits-10k".into()));
    let number = |value: &Value| value.as_f64().unwrap();
    let tensors = json["tensors"].as_array().unwrap();
    let shapes = [vec![6, 5, 5, 1], vec![16, 5, 5, 6], vec![120, 256], vec![84, 120], vec![10, 84]];
    for (index, (layer, shape)) in json["layers"].as_array().unwrap().iter().zip(shapes).enumerate() {
        assert_eq!(layer["weight_shape"], Value::from(shape.clone()));
        let list = |name: &str| -> Vec<f64> { layer[name].as_array().unwrap().iter().map(number).collect() };
        assert_eq!(list("bias").len(), shape[0]);
        let parts = list("multiplier_mantissa").into_iter().zip(list("multiplier_exponent")).zip(list("weight_scale"));
        for (((mantissa, exponent), weight_scale), multiplier) in parts.zip(list("multiplier")) {
            // serde_json may be off by one in the last bit of a number.
            assert!((multiplier / (mantissa * (exponent - 31.0).exp2()) - 1.0).abs() < 1e-15, "{multiplier}");
            let scale = number(&tensors[index]["scale"]) * weight_scale / number(&tensors[index + 1]["scale"]);
            // The scales have as many digits as a 32-bit float needs.
            assert!((multiplier / scale - 1.0).abs() < 1e-6, "{multiplier} {scale}");
        }
    }
    // The order of the fields is part of the format.
    let places = ["\"format_version\"", "\"crc32\"", "\"pool1\"", "\"tensors\"", "\"layers\""].map(|k| text.find(k));
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[test]
fn wrong_usage_exits_with_2_and_writes_nothing() {
    let (folder, _) = folder();
    for (arguments, expected) in [
        (["hex", "-o", "out"].as_slice(), "--format hex needs --base ADDRESS"),
        (&["uf2", "--base", "0", "-o", "out"], "--format uf2 needs --family NAME|ID"),
        (&["uf2", "--family", "rp2040", "-o", "out"], "--format uf2 needs --base ADDRESS"),
        (&["bin", "--base", "0", "-o", "out"], "--base ADDRESS does not apply to --format bin"),
        (&["hex", "--base", "0", "--family", "rp2040", "-o", "out"], "--family NAME|ID does not apply to --format hex"),
        (&["hex", "--base", "0x32002", "-o", "out"], "--base 0x00032002 is not a multiple of 4; choose 0x00032000"),
        (&["hex", "--base", "0xfffff000", "-o", "new"], "go beyond 0xffffffff"),
        (&["hex", "--base", "0x100000000", "-o", "out"], "32 bits"),
        (&["hex", "--base", "0x+4", "-o", "out"], "32 bits"),
        (&["hex", "--base", "-4", "-o", "out"], "unexpected argument '-4'"),
        (&["uf2", "--base", "4", "--family", "1", "-o", "out"], "not a multiple of 256"),
        (&["uf2", "--base", "0", "--family", "toaster", "-o", "out"], "one of esp32s2, "),
        (&["c", "-o", "out.cpp"], "give NAME.c"),
        (&["c", "-o", "o\"ut.c"], "give NAME.c"),
        (&["rust", "-o", "out"], "give NAME.rs"),
        (&["magic", "-o", "out"], "possible values"),
    ] {
        let message = refusal(folder.path(), 2, &[&["export", "m.lenet", "--format"], arguments].concat());
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{arguments:?} left a file");
    }
}

#[test]
fn a_float_network_is_refused_with_advice() {
    let (folder, _) = folder();
    for arguments in [
        ["bin", "-o", "out"].as_slice(),
        &["hex", "--base", "0", "-o", "out"],
        &["uf2", "--base", "0", "--family", "1", "-o", "out"],
        &["c", "-o", "out.c"],
        &["rust", "-o", "out.rs"],
        &["json", "-o", "out"],
    ] {
        let message = refusal(folder.path(), 1, &[&["export", "m.safetensors", "--format"], arguments].concat());
        assert!(message.contains("lenet quantize"), "{message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
