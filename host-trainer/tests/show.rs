//! `lenet show`: digits on every kind of terminal and in files.
//!
//! Its output for the committed digits is in `tests/golden`; [`assert_golden`](terminal::assert_golden) says how to
//! update it.

#[path = "common/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use host_trainer::data::digits_10k;
use image::{GrayImage, imageops};
use serde_json::Value;
use tempfile::TempDir;
use terminal::{TERMINALS, assert_golden, lenet_on, stdout_on};

const LABELS: [u8; 10] = [1, 7, 3, 6, 0, 2, 4, 9, 8, 5];
const RAMP: &str = " .:-=+*#%@";

/// The committed digits, which are the first test images.
fn digits() -> Vec<GrayImage> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k/png");
    let path = |(index, label)| folder.join(format!("{index}-label-{label}.png"));
    LABELS.iter().enumerate().map(|place| image::open(path(place)).unwrap().into_luma8()).collect()
}

fn here() -> &'static Path {
    Path::new(".")
}

fn plain(arguments: &[&str]) -> String {
    stdout_on(&[], here(), arguments)
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&plain(&[arguments, &["--json"]].concat())).unwrap()
}

/// The error message of a run that must exit with `code`.
fn refusal(code: i32, arguments: &[&str]) -> String {
    let output = lenet_on(&[], here(), arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty() && !message.contains("panicked"), "{message}");
    message
}

#[test]
fn the_output_for_the_committed_digits_is_unchanged() {
    for terminal in TERMINALS {
        let strip = stdout_on(terminal.environment, here(), &["show", "--range", "0..10"]);
        assert_golden(&format!("show-range-{}.txt", terminal.name), &strip);
        let arguments = ["show", "--index", "3", "--normalize", "0.1307,0.3081"];
        assert_golden(
            &format!("show-index-{}.txt", terminal.name),
            &stdout_on(terminal.environment, here(), &arguments),
        );
    }
    assert_golden("show-grid.txt", &plain(&["show", "--grid", "10x10", "--label", "7"]));
    assert_golden("show.json", &plain(&["show", "--range", "0..10", "--normalize", "0.1307,0.3081", "--json"]));
}

#[test]
fn true_colour_shows_the_exact_pixels() {
    for (index, digit) in digits().iter().enumerate() {
        let printed = stdout_on(TERMINALS[2].environment, here(), &["show", "--index", &index.to_string()]);
        let lines: Vec<Vec<[u8; 2]>> = printed.lines().take(14).map(half_blocks).collect();
        let shown = GrayImage::from_fn(28, 28, |x, y| {
            let [upper, lower] = lines[y as usize / 2][x as usize];
            [if y % 2 == 0 { upper } else { lower }].into()
        });
        assert!(lines.iter().all(|line| line.len() == 28) && shown == *digit, "{index}:\n{printed}");
    }
}

/// The grey levels of the upper and the lower half of each block on a line of half blocks.
fn half_blocks(line: &str) -> Vec<[u8; 2]> {
    let (mut levels, mut blocks) = ([0; 2], Vec::new());
    for part in line.split('\u{1b}').skip(1) {
        let (sequence, text) = part.split_once('m').unwrap();
        let numbers: Vec<u8> = sequence.trim_start_matches('[').split(';').map(|n| n.parse().unwrap()).collect();
        match numbers.as_slice() {
            [place @ (38 | 48), 2, r, g, b] if r == g && g == b => levels[usize::from(*place == 48)] = *r,
            [0] => (),
            other => panic!("{other:?} in {line:?}"),
        }
        assert!(text.chars().all(|c| c == '▀'), "{line:?}");
        blocks.extend(text.chars().map(|_| levels));
    }
    assert!(line.ends_with("\u{1b}[0m"), "{line:?}");
    blocks
}

#[test]
fn plain_characters_are_dark_where_the_digit_has_ink() {
    for (index, digit) in digits().iter().enumerate() {
        let printed = plain(&["show", "--index", &index.to_string()]);
        let level = |x: u32, y: u32| u32::from(digit.get_pixel(x, y).0[0]);
        let mut seen = Vec::new();
        for (y, line) in (0..28).step_by(2).zip(printed.lines()) {
            assert_eq!(line.len(), 28, "{printed}");
            for (x, character) in (0..28).zip(line.chars()) {
                seen.push((level(x, y) + level(x, y + 1), RAMP.find(character).unwrap()));
            }
        }
        seen.sort_unstable();
        assert!(seen.iter().all(|(ink, darkness)| (*ink == 0) == (*darkness == 0)), "{printed}");
        assert!(seen.is_sorted_by_key(|(_, darkness)| *darkness), "{printed}");
    }
}

