//! Tables of images: one line for each, with its label and 784 pixels, as Kaggle and OpenML have MNIST.

use std::io::{BufRead, BufReader, Read};

use lenet_core::architecture::IMAGE_BYTES;
use ndarray::{Array1, Array2};

use super::idx::unpacked;
use crate::content::is_web_page;
use crate::input::{Limit, web_page};

/// Longer than any line: 785 numbers with separators, some of them written as `255.0`, or a header of long names.
const MAX_LINE: u64 = 1 << 15;
/// Titles of the column with the label.
const LABEL_TITLES: [&str; 6] = ["label", "class", "target", "y", "digit", "letter"];
/// Titles of a column that only counts the lines.
const INDEX_TITLES: [&str; 5] = ["", "id", "index", "imageid", "unnamed: 0"];

/// What a table holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Table {
    /// Images (`[N, 784]`) and their labels (`[N]`).
    Images(Array2<u8>, Array1<u8>),
    /// Images without labels, as Kaggle's `test.csv`.
    Unlabelled,
    /// Something else; this many columns.
    Other(usize),
}

/// Where the label is in a line, and how many columns come before the pixels besides it.
#[derive(Clone, Copy)]
struct Columns {
    label: Option<usize>,
    index: Option<usize>,
    count: usize,
}

