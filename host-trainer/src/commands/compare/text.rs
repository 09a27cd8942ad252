//! A comparison as text for people, at most 80 columns wide.

use std::fmt::Write;

use clap::builder::styling::{AnsiColor, Style};

use crate::classes::Classes;
use crate::comparison::{Answer, Changed, Comparison, TensorComparison, Warning};
use crate::data::DataSet;
use crate::numbers::decibels;
use crate::numbers::{count, percent, thousands};

const COLUMNS: usize = 80;
/// How many changed predictions are listed at most.
const LISTED: usize = 20;

const TENSORS_HEADING: [&str; 2] = [
    "              SQNR, dB  error, steps saturated clipped  zeros    q seen   never",
    "tensor  values weights   mean  worst         %       %      %  min..max  active",
];
const CHANGED_HEADING: [&str; 2] = [
    "                          float                       int8",
    "  image  label   class    logit   margin      class    logit   margin  steps",
];

/// The whole report: first the warnings that put every figure in doubt, then the figures, then the other warnings.
pub(super) fn render(comparison: &Comparison, warnings: &[Warning], data: &DataSet, colour: bool) -> String {
    let (first, last): (Vec<&Warning>, Vec<&Warning>) = warnings.iter().partition(|warning| warning.comes_first());
    let mut text = String::new();
    for warning in first {
        text += &warning_lines(warning, colour);
        text.push('\n');
    }
    text += &accuracies(comparison, &data.name);
    text.push('\n');
    for line in TENSORS_HEADING {
        text += line;
        text.push('\n');
    }
    for tensor in &comparison.tensors {
        text += &row(tensor);
    }
    text.push('\n');
    text += &changed(comparison, &data.classes);
    text.push('\n');
    for warning in last {
        text += &warning_lines(warning, colour);
    }
    if warnings.is_empty() {
        text += "no warnings\n";
    }
    text
}

fn accuracies(comparison: &Comparison, data: &str) -> String {
    format!(
        "{} test images of {data}\nfloat  {} ({} right)\nint8   {} ({} right), {:+.2} points\n",
        thousands(comparison.images),
        percent(comparison.float_accuracy),
        thousands(comparison.float_correct),
        percent(comparison.int8_accuracy),
        thousands(comparison.int8_correct),
        // Subtracted from 0.0 so that no loss is printed as +0.00, not -0.00.
        0.0 - comparison.points_lost
    )
}

fn row(tensor: &TensorComparison) -> String {
    let statistics = &tensor.statistics;
    let never = format!("{}/{}", tensor.never_active(), tensor.channels.len());
    let seen = format!("{}..{}", statistics.q_min, statistics.q_max);
    format!(
        "{:<7}{:>7}{:>8}{:>7}{:>7}{:>10.2}{:>8.2}{:>7.1}{:>10}{:>8}\n",
        tensor.tensor.to_string(),
        decibels(statistics.sqnr_db),
        decibels(tensor.weights.sqnr_db),
        steps(statistics.mean_error_steps),
        steps(statistics.worst_error_steps),
        100.0 * statistics.saturated,
        100.0 * tensor.clipped,
        100.0 * statistics.zeros,
        seen,
        never
    )
}

fn steps(steps: f64) -> String {
    if steps < 10.0 {
        format!("{steps:.2}")
    } else if steps < 1e4 {
        format!("{steps:.1}")
    } else {
        format!("{steps:.0e}")
    }
}

fn changed(comparison: &Comparison, classes: &Classes) -> String {
    let changed = &comparison.changed;
    let right = |answer: &Answer, change: &Changed| answer.class == usize::from(change.label);
    let lost = changed.iter().filter(|change| right(&change.float, change)).count();
    let won = changed.iter().filter(|change| right(&change.int8, change)).count();
    let mut text = format!("{} changed", count(changed.len(), "prediction"));
    if changed.is_empty() {
        return text + "\n";
    }
    let _ = writeln!(text, ": {lost} now wrong, {won} now right, {} wrong as before", changed.len() - lost - won);
    for line in CHANGED_HEADING {
        text += line;
        text.push('\n');
    }
    // The columns have room for seven characters.
    let name = |class: usize| classes.label(class).chars().take(7).collect::<String>();
    for change in changed.iter().take(LISTED) {
        let Changed { index, label, float, int8, int8_margin_steps } = change;
        let answer = |answer: &Answer| {
            format!("{:>8}{:>9.2}{:>9.3}", name(answer.class), answer.logits[answer.class], answer.margin)
        };
        let label = name(usize::from(*label));
        let _ = writeln!(text, "{index:>7}{label:>7}{}   {}{int8_margin_steps:>7}", answer(float), answer(int8));
    }
    if changed.len() > LISTED {
        let _ = writeln!(text, "  ... and {} more; --json lists all", thousands(changed.len() - LISTED));
    }
    text
}

/// The warning and, below it, what to try; both wrapped and indented.
fn warning_lines(warning: &Warning, colour: bool) -> String {
    const LABEL: &str = "warning: ";
    let style = if colour { AnsiColor::Yellow.on_default().bold() } else { Style::new() };
    let message = wrap(&warning.to_string(), LABEL.len());
    let advice = wrap(&format!("try: {}", warning.advice()), LABEL.len());
    format!("{style}{LABEL}{style:#}{}{advice}", message.trim_start())
}

/// Wraps text between words to indented lines of at most [`COLUMNS`].
fn wrap(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:indent$}{word}", "")),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_at_80_columns() {
        let text = wrap(&"seven77 ".repeat(30), 9);
        assert_eq!(text.lines().count(), 4);
        assert!(text.lines().all(|line| line.len() <= 80 && line.starts_with("         seven77")), "{text}");
        assert_eq!(text.split_whitespace().count(), 30);
    }

    #[test]
    fn numbers_keep_to_their_columns() {
        assert_eq!([0.123, 9.994, 12.34, 9_999.9, 1.5e8].map(steps), ["0.12", "9.99", "12.3", "9999.9", "2e8"]);
        assert_eq!([40.04, -3.5, f64::INFINITY, f64::NEG_INFINITY].map(decibels), ["40.0", "-3.5", "equal", "-inf"]);
    }

    #[test]
    fn only_a_terminal_gets_colours() {
        let warning = Warning::Disagreement { agreement: 0.13 };
        let plain = warning_lines(&warning, false);
        assert!(plain.starts_with("warning: the networks agree on only 13.0 % of the images"), "{plain}");
        let coloured = warning_lines(&warning, true);
        assert!(coloured.starts_with("\x1b["), "{coloured:?}");
        assert_eq!(coloured.replace("\x1b[1m\x1b[33m", "").replace("\x1b[0m", ""), plain);
    }
}
