//! `lenet predict`: images from files, folders, patterns and standard input are classified, or refused if they are not
//! digits.
//!
//! Its output for the committed digits is in `tests/golden`; [`assert_golden`](terminal::assert_golden) says how to
//! update it.

#[path = "common/command.rs"]
mod command;
#[path = "common/terminal.rs"]
mod terminal;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use command::{digits, refusal, stdout};
use host_trainer::analysis::Subject;
use host_trainer::data::digits_10k;
use host_trainer::formats::NetworkFile;
use image::{GrayImage, Luma, imageops};
use serde_json::Value;
use tempfile::TempDir;
use terminal::{TERMINALS, assert_golden, lenet_on, stdout_on};

const LABELS: [u64; 10] = [1, 7, 3, 6, 0, 2, 4, 9, 8, 5];

/// A folder with the committed networks as `m.lenet` and `m.safetensors`, and the committed digits in `png`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("png")).unwrap();
    for ending in ["lenet", "safetensors"] {
        fs::copy(digits(&format!("digits-10k.{ending}")), folder.path().join(format!("m.{ending}"))).unwrap();
    }
    for (index, label) in LABELS.iter().enumerate() {
        let name = format!("png/{index}-label-{label}.png");
        fs::copy(digits(&name), folder.path().join(&name)).unwrap();
    }
    folder
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&stdout(folder, &[&["predict"], arguments, &["--json"]].concat())).unwrap()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["images"].as_array().unwrap().iter().map(|image| image["image"].as_str().unwrap()).collect()
}

#[test]
fn the_output_for_the_committed_digits_is_unchanged() {
    let folder = folder();
    for terminal in TERMINALS {
        let pictures = stdout_on(terminal.environment, folder.path(), &["predict", "m.lenet", "png", "--show"]);
        assert_golden(&format!("predict-show-{}.txt", terminal.name), &pictures);
    }
    let table = stdout(folder.path(), &["predict", "m.lenet", "png"]);
    assert_golden("predict.txt", &table);
    // Only pictures are coloured.
    assert_eq!(stdout_on(TERMINALS[2].environment, folder.path(), &["predict", "m.lenet", "png"]), table);
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
}

#[test]
fn answers_are_those_of_the_network() {
    let folder = folder();
    for (name, wrong) in [("m.lenet", &[7][..]), ("m.safetensors", &[7])] {
        let path = folder.path().join(name);
        let subject = Subject::of_file(&NetworkFile::read(&path).unwrap(), &path).unwrap();
        let outputs = subject.outputs(digits_10k().test.first(10).all_pixels());
        let answer = json(folder.path(), &[name, "png"]);
        assert_eq!((&answer["data"], &answer["trained_on"]), (&"digits-10k".into(), &"digits-10k".into()));
        assert_eq!(answer["limits"]["references"], 9_000);
        let images = answer["images"].as_array().unwrap();
        assert_eq!(images.len(), 10);
        for (index, (image, outputs)) in images.iter().zip(&outputs).enumerate() {
            assert_eq!((&image["class"], &image["recognition"]), (&outputs.class().into(), &"class".into()), "{index}");
            assert_eq!(image["class"] != LABELS[index], wrong.contains(&index), "{name}: {index}");
            let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
            assert!(near(&image["entropy"], outputs.entropy()));
            let (ranking, probabilities) = (outputs.ranking(), outputs.probabilities());
            let top = image["top"].as_array().unwrap();
            assert_eq!(top.len(), 3);
            for (place, class) in top.iter().zip(ranking) {
                assert!(place["class"] == class && near(&place["probability"], probabilities[class]), "{place}");
            }
        }
    }
}

