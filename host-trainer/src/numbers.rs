//! Formats numbers for people.

/// A fraction as a percentage with two decimals.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// A count with its noun, which gets an s unless the count is 1.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// A number with commas as thousands separators.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A signal-to-quantization-noise ratio in dB, without the unit; `equal` if there is no noise.
pub(crate) fn decibels(sqnr: f64) -> String {
    if sqnr == f64::INFINITY { "equal".into() } else { format!("{sqnr:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 60_000, 1_234_567].map(thousands), ["0", "999", "1,000", "60,000", "1,234,567"]);
        assert_eq!(count(1, "prediction"), "1 prediction");
        assert_eq!(percent(0.98765), "98.77 %");
    }
}
