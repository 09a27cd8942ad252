//! The classes of a data set or a network: how many there are, and their labels.

use lenet_core::labels::Labels;
use serde::{Deserialize, Serialize};

/// 2 to 64 classes and their labels, which follow the rules of [`Labels`]. In JSON they are a list of the labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Classes(Vec<String>);

impl TryFrom<Vec<String>> for Classes {
    type Error = String;

    fn try_from(labels: Vec<String>) -> Result<Self, String> {
        // In the joined text, a line feed inside a label would pass as the border between two labels.
        if let Some(label) = labels.iter().find(|label| label.contains('\n')) {
            return Err(format!("the label {label:?} contains a line feed"));
        }
        let classes = Self(labels);
        match Labels::new(&classes.text()) {
            Ok(_) => Ok(classes),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl From<Labels<'_>> for Classes {
    fn from(labels: Labels<'_>) -> Self {
        Self(labels.iter().map(str::to_owned).collect())
    }
}

impl Classes {
    /// Classes with these labels, in order.
    ///
    /// # Errors
    /// The first rule of [`Labels`] that they break, in words.
    pub fn new<L: AsRef<str>>(labels: impl IntoIterator<Item = L>) -> Result<Self, String> {
        labels.into_iter().map(|label| label.as_ref().to_owned()).collect::<Vec<_>>().try_into()
    }

    /// The ten digits, `0` to `9`.
    pub fn digits() -> Self {
        Self::numbered(10).expect("ten classes are allowed")
    }

    /// Classes labelled `0`, `1` and so on.
    ///
    /// # Errors
    /// When there are fewer than 2 or more than 64.
    pub fn numbered(count: usize) -> Result<Self, String> {
        Self::new((0..count).map(|class| class.to_string()))
    }

    /// Whether the labels are only the numbers of the classes. Other formats than `.lenet` leave such labels out.
    pub fn are_numbered(&self) -> bool {
        self.0.iter().enumerate().all(|(class, label)| *label == class.to_string())
    }

    /// Number of classes, in [2, 64].
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The labels, in order.
    pub fn labels(&self) -> &[String] {
        &self.0
    }

    /// The labels as the text that [`Labels::new`] takes.
    pub fn text(&self) -> String {
        self.0.join("\n")
    }

    /// The label of a class.
    ///
    /// # Panics
    /// When `class` is not below [`count`](Self::count).
    pub fn label(&self, class: usize) -> &str {
        &self.0[class]
    }

    /// The class with this label.
    pub fn find(&self, label: &str) -> Option<usize> {
        self.0.iter().position(|other| other == label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_by_their_labels() {
        let classes = Classes::new(["A", "B", "plus"]).unwrap();
        assert_eq!(
            (classes.count(), classes.label(2), classes.find("B"), classes.find("C")),
            (3, "plus", Some(1), None)
        );
        assert_eq!(Classes::digits().label(9), "9");
    }

    #[test]
    fn a_line_feed_does_not_make_two_labels() {
        assert!(Classes::new(["A\nB", "C"]).unwrap_err().contains("line feed"));
        assert!(Classes::new(["A"]).unwrap_err().contains("2 to 64"));
    }
}
