//! Every file and stream is read through `host-trainer/src/input.rs`, which gives each kind a limit.

use std::fs;
use std::path::{Path, PathBuf};

use tests::root;

/// What reads without a limit.
const UNLIMITED: [&str; 6] =
    ["fs::read(", "read_to_string(", "read_to_end(", "File::open(", "OpenOptions::new(", ".read_line("];

/// Files that may: the one with the limits, and those that compute a digest or a checksum in constant memory.
const EXEMPT: [&str; 3] = ["input.rs", "fetch/content.rs", "fetch.rs"];

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines that read without a limit, in code that is not only for tests.
fn offences(source: &str) -> Vec<String> {
    let code = source.split("\n#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let is_limited = |number: usize| {
        // `.take(LIMIT)` stands on the same line or just above.
        lines[number.saturating_sub(2)..=number].iter().any(|line| line.contains("take("))
    };
    let reads = |line: &str| UNLIMITED.iter().any(|read| line.contains(read)) && !line.trim_start().starts_with("//");
    (0..lines.len())
        .filter(|number| reads(lines[*number]) && !is_limited(*number))
        .map(|number| format!("{}: {}", number + 1, lines[number].trim()))
        .collect()
}

#[test]
fn nothing_is_read_without_a_limit() {
    let folder = root().join("host-trainer/src");
    let mut problems = Vec::new();
    for path in sources(&folder) {
        let name = path.strip_prefix(&folder).unwrap();
        if EXEMPT.iter().any(|exempt| name == Path::new(exempt)) {
            continue;
        }
        let found = offences(&fs::read_to_string(&path).unwrap());
        problems.extend(found.iter().map(|line| format!("{}:{line}", name.display())));
    }
    assert!(problems.is_empty(), "read through input.rs instead:\n{}", problems.join("\n"));
}

#[test]
fn a_read_without_a_limit_is_found() {
    let source = "fn f() {\n    let a = std::fs::read(path);\n    file.take(9).read_to_end(&mut b);\n}\n\
                  // fs::read(path)\n#[cfg(test)]\nmod tests { fn g() { fs::read(path); } }";
    assert_eq!(offences(source), ["2: let a = std::fs::read(path);"]);
}