#[test]
fn images_of_any_size_and_format_are_normalized_as_mnist_is() {
    let folder = folder();
    for (index, label) in LABELS.iter().enumerate().filter(|(index, _)| *index != 7) {
        let digit = image::open(digits(&format!("png/{index}-label-{label}.png"))).unwrap().into_luma8();
        let mut page = GrayImage::new(40, 36);
        imageops::replace(&mut page, &digit, 3, 5);
        let mut page = imageops::resize(&page, 400, 360, imageops::FilterType::Nearest);
        imageops::invert(&mut page);
        for ending in ["png", "jpg", "bmp", "pgm"] {
            page.save(folder.path().join(format!("large.{ending}"))).unwrap();
        }
        let answer = json(folder.path(), &["m.lenet", "large.*"]);
        assert_eq!(names(&answer), ["large.bmp", "large.jpg", "large.pgm", "large.png"]);
        for image in answer["images"].as_array().unwrap() {
            assert_eq!(image["class"], *label, "{image}");
        }
    }
}

#[test]
fn blank_pages_and_noise_get_no_class() {
    let folder = folder();
    let mut state = 7u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let write = |name: &str, side: u32, level: &mut dyn FnMut(u32, u32) -> u8| {
        GrayImage::from_fn(side, side, |x, y| Luma([level(x, y)])).save(folder.path().join(name)).unwrap();
    };
    write("black.png", 28, &mut |_, _| 0);
    write("dim.png", 28, &mut |x, _| if x == 14 { 13 } else { 0 });
    write("white.png", 300, &mut |_, _| 255);
    write("grain.png", 300, &mut |_, _| 200 + random() % 30);
    write("noise.png", 28, &mut |_, _| random());
    write("sparse.png", 28, &mut |_, _| if random() < 13 { 255 } else { 0 });
    write("stripes.png", 28, &mut |x, _| if x / 3 % 2 == 0 { 255 } else { 0 });
    write("board.png", 280, &mut |x, y| if (x / 40 + y / 40) % 2 == 0 { 255 } else { 0 });
    for network in ["m.lenet", "m.safetensors"] {
        let answer = json(folder.path(), &[network, "*.png"]);
        let recognitions: Vec<(&str, &str)> = names(&answer)
            .into_iter()
            .zip(answer["images"].as_array().unwrap().iter().map(|image| image["recognition"].as_str().unwrap()))
            .collect();
        let (blank, unfamiliar) = ("blank", "unfamiliar");
        assert_eq!(
            recognitions,
            [
                ("black.png", blank),
                ("board.png", "several"),
                ("dim.png", blank),
                ("grain.png", blank),
                ("noise.png", unfamiliar),
                ("sparse.png", unfamiliar),
                ("stripes.png", unfamiliar),
                ("white.png", blank)
            ]
        );
        assert!(answer["images"].as_array().unwrap().iter().all(|image| image["class"].is_null()));
    }
    let table = stdout(folder.path(), &["predict", "m.lenet", "white.png", "noise.png"]);
    let lines: Vec<&str> = table.lines().skip(1).collect();
    assert!(lines[0].starts_with("none   blank: no drawing found ") && lines[0].ends_with("  white.png"), "{table}");
    assert!(
        lines[1].starts_with("none   unlike every training image ") && lines[1].ends_with("  noise.png"),
        "{table}"
    );
    let pictures = stdout(folder.path(), &["predict", "m.lenet", "white.png", "noise.png", "--show"]);
    assert_eq!(pictures.matches("The network would say:").count(), 2, "{pictures}");
}

/// Two digits on one page, dark on light.
fn pair() -> GrayImage {
    let mut page = GrayImage::from_pixel(200, 100, Luma([235]));
    for (left, name) in [(5, "png/3-label-6.png"), (105, "png/1-label-7.png")] {
        let digit = image::open(digits(name)).unwrap().into_luma8();
        for (x, y, level) in imageops::resize(&digit, 90, 90, imageops::FilterType::Triangle).enumerate_pixels() {
            let place = page.get_pixel_mut(left + x, 5 + y);
            place.0[0] = place.0[0].min(235 - level.0[0] / 5 * 4);
        }
    }
    page
}