#[test]
fn colours_follow_the_environment() {
    let kind = |environment: &[(&str, &str)]| {
        let printed = stdout_on(environment, here(), &["show"]);
        ["38;2;", "38;5;"].map(|sequence| printed.contains(sequence))
    };
    let (true_colour, colours_256, plain) = ([true, false], [false, true], [false, false]);
    let force = ("CLICOLOR_FORCE", "1");
    assert_eq!(kind(&[force, ("COLORTERM", "24bit"), ("TERM", "xterm")]), true_colour);
    assert_eq!(kind(&[force, ("TERM", "xterm-direct")]), true_colour);
    assert_eq!(kind(&[force, ("TERM", "screen-256color")]), colours_256);
    assert_eq!(kind(&[force, ("TERM", "dumb")]), colours_256);
    assert_eq!(kind(&[force, ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), plain);
    assert_eq!(kind(&[("CLICOLOR_FORCE", ""), ("COLORTERM", "truecolor")]), plain);
    assert_eq!(kind(&[("COLORTERM", "truecolor"), ("TERM", "xterm-256color")]), plain);
}

#[test]
fn lines_fit_the_terminal() {
    for columns in ["79", "80", "150", "300"] {
        for which in [["--range", "0..30"], ["--range", "0..2"], ["--grid", "10x3"], ["--grid", "2x1"]] {
            let printed = stdout_on(&[("COLUMNS", columns)], here(), &[&["show"], which.as_slice()].concat());
            let longest = printed.lines().map(str::len).max().unwrap();
            assert!(longest <= columns.parse().unwrap(), "{columns} {which:?}\n{printed}");
        }
    }
    let of_grid = |columns| stdout_on(&[("COLUMNS", columns)], here(), &["show", "--grid", "10x1"]);
    assert_eq!(of_grid("80").lines().next().unwrap().len(), 79);
    assert_eq!(of_grid("300").lines().next().unwrap().len(), 289);
    let narrow = lenet_on(&[("COLUMNS", "78")], here(), &["show", "--grid", "10x1"]);
    let message = String::from_utf8(narrow.stderr).unwrap();
    assert!(message.contains("need a terminal of 79 columns, but this one has 78; use fewer, or -o"), "{message}");
}

#[test]
fn files_have_the_pixels_of_the_digits() {
    let folder = TempDir::new().unwrap();
    let digits = digits();
    let write = |name: &str, arguments: &[&str]| {
        let printed = stdout_on(&[], folder.path(), &[&["show", "-o", name], arguments].concat());
        let picture = image::open(folder.path().join(name)).unwrap().into_luma8();
        let (width, height) = picture.dimensions();
        assert!(printed.starts_with(&format!("wrote  {name}, {width} x {height} pixels\n")), "{printed}");
        picture
    };
    let enlarged = |digit: &GrayImage, scale: u32| {
        GrayImage::from_fn(28 * scale, 28 * scale, |x, y| *digit.get_pixel(x / scale, y / scale))
    };
    assert!(write("one.png", &["--index", "4"]) == enlarged(&digits[4], 8));
    assert!(write("ONE.PNG", &["--index", "4", "--scale", "1"]) == digits[4]);
    for (arguments, columns, scale) in
        [(vec!["--range", "0..10"], 10, 4), (vec!["--grid", "4x2", "--scale", "3"], 4, 3)]
    {
        let name = format!("{columns}.png");
        let picture = write(&name, &arguments);
        let step = 29 * scale;
        let count = if columns == 10 { 10 } else { 8 };
        assert_eq!(picture.dimensions(), (columns * step + scale, count / columns * step + scale));
        for (index, digit) in (0..count).zip(&digits) {
            let (x, y) = (index % columns * step + scale, index / columns * step + scale);
            let part = imageops::crop_imm(&picture, x, y, 28 * scale, 28 * scale).to_image();
            assert!(part == enlarged(digit, scale), "{name}: {index}");
        }
    }

    // An existing file is kept unless --force is given.
    let before = fs::read(folder.path().join("one.png")).unwrap();
    let again = ["show", "-o", "one.png", "--index", "5"];
    let output = lenet_on(&[], folder.path(), &again);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("one.png already exists") && message.contains("--force"), "{message}");
    assert_eq!((output.status.code(), fs::read(folder.path().join("one.png")).unwrap()), (Some(1), before));
    assert!(write("one.png", &["--index", "5", "--force"]) == enlarged(&digits[5], 8));
}

