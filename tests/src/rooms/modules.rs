//! The modules of a crate, found by following the `mod` lines from its root file, and the references between them.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::tokens::{Token, tokens};

/// The keywords that come before the name of an item.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];

/// A module: a file, or a `mod` block in a file.
pub(super) struct Module {
    pub(super) file: PathBuf,
    parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    imports: Vec<Import>,
    /// The paths in the code outside of `use` lines.
    paths: Vec<Named>,
    /// The words outside of `use` lines.
    words: HashSet<String>,
    /// The names of the items that the module defines.
    definitions: HashSet<String>,
}

/// A path in the source.
#[derive(Clone)]
struct Named {
    path: Vec<String>,
    line: usize,
}

/// What a `use` line imports.
struct Import {
    named: Named,
    /// The imported name; `None` for a glob or `_`.
    name: Option<String>,
    glob: bool,
    /// Whether it is re-exported: `pub use`.
    public: bool,
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// An item that is defined in the module.
    Item(usize),
}

/// All modules of a crate. The first one is the root.
pub(super) struct Crate {
    pub(super) modules: Vec<Module>,
}

/// A module names an item that another module defines.
pub(super) struct Reference {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
    /// The path as written in the code.
    pub(super) path: String,
}

impl Crate {
    /// Reads the crate whose root is `file`.
    ///
    /// # Errors
    /// A message that names the file that cannot be read, or the `mod` that has no file.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let mut all = Self { modules: Vec::new() };
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        all.read_file(file, &folder, None)?;
        Ok(all)
    }

    /// Adds the module in `file`, whose children are in `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> Result<usize, String> {
        let source = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        self.add(&tokens(&source), file, folder, parent)
    }

    fn add(&mut self, code: &[Token], file: &Path, folder: &Path, parent: Option<usize>) -> Result<usize, String> {
        let index = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            imports: Vec::new(),
            paths: Vec::new(),
            words: HashSet::new(),
            definitions: HashSet::new(),
        });
        let text = |place: usize| code.get(place).map_or("", |token: &Token| token.text.as_str());
        let mut place = 0;
        while place < code.len() {
            if text(place) == "use" {
                let public = place > 0 && (text(place - 1) == "pub" || text(place - 1) == ")");
                place += 1;
                self.modules[index].use_tree(code, &mut place, &[], public);
            } else if text(place) == "mod" && text(place + 2) == ";" {
                let child = match stated_path(&code[..place]) {
                    Some(path) => {
                        let child = file.parent().unwrap_or(Path::new(".")).join(path);
                        let folder = child.parent().unwrap_or(Path::new(".")).to_owned();
                        self.read_file(&child, &folder, Some(index))?
                    }
                    None => self.read_child(text(place + 1), file, folder, index)?,
                };
                self.modules[index].children.insert(text(place + 1).to_owned(), child);
                place += 3;
            } else if text(place) == "mod" && text(place + 2) == "{" {
                let end = place + 2 + super::tokens::group(&code[place + 2..]);
                let inner = &code[place + 3..end - 1];
                let child = self.add(inner, file, &folder.join(text(place + 1)), Some(index))?;
                self.modules[index].children.insert(text(place + 1).to_owned(), child);
                place = end;
            } else if code[place].is_word() {
                let start = place;
                while text(place + 1) == "::" && code.get(place + 2).is_some_and(Token::is_word) {
                    place += 2;
                }
                let path = code[start..=place].iter().step_by(2).map(|token| token.text.clone()).collect();
                let module = &mut self.modules[index];
                module.words.insert(text(start).to_owned());
                if start > 0 && ITEMS.contains(&text(start - 1)) {
                    module.definitions.insert(text(start).to_owned());
                }
                // After a `.`, or the `::` of a generic type, comes a member.
                if start == place || start > 0 && matches!(text(start - 1), "." | "::") {
                    place += 1;
                    continue;
                }
                module.paths.push(Named { path, line: code[start].line });
                place += 1;
            } else {
                place += 1;
            }
        }
        Ok(index)
    }

    fn read_child(&mut self, name: &str, file: &Path, folder: &Path, parent: usize) -> Result<usize, String> {
        let below = folder.join(name);
        for child in [folder.join(format!("{name}.rs")), below.join("mod.rs")] {
            if child.exists() {
                return self.read_file(&child, &below, Some(parent));
            }
        }
        Err(format!("{}: mod {name} has no file", file.display()))
    }

    /// All references from a module to an item that another file of the crate defines.
    pub(super) fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        for (from, module) in self.modules.iter().enumerate() {
            let used = module.imports.iter().filter(|import| !import.public || module.uses(import));
            for named in used.map(|import| &import.named).chain(&module.paths) {
                if let Some(Target::Item(to)) = self.resolve(from, &named.path, 0)
                    && self.modules[to].file != module.file
                {
                    references.push(Reference { from, to, line: named.line, path: named.path.join("::") });
                }
            }
        }
        references
    }

    /// Resolves a path written in the module `from`; `None` when it leads out of the crate.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.modules[from].parent?),
            name => self.lookup(from, name, depth).filter(|target| *target != Target::Item(from))?,
        };
        while let (Target::Module(module), Some((name, others))) = (target, rest.split_first()) {
            target = match name.as_str() {
                "super" => Target::Module(self.modules[module].parent?),
                "self" => target,
                name => self.lookup(module, name, depth).unwrap_or(Target::Item(module)),
            };
            rest = others;
        }
        Some(target)
    }

    /// What a name refers to in a module, unless the module defines it itself.
    fn lookup(&self, module: usize, name: &str, depth: usize) -> Option<Target> {
        // Modules that import each other by globs would recurse for ever.
        const DEEPEST: usize = 16;
        if depth > DEEPEST {
            return None;
        }
        let Module { children, imports, .. } = &self.modules[module];
        if let Some(child) = children.get(name) {
            return Some(Target::Module(*child));
        }
        let import = imports.iter().find(|import| import.name.as_deref() == Some(name));
        if let Some(import) = import {
            return self.resolve_import(module, &import.named.path, depth);
        }
        imports.iter().filter(|import| import.glob).find_map(|import| {
            match self.resolve_import(module, &import.named.path, depth)? {
                Target::Module(source) if self.modules[source].definitions.contains(name) => Some(Target::Item(source)),
                Target::Module(source) => self.lookup(source, name, depth + 1),
                Target::Item(_) => None,
            }
        })
    }

    /// Like [`resolve`](Self::resolve), for the path of a `use`, which may start with the name that it imports.
    fn resolve_import(&self, module: usize, path: &[String], depth: usize) -> Option<Target> {
        match path.first().map(String::as_str) {
            Some("crate" | "self" | "super") => self.resolve(module, path, depth + 1),
            Some(first) if self.modules[module].children.contains_key(first) => self.resolve(module, path, depth + 1),
            Some(first) if path.len() > 1 && self.modules[module].imports(first) => {
                self.resolve(module, path, depth + 1)
            }
            _ => None,
        }
    }
}

