//! What the first bytes of a file say it is, whatever its name.

/// Longest start that [`is_web_page`] and [`Foreign::of`] look at, bytes.
pub(crate) const START: usize = 1024;

/// A kind of file that people confuse with one that is read here, and that can be recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// HTML, or XML of a server's error message.
    WebPage,
    /// HDF5: Keras' `.h5`, and MATLAB's `.mat` since version 7.3.
    Hdf5,
    /// MATLAB's `.mat`, older versions.
    Matlab,
    /// A single NumPy array.
    Npy,
    /// A bare Python pickle, as pickle.dump writes it.
    Pickle,
    /// Apache Parquet, the format of Hugging Face's data sets.
    Parquet,
    /// AVIF, an image.
    Avif,
    /// HEIC, an image, as phones save it.
    Heic,
    /// JPEG XL, an image.
    JpegXl,
    /// PDF.
    Pdf,
    /// SVG, a drawing.
    Svg,
    /// 7-Zip, RAR, xz, bzip2 or Zstandard.
    Packed,
    /// A pointer of Git LFS in place of the file.
    LfsPointer,
}

impl Foreign {
    /// The kind of a file, from its start.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        let start = &start[..start.len().min(START)];
        let brand = || start.get(4..8) == Some(b"ftyp");
        let has_brand = |brands: &[&[u8; 4]]| {
            let listed = start.get(8..).unwrap_or_default().as_chunks::<4>().0;
            brand() && listed.iter().take(8).any(|found| brands.contains(&found))
        };
        Some(match start {
            _ if is_svg(start) => Self::Svg,
            _ if is_web_page(start) => Self::WebPage,
            [0x89, b'H', b'D', b'F', ..] => Self::Hdf5,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Self::Npy,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [b'%', b'P', b'D', b'F', ..] => Self::Pdf,
            [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => Self::JpegXl,
            _ if start.starts_with(b"MATLAB 5.0 MAT-file") => Self::Matlab,
            _ if start.starts_with(b"version https://git-lfs") => Self::LfsPointer,
            _ if has_brand(&[b"avif", b"avis"]) => Self::Avif,
            _ if has_brand(&[b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"]) => Self::Heic,
            _ if [b"7z\xbc\xaf\x27\x1c".as_slice(), b"Rar!", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd"]
                .iter()
                .any(|magic| start.starts_with(magic)) =>
            {
                Self::Packed
            }
            [0x80, 2..=5, ..] => Self::Pickle,
            _ => return None,
        })
    }

    /// What it is, in words that follow "it is".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebPage => "a web page",
            Self::Hdf5 => "an HDF5 file",
            Self::Matlab => "a MATLAB file",
            Self::Npy => "a NumPy array (.npy)",
            Self::Pickle => "a Python pickle",
            Self::Parquet => "a Parquet file",
            Self::Avif => "an AVIF image",
            Self::Heic => "a HEIC image",
            Self::JpegXl => "a JPEG XL image",
            Self::Pdf => "a PDF file",
            Self::Svg => "an SVG drawing",
            Self::Packed => "packed with 7-Zip, RAR, xz, bzip2 or Zstandard",
            Self::LfsPointer => "a pointer of Git LFS, not the file itself",
        }
    }
}

/// What to do about a web page in place of a file.
pub(crate) const WEB_PAGE_REMEDY: &str = "its link led to a page about the file, so download the file itself";
/// What to do about a pointer of Git LFS in place of a file.
pub(crate) const LFS_REMEDY: &str = "fetch it with `git lfs pull`";

/// Whether the bytes start like a web page, or like the XML that servers answer errors with.
pub(crate) fn is_web_page(bytes: &[u8]) -> bool {
    let text = after_blanks(bytes);
    ["<!doctype html", "<html", "<head", "<body", "<?xml", "<error", "<!--"].iter().any(|tag| starts_with(text, tag))
        && !is_svg(bytes)
}

fn is_svg(bytes: &[u8]) -> bool {
    let text = after_blanks(bytes);
    let xml = starts_with(text, "<?xml") || starts_with(text, "<!--") || starts_with(text, "<!doctype svg");
    let head = &text[..text.len().min(START)];
    starts_with(text, "<svg") || xml && head.windows(4).any(|window| window == b"<svg")
}

fn after_blanks(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start()
}

fn starts_with(text: &[u8], tag: &str) -> bool {
    text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognized_by_their_start() {
        for (start, expected) in [
            (b"<!DOCTYPE html>\n<html>".as_slice(), Some(Foreign::WebPage)),
            (b"\xef\xbb\xbf\r\n  <HTML lang=en>", Some(Foreign::WebPage)),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied", Some(Foreign::WebPage)),
            (b"<?xml version=\"1.0\"?>\n<svg width=\"2\">", Some(Foreign::Svg)),
            (b"<svg>", Some(Foreign::Svg)),
            (b"\x89HDF\r\n\x1a\n", Some(Foreign::Hdf5)),
            (b"\x93NUMPY\x01\0", Some(Foreign::Npy)),
            (b"\x80\x04\x95", Some(Foreign::Pickle)),
            (b"PAR1\x15", Some(Foreign::Parquet)),
            (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", Some(Foreign::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Foreign::Heic)),
            (b"\0\0\0\x1cftypmp42\0\0\0\0isom", None),
            (b"MATLAB 5.0 MAT-file Platform: posix", Some(Foreign::Matlab)),
            (b"version https://git-lfs.github.com/spec/v1\n", Some(Foreign::LfsPointer)),
            (b"\xfd7zXZ\0", Some(Foreign::Packed)),
            (b"\0\0\x08\x03", None),
            (b"\x89PNG\r\n\x1a\n", None),
            (b"PK\x03\x04", None),
            (b"label,pixel0", None),
            (b"", None),
        ] {
            assert_eq!(Foreign::of(start), expected, "{:?}", start.escape_ascii().to_string());
        }
    }
}