/// Reads a table, gzipped or not. Its columns are the label and 784 pixels from 0 to 255, separated by commas,
/// semicolons or tabs. Without a header, the label comes first.
///
/// # Errors
/// Describes the first line that is wrong, counted from 1.
pub fn read_table(stream: impl BufRead) -> Result<Table, String> {
    let mut lines = BufReader::new(unpacked(stream)?);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut columns = None;
    let mut line = Vec::new();
    for number in 1usize.. {
        line.clear();
        (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line).map_err(|error| format!("line {number}: {error}"))?;
        if line.is_empty() {
            break;
        }
        if number == 1 && is_web_page(&line) {
            return Err(web_page("a table"));
        }
        if line.len() as u64 == MAX_LINE {
            return if number == 1 { Ok(Table::Other(0)) } else { Err(format!("line {number} is too long")) };
        }
        let text = std::str::from_utf8(&line).map_err(|_| format!("line {number} is not text"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        if text.is_empty() {
            continue;
        }
        let separator =
            *[',', ';', '\t'].iter().max_by_key(|separator| text.matches(**separator).count()).unwrap_or(&',');
        let fields: Vec<&str> = text.split(separator).map(|field| field.trim().trim_matches('"')).collect();
        let Some(columns) = columns else {
            let Some(found) = Columns::of(&fields) else { return Ok(Table::Other(fields.len())) };
            if found.label.is_none() {
                return Ok(Table::Unlabelled);
            }
            columns = Some(found);
            if fields.iter().all(|field| byte(field).is_some()) {
                read_line(found, &fields, &mut pixels, &mut labels)
                    .map_err(|problem| format!("line {number}: {problem}"))?;
            }
            continue;
        };
        if labels.len() == Limit::MAX_IMAGES {
            return Err(format!("it has more than {} lines, more than a data set can need", Limit::MAX_IMAGES));
        }
        read_line(columns, &fields, &mut pixels, &mut labels).map_err(|problem| format!("line {number}: {problem}"))?;
    }
    if columns.is_none() {
        return Ok(Table::Other(0));
    }
    let images = Array2::from_shape_vec((labels.len(), IMAGE_BYTES), pixels).map_err(|error| error.to_string())?;
    Ok(Table::Images(images, labels.into()))
}

impl Columns {
    /// The columns of a table with this first line: a header, or numbers.
    fn of(fields: &[&str]) -> Option<Self> {
        let count = fields.len();
        if fields.iter().all(|field| byte(field).is_some()) {
            return match count {
                785 => Some(Self { label: Some(0), index: None, count }),
                IMAGE_BYTES => Some(Self { label: None, index: None, count }),
                _ => None,
            };
        }
        let titles: Vec<String> = fields.iter().map(|field| field.to_lowercase()).collect();
        let label = titles.iter().position(|title| LABEL_TITLES.contains(&title.as_str()));
        let index = titles.first().filter(|title| INDEX_TITLES.contains(&title.as_str())).map(|_| 0);
        let others = usize::from(label.is_some()) + usize::from(index.is_some());
        (count - others == IMAGE_BYTES).then_some(Self { label, index, count })
    }
}

fn read_line(columns: Columns, fields: &[&str], pixels: &mut Vec<u8>, labels: &mut Vec<u8>) -> Result<(), String> {
    if fields.len() != columns.count {
        return Err(format!("it has {} columns, but the first line has {}", fields.len(), columns.count));
    }
    for (column, field) in fields.iter().enumerate() {
        if columns.index == Some(column) {
            continue;
        }
        let value = byte(field).ok_or_else(|| {
            let field: String = field.chars().filter(|c| !c.is_control()).take(20).collect();
            format!("column {} is \"{field}\", but labels and pixels must be whole numbers from 0 to 255", column + 1)
        })?;
        if columns.label == Some(column) { labels.push(value) } else { pixels.push(value) }
    }
    Ok(())
}

/// A number from 0 to 255, possibly written as a decimal fraction, such as `253.0`.
fn byte(field: &str) -> Option<u8> {
    let whole = match field.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return None,
        None => field,
    };
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: Option<u8>, pixel: u8) -> String {
        let pixels = vec![pixel.to_string(); IMAGE_BYTES].join(",");
        label.map_or(pixels.clone(), |label| format!("{label},{pixels}"))
    }

    fn titles(names: &[&str]) -> String {
        let pixels: Vec<String> = (0..IMAGE_BYTES).map(|pixel| format!("pixel{pixel}")).collect();
        [names, &pixels.iter().map(String::as_str).collect::<Vec<_>>()].concat().join(",")
    }

    fn images(table: Result<Table, String>) -> (Vec<u8>, Vec<u8>) {
        match table.unwrap() {
            Table::Images(images, labels) => (images.rows().into_iter().map(|row| row[783]).collect(), labels.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tables_with_and_without_headers_are_read() {
        let plain = format!("{}\n{}\r\n\n", line(Some(7), 1), line(Some(2), 255));
        let expected = (vec![1, 255], vec![7, 2]);
        assert_eq!(images(read_table(plain.as_bytes())), expected);
        let titled = format!("\u{feff}{}\n{plain}", titles(&["label"]));
        assert_eq!(images(read_table(titled.as_bytes())), expected);
        assert_eq!(images(read_table(titled.replace(',', ";").as_bytes())), expected);
        let counted = format!("{}\n0,{}\n1,{}", titles(&["", "label"]), line(Some(7), 1), line(Some(2), 255));
        assert_eq!(images(read_table(counted.as_bytes())), expected);
        let last = format!("{},class\n{},7.0\n{},2", titles(&[]), line(None, 1), line(None, 255));
        assert_eq!(images(read_table(last.as_bytes())), expected);
    }

    #[test]
    fn other_tables_are_told_apart() {
        let test = format!("{}\n{}", titles(&[]), line(None, 1));
        assert_eq!(read_table(test.as_bytes()), Ok(Table::Unlabelled));
        assert_eq!(read_table(line(None, 1).as_bytes()), Ok(Table::Unlabelled));
        assert_eq!(read_table(b"ImageId,Label\n1,0\n".as_slice()), Ok(Table::Other(2)));
        assert_eq!(read_table(b"".as_slice()), Ok(Table::Other(0)));
        let mut endless = BufReader::new(std::io::repeat(b'1'));
        assert_eq!(read_table(&mut endless), Ok(Table::Other(0)));
        let plain = format!("{}\n", line(Some(7), 1));
        for (text, expected) in [
            (format!("{plain}1,2\n"), "line 2: it has 2 columns, but the first line has 785"),
            (format!("{plain}{}", plain.replace(",1\n", ",0.5\n")), "line 2: column 785 is \"0.5\""),
            (format!("{plain}{}", plain.replace(",1\n", ",256\n")), "line 2: column 785 is \"256\""),
            ("<!doctype html>\n".into(), "it is a web page, not a table"),
        ] {
            let message = read_table(text.as_bytes()).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