#[test]
fn several_digits_are_counted_and_read_one_by_one_when_asked() {
    let folder = folder();
    pair().save(folder.path().join("pair.png")).unwrap();
    let refused = json(folder.path(), &["m.lenet", "pair.png"]);
    let image = &refused["images"][0];
    assert_eq!((&image["recognition"], &image["drawings"]), (&"several".into(), &2.into()));
    assert!(image["class"].is_null() && image["box"].is_null());
    let table = stdout(folder.path(), &["predict", "m.lenet", "pair.png"]);
    assert!(table.contains("none   2 drawings; --several reads them one by one"), "{table}");

    let read = json(folder.path(), &["m.lenet", "pair.png", "--several"]);
    let images = read["images"].as_array().unwrap();
    assert_eq!(images.iter().map(|image| &image["class"]).collect::<Vec<_>>(), [6, 7]);
    let left = |index: usize| images[index]["box"]["left"].as_u64().unwrap();
    assert!(left(0) < 100 && left(1) >= 100, "{read}");
    let table = stdout(folder.path(), &["predict", "m.lenet", "pair.png", "--several"]);
    assert!(table.contains("pair.png, 1 of 2: ") && table.contains("pair.png, 2 of 2: "), "{table}");
}

#[test]
fn images_of_28x28_pixels_are_prepared_when_asked() {
    let folder = folder();
    let digit = image::open(digits("png/3-label-6.png")).unwrap().into_luma8();
    let grey = GrayImage::from_fn(28, 28, |x, y| Luma([200 - digit.get_pixel(x, y).0[0] / 2]));
    grey.save(folder.path().join("grey.png")).unwrap();
    GrayImage::new(30, 20).save(folder.path().join("large.png")).unwrap();
    let answer = |prepare: &str| json(folder.path(), &["m.lenet", "grey.png", "--prepare", prepare]);
    assert_eq!(answer("always")["images"][0]["class"], 6);
    assert!(answer("always")["images"][0]["box"]["width"].is_number());
    assert!(answer("never")["images"][0]["box"].is_null());
    let message = refusal(folder.path(), 1, &["predict", "m.lenet", "large.png", "--prepare", "never"]);
    assert!(message.contains("it has 30 x 20 pixels; with --prepare never an image must have 28 x 28"), "{message}");
}

#[test]
fn the_limits_are_printed_and_depend_on_the_data() {
    let folder = folder();
    let arguments = ["m.lenet", "png/3-label-6.png"];
    let default = json(folder.path(), &arguments);
    // A data set of bars, in which a digit is unfamiliar.
    for split in ["train", "test"] {
        for class in 0..2 {
            let place = folder.path().join(format!("bars/{split}/{class}"));
            fs::create_dir_all(&place).unwrap();
            for left in 2..8 {
                let bar = |x: u32, _| Luma([if x / 2 == left + 5 * class { 255 } else { 0 }]);
                GrayImage::from_fn(28, 28, bar).save(place.join(format!("{left}.png"))).unwrap();
            }
        }
    }
    let bars = json(folder.path(), &[arguments.as_slice(), &["--data", "bars"]].concat());
    assert_eq!((&default["images"][0]["class"], &bars["images"][0]["recognition"]), (&6.into(), &"unfamiliar".into()));
    assert_eq!((&bars["data"], &bars["limits"]["references"]), (&"bars".into(), &12.into()));

    let printed = stdout(folder.path(), &["predict", "m.lenet", "png"]);
    let limit = |key: &str| {
        format!(
            "at {} {:.2}",
            if key == "distance" { "most" } else { "least" },
            default["limits"][key].as_f64().unwrap()
        )
    };
    assert!(printed.contains("of 9,000 training images of digits-10k"), "{printed}");
    assert!(printed.contains(&limit("distance")) && printed.contains(&limit("correlation")), "{printed}");
    let note = "note: the network was trained on digits-10k; give that data set with --data";
    assert!(!printed.contains("note:"));
    assert!(stdout(folder.path(), &["predict", "m.lenet", "png", "--data", "bars"]).contains(note));
}

