//! The table of fonts: which file of which Debian package belongs to which split.

/// What a family's letters are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Train = 1,
    Test = 2,
}

impl Split {
    fn other(self) -> Self {
        match self {
            Self::Train => Self::Test,
            Self::Test => Self::Train,
        }
    }
}

/// A family of fonts by one designer, such as Lato. All its letters are in the same split.
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) split: Split,
    /// Whether it imitates writing by hand.
    pub(crate) handwriting: bool,
    /// Paths inside Debian's packages, without the first slash.
    pub(crate) files: Vec<String>,
}

/// A package and the split that all its fonts must be in: fonts of one package often share a designer.
type Package<'a> = (&'a str, Split);

/// Reads lines of `split kind family package version sha256 path`, separated by tabs. Lines that start with `#` are
/// comments. `data/make-letters` checks the digests.
pub(crate) fn parse(text: &str) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = Vec::new();
    let mut packages: Vec<Package> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let number = index + 1;
        let fields: Vec<&str> = line.split('\t').collect();
        let [split, kind, name, package, _version, _sha256, path] = fields.as_slice() else {
            return Err(format!("line {number}: {} fields, but there must be 7, separated by tabs", fields.len()));
        };
        let split = match *split {
            "train" => Split::Train,
            "test" => Split::Test,
            other => return Err(format!("line {number}: the split is {other}, but it must be train or test")),
        };
        let handwriting = match *kind {
            "hand" => true,
            "print" => false,
            other => return Err(format!("line {number}: the kind is {other}, but it must be hand or print")),
        };
        if families.iter().any(|family| family.files.iter().any(|file| file == path)) {
            return Err(format!("line {number}: {path} is listed twice; remove one of the lines"));
        }
        if packages.contains(&(*package, split.other())) {
            return Err(format!(
                "line {number}: the package {package} is both in train and in test; keep it in one of them"
            ));
        }
        packages.push((*package, split));
        match families.iter_mut().find(|family| family.name == *name) {
            Some(family) if family.split != split => {
                return Err(format!(
                    "line {number}: the family {name} is both in train and in test; keep it in one of them"
                ));
            }
            Some(family) => family.files.push((*path).to_owned()),
            None => {
                families.push(Family { name: (*name).to_owned(), split, handwriting, files: vec![(*path).to_owned()] });
            }
        }
    }
    Ok(families)
}