#[test]
fn labels_choose_among_the_images_and_keep_their_indices() {
    let data = digits_10k();
    for (split, part) in [("train", &data.train), ("test", &data.test)] {
        let sevens: Vec<usize> = (0..part.len()).filter(|index| part.labels()[*index] == 7).collect();
        let indices = |arguments: &[&str]| {
            let facts = json(&[&["show", "--split", split, "--label", "7"], arguments].concat());
            let indices: Vec<usize> = serde_json::from_value(facts["indices"].clone()).unwrap();
            assert_eq!(facts["labels"], serde_json::json!(vec![7; indices.len()]));
            assert_eq!(facts["shape"].as_array().unwrap().last(), Some(&28.into()));
            indices
        };
        assert_eq!(indices(&[]), sevens[..1]);
        assert_eq!(indices(&["--index", "5"]), [sevens[5]]);
        assert_eq!(indices(&["--range", "3..9"]), sevens[3..9]);
        assert_eq!(indices(&["--grid", "4x2"]), sevens[..8]);
        // A grid may be larger than the number of images.
        assert_eq!(indices(&["--grid", "100x100"]), sevens);
    }
}

#[test]
fn bad_requests_are_refused_with_a_remedy() {
    for (arguments, expected) in [
        (vec!["--index", "1000"], "there is no image 1000: digits-10k has 1,000 test images, 0 to 999"),
        (vec!["--index", "100", "--label", "0"], "there is no image 100: digits-10k has 100 test images of class 0"),
        (vec!["--range", "990..1001"], "--range 990..1001 goes too far: digits-10k has 1,000 test images"),
        (vec!["--range", "5..5"], "the range is empty; B must be larger than A"),
        (vec!["--range", "9..5"], "the range is empty"),
        (vec!["--range", "1-5"], "give A..B, such as 0..10"),
        (vec!["--range", "..5"], "give A..B"),
        (vec!["--grid", "10"], "give COLUMNSxROWS"),
        (vec!["--grid", "0x3"], "give COLUMNSxROWS"),
        (vec!["--grid", "99999999999x99999999999"], "give COLUMNSxROWS"),
        (vec!["--grid", "11x1"], "11 digits side by side need a terminal of 87 columns, but this one has 80"),
        (vec!["--label", "10"], "no class has this label; the labels are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (vec!["--index", "1", "--range", "0..3"], "cannot be used with"),
        (vec!["--normalize", "0.1"], "give a mean and a standard deviation above 0"),
        (vec!["--normalize", "0.1,0"], "give a mean and a standard deviation above 0"),
        (vec!["--normalize", "inf,1"], "give a mean and a standard deviation above 0"),
        (vec!["--scale", "2"], "--output <FILE.png>"),
        (vec!["-o", "digit.jpg"], "digit.jpg: the output is always a PNG file; give a name that ends in .png"),
        (vec!["-o", "out.png", "--grid", "1000x1000", "--scale", "100"], "show fewer images, or lower --scale"),
    ] {
        let message = refusal(2, &[&["show"], arguments.as_slice()].concat());
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    assert!(!Path::new("out.png").exists());
    for arguments in [["-o", "none/digit.png"], ["--data", "none"]] {
        let message = refusal(1, &[&["show"], arguments.as_slice()].concat());
        assert!(message.contains(arguments[1]), "{message}");
    }
}

#[test]
fn statistics_are_those_of_the_pixels() {
    let facts = json(&["show", "--split", "train", "--range", "40..47", "--normalize", "-0.5,2"]);
    let data = digits_10k();
    let pixels = || (40..47).flat_map(|index| data.train.pixels(index).iter().map(|byte| f64::from(*byte)));
    let check = |figures: &Value, map: fn(f64) -> f64| {
        let values: Vec<f64> = pixels().map(map).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        let expected = [
            ("minimum", values.iter().copied().fold(f64::MAX, f64::min)),
            ("maximum", values.iter().copied().fold(f64::MIN, f64::max)),
            ("mean", mean),
            ("standard_deviation", (square - mean * mean).sqrt()),
        ];
        for (key, value) in expected {
            assert!((figures[key].as_f64().unwrap() - value).abs() < 1e-9, "{key}: {figures}, {value}");
        }
    };
    check(&facts["bytes"], |p| p);
    check(&facts["unit"], |p| p / 255.0);
    check(&facts["normalized"], |p| (p / 255.0 + 0.5) / 2.0);
    assert_eq!((&facts["data"], &facts["split"]), (&"digits-10k".into(), &"train".into()));
    assert_eq!(facts["shape"], serde_json::json!([7, 1, 28, 28]));
    assert_eq!(facts["indices"], serde_json::json!([40, 41, 42, 43, 44, 45, 46]));
    assert_eq!(facts["labels"], serde_json::json!(data.train.labels().to_vec()[40..47]));
}