impl Module {
    /// Reads the tree of a `use` line, starting at `place`, below `prefix`.
    fn use_tree(&mut self, code: &[Token], place: &mut usize, prefix: &[String], public: bool) {
        let text = |place: usize| code.get(place).map_or(";", |token: &Token| token.text.as_str());
        let line = code.get(*place).map_or(0, |token| token.line);
        let mut path = prefix.to_vec();
        loop {
            match text(*place) {
                "{" => {
                    *place += 1;
                    while !matches!(text(*place), "}" | ";") {
                        self.use_tree(code, place, &path, public);
                        if text(*place) == "," {
                            *place += 1;
                        }
                    }
                    *place += 1;
                    return;
                }
                "*" => {
                    *place += 1;
                    self.imports.push(Import { named: Named { path, line }, name: None, glob: true, public });
                    return;
                }
                "::" => *place += 1,
                "as" => {
                    let name = Some(text(*place + 1).to_owned()).filter(|name| name != "_");
                    *place += 2;
                    self.imports.push(Import { named: Named { path, line }, name, glob: false, public });
                    return;
                }
                "," | "}" | ";" => {
                    let name = path.last().cloned();
                    self.imports.push(Import { named: Named { path, line }, name, glob: false, public });
                    return;
                }
                // `a::{self}` imports `a`.
                "self" if !path.is_empty() => *place += 1,
                word => {
                    path.push(word.to_owned());
                    *place += 1;
                }
            }
        }
    }

    fn imports(&self, name: &str) -> bool {
        self.imports.iter().any(|import| import.name.as_deref() == Some(name))
    }

    /// Whether the module itself uses what it re-exports.
    fn uses(&self, import: &Import) -> bool {
        import.name.as_ref().is_some_and(|name| self.words.contains(name))
    }
}

/// The file in a `#[path = "..."]` right before a `mod`.
fn stated_path(before: &[Token]) -> Option<String> {
    let item =
        before.iter().rev().skip_while(|token| matches!(token.text.as_str(), "pub" | "(" | ")" | "crate" | "super"));
    let [close, value, equals, path] = item.take(4).map(|token| token.text.as_str()).collect::<Vec<_>>()[..] else {
        return None;
    };
    ((close, equals, path) == ("]", "=", "path")).then(|| value.trim_matches('"').to_owned())
}
