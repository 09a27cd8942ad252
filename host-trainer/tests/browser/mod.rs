//! Checks in a headless browser whether a page can be read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The problems of a page in a window of `width` CSS pixels, in light or dark mode:
///
/// - pictures that do not load, have no size, or no `alt`;
/// - messages on the console, scripts, and anything loaded from outside the file;
/// - horizontal scroll, except inside a container that scrolls by itself;
/// - text with less contrast than WCAG 2.1 requires at level AA: 4.5, or 3 for large text.
///
/// All `<details>` are opened first.
///
/// # Panics
/// Without a browser.
pub(crate) fn check(html: &str, width: u32, dark: bool) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page.html"), html).unwrap();
    // A browser window cannot be as narrow as a phone, but a frame can.
    let outer = format!(
        r#"<!DOCTYPE html><meta charset="utf-8"><pre></pre>
           <iframe src="page.html" style="border: 0; width: {width}px; height: 800px"></iframe>
           <script>{}</script>"#,
        include_str!("check.js")
    );
    let outer_path = folder.path().join("outer.html");
    fs::write(&outer_path, outer).unwrap();
    let output = browse(&folder.path().join("profile"), &outer_path, dark);
    let dom = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    let answer = dom.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>")).map(|(answer, _)| answer);
    let mut problems: Vec<String> = answer
        .and_then(|answer| serde_json::from_str(answer).ok())
        .unwrap_or_else(|| panic!("the browser ended with {} before the page was checked: {log}", output.status));
    problems.extend(log.lines().filter_map(console_message).map(|message| format!("on the console: {message}")));
    problems
}

/// The name of a browser that can be started here, or how to install one.
pub(crate) fn find() -> Result<String, String> {
    let named = std::env::var("LENET_CHROMIUM").ok();
    let names = match &named {
        Some(name) => vec![name.as_str()],
        None => vec!["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"],
    };
    let starts =
        |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    names.iter().find(starts).map(|name| (*name).to_owned()).ok_or_else(|| {
        let names = names.join(", ");
        format!(
            "no browser found ({names}), so reports cannot be tested in one; install one (Debian: sudo apt install \
             chromium) or name one in LENET_CHROMIUM"
        )
    })
}

/// Opens a page and returns its DOM as standard output and its console as standard error.
fn browse(profile: &Path, page: &Path, dark: bool) -> Output {
    let name = find().unwrap_or_else(|remedy| panic!("{remedy}"));
    Command::new(&name)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,1000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        // No page needs the network, and none is allowed to reach it.
        .args(["--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND"])
        // The outer page reads the inner one.
        .arg("--allow-file-access-from-files")
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"))
}

/// The message in a line of the browser's log, if the page's console wrote it.
fn console_message(line: &str) -> Option<&str> {
    let (_, message) = line.split_once(":CONSOLE")?.1.split_once("] ")?;
    Some(message.split_once(", source: ").map_or(message, |(message, _)| message))
}
