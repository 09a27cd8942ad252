//! Circles in a crate: files, or rooms, that use each other, directly or by way of others.
//!
//! A room is a module of a crate with all that lies below it, be it a file or a folder; the folders within a room are
//! rooms in it. Read are the `use` lines and the paths in the code (`crate::a::b`, `super::b`). Each counts for the file
//! that *defines* what it names: a folder's `mod.rs` may hand on what its files define (`pub use`) without using it.
//! But what the files of a folder share may not be defined in a `mod.rs` that uses those files; it belongs in a file of
//! its own.
//!
//! Tests inside of a file (`#[cfg(test)]`) do not count: only they are compiled with what they name, and a test may take
//! its data from anywhere. Nor do links in comments. Crates need no look: cargo allows no circle of them.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use modules::{Crate, Reference};

/// For each name, the others it uses, with a line that shows it.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The circles of all crates in a package: one text for each, with the lines that make it.
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

/// For each module with children, the room that each module below it belongs to.
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

/// Where a package's crates start: what cargo finds by itself, and the folders `tools` and `build`.
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

/// From each set of nodes that reach each other one circle, the shortest.
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

/// All that `start` leads to; `start` itself only by a circle.
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

/// The shortest way from a node back to it.
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

/// The circle as a path, and the line that makes each step.
fn describe(graph: &Graph, circle: &[&str]) -> String {
    let mut text = circle.join(" -> ");
    text += &format!(" -> {}", circle[0]);
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        text += &format!("\n    {}", graph[*from][*to]);
    }
    text
}
