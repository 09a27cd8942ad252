//! There are no circular imports between files or rooms; [`tests::rooms`] says what counts.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tests::rooms::circles;
use tests::root;

/// All packages of the workspace.
const PACKAGES: [&str; 4] = ["lenet-core", "host-trainer", "lenet-mcu", "tests"];

#[test]
fn no_two_files_or_rooms_use_each_other() {
    let mut problems = Vec::new();
    for package in PACKAGES {
        for circle in circles(&root().join(package)).unwrap() {
            problems.push(format!("{package}, {circle}\n"));
        }
    }
    assert!(problems.is_empty(), "move what both sides need into a file or room below them:\n{}", problems.join("\n"));
}

/// A package with these files in `src`.
fn package(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let file = folder.path().join("src").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    circles(package(files).path()).unwrap().into_iter().collect()
}

#[test]
fn two_files_that_use_each_other_are_found() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use std::fmt;\n\nuse crate::b::{self, B};\n\npub struct A(B);\n"),
        ("b.rs", "pub struct B;\n\nfn f() {\n    super::a::A::new();\n}\n"),
    ];
    let evidence = "\n    src/a.rs:3: crate::b::B\n    src/b.rs:4: super::a::A::new";
    assert_eq!(
        found(&files),
        [
            format!("files: src/a.rs -> src/b.rs -> src/a.rs{evidence}"),
            format!("rooms of src/lib.rs: a -> b -> a{evidence}")
        ]
    );
}

#[test]
fn a_circle_through_a_third_file_is_found() {
    let files = [
        ("main.rs", "mod a; mod b; mod c;"),
        ("a.rs", "pub fn a() { crate::b::b() }"),
        ("b.rs", "use super::c; pub fn b() { c::c() }"),
        ("c.rs", "pub fn c() { let _ = super::a::a; }"),
    ];
    assert!(found(&files)[0].starts_with("files: src/a.rs -> src/b.rs -> src/c.rs -> src/a.rs\n"));
}

#[test]
fn rooms_that_use_each_other_through_different_files_are_found() {
    let files = [
        ("lib.rs", "mod top;"),
        ("top/mod.rs", "mod a; mod b;"),
        ("top/a/mod.rs", "mod high; mod low; pub use low::Low;"),
        ("top/a/high.rs", "use crate::top::b::Low;"),
        ("top/a/low.rs", "pub struct Low;"),
        ("top/b/mod.rs", "mod high; mod low; pub use low::Low;"),
        ("top/b/high.rs", "use super::super::a::Low;"),
        ("top/b/low.rs", "pub struct Low;"),
    ];
    let circle = "rooms of src/top/mod.rs: a -> b -> a\n    src/top/a/high.rs:1: crate::top::b::Low\n    \
                  src/top/b/high.rs:1: super::super::a::Low";
    assert_eq!(found(&files), [circle]);
}

#[test]
fn a_folder_may_re_export_what_its_files_define_but_not_use_it() {
    let shared = ("a/child.rs", "use super::Shared; pub fn child() {}");
    let hands_on = [("lib.rs", "mod a;"), ("a/mod.rs", "mod child; pub use child::child; pub struct Shared;"), shared];
    assert_eq!(found(&hands_on), [""; 0]);
    let uses = [("lib.rs", "mod a;"), ("a/mod.rs", "mod child; pub struct Shared; fn f() { child::child() }"), shared];
    assert_eq!(found(&uses).len(), 1);
    let uses_what_it_hands_on =
        [hands_on[0], ("a/mod.rs", "mod child; pub use child::child; pub struct Shared; fn f() { child() }"), shared];
    assert_eq!(found(&uses_what_it_hands_on).len(), 1);
}

#[test]
fn names_are_followed_to_where_they_are_defined() {
    // b uses files of the folder a that do not use b. This holds through a glob and through another name, too.
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "pub mod low; mod high; pub use low::*; pub use low::Low as Renamed;"),
        ("a/low.rs", "pub struct Low;"),
        ("a/high.rs", "use super::Renamed; use super::Low;"),
        ("b.rs", "use crate::a::{Low, Renamed}; use crate::a::low; fn f() { low::Low; }"),
    ];
    assert_eq!(found(&files), [""; 0]);
    // Through the glob, high and low use each other.
    let low = [files[0], files[1], ("a/low.rs", "use super::high::High; pub struct Low;"), files[3], ("b.rs", "")];
    assert!(found(&low)[0].starts_with("files: src/a/high.rs -> src/a/low.rs -> src/a/high.rs"), "{:?}", found(&low));
    let high = [files[0], files[1], files[2], ("a/high.rs", "use crate::b::B;"), files[4]];
    assert!(found(&high)[0].starts_with("rooms of src/lib.rs: a -> b -> a"), "{:?}", found(&high));
}

#[test]
fn tests_comments_and_texts_do_not_count() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; // crate::b\n#[path = \"elsewhere.rs\"] mod c;"),
        (
            "b.rs",
            "/// [`crate::a::A`]\npub struct B; fn f() -> &'static str { \"crate::a\" }\n#[cfg(test)]\nmod tests { use crate::a::A; }",
        ),
        ("elsewhere.rs", "/* use crate::a::A; */"),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn a_module_without_a_file_is_an_error() {
    let folder = package(&[("lib.rs", "mod a;")]);
    assert!(circles(folder.path()).unwrap_err().ends_with("lib.rs: mod a has no file"));
    assert_eq!(circles(Path::new("no such package")).unwrap().len(), 0);
}
