//! Whether a page is fit to be read, as a browser without a screen shows it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// What is wrong with a page in a window so many CSS pixels wide, where the reader prefers light or dark pages:
///
/// - pictures that do not load, have no size, or no `alt`;
/// - messages on the console, scripts, and anything loaded from outside the file;
/// - horizontal scroll, but for that of a container that scrolls by itself;
/// - text with less contrast than WCAG 2.1 asks for at level AA: 4.5, or 3 if it is large.
///
/// `<details>` are opened before.
///
/// # Panics
/// Without a browser.
pub(crate) fn check(html: &str, width: u32, dark: bool) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page.html"), html).unwrap();
    // A window cannot be as narrow as a phone; a frame can.
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

/// The name of a browser that can be started here, or what to do to have one.
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
            "no browser here ({names}), so reports are not opened in one; install one, on Debian by `sudo apt install \
             chromium`, or name one in LENET_CHROMIUM"
        )
    })
}

/// The DOM of a page on the standard output, the console on the standard error.
fn browse(profile: &Path, page: &Path, dark: bool) -> Output {
    let name = find().unwrap_or_else(|remedy| panic!("{remedy}"));
    Command::new(&name)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,1000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        // No page that this looks at needs the network, nor shall one reach it.
        .args(["--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND"])
        // The outer page reads the inner one.
        .arg("--allow-file-access-from-files")
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"))
}

/// What a line of the browser's log says, if it is from a page's console.
fn console_message(line: &str) -> Option<&str> {
    let (_, message) = line.split_once(":CONSOLE")?.1.split_once("] ")?;
    Some(message.split_once(", source: ").map_or(message, |(message, _)| message))
}
