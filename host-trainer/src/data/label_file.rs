//! `labels.txt`: the labels of the classes of IDX files, one a line.

use crate::classes::Classes;

/// Name of the file beside IDX files that holds the labels of their classes: UTF-8, class 0 on the first line.
pub const LABEL_FILE: &str = "labels.txt";

/// Reads the content of a [`LABEL_FILE`]. A byte-order mark, line ends of Windows, spaces around a label and blank lines
/// at the end are ignored.
///
/// # Errors
/// Describes what is wrong: not UTF-8, a blank line between labels, or labels that break the rules of
/// [`Classes`].
pub fn parse_label_file(bytes: &[u8]) -> Result<Classes, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8; save it in that encoding")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    let labels: Vec<&str> = text.lines().map(str::trim).collect();
    if let Some(blank) = labels.iter().position(|label| label.is_empty()) {
        return Err(format!("line {} is blank, but each line is the label of a class; remove or fill it", blank + 1));
    }
    Classes::new(labels).map_err(|problem| {
        format!("{problem}; write one label a line, each of 1 to 32 bytes and different from the others")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_add_is_ignored() {
        let classes = Classes::new(["T-shirt/top", "お", "two words"]).unwrap();
        for text in [
            "T-shirt/top\nお\ntwo words",
            "T-shirt/top\nお\ntwo words\n",
            "\u{feff}T-shirt/top\r\nお\r\n two words \r\n\r\n  \n\n",
        ] {
            assert_eq!(parse_label_file(text.as_bytes()), Ok(classes.clone()), "{text:?}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let long = format!("A\n{}", "b".repeat(33));
        let many = (0..65).map(|class| format!("{class}\n")).collect::<String>();
        for (text, expected) in [
            (b"A\xff\nB".as_slice(), "not UTF-8"),
            (b"A\n\nB", "line 2 is blank"),
            (b"", "1 labels"),
            (b"A\n", "1 labels"),
            (b"A\nB\nA", "classes 0 and 2 have the same label"),
            (b"A\nB\x07C", "class 1 contains a control character"),
            (long.as_bytes(), "class 1 has 33 bytes"),
            (many.as_bytes(), "65 labels"),
        ] {
            let message = parse_label_file(text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
