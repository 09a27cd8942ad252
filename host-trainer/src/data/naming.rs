//! The labels of a data set's classes.

use std::path::Path;

use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};

use super::emnist::Mapping;
use super::label_file::{LABEL_FILE, parse_label_file};
use super::sets::{Content, Files};
use super::{Split, known};
use crate::classes::Classes;
use crate::error::{Error, Result};
use crate::input::{self, Limit};

/// What the numbers in label files mean.
pub(super) struct Naming {
    pub(super) classes: Classes,
    /// The number of the first class.
    first: u8,
    /// Where the labels come from, for messages.
    source: &'static str,
}

impl Naming {
    /// `places` are folders that may hold a file of labels, the first with the data.
    pub(super) fn find(places: [&Path; 2], files: &Files, parts: &[&Content], notes: &mut Vec<String>) -> Result<Self> {
        let emnist = match files {
            Files::Pairs(pairs) => pairs.emnist(),
            _ => None,
        };
        let mapping = match emnist {
            Some(set) => read_optional(places, &format!("emnist-{set}-mapping.txt"), Mapping::parse)?,
            None => None,
        };
        let smallest = parts.iter().flat_map(|part| &part.labels).min().copied().unwrap_or(0);
        let is_letters = emnist == Some("letters") || is_emnist_table(files) && smallest == 1;
        let first = mapping.as_ref().map_or(u8::from(is_letters), |mapping| mapping.first);
        if let Some(classes) = read_optional(places, LABEL_FILE, parse_label_file)? {
            return Ok(Self { classes, first, source: LABEL_FILE });
        }
        if let Some(Mapping { classes, .. }) = mapping {
            return Ok(Self { classes, first, source: "the mapping file" });
        }
        if let Some(set) = emnist {
            notes.push(format!(
                "there is no emnist-{set}-mapping.txt beside the files, so the classes have numbers instead of names"
            ));
        }
        let stored = parts[0].label_bytes.as_slice();
        let set = match files {
            Files::Pairs(pairs) => pairs.set.as_str(),
            _ => "",
        };
        let known = match set {
            "k49" => Some(known::KUZUSHIJI_49.as_slice()),
            "kmnist" => Some(known::KMNIST.as_slice()),
            _ => known::labels(stored),
        };
        if let Some(labels) = known {
            let classes = Classes::new(labels).expect("a test checks the labels of known sets");
            return Ok(Self { classes, first, source: "the known data set" });
        }
        let largest = parts.iter().flat_map(|part| &part.labels).max().copied().unwrap_or(0);
        // A label that is too large even so is an error of its file.
        let count = (usize::from(largest.saturating_sub(first)) + 1).clamp(MIN_CLASSES, MAX_CLASSES);
        let classes = Classes::numbered(count).expect("the number is allowed");
        Ok(Self { classes, first, source: "a data set" })
    }

    /// Counts the labels from 0 and pairs them with the images.
    pub(super) fn split(&self, content: Content) -> Result<Split> {
        let Content { images, mut labels, label_path, .. } = content;
        let count = self.classes.count();
        let range = usize::from(self.first)..usize::from(self.first) + count;
        if let Some((index, label)) =
            labels.iter().enumerate().find(|(_, label)| !range.contains(&usize::from(**label)))
        {
            let remedy = if self.source == LABEL_FILE { "; add a line for each class" } else { "" };
            let problem = format!(
                "label {index} is {label}, but {} has {}{count} classes, {} to {}{remedy}",
                self.source,
                if count == MAX_CLASSES { "at most " } else { "" },
                range.start,
                range.end - 1
            );
            return Err(Error::File { path: label_path, problem });
        }
        labels.mapv_inplace(|label| label - self.first);
        Split::new(images, labels, count).map_err(Error::file(&label_path))
    }
}

/// The content of a file in the first of these folders that has it; none if none has.
fn read_optional<T>(
    places: [&Path; 2],
    name: &str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, String>,
) -> Result<Option<T>> {
    let Some(path) = places.iter().map(|place| place.join(name)).find(|path| path.exists()) else {
        return Ok(None);
    };
    parse(&input::read(&path, Limit::NAMES)?).map(Some).map_err(Error::file(&path))
}

/// Kaggle has EMNIST as tables, whose images are transposed like those of its IDX files.
pub(super) fn is_emnist_table(files: &Files) -> bool {
    let Files::Tables(tables) = files else { return false };
    tables.iter().any(|(path, _)| {
        path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().starts_with("emnist"))
    })
}
