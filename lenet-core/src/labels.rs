//! The names of the classes.

use core::fmt;

/// Most classes that a network can have.
pub const MAX_CLASSES: usize = 64;
/// Fewest classes that a network can have.
pub const MIN_CLASSES: usize = 2;
/// Most bytes of a label in UTF-8.
pub const MAX_LABEL_BYTES: usize = 32;

/// The labels of a network's classes, borrowed: 2 to [`MAX_CLASSES`] different names, each of 1 to [`MAX_LABEL_BYTES`]
/// bytes of UTF-8 without control characters.
///
/// The text holds the label of class 0, a line feed, the label of class 1 and so on, without a line feed at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels<'a>(&'a str);

impl<'a> Labels<'a> {
    /// Checks labels that are separated by line feeds.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn new(text: &'a str) -> Result<Self, LabelsError> {
        let labels = Self(text);
        let count = labels.iter().count();
        if !(MIN_CLASSES..=MAX_CLASSES).contains(&count) {
            return Err(LabelsError::Count(count));
        }
        for (class, label) in labels.iter().enumerate() {
            if !(1..=MAX_LABEL_BYTES).contains(&label.len()) {
                return Err(LabelsError::Length { class, bytes: label.len() });
            }
            if label.chars().any(char::is_control) {
                return Err(LabelsError::Control { class });
            }
            if let Some(first) = labels.iter().take(class).position(|earlier| earlier == label) {
                return Err(LabelsError::Repeated { class, first });
            }
        }
        Ok(labels)
    }

    /// Number of classes, in [2, 64].
    #[expect(clippy::len_without_is_empty, reason = "there are at least two")]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The label of a class, or `None` if there is no such class.
    pub fn get(&self, class: usize) -> Option<&'a str> {
        self.iter().nth(class)
    }

    /// The labels in the order of their classes.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split('\n')
    }

    /// The text that [`new`](Self::new) took.
    pub fn text(&self) -> &'a str {
        self.0
    }
}

/// Why a text is not a list of labels. A `class` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelsError {
    /// This many labels.
    Count(usize),
    /// A label has no bytes or too many.
    Length {
        /// The label's class.
        class: usize,
        /// Its bytes.
        bytes: usize,
    },
    /// A label contains a control character.
    Control {
        /// The label's class.
        class: usize,
    },
    /// Two classes have the same label.
    Repeated {
        /// The second class.
        class: usize,
        /// The first class.
        first: usize,
    },
}

impl fmt::Display for LabelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => {
                write!(f, "there are {count} labels, but a network has {MIN_CLASSES} to {MAX_CLASSES} classes")
            }
            Self::Length { class, bytes } => {
                write!(f, "the label of class {class} has {bytes} bytes, but a label has 1 to {MAX_LABEL_BYTES}")
            }
            Self::Control { class } => write!(f, "the label of class {class} contains a control character"),
            Self::Repeated { class, first } => write!(f, "the classes {first} and {class} have the same label"),
        }
    }
}

impl core::error::Error for LabelsError {}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn labels_have_the_order_of_the_lines() {
        let labels = Labels::new("A\nbicycle\nさ").unwrap();
        assert_eq!(labels.len(), 3);
        assert_eq!([0, 1, 2, 3].map(|class| labels.get(class)), [Some("A"), Some("bicycle"), Some("さ"), None]);
    }

    #[test]
    fn every_rule_is_checked() {
        let numbers = |count: usize| (0..count).map(|class| format!("{class}")).collect::<Vec<String>>().join("\n");
        assert_eq!(Labels::new(&numbers(1)), Err(LabelsError::Count(1)));
        assert_eq!(Labels::new(&numbers(2)).unwrap().len(), 2);
        assert_eq!(Labels::new(&numbers(64)).unwrap().len(), 64);
        assert_eq!(Labels::new(&numbers(65)), Err(LabelsError::Count(65)));
        assert_eq!(Labels::new("A\n"), Err(LabelsError::Length { class: 1, bytes: 0 }));
        assert!(Labels::new(&format!("A\n{}", "é".repeat(16))).is_ok());
        let long = format!("A\n{}", "a".repeat(33));
        assert_eq!(Labels::new(&long), Err(LabelsError::Length { class: 1, bytes: 33 }));
        assert_eq!(Labels::new("A\r\nB"), Err(LabelsError::Control { class: 0 }));
        assert_eq!(Labels::new("A\nB\nA"), Err(LabelsError::Repeated { class: 2, first: 0 }));
    }
}
