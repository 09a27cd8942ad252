use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;

/// Something that happened while a data set was fetched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A file already exists with the correct content.
    Kept {
        /// Its name.
        file: &'a str,
    },
    /// A file is requested from a mirror.
    Started {
        /// The file's name.
        file: &'a str,
        /// The mirror's host.
        host: &'a str,
    },
    /// More of the file last started has arrived.
    Received {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in total, if the server said.
        total: Option<u64>,
    },
    /// A mirror did not serve a file. The next one, if any, is tried.
    Failed {
        /// The file's name.
        file: &'a str,
        /// The mirror's host.
        host: &'a str,
        /// What went wrong.
        failure: &'a Failure,
    },
    /// A file was made from what was downloaded.
    Written {
        /// Its name.
        file: &'a str,
    },
    /// A file is complete and verified.
    Finished {
        /// Its name.
        file: &'a str,
        /// Number of bytes received.
        bytes: u64,
        /// The mirror's host.
        host: &'a str,
    },
}

/// Shows a [`bar`] if standard error is a terminal, else writes [`lines`] to it.
pub fn for_stderr() -> Box<dyn FnMut(Event<'_>)> {
    if io::stderr().is_terminal() { Box::new(bar()) } else { Box::new(lines(io::stderr())) }
}

/// Writes a line for each file and for each mirror that failed.
pub fn lines(mut out: impl Write) -> impl FnMut(Event<'_>) {
    move |event| {
        if let Some(line) = line(event) {
            // Failing to report progress must not stop the download.
            let _ = writeln!(out, "{line}");
        }
    }
}

/// Shows a progress bar on standard error while a file arrives, with [`lines`] above it.
pub fn bar() -> impl FnMut(Event<'_>) {
    let mut bar = ProgressBar::hidden();
    let mut lines = lines(io::stderr());
    move |event| {
        match event {
            Event::Started { file, .. } => bar = waiting(file),
            Event::Received { bytes, total } => {
                if let Some(total) = total
                    && bar.length().is_none()
                {
                    bar.set_length(total);
                    bar.set_style(style(LENGTH_KNOWN, ProgressStyle::default_bar));
                }
                bar.set_position(bytes);
            }
            Event::Kept { .. } | Event::Written { .. } | Event::Failed { .. } | Event::Finished { .. } => {
                bar.finish_and_clear();
            }
        }
        lines(event);
    }
}

const LENGTH_UNKNOWN: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";
const LENGTH_KNOWN: &str = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";

fn waiting(file: &str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_message(file.to_owned());
    bar.set_style(style(LENGTH_UNKNOWN, ProgressStyle::default_spinner));
    bar.tick();
    bar
}

fn style(template: &str, otherwise: fn() -> ProgressStyle) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| otherwise())
}

fn line(event: Event<'_>) -> Option<String> {
    match event {
        Event::Kept { file } => Some(format!("{file}: already there and correct")),
        Event::Written { file } => Some(format!("{file}: written")),
        Event::Failed { file, host, failure } => Some(format!("{file}: {host} failed: {failure}")),
        Event::Finished { file, bytes, host } => Some(format!("{file}: {bytes} bytes from {host}")),
        Event::Started { .. } | Event::Received { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_one_line_a_file_and_one_a_failure() {
        let mut out = Vec::new();
        let mut report = lines(&mut out);
        report(Event::Kept { file: "a.gz" });
        report(Event::Started { file: "b.gz", host: "near" });
        report(Event::Failed { file: "b.gz", host: "near", failure: &Failure::Status(404) });
        report(Event::Started { file: "b.gz", host: "far" });
        report(Event::Received { bytes: 3, total: Some(7) });
        report(Event::Finished { file: "b.gz", bytes: 7, host: "far" });
        report(Event::Written { file: "c.txt" });
        drop(report);
        let expected = "a.gz: already there and correct\n\
                        b.gz: near failed: the server answered with status 404\n\
                        b.gz: 7 bytes from far\n\
                        c.txt: written\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn bar_templates_are_valid() {
        for template in [LENGTH_UNKNOWN, LENGTH_KNOWN] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