#[test]
fn images_come_from_folders_patterns_and_standard_input() {
    let folder = folder();
    fs::write(folder.path().join("png/notes.txt"), "no image").unwrap();
    fs::create_dir_all(folder.path().join("png/below.png")).unwrap();
    fs::copy(digits("png/4-label-0.png"), folder.path().join("odd [1].png")).unwrap();
    let png: Vec<String> = LABELS.iter().enumerate().map(|(i, label)| format!("png/{i}-label-{label}.png")).collect();
    assert_eq!(names(&json(folder.path(), &["m.lenet", "png"])), png);
    assert_eq!(names(&json(folder.path(), &["m.lenet", "png/*"])), png);
    assert_eq!(
        names(&json(folder.path(), &["m.lenet", "png/[3-5]-*.png", "png/0-label-1.png"])),
        [&png[3], &png[4], &png[5], &png[0]]
    );
    // The name of an existing file is not taken as a pattern.
    assert_eq!(names(&json(folder.path(), &["m.lenet", "odd [1].png"])), ["odd [1].png"]);

    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .args(["predict", "m.lenet", "-", "--json"])
        .current_dir(folder.path())
        .stdin(File::open(digits("png/2-label-3.png")).unwrap())
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((names(&answer), &answer["images"][0]["class"]), (vec!["-"], &3.into()));
}

#[test]
fn unreadable_images_are_named_after_the_readable_ones() {
    let folder = folder();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("text.png"), "hello").unwrap();
    let bad = ["none.png", "empty", "*.gif", "***.png", "text.png"];
    let reasons = [
        "error: cannot read none.png: ",
        "error: empty: it holds no images (PNG, JPEG, BMP, GIF, TIFF, WebP, PGM or PPM)",
        "error: *.gif: it matches no images (PNG, JPEG, BMP, GIF, TIFF, WebP, PGM or PPM)",
        "error: ***.png: it is not a valid pattern (",
        "error: text.png: it cannot be decoded (",
    ];
    for (argument, reason) in bad.iter().zip(reasons) {
        let message = refusal(folder.path(), 1, &["predict", "m.lenet", argument]);
        assert!(message.starts_with(reason) && message.lines().count() == 1, "{message}");
    }
    let arguments = [&["predict", "m.lenet", "png/3-label-6.png"], bad.as_slice(), &["png/4-label-0.png"]].concat();
    let output = lenet_on(&[], folder.path(), &arguments);
    let (printed, message) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("png/3-label-6.png") && printed.contains("png/4-label-0.png"), "{printed}");
    let lines: Vec<&str> = message.lines().collect();
    assert!(lines.len() == 5 && lines.iter().zip(reasons).all(|(line, reason)| line.starts_with(reason)), "{message}");

    let output = lenet_on(&[], folder.path(), &[arguments.as_slice(), &["--json"]].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), names(&answer).len()), (Some(1), 2));
    let errors: Vec<String> = serde_json::from_value(answer["errors"].clone()).unwrap();
    assert!(errors.iter().zip(lines).all(|(error, line)| format!("error: {error}") == line), "{errors:?}");
}

#[test]
fn wrong_usage_is_refused() {
    let folder = folder();
    for (code, arguments, expected) in [
        (2, vec!["m.lenet"], "<IMAGE>..."),
        (2, vec!["m.lenet", "-", "-"], "standard input can hold only one image; give - once"),
        (2, vec!["m.lenet", "png", "--show", "--json"], "cannot be used with"),
        (2, vec!["m.lenet", "png", "--pool1", "max"], "records its own pools"),
        (1, vec!["none.lenet", "png"], "cannot read none.lenet"),
        (1, vec!["png/3-label-6.png", "png"], "png/3-label-6.png: "),
        (1, vec!["m.lenet", "png", "--data", "none"], "cannot read none"),
        (1, vec!["m.lenet", "-"], "standard input: it cannot be decoded"),
    ] {
        let message = refusal(folder.path(), code, &[&["predict"], arguments.as_slice()].concat());
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}
