//! `lenet compare`, run the way users run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host_trainer::data::digits_10k;
use host_trainer::formats::{encode_safetensors, read_float};
use host_trainer::quantization::{Calibration, Granularity, calibrate, quantize};
use serde_json::Value;
use tempfile::TempDir;

const FLOAT: &str = "digits-10k.safetensors";
const INT8: &str = "digits-10k.lenet";

/// Runs the command in the folder of the committed networks.
fn lenet(arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k");
    Command::new(env!("CARGO_BIN_EXE_lenet")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output and standard error of a run that must exit with `code`.
fn outcome(code: i32, arguments: &[&str]) -> (String, String) {
    let output = lenet(arguments);
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{error}");
    (out, error)
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&outcome(0, arguments).0).unwrap()
}

/// The committed network quantized with a tenth of its ranges, so that nearly everything saturates.
fn narrow(folder: &Path) -> PathBuf {
    let float = read_float(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k").join(FLOAT)).unwrap();
    let mut dim = float.network.clone();
    dim.parameters.conv1_weight_mut().mapv_inplace(|weight| 0.1 * weight);
    dim.parameters.conv1_bias_mut().mapv_inplace(|bias| 0.1 * bias);
    let ranges = calibrate(&dim, &digits_10k().train.first(200), Calibration::MinMax).unwrap();
    let file = quantize(&float.network, &ranges, Granularity::PerChannel).unwrap().encode(&Default::default()).unwrap();
    let path = folder.join("narrow.lenet");
    fs::write(&path, file.bytes()).unwrap();
    path
}

#[test]
fn the_committed_pair_has_no_warnings_and_changes_agree_with_eval() {
    let report = json(&["compare", FLOAT, INT8, "--json"]);
    assert_eq!(report["warnings"], Value::Array(Vec::new()));
    assert_changes_agree_with_eval(INT8);
    // A model that saturates changes many predictions.
    let folder = TempDir::new().unwrap();
    assert!(assert_changes_agree_with_eval(narrow(folder.path()).to_str().unwrap()) > 20);
}

/// Asserts that the changed predictions are those that `lenet eval` shows, and returns their number.
fn assert_changes_agree_with_eval(model: &str) -> usize {
    let report = json(&["compare", FLOAT, model, "--json"]);
    let eval = |model| json(&["eval", model, "--json", "--predictions"]);
    let (float, int8) = (eval(FLOAT), eval(model));
    assert_eq!(report["images"], float["images"]);
    assert_eq!((&report["float_accuracy"], &report["int8_accuracy"]), (&float["accuracy"], &int8["accuracy"]));
    let predictions = |answer: &Value| -> Vec<u64> {
        answer["predictions"].as_array().unwrap().iter().map(|class| class.as_u64().unwrap()).collect()
    };
    let (float, int8) = (predictions(&float), predictions(&int8));
    let labels = digits_10k().test.labels().to_vec();
    let differing: Vec<[u64; 4]> = (0..float.len())
        .filter(|image| float[*image] != int8[*image])
        .map(|image| [image as u64, u64::from(labels[image]), float[image], int8[image]])
        .collect();
    let number = |value: &Value| value.as_u64().unwrap();
    let listed: Vec<[u64; 4]> = report["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| [&c["index"], &c["label"], &c["float"]["class"], &c["int8"]["class"]].map(number))
        .collect();
    assert_eq!(listed, differing);
    for change in report["changed"].as_array().unwrap() {
        for answer in [&change["float"], &change["int8"]] {
            let mut logits: Vec<f64> =
                answer["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect();
            logits.sort_by(f64::total_cmp);
            assert!((logits[9] - logits[8] - answer["margin"].as_f64().unwrap()).abs() < 1e-5, "{change}");
        }
    }
    listed.len()
}

#[test]
fn every_tensor_and_channel_is_in_the_json() {
    let report = json(&["compare", FLOAT, INT8, "--images", "50", "--json"]);
    assert_eq!((&report["images"], &report["data"]), (&50.into(), &"digits-10k".into()));
    assert_eq!(report["int8_pools"], Value::from(vec!["average", "maximum"]));
    let tensors = report["tensors"].as_array().unwrap();
    let names = ["pool1", "pool2", "fc1", "fc2", "logits"];
    assert_eq!(tensors.iter().map(|tensor| tensor["tensor"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for (tensor, channels) in tensors.iter().zip([6, 16, 120, 84, 10]) {
        assert_eq!(tensor["channels"].as_array().unwrap().len(), channels);
        for key in ["sqnr_db", "mean_error_steps", "worst_error_steps", "saturated", "clipped", "zeros", "scale"] {
            assert!(tensor[key].is_number(), "{key} of {}", tensor["tensor"]);
        }
        assert!(tensor["weights"]["sqnr_db"].as_f64().unwrap() > 30.0);
    }
}

#[test]
fn the_text_fits_80_columns_and_does_not_depend_on_threads() {
    let folder = TempDir::new().unwrap();
    let narrow = narrow(folder.path());
    for int8 in [INT8, narrow.to_str().unwrap()] {
        let report = outcome(0, &["compare", FLOAT, int8, "--threads", "1"]).0;
        assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
        assert_eq!(report, outcome(0, &["compare", FLOAT, int8, "--threads", "3"]).0);
        assert!(!report.contains('\u{1b}'), "{report}");
    }
}

#[test]
fn max_drop_sets_the_exit_status() {
    let folder = TempDir::new().unwrap();
    let narrow = narrow(folder.path());
    let bad = ["compare", FLOAT, narrow.to_str().unwrap()];
    let (report, _) = outcome(0, &bad);
    assert!(report.contains("points of accuracy lost") && report.contains("beyond the range of int8"), "{report}");
    assert!(report.contains("--json lists all"), "{report}");

    let lost = json(&[bad.as_slice(), &["--json"]].concat())["points_lost"].as_f64().unwrap();
    let gated = |points: f64| [bad.map(str::to_owned).as_slice(), &["--max-drop".into(), points.to_string()]].concat();
    let run = |code, arguments: &[String]| outcome(code, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // A loss of exactly the limit is allowed. The report is the same either way.
    assert_eq!(run(0, &gated(lost)).0, report);
    let (gated_report, message) = run(3, &gated(lost - 0.01));
    assert_eq!(gated_report, report);
    assert!(message.contains(&format!("int8 lost {lost:.2} points of accuracy")), "{message}");
    // A gain is not a loss.
    outcome(0, &["compare", FLOAT, INT8, "--max-drop", "0"]);
    for points in ["-1", "nan", "101", "few"] {
        let (_, message) = outcome(2, &["compare", FLOAT, INT8, "--max-drop", points]);
        assert!(message.contains("it must be a number from 0 to 100"), "{message}");
    }
}

#[test]
fn files_of_the_wrong_kind_or_in_the_wrong_order_are_named() {
    let (_, message) = outcome(2, &["compare", INT8, FLOAT]);
    assert!(message.contains("digits-10k.lenet is an int8 model") && message.contains("other way round"), "{message}");
    let (_, message) = outcome(1, &["compare", FLOAT, FLOAT]);
    assert!(message.contains("digits-10k.safetensors: this is a float network, but INT8 must be"), "{message}");
    let (_, message) = outcome(1, &["compare", INT8, INT8]);
    assert!(message.contains("digits-10k.lenet: this is an int8 model, but FLOAT must be"), "{message}");
    let (_, message) = outcome(1, &["compare", "no.safetensors", INT8]);
    assert!(message.contains("no.safetensors"), "{message}");
}

#[test]
fn networks_that_do_not_match_are_the_only_warning() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.safetensors");
    let mut other =
        read_float(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k").join(FLOAT)).unwrap().network;
    other.parameters.conv2_weight_mut().mapv_inplace(|weight| -weight);
    fs::write(&path, encode_safetensors(&other, &[])).unwrap();
    let (report, _) = outcome(0, &["compare", path.to_str().unwrap(), INT8]);
    assert!(report.starts_with("warning: the networks don't match: conv2 weights differ"), "{report}");
    assert_eq!(report.matches("warning:").count(), 1, "{report}");
}
