//! Finds circular imports in a crate: files, or rooms, that use each other, directly or through others.
//!
//! A room is a module together with everything below it, whether it is a file or a folder. Folders inside a room are
//! rooms themselves. The check reads `use` lines and paths in the code (`crate::a::b`, `super::b`). Each is a reference
//! to the file that *defines* the item: a folder's `mod.rs` may re-export (`pub use`) what its files define without
//! counting as a user of it. But an item that the files of a folder share must not be defined in a `mod.rs` that uses
//! these files; it belongs in a file of its own.
//!
//! Unit tests (`#[cfg(test)]`) and links in comments do not count: a test may take its data from anywhere. Crates need
//! no check, because cargo does not allow circular dependencies between them.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use modules::{Crate, Reference};

/// For each name, the names it uses, each with a line of code as evidence.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The circles in all crates of a package, one text for each, with the lines of code that cause it.
///
/// # Errors
/// When a file cannot be read.
pub fn circles(package: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for root in roots(package) {
        let source = Crate::read(&root)?;
        let references = source.references();
        let file = |module: usize| {
            let file = &source.modules[module].file;
            file.strip_prefix(package).unwrap_or(file).display().to_string()
        };
        let evidence =
            |reference: &Reference| format!("{}:{}: {}", file(reference.from), reference.line, reference.path);
        let mut files = Graph::new();
        for reference in &references {
            let uses = files.entry(file(reference.from)).or_default();
            uses.entry(file(reference.to)).or_insert_with(|| evidence(reference));
        }
        found.extend(shortest_circles(&files).into_iter().map(|circle| format!("files: {circle}")));
        for (parent, rooms) in rooms(&source) {
            let mut graph = Graph::new();
            for reference in &references {
                if let (Some(from), Some(to)) = (rooms.get(&reference.from), rooms.get(&reference.to))
                    && from != to
                {
                    let uses = graph.entry(from.clone()).or_default();
                    uses.entry(to.clone()).or_insert_with(|| evidence(reference));
                }
            }
            let of = file(parent);
            found.extend(shortest_circles(&graph).into_iter().map(|circle| format!("rooms of {of}: {circle}")));
        }
    }
    Ok(found)
}

/// For each module that has children: the room of every module below it.
fn rooms(source: &Crate) -> Vec<(usize, BTreeMap<usize, String>)> {
    let mut all = Vec::new();
    for (index, module) in source.modules.iter().enumerate() {
        let mut rooms = BTreeMap::new();
        for (name, child) in &module.children {
            let mut below = vec![*child];
            while let Some(next) = below.pop() {
                rooms.insert(next, name.clone());
                below.extend(source.modules[next].children.values());
            }
        }
        if !rooms.is_empty() {
            all.push((index, rooms));
        }
    }
    all
}

/// The root files of a package's crates: those that cargo finds by itself, and those in the folders `tools` and
/// `build`.
fn roots(package: &Path) -> Vec<PathBuf> {
    let known = ["src/lib.rs", "src/main.rs", "build.rs", "build/main.rs"].map(|file| package.join(file));
    let mut roots: Vec<PathBuf> = known.into_iter().filter(|file| file.exists()).collect();
    for folder in ["src/bin", "tests", "benches", "examples", "tools"] {
        let entries = fs::read_dir(package.join(folder)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "rs") {
                roots.push(path);
            } else if path.join("main.rs").exists() {
                roots.push(path.join("main.rs"));
            }
        }
    }
    roots
}

/// For each set of nodes that reach each other, the shortest circle.
fn shortest_circles(graph: &Graph) -> Vec<String> {
    let mut circles = Vec::new();
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        if done.contains(start.as_str()) {
            continue;
        }
        let reached = reachable(graph, start);
        let tied: Vec<&str> =
            reached.iter().copied().filter(|node| reachable(graph, node).contains(start.as_str())).collect();
        if let Some(circle) = tied.iter().filter_map(|node| circle_through(graph, node)).min_by_key(Vec::len) {
            circles.push(describe(graph, &circle));
        }
        done.extend(tied);
    }
    circles
}

/// All nodes that can be reached from `start`. `start` is among them only if it is part of a circle.
fn reachable<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = uses(graph, start).collect();
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(uses(graph, node));
        }
    }
    reached
}

fn uses<'a>(graph: &'a Graph, node: &str) -> impl Iterator<Item = &'a str> {
    graph.get(node).into_iter().flatten().map(|(to, _)| to.as_str())
}

/// The shortest path from a node back to itself.
fn circle_through<'a>(graph: &'a Graph, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses(graph, way[way.len() - 1]) {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

/// The circle as a path, followed by the line of code for each step.
fn describe(graph: &Graph, circle: &[&str]) -> String {
    let mut text = circle.join(" -> ");
    text += &format!(" -> {}", circle[0]);
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        text += &format!("\n    {}", graph[*from][*to]);
    }
    text
}
