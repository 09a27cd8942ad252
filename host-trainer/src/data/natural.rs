//! Natural order of names: `2` before `10`, and `b` between `A` and `C`.

use std::cmp::Ordering;

/// A part of a name. Numbers come before letters.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A run of ASCII digits without leading zeros: how many, so that longer numbers are larger, and which.
    Number(usize, String),
    /// Any other character, in lower case.
    Character(char),
}

/// Compares two names: numbers in them by value, then letters without regard to case. Names that are then still equal
/// are in the order of their bytes, so that the order is the same on every computer.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

fn parts(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let number = rest[..digits].trim_start_matches('0').to_owned();
            parts.push(Part::Number(number.len(), number));
            rest = &rest[digits..];
        } else {
            parts.extend(first.to_lowercase().map(Part::Character));
            rest = &rest[first.len_utf8()..];
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_a_person_expects() {
        let expected = [
            "0",
            "00",
            "01",
            "1",
            "2",
            "10",
            "18446744073709551616",
            "+",
            "A",
            "a",
            "a1",
            "a2b",
            "a10",
            "a10b",
            "b",
            "B2",
            "circle",
            "plus",
            "Zebra",
            "Ä",
            "ä",
            "さ",
            "し",
        ];
        for shift in 0..expected.len() {
            let mut names = expected;
            names.rotate_left(shift);
            names.reverse();
            names.sort_by(|a, b| natural(a, b));
            assert_eq!(names, expected);
        }
    }
}
