//! The file of EMNIST that maps classes to characters.

use crate::classes::Classes;

/// The content of `emnist-SET-mapping.txt`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// The number of the first class in the label files: 1 in the set `letters`, else 0.
    pub(super) first: u8,
    /// The classes. A letter's class is labelled with its capital if it holds both forms.
    pub(super) classes: Classes,
}

impl Mapping {
    /// Reads lines of the form `CLASS CODEPOINT [CODEPOINT]`, decimal numbers, of which the first code point becomes the
    /// label.
    ///
    /// # Errors
    /// Names the first line that has another form, or says what is wrong with the labels.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text; get a fresh copy of the file")?;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let first = lines.first().and_then(|line| entry(line)).map_or(0, |(class, _)| class);
        let mut labels = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let expected = usize::from(first) + index;
            let (_, label) = entry(line).filter(|(class, _)| usize::from(*class) == expected).ok_or_else(|| {
                format!(
                    "line {} must be class {expected} and the code of its character; get a fresh copy of the file",
                    index + 1
                )
            })?;
            labels.push(label.to_string());
        }
        Ok(Self { first, classes: Classes::new(labels)? })
    }
}

fn entry(line: &str) -> Option<(u8, char)> {
    let mut numbers = line.split_ascii_whitespace();
    let class = numbers.next()?.parse().ok()?;
    let character = char::from_u32(numbers.next()?.parse().ok()?)?;
    numbers.all(|number| number.parse::<u32>().is_ok()).then_some((class, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_its_classes() {
        let letters = Mapping::parse(b"1 65 97\r\n2 66 98\r\n3 67 99\r\n").unwrap();
        assert_eq!(letters, Mapping { first: 1, classes: Classes::new(["A", "B", "C"]).unwrap() });
        let balanced = Mapping::parse(b"0 57\n1 65\n2 97\n\n").unwrap();
        assert_eq!(balanced, Mapping { first: 0, classes: Classes::new(["9", "A", "a"]).unwrap() });
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("0 48\n2 50", "line 2 must be class 1"),
            ("0 48\n1", "line 2 must be class 1"),
            ("0 48\n1 x", "line 2 must be class 1"),
            ("0 48\n1 50 x", "line 2 must be class 1"),
            ("0 48\n1 1114112", "line 2 must be class 1"),
            ("hello", "line 1 must be class 0"),
            ("0 48\n1 48", "same label"),
            ("0 48\n1 10", "line feed"),
            ("0 48", "1 labels"),
            ("", "1 labels"),
        ] {
            let message = Mapping::parse(text.as_bytes()).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }
}
