//! What the exports as C and as Rust source share.

use std::fmt::{Arguments, Display, Write};

use lenet_core::Model;

/// Longest line of numbers, characters.
const LINE: usize = 100;

/// Appends text.
pub(super) fn write_text(text: &mut String, arguments: Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string succeeds");
}

/// Values with a comma after each, in indented lines of up to [`LINE`] characters.
pub(super) fn rows(values: &[impl Display]) -> String {
    const INDENT: &str = "    ";
    let mut text = String::new();
    let mut line = String::from(INDENT);
    for value in values {
        let item = format!("{value},");
        if line.len() + 1 + item.len() > LINE {
            text += &line;
            text.push('\n');
            line.truncate(INDENT.len());
        }
        if line.len() > INDENT.len() {
            line.push(' ');
        }
        line += &item;
    }
    text + &line + "\n"
}

/// Where a model comes from, as lines for a comment.
pub(super) fn provenance(model: &Model<'_>) -> Vec<String> {
    let description = model.description();
    let percent = |accuracy: Option<f32>| accuracy.map_or("unknown".into(), |a| format!("{:.2} %", 100.0 * a));
    let seed = description.seed.map_or("unknown".into(), |seed| seed.to_string());
    vec![
        format!("Trained on: {} (seed {seed})", harmless(description.data_set)),
        format!(
            "Test accuracy: float {}, int8 {}",
            percent(description.float_accuracy),
            percent(description.int8_accuracy)
        ),
        format!("Pools: {}, {}", model.pool1(), model.pool2()),
        format!("Quantized by: {}", harmless(description.tool)),
    ]
}

/// The text without characters that could end a comment, continue a line or cause a compiler warning.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || " .,:;+-_()=%".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_every_value_and_are_short() {
        let values: Vec<i32> = (-500..500).collect();
        let text = rows(&values);
        assert!(text.lines().all(|line| line.len() <= LINE && line.starts_with("    ")));
        let read: Vec<i32> = text.split(',').filter_map(|item| item.trim().parse().ok()).collect();
        assert_eq!(read, values);
    }

    #[test]
    fn text_of_a_file_cannot_leave_its_comment() {
        assert_eq!(
            harmless("a*/b\n??/\\ \u{2028}\"c.d-e 5 %"),
            "a__b_______ __c.d-e 5 %".replace("_______ __", "_____ __")
        );
    }
}
