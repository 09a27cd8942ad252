//! Opens the report in a browser: no broken pictures, nothing cut off, no text with too little contrast.
//!
//! This has a harness of its own because the browser may be missing. The tests then count as ignored, and a line says
//! what to install. With `LENET_REQUIRE_BROWSER=1` they fail instead.

mod browser;

use std::fs;
use std::process::Command;

use browser::check;
use libtest_mimic::{Arguments, Trial};
use tempfile::TempDir;

const PHONE: u32 = 390;
const DESKTOP: u32 = 1280;

/// A red dot.
const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

fn page(style: &str, body: &str) -> String {
    format!(
        r#"<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark }} {style}</style><body>{body}</body></html>"#
    )
}

/// The problem of a page that has exactly one.
fn problem(style: &str, body: &str, width: u32, dark: bool) -> String {
    let problems = check(&page(style, body), width, dark);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

fn main() {
    let tests: [(&str, fn()); 8] = [
        ("a_good_page_has_no_problem", a_good_page_has_no_problem),
        ("broken_pictures_are_found", broken_pictures_are_found),
        ("scripts_and_console_messages_are_found", scripts_and_console_messages_are_found),
        ("external_resources_are_found", external_resources_are_found),
        ("horizontal_scroll_is_found", horizontal_scroll_is_found),
        ("low_contrast_is_found", low_contrast_is_found),
        ("low_contrast_in_dark_mode_is_found", low_contrast_in_dark_mode_is_found),
        ("the_report_of_a_run_has_no_problem", the_report_of_a_run_has_no_problem),
    ];
    let required = std::env::var_os("LENET_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    let missing = browser::find().err();
    if let Some(remedy) = &missing {
        eprintln!("{remedy}");
    }
    let ignored = missing.is_some() && !required;
    let trial = |(name, test): (&str, fn())| {
        let run = move || {
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(ignored)
    };
    libtest_mimic::run(&Arguments::from_args(), tests.map(trial).into()).exit();
}

fn a_good_page_has_no_problem() {
    let style = "
        body { color: #222; background: #fff }
        .wide { overflow-x: auto } .wide div { width: 3000px }
        .large { color: #888; font-size: 24px }
        .card { background: rgba(0, 0, 0, 0.8); color: #fff }
        .bar { background: linear-gradient(to right, #ddd 30%, transparent 30%) }
        @media (prefers-color-scheme: dark) {
            body { color: #ddd; background: #111 } .large { color: #777 }
            .bar { background: linear-gradient(to right, #444 30%, transparent 30%) }
        }";
    let body = format!(
        r##"<h1>A page</h1> <img src="{PNG}" alt="A red dot" width="20" loading="lazy">
        <div class="wide"><div>A table that scrolls by itself</div></div>
        <p class="large">Large</p> <p class="card">Light on dark</p> <p class="bar">On a bar</p>
        <details><summary>More</summary><p>Inside</p><img src="{PNG}" alt="Another"></details>
        <p style="position: absolute; width: 1px; height: 1px; overflow: hidden; color: #fff">For screen readers</p>
        <p><a href="https://example.org/">A link loads nothing</a></p>
        <svg viewBox="0 0 100 40" width="300"><image href="{PNG}" width="5" height="5"/>
        <rect width="100" height="40" fill="#135"/><text x="9" y="20" font-size="9" fill="#fff">On a rect</text></svg>"##
    );
    for (width, dark) in [(PHONE, false), (PHONE, true), (DESKTOP, false), (DESKTOP, true)] {
        assert_eq!(check(&page(style, &body), width, dark), [""; 0], "{width} px, dark {dark}");
    }
}

fn broken_pictures_are_found() {
    let body = format!(
        r#"<img src="data:image/png;base64,aGVsbG8=" alt="Not a picture">
        <img id="dot" src="{PNG}">
        <details><svg width="9" height="9"><image href="data:image/png;base64,AAAA" width="9"/></svg></details>
        <svg class="curve" width="9" height="0"></svg>"#
    );
    let expected = [
        "broken picture: <img> of data:image/png;base64,aGVsbG8=".to_owned(),
        format!("no alt: <img#dot> of {}…", &PNG[..40]),
        "broken picture: <image> of data:image/png;base64,AAAA".to_owned(),
        "picture without a size: <svg.curve>".to_owned(),
    ];
    assert_eq!(check(&page("", &body), PHONE, false), expected);
}

fn scripts_and_console_messages_are_found() {
    let problem = problem("", r#"<svg width="9" height="9"><path d="M 1 x"/></svg>"#, PHONE, false);
    assert!(problem.starts_with("on the console: ") && problem.contains("attribute d"), "{problem}");
    let problems = check(&page("", "<script>console.error('lost'); nowhere()</script>"), PHONE, false);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(problems[0], "a script: console.error('lost'); nowhere()");
    assert_eq!(problems[1], r#"on the console: "lost""#);
    assert!(problems[2].contains("nowhere is not defined"), "{problems:?}");
}

fn external_resources_are_found() {
    let style = "@import 'https://example.org/c.css'; body { background: url(http://example.org/b.png) }";
    let body = r#"<link rel="stylesheet" href="https://example.org/a.css"><img src="digit.png" alt="">"#;
    let problems = check(&page(style, body), PHONE, false);
    for expected in [
        "not in the file: <link> loads https://example.org/a.css",
        "not in the file: <img> loads digit.png",
        "not in the file: a style loads http://example.org/b.png",
        "not in the file: a style loads https://example.org/c.css",
    ] {
        assert!(problems.iter().any(|problem| problem == expected), "{problems:?}");
    }
}

fn horizontal_scroll_is_found() {
    let body = r#"<p>Short</p><table class="matrix"><tr><td style="min-width: 600px">Wide</table>"#;
    assert_eq!(
        problem("body { margin: 0 } table { border-spacing: 0 } td { padding: 0 }", body, PHONE, false),
        r#"horizontal scroll at 390 px: <table.matrix> reaches to 600 px, by <td> "Wide""#
    );
    assert_eq!(check(&page("", body), DESKTOP, false), [""; 0]);
    let problem = problem("body { overflow-x: hidden }", body, PHONE, false);
    assert!(problem.starts_with("cut off at the right at 390 px: <table.matrix>"), "{problem}");
    let problems = check("<!DOCTYPE html><title>A page</title><p>Without a viewport", PHONE, false);
    assert!(problems[0].starts_with("no viewport: "), "{problems:?}");
}

fn low_contrast_is_found() {
    let style = "body { background: #fff; color: #000 } .added::after { content: 'added'; color: #ccc }";
    let body = r##"
        <p class="note" style="color: #999">Pale</p>
        <ul style="color: #888"><li>One</li> <li>Two</li> <li>Three</li></ul>
        <p class="large" style="font: bold 18.7px serif; color: #999">Large</p>
        <p class="faded" style="opacity: 0.4">Faded</p>
        <details><summary>More</summary><p class="folded" style="color: #bbb">Folded</p></details>
        <p class="bar" style="background: linear-gradient(to right, #333 30%, #fff 30%)">On a bar</p>
        <div style="background: #000"><p style="background: rgb(255 255 255 / 50%); color: #333">On grey</p></div>
        <svg width="90" height="40">
            <text x="9" y="10" fill="rgba(0, 0, 0, 0.3)" class="axis">0.5</text>
            <rect y="20" width="90" height="20" fill="#333"/><text x="9" y="35" class="cell">12</text>
        </svg>
        <p class="added">Text</p>"##;
    let expected = [
        r##"contrast 2.84 of "Pale" in <p.note>, #999999 on #ffffff, is below 4.5"##,
        // Problems of the same kind are reported once.
        r##"contrast 3.54 of "One" in <li>, #888888 on #ffffff, is below 4.5 (3 times)"##,
        r##"contrast 2.84 of "Large" in <p.large>, #999999 on #ffffff, is below 3"##,
        r##"contrast 2.84 of "Faded" in <p.faded>, #999999 on #ffffff, is below 4.5"##,
        r##"contrast 1.91 of "Folded" in <p.folded>, #bbbbbb on #ffffff, is below 4.5"##,
        r##"contrast 1.66 of "On a bar" in <p.bar>, #000000 on #333333, is below 4.5"##,
        r##"contrast 3.17 of "On grey" in <p>, #333333 on #808080, is below 4.5"##,
        r##"contrast 2.1 of "0.5" in <text.axis>, #b3b3b3 on #ffffff, is below 4.5"##,
        r##"contrast 1.66 of "12" in <text.cell>, #000000 on #333333, is below 4.5"##,
        r##"contrast 1.6 of "added" in <p.added>, #cccccc on #ffffff, is below 4.5"##,
    ];
    assert_eq!(check(&page(style, body), PHONE, false), expected);
}

fn low_contrast_in_dark_mode_is_found() {
    let style = "body { color: #333; background: #fff }
        @media (prefers-color-scheme: dark) { body { background: #222 } }";
    assert_eq!(check(&page(style, "<p>Text</p>"), PHONE, false), [""; 0]);
    assert!(problem(style, "<p>Text</p>", PHONE, true).contains("#333333 on #222222"));
    // A page without colours uses the browser's.
    assert_eq!(check(&page("", "<p>Text</p>"), PHONE, true), [""; 0]);
    assert!(problem("", r#"<p style="color: #333">Text</p>"#, PHONE, true).contains("#333333 on #"));
}

fn the_report_of_a_run_has_no_problem() {
    let folder = TempDir::new().unwrap();
    // One epoch leaves many misread digits to show.
    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .args(["train", "--epochs", "1", "--validation", "-o", "run"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = fs::read_to_string(folder.path().join("run/report.html")).expect("train writes a report");
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
    for (width, dark) in [(PHONE, false), (PHONE, true), (DESKTOP, false), (DESKTOP, true)] {
        assert_eq!(check(&report, width, dark), [""; 0], "{width} px, dark {dark}");
    }
}
